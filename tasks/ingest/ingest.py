"""A recorded dub as one file: brought onto the picture's clock as it is, and its speech found line by line."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence
from pathlib import Path

import soundfile

from tasks import media
from tasks.errors import BadInputError
from tasks.model import Line, MediaFacts, Placement, Record, Script
from tasks.probe.probe import probe
from tasks.progress import Progress, silent
from tasks.speech_activity import speech_spans

VERSION = 1

#: Lengths that differ by no more than a film frame are the same.
_SAME_MS = 42
#: Speech past the title's end by more than this would be lost.
_LOST_SPEECH_MS = 150
#: A piece of speech this short beyond the middle between two lines belongs to the line that it leans on.
_SLIVER_MS = 200
_FAR_MS = 1_500
_SHIFTED_MS = 250
#: Ratios of film and television frame rates; a recording off by one of them was made for another version.
_RATE_RATIOS = {"24 to 25": 25 / 24, "23.976 to 25": 25_025 / 24_000, "23.976 to 24": 1.001}

Span = tuple[int, int]


class Ingested(Record):
    """A recorded dub on the picture's clock.

    Attributes:
        dialogue: 48 kHz stereo 24-bit WAV, exactly as long as the title.
        placements: where each line is spoken, never stretched; lines without speech are left out.
        notes: what was padded, trimmed, missing or strange.
    """

    dialogue: Path
    placements: tuple[Placement, ...]
    notes: tuple[str, ...] = ()


def ingest(recording: Path, script: Script, duration_ms: int, out: Path, progress: Progress = silent) -> Ingested:
    """Take a whole-file dub, video or sound, as it was recorded.

    Args:
        recording: any file that ffmpeg decodes; its own start is the title's start.
        script: lines whose slots the speech is told apart by.
        duration_ms: length of the title.
        out: the dialogue; written whole or not at all.
        progress: told the share that is done.

    Raises:
        BadInputError: unreadable, without sound, or somebody still speaks when the title is over.
    """
    facts = probe(recording)
    if not facts.audio:
        raise BadInputError(f"The recorded dub {recording.name!r} has no sound.", "Give a recording with speech.")
    length_ms = _sound_ms(facts)
    with media.scratch(out) as whole, media.scratch(out) as listened:
        media.extract_audio(recording, _as_long_as(facts, max(length_ms, duration_ms)), None, whole, _half(progress))
        media.speech_copy(whole, listened)
        spans = speech_spans(listened, progress=lambda done: progress(0.5 + done / 2))
        _refuse_lost_speech(recording, spans, duration_ms)
        _cut(whole, out, duration_ms)
    spans = [(start, min(end, duration_ms)) for start, end in spans if start < duration_ms]
    placements, notes = locate(script.lines, spans)
    return Ingested(
        dialogue=out,
        placements=placements,
        notes=(*_length_notes(length_ms, duration_ms), *_speech_notes(spans), *notes),
    )


def locate(lines: Sequence[Line], spans: Sequence[Span]) -> tuple[tuple[Placement, ...], tuple[str, ...]]:
    """Tell spans of speech apart by the lines they belong to.

    The title is divided midway between neighbouring lines; speech belongs to the line whose part it is in, and a
    sliver that reaches over a division stays with the rest of its span.

    Args:
        lines: ordered by start.
        spans: ``(start_ms, end_ms)``, ordered, apart.

    Returns:
        Placements of the lines that are spoken, and notes.
    """
    if not lines:
        return (), ()
    edges = [(early.end_ms + late.start_ms) // 2 for early, late in itertools.pairwise(lines)]
    edges = [max(edges[: n + 1]) for n in range(len(edges))]  # overlapping lines must not turn the order round
    found: list[list[Span]] = [[] for _ in lines]
    for span in spans:
        for number, piece in _divided(span, edges):
            found[number].append(piece)
    placements, missing, strays, shifts = [], [], [], []
    for line, pieces in zip(lines, found, strict=True):
        near = [p for p in pieces if p[1] > line.start_ms - _FAR_MS and p[0] < line.end_ms + _FAR_MS]
        strays += [piece for piece in pieces if piece not in near]
        if not near:
            missing.append(line.id)
            continue
        placements.append(_placement(line, near[0][0], near[-1][1]))
        shifts.append(near[0][0] - line.start_ms)
    return tuple(placements), tuple(_line_notes(missing, strays, shifts))


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


def _line_notes(missing: list[int], strays: list[Span], shifts: list[int]) -> list[str]:
    notes = []
    if missing:
        notes.append(f"The recorded dub has no speech for line {', '.join(map(str, missing))}.")
    if strays:
        times = ", ".join(f"{start / 1000:.1f} s" for start, _ in strays)
        notes.append(f"The recorded dub speaks where the script has no line, at {times}.")
    if len(shifts) >= 3 and abs(statistics.median(shifts)) > _SHIFTED_MS:
        notes.append(f"The recorded dub's lines start {statistics.median(shifts):+.0f} ms from the source's (median).")
    return notes


def _length_notes(length_ms: int, duration_ms: int) -> list[str]:
    difference = length_ms - duration_ms
    if abs(difference) <= _SAME_MS:
        return []
    for name, ratio in _RATE_RATIOS.items():
        for factor in (ratio, 1 / ratio):
            if duration_ms >= 60_000 and abs(length_ms / duration_ms / factor - 1) < 2e-4:
                return [f"The recorded dub was made at another frame rate ({name}): it will drift from the picture."]
    if difference < 0:
        return [f"The recorded dub is {-difference / 1000:.2f} s shorter than the title: silence was added at its end."]
    return [f"The recorded dub is {difference / 1000:.2f} s longer than the title: its end, without speech, was cut."]


def _speech_notes(spans: Sequence[Span]) -> list[str]:
    return [] if spans else ["No speech was found in the recorded dub."]


def _refuse_lost_speech(recording: Path, spans: Sequence[Span], duration_ms: int) -> None:
    lost = sum(max(0, end - max(start, duration_ms)) for start, end in spans)
    if lost > _LOST_SPEECH_MS:
        raise BadInputError(
            f"The recorded dub {recording.name!r} still speaks {lost / 1000:.1f} s after the title has ended.",
            "Give a recording made for this title, starting where the title starts.",
        )


def _sound_ms(facts: MediaFacts) -> int:
    track = media.default_track(facts)
    sound = next(audio.duration_ms for audio in facts.audio if audio.index == track)
    return sound or facts.duration_ms


def _as_long_as(facts: MediaFacts, length_ms: int) -> MediaFacts:
    return facts.model_copy(update={"duration_ms": length_ms})


def _half(progress: Progress) -> Progress:
    return lambda done: progress(done / 2)


def _cut(whole: Path, out: Path, duration_ms: int) -> None:
    """The first ``duration_ms`` of a WAV, its last 5 ms faded so that a cut does not click."""
    length = media.samples(duration_ms)
    longer = soundfile.info(str(whole)).frames > length
    sound = media.source(whole).audio.filter("atrim", end_sample=length)
    if longer and length > media.SAMPLE_RATE:
        sound = sound.filter("afade", type="out", start_sample=length - 240, nb_samples=240)
    with media.staged(out) as part:
        media.run_ffmpeg(media.wav(sound, part))
