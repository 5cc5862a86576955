"""What a source file is: picture, sound, times, and whether it can be worked with at all.

One backend, ffprobe (`tasks.probe.probe`). A fault is told before anything is written.
"""

from __future__ import annotations

from tasks.model import Asset, MediaFacts, Run, StepRecord
from tasks.step import Made, Work, remember

VERSION = 5


def probe_video(run: Run, video: Asset, language: str | None = None) -> StepRecord:
    """The facts of a video, probed once, its warnings as notes; ``BadInputError`` where it cannot be dubbed.

    Args:
        run: title and store.
        video: the file.
        language: of its speech, where it is known.
    """
    from tasks.probe.probe import probe

    def compute(_work: Work) -> Made:
        facts = probe(video.path, language)
        return Made(value=facts.model_dump(mode="json"), notes=facts.warnings)

    return remember(run, "probe", VERSION, compute, inputs={"video": video, "language": language})


def facts_of(record: StepRecord) -> MediaFacts:
    """The facts in a probe's record."""
    return MediaFacts.model_validate(record.value)
