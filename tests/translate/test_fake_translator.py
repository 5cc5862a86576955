"""The fake translator invents, and fails where it is told to."""

from __future__ import annotations

import pytest

from tasks.records.errors import TransientError, UnsupportedError
from tasks.translate import translator


def test_it_says_that_it_invents() -> None:
    notes: list[str] = []
    assert translator("fake", {}).translate(["Hello."], "en", "ja", notes.append) == ["[ja] Hello."]
    assert "invented" in notes[0]


def test_it_refuses_only_the_languages_it_is_told_to() -> None:
    backend = translator("fake", {"fail": ["ja"], "fail_transiently": ["ko"]})
    with pytest.raises(UnsupportedError, match="ja"):
        backend.translate(["Hello."], "en", "ja")
    with pytest.raises(TransientError, match="ko"):
        backend.translate(["Hello."], "en", "ko")
    assert backend.translate(["Hello."], "en", "es") == ["[es] Hello."]
