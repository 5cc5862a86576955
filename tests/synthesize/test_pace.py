"""How fast lines are asked for: one pace a speaker, a little more or less a line, never beyond the bounds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.profile import PaceSettings
from tasks.keep.store import Store
from tasks.records.script import Line
from tasks.synthesize import synthesizer
from tasks.synthesize.pace import Reach, is_near, line_pace, speaker_pace
from tasks.synthesize.takes import VoiceSession

USUAL = PaceSettings()
lengths = st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 20_000)), max_size=30)
bounds = st.builds(
    PaceSettings, slowest=st.floats(0.5, 1.0), fastest=st.floats(1.0, 2.0), line=st.floats(0, 0.5), tries=st.just(3)
)


@given(lengths, bounds)
def test_a_speakers_pace_stays_in_its_range(found: list[tuple[int, int]], settings: PaceSettings) -> None:
    assert settings.slowest - 0.01 <= speaker_pace(found, settings) <= settings.fastest + 0.01


@given(st.floats(0.9, 1.2), st.lists(st.integers(500, 8000), min_size=3, max_size=20))
def test_a_speaker_who_is_always_as_much_slower_is_asked_to_be_as_much_faster(ratio: float, slots: list[int]) -> None:
    pace = speaker_pace([(round(slot * ratio), slot) for slot in slots], USUAL)
    assert pace == pytest.approx(ratio, abs=0.026)


def test_the_pace_is_the_one_at_which_most_lines_fit() -> None:
    found = [(730, 1000), (890, 1000), (1170, 1000)]
    assert speaker_pace(found, USUAL) == 0.89  # at the median's 0.9 the first line would miss the window
    assert speaker_pace([(100, 1000), (5000, 1000), (1000, 1000)], USUAL) == 1.0


def test_where_not_all_lines_can_fit_the_long_ones_do() -> None:
    found = [(720, 1000), (740, 1000), (1165, 1000)]
    assert speaker_pace(found, USUAL) == 0.9  # at 0.85, the median's, as many fit: but the last would be too long
    found = [(762, 1000), (767, 1000), (1120, 1000)]
    assert speaker_pace(found, USUAL) == 0.9  # at 0.85 all fit, the last by 2 ms in a second


def test_one_edited_line_of_many_moves_nobody_else() -> None:
    found = [(900 + 7 * number, 1000) for number in range(40)]
    assert speaker_pace(found, USUAL) == speaker_pace([(400, 1000), *found[1:]], USUAL)


@given(st.integers(1, 20_000), st.floats(0.5, 2), st.integers(1, 20_000), st.floats(0.85, 1.25))
def test_a_line_stays_near_its_speakers_pace(length: int, asked: float, slot: int, speaker: float) -> None:
    assert abs(line_pace(length, asked, slot, Reach.around(speaker, USUAL)) / speaker - 1) <= USUAL.line + 0.008


@given(st.floats(0.85, 1.25), st.floats(0.5, 12), st.floats(0, 12))
def test_a_line_follows_a_slow_actor_by_about_as_much_and_never_beyond_the_bound(
    speaker: float, natural: float, actor: float
) -> None:
    usual = Reach.around(speaker, USUAL)
    reach = usual.following(natural, actor, USUAL)
    assert min(USUAL.slowest_line, usual.slowest) <= reach.slowest <= usual.slowest
    assert (reach.speaker, reach.fastest) == (usual.speaker, usual.fastest)
    if reach.slowest < usual.slowest:
        assert natural * reach.slowest >= actor * (1 - USUAL.line) - 1e-9


def test_a_line_without_a_slot_or_without_sound_is_spoken_at_its_speakers_pace() -> None:
    reach = Reach.around(1.1, USUAL)
    assert line_pace(1000, 1.0, 0, reach) == line_pace(0, 1.0, 1000, reach) == 1.1
    assert not is_near(1000, 0)


@pytest.fixture
def session(tmp_path: Path) -> VoiceSession:
    return VoiceSession(Store(tmp_path), synthesizer("espeak", {}), "es", {"S1": "roa/es+m3"}, {}, tmp_path)


def line(slot_ms: int, text: str = "Buenos días a todos, y bienvenidos a esta charla.") -> Line:
    return Line(id=1, start_ms=1000, end_ms=1000 + slot_ms, text=text)


def test_a_voice_speaks_a_line_into_its_slot(session: VoiceSession) -> None:
    natural = session.take(line(1000))
    for share in (0.93, 1.0, 1.08):
        slot = round(natural.duration_ms * share)
        take = session.paced(line(slot), 1.0, USUAL)
        assert take.duration_ms / slot == pytest.approx(1, abs=0.035)
        assert abs(take.pace - 1) <= 0.11


def test_a_slot_out_of_reach_gets_the_nearest_take_within_bounds(session: VoiceSession) -> None:
    natural = session.take(line(1000)).duration_ms
    assert session.paced(line(natural * 3), 1.0, USUAL).pace == 0.9
    assert session.paced(line(natural // 3), 1.0, USUAL).pace == 1.1


def test_a_line_that_is_too_short_is_spoken_as_slowly_as_its_actor_speaks(session: VoiceSession) -> None:
    text = "Buenos días a todos."
    natural_ms = session.take(line(1000, text)).duration_ms
    slot = line(round(natural_ms / 0.75), text)
    ordinary, slow = (replace(session, rates={1: 7 * 1000 / natural_ms * share}) for share in (1.0, 0.5))
    assert session.paced(slot, 1.0, USUAL).pace == ordinary.paced(slot, 1.0, USUAL).pace == 0.9
    followed = slow.paced(slot, 1.0, USUAL)
    assert USUAL.slowest_line <= followed.pace < 0.85
    assert followed.duration_ms / (slot.end_ms - slot.start_ms) == pytest.approx(1, abs=0.05)


def test_a_line_that_was_spoken_at_a_pace_is_not_spoken_again(session: VoiceSession, tmp_path: Path) -> None:
    first = session.paced(line(2500), 1.05, USUAL)
    again = VoiceSession(session.store, session.backend, "es", session.voices, {}, tmp_path)
    assert again.paced(line(2500), 1.05, USUAL) == first
    assert session.fresh == {1}
    assert not again.fresh


def test_a_voice_of_one_pace_is_left_at_it(tmp_path: Path) -> None:
    backend = synthesizer("fake", {})
    backend.facts = backend.facts.__class__(name="fake", code_licence="Apache-2.0", paces=False)  # type: ignore[misc]
    session = VoiceSession(Store(tmp_path), backend, "es", {"S1": "hum-120"}, {}, tmp_path)
    assert session.paces([line(500)], USUAL) == {"S1": 1.0}
    assert session.paced(line(500), 1.0, USUAL).pace == 1.0
