"""Cues read again from a subtitle file that Polydub wrote: what is measured is the file."""

from __future__ import annotations

import html
import re
from pathlib import Path

from tasks.words.cues import Cue
from tasks.words.ttml import read_ttml

_TIMES = re.compile(r"(\d+):(\d\d):(\d\d)[.,](\d{3}) --> (\d+):(\d\d):(\d\d)[.,](\d{3})")
_JOINER = "\u2060"


def read_back(path: Path) -> tuple[Cue, ...]:
    """The cues of a file in its order; which line each belongs to is not in it, so that ``line`` is its number.

    Args:
        path: ``.srt``, ``.vtt``, or TTML in a file of any other name.
    """
    if path.suffix not in (".srt", ".vtt"):
        paragraphs = read_ttml(path.read_bytes()).paragraphs
        return tuple(
            Cue(one.start_ms, one.end_ms or one.start_ms, tuple(one.text.split("\n")), number)
            for number, one in enumerate(paragraphs)
        )
    blocks = (block.split("\n") for block in path.read_text("utf-8").rstrip("\n").split("\n\n"))
    timed = [(found, block[2:]) for block in blocks if len(block) > 1 and (found := _TIMES.fullmatch(block[1]))]
    return tuple(
        Cue(_ms(found.groups()[:4]), _ms(found.groups()[4:]), tuple(_plain(row, path.suffix) for row in rows), number)
        for number, (found, rows) in enumerate(timed)
    )


def _plain(row: str, suffix: str) -> str:
    return html.unescape(row) if suffix == ".vtt" else row.replace(_JOINER, "")


def _ms(parts: tuple[str | None, ...]) -> int:
    hours, minutes, seconds, thousandths = (int(part or 0) for part in parts)
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + thousandths
