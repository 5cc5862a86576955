"""Voice samples for cloning: the cleanest lines of a speaker, six to twelve seconds, with what was measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from tasks.records.script import Line, Script
from tasks.synthesize.energy import energies
from tasks.synthesize.references import choose, cleanness, reference_clips

RATE = 16_000


def line(number: int, start_s: float, length_s: float, speaker: str = "A") -> Line:
    start = round(start_s * 1000)
    return Line(id=number, start_ms=start, end_ms=start + round(length_s * 1000), text="words", speaker=speaker)


def talk(seconds: float, level: float = 0.2) -> np.ndarray:
    """Syllables with pauses between them, as speech has."""
    at = np.arange(int(seconds * RATE)) / RATE
    return level * np.sin(2 * np.pi * 140 * at) * (np.sin(2 * np.pi * 2 * at) > -0.3)


def written(path: Path, samples: np.ndarray) -> Path:
    soundfile.write(path, samples, RATE, subtype="FLOAT")
    return path


def test_noise_and_music_under_a_line_are_measured(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    clean, noisy = talk(4), talk(4) + rng.normal(0, 0.05, 4 * RATE)
    dialogue = written(tmp_path / "dialogue.wav", np.concatenate([clean, noisy, talk(4)]))
    bed = written(tmp_path / "bed.wav", np.concatenate([np.zeros(8 * RATE), rng.normal(0, 0.1, 4 * RATE)]))
    lines = [line(n, 4 * n, 4) for n in range(3)]
    found = [cleanness(one, lines, dialogue, bed) for one in lines]
    assert found[0].noise_db == found[0].bed_db == 60
    assert found[1].noise_db == pytest.approx(10 * np.log10(0.5 * 0.2**2 / 0.05**2 + 1), abs=2)
    assert found[2].bed_db == pytest.approx(10 * np.log10(0.5 * 0.2**2 / 0.1**2), abs=1)


def test_the_clean_lines_are_taken_even_if_they_are_shorter(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    sound = np.concatenate([talk(8) + rng.normal(0, 0.1, 8 * RATE), talk(3), talk(4)])
    lines = (line(0, 0, 8), line(1, 8, 3), line(2, 11, 4))
    clips = reference_clips(written(tmp_path / "d.wav", sound), Script(language="en", lines=lines), tmp_path)
    samples, _ = soundfile.read(clips.paths["A"])
    assert len(samples) == 7 * RATE
    assert np.allclose(samples[: 3 * RATE], sound[8 * RATE : 11 * RATE], atol=1e-4)
    assert "7.0 s, 60 dB over noise" in clips.notes[0]


def test_a_line_beside_another_speaker_comes_last(tmp_path: Path) -> None:
    dialogue = written(tmp_path / "d.wav", talk(30))
    lines = [line(0, 0, 7), line(1, 7.1, 3, "B"), line(2, 12, 7)]
    assert cleanness(lines[0], lines, dialogue, None).beside
    clips = reference_clips(dialogue, Script(language="en", lines=tuple(lines)), tmp_path)
    assert soundfile.info(clips.paths["A"]).frames == 7 * RATE
    samples, _ = soundfile.read(clips.paths["A"])
    assert np.allclose(samples, talk(30)[12 * RATE : 19 * RATE], atol=1e-4)


def test_a_speaker_of_short_lines_has_no_sample_and_that_is_said(tmp_path: Path) -> None:
    lines = (line(0, 0, 0.9), line(1, 2, 3, "B"))
    clips = reference_clips(written(tmp_path / "d.wav", talk(6)), Script(language="en", lines=lines), tmp_path)
    assert set(clips.paths) == {"B"}
    assert "A has no second of clean speech" in clips.notes[0]


@given(st.lists(st.tuples(st.integers(1000, 9000), st.floats(0, 60)), max_size=12))
def test_six_to_twelve_seconds_wherever_there_are_as_many(facts: list[tuple[int, float]]) -> None:
    lines = [line(n, 10 * n, length / 1000) for n, (length, _) in enumerate(facts)]
    chosen = choose(lines, {n: score for n, (_, score) in enumerate(facts)})
    total = sum(one.end_ms - one.start_ms for one in chosen)
    assert total >= min(6000, sum(length for length, _ in facts))
    assert total < 6000 + 9000
    assert chosen == sorted(chosen, key=lambda one: one.start_ms)
    if chosen and len(chosen) < len(lines):
        left = [score for n, (_, score) in enumerate(facts) if n not in {one.id for one in chosen}]
        assert min(facts[one.id][1] for one in chosen) > min(left) - 3 or total >= 6000


def test_energy_is_the_loudness_against_the_same_speaker(tmp_path: Path) -> None:
    sound = np.concatenate([talk(2, level) for level in (0.1, 0.1, 0.3, 0.03, 0.01, 0.01, 0.011)])
    who = "AAAABBB"
    lines = tuple(line(n, 2 * n, 2, who[n]) for n in range(7))
    found = energies(written(tmp_path / "d.wav", sound), Script(language="en", lines=lines))
    assert found == {0: 0.0, 1: 0.0, 2: 1.0, 3: -1.0, 4: 0.0, 5: 0.0, 6: 0.0}


def test_silence_and_speakers_of_two_lines_have_no_energy(tmp_path: Path) -> None:
    lines = (line(0, 0, 2), line(1, 2, 2), line(2, 90, 2))
    sound = written(tmp_path / "d.wav", np.concatenate([talk(2, 0.01), talk(2, 0.5)]))
    assert set(energies(sound, Script(language="en", lines=lines)).values()) == {0.0}
