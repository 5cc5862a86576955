"""The table of speech figures: what is worst, and by what a dub may be spoken."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmarks.lipsync_speech import dub, lines_of, recordings, tabulate
from lipsync_engine.report import EngineReport


def line(lines: list[str], figure: str) -> list[str]:
    return next(row for row in lines if row.startswith(figure)).split()


def test_each_figure_names_its_worst_run():
    reports = [
        ("one/es", EngineReport(closure_rate=1.0, longest_hold_frames=3, silence_motion=0.0, lip_speed_ratio=1.0), {}),
        ("two/fr", EngineReport(closure_rate=0.6, longest_hold_frames=2, silence_motion=0.01, lip_speed_ratio=0.7), {}),
        ("three/de", EngineReport(closure_rate=0.9, longest_hold_frames=9, lip_speed_ratio=1.6), {}),
    ]
    lines, passed = tabulate(reports)
    assert line(lines, "closure_rate")[1:4] == ["0.833", "0.600", "two/fr"]
    assert line(lines, "longest_hold_frames")[2:4] == ["9.000", "three/de"]
    assert line(lines, "lip_speed_ratio")[2:4] == ["1.600", "three/de"]
    assert line(lines, "silence_motion")[2:4] == ["0.010", "two/fr"]  # where all are good, too
    assert line(lines, "seam_ratio")[1:4] == ["-", "-", "-"]
    assert not passed


@pytest.fixture
def spoken(tmp_path: Path) -> Path:
    """Two Spanish recordings, a clip, a text without a file, and one in German."""
    for name, seconds in (("long.wav", 2.0), ("short.wav", 0.5), ("german.wav", 0.3)):
        soundfile.write(tmp_path / name, np.zeros(int(16000 * seconds)), 16000)
    rows = {
        "long.wav": {"lang": "es", "text": "Buenos días a todos."},
        "short.wav": {"lang": "es", "text": "Hola."},
        "gone.wav": {"lang": "es", "text": "Nada."},
        "clip.mp4": {"lang": "es", "text": "Hola."},
        "german.wav": {"lang": "de", "text": None},
    }
    (tmp_path / "transcripts.json").write_text(json.dumps(rows), "utf-8")
    return tmp_path


def test_recordings_are_sound_files_with_a_text_the_shortest_first(spoken: Path):
    assert [path.name for path, _ in recordings(spoken, "es")] == ["short.wav", "long.wav"]
    assert recordings(spoken, "de") == []
    assert next(lines_of("de", "recorded", spoken), None) is None


def test_a_recorded_dub_fills_the_clip_with_whole_recordings(spoken: Path):
    sound, rate, phones = dub(lines_of("es", "recorded", spoken), 4.0)
    assert (rate, len(sound)) == (16000, 64000)
    assert phones[-1].end_ms == 4000
