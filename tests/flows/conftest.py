"""What tests of flows share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.keep.digests import file_sha256
from tasks.media.probe import probe
from tasks.records.facts import MediaFacts

_FACTS: dict[tuple[str, str, str | None, float | None], MediaFacts] = {}


@pytest.fixture
def probed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is looked into once for all tests, though each has a store of its own, which does not know it yet."""

    def known(path: Path, language: str | None = None, longest_s: float | None = None) -> MediaFacts:
        asked = (file_sha256(path)[0], path.suffix, language, longest_s)
        if asked not in _FACTS:
            _FACTS[asked] = probe(path, language, longest_s)
        return _FACTS[asked]

    monkeypatch.setattr("tasks.media.probe.probe", known)
