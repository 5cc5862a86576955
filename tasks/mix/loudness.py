"""Loudness by EBU R 128 / ITU-R BS.1770, and the one place that changes it: a linear gain and a true-peak limiter."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configs.loudness import LoudnessPreset
from tasks import media
from tasks.model import Loudness

#: BS.1770's absolute gate: what measures no more than this is silence.
SILENCE_LUFS = -70.0
_FLOOR_DB = -120.0
_MAX_GAIN_DB = 40.0
#: No programme is pressed further than this into the limiter: a miss that is told is better than a crushed mix.
_MAX_LIMITING_DB = 15.0
#: The limiter aims this far below the preset's peak: Netflix advises -2.3 for a limit of -2.0.
_PEAK_MARGIN_DB = 0.3
#: How near the target a programme has to come, in LU; presets tolerate 0.5 at least.
_CLOSE_LU = 0.2
#: The meter reads in tenths: a reading at the limit may stand for a little more.
_METER_STEP_DB = 0.05
_TRIES = 4
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


@dataclass(frozen=True)
class Approach:
    """How a programme was brought to a preset.

    Attributes:
        loudness: of the last rendering.
        gain_db: the linear gain.
        limited: whether the limiter was in.
        tries: how many renderings it took.
        notes: what was missed.
    """

    loudness: Loudness
    gain_db: float
    limited: bool
    tries: int
    notes: tuple[str, ...]


def approach(preset: LoudnessPreset, before: Loudness, render: Callable[[float, float | None], Loudness]) -> Approach:
    """Find the gain and the ceiling at which a rendering keeps a preset: render, measure, correct, four times at most.

    Args:
        preset: the target.
        before: of the programme as it is.
        render: given a gain in dB and a ceiling in dBTP (None: no limiter), writes the file and measures it.
    """
    ceiling = preset.true_peak_dbtp - _PEAK_MARGIN_DB
    highest = min(_MAX_GAIN_DB, ceiling - before.true_peak_dbtp + _MAX_LIMITING_DB)
    if before.integrated_lufs <= SILENCE_LUFS:
        found = render(0.0, None)
        return Approach(found, 0.0, False, 1, ("The mix is silent or too short to measure: its level was left alone.",))
    gain_db = min(preset.integrated_lufs - before.integrated_lufs, highest)
    limiting = before.true_peak_dbtp + gain_db > ceiling
    tries = 0
    while True:
        tries += 1
        found = render(gain_db, ceiling if limiting else None)
        short = preset.integrated_lufs - found.integrated_lufs
        over = found.true_peak_dbtp + _METER_STEP_DB - preset.true_peak_dbtp
        settled = over <= 0 and (abs(short) <= _CLOSE_LU or (short > 0 and gain_db >= highest))
        if settled or tries == _TRIES:
            break
        gain_db = min(gain_db + short, highest)
        ceiling -= over + 0.1 if over > 0 else 0.0
        limiting = limiting or over > 0 or before.true_peak_dbtp + gain_db > ceiling
    missed = abs(short) > preset.tolerance_lu or over > 0
    note = f"The preset {preset.name} was missed: {-short:+.1f} LU, true peak {found.true_peak_dbtp:.1f} dBTP."
    return Approach(found, gain_db, limiting, tries, (note,) if missed else ())
