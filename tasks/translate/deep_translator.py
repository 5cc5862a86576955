"""Hosted translation through the deep-translator package: Google's public page, LibreTranslate, MyMemory or DeepL.

Texts leave this machine. Google's page and MyMemory's free tier come without any contract and may refuse at any time.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import Field

from configs.languages import display_name
from tasks import registry
from tasks.errors import MissingBackendError, PermanentError, PolydubError, ProviderBusyError, UnsupportedError
from tasks.translate import Note, quiet
from tasks.translate.provider_codes import provider_code

Provider = Literal["google", "libre", "mymemory", "deepl"]
_KEYS = {"deepl": "DEEPL_API_KEY"}
_MOST_CHARACTERS = {"google": 4900, "mymemory": 480, "libre": 1800, "deepl": 1800}  # the last two by length of a URL
_T = TypeVar("_T")


class DeepTranslatorTranslator:
    """One request for each text; errors are ours, so that the caller decides on trying again."""

    class Options(registry.Options):
        """How to reach the provider.

        Attributes:
            provider: who translates.
            url: another address of the same service, such as an own LibreTranslate.
            deadline_s: of one request; the package itself has none.
            free_api: DeepL's free address instead of the paid one.
        """

        provider: Provider = "google"
        url: str | None = Field(None, pattern=r"^https?://")
        deadline_s: float = Field(20.0, gt=0)
        free_api: bool = True

    facts: ClassVar[registry.BackendFacts] = registry.BackendFacts(
        name="deep-translator", code_licence="MIT", weights_licence="the provider's terms", network=True
    )

    def __init__(self, options: Options) -> None:
        self._options = options

    def fingerprint(self) -> str:
        """Package version, provider and a digest of the address (which might carry a password)."""
        address = hashlib.sha256((self._options.url or "").encode()).hexdigest()[:12]
        return f"deep-translator:1:{registry.package_version('deep-translator')}:{self._options.provider}:{address}"

    def missing(self) -> list[str]:
        """The package, or the key that the provider asks for."""
        if registry.package_version("deep-translator") == "absent":
            return ["The package deep-translator is not installed: run `make setup`."]
        name = _KEYS.get(self._options.provider)
        return [f"{self._options.provider} needs a key: set {name}."] if name and not os.environ.get(name) else []

    def route(self, source: str, target: str) -> list[str]:
        """Straight there, if the provider knows both languages."""
        codes = [provider_code(self._options.provider, tag) for tag in (source, target)]
        for tag, code in zip((source, target), codes, strict=True):
            if not code:
                raise UnsupportedError(
                    f"The translation provider {self._options.provider} does not know {display_name(tag)} ({tag}).",
                    "Choose another provider (translate.options.provider), or give a recorded dub (--dub).",
                    source=source,
                    target=target,
                )
        return [source] if codes[0] == codes[1] else [source, target]

    def translate(self, texts: Sequence[str], source: str, target: str, note: Note = quiet) -> list[str]:
        """The texts translated line by line."""
        if len(self.route(source, target)) == 1:
            note(f"{source} and {target} are one language for {self._options.provider}; the text is left as it is.")
            return list(texts)
        client = self._guarded(lambda: self._client(source, target), target)
        return ["\n".join(self._line(client, row, target) for row in text.split("\n")) for text in texts]

    def _line(self, client: Any, line: str, target: str) -> str:
        if not line.strip():
            return line
        pieces = _pieces(line.strip(), _MOST_CHARACTERS[self._options.provider])
        return " ".join(self._piece(client, piece, target) for piece in pieces)

    def _piece(self, client: Any, text: str, target: str) -> str:
        if not any(letter.isalpha() for letter in text):
            return text  # numbers and signs: nothing to translate, and Google's page would answer with nothing
        answer = self._guarded(lambda: client.translate(text), target)
        if answer is None:
            return text  # the package's way to say that the translation is the text itself
        if not isinstance(answer, str) or not answer.strip():
            raise ProviderBusyError(f"{self._options.provider} answered with an empty text for {target}.")
        _check_warning(answer, self._options.provider)
        return answer.strip()

    def _client(self, source: str, target: str) -> Any:
        """The package's translator for the pair; keys come from the environment only."""
        import deep_translator as package

        ends = {
            "source": provider_code(self._options.provider, source),
            "target": provider_code(self._options.provider, target),
        }
        url = self._options.url
        if self._options.provider == "libre":
            key = os.environ.get("LIBRE_API_KEY") or "none"  # the package refuses an empty one
            address = {"custom_url": url.rstrip("/") + "/"} if url else {}
            return package.LibreTranslator(**ends, api_key=key, use_free_api=True, **address)
        if self._options.provider == "deepl":
            if missing := self.missing():
                raise MissingBackendError(missing[0])
            client: Any = package.DeeplTranslator(
                **ends, api_key=os.environ["DEEPL_API_KEY"], use_free_api=self._options.free_api
            )
        elif self._options.provider == "mymemory":
            client = package.MyMemoryTranslator(**ends)
        else:
            client = package.GoogleTranslator(**ends)
        if url:
            client._base_url = url.rstrip("/") + "/" if self._options.provider == "deepl" else url
        return client

    def _guarded(self, call: Callable[[], _T], target: str) -> _T:
        """A call of the package within the deadline, its many errors made ours.

        Messages name the provider and the kind of error only: the package's and requests' own carry addresses, and
        with them keys.
        """
        try:
            return _within(self._options.deadline_s, call)
        except PolydubError:
            raise
        except Exception as error:
            raise _translated(error, self._options.provider, target) from None


def _within(deadline_s: float, call: Callable[[], _T]) -> _T:
    """Wait for a call at most so long; a hung one is left to its daemon thread, which ends with the process."""
    answer: list[_T] = []
    failure: list[Exception] = []

    def work() -> None:
        try:
            answer.append(call())
        except Exception as error:
            failure.append(error)

    thread = threading.Thread(target=work, daemon=True, name="translation request")
    thread.start()
    thread.join(deadline_s)
    if failure:
        raise failure[0]
    if not answer:
        raise ProviderBusyError(f"The translation provider did not answer within {deadline_s:g} s.")
    return answer[0]


def _translated(error: Exception, provider: str, target: str) -> PolydubError:
    import requests
    from deep_translator import exceptions as theirs

    kind = type(error).__name__
    text = str(error.args[0]) if isinstance(error, theirs.ServerException) and error.args else ""
    if isinstance(error, theirs.LanguageNotSupportedException | theirs.InvalidSourceOrTargetLanguage):
        return UnsupportedError(f"{provider} does not translate this pair into {target}.", target=target)
    if isinstance(error, theirs.AuthorizationException | theirs.ApiKeyException) or "KEY" in text:
        return PermanentError(f"{provider} refused the key.", "Check the provider's key in the environment.")
    if text in ("ERR_LANG_NOT_SUPPORTED", "ERR_BAD_REQUEST"):
        return UnsupportedError(f"{provider} refused the request for {target} ({text}).", target=target)
    if text in ("ERR_TEXT_TOO_LONG", "ERR_UNPROCESSABLE_TEXT") or isinstance(error, theirs.NotValidLength):
        return PermanentError(f"{provider} cannot take a line that long ({text or kind}).", "Split the line.")
    busy = (
        theirs.TooManyRequests | theirs.RequestError | theirs.ServerException | theirs.TranslationNotFound,
        requests.exceptions.RequestException,
        OSError,
        KeyError,  # an answer of another shape: an error page
        ValueError,
        AttributeError,
    )
    if any(isinstance(error, each) for each in busy):
        return ProviderBusyError(f"{provider} does not answer as it should for {target} ({text or kind}).")
    return PermanentError(f"{provider} failed for {target} ({kind}).")


def _check_warning(answer: str, provider: str) -> None:
    """MyMemory answers its quota and its errors with code 200, as if they were translations."""
    if provider != "mymemory":
        return
    if answer.startswith("MYMEMORY WARNING"):
        raise ProviderBusyError("mymemory has no free translations left for today.")
    if answer.isupper() and re.search(r"INVALID|LIMIT EXCEEDED|PLEASE SELECT", answer):
        raise UnsupportedError(f"mymemory refused the request: {answer[:80]}")


def _pieces(text: str, most: int) -> Iterator[str]:
    """Parts of at most so many characters, cut behind a sentence, else at a space, else anywhere."""
    while len(text) > most:
        ends = [match.end() for match in re.finditer(r"[.!?。！？]\s*", text[:most])]
        cut = ends[-1] if ends and ends[-1] > most // 4 else text.rfind(" ", 0, most) + 1 or most
        yield text[:cut].strip()
        text = text[cut:].strip()
    if text:
        yield text
