"""The endpoints of approvals: what they show and keep; of what changed meanwhile nothing is approved."""

from __future__ import annotations

from typing import Any

from tests.flows.review.conftest import Page


def approvals(page: Page) -> dict[str, Any]:
    answer = page.client.get(f"{page.place}/approvals")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_dub_of_an_earlier_version_can_be_approved_as_it_was_delivered(page: Page) -> None:
    before = approvals(page)["approval"]
    assert (before["state"], before["furthest"]) == ("draft", "master")
    answer = page.send("decisions", {"verdict": "approved", "seen": before["stages"]["master"]["content"]})
    assert answer.status_code == 201, answer.text
    assert (answer.json()["number"], answer.json()["new"]) == (1, True)
    after = approvals(page)
    assert after["approval"]["state"] == "approved"
    assert {line["state"] for line in after["lines"].values()} == {"approved"}
    assert after["decisions"][0]["words"] == "the master approved"
    assert page.send("decisions", {"verdict": "approved"}).json()["new"] is False


def test_what_changed_since_it_was_seen_is_not_approved(page: Page) -> None:
    seen = approvals(page)["approval"]["stages"]["script"]["content"]
    assert page.edit({"line": "2-0", "change": {"text": "Qué alegría."}}).status_code == 201
    answer = page.send("decisions", {"verdict": "approved", "stage": "script", "seen": seen})
    assert answer.status_code == 409
    assert answer.json()["error"]["what"] == "It changed since you saw it."
    again = answer.json()["approval"]["stages"]["script"]["content"]
    assert page.send("decisions", {"verdict": "approved", "stage": "script", "seen": again}).status_code == 201


def test_nor_is_a_line_that_changed_since_and_another_line_s_change_does_not_matter(page: Page) -> None:
    shown = approvals(page)["lines"]
    assert page.edit({"line": "2-0", "change": {"text": "Qué alegría."}}).status_code == 201

    def approve(key: str) -> int:
        body = {"verdict": "approved", "lines": [key], "seen_lines": {key: shown[key]["content"]}}
        return int(page.send("decisions", body).status_code)

    assert (approve("2-0"), approve("1-0")) == (409, 201)
    shown = approvals(page)["lines"]
    assert approve("2-0") == 201


def test_a_line_is_rejected_and_becomes_stale_with_what_changed(page: Page) -> None:
    assert page.send("decisions", {"verdict": "rejected", "lines": ["2-0"]}).status_code == 400  # without a reason
    said = {"verdict": "rejected", "lines": ["2-0"], "why": "too stiff"}
    assert page.send("decisions", said).status_code == 201
    line = approvals(page)["lines"]["2-0"]
    assert (line["state"], line["why"]) == ("rejected", "too stiff")
    assert page.edit({"line": "2-0", "change": {"text": "Qué alegría."}}).status_code == 201
    line = approvals(page)["lines"]["2-0"]
    assert (line["state"], line["stale"]) == ("edited", True)
    assert line["changed"] == ['text "Me alegra verte." -> "Qué alegría."']


def test_a_locked_language_refuses_edits_until_the_lock_is_taken_back(page: Page) -> None:
    assert page.send("decisions", {"verdict": "approved", "lock": True}).status_code == 201
    refused = page.edit({"line": "1-0", "change": {"text": "no"}})
    assert (refused.status_code, "is locked" in refused.json()["error"]["what"]) == (400, True)
    assert page.send("decisions/undo", {"number": 1}).status_code == 201
    assert page.edit({"line": "1-0", "change": {"text": "sí"}}).status_code == 201


def test_what_is_no_decision_is_refused(page: Page) -> None:
    for body, status in (
        ({"verdict": "perhaps"}, 422),
        ({"verdict": "approved", "stage": "sound"}, 422),
        ({"verdict": "approved", "lines": ["9-9"]}, 400),
        ({"verdict": "approved", "lines": ["1-0"], "stage": "picture"}, 400),
        ({"verdict": "approved", "who": "somebody else"}, 422),
        ({"verdict": "rejected", "why": "\x00"}, 422),
    ):
        assert page.send("decisions", body).status_code == status, body
    assert page.send("decisions/undo", {"number": 3}).status_code == 400
    assert approvals(page)["decisions"] == []
