"""What one language's master is packed from: what is said, the speech, the picture and the mix. No Prefect."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flows.dub.before import paces_before, settled_before
from flows.dub.beside import beside
from flows.dub.gate import Gates
from flows.dub.to_look_at import picture_to_look_at, premix_to_look_at, script_to_look_at
from flows.kept.ahead import is_marked
from flows.kept.applied import Applied
from flows.kept.edited import edited_script
from flows.kept.keys import is_worded_by_people
from tasks.adapt.task import adapt
from tasks.fit.task import fit
from tasks.ingest.task import ingest
from tasks.lipsync.task import conform_film, lipsync, translate_film
from tasks.mix.task import mix
from tasks.probe.task import probe
from tasks.records.made import Laid, Mixed, Pictured
from tasks.records.record import Asset
from tasks.records.result import SharedWork
from tasks.records.script import Script
from tasks.records.step_record import Made, StepRecord
from tasks.records.title import Branch
from tasks.sign.task import Picture
from tasks.step.prefect import Submitted, settled
from tasks.synthesize.task import Directed, synthesize
from tasks.translate.task import translate
from tasks.watermark.task import watermark


@dataclass(frozen=True)
class Dub:
    """What a master is packed from.

    Attributes:
        script: what is said.
        laid: the speech on the title's clock, and the places of its lines.
        picture: the picture where it was changed, and the lip-sync report.
        mixed: the encoded sound.
        stems: lossless sound by role.
    """

    script: Script
    laid: Laid
    picture: Pictured
    mixed: Mixed
    stems: dict[str, Asset]


@dataclass(frozen=True)
class Steps:
    """The steps of a branch, as they end."""

    ledger: list[StepRecord[Any]] = field(default_factory=list)

    def settle(self, step: Submitted[Made]) -> Made:
        """Wait for a submitted step, add it to the ledger, and return its result."""
        return self.take(settled(step))

    def take(self, record: StepRecord[Made]) -> Made:
        """Add a step that has ended to the ledger, and return its result."""
        self.ledger.append(record)
        made: Made = self.ledger[-1].value
        return made

    def made(self, step: str, kind: type[Made]) -> Made | None:
        """What a step made; None where it did not run."""
        found = [record.value for record in self.ledger if record.step == step]
        return found[-1] if found and isinstance(found[-1], kind) else None


def made_here(run: Branch, work: SharedWork, wanted: Applied, steps: Steps, gates: Gates) -> Dub:
    """Translated, spoken, lip-synced and mixed by the steps of the profile.

    Args:
        run: the language.
        work: of the title.
        wanted: what people decided about its lines.
        steps: take what is made.
        gates: get each stage, and may have it wait.

    Raises:
        HeldError: a stage waits for approval; nothing after it is made.
    """
    settle = steps.settle
    script, laid = speech(run, work, wanted, steps, gates)
    assert laid.phones is not None  # fit and ingest always tell them
    edited = wanted.is_spoken_otherwise and run.language not in run.title.dubs
    analysis = work.analysis
    before = settled_before(run, work, analysis) if edited and analysis else None
    levels, film, phones = wanted.levels, work.plain or work.video, laid.phones

    def mixing() -> StepRecord[Mixed]:
        return settled(mix.submit(run, laid, work.bed, work.dialogue, script, levels))

    def pictured() -> Pictured:
        if analysis is None:
            return Pictured(figures={"edited": 0, "reason": "the title has no picture"})
        return settle(lipsync.submit(run, film, analysis, laid.dialogue, phones, before))

    if gates.waits_after("premix"):
        mixed = steps.take(mixing())
        gates.files("premix", {"mix": mixed.mix}, premix_to_look_at(script, laid, mixed, steps.ledger))
        picture = pictured()
    else:
        with beside(mixing) as mixed_of:
            picture = pictured()
        mixed = steps.take(mixed_of())
        gates.files("premix", {"mix": mixed.mix})
    gates.files("picture", {"picture": picture.picture}, picture_to_look_at(steps.ledger))
    stems = {"dialogue": laid.dialogue, "bed": work.bed, "mix": mixed.mix}
    return Dub(script, laid, picture, mixed, stems)


def made_elsewhere(run: Branch, work: SharedWork, steps: Steps, gates: Gates) -> Dub:
    """All of it by one service; what was said, and where, is not known.

    Args:
        run: the language.
        work: of the title.
        steps: take what is made.
        gates: may have the finished film wait; there is nothing before it.
    """
    service = run.profile.lipsync.backend
    gates.notes += [f"{service} dubs the film at once: it cannot wait after the {stage}." for stage in gates.skipped()]
    settle = steps.settle
    film = settle(translate_film.submit(run, work.video))
    came = settle(probe.submit(run, film.film))
    made = settle(conform_film.submit(run, film.film, came, work.facts))
    gates.files("picture", {"mix": made.dialogue, "picture": made.picture}, picture_to_look_at(steps.ledger))
    return Dub(
        script=Script(language=run.language, lines=()),
        laid=Laid(dialogue=made.dialogue),
        picture=Pictured(report=film.report, figures=film.figures, picture=made.picture, film=film.film),
        mixed=Mixed(mix=made.dialogue, audio=made.audio, encoded=made.encoded),
        stems={"mix": made.dialogue},
    )


def speech(
    run: Branch, work: SharedWork, wanted: Applied, steps: Steps, gates: Gates | None = None
) -> tuple[Script, Laid]:
    """The script as it is spoken, and the speech in its place.

    Args:
        run: the language.
        work: of the title.
        wanted: what people decided about its lines.
        steps: take what is made.
        gates: may have the script wait for approval; None: it never does.
    """
    settle, heard = steps.settle, work.script
    source = edited_script(run, work, wanted)
    script = settle(translate.submit(run, source, wanted.texts, wanted.notes, wanted.kept))
    if gates is not None:
        gates.script(script, script_to_look_at(script, steps.ledger[-1].notes))
    pinned = is_worded_by_people(run)
    texts = {str(line.id): line.text for line in script.lines} if pinned else wanted.texts
    if (recording := run.title.dubs.get(run.language)) is not None:
        return script, settle(ingest.submit(run, recording, script, work.facts.duration_ms, work.bed))
    paces = paces_before(run, work) if wanted.is_spoken_otherwise else {}
    directed = Directed(wanted.directions, None if heard == source else heard)
    spoken = settle(
        synthesize.submit(run, script, source, work.dialogue, work.bed, paces, directed.directions, directed.heard)
    )
    adapted = settle(adapt.submit(run, script, source, spoken, work.dialogue, texts, work.bed, directed))
    takes = adapted.takes
    if is_marked(run.profile):
        takes = settle(watermark.submit(run, takes)).takes
    return adapted.script, settle(fit.submit(run, adapted.script, takes, work.facts.duration_ms))


def picture_of(picture: Pictured) -> Picture:
    """What was done to the title's picture."""
    if picture.picture is None:
        return "source"
    return "mouths" if picture.altered else "finished"
