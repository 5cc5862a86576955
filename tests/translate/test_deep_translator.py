"""Hosted translators: the right codes and pieces go out, and every kind of trouble comes back as ours, without keys."""

from __future__ import annotations

import json
import socket
import time
import traceback
from collections.abc import Iterator
from typing import Any

import pytest

from tasks.records.errors import MissingBackendError, PermanentError, PolydubError, ProviderBusyError, UnsupportedError
from tasks.translate import Translator, translator
from tasks.translate.provider_codes import provider_code
from tests.translate.servers import DeepL, GooglePage, LibreServer, MyMemory, serving

KINDS = {"google": GooglePage, "libre": LibreServer, "mymemory": MyMemory, "deepl": DeepL}
KEY = "sk-very-secret-1234"


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPL_API_KEY", KEY)
    monkeypatch.setenv("LIBRE_API_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def service(request: pytest.FixtureRequest) -> Iterator[tuple[Translator, Any]]:
    provider = getattr(request, "param", "libre")
    with serving(KINDS[provider]) as (url, server):
        yield translator("deep-translator", {"provider": provider, "url": url, "deadline_s": 2}), server


def every_provider(function: Any) -> Any:
    return pytest.mark.parametrize("service", sorted(KINDS), indirect=True)(function)


@every_provider
def test_each_provider_is_asked_by_its_own_protocol(service: tuple[Translator, Any]) -> None:
    backend, server = service
    answers = backend.translate(["It's a <b> & [c]."], "en", "es")
    assert len(answers) == 1
    assert "IT'S A <B> & [C]." in answers[0].upper()
    asked = server.asked[0]
    assert (asked.get("q") or asked["text"]) == "It's a <b> & [c]."
    pair = (asked.get("sl"), asked.get("tl")), asked.get("langpair"), (asked.get("source"), asked.get("target"))
    assert ("en", "es") in pair or "en-US|es-ES" in pair or asked["target_lang"] == "es"


@every_provider
@pytest.mark.parametrize(
    ("status", "kind"), [(429, ProviderBusyError), (500, ProviderBusyError), (503, ProviderBusyError)]
)
def test_a_busy_or_broken_service_is_worth_another_try(
    service: tuple[Translator, Any], status: int, kind: type[PolydubError]
) -> None:
    backend, server = service
    server.status = status
    with pytest.raises(kind):
        backend.translate(["Hello."], "en", "es")


@pytest.mark.parametrize("service", ["libre", "deepl"], indirect=True)
@pytest.mark.parametrize(
    ("status", "kind"), [(400, PermanentError), (403, MissingBackendError), (501, UnsupportedError)]
)
def test_a_refusal_is_not_worth_another_try(
    service: tuple[Translator, Any], status: int, kind: type[PolydubError]
) -> None:
    backend, server = service
    server.status = status
    with pytest.raises(kind):
        backend.translate(["Hello."], "en", "es")


@every_provider
@pytest.mark.parametrize("body", ["", "<html><body>Are you a robot?</body></html>", "{}"])
def test_an_answer_without_a_translation_is_an_error_not_a_silent_line(
    service: tuple[Translator, Any], body: str
) -> None:
    backend, server = service
    server.body = body
    with pytest.raises(PermanentError, match=r"not a translation|empty"):
        backend.translate(["Hello."], "en", "es")


def test_an_empty_translation_is_an_error(service: tuple[Translator, Any]) -> None:
    backend, server = service
    server.body = json.dumps({"translatedText": " "})
    with pytest.raises(PermanentError, match="empty"):
        backend.translate(["Hello."], "en", "es")


@pytest.mark.parametrize("provider", sorted(KINDS))
def test_a_service_that_does_not_answer_is_left_at_the_deadline(provider: str) -> None:
    with serving(KINDS[provider]) as (url, server):
        server.wait_s = 120.0
        backend = translator("deep-translator", {"provider": provider, "url": url, "deadline_s": 0.3})
        begun = time.monotonic()
        with pytest.raises(ProviderBusyError, match=r"0\.3 s"):
            backend.translate(["Hello."], "en", "es")
        assert time.monotonic() - begun < 60


@pytest.mark.parametrize("provider", sorted(KINDS))
def test_a_refused_connection_is_worth_another_try_and_tells_no_key(provider: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    backend = translator("deep-translator", {"provider": provider, "url": url})
    with pytest.raises(ProviderBusyError) as caught:
        backend.translate(["Hello."], "en", "es")
    assert KEY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("service", ["libre", "deepl"], indirect=True)
def test_a_refused_key_is_told_by_its_variable_never_by_its_value(service: tuple[Translator, Any]) -> None:
    backend, server = service
    server.status = 403
    with pytest.raises(MissingBackendError, match="_API_KEY") as caught:
        backend.translate(["Hello."], "en", "es")
    assert KEY not in "".join(traceback.format_exception(caught.value))
    assert KEY not in backend.fingerprint()


def test_a_missing_key_is_said_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEEPL_API_KEY")
    backend = translator("deep-translator", {"provider": "deepl"})
    assert "DEEPL_API_KEY" in backend.missing()[0]
    with pytest.raises(MissingBackendError, match="DEEPL_API_KEY"):
        backend.translate(["Hello."], "en", "es")


def test_an_own_libretranslate_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIBRE_API_KEY")
    with serving(LibreServer) as (url, server):
        backend = translator("deep-translator", {"provider": "libre", "url": f"{url}/sub"})
        assert backend.missing() == []
        assert backend.translate(["Hello."], "en", "es") == ["<es> Hello."]
    assert server.asked[0]["path"] == "/sub/translate"


def test_only_what_has_letters_or_digits_is_sent(service: tuple[Translator, Any]) -> None:
    backend, server = service
    assert backend.translate(["...", "", "♪ ♪", "Yes."], "en", "es") == ["...", "", "♪ ♪", "<es> Yes."]
    assert [asked["q"] for asked in server.asked] == ["Yes."]


@pytest.mark.parametrize("service", ["mymemory"], indirect=True)
def test_a_long_line_goes_in_pieces_cut_between_sentences(service: tuple[Translator, Any]) -> None:
    backend, server = service
    text = " ".join(f"This is sentence number {number} of a long line." for number in range(20))
    assert backend.translate([text], "en", "es") == [text.upper()]
    assert len(server.asked) > 3
    assert all(len(asked["q"]) <= 240 and asked["q"].endswith(".") for asked in server.asked)


@pytest.mark.parametrize("service", ["mymemory"], indirect=True)
@pytest.mark.parametrize(
    ("said", "kind"),
    [("MYMEMORY WARNING: YOU USED ALL AVAILABLE FREE TRANSLATIONS FOR TODAY.", ProviderBusyError),
     ("INVALID LANGUAGE PAIR SPECIFIED.", PermanentError)],
)  # fmt: skip
def test_mymemory_refuses_in_place_of_a_translation(
    service: tuple[Translator, Any], said: str, kind: type[PolydubError]
) -> None:
    backend, server = service
    server.body = json.dumps({"responseData": {"translatedText": said}, "matches": []})
    with pytest.raises(kind):
        backend.translate(["Hello."], "en", "es")


@pytest.mark.parametrize("service", ["google"], indirect=True)
def test_a_region_that_the_provider_lacks_is_noted(service: tuple[Translator, Any]) -> None:
    backend, server = service
    notes: list[str] = []
    backend.translate(["Hello."], "en-GB", "pt-BR", notes.append)
    assert notes == ["google has no pt-BR; translated into pt."]
    assert (server.asked[0]["sl"], server.asked[0]["tl"]) == ("en", "pt")


@pytest.mark.parametrize(
    ("provider", "tag", "code"),
    [
        ("google", "he", "iw"),
        ("google", "nb", "no"),
        ("google", "fil", "tl"),
        ("google", "jv", "jw"),
        ("google", "zh-Hans", "zh-CN"),
        ("google", "zh-HK", "zh-TW"),
        ("google", "pt-BR", "pt"),
        ("libre", "zh", "zh"),
        ("deepl", "zh-Hans", "zh"),
        ("mymemory", "pt", "pt-BR"),
        ("mymemory", "pt-PT", "pt-PT"),
        ("mymemory", "sr", "sr-Cyrl-RS"),
        ("mymemory", "no", "nb-NO"),
    ],
)
def test_tags_become_the_providers_codes(provider: Any, tag: str, code: str) -> None:
    assert provider_code(provider, tag)[0] == code


def test_a_language_that_the_provider_lacks_is_refused_by_name() -> None:
    backend = translator("deep-translator", {"provider": "libre", "url": "http://127.0.0.1:9"})
    with pytest.raises(UnsupportedError, match=r"libre.*Greek"):
        backend.route("en", "el")


def test_only_deepls_paid_address_costs_money() -> None:
    paid = {
        (provider, free): translator("deep-translator", {"provider": provider, "free_api": free}).facts.paid
        for provider in KINDS
        for free in (True, False)
    }
    assert [combination for combination, costs in paid.items() if costs] == [("deepl", False)]
