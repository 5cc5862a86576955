"""What the image of the Prefect server has is enough for the server, and holds nothing of dubbing."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

_IMPORTS = """
import importlib.abc, json, sys

class Refused(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in refused:
            raise ModuleNotFoundError(f"the server's image has no {name}", name=name.split(".")[0])

refused = set(json.loads(sys.argv.pop()))
sys.meta_path.insert(0, Refused())
import flows.service.own_origin, prefect_redis, prefect.server.api.server
sys.argv = ["polydub", "server", "--help"]
import runpy
runpy.run_module("flows.cli", run_name="__main__")
"""


def _locked_for_the_server() -> set[str]:
    """Names of the distributions that `uv sync --only-group server` installs."""
    packages = {one["name"]: one for one in tomllib.loads((ROOT / "uv.lock").read_text("utf-8"))["package"]}
    found: set[str] = set()
    left: list[dict[str, Any]] = list(packages["polydub"]["dev-dependencies"]["server"])
    while left:
        one = left.pop()
        package = packages[one["name"]]
        wanted = package.get("dependencies", []) if one["name"] not in found else []
        found.add(one["name"])
        left += wanted + [
            more for extra in one.get("extra", []) for more in package["optional-dependencies"].get(extra, [])
        ]
    return found


def test_the_server_runs_on_its_own_dependencies_and_none_of_them_is_of_dubbing() -> None:
    there = _locked_for_the_server()
    providers = importlib.metadata.packages_distributions()
    here = {module for module, names in providers.items() if {name.lower().replace("_", "-") for name in names} & there}
    refused = sorted({module for module in providers if module not in here} - set(sys.stdlib_module_names))
    refused = [
        name for name in refused if name not in ("flows", "tasks", "configs", "lipsync_engine", "_distutils_hack")
    ]
    command = [sys.executable, "-c", _IMPORTS, json.dumps(refused)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "password" in done.stdout
