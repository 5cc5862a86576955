"""A night for benchmarks: 12 titles cut from the test media, into 4 languages.

By the profile `fake` they are two seconds long and small, so that a night is orchestration; by `offline` three seconds
of the pictures as they are, with real translation, voices and lip sync.
"""

from __future__ import annotations

import csv
import hashlib
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.clips import CLIPS

#: A profile's languages: `offline` translates into those that Apertium reaches from English.
LANGUAGES = {"fake": ("es", "fr", "de", "ja"), "offline": ("es", "fr", "it", "pt")}
_CLIPS = (
    *(clip for clip in CLIPS if Path(clip).name not in ("demo3_video.mp4", "d20.mp4")),
    "_derived/grid_two_faces_alternating.mp4",
    "_derived/grid_wrong_audio.mp4",
    "_derived/englishvideo_plus_music.mp4",
)
#: What may differ between two runs: seconds.
_TIMED = ("summary.json", "lipsync.json", "summary.csv", "summary.md", "summary.parquet")
_SECONDS = {"fake": "2", "offline": "3"}
_PICTURE = {"fake": ("-vf", "scale=320:-2,fps=25"), "offline": ()}
_PROFILE = "extends: {}\ntitles_at_once: 3\nbranches_at_once: 4\n"


def make_titles(media: Path, folder: Path, profile: str = "fake") -> None:
    """Cut the titles under plain names; ``night`` is their profile, the operator's, ``night.csv`` their manifest."""
    folder.mkdir(parents=True)
    for number, clip in enumerate(_CLIPS, 1):
        out = folder / f"title{number:02d}.mp4"
        encoded = [*_PICTURE[profile], "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-c:a", "aac"]
        command = ["ffmpeg", "-v", "error", "-i", media / clip, "-t", _SECONDS[profile], *encoded, out]
        subprocess.run(list(map(str, command)), check=True)
        words = f"1\n00:00:00,200 --> 00:00:01,800\nThis is title number {number}.\n"  # so that no two share a step
        out.with_suffix(".srt").write_text(words)
    (folder / "night.yaml").write_text(_PROFILE.format(profile))
    write_manifest(folder, {}, profile)


def write_manifest(folder: Path, changes: dict[str, dict[str, str]], profile: str = "fake") -> Path:
    """The manifest of all titles.

    Args:
        folder: where the titles are.
        changes: further cells of a title's row, by its name.
        profile: whose languages.
    """
    dubs = [f"dub_{language}" for language in LANGUAGES[profile]]
    columns = ["title", "languages", "source_language", "subtitles", "profile", *dubs]
    with (folder / "night.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        for number in range(1, len(_CLIPS) + 1):
            name = f"title{number:02d}"
            row = {"title": f"{name}.mp4", "languages": " ".join(LANGUAGES[profile]), "source_language": "en"}
            writer.writerow({**row, "subtitles": f"{name}.srt", "profile": "night", **changes.get(name, {})})
    return folder / "night.csv"


def environment(root: Path) -> dict[str, str]:
    """Of processes with a store, a Prefect home and profiles of their own."""
    return {
        **os.environ,
        "POLYDUB_STORE": str(root / "store"),
        "PREFECT_HOME": str(root / "prefect"),
        "POLYDUB_PROFILES": str(root / "titles"),
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
    languages = {language for some in LANGUAGES.values() for language in some}
    return sorted(path.stem for path in out.glob("*/*.mp4") if path.stem.rsplit(".", 1)[-1] in languages)
