"""The edit of a title in stretches, each of which can be drawn without the others, and found again by its content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.draw.painter import Checks
from lipsync_engine.media.encoders import Packet
from lipsync_engine.media.segments import Run
from lipsync_engine.media.shelf import Shelf
from lipsync_engine.media.stretches import Encoded, frames_in
from lipsync_engine.plan.edit import Score
from lipsync_engine.plan.person import Person
from lipsync_engine.records import BoolArray

#: Entries of an edit beyond a stretch that steady the shape of the face at its ends.
_BESIDE = 5

Scores = Sequence[tuple[Person, Score]]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some consecutive frames and what is drawn into them.

    Attributes:
        first: its first frame.
        stop: the one after its last.
        scores: every person's edit of these frames and of a few beside them.
        key: a digest of all that; the title, its analysis and the engine's version are not in it.
    """

    first: int
    stop: int
    scores: Scores
    key: str

    @property
    def frames(self) -> int:
        """How many."""
        return self.stop - self.first


def divided(runs: Iterable[Run], scores: Scores, settings: str) -> list[Stretch]:
    """The stretches of an edit.

    Args:
        runs: their frames.
        scores: every person and the edit of that person.
        settings: a digest of how it is drawn and encoded.
    """
    return [_stretch(first, stop, scores, settings) for first, stop in runs]


def _stretch(first: int, stop: int, scores: Scores, settings: str) -> Stretch:
    own = [(who, entries(score, first, stop, _BESIDE)) for who, score in scores]
    digest = hashlib.sha256(f"{settings} {first} {stop}".encode())
    for who, score in own:
        if len(score.frame):
            digest.update(f"{int(who.track.identity[0])} {score.portrait}".encode())
            for name in _ARRAYS:
                values = getattr(score, name)
                digest.update(b"-" if values is None else f"{name} {values.dtype} {values.shape}".encode())
                digest.update(b"" if values is None else np.ascontiguousarray(values).tobytes())
    return Stretch(first, stop, own, digest.hexdigest())


_ARRAYS = tuple(field.name for field in fields(Score) if field.name not in ("declined", "portrait"))


def entries(score: Score, first: int, stop: int, beside: int = 0) -> Score:
    """The part of an edit that lies in some frames.

    Args:
        score: the whole edit.
        first: first frame.
        stop: the one after the last.
        beside: entries before and after that are taken, too, as far as they follow without a break.
    """
    low, high = (int(at) for at in np.searchsorted(score.frame, [first, stop]))
    if low == high:
        return _part(score, slice(low, high))
    apart = score.start if score.settled is None else score.start | score.settled
    breaks = np.append(np.flatnonzero(apart), len(score.frame))
    begins = int(breaks[np.searchsorted(breaks, low, side="right") - 1])
    ends = int(breaks[np.searchsorted(breaks, high - 1, side="right")])
    return _part(score, slice(max(begins, low - beside), min(ends, high + beside)))


def inside(score: Score, frames: BoolArray) -> Score:
    """The part of an edit that lies in the marked frames, bool [T]."""
    return _part(score, np.flatnonzero(frames[score.frame]))


def _part(score: Score, which: slice | NDArray[np.intp]) -> Score:
    arrays: dict[str, Any] = {name: getattr(score, name) for name in _ARRAYS}
    part: dict[str, Any] = {name: None if values is None else values[which] for name, values in arrays.items()}
    part["start"] = part["start"] | (np.arange(len(part["start"])) == 0)
    return replace(score, declined={}, **part)


def finished(packets: list[Packet], checks: Checks) -> Encoded:
    """A stretch as it is kept: encoded, with what was measured while it was drawn."""
    return Encoded(packets, json.dumps(asdict(checks), sort_keys=True))


def found(stretch: Stretch, shelf: Shelf | None) -> Path | None:
    """Where a stretch was kept, if all its frames are there."""
    path = None if shelf is None else shelf.find(stretch.key)
    return path if path is not None and frames_in(path) == stretch.frames else None


def kept(path: Path) -> tuple[list[Packet], Checks]:
    """A stretch that was kept, and what was measured when it was drawn."""
    encoded = Encoded.load(path)
    return encoded.packets, Checks(**json.loads(encoded.facts))


def together(parts: Sequence[Checks]) -> Checks:
    """What was measured in all stretches, in order."""
    known = [part.outside_max for part in parts if part.outside_max is not None]
    return Checks(
        edited=sum(part.edited for part in parts),
        outside_max=max(known, default=None),
        seams=[seam for part in parts for seam in part.seams],
        covered=[frame for part in parts for frame in part.covered],
        occluded=[frame for part in parts for frame in part.occluded],
        notes=list(dict.fromkeys(note for part in parts for note in part.notes)),
    )
