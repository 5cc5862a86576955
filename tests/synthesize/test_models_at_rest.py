"""A model is loaded once for a whole batch, and holds the accelerator only while a stage uses it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from configs.profile import load_profile
from tasks.machine import resident as residents
from tasks.machine.memory import whole_bytes
from tasks.machine.resident import Resident, loaded_once, rest
from tasks.records.record import Asset
from tasks.records.script import Line, Script, Speaker
from tasks.records.title import Run, Title
from tasks.synthesize.task import synthesize
from tests.tiny_coqui import save_tiny_vits


class Model:
    """Notes where it is sent."""

    def __init__(self) -> None:
        self.places: list[str] = []

    def to(self, device: str) -> None:
        self.places.append(device)


def test_three_languages_of_a_batch_load_a_coqui_model_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np
    import soundfile
    from TTS.utils.synthesizer import Synthesizer as Loader

    loads: list[str] = []
    real = Loader._load_tts

    def counted(self: Loader, checkpoint: Path, *rest_: object, **more: object) -> None:
        loads.append(str(checkpoint))
        real(self, checkpoint, *rest_, **more)

    monkeypatch.setattr(Loader, "_load_tts", counted)
    checkpoint = save_tiny_vits(tmp_path / "vits")
    chosen = {"backend": "coqui", "options": {"model_path": str(checkpoint), "device": "cpu"}}
    profile = load_profile("fake", {"synthesize": chosen})
    soundfile.write(tmp_path / "dialogue.wav", np.zeros(48_000), 16_000)
    dialogue = Asset(uri=str(tmp_path / "dialogue.wav"), sha256="1" * 64, bytes=1)
    video = Asset(uri="/nowhere/talk.mp4", sha256="0" * 64, bytes=1)
    source = script("en")
    for language in ("es", "fr", "de"):
        title = Title(name="t", video=video, source="t.mp4", folder=str(tmp_path), languages=(language,))
        run = Run(title=title, profile=profile, store=str(tmp_path / "store")).branch(language)
        assert len(synthesize.fn(run, script(language), source, dialogue).value.takes) == 2
    assert loads == [str(checkpoint)]


def script(language: str) -> Script:
    lines = tuple(
        Line(id=number, start_ms=1000 * number, end_ms=1000 * number + 900, text=f"Words in {language}", speaker="A")
        for number in (1, 2)
    )
    return Script(language=language, lines=lines, speakers=(Speaker(id="A"),))


def test_a_model_moves_to_its_device_for_work_and_back_for_rest() -> None:
    model = Model()
    resident = Resident(model, "cuda")
    for _ in range(3):
        with resident.at_work() as working:
            assert working is model
    assert model.places == ["cuda"]  # once, not once a line
    assert resident.rest()
    assert not resident.rest()
    with resident.at_work():
        pass
    assert model.places == ["cuda", "cpu", "cuda"]


def test_a_model_at_work_is_not_sent_to_rest() -> None:
    model = Model()
    resident = Resident(model, "cuda")
    with resident.at_work():
        assert not resident.rest()
    assert model.places == ["cuda"]


def test_many_at_once_move_it_once() -> None:
    model = Model()
    resident = Resident(model, "cuda")
    begin = threading.Barrier(4)

    def work() -> None:
        begin.wait()
        with resident.at_work():
            pass

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert model.places == ["cuda"]


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> dict[object, Resident]:
    """An empty one of this test alone."""
    models: dict[object, Resident] = {}
    monkeypatch.setattr("tasks.machine.resident._pool", models)
    return models


@pytest.mark.usefixtures("pool")
def test_titles_side_by_side_load_a_model_once() -> None:
    begin, loads = threading.Barrier(4), []

    def load() -> Resident:
        loads.append("read")
        return Resident(Model(), "cpu")

    def work() -> None:
        begin.wait()
        loaded_once("whisper", load)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loads == ["read"]


@pytest.mark.usefixtures("pool")
def test_a_load_that_failed_is_tried_again() -> None:
    def fail() -> Resident:
        raise OSError("no network")

    with pytest.raises(OSError, match="no network"):
        loaded_once("whisper", fail)
    there = Resident(Model(), "cpu")
    assert loaded_once("whisper", lambda: there) is there


def test_a_crowded_process_forgets_the_idle_model_that_was_used_longest_ago(
    pool: dict[object, Resident], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.machine.resident.whole_bytes", lambda: 100)
    monkeypatch.setattr("tasks.machine.resident._used_bytes", lambda: 20 * len(pool))  # half of it is full with three
    for name in ("busy", "old", "young"):
        loaded_once(name, lambda: Resident(Model(), "cpu"))
    with pool["busy"].at_work():
        for name in ("old", "young"):
            with pool[name].at_work():
                pass
        loaded_once("new", lambda: Resident(Model(), "cpu"))
    assert set(pool) == {"busy", "young", "new"}


def test_the_process_and_its_memory_are_measured() -> None:
    used, most = residents._used_bytes(), whole_bytes()
    assert 1 << 20 < used < most


def test_the_end_of_a_step_sends_every_idle_model_to_rest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from tasks.step.run import Computation, StepOutput, remember

    model, on_cpu = Model(), Model()
    residents = [Resident(model, "cuda"), Resident(on_cpu, "cpu")]
    emptied: list[bool] = []
    monkeypatch.setattr("torch.cuda.empty_cache", lambda: emptied.append(True))
    video = Asset(uri="/nowhere/t.mp4", sha256="0" * 64, bytes=1)
    title = Title(name="t", video=video, source="t.mp4", folder=str(tmp_path), languages=("es",))
    run = Run(title=title, profile=load_profile("fake"), store=str(tmp_path / "store"))

    def compute(_given: object, _work: object) -> StepOutput[int]:
        for resident in residents:
            with resident.at_work():
                pass
        return StepOutput(1)

    remember(run, "synthesize", Computation(None, compute, int))
    assert model.places == ["cuda", "cpu"]
    assert on_cpu.places == []
    assert emptied == [True]
    rest()
    assert emptied == [True]
