"""What Polydub delivered is no source: left out of folders and patterns, refused where somebody names it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from flows.ask.plan import Request
from flows.cli import app
from flows.kept.masters import refuse_masters
from flows.night.batches import Batch
from flows.night.manifest import Defaults, read_manifest
from flows.terminal.inbox import Inbox
from tasks.media.probe import probe
from tasks.package.mark import dubbed_into
from tasks.package.package import DubTrack, package_master, package_multi
from tasks.records.errors import BadInputError
from tasks.records.title import Run
from tests.clips import click_track, clip, ffmpeg


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a source, and the masters of it."""
    folder = tmp_path_factory.mktemp("made")
    source = clip(folder / "talk.mp4", seconds=1)
    click_track(folder / "dub.wav", 1, channels=2)
    ffmpeg("-i", folder / "dub.wav", "-c:a", "aac", folder / "dub.m4a")
    facts = probe(source)
    package_master(source, facts, folder / "dub.m4a", None, "pt-BR", "talk", folder / "talk.pt-BR.mp4")
    package_multi(source, facts, [DubTrack("es", folder / "dub.m4a")], "en", folder / "talk.multi.mkv")
    return folder


@pytest.fixture
def shows(made: Path, tmp_path: Path, store_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shows" / "talk").mkdir(parents=True)
    shutil.copy(made / "talk.mp4", tmp_path / "shows")
    for name in ("talk.pt-BR.mp4", "talk.multi.mkv"):
        shutil.copy(made / name, tmp_path / "shows" / "talk")
    return tmp_path / "shows"


def listed(folder: Path, title: str) -> list[Request]:
    (folder / "night.csv").write_text(f"title,languages\n{title},es\n")
    return read_manifest(folder / "night.csv", Defaults(profile="fake"))


def test_a_master_says_so_under_any_name_and_after_remuxing(made: Path, tmp_path: Path) -> None:
    assert dubbed_into(made / "talk.pt-BR.mp4") == ("pt-BR",)
    assert dubbed_into(made / "talk.multi.mkv") == ("es",)
    for name in ("copy.mkv", "copy.mov", "copy.mp4"):
        for master in ("talk.pt-BR.mp4", "talk.multi.mkv"):
            ffmpeg("-i", made / master, "-c", "copy", "-map", "0:v", "-map", "0:a", tmp_path / name)
            assert dubbed_into(tmp_path / name)
            (tmp_path / name).unlink()


@pytest.mark.parametrize("comment", ["", "dubbed", "[1]", '{"dubbed": ["es"]}', '{"dubbed": 3}', "{"])
def test_a_source_with_another_comment_is_a_source(made: Path, tmp_path: Path, comment: str) -> None:
    ffmpeg("-i", made / "talk.mp4", "-c", "copy", "-metadata", f"comment={comment}", tmp_path / "a.mp4")
    assert dubbed_into(tmp_path / "a.mp4") == ()


def test_what_is_no_media_is_no_master(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("#EXTM3U\nfile:///etc/passwd\n")
    assert dubbed_into(tmp_path / "a.mp4") == dubbed_into(tmp_path / "none.mp4") == ()


def test_a_pattern_leaves_masters_out_and_says_so(shows: Path) -> None:
    (request,) = listed(shows.parent, "shows/**/*")
    assert [Path(video).name for video in request.videos] == ["talk.mp4"]
    assert request.notes == ("Left out, being masters of Polydub: talk.multi.mkv, talk.pt-BR.mp4.",)


@pytest.mark.parametrize("title", ["shows/talk", "shows/talk/talk.pt-BR.mp4"])
def test_a_row_of_masters_alone_is_a_fault(shows: Path, title: str) -> None:
    with pytest.raises(BadInputError, match=r"row 2, column title: .*masters?"):
        listed(shows.parent, title)


def test_naming_a_master_on_the_command_line_is_refused_with_the_way_round(shows: Path) -> None:
    asked = ["run", str(shows / "talk" / "talk.pt-BR.mp4"), "--to", "fr", "--profile", "fake", "--out", "out"]
    refused = CliRunner().invoke(app, asked)
    assert refused.exit_code == 2
    assert "--from-master" in refused.output
    assert not Path("out").exists()
    refuse_masters([str(shows / "talk.mp4")])


def test_an_inbox_tells_of_a_master_and_dubs_a_list_anew_when_its_video_is_replaced(
    shows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Run] = []

    def dubbed(batch: Batch, runs: list[Run]) -> list[dict[str, Any]]:
        begun.extend(runs)
        return [{"title": run.title.name} for run in runs]

    monkeypatch.setattr("flows.terminal.inbox.run_batch", dubbed)
    box, films = shows.parent / "box", shows.parent / "box" / "films"
    films.mkdir(parents=True)
    shutil.move(shows / "talk" / "talk.pt-BR.mp4", box / "renamed.mp4")
    shutil.copy(shows / "talk.mp4", films)
    (box / "list.csv").write_text("title,languages\nfilms/talk.mp4,es\n")
    house = shows.parent / "house.yaml"
    house.write_text(yaml.safe_dump({"extends": "fake", "source_language": "en"}))
    inbox = Inbox(box, ["es"], str(house), str(shows.parent / "out"))
    for _ in range(3):
        inbox.look()
    assert [run.title.name for run in begun] == ["talk"]
    assert "master" in (box / "renamed.mp4.error.txt").read_text()
    with (films / "talk.mp4").open("ab") as file:
        file.write(b"\0\0\0\x08free")
    inbox.look()
    assert [run.title.name for run in begun[1:]] == [f"talk-{begun[1].title.video.sha256[:8]}"]
    assert "replaced" in begun[1].title.notes[0]
    assert inbox.look() == []
