"""What a tracker sees of a person in the finished picture, stretch by stretch; what it saw of one is kept with it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.draw.stretches import Stretch
from lipsync_engine.faces.closeups import crispness
from lipsync_engine.faces.facemesh.picture import Picture
from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.interior import UNSEEN, Inside, gathered, look_inside
from lipsync_engine.faces.track import track_frames
from lipsync_engine.measure.living import lip_sharpness
from lipsync_engine.measure.report_figures import same_person
from lipsync_engine.media import video
from lipsync_engine.media.filearray import Spool
from lipsync_engine.media.segments import Layout, read_run, survey
from lipsync_engine.media.shelf import Kept
from lipsync_engine.records import FloatArray
from lipsync_engine.resync.parts import Part

#: Raised whenever what is seen of a stretch changes.
_VERSION = 1
#: Columns of a track that are kept, and what else is kept of each of its rows.
_COLUMNS = ("frame", "span", "landmarks", "confidence", "sharpness", "light", "thumb")
_LOOKS = ("teeth", "dark", "gap", "deepest")
_NAMES = (*_COLUMNS, *_LOOKS, "crisp", "own_frame", "own_crisp")

Sheet = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Watched:
    """One person in the finished picture, where it was edited.

    Attributes:
        rows: of the tracker, N, all of identity 0; ``frame`` as in the title.
        inside: what is between the lips, N rows.
        crisp: float32 [N], fine detail of the lips.
        own_crisp: float32 [T], that of the title in the frames that were edited; NaN elsewhere.
    """

    rows: FaceTrack
    inside: Inside
    crisp: FloatArray
    own_crisp: FloatArray


def watched(
    picture: Path, out: Path, track: FaceTrack, part: Part, stretches: Sequence[Stretch], kept: Kept
) -> Watched | None:
    """Look at a person in every stretch that was edited; ``None`` where the face is found in none.

    Args:
        picture: the title.
        out: the finished picture.
        track: the analysis of the title.
        part: the person's share of the edit.
        stretches: of the finished picture.
        kept: where what was seen of a stretch is found, and kept.
    """
    edited = np.zeros(len(track.times_s), bool)
    edited[part.score.frame] = True
    cared = [stretch for stretch in stretches if edited[stretch.first : stretch.stop].any()]
    known = {stretch.first: path for stretch in cared if (path := kept.path(_key(stretch, part), _NAMES)) is not None}
    fresh = [stretch for stretch in cared if stretch.first not in known]
    views = _views(picture, out, part, fresh, edited) if fresh else iter(())
    own_crisp = np.full(len(track.times_s), np.nan, np.float32)
    sheets, meshes = [], Spool((478, 3), np.float32)
    for stretch in cared:
        path = known.get(stretch.first)
        sheet = next(views) if path is None else _Stored(path)
        if path is None:
            kept.keep(_key(stretch, part), sheet)
        own_crisp[sheet["own_frame"]] = sheet["own_crisp"]
        meshes.append(sheet["landmarks"])
        sheets.append({name: sheet[name] for name in sheet if name != "landmarks"})
    frames = _column(sheets, "frame", np.int32)
    if not len(frames):
        return None
    rows = replace(
        track,
        frame=frames,
        identity=np.zeros(len(frames), np.int32),
        span=_spans(sheets),
        landmarks=meshes.array(),
        confidence=_column(sheets, "confidence", np.float32),
        sharpness=_column(sheets, "sharpness", np.float32),
        light=_column(sheets, "light", np.float32),
        thumb=_column(sheets, "thumb", np.uint8),
        file=None,
    )
    inside = Inside(*(_column(sheets, name, np.float32) for name in _LOOKS))
    return Watched(rows, inside, _column(sheets, "crisp", np.float32), own_crisp)


def _column(sheets: Sequence[Sheet], name: str, kind: type[np.generic]) -> NDArray[Any]:
    return np.concatenate([sheet[name] for sheet in sheets]).astype(kind) if sheets else np.zeros(0, kind)


def _spans(sheets: Sequence[Sheet]) -> NDArray[np.int32]:
    """Appearances, numbered through."""
    out, first = [], 0
    for sheet in sheets:
        out.append(sheet["span"] + first)
        first += int(sheet["span"].max(initial=-1)) + 1
    return np.concatenate(out).astype(np.int32)


def _key(stretch: Stretch, part: Part) -> str:
    return hashlib.sha256(f"seen {_VERSION} {part.identity} {stretch.key}".encode()).hexdigest()


class _Stored(Mapping[str, NDArray[Any]]):
    """A sheet in its file, each column read when it is asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __getitem__(self, name: str) -> NDArray[Any]:
        with np.load(self._path, allow_pickle=False) as stored:
            values: NDArray[Any] = stored[name]
        return values

    def __iter__(self) -> Iterator[str]:
        with np.load(self._path, allow_pickle=False) as stored:
            return iter(list(stored))

    def __len__(self) -> int:
        return len(list(iter(self)))


def _views(
    picture: Path, out: Path, part: Part, stretches: Sequence[Stretch], edited: NDArray[np.bool_]
) -> Iterator[Sheet]:
    """The sheets of some stretches, in order."""
    own, wanted = part.who.track, edited.copy()
    for first, stop in _between(stretches, len(edited)):
        wanted[first:stop] = False
    before = own.rows(np.flatnonzero(wanted[own.frame]))
    crisp = lip_sharpness(picture, before)
    facts = video.probe(out)
    layout = survey(out, facts)
    for stretch in stretches:
        rows = _tracked(out, facts, layout, stretch, own)
        here = slice(*np.searchsorted(before.frame, [stretch.first, stretch.stop]))
        looks = _looks(out, facts, layout, stretch, rows)
        yield (
            {name: np.asarray(getattr(rows, name)[:]) for name in _COLUMNS}
            | looks
            | {
                "own_frame": before.frame[here],
                "own_crisp": crisp[here],
            }
        )


def _between(stretches: Sequence[Stretch], frames: int) -> Iterator[tuple[int, int]]:
    """The frames outside the stretches."""
    last = 0
    for stretch in stretches:
        yield last, stretch.first
        last = stretch.stop
    yield last, frames


def _tracked(out: Path, facts: video.VideoFacts, layout: Layout, stretch: Stretch, own: FaceTrack) -> FaceTrack:
    """The person's rows in one stretch, whose frames are numbered as in the title; none where it is not found."""
    found = track_frames(read_run(out, facts, layout, (stretch.first, stretch.stop)), facts, first=stretch.first)
    near = own.rows(slice(*np.searchsorted(own.frame, [stretch.first, stretch.stop])))
    moved = replace(found, frame=(found.frame + stretch.first).astype(np.int32))
    who = same_person(moved, near)
    return moved.rows(slice(0, 0)) if who is None else moved.of(who)


def _looks(
    out: Path, facts: video.VideoFacts, layout: Layout, stretch: Stretch, rows: FaceTrack
) -> dict[str, NDArray[Any]]:
    """What the pixels of the mouths show, for each of the rows."""
    place = {int(frame): at for at, frame in enumerate(rows.frame)}
    crisp, inside = np.full(len(place), np.nan, np.float32), [UNSEEN] * len(place)
    for frame in read_run(out, facts, layout, (stretch.first, stretch.stop)) if place else ():
        at = place.get(frame.index)
        if at is not None:
            mesh = rows.landmarks[at]
            crisp[at] = crispness(Picture(frame.planes, facts.colour), mesh)
            inside[at] = look_inside(frame.planes, (0, 0), mesh, rows.light[at])
    found = gathered(inside)
    return {name: getattr(found, name) for name in _LOOKS} | {"crisp": crisp}
