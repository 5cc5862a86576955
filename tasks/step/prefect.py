"""Steps as Prefect tasks where a flow of Prefect runs, else as plain calls that are tried again alike.

Prefect's own result cache stays off: its records outlive their files (docs/adr/0001-store-first.md). A run without a
server of the user's has no flow, and Prefect, which takes seconds to load, is not even imported.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar

import tenacity

from tasks.records.errors import StoppedError, is_transient
from tasks.records.step_record import Made, StepRecord
from tasks.records.title import Run, language_of
from tasks.step.run import Computation, recalled, remember

P = ParamSpec("P")
#: The first argument of a step: `Run` for a step of a title, `Branch` for a step of a language.
Whose = TypeVar("Whose", bound=Run)

#: Seconds before the second and the third try of a step that failed for a reason that may pass.
PAUSES_S = (5, 30)


class Submitted(Protocol[Made]):
    """A step under way."""

    def result(self) -> StepRecord[Made]:
        """Its record, waited for; raises what the step raised."""


class StepTask(Protocol[P, Made]):
    """A step."""

    def submit(self, *args: P.args, **kwargs: P.kwargs) -> Submitted[Made]:
        """Begin it, as a task of the flow that runs; without one it is run here, to its end."""

    def known(self, *args: P.args, **kwargs: P.kwargs) -> StepRecord[Made] | None:
        """Its record, if it has been run with these arguments."""

    def fn(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Run it here, as a task would: its record, or the state ``Reused`` that holds it."""


@dataclass(frozen=True)
class _Ended(Generic[Made]):
    """A step that was run to its end."""

    record: StepRecord[Made]

    def result(self) -> StepRecord[Made]:
        """The record."""
        return self.record


class _Step(Generic[Whose, P, Made]):
    """A step by its name and the function that says what it is given."""

    def __init__(self, name: str, function: Callable[Concatenate[Whose, P], Computation[Any, Made]]) -> None:
        self._name = name
        self._function = function

    def submit(self, run: Whose, /, *args: P.args, **kwargs: P.kwargs) -> Submitted[Made]:
        """As `StepTask.submit`."""
        if _in_a_flow():
            submitted: Submitted[Made] = self.task.submit(run, *args, **kwargs)
            return submitted
        again = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_may_pass),
            wait=tenacity.wait_chain(*map(tenacity.wait_fixed, PAUSES_S)),
            stop=tenacity.stop_after_attempt(1 + len(PAUSES_S)),
            reraise=True,
        )
        return _Ended(again(self._remembered, run, *args, **kwargs))

    def known(self, run: Whose, /, *args: P.args, **kwargs: P.kwargs) -> StepRecord[Made] | None:
        """As `StepTask.known`."""
        return recalled(run, self._name, self._function(run, *args, **kwargs))

    @property
    def fn(self) -> Any:
        """As `StepTask.fn`."""
        return self.task.fn

    @functools.cached_property
    def task(self) -> Any:
        """The Prefect task; a step that was found shows as ``Reused``."""
        from prefect import task
        from prefect.cache_policies import NO_CACHE
        from prefect.states import Completed

        @task(
            name=self._name,
            task_run_name=self._run_name,
            cache_policy=NO_CACHE,
            persist_result=False,
            retries=len(PAUSES_S),
            retry_delay_seconds=list(PAUSES_S),
            retry_condition_fn=lambda _task, _run, state: (
                isinstance(state.data, BaseException) and _may_pass(state.data)
            ),
        )
        @functools.wraps(self._function)
        def run_step(run: Whose, /, *args: P.args, **kwargs: P.kwargs) -> Any:
            record = self._remembered(run, *args, **kwargs)
            if record.reused:
                return Completed(name="Reused", message=f"{self._name} {record.key[:12]}", data=record)
            return record

        return run_step

    @property
    def _run_name(self) -> Any:  # Prefect's protocol for it has a class method, which no function has
        def run_name(parameters: dict[str, Any]) -> str:
            run = next(iter(parameters.values()))
            return "-".join(filter(None, (self._name, run.title.name, language_of(run))))

        return run_name

    def _remembered(self, run: Whose, /, *args: P.args, **kwargs: P.kwargs) -> StepRecord[Made]:
        return remember(run, self._name, self._function(run, *args, **kwargs))


def step_task(
    name: str,
) -> Callable[[Callable[Concatenate[Whose, P], Computation[Any, Made]]], StepTask[Concatenate[Whose, P], Made]]:
    """Make a step of a function that says what it is given and how its result comes of that.

    It finds or computes the step's record. Errors that may pass are tried again twice; others are not.

    Args:
        name: of the step, in the table of steps.
    """

    def decorate(function: Callable[Concatenate[Whose, P], Computation[Any, Made]]) -> Any:
        return _Step(name, function)

    return decorate


def settled(future: Submitted[Made]) -> StepRecord[Made]:
    """The record of a submitted step, waited for; raises what the step raised."""
    return future.result()


def _may_pass(error: BaseException) -> bool:
    return is_transient(error) and not isinstance(error, StoppedError)


def _in_a_flow() -> bool:
    """Whether a flow of Prefect runs here; it would have been imported."""
    if "prefect" not in sys.modules:
        return False
    from prefect.context import FlowRunContext

    return FlowRunContext.get() is not None
