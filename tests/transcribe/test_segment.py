from hypothesis import given
from hypothesis import strategies as st

from tasks.model import Word
from tasks.transcribe.segment import lines_from_words


def words(*timed: tuple[str, int, int]) -> list[Word]:
    return [Word(text=text, start_ms=start, end_ms=end) for text, start, end in timed]


def texts(found: list[Word], **options: int) -> list[str]:
    return [line.text for line in lines_from_words(found, **options)]


def test_a_pause_ends_a_line() -> None:
    assert texts(words(("good", 0, 300), ("morning", 350, 700), ("my", 1300, 1400), ("name", 1400, 1600))) == [
        "good morning",
        "my name",
    ]


def test_a_sentence_ends_a_line_an_abbreviation_does_not() -> None:
    found = words((" Mr.", 0, 100), (" Mas", 110, 200), (" spoke.”", 210, 300), (" Then", 310, 400), (" 3.5", 410, 500))
    assert texts(found) == ["Mr. Mas spoke.”", "Then 3.5"]


def test_words_without_spaces_between_them_stay_together() -> None:
    assert texts(words((" 東京", 0, 100), ("です。", 100, 200), ("はい", 200, 300))) == ["東京です。", "はい"]


def test_a_long_line_is_cut_at_its_widest_gap() -> None:
    found = words(("a", 0, 3000), ("b", 3010, 6000), ("c", 6300, 9000))
    assert texts(found, longest_ms=8000) == ["a b", "c"]


def test_lines_are_numbered_and_keep_their_words() -> None:
    lines = lines_from_words(words(("one.", 0, 100), ("two.", 100, 200)))
    assert [line.id for line in lines] == [0, 1]
    assert [word.text for line in lines for word in line.words] == ["one.", "two."]


@given(
    st.lists(st.tuples(st.text(max_size=6), st.integers(0, 20_000), st.integers(0, 3000)), max_size=25),
    st.integers(100, 2000),
    st.integers(500, 9000),
)
def test_whatever_the_words_lines_do_not_overlap_and_no_word_is_lost(
    raw: list[tuple[str, int, int]], pause: int, longest: int
) -> None:
    found = [Word(text=text, start_ms=start, end_ms=start + length) for text, start, length in raw]
    lines = lines_from_words(found, pause_ms=pause, longest_ms=longest)
    ends = 0
    for line in lines:
        assert ends <= line.start_ms < line.end_ms
        assert line.text
        ends = line.end_ms
    assert [word.text for line in lines for word in line.words] == [word.text for word in found if word.text.strip()]
