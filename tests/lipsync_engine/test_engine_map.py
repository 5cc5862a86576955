"""The engine's map names every module, and its tests lie in rooms as its modules do."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENGINE = ROOT / "lipsync_engine"
ROOMS = sorted(path.name for path in ENGINE.iterdir() if (path / "__init__.py").exists())


def line_of(room: str) -> str:
    """What the map says of a room: the rows of its table from the room's own to the next room's."""
    rows = [row for row in (ROOT / "docs" / "lipsync.md").read_text("utf-8").splitlines() if row.startswith("|")]
    at = next(i for i, row in enumerate(rows) if row.startswith(f"| `{room}/` |"))
    end = next(i for i, row in enumerate(rows) if i > at and not row.startswith(("| |", "|  |")))
    return "\n".join(rows[at:end])


@pytest.mark.parametrize("room", ROOMS)
def test_the_map_names_every_module_of_a_room(room: str) -> None:
    named = line_of(room)
    modules = [path for path in sorted((ENGINE / room).rglob("*.py")) if path.stem != "__init__"]
    packages = [path.parent for path in sorted((ENGINE / room).glob("*/__init__.py"))]
    missing = [path.stem for path in modules if f"`{path.stem}`" not in named]
    assert missing + [path.name for path in packages if f"`{path.name}/`" not in named] == []


def test_the_map_names_every_module_outside_the_rooms() -> None:
    text = (ROOT / "docs" / "lipsync.md").read_text("utf-8")
    loose = [path.stem for path in sorted(ENGINE.glob("*.py")) if not path.stem.startswith("__")]
    assert [name for name in loose if f"`{name}`" not in text] == []


def test_the_tests_lie_in_the_engines_rooms() -> None:
    folders = {path.parent.name for path in Path(__file__).parent.glob("*/test_*.py")}
    assert folders == set(ROOMS)
