"""Stages that work at the same time: a thread that runs an iterator ahead of its consumer, within bounds."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from queue import SimpleQueue
from time import perf_counter
from typing import Generic, TypeVar

T = TypeVar("T")


class _End:
    """Last thing in the queue: the iterator has ended, with this error if it failed."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def ahead(items: Iterator[T], depth: int = 1) -> Generator[T, None, None]:
    """Hand out ``items``, made in a thread of their own, at most ``depth`` ready ones waiting.

    Order is kept. An error of the iterator is raised here, after what came before it. Closing this generator (or
    leaving it by an error) ends the thread, which closes ``items``; nothing keeps running.

    Args:
        items: made in the thread; closed there.
        depth: finished items that may wait.
    """
    ready: SimpleQueue[T | _End] = SimpleQueue()
    room = threading.Semaphore(depth)
    stop = threading.Event()

    def work() -> None:
        error: BaseException | None = None
        try:
            for item in items:
                room.acquire()
                if stop.is_set():
                    break
                ready.put(item)
                del item  # the consumer's, now: nothing is kept alive while the next one is made
        except BaseException as caught:  # whatever it is, the consumer must hear of it
            error = caught
        finally:
            try:
                if hasattr(items, "close"):
                    items.close()
            except BaseException as caught:
                error = error or caught
            ready.put(_End(error))

    thread = threading.Thread(target=work, name="lipsync-stage", daemon=True)
    thread.start()
    try:
        while True:
            item = ready.get()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            room.release()
            yield item
            del item
    finally:
        stop.set()
        room.release()
        thread.join()


class Timed(Generic[T]):
    """An iterator that adds up the seconds spent in making its items."""

    def __init__(self, items: Iterator[T]) -> None:
        self._items = items
        self.seconds = 0.0

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        clock = perf_counter()
        try:
            return next(self._items)
        finally:
            self.seconds += perf_counter() - clock

    def close(self) -> None:
        """Close what is timed."""
        if hasattr(self._items, "close"):
            self._items.close()
