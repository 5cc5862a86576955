from __future__ import annotations

from pathlib import Path

import pytest

from tasks.records.errors import BadInputError
from tasks.records.script import Script
from tasks.transcribe.cues import Cue, lines_from_cues
from tasks.transcribe.subtitles import read_script
from tasks.translate.glossary import read_glossary


def read(folder: Path, content: str, name: str = "film.en.vtt") -> Script:
    path = folder / name
    path.write_text(content, "utf-8")
    return read_script(path, "en")


def words(script: Script) -> list[str]:
    return [line.text for line in script.lines]


def test_only_an_empty_row_ends_a_cue_of_webvtt(tmp_path: Path) -> None:
    assert words(read(tmp_path, "WEBVTT\n\n00:01.000 --> 00:02.000\n \nGood\n\t\nday.\n")) == ["Good day."]


def test_words_that_stand_in_no_cue_of_webvtt_are_told(tmp_path: Path) -> None:
    script = read(
        tmp_path, "WEBVTT\n\n00:01.000 --> 00:02.000\nGood\n\nday.\n\nNOTE this\n\n00:03.000 --> 00:04.000\nBye.\n"
    )
    assert words(script) == ["Good", "Bye."]
    assert [(change.where, change.text) for change in script.changes] == [("line 6", "day.")]
    assert script.notes == ("Subtitles: 1 cue left out: words that stand in no cue.",)


def test_a_cue_in_a_note_is_not_spoken_and_one_named_note_is(tmp_path: Path) -> None:
    hidden = "NOTE\nold\n00:01.000 --> 00:02.000\nHidden.\n\n"
    assert words(read(tmp_path, f"WEBVTT\n\n{hidden}NOTE\n00:03.000 --> 00:04.000\nShown.\n")) == ["Shown."]


def test_a_reading_aid_is_not_said_twice(tmp_path: Path) -> None:
    cue = "<ruby>漢<rt>かん</rt>字<rt>じ</rt></ruby>です"
    assert words(read(tmp_path, f"WEBVTT\n\n00:01.000 --> 00:02.000\n{cue}\n")) == ["漢字です"]


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("{\\an8}Hello {name}", "Hello {name}"),
        ("{i}Hello{/i} {y:i}you", "Hello you"),
        ("Press <enter> or <i>escape</i>", "Press <enter> or escape"),
        ("C:\\new\\Notes", "C:\\new\\Notes"),
        ("Hello<br/>you", "Hello you"),
        ("R&D &amp; AT&T; 5 &lt; 6", "R&D & AT&T; 5 < 6"),
        ("Go --> there", "Go --> there"),
        ("a\n-->\nb", "a --> b"),
    ],
)
def test_markup_is_what_the_format_says_and_the_rest_is_words(tmp_path: Path, written: str, spoken: str) -> None:
    assert words(read(tmp_path, f"1\n00:00:01,000 --> 00:00:02,000\n{written}\n", "film.en.srt")) == [spoken]


@pytest.mark.parametrize(
    "times", ["00:01,000 --> 00:02,000", "0:00:01.0-->0:00:02.0", "00:00:01,000  -->  00:00:02,000 X1:1"]
)
def test_times_are_read_as_players_read_them(tmp_path: Path, times: str) -> None:
    line = read(tmp_path, f"1\n{times}\nHello.\n", "film.en.srt").lines[0]
    assert (line.start_ms, line.end_ms) == (1000, 2000)


def test_a_file_with_every_row_doubled_apart_keeps_its_numbers_out(tmp_path: Path) -> None:
    rows = ["1", "00:00:01,000 --> 00:00:02,000", "One.", "", "2", "00:00:03,000 --> 00:00:04,000", "Two."]
    assert words(read(tmp_path, "\n\n".join(rows), "film.en.srt")) == ["One.", "Two."]


def test_a_short_cue_inside_a_long_one_leaves_it_its_words_and_its_time() -> None:
    long = "I went home. Then I slept for a very long time, and then I woke up again."
    lines, changes = lines_from_cues([Cue(0, 9000, long, "line 2"), Cue(1000, 1800, "Yes?", "line 6")])
    assert [(line.start_ms, line.end_ms, line.text) for line in lines] == [
        (0, 1000, "I went home."),
        (1000, 1800, "Yes?"),
        (1800, 9000, long[13:]),
    ]
    assert [change.reason for change in changes] == ["split around a shorter one inside"]


def test_a_long_cue_without_a_pause_is_said_behind_a_short_one_that_comes_early() -> None:
    lines, _ = lines_from_cues([Cue(0, 6000, "I will tell you a long story of it.", "a"), Cue(500, 1200, "Yes?", "b")])
    assert [(line.start_ms, line.end_ms, line.text[:4]) for line in lines] == [
        (500, 1200, "Yes?"),
        (1200, 6000, "I wi"),
    ]


def test_a_long_cue_that_has_room_before_the_short_one_stays_before_it() -> None:
    lines, _ = lines_from_cues([Cue(0, 9000, "I went home.", "a"), Cue(5000, 6000, "Yes?", "b")])
    assert [(line.start_ms, line.end_ms) for line in lines] == [(0, 5000), (5000, 6000)]


@pytest.mark.parametrize("field", ['"text": "a \\ud83d b"', '"text": "a", "speaker": "A\\udc00"'])
def test_half_a_character_in_json_is_refused_with_its_place(tmp_path: Path, field: str) -> None:
    with pytest.raises(BadInputError, match=r"film\.en\.json', segment 1: (text|speaker): .*half a character"):
        read(tmp_path, f'[{{"start": 0, "end": 1, {field}}}]', "film.en.json")


@pytest.mark.parametrize("content", ['en,es\n"mouth,boca\n', 'en,es\nmouth,"bo"ca\n', "en,es\na," + "b" * 200_000])
def test_a_quote_left_open_in_a_glossary_is_refused_by_row(tmp_path: Path, content: str) -> None:
    path = tmp_path / "words.csv"
    path.write_text(content, "utf-8")
    with pytest.raises(BadInputError, match=r"words\.csv is not valid: row \d"):
        read_glossary(path)
