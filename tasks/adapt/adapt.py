"""The loop: which lines miss their slot, what length would fit, which of the candidates that were spoken is best."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from configs.profile import PaceSettings
from tasks.adapt.syllables import syllables
from tasks.errors import PolydubError
from tasks.model import Line, Script, Take
from tasks.synthesize.takes import Booth
from tasks.translate import Guidance, Rewrite, Rewriter, Term, language_check
from tasks.translate.glossary import matching, violated

#: A take fits when its length is so much of its slot; QC counts the same window as adherence.
WINDOW = (0.9, 1.2)
#: Shorter than this nobody sees or hears a mismatch, and there are no words to choose from.
_SHORTEST_SLOT_MS = 400
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class Adapted:
    """One line after the loop: its text and take, how many candidates were spoken for it, and why it is as it is."""

    text: str
    take: Take
    tried: int = 0
    note: str = ""


Ask = Callable[[Sequence[Rewrite], Guidance], list[list[str]]]


def misses(take: Take, line: Line) -> bool:
    """Whether a line's take is outside the window, and long enough to matter."""
    slot_ms = line.end_ms - line.start_ms
    return slot_ms >= _SHORTEST_SLOT_MS and not WINDOW[0] <= take.duration_ms / slot_ms <= WINDOW[1]


def budget(take: Take, line: Line, count: int) -> tuple[int, int]:
    """The fewest and the most syllables that fit the slot, at the rate at which the take was measured.

    Args:
        take: of the text so far.
        line: whose slot it is.
        count: syllables of that text.
    """
    slot_ms = line.end_ms - line.start_ms
    rate = max(1, count) / max(1, take.duration_ms)
    fewest = math.ceil(WINDOW[0] * slot_ms * rate)
    return max(1, fewest), max(1, fewest, math.floor(WINDOW[1] * slot_ms * rate))


def faithful(candidate: str, source: Line, language: str, target: str, terms: Sequence[Term]) -> str:
    """Why a candidate cannot stand for its source; empty where nothing that can be checked speaks against it.

    Checked are the language, the numbers and the glossary; whether it means the same is the rewriter's word.
    """
    if not candidate.strip():
        return "it is empty"
    if wrong := language_check.complaint(candidate, source.text, language, target):
        return wrong
    if set(_NUMBER.findall(source.text)) - set(_NUMBER.findall(candidate)):
        return "a number is missing"
    if lacking := violated(terms, source.text, candidate):
        return f"“{lacking[0].target}” is missing"
    return ""


def adapt_line(
    booth: Booth,
    line: Line,
    source: Line,
    take: Take,
    pace: float,
    settings: PaceSettings,
    ask: Ask,
    languages: tuple[str, str],
    guidance: Guidance,
) -> Adapted:
    """A line said in the words that fit best, within a bounded number of rounds.

    Args:
        booth: who speaks.
        line: of the dub.
        source: the same line in the source.
        take: of the line as it is.
        pace: the speaker's.
        settings: of the pace; ``tries`` bounds the rounds too.
        ask: the rewriter.
        languages: of the source and of the dub.
        guidance: glossary and form of address.

    Returns:
        The line as it was, where no candidate is both faithful and nearer to its slot.
    """
    slot_ms = line.end_ms - line.start_ms
    best, tried, said = Adapted(line.text, take), 0, {line.text}
    refused = ""
    for _ in range(settings.tries):
        if not misses(best.take, line):
            break
        count = syllables(best.text, languages[1])
        wish = Rewrite(source.text, best.text, count, budget(best.take, line, count))
        fresh = [text for text in dict.fromkeys(ask([wish], guidance)[0]) if text not in said]
        if not fresh:
            break
        said.update(fresh)
        for text in fresh:
            if why := faithful(text, source, *languages, guidance.terms):
                refused = why
                continue
            spoken = booth.paced(line.model_copy(update={"text": text}), pace, settings)
            tried += 1
            if abs(spoken.duration_ms - slot_ms) < abs(best.take.duration_ms - slot_ms):
                best = Adapted(text, spoken)
            if not misses(best.take, line):
                break
    note = f"Line {line.id}: a candidate was refused because {refused}." if refused and best.text == line.text else ""
    return Adapted(best.text, best.take, tried, note)


def adapt(
    booth: Booth,
    script: Script,
    source: Script,
    takes: Sequence[Take],
    paces: dict[str, float],
    settings: PaceSettings,
    rewriter: Rewriter,
    guidance: Guidance,
    locked: set[int],
    progress: Callable[[float], None],
) -> tuple[list[Adapted], list[str]]:
    """Every line of a script that has a take, adapted where it misses its slot.

    Args:
        booth: who speaks.
        script: of the dub.
        source: the source script.
        takes: one a line that has text.
        paces: by speaker.
        settings: of the pace.
        rewriter: who says lines again.
        guidance: the whole glossary and the form of address.
        locked: lines whose words a person chose; they stay.
        progress: told the share that is done.

    Returns:
        The lines with takes in order, and notes. A rewriter that fails leaves the remaining lines as they are.
    """
    lines = {line.id: line for line in script.lines}
    sources = {line.id: line for line in source.lines}
    done: list[Adapted] = []
    notes: list[str] = []
    languages = (source.language, script.language)
    failed = False

    def ask(wishes: Sequence[Rewrite], told: Guidance) -> list[list[str]]:
        return rewriter.rewrite(wishes, *languages, notes.append, told)

    for number, take in enumerate(takes):
        progress(number / max(1, len(takes)))
        line, origin = lines[take.line], sources.get(take.line)
        if failed or origin is None or take.line in locked or not misses(take, line):
            done.append(Adapted(line.text, take))
            continue
        own = Guidance(formality=guidance.formality, terms=matching(guidance.terms, origin.text))
        try:
            done.append(adapt_line(booth, line, origin, take, paces[line.speaker], settings, ask, languages, own))
        except PolydubError as error:
            failed = True
            notes.append(f"Lines could not be shortened or lengthened any more: {error.what}")
            done.append(Adapted(line.text, take))
    return done, notes
