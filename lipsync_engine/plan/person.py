"""Everything known of one person of a title before a language is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.faces.closeups import Closeups
from lipsync_engine.faces.drawing import is_drawn
from lipsync_engine.faces.face_occluders import bare
from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.geometry import Poses, fit_poses, to_canonical, to_image, typical_shape
from lipsync_engine.faces.mouth import measured
from lipsync_engine.faces.observations import Observations
from lipsync_engine.media.shelf import NOTHING_KEPT, Kept
from lipsync_engine.plan.forms import Forms, forms_of
from lipsync_engine.plan.kinds import kinds_at
from lipsync_engine.plan.library import Library, build
from lipsync_engine.plan.relaxed import Smile, smile_of
from lipsync_engine.plan.shape import FaceShape, face_shape
from lipsync_engine.plan.unfold import unfolded
from lipsync_engine.plan.views import views_of
from lipsync_engine.records import BoolArray, FloatArray, Phone
from lipsync_engine.speech.gestures import gestures_of

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Person:
    """Everything known of one person before a language is chosen.

    Attributes:
        track: rows of this person.
        poses: head poses of the rows.
        mouth: float32 [N, 4], mouth vectors.
        shape: mean face and its weights.
        library: observations that may be chosen.
        forms: how the face goes with the mouth, learnt from them.
        usable: rows of the library.
        close: what the pixels of the mouths tell.
        bare: float32 [N], 0 where something lies before the mouth, 1 where nothing does.
        elsewhere: other pictures that show this mouth, with the rows that lie there: ``track.frame`` of these is the
            frame's number in that picture, their landmarks are its pixels.
        drawn: the person is a drawing.
        smile: what the lips have of it, of a person whom the title shows in one pose.
    """

    track: FaceTrack
    poses: Poses
    mouth: FloatArray
    shape: FaceShape
    library: Library
    forms: Forms
    usable: frozenset[int]
    close: Closeups
    bare: FloatArray
    elsewhere: tuple[tuple[Path, range], ...] = ()
    drawn: bool = False
    smile: Smile = field(default_factory=Smile)

    def canonical(self, rows: NDArray[np.int64]) -> Array:
        """Pose-normalised landmarks of some rows, float64 [n, 478, 3]; those of a whole title would fill the memory.

        Cells that the tracker turned over around the mouth lie the right way up.
        """
        return unfolded(to_canonical(self.track.landmarks[rows], self.poses.rows(rows)), self.shape.mean)

    def pixels(self, rows: NDArray[np.int64]) -> Array:
        """The same points where they lie in their pictures, float64 [n, 478, 2]."""
        return to_image(self.canonical(rows), self.poses.rows(rows))[:, :, :2]


def person(track: FaceTrack, identity: int, kept: Kept = NOTHING_KEPT) -> Person:
    """Prepare one person of a title.

    Args:
        track: the analysis.
        identity: the person.
        kept: where what was looked at once is found, and kept.
    """
    own = track.of(identity)
    stored = Observations(track.file).frames(identity) if track.file is not None else None
    poses = fit_poses(own.landmarks)
    mouth, width = measured(own.landmarks, poses)
    angles = poses.angles()
    yaw = np.abs(angles[:, 0])
    frontal = np.flatnonzero(yaw <= max(10.0, float(np.percentile(yaw, 50))))
    mean = typical_shape(own.landmarks, poses, frontal)
    views = views_of(own, mouth, angles, kept)
    library = build(own, stored, views.before, views.close)
    usable = frozenset(library.row.tolist())
    forms = forms_of(own, poses, library)
    return Person(
        own,
        poses,
        mouth,
        face_shape(mean, width),
        library,
        forms,
        usable,
        views.close,
        bare(own, views.before),
        drawn=is_drawn(track.file, identity),
        smile=Smile() if library.moves else smile_of(views.close.inside, mouth[:, 0]),
    )


def hearing(who: Person, phones: Sequence[Phone] | None) -> Person:
    """The person whose observations know which sound the title speaks there.

    Args:
        who: the person.
        phones: what the title says, on its own clock; ``None`` where that is not known.
    """
    if phones is None:
        return who
    kinds = kinds_at(gestures_of(phones), who.track.times_s)
    return replace(who, library=replace(who.library, sound=kinds[who.library.frame]))


def knowing(who: Person, frames: BoolArray, keep: BoolArray | None = None) -> Person:
    """The person with only some observations, to draw frames that the engine may not look at.

    Args:
        who: the person.
        frames: bool [T], frames of the title from which observations may come.
        keep: bool [M], observations of the whole library that may be kept.
    """
    size = len(who.library.row)
    kept = frames[who.library.frame] if keep is None else frames[who.library.frame] & keep
    columns = {f.name: getattr(who.library, f.name) for f in fields(who.library) if f.name != "spread"}
    library = replace(who.library, **{n: v[kept] for n, v in columns.items() if len(v) == size})
    forms = forms_of(who.track, who.poses, library)
    return replace(who, library=library, forms=forms, usable=frozenset(library.row.tolist()))
