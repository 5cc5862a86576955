"""The Prefect tasks of `tasks.watermark`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.keep.assets import path_of
from tasks.keep.known import found_or_made
from tasks.records.made import Marked, MarkedLine, WatermarkHeard
from tasks.records.record import Asset, Record
from tasks.records.take import RECORDED, Placement, Take
from tasks.records.title import Branch
from tasks.step.prefect import step_task
from tasks.step.run import Computation, StepOutput, Work
from tasks.watermark import FOUND, Watermarker, marking

#: Of a marked line, separate from the step's.
_LINE, _LINE_VERSION = "watermark-line", 1


@dataclass(frozen=True)
class _Given:
    takes: tuple[Take, ...]
    backend: Watermarker
    notes: tuple[str, ...]


class _One(Record):
    """A line's marked sound, and what the mark did to it."""

    audio: Asset
    did: MarkedLine


@step_task("watermark")
def watermark(branch: Branch, takes: Sequence[Take]) -> Computation[_Given, Marked]:
    """The takes with the profile's watermark; what people recorded stays as it is.

    Args:
        branch: the language.
        takes: of all lines.
    """
    chosen = marking(branch.profile.watermark)
    return Computation(_Given(tuple(takes), chosen.backend, chosen.notes), _marked, Marked, uses=[chosen.backend.facts])


def _marked(given: _Given, work: Work) -> StepOutput[Marked]:
    takes: list[Take] = []
    did: list[MarkedLine] = []
    fresh: list[Path] = []
    for number, take in enumerate(given.takes, start=1):
        if take.voice == RECORDED:
            takes.append(take)
        else:
            one = _line(take.audio, given.backend, work, fresh)
            takes.append(take.model_copy(update={"audio": one.audio}))
            did.append(one.did.model_copy(update={"line": take.line}))
        work.progress(number / len(given.takes))
    marked = Marked(takes=tuple(takes), lines=tuple(did), backend=given.backend.facts.name if did else "")
    return StepOutput(marked, (*given.notes, *_notes(marked)), hits=len(did) - len(fresh), parts=len(did))


def _line(audio: Asset, backend: Watermarker, work: Work, fresh: list[Path]) -> _One:
    """A marked line from the store, or marked now (added to ``fresh``): an edit of one line marks that one alone."""
    from tasks.watermark.lines import mark_line

    def made() -> _One:
        out = work.folder / "marked.wav"
        did = mark_line(path_of(audio), out, backend)
        fresh.append(path_of(audio))
        return _One(audio=work.keep(out), did=did)

    return found_or_made(work.store, _LINE, _LINE_VERSION, {"audio": audio, "by": backend.fingerprint()}, _One, made)


def _notes(marked: Marked) -> list[str]:
    notes, kept = [], len(marked.takes) - len(marked.lines)
    if kept:
        notes.append(f"{kept} recorded {'line is' if kept == 1 else 'lines are'} not watermarked: a person speaks.")
    if weak := [str(one.line) for one in marked.lines if one.score < FOUND]:
        notes.append(f"The watermark of {marked.backend} is too faint in lines {', '.join(weak)} to be found there.")
    return notes


@dataclass(frozen=True)
class _Master:
    master: Asset
    spans: tuple[tuple[int, int], ...]
    backend: Watermarker


@step_task("find-watermark")
def find_watermark(
    branch: Branch, master: Asset, marked: Marked, placements: Sequence[Placement]
) -> Computation[_Master, WatermarkHeard]:
    """How much of the marked speech is heard to be marked in the delivered master.

    Args:
        branch: the language.
        master: as encoded.
        marked: its lines.
        placements: where they lie.
    """
    lines = {one.line for one in marked.lines}
    spans = tuple((one.start_ms, one.end_ms) for one in placements if one.line in lines)
    backend = marking(branch.profile.watermark).backend
    return Computation(_Master(master, spans, backend), _heard, WatermarkHeard, uses=[backend.facts])


def _heard(given: _Master, _work: Work) -> StepOutput[WatermarkHeard]:
    from tasks.watermark.detection import heard_in

    heard = heard_in(path_of(given.master), given.spans, given.backend)
    if heard.watermark.verdict == "found":
        return StepOutput(heard)
    why = heard.watermark.note or f"the surest seconds score {heard.watermark.score}"
    return StepOutput(heard, (f"The watermark is {heard.watermark.verdict} in the master: {why.rstrip('.')}.",))
