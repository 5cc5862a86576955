from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from tasks.synthesize.wave import levelled, trim_bounds, write_wav

RATE = 16_000


def tone(seconds: float, level: float = 0.1) -> np.ndarray:
    return (level * np.sin(2 * np.pi * 200 * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)


def silence(seconds: float) -> np.ndarray:
    return np.zeros(int(seconds * RATE), np.float32)


@given(st.integers(0, 800), st.integers(50, 800), st.integers(0, 800))
def test_silence_at_the_ends_goes_and_no_sound_is_cut(before: int, sound: int, after: int) -> None:
    samples = np.concatenate([silence(before / 1000), tone(sound / 1000), silence(after / 1000)])
    start, stop = trim_bounds(samples, RATE)
    first, last = before * 16, (before + sound) * 16
    assert first - 25 * 16 <= start <= first + 16
    assert last - 16 <= stop <= last + 25 * 16


def test_pauses_inside_stay() -> None:
    samples = np.concatenate([tone(0.2), silence(1), tone(0.2)])
    assert trim_bounds(samples, RATE) == (0, len(samples))


@pytest.mark.parametrize("samples", [silence(0), silence(0.5), np.full(8000, 1e-6, np.float32)])
def test_silence_alone_is_nothing(samples: np.ndarray) -> None:
    assert trim_bounds(samples, RATE) == (0, 0)
    assert np.array_equal(levelled(samples, RATE), samples)


@pytest.mark.parametrize("level", [0.005, 0.1, 0.9])
def test_speech_comes_to_one_level_whatever_its_pauses(level: float) -> None:
    samples = np.concatenate([tone(1, level), silence(2), tone(1, level)])
    result = levelled(samples, RATE)
    assert 20 * np.log10(np.sqrt((result[:RATE] ** 2).mean())) == pytest.approx(-23, abs=0.2)


def test_a_click_does_not_clip() -> None:
    samples = tone(1, 0.001)
    samples[5000] = 0.5
    assert np.abs(levelled(samples, RATE)).max() <= 0.891


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(soundfile.LibsndfileError):
        write_wav(tmp_path / "x.wav", tone(0.1), 0)
    assert list(tmp_path.iterdir()) == []
    write_wav(tmp_path / "x.wav", tone(0.1), RATE)
    assert soundfile.info(tmp_path / "x.wav").subtype == "PCM_16"
