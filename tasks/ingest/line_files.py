"""A dub recorded line by line: a folder of files, or a ZIP of one.

The name of a file ends in the number of its line in the script: ``12.wav``, ``0012.wav``, ``line-12.flac``,
``es_anna_012.wav``. A take may follow, of which the highest counts: ``012_take2.wav``, ``012.t3.wav``. Any format that
ffmpeg decodes will do; names that start with a dot are left alone. The archive, each file and what is heard in all of
them are bounded by the length of the title.
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
from tasks.fit.fit import plan
from tasks.fit.lay import lay
from tasks.ingest.ingest import Ingested
from tasks.keep import zips
from tasks.keep.staging import staged
from tasks.records.errors import BadInputError, PolydubError
from tasks.records.progress import Progress, silent
from tasks.records.record import Asset
from tasks.records.script import Script
from tasks.records.take import Take

_NAME = re.compile(r"(?:.*[^\d])?(\d{1,9})$")
_TAKE = re.compile(r"[-_ .]+(?:take|tk|t)[-_ .]?(\d{1,9})$", re.IGNORECASE)
_SOUND = {".wav", ".flac", ".mp3", ".m4a", ".aac", ".ogg", ".opus", ".aif", ".aiff", ".mp4", ".mov", ".mkv", ".wma"}
#: A line may last as long as the title and this (files that begin where the title does), all that is heard so often.
_MORE_MS, _OFTEN = 60_000, 3
#: 192 kHz, stereo, 32 bit: the most bytes that a millisecond of a recording takes.
_BYTES_PER_MS = 1536
_MOST_FILES = 20_000
#: What is heard of a recording, the silence around it apart.
_LONGEST_MS = 600_000
_FRAME = 10 * media.PER_MS
_BLOCK = 1000 * _FRAME
_BELOW_PEAK_DB = 40.0
_AROUND_MS = 20


def holds_lines(path: Path) -> bool:
    """Whether a recording is a ZIP of files of lines."""
    return zips.is_zip(path)


def pack_lines(folder: Path, out_zip: Path) -> None:
    """Put a folder of lines into one file, the same bytes for the same files.

    Raises:
        BadInputError: it holds no sound file whose name ends in a number, or one that is a link out of it.
    """
    found = [path for path in sorted(folder.iterdir()) if path.is_file() and _line_of(path.name) is not None]
    for path in found:
        if not path.resolve().is_relative_to(folder.resolve()):
            raise BadInputError(
                f"The recording {path.name!r} is a link out of the folder {folder.name!r}.",
                "Put the file itself there.",
            )
    if not found:
        raise BadInputError(
            f"The folder {folder.name!r} contains no recording of a line.",
            "Names end in the number of the line in the script, such as 0012.wav or line-12_take2.wav.",
        )
    with staged(out_zip) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
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
        progress: called with the share that is done.

    Raises:
        BadInputError: no file of a line, one that is no sound, or more than can be unpacked.
    """
    folder = out.parent / f"{out.stem}-lines"
    folder.mkdir(parents=True, exist_ok=True)
    limit_ms = duration_ms + _MORE_MS
    each = limit_ms * _BYTES_PER_MS
    bounds = zips.Bounds(_MOST_FILES, each, max(16 * each, 4 << 30))
    chosen, notes = _chosen(archive, bounds)
    known = {line.id for line in script.lines}
    unknown = sorted(set(chosen) - known)
    takes, silent_lines = [], []
    with zips.opened(archive, bounds) as files:
        for number, name in sorted(one for one in chosen.items() if one[0] in known):
            take = _take(files, name, number, folder, limit_ms)
            if take is None:
                silent_lines.append(number)
            else:
                takes.append(take)
            if sum(one.duration_ms for one in takes) > _OFTEN * limit_ms:
                raise BadInputError(
                    f"The recordings in {archive.name!r} speak for over {_OFTEN * limit_ms / 1000:.0f} s."
                )
            progress(0.5 * len(takes) / max(1, len(chosen)))
    if unknown:
        notes.append(f"Recordings of lines that the script does not have: {', '.join(map(str, unknown))}.")
    missing = sorted(known - {take.line for take in takes})
    if missing:
        notes.append(f"There is no recording of line {', '.join(map(str, missing))}.")
    placements = plan(script, takes, settings, duration_ms)
    notes += lay(takes, placements, duration_ms, out, lambda done: progress(0.5 + done / 2))
    overlong = [placed.line for placed in placements if placed.fit == "overlong"]
    if overlong:
        notes.append(f"Lines {', '.join(map(str, overlong))} are longer than their slots; they were not cut.")
    return Ingested(
        dialogue=out,
        placements=placements,
        kind="lines",
        missing=tuple(missing),
        unknown=tuple(unknown),
        notes=tuple(notes),
    )


def _chosen(archive: Path, bounds: zips.Bounds) -> tuple[dict[int, str], list[str]]:
    """The file of each line, the highest take where there are several."""
    with zips.opened(archive, bounds) as files:
        entries = [entry for entry in files.infolist() if not entry.is_dir()]
    takes: dict[int, list[tuple[int, str]]] = {}
    for entry in sorted(entries, key=lambda entry: entry.filename):
        found = _line_of(PurePosixPath(entry.filename).name)
        if found is not None:
            takes.setdefault(found[0], []).append((found[1], entry.filename))
    if not takes:
        raise BadInputError(
            f"The archive {archive.name!r} contains no recording of a line.",
            "Names end in the number of the line in the script, such as 0012.wav or line-12_take2.wav.",
        )
    several = sorted(number for number, names in takes.items() if len(names) > 1)
    notes = [f"Several takes of line {', '.join(map(str, several))}: the highest number is used."] if several else []
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


def _take(files: zipfile.ZipFile, name: str, line: int, folder: Path, limit_ms: int) -> Take | None:
    """A file as a take without the silence around its speech; None where it is silent.

    Raises:
        BadInputError: it is no sound, or lasts longer than a line of this title can.
    """
    raw = folder / f"{line}{PurePosixPath(name).suffix.lower()}"
    zips.unpack(files, name, raw)
    whole, trimmed = folder / f"{line}.48k.wav", folder / f"{line}.take.wav"
    try:
        heard = media.source(raw).audio.filter("aresample", media.SAMPLE_RATE)
        heard = heard.filter("atrim", end_sample=media.samples(limit_ms) + 1)
        media.run_ffmpeg(media.wav(heard, whole, 1), deadline_s=300.0 + limit_ms / 1000)
    except PolydubError as error:
        raise BadInputError(f"The recording {name!r} cannot be read as sound.", "Give WAV or FLAC files.") from error
    finally:
        raw.unlink()
    with soundfile.SoundFile(whole) as sound:
        if sound.frames > media.samples(limit_ms):
            raise BadInputError(
                f"The recording {name!r} lasts longer than {limit_ms / 1000:.0f} s, too long for a line of this title.",
                "Cut it to its line.",
            )
        first, last = _ends(sound)
        if last - first > media.samples(_LONGEST_MS):
            raise BadInputError(
                f"The recording {name!r} speaks for over {_LONGEST_MS / 60_000:.0f} minutes, too long for a line.",
                "Cut it to its line; a recording of the whole title is given as one file, not in an archive of lines.",
            )
        _copy(sound, first, last, trimmed)
    whole.unlink()
    if last <= first:
        return None
    asset = Asset(uri=str(trimmed), sha256="", bytes=trimmed.stat().st_size)
    return Take(line=line, audio=asset, duration_ms=round((last - first) / media.PER_MS), voice="recording")


def _ends(sound: soundfile.SoundFile) -> tuple[int, int]:
    """First and last audible sample; read in blocks, because a recording may be as long as its title."""
    levels = [_levels(block) for block in sound.blocks(_BLOCK, dtype="float32")]
    level = np.concatenate([np.zeros(0), *levels])
    if not len(level) or level.max() < -70:
        return 0, 0
    heard = np.flatnonzero(level > level.max() - _BELOW_PEAK_DB)
    around = _AROUND_MS * media.PER_MS
    return max(0, int(heard[0]) * _FRAME - around), min(sound.frames, (int(heard[-1]) + 1) * _FRAME + around)


def _levels(block: NDArray[np.float32]) -> NDArray[np.float64]:
    """Of each whole frame in dBFS."""
    frames = block[: len(block) // _FRAME * _FRAME].reshape(-1, _FRAME)
    return np.asarray(10 * np.log10(np.einsum("ij,ij->i", frames, frames) / _FRAME + 1e-12))


def _copy(sound: soundfile.SoundFile, first: int, last: int, out: Path) -> None:
    sound.seek(first)
    with soundfile.SoundFile(out, "w", sound.samplerate, 1, subtype="PCM_24") as trimmed:
        for block in sound.blocks(_BLOCK, frames=last - first, dtype="float32"):
            trimmed.write(block)
