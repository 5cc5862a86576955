"""Names stay, terms become what the glossary says, and what does not is told of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.profile import TranslateSettings
from tasks.keep.store import Store
from tasks.records.errors import BadInputError
from tasks.records.script import Line, Script
from tasks.translate import Term
from tasks.translate.chain import chain
from tasks.translate.glossary import Glossary, matching, protect, read_glossary, restore, violated
from tasks.translate.lines import Lines, Translated
from tests.translate.servers import LibreJson, posts, serving

YAML = "keep: [Polydub]\nterms:\n  - {en: mouth, es: boca, pt-BR: boca, fr: bouche}\n"
CSV = "en,es,fr\nmouth,boca,bouche\nPolydub,,\n"


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(("name", "text"), [("g.yaml", YAML), ("g.csv", CSV), ("bom.csv", "\ufeff" + CSV)])
def test_both_forms_say_the_same(tmp_path: Path, name: str, text: str) -> None:
    glossary = read_glossary(written(tmp_path, name, text))
    assert glossary.pairs("en", "es") == (Term("Polydub", "Polydub"), Term("mouth", "boca"))
    assert glossary.pairs("es", "fr") == (Term("Polydub", "Polydub"), Term("boca", "bouche"))
    assert glossary.pairs("en-GB", "es-MX")[1] == Term("mouth", "boca")
    assert glossary.pairs("en", "ja") == (Term("Polydub", "Polydub"),)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("g.yaml", "keep: Polydub", "lists"),
        ("g.yaml", "[1, 2]", "lists"),
        ("g.yaml", "words: []", "lists"),
        ("g.yaml", "keep: [3]", "3"),
        ("g.yaml", "terms: [{en: mouth, es: }]", "mouth"),
        ("g.yaml", "terms: [{nonsense-language: a, es: b}]", "nonsense"),
        ("g.yaml", "{", "YAML"),
        ("g.csv", "en,es\na,b,c\n", "row 2"),
        ("g.csv", "english,spanish\na,b\n", "english"),
    ],
)
def test_what_is_no_glossary_is_refused_by_name(tmp_path: Path, name: str, text: str, said: str) -> None:
    with pytest.raises(BadInputError, match=rf"(?s){name}.*{said}"):
        read_glossary(written(tmp_path, name, text))


def test_a_missing_glossary_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="nowhere"):
        read_glossary(tmp_path / "nowhere.yaml")


def test_terms_are_whole_words_in_any_case() -> None:
    terms = (Term("mouth", "boca"), Term("art", "arte"), Term("口", "boca"))
    assert matching(terms, "The Mouth, the party.") == (Term("mouth", "boca"),)
    assert matching(terms, "大きな口です") == (Term("口", "boca"),)
    assert violated(terms, "The mouth.", "La BOCA.") == ()
    assert violated(terms, "The mouth.", "La bocaza.") == (Term("mouth", "boca"),)


words = st.text(alphabet="abcdefgh", min_size=3, max_size=6)


@given(st.lists(words, min_size=1, max_size=14, unique=True), st.lists(words, max_size=6))
def test_a_protected_text_restored_has_every_terms_translation(sources: list[str], around: list[str]) -> None:
    terms = tuple(Term(word, word.upper() + "X") for word in sources)
    text = " ".join([*around, *sources, *around])
    hidden = protect(text, terms)
    assert not matching(terms, hidden)
    assert not violated(terms, text, restore(hidden, terms))


def through(folder: Path, server_url: str, glossary: Path, *texts: str) -> Translated:
    options = {"url": server_url, "tries": 1}
    settings = TranslateSettings(
        backend="libretranslate", options=options, glossary=str(glossary), language_check=False
    )
    lines = tuple(Line(id=n, start_ms=n * 1000, end_ms=n * 1000 + 900, text=text) for n, text in enumerate(texts))
    return Lines(Store(folder / "store"), chain(settings), Script(language="en", lines=lines), "es").translated({})


@pytest.fixture
def glossary(tmp_path: Path) -> Path:
    return written(tmp_path, "g.yaml", YAML)


def test_a_translation_with_the_term_is_taken_as_it_is(tmp_path: Path, glossary: Path) -> None:
    with serving(LibreJson) as (url, server):
        server.answers = {"Open your mouth.": "Abre la boca."}
        done = through(tmp_path, url, glossary, "Open your mouth.")
        assert len(posts(server)) == 1
    assert done.texts == {0: "Abre la boca."}
    assert done.notes == []


def test_a_translation_without_it_is_asked_for_again_with_a_name_in_its_place(tmp_path: Path, glossary: Path) -> None:
    with serving(LibreJson) as (url, server):
        server.answers = {"Open your mouth.": "Abre el pico.", "Open your Zqax.": "Abre la Zqax."}
        done = through(tmp_path, url, glossary, "Open your mouth.", "Close it.")
        assert [body["q"] for body in posts(server)] == [["Open your mouth.", "Close it."], ["Open your Zqax."]]
        assert done.texts[0] == "Abre la boca."
        assert done.notes == []
        assert through(tmp_path, url, glossary, "Open your mouth.", "Close it.").hits == 2


def test_what_still_lacks_the_term_is_told_of(tmp_path: Path, glossary: Path) -> None:
    with serving(LibreJson) as (url, server):
        server.answers = {"Open your mouth.": "Abre el pico.", "Open your Zqax.": "Ábrelo."}
        done = through(tmp_path, url, glossary, "Open your mouth.")
    assert done.texts[0] == "Abre el pico."
    assert done.notes == ["Glossary: line 0 lacks “boca” for “mouth”."]


def test_a_changed_term_costs_only_the_lines_that_have_it(tmp_path: Path, glossary: Path) -> None:
    with serving(LibreJson) as (url, server):
        server.answers = {"Open your mouth.": "Abre la boca."}
        through(tmp_path, url, glossary, "Open your mouth.", "Close it.")
        server.answers = {"Open your mouth.": "Abre la bocaza."}
        glossary.write_text(YAML.replace("es: boca", "es: bocaza"))
        assert through(tmp_path, url, glossary, "Open your mouth.", "Close it.").hits == 1


def test_apertium_keeps_a_name_that_it_would_translate(tmp_path: Path) -> None:
    path = written(tmp_path, "g.csv", "en,es\nWhite House,\nmoon,satélite\n")
    made = chain(TranslateSettings(backend="apertium", glossary=str(path)))
    assert made.glossary == Glossary(("White House",), ({"en": "moon", "es": "satélite"},))
    lines = (Line(id=1, start_ms=0, end_ms=2000, text="The White House is near the moon."),)
    done: Any = Lines(Store(tmp_path / "store"), made, Script(language="en", lines=lines), "es").translated({})
    assert "White House" in done.texts[1]
    assert "satélite" in done.texts[1]
    assert not [note for note in done.notes if "Glossary" in note]
