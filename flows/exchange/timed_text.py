"""A dub's lines as subtitles, one cue a line: SubRip, which names no lines, and WebVTT, with names and speakers.

A line that says nothing, or whose original is heard, has no cue; a line without a cue stays as it is.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import Any

from tasks.exchange.table import File, Table, is_key
from tasks.records.errors import BadInputError
from tasks.transcribe.cues import Cue
from tasks.transcribe.srt_vtt import language_of_vtt, read_srt, read_vtt

_MARKUP = re.compile(r"[<{\\]|--(?=>)")
_JOINER = "\u2060"


def write_srt(table: Table) -> bytes:
    """Text and times; a sign that begins markup is followed by an invisible joiner, for SubRip has no escapes."""
    blocks = [
        f"{number}\n{_times(row, ',')}\n{_MARKUP.sub(lambda found: found[0] + _JOINER, _one_row(row['text']))}\n"
        for number, row in enumerate(_said(table), start=1)
    ]
    return "\n".join(blocks).encode()


def write_vtt(table: Table) -> bytes:
    """Text, times, speakers, and each line's identity."""
    head = f"WEBVTT\nLanguage: {table.language}\n"
    blocks = [
        f"{table.key(row)}\n{_times(row, '.')}\n<v {html.escape(_one_row(row['speaker']), quote=False)}>"
        f"{html.escape(_one_row(row['text']), quote=False)}\n"
        for row in _said(table)
    ]
    return "\n".join([head, *blocks]).encode()


def from_srt(content: bytes) -> File:
    """Found by time.

    Raises:
        BadInputError: it is no SubRip file.
    """
    return _file(read_srt(_decoded(content), "file"), ())


def from_vtt(content: bytes) -> File:
    """Found by identity where a cue still has its own, else by time.

    Raises:
        BadInputError: it is no WebVTT file.
    """
    text = _decoded(content)
    cues, outside = read_vtt(text, "file")
    file = _file(cues, text.split("\n"), language_of_vtt(text) or "")
    notes = tuple(f"{one.where}: {one.reason}: {one.text[:80]}" for one in outside)
    return File(file.rows, file.where, file.language, loose=True, notes=notes)


def _file(cues: Sequence[Cue], lines: Sequence[str], language: str = "") -> File:
    rows = []
    for cue in cues:
        row: dict[str, Any] = {"start_ms": cue.start_ms, "end_ms": cue.end_ms, "text": cue.text.replace(_JOINER, "")}
        number = int(cue.where.removeprefix("line "))
        if lines and number > 1 and is_key(lines[number - 2].strip()):
            row["key"] = lines[number - 2].strip()
        if lines and cue.speaker:
            row["speaker"] = cue.speaker
        rows.append(row)
    return File(rows, [f"cue at {cue.where}" for cue in cues], language, loose=True)


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise BadInputError(f"It is not UTF-8: {error}.", "Save it as UTF-8.") from error


def _said(table: Table) -> list[dict[str, Any]]:
    return [row for row in table.rows if (row["text"] or "").strip() and not row.get("keep") and not row.get("mute")]


def _one_row(text: str) -> str:
    return " ".join(text.split())


def _times(row: dict[str, Any], separator: str) -> str:
    return f"{_clock(row['start_ms'], separator)} --> {_clock(row['end_ms'], separator)}"


def _clock(ms: int, separator: str) -> str:
    seconds, rest = divmod(ms, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{separator}{rest:03d}"
