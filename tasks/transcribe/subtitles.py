"""A script from the user's own file: SubRip, WebVTT, ASS (read by pysubs2) or JSON, found beside the video or named.

This is the best transcript there is, and the only one offline for languages other than English.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

from configs.languages import LanguageError, parse_language
from tasks.errors import BadInputError
from tasks.model import Script
from tasks.transcribe.cues import Cue, lines_from_cues
from tasks.transcribe.decoding import decoded
from tasks.transcribe.script_json import read_json
from tasks.transcribe.sidecar import FORMATS, named_language

_LARGEST = 20_000_000  # bytes; a film's subtitles have 0.1 MB
_TIMES = {
    ".srt": re.compile(r"\s*-?\d{1,2}:\d{2}:\d{2}[.,]\d{1,3}\s*-->\s*-?\d{1,2}:\d{2}:\d{2}[.,]\d{1,3}(\s.*)?"),
    ".vtt": re.compile(r"\s*(\d{2,4}:)?\d{2}:\d{2}\.\d{3}\s*-->\s*(\d{2,4}:)?\d{2}:\d{2}\.\d{3}(\s.*)?"),
}
_NEGATIVE = re.compile(r"(?<![\d-])-\d+:\d{2}:\d{2}[.,]\d+")
_KARAOKE = re.compile(r"<[\d:.]+>")
_MARKUP = re.compile(r"</?[A-Za-z][^<>\n]*>")
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]+)>")
_VTT_LANGUAGE = re.compile(r"^Language:\s*(\S+)", re.MULTILINE | re.IGNORECASE)


def read_script(path: Path, language: str | None) -> Script:
    """The script of a subtitle or JSON file: a line for each cue that is spoken, in order, never overlapping.

    Args:
        path: ``.srt``, ``.vtt``, ``.ass``, ``.ssa`` or ``.json``.
        language: BCP-47; None: as the file or its name says.

    Raises:
        BadInputError: not readable, malformed (names file and line), without any words, or in no known language.
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise BadInputError(
            f"{path.name!r} is no script: its name ends in {suffix or 'nothing'}.",
            f"Known are {', '.join(FORMATS)}.",
        )
    data = _bytes(path)
    headed = _said_in_vtt(data.decode("latin-1"), suffix)
    text, note = decoded(data, path.name, language or _tag(headed or "") or named_language(path))
    if suffix == ".json":
        cues, said = read_json(text, path.name)
    else:
        cues, said = list(_cues(text, suffix, path.name)), _said_in_vtt(text, suffix)
    for cue in cues:
        if cue.end_ms < cue.start_ms:
            raise BadInputError(
                f"The subtitles {path.name!r}, {cue.where}: the cue ends before it starts.", "Correct its times."
            )
    lines, kept, notes = lines_from_cues(cues)
    if not lines:
        raise BadInputError(f"The subtitles {path.name!r} hold no spoken words.", "Check the file.")
    return Script(
        language=language or _language(path, said),
        lines=lines,
        kept=kept,
        origin="subtitles",
        notes=(note, *notes) if note else notes,
    )


def _tag(text: str) -> str | None:
    try:
        return parse_language(text)
    except LanguageError:
        return None


def _language(path: Path, said: str | None) -> str:
    tag = _tag(said or "") or named_language(path)
    if tag is None:
        raise BadInputError(
            f"The language of the subtitles {path.name!r} is not known.",
            f"Say it with --from, or in the file's name (such as {path.stem}.en{path.suffix}).",
        )
    return tag


def _said_in_vtt(text: str, suffix: str) -> str | None:
    head = _VTT_LANGUAGE.search(text.split("\n\n", 1)[0]) if suffix == ".vtt" else None
    return head[1] if head else None


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST:
            raise BadInputError(f"{path.name!r} is too large for a script ({path.stat().st_size} bytes).")
        return path.read_bytes()
    except OSError as error:
        raise BadInputError(f"The script {path.name!r} cannot be read: {error.strerror}.") from error


def _cues(text: str, suffix: str, name: str) -> Iterator[Cue]:
    import pysubs2

    plain = suffix in (".srt", ".vtt")
    spots = _time_lines(text, suffix, name) if plain else _event_lines(text)
    try:
        if plain:
            events = pysubs2.SSAFile.from_string(_plain_blocks(text, suffix), format_=suffix[1:], keep_html_tags=True)
        else:
            events = pysubs2.SSAFile.from_string(text, format_=suffix[1:])
    except (pysubs2.Pysubs2Error, ValueError, IndexError, KeyError) as error:
        raise BadInputError(
            f"The subtitles {name!r} cannot be read as {suffix[1:].upper()}: {error}", "Check the file."
        ) from error
    known = len(spots) == len(events)
    for number, event in enumerate(events):
        if event.is_comment or event.is_drawing:
            continue
        where = f"line {spots[number]}" if known else f"cue {number + 1}"
        voice = _VOICE.search(event.text) if plain else None
        words = html.unescape(_MARKUP.sub("", event.plaintext)) if plain else event.plaintext
        yield Cue(event.start, event.end, words, where, html.unescape(voice[1]) if voice else event.name)


def _event_lines(text: str) -> list[int]:
    return [number for number, row in enumerate(text.split("\n"), start=1) if row.startswith(("Dialogue:", "Comment:"))]


def _time_lines(text: str, suffix: str, name: str) -> list[int]:
    """The line number of each cue; pysubs2 takes times it cannot read for text, so they are refused here."""
    spots = [number for number, row in enumerate(text.split("\n"), start=1) if "-->" in row]
    rows = text.split("\n")
    for spot in spots:
        if not _TIMES[suffix].fullmatch(rows[spot - 1]):
            raise BadInputError(
                f"The subtitles {name!r}, line {spot}: {rows[spot - 1].strip()[:80]!r} is not a pair of times.",
                "Times look like 00:01:02,500 --> 00:01:04,000 (WebVTT: 00:01:02.500).",
            )
    if not spots:
        raise BadInputError(f"The subtitles {name!r} hold no cue.", "Check the file.")
    return spots


def _plain_blocks(text: str, suffix: str) -> str:
    """Only times and words of each cue: what else a file holds, pysubs2 would take for words of the cue before."""
    kept: list[str] = []
    for block in re.split(r"\n\s*\n", _NEGATIVE.sub("00:00:00,000", text)):
        rows = block.split("\n")
        at = next((index for index, row in enumerate(rows) if "-->" in row), None)
        if at is not None:
            kept.append("\n".join([rows[at], *_guarded(rows[at + 1 :])]))
        elif suffix == ".srt":
            kept.append(block)  # a blank row within a cue; WebVTT has none, but notes and styles
    return "\n\n".join(kept) + "\n"


def _guarded(rows: list[str]) -> Iterator[str]:
    """Without karaoke times; a row such as "1984" is marked, which pysubs2 takes for the number of the next cue."""
    for index, row in enumerate(rows):
        following = rows[index + 1] if index + 1 < len(rows) else ""
        number = row.strip().isdigit() and "-->" not in following
        yield _KARAOKE.sub("", row) + ("\u2060" if number else "")
