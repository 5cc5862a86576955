"""TTML in its dialects as the source's words; what a hostile sender makes of XML is refused."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.records.errors import BadInputError
from tasks.transcribe.sidecar import find_sidecar
from tasks.transcribe.subtitles import read_script
from tasks.words.cues import Cue
from tasks.words.imsc import write_ebuttd, write_imsc
from tasks.words.ttml import read_ttml

HEAD = '<?xml version="1.0"?><tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttp="http://www.w3.org/ns/ttml#parameter" '
HEAD += 'xmlns:tts="http://www.w3.org/ns/ttml#styling" xmlns:ttm="http://www.w3.org/ns/ttml#metadata" '


def document(body: str, root: str = 'xml:lang="en"', head: str = "") -> bytes:
    return f"{HEAD}{root}><head>{head}</head><body>{body}</body></tt>".encode()


def timed(content: bytes) -> list[tuple[int, int | None, str]]:
    return [(one.start_ms, one.end_ms, one.text) for one in read_ttml(content).paragraphs]


@pytest.mark.parametrize(
    ("begin", "root", "ms"),
    [
        ("00:00:01.500", "", 1500),
        ("00:00:01", "", 1000),
        ("1.5s", "", 1500),
        ("1500ms", "", 1500),
        ("0.5m", "", 30_000),
        ("45f", 'ttp:frameRate="30"', 1500),
        ("00:00:01:12", 'ttp:frameRate="24"', 1500),
        ("00:00:01:13", 'ttp:frameRate="24" ttp:frameRateMultiplier="1000 1001"', 1542),
        ("00:01:00:00", 'ttp:frameRate="24" ttp:frameRateMultiplier="1000 1001" ttp:timeBase="smpte"', 60_060),
        ("00:10:00;00", 'ttp:frameRate="30" ttp:frameRateMultiplier="1000 1001" ttp:timeBase="smpte" '
         'ttp:dropMode="dropNTSC"', 599_999),
        ("15000000t", 'ttp:tickRate="10000000"', 1500),
    ],
)  # fmt: skip
def test_every_way_to_tell_a_time_is_read(begin: str, root: str, ms: int) -> None:
    content = document(f'<div><p begin="{begin}" dur="1s">Hello.</p></div>', f'xml:lang="en" {root}')
    assert timed(content) == [(ms, ms + 1000, "Hello.")]


def test_times_nest_in_parallel_and_in_sequence() -> None:
    nested = document('<div begin="10s" end="20s"><p begin="1s" end="3s">a</p><p begin="5s" end="15s">b</p></div>')
    assert timed(nested) == [(11_000, 13_000, "a"), (15_000, 20_000, "b")]
    row = document('<div timeContainer="seq" begin="1s"><p dur="2s">a</p><p begin="1s" dur="2s">b</p></div>')
    assert timed(row) == [(1000, 3000, "a"), (4000, 6000, "b")]
    spans = document(
        '<div><p begin="1s" end="9s"><span begin="0s" end="1s">a</span><span begin="2s">b</span></p></div>'
    )
    assert timed(spans) == [(1000, 2000, "a"), (3000, 9000, "b")]


def test_text_is_what_is_read_on_the_screen() -> None:
    body = (
        '<div><p begin="1s" end="2s">\n  One <span tts:fontStyle="italic">two</span>\n three,<br/>four &amp; five.'
        '<metadata><ttm:desc>not this</ttm:desc></metadata><span tts:ruby="text">nor this</span></p>'
        '<p begin="3s" end="4s">  </p><p begin="5s" end="6s" xml:space="preserve">a\nb</p></div>'
    )
    assert [text for _, _, text in timed(document(body))] == ["One two three,\nfour & five.", "a\nb"]


def test_the_drafts_of_2006_and_files_without_a_namespace_are_read(tmp_path: Path) -> None:
    for number, space in enumerate(('xmlns="http://www.w3.org/2006/10/ttaf1"', "")):
        body = '<body><div><p begin="00:00:01.00" end="00:00:02.00">Hello there.</p></div></body>'
        (tmp_path / f"film{number}.dfxp").write_text(f'<tt {space} xml:lang="en">{body}</tt>')
        script = read_script(tmp_path / f"film{number}.dfxp", None)
        assert [(one.start_ms, one.text) for one in script.lines] == [(1000, "Hello there.")]
        assert script.language == "en"


def test_speakers_sounds_and_songs_are_told_apart_as_in_other_formats(tmp_path: Path) -> None:
    head = (
        '<metadata><ttm:agent xml:id="a" type="character"><ttm:name type="alias">Anna</ttm:name></ttm:agent></metadata>'
    )
    body = (
        '<div><p begin="0s" end="1s">[door opens]</p><p begin="1s" end="2s" ttm:agent="a">Come in.</p>'
        '<p begin="3s" end="4s">BEN: Thanks.</p><p begin="5s" end="6s">♪ La la ♪</p>'
        '<p begin="7s">For ever?</p></div>'
    )
    (tmp_path / "film.itt").write_bytes(document(body, head=head))
    script = read_script(tmp_path / "film.itt", None)
    assert [(one.speaker, one.text) for one in script.lines] == [("Anna", "Come in."), ("BEN", "Thanks.")]
    assert [one.text for one in script.kept] == ["[door opens]", "♪ La la ♪"]
    assert any("no duration" in note for note in script.notes)


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
HOSTILE = {
    "billion laughs": f'<!DOCTYPE tt [<!ENTITY l0 "ha">{LAUGHS}]><tt xmlns="http://www.w3.org/ns/ttml">&l9;</tt>',
    "external entity": '<!DOCTYPE tt [<!ENTITY x SYSTEM "file:///etc/passwd">]><tt><body><p>&x;</p></body></tt>',
    "parameter entity": '<!DOCTYPE tt [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x"> %x;]><tt/>',
    "depth": "<tt>" + "<div>" * 5000 + "</div>" * 5000 + "</tt>",
    "cut short": '<tt xml:lang="en"><body><div><p begin="0s" end="1s">Hello',
    "no text": "\x00\x01\x02",
    "another document": '<html><body><p begin="0s" end="1s">Hello</p></body></html>',
    "a time that is none": '<tt><body><p begin="soon" end="1s">Hello</p></body></tt>',
    "an endless number": f'<tt><body><p begin="{"9" * 100_000}s" end="1s">Hello</p></body></tt>',
    "no rate": '<tt xmlns:p="http://www.w3.org/ns/ttml#parameter" p:frameRate="0"><body><p>a</p></body></tt>',
    "it ends before it starts": '<tt><body><p begin="9s" end="1s">Hello</p></body></tt>',
    "pictures": '<tt xml:lang="en"><body><div begin="0s" end="1s" backgroundImage="#a"/></body></tt>',
}


@pytest.mark.parametrize("kind", sorted(HOSTILE))
def test_what_is_no_timed_text_is_refused_with_its_name(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "film.en.ttml"
    path.write_text(HOSTILE[kind])
    with pytest.raises(BadInputError, match=r"film\.en\.ttml"):
        read_script(path, None)


def test_a_file_of_more_than_ten_megabytes_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "film.en.ttml"
    path.write_bytes(b" " * 10_000_001)
    with pytest.raises(BadInputError, match="too large"):
        read_script(path, "en")


def test_an_xml_file_beside_a_film_is_taken_only_where_it_is_timed_text(tmp_path: Path) -> None:
    video = tmp_path / "film.mp4"
    video.touch()
    (tmp_path / "film.en.xml").write_text("<movie><title>Film</title></movie>")
    assert find_sidecar(video, "en") is None
    (tmp_path / "film.xml").write_bytes(document('<div><p begin="0s" end="1s">Hi.</p></div>'))
    assert find_sidecar(video, "en") is None
    (tmp_path / "film.en.xml").write_bytes(document('<div><p begin="0s" end="1s">Hi.</p></div>'))
    assert find_sidecar(video, "en") == tmp_path / "film.en.xml"


rows = st.lists(
    st.text(alphabet="abc <>&é漢字\"'", min_size=1).map(lambda text: f"x{text.strip()}"), min_size=1, max_size=2
)
cues = st.builds(
    lambda start, length, text: Cue(start, start + length, tuple(" ".join(row.split()) for row in text), 0),
    st.integers(0, 36_000_000),
    st.integers(1, 10_000),
    rows,
)


@given(st.lists(cues, max_size=6), st.sampled_from([Fraction(25), Fraction(24000, 1001)]))
def test_what_is_written_is_read_again(given_cues: list[Cue], rate: Fraction) -> None:
    for write in (write_imsc, write_ebuttd):
        found = timed(write(given_cues, "ja", rate))
        assert found == [(cue.start_ms, cue.end_ms, "\n".join(cue.rows)) for cue in given_cues]
