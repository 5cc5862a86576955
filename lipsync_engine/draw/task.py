"""What is asked of the renderer, and what it tells of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.draw.painter import Checks
from lipsync_engine.draw.stretches import Stretch
from lipsync_engine.media import video
from lipsync_engine.media.shelf import Shelf
from lipsync_engine.records import BoolArray

_NO_BOUNDS = np.zeros(0, np.int64)


@dataclass(slots=True)
class Rendering:
    """Facts of one rendering.

    Attributes:
        frames: frames written.
        copied: frames whose packets were copied.
        stretches: parts of the picture that are not copied.
        found: those of them that were found, not drawn.
        drawn: frames that were decoded, drawn into where there is an edit, and encoded.
        checks: what was measured while drawing, now or when a found stretch was drawn.
        seconds: how long each stage was busy; they work at the same time.
        notes: why frames were encoded again that nothing was changed in.
        fresh: bool [T], frames that are not from an earlier render; ``None`` where there is none.
    """

    frames: int = 0
    copied: int = 0
    stretches: list[Stretch] = field(default_factory=list)
    found: int = 0
    drawn: int = 0
    checks: Checks = field(default_factory=Checks)
    seconds: dict[str, float] = field(default_factory=lambda: {"decode": 0.0, "render": 0.0, "encode": 0.0})
    notes: list[str] = field(default_factory=list)
    fresh: BoolArray | None = None


class Corrections(Protocol):
    """Changes frames after they were painted."""

    def apply(self, frames: list[video.Frame]) -> None:
        """Change consecutive edited frames in place."""


@dataclass(frozen=True, slots=True)
class Task:
    """What to write.

    Attributes:
        picture: the title.
        out: picture-only MP4, written under a temporary name and renamed.
        times_s: float64 [T], presentation times of the title's frames.
        edited: bool [T], frames that are drawn into.
        crf: quality of the encode.
        preset: speed of the encode.
        prior: an earlier render, from which frames are taken outside ``fresh``.
        fresh: bool [T], frames that are rendered again where there is an earlier render.
        stop: frames from here on are not written.
        device: where the picture is computed, ``"cpu"`` or ``"cuda"``.
        corrections: what changes the painted frames, where there is anything (residual networks, other pictures).
        bounds: int64 [S + 1], where the title is divided (`media.stretches.bounds_of`).
        shelf: keeps finished stretches; ``None`` keeps none.
    """

    picture: Path
    out: Path
    times_s: NDArray[np.float64]
    edited: BoolArray
    crf: int = 17
    preset: str = "veryfast"
    prior: Path | None = None
    fresh: BoolArray | None = None
    stop: int | None = None
    device: str = "cpu"
    corrections: Corrections | None = None
    bounds: NDArray[np.int64] = field(default_factory=lambda: _NO_BOUNDS)
    shelf: Shelf | None = None
