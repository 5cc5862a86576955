"""Clips that flash and beep at the same moments, and when they do on the player's clock (container start = 0)."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.clips import ffmpeg

#: When it flashes and beeps, for a fifth of a second each, on the clock that a clip is made from; frames of all rates.
MOMENTS_S = (1.0, 2.0)
LATE_S = {"late sound": 0.6, "late picture": 0.52}
_LASTS_S = 0.2
_H264 = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-bf", "2", "-g", "25")
_MPEG2 = ("-c:v", "mpeg2video", "-q:v", "4", "-g", "12", "-bf", "2")
#: How each container's picture (with B-frames where it can have them) and sound are encoded.
CONTAINERS: dict[str, tuple[str, ...]] = {
    "mp4": (*_H264, "-c:a", "aac"),
    "mov": (*_H264, "-c:a", "pcm_s16le"),
    "mkv": (*_H264, "-c:a", "flac"),
    "webm": ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libvorbis"),
    "ts": (*_H264, "-c:a", "aac"),
    "mpg": (*_MPEG2, "-c:a", "mp2"),
    "avi": ("-c:v", "mpeg4", "-q:v", "4", "-bf", "2", "-c:a", "pcm_s16le"),
    "ogv": ("-c:v", "libtheora", "-q:v", "7", "-c:a", "libvorbis"),
}


def flash_and_beep(path: Path, kind: str = "plain", rate: str = "25", encoded: tuple[str, ...] = ()) -> Path:
    """A clip of three seconds.

    Args:
        path: its ending names the container.
        kind: ``late sound``, ``late picture``, ``edit list`` (0.4 s are cut off at the front without encoding),
            ``variable rate`` (a third of the frames is left out), or ``plain``.
        rate: frames a second.
        encoded: in place of what `CONTAINERS` says.
    """
    on = "+".join(f"between(t,{at - 0.001},{at + _LASTS_S - 0.012})" for at in MOMENTS_S)
    loud = "+".join(f"between(t,{at},{at + _LASTS_S})" for at in MOMENTS_S)
    seen = f"color=c=gray:s=160x120:r={rate}:d=3,drawbox=c=white:t=fill:enable='{on}'"
    heard = f"aevalsrc='0.5*sin(2*PI*1000*t)*({loud})+0.002*random(0)':s=48000:d=3"
    cut = {"late picture": f"trim=start={LATE_S['late picture']}", "variable rate": "select='mod(n,3)'"}
    late = f"atrim=start={LATE_S['late sound']}" if kind == "late sound" else "anull"
    out = path.with_stem(f"{path.stem}-whole") if kind == "edit list" else path
    how = encoded or CONTAINERS[path.suffix[1:]]
    times = ("-vsync", "passthrough" if kind in cut else "cfr")
    inputs = ("-f", "lavfi", "-i", seen, "-f", "lavfi", "-i", heard)
    ffmpeg(*inputs, "-vf", cut.get(kind, "null"), "-af", late, *times, *how, "-ac", "2", out)
    if kind == "edit list":
        ffmpeg("-ss", "0.4", "-i", out, "-c", "copy", path)
    return path


def flashes(path: Path) -> list[float]:
    """When the picture turns white, in seconds."""
    told = "signalstats,metadata=print:key=lavfi.signalstats.YAVG:file=-"
    shown = _ffmpeg(path, "-map", "0:V:0", "-vf", f"setpts=PTS-{start_s(path)}/TB,{told}", "-f", "null", "-").decode()
    white, moments, at = False, [], 0.0
    for line in shown.splitlines():
        if "pts_time:" in line:
            at = float(line.partition("pts_time:")[2].split()[0])
        elif "YAVG=" in line:
            before, white = white, float(line.partition("YAVG=")[2]) > 170
            moments += [round(at, 3)] if white and not before else []
    return moments


def beeps(path: Path, track: int = 0) -> list[float]:
    """When an audio track begins to sound, in seconds."""
    clock = f"asetpts=PTS-{start_s(path)}/TB,aresample=8000:async=1:first_pts=0"
    how = ("-map", f"0:a:{track}", "-af", clock, "-ac", "1", "-f", "f32le", "-")
    return onsets(np.frombuffer(_ffmpeg(path, *how), "<f4"), 8000)


def onsets(sound: NDArray[np.float32], rate: int) -> list[float]:
    """When a sound sets in after a tenth of a second of near silence, to 2 ms."""
    hop = rate // 500
    level = np.sqrt((sound[: len(sound) // hop * hop].reshape(-1, hop) ** 2).mean(axis=1))
    loud = np.flatnonzero(level > max(1e-3, 0.25 * float(np.percentile(level, 99))))
    return [round(float(at) * 0.002, 3) for before, at in zip([-100, *loud], loud, strict=False) if at - before > 50]


def cues(path: Path) -> list[float]:
    """When the subtitles of the first track appear, in seconds."""
    asked = ("-select_streams", "s:0", "-show_entries", "packet=pts_time,size")
    packets = _ffprobe(path, *asked)["packets"]
    return [round(float(one["pts_time"]) - start_s(path), 3) for one in packets if int(one["size"]) > 4]


def start_s(path: Path) -> float:
    """What the container's own clock shows where a player shows 0."""
    return float(_ffprobe(path, "-show_entries", "format=start_time")["format"].get("start_time", 0))


def _ffprobe(path: Path, *asked: str) -> dict:  # type: ignore[type-arg]
    command = ["ffprobe", "-v", "error", *asked, "-of", "json", f"file:{path}"]
    return dict(json.loads(subprocess.run(command, capture_output=True, check=True).stdout))


def _ffmpeg(path: Path, *more: str) -> bytes:
    """What ffmpeg writes, times as the container has them."""
    command = ["ffmpeg", "-v", "error", "-nostdin", "-copyts", "-i", f"file:{path}", *more]
    return subprocess.run(command, capture_output=True, check=True).stdout
