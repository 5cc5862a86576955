"""Costly questions about a file, asked once a process: steps and languages ask the same of the same recording."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from tasks.keep.digests import known_sha256

_Told = ParamSpec("_Told")
_Answer = TypeVar("_Answer")
_Question = Callable[Concatenate[Path, _Told], _Answer]


def recalled(keep: int) -> Callable[[_Question[_Told, _Answer]], _Question[_Told, _Answer]]:
    """Keep a function's answers by the content of the file that it is asked about, whatever its name.

    Args:
        keep: answers; the one that was not asked for longest is forgotten first.

    Returns:
        A decorator. What else the function is told must not change its answer, which nobody may change either.
    """

    def decorate(ask: _Question[_Told, _Answer]) -> _Question[_Told, _Answer]:
        answers: dict[str, _Answer] = {}
        lock = threading.Lock()

        @functools.wraps(ask)
        def answer(path: Path, /, *args: _Told.args, **kwargs: _Told.kwargs) -> _Answer:
            content = known_sha256(path)
            with lock:
                if content in answers:
                    answers[content] = answers.pop(content)  # the last asked for is the last to go
                    return answers[content]
            result = ask(path, *args, **kwargs)
            with lock:
                answers[content] = result
                while len(answers) > keep:
                    del answers[next(iter(answers))]
            return result

        return answer

    return decorate
