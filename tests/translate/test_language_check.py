"""A wrong language is noticed where it is certain; names, short lines and close relatives pass."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.translate.language_check import available, complaint

ENGLISH = "We are going to talk about the moon this evening."


def test_languages_of_one_script_can_be_told_apart_here() -> None:
    assert available()  # `make setup` installs it


@pytest.mark.parametrize(
    ("answer", "target"),
    [
        ("Esta noche vamos a hablar de la luna.", "es"),
        ("Ce soir, nous allons parler de la lune.", "fr"),
        ("Heute Abend sprechen wir über den Mond.", "de"),
        ("Aquest vespre parlarem de la lluna.", "ca"),
        ("Aquest vespre parlarem de la lluna.", "es"),  # too near to accuse
        ("今晩は月についてお話しします。", "ja"),
        ("今晚我们来谈谈月亮。", "zh"),
        ("Сегодня вечером мы поговорим о луне.", "ru"),
        ("오늘 저녁에는 달에 대해 이야기하겠습니다.", "ko"),
        ("سنتحدث هذا المساء عن القمر.", "ar"),
        ("Jordi Mas", "ja"),
        ("OK.", "ru"),
        ("Neil Armstrong", "fr"),
        ("...", "el"),
        ("", "es"),
    ],
)
def test_right_or_doubtful_answers_pass(answer: str, target: str) -> None:
    assert complaint(answer, f"{ENGLISH} Jordi Mas, Neil Armstrong. OK.", "en", target) == ""


@pytest.mark.parametrize(
    ("answer", "target", "said"),
    [
        (ENGLISH, "es", "left untranslated"),
        ("We will talk about the moon on this evening, my friends.", "es", "in English"),
        ("Heute Abend sprechen wir über den schönen Mond.", "fr", "in German"),
        ("This evening we will talk about the moon.", "ja", "Latin"),
        ("Сегодня вечером мы поговорим о луне.", "es", "Cyrillic"),
        ("今晚我们来谈谈月亮。", "fr", "Chinese"),
    ],
)
def test_certainly_wrong_answers_do_not(answer: str, target: str, said: str) -> None:
    assert said in complaint(answer, ENGLISH, "en", target)


@given(
    st.text(max_size=60), st.text(max_size=60), st.sampled_from(["es", "ja", "ar", "sr-Latn", "hi", "zh-Hant", "tlh"])
)
def test_any_text_gets_a_verdict(answer: str, text: str, target: str) -> None:
    assert isinstance(complaint(answer, text, "en", target), str)
