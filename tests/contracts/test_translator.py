"""What every translator keeps to: our own, hosted, and the fake."""

import shutil
from collections.abc import Iterator

import pytest

from tasks.errors import BadInputError, UnsupportedError
from tasks.registry import BackendFacts
from tasks.translate import BACKENDS, Translator, translator
from tests.translation_server import translation_server

TEXTS = [
    "Good morning.",
    "",
    "   ",
    "I love this city!",
    "two\nlines",
    "[brackets] ^hat$ <b>bold</b> {x} back\\slash a/b @home *star #tag ~",
    "1984",
    "Good morning.",
]


@pytest.fixture(params=["fake", "apertium", "deep-translator"])
def backend(request: pytest.FixtureRequest) -> Iterator[Translator]:
    if request.param == "apertium" and not shutil.which("apertium"):
        pytest.skip("the program apertium is not installed")
    with translation_server() as server:
        yield translator(request.param, {"url": f"{server.url}/google"} if request.param == "deep-translator" else {})


def test_every_backend_is_in_this_suite() -> None:
    assert set(BACKENDS) == {"fake", "apertium", "deep-translator"}


def test_it_declares_itself_without_work(backend: Translator) -> None:
    assert isinstance(backend.facts, BackendFacts)
    assert backend.facts.name in BACKENDS
    assert backend.missing() == []
    assert backend.fingerprint() == backend.fingerprint()
    assert backend.facts.name in backend.fingerprint()


def test_order_and_count_are_kept_and_empty_stays_empty(backend: Translator) -> None:
    answers = backend.translate(TEXTS, "en", "es")
    assert len(answers) == len(TEXTS)
    for text, answer in zip(TEXTS, answers, strict=True):
        assert bool(answer.strip()) == bool(text.strip())
    assert answers[0] == answers[-1]
    assert answers[0] != TEXTS[0]


def test_line_breaks_are_kept(backend: Translator) -> None:
    assert backend.translate(["two\nlines"], "en", "es")[0].count("\n") == 1


def test_nothing_gives_nothing(backend: Translator) -> None:
    assert backend.translate([], "en", "es") == []


def test_a_line_does_not_depend_on_its_neighbours(backend: Translator) -> None:
    together = backend.translate(TEXTS, "en", "es")
    assert together == [backend.translate([text], "en", "es")[0] for text in TEXTS]


def test_a_route_has_both_ends(backend: Translator) -> None:
    route = backend.route("en", "fr")
    assert (route[0], route[-1]) == ("en", "fr")


def test_a_language_into_itself_is_left_alone(backend: Translator) -> None:
    assert backend.route("en", "en") == ["en"]
    assert backend.translate(["Hello."], "en", "en") == ["Hello."]


def test_no_route_names_the_language(backend: Translator) -> None:
    if backend.facts.name == "fake":
        backend = translator("fake", {"fail": ["tlh"]})
    with pytest.raises(UnsupportedError, match="tlh"):
        backend.route("en", "tlh")
    with pytest.raises(UnsupportedError, match="tlh"):
        backend.translate(["Hello."], "en", "tlh")


def test_unknown_options_are_refused(backend: Translator) -> None:
    with pytest.raises(BadInputError, match="nonsense"):
        translator(backend.facts.name, {"nonsense": 1})
