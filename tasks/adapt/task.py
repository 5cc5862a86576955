"""The Prefect task of `tasks.adapt`."""

from dataclasses import dataclass
from typing import Any, Literal

from configs.profile import PaceSettings
from tasks.keep.store import unkeyed
from tasks.records.made import Adapted, Spoken
from tasks.records.record import Asset
from tasks.records.registry import BackendFacts
from tasks.records.script import Script
from tasks.records.title import Branch
from tasks.step.prefect import step_task
from tasks.step.run import Computation, StepOutput, Work
from tasks.synthesize import speaking
from tasks.synthesize.casting import casting_facts, retakes_of
from tasks.synthesize.retakes import clearest
from tasks.synthesize.task import Directed, open_session
from tasks.translate import Guidance, Rewriter, Term
from tasks.translate.chain import chain


@dataclass(frozen=True)
class _Given:
    script: Script
    source: Script
    spoken: Spoken
    edits: dict[str, str]
    pace: PaceSettings
    formality: Literal["default", "formal", "informal"]
    terms: tuple[Term, ...]
    rewriter: Rewriter | None
    sampled: tuple[Asset, Asset | None] | None  # dialogue and bed; None where nothing is spoken again
    casting: dict[str, Any] | None
    directed: Directed | None
    branch: Branch = unkeyed()


@step_task("adapt")
def adapt(
    branch: Branch,
    script: Script,
    source: Script,
    spoken: Spoken,
    dialogue: Asset,
    edits: dict[str, str],
    bed: Asset | None = None,
    directed: Directed | None = None,
) -> Computation[_Given, Adapted]:
    """The script and the takes after adaptation.

    Args:
        branch: title, profile and language.
        script: the dub's script.
        source: the source script.
        spoken: the script's takes.
        dialogue: the source's dialogue stem, for cloning backends.
        edits: lines that a person wrote; their words stay.
        bed: what was separated from the dialogue, as the synthesize step got it.
        directed: what a person decided of how lines are spoken, likewise; None: nothing.
    """
    directed = directed or Directed()
    translators = chain(branch.profile.translate)
    rewriter = next((one for one in translators.translators if isinstance(one, Rewriter)), None)
    given = _Given(
        script=script,
        source=source,
        spoken=spoken,
        edits=edits,
        pace=branch.profile.pace,
        formality=branch.profile.translate.formality,
        terms=tuple(translators.glossary.pairs(source.language, branch.language)),
        rewriter=rewriter,
        sampled=(dialogue, bed) if rewriter else None,
        casting=casting_facts(branch, directed.heard or source) if rewriter else None,
        directed=directed if rewriter else None,
        branch=branch,
    )
    voices = speaking(branch.profile.synthesize, branch.language).backend.facts
    uses = [_facts(rewriter), voices] if rewriter else []
    return Computation(given, _adapted, Adapted, uses=uses)


def _adapted(given: _Given, work: Work) -> StepOutput[Adapted]:
    from tasks.adapt import adapt as steps
    from tasks.adapt.candidates import Remembered

    script, source, takes, branch = given.script, given.source, given.spoken.takes, given.branch
    lines = {line.id: line for line in script.lines}
    missed = [take for take in takes if steps.misses(take, lines[take.line])]
    if given.rewriter is None or given.sampled is None or not missed:
        return StepOutput(Adapted(script=script, takes=takes), parts=len(takes), hits=len(takes))
    guidance = Guidance(formality=given.formality, terms=given.terms)
    session = open_session(branch, source, given.sampled[0], work, given.sampled[1], given.directed)
    rewriter = Remembered(work.store, given.rewriter, _fingerprint(given.rewriter))
    languages = source.language, script.language
    adaptation = steps.Adaptation(session, languages, given.spoken.paces, given.pace, rewriter, guidance)
    adapted, notes = adaptation.run(script, source, takes, set(map(int, given.edits)), work.progress)
    texts = {one.take.line: one.text for one in adapted}
    changed = tuple(line.id for line in script.lines if texts.get(line.id, line.text) != line.text)
    spoken = {one.take.line: one.take for one in adapted}
    worded = [line.model_copy(update={"text": texts[line.id]}) for line in script.lines if line.id in changed]
    most = retakes_of(branch.profile.synthesize, session.backend.facts)
    clear, _, heard = clearest(session, worded, [spoken[line.id] for line in worded], given.pace, most)
    spoken |= {take.line: take for take in clear}
    if changed:
        name = _facts(given.rewriter).name
        notes.append(f"{len(changed)} of {len(missed)} lines of the wrong length were reworded by {name}.")
    notes.extend([*(one.note for one in adapted if one.note), *heard])
    fresh = tuple(line.model_copy(update={"text": texts.get(line.id, line.text)}) for line in script.lines)
    reworded = script.model_copy(update={"lines": fresh, "notes": (*script.notes, *dict.fromkeys(notes))})
    made = Adapted(script=reworded, takes=tuple(spoken.values()), reworded=changed)
    return StepOutput(made, tuple(dict.fromkeys(notes)), parts=len(takes))


def _fingerprint(rewriter: Any) -> str:
    return str(rewriter.fingerprint())


def _facts(rewriter: Any) -> BackendFacts:
    facts: BackendFacts = rewriter.facts
    return facts
