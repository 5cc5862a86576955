"""How many titles and languages are under way at once, and how long works take together by the clock. No Prefect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tasks.machine.jobs import Jobs, at_once


class Paced(Protocol):
    """A profile, or a batch: what it says of how much is under way at once."""

    @property
    def jobs(self) -> Jobs:
        """Steps that compute at once on a machine."""

    @property
    def branches_at_once(self) -> int | None:
        """Languages of a title; None for as many."""

    @property
    def titles_at_once(self) -> int | None:
        """Titles; None for as many."""


def languages_at_once(paced: Paced) -> int:
    """Languages of one title that are under way at once on this machine."""
    return paced.branches_at_once or at_once(paced.jobs)


def titles_at_once(paced: Paced) -> int:
    """Titles that are under way at once on this machine."""
    return paced.titles_at_once or at_once(paced.jobs)


def branches_at_once(paced: Paced) -> int:
    """Languages of all titles that are at work at once on this machine."""
    return min(titles_at_once(paced) * languages_at_once(paced), at_once(paced.jobs))


def together_s(seconds: Sequence[float], at_once: int) -> float:
    """How long works take by the clock, so many beside each other: no less than the longest.

    Args:
        seconds: of each alone.
        at_once: that are done at once.
    """
    return max(sum(seconds) / max(at_once, 1), max(seconds, default=0.0))
