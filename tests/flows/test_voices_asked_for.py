"""Lexicon, series file and realignment: from flags, profiles and manifests to a run and its keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs.profile import load_profile
from flows.ask.plan import Request, plan
from flows.kept.branches import branch_key
from flows.kept.keys import shared_key
from flows.night.manifest import Defaults, read_manifest
from flows.terminal.options import Changes
from tasks.records.errors import BadInputError
from tasks.records.record import Asset
from tasks.records.title import Run
from tasks.transcribe.task import transcribe
from tests.speech_media import clip_16k

pytestmark = pytest.mark.usefixtures("store_folder")


def planned(video: Path, out: Path, **overrides: object) -> Run:
    return plan(Request(videos=[str(video)], languages=["es"], out=str(out), profile="fake", overrides=overrides))[0]


def test_files_of_a_profile_lie_beside_it(tmp_path: Path) -> None:
    (tmp_path / "house.yaml").write_text("extends: fake\nvoices: v.yaml\nsynthesize: {lexicon: words.yaml, takes: 2}\n")
    profile = load_profile(str(tmp_path / "house.yaml"))
    assert profile.voices == str(tmp_path / "v.yaml")
    assert profile.synthesize.lexicon == str(tmp_path / "words.yaml")
    assert (profile.synthesize.backend, profile.synthesize.takes) == ("fake", 2)


def test_a_manifest_names_the_series_of_each_title(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).touch()
    (tmp_path / "m.csv").write_text("title,languages,voices\na.mp4,es,series/v.yaml\nb.mp4,es,\n")
    first, second = read_manifest(tmp_path / "m.csv", Defaults("fake", {"voices": "/else.yaml"}))
    assert first.overrides["voices"] == str(tmp_path / "series" / "v.yaml")
    assert second.overrides["voices"] == "/else.yaml"


def test_flags_become_absolute_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    asked = Changes(voices="v.yaml", lexicon="words.yaml", realign=True, glossary="terms.csv", formality="formal")
    assert asked.settings() == {
        "voices": str(tmp_path / "v.yaml"),
        "synthesize": {"lexicon": str(tmp_path / "words.yaml")},
        "realign": True,
        "translate": {"glossary": str(tmp_path / "terms.csv"), "formality": "formal"},
    }


@pytest.mark.parametrize(
    ("overrides", "text", "says"),
    [
        ({"voices": "FILE"}, "speakers: [Anna]", "voices file"),
        ({"synthesize": {"lexicon": "FILE"}}, "es: [a]", "lexicon"),
        ({"synthesize": {"takes": 0}}, "", "takes"),
        ({"translate": {"glossary": "FILE"}}, "names: [Anna]", "glossary"),
        ({"translate": {"formality": "polite"}}, "", "formality"),
    ],
)
def test_what_is_wrong_is_told_before_anything_starts(
    short_clip: Path, tmp_path: Path, overrides: dict[str, object], text: str, says: str
) -> None:
    (tmp_path / "f.yaml").write_text(text)

    def named(value: object) -> object:
        if isinstance(value, dict):
            return {key: named(inner) for key, inner in value.items()}
        return str(tmp_path / "f.yaml") if value == "FILE" else value

    with pytest.raises(BadInputError, match=says):
        planned(short_clip, tmp_path / "out", **{key: named(value) for key, value in overrides.items()})
    assert not (tmp_path / "out").exists()


def test_a_branch_is_keyed_by_the_pronunciations_of_its_language_alone(short_clip: Path, tmp_path: Path) -> None:
    words = tmp_path / "words.yaml"

    def keys(text: str) -> list[str]:
        words.write_text(text)
        run = planned(short_clip, tmp_path, synthesize={"lexicon": str(words)})
        return [branch_key(run.branch(language)) for language in ("es", "fr")]

    before, after = keys("es: {a: b}"), keys("es: {a: c}")
    assert before[0] != after[0]
    assert before[1] == after[1]


def test_realignment_is_part_of_what_the_languages_share(short_clip: Path, tmp_path: Path) -> None:
    plain, moved = planned(short_clip, tmp_path), planned(short_clip, tmp_path, realign=True)
    assert shared_key(plain) != shared_key(moved)


def test_late_subtitles_are_moved_and_that_is_noted(short_clip: Path, tmp_path: Path) -> None:
    audio = clip_16k("open-dubbing/tests/data/englishvideo.mp4", tmp_path)
    cues = ("00:00:02,460 --> 00:00:05,150", "00:00:06,450 --> 00:00:07,830", "00:00:08,810 --> 00:00:09,890")
    srt = tmp_path / "late.en.srt"
    srt.write_text("\n\n".join(f"{n}\n{cue}\nWords." for n, cue in enumerate(cues, 1)))
    for realign, first_ms in ((False, 2460), (True, 1260)):
        run = planned(short_clip, tmp_path, realign=realign)
        subtitles = Asset(uri=str(srt), sha256="4" * 64, bytes=1)
        title = run.title.model_copy(update={"subtitles": subtitles, "source_language": "en"})
        record = transcribe.fn(
            run.model_copy(update={"title": title}), Asset(uri=str(audio), sha256="5" * 64, bytes=1), 10_000
        )
        assert record.value.lines[0].start_ms == pytest.approx(first_ms, abs=250)
        assert any("moved by -1.2" in note for note in record.notes) is realign
