"""BLAS on one core: its threads wait for each other by spinning, and no matrix here is large enough to gain by them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from threadpoolctl import threadpool_limits

P = ParamSpec("P")
T = TypeVar("T")


def on_one_core(work: Callable[P, T]) -> Callable[P, T]:
    """The function, with BLAS on one core in the whole process while it runs."""

    @wraps(work)
    def limited(*args: P.args, **kwargs: P.kwargs) -> T:
        with threadpool_limits(1, user_api="blas"):
            return work(*args, **kwargs)

    return limited
