"""A script from a subtitle file that the user gives: the best transcript there is."""

from __future__ import annotations

import codecs
import re
from dataclasses import replace
from pathlib import Path

from configs.languages import LanguageError, parse_language, primary
from tasks.errors import BadInputError
from tasks.model import Line, Script, Speaker
from tasks.transcribe.cues import Cue, parse_json, parse_timed_text
from tasks.transcribe.sidecar import SUFFIXES, find_sidecar, sidecar_language

__all__ = ["find_sidecar", "read_script", "sidecar_language"]

_MOST_BYTES = 50_000_000
_SHORTEST_MS = 150  # what an overlap must leave of the earlier line
_BOMS = (  # the longer first: UTF-32 begins like UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: Windows code pages that old subtitles of a language are in; others: Western.
_CODE_PAGES = {
    language: page
    for page, languages in {
        "cp1250": "pl cs sk hu sl hr bs ro",
        "cp1251": "ru uk be bg mk sr",
        "cp1253": "el",
        "cp1254": "tr",
        "cp1255": "he",
        "cp1256": "ar fa",
        "cp1257": "lt lv et",
        "cp1258": "vi",
        "cp874": "th",
        "cp932": "ja",
        "cp949": "ko",
        "gb18030": "zh",
    }.items()
    for language in languages.split()
}
#: Sounds and stage directions: ``[applause]`` anywhere, ``(laughs)`` where a cue begins; signs of music.
_SOUND = re.compile(r"[\[【][^\]】]*[\]】]|^\s*(?:[-–—]\s*)?[(（][^)）]*[)）]|[♪♫♩♬]+")
_DASH = re.compile(r"^[-–—]\s*")
_NAME = re.compile(r"^(?:[-–—]\s*)?([A-ZÀ-ÞА-ЯΑ-Ω][A-ZÀ-ÞА-ЯΑ-Ω0-9 .'’#-]{0,29}):\s+(?=\S)")


def read_script(path: Path, language: str | None) -> Script:
    """The script in a subtitle file (``.srt``, ``.vtt``, ``.ass``, ``.ssa``, ``.json``), a line for each cue.

    Tags and line breaks are removed, cues sorted, overlaps cut where the later one starts; cues of music and sounds
    only are dropped. Each of these is told in the notes. Speakers come from ``NAME: text``, WebVTT's ``<v NAME>`` and
    the ASS name field.

    Args:
        path: the file, UTF-8, UTF-16 or a Windows code page.
        language: BCP-47 tag of the text; None: from the file's name (``talk.en.srt``) or content.

    Raises:
        BadInputError: unreadable, no cue at all, a time that is none, or no language known; names file and line.
    """
    kind = path.suffix.lower()
    if kind not in SUFFIXES:
        raise BadInputError(f"{path.name!r} is not a subtitle file.", f"Known are {', '.join(SUFFIXES)}.")
    notes: list[str] = []
    text = _decoded(_content(path), language or sidecar_language(path), notes)
    if not text.strip():
        raise BadInputError(f"Subtitles {path.name!r} are empty.")
    spoken: str | None = None
    if kind == ".json":
        spoken, cues = parse_json(text, path.name)
    else:
        cues = parse_timed_text(text, path.name, {".ssa": "ass"}.get(kind, kind[1:]))
    cues = _tidied([_with_name(cue) for cue in cues], notes)
    if not cues:
        raise BadInputError(f"Subtitles {path.name!r} hold no spoken line.")
    return _script(cues, _language(path, language, spoken), notes)


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise BadInputError(f"{path.name!r} is too large for a subtitle file.")
        return path.read_bytes()
    except OSError as error:
        raise BadInputError(f"Subtitles {path.name!r} cannot be read: {error.strerror}.") from error


def _decoded(content: bytes, language: str | None, notes: list[str]) -> str:
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            return content.decode(encoding, "replace").removeprefix("\ufeff")
    for encoding, zeros in (("utf-16-le", content[1:200:2]), ("utf-16-be", content[:200:2])):
        if zeros and zeros.count(0) > len(zeros) // 2:
            return content.decode(encoding, "replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        page = _CODE_PAGES.get(primary(language) if language else "", "cp1252")
        notes.append(f"The subtitles are not UTF-8; they were read as {page}. Check the letters.")
        return content.decode(page, "replace")


def _language(path: Path, asked: str | None, inside: str | None) -> str:
    tag = asked or inside or sidecar_language(path)
    if tag is None:
        raise BadInputError(
            f"Subtitles {path.name!r} do not say their language.", "Name them NAME.LANG.srt, or give --from LANG."
        )
    try:
        known = parse_language(tag)
    except LanguageError as error:
        raise BadInputError(f"Subtitles {path.name!r}: {error}") from error
    if inside and asked and sidecar_language(path) is None and _other(asked, inside):
        raise BadInputError(f"Subtitles {path.name!r} say that they are in {inside}, not in {asked}.")
    return known


def _other(asked: str, inside: str) -> bool:
    try:
        return primary(parse_language(inside)) != primary(asked)
    except LanguageError:
        return False


def _with_name(cue: Cue) -> Cue:
    """``JORDI: Hello`` is Jordi saying Hello."""
    match = _NAME.match(cue.text)
    if cue.speaker or not match:
        return cue
    return replace(cue, speaker=match.group(1).strip().title(), text=cue.text[match.end() :])


def _tidied(cues: list[Cue], notes: list[str]) -> list[Cue]:
    """Spoken cues only, in order of time, without overlap; says what was done."""
    spoken = [replace(cue, text=_DASH.sub("", " ".join(_SOUND.sub(" ", cue.text).split()))) for cue in cues]
    kept = [cue for cue in spoken if any(letter.isalnum() for letter in cue.text) and cue.end_ms > cue.start_ms]
    dropped = len(cues) - len(kept)
    if dropped:
        notes.append(f"{_some(dropped, 'subtitle')} without speech (music, sounds, empty or of no length) left out.")
    ordered = sorted(kept, key=lambda cue: (cue.start_ms, cue.end_ms))
    if ordered != kept:
        notes.append("The subtitles were not in order of time; they were sorted.")
    result: list[Cue] = []
    overlaps = 0
    for cue in ordered:
        if result and cue.start_ms < result[-1].end_ms:
            overlaps += 1
            last = result.pop()
            if cue.start_ms - last.start_ms < _SHORTEST_MS:
                cue = _together(last, cue)
            else:
                words = tuple(word for word in last.words if word.end_ms <= cue.start_ms)
                result.append(replace(last, end_ms=cue.start_ms, words=words))
        result.append(cue)
    if overlaps:
        notes.append(f"{_some(overlaps, 'overlap')} of subtitles resolved: a line ends where the next one starts.")
    return result


def _together(first: Cue, second: Cue) -> Cue:
    """Two cues that start at once are one line (two rows on screen); the same text twice counts once."""
    text = first.text if first.text == second.text else f"{first.text} {second.text}"
    end = max(first.end_ms, second.end_ms)
    return Cue(first.start_ms, end, text, first.speaker or second.speaker)


def _script(cues: list[Cue], language: str, notes: list[str]) -> Script:
    lines = tuple(
        Line(
            id=index,
            start_ms=cue.start_ms,
            end_ms=cue.end_ms,
            text=cue.text,
            speaker=cue.speaker or "S1",
            words=tuple(word for word in cue.words if cue.start_ms <= word.start_ms and word.end_ms <= cue.end_ms),
        )
        for index, cue in enumerate(cues)
    )
    names = dict.fromkeys(line.speaker for line in lines) if any(cue.speaker for cue in cues) else {}
    speakers = tuple(Speaker(id=name) for name in names)
    return Script(language=language, lines=lines, speakers=speakers, origin="subtitles", notes=tuple(notes))


def _some(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"
