"""The decisions about a title in one language: append-only records, beside its edits. No Prefect."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import ValidationError

from flows.ask.naming import folded
from flows.kept.decision import Decision
from tasks.keep.store import Store, step_key
from tasks.records.errors import BadInputError, PermanentError

_KIND = "title-decisions"
_MOST = 50_000
"""Decisions about a title in a language; more come of no person."""


class Decisions:
    """All decisions about one title in one language.

    Args:
        store: where they are kept.
        name: the title's plain name.
        sha256: digest of its video.
        language: BCP-47 tag of the dub.
    """

    def __init__(self, store: Store, name: str, sha256: str, language: str) -> None:
        self._store, self._name, self._language = store, name, language
        self._key = decisions_key(name, sha256, language)

    @property
    def records(self) -> tuple[Decision, ...]:
        """Every record, oldest first.

        Raises:
            PermanentError: they cannot be read; nothing is taken for approved then.
        """
        if damage := self._store.damage_of(_KIND, self._key):
            raise PermanentError(f"The approvals of {self._name} in {self._language} cannot be read. {damage}")
        return self._checked(self._store.read_note(_KIND, self._key))

    @property
    def in_force(self) -> tuple[Decision, ...]:
        """Those that were not taken back, oldest first."""
        records = self.records
        undone = undone_decisions(records)
        return tuple(one for one in records if not one.undoes and one.number not in undone)

    def add(self, decision: Decision) -> Decision:
        """Add a record; returns it with its number.

        Raises:
            PermanentError: what is kept cannot be read.
            BadInputError: there are too many, or it takes back one that there is not.
        """
        added: list[Decision] = []

        def grown(there: Any | None) -> list[Any]:
            before = [] if there is None else there
            known = self._checked(before)
            if len(known) >= _MOST:
                raise BadInputError(f"{self._name} has {len(known)} decisions in {self._language}: no more are kept.")
            added[:] = [decision.model_copy(update={"number": len(known) + 1})]
            if decision.undoes:
                _check_undoing(decision.undoes, known)
            return [*before, *(one.model_dump(mode="json", exclude_defaults=True) for one in added)]

        self._store.change_note(_KIND, self._key, grown)
        return added[0]

    def _checked(self, there: Any) -> tuple[Decision, ...]:
        """Records as they are kept, each checked: the store may be written by others."""
        if there is None:
            return ()
        try:
            return tuple(
                Decision.model_validate(one).model_copy(update={"number": number})
                for number, one in enumerate(there, start=1)
            )
        except (ValidationError, TypeError, RecursionError) as error:
            raise PermanentError(
                f"The approvals of {self._name} in {self._language} are damaged: {type(error).__name__}.",
                "Restore them from a backup of the store.",
            ) from error


def decisions_key(name: str, sha256: str, language: str) -> str:
    """Key of a title's decisions in a language, and of what was made of it so far.

    Args:
        name: the title's plain name.
        sha256: digest of its video.
        language: BCP-47 tag of the dub.
    """
    return step_key("title-decisions", 1, inputs={"name": folded(name), "video": sha256, "language": language})


def undone_decisions(records: Sequence[Decision]) -> dict[int, int]:
    """Decisions that are taken back, each with the number of the record that did."""
    undone: dict[int, int] = {}
    for one in reversed(records):
        if one.undoes and one.number not in undone:
            undone[one.undoes] = one.number
    return undone


def is_locked(decisions: Iterable[Decision]) -> Decision | None:
    """The decision by which a language is locked: one with a lock, of those in force."""
    return next((one for one in decisions if one.lock), None)


def kept_decisions(store: Store, name: str, sha256: str, language: str) -> list[tuple[str, str]]:
    """Kind and key of the records in a store that hold a title's decisions, and what was seen for them.

    Args:
        store: where they are kept.
        name: the title's name, as its folder has it.
        sha256: digest of its video.
        language: BCP-47 tag of the dub.
    """
    key = decisions_key(name.removesuffix(f"-{sha256[:8]}"), sha256, language)
    records = store.read_note(_KIND, key)
    kept = [one for one in records if isinstance(one, dict)] if isinstance(records, list) else []
    stages = store.read_note("seen-stages", key)
    made = [str(digest) for digest in stages.values()] if isinstance(stages, dict) else []
    seen = dict.fromkeys([*(str(one["content"]) for one in kept if one.get("content")), *made])
    notes = (store.read_note("seen", content) for content in seen)
    lines = dict.fromkeys(str(note["lines"]) for note in notes if isinstance(note, dict) and "lines" in note)
    of_content = [*(("seen", content) for content in seen), *(("seen-lines", content) for content in lines)]
    return [(_KIND, key), ("seen-stages", key), *of_content]


def _check_undoing(number: int, known: Sequence[Decision]) -> None:
    if not 0 < number <= len(known):
        raise BadInputError(f"There is no decision {number}.", "--history lists them.")
    if undone := undone_decisions(known).get(number):
        raise BadInputError(f"Decision {number} is taken back by {undone} already.", f"--undo {undone} restores it.")
