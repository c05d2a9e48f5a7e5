"""Makes a Dask worker train the tiny zoo: dask worker ... --preload tests/dask_preload.py."""

import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))


def dask_setup(worker):
    """Called by Dask when the worker starts."""
    import tiny_zoo

    import aelib

    aelib.__version__ = os.environ.get("AELIB_TEST_VERSION", aelib.__version__)
    sweep = tiny_zoo.install(Path(tempfile.mkdtemp(dir=os.environ["AELIB_CACHE"])))
    mark = Path(os.environ.get("AELIB_TEST_DIE_ONCE", ""))
    if mark.name:
        train_run = sweep.train_run

        def dying(*arguments, **options):
            if not mark.exists():
                mark.touch()
                os._exit(9)  # as a machine does that is switched off
            return train_run(*arguments, **options)

        sweep.train_run = dying
    else:  # slow enough for the other one to get a run
        train_run = sweep.train_run

        def patient(*arguments, **options):
            time.sleep(0.5)
            return train_run(*arguments, **options)

        sweep.train_run = patient
