"""Several readings of one line by its voice, side by side: spoken as the dub would speak them; the dub stays as it is.

Each is the step `synthesize` for that line alone, so that the one that is chosen is found when the dub is made.
No Prefect. As a program (``python -m flows.dub.readings FOLDER LANGUAGE LINE COUNT``) it speaks them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.dub.before import paces_before
from flows.kept.again import as_asked
from flows.kept.ahead import way_of
from flows.kept.branches import known
from flows.kept.costs import Account
from flows.kept.dub_lines import DubLines
from flows.kept.edited import edited_script
from flows.printed import say
from tasks.records.direction import Direction
from tasks.records.errors import BadInputError, PolydubError
from tasks.records.progress import listening
from tasks.records.take import Take
from tasks.records.title import Branch
from tasks.step.prefect import settled
from tasks.synthesize import speaking
from tasks.synthesize.task import synthesize

MOST = 3


@dataclass(frozen=True)
class Reading:
    """One reading of a line.

    Attributes:
        number: as an edit's ``take`` has it, from 1.
        take: the sound.
    """

    number: int
    take: Take


class LineReadings:
    """The readings of a line as it is now, with its edits.

    Args:
        branch: the language, as it was asked for.
        dub: its lines.
        line: number of the line.

    Raises:
        BadInputError: there is no such line, it says nothing yet, or no voice reads it in several ways.
    """

    def __init__(self, branch: Branch, dub: DubLines, line: int) -> None:
        row = dub.row(line)
        text, work = dub.text(row), known(branch).work
        if not (text or "").strip() or row.mute or row.keep:
            raise BadInputError(f"Line {line} has no words that a voice says.", "Give it a text, and make the dub.")
        if way_of(branch) != "spoken":
            raise BadInputError("No voice of Polydub speaks this dub.", "Send a recorded take.")
        backend = speaking(branch.profile.synthesize, branch.language).backend
        if not backend.facts.varies:
            raise BadInputError(
                f"{backend.facts.name} reads a line the same way every time.", "Choose another voice, or record a take."
            )
        if work is None:
            raise BadInputError("What the languages share is no longer in the store.", "Make the dub.")
        wanted = known(branch).edits
        source = edited_script(branch, work, wanted)
        spoken = [one for one in source.lines if one.id == line]
        said = [one.model_copy(update={"text": text, "words": (), "language": ""}) for one in spoken]
        own = next((one for one in wanted.directions if one.line == line), Direction(line=line))
        alone = {"language": branch.language, "lines": tuple(said), "notes": (), "changes": (), "kept": ()}
        self._branch, self._source, self._work = branch, source, work
        self._script, self._own = source.model_copy(update=alone), own.model_copy(update={"recording": ""})
        self._paces = paces_before(branch, work)

    def made(self) -> list[Reading]:
        """Those that were spoken already."""
        found = ((number, synthesize.known(*self._asked(number))) for number in range(1, MOST + 1))
        return [Reading(number, take) for number, record in found if record for take in record.value.takes]

    def speak(self, count: int) -> Iterator[Reading]:
        """Speak the first of them, one after another; what it costs is booked as any step's.

        Args:
            count: how many.
        """
        account = Account(self._branch.model_copy(update={"batch": "readings"}))
        try:
            with listening(account.listen):
                for number in range(1, min(count, MOST) + 1):
                    takes = settled(synthesize.submit(*self._asked(number))).value.takes
                    yield from (Reading(number, take) for take in takes)
        finally:
            account.book()

    def _asked(self, number: int) -> tuple[Any, ...]:
        work, source = self._work, self._source
        direction = self._own.model_copy(update={"take": number})
        heard = None if source == work.script else work.script
        return self._branch, self._script, source, work.dialogue, work.bed, self._paces, (direction,), heard


def readings_of(folder: Path, dub: DubLines, line: int) -> LineReadings:
    """The readings of a line of a delivered title; errors as of `LineReadings` and `as_asked`.

    Args:
        folder: the title's.
        dub: the language.
        line: number of the line.
    """
    return LineReadings(as_asked(folder, dub.language).branch(dub.language), dub, line)


def main(folder: str, language: str, line: str, count: str) -> int:
    """Speak the readings of a line.

    Args:
        folder: the title's.
        language: of the dub.
        line: number of the line.
        count: of readings.

    Returns:
        An exit code.
    """
    try:
        dub = DubLines(Path(folder), language)
        for reading in readings_of(dub.folder, dub, int(line)).speak(int(count)):
            say(f"reading {reading.number}: {reading.take.duration_ms} ms")
    except PolydubError as error:
        say(str(error), err=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
