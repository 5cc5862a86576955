"""The lines of a dub as they are exported."""

from __future__ import annotations

import json
from typing import Any

from flows.kept.applied import Row
from flows.kept.dub_lines import DubLines
from tasks.exchange.table import DIGITS, KIND, Table
from tasks.keep.store import text_sha256


def table_of(dub: DubLines) -> Table:
    """The lines of a dub, remembered, so that a file that comes back is compared with what went out."""
    rows = tuple(exported(dub, row) for row in dub.rows)
    where = {
        "script": dub.edits.keep_script(dub.lines),
        "lines": [{**line, "of": row.of.id, "part": row.part} for line, row in zip(rows, dub.rows, strict=True)],
    }
    export = text_sha256(json.dumps(where, sort_keys=True, ensure_ascii=False))[:DIGITS]
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
