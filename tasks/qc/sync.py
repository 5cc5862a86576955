"""Sound against picture on the delivered master's player clock (container start = 0), measured in both.

Each side is followed from the source to the master: the source's sound to the stems that were taken from it, the mix to
the master's sound, the source's picture to the master's. What moves on one side and not on the other is an offset.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from tasks import media
from tasks.keep.known import known
from tasks.keep.staging import scratch
from tasks.machine import process
from tasks.media import door
from tasks.qc.evidence import NO_PICTURE, Measured
from tasks.records.errors import ProcessFailedError

Power = NDArray[np.float64]  # mean square of each 5 ms

_RATE_HZ, _HOP_MS = 8000, 5
_PART_MS, _REACH_MS = 20_000, 3000
_HEARD_DBFS = -55.0  # parts that stay below are silent
_ALIKE = 0.5
_NO_GAIN = 0.02  # a shift is believed where it explains this much more than none
_SILENT = "is silent"
_OUTLIERS = 20  # of so many parts one may lie
_GRID_HZ, _SIDE = 100, 16
_AS_GOOD = 0.1  # of the rise beside the best shift: so much worse fits as well
_AGREE_MS = 25.0
_LOOKS, _LOOK_S, _LOOK_REACH_S = 3, 4.0, 1.0


@dataclass(frozen=True)
class Clocks:
    """What is compared.

    Attributes:
        source: the title (or a service's film of it), with picture and perhaps sound.
        track: its sound, as ffmpeg names streams; None where it has none.
        stems: what was taken from that sound and adds up to it (WAV).
        mix: what the master's sound was encoded from (WAV).
        master: the delivered file.
        seen: whether there is a picture.
    """

    source: Path
    track: str | None
    stems: tuple[Path, ...]
    mix: Path
    master: Path
    seen: bool = True


def av_offset(clocks: Clocks, folder: Path) -> Measured:
    """Milliseconds by which the master's sound is late against its picture (early: below zero), at the worst part.

    Of a title without a picture it is not measured.

    Args:
        clocks: what is compared.
        folder: for scratch files.
    """
    if not clocks.seen:
        return NO_PICTURE
    heard = _ear(folder)
    taken = 0.0 if clocks.track is None else _taken(clocks.source, clocks.track, clocks.stems, folder)
    delivered = sound_shift(heard(clocks.mix, "a:0"), heard(clocks.master, "a:0"))
    seen, how = picture_shift(clocks.source, clocks.master)
    return _together({"source's sound": taken, "master's sound": delivered}, seen, how)


def track_offsets(source: Path, multi: Path, dubs: Mapping[int, Path], folder: Path) -> dict[int, Measured]:
    """As `av_offset`, of dubs in a multi-track file: each against what it was copied from, and the one picture.

    Args:
        source: the title.
        multi: the file with all tracks.
        dubs: what was put into it on the title's clock, by the number of the audio track.
        folder: for scratch files.
    """
    heard = _ear(folder)
    seen, how = picture_shift(source, multi)
    moved = {track: sound_shift(heard(dub, "a:0"), heard(multi, f"a:{track}")) for track, dub in dubs.items()}
    return {track: _together({"track's sound": by}, seen, how) for track, by in moved.items()}


def _ear(folder: Path) -> Callable[[Path, str], Power]:
    def heard(path: Path, stream: str) -> Power:
        with scratch(folder / "clock") as wav:
            return power(path, stream, wav)

    return heard


def _together(sounds: Mapping[str, float | str], seen: float | None, how: str) -> Measured:
    """The offset from the shifts of sound and picture, or the reason why it is unknown."""
    for whose, shift in sounds.items():
        if isinstance(shift, str):
            return Measured(None, f"not measured: the {whose} {shift}")
    if seen is None:
        return Measured(None, f"not measured: {how}")
    late = [(whose, shift) for whose, shift in sounds.items() if not isinstance(shift, str)]
    said = [f"{what} {by:+.0f} ms" for what, by in (*late, ("picture", seen)) if abs(by) >= 1]
    return Measured(round(sum(by for _, by in late) - seen, 1) + 0.0, "; ".join([how, *said]))


@known("stems-against-source", 1, float | str)
def _taken(source: Path, track: str, stems: tuple[Path, ...], folder: Path) -> float | str:
    """Shift between the source's sound and its stems; 0 if it is silent."""
    taken, heard = np.zeros(0), _ear(folder)
    for stem in stems:
        part = heard(stem, "a:0")
        taken = _padded(taken, len(part)) + _padded(part, len(taken))
    moved = sound_shift(heard(source, track), taken)
    return 0.0 if moved == _SILENT and _level(taken).max(initial=-70.0) < _HEARD_DBFS else moved


def power(path: Path, stream: str, scratch_wav: Path) -> Power:
    """The power of an audio stream in steps of 5 ms of the player's clock; a late start is silence.

    Args:
        path: media file.
        stream: as ffmpeg names it, such as ``a:0``.
        scratch_wav: written and left to the caller.
    """
    clock = f"PTS-({_start_s(path):.6f})/TB"
    sound = media.source(path, copyts=None)[stream].filter("asetpts", clock)
    sound = sound.filter("aresample", _RATE_HZ, **{"async": 1, "min_hard_comp": 0.02, "first_pts": 0})
    how = {"f": "wav", "acodec": "pcm_s16le", "ac": 1, "ar": _RATE_HZ, "rf64": "auto"}
    media.run_ffmpeg(media.arguments(media.sink(sound, scratch_wav, **how)))
    hop = _RATE_HZ * _HOP_MS // 1000
    blocks = soundfile.blocks(scratch_wav, blocksize=hop * 10_000, dtype="float32", fill_value=0.0)
    return np.concatenate([np.zeros(0), *((block.reshape(-1, hop) ** 2).mean(axis=1) for block in blocks)])


def sound_shift(reference: Power, heard: Power) -> float | str:
    """Delay in milliseconds of a sound against another that contains it, at its worst part; else the reason.

    Changes of level are compared in parts of 20 s.

    Args:
        reference: float64 [N], mean square of each 5 ms of full scale.
        heard: likewise, of the other sound.
    """
    levels = _level(reference)
    changes, others = np.diff(levels), np.diff(_level(heard))
    part, reach = _PART_MS // _HOP_MS, _REACH_MS // _HOP_MS
    around = np.pad(_padded(others, len(changes))[: len(changes)], reach)
    shifts, loud = [], 0
    for begin in range(0, len(changes), part):
        piece = changes[begin : begin + part]
        if levels[begin : begin + part].max() < _HEARD_DBFS or piece.std() < 0.05:
            continue
        loud += 1
        found = _best(piece, around[begin : begin + len(piece) + 2 * reach], reach)
        shifts += [] if found is None else [found]
    if not loud:
        return _SILENT
    if len(shifts) < max(1, loud // 2):
        return "cannot be found again after processing"
    return sorted(shifts, key=abs, reverse=True)[len(shifts) // _OUTLIERS] * _HOP_MS


def _best(piece: Power, around: Power, reach: int) -> float | None:
    """The shift, in steps, at which two curves are most alike; None where they are not."""
    from scipy.signal import correlate

    there = np.convolve(around**2, np.ones(len(piece)), "valid")
    alike = correlate(around, piece, "valid", method="fft")
    alike /= np.sqrt(np.maximum(there, 1e-9) * max(float((piece**2).sum()), 1e-9))
    at = int(alike.argmax())
    if alike[at] < _ALIKE:
        return None
    if alike[reach] >= alike[at] - _NO_GAIN:
        return 0.0
    return float(at - reach)


def picture_shift(source: Path, master: Path) -> tuple[float | None, str]:
    """By how many milliseconds the master's picture is late against the source's; None where unknown; and how seen.

    By what is seen in some parts, and by the times of all frames where there are as many. Where a picture repeats,
    several shifts look alike: then that counts which the times of the frames agree with, else the smallest.
    """
    first, second = (_frame_times(path) for path in (source, master))
    if not len(first) or not len(second):
        return None, "the source or the master has no picture with times"
    same = len(first) == len(second)
    by_times = 1000 * (second - first if same else second[:1] - first[:1])
    off = float(by_times[np.abs(by_times).argmax()])
    parts = _seen_shifts(source, master, first)
    if not parts:
        return (
            (off, "picture by the times of its frames: nothing moves") if same else (None, "the picture does not move")
        )
    how = f"picture as seen in {len(parts)} part{'s' * (len(parts) > 1)}"
    ends = [off, 1000 * float(second[-1] - first[-1])]
    agreed = [*ends, *(part[0] for part in parts if len(part) == 1)]
    by_sight = [_likely(part, agreed) for part in parts]
    known = [shift for shift in by_sight if shift is not None]
    if len(known) < len(by_sight):
        return None, f"{how} repeats, and more than one offset fits it"
    worst = max(known, key=abs)
    if abs(worst) > _AGREE_MS and any(len(part) > 1 for part in parts):
        how += ", which repeats: other offsets fit as well"
    return (off if same and abs(off) > abs(worst) else worst), how


def _likely(shifts: list[float], agreed: list[float]) -> float | None:
    """Of shifts that look alike, one that something else agrees with, else the smallest; None between two of a size."""
    if len(shifts) == 1:
        return shifts[0]
    backed = [shift for shift in shifts if any(abs(shift - other) <= _AGREE_MS for other in agreed)]
    small, *others = sorted(backed or shifts, key=abs)
    return None if others and abs(abs(others[0]) - abs(small)) <= 2 * _AGREE_MS else small


def _seen_shifts(source: Path, master: Path, times: Power) -> list[list[float]]:
    """Of each part in which something moves the shifts that fit, in milliseconds."""
    begins, ends = float(times[0]), float(times[-1])
    span = min(_LOOK_S, ends - begins)
    looks = min(_LOOKS, max(1, int((ends - begins) / (2 * _LOOK_S))))
    parts = (
        _seen_shift(_thumbnails(source, start, span), _thumbnails(master, start, span))
        for start in np.linspace(begins, ends - span, looks).round(2)
    )
    return [part for part in parts if part]


def _seen_shift(one: NDArray[np.int16], other: NDArray[np.int16]) -> list[float]:
    """The shifts at which two parts look alike: one, several where the picture repeats, none where nothing moves."""
    count, reach = min(len(one), len(other)), round(_LOOK_REACH_S * _GRID_HZ)
    reach = min(reach, count // 3)
    if reach < 20:
        return []
    middle = one[reach : count - reach]
    apart = np.array(
        [np.abs(middle - other[reach + by : count - reach + by]).mean() for by in range(-reach, reach + 1)]
    )
    at = int(apart.argmin())
    beside = [apart[place] for place in (at - 8, at + 8) if 0 <= place < len(apart)]
    if not beside or apart[at] > 0.7 * max(beside) or max(beside) < 0.1:
        return []
    fits = np.flatnonzero(apart <= apart[at] + _AS_GOOD * (max(beside) - apart[at]))
    dips = np.split(fits, np.flatnonzero(np.diff(fits) > 8) + 1)
    found = [float((int(dip[apart[dip].argmin()]) - reach) * 1000 / _GRID_HZ) for dip in dips]
    if apart[reach] <= 1.05 * apart[at] + 0.01:
        found = [0.0, *(shift for shift in found if abs(shift) > _AGREE_MS)]
    return found


def _thumbnails(path: Path, start_s: float, seconds: float) -> NDArray[np.int16]:
    """Grey thumbnails each 10 ms of the player's clock, int16 [T, pixels]; what stands still before is the first."""
    clock = f"PTS-({_start_s(path):.6f})/TB"
    sight = media.source(path, copyts=None, ss=f"{max(0.0, start_s - 1.0):.3f}")["V:0"].filter("setpts", clock)
    sight = sight.filter("scale", _SIDE, _SIDE, flags="area").filter("format", "gray")
    sight = sight.filter("fps", fps=_GRID_HZ, start_time=f"{start_s:.3f}")
    sight = sight.filter("trim", end_frame=round(seconds * _GRID_HZ))
    try:
        seen = process.capture(media.arguments(sight.output("pipe:", f="rawvideo")), deadline_s=1800.0)
    except ProcessFailedError:
        return np.zeros((0, _SIDE * _SIDE), np.int16)
    whole = len(seen) // (_SIDE * _SIDE) * _SIDE * _SIDE
    return np.frombuffer(seen[:whole], np.uint8).reshape(-1, _SIDE * _SIDE).astype(np.int16)


def _frame_times(path: Path) -> Power:
    """When each frame is shown on the player's clock, seconds, in order."""
    shown = ("-show_entries", "packet=pts_time,flags:format=start_time", "-of", "csv", "-select_streams", "V:0")
    listed = door.answer(path, "-fflags", "+genpts", *shown, deadline_s=3600.0).decode()
    rows = [line.split(",") for line in listed.splitlines() if line]
    start = next((_number(row[1]) for row in rows if row[0] == "format"), 0.0)
    times = [_number(row[1]) for row in rows if row[0] == "packet" and "D" not in "".join(row[2:])]
    known = [time for time in times if not np.isnan(time)]
    return np.sort(np.array(known)) - (0.0 if np.isnan(start) else start)


def _number(text: str) -> float:
    return np.nan if text in ("N/A", "") else float(text)


def _start_s(path: Path) -> float:
    found = json.loads(door.answer(path, "-show_entries", "format=start_time", "-of", "json"))
    return float(found["format"].get("start_time", 0))


def _level(values: Power) -> Power:
    return np.asarray(10 * np.log10(values + 1e-7))


def _padded(values: Power, length: int) -> Power:
    return np.pad(values, (0, max(0, length - len(values))))
