"""What files of translators say of a dub's lines, whatever their format."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

#: Of the name of an export.
DIGITS = 32
#: The notes of a store that hold what went out.
KIND = "exported-script"


@dataclass(frozen=True)
class Table:
    """Exported lines.

    Attributes:
        title: its name.
        language: BCP-47 tag of the dub.
        source_language: BCP-47 tag of the source.
        export: names this state of the lines; the store knows it.
        rows: by line: ``id``, ``start_ms``, ``end_ms``, ``speaker``, ``source``, ``text``, where a person decided
            otherwise ``machine`` (the text without that), and where decided ``voice``, ``take``, ``level_db``,
            ``pronunciation``, ``keep``, ``mute``, ``lock``, ``note``.
        strays: edits that fit no line.
    """

    title: str
    language: str
    source_language: str
    export: str
    rows: tuple[dict[str, Any], ...]
    strays: tuple[dict[str, Any], ...] = ()

    def key(self, row: Mapping[str, Any]) -> str:
        """A line's identity in a file: an XML name that also says of which export it is."""
        return f"u{self.export}-{row['id']}"


@dataclass(frozen=True)
class File:
    """What a file says of lines.

    Attributes:
        rows: fields as of `Table`, as far as the format has them; ``key`` or ``id`` where it names lines.
        where: of each row, in words: ``cue 3``.
        language: BCP-47 tag of the texts; empty where the file does not say.
        title: of which title; empty where it does not say.
        strays: edits that fit no line, as far as the format has them.
        loose: whether white space counts for nothing in its texts.
        notes: what of it is not taken, for the user.
    """

    rows: Sequence[dict[str, Any]]
    where: Sequence[str]
    language: str = ""
    title: str = ""
    strays: Sequence[dict[str, Any]] = ()
    loose: bool = False
    notes: tuple[str, ...] = field(default=())


def is_key(text: str) -> bool:
    """Whether a name in a file is a line's identity (`Table.key`)."""
    return re.fullmatch(rf"u[0-9a-f]{{{DIGITS}}}-\d{{1,9}}", text) is not None


def exported_as(key: str) -> tuple[str, str]:
    """The export that a line's identity names, and its number there; the export is empty where it is none."""
    export, _, number = key.removeprefix("u").rpartition("-")
    return (export, number) if re.fullmatch(rf"[0-9a-f]{{{DIGITS}}}", export) else ("", "")
