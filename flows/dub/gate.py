"""Where a language waits for approval, before the next costly step. No Prefect."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from configs.review import STAGES, Gate, Stage
from flows.kept.approvals import Approvals, told_of
from flows.kept.approving import decisions_of, stages_of
from flows.kept.branches import Known, edits_of
from flows.kept.decision import Decision
from flows.kept.deliver import REVIEW
from flows.kept.seen import Seen, keep_seen, lines_seen
from tasks.keep.store import Store, step_key, store_at
from tasks.records.errors import TransientError
from tasks.records.record import Asset
from tasks.records.result import Waits
from tasks.records.script import Script


class HeldError(Exception):
    """A language waits for approval."""

    def __init__(self, waits: Waits) -> None:
        super().__init__(str(waits))
        self.waits = waits


class NotApprovedError(TransientError):
    """Nobody approved a stage in time, and the profile says that it fails then; an approval may still come."""


class Gates:
    """The stages of one language as they are made: each is remembered, and waited at where that is asked for.

    A preview is to be looked at, so it waits nowhere and is not approved.

    Args:
        now: the language, and what it depends on.

    Attributes:
        notes: what was passed without approval, and why.
    """

    def __init__(self, now: Known) -> None:
        self._now, self._branch = now, now.branch
        self._settings = now.branch.profile.review
        self._store: Store = store_at(now.branch.store)
        self._made = Seen(stage="script")
        self._material: dict[str, Asset | Script] = {}
        self.notes: list[str] = []

    def waits_after(self, stage: Gate) -> bool:
        """Whether a language may wait after a stage."""
        return stage in self._settings.after and not self._branch.title.preview_ms

    def skipped(self) -> list[Stage]:
        """Stages at which it was to wait, and which are never there by themselves."""
        return [stage for stage in self._settings.after if stage != "picture"]

    def script(self, script: Script, look: Sequence[str]) -> None:
        """The script is made.

        Args:
            script: in the dub's language.
            look: what there is to look at, in words.

        Raises:
            HeldError: it waits for approval.
            NotApprovedError: nobody approved it in time.
        """
        texts = {line.id: line.text for line in script.lines}
        work = self._now.work
        assert work is not None  # there is a script only then
        source = edits_of(self._branch).keep_script(work.script.lines) if not self._branch.title.preview_ms else ""
        self._made = Seen(stage="script", script=source, lines=lines_seen(self._now.edits.rows, texts))
        self._material["script.json"] = script
        self._after("script", look)

    def files(self, stage: Stage, made: Mapping[str, Asset | None], look: Sequence[str] = ()) -> None:
        """Files of a stage are made; raises as `script`.

        Args:
            stage: of which they are.
            made: by name, in the order of `flows.kept.seen.files_of`; None: nothing was changed.
            look: what there is to look at, in words.
        """
        told = {name: asset.sha256 if asset else "" for name, asset in made.items()}
        self._made = self._made.model_copy(update={"stage": stage, "files": {**self._made.files, **told}})
        self._material |= {f"{name}{Path(asset.uri).suffix}": asset for name, asset in made.items() if asset}
        self._after(stage, look)

    def _after(self, stage: Stage, look: Sequence[str]) -> None:
        if self._branch.title.preview_ms:
            return
        content = stages_of(self._branch).reached(self._made)
        if stage not in self._settings.after:
            return
        if self._settings.when == "qc" and not look:
            self.notes.append(f"The {stage} had nothing to look at: it was not waited for its approval.")
            return
        edits, work, rows = edits_of(self._branch), self._now.work, self._now.edits.rows
        assert work is not None
        now = {one: self._made for one in STAGES[: STAGES.index(stage) + 1]}
        decisions = decisions_of(self._branch)
        found = Approvals(self._store, decisions.in_force, now, rows, edits.onto(work.script.lines)).stage(stage)
        passed = found.decision is not None and not found.stale and found.decision.verdict == "timeout"
        if found.state == "approved" or passed:
            if passed:
                self.notes.append(f"The {stage} was not approved in time: it went on, as the profile says.")
            return
        waits = self._waits(stage, content, look, told_of(found))
        if found.state != "rejected" and waits.until and _now() >= datetime.datetime.fromisoformat(waits.until):
            self._timed_out(stage, waits)
            return
        if found.state == "rejected":
            waits = waits.model_copy(update={"until": ""})  # somebody decided: it does not go on by itself
        raise HeldError(waits.model_copy(update={"material": self._to_look_at()}))

    def _waits(self, stage: Stage, content: str, look: Sequence[str], said: str) -> Waits:
        settings, began = self._settings, self._began(stage)
        ends = settings.ends(datetime.datetime.fromisoformat(began))
        return Waits(
            stage=stage,
            content=content,
            why=tuple(dict.fromkeys(look)),
            assignee=settings.assignee,
            since=began,
            until=ends.isoformat(timespec="seconds") if ends else "",
            on_timeout=settings.on_timeout,
            said=said,
        )

    def _began(self, stage: Stage) -> str:
        """When this content began to wait; it is the same however often it is run again."""
        facts = {"content": self._made.facts(stage), "stage": stage, "key": self._branch.title.video.sha256}
        key = step_key("waits-since", 1, inputs={**facts, "language": self._branch.language})
        began: Any = self._store.change_note(
            "waits-since", key, lambda there: there or _now().isoformat(timespec="seconds")
        )
        return str(began)

    def _timed_out(self, stage: Stage, waits: Waits) -> None:
        if waits.on_timeout == "fail":
            raise NotApprovedError(
                f"Nobody approved the {stage} until {waits.until}.",
                "Approve it (`polydub approve`) and run the title again.",
            )
        why = f"Nobody decided until {waits.until}."
        seen = keep_seen(self._store, self._made)
        when = _now().isoformat(timespec="seconds")
        timeout = Decision(when=when, why=why, source="deadline", verdict="timeout", stage=stage, content=seen)
        decisions_of(self._branch).add(timeout)
        self.notes.append(f"The {stage} was not approved until {waits.until}: it went on, as the profile says.")

    def _to_look_at(self) -> dict[str, Asset]:
        """What there is to look at, as files of the title's folder."""
        found = {}
        for name, one in self._material.items():
            if isinstance(one, Script):
                with self._store.workspace("review") as folder:
                    (folder / name).write_text(one.model_dump_json(indent=2), "utf-8")
                    one = self._store.add(folder / name)
            found[f"{self._branch.language}/{REVIEW}/{name}"] = one
        return found


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
