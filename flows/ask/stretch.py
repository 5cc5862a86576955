"""Which stretch of a title a preview shows. No Prefect."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tasks import media
from tasks.records.errors import BadInputError
from tasks.records.facts import MediaFacts
from tasks.records.record import Milliseconds
from tasks.records.script import Script

#: Kept before the first speech.
_BEFORE_MS = 500
#: So much of a title is listened to for it, and a stretch needs so much speech of one that begins with silence.
_LISTENED_MS, _LEAST_MS = 600_000, 1000
_TIME = r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d+)?)"
_TYPED = re.compile(rf"\s*{_TIME}\s*(?:-\s*{_TIME}\s*)?")


@dataclass(frozen=True)
class Stretch:
    """What was typed: so many seconds, and where they begin; None: at the first speech. 0 seconds: the whole title."""

    seconds: float = 0.0
    start_s: float | None = None


def typed(text: str) -> Stretch:
    """A stretch as typed: ``8``, ``20-25``, ``1:20-1:35``; empty for the whole title.

    Raises:
        BadInputError: it is neither, or ends before it begins.
    """
    if not text.strip():
        return Stretch()
    found = _TYPED.fullmatch(text)
    if found is None:
        raise BadInputError(f"--preview {text[:40]!r} is no stretch.", "Write 8 for seconds, or 20-25, or 1:20-1:35.")
    first, last = _seconds(found.groups()[:3]), found.groups()[3:]
    if last[2] is None:
        return Stretch(first)
    if _seconds(last) <= first:
        raise BadInputError(f"--preview {text[:40]!r} ends before it begins.", "Write the earlier time first.")
    return Stretch(_seconds(last) - first, first)


def placed(wanted: Stretch, video: Path, facts: MediaFacts, script: Script | None) -> tuple[Milliseconds, Milliseconds]:
    """Start and length of a stretch on a title's clock, milliseconds; (0, 0) for all of it.

    Args:
        wanted: as typed.
        video: the title.
        facts: of it.
        script: its words, where they are given; else it is listened to.

    Raises:
        BadInputError: it begins after the title's end, or no line of the script begins in it.
    """
    length_ms = round(wanted.seconds * 1000)
    if not length_ms:
        return 0, 0
    if wanted.start_s is None:
        start_ms = _first_speech_ms(video, facts, script, length_ms)
    else:
        start_ms = round(wanted.start_s * 1000)
    if start_ms >= facts.duration_ms:
        raise BadInputError(
            f"The preview begins at {start_ms / 1000:.1f} s; {video.name} ends at {facts.duration_ms / 1000:.1f} s.",
            "Choose an earlier one.",
        )
    start_ms = _on_a_frame(start_ms, facts)
    if script is not None and not any(start_ms <= line.start_ms < start_ms + length_ms for line in script.lines):
        begin = ", ".join(f"{line.start_ms / 1000:.1f}" for line in script.lines[:5])
        raise BadInputError(
            f"No line of the script begins in the preview, {start_ms / 1000:.1f} to "
            f"{(start_ms + length_ms) / 1000:.1f} s of {video.name}.",
            f"The first lines begin at {begin} s." if begin else "The script has no lines.",
        )
    return start_ms, length_ms


def _first_speech_ms(video: Path, facts: MediaFacts, script: Script | None, length_ms: int) -> Milliseconds:
    """0 where enough is said in the beginning, else shortly before the first speech."""
    first_ms = script.lines[0].start_ms if script and script.lines else _heard_ms(video, facts) if script is None else 0
    return 0 if first_ms + min(_LEAST_MS, length_ms // 2) <= length_ms else max(0, first_ms - _BEFORE_MS)


def _heard_ms(video: Path, facts: MediaFacts) -> Milliseconds:
    """Where somebody is first heard to speak; 0 where nobody is."""
    from tasks.sound.speech_activity import speech_spans

    if not facts.audio:
        return 0
    with tempfile.TemporaryDirectory(prefix="polydub-preview-") as folder:
        whole, heard = Path(folder) / "whole.wav", Path(folder) / "heard.wav"
        listened = facts.model_copy(update={"duration_ms": min(facts.duration_ms, _LISTENED_MS)})
        media.extract_audio(video, listened, None, whole)
        media.speech_copy(whole, heard)
        spans = speech_spans(heard)
    return spans[0][0] if spans else 0


def _on_a_frame(at_ms: int, facts: MediaFacts) -> Milliseconds:
    if facts.picture is None or facts.picture.variable_rate or not facts.picture.frame_rate:
        return at_ms
    rate, begins_ms = facts.picture.frame_rate, facts.picture.start_ms
    frame = round((at_ms - begins_ms) * rate / 1000)
    return max(0, int(begins_ms + frame * 1000 / rate))


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds = parts
    return 3600 * int(hours or 0) + 60 * int(minutes or 0) + float(seconds or 0)
