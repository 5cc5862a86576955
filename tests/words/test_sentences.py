"""Text in pieces: nothing lost, nothing too long, cut at pauses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.words.sentences import pieces


@given(text=st.text(alphabet="ab,.!? ;。é\n", max_size=120), limit=st.integers(1, 40))
def test_no_letter_is_lost_and_no_piece_is_too_long(text: str, limit: int) -> None:
    cut = pieces(text, limit)
    assert "".join("".join(cut).split()) == "".join(text.split())
    assert all(0 < len(piece) <= limit and piece == piece.strip() for piece in cut)


@given(text=st.text(alphabet="ab. ", max_size=60))
def test_what_fits_stays_whole(text: str) -> None:
    assert pieces(text, 60) == ([text.strip()] if text.strip() else [])


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("How are you? Fine, I think. Bye.", 16, ["How are you?", "Fine, I think.", "Bye."]),
        ("How are you? Fine. Bye.", 18, ["How are you? Fine.", "Bye."]),
        ("I came, I saw, I stayed.", 15, ["I came, I saw,", "I stayed."]),
        ("one two three four", 9, ["one two", "three", "four"]),
        ("你好。世界！再见", 4, ["你好。", "世界！", "再见"]),
        ("aaaaaaa", 3, ["aaa", "aaa", "a"]),
    ],
)
def test_cuts_lie_after_sentences_then_clauses_then_words(text: str, limit: int, expected: list[str]) -> None:
    assert pieces(text, limit) == expected
