"""The picture of the house: rooms, the floors they stand on, the arrows between them, and how long its functions are.

    python -m benchmarks.house [CHECKOUT ...]

Without arguments this checkout; each further one (a `git worktree` of an older commit) is a column of its own. A room
is a package of `flows`, `tasks` or `lipsync_engine`, or a module that lies loose beside them. An arrow is an import
from one room by another, wherever it is written; a floor is one more than the highest of those a room imports; a circle
is a set of rooms (or modules) that all reach each other. Tests to code: lines of `tests` for each line of the four
packages.
"""

from __future__ import annotations

import argparse
import ast
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grimp
import networkx

HERE = Path(__file__).parents[1]
_HOUSES = ("flows", "tasks", "lipsync_engine")
_CODE = (*_HOUSES, "configs")


def picture(checkout: Path) -> dict[str, str]:
    """The figures of a checkout, by what they say."""
    told: dict[str, str] = {}
    graph = grimp.build_graph(*_CODE, cache_dir=None)
    for house in _HOUSES:
        rooms = _rooms(graph, house)
        told |= {f"{house}: {what}": value for what, value in _figures(rooms, house, checkout).items()}
    return told | {"circles of modules": _circles(_modules(graph))} | _sizes(checkout)


def _modules(graph: grimp.ImportGraph) -> networkx.DiGraph[str]:
    """Which module imports which."""
    imports: networkx.DiGraph[str] = networkx.DiGraph()
    for module in graph.modules:
        imported = graph.find_modules_directly_imported_by(module)
        imports.add_edges_from((module, one) for one in imported if one in graph.modules)
    return imports


def _circles(graph: networkx.DiGraph[str]) -> str:
    """How many are in each circle."""
    circles = [circle for circle in networkx.strongly_connected_components(graph) if len(circle) > 1]
    return ", ".join(str(len(circle)) for circle in circles) or "none"


def _rooms(graph: grimp.ImportGraph, house: str) -> networkx.DiGraph[str]:
    """Which room of a package imports which."""
    rooms: networkx.DiGraph[str] = networkx.DiGraph()
    inside = [module for module in graph.modules if module.startswith(f"{house}.")]
    rooms.add_nodes_from(_room(module) for module in inside)
    for module in inside:
        for imported in graph.find_modules_directly_imported_by(module):
            if imported.startswith(f"{house}.") and _room(imported) != _room(module):
                rooms.add_edge(_room(module), _room(imported))
    return rooms


def _room(module: str) -> str:
    return module.split(".")[1]


def _figures(rooms: networkx.DiGraph[str], house: str, checkout: Path) -> dict[str, str]:
    floors = networkx.dag_longest_path_length(networkx.condensation(rooms)) + 1
    loose = sum((checkout / house / f"{room}.py").exists() for room in rooms)
    return {
        "rooms": str(len(rooms)),
        "of them loose modules": str(loose),
        "floors": str(floors),
        "arrows": str(rooms.number_of_edges()),
        "circles (rooms in each)": _circles(rooms),
    }


def _sizes(checkout: Path) -> dict[str, str]:
    files = {path: len(path.read_text("utf-8").splitlines()) for name in _CODE for path in _written(checkout / name)}
    tests = sum(len(path.read_text("utf-8").splitlines()) for path in _written(checkout / "tests"))
    longest, name = max((length, name) for path in files for length, name in _functions(path))
    largest = max(files, key=files.__getitem__)
    return {
        "files": str(len(files)),
        "median file": f"{statistics.median(files.values()):g} lines",
        "largest file": f"{files[largest]} lines ({largest.relative_to(checkout)})",
        "longest function": f"{longest} lines ({name})",
        "functions above complexity 10": str(_complex(checkout)),
        "lines of code": str(sum(files.values())),
        "tests to code": f"{tests / sum(files.values()):.2f}",
    }


def _written(folder: Path) -> list[Path]:
    """The modules of a folder that say something."""
    return [path for path in sorted(folder.rglob("*.py")) if path.stat().st_size > 0]


def _functions(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield (node.end_lineno or node.lineno) - node.lineno + 1, f"{path.stem}.{node.name}"


def _complex(checkout: Path) -> int:
    """Functions above McCabe's complexity of 10, as ruff counts it; marks in the code silence none."""
    rule = ["--isolated", "--ignore-noqa", "--select", "C901", "--output-format", "json"]
    folders = [str(checkout / name) for name in _CODE]
    found = subprocess.run([sys.executable, "-m", "ruff", "check", *rule, *folders], capture_output=True, check=False)
    return len(json.loads(found.stdout))


def _told_by(checkout: Path) -> dict[str, str]:
    """The picture of a checkout, drawn by a process that imports its packages."""
    drawn = subprocess.run(
        [sys.executable, "-c", _DRAW, str(HERE), str(checkout)],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=True,
    )
    told: dict[str, str] = json.loads(drawn.stdout)
    return told


_DRAW = """
import importlib.util, json, sys
from pathlib import Path
here, checkout = map(Path, sys.argv[1:])
sys.path.insert(0, str(checkout))
spec = importlib.util.spec_from_file_location("house", here / "benchmarks" / "house.py")
house = importlib.util.module_from_spec(spec)
spec.loader.exec_module(house)
print(json.dumps(house.picture(checkout)))
"""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("checkouts", nargs="*", type=Path, metavar="CHECKOUT")
    checkouts = [path.resolve() for path in parser.parse_args().checkouts] or [HERE]
    columns: list[dict[str, Any]] = [_told_by(checkout) for checkout in checkouts]
    print("| | " + " | ".join(checkout.name for checkout in checkouts) + " |")
    print("|---|" + "---|" * len(columns))
    for what in columns[0]:
        print(f"| {what} | " + " | ".join(column[what] for column in columns) + " |")


if __name__ == "__main__":
    main()
