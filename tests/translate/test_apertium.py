"""Apertium itself, with the pairs that are installed here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.records.errors import MissingBackendError, ProcessFailedError
from tasks.translate import Translator, translator

SENTENCES = [
    "Today we are going to talk about the moon.",
    "I don't know where my brother is.",
    "The house is very big and the garden is small.",
    "We have three dogs and two cats.",
]
#: Words that any sensible translation of the sentences has.
EXPECTED = {
    "es": ["luna", "hermano", "casa", "tres perros"],
    "ca": ["lluna", "germà", "casa", "tres gossos"],
    "pt": ["lua", "irmão", "casa", "três"],
    "fr": ["lune", "frère", "maison", "trois chiens"],
    "it": ["luna", "fratello", "casa", "tre cani"],
}


@pytest.fixture
def backend() -> Translator:
    made = translator("apertium", {})
    assert not made.missing()  # `make setup` installs it
    return made


@pytest.fixture
def into(backend: Translator) -> Callable[..., tuple[list[str], list[str]]]:
    def translate(target: str, *texts: str) -> tuple[list[str], list[str]]:
        notes: list[str] = []
        return backend.translate(texts, "en", target, notes.append), notes

    return translate


@pytest.mark.parametrize("language", sorted(EXPECTED))
def test_sentences_come_out_in_the_language_in_order(into: Callable, language: str) -> None:
    answers, _ = into(language, *SENTENCES)
    assert len(answers) == len(SENTENCES)
    for answer, word in zip(answers, EXPECTED[language], strict=True):
        assert word in answer.lower(), answers
        assert answer[0].isupper()
        assert answer.endswith(".")
        assert not set(answer) & set("*@#[]^$")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("I know [this] and {that} one.", "[]{}"),
        ("A <b>big</b> house.", "<>"),
        ("It costs $5 or 3^2 / 4 \\ 2.", "$^/\\"),
        ("Write to joe@example.org.", "joe@example.org"),
        ("See https://example.com/a?b=c&d=[e].", "https://example.com/a?b=c&d=[e]"),
        ("♪ The moon ♪", "♪♪"),
        ("*The* #moon @night", "*#@"),
    ],
)
@pytest.mark.parametrize("language", ["es", "fr"])
def test_signs_with_a_meaning_to_apertium_are_text(into: Callable, language: str, text: str, kept: str) -> None:
    (answer,), _ = into(language, text)
    if kept.isascii() and any(letter.isalnum() for letter in kept):
        assert kept in answer
    else:
        assert all(answer.count(sign) == text.count(sign) for sign in kept), answer


def test_words_that_no_dictionary_has_stay_plain_and_are_noted(into: Callable) -> None:
    (answer,), notes = into("es", "The frobnicator and the quuxifier are here.")
    assert "frobnicator" in answer
    assert "*" not in answer
    assert any("frobnicator" in note and "quuxifier" in note and note.startswith("2 words") for note in notes)


def test_lines_do_not_leak_into_each_other(into: Callable) -> None:
    many = [f"The house number {number} is big" for number in range(60)]
    answers, _ = into("es", *many)
    assert [str(number) in answer for number, answer in enumerate(answers)] == [True] * 60
    assert not any(answer.endswith(".") for answer in answers)


def test_a_nul_in_the_text_does_not_shift_the_lines(into: Callable) -> None:
    answers, _ = into("es", "The moon\0is big.", "The house.")
    assert "luna" in answers[0]
    assert "casa" in answers[1]
    assert len(answers) == 2


def test_a_region_falls_back_to_its_language_and_says_so(into: Callable) -> None:
    (answer,), notes = into("es-419", SENTENCES[0])
    assert "luna" in answer
    assert "Apertium has no es-419; translated into es." in notes


def test_forms_of_one_language_are_left_as_they_are(backend: Translator) -> None:
    notes: list[str] = []
    assert backend.translate(["Un color."], "es-MX", "es-AR", notes.append) == ["Un color."]
    assert notes == ["es-MX and es-AR are variants of one language; the text is left unchanged."]
    assert backend.route("es-MX", "es-AR") == ["es-MX"]


def test_a_pivot_is_in_the_route(backend: Translator) -> None:
    route = backend.route("en", "fr")
    assert route[0] == "en"
    assert route[-1] == "fr"
    assert len(route) >= 2


def test_without_the_program_it_says_what_to_install(backend: Translator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    bare = translator("apertium", {})
    assert "apt-get install apertium" in bare.missing()[0]
    with pytest.raises(MissingBackendError, match="apertium"):
        bare.translate(["Hello."], "en", "es")


def test_an_answer_that_broke_off_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "apertium"
    program.write_text(
        '#!/bin/sh\nfor last; do :; done\n[ "$last" = -l ] && echo eng-spa || { cat >/dev/null; printf "Hola"; }\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(ProcessFailedError, match="stopped at the line"):
        translator("apertium", {}).translate(["Hello."], "en", "es")


def test_the_fingerprint_changes_with_the_installed_pairs(tmp_path: Path) -> None:
    (tmp_path / "modes").mkdir()
    (tmp_path / "modes" / "eng-spa.mode").write_text("lt-proc 'eng-spa.automorf.bin'\n")
    before = translator("apertium", {"data_dir": str(tmp_path)}).fingerprint()
    (tmp_path / "modes" / "es-fr.mode").write_text("lt-proc 'es-fr.automorf.bin'\n")
    assert translator("apertium", {"data_dir": str(tmp_path)}).fingerprint() != before
