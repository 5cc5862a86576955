"""Which line of one source script is which line of a later one: cues were added, removed, split, merged or retimed.

A line is known by its words, in their order; numbers count for nothing. Where the same words are said several times,
their order decides if none of them came or went between two lines that are surely the same, else their time. What
stays in doubt is no match: nothing that hangs on a line may move to another. Pure and deterministic.
"""

from __future__ import annotations

import bisect
import difflib
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property

from tasks.records.script import Line
from tasks.words.spacing import atoms, joined

_SAME_MS = 40  # a frame: a line that starts there has not moved
_NEAR_MS = 500
_ALIKE = 0.6
_LOOKED_AT = 50  # lines in the gap, when words that changed are looked for


def words_of(text: str) -> str:
    """A text as it is compared: composition of letters, case and white space do not count, where words have none."""
    return joined(atoms(unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())))


class Alignment:
    """Two source scripts of one title, side by side.

    Args:
        old: lines in order of time.
        new: likewise, of the later script.
    """

    def __init__(self, old: Sequence[Line], new: Sequence[Line]) -> None:
        self._old, self._new = old, new
        self._index = {line.id: number for number, line in enumerate(old)}
        self._is_same = list(map(_sign, old)) == list(map(_sign, new))

    def of(self, line: int) -> Line | None:
        """The later script's line that is this one, word for word; None where it is gone or in doubt."""
        one = self._index.get(line)
        if one is None:
            return None
        if self._is_same:
            return self._new[one]
        words = words_of(self._old[one].text)
        old_gap, new_gap = self._gap(one)
        olds = [place for place in self._said_old[words] if place in old_gap]
        news = [place for place in self._said_new.get(words, ()) if place in new_gap]
        found = news[olds.index(one)] if len(olds) == len(news) else self._by_time(one, olds, news)
        if found is None or self._is_anothers(words, one, found):
            return None
        return self._new[found]

    def says(self, line: int) -> bool:
        """Whether the line's words are still said somewhere."""
        one = self._index.get(line)
        return one is not None and (self._is_same or words_of(self._old[one].text) in self._said_new)

    def alike(self, line: int) -> Line | None:
        """A line in the same place with similar words, where the words themselves are gone."""
        one = self._index.get(line)
        if one is None or self.says(line):
            return None
        expected = self._expected(one)
        gap = sorted(self._gap(one)[1], key=lambda place: abs(self._new[place].start_ms - expected))[:_LOOKED_AT]
        texts = {words_of(self._new[place].text): place for place in reversed(gap)}
        texts = {text: place for text, place in texts.items() if text not in self._said_old}
        close = difflib.get_close_matches(words_of(self._old[one].text), list(texts), n=1, cutoff=_ALIKE)
        return self._new[texts[close[0]]] if close else None

    @cached_property
    def _said_old(self) -> dict[str, list[int]]:
        return _places(self._old)

    @cached_property
    def _said_new(self) -> dict[str, list[int]]:
        return _places(self._new)

    @cached_property
    def _anchored(self) -> list[int]:
        return [before for before, _ in self._anchors]

    @cached_property
    def _anchors(self) -> list[tuple[int, int]]:
        """Lines whose words are said once in both, the most of them that keep their order."""
        once = [
            (places[0], self._said_new[words][0])
            for words, places in self._said_old.items()
            if len(places) == 1 and len(self._said_new.get(words, ())) == 1
        ]
        return _rising(sorted(once))

    def _gap(self, one: int) -> tuple[range, range]:
        """The lines between the nearest sure ones, in both scripts; of a sure line itself alone."""
        at = bisect.bisect_left(self._anchored, one)
        if at < len(self._anchors) and self._anchors[at][0] == one:
            here = self._anchors[at][1]
            return range(one, one + 1), range(here, here + 1)
        before = self._anchors[at - 1] if at else (-1, -1)
        after = self._anchors[at] if at < len(self._anchors) else (len(self._old), len(self._new))
        return range(before[0] + 1, after[0]), range(before[1] + 1, after[1])

    def _expected(self, one: int) -> float:
        """Where an old line would start now, going by the sure lines around it."""
        start = self._old[one].start_ms
        at = bisect.bisect_left(self._anchored, one)
        around = [
            (self._old[before].start_ms, self._new[after].start_ms)
            for before, after in self._anchors[max(at - 1, 0) : at + 1]
        ]
        if not around:
            return start
        (was, now), (was_end, now_end) = around[0], around[-1]
        if was_end <= was:
            return now + start - was
        return now + (start - was) * (now_end - now) / (was_end - was) if was <= start <= was_end else now + start - was

    def _by_time(self, one: int, olds: list[int], news: list[int]) -> int | None:
        """The place that is clearly the nearest in time, seen from both sides."""
        if not news:
            return None
        far = {place: abs(self._new[place].start_ms - self._expected(one)) for place in news}
        found = min(far, key=lambda place: (far[place], place))
        there = self._new[found].start_ms
        rivals = [distance for place, distance in far.items() if place != found]
        rivals += [abs(there - self._expected(place)) for place in olds if place != one]
        clear = far[found] <= _NEAR_MS and all(rival > 2 * far[found] + _SAME_MS for rival in rivals)
        return found if clear else None

    def _is_anothers(self, words: str, one: int, found: int) -> bool:
        """Whether times contradict the pair: another line with these words has kept its place."""
        was, now = self._old[one].start_ms, self._new[found].start_ms
        if abs(was - now) <= _SAME_MS:
            return False
        stayed = any(abs(self._new[place].start_ms - was) <= _SAME_MS for place in self._said_new[words])
        return stayed or any(abs(self._old[place].start_ms - now) <= _SAME_MS for place in self._said_old[words])


def _sign(line: Line) -> tuple[int, int, str]:
    return line.id, line.start_ms, line.text


def _places(lines: Sequence[Line]) -> dict[str, list[int]]:
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, line in enumerate(lines):
        places[words_of(line.text)].append(place)
    return dict(places)


def _rising(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest part, in order of the first numbers, whose second ones rise too."""
    ends: list[int] = []  # the lowest last number of a part of each length
    last: list[int] = []
    before: list[int | None] = []
    for place, (_, number) in enumerate(pairs):
        length = bisect.bisect_left(ends, number)
        before.append(last[length - 1] if length else None)
        ends[length : length + 1] = [number]
        last[length : length + 1] = [place]
    part: list[tuple[int, int]] = []
    at: int | None = last[-1] if last else None
    while at is not None:
        part.append(pairs[at])
        at = before[at]
    return part[::-1]
