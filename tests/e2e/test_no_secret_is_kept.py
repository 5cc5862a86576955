"""A key of a hosted translator is in no log, result, error, store or Prefect record, however the run ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.translate.servers import ChatServer, posts, serving

KEY = "sk-very-secret-1234567890"
PROFILE = """
extends: fake
translate:
  backend: llm
  language_check: true
  options: {{model: small, url: "{url}/v1", tries: 1}}
  fallbacks: [fake]
"""


def run(folder: Path, clip: Path, url: str, *languages: str, **env: str) -> subprocess.CompletedProcess[str]:
    profile = folder / "hosted.yaml"
    profile.write_text(PROFILE.format(url=url))
    (folder / "clip.srt").write_text("1\n00:00:00,500 --> 00:00:01,500\nOpen your mouth.\n")
    env = {**os.environ, "NO_PROXY": "127.0.0.1", "PREFECT_LOGGING_LEVEL": "DEBUG", **env}
    env |= {"PREFECT_HOME": str(folder / "prefect"), "POLYDUB_STORE": str(folder / "store")}
    command = [sys.executable, "-m", "flows.cli", "run", str(clip), "--to", ",".join(languages), "--from", "en"]
    command += ["--subtitles", str(folder / "clip.srt"), "--profile", str(profile), "--out", str(folder / "out")]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=200, check=False)


def holders(folder: Path) -> list[str]:
    """Files that hold the key; databases and all."""
    return [str(path) for path in folder.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


@pytest.mark.prefect
def test_a_key_stays_in_the_environment(short_clip: Path, tmp_path: Path) -> None:
    echo = {"status": 400, "body": json.dumps({"error": f"Incorrect API key provided: {KEY}"})}
    with serving(ChatServer) as (url, server):
        server.faults = [echo]  # the first language fails over, the second is translated
        done = run(tmp_path, short_clip, url, "es", "pt", OPENAI_API_KEY=KEY, PREFECT_API_URL="")
        translations = [body for body in posts(server) if "You translate" in body["messages"][0]["content"]]
        assert len(translations) == 2
        assert all(asked["headers"]["Authorization"] == f"Bearer {KEY}" for asked in server.asked)
    assert done.returncode == 0, done.stderr
    assert KEY not in done.stdout + done.stderr
    summary = json.loads((tmp_path / "out" / "clip" / "summary.json").read_text())
    notes = [note for language in summary["languages"].values() for note in language["notes"]]
    assert any("small rejected the request (status 400)" in note and "***" in note for note in notes)
    assert list((tmp_path / "store" / "records").rglob("*.json"))
    assert holders(tmp_path) == []


@pytest.mark.prefect
def test_a_key_stays_in_its_block(prefect_api: str, short_clip: Path, tmp_path: Path) -> None:
    from prefect.blocks.system import Secret
    from pydantic import SecretStr

    Secret(value=SecretStr(KEY)).save("polydub-openai-api-key", overwrite=True)
    try:
        with serving(ChatServer) as (url, server):
            done = run(tmp_path, short_clip, url, "es", OPENAI_API_KEY="", PREFECT_API_URL=prefect_api)
            assert [asked["headers"]["Authorization"] for asked in server.asked] == [f"Bearer {KEY}"] * len(
                server.asked
            )
            assert posts(server)
    finally:
        Secret.delete("polydub-openai-api-key")  # the server is that of other tests too
    assert done.returncode == 0, done.stderr
    assert KEY not in done.stdout + done.stderr
    assert holders(tmp_path) == []
    home = Path(os.environ["PREFECT_HOME"])
    assert (home / "prefect.db").stat().st_size > 0
    assert holders(home) == []
