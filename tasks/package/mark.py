"""The mark that every master carries, read back: what Polydub delivered is no source.

It is the disclosure in the file's comment; copies, other names and remuxing into MP4, MOV or Matroska keep it.
"""

from __future__ import annotations

import json
from pathlib import Path

from tasks.media import door
from tasks.records.errors import MissingBackendError, PolydubError


def dubbed_into(path: Path) -> tuple[str, ...]:
    """The languages of a master that Polydub made; none for any other file, or one that cannot be read."""
    try:
        answer = door.answer(path, "-show_entries", "format_tags=comment", "-of", "json")
        tags = json.loads(answer)["format"]["tags"]
        mark = json.loads({name.lower(): value for name, value in tags.items()}["comment"])
        languages = mark["dubbed"] if {"synthetic_speech", "altered_picture"} <= mark.keys() else []
        return tuple(map(str, languages))
    except MissingBackendError:
        raise
    except (PolydubError, OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ()
