"""The Prefect task of `tasks.translate`: only lines that the store does not know are translated."""

from dataclasses import dataclass
from functools import partial

from tasks.keep.assets import path_of
from tasks.records.errors import UnsupportedError
from tasks.records.progress import Progress
from tasks.records.record import Asset
from tasks.records.script import Script
from tasks.records.title import Branch
from tasks.step.prefect import step_task
from tasks.step.run import Computation, StepOutput, Work
from tasks.translate.brought import laid_on
from tasks.translate.chain import Chain, chain
from tasks.translate.language_check import available, complaint
from tasks.translate.lines import Lines, Translated
from tasks.translate.own import read_own
from tasks.translate.own_languages import by_language
from tasks.translate.spoken_already import with_kept, without_spoken_already


@dataclass(frozen=True)
class _Given:
    script: Script
    target: str
    edits: dict[str, str]
    strays: tuple[str, ...]
    kept: tuple[int, ...]
    recorded: bool  # a recorded dub says every line, those in its language too
    translators: Chain


@dataclass(frozen=True)
class _Brought:
    """A translation of the user's; ``starts_ms``: where a preview begins, on its clock."""

    script: Script
    target: str
    edits: dict[str, str]
    strays: tuple[str, ...]
    kept: tuple[int, ...]
    recorded: bool
    translation: Asset
    starts_ms: int
    length_ms: int


@step_task("translate")
def translate(
    branch: Branch, script: Script, edits: dict[str, str], strays: tuple[str, ...] = (), kept: tuple[int, ...] = ()
) -> Computation[_Given, Script] | Computation[_Brought, Script]:
    """The script in the branch's language, times and ids kept.

    Args:
        branch: title, profile and language.
        script: the source script.
        edits: line id to a text that a person wrote; those lines are not translated.
        strays: what to tell of texts that a person wrote and that fit no line.
        kept: ids of the lines whose original a person keeps.
    """
    title, recorded = branch.title, branch.language in branch.title.dubs
    if (brought := title.translations.get(branch.language)) is not None:
        clock = title.preview_start_ms, title.preview_ms
        own = _Brought(script, branch.language, edits, strays, kept, recorded, brought, *clock)
        return Computation(own, _taken_over, Script)
    translators = chain(branch.profile.translate)
    given = _Given(script, branch.language, edits, strays, kept, recorded, translators)
    uses = [one.facts for one in translators.translators]
    return Computation(given, _translated, Script, uses=uses)


def _translated(given: _Given, work: Work) -> StepOutput[Script]:
    script, target, edits, translators = given.script, given.target, given.edits, given.translators
    script = with_kept(script, given.kept)
    if script.language == target:
        raise UnsupportedError(f"The title already speaks {target}: there is nothing to translate.")
    route = translators.route(script.language, target)
    spoken, kept = (script, ()) if given.recorded else without_spoken_already(script, target, set(map(int, edits)))
    if not spoken.lines:
        whose = "kept as it is, or" if given.kept else "in"
        raise UnsupportedError(f"Every line of the title is {whose} {target} already: there is nothing to translate.")
    parts, own = by_language(spoken, translators, target)
    done = Translated()
    for part in parts:
        before = len(done.texts)
        progress = partial(_progress, work.progress, before, len(part.lines), len(spoken.lines))
        done.add(Lines(work.store, translators, part, target, progress).translated(edits))
    lines = tuple(
        line.model_copy(update={"text": done.texts[line.id], "words": (), "language": ""}) for line in spoken.lines
    )
    origin = ", ".join(done.by) or translators.facts.name
    notes = tuple(dict.fromkeys([*_notes(route, edits, kept, target, given.kept), *own, *done.notes]))
    update = {"language": target, "lines": lines, "origin": origin, "notes": notes, "changes": ()}
    dub = spoken.model_copy(update=update)
    makers = [one.facts for one in translators.translators if one.facts.name in done.by]
    return StepOutput(dub, (*dub.notes, *given.strays), makers=makers, hits=done.hits, parts=len(lines))


def _taken_over(given: _Brought, work: Work) -> StepOutput[Script]:
    script, target = with_kept(given.script, given.kept), given.target
    if script.language == target:
        raise UnsupportedError(f"The title already speaks {target}: there is nothing to translate.")
    place = path_of(given.translation)
    brought = read_own(place, target, script.lines, given.starts_ms, given.length_ms, work.store)
    if not brought.cues:
        raise UnsupportedError("The translation says nothing in this stretch of the title.")
    own = frozenset(map(int, given.edits))
    spoken, kept = (script, ()) if given.recorded else without_spoken_already(script, target, set(own))
    if not spoken.lines:
        raise UnsupportedError(f"Every line of the title is in {target} already, or kept: there is nothing to dub.")
    found = laid_on(script.lines, brought.cues, "the translation", own | frozenset(kept), brought.whose)
    texts = {**found.texts, **{int(line): text for line, text in given.edits.items()}}
    lines = tuple(
        line.model_copy(update={"text": texts[line.id], "words": (), "language": ""}) for line in spoken.lines
    )
    heard = " ".join(line.text for line in spoken.lines)
    wrong = complaint(" ".join(cue.text for cue in brought.cues), heard, script.language, target) if available() else ""
    notes = tuple(
        dict.fromkeys(
            [
                *([f"The translation may not be in {target}: {wrong}."] if wrong else []),
                *brought.notes,
                *found.notes,
                *_notes([], given.edits, kept, target, given.kept),
            ]
        )
    )
    update = {"language": target, "lines": lines, "origin": "translation", "notes": notes, "changes": ()}
    return StepOutput(spoken.model_copy(update=update), (*notes, *given.strays), parts=len(lines))


def _progress(whole: Progress, before: int, lines: int, of: int, share: float) -> None:
    """How much of the script is done, from how much of a part of it."""
    whole((before + share * lines) / max(1, of))


def _notes(
    route: list[str], edits: dict[str, str], kept: tuple[int, ...], target: str, by_hand: tuple[int, ...]
) -> tuple[str, ...]:
    notes = []
    if len(route) > 2:
        notes.append(f"Translated by way of {', '.join(route[1:-1])}: meaning can be lost twice.")
    if kept:
        which = ", ".join(map(str, kept))
        notes.append(f"Lines in {target} already, whose original is kept: {which}.")
    if by_hand:
        notes.append(f"Lines whose original is kept by hand: {', '.join(map(str, by_hand))}.")
    if edits:
        notes.append(f"{len(edits)} lines were edited by hand.")
    return tuple(notes)
