from __future__ import annotations

from pathlib import Path

import pytest

from tasks.transcribe.cues import Cue
from tasks.transcribe.rolling import unrolled
from tasks.transcribe.subtitles import read_script

PLATFORM = """WEBVTT
Kind: captions
Language: en

00:00:00.160 --> 00:00:02.070 align:start position:0%
\x20
so<00:00:00.480><c> today</c><00:00:00.800><c> we</c><00:00:01.120><c> bake</c>

00:00:02.070 --> 00:00:02.080 align:start position:0%
so today we bake
\x20

00:00:02.080 --> 00:00:04.230 align:start position:0%
so today we bake
a<00:00:02.400><c> loaf</c><00:00:02.720><c> of</c><00:00:03.040><c> rye</c>

00:00:04.230 --> 00:00:04.240 align:start position:0%
a loaf of rye
\x20

00:00:04.240 --> 00:00:05.900 align:start position:0%
a loaf of rye
with<00:00:04.560><c> seeds</c>
"""
SPOKEN = [(160, "so today we bake"), (2080, "a loaf of rye"), (4240, "with seeds")]


def cues(*texts: str, length_ms: int = 1000, gap_ms: int = 0) -> list[Cue]:
    step = length_ms + gap_ms
    return [Cue(step * place, step * place + length_ms, text, f"line {place}") for place, text in enumerate(texts)]


def texts(given: list[Cue]) -> list[str]:
    return [cue.text.replace("\n", " / ") for cue in unrolled(given)[0]]


def test_the_captions_of_a_video_platform_are_each_row_once_with_its_words_times(tmp_path: Path) -> None:
    path = tmp_path / "talk.en.vtt"
    path.write_text(PLATFORM, "utf-8")
    script = read_script(path, "en")
    assert [(line.start_ms, line.text) for line in script.lines] == SPOKEN
    assert [(word.text, word.start_ms) for word in script.lines[1].words] == [
        ("a", 2080),
        ("loaf", 2400),
        ("of", 2720),
        ("rye", 3040),
    ]
    assert [change.start_ms for change in script.changes] == [2070, 2080, 4230, 4240]
    assert all("rolling captions" in change.reason for change in script.changes)


def test_the_same_as_converted_to_srt(tmp_path: Path) -> None:
    rows = [("00,160", "02,070", " \nso today we bake"), ("02,070", "02,080", "so today we bake\n ")]
    rows += [("02,080", "04,230", "so today we bake\na loaf of rye"), ("04,230", "04,240", "a loaf of rye\n ")]
    rows += [("04,240", "05,900", "a loaf of rye\nwith seeds")]
    path = tmp_path / "talk.en.srt"
    blocks = [f"{n}\n00:00:{a} --> 00:00:{b}\n{text}\n" for n, (a, b, text) in enumerate(rows, start=1)]
    path.write_text("\n".join(blocks), "utf-8")
    assert [(line.start_ms, line.text) for line in read_script(path, "en").lines] == SPOKEN


@pytest.mark.parametrize(
    ("shown", "spoken"),
    [
        (["A a", "A a\nB b", "B b\nC c", "C c\nD d"], ["A a", "B b", "C c", "D d"]),  # CEA-608, two rows
        (["A\nB", "A\nB\nC", "B\nC\nD", "C\nD\nE"], ["A / B", "C", "D", "E"]),  # three rows
        (["so today", "so today we", "so today we bake", "so today we bake\nrye"], ["so today we bake", "rye"]),
        (
            ["one two", "one two", "one two three four", "three four", "three four five"],
            ["one two", "three four", "five"],
        ),
        (["x\nno", "no\nno", "no\nyes"], ["x / no", "no", "yes"]),  # said twice
        (["東京", "東京へ行く", "東京へ行く\n明日は"], ["東京へ行く", "明日は"]),  # a script without spaces
        (["一二", "一二", "一二三四", "三四", "三四五"], ["一二", "三四", "五"]),
    ],
)
def test_rows_that_stay_on_the_screen_are_said_once(shown: list[str], spoken: list[str]) -> None:
    assert texts(cues(*shown)) == spoken


def test_a_row_that_waits_through_a_pause_is_not_said_again() -> None:
    shown = [*cues("A", "A\nB", "B\nC"), Cue(8000, 9000, "C\nD", "line 9")]
    assert texts(shown) == ["A", "B", "C", "D"]


@pytest.mark.parametrize(
    "said",
    [
        ["No.", "No.", "No."],
        ["Who is it?", "Who is it?\nIt's me.", "Come in."],
        ["Attack!\nAttack!", "Attack!\nAttack!"],
        ["I know.", "I know you.", "You do?"],
        ["Hello.", "- Hello.\n- Hi.", "Bye."],
    ],
)
def test_people_who_repeat_themselves_are_heard_each_time(said: list[str]) -> None:
    given = cues(*said)
    assert unrolled(given) == (given, [])
    apart = cues(*said, gap_ms=3000)
    assert unrolled(apart) == (apart, [])
