"""The pronunciation lexicon: which words it changes, for whom, and what is wrong with a file."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from tasks.keep.assets import path_of
from tasks.keep.store import Store
from tasks.records.errors import BadInputError
from tasks.records.script import Line
from tasks.synthesize import Synthesizer, synthesizer
from tasks.synthesize.lexicon import Entry, Lexicon, pronounce, read_lexicon
from tasks.synthesize.takes import VoiceSession

FILE = """
"*": {GHz: gigahertz}
es: {GHz: gigahercios, Jordi: {ipa: ˈʒɔɾdi}, Seattle: {say: siátel, ipa: siˈatel}}
es-419: {Seattle: siatl}
no: {Polydub: pålidåb}
"""


@pytest.fixture
def lexicon(tmp_path: Path) -> Lexicon:
    (tmp_path / "lexicon.yaml").write_text(FILE, "utf-8")
    return read_lexicon(tmp_path / "lexicon.yaml")


def test_the_exact_tag_wins_over_the_language_and_that_over_all(lexicon: Lexicon) -> None:
    def words(language: str) -> dict[str, str]:
        return {entry.word: entry.say for entry in lexicon.of(language)}

    assert words("fr") == {"GHz": "gigahertz"}
    assert words("es") == {"Seattle": "siátel", "Jordi": "", "GHz": "gigahercios"}
    assert words("es-419")["Seattle"] == "siatl"
    assert "Polydub" in {entry.word for entry in lexicon.of("nb")} | {entry.word for entry in lexicon.of("no")}


def test_whole_words_in_any_case_and_ipa_only_for_those_who_take_it(lexicon: Lexicon) -> None:
    text = "Jordi, SEATTLE y Seattleita a 3 GHz"
    plain = pronounce(text, lexicon.of("es"), "es", ipa=False)
    assert plain.text == "Jordi, siátel y Seattleita a 3 gigahercios"
    assert plain.unused == ("Jordi",)
    told = pronounce(text, lexicon.of("es"), "es", ipa=True)
    assert told.text == "Jordi, SEATTLE y Seattleita a 3 gigahercios"
    assert [(told.text[start:end], ipa) for start, end, ipa in told.ipa] == [
        ("Jordi", "ˈʒɔɾdi"),
        ("SEATTLE", "siˈatel"),
    ]
    assert told.unused == ()


def test_in_scripts_without_spaces_words_are_found_inside_others() -> None:
    assert pronounce("私は東京です", (Entry("東京", "とうきょう"),), "ja", ipa=False).text == "私はとうきょうです"


@given(
    st.text(max_size=60),
    st.dictionaries(st.text("abAİß ", min_size=1, max_size=4).map(str.strip), st.text("xyz", min_size=1), max_size=4),
)
def test_what_is_no_entry_stays_and_spans_lie_on_their_words(text: str, table: dict[str, str]) -> None:
    entries = tuple(Entry(word, "", ipa) for word, ipa in table.items() if word)
    told = pronounce(text, tuple(sorted(entries, key=lambda entry: -len(entry.word))), "en", ipa=True)
    assert told.text == text
    at = 0
    for start, end, _ in told.ipa:
        assert at <= start < end <= len(text)
        assert text[start:end].casefold() in {entry.word.casefold() for entry in entries}
        at = end


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- a", "languages"),
        ("es: [a]", "'es' must be a table"),
        ("klingonese-x: {a: b}", "klingonese"),
        ("es: {Seattle: 3}", "'Seattle'"),
        ("es: {Seattle: {sounds: x}}", "say and ipa"),
        ("es: {Seattle: {say: ''}}", "texts"),
        ("es: {1: uno}", "not a word"),
        ("es: {a: b", "not valid YAML"),
    ],
)
def test_a_fault_is_told_with_file_and_place(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "lexicon.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(BadInputError, match=says) as caught:
        read_lexicon(path)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="cannot be read"):
        read_lexicon(tmp_path / "none.yaml")


def session(folder: Path, backend: Synthesizer, lexicon: Lexicon) -> VoiceSession:
    folder.joinpath("work").mkdir(exist_ok=True)
    return VoiceSession(
        Store(folder / "store"), backend, "es", {"A": "roa/es"}, {}, folder / "work", lexicon=lexicon.of("es")
    )


def test_espeak_says_a_word_as_its_ipa_tells(tmp_path: Path, lexicon: Lexicon) -> None:
    line = Line(id=1, start_ms=0, end_ms=2000, text="Hola Seattle.", speaker="A")
    backend = synthesizer("espeak", {})
    told = session(tmp_path, backend, lexicon).take(line)
    said = "".join(ipa for ipa, *_ in told.phones)
    assert "siatel" in said
    plain = session(tmp_path, backend, Lexicon()).take(line)
    assert "siatel" not in "".join(ipa for ipa, *_ in plain.phones)
    assert soundfile.read(path_of(told.audio))[0].shape != soundfile.read(path_of(plain.audio))[0].shape


def test_a_new_word_costs_only_the_lines_that_hold_it(tmp_path: Path, lexicon: Lexicon) -> None:
    backend = synthesizer("fake", {})
    lines = [
        Line(id=number, start_ms=0, end_ms=2000, text=text, speaker="A")
        for number, text in enumerate(("Hola Seattle.", "Hola a todos."))
    ]
    rooms = []
    for known in (Lexicon(), lexicon):
        room = session(tmp_path, backend, known)
        room.voices = {"A": "hum-150"}
        for line in lines:
            room.take(line)
        rooms.append(room.fresh)
    assert rooms == [{0, 1}, {0}]


def test_a_sound_that_the_voice_lacks_is_bad_input(tmp_path: Path) -> None:
    line = Line(id=1, start_ms=0, end_ms=2000, text="Hola x.", speaker="A")
    room = session(tmp_path, synthesizer("espeak", {}), Lexicon({"es": (Entry("x", "", "ʘ"),)}))
    with pytest.raises(BadInputError, match="lexicon"):
        room.take(line)
