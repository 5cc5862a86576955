"""The Prefect tasks of `tasks.sign`: the files of a language, and the multi-track master, signed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Literal

from configs.credentials import CredentialsSettings
from configs.languages import parse_language
from tasks.keep.assets import path_of
from tasks.keep.store import store_at, unkeyed
from tasks.records.credentials import Signed
from tasks.records.record import Asset
from tasks.records.registry import BackendFacts
from tasks.records.result import SharedWork
from tasks.records.step_record import StepUse
from tasks.records.title import Branch, Consent, Run
from tasks.sign.formats import embeds, is_medium, media_type, sidecar_place
from tasks.sign.key import certificate_digest
from tasks.sign.run import Ingredient, ToSign, sign_files, usable_key
from tasks.sign.statement import ROLES, Dubbing, Role, making, manifest
from tasks.step.prefect import step_task
from tasks.step.run import Computation, StepOutput, Work
from tasks.step.table import Way

_LIBRARY = BackendFacts(name="c2pa", code_licence="Apache-2.0 OR MIT", packages=("c2pa-python",))
_SOUND = {".wav", ".flac", ".m4a", ".mp3", ".ogg", ".opus", ".mka"}


@dataclass(frozen=True)
class Brought:
    """A file of the client, of which something is in what is signed."""

    id: str
    name: str
    file: Asset
    relation: Literal["parentOf", "componentOf"]


@dataclass(frozen=True)
class _Given:
    files: dict[str, Asset]
    dubs: tuple[Dubbing, ...]
    brought: tuple[Brought, ...]
    spoken: str
    consent: tuple[Consent, ...]
    invented: bool
    certificate: str
    timestamp: str | None
    multi: bool
    settings: CredentialsSettings = unkeyed()


@step_task("sign")
def sign(
    branch: Branch,
    files: Mapping[str, Asset],
    work: SharedWork,
    ledger: Sequence[StepUse],
    way: Way,
    picture: Literal["source", "finished", "mouths"],
) -> Computation[_Given, Signed]:
    """The media of a language with their content credentials; each validates with the operator's own chain.

    Args:
        branch: the language; its profile names key and certificate.
        files: that are delivered, by place; those that are no media are left as they are.
        work: what the title's shared steps made.
        ledger: of the language's steps.
        way: how it is dubbed.
        picture: what was done to the picture.
    """
    dub = _dubbing(branch, branch.language, work, ledger, way, picture)
    return Computation(_given(branch, files, (dub,), work, multi=False), _signed, Signed)


@step_task("sign-multi")
def sign_multi(
    run: Run, files: Mapping[str, Asset], work: SharedWork, dubs: Mapping[str, tuple[Way, Sequence[StepUse]]]
) -> Computation[_Given, Signed]:
    """The multi-track master with its content credentials.

    Args:
        run: the title.
        files: the master, by place.
        work: what the title's shared steps made.
        dubs: way and ledger of each language in it.
    """
    made = tuple(_dubbing(run, tag, work, ledger, way, "source") for tag, (way, ledger) in dubs.items())
    return Computation(_given(run, files, made, work, multi=True), _signed, Signed)


def _dubbing(run: Run, tag: str, work: SharedWork, ledger: Sequence[StepUse], way: Way, picture: str) -> Dubbing:
    store = store_at(run.store)
    found = (making(use, store.read_note(use.step, use.key)) for use in (*work.steps, *ledger) if use.key)
    return Dubbing(
        language=parse_language(tag),
        way=way,
        brought=tag in run.title.translations,
        mouths=picture == "mouths",
        finished=picture == "finished",
        makings=tuple(one for one in found if one and one.step not in ("sign", "report")),
    )


def _given(run: Run, files: Mapping[str, Asset], dubs: tuple[Dubbing, ...], work: SharedWork, *, multi: bool) -> _Given:
    title, settings = run.title, run.profile.credentials
    brought = [Brought("source", PurePath(title.source).name, title.video, "parentOf")]
    if title.bed:
        brought.append(Brought("bed", "music and effects", title.bed, "componentOf"))
    for dub in dubs:
        if dub.way == "recorded":
            name = f"recording ({dub.language})"
            brought.append(Brought(f"recording-{dub.language}", name, title.dubs[dub.language], "componentOf"))
    return _Given(
        files={place: asset for place, asset in files.items() if is_medium(place)},
        dubs=dubs,
        brought=tuple(brought),
        spoken=work.script.language,
        consent=title.consent,
        invented=run.profile.fake,
        certificate=certificate_digest(settings),
        timestamp=settings.timestamp,
        multi=multi,
        settings=settings,
    )


def _signed(given: _Given, work: Work) -> StepOutput[Signed]:
    key = usable_key(given.settings)
    jobs: list[ToSign] = []
    places: dict[str, Path] = {}
    notes: list[str] = []
    for number, (place, asset) in enumerate(given.files.items()):
        out = work.folder / str(number) / PurePath(place).name
        out.parent.mkdir()
        beside = "" if embeds(place, asset.bytes) else sidecar_place(place, given.files)
        sidecar = str(out.parent / PurePath(beside).name) if beside else ""
        role: Role = "multi" if given.multi else role_of(place)
        jobs.append(_job(given, place, role, path_of(asset), out, sidecar))
        places |= {place: out, **({beside: Path(sidecar)} if beside else {})}
        if beside:
            notes.append(
                f"{PurePath(place).name} cannot hold its content credentials: they lie beside it, in {beside}."
            )
    sign_files(jobs, key, given.timestamp)
    if key.signer.trial:
        notes.append(f"Signed with a test certificate, which nobody else trusts, valid until {key.signer.until}.")
    made = Signed(files={place: work.keep(path) for place, path in places.items()}, signer=key.signer)
    return StepOutput(made, tuple(notes), makers=(_LIBRARY,))


def role_of(place: str) -> Role:
    """Which part of a dub a delivered file is, by its place."""
    path = PurePath(place)
    named = next((role for role in ROLES if path.stem == role), None)
    return named or ("mix" if path.suffix.lower() in _SOUND else "master")


def _job(given: _Given, place: str, role: Role, source: Path, out: Path, sidecar: str) -> ToSign:
    form = media_type(place)
    brought = _parts(role, given.brought)
    return ToSign(
        source=str(source),
        out=str(out),
        format=form,
        manifest=manifest(
            out.name,
            form,
            role,
            given.dubs,
            [one.id for one in brought],
            spoken=given.spoken,
            source_sha256=given.brought[0].file.sha256,
            consent=given.consent,
            invented=given.invented,
        ),
        ingredients=tuple(
            Ingredient(
                path=str(path_of(one.file)),
                format=media_type(one.file.uri),
                definition={"title": one.name, "relationship": one.relation, "instance_id": one.id},
            )
            for one in brought
        ),
        sidecar=sidecar,
    )


def _parts(role: Role, brought: Sequence[Brought]) -> list[Brought]:
    """Of what the client brought that which is in a file; the bed that they brought is where the file of it begins."""
    source, rest = brought[0], brought[1:]
    bed = next((one for one in rest if one.id == "bed"), None)
    if role == "bed":
        return [replace(bed, relation="parentOf")] if bed else [source]
    return [source, *(one for one in rest if role != "dialogue" or one.id != "bed")]
