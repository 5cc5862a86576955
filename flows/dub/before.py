"""What a language came to before anybody edited its script, so that one edited line leaves the others as they are.

It is read from the store; where it is not there, an edited dub settles by itself.
"""

from __future__ import annotations

from typing import Any

from flows.kept.ahead import is_marked
from flows.kept.keys import is_worded_by_people
from tasks.adapt.task import adapt
from tasks.fit.task import fit
from tasks.lipsync.task import lipsync
from tasks.records.made import Laid, Spoken
from tasks.records.record import Asset
from tasks.records.result import SharedWork
from tasks.records.script import Script
from tasks.records.title import Branch
from tasks.synthesize.task import synthesize
from tasks.translate.task import translate
from tasks.watermark.task import watermark


def paces_before(run: Branch, work: SharedWork) -> dict[str, float]:
    """The speakers' paces, as factors of their voices' own; empty where they are not known."""
    found = _spoken(run, work)
    return found[1].paces if found else {}


def settled_before(run: Branch, work: SharedWork, analysis: Asset) -> dict[str, Any]:
    """What its lip sync took from the whole of the dub (`Pictured.settled`); empty where that is not known.

    Args:
        run: the language.
        work: of the title.
        analysis: of its picture.
    """
    laid = _laid(run, work)
    if laid is None or laid.phones is None:
        return {}
    before = lipsync.known(run, work.plain or work.video, analysis, laid.dialogue, laid.phones)
    return before.value.settled if before else {}


def _spoken(run: Branch, work: SharedWork) -> tuple[Script, Spoken] | None:
    script = translate.known(run, work.script, {})
    spoken = synthesize.known(run, script.value, work.script, work.dialogue, work.bed) if script else None
    return (script.value, spoken.value) if script and spoken else None


def _laid(run: Branch, work: SharedWork) -> Laid | None:
    if (found := _spoken(run, work)) is None:
        return None
    script, spoken = found
    pinned = {str(line.id): line.text for line in script.lines} if is_worded_by_people(run) else {}
    adapted = adapt.known(run, script, work.script, spoken, work.dialogue, pinned, work.bed)
    if adapted is None:
        return None
    takes = adapted.value.takes
    if is_marked(run.profile):
        if (marked := watermark.known(run, takes)) is None:
            return None
        takes = marked.value.takes
    laid = fit.known(run, adapted.value.script, takes, work.facts.duration_ms)
    return laid.value if laid else None
