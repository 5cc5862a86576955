"""Who speaks each line.

In: 16 kHz mono dialogue and a script. Out: the same lines with ``speaker`` set (``S1``, ``S2`` in order of first
appearance, or the name that the subtitles gave) and the script's ``speakers`` filled (median pitch, speech time).
To add a backend: write ``tasks/diarize/NAME.py`` and add its line to `BACKENDS`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol

from tasks.records import registry
from tasks.records.progress import Progress
from tasks.records.script import Script, Speaker

VERSION = 1

BACKENDS = {
    "resemblyzer": "tasks.diarize.resemblyzer:ResemblyzerDiarizer",
    "fake": "tasks.diarize.fake:FakeDiarizer",
}


class Diarizer(Protocol):
    """Gives each line its speaker."""

    facts: ClassVar[registry.BackendFacts]

    def fingerprint(self) -> str:
        """Name, version, model and options; loads nothing."""

    def missing(self) -> list[str]:
        """What is not installed, with how to get it."""

    def diarize(self, audio: Path, script: Script, progress: Progress) -> Script:
        """The script with speakers; text and times unchanged. Speakers that subtitles named are kept.

        Args:
            audio: WAV, mono, 16 kHz: the title's speech.
            script: lines with times.
            progress: called with the share that is done, 0 to 1.
        """


def diarizer(name: str, options: dict[str, Any]) -> Diarizer:
    """The backend of that name; `BadInputError` for an unknown name or option."""
    backend: Diarizer = registry.create("diarize", name, BACKENDS, options)
    return backend


def with_speakers(script: Script, labels: Sequence[str], speakers: Sequence[Speaker], note: str = "") -> Script:
    """The script with a speaker for each line and their speech time summed up.

    Args:
        script: the lines.
        labels: a speaker's id for each line.
        speakers: everyone in ``labels``, with pitch.
        note: added to the script's notes.
    """
    lines = tuple(line.model_copy(update={"speaker": label}) for line, label in zip(script.lines, labels, strict=True))
    heard = tuple(
        speaker.model_copy(
            update={"speech_ms": sum(line.end_ms - line.start_ms for line in lines if line.speaker == speaker.id)}
        )
        for speaker in speakers
    )
    notes = (*script.notes, note) if note else script.notes
    return script.model_copy(update={"lines": lines, "speakers": heard, "notes": notes})
