"""What was found out about a file is not looked for again: in later steps, languages and runs, by content."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.keep.known import knowing, known
from tasks.keep.store import Store

asked: list[str] = []


@known("letters", 1, tuple[str, ...] | None)
def letters(text: Path, least: int = 1, folder: Path = Path()) -> tuple[str, ...] | None:
    asked.append(text.name)
    found = tuple(sorted(set(text.read_text())))
    return found if len(found) >= least else None


@known("both", 1, int)
def both(texts: tuple[Path, ...]) -> int:
    asked.append("both")
    return sum(len(text.read_text()) for text in texts)


@pytest.fixture(autouse=True)
def _nothing_asked() -> None:
    asked.clear()


def test_a_file_is_looked_into_once_whatever_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hat")
    (tmp_path / "b.txt").write_text("hat")
    for where, again in (("store", ["a.txt"]), ("store", []), ("other", ["a.txt"])):
        with knowing(Store(tmp_path / where)):
            assert letters(tmp_path / "a.txt", folder=tmp_path) == ("a", "h", "t")
            assert letters(tmp_path / "b.txt", least=1, folder=Path("elsewhere")) == ("a", "h", "t")
        assert asked == again
        asked.clear()


def test_other_content_or_another_question_is_asked_anew(tmp_path: Path) -> None:
    text = tmp_path / "a.txt"
    with knowing(Store(tmp_path / "store")):
        text.write_text("hat")
        assert (letters(text), letters(text, 9), letters(text, 9)) == (("a", "h", "t"), None, None)
        text.write_text("cat")
        assert letters(text) == ("a", "c", "t")
        assert (both((text, text)), both((text, text))) == (6, 6)
    assert asked == ["a.txt", "a.txt", "a.txt", "both"]


def test_work_in_progress_is_looked_at_each_time_and_so_is_all_outside_of_a_step(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    with store.workspace("mix") as folder, knowing(store):
        (folder / "sum.txt").write_text("hat")
        for _ in range(2):
            assert letters(folder / "sum.txt") == ("a", "h", "t")
        assert both((folder / "sum.txt",)) == 3
    (tmp_path / "a.txt").write_text("hat")
    assert letters(tmp_path / "a.txt") == letters(tmp_path / "a.txt")
    assert asked == ["sum.txt", "sum.txt", "both", "a.txt", "a.txt"]
    assert not list((tmp_path / "store/records").glob("letters/**/*.json"))
