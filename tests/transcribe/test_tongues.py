"""Which language is spoken where: of each stretch of speech, not of the first alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from tasks.machine.weights import located
from tasks.records.progress import silent
from tasks.records.script import Word
from tasks.transcribe import transcriber
from tasks.transcribe.hearing import Stretch, heard_stretches
from tasks.transcribe.tongues import Tongues, heard_tongues
from tasks.understood.compare import compare
from tests.speech_media import clip_16k

EN, ES, UNSURE = {"en": 0.97, "es": 0.02}, {"es": 0.95, "en": 0.03}, {"es": 0.5, "en": 0.4}


def recorded(folder: Path, *levels: tuple[int, float]) -> Path:
    """A file whose level, for so many seconds each, tells a stand-in for a recogniser what is spoken."""
    samples = np.concatenate([np.full(seconds * 16_000, level, np.float32) for seconds, level in levels])
    soundfile.write(folder / "told.wav", samples, 16_000, "FLOAT")
    return folder / "told.wav"


def told(samples: NDArray[np.float32]) -> Mapping[str, float]:
    spanish = float(samples.mean())
    return EN if spanish < 0.4 else ES if spanish > 0.9 else UNSURE


def test_a_passage_in_another_language_is_found_and_told(tmp_path: Path) -> None:
    audio = recorded(tmp_path, (10, 0.0), (6, 1.0), (10, 0.0))
    spans = [(0, 4000), (4600, 9300), (10_000, 13_000), (13_200, 15_500), (16_200, 25_000)]
    tongues = heard_tongues(spans, audio, told)
    assert tongues.main == "en"
    assert [code for _, _, code in tongues.parts] == ["en", "es", "en"]
    assert tongues.parts[1][:2] == (10_000, 15_500)
    assert tongues.notes() == ("The language was detected as English.", "Spanish is spoken at 10.0-15.5 s.")


def test_the_language_of_most_of_it_is_the_scripts_whatever_the_first_words_are(tmp_path: Path) -> None:
    tongues = heard_tongues([(0, 3900), (5000, 20_000)], recorded(tmp_path, (4, 1.0), (16, 0.0)), told)
    assert (tongues.main, tongues.parts[0][2]) == ("en", "es")


def test_two_languages_that_are_heard_together_are_told_apart_at_the_pause(tmp_path: Path) -> None:
    audio = recorded(tmp_path, (4, 0.0), (4, 1.0), (20, 0.0))
    spans = [(0, 1900), (2000, 3900), (4200, 6000), (6100, 7900), (9000, 28_000)]
    tongues = heard_tongues(spans, audio, told)
    assert tongues.parts[1] == (4200, 7900, "es")


def test_a_short_sentence_is_not_heard_with_one_after_a_long_pause(tmp_path: Path) -> None:
    audio = recorded(tmp_path, (7, 0.0), (7, 1.0), (20, 0.0))
    spans = [(0, 4000), (4600, 6600), (7800, 9900), (10_500, 13_500), (14_500, 34_000)]
    tongues = heard_tongues(spans, audio, told)
    assert tongues.parts[1] == (7800, 13_500, "es")


@pytest.mark.parametrize("level", [0.5, 0.6])
def test_who_is_not_sure_of_another_language_hears_the_scripts(tmp_path: Path, level: float) -> None:
    tongues = heard_tongues([(0, 20_000), (21_000, 26_000)], recorded(tmp_path, (20, 0.0), (8, level)), told)
    assert {code for _, _, code in tongues.parts} == {"en"}
    assert len(tongues.notes()) == 1


def test_speech_without_a_pause_is_judged_by_half_a_minute_at_most(tmp_path: Path) -> None:
    heard: list[int] = []

    def listening(samples: NDArray[np.float32]) -> Mapping[str, float]:
        heard.append(len(samples) // 16_000)
        return EN

    spans = [(n * 1000, n * 1000 + 950) for n in range(60)] + [(70_000, 119_000)]
    heard_tongues(spans, recorded(tmp_path, (120, 0.0)), listening)
    assert max(heard) <= 30
    assert sum(heard) > 80


def test_each_language_is_heard_in_stretches_of_its_own(tmp_path: Path) -> None:
    tongues = Tongues("en", ((0, 9000, "en"), (9500, 15_000, "es"), (15_500, 20_000, "en")))
    spans = [(0, 4000), (4500, 9000), (9500, 15_000), (15_500, 20_000)]
    found = list(heard_stretches(spans, recorded(tmp_path, (20, 0.0)), cuts=tongues.cuts))
    assert [tongues.at(stretch) for stretch in found] == ["en", "es", "en"]
    assert found[1] == Stretch(9250, 15_250, 9500)


def test_a_line_is_in_one_language_and_says_so_where_it_is_not_the_scripts() -> None:
    tongues = Tongues("en", ((0, 1000, "en"), (1100, 3000, "es")))
    words = [
        Word(text=text, start_ms=at, end_ms=at + 400) for text, at in ((" Well", 500), (" pues", 1100), (" sí.", 1500))
    ]
    lines = tongues.lines(words, pause_ms=500)
    assert [(line.id, line.text, line.language) for line in lines] == [(0, "Well", ""), (1, "pues sí.", "es")]
    assert [line.language for line in Tongues("es").lines(words, pause_ms=500)] == [""]


@pytest.mark.skipif(not located("whisper-base"), reason="`make setup` brings the model")
def test_whisper_hears_spanish_and_english_in_one_title(tmp_path: Path) -> None:
    clips = {
        "es": "picovoice-leopard/resources/audio_samples/test_es.wav",
        "en": "picovoice-leopard/resources/audio_samples/test.wav",
    }
    parts = [soundfile.read(clip_16k(name, tmp_path, recorded=True), dtype="float32")[0] for name in clips.values()]
    soundfile.write(tmp_path / "both.wav", np.concatenate([parts[0], np.zeros(8000, np.float32), parts[1]]), 16_000)
    options = {"model": "base", "compute": "int8", "device": "cpu", "download": False}
    script = transcriber("faster-whisper", options).transcribe(tmp_path / "both.wav", None, silent)
    said = {
        code: " ".join(line.text for line in script.lines if (line.language or script.language) == code)
        for code in clips
    }
    assert "middle classes" in said["en"]
    assert "arenas" in said["es"]
    other = {"en": "Spanish", "es": "English"}[script.language]
    assert any(note.startswith(f"{other} is spoken at") for note in script.notes)


@pytest.mark.skipif(not located("whisper-base"), reason="`make setup` brings the model")
def test_whisper_writes_japanese_without_spaces(tmp_path: Path) -> None:
    """A tenth of the characters is wrong: 整理 is heard for 成立."""
    clip = clip_16k("picovoice-leopard/resources/audio_samples/test_ja.wav", tmp_path, recorded=True)
    options = {"model": "base", "compute": "int8", "device": "cpu", "download": False}
    (line,) = transcriber("faster-whisper", options).transcribe(clip, None, silent).lines
    assert not any(map(str.isspace, line.text))
    assert compare("客観的実在の判断的知識が成立するのである。", line.text, "ja").error <= 0.1


@pytest.mark.skipif(not located("whisper-base"), reason="`make setup` brings the model")
def test_whisper_tells_accented_speech_of_a_few_seconds_at_a_time(tmp_path: Path) -> None:
    """By its sentences alone it is taken for Spanish and Greek."""
    clip = clip_16k("open-dubbing/tests/data/englishvideo.mp4", tmp_path, recorded=True)
    options = {"model": "base", "compute": "int8", "device": "cpu", "download": False}
    script = transcriber("faster-whisper", options).transcribe(clip, None, silent)
    assert script.language == "en"
    assert {line.language for line in script.lines} == {""}


def test_another_language_is_believed_after_a_thorough_look_alone(tmp_path: Path) -> None:
    audio = recorded(tmp_path, (10, 0.0), (6, 1.0), (10, 0.0))
    spans = [(0, 4000), (4600, 9300), (10_000, 13_000), (13_200, 15_500), (16_200, 25_000)]
    looks = {"thorough": 0}

    def thorough(samples: NDArray[np.float32]) -> Mapping[str, float]:
        looks["thorough"] += 1
        return told(samples)

    tongues = heard_tongues(spans, audio, thorough, lambda _samples: ES)
    assert tongues.parts[1] == (10_000, 15_500, "es")
    assert [code for _, _, code in tongues.parts] == ["en", "es", "en"]
    looks["thorough"] = 0
    heard_tongues(spans, audio, thorough, told)
    assert looks["thorough"] == 2  # one for the main language, one for the passage
