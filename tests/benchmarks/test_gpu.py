"""The GPU figures on a machine without a GPU: every row says what it found, or why it found nothing."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import lipsync_gpu
from benchmarks.lipsync_gpu import Row, Setting, measured
from tests.speech_media import media

ROOT = Path(__file__).parents[2]


def nothing(its: Setting) -> list[Row]:
    raise RuntimeError("no kernel image")


def gone(its: Setting) -> list[Row]:
    os._exit(7)


def test_a_row_that_fails_says_why_and_the_others_go_on(tmp_path: Path):
    its = Setting(tmp_path / "none.mp4", tmp_path, "cpu", 1)
    assert measured(nothing, its, 60)[0].found == "not measured: RuntimeError: no kernel image"
    assert measured(gone, its, 60)[0].found == "not measured: its process ended with 7"
    late = measured(nothing, its, 0)[0]
    assert late.found == "not measured: the time is over"
    assert not late.good


def test_pictures_are_the_same_within_a_level():
    one = [np.full((10, 100), 80, np.uint8)]
    near, far = [one[0] + 1], [one[0].copy()]
    far[0][:2] += 2
    assert lipsync_gpu._same("picture", one, near).good
    assert not lipsync_gpu._same("picture", one, far).good
    assert "20.0000 % of samples more than 1" in lipsync_gpu._same("picture", one, far).found


@pytest.mark.slow
def test_the_prepared_script_measures_every_row_on_the_cpu(tmp_path: Path):
    media("open-dubbing/tests/data/englishvideo.mp4")
    command = [ROOT / "benchmarks" / "gpu.sh", "--cpu"]
    environment = os.environ | {"OUT": str(tmp_path), "PYTHON": sys.executable}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for row in ("tracker", "landmarks", "analysis", "render", "same picture", "end to end", "memory", "no GPU memory"):
        assert row in done.stdout
    assert "not measured: no GPU was used" in done.stdout
    assert (tmp_path / "gpu.json").exists()
