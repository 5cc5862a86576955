"""SIGTERM: a worker finishes the step under way and begins no other; a command ends at once, in its flows too."""

from __future__ import annotations

import subprocess
import sys

import pytest

WORKER = """
import os, signal
from tasks.machine.stop import refuse_when_stopping, stop_at_sigterm
from tasks.records.errors import StoppedError
stop_at_sigterm()
refuse_when_stopping()
os.kill(os.getpid(), signal.SIGTERM)
print("goes on", flush=True)
try:
    refuse_when_stopping()
except StoppedError as stopped:
    print(stopped.what, flush=True)
os.kill(os.getpid(), signal.SIGTERM)
print("never")
"""
COMMAND = """
import os, signal
from flows.terminal.interrupt import stopping_at_once
from tasks.machine.ending import notifying_threads
from tasks.machine.stop import leaving_sigterm, stop_at_sigterm
with stopping_at_once(), notifying_threads(), leaving_sigterm():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # as Prefect has its own way in a flow
    stop_at_sigterm()
    os.kill(os.getpid(), signal.SIGTERM)
    print("never", flush=True)
"""


@pytest.mark.parametrize(
    ("code", "said", "ends"), [(WORKER, "goes on\nA stop was requested.\n", -15), (COMMAND, "", 143)]
)
def test_what_sigterm_does(code: str, said: str, ends: int) -> None:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.returncode) == (said, ends), done.stderr
