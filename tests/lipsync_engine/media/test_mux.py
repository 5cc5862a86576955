from __future__ import annotations

from pathlib import Path

import pytest

from lipsync_engine.media.mux import add_sound, copy_picture
from lipsync_engine.media.video import probe, read
from tests.flash_and_beep import beeps, flash_and_beep, flashes


def test_a_picture_that_starts_late_does_so_with_the_engines_sound(tmp_path: Path) -> None:
    source = flash_and_beep(tmp_path / "late.mkv", "late picture")
    copy_picture(source, tmp_path / "picture.mp4", probe(source))
    assert len(list(read(tmp_path / "picture.mp4", probe(source)))) == len(list(read(source, probe(source))))
    add_sound(tmp_path / "picture.mp4", source, tmp_path / "out.mp4")
    assert flashes(tmp_path / "out.mp4") == pytest.approx(flashes(source), abs=0.005)
    assert beeps(tmp_path / "out.mp4") == pytest.approx(flashes(source), abs=0.03)
