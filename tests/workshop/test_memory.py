import subprocess
import sys

import pytest

from aelib.workshop import memory

ASK = "from aelib.workshop.memory import peak_megabytes; print(peak_megabytes())"


def peak_of(code):
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return float(done.stdout)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell")
def test_a_process_tells_its_own_peak_and_not_that_of_the_one_that_started_it():
    ballast = b"x" * 400_000_000
    assert memory.peak_megabytes() > len(ballast) / 1e6
    small = peak_of(ASK)
    assert small < 100
    large = peak_of(f"held = b'x' * 200_000_000; del held; {ASK}")
    assert large == pytest.approx(small + 200, abs=20), "what was given back counts, too"
