"""Which steps a run will take. No Prefect."""

from __future__ import annotations

from tasks.lipsync.choose import dubs_alone
from tasks.lipsync.plain import takes_as_it_is
from tasks.records.facts import MediaFacts
from tasks.records.title import Run
from tasks.step.table import Part, Step, Way, of_part, of_way


def way_of(run: Run) -> Way:
    """How a run's language is dubbed."""
    if run.language in run.title.dubs:
        return "recorded"
    return "service" if dubs_alone(run.profile.lipsync.backend) else "spoken"


def steps_ahead(run: Run, facts: MediaFacts) -> tuple[Step, ...]:
    """The steps of a run's language; of a run without one, those that its title's languages share.

    Args:
        run: title, profile and language.
        facts: of the title, or of its preview.
    """
    return of_way(way_of(run)) if run.language else _needed("title", run, facts)


def last_steps(run: Run, facts: MediaFacts) -> tuple[Step, ...]:
    """The steps of a title when its languages are done; arguments as of `steps_ahead`."""
    return _needed("end", run, facts)


def is_turned(facts: MediaFacts) -> bool:
    """Whether a picture is stored turned or mirrored."""
    return facts.picture is not None and bool(facts.picture.rotation or facts.picture.mirrored)


def _needed(part: Part, run: Run, facts: MediaFacts) -> tuple[Step, ...]:
    needed = {
        "cut-preview": run.title.preview_ms > 0,
        "plain-picture": not takes_as_it_is(run, facts),
        "turn-picture": is_turned(facts),
    }
    return tuple(step for step in of_part(part) if needed.get(step.name, True))
