"""Languages that are dubbed again for the page: each in a process of its own, one after another."""

from __future__ import annotations

import sys
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from flows.kept import links
from flows.kept.again import as_asked
from flows.kept.applied import Applied
from flows.kept.branches import last_attempt, shared_work
from flows.kept.dub_lines import DubLines
from flows.kept.keys import content_key
from flows.kept.standing import Standing, standing
from tasks.machine.process import run
from tasks.records.errors import PolydubError

_LONGEST_S = 24 * 3600.0
_REMEMBERED = 200
_WAITS = 4  # exit code of `polydub render`
_LOOKED_BACK = 40  # edits
State = Literal["none", "waiting", "running", "made", "failed"]


@dataclass
class Made:
    """A language that is dubbed again, or was since the server started.

    Attributes:
        state: where it is.
        why: it failed.
    """

    state: State = "none"
    why: str = ""


class Making:
    """What is dubbed again, and what waits for that."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], Made] = OrderedDict()
        self._changing, self._one = threading.Lock(), threading.Lock()

    def of(self, key: str, language: str) -> Made:
        """How far a language is."""
        with self._changing:
            return self._known.get((key, language), Made())

    def begin(self, key: str, language: str, folder: Path) -> Made:
        """Have a language dubbed again, unless it is already.

        Args:
            key: the title's.
            language: of the dub.
            folder: the title's.

        Raises:
            BadInputError: how it is dubbed is not known, or its source is gone.
        """
        as_asked(folder, language)
        with self._changing:
            there = self._known.get((key, language), Made())
            if there.state in ("waiting", "running"):
                return there
            made = self._known[key, language] = Made("waiting")
            self._known.move_to_end((key, language))
            ended = [name for name, one in self._known.items() if one.state in ("made", "failed")]
            for name in ended[: max(0, len(self._known) - _REMEMBERED)]:
                del self._known[name]
        threading.Thread(target=self._make, args=(made, folder, language), daemon=True).start()
        return made

    def _make(self, made: Made, folder: Path, language: str) -> None:
        with self._one:
            made.state = "running"
            try:
                run([sys.executable, "-m", "flows.cli", "render", str(folder), language], deadline_s=_LONGEST_S)
                made.state = "made"
            except PolydubError as error:
                if error.data.get("returncode") == _WAITS:  # for approval
                    made.state = "made"
                    return
                made.why = str(error.data.get("log") or error)[-2000:]
                made.state = "failed"


def standing_of(key: str, language: str) -> Standing | None:
    """How far the dub of a language with all its edits is; None where this store does not know how it is dubbed."""
    asked = links.asked_run(key)
    return standing(asked.branch(language)) if asked is not None else None


def delivered_lines(key: str, dub: DubLines) -> Applied | None:
    """The lines with the edits that the last dub of them that was delivered has; None where that is not known.

    Args:
        key: the title's.
        dub: the language.
    """
    asked = links.asked_run(key)
    if asked is None or (work := shared_work(asked)) is None:
        return None
    branch = asked.branch(dub.language)
    for count in range(dub.edits.count, max(-1, dub.edits.count - _LOOKED_BACK), -1):
        lines = dub.after(count)
        attempt = last_attempt(branch, content_key(branch, work, lines))
        if attempt is not None and attempt.delivered:
            return lines
    return None
