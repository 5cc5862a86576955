"""The Prefect task of `tasks.ingest`."""

import json

from tasks.ingest import VERSION
from tasks.model import Asset, Run, Script, StepRecord
from tasks.step import Made, Work, remember, step_task


@step_task("ingest")
def ingest(run: Run, recording: Asset, script: Script, duration_ms: int) -> StepRecord:
    """A recorded dub instead of synthesis: outputs ``dialogue`` and ``phones``, the placements as value."""

    def compute(work: Work) -> Made:
        from tasks.ingest.ingest import ingest as take_in
        from tasks.ingest.phones import phones_of

        dialogue, phones = work.folder / "dialogue.wav", work.folder / "phones.json"
        taken = take_in(recording.path, script, duration_ms, dialogue)
        spoken, notes = phones_of(dialogue, script, taken.placements, work.folder)
        phones.write_text(json.dumps(spoken, ensure_ascii=False), "utf-8")
        value = [placed.model_dump(mode="json") for placed in taken.placements]
        return Made(outputs={"dialogue": dialogue, "phones": phones}, value=value, notes=(*taken.notes, *notes))

    inputs = {"recording": recording, "lines": script.lines, "language": script.language, "duration_ms": duration_ms}
    return remember(run, "ingest", VERSION, compute, inputs=inputs)
