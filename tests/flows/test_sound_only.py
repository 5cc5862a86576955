"""Titles without a picture: the whole way of one, and where they are taken from."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from flows.ask.plan import Request, plan
from flows.ask.roots import Roots, titles_among, videos_of
from flows.kept.answered import answered_from_store
from flows.kept.links import key_of
from flows.night.manifest import Defaults, read_manifest
from flows.review.site import app
from flows.terminal.runner import dub_titles
from tasks.media.probe import probe
from tasks.records.errors import BadInputError
from tasks.records.progress import StepEvent, listening

OF_A_PICTURE = {"plain-picture", "track-faces", "match-speech", "lipsync", "turn-picture"}


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "talk.mp3"
    beeps = "aevalsrc='0.3*sin(440*2*PI*t)*between(t,0.5,1.5)':s=44100:d=2"
    inputs = ["-f", "lavfi", "-i", beeps, "-f", "lavfi", "-i", "color=red:s=64x64:d=0.04"]
    cover = ["-map", "0", "-map", "1", "-c:v", "mjpeg", "-frames:v", "1", "-disposition:v", "attached_pic"]
    subprocess.run(["ffmpeg", "-v", "error", *inputs, *cover, "-metadata", "title=Talk", str(path)], check=True)
    return path


def request(title: Path, out: Path, **more: object) -> Request:
    return Request([str(title)], ["es"], str(out), "fake", source_language="en", **more)  # type: ignore[arg-type]


@pytest.mark.usefixtures("store_folder")
def test_sound_is_dubbed_without_the_steps_of_a_picture(talk: Path, tmp_path: Path) -> None:
    (run,) = plan(request(talk, tmp_path, overrides={"height": "720p"}))
    events: list[StepEvent] = []
    with listening(events.append):
        (summary,) = dub_titles([run])
    assert not OF_A_PICTURE & {event.step for event in events}
    folder, es = tmp_path / "talk", summary["languages"]["es"]
    assert {path.name for path in folder.iterdir() if path.is_file()} == {
        *("talk.es.m4a", "talk.es.mp3", "talk.multi.mka", "summary.json", "title.json")
    }
    assert (es["master"], summary["multi"]) == ("talk.es.m4a", "talk.multi.mka")
    assert "lipsync.json" not in {path.name for path in (folder / "es").iterdir()}
    multi = probe(folder / "talk.multi.mka")
    assert [(track.codec, track.language) for track in multi.audio] == [("mp3", "en"), ("aac", "es")]
    assert [track.kind for track in multi.others] == ["subtitle", "cover"]
    gates = {gate["name"]: gate for gate in json.loads((folder / "es" / "qc.json").read_text())["gates"]}
    seen = [name for name in gates if name.startswith("lipsync_")] + ["av_offset_ms", "audio_late_ms"]
    assert {(gates[name]["status"], gates[name]["note"]) for name in seen} == {
        ("unmeasured", "not measured: no picture")
    }
    assert (gates["duration_frames"]["status"], gates["loudness_lu"]["status"]) == ("pass", "pass")
    page = (folder / "es" / "report.html").read_text()
    assert '<audio id="dub" controls' in page
    assert "<video" not in page
    assert "../talk.es.m4a" in page
    review = TestClient(app("token"), base_url="http://127.0.0.1")
    review.get("/?token=token")
    shown = review.get(f"/review/{key_of(str(folder))}/es").text
    assert '<audio id="dub-film"' in shown
    assert "<video" not in shown
    told = summary["shared"]["notes"]
    assert "The title has no picture: its sound is dubbed, and there is no lip sync." in told
    assert "Of a picture, and so without effect here: height 720p." in told
    (folder / "talk.es.m4a").unlink()
    again = answered_from_store(run)
    assert again is not None
    assert (folder / "talk.es.m4a").is_file()


@pytest.mark.usefixtures("store_folder")
def test_a_stretch_of_sound_is_previewed(talk: Path, tmp_path: Path) -> None:
    (run,) = plan(request(talk, tmp_path, preview_s=0.8, preview_from_s=0.5))
    (summary,) = dub_titles([run])
    assert summary["languages"]["es"]["master"] == "talk.preview.es.m4a"
    assert probe(tmp_path / "talk.preview" / "talk.preview.es.m4a").audio[0].duration_ms == pytest.approx(800, abs=50)


@pytest.mark.usefixtures("store_folder")
def test_a_service_that_dubs_films_is_refused_for_sound(talk: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="has no picture, and heygen-video-translate dubs whole films"):
        plan(request(talk, tmp_path, overrides={"lipsync": {"backend": "heygen-video-translate"}}))


def test_a_folder_gives_sound_that_belongs_to_no_video(tmp_path: Path) -> None:
    for name in ("film.mp4", "film.wav", "film_es.wav", "Film.bed.flac", "talk.mp3", "filmed.ogg", ".x.mp3", "a.txt"):
        (tmp_path / name).write_bytes(b"x")
    names = ["film.mp4", "filmed.ogg", "talk.mp3"]
    assert sorted(path.name for path in titles_among(tmp_path.iterdir())) == names
    roots = Roots.of(tmp_path)
    assert [path.name for path in videos_of(roots, str(tmp_path))] == names
    assert [path.name for path in videos_of(roots, "*.wav")] == ["film.wav", "film_es.wav"]  # named by their ending


@pytest.mark.usefixtures("store_folder")
def test_a_manifest_takes_sound(talk: Path, tmp_path: Path) -> None:
    (tmp_path / "talk.mp3").write_bytes(talk.read_bytes())
    (tmp_path / "m.csv").write_text("title,languages\n*.mp3,es\n")
    (row,) = read_manifest(tmp_path / "m.csv", Defaults(profile="fake"))
    assert row.videos == [str(tmp_path / "talk.mp3")]
