"""Licences of all installed code, including libraries inside wheels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata

from rich.table import Table

from configs.licences import licence_rules
from flows.printed import Console

#: Operators of an SPDX expression, and their forms in older metadata.
_JOINED = re.compile(r"\s+(?:AND|OR)\s+|;\s*")
_LONGEST = 60  # a longer field is the text of a licence, not its name


@dataclass(frozen=True)
class Installed:
    """One package, or one library inside a package's wheel.

    Attributes:
        name: of the package; of a library behind a slash.
        version: of the package.
        licence: from its metadata, or from its files; empty if unknown.
        known: whether it is an accepted licence.
    """

    name: str
    version: str
    licence: str
    known: bool


def installed() -> list[Installed]:
    """Every package of this environment, and every library that its wheel carries, by name."""
    found = {}
    for package in metadata.distributions():
        for one in _parts(package):
            found[one.name] = one
    return [found[name] for name in sorted(found, key=str.lower)]


def show(found: Sequence[Installed]) -> None:
    """Print the table, followed by licence conditions and unknown licences."""
    table = Table("package", "version", "licence", box=None, pad_edge=False, header_style="bold")
    for one in found:
        table.add_row(one.name, one.version, one.licence or "unknown", style=None if one.known else "red")
    console = Console()
    console.print(table)
    console.print()
    for name, asks in licence_rules().terms.items():
        users = [
            one.name
            for one in found
            if re.search(rf"\b{name}", one.licence) and not re.search(" OR |exception", one.licence)
        ]
        if users:
            console.print(f"{name} ({asks}): {', '.join(users)}", highlight=False)
    for one in found:
        if not one.known:
            console.print(
                f"Unknown: {one.name} {one.version} says {one.licence or 'nothing'!r}. Read its files, then add it to "
                "configs/licences.yaml.",
                style="red",
            )


def _parts(package: metadata.Distribution) -> Iterator[Installed]:
    rules, name = licence_rules(), re.sub(r"[-_.]+", "-", package.name).lower()
    said = rules.packages.get(name, "")
    licence = said or _said(package)
    yield Installed(name, package.version, licence, bool(said) or _accepted(licence))
    known = {library: licence for licence, libraries in rules.libraries.items() for library in libraries}
    for file in package.files or ():
        if file.parts[0].endswith(".libs") and ".so" in file.name:
            library = re.sub(r"(-r0)?(-[0-9a-f]{8})*(\.[\d.]+)?(\.dev)?\.so.*$", "", file.name)[3:]
            of = known.get(library, "")
            yield Installed(f"{name}/lib{library}", package.version, of, bool(of))


def _said(package: metadata.Distribution) -> str:
    """The licence in the metadata: the SPDX expression (PEP 639), else the classifiers, else the free field."""
    fields = package.metadata
    if "License-Expression" in fields:
        return fields["License-Expression"]
    marks = [text.rpartition(" :: ")[2] for text in fields.get_all("Classifier") or () if "License ::" in text]
    marks = [mark for mark in marks if mark not in ("OSI Approved", "Other/Proprietary License", "DFSG approved")]
    free = next(iter(fields["License"].strip().splitlines()), "") if "License" in fields else ""
    return "; ".join(marks) or (free if len(free) <= _LONGEST else "")


def _accepted(licence: str) -> bool:
    """Whether all licences of an expression are accepted; of alternatives, one is enough."""
    known = {spelling.casefold() for group in licence_rules().accepted for spelling in group}
    if " OR " in licence and " AND " not in licence:
        return any(part.strip().casefold() in known for part in licence.split(" OR "))
    parts = [part.strip().casefold() for part in _JOINED.split(licence) if part.strip()]
    return bool(parts) and all(part in known or part.strip("()") in known for part in parts)
