"""The Prefect task of `tasks.ingest`."""

import json
from dataclasses import dataclass
from pathlib import Path

from configs.profile import FitSettings
from configs.sound import IngestSettings
from tasks.keep.assets import path_of
from tasks.records.made import Laid
from tasks.records.record import Asset
from tasks.records.registry import BackendFacts
from tasks.records.script import Script
from tasks.records.title import Branch
from tasks.separate import Separator, separator
from tasks.step.prefect import step_task
from tasks.step.run import Computation, StepOutput, Work


@dataclass(frozen=True)
class _Given:
    recording: Asset
    script: Script
    duration_ms: int
    bed: Asset | None  # by which a print master is known; None: nobody looks
    settings: IngestSettings
    fit: FitSettings
    backend: Separator


@step_task("ingest")
def ingest(branch: Branch, recording: Asset, script: Script, duration_ms: int, bed: Asset) -> Computation[_Given, Laid]:
    """A recorded dub instead of synthesis.

    Args:
        branch: title and language.
        recording: one file, or a ZIP of one file a line (`tasks.ingest.line_files`).
        script: what it says.
        duration_ms: length of the title.
        bed: of the title, by which a print master is known.
    """
    backend = separator(branch.profile.separate.backend, branch.profile.separate.options)
    known_by = None if branch.profile.fake else bed
    given = _Given(recording, script, duration_ms, known_by, branch.profile.ingest, branch.profile.fit, backend)
    return Computation(given, _laid, Laid)


def _laid(given: _Given, work: Work) -> StepOutput[Laid]:
    from tasks.ingest.ingest import ingest as take_in
    from tasks.ingest.line_files import holds_lines, lay_lines
    from tasks.ingest.phones import phones_of

    dialogue, phones, facts = (work.folder / name for name in ("dialogue.wav", "phones.json", "ingest.json"))
    recording, script, duration_ms = path_of(given.recording), given.script, given.duration_ms

    separated: list[BackendFacts] = []

    def separation(mixed: Path, out: Path) -> tuple[str, ...]:
        separated.append(given.backend.facts)
        return given.backend.separate(mixed, out, work.folder / "recorded-bed.wav", lambda _done: None)

    if holds_lines(recording):
        taken = lay_lines(recording, script, duration_ms, given.fit, dialogue, work.progress)
    else:
        bed = path_of(given.bed) if given.bed else None
        taken = take_in(
            recording,
            script,
            duration_ms,
            dialogue,
            work.progress,
            settings=given.settings,
            bed=bed,
            separation=separation,
        )
    spoken, notes = phones_of(dialogue, script, taken.placements, work.folder)
    phones.write_text(json.dumps(spoken, ensure_ascii=False), "utf-8")
    facts.write_text(json.dumps(taken.facts(), indent=2), "utf-8")
    made = Laid(
        dialogue=work.keep(dialogue),
        phones=work.keep(phones),
        placements=tuple(taken.placements),
        ingest=work.keep(facts),
    )
    return StepOutput(made, (*taken.notes, *notes), makers=separated[:1])
