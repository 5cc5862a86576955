"""A line keeps its identity while others come, go, split, merge and move; what is in doubt is no match."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import given
from hypothesis import strategies as st

from flows.kept.same_lines import Alignment
from tasks.records.script import Line


@dataclass(frozen=True)
class Cue:
    """A line that knows who it is."""

    who: int
    start_ms: int
    text: str


def lines(cues: list[Cue]) -> list[Line]:
    return [
        Line(id=number, start_ms=cue.start_ms, end_ms=cue.start_ms + 400, text=cue.text)
        for number, cue in enumerate(cues, 1)
    ]


def script(*said: tuple[int, str]) -> list[Line]:
    return lines([Cue(0, start, text) for start, text in said])


def pairs(old: list[Line], new: list[Line]) -> dict[int, int | None]:
    alignment = Alignment(old, new)
    return {line.id: found.id if (found := alignment.of(line.id)) else None for line in old}


WORDS = st.sampled_from(["Yes.", "No.", "Yes. No.", "Good morning.", "And you?", "A train leaves.", "Stop!"])
TIMES = st.integers(0, 40).map(lambda step: step * 500)


@st.composite
def cues(draw: st.DrawFn) -> list[Cue]:
    starts = sorted(draw(st.sets(TIMES, min_size=1, max_size=8)))
    return [Cue(who, start, draw(WORDS)) for who, start in enumerate(starts)]


@st.composite
def recued(draw: st.DrawFn) -> tuple[list[Cue], list[Cue], Cue]:
    """A script, a later one in which all but one cue may have changed, and that one."""
    old = draw(cues())
    kept = draw(st.sampled_from(old))
    new = [kept]
    for cue in old:
        if cue == kept:
            continue
        done = draw(st.sampled_from(["kept", "removed", "retimed", "split", "reworded"]))
        if done == "removed":
            continue
        if done == "retimed":
            cue = replace(cue, start_ms=draw(TIMES))
        if done == "reworded":
            cue = replace(cue, text=draw(WORDS))
        if done == "split":
            first, _, rest = cue.text.partition(" ")
            new.append(replace(cue, who=100, start_ms=cue.start_ms + 200, text=rest or first))
            cue = replace(cue, text=first)
        new.append(cue)
    for start in draw(st.sets(TIMES, max_size=3)):
        new.append(Cue(200, start, draw(WORDS)))
    taken: dict[int, Cue] = {}
    for cue in new:  # no two cues start together; the kept one comes first
        taken.setdefault(cue.start_ms, cue)
    return old, sorted(taken.values(), key=lambda cue: cue.start_ms), kept


@given(recued())
def test_what_hangs_on_a_line_never_moves_to_another(drawn: tuple[list[Cue], list[Cue], Cue]) -> None:
    old, new, kept = drawn
    number = old.index(kept) + 1
    assert pairs(lines(old), lines(new))[number] in (None, new.index(kept) + 1)


@given(cues())
def test_every_line_of_a_script_is_itself(cues: list[Cue]) -> None:
    one = lines(cues)
    assert pairs(one, one) == {line.id: line.id for line in one}


@given(cues(), st.sets(TIMES, max_size=4))
def test_lines_are_found_beside_new_ones_that_say_something_else(cues: list[Cue], starts: set[int]) -> None:
    added = [Cue(100, start + 250, f"New words {start}.") for start in starts]
    new = sorted([*cues, *added], key=lambda cue: cue.start_ms)
    found = pairs(lines(cues), lines(new))
    assert found == {number: new.index(cue) + 1 for number, cue in enumerate(cues, 1)}


@given(recued())
def test_no_two_lines_become_one_and_the_answer_is_always_the_same(drawn: tuple[list[Cue], list[Cue], Cue]) -> None:
    old, new = lines(drawn[0]), lines(drawn[1])
    found = pairs(old, new)
    taken = [number for number in found.values() if number]
    assert len(taken) == len(set(taken))
    assert found == pairs(old, new)


def test_lines_of_their_own_words_survive_a_shift_a_speed_up_and_a_split_beside_them() -> None:
    old = script((1000, "Good morning."), (2000, "Yes. No."), (3000, "A train leaves."))
    new = script((500, "Welcome."), (1460, "good  morning."), (2420, "Yes."), (2900, "No."), (3380, "A train leaves."))
    assert pairs(old, new) == {1: 2, 2: None, 3: 5}


def test_of_repeated_words_the_one_that_went_is_told_by_time() -> None:
    old = script((1000, "Yes."), (2000, "Yes."), (3000, "Yes."), (4000, "Stop!"))
    assert pairs(old, script((1000, "Yes."), (3000, "Yes."), (4000, "Stop!"))) == {1: 1, 2: None, 3: 2, 4: 3}
    later = script((0, "Welcome."), (2300, "Yes."), (4300, "Yes."), (5300, "Stop!"))
    assert pairs(old, later) == {1: 2, 2: None, 3: 3, 4: 4}


def test_repeated_words_that_time_does_not_tell_apart_are_in_doubt() -> None:
    old = script((1000, "Yes."), (1400, "Yes."), (9000, "Stop!"))
    new = script((1200, "Yes."), (9000, "Stop!"))
    assert pairs(old, new) == {1: None, 2: None, 3: 2}
    assert Alignment(old, new).says(1)


def test_a_line_whose_words_changed_is_no_match_but_is_pointed_at() -> None:
    old = script((1000, "Good morning to you."), (3000, "Stop!"))
    alignment = Alignment(old, script((1000, "Good morning to you all."), (3000, "Stop!")))
    assert alignment.of(1) is None
    alike = alignment.alike(1)
    assert alike is not None
    assert alike.id == 1
    assert Alignment(old, script((3000, "Stop!"))).alike(1) is None


def test_in_a_language_without_spaces_they_and_rows_tell_no_line_from_another() -> None:
    old = script((1000, "客 観 的 実 在"), (3000, "Custom Speech には"), (5000, "ไป กัน"), (7000, "to day"))
    new = script((1000, "客観的\n実在"), (3000, "Custom Speechには"), (5000, "ไปกัน"), (7000, "today"))
    assert pairs(old, new) == {1: 1, 2: 2, 3: 3, 4: None}


def test_a_script_that_did_not_change_is_itself_line_by_line() -> None:
    again = script(*[(n * 1000, "Yes." if n % 3 else f"Line {n}.") for n in range(30)])
    same = Alignment(again, list(again))
    assert [same.of(line.id) for line in again] == again
    assert same.says(again[4].id)
    assert same.alike(again[4].id) is None
    assert same.of(99) is None
