"""Languages that cannot be dubbed here fail at once, by name; the others run. No Prefect."""

from __future__ import annotations

from collections.abc import Sequence

from flows.ask.preflight import Asked, Fault, faults
from flows.kept.branches import finished, keep_failure, shared_work
from flows.kept.ledger import failure_of
from flows.kept.summary import TitleResult, keep_title_result, results_of
from tasks.records.title import Branch, Run


class NothingLeftError(Exception):
    """No language of a title can be dubbed here; why is kept with each."""


def asked(run: Run, languages: Sequence[str], spoken: str | None = None) -> Asked:
    """What is to be made of a title: of these languages those that are not delivered.

    Args:
        run: the title.
        languages: of it.
        spoken: its language where that is known better than by what the user said.
    """
    work = shared_work(run)
    left = [tag for tag in languages if finished(run.branch(tag)) is None]
    return Asked(run, left, spoken or (work.script.language if work else None), fresh=work is None)


def possible(run: Run, languages: Sequence[str], spoken: str | None = None, *, languages_too: bool = True) -> list[str]:
    """Of languages those that can be dubbed; the others are kept as failed.

    Args:
        run: the title.
        languages: of it.
        spoken: as of `asked`; once that is known, the title itself is not looked at again.
        languages_too: look at each language, not at the title alone: its branches run on this machine.

    Raises:
        NothingLeftError: none can.
    """
    one = asked(run, languages, spoken)
    looked = one if languages_too else Asked(run, (), one.spoken, one.fresh)
    found = faults([looked], whole=spoken is None)
    stopped = keep_refusals(run, one.languages, found)
    left = [tag for tag in languages if tag not in stopped]
    if stopped and not left:
        raise NothingLeftError("; ".join(dict.fromkeys(str(fault) for fault in found)))
    return left


def refused_here(branch: Branch) -> str:
    """Why a branch that runs alone cannot be dubbed on this machine, which is kept; empty where it can."""
    found = faults([asked(branch.whole, [branch.language])], whole=False)
    keep_refusals(branch.whole, [branch.language], found)
    return " ".join(str(fault.error) for fault in found)


def keep_refusals(run: Run, languages: Sequence[str], found: Sequence[Fault]) -> list[str]:
    """Keep the languages that have a fault, or whose title has one, as failed; returns them.

    Args:
        run: of the title.
        languages: BCP-47 tags.
        found: faults of this title and others.
    """
    stopped = []
    for language in languages:
        own = [one for one in found if one.run.title == run.title and one.language in ("", language)]
        if not own:
            continue
        failure = failure_of(own[0].error)
        more = [str(one.error) for one in own[1:]]
        failure = failure.model_copy(update={"fix": " ".join(filter(None, [failure.fix, *more]))})
        keep_failure(run.branch(language), failure)
        stopped.append(language)
    return stopped


def nothing_left(run: Run, notes: Sequence[str] = ()) -> TitleResult:
    """The result of a title of which no further language can be dubbed."""
    result = TitleResult(work=shared_work(run), branches=tuple(results_of(run, {})), notes=tuple(notes))
    keep_title_result(run, result)
    return result
