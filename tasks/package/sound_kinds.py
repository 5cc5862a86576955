"""The kind of file in which sound without a picture is delivered beside the M4A: the source's, or the next to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tasks import media
from tasks.records.facts import MediaFacts

#: Sampling rates that MP3 and Vorbis take at our bit rates, and all that are kept in lossless files.
_COMMON = (44_100, 48_000)
_ANY = (32_000, *_COMMON, 88_200, 96_000, 176_400, 192_000)
_LOSSLESS = {"flac", "alac", "ape", "wavpack", "tta", "tak", "mlp", "truehd", "wmalossless", "als", "shorten"}


@dataclass(frozen=True)
class Kind:
    """A kind of sound file.

    Attributes:
        ending: of its name, with the dot.
        name: for the user.
        muxer: as ffmpeg names it.
        options: of the encoder.
        lossy: the encode moves peaks, so that its loudness is measured after it.
        rates: sampling rates that it keeps, Hz; others become 48 kHz.
        cover: how it holds cover art: as a stream, as a tag, or not at all.
        chapters: how it holds chapters: as ffmpeg writes them, as tags, or not at all.
        comments: its tags are Vorbis comments.
    """

    ending: str
    name: str
    muxer: str
    options: dict[str, Any]
    lossy: bool = False
    rates: tuple[int, ...] = _ANY
    cover: str = "stream"
    chapters: str = "chapters"
    comments: bool = False


_IN_TAGS: dict[str, Any] = {"chapters": "tags", "comments": True}
_MP3 = Kind(".mp3", "MP3", "mp3", {"acodec": "libmp3lame", "audio_bitrate": "256k"}, lossy=True, rates=_COMMON)
_OGG = Kind(
    *(".ogg", "Ogg Vorbis", "ogg", {"acodec": "libvorbis", "q:a": 7}),
    lossy=True,
    rates=_COMMON,
    cover="tag",
    **_IN_TAGS,
)
_OPUS = Kind(
    *(".opus", "Ogg Opus", "opus", {"acodec": "libopus", "audio_bitrate": "192k"}),
    lossy=True,
    rates=(48_000,),
    cover="tag",
    comments=True,
)
_FLAC = Kind(".flac", "FLAC", "flac", {"acodec": "flac", "sample_fmt": "s32", "bits_per_raw_sample": 24}, **_IN_TAGS)
_BY_CODEC = {"mp3": _MP3, "mp2": _MP3, "vorbis": _OGG, "opus": _OPUS, "speex": _OPUS}
#: What a kind's own files are called by ffprobe; any other is a neighbour of it.
_OWN = {".mp3": "mp3", ".ogg": "ogg", ".opus": "ogg", ".flac": "flac", ".wav": "wav", ".aiff": "aiff"}


def kind_of(facts: MediaFacts) -> tuple[Kind | None, tuple[str, ...]]:
    """The kind of the master beside the M4A, and a note where it is not quite the source's.

    Args:
        facts: of a title without a picture.

    Returns:
        None where the M4A is of the source's kind, or no other is near it.
    """
    track = media.default_track(facts)
    codec = next((audio.codec for audio in facts.audio if audio.index == track), "")
    container = facts.container.partition(",")[0]
    if codec == "aac":
        said = () if container == "mov" else (f"The source is {codec.upper()} in {container}: its master is the M4A.",)
        return None, said
    kind = _kind(codec, container)
    if kind is None:
        return None, (
            f"Masters are not written in the source's kind ({codec} in {container}): there is the M4A alone.",
        )
    made = codec.startswith("pcm_") or codec in ("flac", "mp3", "vorbis", "opus")
    return kind, () if made and _OWN[kind.ending] == container else (
        f"The source is {codec} in {container}: the master in the kind next to it is {kind.name}.",
    )


def _kind(codec: str, container: str) -> Kind | None:
    if codec.startswith(("pcm_", "adpcm_")):
        deep = codec.startswith(("pcm_s24", "pcm_s32", "pcm_f", "pcm_s64"))
        return _uncompressed(deep, aiff=container == "aiff")
    return _FLAC if codec in _LOSSLESS else _BY_CODEC.get(codec)


def _uncompressed(deep: bool, *, aiff: bool) -> Kind:
    """24 bits where the source has that many or more, else 16."""
    bits = "s24" if deep else "s16"
    if aiff:
        return Kind(".aiff", "AIFF", "aiff", {"acodec": f"pcm_{bits}be", "write_id3v2": 1})
    return Kind(".wav", "WAV", "wav", {"acodec": f"pcm_{bits}le", "rf64": "auto"}, cover="", chapters="")
