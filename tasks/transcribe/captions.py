"""The dialogue of a cue and its speakers: captions for the deaf also have sounds, songs, labels and several voices."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tasks.records.script import Change, Passage, Word
from tasks.transcribe import capitals
from tasks.transcribe.cues import VOICES, Cue
from tasks.transcribe.labels import Labels, may_have_label
from tasks.words.spacing import one_row, same_signs
from tasks.words.speakable import speaks

KEPT = "of songs or sounds: the original stays there"
EMPTY = "left out: no words"
CLEANED = "without sounds, songs or marks that nobody says"
LABELLED = "without the label that names the speaker"
NAMED = "left out: the name of a speaker, and no words"
DOUBTED = "spoken, although in capitals, as sounds and signs are written"

_NOTES = "♩♪♫♬🎵🎶"
_NOTE = re.compile(f"[{_NOTES}](?:[{_NOTES}\\s\ufe0f]*[{_NOTES}]\ufe0f?)?")
_DASH = re.compile(r"[-‐–—]\s*(?=[^\s\d\-‐–—])|[-‐–—]\s+(?=\d)")  # "-5 degrees" is a number
_INNER_DASH = re.compile(r"(?<=[.?!…。！？\"”’])\s+[-–—]\s+(?=\S)")
_TURN = re.compile(r"(?:^|(?<=[.?!…\"”\])♪]\s)|(?<=\n))>{2,3}\s*")
_TURNED = "\x01"  # stands for such a mark; control characters are no text
_SQUARE = re.compile(r"\[[^\[\]]*\]|［[^［］]*］|【[^【】]*】|〔[^〔〕]*〕")
_ROUND = re.compile(r"\([^()]*\)|（[^（）]*）")
_OWN_ROW = re.compile(r"^(?:\([^()]*\)|（[^（）]*）)\s*$", re.MULTILINE)
_STARS = re.compile(r"\*([^\s*](?:[^*\n]*[^\s*])?)\*")
_NAMED = re.compile(r"\[([^\[\]]{1,40})\](\s?:)?\s*")
_ENDS = tuple('.?!…。！？—–-"”’»♪:')
_SONG_GAP_MS = 10_000  # over which a song that was opened may be closed
_UNSEEN = [0xFEFF, 0x200B, 0x2060, 0xAD, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
_INVISIBLE = dict.fromkeys(_UNSEEN)


@dataclass(frozen=True)
class _Part:
    """A part of a cue that is spoken by one voice, or sung."""

    text: str
    speaker: str = ""
    sung: bool = False


class _Song:
    """Tracks whether a song that started in one cue continues in the next."""

    def __init__(self) -> None:
        self.until_ms = -1

    def runs(self, cue: Cue) -> bool:
        return 0 <= cue.start_ms <= self.until_ms


def spoken(cues: Sequence[Cue]) -> tuple[list[Cue], tuple[Passage, ...], list[Change]]:
    """The spoken cues, one for each voice; passages that keep the original sound; and the changes made.

    Args:
        cues: as the file has them, rows by line breaks.
    """
    utterances = [_utterances(_visible(cue.text)) for cue in cues]
    hashes = any(re.search(r"^# .*\s#$", text, re.DOTALL) for texts in utterances for text in texts)
    rows = (part for texts in utterances for text in texts for part in _at_labels(text, may_have_label))
    labels = Labels(_without_squares(part) for part in rows)
    utterances = [[part for text in texts for part in _at_labels(text, labels.leads)] for texts in utterances]
    song = _Song()
    said: list[Cue] = []
    passages: set[Passage] = set()
    changes: list[Change] = []
    for cue, texts in zip(cues, utterances, strict=True):
        if hashes:
            texts = [_hash_song(text) for text in texts]
        parts = _parts(texts, labels, song, cue)
        words = [part for part in parts if not part.sung]
        if not words:
            if all(labels.alone(text) for text in texts) and texts:
                changes.append(cue.changed(NAMED))
                continue
            described = any(letter.isalnum() or letter in _NOTES for letter in _visible(cue.text))
            if described and cue.end_ms > max(0, cue.start_ms):
                text = one_row(_visible(cue.text))
                passages.add(Passage(start_ms=max(0, cue.start_ms), end_ms=cue.end_ms, text=text))
            changes.append(cue.changed(KEPT if described else EMPTY))
            continue
        for piece, part in zip(cue.shared([part.text for part in parts]), parts, strict=True):
            if not part.sung:
                said.append(replace(piece, speaker=cue.speaker or part.speaker, words=_matching(piece)))
            elif piece.end_ms > max(0, piece.start_ms):
                passages.add(Passage(start_ms=max(0, piece.start_ms), end_ms=piece.end_ms, text=part.text))
        changes.extend(_changes(cue, texts, words))
        if labels.mixed and any(capitals.doubtful(part.text) for part in words):
            changes.append(cue.changed(DOUBTED, " / ".join(part.text for part in words)))
    return said, tuple(sorted(passages, key=lambda one: (one.start_ms, one.end_ms, one.text))), changes


def _changes(cue: Cue, texts: Sequence[str], words: Sequence[_Part]) -> list[Change]:
    became = " / ".join(part.text for part in words)
    before = " ".join(" ".join(texts).split())
    reasons = [VOICES] * (len(words) > 1) + [LABELLED] * any(part.speaker for part in words)
    labels = sum(len(part.speaker) for part in words)
    if sum(map(str.isalnum, before)) - labels > sum(map(str.isalnum, became)) or _marks(before) > _marks(became):
        reasons.append(CLEANED)
    return [cue.changed(reason, became) for reason in reasons]


def _marks(text: str) -> int:
    return sum(letter in f"{_NOTES}*[](（)）" for letter in text)


def _visible(text: str) -> str:
    """Rows without invisible signs and control characters, and without empty ones."""
    text = text.translate(_INVISIBLE)
    text = "".join(letter if letter == "\n" or unicodedata.category(letter) != "Cc" else " " for letter in text)
    return "\n".join(row for row in (" ".join(row.split()) for row in text.split("\n")) if row)


def _utterances(text: str) -> list[str]:
    """The texts of different voices: a dash after a complete sentence, or ``>>``, starts another voice."""
    found: list[list[str]] = []
    dashed = bool(_DASH.match(text))
    for row in _TURN.sub(f"\n{_TURNED}", text).split("\n"):
        turned, row = row.startswith(_TURNED), row.removeprefix(_TURNED)
        dash = _DASH.match(row)
        if dash and (turned or dashed or not found or found[-1][-1].endswith((*_ENDS, *")]）］"))):
            found.extend([piece] for piece in _INNER_DASH.split(row[dash.end() :]))
        elif found and not turned and row:
            found[-1].append(row)
        elif row:
            found.append([row])
    return [joined for rows in found if (joined := "\n".join(row.strip() for row in rows if row.strip()))]


def _hash_song(text: str) -> str:
    if not text.startswith("# "):
        return text
    return "♪ " + text[2:].removesuffix(" #") + (" ♪" if text.endswith(" #") else "")


def _parts(texts: Sequence[str], labels: Labels, song: _Song, cue: Cue) -> list[_Part]:
    paired = len(texts) > 1 and all(may_have_label(_without_squares(text).strip()) for text in texts)
    parts: list[_Part] = []
    for text in texts:
        for piece, sung in _by_song(text, song, cue):
            part = _Part(one_row(piece), sung=True) if sung else _voice(piece, labels, paired=paired)
            if speaks(part.text):
                parts.append(part)
    return parts


def _by_song(text: str, song: _Song, cue: Cue) -> list[tuple[str, bool]]:
    """The text in stretches, each sung (notes and all) or not. A lone note behind words is music beside them."""
    pieces: list[tuple[str, bool]] = []
    marks = list(_NOTE.finditer(text))
    if not marks:
        return [(text, False)]
    at, opened = 0, song.runs(cue) and bool(text[: marks[0].start()].strip())
    begun = 0
    for mark in marks:
        row_start = not text[: mark.start()].rpartition("\n")[2].strip()
        if opened and not (row_start and mark.start() > begun):
            pieces.append((text[begun : mark.end()], True))
            at, opened, song.until_ms = mark.end(), False, -1
        elif not opened:
            pieces.append((text[at : mark.start()], False))
            begun, at, opened = mark.start(), mark.start(), True
    if opened:
        alone = not text[marks[-1].end() :].strip() and begun == marks[-1].start() and bool(text[:begun].strip())
        pieces.append(("" if alone else text[begun:], True))
        song.until_ms = -1 if alone else cue.end_ms + _SONG_GAP_MS
    else:
        pieces.append((text[at:], False))
    return [(piece, sung) for piece, sung in pieces if piece.strip()]


def _voice(text: str, labels: Labels, *, paired: bool) -> _Part:
    """The words without sounds and labels."""
    named = _NAMED.match(text)
    who = " ".join(named[1].split()) if named and (named[2] or labels.knows(named[1])) else ""
    if who and named:
        text = text[named.end() :]
    text = _quiet(capitals.without_sounds(text) if labels.mixed else text)
    label, text = ("", text) if who else labels.split(text, paired=paired)
    if capitals.music(label) or (labels.mixed and capitals.sound(text)):
        text = ""
    return _Part(_quiet(text), who or label)


def _at_labels(text: str, leads: Callable[[str], bool]) -> list[str]:
    """The text, cut before each row that begins with a label."""
    found: list[list[str]] = []
    for row in text.split("\n"):
        if found and not leads(_without_squares(row)):
            found[-1].append(row)
        else:
            found.append([row])
    return ["\n".join(rows) for rows in found]


def _without_squares(text: str) -> str:
    return " ".join(_SQUARE.sub(" ", text).split())


def _quiet(text: str) -> str:
    """Remove descriptions of sounds: in square brackets, on their own rows, or between sentences."""
    left = _OWN_ROW.sub("", _SQUARE.sub(" ", text)).strip()
    left = _ROUND.sub(lambda found: _described(found, left), left)
    left = _STARS.sub(lambda found: _starred(found, left), left)
    if left == text:
        return one_row(text)
    return re.sub(r" (?=[,;])", "", one_row(left)).lstrip(":： ")


def _between_sentences(found: re.Match[str], text: str) -> bool:
    before, after = text[: found.start()].rstrip(), text[found.end() :].lstrip()
    return (not before or before.endswith(_ENDS)) and not after[:1].islower() and not after.startswith((",", ".", ";"))


def _described(found: re.Match[str], text: str) -> str:
    inside = found[0][1:-1].strip()
    aside = len(inside.split()) > 2 and inside.endswith((".", "?", "!", "…"))
    whole = found[0] == text
    return " " if whole or (_between_sentences(found, text) and not aside) else found[0]


def _starred(found: re.Match[str], text: str) -> str:
    """A sound, or a word that is stressed."""
    sound = found[0] == text or (_between_sentences(found, text) and not found[1][:1].isupper())
    return " " if sound else found[1]


def _matching(cue: Cue) -> tuple[Word, ...]:
    """The cue's word times, if they belong to exactly these words."""
    return cue.words if same_signs("".join(word.text for word in cue.words), cue.text) else ()
