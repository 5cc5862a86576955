"""What a title itself says is found in its sound, kept in its analysis, and used by every dub."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lipsync_engine.records import Phone
from lipsync_engine.speech.title_speech import phone_member, script_phones, stored_phones
from tests.speech_media import recording

LINES = [
    (1260, 3950, "Good morning, my name is Jordi Mas."),
    (5250, 6630, "I am from Barcelona."),
    (7610, 8690, "And I love this city."),
]


def test_phones_lie_within_their_lines_and_silence_between() -> None:
    clip = recording("open-dubbing/tests/data/englishvideo.mp4")
    phones = script_phones(clip, LINES, "en")
    assert phones is not None
    spoken = [p for p in phones if p.ipa]
    assert len(spoken) > 40
    assert all(any(a - 40 <= p.start_ms and p.end_ms <= b + 40 for a, b, _ in LINES) for p in spoken)


def test_a_text_that_cannot_be_said_in_its_time_is_left_out() -> None:
    clip = recording("open-dubbing/tests/data/englishvideo.mp4")
    longer = [(5250, 6630, "I am from a place that nobody in this room has ever heard the name of before today.")]
    assert script_phones(clip, longer, "en") is None


def test_a_language_without_phones_teaches_nothing() -> None:
    clip = recording("open-dubbing/tests/data/englishvideo.mp4")
    assert script_phones(clip, LINES, "tlh") is None


def test_phones_survive_being_stored(tmp_path: Path) -> None:
    phones = (Phone("", 0, 100), Phone("aː", 100, 250, 2), Phone("ʃ", 250, 300))
    np.savez(tmp_path / "a.npz", **phone_member(phones))
    assert stored_phones(tmp_path / "a.npz") == phones


def test_an_analysis_without_a_script_knows_none(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", other=np.zeros(1))
    assert stored_phones(tmp_path / "a.npz") is None
    assert stored_phones(None) is None
