"""The chain of translators: what fails is asked again or handed over, no line is lost, none is asked for twice."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from configs.profile import TranslateSettings
from tasks.keep.store import Store
from tasks.records.errors import MissingBackendError, PermanentError, ProviderBusyError
from tasks.records.script import Line, Script
from tasks.translate import BACKENDS
from tasks.translate.chain import chain
from tasks.translate.lines import Lines, Translated
from tests.translate.servers import ChatServer, DeepLJson, LibreJson, posts, serving

KEY = "sk-very-secret-1234"
QUICK = {"tries": 2, "longest_pause_s": 0.05, "deadline_s": 60.0}
KINDS = {"libretranslate": (LibreJson, ""), "deepl": (DeepLJson, ""), "llm": (ChatServer, "/v1")}
ENGLISH = "This answer was left in the language of the source by mistake."
FAULTS: dict[str, dict[str, Any]] = {
    "too many requests": {"status": 429, "headers": {"Retry-After": "0"}},
    "too many requests, for long": {"status": 429, "headers": {"Retry-After": "3600"}},
    "broken": {"status": 500},
    "unavailable": {"status": 503, "body": "<html>Bad gateway</html>"},
    "time-out": {"wait_s": 120.0},
    "trickle": {"drip_s": 0.1},
    "empty": {"body": ""},
    "malformed": {"body": '{"translatedText": ['},
    "something else": {"body": '{"hello": "world"}'},
    "refused": {"status": 400, "body": '{"error": "no"}'},
}
#: Those that a second try of the same service repairs.
PASSING = ("too many requests", "broken", "unavailable", "time-out", "trickle", "empty", "malformed")


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DEEPL_API_KEY", "LIBRE_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture(params=sorted(KINDS))
def service(request: pytest.FixtureRequest) -> Iterator[tuple[dict[str, Any], Any]]:
    """A hosted translator's settings, and its server."""
    kind, below = KINDS[request.param]
    with serving(kind) as (url, server):
        options = {**QUICK, "url": f"{url}{below}", **({"model": "small"} if request.param == "llm" else {})}
        yield {"backend": request.param, "options": options}, server


def script(count: int, text: str = "Sentence number {} of the talk.") -> Script:
    lines = (
        Line(id=number, start_ms=number * 3000, end_ms=number * 3000 + 2500, text=text.format(number))
        for number in range(count)
    )
    return Script(language="en", lines=tuple(lines))


def translated(folder: Path, settings: dict[str, Any], source: Script, **more: Any) -> Translated:
    made = chain(TranslateSettings.model_validate({**settings, **more}))
    return Lines(Store(folder), made, source, "es").translated({})


def with_fake(settings: dict[str, Any]) -> dict[str, Any]:
    return {**settings, "fallbacks": ["fake"]}


def hurried(service: Any, fault: str, deadline_s: float) -> tuple[dict[str, Any], Any]:
    """The service, waited for no longer than that where the fault is to be late."""
    settings, server = service
    late = {"wait_s", "drip_s"} & FAULTS[fault].keys()
    return {**settings, "options": {**settings["options"], **({"deadline_s": deadline_s} if late else {})}}, server


def asked_lines(server: Any) -> list[str]:
    """Every line that was sent, in order, over all requests."""
    sent: list[str] = []
    for body in posts(server):
        if "messages" in body:
            sent += [line["text"] for line in json.loads(body["messages"][1]["content"])["lines"]]
        else:
            sent += body.get("q") or body["text"]
    return sent


@pytest.mark.parametrize("fault", PASSING)
def test_what_passes_is_tried_again_and_no_line_is_lost(service: Any, tmp_path: Path, fault: str) -> None:
    settings, server = hurried(service, fault, 1.5)
    server.faults = [FAULTS[fault]]
    done = translated(tmp_path, settings, script(3))
    assert all("español" in text for text in done.texts.values())
    assert len(posts(server)) == 2
    assert list(done.by) == [settings["backend"]]


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_what_does_not_pass_goes_to_the_next_and_says_so(service: Any, tmp_path: Path, fault: str) -> None:
    settings, server = hurried(service, fault, 0.4)
    server.faults = [FAULTS[fault]] * 20
    done = translated(tmp_path, with_fake(settings), script(3), language_check=False)
    assert list(done.texts.values()) == [f"[es] Sentence number {number} of the talk." for number in range(3)]
    (note,) = [note for note in done.notes if "failed (" in note]
    assert "3 lines go to fake" in note
    assert settings["backend"] in note or "small" in note
    assert KEY not in note


def test_a_service_that_asks_to_wait_for_an_hour_is_not_waited_for(service: Any, tmp_path: Path) -> None:
    settings, server = service
    server.faults = [FAULTS["too many requests, for long"]] * 20
    with pytest.raises(ProviderBusyError, match="too many requests"):
        translated(tmp_path, settings, script(3))
    assert len(posts(server)) == 1


def test_what_was_answered_before_a_failure_is_kept_and_never_asked_for_again(service: Any, tmp_path: Path) -> None:
    settings, server = service
    source = script(90)
    sizes = {"libretranslate": 25, "deepl": 40, "llm": 20}
    server.faults = [{}, {"status": 400}]
    with pytest.raises(PermanentError):
        translated(tmp_path, settings, source)
    server.faults = []
    first = sizes[settings["backend"]]
    done = translated(tmp_path, settings, source)
    assert done.hits == first
    assert len(done.texts) == 90
    sent = asked_lines(server)
    refused = sent[first : 2 * first]
    once = sent[:first] + sent[2 * first :]
    assert sorted(once) == sorted(line.text for line in source.lines)
    assert set(refused) <= set(once)
    assert translated(tmp_path, settings, source).hits == 90
    assert len(asked_lines(server)) == len(sent)


def test_a_stand_in_does_only_what_is_left_and_its_lines_are_not_bought_again(service: Any, tmp_path: Path) -> None:
    settings, server = service
    source = script(90)
    server.faults = [{}, {"status": 400}]
    first = {"libretranslate": 25, "deepl": 40, "llm": 20}[settings["backend"]]
    done = translated(tmp_path, with_fake(settings), source, language_check=False)
    assert sum(text.startswith("[es]") for text in done.texts.values()) == 90 - first
    before = len(posts(server))
    again = translated(tmp_path, with_fake(settings), source, language_check=False)
    assert len(posts(server)) == before
    assert again.texts == done.texts
    assert any("the fallback of" in note for note in again.notes)


def test_an_answer_in_the_wrong_language_goes_to_the_next(service: Any, tmp_path: Path) -> None:
    settings, server = service
    server.answers = {"Sentence number 1 of the talk.": ENGLISH}
    with serving(LibreJson) as (url, other):
        stand_in = {"backend": "libretranslate", "options": {**QUICK, "url": url}}
        done = translated(tmp_path, {**settings, "fallbacks": [stand_in]}, script(3))
        assert asked_lines(other) == ["Sentence number 1 of the talk."]
    assert "español" in done.texts[1]
    assert any("it is in English" in note and "1 lines go to" in note for note in done.notes)


def test_a_doubtful_answer_that_nobody_betters_is_kept_and_told_of(service: Any, tmp_path: Path) -> None:
    settings, server = service
    server.answers = {"Sentence number 1 of the talk.": ENGLISH}
    done = translated(tmp_path, settings, script(3))
    assert done.texts[1] == ENGLISH
    assert "Line 1 may not be in es: it is in English." in done.notes
    assert "Line 1 may not be in es: it is in English." in translated(tmp_path, settings, script(3)).notes


def test_lines_that_say_the_same_are_asked_for_once(tmp_path: Path) -> None:
    with serving(LibreJson) as (url, server):
        settings = {"backend": "libretranslate", "options": {**QUICK, "url": url}}
        done = translated(tmp_path, settings, script(30, "Yes."))
        assert asked_lines(server) == ["Yes."]
    assert len(done.texts) == 30


def test_an_edited_line_costs_that_line_alone(tmp_path: Path) -> None:
    with serving(LibreJson) as (url, server):
        settings = {"backend": "libretranslate", "options": {**QUICK, "url": url}}
        translated(tmp_path, settings, script(10))
        source = script(10)
        lines = [*source.lines[:4], source.lines[4].model_copy(update={"text": "New words."}), *source.lines[5:]]
        done = translated(tmp_path, settings, source.model_copy(update={"lines": tuple(lines)}))
        assert asked_lines(server)[10:] == ["New words."]
        assert done.hits == 9


def test_with_context_an_edited_line_costs_its_neighbours_too(tmp_path: Path) -> None:
    with serving(DeepLJson) as (url, _):
        settings = {"backend": "deepl", "options": {**QUICK, "url": url}}
        translated(tmp_path, settings, script(10))
        source = script(10)
        lines = [*source.lines[:4], source.lines[4].model_copy(update={"text": "New words."}), *source.lines[5:]]
        assert translated(tmp_path, settings, source.model_copy(update={"lines": tuple(lines)})).hits == 5


def test_where_all_fail_the_first_ones_error_names_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEEPL_API_KEY")
    settings = {"backend": "deepl", "fallbacks": [{"backend": "fake", "options": {"fail": ["es"]}}]}
    with pytest.raises(MissingBackendError, match=r"DeepL needs a key.*fallbacks failed too.*fail for es"):
        translated(tmp_path, settings, script(1))


def test_where_one_could_recover_the_step_is_worth_another_try(tmp_path: Path) -> None:
    stand_in = {"backend": "fake", "options": {"fail": ["es"]}}
    with serving(LibreJson) as (url, server):
        server.faults = [{"status": 500}] * 20
        settings = {"backend": "libretranslate", "options": {**QUICK, "url": url}, "fallbacks": [stand_in]}
        with pytest.raises(ProviderBusyError):
            translated(tmp_path, settings, script(1))


def test_no_key_is_kept_anywhere(service: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings, server = service
    server.faults = [{"status": 400, "body": f"bad key {KEY}"}, {"status": 500, "body": KEY}]
    done = translated(tmp_path, with_fake(settings), script(3), language_check=False)
    assert not any(KEY in note for note in done.notes)
    server.faults = []
    translated(tmp_path, settings, script(4))
    assert KEY not in caplog.text
    assert KEY not in chain(TranslateSettings.model_validate(settings)).fingerprint()
    for folder, _, names in os.walk(tmp_path):
        for name in names:
            assert KEY.encode() not in (Path(folder) / name).read_bytes()


def test_every_backend_can_stand_in_by_its_bare_name() -> None:
    names = [name for name in BACKENDS if name not in ("llm", "nllb")]  # these must be told a model
    made = chain(TranslateSettings.model_validate({"backend": "fake", "fallbacks": names}))
    assert [one.facts.name for one in made.translators] == ["fake", *names]


def test_a_commercial_chain_needs_every_link_to_be() -> None:
    closed = {"backend": "llm", "options": {"model": "m", "commercial": False, "url": "http://127.0.0.1:9/v1"}}
    assert not chain(TranslateSettings.model_validate({"backend": "fake", "fallbacks": [closed]})).facts.commercial
