"""From what the user typed to checked runs: each fault gets one clear message, and nothing is written."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.ask.plan import Request, checked_profile, plan, title_name
from tasks.records.errors import BadInputError

HOSTILE_NAMES = [
    'it\'s "so".mp4',
    "-rf.mp4",
    "100%d.mp4",
    "a b.mp4",
    "two\nlines.mp4",
    "ビデオ.mp4",
    "file:x.mp4",
    "[1].mp4",
    "..mp4",
]


def request(video: Path | str, out: Path, **changes: object) -> Request:
    given = {"videos": [str(video)], "languages": ["es"], "out": str(out), "profile": "fake", "source_language": "en"}
    return Request(**{**given, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_any_file_name_works(short_clip: Path, tmp_path: Path, store_folder: Path, name: str) -> None:
    video = tmp_path / name
    shutil.copyfile(short_clip, video)
    title = plan(request(video, tmp_path / "out"))[0].title
    assert Path(title.folder).parent == tmp_path / "out"
    assert not any(sign in title.name for sign in "\n/\x00")
    assert title.name[0] not in "-."


@given(st.text(max_size=300))
def test_a_title_name_is_one_safe_path_part(stem: str) -> None:
    name = title_name(stem)
    assert name
    assert "/" not in name
    assert len(name.encode("utf-8", "surrogatepass")) <= 125
    assert name not in (".", "..")


def test_two_videos_of_one_name_do_not_share_a_folder(short_clip: Path, tmp_path: Path, store_folder: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        shutil.copyfile(short_clip, tmp_path / folder / "talk.mp4")
    with (tmp_path / "b" / "talk.mp4").open("ab") as file:
        file.write(b"\0\0\0\x08free")
    videos = [str(tmp_path / "a" / "talk.mp4"), str(tmp_path / "b" / "talk.mp4")]
    titles = [run.title for run in plan(request("", tmp_path, videos=videos))]
    assert [title.name for title in titles] == [f"talk-{title.video.sha256[:8]}" for title in titles]
    assert len({title.folder for title in titles}) == 2


def test_languages_may_be_separated_by_anything_usual_and_count_once(
    short_clip: Path, tmp_path: Path, store_folder: Path
) -> None:
    run = plan(request(short_clip, tmp_path, languages=["es, fr;PT_br", "es"]))[0]
    assert run.title.languages == ("es", "fr", "pt-BR")


def empty(path: Path) -> None:
    path.write_bytes(b"")


def text(path: Path) -> None:
    path.write_text("this is no video\n" * 100)


def image(path: Path) -> None:
    subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=s=64x64", "-frames:v", "1", "-f", "image2", str(path)],
        check=True,
    )


def mute(path: Path) -> None:
    subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=s=64x64:d=1", "-f", "mp4", str(path)], check=True
    )


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (empty, "empty"),
        (text, "not a|no "),
        (image, "still"),
        (mute, "no audio track"),
        (Path.mkdir, "not a file"),
        (lambda path: None, "does not exist"),
    ],
)
def test_what_cannot_be_dubbed_is_refused(tmp_path: Path, store_folder: Path, make: object, said: str) -> None:
    video = tmp_path / "talk.mp4"
    make(video)  # type: ignore[operator]
    with pytest.raises(BadInputError, match=said) as caught:
        plan(request(video, tmp_path / "out"))
    assert "talk.mp4" in caught.value.what
    assert not (tmp_path / "out").exists()


def test_a_truncated_video_is_refused(short_clip: Path, tmp_path: Path, store_folder: Path) -> None:
    video = tmp_path / "talk.mp4"
    video.write_bytes(short_clip.read_bytes()[:2000])
    with pytest.raises(BadInputError):
        plan(request(video, tmp_path / "out"))


def test_a_wrong_extension_does_not_matter(short_clip: Path, tmp_path: Path, store_folder: Path) -> None:
    video = tmp_path / "talk.txt"
    shutil.copyfile(short_clip, video)
    assert plan(request(video, tmp_path / "out"))[0].title.name == "talk"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"languages": ["klingonese"]}, "not a language"),
        ({"languages": []}, "No target language"),
        ({"source_language": "??"}, "not a language"),
        ({"profile": "nope"}, "no profile 'nope'"),
        ({"overrides": {"lipsync": {"backend": "magic"}}}, "no lipsync backend named 'magic'"),
        ({"overrides": {"lipsync": {"backend": "fake", "options": {"x": 1}}}}, "options.x"),
        ({"overrides": {"loudness": "loud"}}, "no loudness preset"),
        ({"dubs": {"fr": "x.wav"}}, "fr, which is not among"),
        ({"dubs": {"es": "missing.wav"}}, "does not exist"),
        ({"bed": "missing.wav"}, "does not exist"),
        ({"subtitles": "missing.srt"}, "does not exist"),
    ],
)
def test_a_wrong_flag_is_refused(
    short_clip: Path, tmp_path: Path, store_folder: Path, changes: dict[str, object], said: str
) -> None:
    with pytest.raises(BadInputError, match=said):
        plan(request(short_clip, tmp_path / "out", **changes))
    assert not (tmp_path / "out").exists()


def test_malformed_subtitles_are_refused(short_clip: Path, tmp_path: Path, store_folder: Path) -> None:
    (tmp_path / "talk.srt").write_text("1\n00:00:xx --> never\nHola\n")
    with pytest.raises(BadInputError, match=r"talk\.srt"):
        plan(request(short_clip, tmp_path / "out", subtitles=str(tmp_path / "talk.srt")))


def test_an_output_folder_under_a_file_is_refused(short_clip: Path, tmp_path: Path, store_folder: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(BadInputError, match="is a file"):
        plan(request(short_clip, tmp_path / "out" / "deep"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_output_folder_without_permission_is_refused(short_clip: Path, tmp_path: Path, store_folder: Path) -> None:
    (tmp_path / "out").mkdir(mode=0o500)
    with pytest.raises(BadInputError, match="cannot be written"):
        plan(request(short_clip, tmp_path / "out"))


def test_a_commercial_profile_refuses_weights_that_forbid_it(
    short_clip: Path, tmp_path: Path, store_folder: Path
) -> None:
    xtts = {"backend": "coqui", "options": {"model": "tts_models/multilingual/multi-dataset/xtts_v2"}}
    with pytest.raises(BadInputError, match="not licensed for commercial use"):
        plan(request(short_clip, tmp_path / "out", profile="commercial", overrides={"synthesize": xtts}))


def test_a_fallback_that_is_not_for_commercial_use_is_refused_by_its_own_name(tmp_path: Path) -> None:
    nllb = {"backend": "nllb", "options": {"model_path": str(tmp_path)}}
    with pytest.raises(BadInputError, match=r"'nllb' is not licensed for commercial use.*CC-BY-NC"):
        checked_profile("commercial", {"translate": {"fallbacks": [nllb]}})


def test_a_glossary_that_is_none_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "terms.csv").write_text("english,spanish\na,b\n")
    with pytest.raises(BadInputError, match=r"terms\.csv.*english"):
        checked_profile("offline", {"translate": {"glossary": str(tmp_path / "terms.csv")}})


def test_a_bed_or_a_dub_of_hours_does_not_belong_to_a_title_of_seconds(
    short_clip: Path, tmp_path: Path, store_folder: Path
) -> None:
    long = tmp_path / "long.flac"
    made = "-f lavfi -i anullsrc=r=8000:cl=mono -t 900"
    subprocess.run(["ffmpeg", "-v", "error", *made.split(), str(long)], check=True)
    for recording in ({"bed": str(long)}, {"dubs": {"es": str(long)}}):
        with pytest.raises(BadInputError, match="lasts 900 s, the title 4 s"):
            plan(request(short_clip, tmp_path / "out", **recording))
