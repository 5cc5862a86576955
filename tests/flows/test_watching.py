"""What an operator sees of runs from outside: metrics for Prometheus, logs as JSON lines."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from configs.profile import load_profile
from flows.dub.journal import journal
from flows.kept.costs import accounted
from flows.service.metrics import metrics, write_metrics
from tasks.records.progress import StepEvent, announce
from tasks.records.record import Asset
from tasks.records.step_record import Bill, Usage
from tasks.records.title import Run, Title


@pytest.fixture
def run(store_folder: Path, tmp_path: Path) -> Run:
    video = Asset(uri="/nowhere/talk.mp4", sha256="0" * 64, bytes=1)
    title = Title(name="talk", video=video, source="talk.mp4", folder=str(tmp_path / "out"), languages=("es",))
    return Run(title=title, profile=load_profile("fake"), store=str(store_folder), batch="night-1").branch("es")


def samples(text: str) -> dict[str, float]:
    lines = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


def test_the_ledger_becomes_metrics(run: Run, tmp_path: Path) -> None:
    bill = Bill(provider="deepl", units={"characters": 120.0}, usd=0.003)
    with accounted(run):
        announce(StepEvent("talk", "es", "translate", "failed", seconds=1.0))
        announce(StepEvent("talk", "es", "translate", "computed", 1.0, 2.0, usage=Usage(bills=(bill,))))
        announce(StepEvent("talk", "es", "mix", "reused", 1.0))
    found = samples(metrics().decode())
    assert found['polydub_steps_total{language="es",state="computed",step="translate"}'] == 1
    assert found['polydub_steps_total{language="es",state="reused",step="mix"}'] == 1
    assert found['polydub_step_seconds_total{language="es",step="translate"}'] == 3.0
    assert found['polydub_step_retries_total{language="es",step="translate"}'] == 1
    assert found['polydub_billed_usd_total{provider="deepl"}'] == pytest.approx(0.003)
    assert found['polydub_billed_characters_total{provider="deepl"}'] == 120
    assert found["polydub_store_free_bytes"] > 0
    write_metrics(tmp_path / "polydub.prom")
    assert (tmp_path / "polydub.prom").read_bytes().startswith(b"# HELP polydub_store_free_bytes")


def test_before_anything_ran_there_is_the_disk_alone(store_folder: Path) -> None:
    store_folder.mkdir()
    assert set(samples(metrics().decode())) == {"polydub_store_free_bytes", "polydub_store_size_bytes"}


def test_logs_as_json_say_whose_step_it_was(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POLYDUB_LOG", "json")
    with journal(run):
        announce(StepEvent("talk", "es", "mix", "started"))
        announce(StepEvent("talk", "es", "mix", "progress", 0.5))
        announce(StepEvent("another", "es", "qc", "started"))
        logging.getLogger("tasks.mix").warning("odd: %d", 3)
        announce(StepEvent("talk", "es", "mix", "computed", 1.0, 2.5, hits=1, parts=4))
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["event"] for line in lines] == ["begun", "step", "log", "step", "ended"]
    assert {(line["batch"], line["title"], line["language"]) for line in lines} == {("night-1", "talk", "es")}
    assert [line["step"] for line in lines] == ["", "mix", "mix", "mix", ""]
    assert (lines[2]["message"], lines[2]["level"], lines[2]["logger"]) == ("odd: 3", "warning", "tasks.mix")
    assert (lines[3]["state"], lines[3]["seconds"], lines[3]["hits"], lines[3]["parts"]) == ("computed", 2.5, 1, 4)


def test_without_being_asked_for_there_are_none(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with journal(run):
        announce(StepEvent("talk", "es", "mix", "started"))
    assert not capsys.readouterr().err
