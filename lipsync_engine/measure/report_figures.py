"""Measure the finished picture by tracking it again: speech figures, sharpness, jitter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.geometry import fit_poses, to_canonical
from lipsync_engine.faces.mouth import series, speaker_stats
from lipsync_engine.faces.track import Progress, track_faces
from lipsync_engine.measure.audio_visual_fit import canonical_rows
from lipsync_engine.measure.controls import Rows, control_rows, shuffled, silent_about, tells
from lipsync_engine.measure.likeness import changed_figures, truth_figures
from lipsync_engine.measure.measure import speech_measures
from lipsync_engine.measure.place import place_offset
from lipsync_engine.measure.steadiness import jitter_ratio
from lipsync_engine.media.audio import spooled_mono
from lipsync_engine.media.shelf import NOTHING_KEPT, Kept
from lipsync_engine.plan.timing import Heard
from lipsync_engine.records import BoolArray, FloatArray, MouthPlan, MouthSeries, Phone, SpeakerStats
from lipsync_engine.speech.title_speech import OwnSpeech, own_speech

#: Eyelids of either eye; brow to lower eyelid on either side.
_UPPER_FACE = ((159, 145), (386, 374), (105, 145), (334, 374))
#: Three times what tracking the same picture again, encoded again, differs by (0.001 face widths).
_UPPER_FACE_MOTION = 0.003
_SAMPLE_RATE = 16000
PICTURE_FIGURES = ("sharpness_ratio", "jitter_ratio", "upper_face_retention", "place_offset")


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
    kept: Kept = NOTHING_KEPT,
) -> tuple[dict[str, float | None], Rows, list[str]]:
    """Speech measures of a result, and of the mouths to compare it with.

    Args:
        seen: the mouth of the result.
        phones: what the dub says.
        audio: the dub.
        stats: the speaker.
        only: bool [T], frames that were edited; ``None`` for all.
        plan: what was planned.
        source: the mouth of the source picture.
        own: the title's own speech.
        kept: where what is measured of the title itself is found, and kept.

    Returns:
        The figures; the control rows; and the names of figures that this material cannot tell from shuffled speech,
        which are set to ``None``. What a right mouth scores is taken from the plan, else from the real mouth.
    """
    if only is not None:
        seen = MouthSeries(seen.times_s, seen.values, seen.valid & only)
    heard = Heard(phones, spooled_mono(audio, _SAMPLE_RATE), _SAMPLE_RATE, stats)
    figures = speech_measures(seen, heard, plan=plan, source=source)
    rows = control_rows(seen, heard, source=source, own=own, kept=kept)
    silent: list[str] = []
    if plan is not None:
        silent = silent_about(speech_measures(plan.series, heard, brief=True), shuffled(plan.series, heard))
    elif "real_shuffled" in rows:
        silent = silent_about(rows["real"], rows["real_shuffled"])
    return figures | dict.fromkeys(silent), rows, silent


def picture_figures(before: FaceTrack, after: FaceTrack, frames: NDArray[np.int64]) -> dict[str, float | None]:
    """What two pictures of one person tell of the edited frames: the figures ``PICTURE_FIGURES``.

    Args:
        before: the person in the source.
        after: the person in the result.
        frames: int64 [n], numbers of the edited frames.
    """
    old, new = _shared(before, after, frames)
    if len(old.frame) < 5:
        return dict.fromkeys(PICTURE_FIGURES)
    return {
        "sharpness_ratio": float(np.median(new.sharpness) / max(float(np.median(old.sharpness)), 1e-6)),
        "jitter_ratio": jitter_ratio(old, new),
        "upper_face_retention": _retention(_upper_face(old), _upper_face(new)),
        "place_offset": place_offset(old, new),
    }


def _shared(before: FaceTrack, after: FaceTrack, frames: NDArray[np.int64]) -> tuple[FaceTrack, FaceTrack]:
    """Only those of the frames in which both are seen."""
    common = np.intersect1d(np.intersect1d(before.frame, after.frame), frames)
    return before.rows(np.searchsorted(before.frame, common)), after.rows(np.searchsorted(after.frame, common))


def _upper_face(track: FaceTrack) -> FloatArray:
    """Openings of the eyes and heights of the brows over them, face widths, float32 [N, 4]."""
    points = to_canonical(track.landmarks[:, np.ravel(_UPPER_FACE)], fit_poses(track.landmarks))[:, :, :2]
    gaps = [np.linalg.norm(points[:, at] - points[:, at + 1], axis=1) for at in range(0, points.shape[1], 2)]
    return np.asarray(np.stack(gaps, axis=1), np.float32)


def _retention(before: FloatArray, after: FloatArray) -> float | None:
    """Correlation of the upper face's motion before and after, over all its signals; 1: unchanged.

    ``None`` where it moves too little to be distinguished from the tracker's noise.
    """
    a, b = before - before.mean(axis=0), after - after.mean(axis=0)
    if float(np.sqrt((a**2).mean())) < _UPPER_FACE_MOTION:
        return None
    return float((a * b).sum()) / max(float(np.linalg.norm(a)) * float(np.linalg.norm(b)), 1e-12)


def clip_figures(
    picture: Path,
    phones: tuple[Phone, ...],
    audio: Path,
    *,
    reference: Path | None = None,
    reference_phones: tuple[Phone, ...] | None = None,
    truth: Path | None = None,
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
        truth: real footage of the very words, frame by frame: gives the figures of `truth_figures`.
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
        who = real.identities[0] if who is None else who
        source = series(real, who)
        heard = (own.speaking(source.times_s), own.settled(source.times_s)) if own is not None else (None, None)
        stats = speaker_stats(source, *heard)
        figures |= picture_figures(real.of(who), person, person.frame.astype(np.int64))
        old, new = _shared(real.of(who), person, person.frame.astype(np.int64))
        figures |= changed_figures(reference, old, picture, new)
    measured, rows, silent = speech_figures(seen, phones, audio, stats, source=source, own=own)
    if source is not None and own is not None and len(own.samples):
        canonical = canonical_rows(seen, spooled_mono(audio, _SAMPLE_RATE), source, own.samples, _SAMPLE_RATE)
        measured["canonical_correlation"] = canonical.pop("result")
        for row, value in canonical.items():
            rows.setdefault(row, {})["canonical_correlation"] = value
        if not tells(canonical["real"], canonical["shuffled"]):
            measured["canonical_correlation"] = None
            silent.append("canonical_correlation")
    if truth is not None:
        figures |= truth_figures(truth, person, picture)
    figures |= measured
    return figures | {"controls": rows, "cannot_tell": silent}
