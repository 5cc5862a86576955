"""What happens to branches, as events of Prefect, for automations; none in runs without a server.

``polydub.branch.delivered``, ``needs_review``, ``approved`` and ``failed``; a delivered branch with a failed gate is
both of the first two, and one that waits for approval needs review.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Literal

from flows.dub.end import End
from flows.kept.branches import branch_key, last_attempt, name_of
from flows.kept.decision import Decision
from flows.kept.decisions import decisions_key
from flows.kept.dub_lines import DubLines
from flows.kept.links import link
from tasks.records.title import Branch

Name = Literal["delivered", "needs_review", "approved", "failed"]
_log = logging.getLogger(__name__)


def tell_end(branch: Branch, end: End) -> None:
    """Emit how a branch ended; nothing for one that was carried over.

    Args:
        branch: the language.
        end: of its flow run.
    """
    names: dict[str, tuple[Name, ...]] = {"failed": ("failed",), "waiting": ("needs_review",)}
    if end.kind == "completed":
        names["completed"] = ("delivered", "needs_review") if end.name == "NeedsReview" else ("delivered",)
    result = last_attempt(branch, branch_key(branch))
    folder, waits = Path(branch.title.folder), end.waits
    outputs = result.outputs if result else {}
    places = {"master": result.master if result else "", "report": f"{branch.language}/report.html"}
    facts = {
        "batch": branch.batch,
        "why": end.message,
        "stage": waits.stage if waits else "master",
        "assignee": waits.assignee if waits else branch.profile.review.assignee,
        "until": waits.until if waits else "",
        "folder": str(folder),
        **{what: str(folder / place) if place in outputs else "" for what, place in places.items()},
        "link": link(folder, f"{branch.language}/report.html"),
    }
    for name in names.get(end.kind, ()):
        _emit(name, name_of(branch), branch.title.video.sha256, branch.language, facts, branch.batch)


def tell_decision(dub: DubLines, decision: Decision) -> None:
    """Emit that something was approved; after a rejection the run that waits says so.

    Args:
        dub: the language.
        decision: about it.
    """
    if decision.verdict != "approved" or decision.undoes:
        return
    facts = {
        "stage": decision.stage,
        "lines": [ref.line for ref in decision.lines],
        "who": decision.who,
        "why": decision.why,
        "folder": str(dub.folder),
        "link": link(dub.folder, f"{dub.language}/report.html"),
    }
    _emit("approved", dub.name, dub.sha256, dub.language, facts)


def _emit(name: Name, title: str, sha256: str, language: str, facts: dict[str, Any], batch: str = "") -> None:
    from prefect.events import emit_event

    resource = {
        "prefect.resource.id": f"polydub.branch.{decisions_key(title, sha256, language)[:16]}",
        "prefect.resource.name": f"{title} {language}"[:200],
        "polydub.title": title[:200],
        "polydub.language": language,
    }
    tags = [f"batch:{batch}"] if batch else []
    related = [{"prefect.resource.id": f"prefect.tag.{tag}", "prefect.resource.role": "tag"} for tag in tags]
    try:
        payload = {"title": title, "language": language, **facts}
        emit_event(f"polydub.branch.{name}", resource=resource, related=related, payload=payload)
    except Exception as error:  # an event that is not heard fails no branch
        _log.warning("The event %s of %s %s was not sent: %s", name, title, language, type(error).__name__)
