"""The lines of a dub as they are exported, and as a file has them when it comes back."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flows.kept.applied import Row
from flows.kept.dub_lines import DubLines
from tasks.keep.store import text_sha256

KIND = "exported-script"
_DIGITS = 32


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
    return re.fullmatch(rf"u[0-9a-f]{{{_DIGITS}}}-\d{{1,9}}", text) is not None


def table_of(dub: DubLines) -> Table:
    """The lines of a dub, remembered, so that a file that comes back is compared with what went out."""
    rows = tuple(exported(dub, row) for row in dub.rows)
    where = {
        "script": dub.edits.keep_script(dub.lines),
        "lines": [{**line, "of": row.of.id, "part": row.part} for line, row in zip(rows, dub.rows, strict=True)],
    }
    export = text_sha256(json.dumps(where, sort_keys=True, ensure_ascii=False))[:_DIGITS]
    dub.store.write_note(KIND, export, where)
    return Table(dub.title, dub.language, dub.source_language, export, rows, strays_of(dub))


def exported(dub: DubLines, row: Row) -> dict[str, Any]:
    """A line as it is exported."""
    line, machine = row.line, dub.machine(row)
    found: dict[str, Any] = {
        "id": line.id,
        "start_ms": line.start_ms,
        "end_ms": line.end_ms,
        "speaker": line.speaker,
        "source": line.text,
        "text": machine if row.text is None else row.text,
    }
    if row.text is not None and machine is not None:
        found["machine"] = machine
    decided = {
        "voice": row.voice,
        "take": row.take,
        "level_db": row.level_db,
        "pronunciation": [saying.model_dump(exclude_defaults=True) for saying in row.pronunciation],
        "keep": row.keep,
        "mute": row.mute,
        "lock": row.lock,
        "note": row.note,
    }
    return found | {name: value for name, value in decided.items() if value}


def strays_of(dub: DubLines) -> tuple[dict[str, Any], ...]:
    """Edits that fit no line, numbered as a file shows them."""
    stray = enumerate(dub.applied.stray, start=1)
    return tuple({"id": n, "source": edit.words, "text": edit.text, "why": why} for n, (edit, why) in stray)
