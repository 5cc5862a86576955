"""Damaged and forged inputs of every kind, always the same: taken or refused; no traceback, no hang, no leak."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.mutated import SEED, make_seeds, mutated

ROOT = Path(__file__).parents[2]
MOST_KB = 2 << 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mutated")
    make_seeds(folder / "seeds")
    return folder


def taken(folder: Path, first: int, count: int) -> None:
    command = [sys.executable, "-m", "tests.faults.mutated", str(folder), str(first), str(count)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer["wrong"] == {}
    assert answer["tried"] == count
    assert answer["kb"] < MOST_KB


def test_sixty_inputs_are_taken_or_refused(folder: Path) -> None:
    taken(folder, 0, 60)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 2000, 250))
def test_two_thousand_inputs_are_taken_or_refused(folder: Path, first: int) -> None:
    taken(folder, 10_000 + first, 250)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(16))
def test_the_command_ends_by_a_documented_code_and_leaves_nothing_half(
    folder: Path, tmp_path: Path, number: int
) -> None:
    seeds = folder / "seeds"
    dice = random.Random(SEED + number)
    for name in ("a.mp4", "a.srt"):
        (tmp_path / name).write_bytes((seeds / name).read_bytes())
    hurt = tmp_path / ("a.mp4", "a.srt", "list.csv", "profile.yaml")[number % 4]
    hurt.write_bytes(mutated((seeds / hurt.name).read_bytes(), dice, (seeds / "a.mkv").read_bytes()))
    asked = ["run", "a.mp4", "--to", "es", "--from", "en", "--profile", "fake"]
    if hurt.name == "list.csv":
        asked = ["batch", "list.csv", "--profile", "fake"]
    if hurt.name == "profile.yaml":
        asked[-1] = "profile.yaml"
    command = [sys.executable, "-c", "from flows.cli import app; app()", *asked, "--out", "out"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode in (0, 1, 2, 3)
    assert "Traceback" not in done.stderr
    assert not [path for path in tmp_path.rglob("*") if ".part" in path.name or ".scratch" in path.name]
    if done.returncode == 2:
        assert not (tmp_path / "out").exists() or not any((tmp_path / "out").rglob("*.mp4"))
