"""Put the mouths that another system made on the title's own faces.

The mouth travels by landmarks: the source's own face is bent to the shape that the other picture's mouth has, and that
mouth's pixels go through the engine's own mask, light match, occlusion and seams. So the size, rate, crop and even the
pose of the other picture do not matter, and nothing outside the mask is touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.exchange.judge import Seen
from lipsync_engine.faces.closeups import joined_closeups, unseen
from lipsync_engine.faces.geometry import Poses, fit_poses
from lipsync_engine.faces.mouth import measured
from lipsync_engine.plan.edit import Score
from lipsync_engine.plan.gates import judge
from lipsync_engine.plan.person import Person
from lipsync_engine.records import BoolArray, FloatArray

#: Degrees to which a head may be turned where another system draws the mouth: it knows the far side of a face, the
#: mask does not.
MAX_YAW = 55.0
#: Frames over which an edit that begins or ends within a shot fades.
_FADE = 3


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


@dataclass(frozen=True, slots=True)
class _Entry:
    row: int
    target: FloatArray
    strength: float
    pick: int
    shown: tuple[int, int]
    share: tuple[float, float]
    tongue: float | None = None
    parted: float | None = None
    crisp: float | None = None


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
    close = [who.close]
    at = len(who.track.frame)
    for one in seen:
        posed = fit_poses(one.rows.landmarks)
        tracks.append(one.rows)
        poses.append(posed)
        mouths.append(measured(one.rows.landmarks, posed)[0])
        close.append(unseen(len(one.rows.frame)))
        firsts.append(at)
        elsewhere.append((one.clip, range(at, at + len(one.rows.frame))))
        at += len(one.rows.frame)
    columns = ("frame", "identity", "span", "landmarks", "confidence", "sharpness", "light", "thumb")
    joined: dict[str, Any] = {name: np.concatenate([getattr(t, name) for t in tracks]) for name in columns}
    track = replace(who.track, **joined)
    fitted = Poses(
        *(np.concatenate([getattr(p, n) for p in poses]) for n in ("rotation", "scale", "offset", "residual"))
    )
    painted = replace(
        who,
        track=track,
        poses=fitted,
        mouth=np.concatenate(mouths),
        close=joined_closeups(close),
        elsewhere=tuple(elsewhere),
    )
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
            *(None if column is None else float(column[i]) for column in (score.tongue, score.parted, score.crisp)),
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
        tongue=_column([e.tongue for e in chosen], 0.0),
        parted=_column([e.parted for e in chosen], 0.0),
        crisp=_column([e.crisp for e in chosen], 1.0),
    )


def _column(values: Sequence[float | None], idle: float) -> FloatArray | None:
    """What the engine's own entries have, and what leaves a foreign mouth as it came; ``None`` where none has it."""
    if all(value is None for value in values):
        return None
    return np.array([idle if value is None else value for value in values], np.float32)
