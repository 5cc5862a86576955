"""Programs are started while other threads of the process multiply matrices, as in a night of many branches."""

from __future__ import annotations

import os
import subprocess
import sys

_BUSY = """
import os, threading
import numpy
from tasks.machine import process

matrix = numpy.random.default_rng(0).random((300, 300))

def multiply():
    while True:
        matrix @ matrix

for _ in range(3):
    threading.Thread(target=multiply, daemon=True).start()
for _ in range(100):
    process.capture(["true"])
    process.run(["true"])
os._exit(7)
"""


def test_a_program_starts_while_numpy_is_busy_in_other_threads():
    """A fork in which Python runs before exec waits for ever for OpenBLAS's threads: a night stood still over it."""
    several = {**os.environ, "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}
    done = subprocess.run([sys.executable, "-c", _BUSY], env=several, timeout=100, check=False)
    assert done.returncode == 7
