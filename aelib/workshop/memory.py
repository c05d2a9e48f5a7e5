"""How much memory a process has held at most."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

STATUS = Path("/proc/self/status")


def peak_megabytes() -> float | None:
    """Return the most memory that this process has held so far; None on Windows.

    On Linux `getrusage` gives a process that has just begun the peak of the one that started
    it. The system's own status file begins anew, so it is asked where there is one.
    """
    with suppress(OSError):  # only Linux has this file
        for line in STATUS.read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
