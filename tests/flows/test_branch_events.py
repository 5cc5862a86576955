"""Events of branches for automations: how each ended, what was approved; one that cannot be sent fails nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.dub.end import WAITS, End
from flows.dub.events import tell_decision, tell_end
from flows.kept.approving import decide
from flows.kept.edit import signed
from flows.service.decided import follow
from tasks.records.result import Waits
from tests.flows.test_approvals import Reviewed
from tests.flows.test_approvals import planned as planned
from tests.flows.test_approvals import reviewed as reviewed

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def emitted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    found: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr("prefect.events.emit_event", lambda event, **facts: found.append((event, facts)))
    return found


WAITING = Waits(stage="script", content="0" * 64, assignee="ana", until="2026-12-02T08:00:00+00:00")


@pytest.mark.parametrize(
    ("end", "names"),
    [
        (End("completed", "ready"), ["delivered"]),
        (End("completed", "teeth", "NeedsReview"), ["delivered", "needs_review"]),
        (End("waiting", str(WAITING), WAITS, waits=WAITING), ["needs_review"]),
        (End("failed", "no voice"), ["failed"]),
        (End("carried_over", "no room", "CarriedOver"), []),
    ],
)
def test_each_end_of_a_branch_has_its_events(
    reviewed: Reviewed, emitted: list[Any], end: End, names: list[str]
) -> None:
    tell_end(reviewed.title.run.branch("es"), end)
    assert [event for event, _ in emitted] == [f"polydub.branch.{name}" for name in names]
    for _, facts in emitted:
        assert facts["payload"]["why"] == end.message
        assert (facts["resource"]["polydub.title"], facts["resource"]["polydub.language"]) == ("clip", "es")


def test_what_waits_says_for_whom_and_until_when(reviewed: Reviewed, emitted: list[Any]) -> None:
    tell_end(reviewed.title.run.branch("es"), End("waiting", str(WAITING), WAITS, waits=WAITING))
    ((_, facts),) = emitted
    assert {name: facts["payload"][name] for name in ("stage", "assignee", "until")} == {
        "stage": "script",
        "assignee": "ana",
        "until": "2026-12-02T08:00:00+00:00",
    }


def test_an_approval_is_an_event_of_the_same_resource_and_a_rejection_is_none(
    reviewed: Reviewed, emitted: list[Any]
) -> None:
    reviewed.run()
    dub = reviewed.dub()
    tell_decision(dub, decide(dub, "approved", {**signed(), "who": "ana"})[0])
    tell_decision(dub, decide(dub, "rejected", {**signed("no"), "who": "ana"})[0])
    tell_end(reviewed.title.run.branch("es"), End("failed", "no"))
    (approved, facts), (_, failed) = emitted
    assert approved == "polydub.branch.approved"
    assert (facts["payload"]["who"], facts["payload"]["stage"]) == ("ana", "script")
    assert facts["resource"] == failed["resource"]


def test_without_a_server_nothing_is_sent_and_no_failure_of_it_fails_anything(
    reviewed: Reviewed, emitted: list[Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    reviewed.run()
    dub = reviewed.dub()
    decision, _ = decide(dub, "approved", signed())
    assert (follow(dub, decision), emitted) == ([], [])

    def broken(*_: Any, **__: Any) -> None:
        raise OSError("no")

    monkeypatch.setattr("prefect.events.emit_event", broken)
    tell_end(reviewed.title.run.branch("es"), End("failed", "no"))


def test_the_automation_of_the_docs_is_one() -> None:
    from prefect.events.schemas.automations import AutomationCore

    (example,) = re.findall(r"```yaml\n(name:.*?)```", (DOCS / "approval.md").read_text("utf-8"), re.DOTALL)
    automation = AutomationCore.model_validate(yaml.safe_load(example))
    assert automation.trigger.expect == {"polydub.branch.needs_review"}  # type: ignore[union-attr]
