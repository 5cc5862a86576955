"""What every translator promises, the fake included; the hosted one against a server of this test."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tasks.records.errors import BadInputError
from tasks.translate import BACKENDS, Translator, translator
from tests.translate.servers import ChatServer, DeepLJson, LibreJson, LibreServer, serving

TEXTS = ["Good morning.", "", "Today is Monday. Tomorrow is Tuesday!", "Two lines\nof text", "   ", "12:30"]
Make = Callable[[], Translator]


SERVERS = {
    "deep-translator": (LibreServer, "", {"provider": "libre"}),
    "deepl": (DeepLJson, "", {}),
    "libretranslate": (LibreJson, "", {}),
    "llm": (ChatServer, "/v1", {"model": "small"}),
}


#: Its model knows 200 languages and is not here; what it promises is tested on a small one in tests/translate.
TESTED = sorted(set(BACKENDS) - {"nllb"})


@pytest.fixture(params=TESTED)
def make(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    monkeypatch.setenv("DEEPL_API_KEY", "not-a-key")
    kind, below, own = SERVERS.get(request.param, (LibreServer, "", None))
    with serving(kind) as (url, _server):
        options = {} if own is None else {**own, "url": f"{url}{below}"}
        assert not translator(request.param, options).missing()  # `make setup` installs it
        yield lambda: translator(request.param, options)


def test_facts_name_the_backend_as_profiles_do(make: Make) -> None:
    assert make().facts.name in BACKENDS
    assert make().facts.code_licence


def test_a_fingerprint_is_the_same_for_the_same_options(make: Make) -> None:
    assert make().fingerprint() == make().fingerprint()


def test_an_unknown_option_is_refused(make: Make) -> None:
    with pytest.raises(BadInputError, match="bogus"):
        translator(make().facts.name, {"model": "m", "bogus": 1} if make().facts.name == "llm" else {"bogus": 1})


def test_a_route_names_both_ends(make: Make) -> None:
    route = make().route("en", "es")
    assert (route[0], route[-1]) == ("en", "es")


def test_order_count_and_line_breaks_are_kept(make: Make) -> None:
    answers = make().translate(TEXTS, "en", "es")
    assert len(answers) == len(TEXTS)
    for text, answer in zip(TEXTS, answers, strict=True):
        assert answer.count("\n") == text.count("\n")
        assert bool(answer.strip()) == bool(text.strip())
    assert "12:30" in answers[5]
    assert answers[0] != TEXTS[0]


def test_a_line_is_translated_the_same_alone_and_among_others(make: Make) -> None:
    assert make().translate(TEXTS, "en", "es")[2] == make().translate([TEXTS[2]], "en", "es")[0]


def test_nothing_in_nothing_out(make: Make) -> None:
    assert make().translate([], "en", "es") == []
