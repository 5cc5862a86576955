"""Loudness by EBU R 128 / ITU-R BS.1770, measured by ffmpeg on whatever is delivered."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks import media
from tasks.keep.known import known
from tasks.keep.recall import recalled
from tasks.records.quality import Loudness
from tasks.records.record import Record

#: BS.1770's absolute gate: what measures no more than this is silence.
SILENCE_LUFS = -70.0
_FLOOR_DB = -120.0
_BLOCK_MS = 400  # BS.1770's block
_STEP_MS = 100
_MOMENTARY = "lavfi.r128.M="

Spans = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Curve:
    """How loud a programme is, as a whole and over time.

    Attributes:
        loudness: of the whole.
        momentary: loudness in LUFS of the 400 ms that end at 100, 200, 300 ... ms.
    """

    loudness: Loudness
    momentary: NDArray[np.float64]

    def during(self, spans: Spans, gate_db: float | None = None) -> float:
        """Loudness of some spans of time: the mean power of the 400 ms blocks of which they hold at least half.

        Args:
            spans: ``(start_ms, end_ms)``; one that is too short for that counts by the block around it.
            gate_db: blocks this far below the loudest are left out; None: no gate (BS.1770-1).

        Returns:
            LUFS, -70 for silence.
        """
        heard = self.momentary[self._blocks(spans)]
        if gate_db is not None and len(heard):
            heard = heard[heard >= heard.max() - gate_db]
        power = float(np.mean(10 ** (heard / 10))) if len(heard) else 0.0
        return max(SILENCE_LUFS, 10 * float(np.log10(max(power, 1e-12))))

    def _blocks(self, spans: Spans) -> NDArray[np.int64]:
        chosen: list[NDArray[np.int64]] = []
        last = len(self.momentary) - 1
        for start, end in spans:
            if last < 0 or end <= start:
                continue
            # the middle of block n is at (n + 1) steps less half a block
            first = -(-(start + _BLOCK_MS // 2) // _STEP_MS) - 1
            final = (end + _BLOCK_MS // 2) // _STEP_MS - 1
            if final < first:
                first = final = ((start + end) // 2 + _BLOCK_MS // 2) // _STEP_MS - 1
            chosen.append(np.arange(min(max(first, 0), last), min(max(final, 0), last) + 1))
        return np.unique(np.concatenate(chosen)) if chosen else np.zeros(0, np.int64)


def measure_loudness(path: Path) -> Loudness:
    """Integrated loudness, range and true peak of a file as it is delivered, of its first audio stream.

    Returns:
        ``integrated_lufs`` is -70 for silence, ``true_peak_dbtp`` at least -120.
    """
    return measure_curve(path).loudness


class Measured(Record):
    """A `Curve` as it is kept."""

    loudness: Loudness
    momentary: tuple[float, ...]

    @property
    def curve(self) -> Curve:
        """To ask."""
        return Curve(self.loudness, np.array(self.momentary, np.float64))


@recalled(8)
def measure_curve(path: Path) -> Curve:
    """The loudness of a file over time, of its first audio stream."""
    return _measured(path).curve


@known("loudness", 1, Measured)
def _measured(path: Path) -> Measured:
    return measured(media.source(path)["a:0"])


def measured(sound: Any) -> Measured:
    """The loudness of a stream of a graph; the whole in steps of 0.1 dB."""
    graph = (
        sound.filter("ebur128", peak="true", metadata=1, framelog="verbose")
        .filter("ametadata", mode="print", key=_MOMENTARY.rstrip("="), file="-")
        .output("pipe:", f="null")
    )
    argv = ["info" if part == "error" else part for part in media.arguments(graph)]
    said = media.run_ffmpeg(argv)
    summary = said.rpartition("Summary:")[2]
    return Measured(
        loudness=Loudness(
            integrated_lufs=_number(summary, "I"),
            true_peak_dbtp=_number(summary, "Peak"),
            range_lu=_number(summary, "LRA"),
        ),
        momentary=tuple(_momentary(said)),
    )


def _momentary(said: str) -> list[float]:
    found = re.findall(rf"^{re.escape(_MOMENTARY)}(\S+)$", said, re.MULTILINE)
    return [max(_FLOOR_DB, float(value)) if value not in ("nan", "-nan") else _FLOOR_DB for value in found]


def _number(summary: str, name: str) -> float:
    found = re.search(rf"^\s*{name}:\s+(-?[\d.]+|-?inf|nan)", summary, re.MULTILINE)
    if not found:
        raise ValueError(f"ebur128 gave no {name}: {summary[-300:]!r}")
    value = float(found.group(1))
    return value if value > _FLOOR_DB else _FLOOR_DB
