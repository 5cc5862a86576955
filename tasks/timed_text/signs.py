"""Words in the picture, as the source's files have them: signs of ASS, and files that hold nothing else."""

from __future__ import annotations

from pathlib import Path

from tasks.records.script import Passage
from tasks.transcribe.decoding import decoded
from tasks.transcribe.substation import signs_of
from tasks.transcribe.subtitles import read_cues_of
from tasks.words.spacing import one_row


def signs_in(subtitles: Path, language: str | None) -> tuple[Passage, ...]:
    """The signs among the lines of an ASS or SSA file; none of any other kind.

    Args:
        subtitles: of the source.
        language: BCP-47 tag, for its encoding.
    """
    if subtitles.suffix.lower() not in (".ass", ".ssa"):
        return ()
    text, _ = decoded(subtitles.read_bytes(), subtitles.name, language)
    cues = signs_of(text, subtitles.suffix.lower(), subtitles.name)
    return tuple(
        Passage(start_ms=max(0, cue.start_ms), end_ms=cue.end_ms, text=one_row(cue.text))
        for cue in cues
        if cue.text.strip() and cue.end_ms > max(0, cue.start_ms)
    )


def forced_cues(path: Path, language: str | None) -> tuple[Passage, ...]:
    """Every cue of a file of forced subtitles, whatever it is.

    Args:
        path: the file.
        language: BCP-47 tag, for its encoding.

    Raises:
        BadInputError: it cannot be read.
    """
    return tuple(
        Passage(start_ms=max(0, cue.start_ms), end_ms=cue.end_ms, text=one_row(cue.text))
        for cue in read_cues_of(path, language)
        if cue.text.strip() and cue.end_ms > max(0, cue.start_ms)
    )


def moved(passages: tuple[Passage, ...], by_ms: int, duration_ms: int) -> tuple[Passage, ...]:
    """Those of them that begin within the title, on its clock.

    Args:
        passages: on the source's clock.
        by_ms: where the title begins on it.
        duration_ms: of the title.
    """
    times = ((one, max(0, one.start_ms - by_ms), min(one.end_ms - by_ms, duration_ms)) for one in passages)
    return tuple(
        one.model_copy(update={"start_ms": start, "end_ms": end})
        for one, start, end in times
        if start < duration_ms and end > start
    )
