"""Small clips that tests make with ffmpeg: a test pattern, and clicks whose times are known."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

RATE = 48_000
#: Clicks stand in the middle of each second.
CLICKS_S = 0.5


def ffmpeg(*arguments: str | Path) -> None:
    done = subprocess.run(
        ["ffmpeg", "-hide_banner", "-nostdin", "-v", "error", "-y", *map(str, arguments)],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()


def click_track(path: Path, seconds: float, channels: int = 1, level: float = 0.5) -> Path:
    """A 10 ms click centred in each second."""
    sound = np.zeros(int(seconds * RATE))
    for second in range(int(seconds)):
        at = int((second + CLICKS_S) * RATE)
        sound[at - 240 : at + 240] = level * np.hanning(480)
    soundfile.write(path, np.repeat(sound[:, None], channels, axis=1), RATE)
    return path


def clicks(sound: NDArray[np.floating], rate: int = RATE) -> list[float]:
    """Times of the clicks in seconds."""
    from scipy.signal import find_peaks

    mono = np.abs(sound if sound.ndim == 1 else sound.mean(1))
    peaks, _ = find_peaks(mono, height=mono.max() / 3, distance=rate // 4)
    return [float(peak / rate) for peak in peaks]


def decoded(path: Path, stream: str = "a:0") -> NDArray[np.float32]:
    """A stream as mono at 48 kHz on its container's clock."""
    clock = ["-af", "aresample=48000:async=1:first_pts=0", "-ac", "1", "-f", "f32le", "-"]
    command = ["ffmpeg", "-v", "error", "-nostdin", "-i", f"file:{path}", "-map", f"0:{stream}", *clock]
    return np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, "<f4")


def clip(
    path: Path,
    *,
    seconds: float = 3,
    size: str = "160x120",
    rate: str = "25",
    video: tuple[str, ...] = ("-c:v", "libx264", "-preset", "ultrafast"),
    audio: tuple[str, ...] = ("-c:a", "aac"),
    sound: bool = True,
) -> Path:
    """A test pattern with clicks."""
    inputs: list[str | Path] = ["-f", "lavfi", "-i", f"testsrc2=d={seconds}:r={rate}:s={size}"]
    if sound:
        inputs += ["-i", click_track(path.with_suffix(".clicks.wav"), seconds)]
    ffmpeg(*inputs, *video, *(audio if sound else ()), path)
    return path


def cover_first(clip: Path, out: Path) -> Path:
    """The clip as MP4 with cover art that demultiplexers list as stream 0: its user data stands before its tracks."""
    plain = out.with_name(f"plain-{out.name}")
    art = ("-f", "lavfi", "-i", "color=c=red:s=64x64:d=0.04")
    maps = ("-map", "0", "-map", "1:v", "-c", "copy", "-c:v:1", "mjpeg", "-disposition:v:1", "attached_pic")
    ffmpeg("-i", clip, *art, *maps, "-frames:v:1", 1, plain)
    data = plain.read_bytes()
    start, size = next((at, size) for at, size, kind in _boxes(data, 0, len(data)) if kind == b"moov")
    inside = _boxes(data, start + 8, start + size)
    order = sorted(inside, key=lambda box: (box[2] != b"mvhd", box[2] != b"udta"))
    moov = b"".join(data[at : at + length] for at, length, _ in order)
    out.write_bytes(data[: start + 8] + moov + data[start + size :])
    return out


def _boxes(data: bytes, at: int, end: int) -> list[tuple[int, int, bytes]]:
    found = []
    while at + 8 <= end:
        size = int.from_bytes(data[at : at + 4], "big")
        found.append((at, size, data[at + 4 : at + 8]))
        at += size
    return found


#: A mastering display as x265 writes it.
MASTERING = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"


def hdr10(path: Path, seconds: float = 1.0) -> Path:
    """A moving picture in PQ with a sound, and the figures of its display and light."""
    told = f"log-level=error:repeat-headers=1:hdr10=1:master-display={MASTERING}:max-cll=1000,400"
    graph = "format=yuv420p10le,setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc"
    seen, heard = f"testsrc2=s=160x120:r=25:d={seconds}", f"sine=d={seconds}"
    encode = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", told)
    ffmpeg("-f", "lavfi", "-i", seen, "-f", "lavfi", "-i", heard, "-vf", graph, *encode, path)
    return path


def ten_bits(path: Path, seconds: float = 1.0) -> Path:
    """The same in SDR, ten bits of H.264."""
    seen, heard = f"testsrc2=s=160x120:r=25:d={seconds}", f"sine=d={seconds}"
    encode = ("-vf", "format=yuv420p10le", "-c:v", "libx264", "-preset", "ultrafast")
    ffmpeg("-f", "lavfi", "-i", seen, "-f", "lavfi", "-i", heard, *encode, path)
    return path
