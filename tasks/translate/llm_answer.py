"""Parses responses of language models: finds the requested JSON, and removes additions from its lines.

Models think aloud, put text or a fence around the JSON, forget a bracket, number the lines, add remarks.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tasks.words.speakable import speaks

_LONGEST = 400_000  # characters that are searched, from the end
_TRIES = 4000  # brackets that are tried as the start of JSON
_THOUGHTS_END = re.compile(r"</(?:think|thinking|thought|reasoning|reflection)>|<\|message\|>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,31});", re.IGNORECASE)
_NUMBER = re.compile(r"\s*[(\[#]?(\d{1,3})[.):\]]\s+(?=\S)")
_BEFORE = re.compile(r"([^\W\d_]+)\s?[:：]\s*(?=\S)")
_ASIDE = re.compile(r"\s*(?:\([^()]*\)|\[[^\[\]]*\]|（[^（）]*）|【[^【】]*】)")
_BRACKETS = frozenset("([（【")
_QUOTES = {'"': '"', "“": "”", "«": "»", "„": "“", "「": "」", "‘": "’"}


def text_of(message: Any) -> str:
    """The response's text: parts joined, without reasoning unless there is nothing else."""
    content = message.get("content")
    if isinstance(content, list):
        dicts = (part for part in content if isinstance(part, dict))
        parts = (part for part in dicts if part.get("type", "text") in ("text", "output_text"))
        content = "".join(str(part.get("text") or "") for part in parts)
    thoughts = message.get("reasoning_content") or message.get("reasoning")
    return str(content or (thoughts if isinstance(thoughts, str) else ""))


def answered(text: str, key: str, asked: Sequence[int]) -> dict[int, Any] | None:
    """The results by line; None if no JSON of that form is found.

    Of several candidates (drafts in the reasoning) the one with most of the requested lines is used, the last of equal
    ones. Ids that count from one although they were requested from zero are corrected.

    Args:
        text: text of the response.
        key: field of a line's result: ``text`` (a string) or ``candidates`` (strings).
        asked: ids of the requested lines, in order.
    """
    text = text[-_LONGEST:]
    behind = list(_THOUGHTS_END.finditer(text))
    for part in ([text[behind[-1].end() :]] if behind else []) + [text]:
        found = [lines for value in _values(part) if (lines := _lines(value, key, asked))]
        if found:
            single: dict[int, Any] = {}
            for lines in found:
                single |= lines if len(lines) == 1 else {}
            best = max(reversed([single, *found]), key=lambda lines: len(lines.keys() & set(asked)))
            return _from_zero(best or found[-1], asked)
    return None


def as_spoken(texts: Mapping[int, str], sources: Mapping[int, str]) -> tuple[dict[int, str], list[str]]:
    """The lines without the model's additions, and notes on these.

    Args:
        texts: the translations of one request, by line.
        sources: their sources; text that is there too is not an addition.
    """
    notes: list[str] = []
    clean = {number: _without_additions(text, sources[number], notes) for number, text in texts.items()}
    for pattern, what in ((_NUMBER, "numbers"), (_BEFORE, "a word and a colon")):
        fronts = {number: pattern.match(text) for number, text in clean.items()}
        if _in_all(list(fronts.items()), sources, pattern):
            clean = {number: clean[number][front.end() :] for number, front in fronts.items() if front}
            notes.append(f"The model put {what} before its lines; they were removed.")
    return clean, notes


def _values(text: str) -> Iterator[Any]:
    """Every outermost JSON object and list in a text."""
    decoder = json.JSONDecoder()
    at = 0
    for _ in range(_TRIES):
        begins = [place for place in (text.find("{", at), text.find("[", at)) if place >= 0]
        if not begins:
            return
        at = min(begins)
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            at += 1
            continue
        yield value


def _lines(value: Any, key: str, asked: Sequence[int]) -> dict[int, Any]:
    """Results by id, from a list of lines, an object with such a list, a single line, or an object by id."""
    if isinstance(value, list):
        if value and len(value) == len(asked) and all(isinstance(one, str) for one in value) and key == "text":
            return dict(zip(asked, value, strict=True))
        lines: dict[int, Any] = {}
        for one in value:
            if isinstance(one, dict) and "id" in one:
                lines |= _lines(one, key, asked)
        return lines
    if not isinstance(value, dict):
        return {}
    if "id" in value:
        number, said = _id(value["id"]), _said(value.get(key), key)
        return {number: said} if number is not None and said is not None else {}
    for inner in value.values():
        if isinstance(inner, list | dict) and (lines := _lines(inner, key, asked)):
            return lines
    table = ((_id(name), _said(one, key)) for name, one in value.items())
    return {number: said for number, said in table if number is not None and said is not None}


def _id(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value).strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _said(value: Any, key: str) -> Any:
    if key == "text":
        return value if isinstance(value, str) else None
    if isinstance(value, str):
        return [value]
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else None


def _from_zero(lines: dict[int, Any], asked: Sequence[int]) -> dict[int, Any]:
    if 0 in asked and set(lines) == {number + 1 for number in asked}:
        return {number - 1: said for number, said in lines.items()}
    return lines


def _in_all(
    fronts: Sequence[tuple[int, re.Match[str] | None]], sources: Mapping[int, str], pattern: re.Pattern[str]
) -> bool:
    """Whether every translation starts with the pattern and no source does; numbers must ascend, words be equal."""
    found = [(number, front) for number, front in fronts if front is not None]
    if not found or len(found) < len(fronts) or any(pattern.match(sources[number]) for number, _ in found):
        return False
    firsts = [front[1] for _, front in found]
    if pattern is _NUMBER:
        counted = [int(first) - number for (number, _), first in zip(found, firsts, strict=True)]
        return len(set(counted)) == 1 and (len(found) > 1 or counted[0] in (0, 1))
    return len(found) > 1 and len(set(firsts)) == 1 and not any(":" in sources[number] for number, _ in found)


def _without_additions(text: str, source: str, notes: list[str]) -> str:
    if not _ENTITY.search(source):
        text = _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
    text = text.strip()
    if "**" not in source:
        text = text.replace("**", "")
    if "\n\n" in text and "\n\n" not in source:
        first, _, rest = text.partition("\n\n")
        text, left = (rest.partition("\n\n")[0], first) if first.endswith(":") else (first, rest)
        notes.append(_removed(left))
    if not _BRACKETS & set(source):
        bare = _ASIDE.sub("", text).strip()
        if bare != text and speaks(bare):
            notes += [_removed(aside[0]) for aside in _ASIDE.finditer(text)]
            text = bare
    closing = _QUOTES.get(text[:1])
    if closing and len(text) > 2 and text.endswith(closing) and closing not in text[1:-1] and source[:1] not in _QUOTES:
        text = text[1:-1].strip()
    return text


def _removed(remark: str) -> str:
    return f"A remark of the model was removed from a line: {' '.join(remark.split())[:120]}"
