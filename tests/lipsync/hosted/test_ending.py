"""A termination reaches the main thread alone: jobs in other threads are cancelled before the process ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.lipsync.hosted.hosted_clips import Clips, bench

CHILD = """
import signal, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tasks.machine.ending import raise_if_ending, delaying_signals, notifying_threads
from tasks.lipsync.hosted import HostedReanimator

def made(out):
    with delaying_signals():
        HostedReanimator("sync-lipsync-2", {options!r}).reanimate(
            Path({picture!r}), Path({speech!r}), Path(out), lambda share: raise_if_ending())

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts what it puts behind with it ignored
with notifying_threads(), ThreadPoolExecutor(2) as pool:
    pool.submit(made, {out!r}).result()
"""


@pytest.mark.parametrize(("number", "ends"), [(signal.SIGTERM, -signal.SIGTERM), (signal.SIGINT, -signal.SIGINT)])
def test_a_signal_cancels_what_threads_wait_for(
    clips: Clips, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, ends: int
) -> None:
    with bench("sync-lipsync-2", "replicate", clips, tmp_path, monkeypatch) as made:
        made.world.polls = 10**6
        files = {"picture": str(clips.shot), "speech": str(clips.speech), "out": str(tmp_path / "out.mp4")}
        code = CHILD.format(options={**made.options, "deadline_s": 60.0}, **files)
        child = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, env=dict(os.environ))
        until = time.monotonic() + 120
        while not made.world.count("poll") and time.monotonic() < until:
            time.sleep(0.02)
        child.send_signal(number)
        _, said = child.communicate(timeout=60)
        assert child.returncode == ends, said.decode()
        assert (made.world.paid, made.world.count("cancel")) == (1, 1)
        made.world.polls = 0
        assert made.run() == clips.result
        assert made.world.paid == 2  # the first was cancelled, and is not waited for
