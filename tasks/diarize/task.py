"""The Prefect task of `tasks.diarize`."""

from dataclasses import dataclass

from tasks.diarize import Diarizer, diarizer
from tasks.keep.assets import path_of
from tasks.records.record import Asset
from tasks.records.script import Script
from tasks.records.title import Run
from tasks.step.prefect import step_task
from tasks.step.run import Computation, StepOutput, Work


@dataclass(frozen=True)
class _Given:
    speech: Asset
    script: Script
    backend: Diarizer


@step_task("diarize")
def diarize(run: Run, speech: Asset, script: Script) -> Computation[_Given, Script]:
    """The source script with speakers.

    Args:
        run: the title.
        speech: WAV, mono, 16 kHz.
        script: the source script.
    """
    backend = diarizer(run.profile.diarize.backend, run.profile.diarize.options)
    return Computation(_Given(speech, script, backend), _diarized, Script)


def _diarized(given: _Given, work: Work) -> StepOutput[Script]:
    script = given.backend.diarize(path_of(given.speech), given.script, work.progress)
    return StepOutput(script, script.notes)
