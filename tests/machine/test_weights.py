"""What is downloaded on first use is told beforehand, with its size."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.terminal.doctor import examine


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("XDG_CACHE_HOME", "TORCH_HOME", "TTS_HOME", "HF_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    return tmp_path


def remarks() -> dict[str, str]:
    """The weights that the studio profile needs, by step."""
    (profile,) = examine("studio")["profiles"]
    return {
        step: said for step, _, said in (line.partition(": ") for line in profile["remarks"]) if "weights of" in said
    }


def test_what_the_studio_profile_will_download_is_told_with_its_size(home: Path) -> None:
    told = remarks()
    assert told.keys() == {"separate", "transcribe", "synthesize"}
    assert "htdemucs, about 84 MB, are downloaded on first use" in told["separate"]
    assert "turbo, about 1620 MB" in told["transcribe"]
    assert "xtts_v2, about 1880 MB" in told["synthesize"]


@pytest.mark.parametrize(
    "demucs",
    ["hub/models--adefossez--HTDemucs/snapshots/bf35a81b/955717e8.safetensors", "hub/checkpoints/955717e8-8726e21a.th"],
)
def test_what_is_there_already_is_not_downloaded(home: Path, demucs: str) -> None:
    xtts = "tts/tts_models--multilingual--multi-dataset--xtts_v2/model.pth"
    for name in (demucs, "whisper/large-v3-turbo.pt", xtts):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).touch()
    assert all(said.endswith("are installed") for said in remarks().values())
