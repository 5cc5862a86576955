"""Draw the edits of every person into decoded frames, in place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from lipsync_engine.draw.grain import noise_between
from lipsync_engine.draw.patches import PatchStore
from lipsync_engine.draw.player import Edit, Player
from lipsync_engine.media import video
from lipsync_engine.media.window import view
from lipsync_engine.plan.edit import Score
from lipsync_engine.plan.person import Person

#: Every so many edited frames the pixels outside the mask are compared with the source.
_CHECK_EVERY = 10


@dataclass(slots=True)
class Checks:
    """What was measured while drawing.

    Attributes:
        edited: frames with at least one changed face.
        outside_max: largest difference outside the mask before encoding; ``None`` if never measured.
        seams: gradient of the change at the patch's edge over that inside it, one value a checked frame.
        covered: frames in which something in front of a face was left as it is.
        occluded: frames left as they are, because it hides too much of the mouth.
        notes: what a reviewer should know of the drawing.
    """

    edited: int = 0
    outside_max: int | None = None
    seams: list[float] = field(default_factory=list)
    covered: list[int] = field(default_factory=list)
    occluded: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def seam_ratio(self) -> float | None:
        """Median over the checked frames; ``None`` where no patch was blended."""
        return float(np.median(self.seams)) if self.seams else None


class Painter:
    """Draws what the scores ask for.

    Args:
        path: the picture.
        facts: its facts.
        scores: each person and the edit of that person.
        device: ``"cpu"`` or ``"cuda"``.
    """

    def __init__(
        self, path: Path, facts: video.VideoFacts, scores: list[tuple[Person, Score]], device: str = "cpu"
    ) -> None:
        self._size = (facts.width, facts.height)
        self._device = torch.device(device)
        self._patches = PatchStore(scores)
        self._patches.gather(path, facts)
        self._noise = [noise_between(self._patches.neighbours(number)) for number in range(len(scores))]
        self.begin(scores)

    def begin(self, scores: Sequence[tuple[Person, Score]]) -> Checks:
        """Draw from here on what these scores ask for, as if nothing had been drawn before.

        Args:
            scores: the same people, and a part of the edit of each.

        Returns:
            What is measured from here on.
        """
        self.checks, self._seen = Checks(), 0
        self._players = [
            Player(number, who, score, self._patches, self._noise[number], self._size)
            for number, (who, score) in enumerate(scores)
        ]
        return self.checks

    def paint(self, frames: Sequence[video.Frame]) -> list[bool]:
        """Edit consecutive frames in place; for each, whether anything was changed.

        Where the GPU has no memory left the batch is halved, and at last drawn by the CPU.
        """
        before = self._to_compare(frames)
        edits = self._edits(frames)
        for number, check in before.items():
            check.report(edits[number], self.checks)
        changed = [any(not edit.occluded for edit in made) for made in edits]
        self.checks.edited += sum(changed)
        for frame, made, drawn in zip(frames, edits, changed, strict=True):
            if made and not drawn:
                self.checks.occluded.append(frame.index)
            elif any(edit.covered for edit in made):
                self.checks.covered.append(frame.index)
        return changed

    def _to_compare(self, frames: Sequence[video.Frame]) -> dict[int, _Before]:
        """Number of a frame in the batch to what it was: every so many of those that will be edited."""
        before = {}
        for number, frame in enumerate(frames):
            if any(player.plays(frame.index) for player in self._players):
                if self._seen % _CHECK_EVERY == 0:
                    before[number] = _Before(frame)
                self._seen += 1
        return before

    def _edits(self, frames: Sequence[video.Frame]) -> list[list[Edit]]:
        """What was drawn into each frame."""
        edits: list[list[Edit]] = [[] for _ in frames]
        place = {frame.index: number for number, frame in enumerate(frames)}
        for player in self._players:
            wanted = [frame for frame in frames if player.plays(frame.index)]
            for part in player.batches(wanted, self._device):
                for edit in self._draw(player, part):
                    edits[place[edit.frame.index]].append(edit)
        return edits

    def _draw(self, player: Player, frames: Sequence[video.Frame]) -> list[Edit]:
        try:
            return player.draw(frames, self._device)
        except torch.cuda.OutOfMemoryError:
            torch.cuda.empty_cache()
        if len(frames) > 1:
            half = len(frames) // 2
            return self._draw(player, frames[:half]) + self._draw(player, frames[half:])
        self._device = torch.device("cpu")
        self.checks.notes.append("the GPU had no memory left: the rest was drawn by the CPU")
        return player.draw(frames, self._device)


class _Before:
    """A frame as it was, to be compared with what was drawn."""

    def __init__(self, frame: video.Frame) -> None:
        self._frame, self._luma = frame, frame.planes[0].copy()

    def report(self, edits: list[Edit], checks: Checks) -> None:
        after = self._frame.planes[0]
        difference = np.maximum(self._luma, after) - np.minimum(self._luma, after)
        for edit in edits:
            box = edit.region
            part = difference[box.top : box.top + box.height, box.left : box.left + box.width]
            part[edit.touched] = 0
        checks.outside_max = max(checks.outside_max or 0, int(difference.max()))
        for edit in edits:
            if edit.alpha is not None:
                planes = (self._luma, *self._frame.planes[1:])
                checks.seams += _seam(view(planes, 0, edit.core), view(self._frame.planes, 0, edit.core), edit.alpha)


def _seam(before: NDArray[np.generic], after: NDArray[np.generic], alpha: NDArray[np.float32]) -> list[float]:
    """Mean gradient of (result - source) where the patch fades out, over that where it is whole."""
    change = after.astype(np.float32) - before.astype(np.float32)
    down, across = np.gradient(change)
    steep = np.hypot(down, across)
    edge, whole = (alpha > 0) & (alpha < 0.5), alpha > 0.95
    return [float(steep[edge].mean() / max(float(steep[whole].mean()), 1e-3))] if edge.any() and whole.any() else []
