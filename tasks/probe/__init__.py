"""What a source file is: picture, sound, times, and whether it can be worked with at all.

One backend, ffprobe (`tasks.media.probe`). A fault is told before anything is written.
"""

from __future__ import annotations

from dataclasses import dataclass

from tasks.keep.assets import path_of
from tasks.keep.store import unkeyed
from tasks.records.facts import MediaFacts
from tasks.records.record import Asset
from tasks.records.step_record import StepRecord
from tasks.records.title import Run
from tasks.step.run import StepOutput, Work, remember

VERSION = 7


@dataclass(frozen=True)
class _Given:
    video: Asset
    language: str | None
    longest_s: float = unkeyed()  # a title that is too long is refused, not probed otherwise


def probe_video(run: Run, video: Asset, language: str | None = None) -> StepRecord[MediaFacts]:
    """The facts of a video, probed once, its warnings as notes.

    Args:
        run: title, store and profile.
        video: the file.
        language: of its speech, where it is known.

    Raises:
        BadInputError: it cannot be dubbed, or is longer than the profile's ``max_title_seconds``.
    """
    from tasks.media.probe import refuse_longer

    longest_s = run.profile.max_title_seconds
    record = remember(run, "probe", VERSION, _Given(video, language, longest_s), _probed, MediaFacts)
    refuse_longer(path_of(video), record.value.duration_ms / 1000, longest_s)  # the bound may have been lowered since
    return record


def _probed(given: _Given, _work: Work) -> StepOutput[MediaFacts]:
    from tasks.media.probe import probe

    facts = probe(path_of(given.video), given.language, given.longest_s)
    return StepOutput(facts, facts.warnings)
