from __future__ import annotations

from pathlib import Path

import pytest

from tasks.records.errors import BadInputError
from tasks.records.script import Script
from tasks.transcribe.subtitles import read_script

HEAD = "[Script Info]\nScriptType: v4.00+\n\n[Events]\n"
HEAD += "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"


def read(folder: Path, *events: tuple[str, str] | tuple[str, str, str]) -> Script:
    """Events of a second each, as style and text (and whose)."""
    rows = [
        f"Dialogue: 0,0:00:{place:02}.00,0:00:{place:02}.90,{style},{''.join(who)},0,0,0,,{text}"
        for place, (style, text, *who) in enumerate(events)
    ]
    path = folder / "film.en.ass"
    path.write_text(HEAD + "\n".join(rows), "utf-8")
    return read_script(path, "en")


def words(script: Script) -> list[str]:
    return [line.text for line in script.lines]


@pytest.mark.parametrize("style", ["Sign", "Signs", "sign_small", "Main-Sign", "TS", "Typesetting", "TitleCard"])
def test_styles_for_signs_are_not_spoken_and_told(tmp_path: Path, style: str) -> None:
    script = read(tmp_path, ("Default", "Good morning."), (style, "{\\pos(320,50)}BAKERY"))
    assert words(script) == ["Good morning."]
    assert [(change.where, change.text, change.reason) for change in script.changes] == [
        ("line 7", "BAKERY", "left out: a sign in the picture, not speech")
    ]
    assert script.kept == ()


@pytest.mark.parametrize("style", ["OP", "ED1", "OP - Romaji", "Song", "Insert Song", "karaoke", "Opening"])
def test_styles_for_songs_stay_as_in_the_original(tmp_path: Path, style: str) -> None:
    script = read(tmp_path, ("Default", "Good morning."), (style, "la la la"))
    assert words(script) == ["Good morning."]
    assert [passage.text for passage in script.kept] == ["♪ la la la ♪"]


@pytest.mark.parametrize("style", ["Default", "Ed", "Opie", "Main", "Default - Top", "Italics", "Signe", "Captions"])
def test_other_styles_are_speech(tmp_path: Path, style: str) -> None:
    assert words(read(tmp_path, ("Default", "Good morning."), (style, "{\\an8}Hello."))) == ["Good morning.", "Hello."]


def test_karaoke_is_a_song_among_lines_without_it_and_speech_where_all_have_it(tmp_path: Path) -> None:
    sung, plain = ("Default", "{\\k20}la {\\kf30}la"), ("Default", "Good morning.")
    assert words(read(tmp_path, plain, sung)) == ["Good morning."]
    assert words(read(tmp_path, sung, ("Default", "{\\k10}Good {\\k20}day."))) == ["la la", "Good day."]


def test_a_placed_line_is_a_sign_among_lines_that_are_not_placed(tmp_path: Path) -> None:
    plain = [("Default", f"Line {n}.") for n in range(3)]
    assert len(read(tmp_path, *plain, ("Default", "{\\pos(100,50)}BAKERY")).lines) == 3
    assert len(read(tmp_path, *plain, ("Default", "{\\pos(9,9)\\fs40\\frz12}Keep out.")).lines) == 3


def test_dialogue_that_is_placed_is_never_lost(tmp_path: Path) -> None:
    plain = [("Default", f"Line {n}.") for n in range(3)]
    placed = [("Default", f"{{\\an7}}{{\\pos(115,228)}}Line {n}") for n in range(4)]
    assert len(read(tmp_path, *placed).lines) == 4  # as ffmpeg writes captions: all are placed
    assert len(read(tmp_path, *placed[:2], *plain[:1]).lines) == 3
    assert words(read(tmp_path, *plain, ("Default", "{\\pos(9,9)}Look out!")))[-1] == "Look out!"
    assert words(read(tmp_path, *plain, ("Default", "{\\pos(9,9)}look", "Anna")))[-1] == "look"


def test_drawings_comments_and_overrides_are_no_words_and_other_braces_are(tmp_path: Path) -> None:
    script = read(
        tmp_path,
        ("Default", "{\\i1}Good{\\i0} {a note}day\\Nto\\hyou."),
        ("Default", "{\\p1}m 0 0 l 100 0{\\p0}"),
        ("Default", "{\\p1}m 0 0{\\p0}Hello"),
        ("Default", "an open { brace"),
        ("Default", "\\{a set\\}"),
    )
    assert words(script) == ["Good day to you.", "Hello", "an open { brace", "{a set}"]
    assert [change.reason for change in script.changes] == ["left out: a drawing, no words"]


def test_a_file_of_signs_and_songs_alone_is_no_script(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"no spoken words.*1 cue left out: a sign"):
        read(tmp_path, ("Sign", "BAKERY"), ("OP", "la la"))


def test_broken_styles_and_fonts_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "film.en.ass"
    event = "Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,x,,Hello."
    path.write_text(f"[V4+ Styles]\nStyle: Default,Arial,big,&Hzz\n[Fonts]\nfontname: a\n!!\n{HEAD}{event}\n", "utf-8")
    assert words(read_script(path, "en")) == ["Hello."]
