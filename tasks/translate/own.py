"""A translation that the user brings, read: subtitles, or a file of a translator's tool that names the source's lines.

A line is known by its identity: what it says in the source, and its number. What names none is laid on by its time.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configs.languages import primary
from tasks.exchange import dapt, spreadsheet, xliff
from tasks.exchange.files import MOST, read_with
from tasks.exchange.table import KIND, File, exported_as
from tasks.keep.store import Store
from tasks.records.errors import BadInputError
from tasks.records.script import Line
from tasks.transcribe.cues import LONGEST_CUE
from tasks.transcribe.sidecar import XML_FORMATS
from tasks.transcribe.subtitles import read_script
from tasks.words.spacing import one_row, same_signs

_READERS = {
    ".xlf": xliff.read,
    ".xliff": xliff.read,
    ".dapt": dapt.read,
    ".csv": spreadsheet.read_csv,
    ".xlsx": spreadsheet.read_xlsx,
}
#: What of a line such a file may say besides its words.
_NOT_TAKEN = ("voice", "take", "level_db", "keep", "mute", "lock", "note")
_LISTED = 10


@dataclass(frozen=True)
class Own:
    """What a translation says, in order of time.

    Attributes:
        cues: with times on the source's clock.
        whose: id of a cue to that of the source's line that it names.
        notes: for the user.
    """

    cues: tuple[Line, ...]
    whose: Mapping[int, int]
    notes: tuple[str, ...] = ()


def check_own(path: Path, language: str) -> None:
    """Read a translation once, before anything is made.

    Args:
        path: the file.
        language: BCP-47 tag of the dub.

    Raises:
        BadInputError: it cannot be read, is in another language, or has no words.
    """
    file = _of_a_tool(path, language)
    if file is None:
        read_script(path, language)


def read_own(path: Path, language: str, lines: Sequence[Line], starts_ms: int, length_ms: int, store: Store) -> Own:
    """The words of a translation for these lines.

    Args:
        path: the file.
        language: BCP-47 tag of the dub.
        lines: of the source.
        starts_ms: where the clock of the lines begins, on that of the file: a preview does not begin at 0.
        length_ms: of a preview; 0: of all.
        store: knows what was exported.

    Raises:
        BadInputError: as `check_own`.
    """
    file = _of_a_tool(path, language)
    if file is None:
        script = read_script(path, language)
        return Own(_shown(script.lines, starts_ms, length_ms), {}, script.notes)
    cues, whose, strays = [], {}, []
    for number, (row, where) in enumerate(_spoken(file), start=1):
        row = {**row, **_went_out(row, store)}
        text, line = one_row(row["text"]), _named(row, lines, starts_ms)
        if line is not None:
            whose[number] = line.id
            cues.append(Line(id=number, start_ms=line.start_ms, end_ms=line.end_ms, text=text))
        elif isinstance(row.get("start_ms"), int) and isinstance(row.get("end_ms"), int):
            cue = Line(id=number, start_ms=row["start_ms"], end_ms=row["end_ms"], text=text)
            cues += _shown([cue], starts_ms, length_ms)
        elif not length_ms:
            strays.append(f"{where} “{text[:60]}”")
    more = f", and {len(strays) - _LISTED} more" if len(strays) > _LISTED else ""
    left = f"{len(strays)} lines of the translation name no line of the source and no time, and were left out"
    notes = (*file.notes, *_not_taken(file), *([f"{left}: {'; '.join(strays[:_LISTED])}{more}."] if strays else []))
    return Own(tuple(sorted(cues, key=lambda cue: (cue.start_ms, cue.id))), whose, notes)


def _of_a_tool(path: Path, language: str) -> File | None:
    """The file of a translator's tool; None where it is subtitles."""
    suffix = path.suffix.lower()
    reader = _READERS.get(suffix)
    if reader is None and suffix in XML_FORMATS and _is_dapt(path):
        reader = dapt.read
    if reader is None:
        return None
    file = read_with(path, reader)
    if file.language and primary(file.language) != primary(language):
        raise BadInputError(f"{path} is in {file.language}, not {language}.", "Name its own language.")
    if not _spoken(file):
        raise BadInputError(f"{path} has no translated words.", "Translate its lines.")
    for row, where in _spoken(file):
        _check(row, f"{path}, {where}")
    return file


def _is_dapt(path: Path) -> bool:
    try:
        return path.stat().st_size <= MOST and dapt.is_dapt(path.read_bytes())
    except OSError:
        return False


def _check(row: Mapping[str, Any], where: str) -> None:
    text = row["text"]
    if len(text) > LONGEST_CUE:
        raise BadInputError(f"{where}: {len(text)} characters are too many for speech.", "Split the line.")
    if any(unicodedata.category(sign) in ("Cc", "Cs") and not sign.isspace() for sign in text):
        raise BadInputError(f"{where}: there is a control character in its text.", "Take it out.")
    start, end = row.get("start_ms"), row.get("end_ms")
    if isinstance(start, int) and isinstance(end, int) and not 0 <= start <= end < 1 << 31:
        raise BadInputError(f"{where}: it ends before it begins, or at no time of a title.", "Correct its times.")


def _spoken(file: File) -> list[tuple[dict[str, Any], str]]:
    found = zip(file.rows, file.where, strict=True)
    return [(row, where) for row, where in found if isinstance(row.get("text"), str) and row["text"].strip()]


def _shown(cues: Sequence[Line], starts_ms: int, length_ms: int) -> tuple[Line, ...]:
    """The cues that begin in the preview, on its clock."""
    here = (
        cue.model_copy(update={"start_ms": cue.start_ms - starts_ms, "end_ms": cue.end_ms - starts_ms}) for cue in cues
    )
    return tuple(cue for cue in here if cue.start_ms >= 0 and not (length_ms and cue.start_ms >= length_ms))


def _went_out(row: Mapping[str, Any], store: Store) -> dict[str, Any]:
    """What is known of a line that was exported from this store; the store may be written by others."""
    export, number = exported_as(str(row.get("key", "")))
    try:
        sent: Any = store.read_note(KIND, export) if export else None
        line = next(line for line in sent["lines"] if str(line["id"]) == number)
        return {
            "id": int(line["of"]) if not line["part"] else None,
            "source": str(line["source"]),
            "start_ms": int(line["start_ms"]),
            "end_ms": int(line["end_ms"]),
        }
    except (TypeError, KeyError, ValueError, StopIteration):
        return {}


def _named(row: Mapping[str, Any], lines: Sequence[Line], starts_ms: int) -> Line | None:
    """The source's line that a row is about: of those that say what it says there, its number's, else the nearest."""
    number, source, at_ms = row.get("id"), row.get("source"), row.get("start_ms")
    if not isinstance(source, str) or not source.strip():
        timed = isinstance(at_ms, int)
        return None if timed else next((line for line in lines if line.id == number), None)
    same = [line for line in lines if same_signs(line.text, source)]
    if own := [line for line in same if line.id == number]:
        return own[0]
    if isinstance(at_ms, int):
        return min(same, key=lambda line: abs(line.start_ms + starts_ms - at_ms), default=None)
    return same[0] if len(same) == 1 else None


def _not_taken(file: File) -> list[str]:
    found = [name for name in _NOT_TAKEN if any(row.get(name) for row in file.rows)]
    return [f"Of the translation only the words are taken, not {', '.join(found)}."] if found else []
