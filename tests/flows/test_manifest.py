"""Manifests: every kind reads alike, and every fault is named with its row and column."""

from __future__ import annotations

from pathlib import Path

import pandas
import pytest
import yaml

from flows.manifest import read_manifest
from flows.plan import Request
from tasks.errors import BadInputError

ROWS = [
    {"title": "a.mp4", "languages": "es fr", "priority": "1"},
    {"title": "b.mp4", "languages": "ca;pt-BR", "priority": "5", "dub_ca": "ca.wav"},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


def read(path: Path) -> list[Request]:
    return read_manifest(path, "offline", {}, "out")


def written(folder: Path, kind: str) -> Path:
    path = folder / f"titles.{kind}"
    table = pandas.DataFrame(ROWS).fillna("")
    if kind == "csv":
        table.to_csv(path, index=False)
    elif kind == "xlsx":
        table.to_excel(path, index=False)
    elif kind == "parquet":
        table.to_parquet(path)
    else:
        path.write_text(yaml.safe_dump({"titles": ROWS}))
    return path


@pytest.mark.parametrize("kind", ["csv", "xlsx", "parquet", "yaml"])
def test_every_kind_of_manifest_reads_alike(folder: Path, kind: str) -> None:
    first, second = read(written(folder, kind))
    assert first.videos == [str(folder / "b.mp4")]  # the higher priority
    assert first.languages == ["ca", "pt-BR"]
    assert first.dubs == {"ca": str(folder / "ca.wav")}
    assert second.languages == ["es", "fr"]


def test_all_faults_are_named_with_row_and_column(folder: Path) -> None:
    path = folder / "bad.csv"
    path.write_text("title,languages,colour\nmissing.mp4,es,\na.mp4,deutsch,\n,fr,\na.mp4,,\n")
    with pytest.raises(BadInputError) as caught:
        read(path)
    what = caught.value.what
    assert "row 2, column title" in what
    assert "row 3, column languages" in what
    assert "row 4, column title: is empty" in what
    assert "row 5, column languages: is empty" in what
    assert "column colour: unknown" in what


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.csv", b""),
        ("x.csv", b'title,languages\n"a.mp4'),
        ("x.csv", b"\xff\xfe\x00"),
        ("x.yaml", b"titles: [a"),
        ("x.yaml", b"just text"),
        ("x.xlsx", b"not a workbook"),
        ("x.parquet", b"PAR1"),
        ("x.docx", b"x"),
    ],
)
def test_a_broken_manifest_is_refused(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(BadInputError, match=name):
        read(folder / name)


def test_a_missing_manifest_is_refused(folder: Path) -> None:
    with pytest.raises(BadInputError, match="does not exist"):
        read(folder / "nowhere.csv")
