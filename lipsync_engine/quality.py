"""Measure the finished picture by tracking it again: speech figures, sharpness, jitter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.audio import spooled_mono
from lipsync_engine.controls import Rows, control_rows, shuffled, silent_about
from lipsync_engine.facetrack import FaceTrack
from lipsync_engine.geometry import fit_poses, to_canonical
from lipsync_engine.measure import speech_measures
from lipsync_engine.mouth import series, speaker_stats
from lipsync_engine.records import BoolArray, FloatArray, MouthPlan, MouthSeries, Phone, SpeakerStats
from lipsync_engine.source import OwnSpeech, own_speech
from lipsync_engine.track import Progress, track_faces

#: Skin that speech hardly moves but a bad warp would: nose foot and wings, upper cheeks.
_STILL_SKIN = (2, 97, 326, 98, 327, 49, 279, 129, 358, 50, 280, 101, 330, 36, 266)
#: Eyelids of either eye; brow to lower eyelid on either side.
_UPPER_FACE = ((159, 145), (386, 374), (105, 145), (334, 374))
#: Three times what tracking the same picture again, encoded again, differs by (0.001 face widths).
_UPPER_FACE_MOTION = 0.003
#: Jitter (face widths) below which a picture is still for all that the tracker can tell.
_JITTER_FLOOR = 2e-4
_SAMPLE_RATE = 16000


def same_person(found: FaceTrack, wanted: FaceTrack) -> int | None:
    """Which person of a re-tracked picture stands where ``wanted`` (one person's rows) stands."""
    places = dict(zip(wanted.frame.tolist(), (mesh[:, :2].mean(axis=0) for mesh in wanted.landmarks), strict=True))
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
    own: OwnSpeech | None = None,
) -> tuple[dict[str, float | None], Rows, list[str]]:
    """Speech measures over the frames ``only`` (bool [T]; those that were edited).

    Returns:
        The figures; the control rows; and the names of figures that this material cannot tell from shuffled speech,
        which are set to ``None``. What a right mouth scores is taken from the plan, else from the real mouth.
    """
    if only is not None:
        seen = MouthSeries(seen.times_s, seen.values, seen.valid & only)
    samples = spooled_mono(audio, _SAMPLE_RATE)
    figures = speech_measures(seen, phones, samples, _SAMPLE_RATE, stats=stats, plan=plan, source=source)
    rows = control_rows(seen, phones, samples, stats, source=source, own=own)
    silent: list[str] = []
    if plan is not None:
        ideal = speech_measures(plan.series, phones, samples, _SAMPLE_RATE, stats=stats)
        silent = silent_about(ideal, shuffled(plan.series, phones, samples, stats))
    elif "real_shuffled" in rows:
        silent = silent_about(rows["real"], rows["real_shuffled"])
    return figures | dict.fromkeys(silent), rows, silent


def picture_figures(before: FaceTrack, after: FaceTrack, frames: NDArray[np.int64]) -> dict[str, float | None]:
    """``sharpness_ratio``, ``jitter_ratio`` and ``upper_face_retention`` of one person over the edited frames."""
    common = np.intersect1d(np.intersect1d(before.frame, after.frame), frames)
    if len(common) < 5:
        return {"sharpness_ratio": None, "jitter_ratio": None, "upper_face_retention": None}
    old = before.rows(np.searchsorted(before.frame, common))
    new = after.rows(np.searchsorted(after.frame, common))
    source_jitter = max(_jitter(old), _JITTER_FLOOR)
    return {
        "sharpness_ratio": float(np.median(new.sharpness) / max(float(np.median(old.sharpness)), 1e-6)),
        "jitter_ratio": _jitter(new) / source_jitter,
        "upper_face_retention": _retention(_upper_face(old), _upper_face(new)),
    }


def _upper_face(track: FaceTrack) -> FloatArray:
    """Openings of the eyes and heights of the brows over them, face widths, float32 [N, 4]."""
    points = to_canonical(track.landmarks[:, np.ravel(_UPPER_FACE)], fit_poses(track.landmarks))[:, :, :2]
    gaps = [np.linalg.norm(points[:, at] - points[:, at + 1], axis=1) for at in range(0, points.shape[1], 2)]
    return np.stack(gaps, axis=1).astype(np.float32)


def _retention(before: FloatArray, after: FloatArray) -> float | None:
    """Correlation of the upper face's motion before and after, over all its signals; 1: unchanged.

    ``None`` where it moves too little to be told from the tracker's noise.
    """
    a, b = before - before.mean(axis=0), after - after.mean(axis=0)
    if float(np.sqrt((a**2).mean())) < _UPPER_FACE_MOTION:
        return None
    return float((a * b).sum()) / max(float(np.linalg.norm(a)) * float(np.linalg.norm(b)), 1e-12)


def _jitter(track: FaceTrack) -> float:
    """Root-mean-square second difference of pose-normalised still skin, over runs of consecutive frames."""
    points = to_canonical(track.landmarks[:, list(_STILL_SKIN)], fit_poses(track.landmarks))[:, :, :2]
    second = points[2:] - 2 * points[1:-1] + points[:-2]
    run = (track.frame[2:] - track.frame[:-2]) == 2
    return float(np.sqrt((second[run] ** 2).mean())) if run.any() else 0.0


def clip_figures(
    picture: Path,
    phones: tuple[Phone, ...],
    audio: Path,
    *,
    reference: Path | None = None,
    reference_phones: tuple[Phone, ...] | None = None,
    progress: Progress | None = None,
) -> dict[str, object]:
    """Figures of the most seen face of a finished clip, with control rows, ready for JSON.

    Args:
        picture: the clip.
        phones: what its sound says.
        audio: its sound.
        reference: real footage of the speaker, frame by frame the source of the clip: gives the speaker's own range,
            the rows ``real`` and ``unmodified``, and the figures that compare pictures.
        reference_phones: what the reference says.
        progress: called with (share done, message).

    Raises:
        MediaError: a picture cannot be decoded.
        AudioError: the sound cannot be decoded.
    """
    track = track_faces(picture, progress)
    figures: dict[str, object] = {"frames": len(track.times_s), "faces": len(track.identities)}
    if not track.identities:
        return figures | {"reason": "no face was found"}
    person = track.of(track.identities[0])
    seen, source, own = series(track, track.identities[0]), None, None
    stats = speaker_stats(seen)
    real = track_faces(reference, progress) if reference is not None else None
    if real is not None and reference is not None and real.identities:
        own = own_speech(reference, reference_phones)
        who = same_person(real, person)
        source = series(real, real.identities[0] if who is None else who)
        heard = (own.speaking(source.times_s), own.resting(source.times_s)) if own is not None else (None, None)
        stats = speaker_stats(source, *heard)
        figures |= picture_figures(
            real.of(real.identities[0] if who is None else who), person, person.frame.astype(np.int64)
        )
    measured, rows, silent = speech_figures(seen, phones, audio, stats, source=source, own=own)
    figures |= measured
    return figures | {"controls": rows, "cannot_tell": silent}


def mouth_of(found: FaceTrack, wanted: FaceTrack) -> tuple[MouthSeries, FaceTrack] | None:
    """Mouth series and rows of the re-tracked person who stands where ``wanted`` stands.

    The series is on the clock of ``wanted`` where both have as many frames: a picture alone begins at its first frame,
    a title where its sound may begin.
    """
    who = same_person(found, wanted)
    if who is None:
        return None
    seen = series(found, who)
    if len(seen.times_s) == len(wanted.times_s):
        seen = MouthSeries(wanted.times_s, seen.values, seen.valid)
    return seen, found.of(who)
