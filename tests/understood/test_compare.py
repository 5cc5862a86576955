"""What counts as understood: by spelling, by sound, and what does not."""

from __future__ import annotations

import pytest

from tasks.understood.compare import compare
from tasks.understood.words import tokens

SAME = [
    ("en", "World War II ended.", "World War Two ended."),
    ("en", "King Louis XIV danced.", "King Louis the 14th danced."),
    ("en", "Part IV begins.", "Part 4 begins."),
    ("fr", "Louis XIV au XXIe siècle", "Louis 14 au 21e siècle"),
    ("de", "Ludwig XIV. kam.", "Ludwig der Vierzehnte kam."),
    ("en", "It costs £3.2m now.", "It costs three point two million pounds now."),
    ("es", "¿Cómo está usted, señor?", "como esta usted señor"),
    ("es", "El tren sale a las 19:45 del 3 de mayo de 1995.", "el tren sale a las 19.45 del 3 de mayo de mil "
     "novecientos noventa y cinco"),
    ("fr", "L'ordinateur a fait cette musique.", "L’ordinateur à fait cette musique"),
    ("de", "Im Jahr 1995 lebten 21 in der Großstraße.", "im jahr neunzehnhundertfünfundneunzig lebten einundzwanzig in "
     "der grossstrasse"),
    ("en", "I'm not paying $20, it's the colour.", "I am not paying twenty dollars, it is the color"),
    ("en", "It was built in 1995.", "It was built in nineteen ninety-five."),
    ("ca", "I m'encanta aquesta ciutat.", "I mencanta aquesta ciutat"),
    ("pl", "Mam 25 lat.", "Mam dwadzieścia pięć lat"),
    ("pt", "３ de maio", "três de maio"),
    ("ar", "كَتَبَ الوَلَدُ", "كتب الولد"),
    ("hi", "मेरे पास २५ किताबें हैं", "मेरे पास पच्चीस किताबें हैं"),
    ("tr", "İyi günler, Işık.", "iyi günler ışık"),
    ("zh", "我现在有25本书。", "我現在有二十五本书"),
    ("ja", "今日は1995年です。", "今日は千九百九十五年です"),
    ("th", "สวัสดีครับ", "สวัสดี ครับ"),
]  # fmt: skip

OTHER = [
    ("en", "Thirteen people came to dinner.", "Thirty people came to dinner.", 0.2),
    ("es", "Hablo inglés, francés y un poco de alemán.", "A lo ingres, tan pesímpos de alemán.", 0.75),
    ("fr", "Il a payé 250 euros hier.", "Il a payé 150 euros hier.", 1 / 6),
    ("de", "Das kostet 3,5 Millionen Euro.", "Das kostet 35 Millionen Euro.", 0.2),
    ("ja", "成立する話です", "設立する話です", 1 / 7),
    ("hi", "मेरे पास किताबें हैं", "मेरा पास किताब है", 0.75),
    ("es", "uno dos tres cuatro", "", 1.0),
]


@pytest.mark.parametrize(("language", "said", "heard"), SAME)
def test_what_is_said_the_same_is_understood_however_it_is_spelled(language: str, said: str, heard: str) -> None:
    assert compare(said, heard, language).error == 0


@pytest.mark.parametrize(("language", "said", "heard", "error"), OTHER)
def test_other_words_are_counted(language: str, said: str, heard: str, error: float) -> None:
    assert compare(said, heard, language).error == pytest.approx(error, abs=0.001)


@pytest.mark.parametrize(
    ("language", "said", "heard"),
    [
        ("en", "It costs £3.2m now.", "It cost three point two million pounds now."),
        ("es", "Nació el 3/2/1995 aquí.", "Nace el tres de febrero de mil novecientos noventa y cinco aquí."),
        (
            "de",
            "Er zahlte 1.299,99 € bar.",
            "Sie zahlte eintausendzweihundertneunundneunzig Euro und neunundneunzig Cent bar.",
        ),
    ],
)
def test_one_wrong_word_beside_a_number_is_one_of_all_that_are_said(language: str, said: str, heard: str) -> None:
    assert 0 < compare(said, heard, language).error < 0.2


def test_a_name_may_sound_nearly_alike_and_a_word_may_not() -> None:
    assert [piece.verdict for piece in compare("Anna vive en Xàtiva.", "Anna vive en Játiva.", "es").pieces] == [
        "same",
        "name",
    ]
    assert compare("Aquí vive un gato.", "Aquí vive un pato.", "es").error == 0.25


def test_one_or_two_words_are_judged_by_their_sounds() -> None:
    assert compare("Claro.", "Claros", "es").understood
    assert not compare("Sí.", "Se iba", "es").understood
    assert compare("Sí.", "Se iba", "es").short
    assert not compare("Sí.", "Se iba", "es").other  # a recogniser may be at fault


def test_pieces_point_into_both_texts() -> None:
    said, heard = "Soy de Barcelona, ¿y tú?", "soy de Máctelo y tú"
    found = [piece for piece in compare(said, heard, "es").pieces if piece.verdict == "other"]
    assert [(said[slice(*piece.said)], heard[slice(*piece.heard)]) for piece in found] == [("Barcelona", "Máctelo")]


def test_vowel_signs_stay_with_their_letters() -> None:
    assert [token.folded for token in tokens("मेरे किताबें", "hi")] == ["मेरे", "किताबें"]
    assert [token.folded for token in tokens("ที่", "th")] == ["ที่"]
