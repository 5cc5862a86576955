"""Subtitle files by the style guide: their formats, what they hold, and when shots change."""

from __future__ import annotations

import json
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest

from configs.profile import load_profile
from configs.subtitle_files import SubtitleSettings, settings_of
from flows.ask.plan import Request, plan
from flows.dub.branch import dub_branch
from flows.dub.whole import dub_whole
from tasks.records.errors import UnsupportedError
from tasks.records.facts import PictureFacts
from tasks.records.script import Line, Script
from tasks.timed_text.files import Screen, write_files
from tasks.timed_text.shots import cuts_of
from tasks.words.delivered import read_back
from tasks.words.guide import Frames
from tasks.words.subtitles import subtitle_facts

ALL = ("srt", "vtt", "imsc", "ebu-tt-d")
SCRIPT = Script(
    language="es",
    lines=(
        Line(id=3, start_ms=1010, end_ms=3000, text="Hola <b>a</b> & {todos} --> ya."),
        Line(
            id=7, start_ms=3100, end_ms=3500, text="Esto es demasiado largo para que alguien lo lea tan deprisa, ¿no?"
        ),
    ),
)


def film(path: Path, seconds: float = 1.0, *, size: str = "160x120", rate: str = "25") -> Path:
    """Two shots of one length each, red and a test picture."""
    graph = f"color=red:s={size}:r={rate}:d={seconds}[a];testsrc2=s={size}:r={rate}:d={seconds}[b];[a][b]concat"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", graph, "-pix_fmt", "yuv420p", "-y", str(path)]
    subprocess.run(command, check=True)
    return path


def test_every_format_holds_the_same_cues_and_text_is_no_markup(tmp_path: Path) -> None:
    screen = Screen(Frames(Fraction(25)), (1920, 1080), 6000, (1000,))
    files, notes = write_files(SCRIPT, screen, ALL, tmp_path, title="Film")
    assert list(files) == ["script.srt", "script.vtt", "script.imsc.ttml", "script.ebu-tt-d.xml"]
    read = {tuple((cue.start_ms, cue.end_ms, cue.rows) for cue in read_back(path)) for path in files.values()}
    assert len(read) == 1
    first = next(iter(read))[0]
    assert (first[0], first[2]) == (1000, ("Hola <b>a</b> & {todos} --> ya.",))
    assert notes == ("Subtitles: 1 of 2 cues read at more than 17 characters a second.",)


def test_figures_of_a_file_name_the_lines_of_the_script(tmp_path: Path) -> None:
    screen = Screen(Frames(Fraction(25)), (1920, 1080), 6000)
    files, _ = write_files(SCRIPT, screen, ["srt"], tmp_path)
    assert subtitle_facts(SCRIPT, delivered=read_back(files["script.srt"]))["lines_over_cps"] == [7]
    assert subtitle_facts(SCRIPT, delivered=())["cues"] == 0


@pytest.mark.parametrize(
    ("rotation", "aspect", "size"), [(0, "1", (720, 576)), (90, "1", (576, 720)), (0, "16/11", (1047, 576))]
)
def test_a_picture_is_as_large_as_it_is_shown(rotation: int, aspect: str, size: tuple[int, int]) -> None:
    facts = {"index": 0, "codec": "h264", "width": 720, "height": 576, "variable_rate": False, "frames": 50}
    facts |= {"frame_rate": 25, "nominal_rate": 25, "duration_ms": 2000, "pixel_format": "yuv420p", "bit_depth": 8}
    picture = PictureFacts.model_validate({**facts, "rotation": rotation, "aspect": Fraction(aspect), "start_ms": 40})
    screen = Screen.of(picture, 2040)
    assert (screen.size, screen.frames.first_ms) == (size, 40)


def test_changes_of_shot_are_found_where_they_are(tmp_path: Path) -> None:
    assert cuts_of(film(tmp_path / "two.mp4")) == (1000,)
    ntsc = cuts_of(film(tmp_path / "ntsc.mp4", rate="30000/1001"))
    assert [Frames(Fraction(30000, 1001)).at(cut) for cut in ntsc] == [30]
    (tmp_path / "none.mp4").write_bytes(b"no film")
    with pytest.raises(UnsupportedError, match="changes of shot"):
        cuts_of(tmp_path / "none.mp4")


def test_words_name_formats_and_variants_and_others_are_refused() -> None:
    assert settings_of(["imsc", " SDH", "imsc", ""]) == {"formats": ["imsc"], "sdh": True}
    assert settings_of([]) == {}
    with pytest.raises(ValueError, match="'scc' is none of srt, vtt, imsc"):
        settings_of(["scc"])
    asked = SubtitleSettings.model_validate({"formats": ["imsc", "srt"]})
    assert (asked.guided, asked.further) == (True, ("imsc",))
    assert not SubtitleSettings.model_validate({}).guided
    assert not load_profile("offline").subtitles.guided


@pytest.mark.slow
@pytest.mark.usefixtures("store_folder")
def test_a_run_delivers_what_is_asked_for_and_without_asking_what_it_did(tmp_path: Path) -> None:
    video = film(tmp_path / "film.mp4", 1.5)
    sound = ["ffmpeg", "-v", "error", "-i", str(video), "-f", "lavfi", "-i", "sine=d=3", "-c:v", "copy", "-shortest"]
    subprocess.run([*sound, "-y", str(tmp_path / "talk.mp4")], check=True)
    (tmp_path / "talk.en.srt").write_text(
        "1\n00:00:00,100 --> 00:00:00,900\n[door opens]\n\n2\n00:00:01,400 --> 00:00:02,400\nANNA: Good morning.\n"
    )
    (tmp_path / "talk.en.forced.srt").write_text("1\n00:00:02,000 --> 00:00:02,900\nEXIT\n")

    def made(**subtitles: object) -> Path:
        out = tmp_path / ("asked" if subtitles else "plain")
        given = {"videos": [str(tmp_path / "talk.mp4")], "languages": ["es"], "out": str(out), "profile": "fake"}
        run = plan(Request(**given, overrides={"subtitles": subtitles} if subtitles else {}))[0]  # type: ignore[arg-type]
        dub_whole(run, lambda run, tags: [dub_branch(run.branch(tag)) for tag in tags] and None)
        return out / "talk"

    plain, asked = made(), made(formats=["imsc", "ebu-tt-d"], sdh=True, forced=True, burn=["es"])
    assert {path.name for path in (plain / "es").glob("script.*")} == {"script.json", "script.srt", "script.vtt"}
    names = {f"script.{variant}{ending}" for variant in ("", "sdh.", "forced.")
             for ending in ("srt", "vtt", "imsc.ttml", "ebu-tt-d.xml")}  # fmt: skip
    assert {path.name for path in (asked / "es").glob("script.*")} == {"script.json", *names}
    assert (asked / "talk.es.burned.mp4").stat().st_size > 1000
    assert not (plain / "talk.es.burned.mp4").exists()
    first = read_back(asked / "es" / "script.imsc.ttml")[0]
    assert first.start_ms == 1520  # the line begins at 1400 ms, and the shot changes there
    assert read_back(plain / "es" / "script.srt")[0].start_ms == 1400
    assert "door opens" in read_back(asked / "es" / "script.sdh.srt")[0].rows[0]
    assert "EXIT" in read_back(asked / "es" / "script.forced.vtt")[0].rows[0]
    sheet = json.loads((asked / "es" / "qc.json").read_text())
    assert sheet["subtitles"]["cues"] == 1
