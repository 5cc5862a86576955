"""A batch of 12 titles x 4 languages in which one branch fails in each of three ways, then `polydub retry`.

    python -m benchmarks.failures [--profile offline] [--media DIR] [--work DIR]

``offline`` (the default): real translation, voices, separation and lip sync. The ways: a recorded dub of another title,
one in which nobody speaks, an archive without a line's recording. ``fake``: real ffmpeg, invented speech, in a tenth of
the time; the ways: a language that the translator has no route to, a recorded dub of another title, a language without
a voice. Prints what was delivered and what failed and why, then, after the causes are gone, which branches the retry
ran and how many steps it computed, from the ledger.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from benchmarks.night import delivered, make_titles, masters, polydub, write_manifest

MEDIA = Path("../shared/media")
_NO_ROUTE = "extends: night\ntranslate: {backend: fake, language_check: false, options: {fail: [ja]}}\n"
_NO_VOICE = "extends: night\nsynthesize: {backend: fake, options: {fail: [fr]}}\n"
_ANOTHER = "open-dubbing/tests/data/englishvideo.mp4"  # ten seconds
_MENDED = "extends: night\n"


def main() -> None:
    """Run it and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", choices=("offline", "fake"), default="offline")
    parser.add_argument("--media", type=Path, default=MEDIA)
    parser.add_argument("--work", type=Path, help="a new folder; default: a temporary one")
    options = parser.parse_args()
    root = options.work or Path(tempfile.mkdtemp(prefix="polydub-failures-"))
    titles, out = root / "titles", root / "out"
    make_titles(options.media, titles, options.profile)
    _break(titles, options.media, options.profile)
    began = time.monotonic()
    night = polydub(root, "batch", "night.csv", "--profile", "night", "--out", str(out))
    took = time.monotonic() - began
    print(f"the night: exit code {night.returncode}, {len(masters(out))} of 48 delivered in {took:.0f} s", flush=True)
    for branch in _branches(root):
        if branch["state"] not in ("completed", "needs_review"):
            print(f"  {branch['title']} {branch['language']}: {branch['state']}: {branch['why']}")
    (root / "night.log").write_text(night.stderr)
    before, steps = delivered(out), len(_ledger(root))
    _mend(titles, options.profile)
    again = polydub(root, "retry")
    rows = _ledger(root)[steps:]
    ran = sorted({(row["title"], row["language"]) for row in rows if row["language"]})
    computed = [row for row in rows if row["state"] == "computed" and row["language"]]
    print(f"the retry: exit code {again.returncode}, {len(masters(out))} of 48 delivered")
    print(f"  branches that ran: {', '.join(' '.join(one) for one in ran)}")
    shared = [row for row in rows if row["state"] == "computed" and not row["language"]]
    print(f"  steps computed: {len(computed)} of these branches, {len(shared)} of their titles")
    for row in computed:
        print(f"    {row['title']} {row['language']} {row['step']}")
    after = delivered(out)
    kept = [name for name in before if "multi" not in name and name in after]
    changed = [name for name in kept if before[name] != after[name]]
    print(f"  files delivered before that changed: {changed} of {len(kept)}")
    if not options.work:
        shutil.rmtree(root)


def _break(titles: Path, media: Path, profile: str) -> None:
    _sound_of(media / _ANOTHER, titles / "spoken.wav")
    if profile == "fake":
        (titles / "route.yaml").write_text(_NO_ROUTE)
        (titles / "voice.yaml").write_text(_NO_VOICE)
        broken = {"profile": "route"}, {"dub_de": "spoken.wav"}, {"profile": "voice"}
    else:
        soundfile.write(titles / "silent.wav", np.zeros(3 * 48000, np.float32), 48000)
        _zipped(titles / "silent.wav", titles / "lines.zip", "notes.wav")
        broken = {"dub_pt": "lines.zip"}, {"dub_es": "spoken.wav"}, {"dub_it": "silent.wav"}
    write_manifest(titles, dict(zip(("title03", "title06", "title09"), broken, strict=True)), profile)


def _mend(titles: Path, profile: str) -> None:
    _sound_of(titles / "title06.mp4", titles / "spoken.wav")
    if profile == "fake":
        for name in ("route.yaml", "voice.yaml"):
            (titles / name).write_text(_MENDED)
    else:
        _sound_of(titles / "title09.mp4", titles / "silent.wav")
        _sound_of(titles / "title03.mp4", titles / "line.wav")
        _zipped(titles / "line.wav", titles / "lines.zip", "0001.wav")


def _zipped(sound: Path, archive: Path, name: str) -> None:
    with zipfile.ZipFile(archive, "w") as made:
        made.write(sound, name)


def _sound_of(title: Path, out: Path) -> None:
    """A recorded dub: the sound of a title."""
    command = ["ffmpeg", "-v", "error", "-y", "-i", str(title), "-vn", str(out)]
    subprocess.run(command, check=True)


def _branches(root: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(polydub(root, "status", "--json").stdout)["branches"]
    return found


def _ledger(root: Path) -> list[dict[str, Any]]:
    import pandas

    table = pandas.read_parquet(root / "store" / "ledger").sort_values("time", kind="stable")
    return list(table[table["state"] != "billed"].to_dict("records"))


if __name__ == "__main__":
    main()
