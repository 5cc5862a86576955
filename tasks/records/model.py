"""The records that pass between steps: small, frozen, JSON-ready. Media never travels in them, only an `Asset`.

Times are integer milliseconds on the player's clock of the source, where the container starts at 0: in scripts, cues,
placements, stems and masters alike. A picture or a sound that starts later says so (``start_ms``); `tasks.media`
reads by it, and `tasks.package` puts the picture back there. Frame rates are fractions; languages are BCP-47 tags.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from fractions import Fraction
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator

from configs.profile import Profile

Milliseconds = Annotated[int, Field(ge=0)]
#: What a step makes.
Made = TypeVar("Made")
Rate = Annotated[
    Fraction,
    BeforeValidator(lambda v: Fraction(v) if isinstance(v, str) else v),
    PlainSerializer(str, return_type=str),
]


class Record(BaseModel):
    """Immutable, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Asset(Record):
    """A pointer to one immutable file: where it is, what it holds (sha256), how large it is.

    Attributes:
        uri: absolute local path, or the address of an object in a remote store.
        sha256: hex digest of the content.
        bytes: size of the content.
    """

    uri: str
    sha256: str
    bytes: int


class AudioFacts(Record):
    """One audio track of a file as probed.

    ``language``: BCP-47, whatever the container calls it; ``roles``: the container's marks beside default, in the
    words of ffmpeg (``original``, ``comment``, ``visual_impaired`` ...).
    """

    index: int  # stream index in the container
    codec: str
    sample_rate_hz: int
    channels: int
    duration_ms: Milliseconds
    language: str = "und"
    title: str = ""
    default: bool = False
    start_ms: Milliseconds = 0
    roles: tuple[str, ...] = ()


class OtherTrack(Record):
    """What a file holds beside picture and sound: ``name`` and ``mime`` are an attachment's."""

    index: int
    kind: Literal["subtitle", "cover", "picture", "sound", "attachment", "data"]
    codec: str = ""
    language: str = "und"
    title: str = ""
    default: bool = False
    roles: tuple[str, ...] = ()
    name: str = ""
    mime: str = ""


class Chapter(Record):
    """A named stretch of a title."""

    start_ms: Milliseconds
    end_ms: Milliseconds
    title: str = ""


class Colour(Record):
    """How samples mean light, in the words of ffmpeg; empty where the file does not say.

    ``mastering`` and ``light`` are HDR10's: the mastering display (chromaticities in 1/50000, luminance in 1/10000
    cd/m2, as x265 writes them) and ``MaxCLL,MaxFALL``.
    """

    primaries: str = ""
    transfer: str = ""
    matrix: str = ""
    range: str = ""
    mastering: str = ""
    light: str = ""

    @property
    def hdr(self) -> bool:
        """Whether eight bits are too few: PQ or HLG."""
        return self.transfer in ("smpte2084", "arib-std-b67")


class PictureFacts(Record):
    """The video track of a file as probed; width and height are as stored, before ``rotation``.

    ``mirrored``: left and right change places after the turn. ``fields``: progressive, or which field is shown first.
    ``aspect``: width over height of a stored pixel. ``dolby_vision``: its profile, 0 for none. ``trimmed``: an edit
    list hides frames behind the last that is shown; none of them counts in ``frames`` and ``duration_ms``.
    """

    index: int
    codec: str
    width: int
    height: int
    frame_rate: Rate  # average
    nominal_rate: Rate  # the container's r_frame_rate
    variable_rate: bool
    frames: int  # 0 where the container does not say and counting was not worth it
    duration_ms: Milliseconds
    rotation: int  # degrees clockwise to turn the stored picture for display: 0, 90, 180, 270
    pixel_format: str
    bit_depth: int
    start_ms: Milliseconds = 0
    mirrored: bool = False
    fields: Literal["progressive", "tff", "bff"] = "progressive"
    aspect: Rate = Fraction(1)
    colour: Colour = Colour()
    alpha: bool = False
    dolby_vision: int = 0
    trimmed: bool = False


class MediaFacts(Record):
    """What a source file is. ``picture`` is None for sound only; ``still`` marks a single image.

    ``duration_ms`` reaches from the start of the container to the end of the picture (of the sound, without one).
    ``dubbed``: stream index of the audio track that is dubbed; None without sound. ``tags``: title, artist and the
    like by ffmpeg's names. ``timecode``: of the first frame, ``01:00:00:00``.
    """

    container: str
    duration_ms: Milliseconds
    picture: PictureFacts | None
    audio: tuple[AudioFacts, ...]
    still: bool = False
    dubbed: int | None = None
    others: tuple[OtherTrack, ...] = ()
    chapters: tuple[Chapter, ...] = ()
    tags: dict[str, str] = {}
    timecode: str = ""
    warnings: tuple[str, ...] = ()


class Word(Record):
    """One word with its time in the source."""

    text: str
    start_ms: Milliseconds
    end_ms: Milliseconds


class Line(Record):
    """One utterance: the unit that is translated, spoken, fitted and subtitled.

    ``language``: BCP-47 tag, where the script says of this line that it is in another language than the others.
    """

    id: int
    start_ms: Milliseconds
    end_ms: Milliseconds
    text: str
    speaker: str = "S1"
    words: tuple[Word, ...] = ()
    language: str = ""

    @property
    def named(self) -> bool:
        """Whether the subtitles said who speaks; ``S1``, ``S2`` ... are no names."""
        return re.fullmatch(r"S\d*", self.speaker) is None


class Passage(Record):
    """What the original voices do besides speaking, as the subtitles say: ``♪ la la``, ``(laughs)``.

    Of a dub also the lines that are in its language already. A passage is neither translated nor synthesised: its
    original sound stays in the mix.
    """

    start_ms: Milliseconds
    end_ms: Milliseconds
    text: str


class Speaker(Record):
    """Somebody who speaks in the title; ``pitch_hz`` is the median fundamental, 0 where unknown."""

    id: str
    pitch_hz: float = 0.0
    speech_ms: Milliseconds = 0


class Change(Record):
    """A cue of a script that was left out or changed on its way to lines, and why.

    Attributes:
        where: its place in the file: ``line 12``, ``segment 3``.
        start_ms: as the file has it; may be negative.
        text: as the file has it, without markup.
        became: what is spoken of it; empty where nothing is.
        reason: to be read after "3 cues".
    """

    where: str
    start_ms: int
    text: str
    became: str = ""
    reason: str


class Script(Record):
    """All lines of one language, in order of time.

    Attributes:
        language: BCP-47 tag of the text.
        lines: ordered by ``start_ms``.
        speakers: who speaks; empty before diarization.
        origin: where the text comes from: a backend's name, or ``"subtitles"``.
        notes: fallbacks and limits to tell the user.
        kept: songs and sounds (and, in a dub, lines) that stay as they are in the original, in order of time; they may
            overlap lines.
        changes: what of the user's script was left out or changed, cue by cue; of a dub none.
    """

    language: str
    lines: tuple[Line, ...]
    speakers: tuple[Speaker, ...] = ()
    kept: tuple[Passage, ...] = ()
    origin: str = ""
    notes: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()


class Take(Record):
    """One line spoken by a voice, at the pace that it was asked for, silence trimmed from both ends.

    Attributes:
        line: id of the line.
        audio: mono WAV at the voice's own rate.
        duration_ms: of the trimmed audio.
        voice: the backend's name of the voice.
        phones: ``(ipa, start_ms, end_ms, stress)`` on the take's clock; empty where the backend gives none.
        pace: factor of the voice's own pace; above 1 is faster.
    """

    line: int
    audio: Asset
    duration_ms: Milliseconds
    voice: str
    phones: tuple[tuple[str, int, int, int], ...] = ()
    pace: float = 1.0


class Placement(Record):
    """Where and how a take was laid into the dub.

    Attributes:
        line: id of the line.
        start_ms: where the speech starts in the dub.
        end_ms: where it ends.
        slot_ms: length of the source line.
        natural_ms: length of the take before stretching.
        stretch: natural length divided by placed length: above 1 is faster.
        fit: ``natural`` (as spoken), ``stretched``, ``borrowed`` (runs into the following pause) or ``overlong``
            (kept whole although it runs into the next line; shown in QC).
    """

    line: int
    start_ms: Milliseconds
    end_ms: Milliseconds
    slot_ms: Milliseconds
    natural_ms: Milliseconds
    stretch: float
    fit: Literal["natural", "stretched", "borrowed", "overlong"]


class Loudness(Record):
    """Measured by EBU R 128 / ITU-R BS.1770."""

    integrated_lufs: float
    true_peak_dbtp: float
    range_lu: float = 0.0


class Gate(Record):
    """One quality check; thresholds say from where on it warns and fails."""

    name: str
    value: float | None
    warn: float | None = None
    fail: float | None = None
    status: Literal["pass", "warn", "fail", "unmeasured"] = "pass"
    waiver: str = ""
    note: str = ""


class Bill(Record):
    """What a paid service was asked for.

    Attributes:
        provider: its name, and its model behind a slash.
        units: how much, by unit (``characters``, ``seconds``, ``input_tokens``, ``output_tokens``).
        usd: what the service says it cost; None where only a price list can tell.
        job: the service's id of it: bills of one job are one bill; empty where each counts.
    """

    provider: str
    units: dict[str, float] = {}
    usd: float | None = None
    job: str = ""


class Usage(Record):
    """What computing a step used besides time.

    Attributes:
        gpu_seconds: of an accelerator.
        bills: of paid services.
        models_loaded: read from disk; models that the process had already are none.
        models_rested: that left the accelerator at the step's end.
    """

    gpu_seconds: float = 0.0
    bills: tuple[Bill, ...] = ()
    models_loaded: int = 0
    models_rested: int = 0


NOTHING_USED = Usage()


def assets_in(value: Any) -> Iterator[Asset]:
    """Every file that a record points at, however deep."""
    if isinstance(value, Asset):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from assets_in(getattr(value, name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from assets_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from assets_in(item)


class StepRecord(Record, Generic[Made]):
    """What a step left in the store.

    Attributes:
        step: the step's name.
        key: its content key.
        value: what it made (`tasks.records.made`): small, with its files as assets.
        seconds: what computing it took.
        versions: program and package versions that made it.
        notes: fallbacks and limits to tell the user.
        reused: True when it was found, not computed (set on look-up).
        hits: how many of its parts (lines) were found.
        parts: how many parts it has; 0 where it is one piece.
        usage: what computing it used besides time.
    """

    step: str
    key: str
    value: Made
    seconds: float = 0.0
    versions: dict[str, str] = {}
    notes: tuple[str, ...] = ()
    reused: bool = False
    hits: int = 0
    parts: int = 0
    usage: Usage = NOTHING_USED

    @model_validator(mode="before")
    @classmethod
    def _of_before(cls, stored: Any) -> Any:
        """Until 0.1 files lay beside the value: a line that was paid for is not bought again."""
        if isinstance(stored, dict) and "outputs" in stored and isinstance(stored.get("value"), dict):
            outputs = stored["outputs"]
            rest = {name: part for name, part in stored.items() if name != "outputs"}
            return {**rest, "value": {**outputs, **stored["value"]}}
        return stored

    @property
    def assets(self) -> tuple[Asset, ...]:
        """The files that it stands on."""
        return tuple(assets_in(self.value))


ConsentSubject = Literal["voice", "face"]


class Consent(Record):
    """Somebody's agreement that their likeness is used.

    Attributes:
        who: as the script names the speaker; ``*`` for everybody.
        what: what of them.
        when: date of the agreement.
        scope: what for, in the words of the agreement.
        titles: names of titles; ``*`` for all.
    """

    who: str = Field(min_length=1)
    what: tuple[ConsentSubject, ...] = Field(min_length=1)
    when: date
    scope: str = Field(min_length=1)
    titles: tuple[str, ...] = Field(min_length=1)


class Title(Record):
    """One source video and what the user gave with it.

    Attributes:
        name: safe file stem; also the folder of its deliverables, and no other title's there.
        plain: the name before it was told apart from another's; with the video's digest it says which title it is.
        video: the user's file, where it lies.
        source: the user's path as text, for links and provenance.
        folder: where deliverables go.
        languages: BCP-47 tags to dub into.
        source_language: as the user said or a sidecar's name says; None: detect.
        subtitles: the source script, when there is one.
        bed: the client's M&E, when there is one.
        dubs: recorded dubs by language.
        preview_ms: only the beginning, this long; 0 for all.
        consent: the agreements under which voices are cloned or faces sent to a service.
        notes: what was decided while the run was planned, to tell the user; no step depends on it.
    """

    name: str
    video: Asset
    source: str
    folder: str
    languages: tuple[str, ...]
    source_language: str | None = None
    subtitles: Asset | None = None
    bed: Asset | None = None
    dubs: dict[str, Asset] = {}
    preview_ms: Milliseconds = 0
    consent: tuple[Consent, ...] = ()
    plain: str = ""
    notes: tuple[str, ...] = ()


class Run(Record):
    """What every step is told: the title, the profile, and where the store is."""

    title: Title
    profile: Profile
    store: str
    language: str = ""  # empty in the shared steps
    batch: str = ""  # the batch that it belongs to; empty for a single run

    def branch(self, language: str) -> Run:
        """The same run, within one language."""
        return self.model_copy(update={"language": language})


class StepUse(Record):
    """One line of a ledger: a step, its seconds, and how much of it was found instead of computed."""

    step: str
    seconds: float
    reused: bool
    hits: int = 0
    parts: int = 0


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


class SharedWork(Record):
    """What the steps that run once a title have made.

    ``plain``: the title as lip sync takes it; None where that is the title itself. ``client_bed``: how the client's M&E
    lies on the title; None where ``bed`` was separated.
    """

    video: Asset
    plain: Asset | None = None
    facts: MediaFacts
    original: Asset
    dialogue: Asset
    bed: Asset
    client_bed: ClientBed | None = None
    speech: Asset
    script: Script
    analysis: Asset
    notes: tuple[str, ...] = ()
    steps: tuple[StepUse, ...] = ()

    @property
    def made(self) -> tuple[Asset, ...]:
        """The files that the steps made; the title itself is its owner's."""
        return (self.original, self.dialogue, self.bed, self.speech, self.analysis, *filter(None, [self.plain]))


class Failure(Record):
    """An error as a report shows it; a ``transient`` one may pass on its own."""

    kind: str
    what: str
    fix: str = ""
    step: str = ""
    transient: bool = False

    def __str__(self) -> str:
        return f"{self.step}: {self.what}" if self.step else self.what

    @property
    def advice(self) -> str:
        """The same, and what to do about it."""
        return f"{self} {self.fix}".strip()


class BranchResult(Record):
    """How one language of one title ended.

    Attributes:
        language: BCP-47 tag.
        state: ``needs_review`` is delivered, with a failed quality gate; ``carried_over`` did not fit a batch's budget.
        key: content key of the whole branch.
        outputs: deliverables by path below the title's folder; empty when failed.
        audio: the encoded dub, for the multi-track master.
        subtitles: SRT of the dub, likewise.
        steps: the ledger.
        notes: fallbacks and limits.
        gates: of its quality sheet, those that did not pass.
        failure: why, when it was not delivered.
        strikes: how often in a row it failed for a reason that does not pass on its own.
    """

    language: str
    state: Literal["completed", "needs_review", "failed", "carried_over"]
    key: str
    outputs: dict[str, Asset] = {}
    audio: Asset | None = None
    subtitles: Asset | None = None
    steps: tuple[StepUse, ...] = ()
    notes: tuple[str, ...] = ()
    gates: tuple[Gate, ...] = ()
    failure: Failure | None = None
    strikes: int = 0

    @property
    def delivered(self) -> bool:
        """Whether there is a master."""
        return self.state in ("completed", "needs_review")
