from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import soundfile

from tasks.keep.assets import path_of
from tasks.package.stems import stem
from tasks.records.record import Asset
from tests.clips import RATE


def asset(path: Path, sound: np.ndarray, subtype: str) -> Asset:
    soundfile.write(path, sound, RATE, subtype=subtype, format="WAVEX")
    return Asset(uri=str(path), sha256="0" * 64, bytes=path.stat().st_size)


def facts(path: Path) -> dict[str, Any]:
    shown = "stream=codec_name,sample_rate,channels,channel_layout,bits_per_raw_sample"
    asked = ["ffprobe", "-v", "error", "-of", "json", "-show_entries", shown, path]
    found: dict[str, Any] = json.loads(subprocess.run(asked, capture_output=True, check=True).stdout)["streams"][0]
    return found


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize(("kind", "codec"), [("wav", "pcm_s24le"), ("flac", "flac")])
def test_stems_have_24_bit_at_48_khz_sample_for_sample(
    tmp_path: Path, kind: Literal["wav", "flac"], codec: str, channels: int
) -> None:
    sound = np.random.default_rng(4).integers(-(1 << 23), 1 << 23, (RATE // 4, channels), np.int32) << 8
    made = asset(tmp_path / "made.wav", sound, "PCM_24")
    out = stem(made, kind, tmp_path / "out", "mix")
    path = path_of(out) if isinstance(out, Asset) else out
    found = facts(path)
    assert (found["codec_name"], found["sample_rate"], found["channels"]) == (codec, "48000", channels)
    assert found["bits_per_raw_sample"] == "24"
    assert channels != 6 or found["channel_layout"] == "5.1"
    assert np.array_equal(soundfile.read(path, dtype="int32", always_2d=True)[0], sound)


def test_a_float_stem_is_delivered_with_24_bit(tmp_path: Path) -> None:
    sound = np.random.default_rng(4).uniform(-0.9, 0.9, (RATE // 4, 1))
    out = stem(asset(tmp_path / "made.wav", sound, "FLOAT"), "wav", tmp_path / "out", "dialogue")
    assert isinstance(out, Path)
    assert facts(out)["codec_name"] == "pcm_s24le"
    assert np.abs(soundfile.read(out, always_2d=True)[0] - sound).max() < 1e-6
