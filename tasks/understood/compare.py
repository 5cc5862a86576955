"""Compares script and recognition: which words were understood, by spelling or by sound, and the share that was not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from configs.languages import primary
from tasks.understood.sounds import likeness, sound_alike
from tasks.understood.words import Token, by_character, tokens
from tasks.words.spoken_form import in_words, readings

#: ``alike``: another spelling of the same sounds. ``name``: a name that a recogniser cannot know how to spell.
Verdict = Literal["same", "alike", "name", "other"]

#: A line is understood while no more than a third of it is heard as something else.
UNDERSTOOD = 1 / 3
#: One or two words give a recogniser nothing to go by: they are judged by their sounds, half of which must be there.
_SHORT_WORDS, _SHORT_CHARACTERS, _SHORT_UNDERSTOOD = 2, 4, 0.5
#: From so much on, in a line that is not short, other words were said.
_OTHER = 0.75
_NAMES_ALIKE = 0.7


@dataclass(frozen=True)
class Piece:
    """A stretch of a line and what was heard in its place; spans are of the two texts, first character, last exclusive.

    ``errors``: words (or characters) that were heard as something else.
    """

    said: tuple[int, int]
    heard: tuple[int, int]
    verdict: Verdict
    errors: int = 0


@dataclass(frozen=True)
class Understanding:
    """How well a line was understood.

    Attributes:
        error: share of its words (characters without spaces) that were not, 0 to 1.
        words: how many it has.
        short: too short for a recogniser to be sure.
        pieces: in order.
    """

    error: float
    words: int
    short: bool
    pieces: tuple[Piece, ...] = ()

    @property
    def understood(self) -> bool:
        """Whether the line can be taken as understood."""
        return self.error <= (_SHORT_UNDERSTOOD if self.short else UNDERSTOOD)

    @property
    def other(self) -> bool:
        """Whether something else was said."""
        return not self.short and self.error >= _OTHER

    @property
    def by_sound(self) -> int:
        """Pieces that count as understood although they are spelled otherwise."""
        return sum(piece.verdict in ("alike", "name") for piece in self.pieces)


def compare(said: str, heard: str, language: str) -> Understanding:
    """Judge a line.

    Args:
        said: the line as it should be.
        heard: what a recogniser wrote.
        language: BCP-47 tag.
    """
    mine, theirs = tokens(said, language), tokens(heard, language)
    if not mine:
        return Understanding(0.0, 0, short=True)
    pieces = tuple(_pieces(said, heard, mine, theirs, language))
    share = _share(pieces, mine)
    as_said, as_heard = (in_words(text, language)[0] for text in (said, heard))
    if share and len(mine) != len(theirs) and (as_said, as_heard) != (said, heard):
        ours, others = tokens(as_said, language), tokens(as_heard, language)
        share = min(share, _share(tuple(_pieces(as_said, as_heard, ours, others, language)), ours))
    short = len(mine) <= (_SHORT_CHARACTERS if by_character(language) else _SHORT_WORDS)
    if short and share > 0 and theirs:
        share = min(share, 1.0 - likeness(said, heard, language))
    return Understanding(round(share, 3), len(mine), short, pieces)


def _share(pieces: Sequence[Piece], mine: Sequence[Token]) -> float:
    """Errors by word; one wrong word beside "£3.2m" is one of many where the signs are words on both sides."""
    return min(1.0, sum(piece.errors for piece in pieces) / len(mine))


def _pieces(said: str, heard: str, mine: Sequence[Token], theirs: Sequence[Token], language: str) -> Iterator[Piece]:
    if sound_alike(said, heard, language) and [one.folded for one in mine] != [one.folded for one in theirs]:
        yield Piece(_span(mine), _span(theirs), "alike")
        return
    for equal, first, last, begin, end in _regions(mine, theirs):
        ours, others = mine[first:last], theirs[begin:end]
        if equal:
            yield Piece(_span(ours), _span(others), "same")
            continue
        whole = _judged(said, heard, ours, others, language)
        if whole.verdict == "other" and len(ours) == len(others) > 1:
            yield from (_judged(said, heard, [a], [b], language) for a, b in zip(ours, others, strict=True))
        else:
            yield whole


def _judged(said: str, heard: str, ours: Sequence[Token], others: Sequence[Token], language: str) -> Piece:
    """A stretch that is spelled otherwise; signs count as what they are read as in their line (Louis XIV)."""
    span, place = _span(ours), _span(others)
    if ours and others:
        one, other = said[slice(*span)], heard[slice(*place)]
        if [a.folded for a in ours] == [b.folded for b in others]:
            return Piece(span, place, "same")
        if sound_alike(one, other, language) or _read_as(said, span, other, language):
            return Piece(span, place, "alike")
        if _is_name(said, span[0], language) and likeness(one, other, language) >= _NAMES_ALIKE:
            return Piece(span, place, "name")
    return Piece(span, place, "other", max(len(ours), len(others)))


def _read_as(said: str, span: tuple[int, int], other: str, language: str) -> bool:
    """Whether a stretch of a line, its signs read as the whole line has them read, sounds like another text."""
    start, end = span
    words, at = "", start
    for begin, until, spoken in readings(said, language):
        if at <= begin < end:
            words, at = words + said[at:begin] + spoken, until
    return at > start and sound_alike(words + said[at:end], other, language)


def _regions(mine: Sequence[Token], theirs: Sequence[Token]) -> Iterator[tuple[bool, int, int, int, int]]:
    """Stretches that are equal or not, with their tokens in both: first, last (exclusive), first, last."""
    import jiwer

    if not theirs:
        yield False, 0, len(mine), 0, 0
        return
    said, heard = (" ".join(token.folded for token in row) for row in (mine, theirs))
    open_at: tuple[int, int] | None = None
    for chunk in jiwer.process_words([said], [heard]).alignments[0]:
        if chunk.type == "equal":
            if open_at is not None:
                yield False, open_at[0], chunk.ref_start_idx, open_at[1], chunk.hyp_start_idx
                open_at = None
            yield True, chunk.ref_start_idx, chunk.ref_end_idx, chunk.hyp_start_idx, chunk.hyp_end_idx
        elif open_at is None:
            open_at = chunk.ref_start_idx, chunk.hyp_start_idx
    if open_at is not None:
        yield False, open_at[0], len(mine), open_at[1], len(theirs)


def _span(row: Sequence[Token]) -> tuple[int, int]:
    return (row[0].start, row[-1].end) if row else (0, 0)


def _is_name(said: str, start: int, language: str) -> bool:
    """A capital within a sentence; German writes every noun so."""
    before = said[:start].rstrip()
    return said[start].isupper() and primary(language) != "de" and before[-1:] not in ("", *'.!?…:¡¿«“"—–-')
