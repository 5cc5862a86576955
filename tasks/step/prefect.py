"""Steps as Prefect tasks.

Prefect's own result cache stays off: its records outlive their files (docs/adr/0001-store-first.md).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from tasks.records.errors import StoppedError, is_transient
from tasks.records.step_record import Made, StepRecord
from tasks.records.title import Run
from tasks.step.run import Computation, recalled, remember

P = ParamSpec("P")
#: The first argument of a step: `Run` for a step of a title, `Branch` for a step of a language.
Owner = TypeVar("Owner", bound=Run)


class Submitted(Protocol[Made]):
    """A step under way."""

    def result(self) -> StepRecord[Made]:
        """Its record, waited for; raises what the step raised."""


class StepTask(Protocol[P, Made]):
    """A step as a Prefect task."""

    def submit(self, *args: P.args, **kwargs: P.kwargs) -> Submitted[Made]:
        """Begin it."""

    def fn(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Run it here, without Prefect: its record, or the state ``Reused`` that holds it."""

    def known(self, *args: P.args, **kwargs: P.kwargs) -> StepRecord[Made] | None:
        """Its record, if it has been run with these arguments."""


def step_task(
    name: str,
) -> Callable[[Callable[Concatenate[Owner, P], Computation[Any, Made]]], StepTask[Concatenate[Owner, P], Made]]:
    """Make a Prefect task of a function that says what a step is given and how its result comes of that.

    The task finds or computes the step's record; one that was found shows as ``Reused``. Transient errors are tried
    again twice; permanent ones are not.

    Args:
        name: of the step, in the table of steps.
    """
    from prefect import task
    from prefect.cache_policies import NO_CACHE
    from prefect.states import Completed

    def retryable(_task: Any, _task_run: Any, state: Any) -> bool:
        error = state.data
        return isinstance(error, BaseException) and is_transient(error) and not isinstance(error, StoppedError)

    def decorate(function: Callable[Concatenate[Owner, P], Computation[Any, Made]]) -> Any:
        @task(
            name=name,
            cache_policy=NO_CACHE,
            persist_result=False,
            retries=2,
            retry_delay_seconds=[5, 30],
            retry_condition_fn=retryable,
        )
        @functools.wraps(function)
        def run_step(run: Owner, /, *args: P.args, **kwargs: P.kwargs) -> Any:
            record = remember(run, name, function(run, *args, **kwargs))
            if record.reused:
                return Completed(name="Reused", message=f"{name} {record.key[:12]}", data=record)
            return record

        def known(run: Owner, /, *args: P.args, **kwargs: P.kwargs) -> StepRecord[Made] | None:
            return recalled(run, name, function(run, *args, **kwargs))

        run_step.known = known  # type: ignore[attr-defined]
        return run_step

    return decorate


def settled(future: Submitted[Made]) -> StepRecord[Made]:
    """The record of a submitted step task, waited for; raises what the step raised."""
    return future.result()
