"""Pauses grow only where the voice pauses and the text has a mark, and nothing of the sound is lost."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from configs.profile import PaceSettings
from tasks.keep.assets import path_of
from tasks.keep.store import Store
from tasks.records.script import Line
from tasks.synthesize import synthesizer
from tasks.synthesize.pauses import marks, moved, widened, widening
from tasks.synthesize.takes import VoiceSession

RATE = 16_000


def sound(*lengths_ms: int) -> np.ndarray:
    """A tone and a silence by turns, beginning with the tone."""
    parts = []
    for number, length in enumerate(lengths_ms):
        time = np.arange(length * RATE // 1000) / RATE
        parts.append((0.3 * np.sin(2 * np.pi * 200 * time) * (number % 2 == 0)).astype(np.float32))
    return np.concatenate(parts)


@pytest.mark.parametrize(
    ("text", "count"), [("Yes.", 0), ("Yes, no.", 1), ("Well... yes; no!", 2), ("はい、そうです。", 1), ("", 0)]
)
def test_marks_inside_a_line_count_and_its_end_does_not(text: str, count: int) -> None:
    assert marks(text) == count


def test_the_longest_silences_share_what_is_missing() -> None:
    speech = sound(400, 100, 400, 200, 400, 150, 400)
    assert widening(speech, RATE, 2, 500, 400) == ((1000, 250), (1575, 250))
    assert widening(speech, RATE, 9, 5000, 400) == ((450, 400), (1000, 400), (1575, 400))


def test_without_a_silence_or_a_mark_or_a_need_nothing_grows() -> None:
    assert widening(sound(800), RATE, 3, 500, 400) == ()
    assert widening(sound(400, 40, 400), RATE, 3, 500, 400) == ()  # the closure of a consonant
    speech = sound(400, 200, 400)
    assert widening(speech, RATE, 0, 500, 400) == widening(speech, RATE, 1, 0, 400) == ()
    assert widening(speech, RATE, 1, 500, 0) == ()


@given(st.lists(st.integers(80, 400), min_size=3, max_size=9), st.integers(1, 3000), st.integers(1, 500))
def test_a_widened_take_is_longer_by_what_was_added_and_keeps_its_sound(
    lengths: list[int], missing: int, most: int
) -> None:
    speech = sound(*lengths, *([200] if len(lengths) % 2 == 0 else []))
    places = widening(speech, RATE, 3, missing, most)
    longer = widened(speech, RATE, places)
    assert len(longer) == len(speech) + sum(added * RATE // 1000 for _, added in places)
    assert sum(added for _, added in places) <= missing
    assert float((longer**2).sum()) == pytest.approx(float((speech**2).sum()), rel=0.01)


def test_phones_follow_their_sound() -> None:
    phones = (("a", 0, 400, 1), ("", 400, 600, 0), ("o", 600, 1000, 0))
    assert moved(phones, ((500, 250),)) == (("a", 0, 400, 1), ("", 400, 850, 0), ("o", 850, 1250, 0))


def test_a_line_that_is_too_short_pauses_longer(tmp_path: Path) -> None:
    session = VoiceSession(Store(tmp_path / "s"), synthesizer("espeak", {}), "fr", {"S1": "roa/fr+m3"}, {}, tmp_path)
    line = Line(id=1, start_ms=0, end_ms=2690, text="Bonjour, mon nom est Jordi Mas.")
    without = session.paced(line, 0.85, PaceSettings(pause_ms=0))
    take = session.paced(line, 0.85, PaceSettings())
    assert without.duration_ms < take.duration_ms <= without.duration_ms + 350
    assert take.pace == without.pace
    info = soundfile.info(str(path_of(take.audio)))
    assert take.duration_ms == pytest.approx(info.frames * 1000 / info.samplerate, abs=2)
    assert take.phones[-1][2] <= take.duration_ms
    assert all(one[2] <= other[1] for one, other in itertools.pairwise(take.phones))
    assert [phone[0] for phone in take.phones] == [phone[0] for phone in without.phones]
    assert session.paced(line, 0.85, PaceSettings()) == take
