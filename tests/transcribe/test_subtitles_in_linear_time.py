"""What a hostile file may hold, in seconds that grow with its length alone."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import pytest

from tasks.records.errors import BadInputError
from tasks.transcribe.subtitles import read_script

CUES = {
    ".srt": "1\n00:00:01,000 --> 00:00:02,000\nHello.\n\n2\n00:00:03,000 --> 00:00:04,000\n",
    ".vtt": "WEBVTT\n\n00:01.000 --> 00:02.000\nHello.\n\n00:03.000 --> 00:04.000\n",
    ".ass": "[Events]\nDialogue: 0,0:00:01.00,0:00:02.50,Default,,0,0,0,,Hello.\n"
    "Dialogue: 0,0:00:03.00,0:00:04.00,Default,,0,0,0,,",
}
HOSTILE = {
    "braces": "{" * 250_000,
    "overrides": "{\\b1}" * 60_000,
    "drawings": "{\\p1}m 0 0" * 20_000,
    "spaces": " " * 60_000 + "\nx",
    "rows of a space": " \n" * 60_000 + "x",
    "angles": "<" * 1_000_000,
    "voices": "<v " * 100_000,
    "a voice of spaces": "<v" + " " * 200_000,
    "tags": "<i>" * 100_000 + "x",
    "arrows": "x-->" * 100_000,
    "digits": "1" * 200_000 + " -->",
    "brackets": ("[(（*" * 2_000 + "\n\n00:00:05.000 --> 00:00:06.000\n") * 20,
    "notes": ("♪\n" * 4_000 + "\n00:00:05.000 --> 00:00:06.000\n") * 10,
    "rows": ("a\n" * 4_500 + "\n00:00:05.000 --> 00:00:06.000\n") * 10,
    "words": ("a " * 4_500 + "\n\n00:00:05.000 --> 00:00:06.000\n") * 10,
    "section": "x\n[" + "a" * 200_000,
}


@pytest.mark.parametrize("suffix", CUES)
@pytest.mark.parametrize("what", HOSTILE)
def test_reading_takes_no_more_than_its_length(tmp_path: Path, suffix: str, what: str) -> None:
    path = tmp_path / f"film.en{suffix}"
    path.write_text(CUES[suffix] + HOSTILE[what], "utf-8")
    began = time.process_time()
    with contextlib.suppress(BadInputError):
        read_script(path, "en")
    assert time.process_time() - began < 3  # a tenth of a second here; it was up to 40


def test_a_cue_longer_than_anybody_speaks_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "film.en.srt"
    path.write_text(CUES[".srt"] + "word " * 3_000, "utf-8")
    with pytest.raises(BadInputError, match=r"film\.en\.srt', line 6: the cue has 1\d,?\d+ characters"):
        read_script(path, "en")
