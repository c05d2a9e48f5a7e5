"""The library behind the autoencoder course, in the order in which to read it.

`tones` and `prepare` turn a reader's own picture into one like MNIST's. `data` holds MNIST, and the
one door through which images come. `hangul` draws letters whose strokes are known, in their place.
`models` is the network, with six ways to enlarge, and the judge that reads what it draws. `optim`
has the recipes for training, and Muon. `training` is `fit`, with its losses. `metrics` measures
what a model redraws and what is in its codes. `checkerboards` and `strokes` are the measures of
notebooks 4 and 3, `detection` finds strange digits. `intervals` says how sure a difference is, and
prints tables. `zoo` loads the trained models and what was recorded of them. `plotting` and `charts`
draw, `explorer` makes the figures that one can play with.

Each imports only what comes before it. What only the course's makers run is in `workshop`, which
none of them imports; the commands are in `__main__`: `python -m aelib --help`.
"""

__version__ = "2.1.0"


class AelibError(Exception):
    """A file is missing or is not what was recorded; one line that says which command mends it.

    The command line prints the line alone. Whatever else is raised keeps its traceback: ValueError
    for data that would give a wrong number in silence, and Python's or torch's own errors.
    """
