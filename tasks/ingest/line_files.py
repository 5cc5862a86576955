"""A dub recorded line by line: a folder of files, or a ZIP of one.

The name of a file ends in the number of its line in the script: ``12.wav``, ``0012.wav``, ``line-12.flac``,
``es_anna_012.wav``. A take may follow, of which the highest counts: ``012_take2.wav``, ``012.t3.wav``. Any format that
ffmpeg decodes will do; names that start with a dot are left alone.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path, PurePosixPath

import numpy as np
import soundfile
from numpy.typing import NDArray

from configs.profile import FitSettings
from tasks import media
from tasks.errors import BadInputError, PolydubError
from tasks.fit.fit import plan
from tasks.fit.lay import lay
from tasks.ingest.ingest import Ingested
from tasks.model import Asset, Script, Take
from tasks.progress import Progress, silent

_NAME = re.compile(r"(?:.*[^\d])?(\d+)$")
_TAKE = re.compile(r"[-_ .]+(?:take|tk|t)[-_ .]?(\d+)$", re.IGNORECASE)
_SOUND = {".wav", ".flac", ".mp3", ".m4a", ".aac", ".ogg", ".opus", ".aif", ".aiff", ".mp4", ".mov", ".mkv", ".wma"}
_LARGEST = 4 << 30  # bytes unpacked
_FRAME = 10 * media.PER_MS
_BELOW_PEAK_DB = 40.0
_AROUND_MS = 20


def holds_lines(path: Path) -> bool:
    """Whether a recording is a ZIP of files of lines."""
    return zipfile.is_zipfile(path)


def pack_lines(folder: Path, out_zip: Path) -> None:
    """Put a folder of lines into one file, the same bytes for the same files.

    Raises:
        BadInputError: it holds no sound file whose name ends in a number.
    """
    found = [path for path in sorted(folder.iterdir()) if path.is_file() and _line_of(path.name) is not None]
    if not found:
        raise BadInputError(
            f"The folder {folder.name!r} holds no recording of a line.",
            "Names end in the number of the line in the script, such as 0012.wav or line-12_take2.wav.",
        )
    with media.staged(out_zip) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
        for path in found:
            entry = zipfile.ZipInfo(path.name, (1980, 1, 1, 0, 0, 0))
            with path.open("rb") as source, archive.open(entry, "w", force_zip64=True) as target:
                while block := source.read(1 << 20):
                    target.write(block)


def lay_lines(
    archive: Path, script: Script, duration_ms: int, settings: FitSettings, out: Path, progress: Progress = silent
) -> Ingested:
    """Lay the files of lines into their slots, as takes of a voice are: silence trimmed, paced within bounds.

    Args:
        archive: the ZIP.
        script: lines by number.
        duration_ms: of the title.
        settings: bounds of pace.
        out: the dialogue, 48 kHz mono 24-bit WAV; written whole or not at all.
        progress: told the share that is done.

    Raises:
        BadInputError: no file of a line, one that is no sound, or more than can be unpacked.
    """
    folder = out.parent / f"{out.stem}-lines"
    folder.mkdir(parents=True, exist_ok=True)
    chosen, notes = _chosen(archive)
    known = {line.id for line in script.lines}
    unknown = sorted(set(chosen) - known)
    takes, silent_lines = [], []
    with zipfile.ZipFile(archive) as files:
        for number, name in sorted(one for one in chosen.items() if one[0] in known):
            take = _take(files, name, number, folder)
            if take is None:
                silent_lines.append(number)
            else:
                takes.append(take)
            progress(0.5 * len(takes) / max(1, len(chosen)))
    if unknown:
        notes.append(f"Recordings of lines that the script does not have: {', '.join(map(str, unknown))}.")
    missing = sorted(known - {take.line for take in takes})
    if missing:
        notes.append(f"No recording speaks line {', '.join(map(str, missing))}.")
    placements = plan(script, takes, settings, duration_ms)
    notes += lay(takes, placements, duration_ms, out, lambda done: progress(0.5 + done / 2))
    overlong = [placed.line for placed in placements if placed.fit == "overlong"]
    if overlong:
        notes.append(f"Lines {', '.join(map(str, overlong))} are longer than their time allows; kept whole.")
    return Ingested(
        dialogue=out,
        placements=placements,
        kind="lines",
        missing=tuple(missing),
        unknown=tuple(unknown),
        notes=tuple(notes),
    )


def _chosen(archive: Path) -> tuple[dict[int, str], list[str]]:
    """The file of each line, the highest take where there are several."""
    with zipfile.ZipFile(archive) as files:
        entries = [entry for entry in files.infolist() if not entry.is_dir()]
        if sum(entry.file_size for entry in entries) > _LARGEST:
            raise BadInputError(f"The recordings in {archive.name!r} are more than {_LARGEST >> 30} GB unpacked.")
    takes: dict[int, list[tuple[int, str]]] = {}
    for entry in sorted(entries, key=lambda entry: entry.filename):
        found = _line_of(PurePosixPath(entry.filename).name)
        if found is not None:
            takes.setdefault(found[0], []).append((found[1], entry.filename))
    if not takes:
        raise BadInputError(
            f"The archive {archive.name!r} holds no recording of a line.",
            "Names end in the number of the line in the script, such as 0012.wav or line-12_take2.wav.",
        )
    several = sorted(number for number, names in takes.items() if len(names) > 1)
    notes = [f"Several takes of line {', '.join(map(str, several))}: the highest counts."] if several else []
    return {number: max(names)[1] for number, names in takes.items()}, notes


def _line_of(name: str) -> tuple[int, int] | None:
    """The line and the take that a file's name says."""
    path = PurePosixPath(name)
    if name.startswith(".") or path.suffix.lower() not in _SOUND:
        return None
    stem, take = path.stem, 0
    if marked := _TAKE.search(stem):
        stem, take = stem[: marked.start()], int(marked[1])
    numbered = _NAME.match(stem)
    return (int(numbered[1]), take) if numbered else None


def _take(files: zipfile.ZipFile, name: str, line: int, folder: Path) -> Take | None:
    """A file as a take without the silence around its speech; None where it is silent."""
    raw = folder / f"{line}{PurePosixPath(name).suffix.lower()}"
    with files.open(name) as source, raw.open("wb") as target:
        while block := source.read(1 << 20):
            target.write(block)
    whole, trimmed = folder / f"{line}.48k.wav", folder / f"{line}.take.wav"
    try:
        media.run_ffmpeg(media.wav(media.source(raw).audio.filter("aresample", media.SAMPLE_RATE), whole, 1))
    except PolydubError as error:
        raise BadInputError(f"The recording {name!r} cannot be read as sound.", "Give WAV or FLAC files.") from error
    finally:
        raw.unlink()
    sound, rate = soundfile.read(whole, dtype="float32")
    whole.unlink()
    first, last = _ends(sound)
    if last <= first:
        return None
    soundfile.write(trimmed, sound[first:last], rate, subtype="PCM_24")
    asset = Asset(uri=str(trimmed), sha256="", bytes=trimmed.stat().st_size)
    return Take(line=line, audio=asset, duration_ms=round((last - first) / media.PER_MS), voice="recording")


def _ends(sound: NDArray[np.float32]) -> tuple[int, int]:
    """First and last sample of what is heard."""
    frames = sound[: len(sound) // _FRAME * _FRAME].reshape(-1, _FRAME)
    level = 10 * np.log10((frames.astype(np.float64) ** 2).mean(axis=1) + 1e-12) if len(frames) else np.zeros(0)
    if not len(level) or level.max() < -70:
        return 0, 0
    heard = np.flatnonzero(level > level.max() - _BELOW_PEAK_DB)
    around = _AROUND_MS * media.PER_MS
    return max(0, int(heard[0]) * _FRAME - around), min(len(sound), (int(heard[-1]) + 1) * _FRAME + around)
