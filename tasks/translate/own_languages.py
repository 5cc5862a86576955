"""Lines in another language than their script are translated from that language, if a translator supports it."""

from __future__ import annotations

from collections.abc import Sequence

from configs.languages import display_name, primary
from tasks.records.errors import UnsupportedError
from tasks.records.script import Line, Script
from tasks.translate.chain import Chain


def by_language(script: Script, chain: Chain, target: str) -> tuple[list[Script], list[str]]:
    """The script split by language, its own first, and notes on the others.

    Args:
        script: the source script; lines may be marked as being in another language.
        chain: the translators.
        target: BCP-47 tag of the dub.
    """
    groups: dict[str, list[Line]] = {script.language: []}
    for line in script.lines:
        other = bool(line.language) and primary(line.language) != primary(script.language)
        groups.setdefault(line.language if other else script.language, []).append(line)
    notes = []
    for language, lines in list(groups.items())[1:]:
        if _can(chain, language, target):
            notes.append(f"{_named(lines)} in {display_name(language)} and translated from it.")
            continue
        notes.append(
            f"{_named(lines)} in {display_name(language)}, which no translator of the profile translates to {target}: "
            f"translated as if in {display_name(script.language)}."
        )
        groups[script.language] += groups.pop(language)
    groups[script.language].sort(key=lambda line: (line.start_ms, line.id))
    parts = [
        script.model_copy(update={"language": language, "lines": tuple(lines)})
        for language, lines in groups.items()
        if lines
    ]
    return parts, notes


def _can(chain: Chain, language: str, target: str) -> bool:
    try:
        chain.route(language, target)
    except UnsupportedError:
        return False
    return True


def _named(lines: Sequence[Line]) -> str:
    which = ", ".join(str(line.id) for line in lines)
    return f"Lines {which} are" if len(lines) > 1 else f"Line {which} is"
