"""The Prefect task of `tasks.diarize`."""

from tasks.diarize import VERSION, diarizer
from tasks.keep.assets import path_of
from tasks.records.model import Asset, Run, Script, StepRecord
from tasks.step.prefect import step_task
from tasks.step.run import Made, Work, remember


@step_task("diarize")
def diarize(run: Run, speech: Asset, script: Script) -> StepRecord:
    """The source script with speakers, as the record's value."""
    settings = run.profile.diarize
    backend = diarizer(settings.backend, settings.options)

    def compute(work: Work) -> Made:
        named = backend.diarize(path_of(speech), script, work.progress)
        return Made(value=named.model_dump(mode="json"), notes=named.notes)

    inputs = {"speech": speech, "script": script}
    return remember(run, "diarize", VERSION, compute, backend=backend.fingerprint(), inputs=inputs)
