"""Files that were swapped behind the back of a finished title: none is delivered, all are made good, and it is told."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from flows.kept.answered import answered_from_store
from tests.e2e.test_fake_profile import delivered, dub, planned

pytestmark = [pytest.mark.slow, pytest.mark.prefect, pytest.mark.usefixtures("prefect_api", "store_folder")]


def swap(path: Path) -> None:
    """Another file of the same size and time in a file's place."""
    before = path.stat()
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def contents(folder: Path) -> dict[str, bytes]:
    """The masters and stems; the papers beside them tell what happened."""
    return {name: (folder / name).read_bytes() for name in delivered(folder) if name.endswith((".mp4", ".mkv", ".wav"))}


def notes_of(summary: dict[str, Any]) -> str:
    return " ".join([*summary["shared"]["notes"], *(n for one in summary["languages"].values() for n in one["notes"])])


def test_swapped_files_are_put_back_or_made_again(short_clip: Path, tmp_path: Path) -> None:
    run, folder = planned(short_clip, tmp_path, "es"), tmp_path / "clip"
    dub(run)
    good = contents(folder)

    for name in ("clip.es.mp4", "clip.multi.mkv", "es/dialogue.wav"):
        swap(folder / name)
    summary = answered_from_store(run)
    assert summary is not None
    assert contents(folder) == good
    for name in ("clip.es.mp4", "clip.multi.mkv"):
        assert f"{name} differed from the delivered file" in notes_of(summary)
    again = answered_from_store(run)
    assert again is not None
    assert "differed from the delivered file" not in notes_of(again)

    for name in ("clip.es.mp4", "clip.multi.mkv"):
        blobs = {path.read_bytes(): path for path in (tmp_path / "store" / "blobs").rglob("*.m*") if path.is_file()}
        swap(blobs[good[name]])
        assert answered_from_store(run) is None
        mended, computed = dub(run)
        assert {event.step for event in computed} <= {"package", "qc", "report", "package-multi"}
        assert computed
        assert mended["failed"] == 0
        assert contents(folder) == good
        assert "damaged" in notes_of(mended)
        assert answered_from_store(run) is not None
