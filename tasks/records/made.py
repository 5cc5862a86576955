"""What steps make, one record a step. Files travel as assets; everything else is small."""

from __future__ import annotations

from typing import Any, Literal

from tasks.records.quality import Gate, Loudness
from tasks.records.record import Asset, Record
from tasks.records.script import Script
from tasks.records.take import Placement, Take


class ClientBed(Record):
    """A client's M&E: how it came, and how it lies on the title now. What could not be measured is None.

    Attributes:
        channels: of its sound.
        title_channels: of the title's.
        length_ms: how much longer than the title it is once its clock is the title's (below zero: shorter).
        uncovered_ms: of the title, before it begins and after it ends; 0 where the title is silent there too.
        slowness: seconds of it for each second of the title, as corrected; 1 where nothing was.
        shift_ms: where the title's start was in it, as corrected.
        pitch: whether the pitch was kept or followed the speed.
        parts: windows of the title's own music and effects, spread over it, that it should hold.
        found: share of them that are heard in it.
        offset_ms: how late it is against the title's sound after the correction, at the worst part.
        level_lu: how much louder than the title's sound it is, outside speech.
        missing_ms: outside speech, where the title sounds and it is silent.
    """

    channels: int
    title_channels: int
    length_ms: int
    uncovered_ms: int
    slowness: float = 1.0
    shift_ms: float = 0.0
    pitch: Literal["kept", "followed"] = "kept"
    parts: int = 0
    found: float | None = None
    offset_ms: float | None = None
    level_lu: float | None = None
    missing_ms: int | None = None


BedMode = Literal["untouched", "ducked", "voice_over"]


class Separated(Record):
    """A title's sound on the player's clock: ``original``, ``dialogue``, ``bed`` at 48 kHz, ``speech`` 16 kHz mono.

    ``dialogue`` and ``original`` are stereo; ``bed`` is stereo, or 5.1 where the title is. ``client_bed``: of whom the
    bed is, where it was not separated.
    """

    original: Asset
    dialogue: Asset
    bed: Asset
    speech: Asset
    client_bed: ClientBed | None = None


class Retaken(Record):
    """A line that was spoken again.

    Attributes:
        line: its id.
        said: its words.
        ways: how it was tried, in order.
        won: which of them is kept; empty where it is the first take.
        heard: what is heard in the take that is kept.
        before: share that was not understood at first.
        after: the same of what is kept.
        understood: whether it is now.
    """

    line: int
    said: str
    ways: tuple[str, ...]
    won: str
    heard: str
    before: float
    after: float
    understood: bool


class Spoken(Record):
    """The lines of a dub, spoken.

    Attributes:
        takes: of every line that has something to say, in the script's order.
        voices: the backend's name of each speaker's voice.
        paces: of each speaker, as a factor of the voice's own.
        characters: sent to a paid service.
        retaken: lines that were spoken again.
    """

    takes: tuple[Take, ...]
    voices: dict[str, str]
    paces: dict[str, float]
    characters: int = 0
    retaken: tuple[Retaken, ...] = ()


class Adapted(Record):
    """The script and its takes after adaptation; ``reworded``: ids of the lines that say something else now."""

    script: Script
    takes: tuple[Take, ...]
    reworded: tuple[int, ...] = ()


class MarkedLine(Record):
    """What a watermark did to one line.

    Attributes:
        line: its id.
        snr_db: of the speech over what was added.
        level_lu: how much louder it is than before.
        score: how sure the watermarker is of its mark in it, 0 to 1.
    """

    line: int
    snr_db: float
    level_lu: float
    score: float


class Marked(Record):
    """The takes of a dub after the watermark.

    Attributes:
        takes: of all lines, in order; recorded ones as they were.
        lines: those that were marked.
        backend: that marked them; empty where none did.
    """

    takes: tuple[Take, ...]
    lines: tuple[MarkedLine, ...] = ()
    backend: str = ""


class Watermark(Record):
    """What was heard of a watermark in one sound.

    Attributes:
        verdict: of the whole.
        backend: whose mark it is; empty where nobody listened.
        score: of its most marked seconds, 0 to 1; None where it was not measured.
        spans: where it was found, ``(start_ms, end_ms)``.
        speed: of the sound against that of the mark.
        note: why it was not measured.
    """

    verdict: Literal["found", "not found", "not measured"]
    backend: str = ""
    score: float | None = None
    spans: tuple[tuple[int, int], ...] = ()
    speed: float = 1.0
    note: str = ""


class WatermarkHeard(Record):
    """What is heard of the watermark in a master; ``share``: of its marked speech, in which it is found, 0 to 1."""

    watermark: Watermark
    share: float | None = None


class Laid(Record):
    """A dub's speech on the title's clock.

    Attributes:
        dialogue: WAV, as long as the title.
        phones: JSON of the phones on the same clock; None where nothing is known of them.
        placements: of the lines; empty where a service laid them.
        ingest: JSON of what was found in a recorded dub; None for a synthesised one.
    """

    dialogue: Asset
    phones: Asset | None = None
    placements: tuple[Placement, ...] = ()
    ingest: Asset | None = None


class Pictured(Record):
    """A dub's picture.

    Attributes:
        report: JSON of the figures; None where the title has no picture.
        figures: of the lip sync; which ones is the system's choice.
        picture: None where it is the title's own.
        film: what a service that dubs by itself sent, of which it is the picture.
        settled: what the lip sync took from the whole of the dub, which stays where lines of it are edited.
    """

    report: Asset | None = None
    figures: dict[str, Any]
    picture: Asset | None = None
    film: Asset | None = None
    settled: dict[str, Any] = {}

    @property
    def altered(self) -> bool:
        """Whether mouths were drawn; a service that does not say has drawn them."""
        return bool(self.figures.get("edited", 1) > 0)


class MixResult(Record):
    """How a mix was made.

    Attributes:
        loudness: of the mix as written.
        level_lufs: what counts for the preset: the same, or the dialogue's.
        channels: 2 or 6.
        dialogue_gain_db: what brought the dub to the original dialogue's loudness.
        line_gains: by line, against that, in dB.
        programme_gain_db: what brought the mix to the preset.
        limited: whether the true-peak limiter was at work.
        bed_mode: what the bed does under speech.
        kept: sounds of the original dialogue that were kept, ``(start_ms, end_ms)``.
        speech: where the dub speaks, as the dialogue's level was measured.
        notes: fallbacks and limits to tell the user.
    """

    loudness: Loudness
    level_lufs: float
    channels: int
    dialogue_gain_db: float
    line_gains: dict[int, float]
    programme_gain_db: float
    limited: bool
    bed_mode: BedMode
    kept: tuple[tuple[int, int], ...] = ()
    speech: tuple[tuple[int, int], ...] = ()
    notes: tuple[str, ...] = ()


class EncodeResult(Record):
    """What the delivered file measures.

    Attributes:
        loudness: of the encoded file.
        level_lufs: what counts for the preset: the same, or the dialogue's.
        encodes: how many encodes it took.
        on_target: within the preset's tolerance, and its true peak not passed.
        notes: limits to tell the user.
    """

    loudness: Loudness
    level_lufs: float
    encodes: int
    on_target: bool
    notes: tuple[str, ...] = ()


class Filmed(Record):
    """A whole title as a service dubbed it, and what it says of it, as JSON and as its content."""

    film: Asset
    report: Asset
    figures: dict[str, Any]


class Conformed(Record):
    """A service's film on the title's clock and at its loudness: picture, sound (WAV), and encoded sound."""

    picture: Asset
    dialogue: Asset
    audio: Asset
    encoded: EncodeResult


class Mixed(Record):
    """A dub's sound: ``mix`` (24-bit WAV), encoded ``audio``, and how both measure.

    ``made``: None where a service mixed it.
    """

    mix: Asset
    audio: Asset
    made: MixResult | None = None
    encoded: EncodeResult


class Packed(Record):
    """A language's master (MP4; M4A of sound alone) and its loudness, script (JSON), subtitles, stems by role.

    ``alike``: the master in the source's own kind, where it is sound alone; None where the M4A is of that kind.
    ``ending``: of that file, with its dot.
    """

    master: Asset
    script: Asset
    srt: Asset
    vtt: Asset
    stems: dict[str, Asset]
    loudness: Loudness
    alike: Asset | None = None
    ending: str = ""


class TimedTexts(Record):
    """A language's subtitle files by name, by the style guide; ``script.srt`` and ``script.vtt`` are among them."""

    files: dict[str, Asset]


class Burned(Record):
    """A copy of a master with its subtitles in the picture; None where a letter of them has no font."""

    film: Asset | None = None


class Shots(Record):
    """When the shots of a picture change: milliseconds of the player's clock, in order."""

    cuts_ms: tuple[int, ...]


class Checked(Record):
    """The quality sheet of a master, as ``qc.json`` and as its content."""

    qc: Asset
    sheet: dict[str, Any]

    @property
    def state(self) -> Literal["completed", "needs_review"]:
        """Whether somebody has to look at it."""
        state: Literal["completed", "needs_review"] = self.sheet["state"]
        return state

    @property
    def not_passed(self) -> tuple[Gate, ...]:
        """The gates at which somebody may want to look."""
        gates = (Gate.model_validate(gate) for gate in self.sheet["gates"])
        return tuple(gate for gate in gates if gate.status in ("fail", "warn"))


class TrackGates(Record):
    """What was measured of each dub in the multi-track master, by language."""

    gates: dict[str, Gate]
