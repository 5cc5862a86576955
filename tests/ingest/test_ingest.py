from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from configs.sound import IngestSettings
from tasks.ingest.ingest import Ingested, ingest, locate
from tasks.records.errors import BadInputError
from tasks.records.script import Line, Script
from tests.clips import RATE, clip, ffmpeg
from tests.speech_media import recording

JORDI = [(1260, 3950), (5250, 6630), (7610, 8690)]  # where the clip's repository says that he speaks


def script(*slots: tuple[int, int]) -> Script:
    lines = tuple(Line(id=n, start_ms=start, end_ms=end, text="x") for n, (start, end) in enumerate(slots, start=1))
    return Script(language="en", lines=lines)


@pytest.fixture
def actor() -> Path:
    return recording("open-dubbing/tests/data/englishvideo.mp4")


def taken(actor: Path, folder: Path, duration_ms: int = 9967) -> Ingested:
    return ingest(actor, script(*JORDI), duration_ms, folder / "d.wav")


def test_every_line_is_found_where_it_is_spoken(actor: Path, tmp_path: Path) -> None:
    made = taken(actor, tmp_path)
    facts = soundfile.info(str(made.dialogue))
    assert (facts.frames, facts.samplerate, facts.channels, facts.subtype) == (9967 * 48, RATE, 2, "PCM_24")
    assert [one.line for one in made.placements] == [1, 2, 3]
    for one, (start, end) in zip(made.placements, JORDI, strict=True):
        assert abs(one.start_ms - start) < 250
        assert abs(one.end_ms - end) < 350
        assert (one.stretch, one.natural_ms) == (1.0, one.end_ms - one.start_ms)
    assert made.notes == ()


def test_a_shorter_recording_is_padded_and_said(actor: Path, tmp_path: Path) -> None:
    ffmpeg("-i", actor, "-vn", "-t", "7", "-c:a", "flac", tmp_path / "short.flac")
    made = taken(tmp_path / "short.flac", tmp_path)
    assert soundfile.info(str(made.dialogue)).frames == 9967 * 48
    assert any("2.97 s shorter" in note for note in made.notes)
    assert any("no speech for line 3" in note for note in made.notes)


def test_a_longer_silent_end_is_cut_and_said_but_speech_never(actor: Path, tmp_path: Path) -> None:
    made = taken(actor, tmp_path, 9300)
    assert soundfile.info(str(made.dialogue)).frames == 9300 * 48
    assert any("longer" in note for note in made.notes)
    with pytest.raises(BadInputError, match="still speaks"):
        ingest(actor, script(*JORDI), 8000, tmp_path / "lost.wav")
    assert not (tmp_path / "lost.wav").exists()


def test_a_recording_in_which_nobody_speaks_is_refused_unless_it_is_trusted(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "s.wav", np.zeros(5 * RATE), RATE)
    with pytest.raises(BadInputError, match="nobody speaks"):
        ingest(tmp_path / "s.wav", script((1000, 2000)), 5000, tmp_path / "d.wav")
    assert not (tmp_path / "d.wav").exists()
    trusted = IngestSettings(clock="trust")
    made = ingest(tmp_path / "s.wav", script((1000, 2000)), 5000, tmp_path / "d.wav", settings=trusted)
    assert made.placements == ()
    assert any("No speech" in note for note in made.notes)


def test_a_title_without_lines_takes_a_silent_recording(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "s.wav", np.zeros(5 * RATE), RATE)
    assert ingest(tmp_path / "s.wav", script(), 5000, tmp_path / "d.wav").placements == ()


def test_no_sound_or_no_media_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="has no sound"):
        ingest(clip(tmp_path / "a.mp4", sound=False), script((0, 100)), 3000, tmp_path / "d.wav")
    (tmp_path / "x.wav").write_text("hello")
    with pytest.raises(BadInputError):
        ingest(tmp_path / "x.wav", script((0, 100)), 3000, tmp_path / "d.wav")


def test_speech_across_two_lines_is_divided_between_them() -> None:
    found = locate(script((1000, 2000), (2400, 4000)).lines, [(900, 3900)])
    assert [(one.start_ms, one.end_ms) for one in found.placements] == [(900, 2200), (2200, 3900)]
    assert found.notes == ()


def test_a_sliver_stays_with_its_sentence() -> None:
    found = locate(script((1000, 2000), (3000, 4000)).lines, [(1000, 2600), (3000, 3900)])
    assert [(one.start_ms, one.end_ms) for one in found.placements] == [(1000, 2600), (3000, 3900)]


def test_what_is_missing_extra_or_shifted_is_told() -> None:
    lines = script((1000, 2000), (3000, 4000), (5000, 6000), (20_000, 21_000)).lines
    found = locate(lines, [(1400, 2300), (3400, 4300), (5400, 6300), (12_000, 12_400)])
    assert (found.missing, found.extra) == ((4,), ((12_000, 12_400),))
    told = " ".join(found.notes)
    assert "no speech for line 4" in told
    assert "12.0 s" in told
    assert "+400 ms" in told


@given(st.data())
def test_laws_of_locating(data: st.DataObject) -> None:
    edges = sorted(data.draw(st.sets(st.integers(0, 20_000), min_size=2, max_size=12)))
    slots = list(zip(edges[::2], edges[1::2], strict=False))
    speech = sorted(data.draw(st.sets(st.integers(0, 20_000), max_size=12)))
    spans = list(zip(speech[::2], speech[1::2], strict=False))
    found = locate(script(*slots).lines, spans)
    placed = found.placements
    assert {*found.missing, *(one.line for one in placed)} == set(range(1, len(slots) + 1))
    assert [one.line for one in placed] == sorted({one.line for one in placed})
    for early, late in itertools.pairwise(placed):
        assert early.end_ms <= late.start_ms
    for one in placed:
        assert any(start <= one.start_ms <= end for start, end in spans)
        assert any(start <= one.end_ms <= end for start, end in spans)
