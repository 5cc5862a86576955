"""Languages are taken by tag, by name and by their own name; what is none says what may be meant."""

from __future__ import annotations

import pytest

from configs.language_names import language_of, split_languages
from configs.languages import LanguageError


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        *[("es", "es"), ("PT_br", "pt-BR"), ("uk", "uk"), ("ger", "de")],
        *[("spanish", "es"), ("Farsi", "fa"), ("Brazilian Portuguese", "pt-BR"), ("Norwegian Bokmål", "nb")],
        *[("Español", "es"), ("日本語", "ja"), ("中文", "zh"), ("français canadien", "fr-CA")],
        *[("Portuguese (Brazil)", "pt-BR"), ("Español (México)", "es-MX"), ("中文（中国）", "zh-CN")],
        *[("Serbian (Latin)", "sr-Latn"), ("Chinese (Simplified)", "zh-Hans"), ("portuguese brazil", "pt-BR")],
    ],
)
def test_a_language_is_a_tag_or_a_name(text: str, tag: str) -> None:
    assert language_of(text) == tag


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        *[("jp", r"ja \(Japanese\)"), ("cn", r"zh \(Chinese\)"), ("cz", r"cs \(Czech\)"), ("dk", r"da \(Danish\)")],
        *[("spansh", r"es \(Spanish\)"), ("japnese", r"ja \(Japanese\)"), ("deutch", r"de \(German\)")],
    ],
)
def test_a_slip_or_a_country_says_which_language_may_be_meant(text: str, meant: str) -> None:
    with pytest.raises(LanguageError, match=f"is not a language. Did you mean .*{meant}"):
        language_of(text)


@pytest.mark.parametrize(
    "text", ["klingonese", "German (Narnia)", "xx", "??", "", "a", "Zulu Brazil Mexico", "x" * 5000]
)
def test_what_only_resembles_a_name_is_none(text: str) -> None:
    with pytest.raises(LanguageError, match="is not a language"):
        language_of(text)


def test_a_list_is_split_at_commas_semicolons_and_blanks_outside_names() -> None:
    assert split_languages("es fr;de, it") == ["es", "fr", "de", "it"]
    assert split_languages("es, Brazilian Portuguese; Haitian Creole") == [
        "es",
        "Brazilian Portuguese",
        "Haitian Creole",
    ]
    assert split_languages("Spanish French") == ["Spanish", "French"]
    assert split_languages(" ;, ") == []
