"""What somebody sees who approves a stage of a dub: its lines, and the digests of its files. No Prefect.

An approval names the digest of it; the store keeps it, so that what has changed since can be named line by line.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from configs.review import STAGES, Stage
from flows.kept.applied import Place, Row, short
from flows.kept.decision import LineRef
from flows.kept.decisions import decisions_key
from flows.kept.edit import Edit, Saying
from tasks.keep.store import Store, store_at, text_sha256
from tasks.records.record import Milliseconds, Record

#: What of a line counts from the script on, and what only is heard.
_WRITTEN = ("start_ms", "end_ms", "speaker", "source", "text", "voice", "pronunciation", "keep")
_HEARD = (*_WRITTEN, "take", "level_db", "recording")
#: The file that each stage adds.
_FILES: dict[Stage, str] = {"premix": "mix", "picture": "picture", "master": "master"}


class SeenLine(Record):
    """A line as somebody sees it.

    Attributes:
        id: its number.
        of: id of the source script's line that it is, or was made from.
        part: as `Edit.part`.
        start_ms: where it begins.
        end_ms: where it ends.
        speaker: who says it.
        source: what it says in the source.
        text: what is spoken; empty: nothing; None: not known before the next run.
        by_hand: a person wrote it.
        voice: as `Change.voice`, likewise the others.
    """

    id: int
    of: int
    part: int = 0
    start_ms: Milliseconds
    end_ms: Milliseconds
    speaker: str
    source: str
    text: str | None = None
    by_hand: bool = False
    voice: str = ""
    take: int = 0
    level_db: float = 0.0
    recording: str = ""
    pronunciation: tuple[Saying, ...] = ()
    keep: bool = False

    @property
    def content(self) -> str:
        """Digest of what of it counts in the script."""
        return _digest(self.model_dump(mode="json", include=set(_WRITTEN)))[:16]

    @property
    def ref(self) -> LineRef:
        """The line, as a decision names it."""
        return LineRef(line=self.of, part=self.part, words=self.source)


class Seen(Record):
    """A stage of a dub.

    Attributes:
        stage: of which it is.
        script: digest of the source script that ``of`` counts in.
        lines: in order of time.
        files: digests of what was made, by name: ``mix``, ``picture``, ``master``.
    """

    stage: Stage
    script: str = ""
    lines: tuple[SeenLine, ...] = ()
    files: Mapping[str, str] = {}

    def facts(self, stage: Stage) -> Any:
        """What of it counts at a stage: the lines' and the files' content, whatever their numbers."""
        lines = [_facts(line, stage) for line in self.lines]
        names = ("master",) if stage == "master" else files_of(stage)  # all others are in it
        return [lines, {name: self.files.get(name, "") for name in names}]

    def reaches(self, stage: Stage) -> bool:
        """Whether it shows what that stage has."""
        return STAGES.index(self.stage) >= STAGES.index(stage)


def files_of(stage: Stage) -> tuple[str, ...]:
    """Names of the files that are there when a stage is made."""
    return tuple(_FILES[one] for one in STAGES[: STAGES.index(stage) + 1] if one in _FILES)


def lines_seen(rows: Sequence[Row], texts: Mapping[int, str]) -> tuple[SeenLine, ...]:
    """Lines as a run makes them.

    Args:
        rows: the source script as people want it.
        texts: what the script in the dub's language says, by line id; a line that it does not have is not dubbed.
    """
    return tuple(
        _line(row, "" if row.mute else texts.get(row.line.id) if row.text is None else row.text) for row in rows
    )


def lines_now(
    rows: Sequence[Row],
    made: Seen,
    onto: Callable[[Edit], Place],
    machine: Callable[[Row], str | None],
) -> tuple[SeenLine, ...]:
    """Lines as a run would make them now, as far as that is known without one.

    Args:
        rows: the source script as people want it now.
        made: what the last run made.
        onto: from an edit to its place in the rows' script (`Edits.onto`).
        machine: what a line says without edits of its text.
    """
    before = paired(made, rows, onto)
    found = []
    for row in rows:
        was = before.get(row.line.id)
        text: str | None
        if row.mute:
            text = ""
        elif row.text is not None:
            text = row.text
        elif was is not None and was.source == row.line.text and not was.by_hand:
            text = was.text
        else:
            text = machine(row) if was is None or was.source == row.line.text else None
        found.append(_line(row, text))
    return tuple(found)


def paired(seen: Seen, rows: Sequence[Row], onto: Callable[[Edit], Place]) -> dict[int, SeenLine]:
    """What was seen of lines that there are, by the number that they have now.

    Args:
        seen: what was seen.
        rows: the source script as people want it now.
        onto: from an edit to its place in the rows' script.
    """
    parts = {row.part: row.line.id for row in rows if row.part}
    there = {row.of.id: row.line.id for row in rows if not row.part}
    found: dict[int, SeenLine] = {}
    for line in seen.lines:
        if line.part:
            number = parts.get(line.part)
        else:
            place = onto(Edit(script=seen.script, line=line.of, words=line.source)).line
            number = there.get(place.id) if place else None
        if number is not None:
            found.setdefault(number, line)
    return found


def changes(before: Seen, now: Seen, pairs: Mapping[int, SeenLine], stage: Stage) -> tuple[str, ...]:
    """What is another now than it was seen, in words, as far as it counts at a stage.

    Args:
        before: as it was seen.
        now: as it is.
        pairs: of `paired`, for both.
        stage: at which it counts.
    """
    told = [f"line {line.id}: {what}" for line in now.lines for what in line_changes(pairs.get(line.id), line, stage)]
    gone = set(map(_identity, before.lines)) - set(map(_identity, pairs.values()))
    told += [f"the line {short(line.source)} is gone" for line in before.lines if _identity(line) in gone]
    known = [name for name in files_of(stage) if name in before.files]
    told += [f"the {name}" for name in known if before.files[name] != now.files.get(name)]
    return tuple(told)


def line_changes(before: SeenLine | None, now: SeenLine, stage: Stage = "script") -> tuple[str, ...]:
    """What is another now in a line, in words.

    Args:
        before: as it was seen; None: it was not.
        now: as it is.
        stage: at which it counts.
    """
    if before is None:
        return ("it is new",)
    was, is_now = _facts(before, stage), _facts(now, stage)
    return tuple(_in_words(name, was[name], is_now[name]) for name in was if was[name] != is_now[name])


def keep_seen(store: Store, seen: Seen) -> str:
    """Remember what there is to see; returns its digest."""
    content = _content(seen)
    digest = _digest(content)
    if store.read_note("seen-lines", content["lines"]) is None:
        store.write_note("seen-lines", content["lines"], _lines_of(seen.lines))
    if store.read_note("seen", digest) is None:
        store.write_note("seen", digest, content)
    return digest


def digest_of(seen: Seen) -> str:
    """The name of what there is to see."""
    return _digest(_content(seen))


def _content(seen: Seen) -> dict[str, Any]:
    """All of it, its lines by their digest: the stages of a dub mostly have the same ones."""
    told = {"stage": seen.stage, "script": seen.script, "files": dict(seen.files)}
    return {**told, "lines": _lines_digest(seen.lines)}


def _lines_of(lines: Sequence[SeenLine]) -> list[dict[str, Any]]:
    return [line.model_dump(mode="json", exclude_defaults=True) for line in lines]


@functools.lru_cache(maxsize=16)
def _lines_digest(lines: tuple[SeenLine, ...]) -> str:
    return _digest(_lines_of(lines))


def _digest(content: Any) -> str:
    return text_sha256(json.dumps(content, sort_keys=True, ensure_ascii=False))


@functools.lru_cache(maxsize=16)
def _kept_lines(where: str, digest: str) -> tuple[SeenLine, ...]:
    """Lines by the digest of their content, so that they are the same whenever they are asked for."""
    rows = store_at(where).read_note("seen-lines", digest)
    if rows is None:
        raise ValueError("they are not in the store")
    return tuple(SeenLine.model_validate(row) for row in rows)


def kept_seen(store: Store, digest: str) -> Seen | None:
    """What was seen, by its digest; None where the store does not have it."""
    try:
        content: Any = store.read_note("seen", digest) if digest else None
        lines = _kept_lines(store.where, str(content["lines"]))
        return Seen.model_validate({**content, "lines": ()}).model_copy(update={"lines": lines})
    except (ValidationError, ValueError, TypeError, KeyError):
        return None


class Stages:
    """What the last run of a title made of each stage, in one language.

    Args:
        store: where it is kept.
        name: the title's plain name.
        sha256: digest of its video.
        language: BCP-47 tag of the dub.
    """

    def __init__(self, store: Store, name: str, sha256: str, language: str) -> None:
        self._store, self._key = store, decisions_key(name, sha256, language)

    def reached(self, seen: Seen) -> str:
        """Remember that a run made a stage, and none after it yet; returns the digest of what is to be seen of it."""
        digest = keep_seen(self._store, seen)

        def with_it(there: Any | None) -> dict[str, str]:
            known = there if isinstance(there, dict) else {}
            if known.get(seen.stage) == digest:
                return known
            kept: dict[str, str] = {
                stage: known[stage] for stage in STAGES[: STAGES.index(seen.stage)] if stage in known
            }
            return {**kept, seen.stage: digest}

        self._store.change_note("seen-stages", self._key, with_it)
        return digest

    def assume(self, seen: Seen) -> None:
        """Remember a dub that was delivered before its stages were, as every one of them."""
        digests = {stage: keep_seen(self._store, seen.model_copy(update={"stage": stage})) for stage in STAGES}
        self._store.change_note("seen-stages", self._key, lambda there: there or digests)

    def made(self) -> dict[Stage, Seen]:
        """Every stage that was made, in order."""
        there = self._store.read_note("seen-stages", self._key)
        known = there if isinstance(there, dict) else {}
        found = ((stage, kept_seen(self._store, str(known[stage]))) for stage in STAGES if stage in known)
        return {stage: seen for stage, seen in found if seen is not None}


def _line(row: Row, text: str | None) -> SeenLine:
    return SeenLine(
        id=row.line.id,
        of=row.of.id,
        part=row.part,
        start_ms=row.line.start_ms,
        end_ms=row.line.end_ms,
        speaker=row.line.speaker,
        source=row.line.text,
        text=None if row.keep else text,
        by_hand=row.mute or row.text is not None,
        voice=row.voice,
        take=row.take,
        level_db=row.level_db,
        recording=row.recording,
        pronunciation=row.pronunciation,
        keep=row.keep,
    )


def _facts(line: SeenLine, stage: Stage) -> dict[str, Any]:
    names: Iterable[str] = _WRITTEN if stage == "script" else _HEARD
    text = None if line.text is None else " ".join(line.text.split())
    return {name: getattr(line, name) for name in names} | {"text": text}


def _identity(line: SeenLine) -> tuple[int, int]:
    return line.part, 0 if line.part else line.of


def _in_words(name: str, before: Any, now: Any) -> str:
    if name == "pronunciation":
        before, now = (", ".join(f"{one.word}={one.say or one.ipa}" for one in said) for said in (before, now))
    told = [
        short(one) if isinstance(one, str) else "not known yet" if one is None else str(one) for one in (before, now)
    ]
    return f"{name.removesuffix('_ms').replace('_', ' ')} {told[0]} -> {told[1]}"
