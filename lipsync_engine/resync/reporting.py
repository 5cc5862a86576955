"""Fill the report of a dub: what was done to which frames, and how well the result speaks."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.draw.render import Rendering
from lipsync_engine.draw.stretches import Stretch
from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.mouth import series
from lipsync_engine.measure.report_figures import PICTURE_FIGURES, picture_figures, speech_figures
from lipsync_engine.media.shelf import Kept
from lipsync_engine.records import BoolArray, Phone
from lipsync_engine.report import EngineReport
from lipsync_engine.resync.parts import Part, drawn_by, edited_by
from lipsync_engine.resync.viewed import VIEWED, viewed_figures
from lipsync_engine.resync.watched import watched
from lipsync_engine.speech.title_speech import OwnSpeech

#: Strength from which an edit is seen, and counts as one.
PERCEPTIBLE = 0.2
_CANNOT_TELL = "this material cannot distinguish the right mouth from one at another time"
_NOT_DEFINED = "not defined for this material (too few such sounds, pauses or frames)"
_SPEECH = (
    "phone_agreement",
    "closure_rate",
    "open_closed_ratio",
    "articulation_ratio",
    "silence_motion",
    "own_silence_motion",
    "silence_opening",
    "own_silence_opening",
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


def count(
    report: EngineReport,
    done: Rendering,
    track: FaceTrack,
    parts: list[Part],
    drawn: BoolArray,
    away: BoolArray,
) -> None:
    """Which frames were edited, and why the others were not.

    Args:
        report: to be filled.
        done: what the renderer did.
        track: the analysis.
        parts: every person's share of the edit.
        drawn: bool [T], frames that were drawn into.
        away: bool [T], frames at which the line's speaker is not in the picture.
    """
    report.seconds |= done.seconds
    report.copied, report.drawn = done.copied, done.drawn
    report.stretches, report.stretches_found = len(done.stretches), done.found
    report.notes += done.notes
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
    reasons[done.checks.occluded] = "occluded"
    edited[done.checks.occluded] = False
    if parts:
        main = max(parts, key=lambda part: len(part.score.row))
        report.library_observations, report.library_spread = len(main.who.library.row), _spread(main)
    faint = edited & _faint(parts, len(edited))
    reasons[faint], edited[faint] = "imperceptible", False
    report.edited -= int(faint[: done.frames].sum())
    report.portrait_frames = int((edited & _portrait(parts, len(edited))).sum())
    report.notes += [_deformed(part) for part in parts if part.score.portrait]
    if done.checks.covered:
        report.notes.append(f"something in front of a face was left as it is in {len(done.checks.covered)} frames")
    reasons, edited = reasons[: done.frames], edited[: done.frames]
    names, counts = np.unique(reasons[~edited].astype(str), return_counts=True)
    report.bypassed = {str(name): int(count) for name, count in zip(names, counts, strict=True)}
    report.spans = _spans(np.where(edited, "edited", reasons), track.times_s)


def _spans(what: NDArray[np.object_], times_s: NDArray[np.floating[Any]]) -> list[tuple[int, int, str]]:
    """Runs of frames that share what was done to them: begin and end in milliseconds, and what.

    Args:
        what: of each frame, [frames].
        times_s: of each frame that was decoded, [T]; one that comes after them takes as long as the others.
    """
    if not len(what) or not len(times_s):
        return []
    frame_s = float(np.median(np.diff(times_s))) if len(times_s) > 1 else 0.0
    more = np.arange(1, max(1, len(what) - len(times_s) + 1) + 1)
    bounds_ms = np.round(np.concatenate([times_s, times_s[-1] + more * frame_s]) * 1000).astype(int)
    firsts = [0, *(np.flatnonzero(what[1:] != what[:-1]) + 1).tolist(), len(what)]
    return [(int(bounds_ms[a]), int(bounds_ms[b]), str(what[a])) for a, b in itertools.pairwise(firsts)]


def _deformed(part: Part) -> str:
    why = part.who.library.lacks
    plain = "; it is a drawing, and its mouth is filled plainly" if part.who.drawn else ""
    return f"a face is drawn by deforming its own frames, because the title shows too little of its mouth: {why}{plain}"


def _faint(parts: list[Part], frames: int) -> BoolArray:
    """Frames of which nobody sees that they are drawn into: every mouth in them is faded nearly out, bool [frames]."""
    seen = np.zeros(frames, bool)
    for part in parts:
        seen[part.score.frame[part.score.strength >= PERCEPTIBLE]] = True
    return drawn_by(parts, frames) & ~seen


def _portrait(parts: list[Part], frames: int) -> BoolArray:
    """Frames in which some mouth is drawn by deforming the frame itself, bool [frames]."""
    out = np.zeros(frames, bool)
    for part in parts:
        if part.score.portrait:
            out[part.score.frame] = True
    return out


def count_whole(report: EngineReport, whole: BoolArray, parts: list[Part]) -> None:
    """Count pictures that are another system's as a whole: those count as edited, too.

    Args:
        report: to be filled.
        whole: bool [T], those pictures.
        parts: every person's share of the edit.
    """
    report.edited += int((whole & ~drawn_by(parts, len(whole))).sum())
    report.notes.append(f"{int(whole.sum())} whole pictures were made by another system")


def measure(
    report: EngineReport,
    picture: Path,
    track: FaceTrack,
    parts: list[Part],
    out: Path,
    audio: Path,
    phones: tuple[Phone, ...],
    own: OwnSpeech | None,
    stretches: Sequence[Stretch],
    kept: Kept,
) -> None:
    """Track the result again and report how well it speaks: the person who is edited most; a note tells of others.

    Args:
        report: to be filled.
        picture: the title.
        track: the analysis of the title.
        parts: every person's share of the edit.
        out: the result.
        audio: the dub.
        phones: what the dub says, on its clock.
        own: what the title itself says and how it sounds, where known.
        stretches: of the result.
        kept: where what was seen of each is found, and kept.
    """
    main = max(parts, key=lambda part: len(part.score.row))
    looked = watched(picture, out, track, main, stretches, kept)
    if looked is None:
        all_missing(report, "the face is not found again in the result")
        return
    seen, rows = series(looked.rows, 0), looked.rows
    only = edited_by(main.score, len(seen.times_s))
    figures, report.controls, silent = speech_figures(
        seen, phones, audio, main.stats, only=only, plan=main.plan, source=main.source, own=own, kept=kept
    )
    report.lead_ms, report.own_lag_ms = main.lead_ms, main.own_lag_ms
    for name in ("silence_motion", "silence_opening"):
        figures[f"own_{name}"] = report.controls.get("real", {}).get(name)
    figures |= picture_figures(main.who.track, rows, main.score.frame)
    speaking = own.speaking(track.times_s) if own is not None else None
    figures |= viewed_figures(main, looked, seen, only, phones, speaking)
    for name in _SPEECH + PICTURE_FIGURES + VIEWED:
        setattr(report, name, figures.get(name))
        if figures.get(name) is None:
            report.missing[name] = _CANNOT_TELL if name in silent else _NOT_DEFINED
    if report.seam_ratio is None:
        report.missing["seam_ratio"] = "no observation was blended in"
    if len(parts) > 1:
        report.notes.append(f"speech figures are of the most edited of {len(parts)} people")


def _spread(part: Part) -> float | None:
    """How far the mouths that the person's title shows lie apart, without the rarest: face widths."""
    opening = part.who.library.vectors[:, 0]
    return float(np.ptp(np.percentile(opening, (5, 95)))) if len(opening) else None


def all_missing(report: EngineReport, why: str) -> None:
    """Say why no figure was measured."""
    for name in _SPEECH + PICTURE_FIGURES + VIEWED + ("seam_ratio", "outside_mask_max_diff"):
        if getattr(report, name) is None:
            report.missing[name] = why


def count_vram(report: EngineReport) -> None:
    """The most that the GPU's memory held so far."""
    if report.device != "cuda":
        report.missing["peak_vram_mb"] = "no GPU was used"
        return
    import torch

    report.peak_vram_mb = torch.cuda.max_memory_allocated() / 2**20
