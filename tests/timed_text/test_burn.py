"""Subtitles in the picture: inside the safe area, in fonts that have every letter, with all else of the master kept."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from configs.profile import load_profile
from configs.subtitle_files import SubtitleSettings
from configs.subtitle_fonts import fonts_of
from tasks.media.probe import probe
from tasks.timed_text.ass import ass_of
from tasks.timed_text.burn import burn_in
from tasks.words import fonts
from tasks.words.cues import Cue
from tasks.words.fonts import Font, family_for, missing_fonts, undrawable

LATIN = Font("Some Sans", ((0x20, 0x17F),))
HEBREW = Font("Noto Sans Hebrew", ((0x20, 0x20), (0x5D0, 0x5EA)))


@pytest.fixture
def few_fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "installed", lambda: (LATIN, HEBREW))


def film(path: Path, size: str = "160x120", *more: str) -> Path:
    """A second of black with a tone, a chapter's worth of tags and a comment."""
    inputs = ["-f", "lavfi", "-i", f"color=black:s={size}:r=25:d=1", "-f", "lavfi", "-i", "sine=d=1"]
    tags = ["-metadata", "comment=made by a machine", "-metadata", "title=Film"]
    command = ["ffmpeg", "-v", "error", *inputs, "-pix_fmt", "yuv420p", *tags, *more, "-y", str(path)]
    subprocess.run(command, check=True)
    return path


def picture(path: Path, size: tuple[int, int], at: str) -> np.ndarray[Any, Any]:
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-ss",
        at,
        "-i",
        str(path),
        "-frames:v",
        "1",
        "-f",
        "rawvideo",
        "-pix_fmt",
        "gray",
        "-",
    ]
    raw = subprocess.run(command, check=True, capture_output=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(size[1], size[0])


def hash_of(path: Path, stream: str) -> str:
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-map", f"0:{stream}", "-c", "copy", "-f", "streamhash", "-"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize(("size", "lowest"), [((320, 180), 0.9), ((360, 640), 0.8)])
def test_words_are_drawn_while_they_are_shown_inside_the_safe_area(
    tmp_path: Path, size: tuple[int, int], lowest: float
) -> None:
    folder = tmp_path / "it's a: folder, [with] signs"
    folder.mkdir()
    aigc = ("-movflags", "use_metadata_tags", "-metadata", 'AIGC={"Label": "1"}')  # of China's rules
    master = film(folder / "film.mp4", f"{size[0]}x{size[1]}", *(aigc if size[0] < size[1] else ()))
    out = folder / "burned.mp4"
    notes = burn_in(master, probe(master, None), [Cue(200, 600, ("Hola.", "¿Qué?"), 0)], "es-MX", "outline", out)
    assert "encoded once more" in notes[0]
    assert [int(picture(out, size, at).max()) > 150 for at in ("0", "0.12", "0.24", "0.52", "0.64")] == [
        False,
        False,
        True,
        True,
        False,
    ]
    rows, columns = np.nonzero(picture(out, size, "0.4") > 128)
    assert 0.4 * size[1] < rows.min() < rows.max() < lowest * size[1]
    assert 0.1 * size[0] < columns.min() < columns.max() < 0.9 * size[0]
    assert abs((columns.min() + columns.max()) / 2 - size[0] / 2) < 0.05 * size[0]
    assert hash_of(out, "a") == hash_of(master, "a")
    shown = ["-show_entries", "format_tags:stream=codec_type", "-of", "json"]
    said = json.loads(
        subprocess.run(["ffprobe", "-v", "error", *shown, str(out)], check=True, capture_output=True).stdout
    )
    assert (said["format"]["tags"]["comment"], said["format"]["tags"]["title"]) == ("made by a machine", "Film")
    assert said["format"]["tags"].get("AIGC") == ('{"Label": "1"}' if size[0] < size[1] else None)
    assert [stream["codec_type"] for stream in said["streams"]] == ["video", "audio"]
    assert b"es-MX" in out.read_bytes()
    assert sorted(path.name for path in folder.iterdir()) == ["burned.mp4", "film.mp4"]


@pytest.mark.usefixtures("few_fonts")
def test_a_letter_without_a_font_is_named_and_nothing_is_drawn(tmp_path: Path) -> None:
    master = film(tmp_path / "film.mp4")
    notes = burn_in(master, probe(master, None), [Cue(0, 900, ("漢字 abc",), 0)], "ja", "box", tmp_path / "out.mp4")
    said = "No copy with burned-in subtitles was made: no installed font has 漢 字."
    assert notes == (f"{said} Install fonts-noto-cjk, and run again.",)
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.usefixtures("few_fonts")
def test_what_a_script_lacks_is_known_before_a_word_is() -> None:
    assert missing_fonts("ja") == "fonts-noto-cjk"
    assert missing_fonts("hi") == "fonts-noto-core"
    assert missing_fonts("he") == ""
    assert family_for("he") == ("Noto Sans Hebrew", 1.0)
    assert family_for("es", "Hola") == ("Some Sans", 1.0)
    assert undrawable("aאa\u200f\u2060\n☃") == "☃"


@pytest.mark.parametrize(
    ("language", "first"),
    [
        ("ja", "Noto Sans CJK JP"),
        ("zh-Hant", "Noto Sans CJK TC"),
        ("zh", "Noto Sans CJK SC"),
        ("ko", "Noto Sans CJK KR"),
    ],
)
def test_han_is_drawn_as_each_language_writes_it(language: str, first: str) -> None:
    wanted = fonts_of(language)
    assert wanted is not None
    assert next(iter(wanted.families)) == first


def test_text_is_no_markup_and_right_to_left_rows_say_so() -> None:
    script = ass_of([Cue(1001, 2999, ("{\\b1}a", "C:\\New"), 0)], "es", (640, 360), ("X", 1.0), "box")
    (event,) = (row for row in script.split("\n") if row.startswith("Dialogue"))
    assert event == "Dialogue: 0,0:00:01.00,0:00:02.99,Default,,0,0,0,,\\{\\\u2060b1\\}a\\NC:\\\u2060New"
    assert "\u200fשלום\\N\u200f(Mr. A)" in ass_of(
        [Cue(0, 1, ("שלום", "(Mr. A)"), 0)], "he", (640, 360), ("X", 1.0), "outline"
    )


def test_languages_to_burn_are_tags_or_names_and_no_others() -> None:
    settings = load_profile("fake", {"subtitles": {"burn": "Spanish"}}).subtitles
    assert (settings.burn, settings.burns("es"), settings.burns("fr"), settings.guided) == (("es",), True, False, True)
    assert SubtitleSettings.model_validate({"burn": ["all"]}).burns("fr")
    with pytest.raises(ValueError, match="klingonese"):
        SubtitleSettings.model_validate({"burn": ["klingonese"]})
