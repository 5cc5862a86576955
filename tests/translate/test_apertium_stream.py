"""Text to the stream and back: signs that Apertium gives a meaning survive, its marks do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.translate.apertium_stream import deformat, reformat


def back(text: str, stream: str) -> tuple[str, list[str]]:
    unknown: list[str] = []
    return reformat(text, stream, unknown), unknown


@given(text=st.text(alphabet="abC ,.[]{}^$/\\<>@*#~_+=|♪'12", min_size=1, max_size=40))
def test_a_translator_that_changes_nothing_gives_the_text_back(text: str) -> None:
    assert back(text, deformat(text)) == (" ".join(text.split(" ")).strip() if "  " not in text else squeezed(text), [])


def squeezed(text: str) -> str:
    import re

    return re.sub(" +", " ", text).strip()


@pytest.mark.parametrize(
    ("text", "stream", "expected", "unknown"),
    [
        ("Hello frob.", "Hola *frob.[]", "Hola frob.", ["frob"]),
        ("A b.", "@One #two.[]", "One two.", ["One", "two"]),
        ("no full stop", "sin punto.[]", "sin punto", []),
        ("Really?", "¿De verdad?[]", "¿De verdad?", []),
        ("Hello there.", "hola.[]", "Hola.", []),
        ("of text", "De texto.[]", "de texto", []),
        ("2 * 3", "2 [*] 3.[]", "2 * 3", []),
    ],
)
def test_marks_go_full_stops_and_capitals_follow_the_source(
    text: str, stream: str, expected: str, unknown: list[str]
) -> None:
    assert back(text, stream) == (expected, unknown)


def test_addresses_pass_whole() -> None:
    assert deformat("see www.example.com now.") == "see [www.example.com] now.[]"
    assert "[joe\\@example.org]" in deformat("mail joe@example.org now")
