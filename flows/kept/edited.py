"""What people's edits of a language make of its source script, and what of them its way of dubbing cannot take."""

from __future__ import annotations

from flows.kept.ahead import way_of
from flows.kept.applied import Applied
from tasks.records.result import SharedWork
from tasks.records.script import Script
from tasks.records.title import Branch
from tasks.transcribe.bounds import moved


def edited_script(branch: Branch, work: SharedWork, wanted: Applied) -> Script:
    """The source script of a language, on the clock of what is dubbed; the title's own where nothing was edited.

    Args:
        branch: the language.
        work: of the title.
        wanted: what people decided, on the title's clock.
    """
    began_ms = branch.title.preview_start_ms
    if not began_ms:
        return wanted.on(work.script)
    whole = moved(work.script, began_ms)
    edited = wanted.on(whole)
    return work.script if edited is whole else moved(edited, -began_ms)


def unheeded_edits(branch: Branch, wanted: Applied) -> tuple[str, ...]:
    """Notes on edits that this way of dubbing cannot take."""
    way = way_of(branch)
    if way == "service" and (wanted.facts or wanted.stray):
        return (f"{branch.profile.lipsync.backend} dubs the film by itself: no edit of a line is applied.",)
    if way == "recorded" and (lines := [str(one.line) for one in wanted.directions]):
        return (f"The dub is recorded: voice, take and pronunciation of lines {', '.join(lines)} are not applied.",)
    return ()
