"""A title is its source under a name: an output folder says whose it is and never takes a second source."""

from __future__ import annotations

import hashlib
import itertools
import json
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.profile import load_profile
from flows.ask.naming import hold, named, owner_of, take, taken
from flows.ask.plan import title_name
from flows.kept.summary import TitleResult, write_summary
from tasks.records.errors import BadInputError
from tasks.records.record import Asset
from tasks.records.title import Run, Title

PROFILE = load_profile("fake", {})


def run_of(path: str, content: str, out: Path, languages: tuple[str, ...] = ("es",), **more: Any) -> Run:
    digest = hashlib.sha256(content.encode()).hexdigest()
    name = title_name(Path(path).stem)
    title = Title(
        name=name,
        plain=name,
        video=Asset(uri=path, sha256=digest, bytes=1),
        source=path,
        folder=str(out / name),
        languages=languages,
        **more,
    )
    return Run(title=title, profile=PROFILE, store=str(out / "store"))


def eight(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()[:8]


def folders(runs: list[Run]) -> dict[str, str]:
    """The folder's name of each source."""
    return {run.title.source: Path(run.title.folder).name for run in runs}


def test_a_title_alone_has_its_plain_name_and_nothing_is_said(tmp_path: Path) -> None:
    (run,) = named([run_of("/a/talk.mp4", "red", tmp_path)])
    assert (run.title.name, run.title.folder, run.title.notes) == ("talk", str(tmp_path / "talk"), ())


def test_two_sources_of_one_name_get_their_digests_and_a_third_of_the_name_in_between_keeps_its_own(
    tmp_path: Path,
) -> None:
    videos = [("/a/talk.mp4", "red"), ("/b/talk.mp4", "green"), ("/talk-2.mp4", "blue")]
    wanted = {"/a/talk.mp4": f"talk-{eight('red')}", "/b/talk.mp4": f"talk-{eight('green')}", "/talk-2.mp4": "talk-2"}
    for rows in itertools.permutations(videos):
        runs = named([run_of(path, content, tmp_path) for path, content in rows])
        assert folders(runs) == wanted
    assert any(f"talk-{eight('red')}" in note for run in runs for note in run.title.notes)


def test_the_first_keeps_its_folder_and_the_second_gets_one_of_its_own_in_a_later_run(tmp_path: Path) -> None:
    (first,) = taken([run_of("/a/talk.mp4", "red", tmp_path)])
    (second,) = taken([run_of("/b/talk.mp4", "green", tmp_path)])
    assert (first.title.name, second.title.name) == ("talk", f"talk-{eight('green')}")
    assert "talk" in second.title.notes[0]
    both = [run_of("/b/talk.mp4", "green", tmp_path), run_of("/a/talk.mp4", "red", tmp_path)]
    assert folders(taken(both)) == {"/a/talk.mp4": "talk", "/b/talk.mp4": f"talk-{eight('green')}"}


def test_a_title_that_was_told_apart_once_keeps_that_folder_when_it_comes_alone(tmp_path: Path) -> None:
    taken([run_of("/a/talk.mp4", "red", tmp_path), run_of("/b/talk.mp4", "green", tmp_path)])
    (again,) = taken([run_of("/b/talk.mp4", "green", tmp_path)])
    assert again.title.name == f"talk-{eight('green')}"


def test_a_replaced_video_gets_a_folder_of_its_own_and_it_is_said(tmp_path: Path) -> None:
    taken([run_of("/a/talk.mp4", "red", tmp_path)])
    (again,) = taken([run_of("/a/talk.mp4", "red, cut anew", tmp_path)])
    assert again.title.name == f"talk-{eight('red, cut anew')}"
    assert "replaced" in again.title.notes[0]


def test_long_stems_that_begin_alike_do_not_share_a_folder(tmp_path: Path) -> None:
    stem = "A very long lecture title of the spring series on the history of rye bread in the northern countries " * 2
    (first,) = taken([run_of(f"/{stem} part 1.mp4", "one", tmp_path)])
    (second,) = taken([run_of(f"/{stem} part 2.mp4", "two", tmp_path)])
    assert first.title.folder != second.title.folder
    assert len(Path(second.title.folder).name.encode()) < 200


@pytest.mark.parametrize(
    ("one", "other"),
    [("Talk", "talk"), ("Stra\u00dfe", "STRASSE"), ("caf\u00e9", unicodedata.normalize("NFD", "caf\u00e9"))],
)
def test_names_that_a_file_system_may_take_for_one_are_one(tmp_path: Path, one: str, other: str) -> None:
    names = folders(named([run_of(f"/{one}.mp4", "red", tmp_path), run_of(f"/{other}.mp4", "green", tmp_path)]))
    assert set(names.values()) == {f"{one}-{eight('red')}", f"{other}-{eight('green')}"}
    taken([run_of(f"/{one}.mp4", "red", tmp_path)])
    (later,) = taken([run_of(f"/{other}.mp4", "green", tmp_path)])
    assert later.title.name == f"{other}-{eight('green')}"


def test_a_file_named_like_another_title_s_digest_takes_nothing_of_it(tmp_path: Path) -> None:
    hostile = f"/c/talk-{eight('green')}.mp4"
    runs = [
        run_of("/a/talk.mp4", "red", tmp_path),
        run_of("/b/talk.mp4", "green", tmp_path),
        run_of(hostile, "blue", tmp_path),
    ]
    assert len(set(folders(taken(runs)).values())) == 3
    assert folders(taken(runs[::-1])) == folders(taken(runs))


def test_the_same_source_under_two_names_is_two_titles(tmp_path: Path) -> None:
    runs = [run_of("/a/talk.mp4", "red", tmp_path), run_of("/a/speech.mp4", "red", tmp_path)]
    assert folders(taken(runs)) == {"/a/talk.mp4": "talk", "/a/speech.mp4": "speech"}


def test_a_video_that_is_listed_twice_is_one_title_in_all_the_languages(tmp_path: Path) -> None:
    runs = [run_of("/a/talk.mp4", "red", tmp_path, ("es",)), run_of("/b/talk.mp4", "red", tmp_path, ("fr", "es"))]
    (run,) = named(runs)
    assert (run.title.name, run.title.languages) == ("talk", ("es", "fr"))
    assert "/b/talk.mp4 is the same video as /a/talk.mp4" in run.title.notes[0]


def test_a_video_that_is_listed_twice_with_other_words_is_refused(tmp_path: Path) -> None:
    words = [Asset(uri=f"/{number}.srt", sha256=str(number) * 64, bytes=1) for number in (1, 2)]
    runs = [run_of("/a/talk.mp4", "red", tmp_path, subtitles=asset) for asset in words]
    with pytest.raises(BadInputError, match="same video"):
        named(runs)


def test_a_preview_lies_beside_its_title(tmp_path: Path) -> None:
    (whole,) = taken([run_of("/a/talk.mp4", "red", tmp_path)])
    (preview,) = taken([run_of("/a/talk.mp4", "red", tmp_path, preview_ms=2000)])
    (other,) = taken([run_of("/b/talk.mp4", "green", tmp_path, preview_ms=2000)])
    names = [run.title.name for run in (whole, preview, other)]
    assert names == ["talk", "talk.preview", f"talk-{eight('green')}.preview"]


def by_an_earlier_version(folder: Path, source: str, content: str) -> None:
    folder.mkdir(parents=True)
    digest = hashlib.sha256(content.encode()).hexdigest()
    card = {"title": folder.name, "source": {"path": source, "sha256": digest, "bytes": 1}, "script": {}}
    (folder / "title.json").write_text(json.dumps(card))


def test_folders_of_an_earlier_version_stay_their_titles(tmp_path: Path) -> None:
    by_an_earlier_version(tmp_path / "talk", "/a/talk.mp4", "red")
    by_an_earlier_version(tmp_path / "talk-2", "/b/talk.mp4", "green")
    by_an_earlier_version(tmp_path / "speech-2", "/c/speech-2.mp4", "blue")
    runs = [
        run_of("/b/talk.mp4", "green", tmp_path),
        run_of("/a/talk.mp4", "red", tmp_path),
        run_of("/c/speech.mp4", "blue", tmp_path),  # another title of the same bytes
    ]
    assert folders(taken(runs)) == {"/a/talk.mp4": "talk", "/b/talk.mp4": "talk-2", "/c/speech.mp4": "speech"}


def test_a_folder_that_does_not_say_whose_it_is_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "talk").mkdir()
    (tmp_path / "talk" / "title.json").write_text("{")
    (tmp_path / "speech").write_text("a file")
    runs = taken([run_of("/talk.mp4", "red", tmp_path), run_of("/speech.mp4", "blue", tmp_path)])
    assert set(folders(runs).values()) == {f"talk-{eight('red')}", f"speech-{eight('blue')}"}
    assert (tmp_path / "talk" / "title.json").read_text() == "{"


def test_a_folder_of_somebody_s_without_a_title_is_free(tmp_path: Path) -> None:
    (tmp_path / "talk").mkdir()
    (run,) = taken([run_of("/talk.mp4", "red", tmp_path)])
    assert run.title.name == "talk"
    assert owner_of(tmp_path / "talk") is not None


def test_of_many_that_start_at_once_one_gets_the_plain_name_and_no_two_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        runs = pool.map(lambda number: taken([run_of(f"/{number}/talk.mp4", str(number), tmp_path)]), range(24))
        names = [run.title.name for (run,) in runs]
    assert len(set(names)) == 24
    assert names.count("talk") == 1


def test_nothing_goes_on_in_another_s_folder_nor_writes_there(tmp_path: Path) -> None:
    mine, other = run_of("/a/talk.mp4", "red", tmp_path), run_of("/b/talk.mp4", "green", tmp_path)
    assert take(mine)
    with pytest.raises(BadInputError, match="belongs to another video"):
        hold(other)
    before = (tmp_path / "talk" / "title.json").read_bytes()
    write_summary(other, TitleResult())
    assert [path.name for path in (tmp_path / "talk").iterdir()] == ["title.json"]
    assert (tmp_path / "talk" / "title.json").read_bytes() == before


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["talk", "Talk", "talk-2", "x"]), st.integers(0, 3))),
    st.randoms(),
)
def test_folders_depend_on_the_videos_alone(rows: list[tuple[str, str, int]], random: Any) -> None:
    out = Path("/nowhere/out")
    runs = [run_of(f"/{folder}/{name}.mp4", str(content), out) for folder, name, content in rows]
    runs = list({run.title.source: run for run in runs}.values())
    mixed = random.sample(runs, len(runs))
    own = {run.title.source: Path(run.title.folder).name.casefold() for run in named(mixed)}
    there = {run.title.source: Path(run.title.folder).name.casefold() for run in named(runs)}
    assert {own[source] for source in own.keys() & there.keys()} == {there[s] for s in own.keys() & there.keys()}
    sources = {(run.title.plain.casefold(), run.title.video.sha256) for run in runs}
    assert len(named(runs)) == len(sources) == len({run.title.folder.casefold() for run in named(runs)})
