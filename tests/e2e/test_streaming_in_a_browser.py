"""A streaming package plays in hls.js and dash.js in Chromium, and what is heard is the language that was chosen."""

from __future__ import annotations

import functools
import http.server
import re
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from configs.delivery import Rung, StreamingPreset
from configs.loudness import loudness_presets
from tasks.deliver.ladder import make_ladder
from tasks.deliver.streaming import pack
from tasks.keep.digests import file_sha256
from tasks.media.probe import probe
from tasks.package.package import stream_hash
from tasks.records.delivery import DeliveredDub
from tasks.records.record import Asset
from tests.clips import ffmpeg

pytestmark = pytest.mark.slow

#: Players as packages of npm, with the script of each.
PLAYERS = {
    "hls.min.js": ("hls.js@1.7.4", "package/dist/hls.min.js"),
    "dash.min.js": ("dashjs@5.2.1", "package/dist/modern/umd/dash.all.min.js"),
}
SECONDS = 12
#: What each language sounds like, in Hz.
TONES = {"en": 300, "es-419": 900, "fr": 2100}
PRESET = StreamingPreset(
    kind="streaming",
    about="",
    segment_s=2.0,
    longest_segment_s=10.0,
    ladder=(Rung(height=120, kbps=200),),
)
PAGE = """<!doctype html><video id=film></video><script src=hls.min.js></script><script>
const film = document.getElementById('film'), hls = new Hls({enableWorker: false}), faults = [];
hls.on(Hls.Events.ERROR, (_, fault) => faults.push(fault.details));
hls.loadSource('master.m3u8'); hls.attachMedia(film);
"""
DASH_PAGE = """<!doctype html><video id=film></video><script src=dash.min.js></script><script>
const film = document.getElementById('film'), player = dashjs.MediaPlayer().create(), faults = [];
player.on('error', fault => faults.push(String(fault.error && fault.error.message)));
player.initialize(film, 'manifest.mpd', false);
"""
LISTENING = """const sound = new AudioContext(), scope = sound.createAnalyser(); scope.fftSize = 8192;
sound.createMediaElementSource(film).connect(scope); scope.connect(sound.destination);
function pitch() {
  const bins = new Float32Array(scope.frequencyBinCount); scope.getFloatFrequencyData(bins);
  const best = bins.indexOf(Math.max(...bins)); return bins[best] < -60 ? 0 : best * sound.sampleRate / scope.fftSize;
}
</script>"""


class Ranged(http.server.SimpleHTTPRequestHandler):
    """Serves ranges of bytes, as every host of such packages does."""

    def do_GET(self) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if not asked:
            return super().do_GET()
        data = Path(self.translate_path(self.path)).read_bytes()
        part = data[int(asked[1]) : int(asked[2]) + 1]
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {asked[1]}-{asked[2]}/{len(data)}")
        self.send_header("Content-Length", str(len(part)))
        self.send_header("Content-Type", "video/mp4")
        self.end_headers()
        self.wfile.write(part)

    def log_message(self, *_arguments: object) -> None:
        pass


def asset(path: Path) -> Asset:
    digest, size = file_sha256(path)
    return Asset(uri=str(path), sha256=digest, bytes=size)


def tone(language: str, folder: Path) -> DeliveredDub:
    sound, words, lines = folder / f"{language}.m4a", folder / f"{language}.vtt", folder / f"{language}.json"
    made = f"sine=f={TONES[language]}:d={SECONDS}:r=48000"
    ffmpeg("-f", "lavfi", "-i", made, "-ac", "2", "-c:a", "aac", sound)
    words.write_text(f"WEBVTT\n\n00:00:00.500 --> 00:00:11.500\nWords in {language}\n")
    lines.write_text("{}")
    texts = {"script": asset(lines), "srt": asset(words), "vtt": asset(words)}
    return DeliveredDub(language=language, synthetic=True, audio=asset(sound), mix=asset(sound), **texts)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package of a picture in two sizes and three languages, and a page that plays it."""
    folder = tmp_path_factory.mktemp("streaming")
    film, own = folder / "film.mp4", folder / "own.wav"
    ffmpeg(*("-f", "lavfi", "-i", f"testsrc2=d={SECONDS}:r=25:s=320x240"), "-pix_fmt", "yuv420p", "-g", "25", film)
    ffmpeg("-f", "lavfi", "-i", f"sine=f={TONES['en']}:d={SECONDS}:r=48000", "-ac", "2", own)
    rungs, notes = make_ladder(film, probe(film), PRESET, folder)
    assert (len(rungs), notes) == (2, ())
    dubs = [tone(language, folder) for language in ("es-419", "fr")]
    loudness = loudness_presets()["r128"]
    files, checks, _ = pack(rungs, own, "en", dubs, PRESET, loudness, "r128", SECONDS * 1000, folder)
    assert {gate.name for gate in checks.gates} >= {"segment_alignment", "keyframe_at_each_segment", "byte_ranges"}
    site = folder / "package"
    assert {path.name for path in site.iterdir()} == set(files)
    assert stream_hash(site / "video-240.mp4") == stream_hash(film)
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm brings the players")
    for name, (player, inside) in PLAYERS.items():
        done = subprocess.run(
            [npm, "pack", "--silent", player], cwd=folder, check=True, capture_output=True, timeout=120
        )
        with tarfile.open(folder / done.stdout.decode().split()[-1]) as archive:
            script = archive.extractfile(inside)
            assert script is not None
            (site / name).write_bytes(script.read())
    (site / "index.html").write_text(PAGE + LISTENING)
    (site / "dash.html").write_text(DASH_PAGE + LISTENING)
    return site


@pytest.fixture
def page(package: Path) -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="`make test-all` installs it")
    chromium = shutil.which("chromium")
    assert chromium, "`make test-all` installs Chromium"
    handler = functools.partial(Ranged, directory=str(package))
    with (
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as site,
        sync_api.sync_playwright() as playwright,
    ):
        threading.Thread(target=site.serve_forever, daemon=True).start()
        flags = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        shown = browser.new_page()
        shown.goto(f"http://127.0.0.1:{site.server_port}/index.html")
        yield shown
        browser.close()
        site.shutdown()


def test_it_plays_and_each_language_is_heard_when_it_is_chosen(page: Any) -> None:
    page.wait_for_function("hls.audioTracks.length == 3 && film.readyState >= 3", timeout=60_000)
    assert page.evaluate("hls.audioTracks.map(one => one.lang)") == ["en", "es-419", "fr"]
    assert page.evaluate("hls.subtitleTracks.map(one => one.lang)") == ["es-419", "fr"]
    assert page.evaluate("hls.levels.map(one => one.height)") == [120, 240]
    assert page.evaluate("film.duration") == pytest.approx(SECONDS, abs=0.1)
    page.evaluate("sound.resume().then(() => film.play())")
    for number, language in enumerate(TONES):
        page.evaluate(f"hls.audioTrack = {number}; film.currentTime = 1")
        wanted = TONES[language]
        page.wait_for_function(f"film.currentTime > 1.2 && Math.abs(pitch() - {wanted}) < 30", timeout=60_000)
    page.evaluate("hls.subtitleTrack = 1; hls.subtitleDisplay = true")
    page.wait_for_function("[...film.textTracks].some(one => [...(one.cues || [])].length)", timeout=60_000)
    cues = "[...film.textTracks].flatMap(one => [...(one.cues || [])].map(cue => [cue.text, cue.startTime]))"
    texts = page.evaluate(cues)
    assert ["Words in fr", 0.5] in [[text, round(start, 2)] for text, start in texts]
    assert page.evaluate("film.videoHeight") in (120, 240)
    assert page.evaluate("faults.filter(one => !one.startsWith('bufferStall'))") == []


def test_the_same_renditions_play_from_the_manifest_of_dash(page: Any) -> None:
    page.goto(page.url.replace("index", "dash"))
    page.wait_for_function("film.readyState >= 2 && player.getTracksFor('audio').length == 3", timeout=60_000)
    tracks = page.evaluate("player.getTracksFor('audio').map(one => [one.lang, one.roles[0].value])")
    assert tracks == [["en", "main"], ["es-419", "dub"], ["fr", "dub"]]
    assert page.evaluate("player.getTracksFor('text').map(one => one.lang)") == ["es-419", "fr"]
    page.evaluate("sound.resume().then(() => film.play())")
    for number, wanted in enumerate(TONES.values()):
        page.evaluate(f"player.setCurrentTrack(player.getTracksFor('audio')[{number}]); film.currentTime = 1")
        page.wait_for_function(f"film.currentTime > 1.2 && Math.abs(pitch() - {wanted}) < 30", timeout=60_000)
    assert page.evaluate("faults") == []
