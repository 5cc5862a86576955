"""What goes out to each hosted translator, by its documentation, and what is made of its answers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.records.errors import BadInputError, MissingBackendError, PermanentError, ProviderBusyError, UnsupportedError
from tasks.services.http import retry_after_s
from tasks.translate import Guidance, Rewrite, Rewriter, Term, translator
from tasks.translate.llm import LlmTranslator
from tests.translate.servers import ChatServer, DeepLJson, LibreJson, posts, serving

KEY = "sk-very-secret-1234"
QUICK = {"tries": 2, "longest_pause_s": 0.05, "deadline_s": 1.0}
SPANISH = "Esta frase está escrita en español, sin duda."
GUIDED = Guidance(
    formality="formal", terms=(Term("mouth", "boca"),), before=("Hello.",), after=("Bye.",), slots_ms=(1500, 2500)
)


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DEEPL_API_KEY", "LIBRE_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def deepl() -> Iterator[tuple[Callable[..., Any], Any]]:
    with serving(DeepLJson) as (url, server):
        yield lambda **more: translator("deepl", {**QUICK, "url": url, **more}), server


@pytest.fixture
def libre() -> Iterator[tuple[Callable[..., Any], Any]]:
    with serving(LibreJson) as (url, server):
        yield lambda **more: translator("libretranslate", {**QUICK, "url": url, **more}), server


@pytest.fixture
def llm() -> Iterator[tuple[Callable[..., Any], Any]]:
    with serving(ChatServer) as (url, server):
        yield lambda **more: translator("llm", {**QUICK, "model": "small", "url": f"{url}/v1", **more}), server


def asked(server: Any, number: int = -1) -> tuple[str, dict[str, Any]]:
    """The system message and the question of a chat request."""
    system, user = posts(server)[number]["messages"]
    return system["content"], json.loads(user["content"])


def test_deepl_is_told_formality_glossary_and_the_lines_around_in_one_request(deepl: Any) -> None:
    make, server = deepl
    make(glossary_ids={"de": "g-1"}, context="A talk about faces.").translate(
        ["The mouth.", "It moves."], "en-US", "de", guidance=GUIDED
    )
    (body,) = posts(server)
    assert body["text"] == ["The mouth.", "It moves."]
    assert (body["source_lang"], body["target_lang"]) == ("EN", "DE")
    assert (body["formality"], body["glossary_id"]) == ("prefer_more", "g-1")
    assert body["context"].split("\n") == ["A talk about faces.", "Hello.", "The mouth.", "It moves.", "Bye."]
    assert server.asked[0]["headers"]["Authorization"] == f"DeepL-Auth-Key {KEY}"


@pytest.mark.parametrize(
    ("tag", "code"),
    [("en", "EN-US"), ("en-GB", "EN-GB"), ("pt", "PT-PT"), ("pt-BR", "PT-BR"), ("zh", "ZH-HANS"), ("es-419", "ES-419")],
)
def test_deepls_targets_name_a_form_where_it_wants_one(deepl: Any, tag: str, code: str) -> None:
    make, server = deepl
    make().translate(["Hallo."], "de", tag)
    assert posts(server)[0]["target_lang"] == code


def test_a_free_key_goes_to_deepls_free_address_and_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert translator("deepl", {}).facts.paid
    monkeypatch.setenv("DEEPL_API_KEY", "abc:fx")
    assert not translator("deepl", {}).facts.paid


def test_deepls_used_up_quota_is_not_waited_for(deepl: Any) -> None:
    make, server = deepl
    server.faults = [{"status": 456}]
    with pytest.raises(PermanentError, match="quota"):
        make().translate(["Hello."], "en", "es")
    assert len(posts(server)) == 1


def test_libretranslate_gets_all_lines_at_once_and_its_key_in_the_body(libre: Any) -> None:
    make, server = libre
    make().translate(["One.", "...", "Two."], "en", "pt-BR")
    assert posts(server) == [
        {"q": ["One.", "Two."], "source": "en", "target": "pt-BR", "format": "text", "api_key": KEY}
    ]


def test_a_region_that_the_server_lacks_is_noted_and_a_language_refused(libre: Any) -> None:
    make, _ = libre
    notes: list[str] = []
    make().translate(["One."], "en", "es-MX", notes.append)
    assert notes == ["LibreTranslate has no es-MX; translated into es."]
    with pytest.raises(UnsupportedError, match="Japanese"):
        make().translate(["One."], "en", "ja")


def test_the_hosted_libretranslate_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIBRE_API_KEY")
    assert "LIBRE_API_KEY" in translator("libretranslate", {}).missing()[0]
    with pytest.raises(MissingBackendError, match="LIBRE_API_KEY"):
        translator("libretranslate", {}).translate(["One."], "en", "es")


def test_libretranslates_alternatives_are_candidates(libre: Any) -> None:
    make, server = libre
    server.candidates = {"One.": ["Uno.", "El uno."]}
    backend = make(alternatives=2)
    assert isinstance(backend, Rewriter)
    assert backend.rewrite([Rewrite("One.", "Uno solo.", 4, (1, 2))], "en", "es") == [["Uno.", "El uno."]]
    assert posts(server)[0]["alternatives"] == 2


def test_a_model_sees_the_lines_around_the_glossary_the_form_of_address_and_the_time(llm: Any) -> None:
    make, server = llm
    make().translate(["The mouth.", "It moves."], "en", "es", guidance=GUIDED)
    system, question = asked(server)
    assert "formally" in system
    assert "“mouth” is “boca”" in system
    assert question == {
        "before": ["Hello."],
        "lines": [{"id": 0, "text": "The mouth.", "seconds": 1.5}, {"id": 1, "text": "It moves.", "seconds": 2.5}],
        "after": ["Bye."],
    }
    assert server.asked[0]["headers"]["Authorization"] == f"Bearer {KEY}"


def test_a_model_is_asked_again_for_the_lines_it_left_out_and_no_others(llm: Any) -> None:
    make, server = llm
    server.replies = [json.dumps({"lines": [{"id": 1, "text": SPANISH}, {"id": 7, "text": "?"}]})]
    answers = make().translate(["One.", "Two.", "Three."], "en", "es")
    assert answers[1] == SPANISH
    assert [line["id"] for line in asked(server)[1]["lines"]] == [0, 2]
    assert len(posts(server)) == 2


@pytest.mark.parametrize(
    "reply", ["I am sorry, I cannot do that.", "", '{"lines": "none"}', '{"lines": [{"id": 0', "null", "[]"]
)
def test_a_model_that_does_not_answer_with_json_is_told_so(llm: Any, reply: str) -> None:
    make, server = llm
    server.replies = [reply]
    assert "español" in make().translate(["One."], "en", "es")[0]
    assert "not the JSON" in asked(server)[0]
    server.replies = [reply] * 9
    with pytest.raises(ProviderBusyError, match="JSON"):
        make().translate(["One."], "en", "es")
    assert len(posts(server)) == 2 + 2  # the third question would be the second again


def test_a_fence_around_the_json_does_no_harm(llm: Any) -> None:
    make, server = llm
    server.replies = ["Here you are:\n```json\n" + json.dumps({"lines": [{"id": 0, "text": SPANISH}]}) + "\n```"]
    assert make().translate(["One."], "en", "es") == [SPANISH]
    assert len(posts(server)) == 1


def test_a_model_that_answers_in_another_language_is_asked_again(llm: Any) -> None:
    make, server = llm
    server.replies = [json.dumps({"lines": [{"id": 0, "text": "This is what the speaker says in English."}]})]
    assert "español" in make().translate(["What the speaker says."], "en", "es")[0]
    assert "it is in English" in asked(server)[0]


def test_a_line_that_never_comes_is_an_error_that_counts_the_asks(llm: Any) -> None:
    make, server = llm
    server.replies = [json.dumps({"lines": [{"id": 0, "text": SPANISH}]})] * 9
    with pytest.raises(PermanentError, match=r"omitted lines \(2 of 2\) in 2 responses"):
        make().translate(["One.", "Two."], "en", "es")
    assert len(posts(server)) == 2  # the third question would be the second again


def test_a_model_gets_a_lines_syllables_and_its_budget(llm: Any) -> None:
    make, server = llm
    server.candidates = {"Hola a todos.": ["Hola.", "Hola a todos.", " ", "Buenas."]}
    wish = Rewrite("Hello everybody.", "Hola a todos.", 5, (2, 3))
    assert make().rewrite([wish], "en", "es", guidance=GUIDED) == [["Hola.", "Buenas."]]
    (line,) = asked(server)[1]["lines"]
    assert (line["syllables"], line["wanted"]) == (5, [2, 3])
    assert "“mouth” is “boca”" in asked(server)[0]


@given(st.text(max_size=40) | st.from_regex(r"\A(Mon|Tue), \d{1,2} (Jan|Feb) \d{1,6} \d\d:\d\d:\d\d (GMT|-0000)\Z"))
def test_any_header_names_a_pause_or_none(value: str) -> None:
    pause = retry_after_s(value)
    assert pause is None or pause >= 0


@pytest.mark.parametrize(("value", "pause"), [("7", 7.0), (" 0 ", 0.0), ("²", None), ("soon", None), ("-3", None)])
def test_seconds_are_seconds(value: str, pause: float | None) -> None:
    assert retry_after_s(value) == pause


def test_the_pause_is_the_one_that_the_service_asks_for(libre: Any) -> None:
    make, server = libre
    for wanted_s in (0, 1):
        server.faults = [{"status": 429, "headers": {"Retry-After": str(wanted_s)}}]
        begun = time.monotonic()
        make(longest_pause_s=60).translate(["One."], "en", "es")
        assert wanted_s <= time.monotonic() - begun < wanted_s + 30


def test_a_pause_may_be_asked_for_by_the_time_of_its_end() -> None:
    end = datetime.now(UTC) + timedelta(seconds=300)
    assert retry_after_s(format_datetime(end, usegmt=True)) == pytest.approx(270, abs=31)


def test_requests_are_kept_to_so_many_a_minute(libre: Any) -> None:
    make, _ = libre
    backend = make(per_minute=300)
    begun = time.monotonic()
    for number in range(4):
        backend.translate([f"Line {number}."], "en", "es")
    assert time.monotonic() - begun >= 3 * 0.2


@pytest.mark.parametrize(
    ("options", "variable"),
    [
        ({}, "OPENAI_API_KEY"),
        ({"url": "https://eu.api.openai.com/v1"}, "OPENAI_API_KEY"),
        ({"url": "http://127.0.0.1:8000/v1"}, "OPENAI_API_KEY"),
        ({"url": "http://gpu.lan:8000/v1"}, ""),
        ({"url": "https://openai.com.evil.example/v1"}, ""),
        ({"url": "https://api.openai.com@evil.example/v1"}, ""),
        ({"url": "https://router.example/v1", "key_variable": "ROUTER_API_KEY"}, "ROUTER_API_KEY"),
        ({"url": "https://router.example/v1", "key_variable": "OPENAI_API_KEY"}, "OPENAI_API_KEY"),  # said so
    ],
)
def test_openais_key_goes_to_openai_unless_the_profile_says_otherwise(options: dict[str, str], variable: str) -> None:
    assert LlmTranslator.Options(model="small", **options).variable == variable


@pytest.mark.parametrize(
    "name", ["AWS_SECRET_ACCESS_KEY", "PREFECT_API_KEY", "PREFECT_API_AUTH_STRING", "HOME", "x_API_KEY", "A_API_KEY\n"]
)
def test_a_key_is_named_as_providers_name_theirs(name: str) -> None:
    with pytest.raises(BadInputError, match=r"translate\.options\.key_variable"):
        translator("llm", {"model": "small", "key_variable": name})
