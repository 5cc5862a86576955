"""Names in texts are names in the code: programs that tests and benchmarks start as text, and the documentation."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = "flows|tasks|configs|lipsync_engine"
_IMPORT = re.compile(rf"^\s*from ((?:{OURS})[\w.]*) import (\w[\w, ]*)", re.M)
_DOTTED = re.compile(rf"`((?:{OURS})(?:\.\w+)+)(?:\(\))?`")


def texts(path: Path) -> Iterator[str]:
    """The text constants of a program that are more than a word."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " import " in node.value:
            yield node.value


def source(module: str) -> str | None:
    """What a module says, by its dotted name; None if there is none."""
    place = ROOT / module.replace(".", "/")
    found = place.with_suffix(".py") if place.with_suffix(".py").is_file() else place / "__init__.py"
    return found.read_text("utf-8") if found.is_file() else "" if place.is_dir() else None


def known(module: str, name: str) -> bool:
    return source(f"{module}.{name}") is not None or bool(re.search(rf"\b{name}\b", source(module) or ""))


@pytest.mark.parametrize("folder", ["tests", "benchmarks"])
def test_programs_in_texts_import_what_there_is(folder: str) -> None:
    found = [
        (path.relative_to(ROOT).as_posix(), module, name.split()[0])
        for path in sorted((ROOT / folder).rglob("*.py"))
        for text in texts(path)
        for module, names in _IMPORT.findall(text)
        for name in names.split(",")
    ]
    assert [one for one in found if not known(*one[1:])] == []


def test_the_documentation_names_what_there_is() -> None:
    pages = [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    found = [(page.name, name) for page in pages for name in _DOTTED.findall(page.read_text("utf-8"))]
    lost = [
        (page, name)
        for page, name in found
        if source(name) is None
        and not known(*name.rpartition(".")[::2])
        and not known(*name.rpartition(".")[0].rpartition(".")[::2])
    ]
    assert lost == []
    assert found
