from __future__ import annotations

import html
import re
import subprocess
import tempfile
import unicodedata
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pysubs2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.timed_text import timed_text_limits
from tasks.records.script import Line, Script
from tasks.words.cues import make_cues
from tasks.words.rows import clean_text, text_width
from tasks.words.spacing import units
from tasks.words.subtitles import subtitle_facts, write_subtitles


def script(*lines: tuple[int, int, str], language: str = "es") -> Script:
    return Script(
        language=language,
        lines=tuple(Line(id=n, start_ms=a, end_ms=b, text=text) for n, (a, b, text) in enumerate(lines)),
    )


def squeezed(text: str) -> str:
    return "".join(text.split())


times = st.integers(0, 120_000)
texts = st.one_of(
    st.text(max_size=300),
    st.text(alphabet="abcdef ,.!?<{\\>-", max_size=300),
    st.text(alphabet="客観的実在の、。「」ーっ判断 abc", max_size=120),
)
scripts = st.builds(
    lambda lines, language: script(*((a, a + d, t) for a, d, t in lines), language=language),
    st.lists(st.tuples(times, st.integers(0, 40_000), texts), max_size=8),
    st.sampled_from(["es", "en", "ja", "zh-Hans", "ko", "th", "ar"]),
)
rates = st.sampled_from([Fraction(24000, 1001), Fraction(25), Fraction(30), Fraction(60)])


@given(scripts, rates)
def test_no_text_is_lost_and_its_order_is_kept(given_script: Script, rate: Fraction) -> None:
    cues = make_cues(given_script, rate)
    for line in given_script.lines:
        shown = "".join("".join(cue.rows) for cue in cues if cue.line == line.id)
        assert squeezed(shown) == squeezed(clean_text(line.text))


@given(scripts, rates)
def test_cues_increase_never_overlap_and_keep_two_frames_apart(given_script: Script, rate: Fraction) -> None:
    cues = make_cues(given_script, rate)
    assert all(cue.start_ms < cue.end_ms for cue in cues)
    assert all((after.start_ms - before.end_ms) * rate >= 2000 for before, after in pairwise(cues))
    assert all(cue.duration_ms <= 7000 for cue in cues)


@given(scripts)
def test_rows_stay_within_the_language_limits(given_script: Script) -> None:
    limits = timed_text_limits(given_script.language)
    for cue in make_cues(given_script):
        assert 1 <= len(cue.rows) <= 2
        assert all(text_width(row, wide=limits.wide) <= limits.cpl for row in cue.rows)


@given(scripts)
def test_each_cue_is_one_block_of_the_file(given_script: Script) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.srt"
        cues = write_subtitles(given_script, path)
        written = path.read_text("utf-8").replace("\u2060", "")
    rows = [block.split("\n", 2)[2].rstrip("\n") for block in re.split(r"\n\n(?=\d+\n\d\d:)", written) if block]
    assert rows == ["\n".join(cue.rows).replace("\u2060", "") for cue in cues]


def test_a_short_cue_is_lengthened_only_into_a_free_pause() -> None:
    alone, crowded = make_cues(script((0, 300, "Sí."), (5000, 5300, "No."), (5400, 7000, "Ahora mismo.")))[0:2]
    assert alone.duration_ms == 833
    assert crowded.end_ms == 5400 - 80


def test_a_cue_lingers_half_a_second_at_most_until_it_can_be_read() -> None:
    text = "Treinta y cuatro letras, dos segundos."
    hasty, calm = make_cues(script((0, 1000, text), (5000, 7000, text)))
    assert hasty.end_ms == 1500
    assert calm.duration_ms == pytest.approx(len(text) * 1000 / 17, abs=1)


def test_a_lengthened_cue_does_not_pass_the_end_of_the_title() -> None:
    (cue,) = make_cues(script((9700, 9900, "Fin.")), duration_ms=10_000)
    assert cue.end_ms == 10_000


def test_a_long_line_breaks_after_its_sentence() -> None:
    text = "Esta es la primera frase y no es nada corta, de verdad. Y esta otra frase la sigue sin ninguna pausa."
    first, second = make_cues(script((0, 8000, text)))
    assert " ".join(first.rows).endswith("de verdad.")
    assert second.rows[0].startswith("Y esta")


def test_two_rows_are_balanced() -> None:
    (cue,) = make_cues(script((0, 4000, "Las arenas son blanquecinas de grano medio y muy finas")))
    upper, lower = cue.rows
    assert abs(len(upper) - len(lower)) < 10


def test_japanese_rows_do_not_begin_with_punctuation() -> None:
    cues = make_cues(
        script((0, 9000, "客観的実在の判断的知識が成立するのである。それは、とても難しいことです。"), language="ja")
    )
    assert all(row[0] not in "。、" for cue in cues for row in cue.rows)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("th", "ขอบคุณมากครับที่มาในวันนี้ผมชอบน้ำใจของทุกคนเขาใช้ไมโครโฟนเพราะเสียงในห้องนี้ไม่ค่อยดีเท่าไร"),
        ("lo", "ຂອບໃຈຫຼາຍໆທີ່ມາໃນມື້ນີ້ເຂົາໃຊ້ໄມໂຄຣໂຟນເພາະສຽງໃນຫ້ອງນີ້ບໍ່ດີປານໃດ"),
        ("km", "សូមអរគុណច្រើនដែលបានមកថ្ងៃនេះខ្ញុំស្រឡាញ់ទឹកចិត្តរបស់អ្នកទាំងអស់គ្នា"),
        ("my", "ဒီနေ့လာရောက်ကြတဲ့အတွက်ကျေးဇူးအများကြီးတင်ပါတယ်ခင်ဗျာ"),
    ],
)
def test_rows_without_spaces_never_begin_with_what_hangs_on_a_letter(language: str, text: str) -> None:
    rows = [row for cue in make_cues(script((0, 20_000, text), language=language)) for row in cue.rows]
    assert "".join(rows) == text
    assert len(rows) > 1
    whole = list(units(text))
    for row in rows:
        assert list(units(row)) == whole[: len(list(units(row)))]
        whole = whole[len(list(units(row))) :]


def test_rows_of_a_japanese_line_become_rows_of_a_cue() -> None:
    (cue,) = make_cues(script((0, 3000, "客観的実在の\n判断的知識"), language="ja"))
    assert "".join(cue.rows) == "客観的実在の判断的知識"


def test_half_width_characters_count_one_half_in_japanese_only() -> None:
    assert text_width("ab漢字", wide=True) == 3.0
    assert text_width("ab漢字", wide=False) == 4.0


def test_right_to_left_text_and_its_marks_are_kept() -> None:
    text = "\u200fمرحبا بالعالم\u200f!"
    (cue,) = make_cues(script((0, 2000, text), language="ar"))
    assert cue.rows == (text,)


def test_control_characters_become_spaces() -> None:
    assert clean_text("a\x00b\r\n\u2028c\x1b[0m \ud800") == "a b c [0m \ufffd"


@pytest.mark.parametrize(
    "text", ["<i>no</i> <b", "{\\an8}arriba", "a --> b", "1 < 2 & 3 > 2", "\\Nuevo \\n", "<script>alert(1)</script>"]
)
def test_markup_in_a_text_is_shown_as_text(tmp_path: Path, text: str) -> None:
    srt, vtt = tmp_path / "a.srt", tmp_path / "a.vtt"
    write_subtitles(script((0, 3000, text)), srt)
    write_subtitles(script((0, 3000, text)), vtt)
    player = ["ffmpeg", "-v", "error", "-i", srt, "-c:s", "text", "-f", "srt", "-"]
    played = subprocess.run(player, capture_output=True, check=True).stdout.decode().splitlines()[2]
    assert "".join(char for char in played if unicodedata.category(char) != "Cf") == text
    row = vtt.read_text("utf-8").splitlines()[5]
    assert "<" not in row
    assert "-->" not in row
    assert html.unescape(row) == text


def test_the_files_say_the_same_times(tmp_path: Path) -> None:
    given_script = script((1000, 3000, "Buenos días."), (3_605_250, 3_607_000, "Adiós."))
    write_subtitles(given_script, tmp_path / "a.srt")
    write_subtitles(given_script, tmp_path / "a.vtt")
    srt, vtt = (pysubs2.load(str(tmp_path / name)) for name in ("a.srt", "a.vtt"))
    assert [(e.start, e.end, e.plaintext) for e in srt] == [(e.start, e.end, e.plaintext) for e in vtt]
    assert (srt[1].start, srt[1].plaintext) == (3_605_250, "Adiós.")


def test_facts_name_the_lines_that_are_too_fast() -> None:
    facts = subtitle_facts(script((0, 1000, "Una frase bastante larga, dicha deprisa."), (5000, 8000, "Bien.")))
    assert facts["lines_over_cps"] == [0]
    assert facts["cps_max"] == pytest.approx(40 / 1.5, abs=0.01)
    assert facts["cps_limit"] == 17
    assert facts["rows_over_cpl"] == 0
    assert facts["cues"] == 2


def test_an_empty_script_has_no_cues(tmp_path: Path) -> None:
    assert write_subtitles(script(), tmp_path / "a.srt") == ()
    assert subtitle_facts(script())["cps_max"] is None


def test_english_may_be_read_faster_than_spanish() -> None:
    assert timed_text_limits("en-GB").cps == 20
    assert timed_text_limits("pt-BR").cps == 17
    assert [timed_text_limits(tag).cps for tag in ("ja", "ko", "zh-Hant")] == [4, 12, 9]
