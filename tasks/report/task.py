"""The Prefect task of `tasks.report`."""

import os
from collections.abc import Sequence
from pathlib import Path

from tasks.keep.assets import path_of
from tasks.keep.places import url_of
from tasks.records.disclosure import DISCLOSURE
from tasks.records.model import Run, Script, SharedWork, StepRecord
from tasks.records.spoken import placements_of
from tasks.report import VERSION
from tasks.report.inputs import MadeBy, ReportInputs
from tasks.step.prefect import step_task
from tasks.step.run import Made, Work, remember


@step_task("report")
def report(
    run: Run,
    work: SharedWork,
    script: Script,
    laid: StepRecord,
    checked: StepRecord,
    ledger: list[StepRecord],
    roles: Sequence[str],
) -> StepRecord:
    """Output ``report``: the review page, with links as they are in the title's folder (``roles``: of its stems)."""
    page_folder = Path(run.title.folder) / run.language
    # A remote store has a copy of the source; the page links the user's own file.
    video = Path(run.title.source).absolute() if url_of(run.title.video.uri) else Path(run.title.video.uri)
    source = os.path.relpath(video, page_folder)
    said = (note for record in ledger for note in record.notes)
    notes = tuple(dict.fromkeys((*run.title.notes, *work.notes, *said)))
    stems = (f"{role}.{run.profile.mix.stems}" for role in roles)
    files = ("script.json", "script.srt", "script.vtt", *stems, "lipsync.json", "qc.json")

    def compute(space: Work) -> Made:
        from tasks.report.report import write_report

        out = space.folder / "report.html"
        inputs = ReportInputs(
            title=run.title.name,
            source=work.script,
            dub=script,
            placements=placements_of(laid),
            duration_ms=work.facts.duration_ms,
            qc=checked.value,
            profile=run.profile.name,
            fake=run.profile.fake,
            source_media=source,
            dub_media=f"../{run.title.name}.{run.language}.mp4",
            files=tuple((name, name) for name in files),
            original_dialogue=path_of(work.dialogue),
            dialogue=path_of(laid.outputs["dialogue"]),
            made_by=_made_by(run, ledger),
            notes=notes,
            disclosure=DISCLOSURE,
        )
        write_report(out, inputs)
        return Made(outputs={"report": out})

    facts = {
        "source": work.script,
        "dub": script,
        "laid": laid.outputs,
        "placements": laid.value,
        "qc": checked.value,
        "notes": notes,
        "link": source,
        "stems": list(roles),
        "title": run.title.name,
        "language": run.language,
    }
    return remember(run, "report", VERSION, compute, settings=run.profile, inputs=facts)


def _made_by(run: Run, ledger: list[StepRecord]) -> tuple[MadeBy, ...]:
    made = []
    for record in ledger:
        settings = getattr(run.profile, record.step, None)
        made.append(
            MadeBy(
                step=record.step,
                backend=getattr(settings, "backend", "") or "polydub",
                versions=record.versions,
                notes=record.notes,
            )
        )
    return tuple(made)
