"""Which files can carry their credentials, and which need them in a ``.c2pa`` file beside them."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import PurePath

#: By ending: the media type, where the library can embed.
_EMBEDS = {
    ".mp4": "video/mp4",
    ".m4v": "video/x-m4v",
    ".m4a": "audio/mp4",
    ".mov": "video/quicktime",
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".mp3": "audio/mpeg",
    ".avi": "video/avi",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
}
_BESIDE = {
    ".mkv": "video/x-matroska",
    ".webm": "video/webm",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".mxf": "application/mxf",
    ".ts": "video/mp2t",
    ".mka": "audio/x-matroska",
}
_UNKNOWN = "application/octet-stream"
SIDECAR = ".c2pa"
#: A WAV of this size is another format inside (RF64), which the library does not write.
_WAV_LIMIT = (1 << 32) - (1 << 24)


def media_type(name: str) -> str:
    """The media type of a file by its name."""
    ending = PurePath(name).suffix.lower()
    return _EMBEDS.get(ending) or _BESIDE.get(ending) or _UNKNOWN


def is_medium(name: str) -> bool:
    """Whether a delivered file is signed: picture and sound are, papers about them are not."""
    return PurePath(name).suffix.lower() in {*_EMBEDS, *_BESIDE}


def embeds(name: str, size: int) -> bool:
    """Whether a file of so many bytes can carry its credentials."""
    ending = PurePath(name).suffix.lower()
    return ending in _EMBEDS and not (ending == ".wav" and size >= _WAV_LIMIT)


def sidecar_place(place: str, others: Collection[str]) -> str:
    """Where the credentials of a file go: its name with another ending, or one more where that is another file's too.

    Args:
        place: of the file.
        others: places of the files that are signed with it.
    """
    plain = str(PurePath(place).with_suffix(SIDECAR))
    same = [other for other in others if str(PurePath(other).with_suffix(SIDECAR)) == plain]
    return plain if same == [place] else f"{place}{SIDECAR}"
