"""The Prefect task of `tasks.probe`."""

from tasks.probe import Given, probing
from tasks.records.facts import MediaFacts
from tasks.records.record import Asset
from tasks.records.title import Run
from tasks.step.prefect import step_task
from tasks.step.run import Computation


@step_task("probe")
def probe(run: Run, video: Asset, language: str | None = None) -> Computation[Given, MediaFacts]:
    """Probe a file; of several audio tracks one in ``language`` is dubbed.

    Args:
        run: whose store keeps the answer.
        video: the file.
        language: BCP-47 tag; None for the file's default track.
    """
    return probing(run, video, language)
