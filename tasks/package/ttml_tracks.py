"""TTML tracks of an MP4, which ffmpeg copies as data and no other container holds: their text, as SubRip."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from tasks import media
from tasks.machine import process
from tasks.records.errors import BadInputError, ProcessFailedError
from tasks.records.facts import OtherTrack
from tasks.words.cues import Cue
from tasks.words.subtitles import write_cues
from tasks.words.ttml import read_ttml

_MOST = 10_000_000  # bytes, as of a subtitle file
_DOCUMENT = re.compile(rb"<(?:[\w.-]+:)?tt[\s>].*?</(?:[\w.-]+:)?tt\s*>", re.DOTALL)


def is_ttml(track: OtherTrack) -> bool:
    """Whether a track holds TTML (`stpp`: IMSC, EBU-TT-D)."""
    return track.kind == "data" and track.codec == "stpp"


def text_of(source: Path, track: OtherTrack, folder: Path) -> Path | None:
    """A TTML track as SubRip; None where it holds no text, or what cannot be read.

    Args:
        source: the file.
        track: of it.
        folder: where the result goes.
    """
    graph = media.source(source)[str(track.index)].output("pipe:", c="copy", f="data", fs=_MOST)
    try:
        content = process.capture(media.arguments(graph), deadline_s=600)
        documents = [read_ttml(found[0]) for found in _DOCUMENT.finditer(content)]
    except (BadInputError, ProcessFailedError):
        return None
    shown = {
        Cue(one.start_ms, one.end_ms, tuple(one.text.split("\n")), 0)
        for document in documents
        for one in document.paragraphs
        if one.end_ms is not None and one.end_ms > one.start_ms
    }  # a cue that lasts over two segments is in both
    if not shown:
        return None
    cues = sorted(shown, key=lambda cue: (cue.start_ms, cue.end_ms, cue.rows))
    path = folder / f"ttml-{track.index}.srt"
    write_cues([replace(cue, line=number) for number, cue in enumerate(cues)], track.language, path)
    return path
