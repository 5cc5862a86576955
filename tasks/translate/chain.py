"""A translator and its fallbacks, with the glossary and form of address for all of them."""

from __future__ import annotations

import dataclasses
from functools import cached_property
from pathlib import Path

from configs.profile import TranslateSettings
from tasks.keep.store import text_sha256
from tasks.records import registry
from tasks.records.errors import UnsupportedError
from tasks.translate import Translator, translator
from tasks.translate.glossary import Glossary, read_glossary
from tasks.translate.memory import Memory, read_memory


class Chain:
    """The profile's translators in the order in which they are tried.

    Raises:
        BadInputError: an unknown backend or option, or an invalid glossary or memory.
    """

    def __init__(self, settings: TranslateSettings) -> None:
        self.settings = settings
        chosen = [settings, *settings.fallbacks]
        self.translators: list[Translator] = [translator(one.backend, one.options) for one in chosen]
        self.glossary = read_glossary(Path(settings.glossary)) if settings.glossary else Glossary()
        self.memory = read_memory(Path(settings.memory)) if settings.memory else Memory()

    @cached_property
    def facts(self) -> registry.BackendFacts:
        """The facts of the first, restricted by the others: commercial only if all are, paid if one is."""
        facts = [one.facts for one in self.translators]
        return dataclasses.replace(
            facts[0],
            commercial=all(one.commercial for one in facts),
            network=any(one.network for one in facts),
            paid=any(one.paid for one in facts),
        )

    def fingerprint(self) -> str:
        """Everything that affects a translated script."""
        settings = self.settings
        glossary = text_sha256(repr(self.glossary))[:16] if settings.glossary else "none"
        names = " > ".join(one.fingerprint() for one in self.translators)
        memory = f"|{self.memory.digest[:16]}" if settings.memory else ""
        return f"{names}|{glossary}|{settings.formality}|{settings.language_check}{memory}"

    def missing(self) -> list[str]:
        """What the first needs; a fallback reports missing parts when it is used."""
        return self.translators[0].missing()

    def route(self, source: str, target: str) -> list[str]:
        """The route of the first translator that has one.

        Raises:
            UnsupportedError: none has; gives the first one's reason.
        """
        refusal: UnsupportedError | None = None
        for one in self.translators:
            try:
                return one.route(source, target)
            except UnsupportedError as error:
                refusal = refusal or error
        assert refusal is not None
        raise refusal


def chain(settings: TranslateSettings) -> Chain:
    """The chain of a profile."""
    return Chain(settings)
