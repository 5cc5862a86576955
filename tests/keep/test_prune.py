"""What is cleaned out of a store is what nobody needs: by age, by size, and never what a latest result stands on."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from flows.cli import app
from tasks.keep.inventory import inventory
from tasks.keep.overview import UNNAMED, by_kind, by_title, pin, pins
from tasks.keep.places import place_of
from tasks.keep.prune import Rule, planned, prune, pruned_on
from tasks.keep.store import Store
from tasks.records.made import Laid
from tasks.records.record import Asset
from tasks.records.step_record import StepRecord

DAY = 86400.0
NOW = time.time()


@pytest.fixture
def shelf(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def blob(store: Store, content: str) -> Asset:
    path = store.root / "tmp" / "new.wav"
    path.write_bytes(content.encode() * 100)
    return store.add(path)


def step(store: Store, name: str, key: str, content: str) -> Asset:
    asset = blob(store, content)
    store.commit(StepRecord[Laid](step=name, key=key, value=Laid(dialogue=asset)))
    return asset


def title(store: Store, name: str, settings: str, source: str = "5", **languages: str) -> None:
    """A title with one step a language, under its content key; ``settings`` is another attempt's where it differs."""
    shared = f"{settings}{source}aa"
    branches = []
    for tag, content in languages.items():
        key = f"{settings}{source}b{tag.encode().hex()}"
        made = step(store, "fit", f"{settings}{source}c{tag.encode().hex()}", content)
        use = {"step": "fit", "seconds": 1.0, "reused": False, "key": f"{settings}{source}c{tag.encode().hex()}"}
        branch: dict[str, Any] = {"title": name, "source": source, "language": tag, "key": key, "steps": [use]}
        branch["outputs"] = {f"{name}.{tag}.mp4": made.model_dump()}
        store.write_note("branch", key, branch)
        store.write_note("progress", key, {"ended": True})
        branches.append(branch)
    store.write_note("shared", shared, {})
    store.write_note(
        "title", f"{shared}-{name.encode().hex()}", {"title": name, "source": source, "branches": branches}
    )


def aged(store: Store, days: float, *, newer_than: float | None = None) -> None:
    """Everything that is there now was last used so many days ago."""
    for path in store.root.rglob("*"):
        if path.is_file() and (newer_than is None or path.stat().st_mtime >= newer_than):
            os.utime(path, (NOW - days * DAY, NOW - days * DAY))


def left(store: Store, rule: Rule) -> tuple[list[str], set[str]]:
    """The names of the titles that go, and what still can be read of blobs, after the rule was applied."""
    found = inventory(place_of(store.where)[0])
    pruning = planned(found, rule, NOW)
    freed = prune(store, pruning)
    assert freed == pruning.bytes
    after = inventory(place_of(store.where)[0])
    pruned_notes = sum(entry.file.bytes for entry in after.entries if entry.kind == "pruned")
    assert after.bytes - pruned_notes == pruning.left
    texts = {Path(store.where, file.name).read_bytes().decode()[0] for file in after.blobs.values()}
    return [gone.title for gone in pruning.titles], texts


def test_only_files_that_no_record_names_go_without_a_rule(shelf: Store) -> None:
    title(shelf, "talk", "1", es="e")
    blob(shelf, "x")
    aged(shelf, 400)
    assert left(shelf, Rule()) == ([], {"e"})


def test_by_age_what_was_not_used_for_longer_goes_with_all_that_it_alone_stands_on(shelf: Store) -> None:
    title(shelf, "old", "1", es="e", fr="f")
    aged(shelf, 40)
    title(shelf, "new", "2", es="n", it="f")  # its Italian is the same file as the old title's French
    aged(shelf, 20, newer_than=NOW - 30 * DAY)
    assert left(shelf, Rule(older_s=30 * DAY)) == (["old"], {"n", "f"})
    assert shelf.lookup("fit", "15c" + b"fr".hex(), Laid) is None
    assert shelf.lookup("fit", "25c" + b"it".hex(), Laid) is not None
    assert shelf.read_note("progress", "15b" + b"es".hex()) is None


def test_a_step_that_was_found_is_used_now(shelf: Store) -> None:
    title(shelf, "talk", "1", es="e")
    aged(shelf, 40)
    assert shelf.lookup("fit", "15c" + b"es".hex(), Laid)
    assert left(shelf, Rule(older_s=30 * DAY)) == (["talk"], {"e"})


def test_the_latest_result_stays_and_what_it_superseded_goes(shelf: Store) -> None:
    title(shelf, "talk", "1", es="e", fr="f")
    aged(shelf, 90)
    title(shelf, "talk", "2", es="E")  # Spanish again, with other settings; French was not asked for
    aged(shelf, 60, newer_than=NOW - 80 * DAY)
    assert left(shelf, Rule(older_s=30 * DAY, keep_latest=True))[1] == {"E", "f"}


def test_titles_of_one_name_from_two_videos_are_two(shelf: Store) -> None:
    title(shelf, "talk", "1", source="5", es="a")
    title(shelf, "talk", "1", source="6", es="b")
    aged(shelf, 90)
    assert left(shelf, Rule(older_s=30 * DAY, keep_latest=True)) == ([], {"a", "b"})


def test_a_take_of_a_delivered_line_stays_for_the_next_edit_and_one_that_was_not_chosen_goes(shelf: Store) -> None:
    title(shelf, "talk", "1", es="e")
    step(shelf, "synthesize-line", "9c", "e")
    step(shelf, "synthesize-line", "9d", "x")
    aged(shelf, 90)
    assert left(shelf, Rule(older_s=30 * DAY, keep_latest=True)) == ([], {"e"})
    assert shelf.lookup("synthesize-line", "9c", Laid)
    assert shelf.lookup("synthesize-line", "9d", Laid) is None


def test_a_pinned_title_stays_whatever_its_age(shelf: Store) -> None:
    for name, settings in (("keep", "1"), ("drop", "2")):
        title(shelf, name, settings, es=name[0])
    pin(shelf, "keep", True)
    pin(shelf, "drop", True)
    pin(shelf, "drop", False)
    aged(shelf, 90)
    pinned = pins(shelf, inventory(place_of(shelf.where)[0]))
    assert left(shelf, Rule(older_s=30 * DAY, pinned=pinned)) == (["drop"], {"k"})


def test_down_to_a_size_the_longest_unused_goes_first(shelf: Store) -> None:
    for number, name in enumerate(("c", "b", "a"), start=1):
        title(shelf, name, str(number), es=name)
        aged(shelf, 40 - 10 * number, newer_than=NOW - DAY)
    total = inventory(place_of(shelf.where)[0]).bytes
    assert left(shelf, Rule(quota=total - 50)) == (["c"], {"a", "b"})


def test_what_was_made_or_used_within_a_day_stays_whatever_the_rule(shelf: Store) -> None:
    title(shelf, "talk", "1", es="e")
    blob(shelf, "x")
    assert left(shelf, Rule(older_s=0, quota=0)) == ([], {"e", "x"})


def test_what_a_run_uses_between_the_plan_and_the_removal_stays_with_its_files(shelf: Store) -> None:
    title(shelf, "talk", "1", es="e")
    aged(shelf, 90)
    place, _ = place_of(shelf.where)
    pruning = planned(inventory(place), Rule(older_s=DAY), NOW)
    found = shelf.lookup("fit", "15c" + b"es".hex(), Laid)
    assert found
    prune(shelf, pruning)
    assert shelf.holds(found.value.dialogue)
    assert shelf.lookup("fit", "15c" + b"es".hex(), Laid)


def test_the_next_run_is_told_once_why_it_begins_anew(shelf: Store) -> None:
    title(shelf, "talk", "1", es="e")
    aged(shelf, 90)
    left(shelf, Rule(older_s=DAY))
    assert pruned_on(shelf, "talk")
    assert pruned_on(shelf, "talk") is None


def test_edits_and_texts_that_were_paid_for_stay(shelf: Store) -> None:
    shelf.write_note("title-edits", "ab", [{"text": "mine", "script": ""}])
    shelf.write_note("translate-line", "ac", {"text": "bought"})
    aged(shelf, 900)
    left(shelf, Rule(older_s=DAY, quota=0))
    assert shelf.read_note("title-edits", "ab") == [{"text": "mine", "script": ""}]
    assert shelf.read_note("translate-line", "ac") == {"text": "bought"}


def test_sizes_are_told_by_title_and_by_kind(shelf: Store) -> None:
    title(shelf, "big", "1", es="e", fr="f")
    title(shelf, "small", "2", es="s")
    blob(shelf, "x")
    found = inventory(place_of(shelf.where)[0])
    sizes = by_title(found, {"small"})
    assert [(one.title, one.languages, one.bytes, one.pinned) for one in sizes] == [
        ("big", ("es", "fr"), 200, False),
        ("small", ("es",), 100, True),
    ]
    kinds = {one.kind: one for one in by_kind(found)}
    assert (kinds["fit"].files, kinds[UNNAMED].bytes) == (6, 100)
    assert sum(one.bytes for one in kinds.values()) == found.bytes


def test_the_command_says_what_goes_asks_and_refuses_what_is_no_age(
    shelf: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLYDUB_STORE", shelf.where)
    title(shelf, "talk", "1", es="e")
    aged(shelf, 90)

    def asked(*words: str, answer: str = "") -> Any:
        return CliRunner().invoke(app, ["store", *words], input=answer)

    refused = asked("prune", "--older", "30 days")
    assert refused.exit_code == 2
    assert "36h, 30d, 8w" in refused.stderr
    declined = asked("prune", "--older", "30d", answer="n\n")
    assert "talk (es), last used 90 days ago: made from the beginning if dubbed again" in declined.stderr
    assert "talk" in asked().stdout
    assert asked("prune", "--older", "30d", "--dry-run").exit_code == 0
    assert "talk" in asked().stdout
    assert asked("pin", "other").exit_code == 2
    assert asked("pin", "talk").exit_code == 0
    above = asked("prune", "--quota", "0MB", "--yes")
    assert (above.exit_code, "above the quota" in above.stderr) == (1, True)
    assert asked("unpin", "talk").exit_code == 0
    assert "freed" in asked("prune", "--older", "30d", "--yes").stderr
    assert "talk" not in asked().stdout
