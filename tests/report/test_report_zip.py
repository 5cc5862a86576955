"""A title's pages, packed with small films, play wherever they are unpacked."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from flows.terminal.report_zip import pack
from tasks.media.probe import probe
from tasks.records.errors import BadInputError
from tasks.report.report import write_report
from tests.clips import ffmpeg
from tests.report.sample import report_inputs

NAME = "tal'k <1>"


@pytest.fixture
def delivered(short_clip: Path, tmp_path: Path) -> Path:
    """A delivered title whose source has moved away."""
    folder = tmp_path / "out" / NAME
    (folder / "es").mkdir(parents=True)
    shutil.copy(short_clip, folder / f"{NAME}.es.mp4")
    ffmpeg("-i", short_clip, "-c", "copy", folder / f"{NAME}.multi.mkv")
    page = replace(
        report_inputs(tmp_path),
        source_media="/gone/source.mp4",
        dub_media=f"../{NAME}.es.mp4",
        files=(("script", "script.json"), ("mix", "mix.wav")),
    )
    write_report(folder / "es" / "report.html", page)
    (folder / "es" / "script.json").write_text("{}")
    language = {"report": "es/report.html", "master": f"{NAME}.es.mp4", "language": "Spanish", "state": "needs_review"}
    summary = {"title": NAME, "multi": f"{NAME}.multi.mkv", "languages": {"es": language}}
    (folder / "summary.json").write_text(json.dumps(summary))
    return folder


def test_every_player_and_link_of_the_archive_leads_to_a_file_in_it(delivered: Path, tmp_path: Path) -> None:
    archive = pack(delivered)
    assert archive == delivered.parent / f"{NAME}-report.zip"
    there = tmp_path / "elsewhere"
    zipfile.ZipFile(archive).extractall(there)
    page = (there / "es" / "report.html").read_text()
    assert "/gone/source.mp4" not in re.findall(r'(?:src|href|data-else)="([^"]*)"', page)
    films = re.findall(r'<video id="(\w+)"[^>]* src="([^"#]*)', page)
    assert [player for player, _ in films] == ["source", "dub"]
    for place in (there / "source.mp4", there / f"{NAME}.es.mp4"):
        facts = probe(place)
        assert facts.picture is not None
        assert facts.picture.height <= 360
        assert facts.audio
    assert "es/report.html" in (there / "index.html").read_text()
    assert "<1>" not in (there / "index.html").read_text()
    assert "not in this archive" in page  # stems are large


def test_the_same_delivery_gives_the_same_archive(delivered: Path) -> None:
    first = pack(delivered).read_bytes()
    assert pack(delivered).read_bytes() == first


@pytest.mark.parametrize("lost", ["summary.json", f"{NAME}.es.mp4", f"{NAME}.multi.mkv"])
def test_what_lacks_a_file_is_not_packed(delivered: Path, lost: str) -> None:
    (delivered / lost).unlink()
    with pytest.raises(BadInputError):
        pack(delivered)
    assert list(delivered.parent.iterdir()) == [delivered]
