"""A dub's lines as a table: CSV (UTF-8, for every spreadsheet) and XLSX. Text stays text, never a formula."""

from __future__ import annotations

import csv
import io
import re
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tasks.exchange.cells import COLUMNS, cell_of, row_of
from tasks.exchange.table import File, Table
from tasks.keep import zips
from tasks.records.errors import BadInputError

_MOST_ROWS = 20_000
_UNPACKED = zips.Bounds(entries=1000, each=64 << 20, total=128 << 20)
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_TEXTS = ("speaker", "source", "text", "machine", "voice", "note")


def write_csv(table: Table) -> bytes:
    """With a signature by which spreadsheets know UTF-8; a text that they would take for a formula gets a ``'``."""
    written = io.StringIO()
    lines = csv.writer(written, lineterminator="\r\n")
    lines.writerow(COLUMNS)
    for row in _rows(table):
        lines.writerow([_guarded(cell) if name in _TEXTS else cell for name, cell in zip(COLUMNS, row, strict=True)])
    return written.getvalue().encode("utf-8-sig")


def read_csv(content: bytes) -> File:
    """Separated by comma, semicolon or tab.

    Raises:
        BadInputError: it is no such table.
    """
    try:
        text = content.decode("utf-8-sig")
        head = text.split("\n", 1)[0]
        separator = max((",", ";", "\t"), key=head.count)
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInputError(f"It is no CSV table in UTF-8: {error}.", "Save it as CSV UTF-8.") from error
    return _file([[_plain(cell) for cell in row] for row in rows])


def write_xlsx(table: Table) -> bytes:
    """One sheet; every text is a text."""
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "lines"
    for number, row in enumerate((COLUMNS, *_rows(table)), start=1):
        for column, value in enumerate(row, start=1):
            cell = sheet.cell(number, column)
            cell.value = _NOT_IN_XML.sub("", value) if isinstance(value, str) else value
            if isinstance(value, str):
                cell.data_type = "s"
    sheet.freeze_panes = "A2"
    sheet.column_dimensions["A"].hidden = True
    for letter in "FGH":
        sheet.column_dimensions[letter].width = 50
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def read_xlsx(content: bytes) -> File:
    """The first sheet.

    Raises:
        BadInputError: it is no such table.
    """
    import openpyxl

    try:
        with tempfile.NamedTemporaryFile(suffix=".xlsx") as kept:
            kept.write(content)
            kept.flush()
            with zips.opened(Path(kept.name), _UNPACKED) as archive:
                zips.refuse_entities(archive)
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        rows = [list(row) for row, _ in zip(sheet.iter_rows(values_only=True), range(_MOST_ROWS + 2), strict=False)]
    except BadInputError:
        raise
    except Exception as error:  # from three libraries, on what a client sent
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise BadInputError(f"It is no XLSX table: {reason}.", "Save it as .xlsx.") from error
    return _file(rows)


def _rows(table: Table) -> Iterable[list[Any]]:
    for row in table.rows:
        yield [cell_of(value) for value in ({**row, "key": table.key(row)}.get(name) for name in COLUMNS)]


def _file(rows: Sequence[Sequence[Any]]) -> File:
    if not rows or not any(name in ("key", "id", "start_ms") for name in rows[0]):
        raise BadInputError(
            "It has no column key or id (or start_ms and end_ms) in its first row.",
            "Edit the output of `polydub script export`.",
        )
    if len(rows) > _MOST_ROWS:
        raise BadInputError(f"It has more than {_MOST_ROWS} rows: it is no script of a title.")
    head = ["" if name is None else str(name).strip() for name in rows[0]]
    if unknown := [name for name in head if name and name not in COLUMNS]:
        raise BadInputError(
            f"The column {unknown[0][:80]!r} is not a field of a line.", f"Known: {', '.join(COLUMNS)}."
        )
    found, where = [], []
    for number, row in enumerate(rows[1:], start=2):
        cells = {name: cell for name, cell in zip(head, row, strict=False) if name}
        if all(cell in (None, "") for cell in cells.values()):
            continue
        where.append(f"row {number}")
        found.append(row_of(cells, where[-1]))
    return File(found, where)


def _guarded(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell


def _plain(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell[1:]) else cell
