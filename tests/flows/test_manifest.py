"""Manifests: every kind reads alike, every fault is named with its row and column, and paths stay where they may be."""

from __future__ import annotations

import datetime
import os
from pathlib import Path

import pandas
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from configs.profile import load_profile
from flows.ask.plan import Request
from flows.ask.roots import Roots, videos_of
from flows.night.manifest import Defaults, read_manifest
from tasks.records.errors import BadInputError

ROWS = [
    {"title": "a.mp4", "languages": "es fr", "priority": "1", "due": "2026-11-30"},
    {"title": "b.mp4", "languages": "ca;pt-BR", "priority": "5", "dub_ca": "ca.wav", "due": "2026-11-30T18:00+01:00"},
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "manifests"
    home.mkdir()
    monkeypatch.chdir(home)
    for name in ("a.mp4", "b.mp4", "ca.wav"):
        (home / name).write_bytes(b"x")
    return home


def read(path: Path) -> list[Request]:
    return read_manifest(path, Defaults())


def faults_of(folder: Path, text: str) -> str:
    (folder / "bad.csv").write_text(text)
    with pytest.raises(BadInputError) as caught:
        read(folder / "bad.csv")
    return caught.value.what


def written(folder: Path, kind: str) -> Path:
    path = folder / f"titles.{kind}"
    table = pandas.DataFrame(ROWS).fillna("")
    if kind == "csv":
        table.to_csv(path, index=False)
    elif kind == "xlsx":
        table.to_excel(path, index=False)
    elif kind == "parquet":
        table.to_parquet(path)
    else:
        path.write_text(yaml.safe_dump({"titles": ROWS}))
    return path


@pytest.mark.parametrize("kind", ["csv", "xlsx", "parquet", "yaml"])
def test_every_kind_of_manifest_reads_alike(folder: Path, kind: str) -> None:
    first, second = read(written(folder, kind))
    assert first.videos == [str(folder / "a.mp4")]
    assert first.languages == ["es", "fr"]
    assert (first.row, first.priority, second.row, second.priority) == (2, 1.0, 3, 5.0)
    assert second.languages == ["ca", "pt-BR"]
    assert second.dubs == {"ca": str(folder / "ca.wav")}
    assert second.due == "2026-11-30T18:00:00+01:00"


@pytest.mark.parametrize(
    "text",
    [
        "title;languages;priority\na.mp4;es,fr;1\n",
        "title\tlanguages\tpriority\na.mp4\tes, fr\t1\n",
        "sep=;\r\ntitle;languages;priority\r\na.mp4;es fr;1\r\n",
        "\ufefftitle;languages;priority\na.mp4;Spanish,Français;1\n",
        'title,languages,priority\na.mp4,"es;fr",1\n',
    ],
)
def test_a_table_may_be_separated_as_its_spreadsheet_does_it(folder: Path, text: str) -> None:
    (folder / "m.csv").write_text(text, "utf-8")
    (request,) = read(folder / "m.csv")
    assert (Path(request.videos[0]).name, request.languages, request.priority) == ("a.mp4", ["es", "fr"], 1)


def test_languages_of_a_list_may_have_names_of_several_words(folder: Path) -> None:
    (folder / "m.yaml").write_text("- {title: a.mp4, languages: [Brazilian Portuguese, ja]}\n")
    assert read(folder / "m.yaml")[0].languages == ["pt-BR", "ja"]


def test_a_table_that_is_not_utf8_says_how_to_save_it(folder: Path) -> None:
    (folder / "m.csv").write_bytes("title;languages\ncafé.mp4;es\n".encode("cp1252"))
    with pytest.raises(BadInputError, match=r"is not UTF-8 \(save it as CSV in UTF-8\)"):
        read(folder / "m.csv")


def test_a_file_outside_the_roots_says_how_to_allow_it(folder: Path) -> None:
    (folder / "bad.csv").write_text("title,languages,bed\n/etc/hostname,es,/etc/passwd\n")
    with pytest.raises(BadInputError) as caught:
        read(folder / "bad.csv")
    assert caught.value.fix == (
        "Correct these rows and try again. Move such files, or add their folder to POLYDUB_ROOTS."
    )


def test_a_due_date_without_a_time_is_the_end_of_that_day_here(folder: Path) -> None:
    end = datetime.datetime(2026, 11, 30, 23, 59, 59).astimezone()
    table = pandas.DataFrame([{"title": "a.mp4", "languages": "es", "due": pandas.Timestamp("2026-11-30")}])
    table.to_excel(folder / "dates.xlsx", index=False)
    table.to_parquet(folder / "dates.parquet")
    (folder / "dates.yaml").write_text("- {title: a.mp4, languages: [es], due: 2026-11-30}\n")
    (folder / "dates.csv").write_text("title,languages,due\na.mp4,es,2026-11-30\n")
    for kind in ("xlsx", "parquet", "yaml", "csv"):
        assert read(folder / f"dates.{kind}")[0].due == end.isoformat(), kind


def test_all_faults_are_named_with_row_and_column(folder: Path) -> None:
    what = faults_of(
        folder,
        "title,languages,colour,priority,due,profile,dub_fr,bed,dub_klingonese\n"
        "missing.mp4,es,,,,,,,\n"
        "a.mp4,elvish,,,,,,,\n"
        ",fr,,,,,,,\n"
        "a.mp4,,,,,,,,\n"
        "a.mp4,es,,soon,tomorrow,nowhere,ca.wav,none.wav,\n"
        "\n"
        "a.mp4,es,,inf,,bad.yaml,,,\n"
        "no*.mp4,es es,,,,,,,ca.wav\n",
    )
    for told in (
        "row 2, column title: the file 'missing.mp4' does not exist",
        "row 3, column languages",
        "row 4, column title: is empty",
        "row 5, column languages: is empty",
        "row 6, column priority: 'soon' is not a number",
        "row 6, column due: 'tomorrow' is not a date",
        "row 6, column profile: There is no profile 'nowhere'",
        "row 6, column dub_fr: fr is not among the row's languages",
        "row 6, column bed: the file 'none.wav' does not exist",
        "row 8, column priority: 'inf' is not a number",  # row 7 is empty, and counts as the spreadsheet shows it
        "row 8, column profile: Profile file",
        "row 8, column title: a.mp4 in es is already in row 6",
        "row 9, column title: no video and no sound matches 'no*.mp4'",
        "row 9, column languages: es is named twice",
        "row 9, column dub_klingonese",
        "column colour: unknown",
    ):
        assert told in what


def test_a_folder_or_a_pattern_stands_for_its_videos_in_natural_order(folder: Path) -> None:
    (folder / "shows").mkdir()
    for name in ("e10.mp4", "e2.mp4", "e1.MKV", "notes.txt", "e1.en.srt", ".hidden.mp4"):
        (folder / "shows" / name).write_bytes(b"x")
    (folder / "m.csv").write_text("title,languages\nshows,es\nshows/e?.*,fr\n")
    names = [(Path(request.videos[0]).name, request.languages[0], request.row) for request in read(folder / "m.csv")]
    whole = [("e1.MKV", "es", 2), ("e2.mp4", "es", 2), ("e10.mp4", "es", 2)]
    assert names == [*whole, ("e1.MKV", "fr", 3), ("e2.mp4", "fr", 3)]
    assert "row 2, column dub_es: belongs to one title" in faults_of(
        folder, "title,languages,dub_es\nshows,es,ca.wav\n"
    )


def test_a_file_with_a_bracket_in_its_name_is_that_file(folder: Path) -> None:
    (folder / "take [1].mp4").write_bytes(b"x")
    assert videos_of(Roots.of(folder), "take [1].mp4") == [folder / "take [1].mp4"]


def test_paths_stay_below_the_manifest_or_the_working_folder(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = tmp_path / "outside.mp4"
    outside.write_bytes(b"x")
    (folder / "link.mp4").symlink_to(outside)
    for title in (str(outside), "../outside.mp4", "link.mp4", f"{tmp_path}/*.mp4", "../*.mp4"):
        assert "is outside the allowed folders" in faults_of(folder, f"title,languages\n{title},es\n"), title
    for column in ("bed", "subtitles", "voices", "profile", "dub_es"):
        secret = "../secret.yaml" if column == "profile" else "../secret.wav"
        told = faults_of(folder, f"title,languages,{column}\na.mp4,es,{secret}\n")
        assert f"column {column}" in told
        assert "outside" in told
    monkeypatch.setenv("POLYDUB_ROOTS", os.pathsep.join([str(folder), str(tmp_path)]))
    (folder / "good.csv").write_text(f"title,languages\n{outside},es\nlink.mp4,fr\n../*.mp4,ca\n")
    assert len(read(folder / "good.csv")) == 3


def test_a_row_chooses_among_the_operators_profiles(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "gpu.yaml").write_text("extends: fake\nlipsync: {backend: none}\n")
    monkeypatch.setenv("POLYDUB_PROFILES", str(tmp_path / "profiles"))
    (folder / "house.yaml").write_text("extends: gpu\nloudness: a85\ntranslate: {glossary: terms.csv}\n")
    (folder / "plain.yaml").write_text("mix: {bed: ducked}\n")
    (folder / "m.csv").write_text("title,languages,profile\na.mp4,es,gpu\na.mp4,fr,house.yaml\nb.mp4,es,plain.yaml\n")
    first, second, third = read_manifest(folder / "m.csv", Defaults(profile="fake", overrides={"loudness": "podcast"}))
    assert (first.profile, second.profile, third.profile) == ("gpu", "gpu", "fake")
    assert first.overrides == {"loudness": "podcast"}
    assert second.overrides["translate"] == {"glossary": str(folder / "terms.csv")}
    assert second.overrides["loudness"] == "podcast"  # what the operator typed wins
    assert (third.overrides["mix"], third.overrides["name"]) == ({"bed": "ducked"}, "plain")


def test_a_clients_profile_can_name_no_program_key_address_or_place(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_text("source,target\n")
    (folder / "terms").symlink_to(tmp_path / "out.csv")
    (folder / "linked.yaml").symlink_to(tmp_path / "evil.yaml")
    (tmp_path / "evil.yaml").write_text("loudness: a85\n")
    for name, text, told in (
        ("code", "lipsync: {backend: latentsync, options: {models: .}}", "sets 'lipsync.backend', 'lipsync.options'"),
        ("pickle", "separate: {backend: demucs, options: {repo: .}}", "sets 'separate.backend', 'separate.options'"),
        ("key", "translate: {options: {url: 'http://x', key_variable: AWS_SECRET_ACCESS_KEY}}", "'translate.options'"),
        ("hook", "notify: {webhook_variable: HOME}", "'notify.webhook_variable'"),
        ("base", "extends: ../evil.yaml", "extends: '../evil.yaml' is not one of the operator's profiles"),
        ("voices", "voices: ../voices.yaml", "voices: "),
        ("consent", "consent: /etc/hostname", "consent: "),
        ("lexicon", "synthesize: {lexicon: /etc/hostname}", "synthesize.lexicon: "),
        ("glossary", "translate: {glossary: terms}", "translate.glossary: "),
        ("value", "pace: {fastest: 9}", "pace.fastest"),
    ):
        (folder / f"{name}.yaml").write_text(text + "\n")
        what = faults_of(folder, f"title,languages,profile\na.mp4,es,\nb.mp4,es,{name}.yaml\n")
        assert "row 3, column profile: " in what
        assert told in what
        assert ("is outside the allowed folders" in what) == told.endswith(": ")
    assert "row 2, column profile: 'linked.yaml' is outside" in faults_of(
        folder, "title,languages,profile\na.mp4,es,linked.yaml\n"
    )
    assert "row 2, column voices: 'b.mp4' is not a .yaml file" in faults_of(
        folder, "title,languages,voices\na.mp4,es,b.mp4\n"
    )


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=8, unique=True))
def test_natural_order_counts(numbers: list[int]) -> None:
    from flows.ask.roots import _natural

    paths = [Path(f"show {number} part.mp4") for number in numbers]
    assert sorted(paths, key=_natural) == [Path(f"show {number} part.mp4") for number in sorted(numbers)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.csv", b""),
        ("x.csv", b'title,languages\n"a.mp4'),
        ("x.csv", b"\xff\xfe\x00"),
        ("x.yaml", b"titles: [a"),
        ("x.yaml", b"just text"),
        ("x.xlsx", b"not a workbook"),
        ("x.parquet", b"PAR1"),
        ("x.docx", b"x"),
    ],
)
def test_a_broken_manifest_is_refused(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(BadInputError, match=name):
        read(folder / name)


def test_a_missing_manifest_is_refused(folder: Path) -> None:
    with pytest.raises(BadInputError, match="does not exist"):
        read(folder / "nowhere.csv")


def test_a_row_says_how_its_mouths_are_drawn_and_how_high_its_picture_is(folder: Path) -> None:
    (folder / "styles.csv").write_text(
        "title,languages,realign,height,upscale,lipsync_mode,lipsync_strength,lipsync_expression,lipsync_lead_ms,"
        "lipsync_stabilise,lipsync_refine,lipsync_refine_s\n"
        "a.mp4,es,yes,720p,no,syllable,0.8,expressive,60,no,yes,90\n"
        "b.mp4,es,,,,,,,,,,\n"
    )
    typed = Defaults(overrides={"lipsync": {"backend": "native", "mode": "phoneme"}, "realign": False})
    styled, plain = (
        load_profile(one.profile, dict(one.overrides)) for one in read_manifest(folder / "styles.csv", typed)
    )
    assert (styled.realign, styled.height, styled.upscale) == (True, "720p", False)
    assert styled.lipsync.style() == {
        "mode": "syllable",
        "strength": 0.8,
        "expression": "expressive",
        "lead_ms": 60,
        "stabilise": False,
        "refine": True,
        "refine_s": 90,
    }
    assert (plain.realign, plain.height, plain.lipsync.style()) == (False, "source", {"mode": "phoneme"})


def test_a_row_says_which_subtitle_files_it_wants_and_what_is_burned_in(folder: Path) -> None:
    (folder / "words.csv").write_text("title,languages,timed_text,burn\na.mp4,es,imsc; sdh,Spanish\nb.mp4,es,,\n")
    asked, plain = (load_profile(one.profile, dict(one.overrides)).subtitles for one in read(folder / "words.csv"))
    assert (asked.further, asked.sdh, asked.forced, asked.burn) == (("imsc",), True, False, ("es",))
    assert not plain.guided
    (folder / "wrong.csv").write_text("title,languages,timed_text,burn\na.mp4,es,scc,klingonese\n")
    with pytest.raises(BadInputError, match=r"column timed_text: 'scc' is none of .*column burn: .*klingonese"):
        read(folder / "wrong.csv")


def test_a_row_may_ask_for_more_review_than_its_profile_and_never_for_less(folder: Path) -> None:
    (folder / "titles.csv").write_text(
        "title,languages,review,assignee\na.mp4,es,script,ana\nb.mp4,es,,\nb.mp4,ca,premix;picture,\n"
    )
    own = Defaults(overrides={"review": {"after": ["premix"], "deadline": "2d", "assignee": "bo"}})
    found = [load_profile(one.profile, dict(one.overrides)).review for one in read_manifest(folder / "titles.csv", own)]
    assert [(one.after, one.assignee, one.deadline) for one in found] == [
        (("script", "premix"), "ana", "2d"),
        (("premix",), "bo", "2d"),
        (("premix", "picture"), "bo", "2d"),
    ]
    said = faults_of(folder, "title,languages,review\na.mp4,es,master\n")
    assert "row 2, column review: no stage 'master' to wait after" in said


@pytest.mark.parametrize(
    ("column", "cell", "told"),
    [
        ("lipsync_mode", "mumble", "'phoneme' or 'syllable'"),
        ("lipsync_strength", "9", "less than or equal to 1.5"),
        ("lipsync_lead_ms", "soon", "valid number"),
        ("lipsync_refine", "perhaps", "valid boolean"),
        ("height", "4000p", "'source', '720p' or '1080p'"),
        ("realign", "maybe", "valid boolean"),
    ],
)
def test_a_choice_that_is_none_is_named_with_its_row_and_column(
    folder: Path, column: str, cell: str, told: str
) -> None:
    said = faults_of(folder, f"title,languages,{column}\na.mp4,es,{cell}\n")
    assert f"row 2, column {column}: {cell!r}" in said
    assert told in said


def test_a_row_does_not_choose_who_draws(folder: Path) -> None:
    assert "column lipsync_backend: unknown" in faults_of(folder, "title,languages,lipsync_backend\na.mp4,es,none\n")


def test_a_row_names_its_delivery_presets_and_an_unknown_one_is_a_fault(folder: Path) -> None:
    (folder / "titles.csv").write_text("title,languages,deliver\na.mp4,es,platform; podcast\nb.mp4,ca,\n")
    asked, plain = read(folder / "titles.csv")
    assert load_profile("fake", dict(asked.overrides)).deliver == ("file", "platform", "podcast")
    assert load_profile("fake", dict(plain.overrides)).deliver == ("file",)
    what = faults_of(folder, "title,languages,deliver\na.mp4,es,vhs\n")
    assert "row 2, column deliver: 'vhs': " in what
    assert "no delivery preset 'vhs'; choose of file, platform" in what
