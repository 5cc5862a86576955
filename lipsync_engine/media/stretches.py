"""Where a title is divided so that a part of it can be made alone: at shots, between lines, never too long.

It depends on the title alone, so that every dub of it, and every edit of a dub, is divided in the same places.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.media.encoders import Packet
from lipsync_engine.media.filearray import save_arrays
from lipsync_engine.media.segments import Run

#: Seconds of a stretch: a key frame at each start costs bytes, and a long one is long to make again.
SHORTEST_S, LONGEST_S = 2.0, 8.0


def bounds_of(times_s: NDArray[np.float64], shots: NDArray[np.int32], speech: NDArray[np.int64]) -> NDArray[np.int64]:
    """First frame of every stretch, and the number of frames: int64 [S + 1].

    Args:
        times_s: float64 [T], times of the frames.
        shots: int32 [T], number of the shot of each.
        speech: int64 [L, 3], lines of the title: start ms, end ms, speaker; empty where that is not known.
    """
    frames = len(times_s)
    if not frames:
        return np.zeros(1, np.int64)
    cuts = [0, *(np.flatnonzero(np.diff(shots)) + 1).tolist(), frames]
    bounds = [0]
    pauses = _pauses(times_s, speech)
    for first, stop in pairwise(cuts):
        inside = [at for at in pauses if first < at < stop]
        bounds += _within(times_s, first, stop, inside)
    return np.array(bounds, np.int64)


def _pauses(times_s: NDArray[np.float64], speech: NDArray[np.int64]) -> list[int]:
    """A frame amid each pause between two lines, or at the border of two that follow each other."""
    found, latest = [], None
    for start, end in sorted((int(row[0]), int(row[1])) for row in speech):
        if latest is not None and start >= latest:
            found.append(int(np.searchsorted(times_s, (latest + start) / 2000)))
        latest = end if latest is None else max(latest, end)
    return found


def _within(times_s: NDArray[np.float64], first: int, stop: int, pauses: list[int]) -> list[int]:
    """Ends of the stretches of one shot, its own last."""
    end_s = float(times_s[stop - 1])
    ends, last = [], first
    for at in pauses:
        if times_s[at] - times_s[last] >= SHORTEST_S and end_s - times_s[at] >= SHORTEST_S:
            ends += [*_shared_out(times_s, last, at), at]
            last = at
    return [*ends, *_shared_out(times_s, last, stop), stop]


def _shared_out(times_s: NDArray[np.float64], first: int, stop: int) -> list[int]:
    """Where a stretch that is too long is divided into equal ones."""
    count = int(np.ceil((times_s[stop - 1] - times_s[first]) / LONGEST_S))
    return [first + (stop - first) * part // count for part in range(1, count)]


def stretches_of(run: Run, bounds: NDArray[np.int64], times_s: NDArray[np.float64]) -> list[Run]:
    """A run of frames divided at the bounds that do not lie too near to its ends.

    Args:
        run: the first frame and the one after the last.
        bounds: int64 [S + 1], as `bounds_of`.
        times_s: float64 [T], times of the frames.
    """
    first, stop = run
    inside = bounds[(bounds > first) & (bounds < stop)]
    far = (times_s[inside] - times_s[first] >= SHORTEST_S / 2) & (times_s[stop - 1] - times_s[inside] >= SHORTEST_S / 2)
    return list(pairwise([first, *inside[far].tolist(), stop]))


@dataclass(frozen=True, slots=True)
class Encoded:
    """A stretch, encoded by itself.

    Attributes:
        packets: in decoding order.
        facts: JSON of what was measured while it was drawn.
    """

    packets: list[Packet]
    facts: str = "{}"

    def save(self, path: Path) -> None:
        """Write to a file; the same stretch, the same bytes."""
        data = b"".join(data for data, _, _ in self.packets)
        save_arrays(
            path,
            {
                "sizes": np.array([len(data) for data, _, _ in self.packets], np.int64),
                "pts": np.array([pts for _, pts, _ in self.packets], np.int64),
                "keys": np.array([key for _, _, key in self.packets], np.bool_),
                "data": np.frombuffer(data, np.uint8),
                "facts": np.frombuffer(self.facts.encode(), np.uint8),
            },
        )

    @classmethod
    def load(cls, path: Path) -> Encoded:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            sizes, pts, keys = (stored[name].tolist() for name in ("sizes", "pts", "keys"))
            data, facts = stored["data"].tobytes(), stored["facts"].tobytes().decode()
        ends = np.cumsum([0, *sizes]).tolist()
        packets = [(data[a:b], at, key) for (a, b), at, key in zip(pairwise(ends), pts, keys, strict=True)]
        return cls(packets, facts)


def frames_in(path: Path) -> int:
    """How many frames a stored stretch has; 0 where the file is none."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            return len(stored["sizes"]) if {"pts", "keys", "data", "facts"} <= set(stored) else 0
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile):
        return 0
