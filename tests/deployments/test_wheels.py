"""What `uv build` makes: the whole as one wheel, and the lip-sync engine as a wheel that needs nothing else of it."""

from __future__ import annotations

import ast
import importlib.metadata
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENGINE = ROOT / "deployments" / "engine"


def _built(project: Path, folder: Path) -> zipfile.ZipFile:
    """The wheel of a project, by what `make setup` left in uv's cache."""
    command = [
        "uv",
        "build",
        "--offline",
        "--quiet",
        "--wheel",
        "--python",
        sys.executable,
        "--out-dir",
        folder,
        project,
    ]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def _files(package: str) -> set[str]:
    listed = (path for path in (ROOT / package).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(ROOT)) for path in listed}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    return _built(ENGINE, tmp_path_factory.mktemp("engine"))


def test_the_wheel_carries_every_package_with_its_data_and_nothing_else(tmp_path: Path) -> None:
    names = {name for name in _built(ROOT, tmp_path).namelist() if ".dist-info/" not in name}
    assert names == set().union(*map(_files, ("flows", "tasks", "lipsync_engine", "configs")))
    assert {"configs/gates.yaml", "configs/profiles/offline.yaml", "tasks/report/report.html.j2"} <= names
    assert {f"{package}/py.typed" for package in ("flows", "tasks", "lipsync_engine", "configs")} <= names


def test_the_engines_wheel_is_the_engine_alone(engine: zipfile.ZipFile) -> None:
    assert {name for name in engine.namelist() if ".dist-info/" not in name} == _files("lipsync_engine")


def test_the_engine_asks_for_what_it_imports_in_the_versions_of_the_whole() -> None:
    whole, alone = (tomllib.loads((p / "pyproject.toml").read_text("utf-8"))["project"] for p in (ROOT, ENGINE))
    assert set(alone["dependencies"]) <= set(whole["dependencies"])
    assert [alone[key] for key in ("version", "requires-python", "license")] == [
        whole[key] for key in ("version", "requires-python", "license")
    ]
    asked = {name.split(">")[0].split("=")[0].split("[")[0].lower() for name in alone["dependencies"]}
    providers = importlib.metadata.packages_distributions()
    imported = {name for path in _files("lipsync_engine") if path.endswith(".py") for name in _imports(ROOT / path)}
    foreign = imported - set(sys.stdlib_module_names) - {"lipsync_engine"}
    lacking = {name for name in foreign if asked.isdisjoint(one.lower() for one in providers[name])}
    assert not lacking


def _imports(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


_IMPORT_ALL = """
import importlib.abc, importlib, pkgutil, sys

class Refused(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"tasks", "flows", "configs", "prefect", "pydantic"}:
            raise ImportError(f"the engine imports {name}")

sys.meta_path.insert(0, Refused())
import lipsync_engine
assert lipsync_engine.__file__.startswith(sys.argv[1]), lipsync_engine.__file__
for module in pkgutil.walk_packages(lipsync_engine.__path__, "lipsync_engine."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
sys.argv = ["lipsync_engine", "--help"]
import runpy
runpy.run_module("lipsync_engine", run_name="__main__")
"""


def test_the_engine_runs_from_its_wheel_where_nothing_else_of_polydub_is(
    engine: zipfile.ZipFile, tmp_path: Path
) -> None:
    """Installed into a folder of its own, beside the libraries of this environment but not its path to the checkout."""
    installed, elsewhere = tmp_path / "installed", tmp_path / "elsewhere"
    elsewhere.mkdir()
    install = ["uv", "pip", "install", "--offline", "--quiet", "--no-deps", "--target", installed, engine.filename]
    done = subprocess.run(list(map(str, install)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    libraries = importlib.metadata.distribution("numpy").locate_file("")
    paths = {"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{installed}:{libraries}"}
    command = [sys.executable, "-S", "-c", _IMPORT_ALL, str(installed)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=elsewhere, env=paths)
    assert done.returncode == 0, done.stderr
    assert "resync" in done.stdout
