"""Slots of the fleet: what a step counts against, and that it holds them while it computes and no longer."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from configs.limits import LimitsError, load_limits
from configs.profile import load_profile
from flows.dub.pools import uses_gpu
from flows.service.deploy import slots_by_name
from tasks.machine.gpu import gpus, leased_device
from tasks.records.errors import TransientError
from tasks.records.record import Asset
from tasks.records.registry import BackendFacts
from tasks.records.title import Run, Title
from tasks.services.slots import held, slots_of
from tasks.step.run import Computation, StepOutput, Work, remember

DEEPL = BackendFacts(name="deepl", code_licence="Apache-2.0", network=True, services=frozenset({"deepl"}), paid=True)
NATIVE = BackendFacts(name="native", code_licence="Apache-2.0", device="any")
SPHINX = BackendFacts(name="sphinx", code_licence="BSD-2-Clause", heavy=True)
ESPEAK = BackendFacts(name="espeak", code_licence="GPL-3.0-or-later")

Card = Callable[[str], None]


@pytest.fixture
def cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Card:
    """Lets the test say what nvidia-smi prints."""
    program, table = tmp_path / "bin" / "nvidia-smi", tmp_path / "cards.csv"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\n[ "$1" = --query-gpu=memory.free,uuid,index ] && cat "{table}"\n')
    program.chmod(0o755)
    table.write_text("")
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return lambda rows: table.write_text(rows) and None


def test_the_device_with_most_free_memory_is_taken_then_the_next(cards: Card, tmp_path: Path) -> None:
    cards("2048, GPU-a, 0\n70000, GPU-b, 1\n30000, GPU-c, 2\n[N/A], GPU-d, 3\n")
    assert gpus() == ["GPU-b", "GPU-c", "GPU-a", "GPU-d"]
    with leased_device(gpus(), tmp_path / "locks") as first, leased_device(gpus(), tmp_path / "locks") as second:
        assert (first, second) == ("GPU-b", "GPU-c")


@pytest.mark.parametrize("visible", ["0,2", "GPU-a, GPU-c"])
def test_devices_that_are_hidden_from_us_are_left_alone(
    cards: Card, monkeypatch: pytest.MonkeyPatch, visible: str
) -> None:
    cards("2048, GPU-a, 0\n70000, GPU-b, 1\n30000, GPU-c, 2\n")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert gpus() == ["GPU-c", "GPU-a"]


def test_a_driver_that_answers_nonsense_is_no_gpu(cards: Card) -> None:
    cards("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n")
    assert gpus() == []


def test_a_step_counts_against_what_it_uses(cards: Card) -> None:
    assert slots_of([NATIVE, ESPEAK]) == ["cpu-heavy"]
    cards("2048, GPU-a, 0\n")
    assert slots_of([NATIVE, SPHINX, DEEPL, ESPEAK]) == ["cpu-heavy", "gpu", "provider:deepl"]
    assert slots_of([ESPEAK]) == []
    assert slots_of([ESPEAK], cores=True) == ["cpu-heavy"]
    assert slots_of([NATIVE], cores=True) == ["cpu-heavy", "gpu"]


def test_a_branch_wants_the_gpu_pool_unless_told_to_stay_on_the_cpu() -> None:
    assert uses_gpu(load_profile("offline"))
    on_cpu = {"lipsync": {"options": {"device": "cpu"}}}
    assert not uses_gpu(load_profile("offline", on_cpu))
    assert not uses_gpu(load_profile("fake"))


def test_limits_are_those_of_a_file_over_ours_and_of_this_machine_where_neither_says(tmp_path: Path) -> None:
    file = tmp_path / "limits.yaml"
    file.write_text("cpu_heavy: 6\nproviders: {deepl: 9, acme: 1}\n")
    slots = slots_by_name(load_limits(file), devices=2, cores=64)
    assert slots["gpu"] == 2
    assert slots["cpu-heavy"] == 6
    assert slots["provider:deepl"] == 9
    assert slots["provider:acme"] == 1
    assert slots["provider:elevenlabs"] == load_limits().providers["elevenlabs"]
    assert slots_by_name(load_limits(), devices=0, cores=1)["cpu-heavy"] == 1


@pytest.mark.parametrize("text", ["gpu: 0", "cores: 3", "providers: {deepl: many}", "- 1", "gpu: [", "gpu: -2"])
def test_limits_that_are_none_are_refused_by_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "limits.yaml"
    file.write_text(text)
    with pytest.raises(LimitsError, match=r"limits\.yaml"):
        load_limits(file)


@pytest.mark.prefect
def test_a_slot_is_held_while_a_step_computes_and_not_for_one_that_is_found(prefect_api: str, tmp_path: Path) -> None:
    from prefect.client.orchestration import get_client

    def taken() -> int:
        with get_client(sync_client=True) as client:
            return client.read_global_concurrency_limit_by_name("provider:deepl").active_slots

    with get_client(sync_client=True) as client:
        client.upsert_global_concurrency_limit_by_name("provider:deepl", 1)
    video = Asset(uri="/nowhere/talk.mp4", sha256="0" * 64, bytes=1)
    title = Title(name="talk", video=video, source="talk.mp4", folder=str(tmp_path / "out"), languages=("es",))
    run = Run(title=title, profile=load_profile("fake"), store=str(tmp_path / "store"))
    seen: list[int] = []

    def compute(_given: object, work: Work) -> StepOutput[int]:
        seen.append(taken())
        return StepOutput(1)

    for _ in range(2):
        remember(run, "translate", Computation(None, compute, int, uses=[DEEPL, ESPEAK]))
    assert seen == [1]
    assert taken() == 0


@pytest.mark.prefect
def test_work_that_is_done_is_not_lost_where_the_server_is_away_when_the_slot_is_given_back(
    prefect_api: str, caplog: pytest.LogCaptureFixture
) -> None:
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

    with get_client(sync_client=True) as client:
        client.upsert_global_concurrency_limit_by_name("provider:away", 1)  # no other test's: it stays taken
    with contextlib.ExitStack() as away, held(["provider:away"]):
        nobody = {PREFECT_API_URL: "http://127.0.0.1:9/api", PREFECT_CLIENT_MAX_RETRIES: 0}
        away.enter_context(temporary_settings(nobody))
    assert "free when the lease ends" in caplog.text


@pytest.mark.prefect
def test_a_limit_that_nobody_made_does_not_bound(prefect_api: str) -> None:
    with held(["provider:acme"]):
        pass


def test_without_a_server_there_is_nothing_to_hold() -> None:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: None}), held(["gpu"]):
        pass


def test_a_server_that_stays_away_is_a_reason_to_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    import tenacity
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from tasks.services import slots

    monkeypatch.setattr(slots._existing.retry, "stop", tenacity.stop_after_attempt(2))
    monkeypatch.setattr(slots._existing.retry, "wait", tenacity.wait_none())

    away = temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"})
    with away, pytest.raises(TransientError, match="provider:deepl"), held(["provider:deepl"]):
        pass
