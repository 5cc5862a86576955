"""The page as somebody uses it: by keyboard, on a telephone, by the players' own controls, with files gone."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tasks.report.report import write_report
from tests.clips import ffmpeg
from tests.report.sample import report_inputs

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

WAIT_MS = 60_000
LONG = "Donaudampfschifffahrtsgesellschaftskapitaenskajuetenschluessel" * 3


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    browsing, chromium = pytest.importorskip("playwright.sync_api"), shutil.which("chromium")
    if not chromium:
        pytest.skip("no Chromium here")
    with browsing.sync_playwright() as driver:
        started = driver.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        )
        yield started
        started.close()


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    _film(folder / "source.mp4", "libx264", "-g", "5")
    _film(folder / "dub.mp4", "libx264", "-g", "5")
    return folder


def _film(out: Path, codec: str, *options: str) -> None:
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=160x120:d=8", "-pix_fmt", "yuv420p", "-c:v", codec, *options, out)


def _opened(browser: Any, folder: Path, width: int = 1280, **changed: Any) -> Any:
    inputs = replace(report_inputs(folder), **{"source_media": "source.mp4", "dub_media": "dub.mp4", **changed})
    write_report(folder / "report.html", inputs)
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.set_default_timeout(WAIT_MS)
    page.goto((folder / "report.html").as_uri())
    return page


def _until(page: Any, holds: str) -> None:
    """Wait until an expression is true; Playwright's own waiting evaluates in the page, whose policy forbids it."""
    end = time.monotonic() + WAIT_MS / 1000
    while not page.evaluate(holds):
        assert time.monotonic() < end, f"never: {holds}"
        page.wait_for_timeout(50)


def _loaded(page: Any) -> None:
    _until(page, "[...document.querySelectorAll('video')].every((one) => one.readyState > 1)")


@pytest.mark.parametrize("width", [320, 390, 720, 1280])
def test_nothing_is_wider_than_the_page(browser: Any, films: Path, width: int) -> None:
    page = _opened(browser, films, width, title=LONG, notes=(LONG,))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for badge in page.locator("table .badge").all():
        box = badge.bounding_box()
        assert 0 <= box["x"] <= box["x"] + box["width"] <= width
    page.close()


def test_lines_are_reached_and_chosen_by_keyboard(browser: Any, films: Path) -> None:
    page = _opened(browser, films)
    _loaded(page)
    page.locator(".go").first.focus()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.textContent") == "0:05.0"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    _until(page, "[source, dub].every((one) => one.currentTime === 5)")
    page.keyboard.press("Home")
    page.keyboard.press("Space")
    _until(page, "[source, dub].every((one) => one.currentTime === 1)")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")  # the line that was last, not the next one
    assert page.evaluate("document.activeElement.textContent") == "0:01.0"
    page.close()


@pytest.mark.parametrize(("led", "other"), [("dub", "source"), ("source", "dub")])
def test_what_is_done_to_one_player_is_done_to_the_other(browser: Any, films: Path, led: str, other: str) -> None:
    page = _opened(browser, films)
    _loaded(page)
    page.evaluate(f"{led}.currentTime = 3")
    _until(page, f"{other}.currentTime === 3")
    page.evaluate(f"{led}.playbackRate = 0.5")
    _until(page, f"{other}.playbackRate === 0.5")
    page.evaluate(f"{led}.play()")
    _until(page, f"!{other}.paused && {other}.currentTime > 3.2")
    assert page.inner_text("#play") == "Pause both"
    page.evaluate(f"{led}.pause()")
    _until(page, "source.paused && dub.paused")
    assert page.inner_text("#play") == "Play both"
    for to in (6, 1, 7, 2, 4):  # as a drag along the bar
        page.evaluate(f"{led}.currentTime = {to}")
    _until(page, "!source.seeking && !dub.seeking && source.currentTime === 4 && dub.currentTime === 4")
    page.close()


def test_a_missing_master_has_words_in_place_of_its_player(browser: Any, films: Path) -> None:
    page = _opened(browser, films, dub_media="../gone/talk.es.mp4")
    page.wait_for_selector("#absent-dub", state="visible")
    assert "The master is not beside this page: it belongs at ../gone/talk.es.mp4" in page.inner_text("#absent-dub")
    assert not page.is_visible("#dub")
    page.click("#play")
    _until(page, "source.currentTime > 0.2 && !source.muted")
    page.close()


def test_a_source_that_is_not_where_it_was_is_found_beside_the_delivery(browser: Any, films: Path) -> None:
    page = _opened(browser, films, source_media="/gone/source.mp4", source_or_else="source.mp4")
    _loaded(page)
    assert not page.is_visible("#absent-source")
    page.close()


def test_in_a_browser_without_hevc_the_page_says_so_and_goes_on(browser: Any, films: Path) -> None:
    _film(films / "hevc.mp4", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error")
    page = _opened(browser, films, source_media="hevc.mp4")
    page.wait_for_selector("#unshown-source", state="visible")
    assert not page.is_visible("#absent-source")
    assert not page.is_visible("#unshown-dub")
    page.click("#play")
    _until(page, "dub.currentTime > 0.2")
    page.close()


def test_it_links_to_the_review_page_where_one_is_served_and_to_nothing_in_a_folder(
    browser: Any, tmp_path: Path, films: Path
) -> None:
    page = _opened(browser, tmp_path)
    assert page.locator("#review").is_hidden()
    served = (tmp_path / "report.html").read_text("utf-8")
    page.route("http://review.test/**", lambda route: route.fulfill(body=served, content_type="text/html"))
    page.goto("http://review.test/titles/0123456789abcdef/pt-BR/report.html")
    assert page.locator("#review").get_attribute("href") == "/review/0123456789abcdef/pt-BR"
    assert page.locator("#review").is_visible()
    page.goto("http://review.test/elsewhere/pt-BR/report.html")
    assert page.locator("#review").is_hidden()
    page.close()
