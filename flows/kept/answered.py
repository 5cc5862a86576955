"""Finished titles are answered from the store, without starting Prefect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from configs.delivery import ALWAYS
from flows.ask.naming import take
from flows.kept.branches import finished, shared_work
from flows.kept.deliver import DamagedError, clear_review, clear_sidecar, deliver
from flows.kept.delivered import FOLDER, deliver_whole
from flows.kept.keys import signing_facts
from flows.kept.summary import TitleResult, earlier_languages, keep_title_result, title_result, write_summary
from tasks.keep.store import store_at
from tasks.records.title import Run


def answered_from_store(run: Run) -> dict[str, Any] | None:
    """The summary of a title whose every language is finished, its deliverables put in place; None otherwise."""
    work, previous = shared_work(run), title_result(run)
    if work is None or previous is None or previous.multi is None:
        return None
    branches = [branch for language in run.title.languages if (branch := finished(run.branch(language)))]
    packed = {branch.language for branch in (*branches, *earlier_languages(run))}
    if len(branches) < len(run.title.languages) or packed != set(previous.multi_languages):
        return None
    if not _has_presets(run, previous, packed):
        return None
    place = f"{run.title.name}{work.facts.multi_ending}"
    multi = {place: previous.multi, **previous.beside}
    if previous.signed != signing_facts(run) or not all(store_at(run.store).holds(asset) for asset in multi.values()):
        return None
    if not take(run):
        return None
    outputs = {place: asset for branch in branches for place, asset in branch.outputs.items()}
    try:
        replaced = deliver(Path(run.title.folder), {**outputs, **multi})
        for one in previous.deliveries:
            deliver_whole(Path(run.title.folder) / FOLDER / one.preset, one.outputs)
    except DamagedError:
        return None  # the flow finds it so, and runs the step again
    clear_sidecar(Path(run.title.folder), place, multi)
    for branch in branches:
        clear_review(Path(run.title.folder), branch.language)
    notes = tuple(f"{place} differed from the delivered file: it was restored." for place in replaced)
    steps = tuple(use.model_copy(update={"reused": True, "seconds": 0.0, "hits": use.parts}) for use in work.steps)
    found = {
        "work": work.model_copy(update={"steps": steps}),
        "branches": tuple(branches),
        "failure": None,
        "notes": (*previous.notes, *notes),
    }
    keep_title_result(run, previous)  # it counts as used now
    return write_summary(run, previous.model_copy(update=found))


def _has_presets(run: Run, previous: TitleResult, languages: set[str]) -> bool:
    """Whether the last result delivered the very presets that are asked for, with these languages."""
    store = store_at(run.store)
    asked = [name for name in run.profile.deliver if name != ALWAYS]
    return [one.preset for one in previous.deliveries] == asked and all(
        one.failure is None
        and set(one.languages) == languages
        and all(store.holds(asset) for asset in one.outputs.values())
        for one in previous.deliveries
    )
