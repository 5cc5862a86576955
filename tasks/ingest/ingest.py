"""A recorded dub as one file, a dialogue stem or a print master: aligned to the title's clock and split into lines."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import soundfile

from configs.sound import IngestSettings
from tasks import media
from tasks.ingest.by_speech import clock_by_speech, speech_onsets
from tasks.keep.staging import scratch, staged
from tasks.media.probe import probe
from tasks.records.errors import BadInputError
from tasks.records.facts import MediaFacts
from tasks.records.progress import Progress, silent
from tasks.records.record import Record
from tasks.records.script import Line, Script
from tasks.records.take import Placement
from tasks.sound.by_bed import clock_by_bed
from tasks.sound.clock import Clock, Fitted, beyond, mapped
from tasks.sound.retime import retime
from tasks.sound.speech_activity import speech_spans

#: Lengths that differ by no more than a film frame are the same.
_SAME_MS = 42
#: Speech past the title's ends by more than this would be lost.
_LOST_SPEECH_MS = 150
#: A piece of speech this short beyond the middle between two lines belongs to the line that it leans on.
_SLIVER_MS = 200
#: Speech this far outside a line's slot, and as far from the rest of the line, is not the line's.
_FAR_MS = 600
_SHIFTED_MS = 250
#: A clock is believed where this share of the lines agrees with it, and so many.
_AGREED, _FEWEST = 0.5, 3
#: What is looked for only to refuse it.
_WIDE_SPEED, _WIDE_SHIFT_MS = 0.16, 240_000.0
_SURE, _SURE_LINES = 0.7, 6

Span = tuple[int, int]
#: Writes the dialogue of a mix (first argument) to a file (second); returns notes.
Separation = Callable[[Path, Path], tuple[str, ...]]


class Ingested(Record):
    """A recorded dub on the title's clock.

    Attributes:
        dialogue: 48 kHz stereo 24-bit WAV, exactly as long as the title.
        placements: where each line is spoken; lines without speech are left out.
        kind: a ``stem`` of dialogue, a ``print master`` with music and effects, or one file for each ``line``.
        evidence: what the clock was found by: the lines' ``speech``, the title's ``bed``, or ``none``.
        slowness: seconds of recording for each second of the title, as corrected; 1 where nothing was.
        shift_ms: where the title's start was in the recording.
        pitch: whether the pitch was kept or followed the speed.
        scatter_ms: how far a single line (or window of the bed) lies from the clock.
        missing: ids of lines without speech.
        extra: speech where the script has no line.
        unknown: numbers of recorded lines that the script does not have.
        notes: what was corrected, padded, trimmed, missing or strange.
    """

    dialogue: Path
    placements: tuple[Placement, ...]
    kind: Literal["stem", "print master", "lines"] = "stem"
    evidence: Literal["speech", "bed", "none"] = "none"
    slowness: float = 1.0
    shift_ms: float = 0.0
    pitch: Literal["kept", "followed"] = "kept"
    scatter_ms: float = 0.0
    missing: tuple[int, ...] = ()
    extra: tuple[Span, ...] = ()
    unknown: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()

    def facts(self) -> dict[str, Any]:
        """Facts for quality control, as JSON."""
        return self.model_dump(mode="json", exclude={"dialogue", "placements", "notes"})


def ingest(
    recording: Path,
    script: Script,
    duration_ms: int,
    out: Path,
    progress: Progress = silent,
    *,
    settings: IngestSettings | None = None,
    bed: Path | None = None,
    separation: Separation | None = None,
) -> Ingested:
    """Take a whole-file dub, video or sound: find its clock, correct it, and find its lines.

    A recording that holds the title's music and effects (a print master) tells its clock by them, and its dialogue is
    separated; a stem tells it by its speech against the script's lines.

    Args:
        recording: any file that ffmpeg decodes.
        script: the lines that it should speak.
        duration_ms: length of the title.
        out: the dialogue; written whole or not at all.
        progress: called with the share that is done.
        settings: bounds and options; None: as a profile has them by default.
        bed: the title's music and effects (WAV), to know a print master by.
        separation: takes the dialogue out of a print master; None: it stays as it is.

    Raises:
        BadInputError: unreadable, without sound or speech, somebody speaks when the title has not begun or is over, or
            the recording runs further from the title than is believed.
    """
    chosen = settings or IngestSettings()
    facts = probe(recording)
    if not facts.audio:
        raise BadInputError(f"The recorded dub {recording.name!r} has no sound.", "Give a recording with speech.")
    length_ms = _sound_ms(facts)
    with scratch(out) as whole, scratch(out) as listened, scratch(out) as timed:
        media.extract_audio(recording, _as_long_as(facts, max(length_ms, 1)), None, whole, _part(progress, 0, 0.2))
        media.speech_copy(whole, listened)
        spans = speech_spans(listened, progress=_part(progress, 0.2, 0.4))
        if not spans and script.lines and chosen.clock == "auto":
            raise BadInputError(
                f"In the recorded dub {recording.name!r} nobody speaks.",
                "Give a recording with speech; ingest.clock: trust accepts any sound as speech.",
            )
        clock = _clock(recording, listened, spans, script.lines, bed, chosen)
        progress(0.6)
        spans = mapped(spans, clock.fitted.clock)
        if clock.kind == "stem":
            _refuse_lost_speech(recording, spans, duration_ms)
        pitch = _pitch(chosen, clock)
        notes = [*_clock_notes(clock, pitch, chosen), *_length_notes(length_ms, duration_ms, clock.fitted.clock)]
        if clock.fitted.clock.same:
            _cut(whole, timed, duration_ms)
        else:
            retime(whole, clock.fitted.clock, pitch, duration_ms, timed)
        progress(0.8)
        if clock.kind == "print master" and separation is not None:
            notes += separation(timed, out)
            media.speech_copy(out, listened)
            spans = speech_spans(listened)
        else:
            timed.replace(out)
    progress(1.0)
    spans = [(max(0, start), min(end, duration_ms)) for start, end in spans if start < duration_ms and end > 0]
    found = locate(script.lines, spans)
    return Ingested(
        dialogue=out,
        placements=found.placements,
        kind=clock.kind,
        evidence=clock.evidence,
        slowness=round(clock.fitted.clock.slowness, 7),
        shift_ms=round(clock.fitted.clock.shift_ms, 1),
        pitch="followed" if pitch == "follow" else "kept",
        scatter_ms=clock.fitted.scatter_ms,
        missing=found.missing,
        extra=found.extra,
        notes=(*notes, *_speech_notes(spans), *found.notes),
    )


class _Found(Record):
    """A recording's clock, and the evidence for it."""

    fitted: Fitted
    kind: Literal["stem", "print master"] = "stem"
    evidence: Literal["speech", "bed", "none"] = "none"
    pitch_moved: bool | None = None
    unmatched: bool = False


def _clock(
    recording: Path,
    listened: Path,
    spans: Sequence[Span],
    lines: Sequence[Line],
    bed: Path | None,
    settings: IngestSettings,
) -> _Found:
    nothing = Fitted(Clock(), 0.0, 0.0, 0, len(lines))
    furthest_ms = settings.furthest_s * 1000
    if bed is not None:
        with scratch(listened) as bed16k:
            media.speech_copy(bed, bed16k)
            match = clock_by_bed(bed16k, listened, max(furthest_ms, 1000.0), max(settings.speed, 0.01))
        if match is not None:
            fitted = match.fitted if settings.clock == "auto" else nothing
            return _Found(fitted=fitted, kind="print master", evidence="bed", pitch_moved=match.pitch_moved)
    if settings.clock == "trust" or len(lines) < _FEWEST or not spans:
        return _Found(fitted=nothing)
    slots = [(line.start_ms, line.end_ms) for line in lines]
    onsets = speech_onsets(listened, spans)
    found = clock_by_speech(slots, spans, onsets, furthest_ms, settings.speed)
    believed = found.agreed >= max(_FEWEST, _AGREED * len(lines))
    if believed:
        _refuse_beyond(recording, found, settings)
    if found.agreed < _SURE * len(lines):
        wide = clock_by_speech(slots, spans, onsets, max(_WIDE_SHIFT_MS, 2 * furthest_ms), _WIDE_SPEED)
        if wide.agreed >= max(_SURE_LINES, _SURE * len(lines)) and wide.agreed > found.agreed + 1:
            _refuse_beyond(recording, wide, settings)
    if not believed:
        return _Found(fitted=nothing, unmatched=True)
    return _Found(fitted=found, evidence="speech")


def _refuse_beyond(recording: Path, found: Fitted, settings: IngestSettings) -> None:
    if beyond(found.clock, settings.furthest_s * 1000, settings.speed):
        raise BadInputError(
            f"The recorded dub {recording.name!r} runs {found.clock.shift_ms / 1000:+.1f} s from the title at "
            f"{1 / found.clock.slowness:.3f} of its speed; no more than {settings.furthest_s:.0f} s and "
            f"{settings.speed:.0%} are corrected.",
            "Give a recording made for this title, or raise ingest.furthest_s or ingest.speed in the profile.",
        )


def _pitch(settings: IngestSettings, found: _Found) -> Literal["keep", "follow"]:
    if settings.pitch != "auto":
        return settings.pitch
    return "follow" if found.pitch_moved else "keep"


def _clock_notes(found: _Found, pitch: str, settings: IngestSettings) -> list[str]:
    clock, fitted = found.fitted.clock, found.fitted
    if found.unmatched:
        return ["The recorded dub's speech does not match the times of the script's lines: its timing is unchanged."]
    notes = []
    if found.kind == "print master":
        notes.append(
            "The recorded dub holds the title's music and effects (a print master): its dialogue is separated."
        )
    if clock.same:
        return notes
    by = "the title's music and effects" if found.evidence == "bed" else f"{fitted.agreed} of {fitted.anchors} lines"
    what = [f"shifted by {clock.shift_ms / 1000:+.3f} s"]
    if clock.slowness != 1.0:
        name = f" ({clock.name})" if clock.name else ""
        what.append(f"at {1 / clock.slowness:.4%} of the title's speed{name}")
    how = ""
    if clock.slowness != 1.0:
        how = ", by resampling: its pitch changed too" if pitch == "follow" else ", keeping its pitch"
    notes.append(
        f"The recorded dub was {' and '.join(what)}, known by {by} to {max(1.0, fitted.error_ms):.0f} ms; "
        f"that was corrected{how}."
    )
    return notes


class Located(Record):
    """Speech by lines.

    Attributes:
        placements: of the lines that are spoken.
        missing: ids of lines that are not.
        extra: speech that is no line's.
        notes: the same in words.
    """

    placements: tuple[Placement, ...] = ()
    missing: tuple[int, ...] = ()
    extra: tuple[Span, ...] = ()
    notes: tuple[str, ...] = ()


def locate(lines: Sequence[Line], spans: Sequence[Span]) -> Located:
    """Tell spans of speech apart by the lines they belong to.

    The title is divided midway between neighbouring lines; speech belongs to the line whose part it is in, and a
    sliver that reaches over a division stays with the rest of its span. Speech that is apart from the line's slot and
    from the rest of the line is no line's.

    Args:
        lines: ordered by start.
        spans: ``(start_ms, end_ms)``, ordered, apart.
    """
    if not lines:
        return Located(extra=tuple(spans), notes=tuple(_line_notes([], spans, [])))
    edges = [(early.end_ms + late.start_ms) // 2 for early, late in itertools.pairwise(lines)]
    edges = [max(edges[: n + 1]) for n in range(len(edges))]  # overlapping lines must not turn the order round
    found: list[list[Span]] = [[] for _ in lines]
    for span in spans:
        for number, piece in _divided(span, edges):
            found[number].append(piece)
    placements: list[Placement] = []
    missing: list[int] = []
    strays: list[Span] = []
    shifts: list[int] = []
    for line, pieces in zip(lines, found, strict=True):
        own = _own(line, pieces)
        strays += [piece for piece in pieces if piece not in own]
        if not own:
            missing.append(line.id)
            continue
        placements.append(_placement(line, own[0][0], own[-1][1]))
        shifts.append(own[0][0] - line.start_ms)
    return Located(
        placements=tuple(placements),
        missing=tuple(missing),
        extra=tuple(extra := _joined(strays)),
        notes=tuple(_line_notes(missing, extra, shifts)),
    )


def _joined(spans: Sequence[Span]) -> list[Span]:
    """Spans in order, those with a short pause between them made one."""
    out: list[Span] = []
    for start, end in sorted(spans):
        if out and start - out[-1][1] < _FAR_MS:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return out


def _own(line: Line, pieces: Sequence[Span]) -> list[Span]:
    """The pieces that touch the line's slot, or nearly, and those that go on from one that does."""
    own: list[Span] = []
    for piece in pieces:
        touches = piece[1] > line.start_ms - _FAR_MS and piece[0] < line.end_ms
        goes_on = bool(own) and piece[0] - own[-1][1] < _FAR_MS
        if touches or goes_on:
            own.append(piece)
    return own


def _divided(span: Span, edges: Sequence[int]) -> list[tuple[int, Span]]:
    """A span cut at the edges it crosses, with the number of the part each piece is in; slivers stay attached."""
    start, end = span
    cuts = [edge for edge in edges if start + _SLIVER_MS < edge < end - _SLIVER_MS]
    bounds = [start, *cuts, end]
    pieces = list(itertools.pairwise(bounds))
    return [(sum(edge <= (left + right) // 2 for edge in edges), (left, right)) for left, right in pieces]


def _placement(line: Line, start_ms: int, end_ms: int) -> Placement:
    return Placement(
        line=line.id,
        start_ms=start_ms,
        end_ms=end_ms,
        slot_ms=line.end_ms - line.start_ms,
        natural_ms=end_ms - start_ms,
        stretch=1.0,
        fit="natural" if end_ms <= line.end_ms + _SAME_MS else "borrowed",
    )


def _line_notes(missing: Sequence[int], strays: Sequence[Span], shifts: Sequence[int]) -> list[str]:
    notes = []
    if missing:
        notes.append(f"The recorded dub has no speech for line {', '.join(map(str, missing))}.")
    if strays:
        times = ", ".join(f"{start / 1000:.1f} s" for start, _ in strays)
        notes.append(f"The recorded dub speaks where the script has no line, at {times}.")
    if len(shifts) >= 3 and abs(statistics.median(shifts)) > _SHIFTED_MS:
        notes.append(f"The recorded dub's lines start {statistics.median(shifts):+.0f} ms from the source's (median).")
    return notes


def _length_notes(length_ms: int, duration_ms: int, clock: Clock) -> list[str]:
    difference = round(clock.title_ms(length_ms)) - duration_ms
    if abs(difference) <= _SAME_MS:
        return []
    if difference < 0:
        return [f"The recorded dub is {-difference / 1000:.2f} s shorter than the title: silence was added at its end."]
    return [f"The recorded dub is {difference / 1000:.2f} s longer than the title: its end, without speech, was cut."]


def _speech_notes(spans: Sequence[Span]) -> list[str]:
    return [] if spans else ["No speech was found in the recorded dub."]


def _refuse_lost_speech(recording: Path, spans: Sequence[Span], duration_ms: int) -> None:
    late = sum(max(0, end - max(start, duration_ms)) for start, end in spans)
    early = sum(max(0, min(end, 0) - start) for start, end in spans)
    fix = "Give a recording made for this title."
    if late > _LOST_SPEECH_MS:
        what = f"The recorded dub {recording.name!r} still speaks {late / 1000:.1f} s after the title has ended."
        raise BadInputError(what, fix)
    if early > _LOST_SPEECH_MS:
        what = f"The recorded dub {recording.name!r} speaks {early / 1000:.1f} s before the title begins."
        raise BadInputError(what, fix)


def _sound_ms(facts: MediaFacts) -> int:
    track = media.default_track(facts)
    sound = next(audio for audio in facts.audio if audio.index == track)
    return sound.start_ms + sound.duration_ms if sound.duration_ms else facts.duration_ms


def _as_long_as(facts: MediaFacts, length_ms: int) -> MediaFacts:
    return facts.model_copy(update={"duration_ms": length_ms})


def _part(progress: Progress, start: float, end: float) -> Progress:
    return lambda done: progress(start + (end - start) * done)


def _cut(whole: Path, out: Path, duration_ms: int) -> None:
    """The first ``duration_ms`` of a WAV, silence where it is shorter; the last 5 ms faded against clicks."""
    length = media.samples(duration_ms)
    longer = soundfile.info(str(whole)).frames > length
    sound = media.exactly(media.source(whole).audio, duration_ms)
    if longer and length > media.SAMPLE_RATE:
        sound = sound.filter("afade", type="out", start_sample=length - 240, nb_samples=240)
    with staged(out) as part:
        media.run_ffmpeg(media.wav(sound, part))
