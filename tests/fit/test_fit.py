from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from configs.profile import FitSettings
from tasks.fit.fit import plan
from tasks.fit.lay import Samples, lay, paced, phones_on_clock
from tasks.fit.task import _Given, _laid
from tasks.keep.store import Store
from tasks.records.progress import silent
from tasks.records.record import Asset
from tasks.records.script import Line, Script
from tasks.records.take import Placement, Take
from tasks.step.run import Work
from tests.clips import RATE, click_track, clicks

SETTINGS = FitSettings()  # type: ignore[call-arg]
SLOW, FAST, HARD, GAP = SETTINGS.slowest, SETTINGS.fastest, SETTINGS.hardest, SETTINGS.gap_ms


def script(*slots: tuple[int, int], speakers: str = "") -> Script:
    voices = speakers or "A" * len(slots)
    lines = tuple(
        Line(id=n, start_ms=start, end_ms=end, text="x", speaker=voice)
        for n, ((start, end), voice) in enumerate(zip(slots, voices, strict=True))
    )
    return Script(language="en", lines=lines)


def take(line: int, duration_ms: int, audio: Path = Path("x.wav"), **more: object) -> Take:
    asset = Asset(uri=str(audio), sha256="", bytes=0)
    return Take(line=line, audio=asset, duration_ms=duration_ms, voice="v", **more)  # type: ignore[arg-type]


def fitted(
    slots: list[tuple[int, int]], lengths: list[int], duration_ms: int, speakers: str = ""
) -> tuple[Placement, ...]:
    return plan(
        script(*slots, speakers=speakers), [take(n, length) for n, length in enumerate(lengths)], SETTINGS, duration_ms
    )


def test_a_take_as_long_as_its_slot_stays_as_spoken() -> None:
    (one,) = fitted([(1000, 3000)], [1960], 9000)
    assert (one.start_ms, one.end_ms, one.stretch, one.fit) == (1000, 2960, 1.0, "natural")


def test_a_longer_take_is_spoken_faster_to_end_with_its_slot() -> None:
    (one,) = fitted([(1000, 3000)], [2200], 9000)
    assert (one.start_ms, one.end_ms, one.fit) == (1000, 3000, "stretched")
    assert one.stretch == pytest.approx(1.1)


def test_a_shorter_take_is_slowed_but_not_to_fill_its_slot() -> None:
    near, far = fitted([(0, 2000), (4000, 8000)], [1850, 1000], 9000)
    assert (near.end_ms, near.fit) == (2000, "stretched")
    assert far.end_ms - far.start_ms == 1149
    assert far.stretch >= SLOW


def test_what_is_too_long_borrows_the_pause_and_keeps_a_gap() -> None:
    one, two = fitted([(1000, 2000), (3000, 4000)], [1800, 1000], 9000)
    assert (one.start_ms, one.end_ms, one.fit) == (1000, 2566, "borrowed")
    assert two.start_ms - one.end_ms >= GAP


def test_then_it_starts_a_little_early() -> None:
    one, _ = fitted([(1000, 2000), (2500, 3500)], [1700, 1000], 9000)
    assert (one.start_ms, one.end_ms, one.fit) == (941, 2420, "borrowed")


def test_only_then_is_it_spoken_as_fast_as_is_allowed() -> None:
    one, _ = fitted([(1000, 2000), (2500, 3500)], [1800, 1000], 9000)
    assert (one.start_ms, one.end_ms, one.fit) == (900, 2420, "borrowed")
    assert FAST < one.stretch <= HARD


def test_nobody_speaks_over_himself_and_the_line_after_the_next_pause_is_in_time() -> None:
    one, two, three = fitted([(1000, 2000), (2200, 3000), (5000, 6000)], [3000, 800, 1000], 9000)
    assert (one.start_ms, one.end_ms - one.start_ms, one.fit) == (900, 2500, "overlong")
    assert one.end_ms < two.start_ms
    assert two.fit == "borrowed"
    assert (three.start_ms, three.fit) == (5000, "natural")


def test_what_still_does_not_fit_is_kept_whole_and_another_speaker_is_not_late() -> None:
    one, two = fitted([(1000, 2000), (2200, 3000)], [3000, 800], 9000, "AB")
    assert (one.start_ms, one.end_ms - one.start_ms, one.fit) == (900, 2500, "overlong")
    assert two.start_ms == 2200


def test_more_speech_than_title_is_still_one_line_after_the_other() -> None:
    one, two, three = fitted([(0, 1000), (1000, 2000), (2000, 3000)], [2000, 2000, 2000], 3000)
    assert one.start_ms == 0
    assert one.end_ms <= two.start_ms
    assert two.end_ms <= three.start_ms


def test_an_hour_of_lines_that_are_too_long_does_not_drift() -> None:
    """1200 lines 3 s apart, each up to a quarter longer than its slot: the last one begins when it should."""
    rng = np.random.default_rng(4)
    slots = [(n * 3000, n * 3000 + 2400) for n in range(1200)]
    lengths = [int(length) for length in rng.uniform(1800, 3100, 1200)]
    placed = fitted(slots, lengths, 3_600_000)
    late = [one.start_ms - start for one, (start, _) in zip(placed, slots, strict=True)]
    assert abs(late[-1]) <= 40
    assert max(late) <= 200
    assert all(early.end_ms <= later.start_ms for early, later in pairwise(placed))


def test_the_last_line_begins_earlier_rather_than_run_past_the_end() -> None:
    one, two = fitted([(1000, 2000), (8000, 8500)], [1000, 1800], 9000)
    assert one.end_ms == 2000
    assert (two.start_ms, two.end_ms, two.fit) == (7500, 9000, "borrowed")


def test_a_take_of_an_unknown_line_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="not in the script"):
        plan(script((0, 10)), [take(7, 100)], SETTINGS, 100)


@st.composite
def titles(draw: st.DrawFn) -> tuple[list[tuple[int, int]], list[int], int, str]:
    slots, at = [], 0
    for _ in range(draw(st.integers(1, 8))):
        start = max(0, at + draw(st.integers(-500, 3000)))
        at = start + draw(st.integers(0, 5000))
        slots.append((start, at))
    slots.sort()
    lengths = draw(st.lists(st.integers(0, 9000), min_size=len(slots), max_size=len(slots)))
    speakers = draw(st.text("AB", min_size=len(slots), max_size=len(slots)))
    return slots, lengths, max(end for _, end in slots) + draw(st.integers(0, 3000)), speakers


@given(titles())
def test_laws_of_fitting(title: tuple[list[tuple[int, int]], list[int], int, str]) -> None:
    slots, lengths, duration_ms, speakers = title
    placed = fitted(slots, lengths, duration_ms, speakers)
    assert [one.line for one in placed] == list(range(len(slots)))
    for one, (start, end), natural, upcoming in zip(placed, slots, lengths, [*slots[1:], None], strict=True):
        length = one.end_ms - one.start_ms
        assert one.natural_ms == natural  # nothing is cut
        assert SLOW - 1e-9 <= one.stretch <= HARD + 1e-9
        assert abs(length * one.stretch - natural) < 1
        if one.fit == "natural":
            assert one.stretch == 1
        if one.fit in ("natural", "stretched"):
            assert (one.start_ms, one.end_ms <= end) == (start, True)
            assert one.stretch <= FAST + 1e-9
        if one.fit == "borrowed" and upcoming is not None and one.start_ms <= start and one.end_ms > end:
            assert upcoming[0] - one.end_ms >= GAP
        if one.fit == "overlong":
            assert one.stretch <= HARD + 1e-9
    for voice in set(speakers):
        own = [one for one in placed if speakers[one.line] == voice]
        assert all(early.end_ms <= late.start_ms for early, late in pairwise(own))  # nobody speaks over himself
        for before, one in zip([None, *own], own, strict=False):  # late only where the same speaker still speaks
            after = before.end_ms + 40 if before else 0
            assert one.start_ms <= max(slots[one.line][0], after) or sum(lengths) > duration_ms
        if sum(one.end_ms - one.start_ms for one in own) <= duration_ms:
            assert all(one.end_ms <= duration_ms for one in own)


def test_the_track_is_exactly_as_long_as_the_title_and_clicks_stand_where_planned(tmp_path: Path) -> None:
    audio = click_track(tmp_path / "take.wav", 2)
    places = [
        Placement(line=0, start_ms=1000, end_ms=3000, slot_ms=2000, natural_ms=2000, stretch=1.0, fit="natural"),
        Placement(line=1, start_ms=5033, end_ms=6700, slot_ms=1667, natural_ms=2000, stretch=1.2, fit="stretched"),
        Placement(line=2, start_ms=8000, end_ms=10222, slot_ms=2222, natural_ms=2000, stretch=0.9, fit="stretched"),
    ]
    assert lay([take(n, 2000, audio) for n in range(3)], places, 10_967, tmp_path / "d.wav") == ()
    sound, rate = soundfile.read(tmp_path / "d.wav")
    facts = soundfile.info(str(tmp_path / "d.wav"))
    assert (rate, len(sound), facts.subtype, facts.channels) == (RATE, 10_967 * 48, "PCM_24", 1)
    expected = [1.5, 2.5, 5.033 + 0.5 / 1.2, 5.033 + 1.5 / 1.2, 8 + 0.5 / 0.9, 8 + 1.5 / 0.9]
    assert clicks(sound) == pytest.approx(expected, abs=0.012)


def test_pace_changes_but_not_pitch(tmp_path: Path) -> None:
    tone = np.sin(2 * np.pi * 220 * np.arange(2 * 22_050) / 22_050) * 0.5
    soundfile.write(tmp_path / "t.wav", tone, 22_050)
    place = Placement(line=0, start_ms=0, end_ms=1667, slot_ms=1667, natural_ms=2000, stretch=1.2, fit="stretched")
    lay([take(0, 2000, tmp_path / "t.wav")], [place], 1667, tmp_path / "d.wav")
    sound, _ = soundfile.read(tmp_path / "d.wav")
    spectrum = np.abs(np.fft.rfft(sound[9600:-9600] * np.hanning(len(sound) - 19_200)))
    assert np.argmax(spectrum) * RATE / (len(sound) - 19_200) == pytest.approx(220, abs=1.5)


def test_lines_that_overlap_are_summed_without_clipping(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "t.wav", np.full(RATE, 0.9), RATE, subtype="FLOAT")
    places = [
        Placement(
            line=n, start_ms=n * 500, end_ms=n * 500 + 1000, slot_ms=1, natural_ms=1000, stretch=1, fit="overlong"
        )
        for n in range(2)
    ]
    lay([take(n, 1000, tmp_path / "t.wav") for n in range(2)], places, 2000, tmp_path / "d.wav")
    sound, _ = soundfile.read(tmp_path / "d.wav")
    assert np.abs(sound).max() < 1
    assert sound[int(0.75 * RATE)] == pytest.approx(2 * sound[int(0.25 * RATE)], rel=1e-3)


def test_a_take_that_crosses_a_block_is_whole_and_the_bytes_repeat(tmp_path: Path) -> None:
    audio = click_track(tmp_path / "take.wav", 8)
    place = Placement(line=0, start_ms=1000, end_ms=9000, slot_ms=8000, natural_ms=8000, stretch=1.0, fit="natural")
    for name in ("a.wav", "b.wav"):
        lay([take(0, 8000, audio)], [place], 12_000, tmp_path / name)
    sound, _ = soundfile.read(tmp_path / "a.wav")
    assert len(clicks(sound)) == 8
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.wav", "b.wav", "take.wav"]


def test_phones_move_with_their_take() -> None:
    spoken = take(3, 1000, phones=(("o", 0, 400, 1), ("l", 400, 1000, 0)))
    place = Placement(
        line=3, start_ms=2000, end_ms=2833, slot_ms=833, natural_ms=1000, stretch=1000 / 833, fit="stretched"
    )
    assert phones_on_clock([spoken], [place]) == [
        {"ipa": "o", "start_ms": 2000, "end_ms": 2333, "stress": 1},
        {"ipa": "l", "start_ms": 2333, "end_ms": 2833, "stress": 0},
    ]


def test_a_line_pushed_past_the_end_is_told_by_how_much_is_not_heard(tmp_path: Path) -> None:
    """Two lines of 2.9 s in a title of 3 s: neither is as long as the title."""
    for n in range(2):
        soundfile.write(tmp_path / f"{n}.wav", np.full(2900 * RATE // 1000, 0.1), RATE)
    takes = [take(n, 2900, tmp_path / f"{n}.wav") for n in range(2)]
    placements = plan(script((0, 1500), (1500, 3000)), takes, SETTINGS, 3000)
    notes = lay(takes, placements, 3000, tmp_path / "dub.wav")
    over_ms = placements[1].end_ms - 3000
    assert over_ms > 0
    assert f"Line 1 runs {over_ms / 1000:.1f} s past the end of the title: that part is not heard." in notes


def test_an_edit_of_a_line_paces_that_line_alone_and_the_track_is_what_it_is_from_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    audio = [click_track(tmp_path / f"take{seconds}.wav", seconds) for seconds in (1, 2)]
    paced_now: list[str] = []

    def counted(audio: Path, stretch: float, length: int) -> Samples:
        paced_now.append(audio.name)
        return paced(audio, stretch, length)

    monkeypatch.setattr("tasks.fit.lay.paced", counted)

    def laid(store: Store, *seconds: int) -> str:
        takes = tuple(
            take(n, one * 1000, audio[one - 1]).model_copy(update={"audio": store.reference(audio[one - 1])})
            for n, one in enumerate(seconds)
        )
        given = _Given(script((0, 900), (1000, 2700), (4000, 4900)), takes, 6000, SETTINGS)
        with store.workspace("fit") as folder:
            return _laid(given, Work(folder, silent, store)).value.dialogue.sha256

    kept = Store(tmp_path / "kept")
    laid(kept, 1, 2, 1)
    assert paced_now == ["take1.wav", "take2.wav"]  # two of the three are alike
    paced_now.clear()
    edited = laid(kept, 1, 1, 1)
    assert paced_now == ["take1.wav"]
    assert edited == laid(Store(tmp_path / "new"), 1, 1, 1)
