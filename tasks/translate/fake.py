"""A translator that only puts the language's tag before each text. For orchestration tests only."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import ClassVar

from tasks.records import registry
from tasks.records.errors import TransientError, UnsupportedError
from tasks.translate import PLAIN, Guidance, Note, quiet


class FakeTranslator:
    """Prefixes the language: ``[es] Hello.``."""

    batch = 20
    context = 0
    timed = False

    class Options(registry.Options):
        """``fail``, ``fail_transiently``: languages that fail, permanently or not; ``delay_s``: duration of a call."""

        fail: tuple[str, ...] = ()
        fail_transiently: tuple[str, ...] = ()
        delay_s: float = 0.0

    facts: ClassVar[registry.BackendFacts] = registry.BackendFacts(name="fake", code_licence="Apache-2.0")

    def __init__(self, options: Options) -> None:
        self._options = options

    def fingerprint(self) -> str:
        """Constant: the options do not change the result."""
        return "fake:1"

    def missing(self) -> list[str]:
        """Nothing."""
        return []

    def route(self, source: str, target: str) -> list[str]:
        """The direct route, except into a language that is set to fail."""
        if target in self._options.fail:
            raise UnsupportedError(f"The fake translator is set to fail for {target}.", source=source, target=target)
        return [source] if source == target else [source, target]

    def translate(
        self, texts: Sequence[str], source: str, target: str, note: Note = quiet, guidance: Guidance = PLAIN
    ) -> list[str]:
        """Every text after its language's tag; empty ones stay empty."""
        time.sleep(self._options.delay_s)
        if target in self._options.fail_transiently:
            raise TransientError(f"The fake translator is set to fail transiently for {target}.", target=target)
        if len(self.route(source, target)) == 1:
            return list(texts)
        note("The translation is invented (fake backend).")
        return [f"[{target}] {text}" if text.strip() else text for text in texts]
