"""Reaching a delivery level: what is aimed at, and with which gain and ceiling a rendering gets there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from configs.loudness import LoudnessPreset
from tasks.sound.loudness import SILENCE_LUFS, Curve, Spans

_MAX_GAIN_DB = 40.0
#: No programme is pressed further than this into the limiter: a reported miss is better than a crushed mix.
_MAX_LIMITING_DB = 15.0
#: The limiter aims this far below the preset's peak: Netflix advises -2.3 for a limit of -2.0.
_PEAK_MARGIN_DB = 0.3
#: How near the target a programme has to come, in LU; presets tolerate 0.5 at least.
_CLOSE_LU = 0.15
#: The meter reads in tenths: a reading at the limit may stand for a little more.
_METER_STEP_DB = 0.05
_TRIES = 8


@dataclass(frozen=True)
class Target:
    """What a programme is brought to.

    Attributes:
        name: of the preset.
        lufs: the level.
        tolerance_lu: accepted deviation.
        true_peak_dbtp: never above.
        speech: where the level is measured, ``(start_ms, end_ms)``; None: the whole programme, gated.
        notes: why the preset's first choice does not apply.
    """

    name: str
    lufs: float
    tolerance_lu: float
    true_peak_dbtp: float
    speech: Spans | None = None
    notes: tuple[str, ...] = ()

    def level(self, measured: Curve) -> float:
        """What counts as the level of a programme, in LUFS."""
        if self.speech is None:
            return measured.loudness.integrated_lufs
        return measured.during(self.speech)


def target_of(preset: LoudnessPreset, speech: Spans | None, duration_ms: int) -> Target:
    """The preset for a programme with so much speech.

    Args:
        preset: as chosen.
        speech: where the dub speaks; None where nobody looked.
        duration_ms: of the programme.
    """
    gate = preset.dialogue
    base = Target(preset.name, preset.integrated_lufs, preset.tolerance_lu, preset.true_peak_dbtp)
    if gate is None:
        return base
    share = sum(end - start for start, end in speech or ()) / max(1, duration_ms)
    if speech and share >= gate.least_share:
        return Target(base.name, base.lufs, base.tolerance_lu, base.true_peak_dbtp, tuple(speech))
    note = (
        f"Speech takes {share:.0%} of the title, less than {gate.least_share:.0%}: {preset.name} is measured on the "
        f"whole programme at {gate.fallback_lufs:.0f} LUFS."
    )
    return Target(base.name, gate.fallback_lufs, base.tolerance_lu, base.true_peak_dbtp, None, (note,))


@dataclass(frozen=True)
class Approach:
    """How a programme was brought to a target.

    Attributes:
        measured: the last rendering.
        gain_db: the linear gain.
        limited: whether the limiter was in.
        tries: how many renderings it took.
        notes: what was missed.
    """

    measured: Curve
    gain_db: float
    limited: bool
    tries: int
    notes: tuple[str, ...]


def approach(target: Target, before: Curve, render: Callable[[float, float | None], Curve]) -> Approach:
    """Find the gain and the ceiling at which a rendering keeps a target: render, measure, correct, eight times at most.

    Args:
        target: level and peak.
        before: the programme as it is.
        render: given a gain in dB and a ceiling in dBTP (None: no limiter), writes the file and measures it.
    """
    ceiling = target.true_peak_dbtp - _PEAK_MARGIN_DB
    peak = before.loudness.true_peak_dbtp
    highest = min(_MAX_GAIN_DB, ceiling - peak + _MAX_LIMITING_DB)
    level = target.level(before)
    if level <= SILENCE_LUFS:
        found = render(0.0, None)
        return Approach(found, 0.0, False, 1, ("The mix is silent or too short to measure: its level is unchanged.",))
    gain_db = min(target.lufs - level, highest)
    limiting = peak + gain_db > ceiling
    tries = 0
    while True:
        tries += 1
        found = render(gain_db, ceiling if limiting else None)
        short = target.lufs - target.level(found)
        over = found.loudness.true_peak_dbtp + _METER_STEP_DB - target.true_peak_dbtp
        settled = over <= 0 and (abs(short) <= _CLOSE_LU or (short > 0 and gain_db >= highest))
        if settled or tries == _TRIES:
            break
        gain_db = min(gain_db + short, highest)
        ceiling -= over + 0.1 if over > 0 else 0.0
        limiting = limiting or over > 0 or peak + gain_db > ceiling
    missed = abs(short) > target.tolerance_lu or over > 0
    note = f"The preset {target.name} was missed: {-short:+.1f} LU, true peak {found.loudness.true_peak_dbtp:.1f} dBTP."
    return Approach(found, gain_db, limiting, tries, (note,) if missed else ())
