"""Takes that somebody recorded: what is taken in of a file, and what is refused."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tasks.keep.assets import path_of
from tasks.keep.store import Store
from tasks.records.errors import BadInputError
from tasks.synthesize.recorded import LONGEST_S, keep_recording, recording

RATE_HZ = 16_000


def sound(samples: np.ndarray, form: str = "WAV") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, RATE_HZ, format=form)
    return file.getvalue()


def tone(seconds: float) -> np.ndarray:
    return 0.05 * np.sin(np.arange(round(RATE_HZ * seconds)) / 5)


@pytest.mark.parametrize("form", ["WAV", "FLAC", "OGG"])
def test_silence_at_its_ends_goes_and_it_is_as_loud_as_a_voice(tmp_path: Path, form: str) -> None:
    store, silence = Store(tmp_path), np.zeros(RATE_HZ // 2)
    name, take = keep_recording(store, sound(np.concatenate([silence, tone(0.8), silence]), form))
    assert abs(take.duration_ms - 800) <= 60
    samples, _ = soundfile.read(path_of(take.audio))
    assert np.abs(samples).max() == pytest.approx(10 ** (-23 / 20) * 2**0.5, rel=0.15)
    assert recording(store, name) == take


def test_the_same_recording_is_the_same_take(tmp_path: Path) -> None:
    assert keep_recording(Store(tmp_path), sound(tone(0.5))) == keep_recording(Store(tmp_path), sound(tone(0.5)))


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 999, sound(np.zeros(RATE_HZ)), sound(tone(0.02)), sound(tone(1))[:30], sound(tone(LONGEST_S + 1))],
    ids=["empty", "zeros", "silence", "click", "cut", "long"],
)
def test_what_is_no_take_of_a_line_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(BadInputError, match=r"recording"):
        keep_recording(Store(tmp_path), content)


def test_a_name_that_is_none_has_no_recording(tmp_path: Path) -> None:
    assert recording(Store(tmp_path), "0" * 64) is None
