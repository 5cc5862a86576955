"""Scripts as JSON: our own ``script.json``, Whisper's ``{"segments": [...]}``, or a plain list of segments."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    ValidationError,
    field_validator,
    model_validator,
)

from configs.languages import parse_language
from tasks.records.errors import BadInputError
from tasks.records.script import Word
from tasks.transcribe.cues import Cue

_KNOWN = (
    "Supported: script.json, a list of {start, end, text} in seconds (or {start_ms, end_ms, text}), and Whisper's JSON."
)


class _Timed(BaseModel):
    """Times in seconds as ``start`` and ``end``, or in milliseconds as ``start_ms`` and ``end_ms``."""

    model_config = ConfigDict(extra="ignore", strict=True)
    start_ms: FiniteFloat = Field(ge=-1e12, le=1e12)
    end_ms: FiniteFloat = Field(ge=-1e12, le=1e12)

    @model_validator(mode="before")
    @classmethod
    def _seconds(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        times = {
            f"{key}_ms": data[key] * 1000
            for key in ("start", "end")
            if type(data.get(key)) in (int, float) and f"{key}_ms" not in data
        }
        return {**data, **times}


def _whole(text: str) -> str:
    """Text that can be written again: no half of a pair of UTF-16 signs."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"half a character, {text[error.start]!r}, with its other half missing") from None
    return text


_Text = Annotated[str, AfterValidator(_whole)]


class _Word(_Timed):
    text: _Text = Field(validation_alias="word")


class _Segment(_Timed):
    text: _Text
    speaker: _Text | None = None
    words: list[_Word] = []
    language: str = ""

    @field_validator("language")
    @classmethod
    def _a_tag(cls, value: str) -> str:
        return parse_language(value) if value else ""

    @model_validator(mode="before")
    @classmethod
    def _words(cls, data: Any) -> Any:
        """Words are worth having but not required: our own call their text ``text``, aligners leave times out."""
        if not isinstance(data, dict):
            return data
        given = data.get("words") or []
        words = [{"word": word.get("text"), **word} for word in given if isinstance(word, dict)]
        complete = all({"start", "end"} <= word.keys() or {"start_ms", "end_ms"} <= word.keys() for word in words)
        return {**data, "words": words if complete else []}


def read_json(text: str, name: str) -> tuple[list[Cue], str | None]:
    """The cues of a JSON script, and the language it says it is in.

    Raises:
        BadInputError: not JSON, of another shape, or a segment with wrong times; names the file and the place.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f"line {error.lineno}: {error.msg}" if isinstance(error, json.JSONDecodeError) else "nested too deep"
        raise BadInputError(f"The script {name!r} is not JSON: {where}.", "Check the file.") from error
    table = data if isinstance(data, dict) else {"lines": data}
    segments, kept = table.get("lines", table.get("segments")), table.get("kept", [])
    if not isinstance(segments, list) or not isinstance(kept, list):
        raise BadInputError(f"The script {name!r} has no list of lines.", _KNOWN)
    language = table.get("language")
    cues = [_cue(segment, name, f"segment {number}") for number, segment in enumerate([*segments, *kept], start=1)]
    return cues, language if isinstance(language, str) else None


def _cue(segment: Any, name: str, where: str) -> Cue:
    try:
        parsed = _Segment.model_validate(segment)
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(map(str, first["loc"])).replace("_ms", "") or "it"
        raise BadInputError(f"The script {name!r}, {where}: {at}: {first['msg'].rstrip('.')}.", _KNOWN) from error
    words = tuple(
        Word(text=word.text.strip(), start_ms=max(0, round(word.start_ms)), end_ms=max(0, round(word.end_ms)))
        for word in parsed.words
    )
    return Cue(
        round(parsed.start_ms), round(parsed.end_ms), parsed.text, where, parsed.speaker or "", words, parsed.language
    )
