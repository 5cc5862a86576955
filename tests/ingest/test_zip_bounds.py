"""How much an archive may hold: of one file, of all together, how many, and never more than it says."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tasks.keep.zips import Bounds, opened, unpack
from tasks.records.errors import BadInputError

BOUNDS = Bounds(entries=3, each=1000, total=1500)


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ([1000, 500], None),
        ([1, 1, 1], None),
        ([1001], "1.wav"),
        ([800, 800], "unpacks to"),
        ([1, 1, 1, 1], "holds 4 files"),
    ],
)
def test_an_archive_is_refused_from_the_first_byte_above_a_bound(
    tmp_path: Path, sizes: list[int], said: str | None
) -> None:
    with zipfile.ZipFile(tmp_path / "lines.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number, size in enumerate(sizes, start=1):
            archive.writestr(f"{number}.wav", bytes(size))
    if said:
        with pytest.raises(BadInputError, match=said), opened(tmp_path / "lines.zip", BOUNDS):
            pass
    else:
        with opened(tmp_path / "lines.zip", BOUNDS) as found:
            assert [entry.file_size for entry in found.infolist()] == sizes


def test_an_entry_that_is_longer_than_it_says_is_refused_and_not_written_on(tmp_path: Path) -> None:
    path = tmp_path / "lines.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("1.wav", bytes(5 << 20))
    data = bytearray(path.read_bytes())
    said = data.find(b"PK\x01\x02") + 24
    data[said : said + 4] = (100).to_bytes(4, "little")
    path.write_bytes(data)
    with opened(path, BOUNDS) as found, pytest.raises(BadInputError):
        unpack(found, "1.wav", tmp_path / "out")
    assert (tmp_path / "out").stat().st_size <= 100
