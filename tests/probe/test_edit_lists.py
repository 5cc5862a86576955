"""Edit lists of MP4 that do more than to start and to end a track are refused, with what mends them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tasks.media.probe import probe
from tasks.records.errors import BadInputError
from tests.edit_lists import Edit, with_edits
from tests.flash_and_beep import beeps, flash_and_beep, flashes


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return flash_and_beep(tmp_path_factory.mktemp("plain") / "plain.mp4")


PARTS = "joins 2 segments"
PAUSE = "has a pause after the start"
SPEED = "plays a segment at another speed"
REFUSED: dict[str, tuple[list[Edit], str]] = {
    "a part is skipped": ([(1.2, 0, 1), (1.2, 1.8, 1)], PARTS),
    "late, and a part is skipped": ([(0.6, None, 1), (1.2, 0, 1), (1.2, 1.8, 1)], PARTS),
    "a part comes twice": ([(1.4, 0, 1), (3, 0, 1)], PARTS),
    "the end comes first": ([(1.4, 1.6, 1), (1.6, 0, 1)], PARTS),
    "a pause in the middle": ([(1.2, 0, 1), (0.6, None, 1), (1.2, 1.8, 1)], PAUSE),
    "a pause at the end": ([(3, 0, 1), (1, None, 1)], PAUSE),
    "parts that follow on": ([(1.2, 0, 1), (1.8, 1.2, 1)], PARTS),
    "twice as fast": ([(1.5, 0, 2)], SPEED),
    "half as fast": ([(6, 0, 0.5)], SPEED),
    "a still": ([(1, 0, 0), (3, 0, 1)], SPEED),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_edit_list_of_several_parts_pauses_or_speeds_is_refused(tmp_path: Path, plain: Path, name: str) -> None:
    edits, why = REFUSED[name]
    with pytest.raises(BadInputError, match=f"edit list of 'in.mp4' {why}") as refused:
        probe(with_edits(plain, tmp_path / "in.mp4", edits))
    assert ("ffmpeg -i FILE" in refused.value.fix) == (why == PARTS)


@pytest.mark.parametrize("kind", [b"vide", b"soun"])
@pytest.mark.parametrize("wide", [False, True])
def test_so_it_is_where_one_track_alone_has_it(tmp_path: Path, plain: Path, kind: bytes, wide: bool) -> None:
    source = with_edits(plain, tmp_path / "in.mp4", [(1.2, 0, 1), (1.2, 1.8, 1)], (kind,), wide)
    with pytest.raises(BadInputError, match=PARTS):
        probe(source)


def test_what_mends_it_plays_what_the_list_says_but_for_two_or_three_frames(tmp_path: Path, plain: Path) -> None:
    source = with_edits(plain, tmp_path / "in.mp4", [(1.4, 0, 1), (1.2, 1.8, 1)])
    with pytest.raises(BadInputError) as refused:
        probe(source)
    command = refused.value.fix.partition("`")[2].partition("`")[0]
    words = [{"FILE": str(source), "NEW.mp4": str(tmp_path / "new.mp4")}.get(word, word) for word in command.split()]
    subprocess.run([*words, "-v", "error", "-nostdin"], check=True, capture_output=True)
    assert probe(tmp_path / "new.mp4").duration_ms == pytest.approx(2600, abs=125)
    assert flashes(tmp_path / "new.mp4") == pytest.approx([1.0, 1.6], abs=0.125)
    assert beeps(tmp_path / "new.mp4") == pytest.approx([1.0, 1.6], abs=0.03)


def test_one_part_of_a_track_and_a_later_start_come_through(tmp_path: Path, plain: Path) -> None:
    part: list[Edit] = [(2.6, 0.4, 1)]
    assert probe(with_edits(plain, tmp_path / "part.mp4", part)).duration_ms == 2600
    late: list[Edit] = [(0.2, None, 1), (0.32, None, 1), (0, None, 1), (2.6, 0.4, 1)]
    facts = probe(with_edits(plain, tmp_path / "late.mp4", late, (b"vide",), wide=True))
    assert facts.picture is not None
    assert facts.picture.start_ms == 520


@pytest.mark.parametrize("damage", [b"\xff\xff\xff\xff", b"\x00\x00\x00\x00"])
def test_a_list_that_says_nonsense_of_its_length_is_no_trap(tmp_path: Path, plain: Path, damage: bytes) -> None:
    data = bytearray(plain.read_bytes())
    at = data.index(b"elst") + 8
    data[at : at + 4] = damage
    (tmp_path / "in.mp4").write_bytes(data)
    facts = probe(tmp_path / "in.mp4")
    assert facts.duration_ms == pytest.approx(3000, abs=85)
