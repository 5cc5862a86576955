from __future__ import annotations

from pathlib import Path

import pytest

from tasks.keep.recall import recalled


def test_the_same_content_is_looked_at_once_whatever_it_is_called(tmp_path: Path) -> None:
    looked: list[str] = []

    @recalled(2)
    def size(path: Path, why: str) -> int:
        looked.append(why)
        return len(path.read_bytes())

    for name, content in (("a", "one"), ("b", "one"), ("c", "three")):
        (tmp_path / name).write_text(content)
    assert [size(tmp_path / name, name) for name in "abca"] == [3, 3, 5, 3]
    assert looked == ["a", "c"]
    (tmp_path / "a").write_text("other")
    assert (size(tmp_path / "a", "changed"), looked[-1]) == (5, "changed")


def test_what_was_not_asked_for_longest_is_forgotten(tmp_path: Path) -> None:
    looked: list[str] = []

    @recalled(2)
    def name(path: Path) -> str:
        looked.append(path.name)
        return path.name

    for one in "abc":
        (tmp_path / one).write_text(one)
    for one in "abacab":
        name(tmp_path / one)
    assert looked == ["a", "b", "c", "b"]


def test_an_answer_that_was_not_given_is_asked_for_again(tmp_path: Path) -> None:
    tries: list[int] = []

    @recalled(2)
    def fails_once(path: Path) -> int:
        tries.append(1)
        return 1 // (len(tries) - 1)

    (tmp_path / "a").touch()
    with pytest.raises(ZeroDivisionError):
        fails_once(tmp_path / "a")
    assert fails_once(tmp_path / "a") == 1
