"""A client's profile file: one of the operator's profiles by name, with changes to harmless settings.

The allowed settings are listed, so that a new setting is reserved to the operator until it is added here. None of them
names a program, a package, a model, an address, a key or a price; those that name a file are passed to the caller, who
checks them against the folders that the client may use.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from configs.lipsync_style import LipsyncStyle
from configs.profile import ProfileError, is_profile_name, profile_names
from configs.subtitle_files import SubtitleSettings

#: Settings that a client may change, by table; ``""`` is the profile itself.
ALLOWED: dict[str, frozenset[str]] = {
    "": frozenset(
        {
            "name",
            "extends",
            "source_language",
            "sidecar",
            "realign",
            "scene",
            "height",
            "upscale",
            "loudness",
            "label",
            "deliver",
        }
    ),
    "translate": frozenset({"formality", "language_check"}),
    "synthesize": frozenset(),
    "lipsync": frozenset(LipsyncStyle.model_fields),
    "pace": frozenset({"slowest", "fastest", "line", "slowest_line", "pause_ms", "tries"}),
    "fit": frozenset({"slowest", "fastest", "hardest", "gap_ms"}),
    "mix": frozenset({"bed", "line_levels_db", "keep_nonverbal", "room", "room_db", "stems"}),
    "subtitles": frozenset(SubtitleSettings.model_fields),
    "ingest": frozenset({"clock", "pitch", "furthest_s", "speed"}),
}
#: Settings that a client may change and that name a file, likewise.
FILES: dict[str, frozenset[str]] = {
    "": frozenset({"voices", "consent"}),
    "translate": frozenset({"glossary", "memory"}),
    "synthesize": frozenset({"lexicon"}),
}
_LONGEST = 64 * 1024  # bytes; a profile has some forty lines


def read_client_profile(file: Path, within: Callable[[str], str]) -> tuple[str | None, dict[str, Any]]:
    """Read a client's ``.yaml`` file.

    Args:
        file: the client's file; its location is checked by the caller.
        within: returns the absolute path of a file that the profile names; raises for one outside the client's
            folders.

    Returns:
        The operator's profile that it extends (None if it names none), and its changes, as overrides.

    Raises:
        ProfileError: not readable, not a table, or with settings that a client may not change; lists them.
    """
    values = _table(file)
    refused = [key for key in _keys(values) if not _is_known(*key)]
    if refused:
        named = ", ".join(repr(".".join(filter(None, key))[:80]) for key in sorted(set(refused))[:8])
        raise ProfileError(
            f"Profile file {file.name!r} sets {named}, reserved to the operator (a profile of POLYDUB_PROFILES). "
            f"A file named in a manifest may set {', '.join(sorted(_harmless()))}, "
            f"and extend one of {', '.join(profile_names())}."
        )
    base = values.pop("extends", None)
    if base is not None and (not isinstance(base, str) or base not in profile_names()):
        raise ProfileError(
            f"Profile file {file.name!r}: extends: {str(base)[:80]!r} is not one of the operator's profiles "
            f"({', '.join(profile_names())})."
        )
    name = values.setdefault("name", re.sub(r"\W+", "-", file.stem, flags=re.ASCII).strip("-")[:60])
    if not isinstance(name, str) or not is_profile_name(name):
        raise ProfileError(f"Profile file {file.name!r}: name: use only letters, digits, '.', '_' and '-'.")
    if name in profile_names():
        raise ProfileError(f"Profile file {file.name!r}: name: {name!r} is the operator's; choose another.")
    for table, names in FILES.items():
        holder = values if not table else values.get(table, {})
        for key in names & holder.keys():
            holder[key] = _file(file, ".".join(filter(None, (table, key))), holder[key], within)
    return base, values


def _table(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as opened:
            content = opened.read(_LONGEST + 1)
        if len(content) > _LONGEST:
            raise ProfileError(f"Profile file {file.name!r} is longer than {_LONGEST} bytes.")
        values = yaml.safe_load(content.decode("utf-8-sig"))
    except (OSError, ValueError) as error:
        if isinstance(error, ProfileError):
            raise
        raise ProfileError(f"Profile file {file.name!r} cannot be read: {_reason(error)}.") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise ProfileError(f"Profile file {file.name!r} is not valid YAML: {_reason(error)}.") from error
    if not isinstance(values, dict):
        raise ProfileError(f"Profile file {file.name!r} must be a table of settings.")
    return values


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return " ".join(str(error).split())[:200]


def _keys(values: Mapping[Any, Any]) -> list[tuple[str, str]]:
    """Every setting as (table, key); the table is empty for settings of the profile itself."""
    found = []
    for key, value in values.items():
        table = "" if _is_known("", str(key)) else str(key) or repr(key)
        if table and isinstance(value, dict) and value:
            found += [(table, str(inner)) for inner in value]
        else:
            found.append(("", str(key)))
    return found


def _harmless() -> set[str]:
    """The allowed settings in short: the names of fully allowed tables, else single keys."""
    whole = {table for table in ALLOWED if table not in FILES}
    parts = {f"{table}.{key}".lstrip(".") for known in (ALLOWED, FILES) for table in FILES for key in known[table]}
    return (whole | parts) - {"name", "extends"}


def _is_known(table: str, key: str) -> bool:
    return key in ALLOWED.get(table, ()) or key in FILES.get(table, ())


def _file(file: Path, setting: str, named: Any, within: Callable[[str], str]) -> str:
    """Resolve a file that a profile names, relative to the profile."""
    if not isinstance(named, str) or not named:
        raise ProfileError(f"Profile file {file.name!r}: {setting}: a file name is expected.")
    try:
        return within(str(file.parent / named))
    except ProfileError as error:
        raise ProfileError(f"Profile file {file.name!r}: {setting}: {error}") from error
