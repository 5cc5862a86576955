"""Lines and stages of a dub are approved and rejected; an approval is of what was seen, and says what changed since."""

from __future__ import annotations

import datetime
import json
import shutil
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from configs.review import ReviewSettings
from flows.ask.plan import Request, plan
from flows.cli import app
from flows.dub.gate import Gates, HeldError, NotApprovedError
from flows.dub.making import Steps, speech
from flows.dub.to_look_at import script_to_look_at
from flows.kept.applied import Row
from flows.kept.approvals import Approvals
from flows.kept.approving import approvals_in_store, approvals_of, decide, decisions_of, take_back
from flows.kept.branches import branch_key, keep_attempt, keep_shared_work, known
from flows.kept.decisions import kept_decisions
from flows.kept.dub_lines import DubLines
from flows.kept.edit import FIELDS, Change, signed
from flows.kept.edited import edited_script
from flows.kept.keys import is_worded_by_people
from flows.kept.seen import SeenLine, kept_seen
from flows.kept.standing import standing
from flows.terminal.outcome import exit_code
from tasks.keep.archive import EDITS
from tasks.keep.store import store_at
from tasks.records.errors import BadInputError, PermanentError
from tasks.records.record import Asset
from tasks.records.result import BranchResult, Waits
from tasks.records.title import Run
from tasks.step.prefect import settled
from tasks.translate.task import translate
from tests.flows.test_edited_lines import CUES, Title

pytestmark = pytest.mark.usefixtures("store_folder")

ANA = {**signed(), "who": "ana"}
ALL = ["script", "premix", "picture"]


class Undubbed(Title):
    """The title before anything was dubbed."""

    def dub(self) -> tuple[set[str], int]:
        return set(), 0


class Reviewed:
    """A title with a dub in Spanish whose stages are approved, and what the next run of it waits for."""

    def __init__(self, title: Title) -> None:
        self.title = title
        self.steps: list[str] = []
        self.review(after=ALL)

    def review(self, **settings: Any) -> None:
        asked = ReviewSettings.model_validate(settings)
        profile = self.title.run.profile.model_copy(update={"review": asked})
        self.title.run = self.title.run.model_copy(update={"profile": profile})

    def run(self, mix: str = "a", picture: str = "a", language: str = "es", *, spoken: bool = False) -> Waits | None:
        """Dub up to where it waits; None where it is delivered.

        Args:
            mix: content of what is mixed.
            picture: of what is drawn.
            language: of the dub.
            spoken: make the speech too, which takes a while.
        """
        branch, steps = self.title.run.branch(language), Steps()
        now = known(branch)
        gates = Gates(now)
        self.steps = []
        try:
            if spoken:
                script, _ = speech(branch, self.title.work, now.edits, steps, gates)
            else:
                source, wanted = edited_script(branch, self.title.work, now.edits), now.edits
                made = settled(translate.submit(branch, source, wanted.texts, wanted.notes, wanted.kept))
                script = steps.take(made)
                gates.script(script, script_to_look_at(script, made.notes))
            gates.files("premix", {"mix": asset(mix)})
            gates.files("picture", {"picture": asset(picture)})
            gates.files("master", {"master": asset(mix + picture)})
        except HeldError as held:
            for place, one in held.waits.material.items():
                self._put(place, one)
            return held.waits
        finally:
            self.steps += [record.step for record in steps.ledger]
            self.notes = gates.notes
        self._put_script(language, script.model_dump_json())
        return None

    def _put(self, place: str, one: Asset) -> None:
        if place.endswith("script.json"):
            path = self.title.folder / place
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(one.uri, path)

    def _put_script(self, language: str, script: str) -> None:
        shutil.rmtree(self.title.folder / language / "review", ignore_errors=True)
        (self.title.folder / language).mkdir(exist_ok=True)
        (self.title.folder / language / "script.json").write_text(script)

    def dub(self, language: str = "es") -> DubLines:
        return DubLines(self.title.folder, language)

    def now(self, language: str = "es") -> Approvals:
        return approvals_of(self.dub(language))

    def approve(self, *lines: int, stage: Any = None, language: str = "es", lock: bool = False) -> None:
        decide(self.dub(language), "approved", ANA, stage, lines, lock=lock)

    def reject(self, why: str, *lines: int, stage: Any = None) -> None:
        decide(self.dub(), "rejected", {**ANA, "why": why}, stage, lines)

    def edit(self, line: int, **what: Any) -> None:
        dub = self.dub()
        dub.add([dub.edit(dub.row(line), Change(**what), signed())])

    def command(self, *words: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, [words[0], str(self.title.folder), "es", *words[1:]])
        assert done.exit_code == code, done.output
        return done.output


def asset(content: str) -> Asset:
    return Asset(uri=f"/nowhere/{content}.wav", sha256=content.encode().hex().ljust(64, "0"), bytes=1)


@pytest.fixture(scope="module")
def planned(short_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("planned")
    asked = Request([str(short_clip)], ["es"], str(folder / "out"), "fake", source_language="en")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POLYDUB_STORE", str(folder / "store"))
        return plan(asked)[0]


@pytest.fixture
def reviewed(planned: Run, store_folder: Path, tmp_path: Path) -> Reviewed:
    title = planned.title.model_copy(update={"folder": str(tmp_path / "out" / "clip")})
    return Reviewed(Undubbed(planned.model_copy(update={"title": title, "store": str(store_folder)})))


def test_each_stage_waits_before_the_next_costly_step(reviewed: Reviewed) -> None:
    waits = reviewed.run(spoken=True)
    assert waits is not None
    assert (waits.stage, reviewed.steps) == ("script", ["translate"])  # nothing is spoken
    assert list(waits.material) == ["es/review/script.json"]
    reviewed.approve()
    waits = reviewed.run(spoken=True)
    assert waits is not None
    assert (waits.stage, reviewed.steps) == ("premix", ["translate", "synthesize", "adapt", "fit"])
    reviewed.approve()
    waits = reviewed.run()
    assert waits is not None
    assert waits.stage == "picture"
    reviewed.approve()
    assert reviewed.run() is None
    assert reviewed.now().furthest == "master"


def test_what_was_approved_twice_is_one_decision(reviewed: Reviewed) -> None:
    reviewed.run()
    assert "the script approved (decision 1)" in reviewed.command("approve")
    assert "approved already by" in reviewed.command("approve", "--stage", "script")
    assert len(decisions_of(reviewed.title.run.branch("es")).records) == 1


def test_an_edit_after_the_approval_makes_it_stale_and_the_language_waits_again(reviewed: Reviewed) -> None:
    reviewed.run()
    reviewed.approve()
    assert reviewed.now().stage("script").state == "approved"
    reviewed.edit(2, text="Un placer.")
    found = reviewed.now().stage("script")
    assert (found.state, found.stale) == ("edited", True)
    assert found.changed == ('line 2: text "[es] Nice to see you here." -> "Un placer."',)
    waits = reviewed.run()
    assert waits is not None
    assert waits.stage == "script"
    assert waits.said == f"the script approved by ana, but changed since: {found.changed[0]}"


def test_an_edit_that_is_taken_back_leaves_the_approval_in_force(reviewed: Reviewed) -> None:
    reviewed.run()
    reviewed.approve()
    reviewed.edit(2, text="Un placer.")
    reviewed.dub().undo(1, signed())
    assert reviewed.now().stage("script").state == "approved"
    assert reviewed.run().stage == "premix"  # type: ignore[union-attr]


def test_after_one_edited_line_that_line_alone_is_approved_again(reviewed: Reviewed) -> None:
    reviewed.run()
    reviewed.approve()
    reviewed.edit(2, text="Un placer.")
    reviewed.run()
    assert {number: one.state for number, one in reviewed.now().lines.items()} == {
        1: "approved",
        2: "edited",
        3: "approved",
    }
    reviewed.approve(2)
    assert reviewed.now().stage("script").state == "approved"
    assert reviewed.run().stage == "premix"  # type: ignore[union-attr]


def test_a_script_is_approved_when_each_of_its_lines_is(reviewed: Reviewed) -> None:
    reviewed.run()
    reviewed.approve(1, 2)
    assert reviewed.run().stage == "script"  # type: ignore[union-attr]
    reviewed.approve(3)
    assert reviewed.run().stage == "premix"  # type: ignore[union-attr]


def test_a_line_that_is_rejected_holds_the_script_until_it_is_another_one(reviewed: Reviewed) -> None:
    reviewed.run()
    reviewed.approve()
    reviewed.reject("too stiff", 2)
    assert reviewed.now().lines[2].state == "rejected"
    waits = reviewed.run()
    assert waits is not None
    assert "line" in waits.said
    assert "too stiff" in waits.said
    reviewed.edit(2, text="Un placer.")
    assert reviewed.now().lines[2].state == "edited"
    reviewed.approve(2)
    assert reviewed.run().stage == "premix"  # type: ignore[union-attr]


def test_a_line_that_was_split_or_is_gone_makes_the_approval_stale(reviewed: Reviewed) -> None:
    reviewed.run()
    reviewed.approve()
    reviewed.command("edit", "2", "--split-at", "1.6")
    changed = reviewed.now().stage("script").changed
    assert any("line 2: end 2000 -> 1600" in one for one in changed)
    assert any("it is new" in one for one in changed)
    reviewed.command("edit", "--undo", "1")
    reviewed.command("edit", "2", "--merge-with-next")
    assert 'the line "See you next week." is gone' in reviewed.now().stage("script").changed


def test_a_cue_that_is_added_before_does_not_touch_the_approvals_of_the_lines_after_it(reviewed: Reviewed) -> None:
    reviewed.run()
    reviewed.approve()
    reviewed.title.cues((0, 250, "Hello."), *((a, b, text) for a, b, text in CUES))
    reviewed.run()
    found = reviewed.now()
    assert {number: one.state for number, one in found.lines.items()} == {
        1: "draft",
        2: "approved",
        3: "approved",
        4: "approved",
    }
    assert found.stage("script").changed == ("line 1: it is new",)


def test_a_level_is_of_the_premix_and_not_of_the_script(reviewed: Reviewed) -> None:
    reviewed.run()
    reviewed.approve()
    reviewed.run()
    reviewed.approve()
    reviewed.edit(1, level_db=3.0)
    found = reviewed.now()
    assert found.stage("script").state == "approved"
    assert found.stage("premix").changed == ("line 1: level db 0.0 -> 3.0",)


def test_whatever_a_person_can_decide_of_a_line_is_seen_by_who_approves_it() -> None:
    known = {field.name for field in fields(Row)} & set(FIELDS)
    assert known - {"mute"} <= set(SeenLine.model_fields)  # a muted line is one that says nothing


def test_another_mix_of_the_same_lines_makes_the_premix_stale(reviewed: Reviewed) -> None:
    for _ in ("script", "premix"):
        reviewed.run()
        reviewed.approve()
    waits = reviewed.run(mix="b")
    assert waits is not None
    assert (waits.stage, waits.said) == ("premix", "the premix approved by ana, but changed since: the mix")


def test_who_approved_the_master_approved_what_it_is_made_of(reviewed: Reviewed) -> None:
    reviewed.review(after=[])
    assert reviewed.run() is None
    reviewed.approve()
    reviewed.review(after=ALL)
    assert reviewed.run() is None


def test_a_rejected_picture_waits_until_it_is_another_one(reviewed: Reviewed) -> None:
    for _ in ("script", "premix"):
        reviewed.run()
        reviewed.approve()
    reviewed.run()
    reviewed.reject("his lips smear")
    waits = reviewed.run()
    assert waits is not None
    assert (waits.stage, "his lips smear" in waits.said) == ("picture", True)
    assert reviewed.now().lines[1].state == "approved"
    assert reviewed.now().language.state == "rejected"
    waits = reviewed.run(picture="b")
    assert waits is not None
    assert "changed since: the picture" in waits.said


def test_two_languages_wait_each_for_itself(reviewed: Reviewed) -> None:
    run = reviewed.title.run
    reviewed.title.run = run.model_copy(update={"title": run.title.model_copy(update={"languages": ("es", "fr")})})
    reviewed.review(after=["script"])
    assert reviewed.run() is not None
    assert reviewed.run(language="fr") is not None
    reviewed.approve()
    assert reviewed.run() is None
    assert reviewed.run(language="fr") is not None


def test_a_run_that_was_killed_between_goes_on_where_it_is_approved(reviewed: Reviewed) -> None:
    first = reviewed.run()
    again = reviewed.run()  # nothing of the first was kept but what is in the store
    assert first is not None
    assert again is not None
    assert (again.since, again.content) == (first.since, first.content)
    reviewed.approve()
    assert approvals_in_store(known(reviewed.title.run.branch("es"))).stage("script").state == "approved"  # type: ignore[union-attr]


def test_an_approved_script_is_spoken_word_for_word(reviewed: Reviewed) -> None:
    held = reviewed.title.run.branch("es")
    reviewed.review(after=["premix"])
    free = reviewed.title.run.branch("es")
    assert branch_key(held) != branch_key(free)
    assert (is_worded_by_people(held), is_worded_by_people(free)) == (True, False)


def test_it_waits_only_for_what_there_is_to_look_at(reviewed: Reviewed) -> None:
    reviewed.review(after=ALL, when="qc")
    waits = reviewed.run()
    assert waits is not None
    assert waits.why == ("The translation is invented (fake backend).",)
    reviewed.approve()
    assert reviewed.run() is None  # of premix and picture nothing was told
    assert reviewed.notes[0] == "The premix had nothing to look at: it was not waited for its approval."


@pytest.mark.parametrize("outcome", ["continue", "fail"])
def test_a_wait_that_is_over_ends_as_the_profile_says(
    reviewed: Reviewed, outcome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reviewed.review(after=["script"], deadline="2h", on_timeout=outcome, assignee="ana")
    waits = reviewed.run()
    assert waits is not None
    assert str(waits).startswith(f"waits for approval of the script by ana until {waits.until}")
    late = datetime.datetime.fromisoformat(waits.until) + datetime.timedelta(seconds=1)
    monkeypatch.setattr("flows.dub.gate._now", lambda: late)
    if outcome == "fail":
        with pytest.raises(NotApprovedError, match="Nobody approved the script until"):
            reviewed.run()
        reviewed.approve()
        assert reviewed.run() is None
        return
    for _ in range(2):
        assert reviewed.run() is None
        assert "it went on, as the profile says" in reviewed.notes[0]
    assert [one.verdict for one in decisions_of(reviewed.title.run.branch("es")).records] == ["timeout"]
    assert reviewed.now().stage("script").state == "draft"  # nobody approved it


def test_what_was_rejected_does_not_go_on_by_itself(reviewed: Reviewed, monkeypatch: pytest.MonkeyPatch) -> None:
    reviewed.review(after=["script"], deadline="1h", on_timeout="continue")
    reviewed.run()
    reviewed.reject("wrong")
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=2)
    monkeypatch.setattr("flows.dub.gate._now", lambda: later)
    assert reviewed.run() is not None


def test_a_preview_waits_for_nobody(reviewed: Reviewed) -> None:
    run = reviewed.title.run
    reviewed.title.run = run.model_copy(update={"title": run.title.model_copy(update={"preview_ms": 4000})})
    assert not Gates(known(reviewed.title.run.branch("es"))).waits_after("premix")


def test_a_locked_language_takes_no_edit(reviewed: Reviewed) -> None:
    reviewed.run()
    reviewed.approve(lock=True)
    assert reviewed.now().language.state == "locked"
    assert {one.state for one in reviewed.now().lines.values()} == {"locked"}
    with pytest.raises(BadInputError, match="is locked in es by ana"):
        reviewed.edit(1, text="no")
    assert "locked" in reviewed.command("edit", "1", "--text", "no", code=2)
    reviewed.command("approve", "--undo", "1")
    reviewed.edit(1, text="yes")


def test_a_decision_is_taken_back_by_another_one(reviewed: Reviewed) -> None:
    reviewed.run()
    reviewed.approve()
    take_back(reviewed.dub(), 1, ANA)
    assert reviewed.now().stage("script").state == "draft"
    assert reviewed.run().stage == "script"  # type: ignore[union-attr]
    take_back(reviewed.dub(), 2, ANA)
    assert reviewed.now().stage("script").state == "approved"
    history = reviewed.command("approve", "--history")
    assert "3  " in history
    assert "decision 2 taken back" in history
    with pytest.raises(BadInputError, match="There is no decision 9"):
        take_back(reviewed.dub(), 9, ANA)


def test_the_summary_says_what_was_decided_at_once(reviewed: Reviewed) -> None:
    reviewed.run()
    path = reviewed.title.folder / "summary.json"
    path.write_text(json.dumps({"languages": {"es": {"state": "waiting"}}}))
    reviewed.reject("no", stage="script")
    approval = json.loads(path.read_text())["languages"]["es"]["approval"]
    assert (approval["state"], approval["who"], approval["why"]) == ("rejected", "ana", "no")
    assert approval["stages"]["script"]["state"] == "rejected"


def test_what_cannot_be_decided_is_refused(reviewed: Reviewed) -> None:
    reviewed.run()
    assert "has no premix" in reviewed.command("approve", "--stage", "premix", code=2)
    assert "no stage" in reviewed.command("approve", "--stage", "sound", code=2)
    assert "no line 9" in reviewed.command("approve", "--line", "9", code=2)
    assert "A rejection says why" in reviewed.command("reject", "--because", " ", code=2)
    reviewed.command("edit", "2", "--source", "Nice to meet you.")
    assert "Lines 2 are translated again by the next run" in reviewed.command("approve", code=2)
    reviewed.run()
    reviewed.command("approve")


def test_damaged_approvals_approve_nothing(reviewed: Reviewed, store_folder: Path) -> None:
    reviewed.run()
    reviewed.approve()
    (path,) = (store_folder / "records" / "title-decisions").rglob("*.json")
    path.write_text('[{"verdict": "approved", "stage": "everything"}]')
    with pytest.raises(PermanentError, match="damaged"):
        reviewed.run()
    path.write_text("[")
    with pytest.raises(PermanentError, match="cannot be read"):
        reviewed.run()


def test_the_content_that_an_approval_names_is_kept(reviewed: Reviewed) -> None:
    reviewed.run()
    reviewed.approve()
    (one,) = decisions_of(reviewed.title.run.branch("es")).records
    seen = kept_seen(store_at(reviewed.title.run.store), one.content)
    assert seen is not None
    assert (seen.stage, seen.lines[0].text) == ("script", "[es] Good morning.")
    assert kept_seen(store_at(reviewed.title.run.store), "0" * 64) is None


def test_each_stage_names_who_approved_that_very_stage(reviewed: Reviewed) -> None:
    reviewed.run()
    reviewed.approve()
    reviewed.run()
    decide(reviewed.dub(), "approved", {**signed(), "who": "bo"})
    found = reviewed.now()
    assert [found.stage(stage).decision.who for stage in ("script", "premix")] == ["ana", "bo"]  # type: ignore[union-attr, arg-type]


def test_decisions_travel_with_a_title_to_another_store(
    reviewed: Reviewed, store_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reviewed.run()
    reviewed.approve()
    branch = reviewed.title.run.branch("es")
    title, store = reviewed.title.run.title, store_at(str(store_folder))
    named = kept_decisions(store, title.name, title.video.sha256, "es")
    assert {kind for kind, _ in named} == {"title-decisions", "seen-stages", "seen", "seen-lines"}
    there = store_at(str(tmp_path / "other"))
    for kind, key in named:
        assert kind in EDITS
        there.write_note(kind, key, store.read_note(kind, key))
    moved = branch.model_copy(update={"store": str(tmp_path / "other")})
    keep_shared_work(moved, reviewed.title.work)
    assert approvals_in_store(known(moved)).stage("script").state == "approved"  # type: ignore[union-attr]


def test_a_batch_says_what_waits_for_whom(reviewed: Reviewed) -> None:
    reviewed.review(after=["script"], assignee="ana", deadline="2d")
    branch, waits = reviewed.title.run.branch("es"), reviewed.run()
    assert waits is not None
    keep_attempt(branch, BranchResult(language="es", state="waiting", key=branch_key(branch), waits=waits))
    found = standing(branch)
    assert (found.state, found.left_s, found.why) == ("waiting", 0.0, str(waits))
    assert found.waits is not None
    assert {name: found.waits[name] for name in ("stage", "assignee", "until")} == {
        "stage": "script",
        "assignee": "ana",
        "until": waits.until,
    }
    reviewed.approve()
    found = standing(branch)
    assert found.approval is not None
    assert (found.approval["state"], found.why) == ("approved", "the script is approved by ana: the next run goes on")


def test_settings_of_a_review_are_checked() -> None:
    assert ReviewSettings.model_validate({"after": "picture, script"}).after == ("script", "picture")
    with pytest.raises(ValidationError, match="no stage 'sound'"):
        ReviewSettings.model_validate({"after": ["sound"]})
    with pytest.raises(ValidationError, match="no length of time"):
        ReviewSettings.model_validate({"deadline": "soon"})
    own = ReviewSettings.model_validate({"after": ["premix"], "assignee": "ana"})
    assert own.also(("script",)) == ReviewSettings.model_validate({"after": ["script", "premix"], "assignee": "ana"})


def test_a_command_whose_title_waits_ends_with_4_and_with_3_where_another_language_failed() -> None:
    title = {"delivered": 0, "failed": 0, "waiting": 1, "state": "waiting", "error": None}
    assert exit_code([title]) == 4
    assert exit_code([{**title, "delivered": 1}]) == 4
    assert exit_code([{**title, "failed": 1}]) == 3
