from __future__ import annotations

import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from configs.profile import FitSettings
from tasks.ingest.line_files import holds_lines, lay_lines, pack_lines
from tasks.records.errors import BadInputError
from tasks.records.script import Line, Script
from tests.clips import RATE

SETTINGS = FitSettings()  # type: ignore[call-arg]
SCRIPT = Script(
    language="es",
    lines=tuple(Line(id=n, start_ms=n * 2000, end_ms=n * 2000 + 1000, text="x") for n in (1, 2, 3)),
)


def tone(path: Path, seconds: float, before: float = 0.3, hz: float = 300) -> None:
    sound = 0.3 * np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE)) / RATE)
    soundfile.write(path, np.concatenate([np.zeros(int(before * RATE)), sound, np.zeros(RATE // 2)]), RATE)


def test_lines_are_laid_into_their_slots_and_what_is_missing_or_unknown_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "es"
    folder.mkdir()
    tone(folder / "0001.wav", 1.0)
    tone(folder / "es_anna_003_take1.wav", 0.5)
    tone(folder / "es_anna_003_take2.flac", 1.1)
    tone(folder / "line-12.wav", 1.0)
    (folder / "notes.txt").write_text("not sound")
    pack_lines(folder, tmp_path / "lines.zip")
    assert holds_lines(tmp_path / "lines.zip")
    taken = lay_lines(tmp_path / "lines.zip", SCRIPT, 9000, SETTINGS, tmp_path / "d.wav")
    assert (taken.kind, taken.missing, taken.unknown) == ("lines", (2,), (12,))
    assert [(one.line, one.start_ms) for one in taken.placements] == [(1, 2000), (3, 6000)]
    told = " ".join(taken.notes)
    assert "the script does not have: 12" in told
    assert "line 2" in told
    assert "Several takes of line 3" in told
    sound, _ = soundfile.read(tmp_path / "d.wav")
    assert len(sound) == 9000 * 48
    heard = np.flatnonzero(np.abs(sound) > 0.05) / RATE
    assert heard[0] == pytest.approx(2.0, abs=0.03)  # the silence before the take is gone
    assert not np.abs(sound[int(3.1 * RATE) : int(5.9 * RATE)]).max() > 1e-3


def test_the_same_folder_makes_the_same_file(tmp_path: Path) -> None:
    tone(tmp_path / "1.wav", 0.2)
    for name in ("a.zip", "b.zip"):
        pack_lines(tmp_path, tmp_path / name)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_a_folder_without_lines_or_a_file_that_is_no_sound_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text("x")
    with pytest.raises(BadInputError, match="contains no recording"):
        pack_lines(tmp_path, tmp_path / "x.zip")
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr("1.wav", "this is no sound")
    with pytest.raises(BadInputError, match=r"1\.wav"):
        lay_lines(tmp_path / "bad.zip", SCRIPT, 9000, SETTINGS, tmp_path / "d.wav")


def test_the_highest_take_of_a_line_is_the_one_that_is_laid(tmp_path: Path) -> None:
    tones = {"0001_take1.wav": 300, "0001_take10.wav": 900, "0001_take9.wav": 600, "0002.t2.wav": 900, "0002.wav": 300}
    (tmp_path / "es").mkdir()
    for name, hz in tones.items():
        tone(tmp_path / "es" / name, 0.8, hz=hz)
    pack_lines(tmp_path / "es", tmp_path / "lines.zip")
    lay_lines(tmp_path / "lines.zip", SCRIPT, 9000, SETTINGS, tmp_path / "d.wav")
    sound, _ = soundfile.read(tmp_path / "d.wav")
    for second in (2.2, 4.2):  # in the slots of lines 1 and 2
        spectrum = np.abs(np.fft.rfft(sound[int(second * RATE) :][: RATE // 2]))
        assert 2 * np.argmax(spectrum) == pytest.approx(900, abs=10)


def test_a_recording_as_long_as_its_title_is_read_by_blocks(tmp_path: Path) -> None:
    """Files that begin where the title does hold mostly silence; memory does not grow with it."""
    (tmp_path / "es").mkdir()
    with soundfile.SoundFile(tmp_path / "es" / "1.flac", "w", 8000, 1) as file:
        for minute in range(8):
            file.write(np.zeros(60 * 8000))
            if minute == 6:
                file.write(0.3 * np.sin(np.arange(8000)))
    pack_lines(tmp_path / "es", tmp_path / "lines.zip")
    tracemalloc.start()
    taken = lay_lines(tmp_path / "lines.zip", SCRIPT, 480_000, SETTINGS, tmp_path / "d.wav")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken.placements[0].natural_ms == pytest.approx(1040, abs=20)
    assert peak < 30e6  # as one array it is 92 MB


def test_a_line_that_speaks_for_minutes_on_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.ingest.line_files._LONGEST_MS", 1500)
    (tmp_path / "es").mkdir()
    tone(tmp_path / "es" / "1.wav", 1.2)
    pack_lines(tmp_path / "es", tmp_path / "good.zip")
    assert lay_lines(tmp_path / "good.zip", SCRIPT, 9000, SETTINGS, tmp_path / "d.wav").placements
    tone(tmp_path / "es" / "2.wav", 1.8)
    pack_lines(tmp_path / "es", tmp_path / "bad.zip")
    with pytest.raises(BadInputError, match=r"'2.wav' speaks for over"):
        lay_lines(tmp_path / "bad.zip", SCRIPT, 9000, SETTINGS, tmp_path / "d.wav")
