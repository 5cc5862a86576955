from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from tasks.diarize import diarizer
from tasks.diarize.clusters import cluster
from tasks.diarize.pitch import median_pitch_hz
from tasks.diarize.resemblyzer import TOO_SHORT
from tasks.records.progress import silent
from tasks.records.script import Line, Script
from tasks.sound.speech_activity import speech_spans
from tests.speech_media import clip_16k, media


def script(*lines: tuple[int, int], speakers: tuple[str, ...] = ()) -> Script:
    who = speakers or ("S1",) * len(lines)
    return Script(
        language="en",
        lines=tuple(
            Line(id=n, start_ms=a, end_ms=b, text="words", speaker=name)
            for n, ((a, b), name) in enumerate(zip(lines, who, strict=True))
        ),
    )


def test_a_conversation_of_two_comes_apart_as_its_truth_says() -> None:
    audio = media("pyannote/tutorials/assets/sample.wav")
    rows = [row.split() for row in media("pyannote/tutorials/assets/sample.rttm").read_text("utf-8").splitlines()]
    turns = [(int(1000 * float(row[3])), int(1000 * (float(row[3]) + float(row[4]))), row[7]) for row in rows]
    found = diarizer("resemblyzer", {}).diarize(audio, script(*((a, b) for a, b, _ in turns)), silent)
    assert {speaker.id for speaker in found.speakers} == {"S1", "S2"}
    right = max(
        sum(
            b - a
            for line, (a, b, who) in zip(found.lines, turns, strict=True)
            if (line.speaker == "S1") == (who == first)
        )
        for first in ("speaker90", "speaker91")
    )
    assert right / sum(b - a for a, b, _ in turns) > 0.9


@pytest.mark.parametrize(
    "name",
    [
        "open-dubbing/tests/data/englishvideo.mp4",
        "linly-dubbing/submodules/whisper/tests/jfk.flac",
        "linly-dubbing/submodules/TTS/tests/data/ljspeech/wavs/LJ001-0001.wav",
        "watson-stt/public/audio/pt-BR_Sample1-16KHz.wav",
        "librosa-data/audio/198-209-0000.hq.ogg",
    ],
)
def test_a_single_speaker_is_one(name: str, tmp_path: Path) -> None:
    audio = clip_16k(name, tmp_path)
    spans = speech_spans(audio, min_silence_ms=300, max_speech_s=5)
    found = diarizer("resemblyzer", {}).diarize(audio, script(*spans), silent)
    assert [speaker.id for speaker in found.speakers] == ["S1"]
    assert found.speakers[0].speech_ms == sum(end - start for start, end in spans)


def test_a_man_and_a_woman_are_two_with_their_pitch(tmp_path: Path) -> None:
    names = [
        "open-dubbing/tests/data/englishvideo.mp4",
        "linly-dubbing/submodules/TTS/tests/data/ljspeech/wavs/LJ001-0001.wav",
    ]
    parts = [soundfile.read(clip_16k(name, tmp_path), dtype="float32")[0] for name in names]
    both = tmp_path / "both.wav"
    soundfile.write(both, np.concatenate(parts), 16_000)
    border = len(parts[0]) // 16
    spans = speech_spans(both, min_silence_ms=300, max_speech_s=5)
    found = diarizer("resemblyzer", {}).diarize(both, script(*spans), silent)
    assert [line.speaker for line in found.lines] == ["S1" if start < border else "S2" for start, _ in spans]
    man, woman = (speaker.pitch_hz for speaker in found.speakers)
    assert 80 < man < 165 < woman < 300


def test_names_from_subtitles_stay_and_the_others_are_numbered(tmp_path: Path) -> None:
    audio = clip_16k("open-dubbing/tests/data/englishvideo.mp4", tmp_path)
    lines = script((1260, 3950), (5250, 6630), (7610, 8690), speakers=("Jordi", "S1", "S1"))
    found = diarizer("resemblyzer", {}).diarize(audio, lines, silent)
    assert [line.speaker for line in found.lines] == ["Jordi", "S1", "S1"]
    assert [speaker.id for speaker in found.speakers] == ["Jordi", "S1"]


def test_lines_too_short_or_silent_are_one_speaker_and_say_so(tmp_path: Path) -> None:
    path = tmp_path / "quiet.wav"
    soundfile.write(path, np.zeros(80_000, np.float32), 16_000)
    found = diarizer("resemblyzer", {}).diarize(path, script((0, 400), (1000, 4000), (9000, 9500)), silent)
    assert [line.speaker for line in found.lines] == ["S1", "S1", "S1"]
    assert found.speakers[0].pitch_hz == 0
    assert found.notes == (TOO_SHORT,)


def test_the_number_of_speakers_can_be_given() -> None:
    audio = media("pyannote/tutorials/assets/sample.wav")
    lines = script((8320, 10_020), (10_570, 14_400), (14_490, 17_920), (18_600, 21_490), (21_780, 27_800))
    found = diarizer("resemblyzer", {"speakers": 1}).diarize(audio, lines, silent)
    assert len(found.speakers) == 1


def test_a_speaker_of_many_lines_is_not_torn() -> None:
    random = np.random.default_rng(0)
    voice = random.standard_normal(256)
    voices = voice / np.linalg.norm(voice) + random.standard_normal((400, 256)) * 0.025
    voices /= np.linalg.norm(voices, axis=1, keepdims=True)
    assert cluster(voices, 0.18).max() == 0


@pytest.mark.parametrize("hertz", [90.0, 180.0, 320.0])
def test_pitch_is_the_fundamental_of_a_buzz(hertz: float) -> None:
    time = np.arange(32_000) / 16_000
    buzz = sum(np.sin(2 * np.pi * hertz * k * time) / k for k in range(1, 12)).astype(np.float32) * 0.2
    assert median_pitch_hz(buzz) == pytest.approx(hertz, rel=0.03)


def test_noise_has_no_pitch() -> None:
    assert median_pitch_hz(np.zeros(100, np.float32)) == 0
    assert median_pitch_hz(np.zeros(32_000, np.float32)) == 0
