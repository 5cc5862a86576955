from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.records.script import Change
from tasks.report.inputs import ReportInputs
from tasks.report.plots import WIDTH, clock, peaks, strips
from tasks.report.report import link, write_report
from tasks.report.task import source_places
from tests.report.sample import bursts, report_inputs, script

HOSTILE = '</script><script>alert(1)</script><img src=x onerror="alert(2)">\'"&{{ 7*7 }}'


class Page(HTMLParser):
    """Collects the tags and the visible text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def page(tmp_path: Path) -> Page:
    write_report(tmp_path / "report.html", report_inputs(tmp_path))
    return Page((tmp_path / "report.html").read_text("utf-8"))


def test_it_shows_both_players_by_relative_links(page: Page) -> None:
    assert [attrs["src"] for tag, attrs in page.tags if tag == "video"] == [
        "./../../talk.mp4#t=0.04",
        "./../talk.es.mp4#t=0.04",
    ]


def test_a_player_says_where_the_browser_cannot_show_its_file(page: Page) -> None:
    said = {attrs["id"]: attrs for tag, attrs in page.tags if str(attrs.get("id", "")).startswith("unshown-")}
    assert set(said) == {"unshown-source", "unshown-dub"}
    assert sum("hidden" in attrs for _, attrs in page.tags if str(attrs.get("id", "")).startswith("absent-")) == 2
    assert all("hidden" in attrs for attrs in said.values())  # until the browser says so
    assert page.text.count("This browser cannot show this file") == 2


def test_a_missing_file_has_words_for_its_place(page: Page) -> None:
    assert "The master is not beside this page: it belongs at ../talk.es.mp4" in page.text
    assert "The source is not beside this page: it belongs at ../../talk.mp4" in page.text


def test_a_source_outside_the_delivery_is_told_by_its_whole_path_and_sought_beside_it_next(tmp_path: Path) -> None:
    page = _page_of(
        tmp_path,
        replace(report_inputs(tmp_path), source_media="/in/a b<i>.mp4", source_or_else="../../in/a b<i>.mp4"),
    )
    player = next(attrs for _, attrs in page.tags if attrs.get("id") == "source")
    assert player["src"] == "file:///in/a%20b%3Ci%3E.mp4#t=0.04"
    assert player["data-else"] == "./../../in/a%20b%3Ci%3E.mp4 ./../%40source"  # the last is the review server's
    assert "The source is not beside this page: it was /in/a b<i>.mp4." in page.text


@pytest.mark.parametrize(
    ("video", "places"),
    [
        ("out/talk/source.mp4", ("../source.mp4", "")),
        ("in/talk.mp4", ("{root}/in/talk.mp4", "../../../in/talk.mp4")),
        ("out/talk-2/source.mp4", ("{root}/out/talk-2/source.mp4", "../../talk-2/source.mp4")),
    ],
)
def test_a_source_within_the_delivery_moves_with_it(tmp_path: Path, video: str, places: tuple[str, str]) -> None:
    found = source_places(tmp_path / video, tmp_path / "out/talk/es")
    assert found == tuple(place.format(root=tmp_path) for place in places)


def test_each_line_has_a_button_and_the_tab_key_stops_once_for_all_of_them(page: Page) -> None:
    buttons = [attrs for tag, attrs in page.tags if tag == "button" and attrs.get("class") == "go"]
    assert [attrs["tabindex"] for attrs in buttons] == ["0", "-1"]
    assert len(buttons) == sum("data-start" in attrs for tag, attrs in page.tags if tag == "tr")


def test_on_a_narrow_page_each_cell_says_what_it_is(page: Page) -> None:
    cells = [attrs for tag, attrs in page.tags if tag == "td" and "number" in str(attrs.get("class"))]
    assert cells
    assert all(attrs.get("data-label") for attrs in cells)


def test_every_gate_is_named_in_words(page: Page) -> None:
    for word in ("Fastest line", "Warning", "Not measured", "Loudness off target", "Original voice left in the bed"):
        assert word in page.text


def test_lines_bypass_reasons_licences_notes_and_disclosure_are_there(page: Page) -> None:
    for text in ("Buenos días.", "no face", "GPL-3.0-or-later", "by way of Spanish", "are synthetic", "uses the pause"):
        assert text in page.text


def test_it_needs_nothing_from_outside(page: Page) -> None:
    assert [
        attrs for tag, attrs in page.tags if tag in ("link", "iframe", "object") or "http" in str(attrs.get("src"))
    ] == []


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    inputs = replace(report_inputs(tmp_path, HOSTILE, HOSTILE), title=HOSTILE, notes=(HOSTILE,), profile=HOSTILE)
    write_report(tmp_path / "report.html", inputs)
    found = Page((tmp_path / "report.html").read_text("utf-8"))
    assert [tag for tag, _ in found.tags].count("script") == 1
    assert "img" not in [tag for tag, _ in found.tags]
    assert found.text.count(HOSTILE) >= 5


def test_its_policy_runs_no_script_but_its_own(tmp_path: Path, page: Page) -> None:
    policy = next(attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv") == "Content-Security-Policy")
    assert re.search(r"script-src 'sha256-[\w+/=]+';", policy)
    assert "default-src 'none'" in policy


def test_the_same_inputs_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.html", "b.html"):
        write_report(tmp_path / name, report_inputs(tmp_path))
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_a_fake_run_says_so_first(tmp_path: Path) -> None:
    write_report(tmp_path / "report.html", replace(report_inputs(tmp_path), fake=True))
    assert "Fake profile" in (tmp_path / "report.html").read_text("utf-8")


def test_a_title_without_speech_or_media_still_has_a_page(tmp_path: Path) -> None:
    empty = replace(
        report_inputs(tmp_path),
        source=script("en"),
        dub=script("es"),
        placements=(),
        source_media="",
        original_dialogue=None,
        dialogue=None,
        duration_ms=0,
    )
    write_report(tmp_path / "report.html", empty)
    assert "No speech was found" in (tmp_path / "report.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("../talk.es.mp4", "./../talk.es.mp4"),
        ("javascript:alert(1)", "./javascript%3Aalert%281%29"),
        ("-a #1 50%?.mp4", "./-a%20%231%2050%25%3F.mp4"),
        ("日本\n.mp4", "./%E6%97%A5%E6%9C%AC%0A.mp4"),
        ("/media/a b.mp4", "file:///media/a%20b.mp4"),
        ("", ""),
    ],
)
def test_links_survive_hostile_file_names(path: str, url: str) -> None:
    assert link(path) == url


def test_peaks_are_where_the_sound_is(tmp_path: Path) -> None:
    levels = peaks(bursts(tmp_path / "a.wav", ((1000, 2000),)), 100)
    assert len(levels) == 80
    assert levels[12:18].min() > 0.3
    assert levels[:9].max() == 0
    assert levels[21:].max() == 0


@settings(max_examples=settings.default.max_examples // 4)
@given(rate=st.sampled_from([8000, 11_025, 48_000]), bin_ms=st.sampled_from([33.3, 50.0, 100.0]))
def test_peaks_streamed_equal_peaks_of_the_whole(
    tmp_path_factory: pytest.TempPathFactory, rate: int, bin_ms: float
) -> None:
    path = tmp_path_factory.mktemp("peaks") / "a.wav"
    sound = np.random.default_rng(rate).uniform(-0.9, 0.9, 25 * rate).astype(np.float32)
    soundfile.write(path, sound, rate, subtype="FLOAT")
    edges = np.round(np.arange(int(25_000 / bin_ms) + 2) * rate * bin_ms / 1000).astype(int)
    expected = [np.abs(sound[a:b]).max() for a, b in pairwise(edges) if a < len(sound)]
    np.testing.assert_allclose(peaks(path, bin_ms), np.array(expected) / np.abs(sound).max(), rtol=1e-6)


def test_a_long_title_is_cut_into_strips_that_show_every_line_once_or_across_a_border(tmp_path: Path) -> None:
    inputs = report_inputs(tmp_path)
    cut = strips(inputs.source, inputs.placements, 400_000, inputs.original_dialogue, None)
    assert [strip.start_ms for strip in cut] == list(range(0, 400_000, 60_000))
    assert [bar.line for strip in cut for bar in strip.slots] == [0, 1]
    assert all(0 <= bar.x <= bar.x + bar.width <= WIDTH + 1 for strip in cut for bar in strip.placed)


@pytest.mark.parametrize(
    ("time_ms", "shown"), [(0, "0:00.0"), (62_549, "1:02.5"), (59_960, "1:00.0"), (3_661_000, "1:01:01.0")]
)
def test_clock(time_ms: int, shown: str) -> None:
    assert clock(time_ms) == shown


def test_every_change_to_the_subtitles_is_listed_with_its_reason_and_escaped(tmp_path: Path) -> None:
    inputs = report_inputs(tmp_path)
    assert "changes to the subtitles" not in _page_of(tmp_path, inputs).text
    changes = (
        Change(where="line 12", start_ms=61_500, text=HOSTILE, reason="left out: no words"),
        Change(where="line 7", start_ms=-40, text="ANNA: Hi.", became="Hi.", reason="without the label"),
    )
    source = inputs.source.model_copy(update={"changes": changes})
    page = _page_of(tmp_path, replace(inputs, source=source))
    assert "2 changes to the subtitles" in page.text
    shown = page.text[page.text.index("2 changes to the subtitles") :]
    assert shown.index("line 7") < shown.index("line 12")
    assert HOSTILE in shown
    assert "left out: no words" in shown
    assert not any("onerror" in attrs for _, attrs in page.tags)


def _page_of(folder: Path, inputs: ReportInputs) -> Page:
    write_report(folder / "report.html", inputs)
    return Page((folder / "report.html").read_text("utf-8"))


def test_said_and_heard_stand_side_by_side_with_what_differs_marked(tmp_path: Path) -> None:
    inputs = report_inputs(tmp_path, heard={0: "buenos días", 1: "Me encanta esta jirafa </mark>"})
    write_report(tmp_path / "report.html", inputs)
    html = (tmp_path / "report.html").read_text("utf-8")
    assert '<mark class="other" title="heard as something else">ciudad</mark>.' in html
    assert '<mark class="other" title="heard as something else">jirafa &lt;/mark</mark>&gt;' in html
    assert html.count("Not understood</span>") == 1
    assert "Me encanta esta ciudad." in Page(html).text


def test_where_nobody_listened_there_is_no_such_column(page: Page) -> None:
    assert "Heard" not in page.text
    assert "not heard: no recogniser was used" in page.text


def test_what_passed_is_folded_and_everything_else_in_sight(tmp_path: Path) -> None:
    write_report(tmp_path / "report.html", report_inputs(tmp_path))
    html = (tmp_path / "report.html").read_text("utf-8")
    section = html[html.index("<h2>Gates</h2>") : html.index("<h2>Waveform")]
    shown, _, folded = section.partition('<details class="passed">')
    passed = len(re.findall(r'<td><span class="badge pass">', folded))
    assert f"<summary>{passed} passed</summary>" in folded
    assert '<td><span class="badge pass">' not in shown
    assert "badge fail" not in folded
    statuses = re.findall(r'<td><span class="badge (\w+)">', shown)
    assert statuses == sorted(statuses, key=["fail", "warn", "waived", "unmeasured"].index)
