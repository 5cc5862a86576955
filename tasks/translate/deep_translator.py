"""Translation by a hosted service through the package deep-translator (MIT): Google's page, LibreTranslate and others.

The text leaves this machine. Google's web page is scraped; it may change at any time.
"""

from __future__ import annotations

import html
import threading
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from pydantic import Field

from tasks.machine.meter import bill
from tasks.records import registry
from tasks.records.errors import MissingBackendError, PermanentError, ProviderBusyError, UnsupportedError
from tasks.services.secrets import advice, secret
from tasks.translate import PLAIN, Guidance, Note, quiet
from tasks.translate.provider_codes import Provider, provider_code
from tasks.words.sentences import pieces

#: Maximum characters per request: Google rejects 5000; MyMemory 500 bytes, so fewer for multi-byte letters; the others
#: take the text in the URL, which servers limit to about 8 KB, and a letter may take nine bytes there.
_LIMIT: dict[Provider, int] = {"google": 800, "libre": 800, "mymemory": 240, "deepl": 800}
_ADDRESSES: dict[Provider, str] = {
    "google": "https://translate.google.com",
    "libre": "https://libretranslate.com",
    "mymemory": "https://api.mymemory.translated.net",
    "deepl": "https://api-free.deepl.com",
}
_KEYS: dict[Provider, str] = {"libre": "LIBRE_API_KEY", "deepl": "DEEPL_API_KEY"}


class DeepTranslatorTranslator:
    """Sends line by line, and converts the package's errors into Polydub's.

    Keys (``DEEPL_API_KEY``, ``LIBRE_API_KEY``) come from `tasks.services.secrets` and appear in no message: the package
    puts them into URLs and error texts, so neither its messages nor its tracebacks are passed on.
    """

    batch = 1
    context = 0
    timed = False

    class Options(registry.Options):
        """The service and its settings.

        Attributes:
            provider: the service.
            url: address of your own server with the provider's protocol.
            deadline_s: seconds to wait for one response.
            free_api: use DeepL's free address instead of the paid one.
        """

        provider: Provider = "google"
        url: str | None = Field(None, pattern=r"^https?://\S+$")
        deadline_s: float = Field(20.0, gt=0)
        free_api: bool = True

    def __init__(self, options: Options) -> None:
        self._options = options
        paid = options.provider == "deepl" and not options.free_api
        self.facts = registry.BackendFacts(
            name="deep-translator",
            packages=("deep-translator",),
            code_licence="MIT",
            network=True,
            services=frozenset({"deep-translator"}),
            address=options.url or _ADDRESSES[options.provider],
            paid=paid,
            price=options.provider,
        )

    def fingerprint(self) -> str:
        """The package's version, the provider and its address; the service itself has no version."""
        chosen = self._options
        return f"deep-translator:1:{registry.package_version('deep-translator')}:{chosen.provider}:{chosen.url or ''}"

    def missing(self) -> list[str]:
        """The package, or the key that the provider requires."""
        if registry.package_version("deep-translator") == "absent":
            return ["The package deep-translator is not installed: run `make setup`."]
        return [self._key_advice()] if self._needs_key() and not self._key() else []

    def route(self, source: str, target: str) -> list[str]:
        """The direct route; `UnsupportedError` if the provider lacks one of the two."""
        codes = [provider_code(self._options.provider, tag)[0] for tag in (source, target)]
        return [source] if codes[0] == codes[1] else [source, target]

    def translate(
        self, texts: Sequence[str], source: str, target: str, note: Note = quiet, guidance: Guidance = PLAIN
    ) -> list[str]:
        """Translate texts, one request for each line; texts without letters are not sent.

        Raises:
            UnsupportedError: the provider lacks a language.
            ProviderBusyError: it is busy, fails, or does not answer within the deadline.
            MissingBackendError: the required key is not set, or is rejected.
            PermanentError: its response is not a translation.
        """
        provider = self._options.provider
        if len(self.route(source, target)) == 1:
            note(f"{provider} does not distinguish {source} and {target}; the text is left unchanged.")
            return list(texts)
        code, exact = provider_code(provider, target)
        if not exact:
            note(f"{provider} has no {target}; translated into {code}.")
        client = self._client(provider_code(provider, source)[0], code)
        return ["\n".join(self._row(client, row) for row in text.split("\n")) for text in texts]

    def _row(self, client: Any, row: str) -> str:
        if not any(letter.isalnum() for letter in row):
            return row
        return " ".join(self._ask(client, piece) for piece in pieces(row, _LIMIT[self._options.provider]))

    def _ask(self, client: Any, text: str) -> str:
        provider, deadline_s = self._options.provider, self._options.deadline_s
        try:
            answer = _within(deadline_s, lambda: client.translate(text))
        except TimeoutError:
            raise ProviderBusyError(f"{provider} did not answer within {deadline_s:g} s.") from None
        except (
            Exception
        ) as error:  # the package's errors have no common base class; `from None`: they may contain the key
            _refuse(provider, error)
        if self.facts.paid:
            bill(self.facts.price, characters=len(text))
        if answer is None:  # returned by the package if Google leaves a text unchanged
            return text
        if not isinstance(answer, str) or not answer.strip():
            raise PermanentError(f"{provider} returned an empty translation.", "Choose another provider.")
        if provider == "mymemory":
            _check_mymemory(answer)
            return html.unescape(answer)
        return answer

    def _client(self, source: str, target: str) -> Any:
        import deep_translator

        chosen = self._options
        if self._needs_key() and not self._key():
            raise MissingBackendError(f"{chosen.provider} needs a key.", self._key_advice())
        url = f"{chosen.url.rstrip('/')}/" if chosen.url else None
        if chosen.provider == "libre":
            return deep_translator.LibreTranslator(source, target, api_key=self._key() or "none", custom_url=url)
        if chosen.provider == "deepl":
            client = deep_translator.DeeplTranslator(source, target, api_key=self._key(), use_free_api=chosen.free_api)
        else:
            kinds = {"google": deep_translator.GoogleTranslator, "mymemory": deep_translator.MyMemoryTranslator}
            client = kinds[chosen.provider](source, target)
        if url:  # these three have no argument for the address
            client._base_url = url
        return client

    def _needs_key(self) -> bool:
        return self._options.provider == "deepl" or (self._options.provider == "libre" and not self._options.url)

    def _key(self) -> str:
        return secret(_KEYS[self._options.provider]) if self._options.provider in _KEYS else ""

    def _key_advice(self) -> str:
        return f"{advice(_KEYS[self._options.provider])} Or choose another provider."


def _refuse(provider: Provider, error: Exception) -> NoReturn:
    """Raise Polydub's error for one of the package's, by its type and the words that distinguish status codes."""
    import requests
    from deep_translator import exceptions

    kind, words = type(error).__name__, str(error)
    if isinstance(error, exceptions.TooManyRequests) or words == "ERR_TOO_MANY_REQUESTS":
        raise ProviderBusyError(f"{provider} is busy: too many requests.") from None
    if isinstance(error, exceptions.AuthorizationException) or words in ("ERR_KEY_INVALID", "ERR_KEY_BLOCKED"):
        fix = f"Check {_KEYS[provider]}." if provider in _KEYS else "Choose another provider."
        raise MissingBackendError(f"{provider} rejected the request as not authorized.", fix) from None
    if isinstance(error, requests.JSONDecodeError | exceptions.TranslationNotFound | KeyError | AttributeError):
        raise PermanentError(
            f"{provider} returned something that is not a translation ({kind}).",
            "Its interface may have changed: choose another provider.",
        ) from None
    if isinstance(error, exceptions.RequestError | requests.RequestException | OSError):
        raise ProviderBusyError(f"{provider} failed or is not reachable ({kind}).") from None
    if words in ("ERR_INTERNAL_SERVER_ERROR", "ERR_SERVICE_NOT_AVAIBLE", "API server error"):
        raise ProviderBusyError(f"{provider} failed ({words}).") from None
    if words == "ERR_LANG_NOT_SUPPORTED":
        raise UnsupportedError(f"{provider} does not translate this pair.", "Choose another provider.") from None
    said = words if isinstance(error, exceptions.ServerException) else kind
    raise PermanentError(f"{provider} rejected the request ({said}).") from None


def _check_mymemory(answer: str) -> None:
    """Detect MyMemory's errors, which it returns in capitals instead of a translation."""
    if answer.startswith("MYMEMORY WARNING"):
        raise ProviderBusyError("mymemory's free translations for today are used up.")
    if answer.startswith(("INVALID ", "QUERY LENGTH LIMIT", "PLEASE SELECT TWO DISTINCT")):
        raise PermanentError(f"mymemory rejected the request: {answer[:80].lower()}.")


def _within(deadline_s: float, call: Callable[[], Any]) -> Any:
    """Call a function with a deadline; `TimeoutError` after it.

    The package sets no timeout on any request. The thread of an abandoned call ends with its connection, or with this
    process.
    """
    result: list[Any] = []
    failure: list[Exception] = []

    def work() -> None:
        try:
            result.append(call())
        except Exception as error:  # passed to the caller's thread
            failure.append(error)

    thread = threading.Thread(target=work, name="deep-translator", daemon=True)
    thread.start()
    thread.join(deadline_s)
    if thread.is_alive():
        raise TimeoutError
    if failure:
        raise failure[0]
    return result[0]
