from pathlib import Path

import numpy as np
import pytest
import soundfile

from tasks.errors import UnsupportedError
from tasks.model import Speaker
from tasks.synthesize import synthesizer


def speakers(*pitches: float) -> list[Speaker]:
    return [Speaker(id=f"S{index + 1}", pitch_hz=pitch) for index, pitch in enumerate(pitches)]


def test_low_speakers_have_low_voices_and_high_ones_high(tmp_path: Path) -> None:
    import librosa

    backend = synthesizer("espeak", {})
    measured = {}
    for name, voice in backend.voices("es", speakers(110, 220), {}).items():
        out = backend.synthesize(
            "Buenos días, me llamo Jordi y soy de Barcelona.", voice, "es", tmp_path / "x.wav"
        ).audio
        samples, rate = soundfile.read(out)
        measured[name] = np.median(librosa.yin(samples, fmin=60, fmax=400, sr=rate, frame_length=1024))
    assert measured["S1"] < 165 < measured["S2"]


def test_eight_men_have_eight_voices_all_of_men() -> None:
    voices = synthesizer("espeak", {}).voices("fr", speakers(*[110] * 8), {})
    assert len(set(voices.values())) == 8
    assert not any("+f" in voice for voice in voices.values())


def test_unknown_pitch_takes_turns() -> None:
    voices = synthesizer("espeak", {}).voices("fr", speakers(0, 0), {})
    assert "+m" in voices["S1"]
    assert "+f" in voices["S2"]


@pytest.mark.parametrize("language", ["es-419", "pt-BR", "zh", "ja", "ca", "ar", "hi", "fr-CA", "en-GB"])
def test_many_languages_have_voices(language: str, tmp_path: Path) -> None:
    text = {"zh": "你好", "ja": "こんにちは", "ar": "صباح الخير", "hi": "नमस्ते"}.get(language, "Barcelona")
    backend = synthesizer("espeak", {})
    voice = backend.voices(language, speakers(110), {})["S1"]
    assert backend.synthesize(text, voice, language, tmp_path / "x.wav").duration_ms > 150


def test_a_word_said_in_its_pace_is_at_a_speech_level(tmp_path: Path) -> None:
    durations = {}
    for pace in (120, 240):
        backend = synthesizer("espeak", {"rate_wpm": pace})
        voice = backend.voices("en", speakers(110), {})["S1"]
        spoken = backend.synthesize("Good morning, my name is Jordi.", voice, "en", tmp_path / f"{pace}.wav")
        durations[pace] = spoken.duration_ms
        samples, _ = soundfile.read(spoken.audio)
        windows = (samples[: len(samples) // 441 * 441].reshape(-1, 441) ** 2).mean(axis=1)
        speech = windows[windows > windows.max() * 10**-2.5].mean()
        assert 10 * np.log10(speech) == pytest.approx(-23, abs=1.0)
    assert durations[120] > 1.5 * durations[240]


@pytest.mark.parametrize("text", ["", "  ", "...", "♪"])
def test_nothing_to_say_is_said(text: str, tmp_path: Path) -> None:
    backend = synthesizer("espeak", {})
    voice = backend.voices("en", speakers(110), {})["S1"]
    try:
        assert backend.synthesize(text, voice, "en", tmp_path / "x.wav").duration_ms > 0  # it spells some signs
    except UnsupportedError:
        assert not (tmp_path / "x.wav").exists()
