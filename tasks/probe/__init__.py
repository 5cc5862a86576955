"""Facts of a source file: picture, sound, times, and whether it can be dubbed.

One backend, ffprobe (`tasks.media.probe`). A fault is reported before anything is written.
"""

from __future__ import annotations

from dataclasses import dataclass

from tasks.keep.assets import path_of
from tasks.keep.store import unkeyed
from tasks.records.facts import MediaFacts
from tasks.records.record import Asset
from tasks.records.title import Run
from tasks.step.run import Computation, StepOutput, Work

VERSION = 9


@dataclass(frozen=True)
class Given:
    """What facts depend on: the file, and the language of its speech where it is known."""

    video: Asset
    language: str | None
    longest_s: float = unkeyed()  # a title that is too long is refused, not probed otherwise


def probing(run: Run, video: Asset, language: str | None = None) -> Computation[Given, MediaFacts]:
    """How the facts of a video are found, its warnings as notes.

    Args:
        run: title, store and profile.
        video: the file.
        language: of its speech, where it is known.

    Raises (when it runs):
        BadInputError: it cannot be dubbed, or is longer than the profile's ``max_title_seconds``.
    """
    from tasks.media.probe import refuse_longer

    longest_s = run.profile.max_title_seconds

    def check(facts: MediaFacts) -> None:
        refuse_longer(path_of(video), facts.duration_ms / 1000, longest_s)  # the bound may have been lowered since

    return Computation(Given(video, language, longest_s), _probed, MediaFacts, check=check)


def _probed(given: Given, _work: Work) -> StepOutput[MediaFacts]:
    from tasks.media.probe import probe

    facts = probe(path_of(given.video), given.language, given.longest_s)
    return StepOutput(facts, facts.warnings)
