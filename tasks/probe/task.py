"""The Prefect task of `tasks.probe`."""

from tasks.probe import probe_video
from tasks.records.facts import MediaFacts
from tasks.records.record import Asset
from tasks.records.step_record import StepRecord
from tasks.records.title import Run
from tasks.step.prefect import step_task


@step_task("probe")
def probe(run: Run, video: Asset, language: str | None = None) -> StepRecord[MediaFacts]:
    """Probe a file; of several audio tracks one in ``language`` is dubbed."""
    return probe_video(run, video, language)
