"""The dub that a request is about, and who sends it. What was looked at last is remembered until it changes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import HTTPException, Request

from flows.kept import links
from flows.kept.dub_lines import DubLines, signature
from flows.review.lines import Shown
from tasks.records.errors import BadInputError

_REMEMBERED = 12


@dataclass(frozen=True)
class Seen:
    """A language that is only looked at.

    Attributes:
        dub: its lines; nothing is added to them.
        shown: the same, as the page shows them.
    """

    dub: DubLines
    shown: Shown

    @property
    def lines(self) -> list[dict[str, Any]]:
        """As the page shows them, in order of time."""
        return self.shown.lines


class _Remembered:
    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], Seen] = OrderedDict()
        self._changing = threading.Lock()

    def there(self, key: str, language: str, folder: Path) -> Seen | None:
        """What was seen of a language, if its files are as they were."""
        with self._changing:
            found = self._kept.get((key, language))
        return found if found and found.dub.folder == folder and found.dub.is_of_its_files() else None

    def put(self, key: str, language: str, dub: DubLines) -> Seen:
        before = self.there(key, language, dub.folder)
        seen = Seen(dub, Shown(dub, before.shown if before else None))
        with self._changing:
            self._kept[key, language] = seen
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
    folder = _folder(key)
    if there := _remembered.there(key, language, folder):
        return there.dub.again()
    try:
        return DubLines(folder, language)
    except BadInputError as error:
        raise HTTPException(404, "The title has no such language.") from error


def seen(key: str, language: str) -> Seen:
    """A language of a delivered title, to be looked at; raises as `opened`."""
    there = _remembered.there(key, language, _folder(key))
    if there is not None and there.dub.edits.are_current():
        return there
    return _remembered.put(key, language, opened(key, language))


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


def _folder(key: str) -> Path:
    title = links.delivered_title(key)
    if title is None:
        raise HTTPException(404, "There is no such title.")
    return title.folder
