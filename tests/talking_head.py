"""Talking heads that are made on the spot: a portrait whose mouth opens and closes as eSpeak NG speaks.

The portraits are scikit-image's (Eileen Collins, NASA, 1993) and matplotlib's (Grace Hopper, U.S. Navy, 1984), both in
the public domain; nothing is downloaded or kept. Mirrored and in another light they are other people.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import cv2
import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from lipsync_engine.records import Phone
from lipsync_engine.speech.espeak import synthesize

Rgb = NDArray[np.uint8]
Array = NDArray[np.float32]

#: Samples a second of what is said.
RATE_HZ = 44_100
#: Head and shoulders in scikit-image's portrait, as rows and columns, and the size that the figures below are told in.
_ROWS, _COLUMNS, _SIZE = slice(10, 202), slice(105, 345), (360, 288)
#: The line between the lips' inner edges from corner to corner: columns, and rows of the upper and of the lower edge.
_ACROSS = (148, 157, 162, 169, 178, 187, 194, 200, 208)
_UPPER = (195.0, 196.4, 197.7, 199.3, 200.7, 200.1, 198.9, 198.1, 197.0)
_LOWER = (195.0, 203.5, 207.0, 209.8, 211.1, 210.5, 208.3, 205.2, 197.0)
#: Where the jaw moves no longer; the middle of the face and half the width of the jaw.
_COLLAR, _MIDDLE, _JAW = 262.0, 178.0, 55.0
#: How far the lips stand apart, 1 as in the portrait: closed, at rest, and for the widest vowels.
_CLOSED, _REST, _WIDE = 0.04, 0.15, 1.6
_OPEN = {"a": 1.0, "ɑ": 1.0, "æ": 1.0, "ɐ": 0.8, "ʌ": 0.8, "ɔ": 0.8, "ɒ": 0.8, "e": 0.7, "ɛ": 0.7, "ə": 0.5, "ɜ": 0.5}
_OPEN |= {"o": 0.6, "ɪ": 0.4, "i": 0.35, "ʊ": 0.35, "u": 0.3, "m": -1.0, "b": -1.0, "p": -1.0, "f": -0.5, "v": -0.5}
_BETWEEN = 0.2
#: Head and shoulders in matplotlib's portrait; where her closed lips meet, their middle and half width, and her chin.
_HER_ROWS, _HER_COLUMNS = slice(75, 435), slice(40, 490)
_LIPS, _CENTRE, _HALF, _CHIN = 163.0, 181.0, 25.0, 209.0
_ENCODE = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "14", "-pix_fmt", "yuv420p", "-c:a", "aac", "-bitexact")


@dataclass(frozen=True)
class Speech:
    """What is said: ``samples`` float32 [N] at `RATE_HZ`, and its phones on the same clock."""

    samples: Array
    phones: tuple[Phone, ...]


@dataclass(frozen=True)
class Person:
    """Whose head it is: one of two portraits, mirrored or nearer, and the light on it (factors of R, G and B)."""

    portrait: Literal["Collins", "Hopper"] = "Collins"
    mirrored: bool = False
    nearer: float = 1.0
    light: tuple[float, float, float] = (1.0, 1.0, 1.0)


COLLINS = Person()


def spoken(
    said: Sequence[tuple[float, str, float] | tuple[float, str]], seconds: float, voice: str = "en-us+f3"
) -> Speech:
    """Sentences that begin, and where it is given end, at given seconds, as eSpeak NG speaks them."""
    samples, phones = np.zeros(round(seconds * RATE_HZ), np.float32), []
    for begin, text, *end in said:
        made = synthesize(text, voice, rate_wpm=150)
        if end:
            long = made.phones[-1].end_ms / 1000
            made = synthesize(text, voice, rate_wpm=round(150 * long / (end[0] - begin)))
        heard = soxr.resample(made.samples, made.sample_rate_hz, RATE_HZ)[: len(samples) - round(begin * RATE_HZ)]
        samples[round(begin * RATE_HZ) :][: len(heard)] = heard
        at = round(begin * 1000)
        phones += [Phone(p.ipa, at + p.start_ms, at + p.end_ms, p.stress) for p in made.phones if p.ipa]
    return Speech(samples, tuple(phones))


def opening(phones: Sequence[Phone], frames: int, rate: float) -> Array:
    """How far the lips stand apart in each frame, float32 [frames]; the mouth moves on before the sound does."""
    fine = np.full(int(frames / rate * 1000) + 200, _REST, np.float32)
    for phone in phones:
        wide = _OPEN.get(phone.ipa[0], _BETWEEN)
        fine[phone.start_ms : phone.end_ms] = _CLOSED if wide < -0.9 else max(_CLOSED, _REST + wide * (_WIDE - _REST))
    window = np.hanning(91) / np.hanning(91).sum()
    smooth = np.convolve(np.pad(fine, 45, mode="edge"), window, mode="valid")
    moments = np.arange(frames) / rate * 1000 + 20
    return np.interp(moments, np.arange(len(smooth)), smooth).astype(np.float32)


def _collins() -> Rgb:
    from skimage import data

    return np.ascontiguousarray(data.astronaut()[_ROWS, _COLUMNS])


def _hopper() -> Rgb:
    import matplotlib

    path = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    whole = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)[_HER_ROWS, _HER_COLUMNS]
    return np.asarray(cv2.resize(whole, _SIZE, interpolation=cv2.INTER_AREA), np.uint8)


@lru_cache(maxsize=8)
def portrait(width: int, height: int, of: Literal["Collins", "Hopper"] = "Collins") -> Rgb:
    """Head and shoulders in a picture of that size, RGB; what lies beside them is the portrait's wall."""
    head = _collins() if of == "Collins" else _hopper()
    scale = min(width / _SIZE[0], height / _SIZE[1])
    inside = (round(_SIZE[0] * scale), round(_SIZE[1] * scale))
    large = cv2.resize(head, inside, interpolation=cv2.INTER_LANCZOS4)
    left, top = (width - inside[0]) // 2, height - inside[1]
    beside = (top, 0, left, width - inside[0] - left)
    return np.asarray(cv2.copyMakeBorder(large, *beside, cv2.BORDER_REPLICATE), np.uint8)


def speaking(apart: Array, rate: float, size: tuple[int, int], who: Person = COLLINS) -> Iterator[Rgb]:
    """The portrait as RGB frames, with its lips so far apart, a slight sway of the head and the noise of a camera."""
    still, random = portrait(*size, who.portrait), np.random.default_rng(7)
    noise = random.normal(0, 1.5, (4, size[1], size[0], 1)).astype(np.float32)
    scale = min(size[0] / _SIZE[0], size[1] / _SIZE[1])
    offset = (size[0] - _SIZE[0] * scale) / 2, size[1] - _SIZE[1] * scale
    light = np.array(who.light, np.float32)
    drawn = _opened if who.portrait == "Collins" else _parted
    for index, open_by in enumerate(apart):
        moved = drawn(still, float(open_by), scale, offset)
        sway = _sway(index / rate, size, who.nearer)
        moved = cv2.warpAffine(moved, sway, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        grainy = np.clip(moved * light + noise[random.integers(4)], 0, 255).astype(np.uint8)
        yield np.ascontiguousarray(grainy[:, ::-1]) if who.mirrored else grainy


def _opened(still: Rgb, apart: float, scale: float, offset: tuple[float, float]) -> Rgb:
    """The portrait that shows its teeth, with its lips so far apart."""
    rows, columns = _mouth(apart)
    moved = still.copy()
    left, top = round(offset[0] + scale * 118), round(offset[1] + scale * 190)
    right, bottom = round(offset[0] + scale * 238), round(offset[1] + scale * _COLLAR)
    y, x = np.mgrid[top:bottom, left:right].astype(np.float32)
    here = ((x - offset[0]) / scale - 118, (y - offset[1]) / scale - 190)
    from_y = cv2.remap(rows, *here, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    from_x = cv2.remap(columns, *here, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    place = (from_x * scale + np.float32(offset[0]), from_y * scale + np.float32(offset[1]))
    moved[top:bottom, left:right] = cv2.remap(still, *place, cv2.INTER_CUBIC)
    return moved


def _parted(still: Rgb, apart: float, scale: float, offset: tuple[float, float]) -> Rgb:
    """The portrait with closed lips: what lies below them moves down, and a dark mouth is between."""
    y, x = np.mgrid[: still.shape[0], : still.shape[1]].astype(np.float32)
    y, x = (y - offset[1]) / scale, (x - offset[0]) / scale
    drop = 9 * max(0.0, apart - _CLOSED)
    across = np.clip(1 - ((x - _CENTRE) / (1.15 * _HALF)) ** 2, 0, 1)
    down = np.clip((y - _LIPS) / 2 + 0.5, 0, 1) * np.clip((_CHIN + 18 - y) / 28, 0, 1)
    place = (x * scale + np.float32(offset[0]), (y - drop * across * down) * scale + np.float32(offset[1]))
    moved = cv2.remap(still, place[0], place[1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    if drop > 0.5:
        middle = (offset[0] + scale * _CENTRE, offset[1] + scale * (_LIPS + drop / 2))
        axes = (0.8 * _HALF * scale, drop / 2 * scale)
        at, wide = ([round(16 * value) for value in pair] for pair in (middle, axes))
        cv2.ellipse(moved, at, wide, 0, 0, 360, (45, 16, 16), -1, cv2.LINE_AA, 4)
    return np.asarray(moved, np.uint8)


def _mouth(apart: float) -> tuple[Array, Array]:
    """From which rows and columns of the portrait the lower face is drawn, for rows 190 and columns 118 onwards."""
    y, x = np.mgrid[190 : int(_COLLAR), 118:238].astype(np.float32)
    upper, lower = np.interp(x, _ACROSS, _UPPER), np.interp(x, _ACROSS, _LOWER)
    gap = lower - upper
    lip = (apart - 1) * gap
    jaw = (apart - 1) * np.ptp((_UPPER[4], _LOWER[4])) * np.clip(np.cos((x - _MIDDLE) / _JAW * np.pi / 2), 0, 1) ** 2
    source = y.copy()
    for _ in range(4):  # the row that comes to lie here
        below = np.clip((source - lower) / 25, 0, 1)
        fading = 1 - np.clip((source - lower) / (_COLLAR - lower), 0, 1) ** 2
        source = np.maximum(y - ((1 - below) * lip + below * jaw) * fading, lower)
    between = upper + (y - upper) / np.maximum(gap + lip, 1e-3) * gap
    rows = np.where(y <= upper, y, np.where(y < upper + gap + lip, between, source))
    return rows.astype(np.float32), x


def _sway(time_s: float, size: tuple[int, int], nearer: float) -> NDArray[np.float64]:
    """A slight turn and shift of the head."""
    turn = cv2.getRotationMatrix2D((size[0] / 2, size[1] * 0.9), 0.8 * np.sin(2 * np.pi * time_s / 3.4), nearer)
    turn[:, 2] += size[0] * np.array([0.006, 0.004]) * np.sin(2 * np.pi * time_s / np.array([2.7, 1.9]))
    return np.asarray(turn)


def write(path: Path, frames: Iterable[Rgb], speech: Speech, rate: int) -> None:
    """A film of frames with a sound: H.264 and AAC."""
    pictures = iter(frames)
    first = next(pictures)
    with TemporaryDirectory(dir=path.parent) as folder:
        sound = Path(folder) / "sound.wav"
        soundfile.write(sound, speech.samples, RATE_HZ)
        raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{first.shape[1]}x{first.shape[0]}", "-r", str(rate)]
        command = ["ffmpeg", "-v", "error", "-y", *raw, "-i", "-", "-i", str(sound), *_ENCODE, str(path)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE)
        assert process.stdin is not None
        for frame in chain((first,), pictures):
            process.stdin.write(frame.tobytes())
        process.stdin.close()
        assert process.wait() == 0
