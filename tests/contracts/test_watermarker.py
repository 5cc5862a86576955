"""Every watermarker marks speech of any rate and level the same way each time, and finds its own mark alone."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from tasks.synthesize import synthesizer
from tasks.watermark import BACKENDS, NONE, Samples, Watermarker, watermarker
from tasks.watermark.detection import detect_in

NAMES = [name for name in BACKENDS if name != NONE]
RATES = (24_000, 22_050)


@cache
def spoken() -> tuple[Samples, int]:
    """A sentence by eSpeak NG, and its rate."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "line.wav"
        synthesizer("espeak", {}).synthesize("Guten Morgen, ich komme aus Barcelona.", "gmw/de+m3", "de", out)
        samples, rate_hz = soundfile.read(out, dtype="float32")
    return samples, rate_hz


def speech(rate_hz: int, seconds: float = 3.0) -> Samples:
    """Its beginning, at a rate."""
    samples, rate_of_voice_hz = spoken()
    line: Samples = soxr.resample(samples, rate_of_voice_hz, rate_hz)
    return line[: round(seconds * rate_hz)]


@pytest.fixture(params=NAMES)
def backend(request: pytest.FixtureRequest) -> Watermarker:
    """One that can be used here."""
    made = watermarker(request.param, {})
    if made.missing():
        pytest.skip(made.missing()[0])
    return made


@pytest.mark.parametrize("rate_hz", RATES)
def test_the_mark_is_found_and_nothing_without_it(backend: Watermarker, rate_hz: int) -> None:
    plain = speech(rate_hz)
    marked = backend.mark(plain, rate_hz)
    assert marked.shape == plain.shape
    assert marked.dtype == np.float32
    assert detect_in(marked, rate_hz, backend).verdict == "found"
    assert detect_in(plain, rate_hz, backend).verdict == "not found"


def test_the_same_speech_is_marked_the_same_way(backend: Watermarker) -> None:
    plain = speech(24_000)
    np.testing.assert_array_equal(backend.mark(plain, 24_000), backend.mark(plain, 24_000))


def test_the_mark_follows_the_level_of_the_speech(backend: Watermarker) -> None:
    plain = speech(24_000)
    loud, quiet = backend.mark(plain, 24_000), backend.mark(plain * np.float32(0.01), 24_000)
    np.testing.assert_allclose(quiet * 100, loud, atol=2e-3)
    assert detect_in(quiet, 24_000, backend).verdict == "found"


def test_the_mark_is_far_below_the_speech(backend: Watermarker) -> None:
    plain = speech(24_000)
    added = backend.mark(plain, 24_000) - plain
    assert 10 * np.log10(np.sum(plain**2) / np.sum(added**2)) > 12


@pytest.mark.parametrize("make", [lambda: np.zeros(0, np.float32), lambda: np.zeros(24_000, np.float32)])
def test_silence_stays_silent_and_tells_nothing(backend: Watermarker, make: Callable[[], Samples]) -> None:
    nothing = make()
    np.testing.assert_array_equal(backend.mark(nothing, 24_000), nothing)
    assert detect_in(nothing, 24_000, backend).verdict == "not measured"


def test_a_word_shorter_than_a_window_is_marked_too(backend: Watermarker) -> None:
    word = speech(24_000, seconds=0.05)
    assert backend.mark(word, 24_000).shape == word.shape
