"""Which of several readings of a line is best: the one that is understood, and lasts about as long as its slot."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from configs.languages import primary
from configs.profile import ChainedSettings
from configs.timed_text import timed_text_limits
from tasks.progress import silent
from tasks.transcribe import listening


@dataclass(frozen=True)
class Judge:
    """Listens where it has ears for the language; else it goes by duration alone.

    Attributes:
        name: of the recogniser; empty without one.
        fingerprint: part of the key of its scores.
        hear: the words in a WAV of any rate.
    """

    name: str = ""
    fingerprint: str = "duration:1"
    hear: Callable[[Path], str] | None = None

    def score(self, text: str, language: str, audio: Path, duration_ms: int, slot_ms: int) -> float:
        """How far a take is from its line, 0 is best: the error rate of what is heard, and the distance in length.

        Args:
            text: the line.
            language: BCP-47 tag.
            audio: the take.
            duration_ms: of the take.
            slot_ms: of the source line; 0 asks for nothing.
        """
        length = abs(math.log(duration_ms / slot_ms)) if slot_ms > 0 and duration_ms > 0 else 0.0
        if self.hear is None or not (wanted := _plain(text)):
            return round(length, 4)
        import jiwer

        heard = _plain(self.hear(audio))
        rate = jiwer.cer(wanted, heard) if timed_text_limits(language).spaceless else jiwer.wer(wanted, heard)
        return round(min(float(rate), 1.0) + length, 4)


def judge_of(settings: ChainedSettings, language: str, folder: Path) -> Judge:
    """A judge that listens with the profile's recogniser, where that knows the language and is installed.

    Args:
        settings: of the transcribe step.
        language: of the dub.
        folder: for what the recogniser is given.
    """
    listener = listening(settings, language).backend
    facts = listener.facts
    deaf = facts.paid or facts.name == "fake" or listener.missing()
    if deaf or (facts.languages is not None and primary(language) not in facts.languages):
        return Judge()

    def hear(audio: Path) -> str:
        from tasks.media import speech_copy

        speech = folder / "judged.wav"
        speech_copy(audio, speech)
        return " ".join(line.text for line in listener.transcribe(speech, language, silent).lines)

    return Judge(name=facts.name, fingerprint=f"judge:1:{listener.fingerprint()}", hear=hear)


def _plain(text: str) -> str:
    """Lower case words without punctuation."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.sub(r"[^\w\s'’]|_", " ", folded).split())
