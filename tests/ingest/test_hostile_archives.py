"""An archive of lines from outside: refused by what it says, before much of it is unpacked."""

from __future__ import annotations

import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from configs.profile import FitSettings
from tasks.ingest.line_files import holds_lines, lay_lines, pack_lines
from tasks.records.errors import BadInputError
from tasks.records.script import Line, Script

SCRIPT = Script(language="es", lines=(Line(id=1, start_ms=0, end_ms=2000, text="x"),))


def lay(archive: Path) -> None:
    lay_lines(archive, SCRIPT, 3000, FitSettings(), archive.parent / "d.wav")  # type: ignore[call-arg]


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A second of sound."""
    path = tmp_path_factory.mktemp("line") / "1.wav"
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=d=1", str(path)], check=True)
    return path.read_bytes()


def huge(path: Path, line: bytes) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("1.wav", "w") as entry:
        for _ in range(110):
            entry.write(bytes(1_000_000))


def many(path: Path, line: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(20_001):
            archive.writestr(f"{number}.txt", "")


def endless_list(path: Path, line: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("1.wav", line)
        archive.comment = b""
    data = bytearray(path.read_bytes())
    at = data.rfind(b"PK\x05\x06")
    data[at + 12 : at + 16] = (1 << 30).to_bytes(4, "little")
    path.write_bytes(data)


def long(path: Path, line: bytes) -> None:
    """Two hours of silence in a few kilobytes."""
    sound = path.with_name("1.flac")
    made = "-f lavfi -i anullsrc=r=8000:cl=mono -t 7200"
    subprocess.run(["ffmpeg", "-v", "error", "-y", *made.split(), str(sound)], check=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(sound, "1.flac")


def playlist(path: Path, line: bytes) -> None:
    (path.parent / "other.wav").write_bytes(line)
    with zipfile.ZipFile(path, "w") as archive:
        other = path.parent / "other.wav"
        archive.writestr("1.m4a", f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2.0,\n{other}\n#EXT-X-ENDLIST\n")


def concatenation(path: Path, line: bytes) -> None:
    (path.parent / "other.wav").write_bytes(line)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("1.wav", f"ffconcat version 1.0\nfile '{path.parent / 'other.wav'}'\n")


def encrypted(path: Path, line: bytes) -> None:
    stored(path, line)
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.find(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)


def oddly_packed(path: Path, line: bytes) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("1.wav", line)


def unknown_packing(path: Path, line: bytes) -> None:
    stored(path, line)
    data = bytearray(path.read_bytes())
    data[8] = data[data.find(b"PK\x01\x02") + 10] = 9  # deflate64
    path.write_bytes(data)


def stored(path: Path, line: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("1.wav", line)


def cut(path: Path, line: bytes) -> None:
    stored(path, line)
    path.write_bytes(path.read_bytes()[:-30])


def flipped(path: Path, line: bytes) -> None:
    stored(path, line)
    data = bytearray(path.read_bytes())
    data[500] ^= 0xFF
    path.write_bytes(data)


def misplaced(path: Path, line: bytes) -> None:
    """The list of entries says that it begins after the end: the first entry lies before the beginning."""
    stored(path, line)
    data = bytearray(path.read_bytes())
    at = data.rfind(b"PK\x05\x06")
    data[at + 16 : at + 20] = (1 << 30).to_bytes(4, "little")
    path.write_bytes(data)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def twice(path: Path, line: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("1.wav", line)
        archive.writestr("1.wav", line)


def climbing(path: Path, line: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../1.wav", line)


def endless_name(path: Path, line: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{'-' * 60_000}.wav", line)


def endless_number(path: Path, line: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{'1' * 200}.wav", line)


REFUSED: dict[Callable[[Path, bytes], None], str] = {
    huge: "110 MB unpacked",
    many: "holds 20001 files",
    endless_list: "too many files",
    long: "lasts longer than 63 s",
    playlist: r"'1\.m4a' cannot be read as sound",
    concatenation: r"'1\.wav' cannot be read as sound",
    encrypted: "is encrypted",
    oddly_packed: "compression method 14",
    unknown_packing: "compression method 9",
    cut: "cannot be unpacked",
    flipped: "cannot be unpacked",
    misplaced: "cannot be unpacked",
    twice: "twice",
    climbing: "not a name inside the archive",
    endless_name: "not a name inside the archive",
    endless_number: "contains no recording of a line",
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("make", REFUSED, ids=lambda make: make.__name__)
def test_it_is_refused_by_what_is_wrong(make: Callable[[Path, bytes], None], line: bytes, tmp_path: Path) -> None:
    archive = tmp_path / "lines.zip"
    make(archive, line)
    assert holds_lines(archive)
    with pytest.raises(BadInputError, match=REFUSED[make]):
        lay(archive)
    assert not (tmp_path / "d.wav").exists()
    assert sum(path.stat().st_size for path in (tmp_path / "d-lines").rglob("*")) < 40 << 20


def test_a_folder_inside_the_archive_is_usual(line: bytes, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "lines.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("es/anna/1.wav", line)
    lay(tmp_path / "lines.zip")
    assert (tmp_path / "d.wav").exists()


def test_a_recording_in_a_folder_may_not_be_a_link_out_of_it(line: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "es"
    folder.mkdir()
    (tmp_path / "secret.wav").write_bytes(line)
    (folder / "1.wav").symlink_to(tmp_path / "secret.wav")
    with pytest.raises(BadInputError, match=r"'1\.wav' is a link out of the folder"):
        pack_lines(folder, tmp_path / "lines.zip")
    (folder / "1.wav").unlink()
    (folder / "take.wav").write_bytes(line)
    (folder / "1.wav").symlink_to("take.wav")  # within: as good as the file
    (tmp_path / "given").symlink_to(folder)  # the operator's own name may be a link
    pack_lines(tmp_path / "given", tmp_path / "lines.zip")
    assert zipfile.ZipFile(tmp_path / "lines.zip").namelist() == ["1.wav"]
