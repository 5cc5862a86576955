"""Three servers that others wrote, from the Python registry, on loopback, with the weights that `make setup` brings.

fastkokoro speaks (Kokoro-82M); faster-whisper-server, which tells times of segments, and open-asr-server, which tells
those of words, listen (Whisper base). They live in an environment of their own, since their pins are not ours; nothing
of them is imported here.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import jiwer
import numpy as np
import pytest
import soundfile

from tasks.machine.weights import located
from tasks.media import speech_copy
from tasks.records.progress import silent
from tasks.synthesize import synthesizer
from tasks.transcribe import transcriber
from tests.e2e.test_command_line import polydub
from tests.speech_media import clip_16k

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

SERVERS = ["fastkokoro[cpu]==0.7.0", "faster-whisper-server==0.0.3", "open-asr-server[faster-whisper]==0.3.0"]
NEEDED = ("kokoro", "kokoro-voices", "whisper-base")
SAID = {
    "en": "The harbour is closed today because of the storm.",
    "es": "Buenos días. El niño abrió la puerta y vio el mar.",
}


@dataclass(frozen=True)
class Addresses:
    """Where the two servers answer."""

    speech: str
    hearing: str


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of the servers."""
    if lacking := [name for name in NEEDED if not located(name)]:
        pytest.skip(f"the models {', '.join(lacking)} come with `make setup`, which may be told to leave them out")
    return _environment(tmp_path_factory.mktemp("servers"))


@pytest.fixture(scope="module")
def servers(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Addresses]:
    folder = tmp_path_factory.mktemp("foreign")
    kokoro, voices = located("kokoro"), located("kokoro-voices")
    assert kokoro
    assert voices
    styles = {file.stem: np.fromfile(file, np.float32).reshape(510, 1, 256) for file in voices.glob("*.bin")}
    np.savez(folder / "voices.npz", **styles)
    own = {
        "FASTKOKORO_MODEL_PATH": str(kokoro / "model.onnx"),
        "FASTKOKORO_VOICES_PATH": str(folder / "voices.npz"),
        "FASTKOKORO_CACHE_DIR": str(folder / "cache"),
        "FASTKOKORO_WARMUP": "0",
        "FASTKOKORO_HOST": "127.0.0.1",
    }
    speech, hearing = _free_port(), _free_port()
    whisper = [str(home / "faster-whisper-server"), str(located("whisper-base"))]
    with (
        _running([str(home / "fastkokoro")], speech, {**own, "FASTKOKORO_PORT": str(speech)}, folder),
        _running([*whisper, "--host", "127.0.0.1", "--port", str(hearing)], hearing, {}, folder),
    ):
        yield Addresses(f"http://127.0.0.1:{speech}/v1", f"http://127.0.0.1:{hearing}/v1")


def _environment(folder: Path) -> Path:
    """The programs of an environment with the servers; the tests are skipped where no registry answers."""
    uv = {**os.environ, "VIRTUAL_ENV": str(folder / "venv")}
    subprocess.run(["uv", "venv", "-q", "--python", sys.executable, str(folder / "venv")], check=True)
    done = subprocess.run(["uv", "pip", "install", "-q", *SERVERS], env=uv, capture_output=True, text=True, check=False)
    if done.returncode and any(word in done.stderr.lower() for word in ("fetch", "connect", "network", "timed out")):
        pytest.skip(f"the package registry cannot be had: {done.stderr.strip()[:200]}")
    assert done.returncode == 0, done.stderr
    return folder / "venv" / "bin"


def _free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@contextlib.contextmanager
def _running(command: list[str], port: int, own: dict[str, str], folder: Path) -> Iterator[None]:
    log = folder / f"{port}.log"
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "NO_PROXY": "127.0.0.1", **own}
    with log.open("w") as said, subprocess.Popen(command, env=environment, stdout=said, stderr=said) as server:
        try:
            _await_health(server, port, log)
            yield
        finally:
            server.terminate()


def _answers(address: str) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(address, trust_env=False).status_code == 200
    return False


def _await_health(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    ends, wait = time.monotonic() + 600, threading.Event()
    while time.monotonic() < ends and server.poll() is None:
        if any(_answers(f"http://127.0.0.1:{port}/{page}") for page in ("health", "docs")):
            return
        wait.wait(0.5)
    pytest.fail(f"the server did not come up: {log.read_text()[-2000:]}")


def speaking(servers: Addresses) -> dict[str, object]:
    return {
        "model": "kokoro",
        "url": servers.speech,
        "paid": False,
        "voices": {"en": ["af_heart", "am_michael"], "es": ["ef_dora", "em_alex"]},
        "deep": ["am_michael", "em_alex"],
        "follow_pace": True,
        "speeds": [1.0, 2.0],
        "longest_pause_s": 1,
    }


def hearing(servers: Addresses) -> dict[str, object]:
    return {"model": "whisper-1", "url": servers.hearing, "paid": False, "longest_pause_s": 1}


def plain(text: str) -> str:
    return " ".join("".join(sign for sign in text.lower() if sign.isalnum() or sign.isspace()).split())


@pytest.mark.parametrize("language", SAID)
def test_what_one_says_the_other_understands(servers: Addresses, language: str, tmp_path: Path) -> None:
    backend = synthesizer("openai", speaking(servers))
    voice = next(iter(speaking(servers)["voices"][language]))  # type: ignore[index]
    spoken = backend.synthesize(SAID[language], voice, language, tmp_path / "line.wav")
    faster = backend.synthesize(SAID[language], voice, language, tmp_path / "faster.wav", 1.3)
    assert faster.duration_ms == pytest.approx(spoken.duration_ms / 1.3, rel=0.12)
    speech_copy(spoken.audio, tmp_path / "16k.wav")
    script = transcriber("openai", hearing(servers)).transcribe(tmp_path / "16k.wav", None, silent)
    heard = " ".join(line.text for line in script.lines)
    print(f"{language}: said {SAID[language]!r}, heard {heard!r}, {script.notes}")
    assert script.language == language
    assert jiwer.wer(plain(SAID[language]), plain(heard)) <= 0.2
    assert any("placed by our own aligner" in note for note in script.notes)


def test_words_are_placed_near_where_whisper_itself_places_them(servers: Addresses, tmp_path: Path) -> None:
    audio = clip_16k("speechbrain/tests/samples/ASR/spk1_snt1.wav", tmp_path)
    theirs = transcriber("openai", hearing(servers)).transcribe(audio, "en", silent)
    options = {"model": "base", "compute": "int8", "device": "cpu", "download": False}
    ours = transcriber("faster-whisper", options).transcribe(audio, "en", silent)
    placed, known = ([word for line in script.lines for word in line.words] for script in (theirs, ours))
    assert [plain(word.text) for word in placed] == [plain(word.text) for word in known]
    wrong = [abs(one.start_ms - other.start_ms) for one, other in zip(placed, known, strict=True)]
    print(f"word starts against Whisper's: median {statistics.median(wrong):.0f} ms, most {max(wrong)} ms")
    assert statistics.median(wrong) < 120


def test_each_stretch_is_heard_in_its_own_language_with_the_servers_times(home: Path, tmp_path: Path) -> None:
    clips = {"es": "_es", "en": "", "de": "_de"}
    names = (f"picovoice-leopard/resources/audio_samples/test{end}.wav" for end in (*clips.values(), ""))
    gap = np.zeros(24_000, np.float32)
    parts = [part for name in names for part in (soundfile.read(clip_16k(name, tmp_path), dtype="float32")[0], gap)]
    soundfile.write(tmp_path / "three.wav", np.concatenate(parts), 16_000)
    port = _free_port()
    model = f"openai/whisper-{located('whisper-base')}"  # what stands after the prefix may be a folder
    with _running([str(home / "open-asr-server"), "serve", "--port", str(port)], port, {}, tmp_path):
        options = {"model": model, "url": f"http://127.0.0.1:{port}/v1", "paid": False, "longest_pause_s": 1}
        script = transcriber("openai", options).transcribe(tmp_path / "three.wav", None, silent)
    assert script.language == "en"
    assert [line.language for line in script.lines] == ["es", "", "de", ""]
    said = ("arenas", "middle classes", "portal", "middle classes")
    assert all(part in line.text for part, line in zip(said, script.lines, strict=True))
    assert not any("aligner" in note for note in script.notes)
    assert sum("is spoken at" in note for note in script.notes) == 2


def test_a_title_is_heard_and_spoken_by_them(servers: Addresses, tmp_path: Path) -> None:
    backend = synthesizer("openai", speaking(servers))
    line = backend.synthesize(SAID["en"], "af_heart", "en", tmp_path / "line.wav")
    samples, rate = soundfile.read(line.audio)
    soundfile.write(tmp_path / "said.wav", np.pad(samples, rate // 2), rate)
    picture = ["-f", "lavfi", "-i", "testsrc2=size=160x120:rate=25", "-i", str(tmp_path / "said.wav"), "-shortest"]
    codecs = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac"]
    subprocess.run(["ffmpeg", "-v", "error", *picture, *codecs, str(tmp_path / "talk.mp4")], check=True)
    profile = {
        "extends": "offline",
        "transcribe": {"backend": "openai", "options": hearing(servers)},
        "synthesize": {"backend": "openai", "options": speaking(servers)},
    }
    (tmp_path / "any.yaml").write_text(json.dumps(profile))
    asked = ["run", "talk.mp4", "--to", "es", "--profile", "any.yaml", "--lipsync", "none", "--out", "out", "--json"]
    done = polydub(*asked, cwd=tmp_path, deadline_s=900, POLYDUB_STORE=str(tmp_path / "store"), NO_PROXY="127.0.0.1")
    assert done.returncode == 0, done.stderr
    (title,) = json.loads(done.stdout) if done.stdout.lstrip().startswith("[") else [json.loads(done.stdout)]
    branch = title["languages"]["es"]
    print(branch["notes"], (tmp_path / "out/talk/es/qc.json").read_text()[:600])
    assert branch["state"] in ("completed", "needs_review")
    assert any("ef_dora" in note or "em_alex" in note for note in branch["notes"])
    assert json.loads((tmp_path / "out/talk/es/qc.json").read_text())["intelligibility"]["wer"] <= 0.35
