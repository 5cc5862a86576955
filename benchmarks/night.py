"""A night for benchmarks: 12 titles of two seconds, cut from the test media, into 4 languages by the fake profile."""

from __future__ import annotations

import csv
import hashlib
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.clips import CLIPS

LANGUAGES = ("es", "fr", "de", "ja")
_CLIPS = (
    *(clip for clip in CLIPS if Path(clip).name not in ("demo3_video.mp4", "d20.mp4")),
    "_derived/grid_two_faces_alternating.mp4",
    "_derived/grid_wrong_audio.mp4",
    "_derived/englishvideo_plus_music.mp4",
)
#: What may differ between two runs: seconds.
_TIMED = ("summary.json", "lipsync.json", "summary.csv", "summary.md", "summary.parquet")
_PROFILE = "extends: fake\ntitles_at_once: 3\nbranches_at_once: 4\n"


def make_titles(media: Path, folder: Path) -> None:
    """Cut the titles, small, under plain names."""
    folder.mkdir(parents=True)
    for number, clip in enumerate(_CLIPS, 1):
        out = folder / f"title{number:02d}.mp4"
        picture = ["-vf", "scale=320:-2,fps=25", "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p"]
        command = ["ffmpeg", "-v", "error", "-i", str(media / clip), "-t", "2", *picture, "-c:a", "aac", str(out)]
        subprocess.run(command, check=True)
        words = f"1\n00:00:00,200 --> 00:00:01,800\nThis is title number {number}.\n"  # so that no two share a step
        out.with_suffix(".srt").write_text(words)
    (folder / "night.yaml").write_text(_PROFILE)
    write_manifest(folder, {})


def write_manifest(folder: Path, changes: dict[str, dict[str, str]]) -> Path:
    """The manifest of all titles.

    Args:
        folder: where the titles are.
        changes: further cells of a title's row, by its name.
    """
    columns = ["title", "languages", "source_language", "subtitles", "profile", "dub_de"]
    with (folder / "night.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        for number in range(1, len(_CLIPS) + 1):
            name = f"title{number:02d}"
            row = {"title": f"{name}.mp4", "languages": " ".join(LANGUAGES), "source_language": "en"}
            writer.writerow({**row, "subtitles": f"{name}.srt", "profile": "night.yaml", **changes.get(name, {})})
    return folder / "night.csv"


def environment(root: Path) -> dict[str, str]:
    """Of processes with a store and a Prefect home of their own."""
    return {
        **os.environ,
        "POLYDUB_STORE": str(root / "store"),
        "PREFECT_HOME": str(root / "prefect"),
        "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),
    }


def polydub(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of `polydub` in the titles' folder."""
    command = [sys.executable, "-m", "flows.cli", *arguments]
    where = root / "titles"
    return subprocess.run(command, env=environment(root), cwd=where, capture_output=True, text=True, check=False)


def delivered(out: Path) -> dict[str, str]:
    """The sha256 of every delivered file but those with seconds, by its place; the night's own path is left out."""
    lies = str(out.parent).encode()
    return {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes().replace(lies, b"")).hexdigest()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.name not in _TIMED
    }


def masters(out: Path) -> list[str]:
    """Titles and languages that have a master."""
    return sorted(path.stem for path in out.glob("*/*.mp4") if path.stem.rsplit(".", 1)[-1] in LANGUAGES)
