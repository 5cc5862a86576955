"""Marks one line, and measures what that did to it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyloudnorm
import soundfile

from tasks.records.made import MarkedLine
from tasks.watermark import Samples, Watermarker
from tasks.watermark.detection import detect_in

_FULL_SCALE = 0.999


def mark_line(audio: Path, out: Path, backend: Watermarker) -> MarkedLine:
    """Write a line with the mark; its length stays, and where it would clip it is turned down.

    Args:
        audio: mono WAV.
        out: the same with the mark.
        backend: marks it.

    Returns:
        What was measured, for line 0.
    """
    samples, rate_hz = soundfile.read(audio, dtype="float32")
    marked = backend.mark(samples, rate_hz)
    peak = float(np.abs(marked).max(initial=0.0))
    if peak > _FULL_SCALE:
        marked = marked * (_FULL_SCALE / peak)
    soundfile.write(out, marked, rate_hz, subtype=soundfile.info(audio).subtype)
    score = detect_in(marked, rate_hz, backend).score or 0.0
    return MarkedLine(line=0, snr_db=_snr_db(samples, marked), level_lu=_louder(samples, marked, rate_hz), score=score)


def _snr_db(samples: Samples, marked: Samples) -> float:
    added = float(np.sum((marked - samples) ** 2, dtype=np.float64))
    speech = float(np.sum(samples**2, dtype=np.float64))
    return round(10 * float(np.log10(speech / added)), 1) if added and speech else 99.0


def _louder(samples: Samples, marked: Samples, rate_hz: int) -> float:
    if not np.any(samples):
        return 0.0
    meter = pyloudnorm.Meter(rate_hz, block_size=min(0.4, 0.99 * len(samples) / rate_hz))
    before, after = meter.integrated_loudness(samples), meter.integrated_loudness(marked)
    return round(float(after - before), 2) if np.isfinite(before) and np.isfinite(after) else 0.0
