"""What was found out about files that stay as they are is known from then on: to later steps, languages and runs.

A step analyses the title's own sound in every language and after every edit, and finds the same. Within a step
(`knowing`) the store is asked first. Files in the making are analysed each time.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from tasks.keep.store import Store, record_of, step_key

_Given = ParamSpec("_Given")
_Answer = TypeVar("_Answer")

_store: contextvars.ContextVar[Store | None] = contextvars.ContextVar("polydub_known_in", default=None)


@contextlib.contextmanager
def knowing(store: Store) -> Iterator[None]:
    """In the block, what is found out is kept in a store, and found there."""
    token = _store.set(store)
    try:
        yield
    finally:
        _store.reset(token)


def known(what: str, version: int, made: Any) -> Callable[[Callable[_Given, _Answer]], Callable[_Given, _Answer]]:
    """Keep a function's answers.

    Args:
        what: is found out; names the records.
        version: raised whenever the function's answer changes.
        made: the type of its answer, as a record holds it.

    Returns:
        A decorator. The function's paths count by their content, further arguments by theirs; ``beside`` and
        ``folder``, places for scratch files, change no answer.
    """

    def decorate(analyse: Callable[_Given, _Answer]) -> Callable[_Given, _Answer]:
        signature = inspect.signature(analyse)

        @functools.wraps(analyse)
        def answer(*args: _Given.args, **kwargs: _Given.kwargs) -> _Answer:
            store = _store.get()
            given = signature.bind(*args, **kwargs)
            given.apply_defaults()
            inputs = None if store is None else _inputs(given.arguments, store)
            if store is None or inputs is None:
                return analyse(*args, **kwargs)
            return found_or_made(store, what, version, inputs, made, lambda: analyse(*args, **kwargs))

        return answer

    return decorate


def found_or_made(
    store: Store, what: str, version: int, inputs: Mapping[str, Any], made: Any, make: Callable[[], _Answer]
) -> _Answer:
    """An answer that was kept in a store, or one made now and kept there.

    Args:
        store: where it is kept.
        what: names the records.
        version: raised whenever the answer changes.
        inputs: all that the answer depends on, assets by content.
        made: the type of the answer, as a record holds it.
        make: makes it.
    """
    key = step_key(what, version, inputs=inputs)
    record = store.lookup(what, key, made)
    record = record or store.commit(record_of(made)(step=what, key=key, value=make()))
    answer: _Answer = record.value
    return answer


def known_of(what: str, version: int, inputs: Mapping[str, Any], made: Any, make: Callable[[], _Answer]) -> _Answer:
    """As `found_or_made`, in the store of the block (`knowing`); outside one it is made each time.

    Args:
        what: names the records.
        version: raised whenever the answer changes.
        inputs: all that the answer depends on, assets by content.
        made: the type of the answer, as a record holds it.
        make: makes it.
    """
    store = _store.get()
    return make() if store is None else found_or_made(store, what, version, inputs, made, make)


_PLACES = ("beside", "folder")


def _inputs(given: Mapping[str, Any], store: Store) -> dict[str, Any] | None:
    """What the answer depends on; None where a file is work in progress."""
    inputs: dict[str, Any] = {}
    for name, value in given.items():
        if name in _PLACES:
            continue
        files = [value] if isinstance(value, Path) else value if isinstance(value, tuple) else ()
        if files and all(isinstance(one, Path) for one in files):
            value = [store.digest_of(one) for one in files]
            if None in value:
                return None
        inputs[name] = value
    return inputs
