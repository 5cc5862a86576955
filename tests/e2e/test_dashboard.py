"""The morning after, in a real browser: find the batch, read why a language failed, retry it, watch it complete.

Each page is kept as `ui-*.png` in the test's folder (`--basetemp`); docs/operations.md shows them.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.e2e.services import environment, free_port, up

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1200),
]

SUBTITLES = "1\n00:00:00,200 --> 00:00:00,950\nGood morning.\n"
LOW = 778  # pixels; below the first error is a traceback of Prefect's own
SLOW_MS = 240_000  # a worker takes a run, imports everything and dubs, on a busy machine


class Dashboard:
    """The Prefect UI as somebody uses it, by what stands on the page."""

    def __init__(self, page: Any, address: str, pictures: Path) -> None:
        self.page, self.address, self.pictures = page, address, pictures

    def choose(self, control: str, option: str) -> None:
        """Open one of the page's selections by the keyboard, and click an option of it."""
        self.page.locator(control).press("Space")
        self.page.locator(".p-select-option", has_text=option).first.click()

    def find_batch(self, batch: str) -> None:
        self.page.goto(f"{self.address}/runs", wait_until="domcontentloaded")
        self.page.get_by_text(re.compile(r"^\d+ runs$")).wait_for()  # those that tidy up among them, in a long night
        self.choose(".flow-run-tags-input button", f"batch:{batch}")
        self.page.wait_for_url(f"**tag=batch:{batch}**")
        self.page.get_by_text("9 runs").wait_for()  # the batch, its titles and their languages

    def open_run(self, name: str) -> None:
        self.page.get_by_role("link", name=name, exact=True).first.click()
        self.page.wait_for_url("**/flow-run/**")

    def open_tab(self, name: str) -> None:
        self.page.get_by_text(name, exact=True).first.click()

    def wait_for_state(self, *states: str) -> None:
        badge = self.page.locator(".state-badge").first
        from playwright.sync_api import expect

        expect(badge).to_contain_text(re.compile("|".join(states)), timeout=SLOW_MS)

    def picture(self, name: str, height: int = 1000) -> None:
        self.page.wait_for_timeout(3000)  # for what moves
        path = self.pictures / f"ui-{name}.png"
        self.page.screenshot(path=path, clip={"x": 0, "y": 0, "width": 1280, "height": height})
        with Image.open(path) as picture:
            picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


def walk(dashboard: Dashboard, batch: str, branch: str, mend: Callable[[], None]) -> None:
    """From the list of runs to the branch that failed, and on to what it belongs to."""
    title = branch.rpartition("-")[0]
    dashboard.find_batch(batch)
    dashboard.picture("batch")

    dashboard.open_run(branch)
    dashboard.wait_for_state("Failed")
    dashboard.choose(".p-select-button__control:has-text('Level: all')", "Error and above")
    dashboard.page.get_by_text("cannot be written: a file stands where").first.wait_for()
    dashboard.picture("failed", LOW)

    mend()
    dashboard.page.get_by_role("button", name="Retry").click()
    dashboard.page.get_by_text(f"Retry {branch}?").wait_for()
    dashboard.picture("retry", LOW)
    dashboard.page.get_by_role("dialog").get_by_role("button", name="Retry").click()
    dashboard.wait_for_state("AwaitingRetry", "Late", "Pending", "Running")
    dashboard.wait_for_state("Completed", "NeedsReview")
    dashboard.picture("completed", LOW)

    dashboard.open_run(title)
    dashboard.wait_for_state("Completed", "NeedsReview")  # corrected by its branch
    dashboard.open_tab("Artifacts")
    dashboard.page.get_by_text(f"Languages of {title}").first.wait_for()
    dashboard.picture("title")

    dashboard.open_run(batch)
    dashboard.wait_for_state("PartialFailure")  # the night as it was
    dashboard.open_tab("Artifacts")
    dashboard.page.get_by_text(re.compile(r"\d ready, \d to review, 1 failed of 6")).first.wait_for()
    dashboard.page.locator("a[href*='/artifacts/artifact/']").first.click()
    dashboard.page.get_by_text("cannot be written: a file stands where").first.wait_for()
    dashboard.picture("summary", LOW)


@pytest.fixture
def page() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright  # `make test-all` brings it and the browser

    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )  # tests may run as root
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.set_default_timeout(120_000)
        yield page
        browser.close()


def test_the_morning_after_in_the_dashboard(page: Any, short_clip: Path, store_folder: Path, tmp_path: Path) -> None:
    for name in ("harbour", "night-train"):
        shutil.copy(short_clip, tmp_path / f"{name}.mp4")
        with (tmp_path / f"{name}.mp4").open("ab") as file:
            file.write(name.encode())  # another title, as far as content goes
        (tmp_path / f"{name}.srt").write_text(SUBTITLES)
    rows = [f"{name}.mp4,es fr pt,en" for name in ("harbour", "night-train")]
    (tmp_path / "tonight.csv").write_text("\n".join(["title,languages,source_language", *rows]) + "\n")
    folder = tmp_path / "out" / "night-train.preview"
    folder.mkdir(parents=True)
    (folder / "fr").write_text("a file where a folder is to be")
    port = free_port()
    env = {**environment(tmp_path, store_folder, port, password=""), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "flows.cli", "batch", "tonight.csv", "--preview", "1", "--lipsync", "none"]
    with up(port, env, tmp_path / "up.log"):
        night = [*command, "--deployed"]
        done = subprocess.run(night, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=800, check=False)
        assert done.returncode == 3, done.stderr
        (batch,) = (path.stem for path in (store_folder / "batches").iterdir())
        password = base64.b64encode((tmp_path / "prefect" / "polydub-password").read_bytes().strip()).decode()
        page.add_init_script(f"localStorage.setItem('prefect-password', '{password}')")  # as its login page keeps it
        dashboard = Dashboard(page, f"http://127.0.0.1:{port}", tmp_path)
        walk(dashboard, batch, "night-train.preview-fr", (folder / "fr").unlink)
    assert (folder / "night-train.preview.fr.mp4").exists()
    summary = json.loads((folder / "summary.json").read_text())
    assert (summary["delivered"], summary["failed"]) == (3, 0)
