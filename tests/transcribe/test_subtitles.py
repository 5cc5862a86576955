import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import BadInputError
from tasks.model import Script
from tasks.transcribe.subtitles import read_script

SRT = """1
00:00:01,000 --> 00:00:02,500
<i>Hello</i>
there &amp; you

2
00:00:03,000 --> 00:00:04,000
JORDI: I am 3 <b>here</b>
"""


def read(folder: Path, name: str, content: str | bytes, language: str | None = None) -> Script:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_script(path, language)


def rows(script: Script) -> list[tuple[int, int, str]]:
    return [(line.start_ms, line.end_ms, line.text) for line in script.lines]


def srt(*cues: tuple[str, str, str]) -> str:
    return "\n".join(f"{index}\n{start} --> {end}\n{text}\n" for index, (start, end, text) in enumerate(cues, 1))


def test_a_cue_is_a_line_of_plain_text(tmp_path: Path) -> None:
    script = read(tmp_path, "talk.en.srt", SRT)
    assert rows(script) == [(1000, 2500, "Hello there & you"), (3000, 4000, "I am 3 here")]
    assert script.language == "en"
    assert script.origin == "subtitles"
    assert script.notes == ()


def test_a_name_before_a_colon_is_the_speaker(tmp_path: Path) -> None:
    script = read(tmp_path, "talk.en.srt", SRT)
    assert [line.speaker for line in script.lines] == ["S1", "Jordi"]
    assert [speaker.id for speaker in script.speakers] == ["S1", "Jordi"]
    plain = read(tmp_path, "b.en.srt", srt(("00:00:01,000", "00:00:02,000", "Note: it is 10:30")))
    assert rows(plain) == [(1000, 2000, "Note: it is 10:30")]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_encodings_that_announce_or_show_themselves(tmp_path: Path, encoding: str) -> None:
    assert rows(read(tmp_path, "talk.es.srt", SRT.replace("Hello", "Señor").encode(encoding)))[0][2] == (
        "Señor there & you"
    )


@pytest.mark.parametrize(
    ("language", "text", "page"), [("fr", "Été", "latin-1"), ("ru", "Привет", "cp1251"), ("ja", "こんにちは", "cp932")]
)
def test_old_code_pages_are_read_and_told(tmp_path: Path, language: str, text: str, page: str) -> None:
    script = read(tmp_path, f"talk.{language}.srt", SRT.replace("Hello", text).encode(page))
    assert script.lines[0].text.startswith(text)
    assert "not UTF-8" in script.notes[0]


@pytest.mark.parametrize("ending", ["\r\n", "\r"])
def test_line_endings_of_other_systems(tmp_path: Path, ending: str) -> None:
    assert len(read(tmp_path, "talk.en.srt", SRT.replace("\n", ending)).lines) == 2


def test_times_written_loosely(tmp_path: Path) -> None:
    script = read(
        tmp_path, "talk.en.srt", srt(("0:0:1.5", "00:00:02,25 X1:10 Y1:20", "a"), ("00:03.000", "0:04,1", "b"))
    )
    assert rows(script) == [(1500, 2250, "a"), (3000, 4100, "b")]


def test_webvtt_voices_notes_styles_and_inner_times(tmp_path: Path) -> None:
    script = read(
        tmp_path,
        "talk.en.vtt",
        "WEBVTT - title\n\nSTYLE\n::cue{color:red}\n\nNOTE hi\nsecond\n\nintro\n00:01.000 --> 00:02.000 align:start\n"
        "<v Ann Lee>Hi <00:01.500><c.red>you</c></v>\n\nid 2\n"
        "00:00:03.000 --> 00:00:04.000\n<v.loud Bob>No &lt;b&gt;\n",
    )
    assert rows(script) == [(1000, 2000, "Hi you"), (3000, 4000, "No <b>")]
    assert [line.speaker for line in script.lines] == ["Ann Lee", "Bob"]


def test_ass_names_tags_comments_and_drawings(tmp_path: Path) -> None:
    event = "Dialogue: 0,0:00:0{}.00,0:00:0{}.50,Default,{},0,0,0,,{}\n"
    script = read(
        tmp_path,
        "talk.en.ass",
        "[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\n"
        "Format: Name, Fontname, Fontsize\nStyle: Default,Arial,20\n\n"
        "[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
        + event.format(1, 1, "Ann", "{\\pos(1,2)\\i1}Hi,\\Nyou{\\i0}")
        + event.format(3, 3, "", "{\\p1}m 0 0 l 1 1{\\p0}")
        + event.format(5, 5, "", "Bye").replace("Dialogue", "Comment"),
    )
    assert rows(script) == [(1000, 1500, "Hi, you")]
    assert script.lines[0].speaker == "Ann"


def test_sounds_are_left_out_and_told(tmp_path: Path) -> None:
    script = read(
        tmp_path,
        "talk.en.srt",
        srt(
            ("00:00:01,000", "00:00:02,000", "♪"),
            ("00:00:02,000", "00:00:03,000", "[applause]"),
            ("00:00:03,000", "00:00:04,000", "- (laughs) Yes, #1 and #2 (both)"),
            ("00:00:05,000", "00:00:05,000", "no time"),
        ),
    )
    assert rows(script) == [(3000, 4000, "Yes, #1 and #2 (both)")]
    assert "3 subtitles without speech" in script.notes[0]


def test_disorder_and_overlap_are_mended_and_told(tmp_path: Path) -> None:
    script = read(
        tmp_path,
        "talk.en.srt",
        srt(
            ("00:00:05,000", "00:00:07,000", "two"),
            ("00:00:01,000", "00:00:06,000", "one"),
            ("00:00:08,000", "00:00:09,000", "upper row"),
            ("00:00:08,000", "00:00:09,500", "lower row"),
        ),
    )
    assert rows(script) == [(1000, 5000, "one"), (5000, 7000, "two"), (8000, 9500, "upper row lower row")]
    assert any("not in order" in note for note in script.notes)
    assert any("2 overlaps" in note for note in script.notes)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (srt(("00:00:01,000", "00:00:xx,500", "a")), "line 2"),
        (srt(("00:00:01,000", "00:00:02,000", "a"), ("-00:00:03,000", "00:00:04,000", "b")), "line 6"),
        (srt(("00:00:05,000", "00:00:02,000", "a")), "line 2: the cue ends before it starts"),
        ("", "empty"),
        ("\ufeff\n\n", "empty"),
        ("rubbish\nmore", "no spoken line"),
        (b"\x00\xff\x00\x80" * 100, "talk.en.srt"),
    ],
)
def test_faults_name_file_and_line(tmp_path: Path, content: str | bytes, complaint: str) -> None:
    with pytest.raises(BadInputError, match=complaint) as raised:
        read(tmp_path, "talk.en.srt", content)
    assert "talk.en.srt" in str(raised.value)


def test_a_broken_ass_event_names_its_line(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="line 3"):
        read(tmp_path, "talk.en.ass", "[Script Info]\n[Events]\nDialogue: 0,0:00:01.00,Default\n")


def test_an_unreadable_file(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"absent\.srt"):
        read_script(tmp_path / "absent.srt", "en")
    with pytest.raises(BadInputError, match="not a subtitle file"):
        read_script(tmp_path / "talk.txt", "en")


def test_the_language_must_be_known(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="do not say their language"):
        read(tmp_path, "talk.srt", SRT)
    assert read(tmp_path, "talk.srt", SRT, "en-GB").language == "en-GB"


def test_our_own_script_survives(tmp_path: Path) -> None:
    script = read(tmp_path, "talk.en.srt", SRT)
    again = read(tmp_path, "script.json", script.model_dump_json())
    assert (again.lines, again.language, again.speakers) == (script.lines, script.language, script.speakers)
    with pytest.raises(BadInputError, match="in en, not in es"):
        read(tmp_path, "script.json", script.model_dump_json(), "es")


@pytest.mark.parametrize("wrapped", [True, False])
def test_whisper_json_in_seconds(tmp_path: Path, wrapped: bool) -> None:
    segment = {
        "start": 0.5,
        "end": 1.25,
        "text": " Hi there",
        "words": [{"word": " Hi", "start": 0.5, "end": 0.8}, {"word": " there", "start": 0.8}],
    }
    content = {"text": "Hi there", "language": "en", "segments": [segment]} if wrapped else [segment]
    script = read(tmp_path, "talk.en.json", json.dumps(content))
    assert rows(script) == [(500, 1250, "Hi there")]
    assert [(word.text, word.start_ms, word.end_ms) for word in script.lines[0].words] == [("Hi", 500, 800)]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ('{"a"', "line 1: not valid JSON"),
        ("{}", "no list of lines"),
        ('[{"text": "x"}]', "entry 1: no times"),
        ('[{"start": 1, "end": 2, "text": "x"}, {"start": 3, "end": 2, "text": "x"}]', "entry 2"),
        ('[{"start": NaN, "end": 2, "text": "x"}]', "entry 1"),
        ('[{"start": true, "end": 2, "text": "x"}]', "entry 1"),
        ('[{"start": -1, "end": 2, "text": "x"}]', "entry 1"),
        ("[1]", "entry 1: no text"),
        ("[" * 100_000, "talk.en.json"),
    ],
)
def test_faults_in_json_name_the_entry(tmp_path: Path, content: str, complaint: str) -> None:
    with pytest.raises(BadInputError, match=complaint):
        read(tmp_path, "talk.en.json", content)


@given(
    st.lists(
        st.tuples(st.integers(0, 60_000), st.integers(1, 9000), st.text(min_size=1, max_size=20)),
        min_size=1,
        max_size=12,
    )
)
def test_whatever_the_cues_lines_are_in_order_apart_and_not_empty(
    tmp_path_factory: pytest.TempPathFactory, cues: list[tuple[int, int, str]]
) -> None:
    entries = [{"start_ms": start, "end_ms": start + length, "text": text} for start, length, text in cues]
    path = tmp_path_factory.mktemp("cues") / "talk.en.json"
    path.write_text(json.dumps(entries), "utf-8")
    try:
        script = read_script(path, None)
    except BadInputError:
        assert (
            not any(letter.isalnum() for _, _, text in cues for letter in text) or "[" in str(cues) or "<" in str(cues)
        )
        return
    ends = 0
    for line in script.lines:
        assert ends <= line.start_ms < line.end_ms
        assert line.text == " ".join(line.text.split()) != ""
        ends = line.end_ms


@given(st.binary(max_size=300), st.sampled_from([".srt", ".vtt", ".ass", ".json"]))
def test_any_bytes_are_read_or_refused_by_name(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, suffix: str
) -> None:
    path = tmp_path_factory.mktemp("bytes") / f"talk.en{suffix}"
    path.write_bytes(content)
    complaint = ""
    try:
        lines = read_script(path, None).lines
    except BadInputError as error:
        lines, complaint = (), str(error)
    assert lines or "talk.en" in complaint
