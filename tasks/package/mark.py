"""The mark that every master carries, read back: what Polydub delivered is no source.

It is the disclosure in the file's comment; copies, other names and remuxing into MP4, MOV or Matroska keep it.
Sound files carry it too.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tasks.media import door
from tasks.records.errors import MissingBackendError, PolydubError


@dataclass(frozen=True)
class Mark:
    """What a master says of itself, for anybody to read and to change: nothing proves it.

    Attributes:
        languages: of the dubs in it, BCP-47.
        synthetic_speech: whether a machine speaks.
        altered_picture: whether mouths were changed.
        statement: the same in words.
    """

    languages: tuple[str, ...]
    synthetic_speech: bool
    altered_picture: bool
    statement: str = ""


def mark_of(path: Path) -> Mark | None:
    """The mark of a master that Polydub made; None for any other file, or one that cannot be read."""
    try:
        asked = ("-select_streams", "a", "-show_entries", "format_tags:stream_tags", "-of", "json")
        answer = json.loads(door.answer(path, *asked))
        holders = [*answer.get("streams", []), answer["format"]]  # Ogg keeps tags with the stream
        tags = {name.lower(): value for holder in holders for name, value in holder.get("tags", {}).items()}
        mark = json.loads(tags["comment"])
        return Mark(
            languages=tuple(map(str, mark["dubbed"])),
            synthetic_speech=bool(mark["synthetic_speech"]),
            altered_picture=bool(mark["altered_picture"]),
            statement=str(mark.get("statement", "")),
        )
    except MissingBackendError:
        raise
    except (PolydubError, OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def dubbed_into(path: Path) -> tuple[str, ...]:
    """The languages of a master that Polydub made; none for any other file, or one that cannot be read."""
    mark = mark_of(path)
    return mark.languages if mark else ()
