"""Each kind of edit makes again what it touches and nothing else: counted by steps and lines."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from flows.ask.naming import card_of
from flows.ask.plan import Request, plan
from flows.cli import app
from flows.dub.making import Steps, speech
from flows.kept.branches import branch_key, keep_shared_work, known
from flows.kept.edited import unheeded_edits
from flows.kept.edits import check_readable
from tasks.records.errors import PermanentError
from tasks.records.facts import MediaFacts
from tasks.records.progress import StepEvent, listening
from tasks.records.record import Asset
from tasks.records.result import SharedWork
from tasks.records.script import Line, Script, Speaker
from tasks.records.title import Run

pytestmark = pytest.mark.usefixtures("store_folder")

CUES = ((300, 1000, "Good morning."), (1200, 2000, "Nice to see you here."), (2300, 3400, "See you next week."))
SPEECH = {"translate", "synthesize", "adapt", "fit"}
SPOKEN = SPEECH - {"translate"}


class Title:
    """A title of three lines with a dub in Spanish, and what dubbing it again makes: up to the speech in its place."""

    def __init__(self, run: Run) -> None:
        self.run, self.folder = run, Path(run.title.folder)
        self.folder.mkdir(parents=True)
        self.cues(*CUES)
        self.key = branch_key(run.branch("es"))
        self.dub()

    def cues(self, *cues: tuple[int, int, str]) -> None:
        nothing = Asset(uri="/nowhere.wav", sha256="0" * 64, bytes=1)
        lines = tuple(Line(id=n, start_ms=a, end_ms=b, text=text) for n, (a, b, text) in enumerate(cues, start=1))
        script = Script(language="en", lines=lines, speakers=(Speaker(id="S1"),))
        facts = MediaFacts(duration_ms=4000, container="mp4", picture=None, audio=())
        names = ("video", "original", "dialogue", "bed", "speech", "analysis")
        self.work = SharedWork(**dict.fromkeys(names, nothing), facts=facts, script=script)  # type: ignore[arg-type]
        keep_shared_work(self.run, self.work)
        facts_and_script = {"facts": facts.model_dump(mode="json"), "script": script.model_dump(mode="json")}
        (self.folder / "title.json").write_text(json.dumps({**card_of(self.run.title), **facts_and_script}))

    def edit(self, *words: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, ["edit", str(self.folder), "es", *words])
        assert done.exit_code == code, done.output
        return done.output

    def dub(self) -> tuple[set[str], int]:
        """The steps that were computed, and how many lines were spoken now."""
        branch, events, steps = self.run.branch("es"), list[StepEvent](), Steps()
        wanted = known(branch).edits
        check_readable(wanted)
        with listening(events.append):
            self.script, self.laid = speech(branch, self.work, wanted, steps)
        self.notes = " ".join(note for record in steps.ledger for note in record.notes)
        (self.folder / "es").mkdir(exist_ok=True)
        (self.folder / "es" / "script.json").write_text(self.script.model_dump_json())
        made = [one for one in events if one.state == "computed"]
        return {one.step for one in made}, sum(one.parts - one.hits for one in made if one.step == "synthesize")

    def rows(self) -> list[tuple[int, int, str]]:
        return [(line.start_ms, line.end_ms, line.text) for line in self.script.lines]

    def is_as_before(self) -> bool:
        return branch_key(self.run.branch("es")) == self.key


@pytest.fixture
def title(short_clip: Path, tmp_path: Path) -> Title:
    video = shutil.copy(short_clip, tmp_path / "clip.mp4")
    given: dict[str, Any] = {"videos": [str(video)], "languages": ["es"], "out": str(tmp_path / "out")}
    return Title(plan(Request(**given, profile="fake", source_language="en"))[0])


def test_without_an_edit_nothing_is_made_again(title: Title) -> None:
    assert title.dub() == (set(), 0)


def test_a_word_speaks_one_line_again(title: Title) -> None:
    title.edit("2", "--text", "Qué alegría verte.")
    assert title.dub() == (SPEECH, 1)
    assert [text for _, _, text in title.rows()] == [
        "[es] Good morning.",
        "Qué alegría verte.",
        "[es] See you next week.",
    ]
    title.edit("--undo", "1")
    assert title.dub() == (set(), 0)


def test_a_source_text_translates_and_speaks_one_line_again(title: Title) -> None:
    title.edit("2", "--source", "Nice to meet you.")
    assert title.dub() == (SPEECH, 1)
    assert title.rows()[1][2] == "[es] Nice to meet you."


def test_a_note_makes_nothing_again(title: Title) -> None:
    title.edit("2", "--note", "Check with the client.")
    assert title.dub() == (set(), 0)
    assert title.is_as_before()
    assert "Check with the client." in title.edit("--history")


def test_a_line_is_moved_without_being_spoken_again(title: Title) -> None:
    title.edit("3", "--start", "2.4", "--end", "3.5")
    assert title.dub() == (SPEECH, 0)
    assert title.rows()[2][:2] == (2400, 3500)


def test_another_speaker_speaks_one_line_again_and_nobody_else_gets_another_voice(title: Title) -> None:
    title.edit("2", "--speaker", "Ann")
    assert title.dub() == (SPEECH, 1)
    assert [line.speaker for line in title.script.lines] == ["S1", "Ann", "S1"]


def test_another_voice_speaks_one_line_again(title: Title) -> None:
    title.edit("1", "--voice", "hum-300")
    assert title.dub() == (SPOKEN, 1)


def test_a_pronunciation_speaks_one_line_again_and_stays_out_of_the_subtitles(title: Title) -> None:
    title.edit("1", "--pronounce", "morning=mooorning")
    assert title.dub() == (SPOKEN, 1)
    assert title.rows()[0][2] == "[es] Good morning."


def test_a_recorded_take_is_heard_instead_of_a_voice(title: Title, tmp_path: Path) -> None:
    recorded = tmp_path / "take.flac"
    tone = 0.2 * np.sin(np.arange(24_000 * 6 // 10) / 9)
    soundfile.write(recorded, np.concatenate([np.zeros(12_000), tone, np.zeros(12_000)]), 24_000)
    title.edit("2", "--recording", str(recorded))
    assert title.dub() == (SPEECH, 0)
    (placed,) = [one for one in title.laid.placements if one.line == 2]
    assert abs(placed.natural_ms - 600) <= 45
    assert title.rows()[1][2] == "[es] Nice to see you here."
    title.edit("2", "--reset", "recording")
    title.dub()
    (placed,) = [one for one in title.laid.placements if one.line == 2]
    assert abs(placed.natural_ms - 600) > 45


def test_a_recording_that_is_none_is_refused(title: Title, tmp_path: Path) -> None:
    (tmp_path / "take.wav").write_bytes(b"#EXTM3U\nfile:///etc/passwd\n")
    assert "The recording" in title.edit("2", "--recording", str(tmp_path / "take.wav"), code=2)
    assert "cannot be read" in title.edit("2", "--recording", str(tmp_path / "none.wav"), code=2)
    assert title.is_as_before()


def test_another_take_is_told_where_a_voice_has_one(title: Title) -> None:
    title.edit("1", "--take", "2")
    _, fresh = title.dub()
    assert fresh == 0
    assert "fake reads a line the same way every time: no other take of lines 1." in title.notes


def test_a_level_makes_no_line_again(title: Title) -> None:
    title.edit("1", "--level", "-6")
    assert title.dub() == (set(), 0)
    assert known(title.run.branch("es")).edits.levels == {1: -6.0}
    assert not title.is_as_before()


def test_a_muted_line_is_silent_and_comes_back(title: Title) -> None:
    title.edit("2", "--mute")
    assert title.dub() == (SPEECH, 0)
    assert title.rows()[1][2] == ""
    title.edit("2", "--no-mute")
    assert title.dub() == (set(), 0)


def test_the_original_is_kept_where_a_line_is_not_dubbed(title: Title) -> None:
    title.edit("2", "--keep-original")
    assert title.dub() == (SPEECH, 0)
    assert [one.text for one in title.script.kept] == ["Nice to see you here."]
    assert len(title.rows()) == 2
    assert "Lines whose original is kept by hand: 2." in title.notes


def test_a_line_is_split_and_its_second_half_edited(title: Title) -> None:
    title.edit("2", "--split-at", "1.6")
    assert title.dub() == (SPEECH, 2)
    assert title.rows()[1:3] == [(1200, 1600, "[es] Nice to see"), (1600, 2000, "[es] you here.")]
    title.edit("4", "--text", "aquí.")
    assert title.dub() == (SPEECH, 1)
    assert title.rows()[2] == (1600, 2000, "aquí.")


def test_two_lines_are_merged(title: Title) -> None:
    title.edit("1", "--merge-with-next")
    assert title.dub() == (SPEECH, 1)
    assert title.rows()[0] == (300, 2000, "[es] Good morning. Nice to see you here.")


def test_a_line_is_put_in(title: Title) -> None:
    title.edit("--insert", "3.5-3.9", "--text", "Adiós.")
    assert title.dub() == (SPEECH, 1)
    assert title.rows()[3] == (3500, 3900, "Adiós.")


def test_a_locked_line_takes_no_edit_until_it_is_unlocked(title: Title) -> None:
    title.edit("2", "--lock")
    assert "is locked" in title.edit("2", "--text", "Otra cosa.", code=2)
    title.edit("2", "--unlock", "--text", "Otra cosa.")
    assert title.dub() == (SPEECH, 1)


def test_edits_stay_with_their_line_when_a_cue_comes_before_it(title: Title) -> None:
    title.edit("3", "--text", "Hasta luego.", "--start", "2.4")
    title.edit("2", "--split-at", "1.6", "--text", "Qué alegría | verte.")
    title.dub()
    title.cues((0, 200, "Hello!"), *((a + 100, b + 100, text) for a, b, text in CUES))
    title.dub()
    assert title.rows() == [
        (0, 200, "[es] Hello!"),
        (400, 1100, "[es] Good morning."),
        (1300, 1700, "Qué alegría"),
        (1700, 2100, "verte."),
        (2500, 3500, "Hasta luego."),
    ]
    assert "not applied" not in title.notes


def test_edits_whose_line_is_gone_are_told(title: Title) -> None:
    title.edit("2", "--split-at", "1.6")
    title.edit("4", "--text", "aquí.")
    title.cues(CUES[0], CUES[2])
    title.dub()
    assert 'The edit of "Nice to see you here." (split) is not applied: the line is gone.' in title.notes
    assert "edit 1, which made its line, was taken back or does not fit" in title.notes


def test_a_dub_is_not_made_without_edits_that_cannot_be_read(title: Title, store_folder: Path) -> None:
    title.edit("2", "--text", "Qué alegría verte.")
    (kept,) = (store_folder / "records" / "title-edits").rglob("*.json")
    whole = kept.read_bytes()
    kept.write_bytes(whole[:-20])
    with pytest.raises(PermanentError, match="cannot be read"):
        title.dub()
    assert "damaged" in title.edit("2", "--note", "x", code=1)
    assert kept.read_bytes() == whole[:-20]


def test_a_record_that_is_no_edit_is_told_and_the_others_are_applied(title: Title, store_folder: Path) -> None:
    title.edit("1", "--text", "Buenos días.")
    title.edit("2", "--text", "Qué alegría verte.")
    (kept,) = (store_folder / "records" / "title-edits").rglob("*.json")
    records = json.loads(kept.read_text())
    records[0]["change"] = {"text": "x" * 30_000}
    records += [{"line": 2, "undoes": 9}, "no record", {"line": 3, "part": 7, "change": {"mute": True}}]
    kept.write_text(json.dumps(records))
    title.dub()
    assert [text for _, _, text in title.rows()][:2] == ["[es] Good morning.", "Qué alegría verte."]
    for number in (1, 3, 4, 5):
        assert f"Edit {number} is not applied" in title.notes


def test_what_a_recorded_dub_and_a_service_cannot_take_is_told(title: Title) -> None:
    title.edit("1", "--voice", "hum-300")
    branch = title.run.branch("es")
    recorded = branch.model_copy(update={"title": branch.title.model_copy(update={"dubs": {"es": title.work.video}})})
    assert unheeded_edits(branch, known(branch).edits) == ()
    assert "The dub is recorded: voice, take and pronunciation of lines 1 are not applied." in unheeded_edits(
        recorded, known(recorded).edits
    )


@pytest.mark.parametrize(
    "words",
    [
        ("2", "--text", "Qué alegría verte."),
        ("2", "--source", "Nice to meet you."),
        ("1", "--voice", "hum-300"),
        ("1", "--pronounce", "morning=mooorning"),
        ("3", "--start", "2.4", "--end", "3.5"),
        ("2", "--speaker", "Ann"),
        ("2", "--mute"),
        ("2", "--keep-original"),
        ("2", "--split-at", "1.6"),
        ("1", "--merge-with-next"),
        ("--insert", "3.5-3.9", "--text", "Adiós."),
        ("1", "--level", "-6"),
        ("1", "--note", "x"),
    ],
    ids=lambda words: next(word for word in words if word.startswith("--")),
)
def test_what_an_edit_costs_is_known_before(title: Title, words: tuple[str, ...]) -> None:
    told = json.loads(title.edit(*words, "--dry-run", "--json"))
    assert title.is_as_before()
    title.edit(*words)
    made, fresh = title.dub()
    assert len(told["spoken"]) == fresh
    assert bool(told["steps"]) is not title.is_as_before()
    assert made <= set(told["steps"])
