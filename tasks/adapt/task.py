"""The Prefect task of `tasks.adapt`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tasks.adapt import VERSION
from tasks.keep.store import Store
from tasks.records.model import Asset, Line, Run, Script, StepRecord, Take
from tasks.records.spoken import takes_of
from tasks.step.prefect import step_task
from tasks.step.run import Made, Work, remember
from tasks.synthesize import speaking
from tasks.synthesize.casting import casting_facts, retakes_of
from tasks.synthesize.retakes import clearest
from tasks.synthesize.task import open_booth
from tasks.translate import Guidance, Rewriter
from tasks.translate.chain import chain


@step_task("adapt")
def adapt(
    run: Run,
    script: Script,
    source: Script,
    spoken: StepRecord,
    dialogue: Asset,
    edits: dict[str, str],
    bed: Asset | None = None,
) -> StepRecord:
    """The script and the takes after adaptation, as the record's value (``script``, ``takes``, ``voices``, ``paces``).

    Args:
        run: title, profile and language.
        script: the dub's script.
        source: the source script.
        spoken: of the synthesize step.
        dialogue: the source's dialogue stem, for cloning backends.
        edits: lines that a person wrote; their words stay.
        bed: what was separated from the dialogue, as the synthesize step was told it.
    """
    translators = chain(run.profile.translate)
    rewriting = next((one for one in translators.translators if isinstance(one, Rewriter)), None)
    takes = takes_of(spoken)

    def compute(work: Work) -> Made:
        from tasks.adapt import adapt as steps
        from tasks.adapt.candidates import Remembered

        misses = [take for take, line in _with_lines(script, spoken) if steps.misses(take, line)]
        value = {**spoken.value, "script": script.model_dump(mode="json"), "adapted": []}
        if rewriting is None or not misses:
            return Made(outputs=_audio(takes), value=value, parts=len(takes), hits=len(takes))
        store = Store(Path(run.store))
        told = Guidance(
            formality=run.profile.translate.formality, terms=translators.glossary.pairs(source.language, run.language)
        )
        booth = open_booth(run, source, dialogue, work.folder, bed)
        rewriter = Remembered(store, rewriting, _fingerprint(rewriting))
        languages = source.language, script.language
        adaptation = steps.Adaptation(booth, languages, spoken.value["paces"], run.profile.pace, rewriter, told)
        adapted, notes = adaptation.run(script, source, takes, {int(line) for line in edits}, work.progress)
        texts = {one.take.line: one.text for one in adapted}
        changed = [line.id for line in script.lines if texts.get(line.id, line.text) != line.text]
        spoken_takes = {one.take.line: one.take for one in adapted}
        worded = [line.model_copy(update={"text": texts[line.id]}) for line in script.lines if line.id in changed]
        most = retakes_of(run.profile.synthesize, booth.backend.facts)
        clear, _, heard = clearest(booth, worded, [spoken_takes[line.id] for line in worded], run.profile.pace, most)
        spoken_takes |= {take.line: take for take in clear}
        if changed:
            name = _name(rewriting)
            notes.append(f"{len(changed)} of {len(misses)} lines that missed their time were worded anew by {name}.")
        notes.extend([*(one.note for one in adapted if one.note), *heard])
        lines = tuple(line.model_copy(update={"text": texts.get(line.id, line.text)}) for line in script.lines)
        fresh = script.model_copy(update={"lines": lines, "notes": (*script.notes, *dict.fromkeys(notes))})
        value = {
            **spoken.value,
            "script": fresh.model_dump(mode="json"),
            "takes": [take.model_dump(mode="json") for take in spoken_takes.values()],
            "adapted": changed,
        }
        outputs = _audio(list(spoken_takes.values()))
        return Made(outputs=outputs, value=value, notes=tuple(dict.fromkeys(notes)), parts=len(takes))

    inputs = {
        "script": script,
        "source": source,
        "takes": takes,
        "edits": edits,
        "dialogue": dialogue if rewriting else None,
        "bed": bed if rewriting else None,
        "casting": casting_facts(run, source) if rewriting else None,
        "formality": run.profile.translate.formality,
        "glossary": [[term.source, term.target] for term in translators.glossary.pairs(source.language, run.language)],
    }
    backend = _fingerprint(rewriting) if rewriting is not None else "none"
    voices = run.profile.synthesize
    uses = [rewriting.facts, speaking(voices, run.language).backend.facts] if rewriting is not None else []
    return remember(
        run, "adapt", VERSION, compute, settings=run.profile.pace, backend=backend, inputs=inputs, uses=uses
    )


def script_of(record: StepRecord) -> Script:
    """The script in an adapt record."""
    return Script.model_validate(record.value["script"])


def _with_lines(script: Script, spoken: StepRecord) -> list[tuple[Take, Line]]:
    lines = {line.id: line for line in script.lines}
    return [(take, lines[take.line]) for take in takes_of(spoken)]


def _audio(takes: Sequence[Take]) -> dict[str, Asset]:
    return {f"take-{take.line}": take.audio for take in takes}


def _fingerprint(rewriter: Any) -> str:
    return str(rewriter.fingerprint())


def _name(rewriter: Any) -> str:
    return str(rewriter.facts.name)
