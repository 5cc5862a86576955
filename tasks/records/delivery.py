"""What a preset's files are made from, and what it makes."""

from __future__ import annotations

from tasks.records.quality import Gate
from tasks.records.record import Asset, Record


class Named(Record):
    """A title's name and description in one language (BCP-47); ``translated``: False where they are the source's."""

    language: str
    title: str
    description: str = ""
    translated: bool = True


class DeliveredDub(Record):
    """One delivered language, as presets take it.

    Attributes:
        language: BCP-47 tag.
        synthetic: whether a machine speaks.
        audio: the encoded dub (M4A).
        mix: the lossless mix (WAV or FLAC); the encoded dub where a service made it.
        stems: dialogue and bed, lossless.
        script: its script (JSON).
        srt: its subtitles as SubRip.
        vtt: the same as WebVTT.
    """

    language: str
    synthetic: bool
    audio: Asset
    mix: Asset
    stems: dict[str, Asset] = {}
    script: Asset
    srt: Asset
    vtt: Asset


class Delivered(Record):
    """A preset's files by their path below its folder, and how they keep its rules."""

    files: dict[str, Asset]
    gates: tuple[Gate, ...] = ()


class Ladder(Record):
    """Pictures of one film, the largest first, all cut at the same key frames; without sound."""

    rungs: tuple[Asset, ...]
