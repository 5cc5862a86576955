"""The chosen observations' pixels: from the stored analysis, or decoded again where it did not keep them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from lipsync_engine.draw.grain import Patch
from lipsync_engine.faces.observations import Observations
from lipsync_engine.media import video
from lipsync_engine.media.filearray import Spool
from lipsync_engine.media.video import Planes, VideoFacts
from lipsync_engine.media.window import Region, crop, region_of
from lipsync_engine.plan.edit import Score
from lipsync_engine.plan.person import Person

#: Pairs of neighbouring frames that tell the title's noise.
_PAIRS = 16
#: (number of the person, row of that person's track)
Key = tuple[int, int]


class PatchStore:
    """Planes of the lower face of chosen frames.

    What the analysis kept is read from its file. Other frames are decoded once and kept in an unnamed temporary file,
    so that memory does not grow with the title.
    """

    def __init__(self, scores: list[tuple[Person, Score]]) -> None:
        self._spool = Spool((), np.uint8)
        self._places: dict[Key, tuple[int, Region, np.dtype[np.generic]]] = {}
        self._scores = scores
        files = {who.track.file for who, _ in scores}
        opened = {file: Observations(file) for file in files}
        self._kept = [opened[who.track.file] for who, _ in scores]

    def gather(self, path: Path, facts: VideoFacts) -> None:
        """Decode once what the scores show and the analysis did not keep.

        Args:
            path: the picture.
            facts: its facts.
        """
        keys = [(number, row) for number in range(len(self._scores)) for row in self._needed(number)]
        pictures: dict[Path, list[Key]] = {path: []}
        for key in keys:
            if not self._kept_here(key):
                pictures.setdefault(self._elsewhere(key) or path, []).append(key)
        for picture, missing in pictures.items():
            # other pictures come in the title's own format: their samples go into its frames
            own = facts if picture == path else replace(video.probe(picture), pixel_format=facts.pixel_format)
            self._read(picture, own, self._wanted(missing, (own.width, own.height)))

    def _needed(self, number: int) -> list[int]:
        """Rows of a person whose patches will be asked for."""
        shown = self._scores[number][1].shown
        beside = [row + step for row in self._pairs(number) for step in (0, 1)]
        return sorted({*np.unique(shown[shown >= 0]).tolist(), *beside})

    def _pairs(self, number: int) -> list[int]:
        """Some observations of the title that the next frame's follows; they depend on no dub of it."""
        who, score = self._scores[number]
        if not (score.shown >= 0).any():
            return []
        rows, track = who.library.row, who.track
        follows = (np.diff(rows) == 1) & (np.diff(track.frame[rows]) == 1) & (np.diff(track.span[rows]) == 0)
        first = rows[:-1][follows]
        return [int(first[at]) for at in np.linspace(0, len(first) - 1, min(len(first), _PAIRS)).astype(int)]

    def neighbours(self, number: int) -> list[tuple[Patch, Patch]]:
        """Some pairs of a person's observations from neighbouring frames, which tell the title's noise."""
        pairs = [((number, row), (number, row + 1)) for row in self._pairs(number)]
        return [(self.get(a), self.get(b)) for a, b in pairs if self._known(a) and self._known(b)]

    def _known(self, key: Key) -> bool:
        return key in self._places or self._kept_here(key)

    def _read(self, picture: Path, facts: VideoFacts, wanted: dict[int, list[tuple[Key, Region]]]) -> None:
        last = max(wanted, default=-1)
        for frame in video.read(picture, facts) if wanted else ():
            for key, region in wanted.get(frame.index, ()):
                self._places[key] = (len(self._spool), region, frame.planes[0].dtype)
                for plane in crop(frame.planes, region):
                    self._spool.append(np.frombuffer(plane.tobytes(), np.uint8))
            if frame.index >= last:
                break

    def _wanted(self, keys: list[Key], size: tuple[int, int]) -> dict[int, list[tuple[Key, Region]]]:
        wanted: dict[int, list[tuple[Key, Region]]] = {}
        for number, row in keys:
            who = self._scores[number][0]
            region = region_of(who.track.landmarks[row][who.shape.alpha > 0, :2].astype(np.float64), size)
            if region is not None:
                wanted.setdefault(int(who.track.frame[row]), []).append(((number, row), region))
        return wanted

    def _elsewhere(self, key: Key) -> Path | None:
        return next((path for path, rows in self._scores[key[0]][0].elsewhere if key[1] in rows), None)

    def _kept_here(self, key: Key) -> bool:
        """Whether the analysis holds the patch; reads no pixel."""
        return not self._elsewhere(key) and self._kept[key[0]].holds(*self._who(key))

    def _stored(self, key: Key) -> tuple[Planes, tuple[int, int]] | None:
        return None if self._elsewhere(key) else self._kept[key[0]].get(*self._who(key))

    def _who(self, key: Key) -> tuple[int, int]:
        track = self._scores[key[0]][0].track
        return int(track.frame[key[1]]), int(track.identity[key[1]])

    def get(self, key: Key) -> tuple[Planes, tuple[int, int]]:
        """Planes of a patch and the (left, top) of its region.

        Raises:
            KeyError: the patch was neither kept nor gathered.
        """
        stored = self._stored(key)
        if stored is not None:
            return stored
        at, region, kind = self._places[key]
        pixels = self._spool.array()
        planes = []
        for index in range(3):
            step = 2 if index else 1
            shape = (region.height // step, region.width // step)
            size = shape[0] * shape[1] * kind.itemsize
            planes.append(pixels[at : at + size].view(kind).reshape(shape))
            at += size
        return (planes[0], planes[1], planes[2]), (region.left, region.top)
