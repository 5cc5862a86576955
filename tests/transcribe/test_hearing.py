"""What is believed of a recogniser of the Whisper family, and how much it hears at a time."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tasks.transcribe.hearing import Belief, Heard, stretches
from tasks.transcribe.segment import lines_from_words

SPEECH = [(1000, 5000)]


def heard(*words: tuple[str, float, float], silence: float = 0.1, sure: float = -0.2, loop: float = 1.2) -> Heard:
    return Heard(words or ((" hello", 0.5, 0.9),), silence, sure, loop)


def believed(*segments: Heard, start: int = 1000, end: int = 5000) -> Belief:
    belief = Belief(SPEECH)
    belief.take(segments, start, end)
    return belief


def test_silent_and_looping_segments_are_left_out_and_told() -> None:
    belief = believed(heard(silence=0.9, sure=-1.5), heard(), heard(loop=9.0))
    assert [(word.text, word.start_ms, word.end_ms) for word in belief.words] == [(" hello", 1500, 1900)]
    assert "2 passages" in belief.notes()[0]
    assert believed(heard()).notes() == ()


def test_what_is_written_where_nobody_speaks_is_left_out_however_sure_it_is() -> None:
    ghost = heard((" Thanks", 20.0, 20.5), (" for", 20.5, 21.0), (" watching.", 21.0, 22.0), silence=0.0, sure=-0.01)
    belief = believed(heard(), ghost, end=60_000)
    assert [word.text for word in belief.words] == [" hello"]
    assert belief.doubted == 1


def test_a_word_just_beside_speech_stays() -> None:
    assert len(believed(heard((" well", 3.9, 4.2)), start=1000, end=9000).words) == 1


def test_no_word_is_lost_that_is_given_no_length() -> None:
    belief = believed(heard((" so", 0.5, 0.5), (" it", 0.5, 0.5), (" goes", 4.0, 4.0)))
    assert [(word.text, word.start_ms, word.end_ms) for word in belief.words] == [
        (" so", 1500, 1501),
        (" it", 1500, 1501),
        (" goes", 4999, 5000),
    ]
    assert [line.text for line in lines_from_words(belief.words)] == ["so it", "goes"]


def test_long_audio_is_heard_in_stretches_cut_in_pauses() -> None:
    spans = [(n * 10_000, n * 10_000 + 9_000) for n in range(40)]
    assert list(stretches(spans)) == [(0, 179_000), (180_000, 359_000), (360_000, 399_000)]


def test_half_a_minute_without_speech_is_not_listened_to() -> None:
    assert list(stretches([(0, 1000), (20_000, 21_000), (51_000, 52_000)])) == [(0, 21_000), (51_000, 52_000)]


@given(st.lists(st.tuples(st.integers(1, 200_000), st.integers(1, 150_000)), min_size=1, max_size=60))
def test_every_span_is_heard_once_and_no_stretch_is_long(steps: list[tuple[int, int]]) -> None:
    spans, clock = [], 0
    for pause, length in steps:
        spans.append((clock + pause, clock + pause + length))
        clock += pause + length
    found = list(stretches(spans))
    assert all(a[1] < b[0] for a, b in pairwise(found))
    assert all(sum(start <= a and b <= end for start, end in found) == 1 for a, b in spans)
    assert all(end - start <= 180_000 for start, end in found)
