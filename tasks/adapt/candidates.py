"""Caches a rewriter's answers in the store: no line is requested twice with the same length."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.adapt import VERSION
from tasks.keep.store import Store, step_key
from tasks.translate import PLAIN, Guidance, Note, Rewrite, Rewriter, quiet
from tasks.translate.glossary import matching

_LINE = "rewrite-line"
_BATCH = 12  # lines a request


class Remembered:
    """A rewriter whose answers are stored as soon as they arrive."""

    def __init__(self, store: Store, rewriter: Rewriter, fingerprint: str) -> None:
        """Wraps ``rewriter``, which is known by ``fingerprint``."""
        self._store, self._rewriter, self._fingerprint = store, rewriter, fingerprint

    def rewrite(
        self, lines: Sequence[Rewrite], source: str, target: str, note: Note = quiet, guidance: Guidance = PLAIN
    ) -> list[list[str]]:
        """As the rewriter's own."""
        keys = [self._key(line, source, target, guidance) for line in lines]
        known = {key: self._store.read_note(_LINE, key) for key in keys}
        asked = {key: line for key, line in zip(keys, lines, strict=True) if known[key] is None}
        for start in range(0, len(asked), _BATCH):
            batch = dict(list(asked.items())[start : start + _BATCH])
            answers = self._rewriter.rewrite(list(batch.values()), source, target, note, guidance)
            for key, answer in zip(batch, answers, strict=True):
                self._store.write_note(_LINE, key, answer)
                known[key] = answer
        return [known[key] or [] for key in keys]

    def _key(self, line: Rewrite, source: str, target: str, guidance: Guidance) -> str:
        inputs = {
            "source": line.source,
            "text": line.text,
            "syllables": line.syllables,
            "wanted": line.wanted,
            "from": source,
            "to": target,
            "formality": guidance.formality,
            "terms": [[term.source, term.target] for term in matching(guidance.terms, line.source)],
        }
        return step_key(_LINE, VERSION, backend=self._fingerprint, inputs=inputs)
