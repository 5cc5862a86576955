"""A preview shows what was asked for, and by default something in which somebody speaks."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from flows.ask.plan import Request, plan
from flows.ask.stretch import Stretch, typed
from flows.kept.keys import shared_key
from tasks.records.errors import BadInputError
from tasks.records.script import Line, Script, Word
from tasks.records.title import Title
from tasks.transcribe.bounds import moved

pytestmark = pytest.mark.usefixtures("store_folder")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("", Stretch()),
        ("0", Stretch()),
        ("4", Stretch(4.0)),
        ("2.5", Stretch(2.5)),
        ("20-25", Stretch(5.0, 20.0)),
        ("0-8", Stretch(8.0, 0.0)),
        ("1:20 - 1:35.5", Stretch(15.5, 80.0)),
        ("1:00:00-1:00:10", Stretch(10.0, 3600.0)),
    ],
)
def test_a_stretch_is_so_many_seconds_or_from_one_time_to_another(text: str, meant: Stretch) -> None:
    assert typed(text) == meant


@pytest.mark.parametrize("text", ["-1", "5-", "8-4", "4-4", "soon", "1:2:3:4", "nan"])
def test_what_is_no_stretch_is_bad_input(text: str) -> None:
    with pytest.raises(BadInputError, match="--preview"):
        typed(text)


def previewed(clip: Path, folder: Path, start_s: float, stretch: str, **more: object) -> Title:
    """The four-second clip with one line, which begins at so many seconds."""
    video = Path(shutil.copy(clip, folder / "talk.mp4"))
    words = folder / "talk.srt"
    words.write_text(f"1\n00:00:0{start_s:.3f} --> 00:00:03,900\nGood morning.\n".replace(".", ",", 1))
    wanted = typed(stretch)
    given: dict[str, object] = {"source_language": "en", "subtitles": str(words)}
    given |= {"preview_s": wanted.seconds, "preview_from_s": wanted.start_s, **more}
    return plan(Request([str(video)], ["es"], str(folder / "out"), "fake", **given))[0].title  # type: ignore[arg-type]


def test_without_a_time_a_preview_begins_at_the_start_where_somebody_speaks_there(
    short_clip: Path, tmp_path: Path
) -> None:
    title = previewed(short_clip, tmp_path, 0.4, "2")
    assert (title.preview_start_ms, title.preview_ms) == (0, 2000)


def test_else_shortly_before_the_first_speech_on_a_frame(short_clip: Path, tmp_path: Path) -> None:
    title = previewed(short_clip, tmp_path, 2.5, "1")
    assert (title.preview_start_ms, title.preview_ms) == (2000, 1000)


def test_a_silent_beginning_that_is_asked_for_is_refused_by_what_is_wrong(short_clip: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="No line of the script begins in the preview") as refused:
        previewed(short_clip, tmp_path, 2.5, "0-1")
    assert "2.5 s" in refused.value.fix
    assert "--subtitles" not in str(refused.value)


def test_a_stretch_after_the_end_or_with_a_recorded_dub_is_refused(short_clip: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"ends at 4\.0 s"):
        previewed(short_clip, tmp_path, 0.4, "20-25")
    with pytest.raises(BadInputError, match="would not be in step"):
        previewed(short_clip, tmp_path, 2.5, "2-3", dubs={"es": str(short_clip)})


def test_another_stretch_is_another_title_in_the_store(short_clip: Path, tmp_path: Path) -> None:
    video = Path(shutil.copy(short_clip, tmp_path / "talk.mp4"))
    keys = set()
    for start in (None, 0.0, 1.0):
        asked = Request([str(video)], ["es"], str(tmp_path / "out"), "fake", preview_s=2.0, preview_from_s=start)
        keys.add(shared_key(plan(asked)[0]))
    assert len(keys) == 2  # from the start on, however that was said


def test_a_script_on_the_previews_clock_keeps_words_with_their_lines() -> None:
    word = Word(text="Hi", start_ms=2100, end_ms=2300)
    early, late = Line(id=1, start_ms=500, end_ms=900, text="Oh."), Line(id=2, start_ms=2000, end_ms=2400, text="Hi")
    script = Script(language="en", lines=(early, late.model_copy(update={"words": (word,)})))
    line = moved(script, -1500).lines[0]
    assert (line.id, line.start_ms, line.end_ms, line.words[0].start_ms) == (2, 500, 900, 600)
    assert moved(moved(script, -1500), 1500).lines[0].start_ms == 2000
