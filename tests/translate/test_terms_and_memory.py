"""Glossaries as TBX and memories as TMX: out and in without loss, files of other tools, and files that are hostile."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.profile import TranslateSettings
from tasks.keep.store import Store
from tasks.records.errors import BadInputError
from tasks.records.script import Line, Script
from tasks.translate import Term
from tasks.translate.chain import chain
from tasks.translate.glossary import Glossary, read_glossary, write_glossary
from tasks.translate.lines import Lines, Translated
from tasks.translate.memory import Memory, Unit, read_memory, read_tmx, write_tmx

HOSTILE = ("<b>&amp;", "“quotes” 'and' \"those\"", "中文 ñandú \u202e", "a]]>b", "{{7*7}}", "=1+1", "back\\slash")
GLOSSARIES = {
    "a studio's": Glossary(("Polydub", "Jordi Mas"), ({"en": "mouth", "es": "boca", "pt-BR": "boca"},)),
    "hostile": Glossary(HOSTILE, tuple({"en": f"{word} x", "es": f"{word} y"} for word in HOSTILE)),
    "large": Glossary((), tuple({"en": f"term {n}", "es": f"término {n}", "ja": f"用語{n}"} for n in range(500))),
}
#: As other tools write them.
OLD = """<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE martif SYSTEM "TBXBasiccoreStructV02.dtd">
<martif type="TBX-Basic" xml:lang="en"><martifHeader><fileDesc/></martifHeader><text><body>
<termEntry id="c1"><descrip type="subjectField">film</descrip>
 <langSet xml:lang="en-US"><ntig><termGrp><term>dub</term></termGrp></ntig><tig><term>voice-over</term></tig></langSet>
 <langSet xml:lang="es"><tig><term>doblaje</term></tig>
  <tig><term>dublaje</term><termNote type="administrativeStatus">deprecatedTerm-admn-sts</termNote></tig></langSet>
</termEntry>
<termEntry id="c2"><langSet xml:lang="en"><tig><term>Netflix</term></tig></langSet>
 <langSet xml:lang="es"><tig><term>Netflix</term></tig></langSet></termEntry></body></text></martif>"""
NEW = """<?xml version="1.0"?><tbx style="dca" type="TBX-Basic" xml:lang="en" xmlns="urn:iso:std:iso:30042:ed-2">
<tbxHeader><fileDesc><sourceDesc><p>x</p></sourceDesc></fileDesc></tbxHeader><text><body><conceptEntry id="1">
<langSec xml:lang="en"><termSec><term>dub</term><termNote type="partOfSpeech">noun</termNote></termSec></langSec>
<langSec xml:lang="fr"><termSec><term>doublage</term></termSec></langSec></conceptEntry></body></text></tbx>"""
TOOL = """<?xml version="1.0" encoding="utf-8"?><!DOCTYPE tmx SYSTEM "tmx14.dtd"><tmx version="1.4">
<header creationtool="x" srclang="EN-US" segtype="sentence" datatype="xml" adminlang="en" o-tmf="x"
 creationtoolversion="1"/><body><tu tuid="7"><tuv xml:lang="EN-US">
 <seg>Good <bpt i="1">&lt;b&gt;</bpt>morning<ept i="1">&lt;/b&gt;</ept>.</seg></tuv>
<tuv xml:lang="es-ES"><seg>Buenos <hi>días</hi>.</seg></tuv></tu>
<tu><tuv lang="en"><seg>Good   morning.</seg></tuv><tuv lang="es"><seg>Muy buenas.</seg></tuv></tu>
<tu><tuv xml:lang="tlhIngan!"><seg>x</seg></tuv></tu></body></tmx>"""


@pytest.mark.parametrize("name", GLOSSARIES)
@pytest.mark.parametrize("kind", ["tbx", "yaml", "csv"])
def test_a_glossary_comes_back_as_it_went_out(tmp_path: Path, name: str, kind: str) -> None:
    path = tmp_path / f"terms.{kind}"
    path.write_bytes(write_glossary(GLOSSARIES[name], path))
    assert read_glossary(path) == GLOSSARIES[name]


def test_glossaries_of_other_tools_are_read(tmp_path: Path) -> None:
    (tmp_path / "old.tbx").write_text(OLD)
    old = read_glossary(tmp_path / "old.tbx")
    assert old.keep == ("Netflix",)
    assert set(old.pairs("en-US", "es")) == {
        Term("voice-over", "doblaje"),
        Term("Netflix", "Netflix"),
        Term("dub", "doblaje"),
    }
    (tmp_path / "new.tbx").write_text(NEW)
    assert read_glossary(tmp_path / "new.tbx").pairs("en", "fr") == (Term("dub", "doublage"),)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("<tmx/>", "It is no TBX"),
        ("<martif", "no well-formed XML"),
        ('<!DOCTYPE martif [<!ENTITY a "b">]><martif/>', "declares a document type"),
        ('<!DOCTYPE html SYSTEM "x"><martif/>', "declares a document type"),
        (OLD.replace('"es"', '"no such language"'), "xml:lang"),
        ("<a>" * 200, "elements in one another"),
    ],
)
def test_what_is_no_glossary_is_refused_by_name(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "terms.tbx"
    path.write_text(content)
    with pytest.raises(BadInputError, match=told) as refused:
        read_glossary(path)
    assert str(path) in refused.value.what


@given(st.lists(st.tuples(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30)), max_size=6))
def test_a_memory_comes_back_with_every_text_that_xml_can_hold(pairs: list[tuple[str, str]]) -> None:
    said = [(a, b) for a, b in pairs if a.strip() and b.strip() and all(" " <= c < "\ud800" for c in a + b)]
    units = [Unit({"en": a, "es": b}, f"u{n}") for n, (a, b) in enumerate(said)]
    assert read_tmx(write_tmx(units, "en", "1")) == units


def test_a_memory_of_another_tool_says_what_it_has_and_of_several_the_nearest_language(tmp_path: Path) -> None:
    path = tmp_path / "memory.tmx"
    path.write_text(TOOL)
    memory = read_memory(path)
    assert memory.pairs("en-US", "es-ES") == {"Good morning.": "Buenos días."}
    assert memory.pairs("en", "es") == {"Good morning.": "Muy buenas."}
    assert memory.pairs("en", "fr") == {}


@pytest.mark.parametrize("content", ["<tbx/>", "", '<!DOCTYPE tmx [<!ENTITY a SYSTEM "/etc/passwd">]><tmx/>'])
def test_what_is_no_memory_is_refused_by_name(tmp_path: Path, content: str) -> None:
    path = tmp_path / "memory.tmx"
    path.write_text(content)
    with pytest.raises(BadInputError, match=r"memory\.tmx is not valid"):
        read_memory(path)
    with pytest.raises(BadInputError, match="cannot be read"):
        read_memory(tmp_path / "none.tmx")


def translated(tmp_path: Path, memory: Path | None, edits: dict[str, str]) -> Translated:
    settings = TranslateSettings(backend="fake", memory=str(memory) if memory else None)
    said = ("Good  morning.", "See you.", "Good morning.")
    lines = tuple(Line(id=n, start_ms=n * 1000, end_ms=n * 1000 + 900, text=text) for n, text in enumerate(said, 1))
    return Lines(Store(tmp_path / "store"), chain(settings), Script(language="en", lines=lines), "es").translated(edits)


def test_a_line_that_was_translated_before_is_said_again_and_an_edit_comes_first(tmp_path: Path) -> None:
    path = tmp_path / "memory.tmx"
    path.write_bytes(write_tmx([Unit({"en": "Good morning.", "es": "Muy buenas."})], "en", "1"))
    done = translated(tmp_path, path, {"3": "Hola."})
    assert done.texts == {1: "Muy buenas.", 2: "[es] See you.", 3: "Hola."}
    assert "1 lines are as the translation memory has them." in done.notes
    assert translated(tmp_path, None, {}).texts[1] == "[es] Good  morning."


def test_another_memory_is_another_translation_and_none_is_as_before(tmp_path: Path) -> None:
    path = tmp_path / "memory.tmx"
    path.write_bytes(write_tmx([Unit({"en": "a", "es": "b"})], "en", "1"))
    one = chain(TranslateSettings(backend="fake", memory=str(path))).fingerprint()
    path.write_bytes(write_tmx([Unit({"en": "a", "es": "bb"})], "en", "1"))
    other = chain(TranslateSettings(backend="fake", memory=str(path))).fingerprint()
    assert len({one, other, chain(TranslateSettings(backend="fake")).fingerprint()}) == 3
    assert Memory().pairs("en", "es") == {}
