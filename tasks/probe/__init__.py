"""What a source file is: picture, sound, times, and whether it can be worked with at all.

One backend, ffprobe (`tasks.media.probe`). A fault is told before anything is written.
"""

from __future__ import annotations

from tasks.keep.assets import path_of
from tasks.records.model import Asset, MediaFacts, Run, StepRecord
from tasks.step.run import Made, Work, remember

VERSION = 7


def probe_video(run: Run, video: Asset, language: str | None = None) -> StepRecord:
    """The facts of a video, probed once, its warnings as notes.

    Args:
        run: title, store and profile.
        video: the file.
        language: of its speech, where it is known.

    Raises:
        BadInputError: it cannot be dubbed, or is longer than the profile's ``max_title_seconds``.
    """
    from tasks.media.probe import probe, refuse_longer

    longest_s = run.profile.max_title_seconds

    def compute(_work: Work) -> Made:
        facts = probe(path_of(video), language, longest_s)
        return Made(value=facts.model_dump(mode="json"), notes=facts.warnings)

    record = remember(run, "probe", VERSION, compute, inputs={"video": video, "language": language})
    refuse_longer(
        path_of(video), facts_of(record).duration_ms / 1000, longest_s
    )  # the bound may have been lowered since
    return record


def facts_of(record: StepRecord) -> MediaFacts:
    """The facts in a probe's record."""
    return MediaFacts.model_validate(record.value)
