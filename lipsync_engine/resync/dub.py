"""One dub of a title: the picture with the mouths speaking it, and what can be said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.draw.refine.corrections import Corrections
from lipsync_engine.draw.refine.learn import Budget
from lipsync_engine.draw.refine.title import networks, said
from lipsync_engine.draw.render import Rendering, Task, render
from lipsync_engine.exchange.graft import Foreign
from lipsync_engine.exchange.replace import Replaced
from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.speakers import active_frames, off_screen
from lipsync_engine.faces.track import Progress
from lipsync_engine.media import video
from lipsync_engine.media.audio import spooled_mono
from lipsync_engine.media.blas import on_one_core
from lipsync_engine.media.mux import copy_picture
from lipsync_engine.media.shelf import Kept, Shelf
from lipsync_engine.media.stretches import bounds_of
from lipsync_engine.records import BoolArray, Phone, Settled
from lipsync_engine.report import EngineReport, peak_memory_mb
from lipsync_engine.resync.options import Options, pick_device
from lipsync_engine.resync.parts import Part, drawn_by, parts_of
from lipsync_engine.resync.reporting import all_missing, count, count_vram, count_whole, measure
from lipsync_engine.resync.spoken import tell_of_speech
from lipsync_engine.speech.emphasis import level_of
from lipsync_engine.speech.phones import spelled_names
from lipsync_engine.speech.title_speech import RATE_HZ, own_speech, stored_phones, within
from lipsync_engine.speech.trust import rested, weighed


@on_one_core
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
    shelf: Shelf | None = None,
    settled: Mapping[int, Settled] | None = None,
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
        shelf: keeps finished stretches of this title: those that an edit of the dub leaves as they are, and those that
            a run finished before it was killed, are found there instead of drawn.
        settled: what each person's plan shall take from a whole dub other than this, the unedited one: then an edit
            leaves the other lines as they are.

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
    sound = spooled_mono(audio, RATE_HZ)
    borne = weighed(phones, sound)
    phones = phones if options.trust_phones else rested(phones, borne)
    parts = parts_of(track, active, phones, options, own, level_of(sound, RATE_HZ), foreign, settled, Kept(shelf, out))
    planned = perf_counter() - clock
    edits = [(part.painted, part.score) for part in parts if part.edits]
    report = EngineReport(device=device, faces=len(edits), seconds={"decode": 0.0, "track": 0.0, "plan": planned})
    report.settled = {part.identity: part.plan.settled for part in parts if part.plan.settled is not None}
    tell_of_speech(report, borne, sound, track.times_s, trusted=options.trust_phones)
    replaced = Replaced(foreign.whole, track.times_s, facts) if foreign and foreign.whole else None
    scope = _scope(options, track.times_s, parts, replaced)
    if (edits or replaced) and (scope.draws or scope.stop or options.into):
        corrections = replaced or _corrections(report, picture, analysis, parts, options, device)
        if corrections is not None and shelf is not None:
            shelf = None
            report.notes.append("what networks or other systems change is not kept in stretches: an edit draws it all")
        done = render(_task(picture, out, track, scope, options, device, corrections, shelf), edits, progress)
    else:
        done = Rendering(frames=len(track.times_s))
        done.copied = done.frames if copy_picture(picture, out, facts) else 0
    if names := spelled_names(phones):
        report.notes.append(f"{names} characters of the text were read by name: give phones of what is really said")
    report.fps = done.frames / max(perf_counter() - clock, 1e-9)
    drawn = scope.drawn if done.fresh is None else scope.drawn & done.fresh
    count(report, done, track, parts, drawn, off_screen(track, active))
    if replaced:
        count_whole(report, replaced.frames, parts)
    if options.spans or scope.stop is not None:
        all_missing(report, "only a part was rendered")
    elif not edits:
        all_missing(report, "nothing was edited")
    elif not options.measure:
        all_missing(report, "measuring was switched off")
    else:
        clock = perf_counter()
        measure(report, picture, track, parts, out, audio, phones, own, done.stretches, Kept(shelf, out))
        report.seconds["measure"] = perf_counter() - clock
    report.peak_rss_mb = peak_memory_mb()
    count_vram(report)
    return report


@dataclass(frozen=True, slots=True)
class _Scope:
    """Which of the title's frames are made.

    Attributes:
        inside: bool [T], frames in the spans; all, where there are none.
        drawn: bool [T], frames that are drawn into.
        stop: number of frames of a preview; ``None``: the whole title.
    """

    inside: BoolArray
    drawn: BoolArray
    stop: int | None

    @property
    def draws(self) -> bool:
        """Whether any frame that is made is drawn into."""
        return bool(self.drawn[: self.stop].any())


def _scope(options: Options, times_s: NDArray[np.float64], parts: list[Part], replaced: Replaced | None) -> _Scope:
    inside = within(times_s, options.spans) if options.spans else np.ones(len(times_s), bool)
    if options.spans and not inside.any():
        raise ValueError(f"no frame lies in the spans: the title is {times_s[-1]:.3f} s long")
    drawn = drawn_by(parts, len(times_s))
    if not options.into:
        drawn &= inside
    if replaced:
        drawn |= replaced.frames
    stop = None if options.preview_s is None else max(1, int((times_s < options.preview_s).sum()))
    return _Scope(inside, drawn, stop if stop is not None and stop < len(times_s) else None)


def _task(
    picture: Path,
    out: Path,
    track: FaceTrack,
    scope: _Scope,
    options: Options,
    device: str,
    corrections: Corrections | Replaced | None,
    shelf: Shelf | None,
) -> Task:
    return Task(
        picture=picture,
        out=out,
        times_s=track.times_s,
        edited=scope.drawn,
        crf=options.crf,
        preset=options.preset,
        prior=options.into,
        fresh=scope.inside,
        stop=scope.stop,
        device=device,
        corrections=corrections,
        bounds=bounds_of(track.times_s, track.shots, track.speech),
        shelf=shelf,
    )


def _corrections(
    report: EngineReport,
    picture: Path,
    analysis: Path | FaceTrack,
    parts: list[Part],
    options: Options,
    device: str,
) -> Corrections | None:
    """The residual networks that are asked for; what became of each goes into the report's notes."""
    drawn = [part for part in parts if part.edits]
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
