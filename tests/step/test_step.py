"""Store-first steps: computed once, found afterwards, told to whoever listens."""

from __future__ import annotations

import contextlib
import errno
import importlib.metadata
from dataclasses import dataclass
from pathlib import Path

import pytest

from configs.profile import load_profile
from tasks.keep.assets import path_of
from tasks.keep.store import unkeyed
from tasks.machine import process
from tasks.records.errors import DiskFullError, PermanentError, ProcessFailedError, TransientError, is_transient
from tasks.records.progress import StepEvent, listening
from tasks.records.record import Asset
from tasks.records.registry import BackendFacts
from tasks.records.step_record import StepRecord
from tasks.records.title import Run, Title
from tasks.step.run import Computation, StepOutput, Work, remember


@pytest.fixture
def run(tmp_path: Path) -> Run:
    video = Asset(uri="/nowhere/talk.mp4", sha256="0" * 64, bytes=1)
    title = Title(name="talk", video=video, source="talk.mp4", folder=str(tmp_path / "out"), languages=("es",))
    return Run(title=title, profile=load_profile("fake"), store=str(tmp_path / "store"))


def write(_given: object, work: Work) -> StepOutput[Asset]:
    path = work.folder / "x.txt"
    path.write_text("made")
    return StepOutput(work.keep(path), notes=("rough",))


def made(run: Run, given: object = None, step: str = "mix") -> StepRecord[Asset]:
    return remember(run, step, Computation(given, write, Asset))


def test_a_step_that_encodes_the_whole_picture_counts_as_heavy(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[list[str]] = []

    def held(names: list[str]) -> contextlib.AbstractContextManager[None]:
        taken.append(names)
        return contextlib.nullcontext()

    monkeypatch.setattr("tasks.step.run.held", held)
    for step in ("mix", "plain-picture", "translate"):
        made(run, step=step)
    assert taken == [[], ["cpu-heavy"], []]


def test_a_step_is_computed_once_and_found_afterwards(run: Run) -> None:
    calls = []

    def compute(given: int, work: Work) -> StepOutput[Asset]:
        calls.append(work)
        return write(given, work)

    first = remember(run, "mix", Computation(1, compute, Asset))
    second = remember(run, "mix", Computation(1, compute, Asset))
    assert len(calls) == 1
    assert (first.reused, second.reused) == (False, True)
    assert second.value == first.value
    assert second.assets == (first.value,)
    assert second.notes == ("rough",)
    assert not calls[0].folder.exists()


@dataclass(frozen=True)
class Given:
    audio: Asset
    gain_db: float
    named: str = unkeyed()


SOUND = Asset(uri="/nowhere/a.wav", sha256="1" * 64, bytes=1)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (Given(SOUND, 2.0, "a"), False),
        (Given(SOUND.model_copy(update={"sha256": "2" * 64}), 1.0, "a"), False),
        (Given(SOUND.model_copy(update={"uri": "/elsewhere/b.wav"}), 1.0, "a"), True),
        (Given(SOUND, 1.0, "b"), True),
    ],
)
def test_what_a_step_is_given_makes_its_key_but_for_places_and_what_is_declared_to_change_nothing(
    run: Run, other: Given, same: bool
) -> None:
    assert (made(run, Given(SOUND, 1.0, "a")).key == made(run, other).key) is same


def test_what_has_no_content_cannot_be_given(run: Run) -> None:
    with pytest.raises(TypeError, match="object has no content"):
        made(run, {"what": object()})


def test_a_record_of_another_shape_does_not_count(run: Run) -> None:
    made(run)
    assert not remember(run, "mix", Computation(None, lambda _given, _work: StepOutput("other"), str)).reused


def test_a_step_whose_file_was_lost_is_computed_again(run: Run) -> None:
    path_of(made(run).value).unlink()
    assert not made(run).reused


def test_a_failed_step_leaves_nothing_and_names_itself(run: Run) -> None:
    def fail(_given: object, work: Work) -> StepOutput[Asset]:
        (work.folder / "half").write_text("x")
        raise PermanentError("No voice speaks that.")

    with pytest.raises(PermanentError) as caught:
        remember(run, "synthesize", Computation(None, fail, Asset))
    assert caught.value.data["step"] == "synthesize"
    assert not list((Path(run.store) / "tmp").iterdir())
    assert not made(run, step="synthesize").reused


def test_listeners_are_told_of_each_state_with_title_and_language(run: Run) -> None:
    heard: list[StepEvent] = []
    with listening(heard.append):
        made(run.branch("es"))
        made(run.branch("es"))
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
    def compute(_given: object, work: Work) -> StepOutput[Asset]:
        (work.folder / "half").write_text("ha")
        raise met

    with pytest.raises(DiskFullError, match="No space is left") as caught:
        remember(run, "mix", Computation(None, compute, Asset))
    assert caught.value.data["step"] == "mix"
    assert is_transient(caught.value)
    assert not list((Path(run.store) / "tmp").iterdir())
    assert not made(run).reused


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


def test_a_step_is_one_of_the_table(run: Run) -> None:
    with pytest.raises(KeyError, match="unheard-of"):
        made(run, step="unheard-of")


def test_a_step_that_was_raised_in_its_package_is_computed_again(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    made(run)
    assert made(run).reused
    monkeypatch.setattr("tasks.mix.VERSION", 9999)
    assert not made(run).reused


def test_a_record_tells_who_made_it_and_with_which_versions(run: Run) -> None:
    facts = BackendFacts(name="ears", code_licence="MIT", weights_licence="CC-BY-4.0", packages=("pydantic", "no-such"))

    def convert(_given: object, work: Work) -> StepOutput[Asset]:
        process.run(
            ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=d=0.1", str(work.folder / "a.wav")], deadline_s=30
        )
        return StepOutput(work.keep(work.folder / "a.wav"))

    @dataclass(frozen=True)
    class Heard:
        backend: FakeTranscriber

    class FakeTranscriber:
        def __init__(self) -> None:
            self.facts = facts

        def fingerprint(self) -> str:
            return "ears:1"

    computation = Computation(Heard(FakeTranscriber()), convert, Asset)
    for record in (remember(run, "transcribe", computation), remember(run, "transcribe", computation)):
        assert [(one.name, one.code_licence, one.weights_licence) for one in record.makers] == [
            ("ears", "MIT", "CC-BY-4.0")
        ]
        assert list(record.versions) == ["ffmpeg", "polydub", "pydantic"]
        assert record.versions["pydantic"] == importlib.metadata.version("pydantic")
        assert record.versions["ffmpeg"][0].isdigit()


def test_of_a_chain_of_backends_those_are_told_that_did_the_work(run: Run) -> None:
    second = BackendFacts(name="second", code_licence="MIT")
    computation = Computation(1, lambda _given, _work: StepOutput(1, makers=[second]), int)
    assert [one.name for one in remember(run, "translate", computation).makers] == ["second"]


def test_damage_that_a_step_meets_is_told_with_that_step_alone(run: Run) -> None:
    asset = made(run).value
    path_of(asset).chmod(0o644)
    path_of(asset).write_text("swap")

    def looks(_given: object, work: Work) -> StepOutput[bool]:
        return StepOutput(work.store.holds(asset))

    met, later, found = (remember(run, "qc", Computation(number, looks, bool)) for number in (1, 2, 1))
    assert (met.value, later.value) == (False, False)
    assert ["damaged" in note for note in met.notes] == [True]
    assert (later.notes, found.notes, found.reused) == ((), (), True)
