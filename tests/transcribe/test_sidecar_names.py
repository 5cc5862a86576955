from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from tasks.records.errors import BadInputError
from tasks.transcribe.sidecar import find_sidecar, named_language, sidecar_of

SRT = "1\n00:00:01,000 --> 00:00:02,500\nGood morning.\n"


def beside(folder: Path, *names: str) -> Path:
    """A video with files of these names beside it."""
    video = folder / "film.mp4"
    for name in ("film.mp4", *names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(SRT, "utf-8")
    return video


@pytest.mark.parametrize("name", ["talk", "talk[1]", "ta*k?", "-v", "añ o.part", "{x}"])
def test_sidecars_are_found_beside_any_name(tmp_path: Path, name: str) -> None:
    video = tmp_path / f"{name}.mp4"
    sidecar = tmp_path / f"{name}.en.srt"
    (tmp_path / "talk1.en.srt").touch()
    sidecar.touch()
    assert find_sidecar(video, None) == sidecar
    assert find_sidecar(video, "en") == sidecar


def test_letters_with_composed_and_decomposed_accents_are_the_same(tmp_path: Path) -> None:
    (tmp_path / unicodedata.normalize("NFD", "mañana.es.srt")).write_text(SRT)
    assert find_sidecar(tmp_path / unicodedata.normalize("NFC", "mañana.mp4"), "es") is not None


def test_sidecars_come_in_the_documented_order(tmp_path: Path) -> None:
    ordered = ["a.en-GB.srt", "a.en-GB.vtt", "a.en-GB.json", "a.en.srt", "a.EN.VTT", "a.srt", "a.vtt", "a.ass"]
    for name in [*ordered, "a.es.srt", "a.json", "a.forced.srt", "a.info.json", "a.txt", "b.en-GB.srt"]:
        (tmp_path / name).touch()
    found = []
    while (sidecar := find_sidecar(tmp_path / "a.mp4", "en-GB")) is not None:
        found.append(sidecar.name)
        sidecar.unlink()
    assert found == ordered


def test_without_a_language_the_only_one_is_taken_and_several_are_asked_about(tmp_path: Path) -> None:
    video = tmp_path / "a.mp4"
    assert find_sidecar(video, None) is None
    (tmp_path / "a.es.srt").touch()
    assert find_sidecar(video, None) == tmp_path / "a.es.srt"
    assert find_sidecar(video, "en") is None
    (tmp_path / "a.fr.srt").touch()
    with pytest.raises(BadInputError, match="es, fr"):
        find_sidecar(video, None)
    (tmp_path / "a.srt").touch()
    assert find_sidecar(video, None) == tmp_path / "a.srt"


def test_folders_and_missing_folders_are_no_sidecars(tmp_path: Path) -> None:
    (tmp_path / "a.en.srt").mkdir()
    assert find_sidecar(tmp_path / "a.mp4", "en") is None
    assert find_sidecar(tmp_path / "absent" / "a.mp4", "en") is None


@pytest.mark.parametrize(
    "name",
    [
        "film.en.hi.srt",
        "film.en.sdh.srt",
        "film.en.cc.srt",
        "film.en.default.srt",
        "film.default.en.srt",
        "film.hi.en.srt",
        "film.English.srt",
        "film.english.SDH.srt",
        "film.mp4.srt",
        "film.mp4.en.srt",
        "film.MP4.en.vtt",
        "film.en-US.srt",
        "film.en_US.srt",
        "film.eng.srt",
        "film_en.srt",
        "film-en.srt",
        "film (English).srt",
        "film.English (SDH).srt",
        "film.en.1.srt",
        "film.en-orig.vtt",
        "film.sdh.srt",
        "Subs/film.en.srt",
        "subtitles/film.srt",
        "Subs/2_English.srt",
        "Subs/film/3_English.srt",
    ],
)
def test_names_of_players_and_download_tools_are_taken(tmp_path: Path, name: str) -> None:
    assert sidecar_of(beside(tmp_path, name), "en").path == tmp_path / name


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("film.en.forced.srt", "forced: only part of the words"),
        ("film.forced.srt", "forced: only part"),
        ("film.en.signs.ass", "signs: only part"),
        ("film.commentary.en.srt", "commentary: not the title's own words"),
        ("film.es.srt", "in es, not en"),
        ("film.hi.srt", "in hi, not en"),
        ("film.directors cut.srt", "is no language"),
        ("film.en.sub", "SUB is not read"),
        ("film.scc", "SCC is not read"),
    ],
)
def test_what_is_not_taken_is_named_with_its_reason(tmp_path: Path, name: str, why: str) -> None:
    sidecar = sidecar_of(beside(tmp_path, name), "en")
    assert sidecar.path is None
    assert len(sidecar.notes) == 1
    assert f"{name} (" in sidecar.notes[0]
    assert why in sidecar.notes[0]


@pytest.mark.parametrize(
    "name", ["film-2.srt", "film 2.en.srt", "films.en.srt", "film_extended.srt", "film.info.json", "film.json"]
)
def test_files_of_other_films_are_nothing_to_tell(tmp_path: Path, name: str) -> None:
    sidecar = sidecar_of(beside(tmp_path, name), "en")
    assert (sidecar.path, sidecar.notes) == (None, ())


def test_in_a_folder_of_many_films_a_language_alone_names_no_film(tmp_path: Path) -> None:
    assert sidecar_of(beside(tmp_path, "other.mkv", "Subs/2_English.srt"), "en").path is None


def test_a_plain_file_comes_before_one_with_sounds_and_the_other_is_told(tmp_path: Path) -> None:
    sidecar = sidecar_of(beside(tmp_path, "film.en.cc.srt", "film.en.vtt"), "en")
    assert sidecar.path == tmp_path / "film.en.vtt"
    assert "film.en.cc.srt (film.en.vtt has priority)" in sidecar.notes[0]


@pytest.mark.parametrize(
    ("wanted", "names", "taken"),
    [
        ("zh-Hant", ["film.zh-CN.srt", "film.zh-TW.srt"], "film.zh-TW.srt"),
        ("zh-Hans", ["film.zh-CN.srt", "film.zh-TW.srt"], "film.zh-CN.srt"),
        ("zh-HK", ["film.chs.srt", "film.cht.srt"], "film.cht.srt"),
        ("es-MX", ["film.es-419.srt", "film.es-ES.srt"], "film.es-419.srt"),
        ("pt-BR", ["film.pob.srt", "film.pt-PT.srt"], "film.pob.srt"),
        ("no", ["film.da.srt", "film.nb.srt"], "film.nb.srt"),
        ("sr", ["film.sr-Latn.srt", "film.sr-Cyrl.srt"], "film.sr-Cyrl.srt"),
    ],
)
def test_the_nearest_script_and_region_is_taken(tmp_path: Path, wanted: str, names: list[str], taken: str) -> None:
    assert sidecar_of(beside(tmp_path, *names), wanted).path == tmp_path / taken


def test_another_script_of_the_language_is_better_than_none_and_is_told(tmp_path: Path) -> None:
    sidecar = sidecar_of(beside(tmp_path, "film.zh-CN.srt"), "zh-Hant")
    assert sidecar.path == tmp_path / "film.zh-CN.srt"
    assert "is in zh-CN, the nearest language to zh-Hant" in sidecar.notes[0]


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("a.en.srt", "en"),
        ("a.en.hi.srt", "en"),
        ("a.hi.srt", "hi"),
        ("My.Film.2019.pt-BR.forced.srt", "pt-BR"),
        ("war.and.peace.srt", None),
        ("a.English.srt", "en"),
        ("a.srt", None),
    ],
)
def test_a_files_own_name_says_its_language(name: str, language: str | None) -> None:
    assert named_language(Path(name)) == language


def test_sound_among_others_takes_no_subtitles_that_name_no_title(tmp_path: Path) -> None:
    (tmp_path / "subs").mkdir()
    (tmp_path / "subs" / "en.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nHello\n")
    for name in ("talk.mp3", "film.mp4"):
        (tmp_path / name).touch()
    assert sidecar_of(tmp_path / "film.mp4", "en").path == tmp_path / "subs" / "en.srt"  # a sound file may be its bed
    assert sidecar_of(tmp_path / "talk.mp3", "en").path is None
    (tmp_path / "film.mp4").unlink()
    assert sidecar_of(tmp_path / "talk.mp3", "en").path == tmp_path / "subs" / "en.srt"
    (tmp_path / "second.flac").touch()
    assert sidecar_of(tmp_path / "talk.mp3", "en").path is None
