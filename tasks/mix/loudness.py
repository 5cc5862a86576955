"""Loudness by EBU R 128 / ITU-R BS.1770, and the one place that changes it: a linear gain and a true-peak limiter."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tasks import media
from tasks.model import Loudness

#: BS.1770's absolute gate: what measures no more than this is silence.
SILENCE_LUFS = -70.0
_FLOOR_DB = -120.0
#: Four times 48 kHz, the oversampling that BS.1770-4 annex 2 asks of a true-peak meter.
_OVERSAMPLED = 192_000


def measure_loudness(path: Path, stream: int | None = None) -> Loudness:
    """Integrated loudness, range and true peak of a file as it is delivered.

    Args:
        path: any media file.
        stream: index in the container; None for the first audio stream.

    Returns:
        ``integrated_lufs`` is -70 for silence, ``true_peak_dbtp`` at least -120.
    """
    return measure(media.source(path)["a:0" if stream is None else str(stream)])


def measure(sound: Any) -> Loudness:
    """The loudness of a stream of a graph; resolution 0.1 dB."""
    graph = sound.filter("ebur128", peak="true", framelog="verbose").output("pipe:", f="null")
    argv = ["info" if part == "error" else part for part in media.arguments(graph)]
    summary = media.run_ffmpeg(argv).rpartition("Summary:")[2]
    return Loudness(
        integrated_lufs=_number(summary, "I"),
        true_peak_dbtp=_number(summary, "Peak"),
        range_lu=_number(summary, "LRA"),
    )


def _number(summary: str, name: str) -> float:
    found = re.search(rf"^\s*{name}:\s+(-?[\d.]+|-?inf|nan)", summary, re.MULTILINE)
    if not found:
        raise ValueError(f"ebur128 gave no {name}: {summary[-300:]!r}")
    value = float(found.group(1))
    return value if value > _FLOOR_DB else _FLOOR_DB


def gained(sound: Any, gain_db: float, ceiling_dbtp: float | None) -> Any:
    """A stream turned up or down by one gain, its true peaks held under a ceiling (None: no limiter).

    The limiter looks 5 ms ahead at four times the rate, so peaks between samples count; its delay is taken out.
    """
    changed = sound.filter("volume", f"{gain_db:.3f}dB", precision="double")
    if ceiling_dbtp is None:
        return changed
    limit = max(0.0625, 10 ** (ceiling_dbtp / 20))
    return (
        changed.filter("aresample", _OVERSAMPLED)
        .filter("alimiter", limit=f"{limit:.6f}", level="false", attack=5, release=80, latency=1)
        .filter("aresample", media.SAMPLE_RATE)
    )
