"""The client's music and effects instead of a separated bed, aligned to the title's clock within bounds."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from configs.gates import gate_rules
from configs.sound import IngestSettings
from tasks import media
from tasks.keep.staging import scratch, staged
from tasks.media.probe import probe
from tasks.records.errors import BadInputError
from tasks.records.facts import AudioFacts, MediaFacts
from tasks.records.made import ClientBed
from tasks.separate.bed_check import checked
from tasks.separate.surround import CHANNELS, is_surround
from tasks.separate.title_sound import TitleSound
from tasks.sound.by_bed import BedMatch, clock_by_bed
from tasks.sound.clock import Clock
from tasks.sound.retime import retime

#: Lengths that differ by no more than a film frame are the same.
_SAME_MS = 42
_SHORTEST_WINDOW_S, _LONGEST_WINDOW_S, _WINDOWS = 2.0, 8.0, 4
_BOTH_SIDES = 2**0.5  # ffmpeg puts one channel on two sides 3 dB lower


@dataclass(frozen=True)
class Taken:
    """A client's bed as it was placed, and the notes on it."""

    bed: ClientBed
    notes: tuple[str, ...]


def take_client_bed(
    given: Path, title: TitleSound, settings: IngestSettings, waived: Collection[str], out: Path
) -> Taken:
    """Lay a client's bed on the title, and check it against the title's own sound.

    A bed that runs with the title is written as it came. A shift and a speed are corrected where windows of the title's
    own music and effects are found in it on one clock; one channel is laid on both sides; a short end becomes silence.

    Args:
        given: any media file with sound.
        title: its sound and what was separated from it.
        settings: how far a recording may be from the title; ``clock: trust`` lays the bed as it came.
        waived: gates whose failure is accepted: with ``bed_length_ms`` a bed of any length is taken.
        out: 48 kHz 24-bit WAV, stereo or (from six channels on) 5.1, as long as the title; whole or not at all.

    Raises:
        BadInputError: the bed has no sound, or leaves more of the title without music and effects than is accepted.
    """
    facts = probe(given)
    if not facts.audio:
        raise BadInputError(f"The bed {given.name!r} has no sound.", "Give the client's music and effects.")
    track = _track(facts)
    length_ms = track.start_ms + track.duration_ms if track.duration_ms else facts.duration_ms
    window_s = min(_LONGEST_WINDOW_S, max(_SHORTEST_WINDOW_S, title.duration_ms / 1000 / _WINDOWS))
    match = None
    if settings.clock == "auto" and title.speech is not None and title.channels:
        with scratch(out) as whole:
            _extract(given, facts, max(length_ms, 1), title, whole)
            match = _match(whole, title, settings, window_s)
            clock = _clock(match)
            if not clock.same:
                retime(whole, clock, "follow" if _follows(match) else "keep", title.duration_ms, out)
    clock = _clock(match)
    if clock.same:
        _extract(given, facts, title.duration_ms, title, out)
    ends_ms = round(clock.title_ms(length_ms))
    bed = ClientBed(
        channels=track.channels,
        title_channels=title.channels,
        length_ms=ends_ms - title.duration_ms,
        uncovered_ms=_uncovered_ms(round(clock.title_ms(track.start_ms)), ends_ms, title),
        slowness=round(clock.slowness, 7),
        shift_ms=round(clock.shift_ms, 1),
        pitch="followed" if _follows(match) else "kept",
    )
    _refuse_short(given.name, bed, ends_ms, title, waived)
    bed = checked(bed, out, title, window_s)
    return Taken(bed, tuple(_notes(bed, clock, match, facts)))


def _track(facts: MediaFacts) -> AudioFacts:
    track = media.default_track(facts)
    return next(audio for audio in facts.audio if audio.index == track)


def _extract(given: Path, facts: MediaFacts, duration_ms: int, title: TitleSound, out: Path) -> None:
    """So much of the bed at 48 kHz; one channel beside a title that has more goes to both sides at full level."""
    facts = facts.model_copy(update={"duration_ms": duration_ms})
    if _track(facts).channels != 1 or title.channels == 1:
        media.extract_audio(given, facts, None, out, layout="5.1" if is_surround(facts) else "stereo")
        return
    with scratch(out) as lower:
        media.extract_audio(given, facts, None, lower)
        sound = media.source(lower).audio.filter("volume", volume=f"{_BOTH_SIDES:.9f}", precision="double")
        with staged(out) as part:
            media.run_ffmpeg(media.wav(sound, part))


def _match(whole: Path, title: TitleSound, settings: IngestSettings, window_s: float) -> BedMatch | None:
    with scratch(whole) as own16k, scratch(whole) as given16k:
        media.speech_copy(title.bed, own16k)
        media.speech_copy(whole, given16k)
        furthest_ms = max(settings.furthest_s * 1000, 1000.0)
        return clock_by_bed(own16k, given16k, furthest_ms, max(settings.speed, 0.01), window_s)


def _clock(match: BedMatch | None) -> Clock:
    """The bed's, to the sample where its waveform tells; the title's where it is not known."""
    if match is None or match.fitted.clock.same:
        return Clock()
    clock = match.fitted.clock
    return Clock(clock.slowness, clock.shift_ms + match.late_ms * clock.slowness, clock.name)


def _follows(match: BedMatch | None) -> bool:
    return match is not None and bool(match.pitch_moved)


def _uncovered_ms(begins_ms: int, ends_ms: int, title: TitleSound) -> int:
    """How much of the title lies before the bed begins and after it ends, where anything is heard of the title."""
    edges = ((0, begins_ms), (ends_ms, title.duration_ms))
    return sum(end - max(0, start) for start, end in edges if end - start > _SAME_MS and title.sounds(start, end))


def _refuse_short(name: str, bed: ClientBed, ends_ms: int, title: TitleSound, waived: Collection[str]) -> None:
    most_ms = gate_rules()["bed_length_ms"].fail
    if most_ms is None or bed.uncovered_ms <= most_ms or "bed_length_ms" in waived:
        return
    raise BadInputError(
        f"The bed {name!r} ends at {ends_ms / 1000:.2f} s of the title's {title.duration_ms / 1000:.2f} s: "
        f"{bed.uncovered_ms / 1000:.2f} s in which the title sounds would be without music and effects.",
        "Give M&E of the whole title, or accept it with a waiver of bed_length_ms in the profile.",
    )


def _notes(bed: ClientBed, clock: Clock, match: BedMatch | None, facts: MediaFacts) -> list[str]:
    notes = ["The bed is the client's M&E, not a separated one."]
    if match is not None and not clock.same:
        notes.append(_corrected(bed, clock, match))
    if bed.parts and not bed.found:
        notes.append("The title's music and effects were not found in the client's bed: it was used unchanged.")
    if -bed.length_ms > _SAME_MS:
        notes.append(f"The client's bed ends {-bed.length_ms / 1000:.2f} s before the title: silence was added.")
    elif bed.length_ms > _SAME_MS:
        notes.append(f"The client's bed is {bed.length_ms / 1000:.2f} s longer than the title: its end was cut.")
    if len(facts.audio) > 1:
        notes.append(f"The client's bed has {len(facts.audio)} tracks: the default or first one was used.")
    if bed.channels == 1 and bed.title_channels > 1:
        notes.append("The client's bed has one channel: it was used for both sides.")
    if bed.channels < CHANNELS <= bed.title_channels:
        notes.append("The title is 5.1 and the client's bed is not: the dub's mix is stereo.")
    elif 0 < bed.title_channels < CHANNELS <= bed.channels:
        notes.append("The client's bed is 5.1 and the title is not: the dub's mix is 5.1.")
    return notes


def _corrected(bed: ClientBed, clock: Clock, match: BedMatch) -> str:
    what = [f"was {abs(clock.shift_ms) / 1000:.3f} s {'late' if clock.shift_ms > 0 else 'early'}"]
    how = ""
    if clock.slowness != 1.0:
        name = f" ({clock.name})" if clock.name else ""
        what.append(f"ran at {1 / clock.slowness:.4%} of the title's speed{name}")
        how = ", by resampling: its pitch had changed too" if bed.pitch == "followed" else ", keeping its pitch"
    return (
        f"The client's bed {' and '.join(what)}, known by {match.fitted.agreed} of {match.fitted.anchors} parts of the "
        f"title's music and effects; that was corrected{how}."
    )
