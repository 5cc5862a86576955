"""Work beside work, in threads with their caller's context. How much computes at once: `tasks.machine.jobs`."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


@contextlib.contextmanager
def beside(work: Callable[[], T]) -> Iterator[Callable[[], T]]:
    """Do work beside the block, which ends when both have; what it made, or raised, comes by calling what is yielded.

    Args:
        work: what is done.
    """
    with ThreadPoolExecutor(1) as pool:
        made = pool.submit(contextvars.copy_context().run, work)
        yield made.result


def side_by_side(works: Sequence[Callable[[], None]], at_once: int) -> None:
    """Do works in order, so many at once; the first error that one of them raises is raised when all have ended.

    Args:
        works: what is done.
        at_once: with one, all are done in this thread, which signals interrupt.
    """
    if at_once == 1:
        for work in works:
            work()
        return
    with ThreadPoolExecutor(at_once) as pool:
        made = [pool.submit(contextvars.copy_context().run, work) for work in works]
    for one in made:
        one.result()
