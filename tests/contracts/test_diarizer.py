"""What every diarizer promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.diarize import BACKENDS, diarizer
from tasks.records.errors import BadInputError
from tasks.records.progress import silent
from tasks.records.script import Line, Script
from tests.speech_media import clip_16k

LINES = tuple(
    Line(id=n, start_ms=a, end_ms=b, text=f"line {n}", speaker=who)
    for n, (a, b, who) in enumerate([(1260, 3950, "S1"), (5250, 6630, "Anna"), (7610, 8690, "S1")])
)
SCRIPT = Script(language="en", lines=LINES, notes=("a note",))


@pytest.mark.parametrize("name", BACKENDS)
def test_a_backend_names_itself_its_licences_and_its_version(name: str) -> None:
    backend = diarizer(name, {})
    assert backend.facts.name == name
    assert backend.fingerprint() == diarizer(name, {}).fingerprint() != ""
    assert backend.missing() == []
    with pytest.raises(BadInputError, match="nonsense"):
        diarizer(name, {"nonsense": 1})


@pytest.mark.parametrize("name", BACKENDS)
def test_every_line_has_a_known_speaker_and_nothing_else_changes(name: str, tmp_path: Path) -> None:
    audio = clip_16k("open-dubbing/tests/data/englishvideo.mp4", tmp_path)
    found = diarizer(name, {}).diarize(audio, SCRIPT, silent)
    assert [(line.id, line.start_ms, line.end_ms, line.text) for line in found.lines] == [
        (line.id, line.start_ms, line.end_ms, line.text) for line in LINES
    ]
    assert found.lines[1].speaker == "Anna"
    assert [speaker.id for speaker in found.speakers] == list(dict.fromkeys(line.speaker for line in found.lines))
    assert sum(speaker.speech_ms for speaker in found.speakers) == sum(line.end_ms - line.start_ms for line in LINES)
    assert found.notes[0] == "a note"


@pytest.mark.parametrize("name", BACKENDS)
def test_a_script_without_lines_stays_so(name: str) -> None:
    empty = Script(language="en", lines=())
    assert diarizer(name, {}).diarize(Path("unread.wav"), empty, silent).lines == ()
