"""What only the makers of the course run: training the zoo, measuring, publishing.

A reader needs nothing of this. `experiments` is the table of runs. `batch_last` makes training
faster, `comparing` and `measuring` say what is recorded of a model, and `records` writes it down.
`sweep` trains what is missing, `tuning` tries step sizes, `benchmark` takes the time. `readme`,
`figures`, `notebooks`, `translate` and `book` publish.
"""

from pathlib import Path

COURSE = Path(__file__).parents[2]
NOTEBOOKS = sorted((COURSE / "notebooks").glob("*.ipynb"))  # in English, in order
