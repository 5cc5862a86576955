"""What every diarizer keeps to."""

from pathlib import Path

import pytest

from tasks.diarize import BACKENDS, Diarizer, diarizer
from tasks.model import Line, Script
from tasks.progress import silent
from tasks.registry import BackendFacts
from tests.speech_media import media


@pytest.fixture(params=sorted(BACKENDS))
def backend(request: pytest.FixtureRequest) -> Diarizer:
    return diarizer(request.param, {})


@pytest.fixture
def clip() -> Path:
    return media("picovoice-leopard/resources/audio_samples/test.wav")


def script(*speakers: str) -> Script:
    lines = [
        Line(id=index, start_ms=1500 * index, end_ms=1500 * index + 1400, text=f"Line {index}.", speaker=speaker)
        for index, speaker in enumerate(speakers)
    ]
    return Script(language="en", lines=tuple(lines), notes=("before",))


def test_it_declares_itself_without_work(backend: Diarizer) -> None:
    assert isinstance(backend.facts, BackendFacts)
    assert backend.missing() == []
    assert backend.fingerprint() == backend.fingerprint()


def test_text_and_times_are_unchanged(backend: Diarizer, clip: Path) -> None:
    before = script("S1", "S1", "S1")
    after = backend.diarize(clip, before, silent)
    assert [(line.id, line.start_ms, line.end_ms, line.text) for line in after.lines] == [
        (line.id, line.start_ms, line.end_ms, line.text) for line in before.lines
    ]
    assert "before" in after.notes


def test_speakers_are_numbered_by_appearance_and_cover_every_line(backend: Diarizer, clip: Path) -> None:
    after = backend.diarize(clip, script("S1", "S1", "S1"), silent)
    order = list(dict.fromkeys(line.speaker for line in after.lines))
    assert order == [f"S{index + 1}" for index in range(len(order))]
    assert [speaker.id for speaker in after.speakers] == order
    assert sum(speaker.speech_ms for speaker in after.speakers) == 3 * 1400
    assert all(50 < speaker.pitch_hz < 500 for speaker in after.speakers)


def test_names_from_subtitles_stay(backend: Diarizer, clip: Path) -> None:
    after = backend.diarize(clip, script("Ann", "S1", "Ann"), silent)
    assert [line.speaker for line in after.lines][::2] == ["Ann", "Ann"]
    assert {speaker.id for speaker in after.speakers} >= {"Ann"}
    assert after.lines[1].speaker.startswith("S")


def test_the_same_input_gives_the_same_speakers(backend: Diarizer, clip: Path) -> None:
    assert backend.diarize(clip, script("S1", "S1"), silent) == backend.diarize(clip, script("S1", "S1"), silent)


def test_no_lines_no_speakers(backend: Diarizer, clip: Path) -> None:
    after = backend.diarize(clip, Script(language="en", lines=()), silent)
    assert after.lines == ()
    assert after.speakers == ()
