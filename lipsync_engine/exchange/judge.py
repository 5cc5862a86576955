"""What another system made of a piece: is it this person, in time, and better than the unsynced mouth?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lipsync_engine.exchange.clips import scaled
from lipsync_engine.exchange.shots import Piece
from lipsync_engine.faces.appearance import face_view, front_view, look_of
from lipsync_engine.faces.facemesh.picture import Picture
from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.frontal import MeanFace
from lipsync_engine.faces.geometry import fit_poses, typical_shape
from lipsync_engine.faces.identity import Likeness, unlikeness
from lipsync_engine.faces.mouth import measured, series, speaker_stats
from lipsync_engine.faces.track import MeshSource, track_faces
from lipsync_engine.media import video
from lipsync_engine.plan.timing import agreement_at, asked_of, lag_behind
from lipsync_engine.records import FloatArray, MouthSeries, Phone

#: The mouth leads the sound by so much, as the engine's own does where the title does not tell.
_LEAD_S = 0.02
#: An offset is believed from this agreement on, and removed from this many frames on.
_SURE, _OFFSET_FRAMES = 0.4, 0.75
#: By how much the new mouth must agree better with the dub than the old one does.
_BETTER = 0.1  # the unsynced mouth, merely held 2 to 5 % wider, differs by up to 0.07 over two seconds
#: Share of the sent clip's sharpness (variance of the Laplacian) that must be left.
_SOFT = 0.3
#: A clip may miss this much of its length: seconds, and share.
_SHORT_S, _SHORT = 0.2, 0.02
#: Share of the frames in which a face must be seen.
_SEEN = 0.6
#: A face larger than the title's by more than this is drawn from a reduced copy: the title's size over the clip's.
_REDUCE = 0.75
#: Frames that a likeness is taken from.
_SAMPLES = 6


@dataclass(frozen=True, slots=True)
class Take:
    """What a system was sent for a piece (a clip, or a still) and the clip that it gave back."""

    piece: Piece
    sent: Path
    clip: Path


@dataclass(frozen=True, slots=True)
class Seen:
    """A take that passed.

    Attributes:
        take: the take.
        clip: the clip that is drawn from (``take.clip``, or a copy of it no larger than the face is in the title).
        rows: the person in that clip.
        times_s: float64 [n], when each row is shown in the title, the offset removed.
        offset_frames: lag of the mouth that was removed, in frames of the title.
        agreement: with what the dub's phones ask for; None where too little is said to tell.
        unsynced: the same of the source's own mouth.
        sharpness: share of the sent clip's sharpness.
    """

    take: Take
    clip: Path
    rows: FaceTrack
    times_s: NDArray[np.float64]
    offset_frames: float
    agreement: float | None
    unsynced: float | None
    sharpness: float


@dataclass(frozen=True, slots=True)
class Refused:
    """A take that is not used: the reason's name, and what was measured."""

    reason: str
    what: str


def look_at(track: FaceTrack, take: Take, phones: Sequence[Phone], folder: Path) -> Seen | Refused:
    """Judge a take.

    Args:
        track: analysis of the title.
        take: what was sent and what came back.
        phones: what the dub says, on the title's clock.
        folder: for a reduced copy of the clip.
    """
    piece = take.piece
    try:
        clip = take.clip
        made = track_faces(clip, faces=1)
    except video.MediaError as error:
        return Refused("unreadable", str(error))
    wanted_s = piece.end_s - piece.start_s
    step = float(np.median(np.diff(made.times_s))) if len(made.times_s) > 1 else 0.0
    lasts = len(made.times_s) * step
    if lasts < wanted_s - max(_SHORT_S, _SHORT * wanted_s):
        return Refused("wrong_length", f"{lasts:.2f} s came back of {wanted_s:.2f} s")
    if not made.identities or len(made.frame) < _SEEN * min(len(made.times_s), wanted_s / max(step, 1e-6)):
        return Refused("no_face", f"a face in {len(made.frame)} of {len(made.times_s)} frames")
    found, known = _likeness(take.clip), _likeness(take.sent)
    if found is None or known is None:
        return Refused("no_face", "no face that can be compared")
    sharpness = found.sharpness / max(known.sharpness, 1e-6)
    if sharpness < _SOFT:
        return Refused("soft", f"{sharpness:.0%} of the sharpness is left")
    distance = unlikeness(found.who, known.who)
    if distance >= 1:
        return Refused("wrong_face", f"distance {distance:.2f} from the person who was sent (one person: below 1)")
    own = track.of(piece.identity)
    width, made_width = (float(np.median(np.ptp(rows.landmarks[:, :, 0], axis=1))) for rows in (own, made))
    ratio = width / max(made_width, 1e-6)
    rows = made.of(made.identities[0])
    if ratio < _REDUCE:
        clip = _reduced(take.clip, folder / f"{take.clip.stem}.small.mp4", ratio)
        rows = _scaled(rows, made, video.probe(clip))
    return _in_time(track, take, clip, rows, phones, sharpness)


def _in_time(
    track: FaceTrack, take: Take, clip: Path, rows: FaceTrack, phones: Sequence[Phone], sharpness: float
) -> Seen | Refused:
    """Find the offset and whether the mouth agrees better with the dub than the source's does."""
    piece = take.piece
    source = series(track, piece.identity)
    stats = speaker_stats(source)
    mouth = MouthSeries(
        piece.start_s + rows.times_s[rows.frame],
        measured(rows.landmarks, fit_poses(rows.landmarks))[0],
        np.ones(len(rows.frame), bool),
    )
    frame_s = float(np.median(np.diff(track.times_s)))
    asked = asked_of(phones, stats, piece.start_s, max(piece.end_s, float(mouth.times_s[-1])))
    shown = asked.spoken(mouth.times_s)
    lag = lag_behind(mouth, shown, asked)
    late_s, agreement = 0.0, None
    if lag is not None:
        late_s = lag.seconds + _LEAD_S
        if lag.agreement < _SURE or abs(late_s) < _OFFSET_FRAMES * frame_s:
            late_s = 0.0
        agreement = agreement_at(mouth, shown, asked, lag.seconds if late_s else -_LEAD_S)
    inside = np.zeros(len(source.times_s), bool)
    inside[piece.first : piece.stop] = True
    unsynced = agreement_at(source, source.valid & inside & asked.spoken(source.times_s), asked, -_LEAD_S)
    if agreement is not None and unsynced is not None and agreement < unsynced + _BETTER:
        what = f"agreement with the dub {agreement:.2f}, of the unsynced mouth {unsynced:.2f}"
        return Refused("no_better_than_unsynced", what)
    return Seen(take, clip, rows, mouth.times_s - late_s, late_s / frame_s, agreement, unsynced, sharpness)


@dataclass(frozen=True, slots=True)
class _Looks:
    who: Likeness
    sharpness: float


def _likeness(path: Path) -> _Looks | None:
    """Who is seen in some frames of a clip, or in a still, and how sharply."""
    found: list[tuple[FloatArray, Picture]] = []
    source = MeshSource(1)
    for picture, rgb in _some_pictures(path):
        faces = source.find(rgb, 0)
        if faces:
            found.append((faces[0], picture))
    if not found:
        return None
    meshes = np.stack([mesh for mesh, _ in found])
    looks = [look_of(picture, mesh) for mesh, picture in found]
    face = MeanFace()
    for mesh, picture in found:
        face.see(front_view(face_view(picture, mesh), mesh))
    who = Likeness(typical_shape(meshes, fit_poses(meshes)), face.vectors())
    return _Looks(who, float(np.median([look.sharpness for look in looks])))


def _some_pictures(path: Path) -> list[tuple[Picture, NDArray[np.uint8]]]:
    still = cv2.imread(str(path), cv2.IMREAD_COLOR) if path.suffix == ".png" else None
    if still is not None:
        rgb = np.asarray(cv2.cvtColor(still, cv2.COLOR_BGR2RGB), np.uint8)
        return [(Picture.of_rgb(rgb), rgb)]
    facts = video.probe(path)
    every = max(1, facts.frames // _SAMPLES)
    return [
        (Picture.of_rgb(rgb), rgb)
        for frame in video.read(path, facts)
        if frame.index % every == every // 2
        for rgb in [frame.rgb()]
    ]


def _reduced(path: Path, out: Path, ratio: float) -> Path:
    """The clip at so much of its size, so that its pixels are not skipped when they are drawn smaller."""
    facts = video.probe(path)
    size = max(2, round(facts.width * ratio / 2) * 2), max(2, round(facts.height * ratio / 2) * 2)
    small = replace(facts, width=size[0], height=size[1], rotation=0)
    with video.Writer(out, small, crf=8) as writer:
        for frame in video.read(path, facts):
            writer.write(scaled(frame.planes, size), frame.pts)
    return out


def _scaled(rows: FaceTrack, made: FaceTrack, small: video.VideoFacts) -> FaceTrack:
    """Rows of a clip in the pixels of its reduced copy."""
    x, y = small.width / int(made.size[0]), small.height / int(made.size[1])
    scale = np.array([x, y, (x + y) / 2], np.float32)
    landmarks = (rows.landmarks[:] + np.float32(0.5)) * scale - np.float32(0.5)
    return replace(rows, landmarks=landmarks)
