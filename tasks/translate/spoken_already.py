"""Lines of a title that are already in the dub's language: the original is kept there, with its own voice.

The script may say so (a line's own ``language``); otherwise the text must have at least four words and py3langid be
almost certain (`tasks.translate.language_check`). Between closely related languages only the script decides.
"""

from __future__ import annotations

from collections.abc import Container

from configs.languages import primary
from tasks.records.script import Line, Passage, Script
from tasks.translate.language_check import certainly
from tasks.words.spacing import atoms

_ENOUGH_WORDS = 4


def without_spoken_already(script: Script, target: str, edited: Container[int]) -> tuple[Script, tuple[int, ...]]:
    """The script with those lines moved to its kept passages, and their ids.

    Args:
        script: the source script.
        target: BCP-47 tag of the dub.
        edited: ids of edited lines, which are always dubbed.
    """
    found = tuple(line.id for line in script.lines if line.id not in edited and _is_in(line, script.language, target))
    return with_kept(script, found), found


def with_kept(script: Script, ids: tuple[int, ...]) -> Script:
    """The script with lines moved to its kept passages.

    Args:
        script: the source script.
        ids: of the lines.
    """
    found = [line for line in script.lines if line.id in ids]
    if not found:
        return script
    passages = [Passage(start_ms=line.start_ms, end_ms=line.end_ms, text=line.text) for line in found]
    kept = tuple(sorted((*script.kept, *passages), key=lambda one: (one.start_ms, one.end_ms, one.text)))
    lines = tuple(line for line in script.lines if line.id not in ids)
    return script.model_copy(update={"lines": lines, "kept": kept})


def _is_in(line: Line, source: str, target: str) -> bool:
    if line.language:
        return primary(line.language) == primary(target)
    return len(atoms(line.text)) >= _ENOUGH_WORDS and certainly(line.text, target, source)
