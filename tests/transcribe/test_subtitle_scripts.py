from __future__ import annotations

import json
import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.records.errors import BadInputError
from tasks.records.script import Line, Script, Word
from tasks.transcribe.captions import spoken
from tasks.transcribe.cues import Cue, counted, lines_from_cues
from tasks.transcribe.subtitles import read_script
from tasks.words.subtitles import write_subtitles

SRT = "1\n00:00:01,000 --> 00:00:02,500\nGood morning,\nmy name is Anna.\n\n2\n00:00:03,000 --> 00:00:04,000\nHello.\n"
ASS = """[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize
Style: Default,Arial,20

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Comment: 0,0:00:00.00,0:00:01.00,Default,,0,0,0,,nobody says this
Dialogue: 0,0:00:01.00,0:00:02.50,Default,Anna,0,0,0,,{\\i1}Good{\\i0} morning,\\Nyou{\\an8}.
Dialogue: 0,0:00:03.00,0:00:04.00,Default,,0,0,0,,{\\p1}m 0 0 l 100 0{\\p0}
"""


def read(folder: Path, text: str | bytes, name: str = "talk.en.srt", language: str | None = None) -> Script:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_script(path, language)


def texts(script: Script) -> list[str]:
    return [line.text for line in script.lines]


def test_a_cue_is_a_line_on_one_row(tmp_path: Path) -> None:
    script = read(tmp_path, SRT)
    assert [(line.start_ms, line.end_ms, line.text) for line in script.lines] == [
        (1000, 2500, "Good morning, my name is Anna."),
        (3000, 4000, "Hello."),
    ]
    assert (script.language, script.origin, script.notes) == ("en", "subtitles", ())


@pytest.mark.parametrize(
    "data",
    [
        SRT.encode("utf-8-sig"),
        SRT.encode("utf-16"),
        SRT.encode("utf-32"),
        SRT.replace("\n", "\r\n").encode(),
        SRT.replace("\n", "\r\r\n").encode(),
        SRT.rstrip().encode(),
    ],
)
def test_byte_order_marks_and_line_ends_do_not_matter(tmp_path: Path, data: bytes) -> None:
    assert texts(read(tmp_path, data)) == ["Good morning, my name is Anna.", "Hello."]


@pytest.mark.parametrize("data", [b"\x00\x01\x02\xff" * 50, b"", b"\n\n", b"only words"])
def test_what_is_no_subtitle_file_is_refused_by_name(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(BadInputError, match=r"talk\.en\.srt"):
        read(tmp_path, data)


@pytest.mark.parametrize("times", ["00:00:03,000 --> never", "00:00:03 --> 00:00:04", "3 --> 4", "-->"])
def test_times_that_cannot_be_read_are_named_with_their_line(tmp_path: Path, times: str) -> None:
    with pytest.raises(BadInputError, match=r"talk\.en\.srt', line 7"):
        read(tmp_path, SRT.replace("00:00:03,000 --> 00:00:04,000", times))


def test_a_cue_that_ends_before_it_starts_is_named_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="line 7: the cue ends before"):
        read(tmp_path, SRT.replace("--> 00:00:04", "--> 00:00:02"))


def test_negative_times_begin_at_zero(tmp_path: Path) -> None:
    assert read(tmp_path, SRT.replace("00:00:01,000", "-00:00:01,000")).lines[0].start_ms == 0


def test_numbers_are_words_when_they_are_spoken(tmp_path: Path) -> None:
    spoken = read(tmp_path, SRT.replace("my name is Anna.", "1984").replace("Hello.", "42"))
    assert texts(spoken) == ["Good morning, 1984", "42"]


def test_cues_need_no_blank_rows_or_numbers_between_them(tmp_path: Path) -> None:
    assert texts(read(tmp_path, SRT.replace("\n\n", "\n"))) == ["Good morning, my name is Anna.", "Hello."]
    assert texts(read(tmp_path, SRT.replace("\n\n2\n", "\n\n"))) == ["Good morning, my name is Anna.", "Hello."]


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("<i>Hello</i> {\\an8}there", "Hello there"),
        ("<font color='red'>Hello</font>", "Hello"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("Tom &amp; Anna", "Tom & Anna"),
        ("- Hello.", "Hello."),
        ("[laughs] Hello", "Hello"),
        ("\u2060Hello\ufeff", "Hello"),
        ("ANNA: Hello", "Hello"),
        ("Note: hello", "Note: hello"),
    ],
)
def test_only_what_is_spoken_remains(tmp_path: Path, written: str, spoken: str) -> None:
    assert texts(read(tmp_path, SRT.replace("Hello.", written)))[1] == spoken


@pytest.mark.parametrize("sound", ["♪", "♪ la la la ♪", "♪ la\nla la", "[applause]", "(laughs)", "- [sighs]", "（笑）"])
def test_songs_and_sounds_are_no_lines_and_stay_as_they_are(tmp_path: Path, sound: str) -> None:
    script = read(tmp_path, SRT.replace("Hello.", sound))
    assert texts(script) == ["Good morning, my name is Anna."]
    assert [passage.text for passage in script.kept] == [" ".join(sound.split())]
    assert script.kept[0].end_ms > script.kept[0].start_ms
    assert script.notes == ("Subtitles: 1 cue of songs or sounds: the original stays there.",)


@pytest.mark.parametrize("nothing", ["...", "<i></i>", "", "-"])
def test_cues_without_words_are_left_out_with_a_note(tmp_path: Path, nothing: str) -> None:
    script = read(tmp_path, SRT.replace("Hello.", nothing))
    assert (texts(script), script.kept) == (["Good morning, my name is Anna."], ())
    assert script.notes == ("Subtitles: 1 cue left out: no words.",)
    assert [(change.where, change.start_ms, change.became) for change in script.changes] == [("line 7", 3000, "")]


def test_songs_come_back_from_our_own_script(tmp_path: Path) -> None:
    script = read(tmp_path, SRT.replace("Hello.", "♪ la la ♪"))
    path = tmp_path / "script.json"
    path.write_text(script.model_dump_json(), "utf-8")
    assert read_script(path, None).kept == script.kept


def test_a_file_of_music_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no spoken words"):
        read(tmp_path, "1\n00:00:01,000 --> 00:00:02,000\n♪ ♪\n")


def test_webvtt_notes_styles_and_names_are_not_spoken(tmp_path: Path) -> None:
    script = read(
        tmp_path,
        "WEBVTT\nKind: captions\nLanguage: en-GB\n\nSTYLE\n::cue { color: red }\n\nNOTE a --- remark\n\nintro\n"
        "00:01.000 --> 00:02.000 align:start\n<v.loud Anna Lee>Good <00:01.500><c>morning</c> &lt;you&gt;\n\n"
        "NOTE\nmore\n\nsecond\n01:00:03.000 --> 01:00:04.000\n<v Tom>Hello.</v>\n",
        "talk.vtt",
    )
    assert [(line.start_ms, line.speaker, line.text) for line in script.lines] == [
        (1000, "Anna Lee", "Good morning <you>"),
        (3_603_000, "Tom", "Hello."),
    ]
    assert script.language == "en-GB"


def test_ass_names_are_speakers_and_comments_and_drawings_are_not_spoken(tmp_path: Path) -> None:
    script = read(tmp_path, ASS, "talk.en.ass")
    assert [(line.start_ms, line.end_ms, line.speaker, line.text) for line in script.lines] == [
        (1000, 2500, "Anna", "Good morning, you.")
    ]


def test_a_wrong_time_in_ass_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"talk\.en\.ass"):
        read(tmp_path, ASS.replace("0:00:01.00,0:00:02.50", "soon,later"), "talk.en.ass")
    with pytest.raises(BadInputError, match="line 11"):
        read(tmp_path, ASS.replace("0:00:01.00,0:00:02.50", "0:00:03.00,0:00:02.50"), "talk.en.ass")


def test_rows_of_a_language_without_spaces_are_one_text(tmp_path: Path) -> None:
    srt = "1\n00:00:01,000 --> 00:00:03,000\n客観的実在の\n判断的知識\n\n2\n00:00:04,000 --> 00:00:05,000\nสวัสดี\nครับ\n"
    assert texts(read(tmp_path, srt, "talk.ja.srt")) == ["客観的実在の判断的知識", "สวัสดีครับ"]
    song = "1\n00:00:01,000 --> 00:00:03,000\n♪ さくら\nさくら ♪\n\n2\n00:00:04,000 --> 00:00:05,000\nはい\n"
    assert [one.text for one in read(tmp_path, song, "song.ja.srt").kept] == ["♪ さくらさくら ♪"]


def test_words_with_times_come_back_in_a_language_without_spaces(tmp_path: Path) -> None:
    words = [{"word": text, "start": n, "end": n + 1} for n, text in enumerate(["客観", "的", " Speech", "だ"])]
    script = read(
        tmp_path, json.dumps([{"start": 0, "end": 4, "text": "客観的 Speechだ", "words": words}]), "a.ja.json"
    )
    assert [word.text for word in script.lines[0].words] == ["客観", "的", "Speech", "だ"]


def test_our_own_script_is_read_back_whole(tmp_path: Path) -> None:
    word = Word(text="Hola.", start_ms=0, end_ms=900)
    script = Script(
        language="es",
        lines=(Line(id=0, start_ms=0, end_ms=1000, text="Hola.", speaker="Anna", words=(word,)),),
        origin="subtitles",
    )
    assert read(tmp_path, script.model_dump_json(), "script.json") == script


def test_whisper_json_and_plain_lists_are_read(tmp_path: Path) -> None:
    segment = {"start": 1, "end": 2.5, "text": " Hello.", "words": [{"word": " Hello.", "start": 1.0, "end": 2.4}]}
    heard = read(tmp_path, json.dumps({"text": "Hello.", "segments": [segment], "language": "en"}), "a.json")
    assert [(line.start_ms, line.end_ms, line.text) for line in heard.lines] == [(1000, 2500, "Hello.")]
    assert heard.lines[0].words == (Word(text="Hello.", start_ms=1000, end_ms=2400),)
    plain = read(tmp_path, json.dumps([{"start_ms": 10, "end_ms": 900, "text": "Hi"}]), "b.en.json")
    assert (plain.lines[0].start_ms, plain.lines[0].end_ms) == (10, 900)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ("{", "line 1"),
        ("[" * 100_000, "nested|line 1"),
        ("{}", "no list"),
        ("[3]", "segment 1"),
        ('[{"start": 0, "end": 1, "text": "a"}, {"start": "0", "end": 1, "text": "a"}]', "segment 2: start"),
        ('[{"start": NaN, "end": 1, "text": "a"}]', "segment 1: start"),
        ('[{"start": 0, "end": 1e300, "text": "a"}]', "segment 1: end"),
        ('[{"start": 2, "end": 1, "text": "a"}]', "segment 1: the cue ends"),
        ('[{"start": 0, "end": 1}]', "segment 1: text"),
        ("[]", "no spoken words"),
    ],
)
def test_json_of_another_shape_is_refused_with_its_place(tmp_path: Path, data: str, complaint: str) -> None:
    with pytest.raises(BadInputError, match=complaint):
        read(tmp_path, data, "a.en.json")


def test_the_language_is_what_the_user_says_then_what_the_file_says(tmp_path: Path) -> None:
    assert read(tmp_path, SRT, "talk.pt-BR.srt").language == "pt-BR"
    assert read(tmp_path, SRT, "talk.pt-BR.srt", "en").language == "en"
    with pytest.raises(BadInputError, match="--from"):
        read(tmp_path, SRT, "talk.srt")
    with pytest.raises(BadInputError, match=r"\.txt"):
        read(tmp_path, SRT, "talk.txt")
    with pytest.raises(BadInputError, match="cannot be read"):
        read_script(tmp_path / "absent.en.srt", None)


times = st.integers(-2000, 20_000)
cues = st.lists(
    st.builds(
        lambda start, length, text: Cue(start, start + length, text, "line 1"),
        times,
        st.integers(0, 6000),
        st.text(alphabet="ab .♪[]-:A", max_size=12),
    ),
    max_size=12,
)


@given(cues)
def test_lines_are_in_order_and_apart_whatever_the_cues(given_cues: list[Cue]) -> None:
    said, passages, _ = spoken(given_cues)
    lines, _ = lines_from_cues(said)
    assert [line.id for line in lines] == list(range(len(lines)))
    assert all(0 <= line.start_ms < line.end_ms and line.text == line.text.strip() != "" for line in lines)
    assert all(before.end_ms <= after.start_ms for before, after in pairwise(lines))
    assert all(0 <= passage.start_ms < passage.end_ms for passage in passages)


@given(st.text(max_size=200), st.sampled_from([".srt", ".vtt", ".ass", ".json"]))
def test_any_text_is_read_or_refused(text: str, suffix: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for content in (text, SRT.replace("Hello.", text), ASS + text):
            path = Path(folder) / f"a.en{suffix}"
            path.write_bytes(content.encode("utf-8", "surrogatepass"))
            try:
                script = read_script(path, None)
            except BadInputError:
                continue
            assert script.lines


def test_overlapping_cues_come_apart_and_nothing_is_lost() -> None:
    overlapping = [Cue(0, 3000, "one", ""), Cue(2000, 4000, "two", ""), Cue(2000, 4000, "three!", "")]
    lines, changes = lines_from_cues(overlapping)
    assert [(line.start_ms, line.end_ms, line.text) for line in lines] == [
        (0, 2000, "one"),
        (2000, 2667, "two"),
        (2667, 4000, "three!"),
    ]
    assert counted(changes) == ("Subtitles: 2 cues shortened: the next begins before the end.",)


def test_repeated_and_unordered_cues_are_put_right_with_notes() -> None:
    lines, changes = lines_from_cues(
        [Cue(5000, 6000, "b", ""), Cue(0, 900, "a", ""), Cue(0, 900, "a", ""), Cue(7000, 7000, "c", "")]
    )
    assert [line.text for line in lines] == ["a", "b"]
    assert len(counted(changes)) == len(changes) == 3


@pytest.mark.parametrize("name", ["x.en.srt", "x.en.vtt"])
def test_our_own_subtitles_are_read_back(tmp_path: Path, name: str) -> None:
    lines = (
        Line(id=0, start_ms=1000, end_ms=3000, text="a <b> {c} & d"),
        Line(id=1, start_ms=5000, end_ms=7000, text="Hi."),
    )
    path = tmp_path / name
    write_subtitles(Script(language="en", lines=lines), path)
    back = read_script(path, None)
    assert [line.text for line in back.lines][1] == "Hi."
    assert [(line.start_ms, line.end_ms) for line in back.lines] == [(1000, 3000), (5000, 7000)]
