"""Readings of lines that are spoken for the page: each line in a process of its own, one after another."""

from __future__ import annotations

import sys
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from flows.dub.readings import MOST, readings_of
from flows.kept.applied import Row
from flows.kept.dub_lines import DubLines
from flows.review.making import Made
from tasks.machine.process import run
from tasks.records.errors import BadInputError, PolydubError
from tasks.records.record import Asset

_LONGEST_S = 900.0
_WAITING, _REMEMBERED = 8, 200


class WantedReadings(BaseModel):
    """Readings of a line (by its key), side by side."""

    model_config = ConfigDict(extra="forbid")

    line: Annotated[str, Field(max_length=40)]
    count: Annotated[int, Field(ge=1, le=MOST)] = MOST


class Speaking:
    """Which lines are being read, and which wait for that; what came of it is in the store."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str, str], Made] = OrderedDict()
        self._changing, self._one = threading.Lock(), threading.Lock()

    def of(self, key: str, language: str, line: str) -> Made:
        """How far a line is.

        Args:
            key: the title's.
            language: of the dub.
            line: its key.
        """
        with self._changing:
            return self._known.get((key, language, line), Made())

    def begin(self, where: tuple[str, str, str], dub: DubLines, row: Row, count: int) -> None:
        """Have a line read, unless it is being read already.

        Args:
            where: keys of title, language and line.
            dub: the language.
            row: the line.
            count: of readings.

        Raises:
            BadInputError: its voice has one reading, or too many lines wait.
        """
        readings_of(dub.folder, dub, row.line.id)
        with self._changing:
            there = self._known.get(where, Made())
            if there.state in ("waiting", "running"):
                return
            if sum(one.state == "waiting" for one in self._known.values()) >= _WAITING:
                raise BadInputError(f"{_WAITING} lines wait to be read.", "Ask again when they are read.")
            made = self._known[where] = Made("waiting")
            self._known.move_to_end(where)
            ended = [name for name, one in self._known.items() if one.state in ("made", "failed")]
            for name in ended[: max(0, len(self._known) - _REMEMBERED)]:
                del self._known[name]
        asked = dub.folder, dub.language, row.line.id, count
        threading.Thread(target=self._speak, args=(made, *asked), daemon=True).start()

    def _speak(self, made: Made, folder: Path, language: str, line: int, count: int) -> None:
        with self._one:
            made.state = "running"
            command = [sys.executable, "-m", "flows.dub.readings", str(folder), language, str(line), str(count)]
            try:
                run(command, deadline_s=_LONGEST_S)
                made.state = "made"
            except PolydubError as error:
                made.why = str(error.data.get("log") or error)[-2000:]
                made.state = "failed"


def shown_readings(dub: DubLines, row: Row) -> list[dict[str, Any]]:
    """The readings of a line as it is now that were made; none where its voice has one reading only."""
    try:
        made = readings_of(dub.folder, dub, row.line.id).made()
    except BadInputError:
        return []
    return [{"take": one.number, "duration_ms": one.take.duration_ms, "sound": one.take.audio.sha256} for one in made]


def sound_of(dub: DubLines, row: Row, take: int) -> Asset | None:
    """The sound of a reading; None where it was not made.

    Args:
        dub: the language.
        row: the line.
        take: its number.
    """
    try:
        made = readings_of(dub.folder, dub, row.line.id).made()
    except BadInputError:
        return None
    return next((one.take.audio for one in made if one.number == take), None)
