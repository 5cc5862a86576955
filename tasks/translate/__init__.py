"""Translation of lines, one by one, keeping order and count.

To add a backend: write ``tasks/translate/NAME.py``, add its line to `BACKENDS`, and run
``pytest tests/contracts/test_translator.py``. The step does the same for every backend: batches, each stored as
soon as it is translated; glossary; language check; the next backend if one fails (`tasks.translate.chain`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from configs.profile import Formality
from tasks.records import registry

VERSION = 8

BACKENDS = {
    "apertium": "tasks.translate.apertium:ApertiumTranslator",
    "deep-translator": "tasks.translate.deep_translator:DeepTranslatorTranslator",
    "deepl": "tasks.translate.deepl:DeepLTranslator",
    "fake": "tasks.translate.fake:FakeTranslator",
    "libretranslate": "tasks.translate.libretranslate:LibreTranslateTranslator",
    "llm": "tasks.translate.llm:LlmTranslator",
    "nllb": "tasks.translate.nllb:NllbTranslator",
}


#: Called with notes on a translation for the user: a fallback, words left untranslated.
Note = Callable[[str], None]


def quiet(_note: str) -> None:
    """Ignore notes."""


@dataclass(frozen=True)
class Term:
    """A word or name of the source and its required translation; equal if it must not be translated."""

    source: str
    target: str


@dataclass(frozen=True)
class Guidance:
    """Constraints and context of a translation; a backend uses what it can.

    Attributes:
        formality: form of address.
        terms: the glossary's terms that occur in the texts.
        before: the title's lines before the texts, as context only.
        after: the lines after them, likewise.
        slots_ms: time available to speak each text, milliseconds; empty if unknown.
    """

    formality: Formality = "default"
    terms: tuple[Term, ...] = ()
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    slots_ms: tuple[int, ...] = ()


PLAIN = Guidance()


class Translator(Protocol):
    """Translates text.

    Attributes:
        batch: best number of lines per request; each batch is stored before the next is requested.
        context: number of lines before and after a line that affect its translation; they are part of its key.
        timed: whether it uses ``Guidance.slots_ms``, which is then part of the key.
    """

    batch: int
    context: int
    timed: bool

    @property
    def facts(self) -> registry.BackendFacts:
        """What the backend declares about itself; an attribute of the instance if it depends on the options."""

    def fingerprint(self) -> str:
        """Name, version, provider and options; loads nothing."""

    def missing(self) -> list[str]:
        """What is not installed, and how to install it."""

    def route(self, source: str, target: str) -> list[str]:
        """The languages that the text passes through, including both ends (``["en", "es", "fr"]``).

        Raises:
            UnsupportedError: no route; the message names the pair and alternatives.
        """

    def translate(
        self, texts: Sequence[str], source: str, target: str, note: Note = quiet, guidance: Guidance = PLAIN
    ) -> list[str]:
        """Translate texts; the result has the same length, and is empty only where the input is.

        Line breaks inside a text are kept. ``note`` is called with fallbacks and limits, one sentence each.

        Args:
            texts: one a line of the script, with line breaks inside them kept.
            source: BCP-47 tag of the texts.
            target: BCP-47 tag of the translation.
            note: called with each fallback and limit, one sentence each.
            guidance: glossary, form of address and context.

        Raises:
            UnsupportedError: as `route`.
            ProviderBusyError: the service is busy or does not answer.
        """


@dataclass(frozen=True)
class Rewrite:
    """A translated line that does not fit its slot.

    Attributes:
        source: the source line.
        text: its translation so far.
        syllables: spoken syllables of that translation.
        wanted: minimum and maximum syllables that fit.
    """

    source: str
    text: str
    syllables: int
    wanted: tuple[int, int]


@runtime_checkable
class Rewriter(Protocol):
    """A translator that can reword a line in fewer or more syllables."""

    def rewrite(
        self, lines: Sequence[Rewrite], source: str, target: str, note: Note = quiet, guidance: Guidance = PLAIN
    ) -> list[list[str]]:
        """Candidates for every line, the most faithful first; an empty list if there are none.

        Args:
            lines: with the length that each should have.
            source: BCP-47 tag of the source.
            target: BCP-47 tag of the dub.
            note: called with each fallback and limit, one sentence each.
            guidance: glossary, form of address and context.

        Raises:
            ProviderBusyError: the service is busy or does not answer.
        """


def translator(name: str, options: dict[str, Any]) -> Translator:
    """The backend of that name; `BadInputError` for an unknown name or option."""
    backend: Translator = registry.create("translate", name, BACKENDS, options)
    return backend
