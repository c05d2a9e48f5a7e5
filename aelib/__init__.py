"""The library behind the autoencoder course.

`MODULES` lists what a reader of the course meets, in reading order: each module imports only
modules before it. What only the makers of the course run is in `aelib.workshop`, which
nothing here imports. The commands are in `aelib.__main__`: `python -m aelib --help`.
"""

__version__ = "1.1.0"

MODULES = (
    "files",
    "checks",
    "prepare",
    "data",
    "models",
    "optim",
    "states",
    "training",
    "metrics",
    "checkerboards",
    "strokes",
    "detection",
    "baselines",
    "intervals",
    "tables",
    "experiments",
    "zoo",
    "packing",
    "plotting",
    "architecture",
    "explorer",
    "widgets",
)


class AelibError(Exception):
    """Something that the user can mend, in one line that says how.

    The command line prints the line alone. Whatever else is raised is a bug, or a wrong
    call from Python, and keeps its traceback.
    """
