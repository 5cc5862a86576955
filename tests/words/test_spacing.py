"""Where words are apart and where a text may be broken, in scripts with and without spaces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.words.sentences import pieces
from tasks.words.spacing import as_heard, atoms, joined, one_row, same_signs, units

MIXED = st.text(alphabet="ab é.、。「」ー東京へุ้สวัកា្ညမင်္ဂ", max_size=40)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([" Good", " morning."], "Good morning."),  # as Whisper writes them
        (["good", "morning"], "good morning"),  # as PocketSphinx does
        (["客観", "的", "実在", "の"], "客観的実在の"),
        (["自", "定义", "语音"], "自定义语音"),
        ([" Custom", " Speech", "には", " ツール"], "Custom Speechにはツール"),
        (["使用", " Microsoft", " 的"], "使用 Microsoft 的"),
        (["使用", "Microsoft", "的"], "使用Microsoft的"),
        (["สวัสดี", "ครับ", " ผม"], "สวัสดีครับ ผม"),  # a space between phrases is Thai
        ([" 안녕", "하세요", " 여러분"], "안녕하세요 여러분"),
        ([" well", "-known"], "well-known"),
        (["使用", "Mic", "rosoft", "的", "10", "B"], "使用Microsoft的10B"),  # parts of words
        (["今日", "は", " 天気", "が"], "今日は天気が"),
        (["", " "], ""),
    ],
)
def test_words_are_joined_as_their_script_is_written(words: list[str], text: str) -> None:
    assert as_heard(words) == text


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ("Good\nmorning", "Good morning"),
        ("客観的実在の\n判断的知識", "客観的実在の判断的知識"),
        ("はい\u3000そうです\nね", "はい そうですね"),
        ("Custom\nSpeech には", "Custom Speech には"),
        ("ខ្ញុំ\nស្រឡាញ់", "ខ្ញុំស្រឡាញ់"),
        ("ສະບາຍ\r\nດີ", "ສະບາຍດີ"),
    ],
)
def test_rows_become_one(rows: str, text: str) -> None:
    assert one_row(rows) == text


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("あっという「東京」へ。", ["あっ", "と", "い", "う", "「東", "京」", "へ。"]),
        ("Speechには", ["Speech", "に", "は"]),
        ("เขาใช้น้ำ", ["เขา", "ใช้", "น้ำ"]),
        ("ເຂົາ", ["ເຂົາ"]),
        ("ស្រឡាញ់", ["ស្រ", "ឡា", "ញ់"]),
        ("မင်္ဂလာပါ", ["မင်္ဂ", "လာ", "ပါ"]),
    ],
)
def test_what_hangs_together_is_not_broken(word: str, expected: list[str]) -> None:
    assert list(units(word)) == expected


def test_atoms_are_words_or_letters() -> None:
    assert joined(["Custom", "Speech", "に", "は"]) == "Custom Speechには"
    assert atoms("good-natured people") == ["good-natured", "people"]
    assert atoms("Speech は easy") == ["Speech", "は", "easy"]


@given(MIXED)
def test_no_sign_is_lost(text: str) -> None:
    assert "".join(units(text)) == text
    assert same_signs("".join(atoms(text)), text)
    assert same_signs(one_row(text), text)


@given(MIXED, st.integers(1, 12))
def test_pieces_of_any_script_are_whole_and_short(text: str, limit: int) -> None:
    cut = pieces(text, limit)
    assert same_signs("".join(cut), text)
    assert all(0 < len(piece) <= limit for piece in cut)


def test_a_long_text_without_spaces_is_cut_where_a_row_may_begin() -> None:
    assert pieces("あっという間に終わった", 5) == ["あっという", "間に終わっ", "た"]
    assert pieces("まってくださいちょっと", 8) == ["まってください", "ちょっと"]
    assert pieces("នេះគឺល្អ។ហើយ", 9) == ["នេះគឺល្អ។", "ហើយ"]
