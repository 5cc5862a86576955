"""Approve or reject a dub, or lines of it: what a command, a page and Prefect's form do. No Prefect."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from configs.review import Stage
from flows.kept.approvals import Approvals
from flows.kept.branches import Known, edits_of, name_of
from flows.kept.decision import Decision
from flows.kept.decisions import Decisions
from flows.kept.deliver import write_json
from flows.kept.dub_lines import DubLines
from flows.kept.seen import Seen, SeenLine, Stages, keep_seen, lines_now, lines_seen
from tasks.keep.digests import Digests
from tasks.keep.folder import Folder
from tasks.keep.store import store_at, store_root
from tasks.records.errors import BadInputError
from tasks.records.title import Branch


def approvals_of(dub: DubLines) -> Approvals:
    """The decisions about a delivered or waiting dub, beside what it is now."""
    rows, onto = dub.applied.rows, dub.edits.onto(dub.lines)
    now = _now(_made(dub), dub.script, lambda made: lines_now(rows, made, onto, dub.machine))
    return Approvals(dub.store, dub.decisions.in_force, now, rows, onto)


def approvals_in_store(known: Known) -> Approvals | None:
    """The same by what the store knows of a branch; None where nobody decided anything about it."""
    branch, work = known.branch, known.work
    if work is None or branch.title.preview_ms:
        return None
    decisions = decisions_of(branch).in_force
    if not decisions:
        return None
    edits, rows = edits_of(branch), known.edits.rows
    onto, script = edits.onto(work.script.lines), edits.keep_script(work.script.lines)
    now = _now(stages_of(branch).made(), script, lambda made: lines_now(rows, made, onto, lambda row: None))
    return Approvals(store_at(branch.store), decisions, now, rows, onto)


def _now(
    made: Mapping[Stage, Seen], script: str, lines_of: Callable[[Seen], tuple[SeenLine, ...]]
) -> dict[Stage, Seen]:
    """Every stage as it is now; those that were made of the same lines have the same ones."""
    known: dict[tuple[str, int], tuple[SeenLine, ...]] = {}
    found: dict[Stage, Seen] = {}
    for stage, seen in made.items():
        key = seen.script, id(seen.lines)
        if key not in known:
            known[key] = lines_of(seen)
        found[stage] = seen.model_copy(update={"script": script, "lines": known[key]})
    return found


def decisions_of(branch: Branch) -> Decisions:
    """Every decision about a branch."""
    return Decisions(store_at(branch.store), name_of(branch), branch.title.video.sha256, branch.language)


def stages_of(branch: Branch) -> Stages:
    """What the last run made of a branch."""
    return Stages(store_at(branch.store), name_of(branch), branch.title.video.sha256, branch.language)


def decide(
    dub: DubLines,
    verdict: Literal["approved", "rejected"],
    sign: dict[str, Any],
    stage: Stage | None = None,
    lines: Sequence[int] = (),
    *,
    lock: bool = False,
) -> tuple[Decision, bool]:
    """Approve or reject what there is; returns the decision, and whether it is new.

    Args:
        dub: the language of a title.
        verdict: what is decided.
        sign: who, when, why, and ``source``.
        stage: of which; None: the last one that was made, of lines the script.
        lines: these alone, by number; empty: all of it.
        lock: nothing of the language is edited any more.

    Raises:
        BadInputError: there is no such stage or line yet, or a rejection does not say why.
    """
    approvals = approvals_of(dub)
    chosen = stage or ("script" if lines else approvals.furthest)
    if lines and (chosen != "script" or lock):
        raise BadInputError("Lines are approved in the script; the language is locked as a whole.", "Leave out --line.")
    if verdict == "rejected" and not str(sign.get("why") or "").strip():
        raise BadInputError("A rejection says why.", "Give --because TEXT.")
    now = approvals.now.get(chosen) if chosen else None
    if now is None or chosen is None:
        made = ", ".join(approvals.now) or "none"
        raise BadInputError(
            f"{dub.title} has no {chosen or 'stage'} in {dub.language} to decide about (made so far: {made}).",
            "Run the title first.",
        )
    if unknown := [number for number in lines if number not in approvals.lines]:
        raise BadInputError(f"{dub.title} has no line {unknown[0]} in {dub.language}.")
    if any(line.text is None and not line.keep and line.of for line in now.lines) and not lines:
        _refuse_unknown(dub, approvals, chosen)
    named = set(lines)
    looked_at = tuple(line for line in now.lines if line.id in named)
    seen = keep_seen(dub.store, now.model_copy(update={"lines": looked_at, "files": {}}) if lines else now)
    refs = tuple(line.ref for line in looked_at)
    wanted = Decision(**sign, verdict=verdict, stage=chosen, lines=refs, lock=lock, content=seen)
    if (same := _same(approvals, wanted)) is not None:
        return same, False
    added = dub.decisions.add(wanted)
    tell_summary(dub)
    return added, True


def take_back(dub: DubLines, number: int, sign: dict[str, Any]) -> Decision:
    """Take a decision back, by a record that is added.

    Args:
        dub: the language of a title.
        number: of the decision.
        sign: who, when, why, and ``source``.

    Raises:
        BadInputError: there is none of that number, or it is taken back already.
    """
    records = {one.number: one for one in dub.decisions.records}
    stage = records[number].stage if number in records else "master"
    added = dub.decisions.add(Decision(**sign, stage=stage, undoes=number))
    tell_summary(dub)
    return added


def tell_summary(dub: DubLines) -> None:
    """Have the ``summary.json`` beside a dub say what was decided; a run writes it too."""
    path = dub.folder / "summary.json"
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        summary = json.loads(path.read_bytes())
        summary["languages"][dub.language]["approval"] = approvals_of(dub).as_json()
        write_json(path, summary)


def _made(dub: DubLines) -> dict[Stage, Seen]:
    """Every stage that was made of a dub; all of them of one that was delivered by a version that did not say."""
    stages = Stages(dub.store, dub.name, dub.sha256, dub.language)
    names = (f"{dub.title}.{dub.language}{ending}" for ending in (".mp4", ".m4a"))
    master = next((path for name in names if (path := dub.folder / name).is_file()), dub.folder / dub.title)
    if (made := stages.made()) or not master.is_file() or not dub.is_delivered:
        return made
    texts = {row.line.id: text for row in dub.rows if (text := dub.machine(row)) is not None}
    files = {"master": Digests(Folder(store_root())).of(master)[0]}
    lines = lines_seen([replace(row, text=None, mute=False) for row in dub.rows], texts)
    stages.assume(Seen(stage="master", script=dub.script, lines=lines, files=files))
    return stages.made()


def _refuse_unknown(dub: DubLines, approvals: Approvals, stage: Stage) -> None:
    """What is to be translated again has not been seen by anybody."""
    before = _made(dub)[stage]
    known = {(line.part, line.of) for line in before.lines if line.text is None and not line.keep}
    new = [line.id for line in approvals.now[stage].lines if line.text is None and not line.keep]
    fresh = [line.id for line in approvals.now[stage].lines if line.id in new and (line.part, line.of) not in known]
    if fresh:
        numbers = ", ".join(map(str, fresh))
        raise BadInputError(
            f"Lines {numbers} are translated again by the next run.", "Run the title first, then decide."
        )


def _same(approvals: Approvals, wanted: Decision) -> Decision | None:
    """The decision by which this was decided already; a lock or another verdict is new."""
    assert wanted.stage in approvals.now
    numbers = [line.id for line in approvals.now["script"].lines if line.ref in wanted.lines] if wanted.lines else []
    judged = [approvals.lines[number] for number in numbers] if numbers else [approvals.stage(wanted.stage)]
    found = [one.decision for one in judged if one.decision and one.state == wanted.verdict and not one.stale]
    if len(found) < len(judged) or (wanted.lock and not any(one and one.lock for one in found)):
        return None
    return found[-1] if wanted.verdict == "approved" or found[-1].why == wanted.why else None
