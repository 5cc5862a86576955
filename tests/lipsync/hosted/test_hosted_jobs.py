"""The course of a job when a provider is slow, busy, broken, silent or wrong: paid once, lost never, said clearly."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tasks.lipsync.hosted import jobs, receipt_path
from tasks.lipsync.hosted.fetch import check_address, fetch
from tasks.lipsync.hosted.jobs import JobFinder
from tasks.lipsync.hosted.kept import prune_jobs
from tasks.lipsync.hosted.system import HostedOptions, HostedSystem
from tasks.lipsync.systems import system
from tasks.records.errors import PermanentError, ProviderBusyError, TransientError
from tasks.records.progress import silent
from tasks.services.slots import slots_of
from tests.clips import ffmpeg
from tests.lipsync.hosted.hosted_clips import Bench, Clips, bench
from tests.lipsync.hosted.servers import KEY, ReplicateServer
from tests.lipsync.hosted.test_hosted_kills import NO_PROOF, ONE_MODEL

CANCELLING = ("replicate", "fal", "comfyui")


@pytest.fixture(params=ONE_MODEL)
def made(
    request: pytest.FixtureRequest, clips: Clips, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bench]:
    with bench(ONE_MODEL[request.param], request.param, clips, tmp_path, monkeypatch) as ready:
        yield ready


def only(*providers: str) -> Any:
    return pytest.mark.parametrize("made", providers, indirect=True)


def notes(made: Bench) -> list[Path]:
    return list((made.folder / "jobs").rglob("job.json"))


# -- asked for


def test_a_busy_provider_is_waited_for_as_long_as_it_says(made: Bench) -> None:
    made.world.faults["create"] = [{"status": 429, "headers": {"Retry-After": "0"}}] * 6
    assert made.run() == made.clips.result
    assert (made.world.count("create"), made.world.paid) == (7, 1)


#: Ways to take a job and not to say so; by provider, so that each is met by some.
MUTE = [{"silent": True}, {"after": True, "status": 502}, {"body": "<html>ok</html>"}, {"body": "{}"}]


def test_a_job_that_was_taken_without_an_answer_is_not_asked_for_twice(made: Bench) -> None:
    made.world.faults["create"] = [MUTE[list(ONE_MODEL).index(made.provider) % len(MUTE)]]
    if made.provider in NO_PROOF:
        with pytest.raises(PermanentError, match="may be running and billed"):
            made.run()
        assert made.world.paid == 1
        return
    assert made.run() == made.clips.result
    assert made.world.paid == 1


@only("replicate", "fal", "comfyui", "kling")
def test_a_job_is_told_from_others_of_the_same_model(made: Bench) -> None:
    made.run()
    other = made.folder / "other.wav"
    ffmpeg("-f", "lavfi", "-i", "sine=300:d=3:r=48000", "-c:a", "pcm_s16le", other)
    made.make().reanimate(made.picture(), other, made.folder / "other.mp4", silent)
    system = HostedSystem(made.model, HostedOptions.model_validate(made.options))
    told = [json.loads(note.read_text()) for note in notes(made)]
    assert {note["job"].rpartition("/")[2] for note in told} == {"job1", "job2"}
    provider = system.client()
    assert isinstance(provider, JobFinder)
    for note in told:
        assert provider.find(note["request"], note["tag"], note["since"]) == note["job"]


@only("replicate")
def test_a_job_that_was_never_taken_may_be_asked_for_again(made: Bench) -> None:
    made.world.faults["create"] = [{"status": 500}]
    with pytest.raises(ProviderBusyError, match="did not accept the job"):
        made.run()
    assert made.world.paid == 0
    assert made.run() == made.clips.result
    assert made.world.paid == 1


@only("replicate")
def test_predictions_that_cannot_be_told_apart_are_not_taken_for_ours(
    made: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = ReplicateServer._shown
    monkeypatch.setattr(ReplicateServer, "_shown", lambda self, *job: {**shown(self, *job), "input": None})
    made.world.faults["create"] = [{"silent": True}]
    with pytest.raises(PermanentError, match="may be running and billed"):
        made.run()
    assert made.world.paid == 1


@only("fal")
def test_a_person_can_name_the_job_that_was_lost(made: Bench) -> None:
    made.world.faults["create"] = [{"silent": True}]
    with pytest.raises(PermanentError) as caught:
        made.run()
    (note,) = notes(made)
    assert str(note) in caught.value.fix
    note.write_text(json.dumps({**json.loads(note.read_text()), "job": "fal-ai/sync-lipsync/requests/job1"}))
    assert made.run() == made.clips.result
    assert made.world.paid == 1


@only("heygen")
def test_a_key_that_is_too_old_to_be_known_is_not_relied_upon(made: Bench) -> None:
    made.world.faults["create"] = [{"silent": True}] * 9
    with pytest.raises(ProviderBusyError):
        made.run()
    (note,) = notes(made)
    told = json.loads(note.read_text())
    note.write_text(json.dumps({**told, "since": told["since"] - 24 * 3600}))
    with pytest.raises(PermanentError, match="may be running and billed"):
        made.run()
    assert made.world.paid == 1


@only("replicate")
def test_a_provider_that_is_not_there_is_a_passing_error(made: Bench) -> None:
    with pytest.raises(ProviderBusyError, match="is not reachable"):
        made.run(url="http://127.0.0.1:9")
    assert not notes(made)


@only("replicate")
def test_two_runs_at_a_time_share_one_job(made: Bench) -> None:
    both = [threading.Thread(target=made.run, args=(f"{name}.mp4",)) for name in "ab"]
    for run in both:
        run.start()
    for run in both:
        run.join()
    assert (made.folder / "a.mp4").read_bytes() == (made.folder / "b.mp4").read_bytes() == made.clips.result
    assert made.world.paid == 1


@only("replicate")
def test_other_settings_are_another_job(made: Bench) -> None:
    made.run()
    made.run(settings={"temperature": 0.9})
    assert made.world.paid == 2


@only("replicate")
def test_a_damaged_note_stops_before_anything_is_paid(made: Bench) -> None:
    made.world.faults["poll"] = [{"status": 404}]
    with pytest.raises(PermanentError, match="404"):
        made.run()
    (note,) = notes(made)
    note.write_text("{")
    with pytest.raises(PermanentError, match=r"job\.json cannot be read"):
        made.run()
    assert made.world.paid == 1


def test_a_key_that_the_provider_repeats_is_not_shown(made: Bench) -> None:
    made.world.faults["create"] = [{"status": 400, "body": json.dumps({"detail": f"bad token {KEY}"})}]
    with pytest.raises(PermanentError, match=r"bad token \*\*\*"):
        made.run()


# -- waited for


def test_trouble_while_polling_is_polled_again(made: Bench) -> None:
    busy = {"status": 429, "headers": {"Retry-After": "0"}}
    made.world.faults["poll"] = [{"status": 500}, busy, {"body": "nothing"}, {"body": "[]"}, {"silent": True}]
    assert made.run() == made.clips.result
    assert made.world.paid == 1


@only("heygen", "veed")
def test_a_refused_poll_keeps_the_job_for_the_next_run(made: Bench) -> None:
    made.world.faults["poll"] = [{"status": 401}]
    with pytest.raises(PermanentError, match="401"):
        made.run()
    assert made.run() == made.clips.result
    assert made.world.paid == 1


FAILURES = {
    "replicate": {"error": "E006: no face was found"},
    "fal": {"error": "no face was found", "error_type": "invalid_input"},
    "sync": {"error": "no face was found", "errorCode": "generation_input_face_missing"},
    "heygen": {"failure_message": "no face was found"},
    "comfyui": {"exception_message": "no face was found", "node_type": "KlingLipSyncAudioToVideoNode"},
    "pixverse": 7,
    "veed": {"code": "invalid_file", "message": "no face was found", "details": []},
    "kling": "no face was found",
}
PASSING = {
    "replicate": {"error": None, "status": "aborted"},
    "fal": {"error": "out of machines", "error_type": "downstream_service_unavailable"},
    "sync": {"error": "out of machines", "errorCode": "generation_infra_service_unavailable"},
    "veed": {"code": "transload_failed", "message": "the file could not be read", "details": []},
}


def test_a_job_that_failed_says_why_and_the_next_run_asks_anew(made: Bench) -> None:
    made.world.failure = FAILURES[made.provider]
    with pytest.raises(PermanentError, match=r"no face was found|refused by moderation"):
        made.run()
    made.world.failure = None
    assert made.run() == made.clips.result
    assert made.world.paid == 2


@only(*PASSING)
def test_a_failure_that_may_pass_is_told_apart(made: Bench) -> None:
    made.world.failure = PASSING[made.provider]
    with pytest.raises(TransientError):
        made.run()


@only("fal")
def test_a_result_that_is_an_error_is_a_failed_job(made: Bench) -> None:
    made.world.failure = [{"loc": ["body", "video_url"], "msg": "no face in the video", "type": "face_detection_error"}]
    with pytest.raises(PermanentError, match="no face in the video"):
        made.run()
    assert not notes(made)


@only("replicate", "fal", "sync", "comfyui")
def test_a_job_that_never_ends_is_given_up_in_time(made: Bench) -> None:
    made.world.polls = 10**6
    with pytest.raises(ProviderBusyError, match="not finished after"):
        made.run(deadline_s=0.2)
    assert made.world.count("cancel") == (made.provider in CANCELLING)
    made.world.polls = 0
    assert made.run() == made.clips.result
    assert made.world.paid == (2 if made.provider in CANCELLING else 1)


@only("replicate")
def test_a_clock_that_is_set_while_a_job_is_waited_for_ends_nothing(
    made: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall = SimpleNamespace(**vars(time))
    wall.time = lambda: time.time() + 86_400 * made.world.count("poll")  # set a day ahead, again and again
    monkeypatch.setattr(jobs, "time", wall)
    made.world.polls = 3
    assert made.run() == made.clips.result
    assert (made.world.paid, made.world.count("cancel")) == (1, 0)


@only("replicate", "fal", "sync", "comfyui")
def test_an_interrupt_cancels_where_the_provider_can(made: Bench) -> None:
    def stop(share: float) -> None:
        if made.world.count("poll"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made.make().reanimate(made.picture(), made.clips.speech, made.folder / "out.mp4", stop)
    assert made.world.count("cancel") == (made.provider in CANCELLING)
    assert made.run() == made.clips.result
    assert made.world.paid == (2 if made.provider in CANCELLING else 1)


@only("replicate")
def test_a_termination_cancels_too(made: Bench) -> None:
    made.world.polls = 10**6
    child = os.fork()
    if not child:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        with contextlib.suppress(BaseException):
            made.run()
        os._exit(0)
    while made.world.count("poll") < 2:
        os.sched_yield()
    os.kill(child, signal.SIGTERM)
    os.waitpid(child, 0)
    assert made.world.count("cancel") == 1


# -- fetched


@only("fal")
def test_half_a_download_is_fetched_again(made: Bench) -> None:
    made.world.faults["download"] = [{"half": True}]
    assert made.run() == made.clips.result
    assert (made.world.count("download"), made.world.paid) == (2, 1)


@only("replicate", "sync")
def test_an_expired_address_is_asked_for_anew(made: Bench) -> None:
    made.world.faults["download"] = [{"status": 403}]
    assert made.run() == made.clips.result
    tokens = [asked["path"] for asked in made.world.asked if asked["kind"] == "download"]
    assert len(set(tokens)) == 2


@only("sync")
def test_a_result_that_is_gone_is_said_to_be_paid(made: Bench) -> None:
    made.world.faults["download"] = [{"status": 404}] * 4
    with pytest.raises(PermanentError, match="which is paid for, was not delivered"):
        made.run()
    assert made.run() == made.clips.result
    assert made.world.paid == 1


@only("sync")
@pytest.mark.parametrize("content", [b"<html>sign in</html>", b"", b"#EXTM3U\n#EXTINF:2,\nhttp://127.0.0.1/x.ts\n"])
def test_what_is_no_video_is_no_result(made: Bench, content: bytes) -> None:
    good, made.world.result = made.world.result, content
    with pytest.raises(ProviderBusyError, match="not a video"):
        made.run()
    assert not (made.folder / "out.mp4").exists()
    made.world.result = good
    assert made.run() == good
    assert made.world.paid == 1


@only("replicate")
def test_a_result_of_another_length_and_format_is_delivered_as_it_is(made: Bench) -> None:
    odd = made.folder / "odd.mkv"
    ffmpeg("-f", "lavfi", "-i", "testsrc=d=1:r=30:s=80x60", "-c:v", "mpeg4", odd)
    made.world.result = odd.read_bytes()
    assert made.run() == odd.read_bytes()
    assert json.loads(receipt_path(made.folder / "out.mp4").read_text())["seconds"] == 1.0


@only("replicate")
def test_redirects_are_followed_and_checked(made: Bench) -> None:
    made.world.faults["download"] = [{"status": 302, "headers": {"Location": "/results/job1.mp4"}}]
    assert made.run() == made.clips.result
    made.world.faults["download"] = [{"status": 302, "headers": {"Location": "file:///etc/passwd"}}]
    with pytest.raises(PermanentError, match="file://"):
        made.run(settings={"temperature": 0.1})


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/a.mp4",
        "ftp://example.org/a.mp4",
        "file:///etc/passwd",
        "https://127.0.0.1/a.mp4",
        "https://10.0.0.7/a.mp4",
        "https://169.254.169.254/latest",
        "https://[::1]/a.mp4",
        "https://localhost/a.mp4",
        "no address",
    ],
)
def test_addresses_that_a_provider_must_not_name(url: str) -> None:
    with pytest.raises(PermanentError):
        check_address(url, local=False)


def test_a_result_is_refused_when_it_is_too_large(clips: Clips, tmp_path: Path) -> None:
    from tests.lipsync.hosted.servers import serving

    with serving("replicate", clips.result) as (url, _), pytest.raises(PermanentError, match="larger than"):
        fetch(f"{url}/results/job1.mp4", tmp_path / "out", url, largest=100)


# -- counted


@only("replicate")
def test_a_job_holds_a_slot_of_its_provider_and_a_result_that_is_here_holds_none(
    made: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[list[str], int]] = []

    @contextlib.contextmanager
    def held(names: list[str]) -> Iterator[None]:
        seen.append((names, made.world.paid))
        yield
        seen.append((names, made.world.count("download")))

    monkeypatch.setattr("tasks.lipsync.hosted.jobs.held", held)
    made.run()
    made.run("again.mp4")
    assert seen == [(["provider:replicate"], 0), (["provider:replicate"], 1)]
    assert "provider:replicate" not in slots_of([system(made.model, made.options).facts])  # no step waits for itself


# -- kept


@only("pixverse")
def test_old_results_go_and_jobs_without_one_stay(made: Bench) -> None:
    made.run()
    made.world.faults["create"] = [{"silent": True}]
    other = made.folder / "other.wav"
    ffmpeg("-f", "lavfi", "-i", "sine=300:d=3:r=48000", "-c:a", "pcm_s16le", other)
    with pytest.raises(PermanentError):
        made.make().reanimate(made.picture(), other, made.folder / "other.mp4", silent)
    folder = made.folder / "jobs"
    assert prune_jobs(3600.0, folder) == 0
    for lock in folder.rglob("lock"):
        os.utime(lock, (1, 1))
    assert prune_jobs(3600.0, folder) == 1
    assert [json.loads(note.read_text())["job"] for note in notes(made)] == [""]
