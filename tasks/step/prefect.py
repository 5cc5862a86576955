"""Steps as Prefect tasks.

Prefect's own result cache stays off: its records outlive their files (docs/adr/0001-store-first.md).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec

from tasks.records.errors import StoppedError, is_transient
from tasks.records.model import StepRecord

P = ParamSpec("P")


def step_task(name: str) -> Callable[[Callable[P, StepRecord]], Any]:
    """Make a Prefect task of a step function; a step that was found shows as ``Reused``.

    Transient errors are tried again twice; permanent ones are not.
    """
    from prefect import task
    from prefect.cache_policies import NO_CACHE
    from prefect.states import Completed

    def retryable(_task: Any, _task_run: Any, state: Any) -> bool:
        error = state.data
        return isinstance(error, BaseException) and is_transient(error) and not isinstance(error, StoppedError)

    def decorate(function: Callable[P, StepRecord]) -> Any:
        @task(
            name=name,
            cache_policy=NO_CACHE,
            persist_result=False,
            retries=2,
            retry_delay_seconds=[5, 30],
            retry_condition_fn=retryable,
        )
        @functools.wraps(function)
        def run_step(*args: P.args, **kwargs: P.kwargs) -> Any:
            record = function(*args, **kwargs)
            if record.reused:
                return Completed(name="Reused", message=f"{name} {record.key[:12]}", data=record)
            return record

        return run_step

    return decorate


def settled(future: Any) -> StepRecord:
    """The record of a submitted step task, waited for; raises what the step raised."""
    record: StepRecord = future.result()
    return record
