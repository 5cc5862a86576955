"""The delivery presets of a title, made at its end of every delivered language. No Prefect."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from configs.delivery import (
    ALWAYS,
    BroadcastPreset,
    FilePreset,
    NetflixPreset,
    PlatformPreset,
    PodcastPreset,
    Preset,
    StreamingPreset,
    delivery_presets,
)
from flows.dub.making import picture_of
from flows.dub.preset_parts import parts_of
from flows.kept.ahead import way_of
from flows.kept.delivered import Delivery, deliver_whole
from flows.kept.ledger import failure_of, notes_of
from tasks.deliver.broadcast import is_copied
from tasks.deliver.task import (
    Film,
    broadcast,
    deliver,
    deliver_ladder,
    deliver_picture,
    netflix,
    package,
    podcast,
    translate_name,
    upload,
    upload_names,
)
from tasks.keep.store import store_at
from tasks.probe.task import probe
from tasks.records.credentials import Signed, Signer
from tasks.records.delivery import Delivered, DeliveredDub, Named
from tasks.records.facts import MediaFacts
from tasks.records.made import Pictured
from tasks.records.quality import Gate
from tasks.records.record import Asset
from tasks.records.result import BranchResult, SharedWork
from tasks.records.step_record import Made, StepRecord
from tasks.records.title import Run
from tasks.sign.task import Made as SignedDub
from tasks.sign.task import sign_presets
from tasks.step.prefect import Submitted, settled

#: A folder below the preset's, the files there, and of which languages they are.
_Made = Iterator[tuple[str, Delivered, Sequence["_Dub"]]]


def deliver_presets(
    run: Run, work: SharedWork, branches: Sequence[BranchResult]
) -> tuple[tuple[Delivery, ...], tuple[StepRecord[Any], ...]]:
    """Make and deliver every preset that was asked for; one that fails leaves the others and its own folder as it was.

    Args:
        run: the title.
        work: of its shared steps.
        branches: its delivered languages, in order.

    Returns:
        How each preset ended, and the records of the steps.
    """
    ended: list[Delivery] = []
    ledger: list[StepRecord[Any]] = []
    dubs = tuple(_Dub(run, branch) for branch in branches)
    for name in run.profile.deliver:
        if name == ALWAYS:
            continue
        one = _Packing(run, work, dubs)
        try:
            ended.append(_delivered(run, name, one))
        except Exception as error:
            ended.append(
                Delivery(
                    preset=name,
                    state="failed",
                    languages=tuple(branch.language for branch in branches),
                    notes=notes_of(one.ledger),
                    failure=failure_of(error),
                )
            )
        ledger += one.ledger
    return tuple(ended), tuple(ledger)


def _delivered(run: Run, name: str, one: _Packing) -> Delivery:
    outputs: dict[str, Asset] = {}
    gates: list[Gate] = []
    signer: Signer | None = None
    preset = delivery_presets()[name]
    for place, made, dubs in one.of(preset):
        files = {f"{place}{file}": asset for file, asset in made.files.items()}
        signed = one.signed(preset, files, dubs)
        outputs |= {**files, **signed.files} if signed else files
        signer = signed.signer if signed else signer
        gates += made.gates
    deliver_whole(Path(run.title.folder) / "deliver" / name, outputs)
    missed = any(gate.status == "fail" for gate in gates)
    return Delivery(
        preset=name,
        state="needs_review" if missed else "completed",
        languages=tuple(dub.language for dub in one.dubs),
        outputs=outputs,
        gates=tuple(gates),
        notes=(*one.notes, *notes_of(one.ledger)),
        signed_by=signer,
    )


class _Dub:
    """A delivered language, and what its steps made."""

    def __init__(self, run: Run, branch: BranchResult) -> None:
        self._run, self._branch = run, branch
        self.language = branch.language
        self._files = {**branch.outputs, **branch.unsigned}
        self.master = self._files[branch.master]

    @property
    def labelled(self) -> bool:
        """Whether its master's picture begins with a label, in its language."""
        return any(use.step == "label" for use in self._branch.steps)

    @cached_property
    def own_picture(self) -> Asset | None:
        """Its picture, where it is not the title's own."""
        return self._lipsynced.picture if self._lipsynced else self.master

    @property
    def altered(self) -> bool:
        """Whether mouths of its picture were changed."""
        return self.own_picture is not None and (self._lipsynced is None or self._lipsynced.altered)

    @cached_property
    def _lipsynced(self) -> Pictured | None:
        return self._made("lipsync", Pictured)

    @cached_property
    def made(self) -> SignedDub:
        """How it was made, for its credentials."""
        lipsynced = self._made("lipsync", Pictured)
        picture = picture_of(lipsynced) if lipsynced else "mouths"  # of a service's whole film
        return SignedDub(way_of(self._run.branch(self.language)), self._branch.steps, picture)

    @cached_property
    def as_delivered(self) -> DeliveredDub:
        """What presets take."""
        branch = self._branch
        found = {Path(place).stem: asset for place, asset in self._files.items() if self._is_stem(place)}
        audio = branch.audio
        assert audio is not None
        return DeliveredDub(
            language=branch.language,
            synthetic=branch.language not in self._run.title.dubs,
            audio=audio,
            mix=found.pop("mix", audio),
            stems=found,
            script=branch.outputs[f"{branch.language}/script.json"],
            srt=branch.outputs[f"{branch.language}/script.srt"],
            vtt=branch.outputs[f"{branch.language}/script.vtt"],
        )

    def _is_stem(self, place: str) -> bool:
        return place.startswith(f"{self.language}/") and place.endswith(f".{self._run.profile.mix.stems}")

    def _made(self, step: str, made: type[Made]) -> Made | None:
        """What a step of it made; None where it ran none of that name, or the store has it no more."""
        key = next((use.key for use in self._branch.steps if use.step == step and use.key), None)
        record = store_at(self._run.store).lookup(step, key, made) if key else None
        return record.value if record else None


@dataclass
class _Packing:
    """The making of one preset.

    Attributes:
        run: the title.
        work: of its shared steps.
        dubs: its languages.
        ledger: gets the steps as they end.
        notes: get what was decided here.
    """

    run: Run
    work: SharedWork
    dubs: tuple[_Dub, ...]
    ledger: list[StepRecord[Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def of(self, preset: Preset) -> _Made:
        """The folder below the preset's, and what goes there, one after the other."""
        match preset:
            case PlatformPreset():
                yield from self._platform(preset)
            case StreamingPreset():
                yield from self._streaming(preset)
            case BroadcastPreset():
                yield from self._broadcast(preset)
            case PodcastPreset():
                for dub in self.dubs:
                    name = self._name(dub)
                    given = podcast(self.run, preset, dub.as_delivered, self.work.facts, name)
                    yield "", self._settle(deliver.submit(self.run, given)), (dub,)
            case NetflixPreset():
                for dub in self.dubs:
                    filled = self.work.client_bed is not None
                    given = netflix(self.run, preset, dub.as_delivered, self.work.facts, filled=filled)
                    yield "", self._settle(deliver.submit(self.run, given)), (dub,)
            case FilePreset():
                return

    def signed(self, preset: Preset, files: dict[str, Asset], dubs: Sequence[_Dub]) -> Signed | None:
        """Files with their content credentials, and those that lie beside them; None where nothing is signed.

        Args:
            preset: that they are of.
            files: by path below its folder.
            dubs: of which languages they are; none: no media.
        """
        if not self.run.profile.credentials.signs or not dubs:
            return None
        pictures = {dub.own_picture.sha256 if dub.own_picture else "" for dub in self.dubs}
        made = {dub.language: dub.made for dub in dubs}
        parts = parts_of(files, self.run.title.name, made, shared=len(pictures) == 1, kind=preset.kind)
        return self._settle(sign_presets.submit(self.run, files, parts, self.work, made))

    def _platform(self, preset: PlatformPreset) -> _Made:
        facts = self.work.facts
        for dub in self.dubs:
            given = upload(self.run, preset, dub.as_delivered, facts)
            yield "", self._settle(deliver.submit(self.run, given)), (dub,)
        names = [self._name(dub) for dub in self.dubs]
        yield "", self._settle(deliver.submit(self.run, upload_names(preset, self._source_name(), names))), ()

    def _streaming(self, preset: StreamingPreset) -> _Made:
        """One package of all languages over the picture they share; one more for each language with its own."""
        pictures = {dub.own_picture.sha256 if dub.own_picture else "" for dub in self.dubs}
        shared = len(pictures) == 1
        plain = next((dub for dub in self.dubs if dub.own_picture is None and not dub.labelled), None)
        own_film = self.dubs[0].own_picture if shared else None
        film = self.dubs[0].master if own_film else plain.master if plain else self.work.video
        picture = own_film or self.work.video
        if not own_film:
            self._tell_of_labels(self.dubs)
        yield "", self._package(preset, picture, film, self.dubs, original=True), self.dubs
        if shared:
            return
        own = [dub for dub in self.dubs if dub.own_picture is not None]
        named = ", ".join(dub.language for dub in own)
        self.notes.append(
            f"Lip sync gives {named} a picture of its own, and a player keeps one when languages are "
            f"switched: master.m3u8 has every language over the source's picture; the lip-synced ones are beside it, "
            "in a folder each."
        )
        for dub in own:
            assert dub.own_picture is not None
            yield f"{dub.language}/", self._package(preset, dub.own_picture, dub.master, (dub,), original=False), (dub,)

    def _package(
        self, preset: StreamingPreset, picture: Asset, film: Asset, dubs: Sequence[_Dub], *, original: bool
    ) -> Delivered:
        facts = self._facts(film)
        ladder = self._settle(deliver_ladder.submit(self.run, picture, film, facts, preset))
        sound = self.work.original if original and self.work.facts.audio else None
        spoken = self.work.script.language
        given = package(
            self.run, preset, ladder.rungs, sound, spoken, [dub.as_delivered for dub in dubs], self.work.facts
        )
        return self._settle(deliver.submit(self.run, given))

    def _broadcast(self, preset: BroadcastPreset) -> _Made:
        for dub in self.dubs:
            own = dub.own_picture is not None
            asset = dub.master if own else self.work.video
            facts = self._facts(asset) if own else self.work.facts
            assert facts.picture is not None
            picture = None
            if not is_copied(preset, facts.picture):
                picture = self._settle(deliver_picture.submit(self.run, asset, facts, preset))
            elif own:
                self.notes.append(f"{dub.language}: its picture is that of the lip-synced master, copied.")
            if not own:
                self._tell_of_labels([dub])
            film = Film(asset, facts, picture, self.work.facts.timecode, dub.altered)
            given = broadcast(self.run, preset, dub.as_delivered, film, self.work.facts)
            yield "", self._settle(deliver.submit(self.run, given)), (dub,)

    def _tell_of_labels(self, dubs: Sequence[_Dub]) -> None:
        if named := ", ".join(dub.language for dub in dubs if dub.labelled):
            self.notes.append(f"{named}: the picture is the title's own, without the label that the master has.")

    def _facts(self, film: Asset) -> MediaFacts:
        if film.sha256 == self.work.video.sha256:
            return self.work.facts
        return self._settle(probe.submit(self.run, film))

    def _source_name(self) -> Named:
        tags = self.work.facts.tags
        title = tags.get("title") or self.run.title.plain or self.run.title.name
        description = tags.get("description") or tags.get("synopsis") or ""
        return Named(language=self.work.script.language, title=title, description=description)

    def _name(self, dub: _Dub) -> Named:
        """Title and description in a language; a title that is a file's name is not translated."""
        source = self._source_name()
        titled = bool(self.work.facts.tags.get("title"))
        if not titled:
            note = "The source names no title: its file's name stands for it, untranslated."
            self.notes += [note] if note not in self.notes else []
        if not titled and not source.description:
            return source.model_copy(update={"language": dub.language, "translated": False})
        name = self._settle(translate_name.submit(self.run, source, dub.language))
        return name if titled else name.model_copy(update={"title": source.title})

    def _settle(self, step: Submitted[Made]) -> Made:
        record = settled(step)
        self.ledger.append(record)
        made: Made = record.value
        return made
