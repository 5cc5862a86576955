"""`polydub verify` on what becomes of a master in the world: what it is, and whether its signs agree."""

from __future__ import annotations

import datetime
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from configs.credentials import CredentialsSettings
from flows.cli import app
from flows.kept.verified import Verdict, Verified, verified
from tasks.keep.store import Store
from tasks.media.probe import probe
from tasks.package.package import DubTrack, package_master, package_multi
from tasks.records.made import Watermark
from tasks.records.result import BranchResult
from tasks.sign import run
from tasks.sign.formats import media_type
from tasks.sign.key import SigningKey, anchors_of
from tasks.sign.run import Ingredient, ToSign, sign_files, usable_key
from tasks.sign.statement import Dubbing, Making, Role, manifest
from tests.clips import click_track, clip, ffmpeg
from tests.signing import chain

KOKORO = Making("synthesize", ("kokoro",), {"onnxruntime": "1.23"}, trained=True)
SPOKEN = Dubbing("es", "spoken", brought=False, mouths=False, finished=False, makings=(KOKORO,))
RECORDED = Dubbing("fr", "recorded", brought=True, mouths=False, finished=False, makings=())
CAMERA = {
    "claim_generator_info": [{"name": "Camera", "version": "1"}],
    "assertions": [
        {
            "label": "c2pa.actions.v2",
            "data": {
                "actions": [
                    {
                        "action": "c2pa.created",
                        "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture",
                    }
                ]
            },
        }
    ],
}


class House:
    """A folder of masters as they were delivered, and the keys of two houses."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.work = folder, folder / "work"
        self.work.mkdir()
        self.settings: CredentialsSettings = chain(folder / "ours")
        self.key = usable_key(self.settings)
        self.camera = usable_key(chain(folder / "camera", "Camera maker"))
        self.source = clip(folder / "talk.mp4", seconds=1)
        click_track(folder / "dub.wav", 1, channels=2)
        ffmpeg("-i", folder / "dub.wav", "-c:a", "aac", folder / "dub.m4a")
        facts, sound = probe(self.source), folder / "dub.m4a"
        for tag, synthetic in (("es", True), ("fr", False)):
            plain = self.work / f"talk.{tag}.mp4"
            package_master(self.source, facts, sound, None, tag, "talk", plain, synthetic_speech=synthetic)
        tracks = [DubTrack("es", sound), DubTrack("fr", sound, synthetic=False)]
        package_multi(self.source, facts, tracks, "en", self.work / "talk.multi.mkv", title="talk")
        self.sign("talk.es.mp4", "master", SPOKEN)
        self.sign("talk.fr.mp4", "master", RECORDED)
        self.sign("talk.multi.mkv", "multi", SPOKEN, RECORDED, sidecar="talk.multi.c2pa")
        shutil.copy(folder / "dub.wav", self.work / "dialogue.wav")
        self.sign("dialogue.wav", "dialogue", SPOKEN)

    def sign(self, name: str, role: Role, *dubs: Dubbing, sidecar: str = "", to: str = "") -> Path:
        out, form = self.folder / (to or name), media_type(name)
        facts: dict[str, Any] = {"spoken": "en", "source_sha256": "0" * 64, "consent": (), "invented": False}
        parent = {"title": "talk.mp4", "relationship": "parentOf", "instance_id": "source"}
        one = ToSign(
            source=str(self.work / name),
            out=str(out),
            format=form,
            manifest=manifest(name, form, role, dubs, **facts),
            ingredients=(Ingredient(str(self.source), "video/mp4", parent),),
            sidecar=str(self.folder / sidecar) if sidecar else "",
        )
        sign_files([one], self.key, None)
        return out

    def photographed(self, name: str, key: SigningKey) -> Path:
        out = self.folder / name
        sign_files([ToSign(str(self.source), str(out), "video/mp4", CAMERA)], key, None)
        return out

    def changed(self, name: str, change: Callable[[bytes], bytes], of: str = "talk.es.mp4") -> Path:
        out = self.folder / name
        out.write_bytes(change((self.folder / of).read_bytes()))
        return out

    def rewritten(self, name: str, *options: str | int, of: str = "talk.es.mp4") -> Path:
        ffmpeg("-i", self.folder / of, *options, self.folder / name)
        return self.folder / name


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return House(tmp_path_factory.mktemp("house"))


@pytest.fixture(autouse=True)
def _own_store(store_folder: Path) -> None:
    """Nothing is known of these files, but where a test says so."""


def looked(house: House, path: Path) -> Verified:
    return verified(str(path), anchors_of(house.settings))


def flipped(content: bytes, at: int = -200) -> bytes:
    changed = bytearray(content)
    changed[at] ^= 1
    return bytes(changed)


def test_a_master_of_ours_is_confirmed_and_says_what_it_is(house: House) -> None:
    found = looked(house, house.folder / "talk.es.mp4")
    assert found.summary == "A dub into Spanish by Polydub, with synthetic speech. This is confirmed."
    assert [sign.proof for sign in found.signs] == ["proves", "says", "nothing", "nothing"]
    assert [one.does for one in found.credentials.actions] == ["opened", "translated", "dubbed", "edited"]
    assert found.credentials.dub is not None
    assert found.credentials.dub.made_by == ("synthesize: kokoro (onnxruntime 1.23)",)


def test_a_dub_that_people_recorded_is_not_called_synthetic(house: House) -> None:
    found = looked(house, house.folder / "talk.fr.mp4")
    assert found.summary == "A dub into French by Polydub, with recorded speech. This is confirmed."
    assert not any(action.synthetic for action in found.credentials.actions)


def test_a_changed_byte_is_found(house: House) -> None:
    found = looked(house, house.changed("byte.mp4", flipped))
    assert found.verdict == "contradicted"
    assert "was changed after it was signed" in found.signs[0].words
    assert found.summary.startswith("It says that it is a dub into Spanish")


def test_what_a_store_delivered_without_a_signature_is_confirmed_by_it(house: House, store_folder: Path) -> None:
    store = Store(store_folder)
    plain = house.work / "talk.es.mp4"
    outputs = {"talk.es.mp4": store.add(plain, keep=True)}
    result = BranchResult(language="es", state="completed", key="0" * 64, outputs=outputs, title="talk")
    assert looked(house, plain).verdict == "unconfirmed"  # a blob that was delivered for nothing
    store.write_note("branch", result.key, result.model_dump(mode="json"))
    found = looked(house, plain)
    assert (found.verdict, found.signs[3].proof) == ("confirmed", "proves")
    assert found.signs[3].words == "This store delivered exactly this file: talk.es.mp4 of talk."


def cases(house: House) -> Iterator[tuple[Path, Verdict, str]]:
    """Files, what comes of each, and what is said of it."""
    there = house.folder
    yield there / "talk.es.mp4", "confirmed", "A dub into Spanish by Polydub, with synthetic speech."
    yield there / "talk.fr.mp4", "confirmed", "A dub into French by Polydub, with recorded speech."
    yield there / "talk.multi.mkv", "confirmed", "in talk.multi.c2pa"
    yield there / "dialogue.wav", "confirmed", "A dub into Spanish"
    shutil.copy(there / "talk.es.mp4", there / "renamed.txt")
    yield there / "renamed.txt", "confirmed", "A dub into Spanish"

    lost = "A dub that was signed has lost them"
    yield house.rewritten("copied.mp4", "-c", "copy"), "unconfirmed", lost
    yield house.rewritten("copied.mov", "-map", "0:v", "-map", "0:a", "-c", "copy"), "unconfirmed", lost
    yield house.rewritten("encoded.mp4", "-c:v", "libx264", "-crf", 40, "-c:a", "aac"), "unconfirmed", lost
    yield house.rewritten("cut.mp4", "-t", "0.4", "-c", "copy"), "unconfirmed", lost
    yield house.rewritten("bare.mp4", "-c", "copy", "-map_metadata", -1), "unconfirmed", "No dub that is known here"
    yield house.rewritten("small.jpg", "-frames:v", 1), "unconfirmed", "No dub that is known here"
    shutil.copy(there / "talk.multi.mkv", there / "alone.mkv")
    yield there / "alone.mkv", "unconfirmed", "has them beside it, in a .c2pa file"

    yield house.changed("byte.mp4", flipped), "contradicted", "was changed after it was signed"
    yield house.changed("short.mp4", lambda all: all[: len(all) * 2 // 3]), "contradicted", "was changed after"
    yield house.changed("longer.mp4", lambda all: all + b"\x00\x00\x00\x10mdatmore more"), "contradicted", "was changed"
    yield (
        house.changed("byte.wav", lambda all: flipped(all, 5000), of="dialogue.wav"),
        "contradicted",
        "or was changed since",
    )
    inside = (there / "talk.es.mp4").read_bytes().index(b"jumb")
    yield (
        house.changed("jumbled.mp4", lambda all: all[: inside + 60] + b"\xff" * 300 + all[inside + 360 :]),
        "contradicted",
        "are damaged",
    )
    yield house.changed("stub.mp4", lambda all: all[:3000]), "unconfirmed", "The file is damaged"
    statement = (there / "talk.es.mp4").read_bytes().index(b"synthetic_speech")
    yield house.changed("words.mp4", lambda all: flipped(all, statement)), "contradicted", "do not hold"
    shutil.copy(there / "talk.multi.mkv", there / "other.mkv")
    house.changed("other.mkv", flipped, of="talk.multi.mkv")
    shutil.copy(there / "talk.multi.c2pa", there / "other.c2pa")
    yield there / "other.mkv", "contradicted", "is not the one that was signed"
    shutil.copy(there / "talk.multi.mkv", there / "damaged.mkv")
    (there / "damaged.c2pa").write_bytes(b"\x00\x00\x00\xffjumb" + b"\xff" * 400)
    yield there / "damaged.mkv", "contradicted", "are damaged"
    lied = house.sign("talk.es.mp4", "master", RECORDED, to="lied.mp4")
    yield lied, "contradicted", "Its credentials say otherwise: dub into French, recorded speech"

    stranger = house.photographed("camera.mp4", house.camera)
    yield stranger, "unconfirmed", "A file made with Camera 1; it names nothing synthetic."
    yield house.photographed("own camera.mp4", house.key), "confirmed", "A file made with Camera 1"

    yield house.source, "unconfirmed", "No dub that is known here: mov (video h264, audio aac)."
    for name, content, words in (
        ("empty.mp4", b"", "an empty file"),
        ("text.txt", "Grüße\x1b[31m".encode(), "no picture or sound"),
        ("noise.mp4", b"\x00\x00\x00\x18ftypisom" + bytes(range(256)) * 40, "The file is damaged"),
        ("bomb.mp4", b"\xff\xff\xff\xffuuid\xd8\xfe\xc3\xd6\x1b\x0eH<\x92\x97X(\x87~\xc4\x81", "credentials"),
    ):
        (there / name).write_bytes(content)
        yield there / name, "unconfirmed", words
    yield there / "talk.multi.c2pa", "unconfirmed", "belong beside another file"


@pytest.mark.slow
def test_what_a_file_is_whatever_became_of_it(house: House) -> None:
    wrong = []
    for path, verdict, words in cases(house):
        found = looked(house, path)
        told = " ".join([found.summary, *(sign.words for sign in found.signs)])
        if found.verdict != verdict or words not in told:
            wrong.append((path.name, found.verdict, told))
    assert wrong == []


def test_signatures_whose_certificate_has_ended_are_sound_and_prove_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = {"store": {"active_manifest": "a", "manifests": {"a": {}}, "validation_state": "Invalid"}}
    for code in ("signingCredential.expired", "signingCredential.untrusted"):
        status = [{"code": code}, {"code": "signingCredential.untrusted"}]
        monkeypatch.setattr(
            "tasks.sign.read.read_file",
            lambda *_, status=status: {**read, "store": {**read["store"], "validation_status": status}},
        )
        assert looked(house, house.source).verdict == "unconfirmed"


def test_a_watermark_says_that_a_machine_speaks_and_none_says_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Watermark(verdict="found", backend="perth", score=0.97)
    tracks: list[str] = []

    def heard(_path: Path, track: str) -> Watermark:
        tracks.append(track)
        return found if track == "a:1" else Watermark(verdict="not found", backend="perth", score=0.1)

    monkeypatch.setattr("tasks.watermark.detection.detect", heard)
    ours = anchors_of(house.settings)
    multi = verified(str(house.folder / "talk.multi.mkv"), ours, listen=True)
    assert tracks == ["a:0", "a:1", "a:2"]  # the source's, and the dubs'
    assert (multi.verdict, multi.signs[2].proof) == ("confirmed", "says")
    assert verified(str(house.folder / "talk.es.mp4"), ours, listen=True).verdict == "confirmed"  # none is heard

    monkeypatch.setattr("tasks.watermark.detection.detect", lambda *_: found)
    recorded = verified(str(house.folder / "talk.fr.mp4"), ours, listen=True)
    assert (recorded.verdict, recorded.signs[2].proof) == ("contradicted", "contradicts")
    stranger = verified(str(house.source), ours, listen=True)
    assert stranger.summary == "A file with synthetic speech, by the watermark in it. Nothing proves it."
    (house.folder / "text.txt").write_text("words")
    assert "There is no sound" in verified(str(house.folder / "text.txt"), ours, listen=True).signs[2].words


@pytest.mark.parametrize(
    "store",
    [
        {},
        {"active_manifest": "a", "manifests": []},
        {"active_manifest": "a", "manifests": {"a": {"assertions": [{"label": "c2pa.actions", "data": 3}]}}},
        {"active_manifest": "a", "manifests": {"a": {"ingredients": [None]}}},
        {"active_manifest": "a", "manifests": {"a": None}, "validation_status": [{}]},
    ],
)
def test_credentials_that_are_not_what_the_format_says_are_damaged(
    house: House, monkeypatch: pytest.MonkeyPatch, store: dict[str, Any]
) -> None:
    monkeypatch.setattr("tasks.sign.read.read_file", lambda *_: {"store": store})
    assert looked(house, house.source).verdict == "contradicted"


def test_a_statement_that_is_not_of_our_making_is_no_statement(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for data in ({"dubbed": 3}, [], {"dubbed": ["es"], "synthetic_speech": "perhaps"}, None):
        manifest = {"assertions": [{"label": "org.polydub.dub", "data": data}]}
        store = {"active_manifest": "a", "manifests": {"a": manifest}, "validation_state": "Valid"}
        monkeypatch.setattr("tasks.sign.read.read_file", lambda *_, store=store: {"store": store})
        found = looked(house, house.source)
        assert (found.credentials.dub, found.verdict) == (None, "unconfirmed")


def test_the_command_says_it_in_words_as_json_and_by_its_exit_code(house: House, tmp_path: Path) -> None:
    ours, theirs = str(house.folder / "talk.es.mp4"), str(house.source)
    trust = ["--trust", str(house.folder / "ours" / "trust.pem")]

    def ran(*words: str) -> Any:
        return CliRunner().invoke(app, ["verify", "--no-listen", *words])

    good = ran(ours, *trust)
    assert good.exit_code == 0
    assert "CONFIRMED" in good.output
    assert "dubbed [compositeWithTrainedAlgorithmicMedia] by kokoro" in good.output
    assert ran(ours).exit_code == 3  # nobody is trusted
    missing = ran(ours, str(tmp_path / "none.mp4"), str(tmp_path), *trust)
    assert missing.exit_code == 2
    assert "cannot be opened: No such file" in missing.output
    assert "is not a file" in missing.output
    bad = ran(ours, str(house.changed("byte.mp4", flipped)), str(tmp_path / "none.mp4"), "--json", *trust)
    assert bad.exit_code == 1
    told = json.loads(bad.stdout)
    assert [one["verdict"] for one in told] == ["confirmed", "contradicted", "unopened"]
    assert told[0]["credentials"]["dub"]["dubbed"] == ["es"]
    assert ran(theirs, "--trust", str(tmp_path / "none.pem")).exit_code == 2
    assert ran(theirs, "--profile", "none").exit_code == 2


def test_keys_for_tests_say_that_nobody_else_trusts_them(tmp_path: Path) -> None:
    made = CliRunner().invoke(app, ["keys", "new", "--out", str(tmp_path / "keys"), "--name", "Example"])
    assert made.exit_code == 0
    assert "Nobody else trusts it" in made.output
    files = {name: str(tmp_path / "keys" / f"{name}.pem") for name in ("key", "certificate", "trust")}
    assert all(f"{name}: {path}" in made.output for name, path in files.items())
    assert usable_key(CredentialsSettings.model_validate(files)).signer.organisation == "Example"
    again = CliRunner().invoke(app, ["keys", "new", "--out", str(tmp_path / "keys")])
    assert (again.exit_code, "no key is overwritten" in again.output) == (2, True)


def test_who_is_trusted_by_default_is_the_authority_of_the_own_certificate(house: House) -> None:
    own = house.settings.model_copy(update={"trust": ()})
    assert verified(str(house.folder / "talk.es.mp4"), anchors_of(own)).verdict == "confirmed"
    assert anchors_of(CredentialsSettings()) == ""
    assert run.signer_of(CredentialsSettings()) is None
    assert datetime.date.fromisoformat(house.key.signer.until) > datetime.date(2000, 1, 1)
