"""The Prefect task of `tasks.fit`."""

import json

from tasks.fit import VERSION
from tasks.records.model import Run, Script, StepRecord
from tasks.records.spoken import takes_of
from tasks.step.prefect import step_task
from tasks.step.run import Made, Work, remember


@step_task("fit")
def fit(run: Run, script: Script, spoken: StepRecord, duration_ms: int) -> StepRecord:
    """Outputs ``dialogue`` (48 kHz mono, as long as the title) and ``phones`` (JSON); the placements as value."""
    takes, settings = takes_of(spoken), run.profile.fit

    def compute(work: Work) -> Made:
        from tasks.fit.fit import plan
        from tasks.fit.lay import lay, phones_on_clock

        placements = plan(script, takes, settings, duration_ms)
        dialogue, phones = work.folder / "dialogue.wav", work.folder / "phones.json"
        notes = lay(takes, placements, duration_ms, dialogue, work.progress)
        phones.write_text(json.dumps(phones_on_clock(takes, placements), ensure_ascii=False), "utf-8")
        overlong = [placed.line for placed in placements if placed.fit == "overlong"]
        if overlong:
            notes = (*notes, f"Lines {', '.join(map(str, overlong))} are longer than their time allows; kept whole.")
        value = [placed.model_dump(mode="json") for placed in placements]
        return Made(outputs={"dialogue": dialogue, "phones": phones}, value=value, notes=notes)

    times = [(line.id, line.start_ms, line.end_ms, line.speaker) for line in script.lines]
    inputs = {"lines": times, "takes": takes, "duration_ms": duration_ms}
    return remember(run, "fit", VERSION, compute, settings=settings, inputs=inputs)
