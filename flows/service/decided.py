"""What follows a decision about a dub: runs that wait for it go on, and who listens hears of it."""

from __future__ import annotations

from flows.dub.waking import wake
from flows.kept.decision import Decision
from flows.kept.dub_lines import DubLines
from flows.service.login import named_server


def follow(dub: DubLines, decision: Decision) -> list[str]:
    """Resume the flow runs that wait, and emit the event; returns what could not be done, in words.

    Args:
        dub: the language that was decided about.
        decision: as it was kept.
    """
    notes = wake(dub.store, dub.name, dub.sha256, dub.language)
    if named_server():
        from flows.dub.events import tell_decision

        tell_decision(dub, decision)
    return notes
