"""The Prefect task of `tasks.report`."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configs.profile import Profile
from tasks.keep.assets import path_of
from tasks.keep.places import url_of
from tasks.keep.store import unkeyed
from tasks.records.credentials import Signer
from tasks.records.made import Laid
from tasks.records.record import Asset
from tasks.records.result import SharedWork
from tasks.records.script import Script
from tasks.records.step_record import Maker, StepRecord
from tasks.records.title import Branch
from tasks.report.inputs import MadeBy, ReportInputs
from tasks.step.prefect import step_task
from tasks.step.run import Computation, StepOutput, Work


@dataclass(frozen=True)
class _Given:
    title: str
    language: str
    source: Script
    dub: Script
    laid: Laid
    duration_ms: int
    master: str
    still: bool
    original_dialogue: Asset
    sheet: dict[str, Any]
    profile: Profile
    source_media: str
    source_or_else: str
    files: tuple[str, ...]
    notes: tuple[str, ...]
    signer: Signer | None
    disclosure: str
    made_by: tuple[MadeBy, ...] = unkeyed()  # it follows from the profile and the steps before


@step_task("report")
def report(
    branch: Branch,
    work: SharedWork,
    script: Script,
    laid: Laid,
    sheet: dict[str, Any],
    ledger: Sequence[StepRecord[Any]],
    roles: Sequence[str],
    signer: Signer | None = None,
    disclosure: str = "",
) -> Computation[_Given, Asset]:
    """The review page, with links as they are in the title's folder (``roles``: of its stems).

    Args:
        branch: the language.
        work: what the title's shared steps made.
        script: the dub's script.
        laid: its dialogue.
        sheet: content of ``qc.json``.
        ledger: the records of the steps before.
        roles: of the stems that are delivered.
        signer: whose certificate the files are signed with; None: they are not.
        disclosure: what the dub is said to be.
    """
    # A remote store has a copy of the source; the page links the user's own file.
    video = Path(branch.title.source).absolute() if url_of(branch.title.video.uri) else Path(branch.title.video.uri)
    source_media, source_or_else = source_places(video, Path(branch.title.folder) / branch.language)
    said = (note for record in ledger for note in record.notes)
    stems = (f"{role}.{branch.profile.mix.stems}" for role in roles)
    lipsync = () if work.facts.sound_only else ("lipsync.json",)
    given = _Given(
        title=branch.title.name,
        language=branch.language,
        source=work.script,
        dub=script,
        laid=laid,
        duration_ms=work.facts.duration_ms,
        master=f"{branch.title.name}.{branch.language}{work.facts.master_ending}",
        still=work.facts.sound_only,
        original_dialogue=work.dialogue,
        sheet=sheet,
        profile=branch.profile,
        source_media=source_media,
        source_or_else=source_or_else,
        files=("script.json", "script.srt", "script.vtt", *stems, *lipsync, "qc.json"),
        notes=tuple(dict.fromkeys((*branch.title.notes, *work.notes, *said))),
        signer=signer,
        disclosure=disclosure,
        made_by=_made_by(ledger),
    )
    return Computation(given, _page, Asset)


def source_places(video: Path, page_folder: Path) -> tuple[str, str]:
    """Where the page looks for the source, first and next (empty: nowhere).

    Within the delivery it is relative, and moves with it. Another file is found by its absolute path wherever the
    delivery goes, and, where that is not there (another machine, a page that is served), by its place beside it.
    """
    beside = os.path.relpath(video, page_folder)
    if video.resolve().is_relative_to(page_folder.parent.resolve()):
        return beside, ""
    return str(video.absolute()), beside


def _page(given: _Given, space: Work) -> StepOutput[Asset]:
    from tasks.report.report import write_report

    out = space.folder / "report.html"
    inputs = ReportInputs(
        title=given.title,
        source=given.source,
        dub=given.dub,
        placements=given.laid.placements,
        duration_ms=given.duration_ms,
        qc=given.sheet,
        profile=given.profile.name,
        fake=given.profile.fake,
        source_media=given.source_media,
        source_or_else=given.source_or_else,
        dub_media=f"../{given.master}",
        still=given.still,
        files=tuple((name, name) for name in given.files),
        original_dialogue=path_of(given.original_dialogue),
        dialogue=path_of(given.laid.dialogue),
        made_by=given.made_by,
        notes=given.notes,
        disclosure=given.disclosure,
        signer=given.signer,
    )
    write_report(out, inputs)
    return StepOutput(space.keep(out))


#: Who made what no backend did.
_OURSELVES = Maker(name="polydub", code_licence="Apache-2.0", weights_licence="none")


def _each(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))


def _made_by(ledger: Sequence[StepRecord[Any]]) -> tuple[MadeBy, ...]:
    made = []
    for record in ledger:
        makers = record.makers or (_OURSELVES,)
        made.append(
            MadeBy(
                step=record.step,
                backend=_each(one.name for one in makers),
                versions=record.versions,
                code_licence=_each(one.code_licence for one in makers),
                weights_licence=_each(one.weights_licence for one in makers if one.weights_licence != "none"),
                notes=record.notes,
            )
        )
    return tuple(made)
