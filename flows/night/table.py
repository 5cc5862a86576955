"""A manifest file as rows of text, with limits on bytes, rows, columns and cell length checked first."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tasks.keep import zips
from tasks.records.errors import BadInputError

MOST_ROWS, MOST_COLUMNS, LONGEST_CELL = 20_000, 200, 4096
_MOST_BYTES = {".csv": 16 << 20, ".xlsx": 16 << 20, ".parquet": 16 << 20, ".yaml": 1 << 20, ".yml": 1 << 20}
_UNPACKED = zips.Bounds(entries=1000, each=32 << 20, total=64 << 20)
_SEPARATORS = (",", ";", "\t")  # a comma where a header has none: it has one column
_SEPARATOR = re.compile(r"sep=([,;\t])", re.IGNORECASE)
_DEEPEST, _MOST_ALIASES = 12, 1000

Row = dict[str, Any]


def rows_of(path: Path) -> list[Row]:
    """The rows of a ``.csv``, ``.xlsx``, ``.parquet`` or ``.yaml`` file, empty ones at the end left out.

    Raises:
        BadInputError: missing, broken, of an unknown type, or beyond the limits.
    """
    read = _READERS.get(path.suffix.lower())
    if read is None:
        raise BadInputError(f"The manifest {path} has an unknown file type.", "Use .csv, .xlsx, .parquet or .yaml.")
    try:
        most = _MOST_BYTES[path.suffix.lower()]
        with path.open("rb") as file:
            data = file.read(most + 1)
        if len(data) > most:
            raise ValueError(f"it is larger than {most >> 20} MB")
        rows = _bounded(read(path, data))
    except FileNotFoundError as error:
        raise BadInputError(f"The manifest {path} does not exist.", "Check the path.") from error
    except BadInputError:
        raise
    except Exception as error:  # from four libraries, on untrusted files
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise BadInputError(
            f"The manifest {path} cannot be read: {reason}.", "Check that the file is complete."
        ) from error
    return rows


def _bounded(rows: Iterable[Row]) -> list[Row]:
    found: list[Row] = []
    last = 0
    for number, row in enumerate(rows, 1):
        if not row or all(value in (None, "", []) for value in row.values()):
            if number <= MOST_ROWS:
                found.append(row)
            continue
        if number > MOST_ROWS:
            raise ValueError(f"row {number + 1} is filled, but only {MOST_ROWS} rows are read")
        if len(row) > MOST_COLUMNS:
            raise ValueError(f"row {number + 1} has {len(row)} columns, but only {MOST_COLUMNS} are read")
        for name, value in row.items():
            if len(str(name)) > LONGEST_CELL or len(_plain(name, value)) > LONGEST_CELL:
                raise ValueError(f"row {number + 1}, column {str(name)[:80]}: longer than {LONGEST_CELL} characters")
        found.append(row)
        last = number
    return found[:last]


def _plain(name: Any, value: Any) -> str:
    """The text of a cell: one value, or a list of values."""
    many = value if isinstance(value, list | tuple) else [value]
    if len(many) > LONGEST_CELL or any(isinstance(one, list | tuple | dict | set) for one in many):
        raise ValueError(f"column {str(name)[:80]}: neither a value nor a list of values")
    return " ".join(map(str, many))


def _csv(path: Path, data: bytes) -> Iterable[Row]:
    import pandas

    if b"\0" in data:
        raise ValueError("it contains bytes that are not text (save it as CSV in UTF-8)")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start} is not UTF-8 (save it as CSV in UTF-8)") from error
    text, separator = _separated(text)
    if max((line.count(separator) for line in text.splitlines()), default=0) > MOST_COLUMNS + LONGEST_CELL:
        raise ValueError(f"a row has more than {MOST_COLUMNS} columns")
    table = pandas.read_csv(io.StringIO(text), sep=separator, dtype=str, keep_default_na=False, skip_blank_lines=False)
    rows: list[Row] = table.to_dict("records")
    return rows


def _separated(text: str) -> tuple[str, str]:
    """A CSV's text and its separator: that of Excel's line ``sep=;``, which is left out, else the header's commonest.

    Spreadsheets write semicolons where a comma is the decimal sign, and tabs as "text".
    """
    first, _, rest = text.partition("\n")
    if named := _SEPARATOR.fullmatch(first.strip('\r"')):
        return rest, named[1]
    return text, max(_SEPARATORS, key=first.count)


def _xlsx(path: Path, data: bytes) -> Iterable[Row]:
    import openpyxl

    with zips.opened(path, _UNPACKED) as archive, zips.as_bad_input(path):
        zips.refuse_entities(archive)
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    rows = book.worksheets[0].iter_rows(max_col=MOST_COLUMNS + 1, values_only=True)
    names = [str(name) if name is not None else "" for name in next(rows, ())]
    for cells in rows:
        if cells.count(None) == len(cells):
            yield {}
            continue
        row = dict(zip(names, cells, strict=False))
        if not row.get("", True):
            del row[""]
        yield row


def _parquet(path: Path, data: bytes) -> Iterable[Row]:
    from pyarrow import parquet

    file = parquet.ParquetFile(io.BytesIO(data))
    metadata = file.metadata
    if metadata.num_rows > MOST_ROWS or metadata.num_columns > MOST_COLUMNS:
        raise ValueError(f"it has {metadata.num_rows} rows and {metadata.num_columns} columns")
    if sum(metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups)) > _UNPACKED.total:
        raise ValueError("it is too large when unpacked")
    rows: list[Row] = file.read().to_pylist()
    return rows


def _yaml(path: Path, data: bytes) -> Iterable[Row]:
    import yaml

    text = data.decode("utf-8-sig")
    _refuse_nesting(text)
    listed = yaml.safe_load(text)
    titles = listed.get("titles") if isinstance(listed, dict) else listed
    if not isinstance(titles, list) or not all(isinstance(row, dict) for row in titles):
        raise ValueError("it must be a list of titles")
    return titles


def _refuse_nesting(text: str) -> None:
    """Check depth, size of mappings, and aliases of aliases (which grow without bound) before parsing."""
    import yaml

    anchored: list[bool] = []
    aliases = 0
    sizes: list[int] = []
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.NodeEvent) and sizes:
            sizes[-1] += 1
        if isinstance(event, yaml.CollectionStartEvent):
            anchored.append(event.anchor is not None)
            sizes.append(0)
            if len(anchored) > _DEEPEST:
                raise ValueError("it is nested too deeply")
        elif isinstance(event, yaml.CollectionEndEvent):
            anchored.pop()
            if sizes.pop() > (2 * MOST_COLUMNS if isinstance(event, yaml.MappingEndEvent) else MOST_ROWS):
                raise ValueError("it has more rows or columns than are read")
        elif isinstance(event, yaml.AliasEvent):
            aliases += 1
            if any(anchored) or aliases > _MOST_ALIASES:
                raise ValueError("it has aliases of aliases, or too many")


_READERS = {".csv": _csv, ".xlsx": _xlsx, ".parquet": _parquet, ".yaml": _yaml, ".yml": _yaml}
