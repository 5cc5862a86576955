"""Subtitle text into cues: SubRip, WebVTT and ASS through pysubs2, JSON by its own rules. Faults name file and line."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from typing import Any

from tasks.errors import BadInputError
from tasks.model import Word

_TIME = r"(?:\d{1,4}:)?[0-5]?\d:[0-5]?\d[.,]\d{1,3}"
_TIMING = re.compile(rf"\s*({_TIME})\s*-->\s*({_TIME})(?:\s.*)?$")
_ASS_TIME = re.compile(r"\d+:[0-5]\d:[0-5]\d[.:]\d{1,3}$")
_VTT_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]+)>")
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>|<\d[\d:.]*>|\{\\[^}]*\}")


@dataclass(frozen=True)
class Cue:
    """One subtitle: times in milliseconds, text in one line without markup, the speaker's name where it is given."""

    start_ms: int
    end_ms: int
    text: str
    speaker: str = ""
    words: tuple[Word, ...] = ()


def parse_timed_text(text: str, name: str, kind: str) -> list[Cue]:
    """The cues of a SubRip (``srt``), WebVTT (``vtt``) or ASS (``ass``) file, in the file's order.

    Args:
        text: the file's content, decoded.
        name: the file's name, for messages.
        kind: ``srt``, ``vtt`` or ``ass``.

    Raises:
        BadInputError: a time that is none, or a cue that ends before it starts; the message names the line.
    """
    import pysubs2

    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if kind == "ass":
        lines = _check_ass(text, name)
    else:
        lines = _check_timings(text, name)
        if kind == "srt" or not text.lstrip().startswith("WEBVTT"):
            kind = "srt"
        if kind == "vtt":
            text = _cues_only(text)
        text = _VTT_VOICE.sub(lambda match: f"\ue000{html.unescape(match.group(1)).strip()}\ue001", text)
    try:
        events = pysubs2.SSAFile.from_string(_plain_timings(text) if kind != "ass" else text, format_=kind).events
    except (ValueError, IndexError, KeyError, pysubs2.Pysubs2Error) as error:
        raise BadInputError(f"Subtitles {name!r} cannot be read as {kind.upper()}: {error}.") from error
    if len(events) != len(lines):
        raise BadInputError(f"Subtitles {name!r}: {len(lines)} timed lines, but only {len(events)} readable cues.")
    cues = []
    for line, event in zip(lines, events, strict=True):
        if event.end < event.start:
            raise BadInputError(f"Subtitles {name!r}, line {line}: the cue ends before it starts.")
        if not event.is_comment and not event.is_drawing:
            cues.append(_cue(event.start, event.end, event.text if kind != "ass" else event.plaintext, event.name))
    return cues


def parse_json(text: str, name: str) -> tuple[str | None, list[Cue]]:
    """The language (None where the file does not say) and cues of a JSON file.

    Known forms: our own ``script.json`` (``lines`` with ``start_ms``, ``end_ms``), Whisper's (``segments`` with
    ``start`` and ``end`` in seconds, ``words``), and a plain list of either.

    Raises:
        BadInputError: not JSON, another form, or an entry without text or with times that are none.
    """
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadInputError(f"Subtitles {name!r}, line {error.lineno}: not valid JSON ({error.msg}).") from error
    except RecursionError as error:
        raise BadInputError(f"Subtitles {name!r}: the JSON is nested too deeply.") from error
    entries = content
    language = None
    if isinstance(content, dict):
        language = content.get("language") if isinstance(content.get("language"), str) else None
        entries = content.get("lines", content.get("segments"))
    if not isinstance(entries, list):
        raise BadInputError(
            f"Subtitles {name!r}: no list of lines found.",
            'Expected [{"start": 0.0, "end": 1.5, "text": "..."}], {"segments": [...]} or a Polydub script.',
        )
    return language, [_json_cue(entry, f"{name!r}, entry {index}") for index, entry in enumerate(entries, 1)]


def one_line(text: str) -> str:
    """Text without tags, entities, override codes and line breaks."""
    text = re.sub(r"\\[Nnh]", " ", text)
    return " ".join(html.unescape(_TAG.sub("", text)).replace("\u200b", "").replace("\ufeff", "").split())


def _cue(start_ms: int, end_ms: int, text: str, speaker: str = "") -> Cue:
    voice = re.search("\ue000(.*?)\ue001", text)
    text = re.sub("\ue000.*?\ue001", "", text)
    return Cue(start_ms, end_ms, one_line(text), " ".join((speaker or (voice.group(1) if voice else "")).split()))


def _check_timings(text: str, name: str) -> list[int]:
    """The numbers of all timing lines, after making sure that pysubs2 will not silently pass over one."""
    numbers = []
    for number, line in enumerate(text.split("\n"), 1):
        if "-->" not in line:
            continue
        if not _TIMING.match(line):
            raise BadInputError(
                f"Subtitles {name!r}, line {number}: {line.strip()[:60]!r} is not a time span.",
                "Write it as 00:00:01,000 --> 00:00:02,500.",
            )
        numbers.append(number)
    return numbers


def _plain_timings(text: str) -> str:
    """Timing lines as pysubs2 wants them: two-digit fields, three decimals, nothing behind."""

    def written(time: str) -> str:
        clock, fraction = re.split("[.,]", time)
        fields = [int(field) for field in clock.split(":")]
        hours, minutes, seconds = [0] * (3 - len(fields)) + fields
        return f"{hours:02d}:{minutes:02d}:{seconds:02d}.{fraction.ljust(3, '0')}"

    lines = text.split("\n")
    for index, line in enumerate(lines):
        if match := _TIMING.match(line):
            lines[index] = f"{written(match.group(1))} --> {written(match.group(2))}"
    return "\n".join(lines)


def _cues_only(text: str) -> str:
    """WebVTT without notes, styles and cue names, which pysubs2 would take for text."""
    kept = []
    for block in re.split(r"\n\s*\n", text):
        lines = block.split("\n")
        timing = next((index for index, line in enumerate(lines) if "-->" in line), None)
        if timing is not None:
            kept.append("\n".join(lines[timing:]))
    return "WEBVTT\n\n" + "\n\n".join(kept)


def _check_ass(text: str, name: str) -> list[int]:
    numbers = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.startswith(("Dialogue:", "Comment:")):
            continue
        fields = line.split(":", 1)[1].split(",", 9)
        if len(fields) < 10 or not all(_ASS_TIME.match(field.strip()) for field in fields[1:3]):
            raise BadInputError(f"Subtitles {name!r}, line {number}: not a complete ASS event with start and end.")
        numbers.append(number)
    return numbers


def _json_cue(entry: Any, where: str) -> Cue:
    if not isinstance(entry, dict) or not isinstance(entry.get("text"), str):
        raise BadInputError(f"Subtitles {where}: no text.")
    start, end = _json_times(entry, where)
    speaker = entry.get("speaker")
    words = entry.get("words") if isinstance(entry.get("words"), list | tuple) else []
    timed = [_json_word(word) for word in words or []]
    return Cue(
        start,
        end,
        one_line(entry["text"]),
        speaker.strip() if isinstance(speaker, str) else "",
        tuple(word for word in timed if word),
    )


def _json_times(entry: dict[str, Any], where: str) -> tuple[int, int]:
    for keys, factor in ((("start_ms", "end_ms"), 1), (("start", "end"), 1000)):
        values = [entry.get(key) for key in keys]
        if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
            numbers = [float(value) for value in values if value is not None]
            if not all(0 <= number < 1e9 for number in numbers) or numbers[1] < numbers[0]:
                raise BadInputError(f"Subtitles {where}: it starts at {values[0]} and ends at {values[1]}.")
            return round(numbers[0] * factor), round(numbers[1] * factor)
    raise BadInputError(f"Subtitles {where}: no times.", "Give start and end in seconds, or start_ms and end_ms.")


def _json_word(word: Any) -> Word | None:
    """A word with its times, or None where the file does not give both."""
    text = word.get("text", word.get("word")) if isinstance(word, dict) else None
    if not isinstance(text, str) or not text.strip():
        return None
    try:
        start, end = _json_times(word, "")
    except BadInputError:
        return None
    return Word(text=text.strip(), start_ms=start, end_ms=end)
