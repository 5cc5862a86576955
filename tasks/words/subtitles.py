r"""Subtitle files of a script, and their figures for a reviewer.

The writers are our own: subtitle libraries read ``<i>`` or ``{\an8}`` in a text as markup, here text is text.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from configs.timed_text import timed_text_limits
from tasks.keep.staging import staged
from tasks.records.script import Line, Script
from tasks.words.cues import DEFAULT_RATE, Cue, make_cues
from tasks.words.rows import text_width

# SubRip has no escapes: an invisible U+2060 (word joiner) after the sign keeps players from reading it as markup.
_SRT_MARKUP = re.compile(r"[<{\\]|--(?=>)")
_JOINER = "\u2060"

_Format = tuple[str, Callable[[str], str], Sequence[str]]


def write_subtitles(
    script: Script, path: Path, frame_rate: Fraction = DEFAULT_RATE, duration_ms: int | None = None
) -> tuple[Cue, ...]:
    """Write a subtitle file (UTF-8) and return its cues.

    Args:
        script: the dub's script.
        path: ``.srt`` (SubRip) or ``.vtt`` (WebVTT).
        frame_rate: frames a second of the picture.
        duration_ms: length of the title; None where unknown.
    """
    cues = make_cues(script, frame_rate, duration_ms)
    write_cues(cues, script.language, path)
    return cues


def write_cues(cues: Sequence[Cue], language: str, path: Path) -> None:
    """Write cues as a subtitle file (UTF-8).

    Args:
        cues: in order of time.
        language: BCP-47 tag of their text.
        path: ``.srt`` (SubRip) or ``.vtt`` (WebVTT).
    """
    separator, escaped, head = _FORMATS[path.suffix](language)
    blocks = [
        f"{number}\n{_clock(cue.start_ms, separator)} --> {_clock(cue.end_ms, separator)}\n"
        + "".join(f"{escaped(row)}\n" for row in cue.rows)
        for number, cue in enumerate(cues, 1)
    ]
    _write(path, "\n".join([*head, *blocks]))


def subtitle_facts(
    script: Script,
    frame_rate: Fraction = DEFAULT_RATE,
    duration_ms: int | None = None,
    delivered: Sequence[Cue] | None = None,
) -> dict[str, Any]:
    """Reading speed and sizes of the cues that the writers write.

    Args:
        script: the dub's script.
        frame_rate: frames a second of the picture.
        duration_ms: length of the title; None where unknown.
        delivered: the cues of the file, where it was made by the style guide; each counts for the line at its time.

    Returns:
        ``cues``; ``cps_max`` and ``cps_limit`` (characters a second); ``cpl_max`` and ``cpl_limit`` (characters a
        row); ``lines_over_cps`` (ids); ``rows_over_cpl``; ``min_ms`` and ``max_ms`` (shortest and longest cue);
        ``short_cues`` (below the minimum). Maxima are None where there is no cue.
    """
    limits = timed_text_limits(script.language)
    cues = make_cues(script, frame_rate, duration_ms) if delivered is None else _of_lines(delivered, script)
    speeds = [(_width(cue, limits.wide) * 1000 / cue.duration_ms, cue.line) for cue in cues]
    widths = [text_width(row, wide=limits.wide) for cue in cues for row in cue.rows]
    lengths = [cue.duration_ms for cue in cues]
    return {
        "cues": len(cues),
        "cps_max": round(max(speeds)[0], 2) if speeds else None,
        "cps_limit": limits.cps,
        "cpl_max": max(widths, default=None),
        "cpl_limit": limits.cpl,
        "lines_over_cps": sorted({line for speed, line in speeds if round(speed, 2) > limits.cps}),
        "rows_over_cpl": sum(width > limits.cpl for width in widths),
        "min_ms": min(lengths, default=None),
        "max_ms": max(lengths, default=None),
        "short_cues": sum(length < limits.min_ms for length in lengths),
    }


def _of_lines(cues: Sequence[Cue], script: Script) -> tuple[Cue, ...]:
    """Cues of a file with the line that each shows: the one whose time it shares most, or is nearest to."""

    def shared(cue: Cue, line: Line) -> int:
        return min(cue.end_ms, line.end_ms) - max(cue.start_ms, line.start_ms)

    return tuple(
        replace(cue, line=max(script.lines, key=lambda line: shared(cue, line)).id) for cue in cues if script.lines
    )


def _in_srt(row: str) -> str:
    return _SRT_MARKUP.sub(lambda sign: sign.group() + _JOINER, row)


def _in_vtt(row: str) -> str:
    return html.escape(row, quote=False)


def _srt(_language: str) -> _Format:
    return ",", _in_srt, ()


def _vtt(language: str) -> _Format:
    return ".", _in_vtt, (f"WEBVTT\nLanguage: {language}\n",)


#: By suffix: the sign before the milliseconds, a row as the format writes it, and what stands before the first cue.
_FORMATS: dict[str, Callable[[str], _Format]] = {".srt": _srt, ".vtt": _vtt}


def _width(cue: Cue, wide: bool) -> float:
    return sum(text_width(row, wide=wide) for row in cue.rows)


def _clock(time_ms: int, separator: str) -> str:
    seconds, thousandths = divmod(time_ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{separator}{thousandths:03d}"


def _write(path: Path, text: str) -> None:
    with staged(path) as part:
        part.write_bytes(text.encode("utf-8"))
