"""The Prefect tasks of `tasks.sign`: the files of a language, the multi-track master, the delivery presets, signed."""

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
_NAMED = 3  # sidecars in a note
#: What was done to the title's picture.
Picture = Literal["source", "finished", "mouths"]
_SOUND = {".wav", ".flac", ".m4a", ".mp3", ".ogg", ".opus", ".mka"}


@dataclass(frozen=True)
class Brought:
    """A file of the client, of which something is in what is signed."""

    id: str
    name: str
    file: Asset
    relation: Literal["parentOf", "componentOf"]


@dataclass(frozen=True)
class Part:
    """What of a title a file holds.

    Attributes:
        role: which part of a dub it is.
        languages: of the dubs in it, BCP-47.
        plain: its picture is the source's, whatever was done to a dub's.
        beside: it must not change by a byte, as others name places in it: its credentials lie beside it.
    """

    role: Role
    languages: tuple[str, ...]
    plain: bool = False
    beside: bool = False


@dataclass(frozen=True)
class Made:
    """How a language was made: its way, its ledger, and what was done to the picture."""

    way: Way
    ledger: Sequence[StepUse]
    picture: Picture = "source"


@dataclass(frozen=True)
class _Given:
    files: dict[str, Asset]
    parts: dict[str, Part]
    dubs: tuple[Dubbing, ...]
    brought: tuple[Brought, ...]
    spoken: str
    consent: tuple[Consent, ...]
    invented: bool
    certificate: str
    timestamp: str | None
    settings: CredentialsSettings = unkeyed()


@step_task("sign")
def sign(branch: Branch, files: Mapping[str, Asset], work: SharedWork, made: Made) -> Computation[_Given, Signed]:
    """The media of a language with their content credentials; each validates with the operator's own chain.

    Args:
        branch: the language; its profile names key and certificate.
        files: that are delivered, by place; those that are no media are left as they are.
        work: what the title's shared steps made.
        made: how the language was.
    """
    parts = {place: Part(role_of(place), (branch.language,)) for place in files}
    return Computation(_given(branch, files, parts, work, {branch.language: made}), _signed, Signed)


@step_task("sign-multi")
def sign_multi(
    run: Run, files: Mapping[str, Asset], work: SharedWork, dubs: Mapping[str, Made]
) -> Computation[_Given, Signed]:
    """The multi-track master with its content credentials.

    Args:
        run: the title.
        files: the master, by place.
        work: what the title's shared steps made.
        dubs: how each language in it was made.
    """
    parts = {place: Part("multi", tuple(dubs), plain=True) for place in files}
    return Computation(_given(run, files, parts, work, dubs), _signed, Signed)


@step_task("sign-presets")
def sign_presets(
    run: Run, files: Mapping[str, Asset], parts: Mapping[str, Part], work: SharedWork, dubs: Mapping[str, Made]
) -> Computation[_Given, Signed]:
    """The media of a delivery preset with their content credentials.

    Args:
        run: the title.
        files: of the preset, by place; those that are no media are left as they are.
        parts: what each of them holds.
        work: what the title's shared steps made.
        dubs: how each language was made.
    """
    return Computation(_given(run, files, parts, work, dubs), _signed, Signed)


def _dubbing(run: Run, tag: str, work: SharedWork, made: Made) -> Dubbing:
    store = store_at(run.store)
    found = (making(use, store.read_note(use.step, use.key)) for use in (*work.steps, *made.ledger) if use.key)
    return Dubbing(
        language=parse_language(tag),
        way=made.way,
        brought=tag in run.title.translations,
        mouths=made.picture == "mouths",
        finished=made.picture == "finished",
        makings=tuple(one for one in found if one and one.step not in ("sign", "report")),
    )


def _given(
    run: Run, files: Mapping[str, Asset], parts: Mapping[str, Part], work: SharedWork, dubs: Mapping[str, Made]
) -> _Given:
    title, settings = run.title, run.profile.credentials
    brought = [Brought("source", PurePath(title.source).name, title.video, "parentOf")]
    if title.bed:
        brought.append(Brought("bed", "music and effects", title.bed, "componentOf"))
    for tag, made in dubs.items():
        if made.way == "recorded":
            brought.append(Brought(f"recording-{tag}", f"recording ({tag})", title.dubs[tag], "componentOf"))
    signed = {place: asset for place, asset in files.items() if is_medium(place)}
    return _Given(
        files=signed,
        parts={place: parts[place] for place in signed},
        dubs=tuple(_dubbing(run, tag, work, made) for tag, made in dubs.items()),
        brought=tuple(brought),
        spoken=work.script.language,
        consent=title.consent,
        invented=run.profile.fake,
        certificate=certificate_digest(settings),
        timestamp=settings.timestamp,
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
        part = given.parts[place]
        holds = embeds(place, asset.bytes) and not part.beside
        beside = "" if holds else sidecar_place(place, given.files)
        sidecar = str(out.parent / PurePath(beside).name) if beside else ""
        jobs.append(_job(given, place, part, path_of(asset), out, sidecar))
        places |= {place: out, **({beside: Path(sidecar)} if beside else {})}
    sign_files(jobs, key, given.timestamp)
    if sidecars := sorted(places.keys() - given.files.keys()):
        named = ", ".join(sidecars[:_NAMED]) + (f" and {len(sidecars) - _NAMED} more" if len(sidecars) > _NAMED else "")
        notes.append(f"What cannot hold its content credentials has them beside it: {named}.")
    if key.signer.trial:
        notes.append(f"Signed with a test certificate, which nobody else trusts, valid until {key.signer.until}.")
    made = Signed(files={place: work.keep(path) for place, path in places.items()}, signer=key.signer)
    return StepOutput(made, tuple(notes), makers=(_LIBRARY,))


def role_of(place: str) -> Role:
    """Which part of a dub a delivered file is, by its place."""
    path = PurePath(place)
    named = next((role for role in ROLES if path.stem == role), None)
    return named or ("mix" if path.suffix.lower() in _SOUND else "master")


def _job(given: _Given, place: str, part: Part, source: Path, out: Path, sidecar: str) -> ToSign:
    form = media_type(place)
    brought = _parts(part, given.brought)
    dubs = [dub for dub in given.dubs if dub.language in part.languages]
    if part.plain:
        dubs = [replace(dub, mouths=False, finished=False) for dub in dubs]
    return ToSign(
        source=str(source),
        out=str(out),
        format=form,
        manifest=manifest(
            out.name,
            form,
            part.role,
            dubs,
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


def _parts(part: Part, brought: Sequence[Brought]) -> list[Brought]:
    """Of what the client brought that which is in a file; the bed that they brought is where the file of it begins."""
    source, rest = brought[0], brought[1:]
    bed = next((one for one in rest if one.id == "bed"), None)
    if part.role == "bed":
        return [replace(bed, relation="parentOf")] if bed else [source]
    if part.role in ("picture", "original"):
        return [source]
    heard = {f"recording-{tag}" for tag in part.languages} | ({"bed"} if part.role != "dialogue" else set())
    return [source, *(one for one in rest if one.id in heard)]
