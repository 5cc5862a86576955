"""Recognised words into lines: at sentence ends, pauses, the widest gap; no word lost, doubled or cut."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tasks.records.script import Word
from tasks.transcribe.segment import lines_from_words
from tasks.words.spacing import breakable

WORDS = st.lists(
    st.tuples(
        st.sampled_from([" so", " Dr.", " well.", " no?", " and", " 3.5", " Yes!”", " …", " I"]),
        st.integers(0, 2000),
        st.integers(0, 3000),
    ),
    max_size=40,
)


def timed(facts: list[tuple[str, int, int]]) -> list[Word]:
    words, clock = [], 0
    for text, pause, length in facts:
        words.append(Word(text=text, start_ms=clock + pause, end_ms=clock + pause + length))
        clock += pause + length
    return words


@given(WORDS, st.integers(100, 2000), st.integers(500, 10_000))
def test_every_word_is_in_one_line_whole_and_in_order(
    facts: list[tuple[str, int, int]], pause: int, longest: int
) -> None:
    words = timed(facts)
    lines = lines_from_words(words, pause_ms=pause, longest_ms=longest)
    assert [word.text for line in lines for word in line.words] == [word.text for word in words]
    assert " ".join(line.text for line in lines).split() == "".join(word.text for word in words).split()
    assert all(a.end_ms <= b.start_ms for a, b in pairwise(lines))
    for line in lines:
        assert (line.start_ms, line.end_ms) == (line.words[0].start_ms, line.words[-1].end_ms)
        assert len(line.words) == 1 or line.end_ms - line.start_ms <= longest
        assert all(b.start_ms - a.end_ms < pause for a, b in pairwise(line.words))


@given(WORDS)
def test_a_sentence_ends_its_line_and_an_abbreviation_does_not(facts: list[tuple[str, int, int]]) -> None:
    for line in lines_from_words(timed(facts), pause_ms=10_000, longest_ms=10**9):
        ends = [word.text.strip() in ("well.", "no?", "Yes!”", "…") for word in line.words]
        assert not any(ends[:-1])


def test_a_long_sentence_is_cut_where_the_speaker_breathes() -> None:
    words = [Word(text=f" w{n}", start_ms=1000 * n + (400 if n > 5 else 0), end_ms=1000 * n + 900) for n in range(12)]
    assert [len(line.words) for line in lines_from_words(words, pause_ms=600, longest_ms=8000)] == [6, 6]


def letters(text: str, each_ms: int = 300) -> list[Word]:
    return [Word(text=one, start_ms=each_ms * n, end_ms=each_ms * (n + 1)) for n, one in enumerate(text)]


def test_a_language_without_spaces_is_joined_without_them() -> None:
    assert [line.text for line in lines_from_words(letters("客観的実在。成立する。"))] == ["客観的実在。", "成立する。"]
    assert [line.text for line in lines_from_words(letters("សួស្តី។បាទ។"))] == ["សួស្តី។", "បាទ។"]


def test_of_letters_a_line_ends_behind_a_clause_and_never_before_what_hangs_on_one() -> None:
    first, second = lines_from_words(letters("通过将音频数据，直观地检查模型的质量"), longest_ms=4000)
    assert (first.text, second.text) == ("通过将音频数据，", "直观地检查模型的质量")
    parts = ["使", "用", "Mic", "rosoft", "的", "模", "型"]
    words = [Word(text=text, start_ms=300 * n, end_ms=300 * (n + 1)) for n, text in enumerate(parts)]
    assert [line.text for line in lines_from_words(words, longest_ms=1500)] == ["使用Microsoft", "的模型"]
    for text in ("ちょっとまってくださいませんか", "ขอบคุณมากครับผมชอบน้ำใจ", "ကျေးဇူးတင်ပါတယ်ခင်ဗျာ"):
        lines = lines_from_words(letters(text), longest_ms=1500)
        assert "".join(line.text for line in lines) == text
        ends = [sum(len(line.text) for line in lines[:number]) for number in range(1, len(lines))]
        assert len(ends) > 2
        assert all(breakable(text[:end], text[end:]) for end in ends)
