from pathlib import Path

import numpy as np
import pytest
import soundfile

from tasks.diarize import diarizer
from tasks.model import Line, Script
from tasks.progress import silent
from tasks.speech_activity import speech_spans
from tests.speech_media import clip_16k, media


def script_of(spans: list[tuple[int, int]]) -> Script:
    lines = [Line(id=index, start_ms=start, end_ms=end, text="x") for index, (start, end) in enumerate(spans)]
    return Script(language="en", lines=tuple(lines))


def test_a_conversation_of_two_in_one_room() -> None:
    """The AMI excerpt: the turns of its reference, of which those under half a second are too short to tell."""
    audio = media("pyannote/tutorials/assets/sample.wav")
    turns = [row.split() for row in media("pyannote/tutorials/assets/sample.rttm").read_text().splitlines()]
    spans = [(round(1000 * float(row[3])), round(1000 * (float(row[3]) + float(row[4])))) for row in turns]
    found = diarizer("resemblyzer", {}).diarize(audio, script_of(spans), silent)
    assert len(found.speakers) == 2
    ours = [line.speaker for line in found.lines]
    long = [index for index, (start, end) in enumerate(spans) if end - start > 500]
    named = {index: turns[index][7] for index in long}
    mapping = {ours[index]: named[index] for index in long}
    assert [mapping[ours[index]] for index in long] == [named[index] for index in long]


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("librosa-data/audio/198-209-0000.hq.ogg", 165, 260),  # a woman
        ("librosa-data/audio/3436-172162-0000.hq.ogg", 90, 165),  # a man
        ("open-dubbing/tests/data/englishvideo.mp4", 90, 165),  # a man
        ("linly-dubbing/submodules/whisper/tests/jfk.flac", 60, 400),  # an old recording in a hall
    ],
)
def test_one_voice_is_one_speaker_of_its_pitch(name: str, low: float, high: float, tmp_path: Path) -> None:
    audio = clip_16k(name, tmp_path)
    spans = speech_spans(audio, min_silence_ms=300, max_speech_s=5)
    found = diarizer("resemblyzer", {}).diarize(audio, script_of(spans), silent)
    assert [speaker.id for speaker in found.speakers] == ["S1"]
    assert low < found.speakers[0].pitch_hz < high


def test_a_man_and_a_woman_in_turn(tmp_path: Path) -> None:
    audio = clip_16k("_derived/grid_two_faces_alternating.mp4", tmp_path)
    found = diarizer("resemblyzer", {}).diarize(audio, script_of([(0, 3000), (3000, 6000)]), silent)
    assert [line.speaker for line in found.lines] == ["S1", "S2"]
    assert found.speakers[0].pitch_hz < 165 < found.speakers[1].pitch_hz


def test_a_known_number_of_speakers_is_obeyed(tmp_path: Path) -> None:
    audio = clip_16k("_derived/grid_two_faces_alternating.mp4", tmp_path)
    found = diarizer("resemblyzer", {"speakers": 1}).diarize(audio, script_of([(0, 3000), (3000, 6000)]), silent)
    assert {line.speaker for line in found.lines} == {"S1"}


def test_silence_and_lines_beyond_the_end_have_one_speaker(tmp_path: Path) -> None:
    audio = tmp_path / "silence.wav"
    soundfile.write(audio, np.zeros(16_000, np.float32), 16_000)
    found = diarizer("resemblyzer", {}).diarize(audio, script_of([(0, 900), (5000, 6000)]), silent)
    assert [line.speaker for line in found.lines] == ["S1", "S1"]
    assert found.speakers[0].pitch_hz == 0.0
