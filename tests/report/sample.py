"""A branch as a test wants it: two lines, tone stems, no media."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from configs.loudness import loudness_presets
from tasks.qc.evidence import Evidence, MasterTimes, Measured, Recogniser
from tasks.qc.qc import check
from tasks.records.quality import Loudness
from tasks.records.script import Line, Script
from tasks.records.take import Placement
from tasks.report.inputs import MadeBy, ReportInputs

SPANS = ((1000, 3000), (5000, 6500))


def bursts(path: Path, spans: tuple[tuple[int, int], ...], duration_ms: int = 8000, rate: int = 8000) -> Path:
    time = np.arange(duration_ms * rate // 1000) / rate
    sound = np.zeros_like(time)
    for start, end in spans:
        part = (time >= start / 1000) & (time < end / 1000)
        sound[part] = 0.3 * np.sin(2 * np.pi * 200 * time[part]) * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * time[part]))
    soundfile.write(path, sound, rate)
    return path


def script(language: str, *texts: str) -> Script:
    lines = tuple(Line(id=n, start_ms=SPANS[n][0], end_ms=SPANS[n][1], text=text) for n, text in enumerate(texts))
    return Script(language=language, lines=lines)


def report_inputs(
    folder: Path, source: str = "Good morning.", dub: str = "Buenos días.", heard: dict[int, str] | None = None
) -> ReportInputs:
    placements = (
        Placement(line=0, start_ms=1000, end_ms=2900, slot_ms=2000, natural_ms=1900, stretch=1.0, fit="natural"),
        Placement(line=1, start_ms=5000, end_ms=7000, slot_ms=1500, natural_ms=2400, stretch=1.2, fit="borrowed"),
    )
    evidence = Evidence(
        source=script("en", source, "I love this city."),
        dub=script("es", dub, "Me encanta esta ciudad."),
        placements=placements,
        duration_ms=8000,
        preset=loudness_presets()["r128"],
        loudness=Loudness(integrated_lufs=-23.1, true_peak_dbtp=-4.2, range_lu=5.0),
        master=MasterTimes(0, 8000, 0, 8000),
        av_offset=Measured(6.0, "picture as seen in 4 parts"),
        recogniser=None if heard is None else Recogniser("ears", heard),
        lipsync={"frames": 200, "edited": 120, "offset_frames": 0.0, "bypassed": {"no face": 80}},
    )
    return ReportInputs(
        title="talk",
        source=evidence.source,
        dub=evidence.dub,
        placements=placements,
        duration_ms=8000,
        qc=check(evidence),
        profile="offline",
        source_media="../../talk.mp4",
        dub_media="../talk.es.mp4",
        original_dialogue=bursts(folder / "source.wav", SPANS),
        dialogue=bursts(folder / "dub.wav", ((1000, 2900), (5000, 7000))),
        made_by=(MadeBy("translate", "apertium", {"apertium": "3.8.3"}, "GPL-3.0-or-later", ""),),
        notes=("Translated by way of Spanish.",),
        disclosure="The speech and the mouth movements of this version are synthetic.",
    )
