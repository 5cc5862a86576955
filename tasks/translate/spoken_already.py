"""Lines of a title that are in the dub's language already: the original stays there, untranslated and in its own voice.

A script says so itself (a line's own ``language``); else the text must be of four words and more, and py3langid nearly
certain (`tasks.translate.language_check`). Between close relatives only the script's word counts.
"""

from __future__ import annotations

from collections.abc import Container

from configs.languages import primary
from tasks.records.model import Line, Passage, Script
from tasks.translate.language_check import certainly
from tasks.words.spacing import atoms

_ENOUGH_WORDS = 4


def without_spoken_already(script: Script, target: str, edited: Container[int]) -> tuple[Script, tuple[int, ...]]:
    """The script with those lines among its kept passages, and which lines they were.

    Args:
        script: the source script.
        target: BCP-47 tag of the dub.
        edited: lines that a person worded: they are spoken.
    """
    found = [line for line in script.lines if line.id not in edited and _is_in(line, script.language, target)]
    if not found:
        return script, ()
    passages = [Passage(start_ms=line.start_ms, end_ms=line.end_ms, text=line.text) for line in found]
    kept = tuple(sorted((*script.kept, *passages), key=lambda one: (one.start_ms, one.end_ms, one.text)))
    lines = tuple(line for line in script.lines if line not in found)
    return script.model_copy(update={"lines": lines, "kept": kept}), tuple(line.id for line in found)


def _is_in(line: Line, source: str, target: str) -> bool:
    if line.language:
        return primary(line.language) == primary(target)
    return len(atoms(line.text)) >= _ENOUGH_WORDS and certainly(line.text, target, source)
