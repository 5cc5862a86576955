"""The studio profile on small models of our own: the packages' real loaders and decoders, and a page like Google's."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.ask.plan import Request, plan
from flows.kept.costs import ledger
from flows.terminal.runner import dub_titles
from tasks.machine import resident
from tests.clips import ffmpeg
from tests.e2e.test_command_line import polydub
from tests.speech_media import recording
from tests.tiny_coqui import save_tiny_vits
from tests.tiny_demucs import save_tiny_demucs
from tests.tiny_whisper import save_tiny_whisper
from tests.translate.servers import GooglePage, serving

pytestmark = [pytest.mark.usefixtures("store_folder")]

SAID = ("Good morning.", "My name is Jordi.")  # what the tiny Whisper hears in any speech
TRANSLATED = {
    "es": ("Buenos días.", "Me llamo Jordi."),
    "fr": ("Bonjour.", "Je m'appelle Jordi."),
    "ca": ("Bon dia.", "Em dic Jordi."),
}
PACKAGES = {"separate", "transcribe", "synthesize", "watermark"}  # the steps with a model


class Page(GooglePage):
    """Knows two sentences in three languages."""

    def translated(self, query: dict[str, str]) -> str:
        text = TRANSLATED[query["tl"]][SAID.index(query["q"])]
        return f'<html><body><div class="result-container">{text}</div></body></html>'


@pytest.fixture
def service() -> Iterator[tuple[str, Any]]:
    with serving(Page) as served:
        yield served


@pytest.fixture(scope="module")
def backends(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The options that put small models in the place of the profile's."""
    folder = tmp_path_factory.mktemp("models")
    return {
        "separate": {"options": {"model": "voice", "repo": str(save_tiny_demucs(folder / "demucs"))}},
        "transcribe": {"options": {"model": str(save_tiny_whisper(folder))}},
        "synthesize": {"options": {"model_path": str(save_tiny_vits(folder / "vits"))}},
    }


def spoken_clip(path: Path, seconds: int = 4) -> Path:
    """A test picture with read speech."""
    speech = recording("picovoice-leopard/resources/audio_samples/test.wav")
    picture = f"testsrc2=d={seconds}:r=25:s=160x120"
    ffmpeg("-f", "lavfi", "-i", picture, "-i", speech, "-t", str(seconds), "-metadata", f"title={path.stem}", path)
    return path


def loads(table: Any) -> dict[str, int]:
    """How many models each step read, over all titles and languages."""
    counted = table.groupby("step")["models_loaded"].sum()
    return {step: int(count) for step, count in counted.items() if count}


@pytest.mark.prefect
@pytest.mark.usefixtures("prefect_api")
def test_a_studio_run_loads_each_model_once_and_clears_the_accelerator_after_each_stage(
    tmp_path: Path,
    backends: dict[str, dict[str, Any]],
    service: tuple[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def pretended(self: resident.Resident, device: str) -> None:
        self._there = device  # where there is no accelerator, the models only seem to go there

    monkeypatch.setattr(resident, "_pool", {})
    monkeypatch.setattr(resident, "_chosen", lambda _device: "accelerator")
    monkeypatch.setattr(resident.Resident, "_move", pretended)
    translate = {"options": {"provider": "google", "url": service[0]}}
    (run,) = plan(
        Request(
            videos=[str(spoken_clip(tmp_path / "talk.mp4"))],
            languages=("es",),
            out=str(tmp_path / "out"),
            profile="studio",
            preview_s=3.0,
            overrides={**backends, "translate": translate, "lipsync": {"backend": "none"}},  # it has no model of these
        )
    )
    (summary,) = dub_titles([run])
    assert (summary["delivered"], summary["failed"]) == (1, 0), summary
    folder = tmp_path / "out" / "talk.preview"
    script = json.loads((folder / "es" / "script.json").read_text())
    assert [line["text"] for line in script["lines"]] == list(TRANSLATED["es"])
    assert any("detected as English" in note for note in summary["shared"]["notes"])

    used = ledger()
    assert loads(used) == dict.fromkeys(PACKAGES, 1)  # two lines, one load
    rested = used.set_index("step")["models_rested"]
    assert {step: int(count) for step, count in rested.items() if count} == {
        "separate": 1,
        "transcribe": 1,
        "synthesize": 2,  # the voice, and the recogniser that listens to it
        "watermark": 1,
        "find-watermark": 1,
        "qc": 1,  # the recogniser again
    }
    assert not any(one.rest() for one in resident._pool.values())  # nothing is left on it


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_one_process_loads_each_model_once_for_two_titles_of_three_languages(
    tmp_path: Path, backends: dict[str, dict[str, Any]], service: tuple[str, Any]
) -> None:
    translate = {"options": {"provider": "google", "url": service[0]}}
    settings = {"extends": "studio", **backends, "translate": translate}
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(settings))
    with (tmp_path / "night.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["title", "languages"])
        rows.writerows([[spoken_clip(tmp_path / f"{name}.mp4").name, "es fr ca"] for name in ("one", "two")])
    told = ["--profile", "small.yaml", "--out", "out", "--json"]
    done = polydub("batch", "night.csv", *told, cwd=tmp_path, deadline_s=800)
    assert done.returncode in (0, 1), done.stderr
    for name in ("one", "two"):
        summary = json.loads((tmp_path / "out" / name / "summary.json").read_text())
        assert (summary["delivered"], summary["failed"]) == (3, 0), summary
        assert {tag: branch["master"] for tag, branch in summary["languages"].items()} == {
            tag: f"{name}.{tag}.mp4" for tag in TRANSLATED
        }
        for tag, lines in TRANSLATED.items():
            script = json.loads((tmp_path / "out" / name / tag / "script.json").read_text())
            assert [line["text"] for line in script["lines"]] == list(lines)
    assert loads(ledger()) == dict.fromkeys(PACKAGES, 1)
    assert len(service[1].asked) == len(SAID) * len(TRANSLATED)  # the second title finds them
