"""The evidence for quality control."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from configs.loudness import LoudnessPreset
from tasks.records.made import ClientBed, MarkedLine, WatermarkHeard
from tasks.records.quality import Loudness
from tasks.records.script import Script
from tasks.records.take import Placement
from tasks.sound.loudness import Curve
from tasks.words.cues import Cue

#: Speech activity: (start_ms, end_ms) pairs in order, not overlapping.
Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Recogniser:
    """What a recogniser of the dub's language heard, line by line, in the delivered dialogue.

    Attributes:
        name: the backend's name, for the record; empty if there is none.
        heard: line id to words, of every line that was laid; None where nothing could be heard.
        advisory: True where the recogniser's own error rate exceeds the gate, so that it can warn but never fail a dub.
        note: why nothing was heard.
    """

    name: str
    heard: Mapping[int, str] | None
    advisory: bool = False
    note: str = ""


@dataclass(frozen=True)
class MasterTimes:
    """Start and length of a master's streams in milliseconds, as its container says; None where there is no picture."""

    picture_start_ms: float | None
    picture_ms: float | None
    audio_start_ms: float
    audio_ms: float


@dataclass(frozen=True)
class Measured:
    """A figure, or the reason for its absence."""

    value: float | None
    note: str = ""


#: Of every gate that looks at a picture, where there is none.
NO_PICTURE = Measured(None, "not measured: no picture")


@dataclass(frozen=True)
class Evidence:
    """One language branch, as delivered.

    Attributes:
        source: source script (times of the original speech).
        dub: target script; same line ids and times.
        placements: where each take was laid.
        duration_ms: length of the title.
        preset: loudness target.
        loudness: measured on the delivered master; None where it was not.
        dialogue_lufs: of the master where the dub speaks, without a gate; None where it was not measured.
        delivered: the master's loudness over time; None where it was not measured.
        original: the source's.
        source_speech: speech activity of the original dialogue; None where it was not measured.
        dub_speech: speech activity of the dub.
        dialogue: delivered dialogue stem (WAV).
        bed: delivered bed (WAV).
        original_dialogue: dialogue stem of the source (WAV), on the same clock.
        original_sound: of the source, with voices and bed (WAV), on the same clock.
        client_bed: how a client's `bed` lies on the title; None where it was separated (`original_dialogue` always is).
        master: times of the per-language master.
        frame_rate: of the picture; None for sound only.
        picture_start_ms: when the source's picture starts on the title's clock.
        av_offset: how late the master's sound is against its picture, in milliseconds; None where it was not measured.
        lipsync: the lip-sync report, as it came.
        recogniser: of the dub's language; None where nobody was asked.
        recorded: what taking in a recorded dub found (`tasks.ingest`): missing lines, extra speech; None: synthesised.
        subtitles: the cues of the delivered file, where it was made by the style guide.
        marked: the lines with a watermark, and what it did to them.
        heard: what is heard of it in the master; None where no line has one.
        kept: where the original's voices stay in the mix.
        waivers: gate name to reason ("Creative Intent", "Best Possible").
    """

    source: Script
    dub: Script
    placements: tuple[Placement, ...]
    duration_ms: int
    preset: LoudnessPreset
    loudness: Loudness | None = None
    dialogue_lufs: float | None = None
    delivered: Curve | None = None
    original: Curve | None = None
    source_speech: Spans | None = None
    dub_speech: Spans | None = None
    dialogue: Path | None = None
    bed: Path | None = None
    original_dialogue: Path | None = None
    original_sound: Path | None = None
    client_bed: ClientBed | None = None
    master: MasterTimes | None = None
    frame_rate: Fraction | None = None
    picture_start_ms: int = 0
    av_offset: Measured | None = None
    lipsync: Mapping[str, Any] = field(default_factory=dict)
    recogniser: Recogniser | None = None
    recorded: Mapping[str, Any] | None = None
    subtitles: tuple[Cue, ...] | None = None
    marked: tuple[MarkedLine, ...] = ()
    heard: WatermarkHeard | None = None
    kept: Spans = ()
    waivers: Mapping[str, str] = field(default_factory=dict)
