"""Store-first steps: computed once, found afterwards, told to whoever listens."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from configs.profile import load_profile
from tasks.keep.assets import path_of
from tasks.records.errors import DiskFullError, PermanentError, ProcessFailedError, TransientError, is_transient
from tasks.records.model import Asset, Run, Title
from tasks.records.progress import StepEvent, listening
from tasks.step.run import Made, Work, remember


@pytest.fixture
def run(tmp_path: Path) -> Run:
    video = Asset(uri="/nowhere/talk.mp4", sha256="0" * 64, bytes=1)
    title = Title(name="talk", video=video, source="talk.mp4", folder=str(tmp_path / "out"), languages=("es",))
    return Run(title=title, profile=load_profile("fake"), store=str(tmp_path / "store"))


def write(work: Work) -> Made:
    path = work.folder / "x.txt"
    path.write_text("made")
    return Made(outputs={"x": path}, value=[1], notes=("rough",))


def test_a_step_is_computed_once_and_found_afterwards(run: Run) -> None:
    calls = []

    def compute(work: Work) -> Made:
        calls.append(work)
        return write(work)

    first = remember(run, "mix", 1, compute, inputs={"a": 1})
    second = remember(run, "mix", 1, compute, inputs={"a": 1})
    assert len(calls) == 1
    assert (first.reused, second.reused) == (False, True)
    assert second.outputs == first.outputs
    assert second.notes == ("rough",)
    assert not calls[0].folder.exists()


def test_another_input_is_another_result(run: Run) -> None:
    assert remember(run, "mix", 1, write, inputs={"a": 1}).key != remember(run, "mix", 1, write, inputs={"a": 2}).key


def test_a_step_whose_file_was_lost_is_computed_again(run: Run) -> None:
    path_of(remember(run, "mix", 1, write).outputs["x"]).unlink()
    assert not remember(run, "mix", 1, write).reused


def test_a_failed_step_leaves_nothing_and_names_itself(run: Run) -> None:
    def fail(work: Work) -> Made:
        (work.folder / "half").write_text("x")
        raise PermanentError("No voice speaks that.")

    with pytest.raises(PermanentError) as caught:
        remember(run, "synthesize", 1, fail)
    assert caught.value.data["step"] == "synthesize"
    assert not list((Path(run.store) / "tmp").iterdir())
    assert not remember(run, "synthesize", 1, write).reused


def test_listeners_are_told_of_each_state_with_title_and_language(run: Run) -> None:
    heard: list[StepEvent] = []
    with listening(heard.append):
        remember(run.branch("es"), "mix", 1, write)
        remember(run.branch("es"), "mix", 1, write)
    assert [(event.language, event.step, event.state) for event in heard] == [
        ("es", "mix", "started"),
        ("es", "mix", "computed"),
        ("es", "mix", "reused"),
    ]


def test_only_what_may_pass_is_tried_again() -> None:
    assert is_transient(TransientError("busy"))
    assert is_transient(ConnectionResetError())
    assert not is_transient(PermanentError("no"))
    assert not is_transient(OSError(28, "No space left on device"))


@pytest.mark.parametrize(
    "met",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        ProcessFailedError("ffmpeg ended with code 1: Conversion failed!", log="av_write: No space left on device\nx"),
    ],
)
def test_a_full_disk_is_said_plainly_nothing_is_kept_and_the_branch_is_not_to_blame(run: Run, met: Exception) -> None:
    def compute(work: Work) -> Made:
        (work.folder / "half").write_text("ha")
        raise met

    with pytest.raises(DiskFullError, match="no room left") as caught:
        remember(run, "mix", 1, compute)
    assert caught.value.data["step"] == "mix"
    assert is_transient(caught.value)
    assert not list((Path(run.store) / "tmp").iterdir())
    assert not remember(run, "mix", 1, write).reused


def test_a_gpu_without_memory_is_tried_again() -> None:
    import torch

    assert is_transient(torch.cuda.OutOfMemoryError("CUDA out of memory."))
    assert not is_transient(MemoryError())


def test_a_connection_that_fails_is_tried_again_whose_library_it_may_be() -> None:
    import httpx
    import requests

    assert is_transient(httpx.ConnectError("All connection attempts failed"))
    assert is_transient(httpx.ReadTimeout("slow"))
    assert is_transient(requests.ConnectionError())
    assert not is_transient(requests.exceptions.InvalidURL())
    assert not is_transient(httpx.InvalidURL("no"))
