"""Phone timelines: found in an audio, read, written, moved and joined."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from lipsync_engine.media.staging import staged
from lipsync_engine.records import Phone
from lipsync_engine.speech.align import align_file, tile

#: "Chinese letter", "Japanese letter" in the English voice and in the Japanese one, length marks left out.
_SPELLED = ("tʃaɪnizletə", "tʃaɪnizle̞tə", "dʒapənizletə", "dʒapənizle̞tə", "tʃaɪnizlɛtə")


class PhoneFileError(ValueError):
    """A phone file does not hold a valid timeline; the message says where and why."""


def phones_for(audio_path: Path, text: str, language: str) -> tuple[Phone, ...]:
    """The phones of ``text`` on the clock of an audio that speaks it; `align` gives the quality as well.

    Args:
        audio_path: audio or video file.
        text: what is said; empty gives one silence of the audio's length.
        language: BCP-47 tag.

    Raises:
        lipsync_engine.audio.AudioError: the file has no audio.
        lipsync_engine.espeak.UnknownVoiceError: the language has no phones.
    """
    return align_file(audio_path, text, language).phones


def read_phones(path: Path) -> tuple[Phone, ...]:
    """Read a JSON list of ``{"ipa", "start_ms", "end_ms", "stress"}`` (``stress`` optional).

    Raises:
        PhoneFileError: not JSON, not such a list, or phones out of order or overlapping.
    """
    try:
        rows = json.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise PhoneFileError(f"{path.name}: cannot be read as JSON: {error}") from error
    if not isinstance(rows, list):
        raise PhoneFileError(f"{path.name}: a list of phones is expected, not {type(rows).__name__}")
    phones = tuple(_phone(row, f"{path.name}: phone {index}") for index, row in enumerate(rows))
    for index, (before, after) in enumerate(pairwise(phones), start=1):
        if after.start_ms < before.end_ms:
            raise PhoneFileError(
                f"{path.name}: phone {index} starts at {after.start_ms} ms, before phone {index - 1} ends "
                f"({before.end_ms} ms)"
            )
    return phones


def _phone(row: Any, where: str) -> Phone:
    if not isinstance(row, dict):
        raise PhoneFileError(f"{where}: an object is expected, not {type(row).__name__}")
    unknown = set(row) - {"ipa", "start_ms", "end_ms", "stress"}
    if unknown:
        raise PhoneFileError(f"{where}: unknown field {sorted(unknown)[0]!r}")
    ipa = row.get("ipa")
    if not isinstance(ipa, str):
        raise PhoneFileError(f"{where}: 'ipa' must be a string")
    start, end = _integer(row, "start_ms", where), _integer(row, "end_ms", where)
    stress = _integer(row, "stress", where) if "stress" in row else 0
    if start < 0 or end < start:
        raise PhoneFileError(f"{where}: needs 0 <= start_ms <= end_ms, got {start} and {end}")
    if stress not in (0, 1, 2):
        raise PhoneFileError(f"{where}: 'stress' must be 0, 1 or 2, got {stress}")
    return Phone(ipa, start, end, stress)


def _integer(row: dict[str, Any], field: str, where: str) -> int:
    value = row.get(field)
    if isinstance(value, bool) or not isinstance(value, int):
        raise PhoneFileError(f"{where}: {field!r} must be a whole number of milliseconds, got {value!r}")
    return value


def write_phones(path: Path, phones: Sequence[Phone]) -> None:
    """Write a timeline as JSON, whole or not at all."""
    rows = [{"ipa": p.ipa, "start_ms": p.start_ms, "end_ms": p.end_ms, "stress": p.stress} for p in phones]
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    with staged(path) as part:
        part.write_text(f"[\n{lines}\n]\n" if rows else "[]\n", "utf-8")


def spelled_names(phones: Sequence[Phone]) -> int:
    """How often a timeline says "Chinese letter" (or "Japanese letter"): what eSpeak NG says for a sign it cannot read.

    Such a timeline speaks other words than any text means; a mouth should not be animated from it.
    """
    said = "".join(p.ipa.rstrip("ː") for p in phones)
    return sum(said.count(name) for name in _SPELLED)


def shift(phones: Sequence[Phone], offset_ms: int) -> tuple[Phone, ...]:
    """Move a timeline; what would lie before 0 is cut off."""
    moved = (Phone(p.ipa, p.start_ms + offset_ms, p.end_ms + offset_ms, p.stress) for p in phones)
    return tuple(Phone(p.ipa, max(p.start_ms, 0), p.end_ms, p.stress) for p in moved if p.end_ms > 0)


def stretch(phones: Sequence[Phone], factor: float) -> tuple[Phone, ...]:
    """Multiply every time by ``factor`` (2.0: twice as long, as after a time stretch of the audio).

    Raises:
        ValueError: ``factor`` is not positive.
    """
    if not factor > 0:
        raise ValueError(f"a stretch factor must be positive, got {factor}")
    return tuple(Phone(p.ipa, round(p.start_ms * factor), round(p.end_ms * factor), p.stress) for p in phones)


def concatenate(placed: Iterable[tuple[int, Sequence[Phone]]], duration_ms: int) -> tuple[Phone, ...]:
    """One timeline from lines placed on a clock: ``(start_ms, phones of the line from its own 0)``.

    Gaps become silence. Where lines overlap, the earlier keeps its time and the later loses what is covered.
    """
    spoken = [p for start, phones in placed for p in shift(phones, start) if p.ipa]
    return tile(spoken, duration_ms)
