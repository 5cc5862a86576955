"""The Prefect tasks of `tasks.deliver`: a title's name in a language, a preset's picture, and its files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from configs.delivery import BroadcastPreset, NetflixPreset, PlatformPreset, PodcastPreset, StreamingPreset
from configs.loudness import LoudnessPreset
from tasks.deliver.checks import Packed
from tasks.keep.assets import path_of
from tasks.keep.store import unkeyed
from tasks.records.delivery import Delivered, DeliveredDub, Ladder, Named
from tasks.records.facts import MediaFacts
from tasks.records.record import Asset
from tasks.records.title import Run
from tasks.step.prefect import step_task
from tasks.step.run import Computation, StepOutput, Work
from tasks.translate.chain import Chain, chain


@dataclass(frozen=True)
class _Name:
    named: Named
    language: str
    translators: Chain


@step_task("translate-name")
def translate_name(run: Run, named: Named, language: str) -> Computation[_Name, Named]:
    """A title's name and description in the language of a dub.

    Args:
        run: the title.
        named: in the language of the source.
        language: BCP-47 tag.
    """
    translators = chain(run.profile.translate)
    uses = [one.facts for one in translators.translators]
    return Computation(_Name(named, language, translators), _named, Named, uses=uses)


def _named(given: _Name, work: Work) -> StepOutput[Named]:
    from tasks.deliver.names import in_language

    name, notes = in_language(given.named, given.language, given.translators, work.store)
    return StepOutput(name, notes)


@dataclass(frozen=True)
class _Ladder:
    picture: Asset
    rules: StreamingPreset
    film: Asset = unkeyed()
    facts: MediaFacts = unkeyed()


@step_task("deliver-ladder")
def deliver_ladder(
    run: Run, picture: Asset, film: Asset, facts: MediaFacts, rules: StreamingPreset
) -> Computation[_Ladder, Ladder]:
    """The pictures of a streaming package.

    Args:
        run: the title.
        picture: where the picture is from; of two films with the same one, either serves.
        film: with that picture.
        facts: of it.
        rules: of the preset.
    """
    return Computation(_Ladder(picture, rules, film, facts), _rungs, Ladder)


def _rungs(given: _Ladder, work: Work) -> StepOutput[Ladder]:
    from tasks.deliver.ladder import make_ladder

    film = path_of(given.film)
    rungs, notes = make_ladder(film, given.facts, given.rules, work.folder, work.progress)
    kept = tuple(given.film if path == film else work.keep(path) for path in rungs)
    return StepOutput(Ladder(rungs=kept), notes)


@dataclass(frozen=True)
class _Picture:
    film: Asset
    facts: MediaFacts
    rules: BroadcastPreset


@step_task("deliver-picture")
def deliver_picture(run: Run, film: Asset, facts: MediaFacts, rules: BroadcastPreset) -> Computation[_Picture, Asset]:
    """The picture of a broadcaster's file, where it is encoded.

    Args:
        run: the title.
        film: with the picture.
        facts: of it.
        rules: of the preset.
    """
    return Computation(_Picture(film, facts, rules), _encoded, Asset)


def _encoded(given: _Picture, work: Work) -> StepOutput[Asset]:
    from tasks.deliver.broadcast import encode_picture

    out = work.folder / f"picture.{given.rules.container}"
    notes = encode_picture(path_of(given.film), given.facts, given.rules, out, work.progress)
    return StepOutput(work.keep(out), notes)


@dataclass(frozen=True)
class _Names:
    rules: PlatformPreset
    source: Named
    names: tuple[Named, ...]


@dataclass(frozen=True)
class _Upload:
    rules: PlatformPreset
    preset: LoudnessPreset
    dub: DeliveredDub
    title: str
    duration_ms: int


@dataclass(frozen=True)
class _Package:
    rules: StreamingPreset
    preset: LoudnessPreset
    mixed_to: str
    rungs: tuple[Asset, ...]
    original: Asset | None
    spoken: str
    dubs: tuple[DeliveredDub, ...]
    duration_ms: int


@dataclass(frozen=True)
class Film:
    """Whose picture a broadcaster's file has.

    Attributes:
        film: the title, or the master of a language whose mouths were changed.
        facts: of it.
        picture: as the preset asks for it; None where it is copied from the film.
        timecode: of the title; empty where it has none.
        altered: whether mouths of it were changed.
    """

    film: Asset
    facts: MediaFacts
    picture: Asset | None
    timecode: str
    altered: bool


@dataclass(frozen=True)
class _Broadcast:
    rules: BroadcastPreset
    preset: LoudnessPreset
    dub: DeliveredDub
    film: Film
    title: str
    duration_ms: int


@dataclass(frozen=True)
class _Podcast:
    rules: PodcastPreset
    preset: LoudnessPreset
    dub: DeliveredDub
    facts: MediaFacts
    name: Named
    title: str


@dataclass(frozen=True)
class _Netflix:
    rules: NetflixPreset
    preset: LoudnessPreset
    dub: DeliveredDub
    facts: MediaFacts
    filled: bool
    title: str


_Given = _Names | _Upload | _Package | _Broadcast | _Podcast | _Netflix


@step_task("deliver")
def deliver(run: Run, given: _Given) -> Computation[_Given, Delivered]:
    """Files of a preset: of a language, or of a title with all its languages.

    Args:
        run: the title.
        given: the preset's rules and what its files are made from, from a function of this module.
    """
    return Computation(given, _packed, Delivered)


def upload(run: Run, rules: PlatformPreset, dub: DeliveredDub, facts: MediaFacts) -> _Given:
    """A language for a video platform.

    Args:
        run: the title.
        rules: of the preset.
        dub: the language.
        facts: of the title.
    """
    return _Upload(rules, rules.loudness_of(run.profile.loudness), dub, run.title.name, facts.duration_ms)


def upload_names(rules: PlatformPreset, source: Named, names: Sequence[Named]) -> _Given:
    """A title's names for a video platform.

    Args:
        rules: of the preset.
        source: in the language of the title.
        names: in those of the dubs.
    """
    return _Names(rules, source, tuple(names))


def package(
    run: Run,
    rules: StreamingPreset,
    rungs: Sequence[Asset],
    original: Asset | None,
    spoken: str,
    dubs: Sequence[DeliveredDub],
    facts: MediaFacts,
) -> _Given:
    """A streaming package.

    Args:
        run: the title.
        rules: of the preset.
        rungs: of its ladder.
        original: the title's own sound; None: without it.
        spoken: BCP-47 tag of it.
        dubs: the languages.
        facts: of the title.
    """
    mixed_to = run.profile.loudness
    preset = rules.loudness_of(mixed_to)
    return _Package(rules, preset, mixed_to, tuple(rungs), original, spoken, tuple(dubs), facts.duration_ms)


def broadcast(run: Run, rules: BroadcastPreset, dub: DeliveredDub, film: Film, facts: MediaFacts) -> _Given:
    """A language for a broadcaster.

    Args:
        run: the title.
        rules: of the preset.
        dub: the language.
        film: whose picture it has.
        facts: of the title.
    """
    preset = rules.loudness_of(run.profile.loudness)
    return _Broadcast(rules, preset, dub, film, run.title.name, facts.duration_ms)


def netflix(run: Run, rules: NetflixPreset, dub: DeliveredDub, facts: MediaFacts, *, filled: bool) -> _Given:
    """A language's sound and timed text as Netflix takes them.

    Args:
        run: the title.
        rules: of the preset.
        dub: the language.
        facts: of the title.
        filled: whether the bed is the client's M&E.
    """
    preset = rules.loudness_of(run.profile.loudness)
    return _Netflix(rules, preset, dub, facts, filled, run.title.name)


def podcast(run: Run, rules: PodcastPreset, dub: DeliveredDub, facts: MediaFacts, name: Named) -> _Given:
    """A language as sound alone.

    Args:
        run: the title.
        rules: of the preset.
        dub: the language.
        facts: of the title.
        name: in the dub's language.
    """
    return _Podcast(rules, rules.loudness_of(run.profile.loudness), dub, facts, name, run.title.name)


def _packed(given: _Given, work: Work) -> StepOutput[Delivered]:
    files, checks, notes = _made(given, work)
    kept = {place: made if isinstance(made, Asset) else work.keep(made) for place, made in sorted(files.items())}
    return StepOutput(Delivered(files=kept, gates=tuple(checks.gates)), notes)


def _made(given: _Given, work: Work) -> Packed:
    from tasks.deliver import broadcast, netflix, platform, podcast, streaming

    match given:
        case _Names():
            return platform.pack_names(given.names, given.source, given.rules, work.folder)
        case _Upload():
            return platform.pack_language(given.dub, given.preset, given.duration_ms, given.title, work.folder)
        case _Package():
            return streaming.pack(
                [path_of(rung) for rung in given.rungs],
                path_of(given.original) if given.original else None,
                given.spoken,
                given.dubs,
                given.rules,
                given.preset,
                given.mixed_to,
                given.duration_ms,
                work.folder,
            )
        case _Broadcast():
            film = given.film
            return broadcast.pack(
                given.dub,
                given.rules,
                given.preset,
                path_of(film.film),
                film.facts,
                path_of(film.picture) if film.picture else None,
                given.title,
                work.folder,
                duration_ms=given.duration_ms,
                timecode=film.timecode,
                altered=film.altered,
            )
        case _Netflix():
            of = netflix.Programme(given.title, given.facts, given.filled)
            return netflix.pack(given.dub, given.rules, given.preset, of, work.folder)
        case _Podcast():
            return podcast.pack(given.dub, given.rules, given.preset, given.facts, given.name, given.title, work.folder)
