"""Signed files are the same films and sounds, and validate with a reader that is not ours."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
import soundfile

from tasks.records.errors import PermanentError
from tasks.sign.formats import embeds, media_type, sidecar_place
from tasks.sign.key import SigningKey
from tasks.sign.run import Ingredient, ToSign, read_file, sign_files, usable_key
from tasks.sign.statement import Dubbing, Making, Role, manifest
from tests.clips import clip, ffmpeg
from tests.signing import active, chain, foreign_read

NAMES = ("a.mp4", "a.mov", "a.m4a", "a.wav", "a.flac", "a.mkv", "a.webm")


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    return usable_key(chain(tmp_path_factory.mktemp("chain")))


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("media")
    film = clip(folder / "a.mp4", seconds=1)
    for name in ("a.mov", "a.mkv"):
        ffmpeg("-i", film, "-c", "copy", folder / name)
    for name in ("a.m4a", "a.wav", "a.flac"):
        ffmpeg("-i", film, "-vn", folder / name)
    ffmpeg("-i", film, "-c:v", "libvpx", "-c:a", "libopus", folder / "a.webm")
    return folder


def job(source: Path, out: Path, *parents: Path) -> ToSign:
    opened = {"action": "c2pa.opened", "parameters": {"ingredientIds": ["source"]}}
    filmed = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
    created = {"action": "c2pa.created", "digitalSourceType": filmed}
    told = {"label": "c2pa.actions.v2", "data": {"actions": [opened if parents else created]}}
    out.parent.mkdir(exist_ok=True, parents=True)
    return ToSign(
        source=str(source),
        out=str(out),
        format=media_type(source.name),
        manifest={"claim_generator_info": [{"name": "Polydub"}], "title": source.name, "assertions": [told]},
        ingredients=tuple(
            Ingredient(
                path=str(parent),
                format=media_type(parent.name),
                definition={"title": parent.name, "relationship": "parentOf", "instance_id": "source"},
            )
            for parent in parents
        ),
        sidecar="" if embeds(source.name, 0) else str(out.with_suffix(".c2pa")),
    )


def streams(path: Path) -> str:
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0", "-c", "copy", "-f", "streamhash", "-"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_every_kind_of_file_is_signed_and_plays_as_before(key: SigningKey, media: Path, tmp_path: Path) -> None:
    jobs = [job(media / name, tmp_path / name / name, media / "a.mp4") for name in NAMES]
    sign_files(jobs, key, None)
    for one in jobs:
        signed = Path(one.out)
        beside = Path(one.sidecar) if one.sidecar else None
        assert foreign_read(signed, key.anchors, beside)["validation_state"] == "Trusted", one.out
        assert streams(signed) == streams(Path(one.source)), one.out
        assert (signed.read_bytes() == Path(one.source).read_bytes()) is bool(beside)
    assert soundfile.info(tmp_path / "a.flac" / "a.flac").frames == soundfile.info(media / "a.flac").frames


def test_all_that_can_be_said_of_a_dub_validates(key: SigningKey, media: Path, tmp_path: Path) -> None:
    steps = [
        Making(step, ("someone",), {"tool": "1"}, trained=True) for step in ("separate", "translate", "synthesize")
    ]
    steps += [Making(step, ("someone",), {}, trained=True) for step in ("watermark", "lipsync")]
    spoken = Dubbing("es", "spoken", brought=False, mouths=True, finished=False, makings=tuple(steps))
    recorded = Dubbing("fr", "recorded", brought=True, mouths=False, finished=True, makings=tuple(steps))
    roles: tuple[Role, ...] = get_args(Role)
    jobs = []
    for role in roles:
        plain = job(media / "a.mp4", tmp_path / f"{role}.mp4", media / "a.mp4", media / "a.wav")
        first, second = (replace(part, definition={**part.definition}) for part in plain.ingredients)
        second.definition.update(relationship="componentOf", instance_id="recording-fr")
        facts: dict[str, Any] = {"spoken": "en", "source_sha256": "0", "consent": (), "invented": True}
        brought = ["source", "recording-fr"]
        told = manifest("a.mp4", "video/mp4", role, [spoken, recorded], brought, **facts)
        jobs.append(replace(plain, manifest=told, ingredients=(first, second)))
    sign_files(jobs, key, None)  # raises where one does not validate
    assert "c2pa.watermarked.unbound" in (tmp_path / "master.mp4").read_bytes().decode("latin-1")


def test_a_source_keeps_its_own_credentials_as_the_parent(key: SigningKey, media: Path, tmp_path: Path) -> None:
    first, second = job(media / "a.mp4", tmp_path / "first.mp4"), tmp_path / "second.mp4"
    sign_files([first], key, None)
    sign_files([job(media / "a.mov", second, Path(first.out))], key, None)
    told = foreign_read(second, key.anchors)
    (parent,) = active(told)["ingredients"]
    assert parent["relationship"] == "parentOf"
    assert parent["active_manifest"] in told["manifests"]
    assert len(told["manifests"]) == 2


@pytest.mark.parametrize("content", [b"", b"RIFF\xff\xff\xff\xffWAVE", b"\x00\x00\x00\x10ftypisom" + b"\xff" * 64])
def test_a_source_that_nothing_can_read_is_named_all_the_same(
    key: SigningKey, media: Path, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "source.mp4").write_bytes(content)
    out = tmp_path / "out.mp4"
    sign_files([job(media / "a.mp4", out, tmp_path / "source.mp4")], key, None)
    told = foreign_read(out, key.anchors)
    assert told["validation_state"] == "Trusted"
    assert active(told)["ingredients"][0]["title"] == "source.mp4"


def test_what_cannot_be_signed_is_an_error_and_no_traceback(key: SigningKey, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no film at all")
    with pytest.raises(PermanentError, match=r"a\.mp4 cannot be signed"):
        sign_files([job(tmp_path / "a.mp4", tmp_path / "out.mp4")], key, None)


def test_a_signature_that_does_not_validate_is_not_delivered(
    key: SigningKey, media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tasks.sign import run

    child = run._child

    def damaged(asked: dict[str, Any], paths: Any) -> dict[str, Any]:
        child(asked, paths)
        out = Path(asked["files"][0]["out"])
        out.write_bytes(out.read_bytes()[:-1] + b"\xff")
        return {"files": [child({"job": "read", "file": str(out), "anchors": key.anchors, "sidecar": ""}, [str(out)])]}

    monkeypatch.setattr(run, "_child", damaged)
    with pytest.raises(PermanentError, match=r"do not validate.*mismatch"):
        sign_files([job(media / "a.mp4", tmp_path / "out.mp4")], key, None)


def test_a_time_stamp_that_does_not_come_may_come_later(key: SigningKey, media: Path, tmp_path: Path) -> None:
    from tasks.records.errors import TransientError

    with pytest.raises(TransientError, match="time-stamping authority"):
        sign_files([job(media / "a.wav", tmp_path / "out.wav")], key, "http://127.0.0.1:9/")


def test_sidecars_of_files_of_one_name_do_not_meet() -> None:
    assert sidecar_place("talk.multi.mkv", ["talk.multi.mkv", "talk.es.mp4"]) == "talk.multi.c2pa"
    assert sidecar_place("a/es.mkv", ["a/es.mkv", "a/es.webm"]) == "a/es.mkv.c2pa"


def test_a_wav_beyond_four_gigabytes_gets_a_sidecar() -> None:
    assert embeds("mix.wav", 1 << 31)
    assert not embeds("mix.wav", 1 << 32)


def test_a_reader_that_breaks_on_a_file_says_so(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tasks.records.errors import ProcessFailedError
    from tasks.sign import run

    def breaks(*_: Any) -> dict[str, Any]:
        raise ProcessFailedError("python ended with code -6", returncode=-6)

    monkeypatch.setattr(run, "_child", breaks)
    assert "broke on this file" in read_file(media / "a.mp4", None, "")["error"]
