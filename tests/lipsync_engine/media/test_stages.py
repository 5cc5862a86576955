"""Stages that run ahead of each other keep order, stay bounded and end together."""

import threading
import time
from contextlib import closing

import pytest

from lipsync_engine.media.stages import Timed, ahead


def stage_threads() -> int:
    return sum(thread.name == "lipsync-stage" for thread in threading.enumerate())


def take(items, into):
    for item in items:
        into.append(item)


def fail_after_one(items):
    with closing(items):
        next(items)
        raise RuntimeError


def test_items_keep_their_order_through_two_stages():
    doubled = ahead(2 * n for n in ahead(iter(range(500))))
    assert list(doubled) == list(range(0, 1000, 2))
    assert stage_threads() == 0


def test_no_more_than_the_depth_is_made_ahead():
    made = []
    items = ahead((made.append(n) or n for n in range(100)), 2)
    assert next(items) == 0
    time.sleep(0.1)
    assert len(made) <= 1 + 2 + 1  # handed out, waiting, in hand
    items.close()


def test_an_error_arrives_after_what_came_before_it():
    def fails():
        yield 1
        raise ValueError("broken frame")

    got = []
    with pytest.raises(ValueError, match="broken frame"):
        take(ahead(n for n in ahead(fails())), got)
    assert got == [1]
    assert stage_threads() == 0


def test_leaving_early_closes_every_stage():
    closed = []

    def endless():
        try:
            while True:
                yield 0
        finally:
            closed.append(True)

    with pytest.raises(RuntimeError):
        fail_after_one(ahead(Timed(n for n in ahead(Timed(endless())))))
    assert stage_threads() == 0
    assert closed == [True]


def test_time_is_counted_while_an_item_is_made():
    def slow():
        time.sleep(0.05)
        yield 1

    timed = Timed(slow())
    assert list(timed) == [1]
    assert 0.05 <= timed.seconds < 60
