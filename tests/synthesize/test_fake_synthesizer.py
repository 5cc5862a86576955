"""The fake synthesizer hums, and fails where it is told to."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.records.errors import UnsupportedError
from tasks.synthesize import synthesizer


def test_a_phone_a_letter(tmp_path: Path) -> None:
    spoken = synthesizer("fake", {}).synthesize("Bad!", "hum-150", "es", tmp_path / "line.wav")
    assert [phone[0] for phone in spoken.phones] == ["b", "a", "d"]
    assert spoken.duration_ms == 225


def test_it_refuses_only_the_languages_it_is_told_to(tmp_path: Path) -> None:
    backend = synthesizer("fake", {"fail": ["ja"]})
    with pytest.raises(UnsupportedError, match="ja"):
        backend.voices("ja", [], {})
    with pytest.raises(UnsupportedError, match="ja"):
        backend.synthesize("Hello.", "hum-150", "ja", tmp_path / "line.wav")
    assert backend.synthesize("Hello.", "hum-150", "es", tmp_path / "line.wav").duration_ms > 0
