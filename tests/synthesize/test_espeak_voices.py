"""eSpeak NG: a voice for each speaker, clean ends, an even level, phones on the take's clock."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from tasks.records.errors import UnsupportedError
from tasks.records.script import Speaker
from tasks.synthesize import Spoken, Synthesizer, synthesizer

SAYS = {
    "en": "Today we are going to talk about the moon.",
    "es": "Hoy vamos a hablar sobre la luna.",
    "es-419": "Hoy vamos a hablar sobre la luna.",
    "ca": "Avui parlarem sobre la lluna.",
    "pt-BR": "Hoje vamos falar sobre a lua.",
    "fr": "Aujourd'hui nous allons parler de la lune.",
    "it": "Oggi parleremo della luna.",
    "de": "Heute sprechen wir über den Mond.",
    "ja": "こんにちは",
    "zh-Hans": "你好，世界。",
    "ar": "مرحبا بكم",
}


@pytest.fixture(scope="module")
def backend() -> Synthesizer:
    made = synthesizer("espeak", {})
    assert not made.missing()  # `make setup` installs it
    return made


def say(backend: Synthesizer, folder: Path, language: str, text: str, voice: str = "") -> Spoken:
    voice = voice or backend.voices(language, [Speaker(id="A", pitch_hz=110.0)], {})["A"]
    return backend.synthesize(text, voice, language, folder / "line.wav")


@pytest.mark.parametrize("language", sorted(SAYS))
def test_a_take_is_trimmed_even_in_level_and_covered_by_phones(
    backend: Synthesizer, tmp_path: Path, language: str
) -> None:
    spoken = say(backend, tmp_path, language, SAYS[language])
    samples, rate = soundfile.read(str(spoken.audio), dtype="float64")
    windows = samples[: len(samples) // 220 * 220].reshape(-1, 220)
    power = (windows**2).mean(axis=1)
    loud = power > power.max() * 10**-2.5
    assert 10 * np.log10(power[loud].mean()) == pytest.approx(-23, abs=1)
    assert np.abs(samples).max() < 0.9
    audible = np.flatnonzero(power > power.max() * 10**-4.5)
    assert audible[0] * 220 / rate < 0.03
    assert (len(power) - audible[-1]) * 220 / rate < 0.05
    assert spoken.phones[0][1] <= 20
    assert spoken.phones[-1][2] == spoken.duration_ms
    assert sum(bool(ipa) for ipa, *_ in spoken.phones) >= 6


def test_phones_lie_where_the_sound_is(backend: Synthesizer, tmp_path: Path) -> None:
    spoken = say(backend, tmp_path, "en", "Papa. Papa. Papa.")
    samples, rate = soundfile.read(str(spoken.audio))

    def loudness(ipa: str) -> float:
        spans = [(start, end) for phone, start, end, _ in spoken.phones if phone.startswith(ipa)]
        assert spans, f"no {ipa} in {spoken.phones}"
        return float(np.mean([np.abs(samples[a * rate // 1000 : b * rate // 1000]).mean() for a, b in spans]))

    assert loudness("ɑ") > 2 * loudness("p")


def test_low_voices_are_for_low_speakers_and_all_are_distinct(backend: Synthesizer) -> None:
    pitches = [100, 110, 120, 200, 210, 220, 0, 0]
    cast = [Speaker(id=str(index), pitch_hz=hz) for index, hz in enumerate(pitches)]
    voices = backend.voices("es", cast, {})
    assert len(set(voices.values())) == len(cast)
    assert all("+m" in voices[name] for name in "012")
    assert all("+f" in voices[name] for name in "345")


def test_more_speakers_than_variants_still_all_speak(backend: Synthesizer, tmp_path: Path) -> None:
    cast = [Speaker(id=str(index), pitch_hz=100.0 + index * 8) for index in range(40)]
    voices = backend.voices("fr", cast, {})
    assert len(voices) == 40
    for voice in sorted(set(voices.values())):
        assert say(backend, tmp_path, "fr", "Bonjour.", voice).duration_ms > 150


def test_pace_follows_the_option(tmp_path: Path) -> None:
    slow, fast = synthesizer("espeak", {"rate_wpm": 120}), synthesizer("espeak", {"rate_wpm": 240})
    assert slow.fingerprint() != fast.fingerprint()
    times = [say(backend, tmp_path, "en", SAYS["en"]).duration_ms for backend in (slow, fast)]
    assert times[0] > 1.5 * times[1]


def test_a_language_without_a_voice_is_refused_by_name(backend: Synthesizer) -> None:
    with pytest.raises(UnsupportedError, match="tl"):
        backend.voices("tl", [Speaker(id="A")], {})


@pytest.mark.parametrize("text", ["", "   ", "♪", "..."])
def test_nothing_to_say_is_an_error_and_no_file(backend: Synthesizer, tmp_path: Path, text: str) -> None:
    with pytest.raises(UnsupportedError, match="nothing to pronounce"):
        say(backend, tmp_path, "es", text)
    assert not list(tmp_path.iterdir())


def test_markup_in_a_line_is_text(backend: Synthesizer, tmp_path: Path) -> None:
    plain = say(backend, tmp_path, "en", "He said stop")
    marked = say(backend, tmp_path, "en", 'He said <break time="5s"/> stop')
    assert marked.duration_ms < plain.duration_ms + 4500
