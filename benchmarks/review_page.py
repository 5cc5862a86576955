"""The review page of a long title: what a request costs the server, several people at once, and what a browser feels.

    python -m benchmarks.review_page [--lines 3000] [--edits 300] [--people 5] [--browser]

A title of that many lines with that many edits, and one of twenty lines without any, are written as a run delivers them
(nothing is dubbed). Prints the CPU seconds of each request at both and their ratio; the slowest answer and the server's
memory while people edit and type at once; and with ``--browser`` (Chromium, Playwright) the first paint, and the
longest time without a frame while the table is scrolled and a line is typed, as shares of the second that it may take.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LINE_MS, SLOT_MS = 1400, 1200
SHORT = 20
TYPED = "Esto es otra cosa que alguien escribe aquí."
HEADERS = {"Content-Type": "application/json", "X-Polydub": "benchmark"}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=3000)
    parser.add_argument("--edits", type=int, default=300)
    parser.add_argument("--people", type=int, default=5)
    parser.add_argument("--each", type=int, default=6, help="edits of each of the people")
    parser.add_argument("--browser", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="polydub-review-") as folder:
        os.environ |= {"POLYDUB_STORE": f"{folder}/store", "PREFECT_HOME": f"{folder}/prefect"}
        where = Path(folder)
        short, long = _title(where, "short", SHORT, 0), _title(where, "long", options.lines, options.edits)
        with _server(where) as (process, address):
            site = Site(address)
            _requests(process, site, short, long)
            _together(process, site, long, options.people, options.each, options.lines)
            if options.browser:
                _browser(site, long, options.lines)


def _title(folder: Path, name: str, count: int, edits: int) -> str:
    """The key of a title as it is after a run, with edits of every tenth line."""
    from flows.ask.naming import card_of
    from flows.ask.plan import Request, plan
    from flows.kept import links
    from flows.kept.dub_lines import DubLines, signature
    from flows.kept.edit import Change

    video = folder / f"{name}.mp4"
    sound = f"sine=440:duration=4:frequency={300 + count % 500}"
    inputs = ["-f", "lavfi", "-i", "testsrc2=size=160x120:rate=25:duration=4", "-f", "lavfi", "-i", sound]
    subprocess.run(["ffmpeg", "-v", "error", *inputs, "-pix_fmt", "yuv420p", str(video)], check=True)
    run = plan(Request([str(video)], ["es"], str(folder / "out"), "fake", source_language="en"))[0]
    title = Path(run.title.folder)
    (title / "es").mkdir(parents=True)
    source = [
        {"id": n, "start_ms": n * LINE_MS, "end_ms": n * LINE_MS + SLOT_MS, "speaker": f"S{n % 4 + 1}",
         "text": f"This is line number {n} of a long film, or one like it."}
        for n in range(1, count + 1)
    ]  # fmt: skip
    dub = [{**line, "text": f"Esta es la línea número {line['id']} de la película."} for line in source]
    measured = [
        {"line": line["id"], "slot_ms": SLOT_MS, "fit": "natural", "natural_of_slot": 1.0, "heard": line["text"]}
        for line in dub
    ]
    language = {"language": "Spanish", "state": "completed", "why": "", "report": None, "master": f"{name}.es.mp4"}
    script: dict[str, Any] = {"language": "en", "lines": source, "speakers": [{"id": f"S{n}"} for n in range(1, 5)]}
    facts = {"duration_ms": (count + 2) * LINE_MS, "container": "mp4", "picture": None, "audio": []}
    files: dict[str, Any] = {
        "title.json": {**card_of(run.title), "facts": facts, "script": script},
        "summary.json": {"title": run.title.name, "languages": {"es": language}},
        "es/script.json": {**script, "language": "es", "lines": dub},
        "es/qc.json": {"per_line": measured, "gates": [], "state": "completed"},
    }
    for place, content in files.items():
        (title / place).write_text(json.dumps(content), "utf-8")
    shutil.copy(video, title / f"{name}.es.mp4")
    links.note_delivered(run)
    if edits:
        lines = DubLines(title, "es")
        rows = [lines.rows[n * 10 % count] for n in range(edits)]
        change = (Change(text=f"Esta es otra línea, la {n}.") for n in range(edits))
        lines.add([lines.edit(row, one, signature()) for row, one in zip(rows, change, strict=True)])
    return links.key_of(run.title.folder)


class Site:
    """The review server, as a program asks it.

    Args:
        address: with its token.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.base, _, token = address.partition("/?token=")
        self.cookie = {"Cookie": f"polydub-review={token}"}

    def ask(self, where: str, body: Any = None) -> Any:
        """The answer to a request."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.base}/{where}", data, {**HEADERS, **self.cookie})
        with urllib.request.urlopen(request, timeout=300) as answer:
            content = answer.read()
            return json.loads(content) if "json" in answer.headers["content-type"] else content


@contextmanager
def _server(folder: Path) -> Iterator[tuple[int, str]]:
    log = folder / "review.log"
    with log.open("w") as out:
        command = [sys.executable, "-m", "flows.cli", "review", str(folder / "out"), "--no-open"]
        process = subprocess.Popen(command, stderr=out, stdout=out)
        try:
            while not (found := re.search(r"http://\S+token=\S+", log.read_text())):
                time.sleep(0.1)
                if process.poll() is not None:
                    sys.exit(log.read_text())
            _answers(found[0])
            yield process.pid, found[0]
        finally:
            process.terminate()
            process.wait()


def _answers(address: str) -> None:
    while True:
        try:
            Site(address).ask("api/v1/me")
            return
        except OSError:
            time.sleep(0.1)


def _cpu_s(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory_mb(process: int) -> float:
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024


def _requests(process: int, site: Site, short: str, long: str) -> None:
    print(f"{'request':<24}{'short':>10}{'long':>10}{'ratio':>9}   CPU s")
    for name, ask in REQUESTS.items():
        spent = [_spent(process, site, f"api/v1/titles/{key}/es", ask) for key in (short, long)]
        print(f"{name:<24}{spent[0]:10.3f}{spent[1]:10.3f}{spent[1] / max(spent[0], 0.001):9.1f}")


def _spent(process: int, site: Site, place: str, ask: Callable[[Site, str, int], object], times: int = 5) -> float:
    ask(site, place, 0)
    before = _cpu_s(process)
    for turn in range(1, times + 1):
        ask(site, place, turn)
    return (_cpu_s(process) - before) / times


def _edits(site: Site, place: str, line: int, text: str) -> dict[str, Any]:
    revision = site.ask(f"{place}/revision")["revision"]
    return {"revision": revision, "edits": [{"line": f"{line}-0", "change": {"text": text}}]}


REQUESTS: dict[str, Callable[[Site, str, int], object]] = {
    "the page": lambda site, place, _: site.ask(place.replace("api/v1/titles", "review")),
    "lines": lambda site, place, _: site.ask(place),
    "revision": lambda site, place, _: site.ask(f"{place}/revision"),
    "fit, while typing": lambda site, place, turn: site.ask(f"{place}/fit", {"line": "7-0", "text": TYPED[: turn * 5]}),
    "cost, while typing": lambda site, place, turn: site.ask(
        f"{place}/edits/preview", _edits(site, place, 7, f"{TYPED} {turn}")
    ),
    "an edit": lambda site, place, turn: site.ask(f"{place}/edits", _edits(site, place, 8, f"{TYPED} {turn}")),
    "what is not made yet": lambda site, place, _: site.ask(f"{place}/make"),
    "approvals": lambda site, place, _: site.ask(f"{place}/approvals"),
    "approvals after an edit": lambda site, place, turn: (
        site.ask(f"{place}/edits", _edits(site, place, 9, f"{TYPED} {turn}")),
        site.ask(f"{place}/approvals"),
    ),
}


def _together(process: int, site: Site, key: str, people: int, each: int, lines: int) -> None:
    """Everybody types and keeps at once, what a page asks for each; nobody's edit is lost."""
    place, took, sent = f"api/v1/titles/{key}/es", list[float](), list[tuple[int, str]]()
    streams = [threading.Thread(target=_listen, args=(site, place), daemon=True) for _ in range(people)]
    for stream in streams:
        stream.start()

    def person(number: int) -> None:
        for turn in range(each):
            line, text = 20 + number * lines // (people + 1) + turn, f"De {number}, vez {turn}."
            for typed in (text[:4], text):
                _timed(took, site, f"{place}/fit", {"line": f"{line}-0", "text": typed})
            body = _edits(site, place, line, text)
            for where in ("/edits/preview", "/edits"):
                _timed(took, site, place + where, body)
            _timed(took, site, f"{place}/make")
            sent.append((line, text))

    began, cpu = time.monotonic(), _cpu_s(process)
    threads = [threading.Thread(target=person, args=(number,)) for number in range(people)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    wall, spent = time.monotonic() - began, _cpu_s(process) - cpu
    texts = {line["key"]: line["text"] for line in site.ask(place)["lines"]}
    kept = sum(texts[f"{line}-0"] == text for line, text in sent)
    print(
        f"{people} people, {len(sent)} edits: {kept} kept; {spent / len(sent):.2f} CPU s an edit; answers: median "
        f"{statistics.median(took):.2f} s, slowest {max(took):.2f} s; {wall:.0f} s; {_memory_mb(process):.0f} MB"
    )


def _listen(site: Site, place: str) -> None:
    request = urllib.request.Request(f"{site.base}/{place}/events", headers=site.cookie)
    try:
        with urllib.request.urlopen(request, timeout=600) as answer:
            while answer.readline():
                pass
    except OSError:
        return


def _timed(took: list[float], site: Site, where: str, body: Any = None) -> None:
    began = time.monotonic()
    site.ask(where, body)
    took.append(time.monotonic() - began)


# The longest time without a frame in the page, while something is done with it.
FRAMES = """() => { const seen = { last: performance.now(), longest: 0, frames: 0 }; window.frames_ = seen;
  const next = (now) => { seen.longest = Math.max(seen.longest, now - seen.last); seen.last = now; seen.frames += 1;
    if (!seen.ended) requestAnimationFrame(next); }; requestAnimationFrame(next); }"""
FRAMES_END = "() => { window.frames_.ended = true; return [window.frames_.longest, window.frames_.frames]; }"


def _browser(site: Site, key: str, lines: int) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(site.address)
        page.goto(f"{site.base}/review/{key}/es")
        page.wait_for_selector("[data-key]", timeout=120_000)
        mark = "() => performance.getEntriesByName('lines')[0]?.startTime"
        page.wait_for_function(mark)
        paint = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
        _said("first paint", page.evaluate(paint))
        _said("lines there", page.evaluate(mark))
        page.wait_for_timeout(2000)
        page.evaluate(FRAMES)
        for _ in range(40):
            page.mouse.wheel(0, 4000)
            page.wait_for_timeout(30)
        _said("scrolling", *page.evaluate(FRAMES_END))
        page.evaluate("() => window.scrollTo(0, 0)")
        page.locator('[data-key="12-0"] .said').click()
        page.evaluate(FRAMES)
        page.keyboard.type(TYPED, delay=60)
        page.wait_for_timeout(1000)
        _said("typing", *page.evaluate(FRAMES_END))
        page.evaluate(FRAMES)
        page.keyboard.press("Enter")
        page.wait_for_function("() => document.getElementById('says').textContent", timeout=60_000)
        _said("keeping it", *page.evaluate(FRAMES_END))
        page.evaluate(FRAMES)
        page.keyboard.press("Escape")
        for _ in range(30):
            page.keyboard.press("ArrowDown")
        _said("30 lines down", *page.evaluate(FRAMES_END))
        page.evaluate(FRAMES)
        page.locator("#find").fill(f"{lines - 5}")
        page.wait_for_timeout(800)
        page.locator("#find").fill("")
        page.wait_for_timeout(800)
        _said("finding", *page.evaluate(FRAMES_END))
        size = page.evaluate("() => [document.querySelectorAll('*').length, performance.memory.usedJSHeapSize / 1e6]")
        print(f"{size[0]} elements, {size[1]:.0f} MB of script's memory")
        browser.close()


def _said(what: str, ms: float, frames: int | None = None) -> None:
    told = f" ({frames} frames)" if frames else ""
    print(f"{what:<24}{ms:8.0f} ms{ms / 1000:9.2f} of the second{told}")


if __name__ == "__main__":
    main()
