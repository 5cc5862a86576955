"""The engine's two calls: analyse a title once, resynchronise it for each dub."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.draw.refine.corrections import Corrections
from lipsync_engine.draw.refine.learn import Budget
from lipsync_engine.draw.refine.title import networks, said
from lipsync_engine.draw.render import Rendering, Task, render
from lipsync_engine.exchange.transplant import Foreign, Replaced, grafted
from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.mouth import prior_stats, series, speaker_stats
from lipsync_engine.faces.observations import Collector
from lipsync_engine.faces.speakers import SpeechSpan, active_frames, off_screen, speaking, speech_table
from lipsync_engine.faces.track import Progress, track_faces
from lipsync_engine.measure.report_figures import PICTURE_FIGURES, mouth_of, picture_figures, speech_figures
from lipsync_engine.media import video
from lipsync_engine.media.audio import spooled_mono
from lipsync_engine.media.mux import copy_picture
from lipsync_engine.plan.edit import Person, Score, compose_score, person
from lipsync_engine.plan.habits import lead_of, learn
from lipsync_engine.plan.trajectory import plan_mouth
from lipsync_engine.records import BoolArray, MouthPlan, MouthSeries, Phone, SpeakerStats
from lipsync_engine.report import EngineReport, peak_memory_mb
from lipsync_engine.speech.emphasis import level_of
from lipsync_engine.speech.gestures import Mode
from lipsync_engine.speech.phones import spelled_names
from lipsync_engine.speech.title_speech import (
    RATE_HZ,
    OwnSpeech,
    ScriptLine,
    own_speech,
    phone_member,
    script_phones,
    stored_phones,
    within,
)


@dataclass(frozen=True, slots=True)
class Options:
    """How to resynchronise.

    Attributes:
        strength: excursion of the mouth from rest, 1 as planned.
        expression: ``"preserve"``, ``"natural"`` or ``"expressive"``.
        lead_ms: how far the visible mouth runs ahead of the sound; ``None``: as in the title where its script tells,
            else 20.
        crf: x264 quality of the picture, lower is better.
        preset: x264 speed.
        device: ``"auto"``, ``"cpu"`` or ``"cuda"``.
        measure: track the result again and measure it.
        spans: seconds (start, end) to which the edit is restricted; empty for all.
        preview_s: length of the picture that is written, from its start; ``None`` for all.
        into: an earlier render of the title. Only its key-frame intervals that hold a frame of ``spans`` are rendered
            again; all others are copied from it.
        refine: correct the painted mouths by a small network, taught on the title where none is stored beside the
            analysis, and used only where it wins on held-out frames.
        refine_s: seconds for teaching; ``None``: 180 on a GPU, and no teaching on a CPU (which needs an hour for what
            a GPU does in minutes).
        mode: ``"phoneme"``, or ``"syllable"``: one opening a syllable, for cartoons and faces far away.
    """

    strength: float = 1.0
    expression: str = "natural"
    lead_ms: float | None = None
    crf: int = 17
    preset: str = "veryfast"
    device: str = "auto"
    measure: bool = True
    mode: Mode = "phoneme"
    spans: tuple[tuple[float, float], ...] = ()
    preview_s: float | None = None
    into: Path | None = None
    refine: bool = False
    refine_s: float | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be done.

        Raises:
            ValueError: a span ends before it starts, a preview of no length, or options that contradict each other.
        """
        for start, end in self.spans:
            if not 0 <= start < end:
                raise ValueError(f"span {start:g}-{end:g}: the start must lie before the end, in seconds from 0")
        if self.preview_s is not None and not self.preview_s > 0:
            raise ValueError(f"a preview needs a length above 0, not {self.preview_s:g} seconds")
        if self.preview_s is not None and (self.into or self.spans):
            raise ValueError("a preview goes without spans and without an earlier render")
        if self.into is not None and not self.spans:
            raise ValueError("an earlier render needs the spans that are to be rendered again")


@dataclass(frozen=True, slots=True)
class _Part:
    """One person's share of the edit; ``painted`` knows the other pictures that are drawn from, too."""

    identity: int
    who: Person
    painted: Person
    score: Score
    plan: MouthPlan
    stats: SpeakerStats
    source: MouthSeries
    lead_ms: float
    own_lag_ms: float | None


def analyse(
    picture: Path,
    out_npz: Path,
    *,
    speech_spans: Iterable[SpeechSpan] | None = None,
    script: Iterable[ScriptLine] = (),
    language: str = "",
    until_s: float | None = None,
    device: str = "cpu",
    stabilise: bool = True,
    progress: Progress | None = None,
) -> FaceTrack:
    """Track every face of a title once; every language reuses the file.

    Args:
        picture: the title.
        out_npz: where the track is written.
        speech_spans: source speech as (start ms, end ms, speaker), where known.
        script: source lines as (start ms, end ms, text), where known: the speaker's own ways are learnt from them.
        language: BCP-47 tag of the script.
        until_s: where a preview ends: the first frame there is the last one; ``None`` for the whole title.
        device: where the face networks run: ``"cpu"``, ``"cuda"``, or ``"auto"`` (a GPU where there is one).
        stabilise: take the mesh's jitter out by the skin's texture, not by smoothing alone.
        progress: called with (share done, message).

    Raises:
        MediaError: the picture cannot be decoded.
        ValueError: a speech span ends before it starts.
    """
    spans = speech_table(speech_spans or ())
    with Collector(video.probe(picture)) as mouths:
        track = track_faces(picture, progress, watch=mouths.see, device=device, until_s=until_s, stabilise=stabilise)
        track = replace(track, speech=spans)
        own = script_phones(picture, script, language) if language else None
        return track.save(out_npz, mouths.members(track) | phone_member(own))


def resync(
    picture: Path,
    audio: Path,
    phones: tuple[Phone, ...],
    analysis: Path | FaceTrack,
    out: Path,
    options: Options | None = None,
    progress: Progress | None = None,
    *,
    source_phones: tuple[Phone, ...] | None = None,
    foreign: Foreign | None = None,
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
        source_phones: what the title itself says, on its own clock; else as the analysis knows it.
        foreign: mouths that another system made, drawn instead of the engine's own but where it says so.

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
    own = own_speech(picture, source_phones or stored_phones(track.file))
    active = active_frames(track)
    parts = _parts(track, active, phones, options, own, level_of(spooled_mono(audio, RATE_HZ), RATE_HZ), foreign)
    planned = perf_counter() - clock
    edits = [(part.painted, part.score) for part in parts if len(part.score.row)]
    report = EngineReport(device=device, faces=len(edits), seconds={"decode": 0.0, "track": 0.0, "plan": planned})
    if options.spans and not within(track.times_s, options.spans).any():
        raise ValueError(f"no frame lies in the spans: the title is {track.times_s[-1]:.3f} s long")
    inside, drawn = _scope(options, track.times_s, parts)
    replaced = Replaced(foreign.whole, track.times_s, facts) if foreign and foreign.whole else None
    if replaced:
        drawn |= replaced.frames
    stop = None if options.preview_s is None else max(1, int((track.times_s < options.preview_s).sum()))
    if stop is not None and stop >= len(track.times_s):
        stop = None
    if (edits or replaced) and (drawn[:stop].any() or stop or options.into):
        task = Task(
            picture=picture,
            out=out,
            times_s=track.times_s,
            edited=drawn,
            crf=options.crf,
            preset=options.preset,
            prior=options.into,
            anew=inside,
            stop=stop,
            device=device,
            corrections=replaced or _corrections(report, picture, analysis, parts, options, device),
        )
        done = render(task, edits, progress)
    else:
        done = Rendering(frames=len(track.times_s))
        done.copied = done.frames if copy_picture(picture, out, facts) else 0
    if names := spelled_names(phones):
        report.notes.append(f"{names} signs of the text were spelled by name: give phones of what is really said")
    report.seconds |= done.seconds
    report.copied, report.notes = done.copied, [*report.notes, *done.notes]
    report.fps = done.frames / max(perf_counter() - clock, 1e-9)
    away = off_screen(track, active)
    _count(report, done, track, parts, drawn if done.anew is None else drawn & done.anew, away)
    if replaced:
        report.edited += int((replaced.frames & ~_drawn_by(parts, len(drawn))).sum())
        report.notes.append(f"{int(replaced.frames.sum())} whole pictures are another system's")
    if options.spans or stop is not None:
        _all_missing(report, "only a part was rendered")
    elif edits and options.measure:
        clock = perf_counter()
        _measure(report, track, parts, out, audio, phones, own)
        report.seconds["measure"] = perf_counter() - clock
    elif not edits:
        _all_missing(report, "nothing was edited")
    else:
        _all_missing(report, "measuring was switched off")
    report.peak_rss_mb = peak_memory_mb()
    _count_vram(report)
    return report


def _corrections(
    report: EngineReport,
    picture: Path,
    analysis: Path | FaceTrack,
    parts: list[_Part],
    options: Options,
    device: str,
) -> Corrections | None:
    """The residual networks that are asked for; what became of each goes into the report's notes."""
    drawn = [part for part in parts if len(part.score.row)]
    if not options.refine or not drawn:
        return None
    clock = perf_counter()
    stored = analysis if isinstance(analysis, Path) else analysis.file
    seconds = options.refine_s if options.refine_s is not None else (180.0 if device == "cuda" else 0.0)
    people = [(part.identity, part.who) for part in drawn]
    learned = networks(picture, people, stored, device, Budget(seconds))
    report.notes += [said(identity, one) for (identity, _), one in zip(people, learned, strict=True)]
    report.seconds["refine"] = perf_counter() - clock
    size = (int(drawn[0].who.track.size[0]), int(drawn[0].who.track.size[1]))
    return Corrections([(part.who, part.score) for part in drawn], learned, size, device)


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


def _parts(
    track: FaceTrack,
    speakers: dict[int, BoolArray],
    phones: tuple[Phone, ...],
    options: Options,
    own: OwnSpeech | None,
    level_db: NDArray[np.float64],
    foreign: Foreign | None,
) -> list[_Part]:
    parts = []
    for identity, active in speakers.items():
        mouth = series(track, identity)
        if not (active & mouth.valid).any():
            continue
        who = person(track, identity)
        stats = _stats(track, active, mouth, own) if who.library.moves else prior_stats(mouth)
        lag_s = None
        if own is not None and own.phones is not None and who.library.moves:
            learnt = learn(mouth, own.phones, stats, active)
            stats, lag_s = learnt.stats, learnt.lag_s
        lead_ms = lead_of(lag_s) if options.lead_ms is None else options.lead_ms
        plan = plan_mouth(
            phones,
            track.times_s,
            stats,
            strength=options.strength,
            expression=options.expression,
            lead_ms=lead_ms,
            mode=options.mode,
            level_db=level_db,
            own_spread_db=None if own is None else own.vowel_spread_db(),
        )
        own_lag_ms = None if lag_s is None else 1000 * lag_s
        painted, score = who, compose_score(who, plan, active)
        if foreign is not None:
            painted, score = grafted(who, score, foreign, active)
        parts.append(_Part(identity, who, painted, score, plan, stats, mouth, lead_ms, own_lag_ms))
    return parts


def _scope(options: Options, times_s: NDArray[np.float64], parts: list[_Part]) -> tuple[BoolArray, BoolArray]:
    """Frames inside the spans (all, where there are none), and those of them that are drawn into."""
    inside = within(times_s, options.spans) if options.spans else np.ones(len(times_s), bool)
    drawn = _drawn_by(parts, len(times_s))
    return inside, drawn if options.into else drawn & inside


def _drawn_by(parts: list[_Part], frames: int) -> BoolArray:
    drawn = np.zeros(frames, bool)
    for part in parts:
        drawn |= _edited(part.score, frames)
    return drawn


def _stats(track: FaceTrack, active: BoolArray, mouth: MouthSeries, own: OwnSpeech | None) -> SpeakerStats:
    """The person's own mouth, in speech and in silence where the title's sound or script tells them apart."""
    spans = speaking(track, active)
    if own is None:
        return speaker_stats(mouth, spans)
    heard = own.speaking(track.times_s) & active
    return speaker_stats(mouth, heard if spans is None else heard & spans, own.resting(track.times_s))


def _count(
    report: EngineReport,
    done: Rendering,
    track: FaceTrack,
    parts: list[_Part],
    drawn: BoolArray,
    away: BoolArray,
) -> None:
    report.frames, report.edited = done.frames, done.checks.edited
    report.outside_mask_max_diff, report.seam_ratio = done.checks.outside_max, done.checks.seam_ratio
    report.notes += done.checks.notes
    reasons = np.full(max(done.frames, len(track.times_s)), "no_face", dtype=object)
    reasons[track.frame] = np.where(away[track.frame], "off_screen", "not_speaking")
    edited = np.zeros(len(reasons), bool)
    edited[: len(drawn)] = drawn
    for part in parts:
        for frame, reason in part.score.declined.items():
            reasons[frame] = reason
        reasons[part.score.frame] = "not_in_this_render"
        report.portrait_frames += int(drawn[part.score.frame].sum()) if part.score.portrait else 0
    reasons[done.checks.occluded] = "occluded"
    edited[done.checks.occluded] = False
    if done.checks.covered:
        report.notes.append(f"something in front of a face was left as it is in {len(done.checks.covered)} frames")
    reasons, edited = reasons[: done.frames], edited[: done.frames]
    names, counts = np.unique(reasons[~edited].astype(str), return_counts=True)
    report.bypassed = {str(name): int(count) for name, count in zip(names, counts, strict=True)}


def _measure(
    report: EngineReport,
    track: FaceTrack,
    parts: list[_Part],
    out: Path,
    audio: Path,
    phones: tuple[Phone, ...],
    own: OwnSpeech | None,
) -> None:
    """Figures of the person who is edited most; the others are in the notes."""
    main = max(parts, key=lambda part: len(part.score.row))
    shown = np.zeros(track.shots.max(initial=0) + 1, bool)
    shown[track.shots[main.score.frame]] = True
    again = track_faces(out, only=shown[track.shots])
    found = mouth_of(again, main.who.track)
    if found is None:
        _all_missing(report, "the face is not found again in the result")
        return
    seen, rows = found
    only = _edited(main.score, len(seen.times_s))
    figures, report.controls, silent = speech_figures(
        seen, phones, audio, main.stats, only=only, plan=main.plan, source=main.source, own=own
    )
    report.lead_ms, report.own_lag_ms = main.lead_ms, main.own_lag_ms
    figures["own_silence_motion"] = report.controls.get("real", {}).get("silence_motion")
    figures |= picture_figures(main.who.track, rows, main.score.frame)
    for name in _SPEECH + PICTURE_FIGURES:
        setattr(report, name, figures.get(name))
        if figures.get(name) is None:
            report.missing[name] = _CANNOT_TELL if name in silent else _NOT_DEFINED
    if report.seam_ratio is None:
        report.missing["seam_ratio"] = "no observation was blended in"
    if len(parts) > 1:
        report.notes.append(f"speech figures are of the most edited of {len(parts)} people")


_CANNOT_TELL = "this material does not tell the right mouth from one at another time"
_NOT_DEFINED = "not defined for this material (too few such sounds, pauses or frames)"
_SPEECH = (
    "phone_agreement",
    "closure_rate",
    "open_closed_ratio",
    "articulation_ratio",
    "silence_motion",
    "own_silence_motion",
    "offset_frames",
    "offset_first_third",
    "offset_last_third",
    "drift_frames_60s",
    "phone_correlation",
    "av_correlation",
    "plan_correlation",
    "source_partial_correlation",
    "source_leak_noise",
    "source_leak_share",
)


def _edited(score: Score, frames: int) -> BoolArray:
    out = np.zeros(frames, bool)
    out[score.frame[score.frame < frames]] = True
    return out


def _all_missing(report: EngineReport, why: str) -> None:
    for name in _SPEECH + PICTURE_FIGURES + ("seam_ratio", "outside_mask_max_diff"):
        if getattr(report, name) is None:
            report.missing[name] = why
