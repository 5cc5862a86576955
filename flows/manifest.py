"""Manifests: a table of titles and languages, validated whole before anything starts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from configs.languages import LanguageError, parse_language
from flows.plan import Request
from tasks.errors import BadInputError

_COLUMNS = {"title", "languages", "source_language", "profile", "priority", "due", "bed", "voices"}


def read_manifest(path: Path, profile: str, overrides: Mapping[str, Any], out: str) -> list[Request]:
    """The requests of a ``.csv``, ``.xlsx``, ``.parquet`` or ``.yaml`` manifest, in order of priority, then of rows.

    Relative paths are taken from the manifest's folder.

    Raises:
        BadInputError: naming every fault with its row and column.
    """
    rows = _rows(path)
    faults: list[str] = []
    if not rows:
        faults.append("it has no rows")
    requests = [
        _request(number, row, path.parent, profile, overrides, out, faults) for number, row in enumerate(rows, 2)
    ]
    if faults:
        raise BadInputError(
            f"The manifest {path} is not valid: {'; '.join(faults[:20])}.", "Mend these rows and try again."
        )
    order = sorted(range(len(rows)), key=lambda index: -_priority(rows[index].get("priority")))
    return [requests[index] for index in order]


def _rows(path: Path) -> list[dict[str, str]]:
    import pandas
    import yaml

    suffix = path.suffix.lower()
    try:
        if suffix == ".csv":
            table = pandas.read_csv(path, dtype=str, keep_default_na=False)
        elif suffix == ".xlsx":
            table = pandas.read_excel(path, dtype=str, keep_default_na=False)
        elif suffix == ".parquet":
            table = pandas.read_parquet(path)
        elif suffix in (".yaml", ".yml"):
            listed = yaml.safe_load(path.read_text("utf-8"))
            titles = listed.get("titles") if isinstance(listed, dict) else listed
            if not isinstance(titles, list) or not all(isinstance(row, dict) for row in titles):
                raise ValueError("it must be a list of titles")
            table = pandas.DataFrame(titles)
        else:
            raise BadInputError(f"The manifest {path} is of no known kind.", "Use .csv, .xlsx, .parquet or .yaml.")
    except FileNotFoundError as error:
        raise BadInputError(f"The manifest {path} does not exist.", "Check the path.") from error
    except (OSError, ValueError, KeyError, ImportError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())[:300]
        raise BadInputError(
            f"The manifest {path} cannot be read: {reason}.", "Check that the file is whole."
        ) from error
    return [
        {
            str(column).strip().lower() if not str(column).startswith("dub_") else str(column): _text(value)
            for column, value in row.items()
        }
        for row in table.to_dict("records")
    ]


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    if value is None or value != value:  # NaN
        return ""
    return str(value).strip()


def _request(
    number: int,
    row: Mapping[str, str],
    folder: Path,
    profile: str,
    overrides: Mapping[str, Any],
    out: str,
    faults: list[str],
) -> Request:
    def fault(column: str, what: str) -> None:
        faults.append(f"row {number}, column {column}: {what}")

    for column in row:
        if column not in _COLUMNS and not column.startswith("dub_"):
            fault(column, f"unknown column (known: {', '.join(sorted(_COLUMNS))}, dub_LANGUAGE)")
    title = row.get("title", "")
    if not title:
        fault("title", "is empty")
    elif not (folder / title).exists():
        fault("title", f"the file {title!r} does not exist")
    languages = [tag for tag in re.split(r"[;,\s]+", row.get("languages", "")) if tag]
    if not languages:
        fault("languages", "is empty")
    for tag in languages:
        _check_language(tag, "languages", fault)
    if row.get("source_language"):
        _check_language(row["source_language"], "source_language", fault)
    dubs = {
        column.removeprefix("dub_"): str(folder / file)
        for column, file in row.items()
        if column.startswith("dub_") and file
    }
    return Request(
        videos=[str(folder / title)],
        languages=languages,
        out=out,
        profile=row.get("profile") or profile,
        overrides={**overrides, **({"voices": str((folder / row["voices"]).absolute())} if row.get("voices") else {})},
        source_language=row.get("source_language") or None,
        bed=str(folder / row["bed"]) if row.get("bed") else None,
        dubs=dubs,
    )


def _check_language(tag: str, column: str, fault: Any) -> None:
    try:
        parse_language(tag)
    except LanguageError as error:
        fault(column, str(error).rstrip("."))


def _priority(text: str | None) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0.0
