"""A rewriter's answers by way of the store: no line is asked for twice with the same wish."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.adapt import VERSION
from tasks.store import Store, step_key
from tasks.translate import PLAIN, Guidance, Note, Rewrite, Rewriter, quiet

_LINE = "rewrite-line"


class Remembered:
    """A rewriter whose answers are kept as soon as they arrive."""

    def __init__(self, store: Store, rewriter: Rewriter, fingerprint: str) -> None:
        """Wraps ``rewriter``, which is known by ``fingerprint``."""
        self._store, self._rewriter, self._fingerprint = store, rewriter, fingerprint

    def rewrite(
        self, lines: Sequence[Rewrite], source: str, target: str, note: Note = quiet, guidance: Guidance = PLAIN
    ) -> list[list[str]]:
        """As the rewriter's own."""
        found: list[list[str]] = []
        for line in lines:
            key = self._key(line, source, target, guidance)
            known = self._store.read_note(_LINE, key)
            if known is None:
                (known,) = self._rewriter.rewrite([line], source, target, note, guidance)
                self._store.write_note(_LINE, key, known)
            found.append(known)
        return found

    def _key(self, line: Rewrite, source: str, target: str, guidance: Guidance) -> str:
        inputs = {
            "source": line.source,
            "text": line.text,
            "syllables": line.syllables,
            "wanted": line.wanted,
            "from": source,
            "to": target,
            "formality": guidance.formality,
            "terms": [[term.source, term.target] for term in guidance.terms],
        }
        return step_key(_LINE, VERSION, backend=self._fingerprint, inputs=inputs)
