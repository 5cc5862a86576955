"""Which versions of programs and packages made a result."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence

from tasks.machine import process
from tasks.records.errors import PolydubError
from tasks.records.registry import BackendFacts, package_version

#: Programs that say their version, and how they are asked.
_ASKED = {"ffmpeg": "-version", "apertium": "-V"}
_VERSION = re.compile(r"version\s+(\S+)|(\d+(?:\.\d+)+)")


def versions(makers: Sequence[BackendFacts], programs: Iterable[str]) -> dict[str, str]:
    """Versions by name, sorted; what is not installed, or does not say its version, is left out.

    Args:
        makers: backends, whose packages count.
        programs: that were run.
    """
    packages = {"polydub", *(package for facts in makers for package in facts.packages)}
    found = {package: package_version(package) for package in packages}
    found |= {program: program_version(program) for program in programs}
    return {name: found[name] for name in sorted(found) if found[name] not in ("", "absent")}


@functools.cache
def program_version(name: str) -> str:
    """The version that a program says, asked once a process; empty where it says none."""
    if name not in _ASKED:
        return ""
    try:
        said = process.capture([name, _ASKED[name]], deadline_s=10).decode(errors="replace")
    except (PolydubError, OSError):
        return ""
    found = _VERSION.search(said)
    return next(filter(None, found.groups()), "") if found else ""
