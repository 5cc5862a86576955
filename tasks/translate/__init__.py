"""Lines into another language, one by one, order and count kept.

To add a backend: write ``tasks/translate/NAME.py``, add its line to `BACKENDS`, and run
``pytest tests/contracts/test_translator.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from tasks import registry

VERSION = 2

BACKENDS = {
    "apertium": "tasks.translate.apertium:ApertiumTranslator",
    "deep-translator": "tasks.translate.deep_translator:DeepTranslatorTranslator",
    "fake": "tasks.translate.fake:FakeTranslator",
}


#: Told what the user should know about a translation: a fallback, words left as they were.
Note = Callable[[str], None]


def quiet(_note: str) -> None:
    """Listen to nothing."""


class Translator(Protocol):
    """Translates text."""

    @property
    def facts(self) -> registry.BackendFacts:
        """What it is; where it depends on the options, an attribute of the instance."""

    def fingerprint(self) -> str:
        """Name, version, provider and options; loads nothing."""

    def missing(self) -> list[str]:
        """What is not installed, with how to get it."""

    def route(self, source: str, target: str) -> list[str]:
        """The languages that the text passes through, both ends included (``["en", "es", "fr"]``).

        Raises:
            UnsupportedError: no route; the message names the pair and what could be installed or chosen instead.
        """

    def translate(self, texts: Sequence[str], source: str, target: str, note: Note = quiet) -> list[str]:
        """The texts in the target language, as many as came in, none empty where the input was not.

        Line breaks inside a text are kept. ``note`` is told of fallbacks and limits, each in one sentence.

        Raises:
            UnsupportedError: as `route`.
            ProviderBusyError: the service asks to wait, or does not answer.
        """


def translator(name: str, options: dict[str, Any]) -> Translator:
    """The backend of that name; `BadInputError` for an unknown name or option."""
    backend: Translator = registry.create("translate", name, BACKENDS, options)
    return backend
