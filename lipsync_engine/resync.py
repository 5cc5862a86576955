"""The engine's two calls: analyse a title once, resynchronise it for each dub."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import numpy as np

from lipsync_engine import video
from lipsync_engine.facetrack import FaceTrack
from lipsync_engine.mouth import prior_stats, series, speaker_stats
from lipsync_engine.mux import copy_picture
from lipsync_engine.observations import Collector
from lipsync_engine.quality import mouth_of, picture_figures, speech_figures
from lipsync_engine.records import BoolArray, MouthPlan, MouthSeries, Phone, SpeakerStats
from lipsync_engine.render import Rendering, render
from lipsync_engine.report import EngineReport, peak_memory_mb
from lipsync_engine.score import Person, Score, compose_score, person
from lipsync_engine.speakers import SpeechSpan, active_frames, speaking, speech_table
from lipsync_engine.track import Progress, track_faces
from lipsync_engine.trajectory import plan_mouth


@dataclass(frozen=True, slots=True)
class Options:
    """How to resynchronise.

    Attributes:
        strength: excursion of the mouth from rest, 1 as planned.
        expression: ``"preserve"``, ``"natural"`` or ``"expressive"``.
        lead_ms: how far the visible mouth runs ahead of the sound.
        crf: x264 quality of the picture, lower is better.
        preset: x264 speed.
        device: ``"auto"``, ``"cpu"`` or ``"cuda"``.
        measure: track the result again and measure it.
    """

    strength: float = 1.0
    expression: str = "natural"
    lead_ms: float = 40.0
    crf: int = 17
    preset: str = "veryfast"
    device: str = "auto"
    measure: bool = True


@dataclass(frozen=True, slots=True)
class _Part:
    """One person's share of the edit."""

    who: Person
    score: Score
    plan: MouthPlan
    stats: SpeakerStats
    source: MouthSeries


def analyse(
    picture: Path,
    out_npz: Path,
    *,
    speech_spans: Iterable[SpeechSpan] | None = None,
    progress: Progress | None = None,
) -> FaceTrack:
    """Track every face of a title once; every language reuses the file.

    Args:
        picture: the title.
        out_npz: where the track is written.
        speech_spans: source speech as (start ms, end ms, speaker), where known.
        progress: called with (share done, message).

    Raises:
        MediaError: the picture cannot be decoded.
        ValueError: a speech span ends before it starts.
    """
    spans = speech_table(speech_spans or ())
    with Collector(video.probe(picture)) as mouths:
        track = replace(track_faces(picture, progress, watch=mouths.see), speech=spans)
        return track.save(out_npz, mouths.members(track))


def resync(
    picture: Path,
    audio: Path,
    phones: tuple[Phone, ...],
    analysis: Path | FaceTrack,
    out: Path,
    options: Options | None = None,
    progress: Progress | None = None,
) -> EngineReport:
    """Write the picture with the mouth speaking the dub.

    Frames that cannot be edited well pass through and are counted by reason. Where nothing is edited the
    source picture is copied and the report says ``edited = 0``.

    Args:
        picture: the title.
        audio: the dub (only measured; the output carries no sound).
        phones: what the dub says, on its clock.
        analysis: from ``analyse``.
        out: picture-only MP4, appears when complete.
        options: how to edit.
        progress: called with (share done, message).

    Raises:
        MediaError: the picture cannot be decoded.
        AudioError: the dub cannot be decoded.
        ValueError: options out of range, or an analysis of another title.
    """
    options = options or Options()
    device = pick_device(options.device)
    track = analysis if isinstance(analysis, FaceTrack) else FaceTrack.load(analysis)
    facts = video.probe(picture)
    if (facts.width, facts.height) != tuple(track.size.tolist()):
        raise ValueError("the analysis belongs to a picture of another size: analyse the title again")
    clock = perf_counter()
    parts = _parts(track, phones, options)
    planned = perf_counter() - clock
    edits = [(part.who, part.score) for part in parts if len(part.score.row)]
    report = EngineReport(device=device, faces=len(edits), seconds={"decode": 0.0, "track": 0.0, "plan": planned})
    if edits:
        done = render(picture, out, edits, crf=options.crf, preset=options.preset, device=device, progress=progress)
    else:
        done = Rendering(frames=len(track.times_s))
        copy_picture(picture, out, facts)
    report.seconds |= done.seconds
    report.fps = done.frames / max(sum(report.seconds.values()), 1e-9)
    _count(report, done, track, parts)
    if edits and options.measure:
        clock = perf_counter()
        _measure(report, track, parts, out, audio, phones)
        report.seconds["measure"] = perf_counter() - clock
    elif not edits:
        _all_missing(report, "nothing was edited")
    else:
        _all_missing(report, "measuring was switched off")
    report.peak_rss_mb = peak_memory_mb()
    _count_vram(report)
    return report


def pick_device(wanted: str) -> str:
    """The device that the picture is computed on.

    Raises:
        ValueError: CUDA is asked for and there is none, or an unknown name.
    """
    if wanted not in ("auto", "cpu", "cuda"):
        raise ValueError(f"device must be auto, cpu or cuda, not {wanted!r}")
    import torch

    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise ValueError("there is no CUDA device: use --device auto or cpu")
    return "cuda" if there and wanted != "cpu" else "cpu"


def _count_vram(report: EngineReport) -> None:
    if report.device != "cuda":
        report.missing["peak_vram_mb"] = "no GPU was used"
        return
    import torch

    report.peak_vram_mb = torch.cuda.max_memory_allocated() / 2**20


def _parts(track: FaceTrack, phones: tuple[Phone, ...], options: Options) -> list[_Part]:
    parts = []
    for identity, active in active_frames(track).items():
        mouth = series(track, identity)
        if not (active & mouth.valid).any():
            continue
        who = person(track, identity)
        stats = speaker_stats(mouth, speaking(track, active)) if who.library.moves else prior_stats(mouth)
        plan = plan_mouth(
            phones,
            track.times_s,
            stats,
            strength=options.strength,
            expression=options.expression,
            lead_ms=options.lead_ms,
        )
        parts.append(_Part(who, compose_score(who, plan, active), plan, stats, mouth))
    return parts


def _count(report: EngineReport, done: Rendering, track: FaceTrack, parts: list[_Part]) -> None:
    report.frames, report.edited = done.frames, done.checks.edited
    report.outside_mask_max_diff, report.seam_ratio = done.checks.outside_max, done.checks.seam_ratio
    report.notes += done.checks.notes
    reasons = np.full(max(done.frames, len(track.times_s)), "no_face", dtype=object)
    reasons[track.frame] = "not_speaking"
    edited = np.zeros(len(reasons), bool)
    for part in parts:
        for frame, reason in part.score.declined.items():
            reasons[frame] = reason
        edited[part.score.frame] = True
        report.portrait_frames += len(part.score.frame) if part.score.portrait else 0
    reasons[done.checks.occluded] = "occluded"
    edited[done.checks.occluded] = False
    if done.checks.covered:
        report.notes.append(f"something in front of a face was left as it is in {len(done.checks.covered)} frames")
    names, counts = np.unique(reasons[~edited].astype(str), return_counts=True)
    report.bypassed = {str(name): int(count) for name, count in zip(names, counts, strict=True)}


def _measure(
    report: EngineReport,
    track: FaceTrack,
    parts: list[_Part],
    out: Path,
    audio: Path,
    phones: tuple[Phone, ...],
) -> None:
    """Figures of the person who is edited most; the others are in the notes."""
    main = max(parts, key=lambda part: len(part.score.row))
    again = track_faces(out)
    found = mouth_of(again, main.who.track)
    if found is None:
        _all_missing(report, "the face is not found again in the result")
        return
    seen, rows = found
    only = _edited(main.score, len(seen.times_s))
    figures = speech_figures(seen, phones, audio, main.stats, only=only, plan=main.plan, source=main.source)
    figures |= picture_figures(main.who.track, rows, main.score.frame)
    for name in _SPEECH + _PICTURE:
        setattr(report, name, figures.get(name))
        if figures.get(name) is None:
            report.missing[name] = "not defined for this material (too few such sounds, pauses or frames)"
    if report.seam_ratio is None:
        report.missing["seam_ratio"] = "no observation was blended in"
    if len(parts) > 1:
        report.notes.append(f"speech figures are of the most edited of {len(parts)} people")


_SPEECH = (
    "closure_rate",
    "open_closed_ratio",
    "articulation_ratio",
    "silence_motion",
    "offset_frames",
    "av_correlation",
    "plan_correlation",
    "source_partial_correlation",
)
_PICTURE = ("sharpness_ratio", "jitter_ratio")


def _edited(score: Score, frames: int) -> BoolArray:
    out = np.zeros(frames, bool)
    out[score.frame[score.frame < frames]] = True
    return out


def _all_missing(report: EngineReport, why: str) -> None:
    for name in _SPEECH + _PICTURE + ("seam_ratio", "outside_mask_max_diff"):
        if getattr(report, name) is None:
            report.missing[name] = why
