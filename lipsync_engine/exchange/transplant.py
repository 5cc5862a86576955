"""What another system made of a piece: is it this person, in time, better than nothing? Then its mouth is put on.

The mouth travels by landmarks: the source's own face is bent to the shape that the other picture's mouth has, and that
mouth's pixels go through the engine's own mask, light match, occlusion and seams. So the size, rate, crop and even the
pose of the other picture do not matter, and nothing outside the mask is touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lipsync_engine.exchange.pieces import Piece, scaled
from lipsync_engine.faces.appearance import MeanFace, face_view, look_of
from lipsync_engine.faces.facemesh.picture import Picture
from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.geometry import Poses, fit_poses, typical_shape
from lipsync_engine.faces.identity import Likeness, unlikeness
from lipsync_engine.faces.mouth import measured, series, speaker_stats
from lipsync_engine.faces.track import MeshSource, track_faces
from lipsync_engine.media import video
from lipsync_engine.plan.edit import Person, Score
from lipsync_engine.plan.gates import judge
from lipsync_engine.plan.timing import agreement_at, asked_of, lag_behind
from lipsync_engine.records import BoolArray, FloatArray, MouthSeries, Phone

#: Degrees to which a head may be turned where another system draws the mouth: it knows the far side of a face, the
#: mask does not.
MAX_YAW = 55.0
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
#: Frames over which an edit that begins or ends within a shot fades.
_FADE = 3
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


@dataclass(frozen=True, slots=True)
class Foreign:
    """What is drawn besides, or instead of, the engine's own mouths.

    Attributes:
        seen: takes that passed, of which the mouth is put on.
        whole: takes that passed, of which the whole picture replaces the title's.
        native: spans of frames (first, stop) by person in which the engine draws by itself.
        reasons: why the frames of a span (first, stop) by person are left as they are.
    """

    seen: Sequence[Seen] = ()
    whole: Sequence[Seen] = ()
    native: Mapping[int, Sequence[tuple[int, int]]] = field(default_factory=dict)
    reasons: Mapping[int, Sequence[tuple[int, int, str]]] = field(default_factory=dict)


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
    if not made.identities or len(made.frame) < 0.6 * min(len(made.times_s), wanted_s / max(step, 1e-6)):
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
    if ratio < 0.75:
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


def grafted(who: Person, native: Score, foreign: Foreign, active: BoolArray) -> tuple[Person, Score]:
    """One person with the foreign mouths among what may be shown, and the edit that shows them.

    Args:
        who: the person.
        native: the engine's own edit of this person.
        foreign: what is drawn besides or instead.
        active: bool [T], frames at which this person carries the dub.
    """
    identity = int(who.track.identity[0])
    seen = [one for one in foreign.seen if one.take.piece.identity == identity]
    painted, mouths, firsts = _with(who, seen)
    frames = len(who.track.times_s)
    row_of = np.full(frames, -1, np.int64)
    row_of[who.track.frame] = np.arange(len(who.track.frame))
    gates, reasons = judge(who.track, MAX_YAW)
    entries = _native_entries(native, foreign.native.get(identity, ()))
    for one in foreign.whole:
        covered = range(one.take.piece.first, one.take.piece.stop)
        entries = {frame: entry for frame, entry in entries.items() if frame not in covered}
    declined = {frame: why for frame, why in native.declined.items() if _within(frame, foreign.native.get(identity))}
    for first, stop, why in foreign.reasons.get(identity, ()):
        declined.update({frame: why for frame in range(first, stop) if active[frame] and row_of[frame] >= 0})
    weights = _weights(seen, frames)
    for frame in np.flatnonzero((weights.sum(axis=0) > 0) & (row_of >= 0) & active).tolist():
        row = int(row_of[frame])
        strength = float(gates[row]) * min(1.0, float(weights[:, frame].sum()))
        if strength <= 0:
            declined[frame] = reasons[row]
            continue
        declined.pop(frame, None)
        entries[frame] = _entry(who, row, frame, strength, weights[:, frame], seen, mouths, firsts)
    return painted, _score(entries, who, declined)


class Replaced:
    """Whole pictures of takes in place of the title's.

    Args:
        whole: the takes.
        times_s: float64 [T], presentation times of the title's frames.
        facts: of the title's picture.
    """

    def __init__(self, whole: Sequence[Seen], times_s: NDArray[np.float64], facts: video.VideoFacts) -> None:
        self._facts = facts
        self.frames = np.zeros(len(times_s), bool)
        self._place: dict[int, tuple[int, int]] = {}
        self._readers = []
        for number, one in enumerate(whole):
            clip = video.probe(one.take.clip)
            own = replace(clip, pixel_format=facts.pixel_format)
            self._readers.append(_Reader(one.take.clip, own))
            piece = one.take.piece
            self.frames[piece.first : piece.stop] = True
            late_s = one.offset_frames * float(np.median(np.diff(times_s)))
            for frame in range(piece.first, piece.stop):
                at = (float(times_s[frame]) - piece.start_s + late_s) * float(clip.rate)
                self._place[frame] = number, max(0, round(at))

    def apply(self, frames: Sequence[video.Frame]) -> None:
        """Replace consecutive frames, in place; frames come in order of time."""
        size = (self._facts.width // 2 * 2, self._facts.height // 2 * 2)
        for frame in frames:
            if frame.index in self._place:
                number, at = self._place[frame.index]
                for target, plane in zip(frame.planes, scaled(self._readers[number].at(at), size), strict=True):
                    target[: plane.shape[0], : plane.shape[1]] = plane


class _Reader:
    """Frames of a clip by rising numbers; beyond its end the last one."""

    def __init__(self, path: Path, facts: video.VideoFacts) -> None:
        self._frames = video.read(path, facts)
        self._last = next(self._frames)

    def at(self, index: int) -> video.Planes:
        while self._last.index < index and (after := next(self._frames, None)) is not None:
            self._last = after
        return self._last.planes


@dataclass(frozen=True, slots=True)
class _Entry:
    row: int
    target: FloatArray
    strength: float
    pick: int
    shown: tuple[int, int]
    share: tuple[float, float]


def _entry(
    who: Person,
    row: int,
    frame: int,
    strength: float,
    weights: NDArray[np.float64],
    seen: Sequence[Seen],
    mouths: Sequence[FloatArray],
    firsts: Sequence[int],
) -> _Entry:
    """The mouth at one frame: as the take has it at that moment; where two takes overlap, one into the other."""
    time_s = float(who.track.times_s[frame])
    best = [int(i) for i in np.argsort(-weights, kind="stable")[:2] if weights[i] > 0]
    share = weights[best] / weights[best].sum()
    wanted = np.zeros(4)
    rows = []
    for number, part in zip(best, share.tolist(), strict=True):
        at = seen[number].times_s
        wanted += part * np.array([np.interp(time_s, at, mouths[number][:, c]) for c in range(4)])
        rows.append(firsts[number] + int(np.abs(at - time_s).argmin()))
    target = who.mouth[row] + strength * (wanted - who.mouth[row])
    shown = (rows[0], rows[1] if len(rows) > 1 else -1)
    return _Entry(row, target, strength, rows[0], shown, (float(share[0]), float(share[1]) if len(rows) > 1 else 0.0))


def _weights(seen: Sequence[Seen], frames: int) -> NDArray[np.float64]:
    """Share of each take in each frame, float64 [n, T]: whole inside, cross-faded where two overlap, faded at ends."""
    out = np.zeros((len(seen), frames))
    pieces = [one.take.piece for one in seen]
    for number, piece in enumerate(pieces):
        length = piece.stop - piece.first
        place = np.arange(length)
        before = next((p for p in pieces if p.shot == piece.shot and p.first < piece.first < p.stop), None)
        after = next((p for p in pieces if p.shot == piece.shot and p.first < piece.stop < p.stop), None)
        rise = before.stop - piece.first if before else _FADE
        fall = piece.stop - after.first if after else _FADE
        out[number, piece.first : piece.stop] = np.minimum(
            np.clip((place + 1) / (rise + 1), 0, 1), np.clip((length - place) / (fall + 1), 0, 1)
        )
    return out


def _with(who: Person, seen: Sequence[Seen]) -> tuple[Person, list[FloatArray], list[int]]:
    """The person with every take's rows behind its own; the takes' mouths; and where each take's rows begin."""
    tracks, poses, mouths, firsts, elsewhere = [who.track], [who.poses], [who.mouth], [], []
    at = len(who.track.frame)
    for one in seen:
        posed = fit_poses(one.rows.landmarks)
        tracks.append(one.rows)
        poses.append(posed)
        mouths.append(measured(one.rows.landmarks, posed)[0])
        firsts.append(at)
        elsewhere.append((one.clip, range(at, at + len(one.rows.frame))))
        at += len(one.rows.frame)
    columns = ("frame", "identity", "span", "landmarks", "confidence", "sharpness", "light", "thumb")
    track = replace(who.track, **{name: np.concatenate([getattr(t, name) for t in tracks]) for name in columns})
    fitted = Poses(
        *(np.concatenate([getattr(p, n) for p in poses]) for n in ("rotation", "scale", "offset", "residual"))
    )
    painted = replace(who, track=track, poses=fitted, mouth=np.concatenate(mouths), elsewhere=tuple(elsewhere))
    return painted, mouths[1:], firsts


def _native_entries(score: Score, spans: Sequence[tuple[int, int]]) -> dict[int, _Entry]:
    return {
        int(frame): _Entry(
            int(score.row[i]),
            score.target[i],
            float(score.strength[i]),
            int(score.pick[i]),
            (int(score.shown[i, 0]), int(score.shown[i, 1])),
            (float(score.share[i, 0]), float(score.share[i, 1])),
        )
        for i, frame in enumerate(score.frame)
        if _within(int(frame), spans)
    }


def _within(frame: int, spans: Sequence[tuple[int, int]] | None) -> bool:
    return any(first <= frame < stop for first, stop in spans or ())


def _score(entries: dict[int, _Entry], who: Person, declined: dict[int, str]) -> Score:
    frames = np.array(sorted(entries), np.int64)
    chosen = [entries[int(frame)] for frame in frames]
    row = np.array([e.row for e in chosen], np.int64)
    start = np.ones(len(frames), bool)
    if len(frames) > 1:
        start[1:] = (np.diff(frames) != 1) | (np.diff(who.track.span[row]) != 0)
    pick = np.array([e.pick for e in chosen], np.int64)
    return Score(
        row=row,
        frame=frames,
        target=np.array([e.target for e in chosen], np.float32).reshape(-1, 4),
        strength=np.array([e.strength for e in chosen], np.float32),
        pick=pick,
        shown=np.array([e.shown for e in chosen], np.int64).reshape(-1, 2),
        share=np.array([e.share for e in chosen], np.float32).reshape(-1, 2),
        start=start,
        declined=declined,
        portrait=bool((pick < 0).any()),
    )


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
        face.see(face_view(picture, mesh))
    light = np.median([look.light for look in looks], axis=0).astype(np.float32)
    who = Likeness(typical_shape(meshes, fit_poses(meshes)), light, face.vector())
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
    return replace(rows, landmarks=(rows.landmarks[:] + 0.5) * scale - 0.5)
