"""Manifests: a table of titles and languages, validated whole before anything starts."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from configs.client_profile import read_client_profile
from configs.language_names import language_of, split_languages
from configs.languages import LanguageError
from configs.lipsync_style import LipsyncStyle
from configs.profile import Profile, ProfileError, load_profile, merged, profile_names
from configs.review import ReviewSettings
from configs.sources import SourceSettings
from configs.subtitle_files import EVERY, settings_of
from flows.ask.plan import Request
from flows.ask.roots import Roots, videos_of
from flows.kept.masters import refuse_masters, without_masters
from flows.night.table import rows_of
from tasks.records.errors import BadInputError
from tasks.services.addresses import address_of, check_allowed, is_address

_COLUMNS = {
    "title",
    "languages",
    "source_language",
    "profile",
    "priority",
    "due",
    "subtitles",
    "bed",
    "voices",
    "review",
    "assignee",
    "realign",
    "height",
    "upscale",
    "deliver",
    "timed_text",
    "burn",
    *(f"lipsync_{name}" for name in LipsyncStyle.model_fields),
}

#: Columns of files of a language, such as ``dub_es``.
_PREFIXES = ("dub_", "translation_")
_YAML = (".yaml", ".yml")

#: Called with a fault: the column, and what is wrong.
Fault = Callable[[str, str], None]


@dataclass(frozen=True)
class Defaults:
    """The defaults of a row; ``here`` also allows files below the working folder."""

    profile: str = "offline"
    overrides: Mapping[str, Any] = field(default_factory=dict)
    out: str = "out"
    preview_s: float = 0.0
    here: bool = True
    preview_from_s: float | None = None


def read_manifest(path: Path, defaults: Defaults) -> list[Request]:
    """The requests of a ``.csv``, ``.xlsx``, ``.parquet`` or ``.yaml`` manifest: one a title, in order of rows.

    Relative paths are taken from the manifest's folder. A ``title`` may be a file, a folder or a pattern
    (``shows/*.mp4``), which stands for every video in it. Rows are numbered as in a spreadsheet: the first title is in
    row 2.

    Raises:
        BadInputError: lists every fault with its row and column.
    """
    rows = _rows(path)
    faults: list[str] = [] if rows else ["it has no rows"]
    for column in rows[0] if rows else ():
        if column not in _COLUMNS and not column.startswith(_PREFIXES):
            known = ", ".join([*sorted(_COLUMNS), *(f"{prefix}LANGUAGE" for prefix in _PREFIXES)])
            faults.append(f"column {column}: unknown (known: {known})")
    reader = _Reader(Roots.of(path.absolute().parent, defaults.here), defaults, faults)
    requests = [request for number, row in enumerate(rows, 2) for request in reader.requests(number, row)]
    if faults:
        fix = " ".join(["Correct these rows and try again.", *reader.fixes])
        raise BadInputError(f"The manifest {path} is not valid: {'; '.join(faults)}.", fix)
    return requests


class _Reader:
    """Turns rows into requests and collects their faults.

    Attributes:
        fixes: what can be done about the faults, each once.
    """

    def __init__(self, roots: Roots, defaults: Defaults, faults: list[str]) -> None:
        self._roots, self._defaults, self._faults = roots, defaults, faults
        self.fixes: dict[str, None] = {}
        self._seen: dict[tuple[str, str], int] = {}  # video and language to the row that names them

    def requests(self, number: int, row: Mapping[str, str]) -> list[Request]:
        """The titles of a row; none for an empty row."""
        if not any(row.values()):
            return []

        def fault(column: str, what: str) -> None:
            self._faults.append(f"row {number}, column {column}: {what}")

        elsewhere = is_address(row.get("title", ""))
        videos, left_out = ([], "") if elsewhere else self._videos(row.get("title", ""), fault)
        languages = _languages(row.get("languages", ""), fault)
        if row.get("source_language"):
            _language(row["source_language"], "source_language", fault)
        single = {column: file for column in ("subtitles", "bed") if (file := self._file(row, column, fault))}
        dubs = self._by_language("dub_", row, languages, fault)
        translations = self._by_language("translation_", row, languages, fault)
        if len(videos) > 1:
            for column in [*single, *(f"dub_{tag}" for tag in dubs), *(f"translation_{tag}" for tag in translations)]:
                fault(column, f"belongs to one title, but this row names {len(videos)}")
        profile, overrides = self._profile(row.get("profile", ""), fault)
        if voices := self._file(row, "voices", fault, must_exist=False):  # created by the series' first title
            if Path(voices).suffix.lower() not in _YAML:
                fault("voices", f"{row['voices']!r} is not a .yaml file")
            overrides["voices"] = voices
        overrides = self._chosen(row, profile, overrides, fault)
        overrides = _timed_text(row.get("timed_text", ""), overrides, fault)
        if burnt := split_languages(row.get("burn", "")):
            tags = [tag if tag == EVERY else _language(tag, "burn", fault) for tag in burnt]
            overrides = merged(overrides, {"subtitles": {"burn": [tag for tag in tags if tag]}})
        overrides = self._reviewed(row, profile, overrides, fault)
        priority, due = _priority(row.get("priority", ""), fault), _due(row.get("due", ""), fault)
        self._refuse_twice(number, [(str(video.resolve()), video.name) for video in videos], languages, fault)
        titles = [str(video) for video in videos]
        if elsewhere:
            titles = self._elsewhere(number, row["title"], load_known(profile, overrides), languages, fault)
        return [
            Request(
                videos=[title],
                languages=languages,
                out=self._defaults.out,
                profile=profile,
                overrides=overrides,
                source_language=row.get("source_language") or None,
                subtitles=single.get("subtitles"),
                bed=single.get("bed"),
                dubs=dubs,
                translations=translations,
                preview_s=self._defaults.preview_s,
                preview_from_s=self._defaults.preview_from_s,
                row=number,
                priority=priority,
                due=due,
                notes=(left_out,) if left_out and not place else (),
            )
            for place, title in enumerate(titles)
        ]

    def _elsewhere(
        self, number: int, text: str, profile: Profile | None, languages: list[str], fault: Fault
    ) -> list[str]:
        """The address in a cell, if the operator allows it; it is fetched when the batch is planned."""
        try:
            address = address_of(text)
            check_allowed(address, profile.sources if profile else SourceSettings.model_validate({}))
        except BadInputError as error:
            self._refused("title", error, fault)
            return []
        self._refuse_twice(number, [(address.lasting, address.name)], languages, fault)
        return [text]

    def _videos(self, title: str, fault: Fault) -> tuple[list[Path], str]:
        """The sources that a cell names, and a note on files among them that were skipped."""
        if not title:
            fault("title", "is empty")
            return [], ""
        try:
            found = videos_of(self._roots, title)
            if self._roots.path(title).is_file():
                refuse_masters([str(video) for video in found])
                return found, ""
            videos, left_out = without_masters(found)
            if not videos:
                raise BadInputError(f"{title!r} names only masters made by Polydub", "Name the originals.")
            return videos, left_out
        except BadInputError as error:
            self._refused("title", error, fault)
            return [], ""

    def _refused(self, column: str, error: BadInputError, fault: Fault) -> None:
        fault(column, error.what.rstrip("."))
        self.fixes[error.fix] = None

    def _file(self, row: Mapping[str, str], column: str, fault: Fault, must_exist: bool = True) -> str | None:
        text = row.get(column, "")
        if not text:
            return None
        try:
            path = self._roots.path(text)
        except BadInputError as error:
            self._refused(column, error, fault)
            return None
        if not path.exists() and must_exist:
            fault(column, f"the file {text!r} does not exist")
        return str(path)

    def _by_language(self, prefix: str, row: Mapping[str, str], languages: list[str], fault: Fault) -> dict[str, str]:
        """Files of columns such as ``dub_es``, by the language as it is written there."""
        found = {}
        for column in row:
            if not column.startswith(prefix) or not (file := self._file(row, column, fault)):
                continue
            tag = _language(column.removeprefix(prefix), column, fault)
            if tag and tag not in languages:
                fault(column, f"{tag} is not among the row's languages")
            found[column.removeprefix(prefix)] = file
        return found

    def _profile(self, name: str, fault: Fault) -> tuple[str, dict[str, Any]]:
        """The operator's profile of a row, and its overrides; a client's file may override few settings."""
        typed = dict(self._defaults.overrides)
        if not name:
            return self._defaults.profile, typed
        try:
            if name in profile_names():
                known, changes = name, typed
            elif name.lower().endswith(_YAML):
                base, wanted = read_client_profile(self._roots.path(name).resolve(), self._within)
                known, changes = base or self._defaults.profile, merged(wanted, typed)
            else:
                raise ProfileError(
                    f"There is no profile {name!r}. Choose one of {', '.join(profile_names())}, or give a .yaml file."
                )
            load_profile(known, changes)
        except BadInputError as error:
            self._refused("profile", error, fault)
            return self._defaults.profile, typed
        except ProfileError as error:
            fault("profile", str(error).rstrip("."))
            return self._defaults.profile, typed
        return known, changes

    def _chosen(self, row: Mapping[str, str], profile: str, overrides: dict[str, Any], fault: Fault) -> dict[str, Any]:
        """The row's overrides for picture, lip sync and delivery, each column checked separately."""
        for column in (
            "realign",
            "height",
            "upscale",
            "deliver",
            *(f"lipsync_{name}" for name in LipsyncStyle.model_fields),
        ):
            if not (text := row.get(column, "")):
                continue
            value: Any = text.lower()
            name = column.removeprefix("lipsync_")
            try:
                wanted = merged(overrides, {"lipsync": {name: value}} if name != column else {name: value})
                load_profile(profile, wanted)
            except ProfileError as error:
                fault(column, f"{text!r}: {str(error).partition(': ')[2].rstrip('.') or error}")
            else:
                overrides = wanted
        return overrides

    def _reviewed(
        self, row: Mapping[str, str], profile: str, overrides: dict[str, Any], fault: Fault
    ) -> dict[str, Any]:
        """The row's overrides with the approvals that it asks for besides the operator's, and by whom."""
        asked, assignee = row.get("review", ""), row.get("assignee", "")
        if not asked and not assignee:
            return overrides
        try:
            own = load_profile(profile, overrides).review
            wanted = ReviewSettings.model_validate({"after": asked, "assignee": assignee[:200]})
        except ValidationError as error:
            fault("review", str(error.errors()[0]["msg"]).removeprefix("Value error, "))
            return overrides
        except ProfileError:  # noted already
            return overrides
        both = own.also(wanted.after, wanted.assignee).model_dump(include={"after", "assignee"})
        return merged(overrides, {"review": {**both, "after": list(both["after"])}})

    def _within(self, file: str) -> str:
        """A file that a client's profile names, symbolic links resolved."""
        try:
            return str(self._roots.path(file).resolve())
        except BadInputError as error:
            self.fixes[error.fix] = None
            raise ProfileError(error.what) from error

    def _refuse_twice(self, number: int, titles: Sequence[tuple[str, str]], languages: list[str], fault: Fault) -> None:
        """Find titles, each given as place and name, that another row names in the same language."""
        for place, name in titles:
            for language in languages:
                first = self._seen.setdefault((place, language), number)
                if first != number:
                    fault("title", f"{name} in {language} is already in row {first}")


def load_known(name: str, overrides: Mapping[str, Any]) -> Profile | None:
    """A profile; None where it is not valid, which was noted."""
    try:
        return load_profile(name, dict(overrides))
    except ProfileError:
        return None


def _timed_text(text: str, overrides: dict[str, Any], fault: Fault) -> dict[str, Any]:
    """The row's overrides with the subtitle files that it asks for."""
    try:
        wanted = settings_of(text.replace(";", " ").replace(",", " ").split())
    except ValueError as error:
        fault("timed_text", str(error))
        return overrides
    return merged(overrides, {"subtitles": wanted}) if wanted else overrides


def _rows(path: Path) -> list[dict[str, str]]:
    return [{_column(name): _text(value) for name, value in row.items()} for row in rows_of(path)]


def _column(name: Any) -> str:
    text = str(name).strip()
    return text if text.startswith(_PREFIXES) else text.lower()


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "; ".join(map(str, value))
    if value is None or value != value:  # NaN
        return ""
    if isinstance(value, float) and value.is_integer():  # a spreadsheet's whole numbers
        return str(int(value))
    return str(value).strip()


def _languages(text: str, fault: Fault) -> list[str]:
    tags = split_languages(text)
    if not tags:
        fault("languages", "is empty")
    found = [tag for raw in tags if (tag := _language(raw, "languages", fault))]
    for tag in sorted({tag for tag in found if found.count(tag) > 1}):
        fault("languages", f"{tag} is named twice")
    return list(dict.fromkeys(found))


def _language(tag: str, column: str, fault: Fault) -> str | None:
    try:
        return language_of(tag)
    except LanguageError as error:
        fault(column, str(error).rstrip("."))
        return None


def _priority(text: str, fault: Fault) -> float:
    try:
        priority = float(text or 0)
    except ValueError:
        priority = math.nan
    if math.isfinite(priority):
        return priority
    fault("priority", f"{text!r} is not a number")
    return 0.0


def _due(text: str, fault: Fault) -> str | None:
    """A time with its offset; without one it is in this machine's time zone; a bare date is the end of that day."""
    if not text:
        return None
    try:
        due = datetime.datetime.fromisoformat(text)
    except ValueError:
        fault("due", f"{text!r} is not a date (write 2026-11-30, or 2026-11-30T18:00+01:00)")
        return None
    if due.tzinfo is None and due.time() == datetime.time():  # spreadsheets write dates as midnights
        due = due.replace(hour=23, minute=59, second=59)
    try:
        return due.astimezone().isoformat() if due.tzinfo is None else due.isoformat()
    except (OverflowError, ValueError, OSError):
        fault("due", f"{text!r} is outside the range of dates")
        return None
