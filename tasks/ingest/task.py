"""The Prefect task of `tasks.ingest`."""

import json
from pathlib import Path

from tasks.ingest import VERSION
from tasks.keep.assets import path_of
from tasks.records.model import Asset, Run, Script, StepRecord
from tasks.separate import separator
from tasks.step.prefect import step_task
from tasks.step.run import Made, Work, remember


@step_task("ingest")
def ingest(run: Run, recording: Asset, script: Script, duration_ms: int, bed: Asset) -> StepRecord:
    """A recorded dub instead of synthesis.

    Outputs ``dialogue``, ``phones`` and ``ingest`` (JSON: its clock, missing lines, extra speech); the placements as
    value.

    Args:
        run: title and language.
        recording: one file, or a ZIP of one file a line (`tasks.ingest.line_files`).
        script: what it says.
        duration_ms: length of the title.
        bed: of the title, by which a print master is known.
    """
    settings, chosen = run.profile.ingest, run.profile.separate
    backend = separator(chosen.backend, chosen.options)

    def compute(work: Work) -> Made:
        from tasks.ingest.ingest import ingest as take_in
        from tasks.ingest.line_files import holds_lines, lay_lines
        from tasks.ingest.phones import phones_of

        dialogue, phones, facts = (work.folder / name for name in ("dialogue.wav", "phones.json", "ingest.json"))

        def separation(mixed: Path, out: Path) -> tuple[str, ...]:
            return backend.separate(mixed, out, work.folder / "recorded-bed.wav", lambda _done: None)

        if holds_lines(path_of(recording)):
            taken = lay_lines(path_of(recording), script, duration_ms, run.profile.fit, dialogue, work.progress)
        else:
            taken = take_in(
                path_of(recording),
                script,
                duration_ms,
                dialogue,
                work.progress,
                settings=settings,
                bed=None if run.profile.fake else path_of(bed),
                separation=separation,
            )
        spoken, notes = phones_of(dialogue, script, taken.placements, work.folder)
        phones.write_text(json.dumps(spoken, ensure_ascii=False), "utf-8")
        facts.write_text(json.dumps(taken.facts(), indent=2), "utf-8")
        value = [placed.model_dump(mode="json") for placed in taken.placements]
        outputs = {"dialogue": dialogue, "phones": phones, "ingest": facts}
        return Made(outputs=outputs, value=value, notes=(*taken.notes, *notes))

    inputs = {
        "recording": recording,
        "lines": script.lines,
        "language": script.language,
        "duration_ms": duration_ms,
        "bed": bed,
    }
    options = {"ingest": settings, "fit": run.profile.fit, "fake": run.profile.fake}
    return remember(run, "ingest", VERSION, compute, settings=options, backend=backend.fingerprint(), inputs=inputs)
