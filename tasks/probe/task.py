"""The Prefect task of `tasks.probe`."""

from tasks.model import Asset, Run, StepRecord
from tasks.probe import probe_video
from tasks.step import step_task


@step_task("probe")
def probe(run: Run, video: Asset) -> StepRecord:
    """Probe the source."""
    return probe_video(run, video)
