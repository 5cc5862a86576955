"""A process that is killed at any of ten points of a job leaves nothing that is paid for twice, and nothing lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.lipsync.hosted import jobs, public, receipt_path
from tasks.records.errors import PermanentError
from tests.lipsync.hosted.hosted_clips import Bench, Clips, bench

#: What a job writes, in this order: what it asks for, the id it was given, the receipt.
INTENT, ID, RECEIPT = 1, 2, 3
POINTS = {
    "before the upload": ("upload", "before"),
    "after the upload": (INTENT, "before"),
    "after the create is sent": ("create", "after"),
    "after the create is answered": (ID, "before"),
    "after the id is written": (ID, "after"),
    "during a poll": ("poll", "before"),
    "when it is done": ("poll", "after"),
    "during the download": ("download", "middle"),
    "after the download": (RECEIPT, "before"),
    "after the receipt": (RECEIPT, "after"),
}
#: Providers that cannot prove that a job was never made; the second sort lists it once it has ended.
NO_PROOF, FINDS_ENDED = {"fal", "pixverse", "veed"}, {"fal"}
ONE_MODEL = {
    "replicate": "sync-lipsync-2",
    "fal": "sync-lipsync-2",
    "sync": "sync-react-1",
    "heygen": "heygen-lipsync-speed",
    "comfyui": "kling-lip-sync",
    "pixverse": "pixverse-lipsync",
    "veed": "veed-fabric-1.0",
    "kling": "kling-lip-sync",
}


#: Those that share their way to find a job again with another provider.
ALIKE = {"sync", "comfyui", "veed", "kling"}


@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.slow if name in ALIKE else ()) for name in ONE_MODEL])
def made(
    request: pytest.FixtureRequest, clips: Clips, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bench]:
    with bench(ONE_MODEL[request.param], request.param, clips, tmp_path, monkeypatch) as ready:
        yield ready


def killed_at(made: Bench, point: str) -> None:
    """Run the job in a child that dies there."""
    what, when = POINTS[point]
    read, gate = os.pipe()
    child = os.fork()
    if not child:
        os.read(read, 1)
        if isinstance(what, int):
            _die_at_write(what, when)
        elif what == "upload" and made.provider == "veed":  # whose files are laid into a folder
            public.publish = lambda path: os.kill(os.getpid(), signal.SIGKILL)
        try:
            made.run("first.mp4")
        finally:
            os._exit(0)
    if isinstance(what, str):
        made.world.kill = (what, when)
    made.world.victim = child
    os.write(gate, b".")
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"the job never came to {point}"
    os.close(read)
    os.close(gate)


def _die_at_write(number: int, when: str) -> None:
    write, count = jobs._write, 0

    def dying(path: Path, values: dict[str, object]) -> None:
        nonlocal count
        count += 1
        if (count, when) == (number, "before"):
            os.kill(os.getpid(), signal.SIGKILL)
        write(path, values)
        if (count, when) == (number, "after"):
            os.kill(os.getpid(), signal.SIGKILL)

    jobs._write = dying


@pytest.mark.parametrize("point", POINTS)
def test_the_next_run_finds_the_job(made: Bench, point: str) -> None:
    made.world.polls = 0 if point == "when it is done" else 1
    killed_at(made, point)
    unknown = point in ("after the create is sent", "after the create is answered")
    if unknown and made.provider in NO_PROOF:
        with pytest.raises(PermanentError, match="may be running and billed"):
            made.run()
        if made.provider not in FINDS_ENDED:
            assert made.world.paid == 1
            return
        next(iter(made.world.jobs.values())).polls = 9  # it ends meanwhile
    assert made.run() == made.clips.result
    assert made.world.paid == 1
    assert receipt_path(made.folder / "out.mp4").exists()
    asked = len(made.world.asked)
    assert made.run("again.mp4") == made.clips.result
    assert len(made.world.asked) == asked
