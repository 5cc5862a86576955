"""Work beside work, in threads with their caller's context. How much computes at once: `tasks.machine.jobs`."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tasks.machine.together import together
from tasks.records.errors import GivenUpError

T = TypeVar("T")


@contextlib.contextmanager
def beside(work: Callable[[], T]) -> Iterator[Callable[[], T]]:
    """Do work beside the block, which ends when both have; what it made, or raised, comes by calling what is yielded.

    Where one of the two fails, the other is given up (`tasks.machine.together`), and the error is that of the first.

    Args:
        work: what is done.
    """

    def done() -> T:
        try:
            return work()
        except BaseException:
            whole.give_up()
            raise

    with together() as whole, ThreadPoolExecutor(1) as pool:
        made = pool.submit(contextvars.copy_context().run, done)
        try:
            yield made.result
        except BaseException as error:
            whole.give_up()
            if isinstance(error, GivenUpError) and (first := made.exception()) is not None:
                raise first from None
            raise


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
