"""Presets are made beside the masters, keep their rules, and cost their own packaging alone."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import xml.etree.ElementTree as xml
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import soundfile

from configs.delivery import delivery_presets
from flows.ask.given import impossible
from flows.ask.plan import Request, plan
from flows.dub import presets
from flows.terminal.outcome import exit_code
from tasks.deliver import platform
from tasks.package.mark import dubbed_into
from tasks.package.package import stream_hash
from tasks.records.errors import BadInputError, PermanentError
from tasks.records.facts import MediaFacts
from tasks.sound.loudness import measure_loudness
from tests.deliver.conftest import Dubbed, a_talk, dubbed

pytestmark = pytest.mark.usefixtures("store")
DASH = "{urn:mpeg:dash:schema:mpd:2011}"


@pytest.fixture(scope="module")
def made(store: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Dubbed, Dubbed]:
    """A title with its masters alone, then with presets."""
    folder = tmp_path_factory.mktemp("titles")
    video = a_talk(folder)
    plain = dubbed(video, folder / "out", ["es", "fr"], "file")
    before = digests(plain.folder)
    more = dubbed(video, folder / "out", ["es", "fr"], "platform podcast streaming broadcast")
    same = {place: digest for place, digest in digests(more.folder).items() if place in before}
    assert {place for place in before if same.get(place) != before[place]} <= {"title.json", "summary.json"}
    return plain, more


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def probed(path: Path, *asked: str) -> dict[str, Any]:
    shown = ("-show_streams", "-show_format", "-show_chapters")
    command = ["ffprobe", "-v", "error", "-of", "json", *(asked or shown), str(path)]
    found: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return found


def test_presets_cost_their_own_packaging_alone(made: tuple[Dubbed, Dubbed]) -> None:
    plain, more = made
    assert plain.summary["deliver"] == {}
    assert set(more.computed) <= {"translate-name", "deliver-ladder", "deliver", "probe"}  # probe: the master's picture
    assert more.computed.count("deliver") == (2 + 1) + 2 + 1 + 2


def test_the_summary_and_the_title_list_every_file_with_its_digest(made: tuple[Dubbed, Dubbed]) -> None:
    _, more = made
    there = digests(more.folder / "deliver")
    listed = {
        f"{name}/{place}": file["sha256"]
        for name, preset in more.summary["deliver"].items()
        for place, file in preset["files"].items()
    }
    assert listed == there
    title = json.loads((more.folder / "title.json").read_text())
    assert {name: preset["files"] for name, preset in more.summary["deliver"].items()} == title["deliver"]


def test_an_upload_has_sound_as_long_as_the_picture_to_the_sample(made: tuple[Dubbed, Dubbed]) -> None:
    _, more = made
    assert set(more.preset("platform")["files"]) == {
        *(f"talk.{tag}.{kind}" for tag in ("es", "fr") for kind in ("flac", "srt")),
        "localizations.json",
    }
    for tag in ("es", "fr"):
        facts = soundfile.info(str(more.file("platform", f"talk.{tag}.flac")))
        assert (facts.frames, facts.samplerate, facts.subtype) == (96_000, 48_000, "PCM_24")
        words = more.file("platform", f"talk.{tag}.srt").read_bytes()
        assert words == (more.folder / tag / "script.srt").read_bytes()
    names = json.loads(more.file("platform", "localizations.json").read_text())
    assert names["snippet"] == {"defaultLanguage": "en", "title": "The River", "description": "Of water."}
    assert names["localizations"]["es"] == {"title": "[es] The River", "description": "[es] Of water."}


def test_a_podcast_has_chapters_tags_and_its_loudness(made: tuple[Dubbed, Dubbed]) -> None:
    _, more = made
    for form, codec in (("m4a", "aac"), ("mp3", "mp3")):
        path = more.file("podcast", f"talk.fr.{form}")
        found = probed(path)
        assert [stream["codec_name"] for stream in found["streams"] if stream["codec_type"] != "data"] == [codec]
        assert found["format"]["tags"]["title"] == "[fr] The River"
        assert json.loads(found["format"]["tags"]["comment"])["synthetic_speech"] is True
        assert [chapter["tags"]["title"] for chapter in found["chapters"]] == ["Dawn", "Day"]
        measured = measure_loudness(path)
        assert measured.integrated_lufs == pytest.approx(-16, abs=1)
        assert measured.true_peak_dbtp <= -1


def test_a_broadcasters_file_has_the_picture_untouched_and_24_bits(made: tuple[Dubbed, Dubbed]) -> None:
    _, more = made
    path = more.file("broadcast", "talk.es.mov")
    assert stream_hash(path) == stream_hash(more.video)
    found = probed(path)
    sounds = [stream for stream in found["streams"] if stream["codec_type"] == "audio"]
    assert [(one["codec_name"], one["sample_rate"], one["channels"]) for one in sounds] == [("pcm_s24le", "48000", 2)]
    assert found["streams"][0]["tags"]["timecode"] == "01:00:00:00"
    assert sounds[0]["tags"]["language"] == "spa"
    assert dubbed_into(path) == dubbed_into(more.file("platform", "talk.es.flac")) == ("es",)  # no sources
    assert Fraction(found["streams"][0]["avg_frame_rate"]) == 25
    assert measure_loudness(path).integrated_lufs == pytest.approx(-23, abs=0.5)
    gates = {gate["name"] for gate in more.preset("broadcast")["gates"]}
    assert gates >= {"loudness_lu", "true_peak_dbtp", "range_lu", "picture_untouched", "timecode"}
    for role in ("dialogue", "bed"):
        stem = soundfile.info(str(more.file("broadcast", f"stems/talk.es.{role}.wav")))
        assert (stem.subtype, stem.samplerate, stem.frames) == ("PCM_24", 48_000, 96_000)


def test_a_streaming_package_has_one_picture_and_every_language(made: tuple[Dubbed, Dubbed]) -> None:
    _, more = made
    folder = more.folder / "deliver" / "streaming"
    master = (folder / "master.m3u8").read_text()
    sounds = re.findall(r'TYPE=AUDIO,.*LANGUAGE="(\w+)",DEFAULT=(\w+).*CHARACTERISTICS="([^"]+)"', master)
    machine = "public.translation,public.machine-generated"
    assert sounds == [("en", "YES", "public.original-content"), ("es", "NO", machine), ("fr", "NO", machine)]
    assert re.findall(r'TYPE=SUBTITLES,.*LANGUAGE="(\w+)"', master) == ["es", "fr"]
    assert 'CODECS="avc1.' in master
    assert len(re.findall(r"^video-\d+\.m3u8$", master, re.M)) == 1
    assert stream_hash(folder / "video-120.mp4") == stream_hash(more.video)  # copied, not encoded
    for language in ("es", "fr"):
        own = more.folder / f"talk.{language}.mp4"
        assert stream_hash(folder / f"audio-{language}.mp4", "a:0") == stream_hash(own, "a:0")
        assert "X-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0" in (folder / f"words-{language}.vtt").read_text()
    for playlist in folder.glob("*.m3u8"):
        for name in re.findall(r'^(?!#)(\S+)$|URI="([^"]+)"', playlist.read_text(), re.M):
            assert (folder / "".join(name)).exists(), name
    assert "DATE" not in "".join(path.read_text() for path in folder.glob("*.m3u8"))  # the same from the same


def test_dash_says_the_same_of_the_same_segments(made: tuple[Dubbed, Dubbed]) -> None:
    _, more = made
    folder = more.folder / "deliver" / "streaming"
    tree = xml.parse(folder / "manifest.mpd").getroot()
    sets = [(one.get("contentType"), one.get("lang")) for one in tree.iter(f"{DASH}AdaptationSet")]
    texts = [("text", "es"), ("text", "fr")]
    assert sets == [("video", None), ("audio", "en"), ("audio", "es"), ("audio", "fr"), *texts]
    for one in tree.iter(f"{DASH}Representation"):
        base = one.find(f"{DASH}BaseURL")
        assert base is not None
        assert base.text is not None
        if not base.text.endswith(".mp4"):
            continue
        ranges = [url.get("mediaRange", "") for url in one.iter(f"{DASH}SegmentURL")]
        in_hls = re.findall(r"BYTERANGE:(\d+)@(\d+)", (folder / base.text).with_suffix(".m3u8").read_text())
        assert ranges == [f"{at}-{int(at) + int(size) - 1}" for size, at in in_hls]


def test_a_late_language_joins_the_package_and_leaves_what_is_its_own(
    made: tuple[Dubbed, Dubbed], tmp_path: Path
) -> None:
    _, more = made
    out = more.folder.parent
    late = dubbed(more.video, out, ["ca"], "podcast streaming")
    assert late.computed.count("deliver") == 1 + 1  # its podcast, and the package of all three
    assert "deliver-ladder" not in late.computed
    assert set(late.preset("podcast")["languages"]) == {"ca", "es", "fr"}
    assert 'LANGUAGE="ca"' in late.file("streaming", "master.m3u8").read_text()
    assert late.file("streaming", "audio-ca.mp4").exists()


def test_what_cannot_be_made_is_refused_by_name_before_anything_is(tmp_path: Path) -> None:
    video = a_talk(tmp_path, rate="30")
    with pytest.raises(BadInputError, match="no delivery preset 'vhs'; choose of file, platform"):
        plan(Request([str(video)], ["es"], str(tmp_path / "out"), "fake", {"deliver": "vhs"}))
    with pytest.raises(BadInputError, match="cannot be delivered as broadcast-mxf: MXF knows no 30 frames/s"):
        plan(Request([str(video)], ["es"], str(tmp_path / "out"), "fake", {"deliver": "broadcast-mxf"}))
    assert plan(Request([str(video)], ["es"], str(tmp_path / "out"), "fake", {"deliver": "broadcast"}))
    assert not (tmp_path / "out").exists()
    (run,) = plan(
        Request([str(video)], ["es"], str(tmp_path / "out"), "fake", {"deliver": "podcast netflix streaming"})
    )
    alone = MediaFacts(container="wav", duration_ms=2000, picture=None, audio=())
    assert [error.what.partition("delivered ")[2] for error in impossible(run, alone)] == [
        "as streaming: it has no picture."
    ]


def test_the_masters_are_the_default_and_always_there() -> None:
    from configs.profile import load_profile

    assert load_profile("fake").deliver == ("file",)
    assert load_profile("fake", {"deliver": ["podcast,streaming", "podcast"]}).deliver == (
        "file",
        "podcast",
        "streaming",
    )
    assert all(preset.about for preset in delivery_presets().values())


@pytest.mark.slow
def test_where_languages_have_pictures_of_their_own_each_has_a_package_beside_the_one_that_switches(
    made: tuple[Dubbed, Dubbed], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, more = made
    monkeypatch.setattr(presets._Dub, "own_picture", property(lambda dub: dub.master if dub.language == "es" else None))
    again = dubbed(more.video, more.folder.parent, ["es", "fr"], "streaming broadcast")
    assert any("gives es a picture of its own" in note for note in again.preset("streaming")["notes"])
    every = again.file("streaming", "master.m3u8").read_text()
    assert {"en", "es", "fr"} <= set(re.findall(r'TYPE=AUDIO,.*LANGUAGE="(\w+)"', every))
    own = again.file("streaming", "es/master.m3u8").read_text()
    assert re.findall(r'TYPE=AUDIO,.*LANGUAGE="(\w+)"', own) == ["es"]
    assert not again.file("streaming", "fr").exists()
    master = again.folder / "talk.es.mp4"
    assert stream_hash(again.file("streaming", "es/video-120.mp4")) == stream_hash(master)
    assert any("es: its picture is that of the lip-synced master" in one for one in again.preset("broadcast")["notes"])


def test_a_label_in_one_language_is_not_in_the_picture_that_all_languages_share(store: Path, tmp_path: Path) -> None:
    video = a_talk(tmp_path)
    title = dubbed(video, tmp_path / "out", ["es", "fr"], "streaming,broadcast", label="eu")
    assert stream_hash(title.folder / "talk.es.mp4") != stream_hash(video)
    assert stream_hash(title.file("streaming", "video-120.mp4")) == stream_hash(video)
    assert stream_hash(title.file("broadcast", "talk.fr.mov")) == stream_hash(video)
    said = "es, fr: the picture is the title's own, without the label that the master has."
    assert said in title.preset("streaming")["notes"]


def test_a_failed_preset_fails_alone_and_leaves_its_folder_as_it_was(
    made: tuple[Dubbed, Dubbed], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, more = made
    before = digests(more.folder / "deliver" / "platform")

    def broken(*_arguments: object) -> None:
        raise PermanentError("A rule is broken.")

    monkeypatch.setattr(platform, "pack_language", broken)
    monkeypatch.setattr("tasks.deliver.VERSION", 1000)  # so that it is made again
    again = dubbed(more.video, more.folder.parent, ["es"], "platform streaming")
    assert (again.summary["state"], again.summary["delivered"]) == ("partial", 1)
    assert again.summary["deliver"]["platform"]["error"]["what"] == "A rule is broken."
    assert again.summary["deliver"]["platform"]["files"] == {}
    assert again.preset("streaming")["state"] == "completed"
    assert again.summary["languages"]["es"]["error"] is None
    assert digests(more.folder / "deliver" / "platform") == before
    assert not list((more.folder / "deliver").glob(".*"))
    assert exit_code([again.summary]) == 3
