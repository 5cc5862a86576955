"""The dub that a request is about, and who sends it. What was looked at last is remembered until it changes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import HTTPException, Request

from flows.kept import links
from flows.kept.deliver import REVIEW
from flows.kept.dub_lines import DubLines, signature
from flows.review.lines import Shown
from tasks.records.errors import BadInputError

_REMEMBERED = 6
_FILES = ("title.json", "{}/script.json", f"{{}}/{REVIEW}/script.json", "{}/qc.json")
_Mark = tuple[Any, ...]


@dataclass(frozen=True)
class Seen:
    """A language that is only looked at.

    Attributes:
        dub: its lines; nothing is added to them.
        lines: as the page shows them.
    """

    dub: DubLines
    lines: list[dict[str, Any]]


class _Remembered:
    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], tuple[_Mark, Seen]] = OrderedDict()
        self._changing = threading.Lock()

    def get(self, key: str, language: str) -> Seen:
        with self._changing:
            there = self._kept.get((key, language))
        if there is not None and there[0] == _mark(there[1].dub):
            return there[1]
        return self.put(key, language, opened(key, language))

    def put(self, key: str, language: str, dub: DubLines) -> Seen:
        seen = Seen(dub, Shown(dub).lines())
        with self._changing:
            self._kept[key, language] = _mark(dub), seen
            self._kept.move_to_end((key, language))
            while len(self._kept) > _REMEMBERED:
                self._kept.popitem(last=False)
        return seen


_remembered = _Remembered()


def opened(key: str, language: str) -> DubLines:
    """A language of a delivered title, to be edited.

    Raises:
        HTTPException: there is none.
    """
    title = links.delivered_title(key)
    if title is None:
        raise HTTPException(404, "There is no such title.")
    try:
        return DubLines(title.folder, language)
    except BadInputError as error:
        raise HTTPException(404, "The title has no such language.") from error


def seen(key: str, language: str) -> Seen:
    """A language of a delivered title, to be looked at; raises as `opened`."""
    if links.delivered_title(key) is None:
        raise HTTPException(404, "There is no such title.")
    return _remembered.get(key, language)


def remember(key: str, language: str, dub: DubLines) -> Seen:
    """What is seen of a language after it was edited.

    Args:
        key: the title's.
        language: of the dub.
        dub: its lines now.
    """
    return _remembered.put(key, language, dub)


def signed_by(request: Request, why: str) -> dict[str, Any]:
    """Who edits: the user that the guard knows, else this machine's."""
    who = getattr(request.state, "who", "")
    return {**signature(why), "source": "page", **({"who": who} if who else {})}


def _mark(dub: DubLines) -> _Mark:
    """What is another one where anything of a language was changed."""
    return dub.edits.kept_now(), *(_written(dub.folder / name.format(dub.language)) for name in _FILES)


def _written(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
        return found.st_mtime_ns, found.st_ino
    except OSError:
        return 0, 0
