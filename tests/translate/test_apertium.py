import re
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.errors import MissingBackendError, UnsupportedError
from tasks.translate import translator
from tasks.translate.apertium_routes import find_route, parse_modes
from tasks.translate.apertium_stream import deformat, reformat

_NAMES = """eng-spa spa-eng spa-eng_US es-fr fr-es es-pt es-pt_BR pt-es eng-cat eng-cat_valencia eng-cat_valencia_uni
eco-es-fr spa-ita README"""
INSTALLED = parse_modes(_NAMES.split())


def path(source: str, target: str) -> list[str]:
    return [mode.name for mode in find_route(INSTALLED, source, target)]


@pytest.mark.parametrize(
    ("source", "target", "modes"),
    [
        ("en", "es", ["eng-spa"]),
        ("en", "fr", ["eng-spa", "es-fr"]),
        ("en", "pt-BR", ["eng-spa", "es-pt_BR"]),
        ("en", "pt", ["eng-spa", "es-pt"]),
        ("en-GB", "es-419", ["eng-spa"]),
        ("fr", "pt-AO", ["fr-es", "es-pt"]),
        ("pt-BR", "en", ["pt-es", "spa-eng"]),
        ("en", "ca-valencia", ["eng-cat_valencia"]),
        ("en", "ca", ["eng-cat"]),
        ("en", "en-GB", []),
        ("es", "es-MX", []),
    ],
)
def test_the_shortest_route(source: str, target: str, modes: list[str]) -> None:
    assert path(source, target) == modes


def test_the_order_of_the_list_does_not_matter() -> None:
    assert find_route(INSTALLED[::-1], "en", "it") == find_route(INSTALLED, "en", "it")


def test_only_a_regional_form_still_serves_the_language() -> None:
    assert [mode.name for mode in find_route(parse_modes(["es-pt_BR"]), "es", "pt")] == ["es-pt_BR"]


def test_no_route_says_what_to_install_or_choose() -> None:
    with pytest.raises(UnsupportedError, match=r"English \(en\) to Galician \(gl\).*apertium-en-gl"):
        find_route(INSTALLED, "en", "gl")
    with pytest.raises(UnsupportedError, match=r"Japanese \(ja\).*it can reach: .*fr.*--profile studio"):
        find_route(INSTALLED, "en", "ja")


#: Typographic signs are written plainly on purpose; line ends and NUL separate texts.
_ANYTHING = st.characters(blacklist_categories=("Cs",), blacklist_characters="\0\n\r“”„’‘…\u00a0\u202f")


@given(st.text(_ANYTHING, max_size=60))
def test_text_through_the_stream_format_and_back_is_itself(text: str) -> None:
    unknown: list[str] = []
    assert reformat(text, deformat(text), unknown) == re.sub(r"[ \t]+", " ", text).strip()
    assert unknown == []


def test_marks_of_unknown_words_are_removed_and_the_words_told() -> None:
    unknown: list[str] = []
    assert reformat("x", "El *foo y @bar [*]estrella \\*.[]", unknown) == "El foo y bar *estrella *"
    assert unknown == ["foo", "bar"]


@pytest.fixture
def installed() -> None:
    if not shutil.which("apertium"):
        pytest.skip("the program apertium is not installed")


@pytest.mark.usefixtures("installed")
class TestProgram:
    def test_a_sentence_pivots_through_spanish(self) -> None:
        backend = translator("apertium", {})
        assert backend.route("en", "fr") == ["en", "es", "fr"]
        assert backend.translate(["I am from Barcelona."], "en", "fr") == ["Je suis de Barcelone."]

    def test_what_looks_like_the_stream_format_survives(self) -> None:
        text = "[b] ^c$ {x} 3/4 <b>d</b> @home *star #tag ~ x\\y me@x.org https://x.org/a?b=c"
        [answer] = translator("apertium", {}).translate([text], "en", "es")
        for sign in ["[", "] ^", "$ {x} 3/4 <b>", "</b>", "@", "*", "#", "~ x\\", "me@x.org https://x.org/a?b=c"]:
            assert sign in answer

    def test_unknown_words_stay_and_are_told(self) -> None:
        notes: list[str] = []
        [answer] = translator("apertium", {}).translate(["I like Xyzzyq."], "en", "es", notes.append)
        assert "Xyzzyq" in answer
        assert "*" not in answer
        assert any("Xyzzyq" in note for note in notes)

    def test_a_region_without_its_own_pair_is_told(self) -> None:
        notes: list[str] = []
        translator("apertium", {}).translate(["Good morning."], "en", "es-419", notes.append)
        assert any("no es-419" in note for note in notes)

    def test_letters_of_every_script_pass(self) -> None:
        texts = ["Ünï 客観 مرحبا 😀 \u200bx", "“Quoted” it’s… — ♪", "\u0301", "a\x01b"]
        answers = translator("apertium", {}).translate(texts, "en", "es")
        assert len(answers) == len(texts)
        assert "客観" in answers[0]
        assert "😀" in answers[0]

    @settings(max_examples=8, deadline=None)
    @given(st.lists(st.text(st.characters(blacklist_categories=("Cs",)), max_size=40), min_size=1, max_size=10))
    def test_whatever_the_texts_count_and_emptiness_are_kept(self, texts: list[str]) -> None:
        answers = translator("apertium", {}).translate(texts, "en", "es")
        assert [bool(answer.strip()) for answer in answers] == [bool(text.strip()) for text in texts]

    def test_without_pairs_it_says_what_to_install(self, tmp_path: Path) -> None:
        (tmp_path / "modes").mkdir()
        backend = translator("apertium", {"data_dir": str(tmp_path)})
        assert "apt-get install" in backend.missing()[0]
        with pytest.raises(UnsupportedError, match="en"):
            backend.translate(["Hello."], "en", "es")


def test_without_the_program_it_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    backend = translator("apertium", {})
    assert "apt-get install" in backend.missing()[0]
    with pytest.raises(MissingBackendError, match="apertium"):
        backend.translate(["Hello."], "en", "es")
