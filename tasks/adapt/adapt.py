"""The loop: which lines miss their slot, what length would fit, which spoken candidate is best."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from configs.profile import PaceSettings
from tasks.records.errors import PolydubError
from tasks.records.natural_speed import NATURAL_SPEED
from tasks.records.progress import Progress, silent
from tasks.records.script import Line, Script
from tasks.records.take import Take
from tasks.synthesize.takes import VoiceSession
from tasks.translate import Guidance, Rewrite, Rewriter, Term, language_check
from tasks.translate.glossary import matching, violated
from tasks.words.speakable import speaks
from tasks.words.syllables import syllables

#: Shorter than this nobody sees or hears a mismatch, and there are no words to choose from.
_SHORTEST_SLOT_MS = 400
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class Adapted:
    """A line after the loop: its text and take, the number of candidates spoken, and the reason for the choice."""

    text: str
    take: Take
    tried: int = 0
    note: str = ""


def misses(take: Take, line: Line) -> bool:
    """Whether a take misses its slot at natural speed, and the slot is long enough to matter."""
    slot_ms = line.end_ms - line.start_ms
    return slot_ms >= _SHORTEST_SLOT_MS and not NATURAL_SPEED[0] <= take.duration_ms / slot_ms <= NATURAL_SPEED[1]


def budget(take: Take, line: Line, count: int) -> tuple[int, int]:
    """The fewest and the most syllables that fit the slot at the take's own speaking rate.

    Args:
        take: of the text so far.
        line: whose slot it is.
        count: syllables of that text.
    """
    slot_ms = line.end_ms - line.start_ms
    rate = max(1, count) / max(1, take.duration_ms)
    fewest = math.ceil(NATURAL_SPEED[0] * slot_ms * rate)
    return max(1, fewest), max(1, fewest, math.floor(NATURAL_SPEED[1] * slot_ms * rate))


def faithful(candidate: str, source: Line, language: str, target: str, terms: Sequence[Term]) -> str:
    """Why a candidate is no translation of its source; empty if no check rejects it.

    Language, numbers and glossary are checked; that the meaning is the same is left to the rewriter.

    Args:
        candidate: the shorter or longer text.
        source: the line that it is to say.
        language: BCP-47 tag of the source.
        target: BCP-47 tag of the candidate.
        terms: the glossary's terms of the line.
    """
    if not candidate.strip():
        return "it is empty"
    if not speaks(candidate):
        return "it has no words"
    if wrong := language_check.complaint(candidate, source.text, language, target):
        return wrong
    if set(_NUMBER.findall(source.text)) - set(_NUMBER.findall(candidate)):
        return "a number is missing"
    if lacking := violated(terms, source.text, candidate):
        return f"“{lacking[0].target}” is missing"
    return ""


@dataclass
class _Case:
    """A line in the loop: its best text so far, and all candidates offered for it; ``language``: of its source."""

    line: Line
    source: Line
    language: str
    best: Adapted
    said: set[str]
    refused: str = ""
    tried: int = 0
    open: bool = True

    def wish(self, target: str) -> Rewrite:
        count = syllables(self.best.text, target)
        return Rewrite(self.source.text, self.best.text, count, budget(self.best.take, self.line, count))

    def done(self) -> Adapted:
        kept = self.refused and self.best.text == self.line.text
        note = f"Line {self.line.id}: a candidate was refused because {self.refused}." if kept else ""
        return Adapted(self.best.text, self.best.take, self.tried, note)


class Adaptation:
    """The loop over a script.

    Args:
        session: the voices and the recogniser.
        languages: of the source and of the dub; a line of the source may say that it is in another one.
        paces: by speaker.
        settings: of the pace; ``tries`` bounds the rounds.
        rewriter: who says lines again.
        guidance: the whole glossary and the form of address.
    """

    def __init__(
        self,
        session: VoiceSession,
        languages: tuple[str, str],
        paces: Mapping[str, float],
        settings: PaceSettings,
        rewriter: Rewriter,
        guidance: Guidance,
    ) -> None:
        self._session, self._languages, self._paces, self._settings = session, languages, paces, settings
        self._rewriter, self._guidance = rewriter, guidance

    def run(
        self, script: Script, source: Script, takes: Sequence[Take], locked: set[int], progress: Progress = silent
    ) -> tuple[list[Adapted], list[str]]:
        """Every line that has a take; lines that miss their slots are reworded if better candidates are found.

        Args:
            script: of the dub.
            source: the source script.
            takes: one a line that has text.
            locked: lines whose words a person chose; they stay.
            progress: called with the share that is done.

        Returns:
            The lines with takes in order, and notes. A rewriter that fails leaves the remaining lines as they are.
        """
        lines, sources = ({line.id: line for line in one.lines} for one in (script, source))
        cases = {
            take.line: _Case(
                lines[take.line],
                sources[take.line],
                sources[take.line].language or self._languages[0],
                Adapted(lines[take.line].text, take),
                {lines[take.line].text},
            )
            for take in takes
            if take.line in sources and take.line not in locked and misses(take, lines[take.line])
        }
        notes: list[str] = []
        for number in range(self._settings.tries):
            progress(number / self._settings.tries)
            waiting = [case for case in cases.values() if case.open and misses(case.best.take, case.line)]
            if not waiting:
                break
            try:
                self._round(waiting, notes)
            except PolydubError as error:
                notes.append(f"Lines could not be shortened or lengthened any more: {error.what}")
                break
        plain = {take.line: Adapted(lines[take.line].text, take) for take in takes}
        return [cases[one].done() if one in cases else plain[one] for one in plain], notes

    def _round(self, cases: Sequence[_Case], notes: list[str]) -> None:
        """Request candidates for all lines of a language that miss, then speak and measure them."""
        terms = tuple(
            dict.fromkeys(term for case in cases for term in matching(self._guidance.terms, case.source.text))
        )
        guidance = Guidance(formality=self._guidance.formality, terms=terms)
        target = self._languages[1]
        for language in dict.fromkeys(case.language for case in cases):
            own = [case for case in cases if case.language == language]
            wishes = [case.wish(target) for case in own]
            offers = self._rewriter.rewrite(wishes, language, target, notes.append, guidance)
            for case, offered in zip(own, offers, strict=True):
                fresh = [text for text in dict.fromkeys(offered) if text not in case.said]
                case.said.update(fresh)
                case.open = bool(fresh)
                self._measure(case, fresh)

    def _measure(self, case: _Case, offered: Sequence[str]) -> None:
        """Keep the faithful candidate nearest to the slot if it is nearer than before; stop at the first that fits."""
        slot_ms = case.line.end_ms - case.line.start_ms
        for text in offered:
            if why := faithful(text, case.source, case.language, self._languages[1], self._guidance.terms):
                case.refused = why
                continue
            line = case.line.model_copy(update={"text": text})
            take = self._session.paced(line, self._paces[line.speaker], self._settings)
            case.tried += 1
            if abs(take.duration_ms - slot_ms) < abs(case.best.take.duration_ms - slot_ms):
                case.best = Adapted(text, take)
            if not misses(case.best.take, case.line):
                return
