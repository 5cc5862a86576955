"""A title's review pages packed with small films, to be mailed: they play wherever the archive is unpacked."""

from __future__ import annotations

import html
import json
import re
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from tasks import media
from tasks.keep.staging import staged
from tasks.media.probe import probe
from tasks.records.errors import BadInputError
from tasks.report.report import link

_HEIGHT = 360
_SMALL: dict[str, Any] = {"c:v": "libx264", "preset": "veryfast", "crf": 28, "pix_fmt": "yuv420p", "threads": 4}
_SMALL |= {"x264-params": "mbtree=0"}  # with it the same film is not always the same bytes
_SMALL |= {"c:a": "aac", "b:a": "96k", "ac": 2, "movflags": "+faststart", "f": "mp4"}
_OF_A_PICTURE = {"c:v", "preset", "crf", "pix_fmt", "threads", "x264-params"}
_KEPT = ("script.json", "script.srt", "script.vtt", "lipsync.json", "qc.json")
_DATED = (1980, 1, 1, 0, 0, 0)  # the same content gives the same archive
_SOURCE = "source.mp4"


def pack(folder: Path) -> Path:
    """Write ``NAME-report.zip`` beside a delivered title's folder: pages, scripts, sheets, and films of 360 lines.

    Returns:
        The archive.

    Raises:
        BadInputError: the folder is no delivered title's, or lacks a file of it.
    """
    try:
        summary = json.loads((folder / "summary.json").read_bytes())
        pages = {tag: one for tag, one in summary["languages"].items() if one["report"]}
        name = str(summary["title"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInputError(f"{folder} has no summary.json.", "Give a folder that polydub delivered into.") from error
    if not pages or not summary["multi"]:
        raise BadInputError(f"{folder} has no delivered language.", "Run the title first.")
    out = folder.absolute().parent / f"{name}-report.zip"
    with tempfile.TemporaryDirectory(prefix="polydub-report-") as made, staged(out) as part:
        here = Path(made)
        _small(_file(folder, summary["multi"]), here / _SOURCE)
        for tag, one in pages.items():
            (here / tag).mkdir()
            _small(_file(folder, one["master"]), here / one["master"])
            for kept in _KEPT:
                if (folder / tag / kept).is_file():
                    shutil.copyfile(folder / tag / kept, here / tag / kept)
            page = _file(folder, one["report"]).read_text("utf-8")
            (here / tag / "report.html").write_text(_moved(page, one["master"], here / tag), "utf-8")
        (here / "index.html").write_text(_index(name, pages), "utf-8")
        with zipfile.ZipFile(part, "w") as archive:
            for path in sorted(path for path in here.rglob("*") if path.is_file()):
                packed = zipfile.ZipInfo(str(path.relative_to(here)), _DATED)
                stored = path.suffix in (".mp4", ".m4a")
                packed.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
                packed.external_attr = 0o644 << 16
                archive.writestr(packed, path.read_bytes())
    return out


def _file(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
        raise BadInputError(f"{path} is not there.", "Run the title again: what is missing is put back.")
    return path


def _small(film: Path, out: Path) -> None:
    """Its first picture and sound: of the multi-track master, the original's."""
    whole = media.source(film)
    pictures = [whole["V:0"].filter("scale", -2, f"min({_HEIGHT},trunc(ih/2)*2)")] if probe(film).picture else []
    how = {name: value for name, value in _SMALL.items() if pictures or name not in _OF_A_PICTURE}
    with staged(out) as part:
        media.run_ffmpeg(media.sink([*pictures, whole["a:0"]], part, **how))


def _moved(page: str, master: str, folder: Path) -> str:
    """A page whose players find the small films, and whose links are those of files in the archive."""
    for player, film in (("source", f"../{_SOURCE}"), ("dub", f"../{master}")):
        place = html.escape(link(film)).replace("\\", r"\\")
        page = re.sub(
            rf'(<(?:video|audio) id="{player}"[^>]*? src=")[^"#]*(#[^"]*" data-else=")[^"]*("><a href=")[^"]*',
            rf"\g<1>{place}\g<2>\g<3>{place}",
            page,
        )
    return re.sub(r'<a href="\./([^"/]+)">([^<]*)</a>', lambda found: _only(found, folder), page)


def _only(found: re.Match[str], folder: Path) -> str:
    return found[0] if (folder / html.unescape(found[1])).exists() else f"{found[2]} (not in this archive)"


def _index(name: str, pages: dict[str, Any]) -> str:
    items = "".join(
        f'<li><a href="{html.escape(link(f"{tag}/report.html"))}">{html.escape(str(one["language"]))}</a>: '
        f"{html.escape(str(one['state']).replace('_', ' '))}</li>"
        for tag, one in pages.items()
    )
    head = '<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    return f"{head}<title>{html.escape(name)}</title><h1>{html.escape(name)}</h1><ul>{items}</ul>\n"
