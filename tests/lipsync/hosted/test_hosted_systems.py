"""The table of hosted systems, what it costs, what may be set, how it is listed, and translation as a whole."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.lipsync_models import lipsync_models
from tasks.lipsync.hosted import HostedReanimator, HostedTranslation, receipt_path, rows
from tasks.lipsync.hosted.jobs import phase
from tasks.lipsync.hosted.kling import token
from tasks.lipsync.hosted.languages import best
from tasks.lipsync.hosted.system import PROVIDERS, HostedOptions, HostedSystem
from tasks.records.errors import BadInputError, PermanentError, UnsupportedError
from tasks.records.progress import silent
from tests.lipsync.hosted.hosted_clips import QUICK, Clips, bench
from tests.lipsync.hosted.servers import KEY, SERVERS, serving

OFFERS = [(name, provider) for name, model in lipsync_models().items() for provider in model.offers]


def system(name: str, **options: object) -> HostedSystem:
    return HostedSystem(name, HostedOptions.model_validate(options))


def test_every_offer_has_an_adapter_and_every_adapter_a_server() -> None:
    assert {provider for _, provider in OFFERS} == set(PROVIDERS) == set(SERVERS)
    assert {model.takes for model in lipsync_models().values()} == {"video", "portrait", "translate"}
    assert all("replicate" in model.offers for model in lipsync_models().values())


@pytest.mark.parametrize(("name", "provider"), OFFERS)
def test_what_is_sent_unasked_is_something_that_may_be_set(name: str, provider: str) -> None:
    offer = lipsync_models()[name].offers[provider]
    told = {key: value for key, value in offer.fixed.items() if isinstance(value, str) and key in offer.settings}
    assert system(name, provider=provider, settings=told).values == offer.fixed
    for setting, prices in offer.usd_by.items():
        assert list(prices) == list(offer.settings[setting])


@pytest.mark.parametrize(
    ("name", "provider", "settings", "seconds", "usd"),
    [
        ("kling-lip-sync", "fal", {}, 5.0, 0.07),  # in steps of five seconds
        ("kling-lip-sync", "fal", {}, 5.01, 0.14),
        ("sync-lipsync-2", "sync", {}, 8.0, 0.4),
        ("veed-fabric-1.0", "replicate", {}, 10.0, 1.5),
        ("veed-fabric-1.0", "replicate", {"resolution": "480p"}, 10.0, 0.8),
        ("p-video-avatar", "replicate", {"resolution": "1080p"}, 10.0, 0.45),
        ("heygen-video-translate", "heygen", {"mode": "speed"}, 60.0, 1.998),
    ],
)
def test_prices(name: str, provider: str, settings: dict[str, str], seconds: float, usd: float) -> None:
    assert system(name, provider=provider, settings=settings).cost_usd(seconds) == pytest.approx(usd)


@given(st.sampled_from(OFFERS), st.floats(0, 3600), st.floats(0, 3600))
def test_longer_is_never_cheaper(offer: tuple[str, str], one: float, other: float) -> None:
    made = system(offer[0], provider=offer[1])
    assert made.cost_usd(min(one, other)) <= made.cost_usd(max(one, other))


def test_a_provider_with_a_key_is_taken_before_others(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("REPLICATE_API_TOKEN", "FAL_KEY", "SYNC_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    assert system("sync-lipsync-2").provider == "replicate"
    assert "REPLICATE_API_TOKEN" in system("sync-lipsync-2").missing()[0]
    monkeypatch.setenv("SYNC_API_KEY", KEY)
    assert system("sync-lipsync-2").provider == "sync"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"sync_mode": "backwards"}, "loop, bounce, cut_off, silence, remap"),
        ({"temperature": 1.5}, "0.0, 1.0"),
        ({"temperature": True}, "0.0, 1.0"),
        ({"active_speaker": "yes"}, "flag"),
        ({"audio": "x"}, "sync_mode, temperature, active_speaker"),
    ],
)
def test_a_setting_that_cannot_be_says_what_can(settings: dict[str, object], said: str) -> None:
    with pytest.raises(BadInputError) as caught:
        system("sync-lipsync-2", provider="replicate", settings=settings)
    assert said in caught.value.fix


def test_names_that_do_not_exist_say_which_do() -> None:
    with pytest.raises(BadInputError, match="kling-lip-sync"):
        HostedReanimator("kling", {})
    with pytest.raises(BadInputError, match="replicate, fal, comfyui, kling"):
        HostedReanimator("kling-lip-sync", {"provider": "heygen"})
    with pytest.raises(BadInputError, match="translates a whole video"):
        HostedReanimator("heygen-video-translate", {})
    with pytest.raises(BadInputError, match="does not translate"):
        HostedTranslation("kling-lip-sync", {})


def test_limits_are_those_of_the_offer() -> None:
    assert HostedReanimator("omnihuman", {"provider": "replicate"}).limits.longest_s == 15
    assert HostedReanimator("omnihuman", {"provider": "fal"}).limits.longest_s == 30
    kling = HostedReanimator("kling-lip-sync", {}).limits
    assert (kling.shortest_s, kling.longest_s, kling.shortest_side, kling.longest_side) == (2, 10, 720, 1920)


def test_the_listing_tells_what_can_be_used_now(monkeypatch: pytest.MonkeyPatch) -> None:
    for provider in SERVERS.values():
        for variable in provider.variables:
            monkeypatch.delenv(variable, raising=False)
    assert not any(row.usable for row in rows())
    monkeypatch.setenv("FAL_KEY", KEY)
    usable = [row for row in rows() if row.usable]
    assert {row.provider for row in usable} == {"fal"}
    kling = next(row for row in usable if row.model == "kling-lip-sync")
    assert kling.limits == "2 to 10 s, 720 to 1920 px, picture to 100 MB, speech to 5 MB"
    assert (kling.takes, kling.needs, kling.usd_per_s, kling.known) == ("video", ("FAL_KEY",), 0.014, "D")
    assert len(rows()) == len(OFFERS)


@pytest.mark.parametrize("provider", ["replicate", "heygen"])
def test_a_whole_video_is_translated(
    provider: str, clips: Clips, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bench("heygen-video-translate", provider, clips, tmp_path, monkeypatch) as made:
        service = HostedTranslation("heygen-video-translate", made.options)
        out = tmp_path / "es.mp4"
        assert service.translate(clips.shot, "es-MX", out, silent) == "Spanish (Mexico)"
        assert out.read_bytes() == clips.result
        service.translate(clips.shot, "es-MX", tmp_path / "again.mp4", silent)
        assert made.world.paid == 1
        assert json.loads(receipt_path(out).read_text())["usd"] == pytest.approx(2 * 0.0667)
        service.translate(clips.shot, "fr", tmp_path / "fr.mp4", silent)
        assert made.world.paid == 2
        with pytest.raises(UnsupportedError, match="Japanese"):
            service.translate(clips.shot, "ja", tmp_path / "ja.mp4", silent)


def test_a_file_too_large_for_a_request_goes_to_an_address_of_its_own(
    clips: Clips, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large, out = tmp_path / "large.mp4", tmp_path / "es.mp4"
    with bench("heygen-video-translate", "heygen", clips, tmp_path, monkeypatch) as made:
        service = HostedTranslation("heygen-video-translate", made.options)
        large.write_bytes(clips.shot.read_bytes().ljust(33_000_000, b"\0"))
        service.translate(large, "fr", out, silent)
        assert out.read_bytes() == clips.result
        assert made.world.count("put") == 1
        assert not any(asked["keyed"] for asked in made.world.asked if asked["kind"] == "put")
        large.write_bytes(clips.shot.read_bytes().ljust(41_000_000, b"\0"))
        with pytest.raises(PermanentError, match="up to 40 MB"):
            service.translate(large, "fr", out, silent)
        assert made.world.paid == 1


NAMES = ["English", "Spanish (Mexico)", "Spanish (Spain)", "Chinese (Cantonese, Traditional)", "French (Canada)"]
NAMES += ["Chinese (Mandarin, Simplified)", "Portuguese (Brazil)", "German (Germany)"]


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("es", "Spanish (Spain)"),
        ("es-MX", "Spanish (Mexico)"),
        ("es-AR", "Spanish (Spain)"),
        ("en-GB", "English"),
        ("pt", "Portuguese (Brazil)"),
        ("fr", "French (Canada)"),
        ("de", "German (Germany)"),
        ("zh", "Chinese (Mandarin, Simplified)"),
        ("zh-Hant", "Chinese (Cantonese, Traditional)"),
    ],
)
def test_a_language_is_found_by_region_or_script(tag: str, name: str) -> None:
    assert best(tag, NAMES, "HeyGen") == name


@pytest.mark.parametrize(
    ("word", "means"),
    [
        ("succeed", "done"),
        ("COMPLETED", "done"),
        ("CANCELLED", "cancelled"),
        ("canceled", "cancelled"),
        ("REJECTED", "failed"),
        ("IN_QUEUE", "running"),
        ("thinking", "running"),
        (None, "running"),
    ],
)
def test_words_for_states(word: object, means: str) -> None:
    assert phase(word) == means


def test_klings_token_is_a_signed_jwt() -> None:
    head, claims, signature = token("access", "secret", 1_700_000_000).split(".")
    made = hmac.new(b"secret", f"{head}.{claims}".encode(), hashlib.sha256).digest()
    assert base64.urlsafe_b64decode(signature + "=") == made
    told = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    assert told == {"iss": "access", "exp": 1_700_001_800, "nbf": 1_699_999_995}


def test_kling_finds_no_face(clips: Clips, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with bench("kling-lip-sync", "kling", clips, tmp_path, monkeypatch) as made:
        nobody = {"code": 0, "data": {"session_id": "s1", "face_data": []}}
        made.world.faults["upload"] = [{"after": True, "status": 200, "body": json.dumps(nobody)}]
        with pytest.raises(PermanentError, match="no face"):
            made.run()
        assert not list((tmp_path / "public").glob("*"))
        assert made.world.paid == 0


def test_a_workflow_of_ones_own(clips: Clips, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with bench("kling-lip-sync", "comfyui", clips, tmp_path, monkeypatch) as made:
        nodes = {
            "7": {"class_type": "VHS_LoadVideo", "inputs": {"file": "{{picture}}", "fps": 25}},
            "8": {"class_type": "LoadAudio", "inputs": {"audio": "{{speech}}"}},
        }
        workflow = tmp_path / "own.json"
        workflow.write_text(json.dumps(nodes))
        assert made.run(settings={"workflow": str(workflow)}) == clips.result
        (job,) = made.world.jobs.values()
        assert re.fullmatch(r"[0-9a-f]{32}", job.request["7"]["inputs"]["file"])
        assert job.request["7"]["inputs"]["fps"] == 25
        before = made.make(settings={"workflow": str(workflow)}).fingerprint()
        workflow.write_text(json.dumps({**nodes, "9": {"class_type": "Upscale", "inputs": {}}}))
        assert made.make(settings={"workflow": str(workflow)}).fingerprint() != before
        with pytest.raises(BadInputError, match="cannot be read"):
            made.make(settings={"workflow": str(tmp_path / "none.json")})


def test_jobs_lie_in_the_store_where_nothing_else_is_said(
    clips: Clips, tmp_path: Path, store_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAL_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving("fal", clips.result) as (url, _):
        made = HostedReanimator("pixverse-lipsync", {**QUICK, "provider": "fal", "url": url})
        made.reanimate(clips.shot, clips.speech, tmp_path / "out.mp4", silent)
    (receipt,) = (store_folder / "lipsync-jobs").rglob("receipt.json")
    assert json.loads(receipt.read_text())["usd"] == pytest.approx(0.04 * 2)
