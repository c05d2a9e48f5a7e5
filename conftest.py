"""Settings for pytest and nbval, for the tests and for the notebooks alike."""

import os
import shutil
import tempfile

# No test touches the user's cache, and notebooks run as they are published: quietly.
CACHE = os.environ["AELIB_CACHE"] = tempfile.mkdtemp(prefix="aelib-test-cache-")
os.environ["TQDM_DISABLE"] = "1"
# Two test processes run at once; each keeps to one core.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_collectstart(collector):
    # nbval compares printed text. What it cannot compare across machines: progress and
    # warnings on stderr, and pictures, whose bytes depend on versions of libraries.
    if hasattr(collector, "skip_compare"):
        collector.skip_compare += ("stderr", "image/png", "image/svg+xml", "text/html")


def pytest_unconfigure(config):
    shutil.rmtree(CACHE, ignore_errors=True)
