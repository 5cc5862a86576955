"""Limits a script to the length of the picture: lines after its end cannot be dubbed, and are reported."""

from __future__ import annotations

from tasks.records.errors import BadInputError, UnsupportedError
from tasks.records.script import Change, Line, Script

_SEEN_MS = 50  # a cue that ends later by less is not reported


def within(script: Script, duration_ms: int, source: str, *, preview: bool = False) -> Script:
    """The script without lines after the end of the picture, renumbered from 1.

    Args:
        script: on the clock of the picture.
        duration_ms: length of the picture, milliseconds.
        source: the title's name, for messages.
        preview: whether the picture was cut on purpose.

    Raises:
        UnsupportedError: no speech was found.
        BadInputError: the user's script is completely after the end of the picture.
    """
    inside = [line for line in script.lines if line.start_ms < duration_ms]
    beyond = [line for line in script.lines if line.start_ms >= duration_ms]
    end = f"{duration_ms / 1000:.1f} s"
    if not inside and beyond:
        raise BadInputError(
            f"All {len(beyond)} lines of the script start after the end of {source} ({end}), the first at "
            f"{beyond[0].start_ms / 1000:.1f} s.",
            "Use a longer preview." if preview else "Supply the subtitles of this cut.",
        )
    if not inside:
        raise UnsupportedError(
            f"No speech was found in {source}.", "Supply subtitles with --subtitles, or try another transcribe backend."
        )
    changes = [] if preview else [*_beyond(beyond, end), *_cut(inside, duration_ms, end)]
    lines = tuple(
        line.model_copy(update={"id": number, "end_ms": min(line.end_ms, duration_ms)})
        for number, line in enumerate(inside, start=1)
    )
    kept = tuple(
        passage.model_copy(update={"end_ms": min(passage.end_ms, duration_ms)})
        for passage in script.kept
        if passage.start_ms < duration_ms
    )
    notes = (*script.notes, *_notes(len(beyond), end, preview=preview))
    update = {"lines": lines, "kept": kept, "notes": notes, "changes": (*script.changes, *changes)}
    return script.model_copy(update=update)


def moved(script: Script, by_ms: int) -> Script:
    """The script on a clock that begins earlier (or later, where negative); what began before it is left out."""
    if not by_ms:
        return script
    lines = tuple(
        line.model_copy(
            update={
                "start_ms": line.start_ms + by_ms,
                "end_ms": line.end_ms + by_ms,
                "words": tuple(
                    word.model_copy(update={"start_ms": word.start_ms + by_ms, "end_ms": word.end_ms + by_ms})
                    for word in line.words
                ),
            }
        )
        for line in script.lines
        if line.start_ms + by_ms >= 0
    )
    kept = tuple(
        passage.model_copy(update={"start_ms": passage.start_ms + by_ms, "end_ms": passage.end_ms + by_ms})
        for passage in script.kept
        if passage.start_ms + by_ms >= 0
    )
    return script.model_copy(update={"lines": lines, "kept": kept})


def _beyond(lines: list[Line], end: str) -> list[Change]:
    reason = f"left out: begins after the end of the picture ({end})"
    return [_change(line, "", reason) for line in lines]


def _cut(lines: list[Line], duration_ms: int, end: str) -> list[Change]:
    reason = f"shortened: ends after the end of the picture ({end})"
    return [_change(line, line.text, reason) for line in lines if line.end_ms > duration_ms + _SEEN_MS]


def _change(line: Line, became: str, reason: str) -> Change:
    where = f"line of {line.start_ms / 1000:.1f} s"
    return Change(where=where, start_ms=line.start_ms, text=line.text, became=became, reason=reason)


def _notes(beyond: int, end: str, *, preview: bool) -> list[str]:
    if not beyond:
        return []
    lines = f"{beyond} line{'s' * (beyond != 1)}"
    if preview:
        return [f"The preview ends at {end}: {lines} after it {'are' if beyond != 1 else 'is'} not in it."]
    begin = "begin" if beyond != 1 else "begins"
    left = "were" if beyond != 1 else "was"
    why = "The subtitles may be of another cut, or the sound may be longer than the picture."
    return [f"{lines} {begin} after the end of the picture ({end}) and {left} left out. {why}"]
