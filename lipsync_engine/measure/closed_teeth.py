"""What stands between the lips of a delivered picture on vowels: a mouth that speaks an /a/ or /o/ parts its teeth."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.geometry import fit_poses
from lipsync_engine.faces.interior import Inside
from lipsync_engine.faces.mouth import measured
from lipsync_engine.records import BoolArray, Phone, SpeakerStats
from lipsync_engine.speech.articulation import Features, segments

#: A vowel is judged without the frames at its edges, which belong to its neighbours as well.
_CORE = 0.1
#: Rows of teeth that stand nearer than this are shut, face widths; the teeth that must show to say so.
TOGETHER, SHOWN = 0.016, 0.3
#: Vowels that part the teeth: as open as this, or rounded.
_OPEN = 0.6
_WIDTH = 1
_Wanted = Callable[[Features], bool]


def teeth_shut(inside: Inside) -> BoolArray:
    """Mouths that show teeth without a gap between the rows, bool [N]."""
    with np.errstate(invalid="ignore"):
        return np.asarray(inside.seen & (inside.teeth >= SHOWN) & (inside.gap < TOGETHER))


def closed_teeth(
    inside: Inside, times_s: NDArray[np.float64], phones: Sequence[Phone], shown: BoolArray
) -> float | None:
    """Share of the frames of open and rounded vowels that show closed teeth, of those with parted lips; else ``None``.

    Args:
        inside: of N frames.
        times_s: float64 [N], their times on the clock of the phones.
        phones: what is said.
        shown: bool [N], frames that count.
    """
    on = shown & inside.seen & _during(times_s, phones, lambda s: s.rounded or s.height >= _OPEN)
    return float(teeth_shut(inside)[on].mean()) if on.any() else None


def wide_when_rounded(
    track: FaceTrack, phones: Sequence[Phone], shown: BoolArray, stats: SpeakerStats, times_s: NDArray[np.float64]
) -> float | None:
    """Share of /u o y/ whose lips stand wider than this speaker's usually do in speech; ``None`` without such sounds.

    Args:
        track: rows of one person in the delivered picture, N.
        phones: what is said.
        shown: bool [N], frames that count.
        stats: the speaker.
        times_s: float64 [N], times of the rows on the clock of the phones.
    """
    width = measured(track.landmarks, fit_poses(track.landmarks))[0][:, _WIDTH]
    usual = float((stats.low[_WIDTH] + stats.high[_WIDTH]) / 2 if stats.mean is None else stats.mean[_WIDTH])
    wide = []
    for phone in phones:
        sounds = segments(phone.ipa)
        if len(sounds) == 1 and sounds[0].place == "vowel" and sounds[0].rounded and sounds[0].height < 0.5:
            on = shown & (times_s * 1000 >= phone.start_ms) & (times_s * 1000 < phone.end_ms)
            if on.any():
                wide.append(float(np.median(width[on])) > usual)
    return float(np.mean(wide)) if wide else None


def _during(times_s: NDArray[np.float64], phones: Sequence[Phone], wanted: _Wanted) -> BoolArray:
    """Moments within the core of such vowels, bool [N]."""
    flags = np.zeros(len(times_s), np.bool_)
    for phone in phones:
        sounds = segments(phone.ipa)
        if sounds and all(s.place == "vowel" and wanted(s) for s in sounds):
            edge = _CORE * (phone.end_ms - phone.start_ms)
            flags |= (times_s * 1000 >= phone.start_ms + edge) & (times_s * 1000 <= phone.end_ms - edge)
    return flags
