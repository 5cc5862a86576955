"""What is believed of a recogniser of the Whisper family, and how much it hears at a time."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from tasks.transcribe.hearing import Belief, Heard, Stretch, heard_stretches, stretches
from tasks.transcribe.segment import lines_from_words

SPEECH = [(1000, 5000)]


def heard(*words: tuple[str, float, float], silence: float = 0.1, sure: float = -0.2, loop: float = 1.2) -> Heard:
    return Heard(words or ((" hello", 0.5, 0.9),), silence, sure, loop)


def believed(*segments: Heard, start: int = 1000, end: int = 5000) -> Belief:
    belief = Belief(SPEECH)
    belief.take(segments, Stretch(start, end, start))
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


def test_a_first_word_that_is_begun_in_silence_begins_with_the_sound() -> None:
    belief = Belief([(1000, 5000)])
    belief.take([heard((" Printing", 0.0, 0.9), (" in", 0.9, 1.1))], Stretch(500, 5500, 800))
    assert [(word.start_ms, word.end_ms) for word in belief.words] == [(800, 1400), (1400, 1600)]


def recorded(folder: Path, *parts: tuple[float, float], seconds: float = 30.0) -> Path:
    """A tone in these parts (start, end in seconds), the noise of a room elsewhere."""
    samples = 1e-3 * np.random.default_rng(0).standard_normal(round(seconds * 16_000))
    for start, end in parts:
        at = np.arange(round(start * 16_000), round(end * 16_000))
        samples[at] += 0.3 * np.sin(at / 5)
    soundfile.write(folder / "recorded.wav", samples, 16_000)
    return folder / "recorded.wav"


def test_a_stretch_comes_with_what_a_detector_missed_before_and_after_it(tmp_path: Path) -> None:
    audio = recorded(tmp_path, (1.8, 5.3), seconds=8)
    assert list(heard_stretches([(2000, 5000)], audio)) == [Stretch(1500, 5500, 1800)]
    at_both_ends = recorded(tmp_path, (0.05, 5.2), seconds=5.2)
    assert list(heard_stretches([(226, 5000)], at_both_ends)) == [Stretch(0, 5200, 50)]


def test_in_a_noise_as_loud_as_speech_nothing_is_known_of_where_it_begins(tmp_path: Path) -> None:
    assert list(heard_stretches([(2000, 5000)], recorded(tmp_path, (0, 8), seconds=8))) == [Stretch(1500, 5500, 1500)]


def test_what_lies_between_two_stretches_is_heard_once(tmp_path: Path) -> None:
    spans = [(n * 10_000, n * 10_000 + 9_900) for n in range(20)]
    first, second = heard_stretches(spans, recorded(tmp_path, (0, 200), seconds=200), 180_000)
    assert (first.start_ms, first.end_ms, second.start_ms, second.end_ms) == (0, 179_950, 179_950, 200_000)


def test_long_audio_is_heard_in_stretches_cut_in_pauses() -> None:
    spans = [(n * 10_000, n * 10_000 + 9_000) for n in range(16)]
    assert list(stretches(spans)) == [(0, 59_000), (60_000, 119_000), (120_000, 159_000)]


def test_half_a_minute_without_speech_is_not_listened_to() -> None:
    assert list(stretches([(0, 1000), (20_000, 21_000), (51_000, 52_000)])) == [(0, 21_000), (51_000, 52_000)]


@given(st.lists(st.tuples(st.integers(1, 200_000), st.integers(1, 60_000)), min_size=1, max_size=60))
def test_every_span_is_heard_once_and_no_stretch_is_long(steps: list[tuple[int, int]]) -> None:
    spans, clock = [], 0
    for pause, length in steps:
        spans.append((clock + pause, clock + pause + length))
        clock += pause + length
    found = list(stretches(spans))
    assert all(a[1] < b[0] for a, b in pairwise(found))
    assert all(sum(start <= a and b <= end for start, end in found) == 1 for a, b in spans)
    assert all(end - start <= 60_000 for start, end in found)
