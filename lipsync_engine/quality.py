"""Measure the finished picture by tracking it again: speech figures, sharpness, jitter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.audio import load_mono
from lipsync_engine.facetrack import FaceTrack
from lipsync_engine.geometry import fit_poses, to_canonical
from lipsync_engine.measure import speech_measures
from lipsync_engine.mouth import series
from lipsync_engine.records import BoolArray, MouthPlan, MouthSeries, Phone, SpeakerStats

#: Skin that speech hardly moves but a bad warp would: nose foot and wings, upper cheeks.
_STILL_SKIN = (2, 97, 326, 98, 327, 49, 279, 129, 358, 50, 280, 101, 330, 36, 266)
#: Jitter (face widths) below which a picture is still for all that the tracker can tell.
_JITTER_FLOOR = 2e-4
_SAMPLE_RATE = 16000


def same_person(found: FaceTrack, wanted: FaceTrack) -> int | None:
    """Which person of a re-tracked picture stands where ``wanted`` (one person's rows) stands."""
    places = dict(zip(wanted.frame.tolist(), wanted.landmarks[:, :, :2].mean(axis=1), strict=True))
    votes: dict[int, int] = {}
    for frame, who, mesh in zip(found.frame.tolist(), found.identity.tolist(), found.landmarks, strict=True):
        place = places.get(frame)
        if place is None:
            continue
        near = np.linalg.norm(mesh[:, :2].mean(axis=0) - place) < 0.4 * np.ptp(mesh[:, 0])
        votes[who] = votes.get(who, 0) + int(near)
    best = max(votes, key=lambda who: votes[who], default=None)
    return best if best is not None and votes[best] > 0 else None


def speech_figures(
    seen: MouthSeries,
    phones: tuple[Phone, ...],
    audio: Path,
    stats: SpeakerStats,
    *,
    only: BoolArray | None = None,
    plan: MouthPlan | None = None,
    source: MouthSeries | None = None,
) -> dict[str, float | None]:
    """Speech measures over the frames ``only`` (bool [T]; those that were edited)."""
    if only is not None:
        seen = MouthSeries(seen.times_s, seen.values, seen.valid & only)
    samples = load_mono(audio, _SAMPLE_RATE)
    return speech_measures(seen, phones, samples, _SAMPLE_RATE, stats=stats, plan=plan, source=source)


def picture_figures(before: FaceTrack, after: FaceTrack, frames: NDArray[np.int64]) -> dict[str, float | None]:
    """``sharpness_ratio`` and ``jitter_ratio`` of one person over the edited frames."""
    common = np.intersect1d(np.intersect1d(before.frame, after.frame), frames)
    if len(common) < 5:
        return {"sharpness_ratio": None, "jitter_ratio": None}
    old = before.rows(np.searchsorted(before.frame, common))
    new = after.rows(np.searchsorted(after.frame, common))
    source_jitter = max(_jitter(old), _JITTER_FLOOR)
    return {
        "sharpness_ratio": float(np.median(new.sharpness) / max(float(np.median(old.sharpness)), 1e-6)),
        "jitter_ratio": _jitter(new) / source_jitter,
    }


def _jitter(track: FaceTrack) -> float:
    """Root-mean-square second difference of pose-normalised still skin, over runs of consecutive frames."""
    points = to_canonical(track.landmarks, fit_poses(track.landmarks))[:, list(_STILL_SKIN), :2]
    second = points[2:] - 2 * points[1:-1] + points[:-2]
    run = (track.frame[2:] - track.frame[:-2]) == 2
    return float(np.sqrt((second[run] ** 2).mean())) if run.any() else 0.0


def mouth_of(found: FaceTrack, wanted: FaceTrack) -> tuple[MouthSeries, FaceTrack] | None:
    """Mouth series and rows of the re-tracked person who stands where ``wanted`` stands."""
    who = same_person(found, wanted)
    return None if who is None else (series(found, who), found.of(who))
