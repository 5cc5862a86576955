import json
import pickle
from collections.abc import Iterator

import pytest

from tasks.errors import BadInputError, MissingBackendError, PermanentError, ProviderBusyError, UnsupportedError
from tasks.translate import Translator, translator
from tasks.translate.deep_translator import _pieces
from tasks.translate.provider_codes import provider_code
from tests.translation_server import Translations, translation_server

PROVIDERS = ["google", "libre", "mymemory", "deepl"]


@pytest.fixture
def server() -> Iterator[Translations]:
    with translation_server() as running:
        yield running


def provider(server: Translations, name: str = "google", **options: object) -> Translator:
    return translator("deep-translator", {"provider": name, "url": f"{server.url}/{name}", **options})


@pytest.mark.parametrize("name", PROVIDERS)
def test_each_provider_by_its_own_protocol(server: Translations, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPL_API_KEY", "secret")
    answers = provider(server, name).translate(["good <b> & morning", "my name\nis Jordi"], "en", "es")
    code = provider_code(name, "es")
    assert answers == [f"({code}) morning & <b> good", f"({code}) name my\n({code}) Jordi is"]
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("name", "tag", "code"),
    [
        ("google", "he", "iw"),
        ("google", "zh", "zh-CN"),
        ("google", "zh-Hant", "zh-TW"),
        ("google", "zh-HK", "zh-TW"),
        ("google", "pt-BR", "pt"),
        ("google", "nb", "no"),
        ("google", "fil", "tl"),
        ("google", "jv", "jw"),
        ("google", "es-419", "es"),
        ("google", "tlh", ""),
        ("libre", "zh-Hans", "zh"),
        ("libre", "el", ""),
        ("mymemory", "en", "en-GB"),
        ("mymemory", "pt-BR", "pt-BR"),
        ("mymemory", "es", "es-ES"),
        ("deepl", "pt-BR", "pt"),
        ("deepl", "ca", ""),
        ("deepl", "zh-Hant", ""),
    ],
)
def test_codes_of_the_providers(name: str, tag: str, code: str) -> None:
    assert provider_code(name, tag) == code


def test_a_language_that_the_provider_does_not_know_asks_nobody(server: Translations) -> None:
    with pytest.raises(UnsupportedError, match=r"libre does not know Greek \(el\)"):
        provider(server, "libre").translate(["hello"], "en", "el")
    assert server.asked == []


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("status", [429, 500, 503])
def test_busy_is_for_the_caller_to_try_again(
    server: Translations, name: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEPL_API_KEY", "secret")
    server.status = status
    with pytest.raises(ProviderBusyError, match=name):
        provider(server, name).translate(["hello"], "en", "es")
    assert len(server.asked) == 1


@pytest.mark.parametrize("name", ["google", "libre", "mymemory"])
@pytest.mark.parametrize(
    "body", ["", "<html>Please prove that you are human</html>", "{}", "[]", '{"translatedText": ""}']
)
def test_an_answer_without_a_translation_is_busy(server: Translations, name: str, body: str) -> None:
    server.body = body
    with pytest.raises(ProviderBusyError, match=name):
        provider(server, name).translate(["hello"], "en", "es")


def test_no_answer_within_the_deadline_is_busy(server: Translations) -> None:
    server.delay_s = 3
    with pytest.raises(ProviderBusyError, match=r"0\.3 s"):
        provider(server, deadline_s=0.3).translate(["hello"], "en", "es")


@pytest.mark.parametrize("name", PROVIDERS)
def test_no_server_is_busy_and_no_key_leaks(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPL_API_KEY", "secret-key")
    monkeypatch.setenv("LIBRE_API_KEY", "secret-key")
    backend = translator("deep-translator", {"provider": name, "url": "http://127.0.0.1:9/"})
    with pytest.raises(ProviderBusyError) as raised:
        backend.translate(["hello"], "en", "es")
    assert "secret-key" not in f"{raised.value} {raised.value.data} {pickle.dumps(raised.value)!r}"
    assert raised.value.__suppress_context__
    assert "secret-key" not in backend.fingerprint()


@pytest.mark.parametrize(("status", "kind"), [(403, PermanentError), (401, PermanentError), (400, UnsupportedError)])
def test_refusals_are_for_good(server: Translations, status: int, kind: type[Exception]) -> None:
    server.status = status
    with pytest.raises(kind, match="libre refused"):
        provider(server, "libre").translate(["hello"], "en", "es")


def test_the_quota_of_mymemory_is_no_translation(server: Translations) -> None:
    server.body = json.dumps({"responseData": {"translatedText": "MYMEMORY WARNING: YOU USED ALL ..."}, "matches": []})
    with pytest.raises(ProviderBusyError, match="free translations"):
        provider(server, "mymemory").translate(["hello"], "en", "es")


def test_a_provider_that_needs_a_key_says_which(server: Translations, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEEPL_API_KEY", raising=False)
    backend = provider(server, "deepl")
    assert "DEEPL_API_KEY" in backend.missing()[0]
    with pytest.raises(MissingBackendError, match="DEEPL_API_KEY"):
        backend.translate(["hello"], "en", "es")


def test_numbers_and_empty_lines_are_not_sent(server: Translations) -> None:
    assert provider(server).translate(["1984", "", " ", "..."], "en", "es") == ["1984", "", " ", "..."]
    assert server.asked == []


def test_a_translation_equal_to_the_text_is_kept(server: Translations) -> None:
    server.body = '<div class="result-container">Barcelona!</div>'
    assert provider(server).translate(["Barcelona!", "Barcelona"], "en", "es") == ["Barcelona!", "Barcelona!"]


def test_forms_of_one_language_are_left_alone_and_told(server: Translations) -> None:
    notes: list[str] = []
    assert provider(server).translate(["Olá"], "pt-BR", "pt-PT", notes.append) == ["Olá"]
    assert "one language" in notes[0]


def test_long_texts_go_in_pieces_cut_behind_sentences(server: Translations) -> None:
    text = "One sentence here. " * 60
    pieces = list(_pieces(text.strip(), 480))
    assert " ".join(pieces) == text.strip()
    assert all(len(piece) <= 480 and piece.endswith(".") for piece in pieces)
    [answer] = provider(server, "mymemory").translate([text], "en", "es")
    assert len(server.asked) == len(pieces)
    assert answer.count("sentence") == 60


def test_an_address_must_be_one() -> None:
    with pytest.raises(BadInputError, match=r"translate\.options\.url"):
        translator("deep-translator", {"url": "ftp://x"})
