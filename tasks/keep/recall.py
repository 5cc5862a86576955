"""Caches costly analyses of a file within a process, because steps and languages repeat them on one recording."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from tasks.keep.digests import known_sha256

_Rest = ParamSpec("_Rest")
_Answer = TypeVar("_Answer")
_Analysis = Callable[Concatenate[Path, _Rest], _Answer]


def recalled(keep: int) -> Callable[[_Analysis[_Rest, _Answer]], _Analysis[_Rest, _Answer]]:
    """Cache a function's results by the content of its file argument, regardless of the file's name.

    Args:
        keep: number of results; the least recently used is dropped first.

    Returns:
        A decorator. The function's other arguments must not affect its result, and the result must not be modified.
    """

    def decorate(analyse: _Analysis[_Rest, _Answer]) -> _Analysis[_Rest, _Answer]:
        answers: dict[str, _Answer] = {}
        lock = threading.Lock()

        @functools.wraps(analyse)
        def answer(path: Path, /, *args: _Rest.args, **kwargs: _Rest.kwargs) -> _Answer:
            content = known_sha256(path)
            with lock:
                if content in answers:
                    answers[content] = answers.pop(content)  # most recently used
                    return answers[content]
            result = analyse(path, *args, **kwargs)
            with lock:
                answers[content] = result
                while len(answers) > keep:
                    del answers[next(iter(answers))]
            return result

        return answer

    return decorate
