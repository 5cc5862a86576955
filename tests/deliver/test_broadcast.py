"""A broadcaster's picture at a given spec: rate, size, time code and leader."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from pydantic import ValidationError

from configs.delivery import BroadcastPreset, delivery_presets
from configs.loudness import loudness_presets
from tasks.deliver.broadcast import encode_picture, first_timecode, pack
from tasks.media.probe import probe
from tasks.records.delivery import DeliveredDub
from tests.clips import ffmpeg
from tests.deliver.test_netflix import asset


def rules(name: str, **changes: Any) -> BroadcastPreset:
    return BroadcastPreset.model_validate({**delivery_presets()[name].model_dump(), **changes})


def delivered(folder: Path, preset: BroadcastPreset, *, seconds: float, rate: str = "25") -> dict[str, Any]:
    film, sound, text = folder / "film.mp4", folder / "mix.wav", folder / "script.srt"
    ffmpeg("-f", "lavfi", "-i", f"testsrc2=d={seconds}:r={rate}:s=160x120", "-pix_fmt", "yuv420p", film)
    facts = probe(film)
    noise = np.random.default_rng(1).normal(0, 0.05, (48 * facts.duration_ms, 2))
    soundfile.write(sound, noise, 48_000, "PCM_24")
    text.write_text("")
    media = {"audio": asset(sound), "mix": asset(sound), "stems": {"bed": asset(sound)}}
    texts = {"script": asset(text), "srt": asset(text), "vtt": asset(text)}
    dub = DeliveredDub(language="pt-BR", synthetic=True, **media, **texts)
    out = folder / "out"
    out.mkdir()
    picture = folder / f"picture.{preset.container}"
    encode_picture(film, facts, preset, picture)
    where = {"duration_ms": facts.duration_ms, "timecode": facts.timecode, "altered": False}
    files, checks, _ = pack(dub, preset, loudness_presets()["r128"], film, facts, picture, "talk", out, **where)
    assert "talk.pt-BR.bed.wav" in {Path(place).name for place in files}
    assert {gate.name: gate.status for gate in checks.gates}["loudness_lu"] in ("pass", "fail")
    command = ["ffprobe", "-v", "error", "-of", "json", "-show_streams", "-show_format"]
    made = subprocess.run([*command, str(out / f"talk.pt-BR.{preset.container}")], capture_output=True, check=True)
    found: dict[str, Any] = json.loads(made.stdout)
    return found


@pytest.mark.slow  # a second of 1080 lines
def test_mxf_has_xdcam_a_mono_track_a_channel_and_a_time_code(tmp_path: Path) -> None:
    found = delivered(tmp_path, rules("broadcast-mxf"), seconds=0.4, rate="30000/1001")
    picture, *sounds = found["streams"]
    assert (picture["codec_name"], picture["profile"], picture["pix_fmt"]) == ("mpeg2video", "4:2:2", "yuv422p")
    assert (picture["width"], picture["height"], picture["r_frame_rate"]) == (1920, 1080, "30000/1001")
    assert [(one["codec_name"], one["channels"]) for one in sounds] == [("pcm_s24le", 1), ("pcm_s24le", 1)]
    assert found["format"]["tags"]["timecode"] == "10:00:00:00"


def test_a_leader_is_before_the_picture_and_the_time_code_counts_down_to_it(tmp_path: Path) -> None:
    preset = rules("broadcast", picture="prores", leader_s=2)
    found = delivered(tmp_path, preset, seconds=0.6)
    assert found["streams"][0]["codec_name"] == "prores"
    assert float(found["format"]["duration"]) == pytest.approx(2.6, abs=0.05)
    assert found["streams"][0]["tags"]["timecode"] == "09:59:58:00"
    path = tmp_path / "out" / "talk.pt-BR.mov"
    sound, _ = soundfile.read(decoded(path, tmp_path / "heard.wav"))
    assert not sound[: 2 * 48_000].any()
    assert sound[2 * 48_000 + 100 :].any()
    bright = luma(path)
    assert max(bright[:50]) < 20 < min(bright[50:])


def decoded(path: Path, out: Path) -> Path:
    ffmpeg("-i", path, "-map", "0:a", "-c:a", "pcm_s24le", out)
    return out


def luma(path: Path) -> list[float]:
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-vf", "scale=1:1,format=gray", "-f", "rawvideo", "-"]
    return list(map(float, subprocess.run(command, capture_output=True, check=True).stdout))


def test_a_time_code_before_midnight_and_rules_that_contradict_one_another() -> None:
    assert first_timecode("00:00:01:12", rules("broadcast", picture="prores", leader_s=3)) == "23:59:58:12"
    with pytest.raises(ValidationError, match="a copied picture has no leader"):
        rules("broadcast", leader_s=5)
    with pytest.raises(ValidationError, match="MXF is made with picture: xdcam"):
        rules("broadcast", container="mxf")
