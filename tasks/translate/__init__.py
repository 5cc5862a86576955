"""Lines into another language, one by one, order and count kept.

To add a backend: write ``tasks/translate/NAME.py``, add its line to `BACKENDS`, and run
``pytest tests/contracts/test_translator.py``. Around every backend the step does the same: batches, each stored as soon
as it is answered; the glossary; the check of the language; the next backend where one fails (`tasks.translate.chain`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from configs.profile import Formality
from tasks.records import registry

VERSION = 7

BACKENDS = {
    "apertium": "tasks.translate.apertium:ApertiumTranslator",
    "deep-translator": "tasks.translate.deep_translator:DeepTranslatorTranslator",
    "deepl": "tasks.translate.deepl:DeepLTranslator",
    "fake": "tasks.translate.fake:FakeTranslator",
    "libretranslate": "tasks.translate.libretranslate:LibreTranslateTranslator",
    "llm": "tasks.translate.llm:LlmTranslator",
    "nllb": "tasks.translate.nllb:NllbTranslator",
}


#: Told what the user should know about a translation: a fallback, words left as they were.
Note = Callable[[str], None]


def quiet(_note: str) -> None:
    """Listen to nothing."""


@dataclass(frozen=True)
class Term:
    """A word or name of the source and what it must become; equal where it is not to be translated."""

    source: str
    target: str


@dataclass(frozen=True)
class Guidance:
    """What a translation should respect beyond its text; a backend uses what it can.

    Attributes:
        formality: how the listener is addressed.
        terms: the glossary's terms that occur in the texts.
        before: the title's lines before the texts, for context; not to be translated.
        after: those after them.
        slots_ms: how long each text may take to say, in milliseconds; empty where that is not known.
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
        batch: how many lines it is best asked for at once; each batch is stored before the next is asked for.
        context: how many lines before and after a line change its translation; they are then part of its key.
        timed: whether it heeds ``Guidance.slots_ms``, likewise.
    """

    batch: int
    context: int
    timed: bool

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

    def translate(
        self, texts: Sequence[str], source: str, target: str, note: Note = quiet, guidance: Guidance = PLAIN
    ) -> list[str]:
        """The texts in the target language, as many as came in, none empty where the input was not.

        Line breaks inside a text are kept. ``note`` is told of fallbacks and limits, each in one sentence.

        Raises:
            UnsupportedError: as `route`.
            ProviderBusyError: the service asks to wait, or does not answer.
        """


@dataclass(frozen=True)
class Rewrite:
    """A translated line that does not fit its time.

    Attributes:
        source: the source line.
        text: its translation so far.
        syllables: of that translation, as spoken.
        wanted: the fewest and the most syllables that would fit.
    """

    source: str
    text: str
    syllables: int
    wanted: tuple[int, int]


@runtime_checkable
class Rewriter(Protocol):
    """A translator that can say the same in fewer or more syllables."""

    def rewrite(
        self, lines: Sequence[Rewrite], source: str, target: str, note: Note = quiet, guidance: Guidance = PLAIN
    ) -> list[list[str]]:
        """Candidates for every line, the most faithful first; an empty list where it has none.

        Raises:
            ProviderBusyError: the service asks to wait, or does not answer.
        """


def translator(name: str, options: dict[str, Any]) -> Translator:
    """The backend of that name; `BadInputError` for an unknown name or option."""
    backend: Translator = registry.create("translate", name, BACKENDS, options)
    return backend
