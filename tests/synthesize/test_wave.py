"""Silence trimmed, levels evened."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from tasks.synthesize.wave import levelled, trim_bounds, write_wav

RATE = 16_000


def tone(seconds: float, amplitude: float) -> np.ndarray:
    return (amplitude * np.sin(2 * np.pi * 200 * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)


def silence(seconds: float) -> np.ndarray:
    return np.zeros(int(seconds * RATE), np.float32)


@given(before=st.floats(0, 0.8), sound=st.floats(0.05, 1), after=st.floats(0, 0.8), amplitude=st.floats(0.01, 1))
def test_the_sound_is_kept_whole_and_the_silence_around_it_goes(
    before: float, sound: float, after: float, amplitude: float
) -> None:
    samples = np.concatenate([silence(before), tone(sound, amplitude), silence(after)])
    start, stop = trim_bounds(samples, RATE)
    first, last = int(before * RATE), int(before * RATE) + int(sound * RATE)
    assert max(0, first - 0.03 * RATE) <= start <= first + 0.005 * RATE
    assert last - 0.005 * RATE <= stop <= min(len(samples), last + 0.03 * RATE)


@pytest.mark.parametrize("samples", [silence(0), silence(1)])
def test_nothing_but_silence_has_no_bounds(samples: np.ndarray) -> None:
    assert trim_bounds(samples, RATE) == (0, 0)


@pytest.mark.parametrize("amplitude", [0.01, 0.3, 1.0])
def test_speech_comes_out_at_minus_23_dbfs_whatever_its_level_and_pauses(amplitude: float) -> None:
    even = levelled(np.concatenate([tone(0.5, amplitude), silence(1.5), tone(0.5, amplitude)]), RATE)
    assert 20 * np.log10(np.sqrt((even[: RATE // 2] ** 2).mean())) == pytest.approx(-23, abs=0.3)


def test_a_peak_is_not_driven_into_clipping() -> None:
    click = tone(1, 0.01)
    click[RATE // 2] = 0.9
    assert np.abs(levelled(click, RATE)).max() <= 0.9


def test_a_failed_write_leaves_the_old_file_and_no_part(tmp_path: Path) -> None:
    out = tmp_path / "line.wav"
    write_wav(out, tone(0.1, 0.5), RATE)
    before = out.read_bytes()
    with pytest.raises((ValueError, soundfile.LibsndfileError)):
        write_wav(out, np.zeros((4, 3000), np.float32), RATE)
    assert out.read_bytes() == before
    assert list(tmp_path.iterdir()) == [out]
