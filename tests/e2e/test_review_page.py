"""A review in a real browser: a title of twenty lines in two languages is edited, made again, and looked at.

Each page is kept as `review-*.png` in the test's folder (`--basetemp`); docs/review.md shows one.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.services import free_port, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

LINES = 20
MICROPHONE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")  # it beeps
SLOW_S = 400  # a dub is made again, on a busy machine
POLYDUB = (sys.executable, "-m", "flows.cli")
HOSTILE = '<img src=x onerror="document.title=1"> \u202eabc {{7*7}} ' + "x" * 2000


def stamp(ms: int) -> str:
    return f"00:00:{ms // 1000:02d},{ms % 1000:03d}"


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Delivered by the fake profile: what is tried here is the page."""
    folder = tmp_path_factory.mktemp("review")
    picture, sound = "testsrc2=size=160x120:rate=25:duration=14", "sine=440:sample_rate=48000:duration=14"
    encode = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac", str(folder / "talk.mp4")]
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound, *encode]
    subprocess.run(command, check=True)
    cues = ((n * 680 + 100, n * 680 + 640, f"This is line {n + 1}.") for n in range(LINES))
    srt = "\n".join(f"{n}\n{stamp(a)} --> {stamp(b)}\n{text}\n" for n, (a, b, text) in enumerate(cues, start=1))
    (folder / "talk.en.srt").write_text(srt)
    profile = folder / "varied.yaml"
    profile.write_text("extends: fake\nsynthesize: {backend: fake, options: {varies: true}}\n")
    run = ["run", str(folder / "talk.mp4"), "--to", "es,fr", "--profile", str(profile), "--out", str(folder / "out")]
    subprocess.run([*POLYDUB, *run], check=True, env=surroundings(folder), capture_output=True)
    return folder / "out"


def surroundings(folder: Path) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return {**plain, "POLYDUB_STORE": str(folder / "store"), "PREFECT_HOME": str(folder / "prefect")}


@pytest.fixture(scope="module")
def address(out: Path) -> Iterator[str]:
    """That which `polydub review` prints."""
    log, port = out.parent / "review.log", str(free_port())
    command = [*POLYDUB, "review", str(out), "--no-open", "--port", port]
    with running(command, log, surroundings(out.parent)):
        until(lambda: "token=" in log.read_text())
        found = re.search(r"http://\S+", log.read_text())
        assert found is not None
        yield found[0]


def until(true: Callable[[], Any], seconds: float = 120) -> Any:
    """Wait for something; what it is."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)
    return found


class Reviewer:
    """Somebody in front of the page, and what the browser says of it."""

    def __init__(self, page: Any, address: str, pictures: Path) -> None:
        self.page, self.address, self.pictures = page, address, pictures
        self.host = address.split("/?")[0]
        self.troubles: list[str] = []
        page.on("console", lambda message: message.type == "error" and self.troubles.append(message.text))
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("request", lambda asked: asked.url.startswith((self.host, "blob:")) or self.troubles.append(asked.url))

    def open(self, language: str) -> None:
        self.page.goto(self.address)
        self.page.locator("tr", has_text=language).locator("th a").click()
        until(lambda: self.page.locator("[data-key]").count() >= LINES - 5)
        until(lambda: self.page.locator("#pending").inner_text())

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def says(self, text: str, seconds: float = 120) -> None:
        until(lambda: text in self.page.locator("#says").inner_text(), seconds)

    def quiet(self) -> None:
        """Forget what was said last."""
        self.page.evaluate("() => { document.getElementById('says').textContent = ''; }")

    def texts(self) -> dict[str, str]:
        rows = self.page.locator("[data-key]").all()
        return {row.get_attribute("data-key"): row.locator(".said").inner_text() for row in rows}

    def translate(self, key: str, text: str) -> None:
        self.quiet()
        self.page.locator(f'[data-key="{key}"] .said').click()
        self.page.locator(".said textarea").fill(text)
        self.press("Enter")
        self.says("Kept as edit")

    def accessible(self) -> None:
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(self.page).response["violations"]
        serious = [one for one in found if one["impact"] in ("serious", "critical")]
        assert serious == [], json.dumps([(one["id"], one["nodes"][0]["html"]) for one in serious], indent=1)

    def picture(self, name: str) -> None:
        self.page.screenshot(path=self.pictures / f"review-{name}.png")


@pytest.fixture
def reviewer(address: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Reviewer]:
    from playwright.sync_api import sync_playwright  # `make test-all` brings it and the browser

    width, scheme = getattr(request, "param", (1280, "light"))
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", *MICROPHONE])
        context = browser.new_context(viewport={"width": width, "height": 1000}, color_scheme=scheme)
        page = context.new_page()
        page.set_default_timeout(60_000)
        found = Reviewer(page, address, tmp_path)
        yield found
        assert found.troubles == []
        browser.close()


def test_a_review_of_a_language_ends_with_its_new_master(reviewer: Reviewer, out: Path) -> None:
    page = reviewer.page
    reviewer.open("Spanish")
    reviewer.translate("2-0", "Esta es la segunda.")
    assert "1 line spoken" in until(lambda: re.search("Not made yet: .*", page.locator("#pending").inner_text()))[0]

    reviewer.quiet()  # a region's right edge is dragged by a quarter of a second
    lanes = page.locator("#lanes")
    box = lanes.bounding_box()
    at = box["x"] + box["width"] * 0.640 / 15
    y = box["y"] + 18 + 3 * 46 + 12
    page.mouse.move(at, y)
    page.mouse.down()
    page.mouse.move(at - box["width"] * 0.25 / 15, y, steps=4)
    page.mouse.up()
    reviewer.says("Kept as edit")
    assert 300 < json.loads(page.request.get(api(page, "")).text())["lines"][0]["end_ms"] < 500

    reviewer.quiet()
    page.locator('[data-key="5-0"]').click(position={"x": 10, "y": 10})
    page.get_by_role("button", name="Merge with the next line").click()
    reviewer.says("Kept as edit")
    until(lambda: "6-0" not in reviewer.texts())
    assert reviewer.texts()["5-0"] == "[es] This is line 5. [es] This is line 6."

    reviewer.quiet()
    page.locator("[name=voice]").fill("hum-300")
    page.locator("[name=voice]").press("Tab")
    reviewer.says("Kept as edit")
    reviewer.quiet()
    page.locator("[name=note]").fill(HOSTILE)
    page.locator("[name=note]").press("Tab")
    reviewer.says("Kept as edit")
    assert page.locator('[data-key="5-0"] .note').inner_text().startswith("<img")
    assert page.locator(".note img").count() == 0

    reviewer.picture("edited")
    reviewer.quiet()
    page.locator("#make").click()
    reviewer.says("The new dub is here.", SLOW_S)
    assert page.locator("#pending").inner_text() == "The dub has every edit."
    script = json.loads((out / "talk/es/script.json").read_text())["lines"]
    assert len(script) == LINES - 1
    assert script[1]["text"] == "Esta es la segunda."
    assert until(lambda: page.evaluate("() => document.getElementById('dub-film').duration || 0")) > 13

    page.get_by_role("button", name="Approve the dub").click()
    reviewer.says("Approved.")
    assert "approved" in page.locator("#approval").inner_text()
    reviewer.translate("3-0", "Esta es la tercera.")
    until(lambda: "before it changed" in page.locator("#approval").inner_text())
    reviewer.picture("made")


def api(page: Any, where: str) -> str:
    key, language = page.evaluate("() => [document.body.dataset.title, document.body.dataset.language]")
    return f"{page.url.split('/review/')[0]}/api/v1/titles/{key}/{language}{where}"


def test_by_the_keyboard_alone(reviewer: Reviewer) -> None:
    page = reviewer.page
    page.goto(reviewer.address)
    for _ in range(40):
        reviewer.press("Tab")
        if page.evaluate("() => document.activeElement.href?.includes('/fr')"):
            break
    reviewer.press("Enter")
    until(lambda: page.locator("[data-key]").count() == LINES)
    until(lambda: page.locator("#pending").inner_text())

    reviewer.press("Space")
    until(lambda: page.evaluate("() => document.getElementById('dub-film').currentTime") > 0.2)
    reviewer.press("k", "b")
    assert page.evaluate("() => document.getElementById('dub-film').muted")
    reviewer.press("ArrowDown", "ArrowDown", "Enter")
    page.keyboard.insert_text(" Et encore.")
    until(lambda: "syllables" in page.locator(".fit-words").inner_text())
    reviewer.press("Enter")
    reviewer.says("Kept as edit 1")
    assert reviewer.texts()["3-0"] == "[fr] This is line 3. Et encore."
    reviewer.press("s")
    reviewer.says("Kept as edit 2")
    reviewer.press("u")
    reviewer.says("Edit 2 is taken back")
    reviewer.press("Alt+ArrowRight", "Alt+ArrowRight")
    reviewer.says("Kept as edit 4")
    reviewer.press("n")
    page.keyboard.insert_text("Un mot de trop.")
    reviewer.press("Escape", "n")
    page.keyboard.insert_text("Trop long.")
    reviewer.press("Tab")
    reviewer.says("Kept as edit 5")
    reviewer.press("h")
    until(lambda: page.locator("#history-list li").count() == 5)
    reviewer.press("Escape", "a")
    reviewer.says("Approved.")
    until(lambda: page.locator('[data-key="3-0"] .note').inner_text().startswith("approved"))
    reviewer.press("x")
    page.keyboard.insert_text("Trop long.")
    reviewer.press("Control+Enter")
    reviewer.says("Rejected.")
    reviewer.press("?")
    assert page.locator("dialog#help").is_visible()
    reviewer.press("Escape", "Control+Enter")
    reviewer.says("The new dub is here.", SLOW_S)


@pytest.mark.parametrize(
    "reviewer", [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")], indirect=True, ids=str
)
def test_pages_are_usable_at_any_size_and_light(reviewer: Reviewer, request: pytest.FixtureRequest) -> None:
    page = reviewer.page
    page.goto(reviewer.address)
    reviewer.accessible()
    reviewer.picture("queue")
    reviewer.open("French")
    page.locator("[data-key]").first.click(position={"x": 8, "y": 8})
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
    reviewer.picture("page")
    reviewer.accessible()
    page.locator("#help-button").click()
    reviewer.accessible()


def test_takes_are_recorded_by_the_microphone_heard_and_chosen(reviewer: Reviewer) -> None:
    page = reviewer.page
    reviewer.open("French")
    page.locator('[data-key="12-0"]').click(position={"x": 8, "y": 8})
    for take in (1, 2):
        reviewer.quiet()
        reviewer.press("r")
        reviewer.says("Recording line 12")
        page.wait_for_timeout(1500)  # as long as somebody speaks
        reviewer.press("r")
        reviewer.says("is kept for this line")
        until(lambda take=take: page.locator(".takes li").count() == take + 1)
    assert "recorded" in page.locator('[data-key="12-0"] .note').inner_text()
    assert page.locator(".takes li").nth(2).locator(".flag").inner_text() == "chosen"
    page.locator(".takes").get_by_role("button", name="Use it: Recording 1").click()
    until(lambda: page.locator(".takes li").nth(1).locator(".flag").count())
    with page.expect_response(lambda answer: "/recordings/" in answer.url) as heard:
        page.locator(".takes").get_by_role("button", name="Play: Recording 2").click()
    assert heard.value.ok
    reviewer.accessible()
    page.locator(".takes").get_by_role("button", name="Use it: The dub as it is").click()
    until(lambda: "recorded" not in page.locator('[data-key="12-0"] .note').inner_text())


def test_readings_of_a_voice_are_made_beside_the_dub_heard_and_chosen(reviewer: Reviewer) -> None:
    page = reviewer.page
    reviewer.open("French")
    page.locator('[data-key="14-0"]').click(position={"x": 8, "y": 8})
    page.locator(".takes").get_by_role("button", name="Read it in other ways").click()
    reviewer.says("3 readings: hear them")
    with page.expect_response(lambda answer: "/readings/14-0/3" in answer.url) as heard:
        page.locator(".readings").get_by_role("button", name="Play: Reading 3").click()
    assert heard.value.ok
    page.locator(".readings").get_by_role("button", name="Use it: Reading 3").click()
    until(lambda: page.locator(".readings li").nth(2).locator(".flag").count())
    reviewer.accessible()
    (line,) = [one for one in page.request.get(api(page, "")).json()["lines"] if one["key"] == "14-0"]
    assert line["take"] == 3


def test_speakers_are_renamed_merged_and_given_a_voice(reviewer: Reviewer) -> None:
    page = reviewer.page
    reviewer.open("French")

    def said() -> list[tuple[str, str]]:
        return [(line["speaker"], line["voice"]) for line in page.request.get(api(page, "")).json()["lines"]]

    names = sorted({name for name, _ in said()})
    assert len(names) > 1
    for name in names:  # the first is renamed; each other one becomes the same
        page.locator("#speakers-button").click()
        reviewer.accessible()
        reviewer.quiet()
        row = page.locator("#speakers-list li").filter(has=page.locator("h3 bdi", has_text=name))
        row.get_by_label("Name").fill("Ana")
        row.get_by_label("Voice").fill("hum-300")
        row.get_by_role("button", name="Save").click()
        reviewer.says("Kept as edit")
    assert set(said()) == {("Ana", "hum-300")}
    page.locator("#speakers-button").click()
    assert f"lines: {len(said())}" in page.locator("#speakers-list").inner_text()


def test_somebody_else_s_edit_is_seen_and_never_overwritten(reviewer: Reviewer) -> None:
    page = reviewer.page
    reviewer.open("French")
    seen = page.request.get(api(page, "")).json()["revision"]
    page.locator('[data-key="9-0"] .said').click()
    page.locator(".said textarea").fill("La mienne.")
    theirs = {"revision": seen, "edits": [{"line": "9-0", "change": {"text": "La leur."}}]}
    kept = page.request.post(api(page, "/edits"), data=theirs, headers={"x-polydub": "other"})
    assert kept.status == 201
    reviewer.press("Enter")
    reviewer.says("Somebody changed this line")
    assert page.locator(".said textarea").input_value() == "La mienne."
    reviewer.press("Escape")
    until(lambda: reviewer.texts()["9-0"] == "La leur.")
    now = page.request.get(api(page, "")).json()["revision"]
    theirs = {"revision": now, "edits": [{"line": "10-0", "change": {"text": "La sienne."}}]}
    assert page.request.post(api(page, "/edits"), data=theirs, headers={"x-polydub": "other"}).status == 201
    until(lambda: reviewer.texts()["10-0"] == "La sienne.")
    reviewer.troubles[:] = [one for one in reviewer.troubles if "409" not in one]
