"""A worker holds what the server sends it against its own store and roots, and takes what was planned alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from configs.profile import load_profile, profile_names
from flows.dub.admission import admit, admit_batch, admit_night, allow, allow_night
from flows.night.batches import load_batch
from tasks.records.errors import BadInputError
from tasks.records.record import Asset
from tasks.records.title import Branch, Run, Title


def sent(here: Path, /, *, store: str = "", language: str = "es", profile: Any = None, **title: Any) -> Branch:
    asset = Asset(uri=str(here / "in" / "v.mp4"), sha256="0" * 64, bytes=1)
    out = str(here / "out" / "v")
    told = {"name": "v", "video": asset, "source": "v.mp4", "folder": out, "languages": ("es", "fr"), **title}
    chosen = profile or load_profile("fake")
    made = Run(title=Title.model_validate(told), profile=chosen, store=store or str(here / "store"))
    return made.branch(language)


def at(uri: str) -> Asset:
    return Asset(uri=uri, sha256="0" * 64, bytes=1)


def by_the_server(run: Run) -> Run:
    """As it arrives: JSON that a database kept."""
    return type(run).model_validate(run.model_dump(mode="json"))


def admit_branch(branch: Branch) -> None:
    admit(by_the_server(branch))


@pytest.mark.parametrize("profile", profile_names())
def test_a_run_as_it_was_planned_is_taken_as_often_as_it_comes(
    profile: str, store_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLYDUB_ROOTS", str(tmp_path / "in"))
    monkeypatch.setenv("POLYDUB_OUT", str(tmp_path / "out"))
    beside = {"bed": at(f"{store_folder}/blobs/ab/x.wav"), "notes": ("ä",)}
    planned = sent(tmp_path, profile=load_profile(profile, {"loudness": "a85"}), **beside).whole
    allow(planned)
    for _ in range(2):
        admit(by_the_server(planned))
        admit_branch(planned.branch("es"))
        admit_branch(planned.branch("fr"))


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "../../.."},
        {"name": ".."},
        {"name": "a/b"},
        {"name": "a\x1b[2J"},
        {"languages": ("../es",)},
        {"language": "../../x"},
        {"language": "de"},
        {"store": "/tmp/elsewhere"},
        {"store": "s3://theirs/store"},
        {"folder": "/tmp/elsewhere"},
        {"video": at("/etc/hostname")},
        {"video": at("a\0b")},
        {"bed": at("/etc/hostname")},
        {"subtitles": at("/etc/hostname")},
        {"dubs": {"es": at("/etc/hostname")}},
        {"video": at("s3://theirs/blobs/ab/x.mp4")},
    ],
)
def test_names_and_places_of_somebodys_own_are_refused_even_where_they_were_planned(
    changed: dict[str, Any], store_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLYDUB_ROOTS", str(tmp_path / "in"))
    monkeypatch.setenv("POLYDUB_OUT", str(tmp_path / "out"))
    run = sent(tmp_path, **changed)
    allow(run.model_copy(update={"store": str(store_folder)}))
    with pytest.raises(BadInputError, match=r"This worker rejected the run: .* is not allowed here"):
        admit(run)


#: What whoever holds the server's password may change of a planned run.
CHANGES: dict[str, Callable[[Path], Run]] = {
    "folder": lambda here: sent(here, folder=str(here / "elsewhere")),
    "name": lambda here: sent(here, name="w"),
    "video": lambda here: sent(here, video=at(str(here / "in" / "w.mp4"))),
    "one more dub": lambda here: sent(here, dubs={"es": at(str(here / "in" / "v.wav"))}),
    "one more language": lambda here: sent(here, languages=("es", "fr", "de")),
    "profile": lambda here: sent(here, profile=load_profile("offline")),
    "address": lambda here: sent(
        here, profile=load_profile("fake", {"translate": {"options": {"url": "http://evil.example"}}})
    ),
    "checkout": lambda here: sent(here, profile=load_profile("fake", {"separate": {"options": {"repo": "/tmp/x"}}})),
    "batch": lambda here: sent(here).model_copy(update={"batch": "another"}),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_was_changed_on_the_way_was_not_planned(what: str, store_folder: Path, tmp_path: Path) -> None:
    allow(sent(tmp_path))
    with pytest.raises(BadInputError, match=f"was not planned in the store {store_folder}.*polydub retry") as refused:
        admit_branch(CHANGES[what](tmp_path))
    assert "evil.example" not in str(refused.value)


def test_what_was_planned_for_another_store_is_not_taken(
    store_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(sent(tmp_path))
    monkeypatch.setenv("POLYDUB_STORE", str(tmp_path / "another"))
    with pytest.raises(BadInputError, match="the store"):
        admit_branch(sent(tmp_path))
    with pytest.raises(BadInputError, match="was not planned"):
        admit_branch(sent(tmp_path, store=str(tmp_path / "another")))


def test_a_number_is_the_same_to_every_database(store_folder: Path, tmp_path: Path) -> None:
    """Postgres keeps 1e20 and 20.0 as whole numbers."""
    options = {"lipsync": {"backend": "fake", "options": {"delay_s": 20.0, "x": [1e20]}}}
    whole = {"lipsync": {"backend": "fake", "options": {"delay_s": 20, "x": [10**20]}}}
    allow(sent(tmp_path, profile=load_profile("fake", options)))
    admit_branch(sent(tmp_path, profile=load_profile("fake", whole)))


def test_a_setting_that_a_later_version_adds_asks_for_no_new_plan(
    store_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pydantic import create_model

    allow(sent(tmp_path))
    later = create_model("Later", __base__=Branch, added=(str, "as before"))
    run = sent(tmp_path)
    facts = run.model_dump()
    admit(later(**facts))
    with pytest.raises(BadInputError, match="was not planned"):
        admit(later(**facts, added="otherwise"))


def night(folder: Path, **changed: str) -> dict[str, str]:
    return {"manifest": str(folder / "in" / "n.csv"), "profile": "fake", "out": str(folder / "out"), **changed}


def test_a_night_as_the_operator_scheduled_it_is_taken(store_folder: Path, tmp_path: Path) -> None:
    scheduled = night(tmp_path, profile="/srv/ours.yaml")
    with pytest.raises(BadInputError, match=r"This worker rejected the night: the manifest .*POLYDUB_ROOTS"):
        admit_night(**scheduled)
    allow_night(**scheduled)
    admit_night(**scheduled)


@pytest.mark.parametrize(
    ("what", "value"),
    [
        ("manifest", "/etc/passwd"),
        ("manifest", "n.csv"),
        ("manifest", "{}/in/../n.csv"),
        ("manifest", "{}/in/link/n.csv"),
        ("out", "/etc"),
        ("out", "out"),
        ("out", "{}/in/out"),
        ("out", "{}/out/../elsewhere"),
        ("profile", "{}/in/theirs.yaml"),
        ("profile", "nobody-knows-it"),
        ("profile", ""),
    ],
)
def test_a_night_of_somebodys_own_stays_within_the_roots(
    what: str, value: str, store_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLYDUB_ROOTS", str(tmp_path / "in"))
    monkeypatch.setenv("POLYDUB_OUT", str(tmp_path / "out"))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "theirs.yaml").write_text("extends: fake\n")
    (tmp_path / "in" / "link").symlink_to("/etc")
    allow_night(**night(tmp_path, manifest="/srv/ours.csv"))
    admit_night(**night(tmp_path))
    with pytest.raises(BadInputError, match="This worker rejected the night"):
        admit_night(**night(tmp_path, **{what: value.format(tmp_path)}))


def test_without_a_folder_of_their_own_deliverables_stay_within_the_roots(
    store_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLYDUB_ROOTS", str(tmp_path / "in"))
    admit_night(**night(tmp_path, out=str(tmp_path / "in" / "out")))
    with pytest.raises(BadInputError, match="the output folder"):
        admit_night(**night(tmp_path))


def test_a_batch_is_no_path_and_its_language_is_one(store_folder: Path) -> None:
    with pytest.raises(BadInputError, match="not the name of a batch"):
        load_batch("../records/title/x")
    admit_batch(None)
    admit_batch("pt-BR")
    with pytest.raises(BadInputError, match="a language"):
        admit_batch("../es")


@pytest.fixture
def begin(prefect_api: str) -> Callable[..., Any]:
    """Begins a run of a deployment with these parameters, as its worker does; how it ended, and its log."""
    from prefect.client.orchestration import get_client
    from prefect.flow_engine import run_flow

    def ended(flow: Any, **parameters: Any) -> Any:
        with get_client(sync_client=True) as client:
            deployment = client.create_deployment(client.create_flow(flow), "polydub")
            asked = client.create_flow_run_from_deployment(deployment, parameters=parameters)
            return run_flow(flow, flow_run=client.read_flow_run(asked.id), return_type="state")

    return ended


@pytest.mark.prefect
@pytest.mark.parametrize("what", ["folder", "address"])
def test_a_run_that_the_password_alone_sends_does_nothing(
    what: str, begin: Callable[..., Any], store_folder: Path, tmp_path: Path
) -> None:
    from flows.dub.language import dub_language
    from flows.dub.title import dub_title

    allow(sent(tmp_path))
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    theirs = CHANGES[what](tmp_path)
    for state in (
        begin(dub_language, run=theirs.model_dump(mode="json")),
        begin(dub_title, run=theirs.whole.model_dump(mode="json"), launch="inline"),
        begin(dub_title, run=theirs.whole.model_dump(mode="json"), launch="deployed"),
    ):
        assert state.is_failed()
        assert "This worker rejected the run: 'v' with profile 'fake' into" in state.message
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.prefect
def test_a_planned_run_is_begun_as_often_as_the_server_sends_it(
    begin: Callable[..., Any], store_folder: Path, tmp_path: Path
) -> None:
    from flows.dub.language import dub_language

    allow(sent(tmp_path))
    for _ in range(2):
        state = begin(dub_language, run=sent(tmp_path).model_dump(mode="json"))
        assert "There is no file" in state.message  # taken: it looked for its title


@pytest.mark.prefect
def test_a_night_that_the_password_alone_sends_does_nothing(
    begin: Callable[..., Any], store_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.night.batch import dub_batch, dub_nightly

    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "theirs.yaml").write_text("extends: fake\n")
    (tmp_path / "in" / "n.csv").write_text("title,languages\nv.mp4,es\n")
    monkeypatch.setenv("POLYDUB_ROOTS", str(tmp_path / "in"))
    monkeypatch.setenv("POLYDUB_OUT", str(tmp_path / "out"))
    theirs = {"out": str(tmp_path), "profile": str(tmp_path / "in" / "theirs.yaml"), "manifest": "/etc/x"}
    for name, value in theirs.items():
        state = begin(dub_nightly, **night(tmp_path, **{name: value}))
        assert "This worker rejected the night" in state.message
    assert "v.mp4' does not exist" in begin(dub_nightly, **night(tmp_path)).message  # taken: it read the manifest
    assert "This worker rejected the run: a language" in begin(dub_batch, batch="b", language="../es").message
    assert not (store_folder / "batches").exists()


@pytest.mark.prefect
@pytest.mark.parametrize("asked", [{"paid_days": 0.0}, {"idle_hours": 0.0}, {"keep_days": -1.0}])
def test_what_is_in_use_is_not_cleaned_up(asked: dict[str, float], begin: Callable[..., Any]) -> None:
    from flows.service.maintenance import cleanup

    state = begin(cleanup, **asked)
    assert state.is_failed()
    assert "greater than or equal to 1" in state.message
