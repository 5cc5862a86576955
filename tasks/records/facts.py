"""What a source file holds, as probed: picture, sound, what lies beside them."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

from tasks.records.record import Milliseconds, Rate, Record


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

    @property
    def sound_only(self) -> bool:
        """Whether there is no picture; cover art is none."""
        return self.picture is None

    @property
    def master_ending(self) -> str:
        """Of a language's master, with its dot."""
        return ".m4a" if self.sound_only else ".mp4"

    @property
    def multi_ending(self) -> str:
        """Of the multi-track master, likewise."""
        return ".multi.mka" if self.sound_only else ".multi.mkv"
