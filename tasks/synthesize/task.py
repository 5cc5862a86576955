"""The Prefect task of `tasks.synthesize`: only lines that the store does not know are spoken."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configs.profile import PaceSettings
from tasks.keep.assets import path_of
from tasks.keep.known import found_or_made
from tasks.keep.store import unkeyed
from tasks.records.direction import Direction
from tasks.records.errors import UnsupportedError
from tasks.records.made import Spoken
from tasks.records.record import Asset
from tasks.records.script import Line, Script, Speaker
from tasks.records.take import Take
from tasks.records.title import Branch
from tasks.step.prefect import step_task
from tasks.step.run import Computation, StepOutput, Work
from tasks.synthesize import Matched, Matching, Synthesizer, speaking
from tasks.synthesize.cast import Cast, cast_of
from tasks.synthesize.casting import casting_facts, lexicon_of, retakes_of
from tasks.synthesize.energy import energies
from tasks.synthesize.references import Clips, reference_clips
from tasks.synthesize.retakes import clearest
from tasks.synthesize.takes import VoiceSession
from tasks.understood.ears import Ears, ears_for
from tasks.words.syllables import syllables

_MATCHED, _MATCHED_VERSION = "matched-voices", 1


@dataclass(frozen=True)
class _Given:
    lines: tuple[Line, ...]
    language: str
    source: Script
    sampled: Asset | None  # the dialogue, of which voices or the energy of lines are taken
    bed: Asset | None
    casting: dict[str, Any]
    pace: PaceSettings
    paces: dict[str, float]
    directions: tuple[Direction, ...]
    heard: Script | None  # whose speakers choose the voices, where a person changed the source
    backend: Synthesizer
    dialogue: Asset = unkeyed()
    branch: Branch = unkeyed()


@step_task("synthesize")
def synthesize(
    branch: Branch,
    script: Script,
    source: Script,
    dialogue: Asset,
    bed: Asset | None = None,
    paces: dict[str, float] | None = None,
    directions: tuple[Direction, ...] = (),
    heard: Script | None = None,
) -> Computation[_Given, Spoken]:
    """The takes of every line.

    Args:
        branch: title, profile and language.
        script: the dub's script.
        source: the source script, as people's edits make it.
        dialogue: the source's dialogue stem, for cloning backends and the energy of lines.
        bed: what was separated from it: music under a line makes it a bad voice sample.
        paces: of speakers for whom one is settled, as factors of their voice's own.
        directions: how a person wants lines to be spoken.
        heard: the source script without edits, so that an edit of one line changes no voice; None: the same.
    """
    backend = speaking(branch.profile.synthesize, branch.language).backend
    heard = None if heard == source else heard
    sampled = backend.facts.clones or isinstance(backend, Matching)
    given = _Given(
        lines=script.lines,
        language=branch.language,
        source=source,
        sampled=dialogue if sampled or backend.facts.spirited else None,
        bed=bed if sampled else None,
        casting=casting_facts(branch, heard or source),
        pace=branch.profile.pace,
        paces=paces or {},
        directions=directions,
        heard=heard,
        backend=backend,
        dialogue=dialogue,
        branch=branch,
    )
    return Computation(given, _spoken, Spoken, uses=[backend.facts])


def _spoken(given: _Given, work: Work) -> StepOutput[Spoken]:
    direct = Directed(given.directions, given.heard)
    session = open_session(given.branch, given.source, given.dialogue, work, given.bed, direct)
    spoken, silent = session.sayable(given.lines)
    kept = {who: pace for who, pace in given.paces.items() if who in session.voices}
    paces = session.paces(spoken, given.pace) | kept
    takes: list[Take] = []
    for number, line in enumerate(spoken):
        work.progress(0.8 * number / len(spoken))
        takes.append(session.paced(line, paces[line.speaker], given.pace))
    most = retakes_of(given.branch.profile.synthesize, given.backend.facts)
    takes, retaken, heard = clearest(session, spoken, takes, given.pace, most)
    made = Spoken(
        takes=tuple(takes),
        voices=dict(session.voices),
        paces=paces,
        characters=session.characters,
        retaken=tuple(retaken),
    )
    return StepOutput(
        made,
        (*silent, *_notes(session, paces), *heard),
        hits=len(given.lines) - len(session.fresh),
        parts=len(given.lines),
    )


@dataclass(frozen=True)
class Directed:
    """What a person decided of how lines are spoken; arguments as of `synthesize`."""

    directions: tuple[Direction, ...] = ()
    heard: Script | None = None


def open_session(
    branch: Branch,
    source: Script,
    dialogue: Asset,
    work: Work,
    bed: Asset | None = None,
    directed: Directed | None = None,
) -> VoiceSession:
    """The voices of a branch, ready to speak.

    Args:
        branch: title, profile and language.
        source: the source script, whose speakers choose the voices.
        dialogue: the source's dialogue stem, for cloning backends and the energy of lines.
        work: whose store lines are kept in, and whose folder holds files in the making.
        bed: what was separated from it.
        directed: what a person decided; None: nothing.
    """
    directed = directed or Directed()
    settings, heard = branch.profile.synthesize, directed.heard or source
    chosen = speaking(settings, branch.language)
    backend = chosen.backend
    cast = cast_of(branch, heard)
    under = path_of(bed) if bed else None

    def clips() -> Clips:
        return reference_clips(path_of(dialogue), heard, work.folder, under)

    def matched(matching: Matching, asked: Sequence[Speaker], taken: tuple[str, ...]) -> Matched:
        """Whose voice is like whose is found out once: an edit of a line changes none."""
        where = [(line.start_ms, line.end_ms, line.speaker) for line in heard.lines]
        facts: dict[str, Any] = {"backend": matching.fingerprint(), "language": branch.language, "taken": taken}
        facts |= {"speakers": asked, "dialogue": dialogue, "bed": bed, "lines": where}
        return found_or_made(
            work.store,
            _MATCHED,
            _MATCHED_VERSION,
            facts,
            Matched,
            lambda: matching.matched(branch.language, asked, clips().paths if asked else {}, taken),
        )

    voices, references, notes = _cast(branch, heard, backend, cast, clips, matched)
    voices = {**_voices_of_new(backend, branch.language, heard, source, voices), **voices}
    choosing = settings.takes > 1 and backend.facts.varies
    listens = choosing or retakes_of(settings, backend.facts) > 0
    ears = (
        ears_for(branch.profile.transcribe, branch.language)
        if listens
        else Ears(branch.language, deaf="nobody listens")
    )
    return VoiceSession(
        work.store,
        backend,
        branch.language,
        voices,
        references,
        work.folder,
        lexicon=lexicon_of(branch),
        energies=_energies(path_of(dialogue), heard, source) if backend.facts.spirited else {},
        rates=_rates(source) if backend.facts.paces else {},
        readings=settings.takes if choosing else 1,
        ears=ears,
        remarks=(*chosen.notes, *notes, *cast.notes, *_remarks(branch, backend, ears), *_unheeded(backend, directed)),
        directions={one.line: one for one in directed.directions},
    )


def _voices_of_new(
    backend: Synthesizer, language: str, heard: Script, source: Script, known: Mapping[str, str]
) -> dict[str, str]:
    """The voices of speakers whom a person named; a voice of nobody else where the backend has one."""
    new = [one for one in source.speakers if one.id not in known]
    if not new:
        return {}
    if backend.facts.clones:
        raise UnsupportedError(
            f"There is no sample of the voice of {', '.join(one.id for one in new)}.",
            "Name a speaker of the title, or give the line a voice.",
        )
    return {who: voice for who, voice in backend.voices(language, source.speakers, {}).items() if who not in known}


def _energies(dialogue: Path, heard: Script, source: Script) -> dict[int, float]:
    """Of every line; those that nobody edited keep theirs."""
    found = energies(dialogue, heard)
    if heard is source:
        return found
    before = {(line.id, line.start_ms, line.end_ms, line.speaker) for line in heard.lines}
    edited = energies(dialogue, source)
    return edited | {
        line.id: found[line.id]
        for line in source.lines
        if (line.id, line.start_ms, line.end_ms, line.speaker) in before
    }


def _unheeded(backend: Synthesizer, directed: Directed) -> list[str]:
    if not backend.facts.varies and (lines := [one.line for one in directed.directions if one.take > 1]):
        which = ", ".join(map(str, lines))
        return [f"{backend.facts.name} reads a line the same way every time: no other take of lines {which}."]
    return []


def _cast(
    branch: Branch,
    source: Script,
    backend: Synthesizer,
    cast: Cast,
    clips: Callable[[], Clips],
    matched: Callable[[Matching, Sequence[Speaker], tuple[str, ...]], Matched],
) -> tuple[dict[str, str], dict[str, Path], tuple[str, ...]]:
    """Everybody's voice, the samples that voices are cloned from, and notes."""
    if backend.facts.clones:
        cut = clips()
        samples = {**cut.paths, **cast.clips}
        references = {who: clip for who, clip in samples.items() if who not in cast.voices}  # a named voice is no clone
        asked = [one for one in source.speakers if one.id not in cast.voices]
        return {**backend.voices(branch.language, asked, references), **cast.voices}, references, cut.notes
    if isinstance(backend, Matching):
        asked = [one for one in source.speakers if one.id not in cast.voices]
        found = matched(backend, asked, tuple(cast.voices.values()))
        return {**found.voices, **cast.voices}, {}, found.notes
    # Those whose voice is remembered are asked for too, so that the others get different ones.
    return {**backend.voices(branch.language, source.speakers, {}), **cast.voices}, {}, ()


def _rates(source: Script) -> dict[int, float]:
    """How fast each line of the source is spoken, pauses and all, in syllables a second."""
    return {
        line.id: syllables(line.text, source.language) * 1000 / (line.end_ms - line.start_ms)
        for line in source.lines
        if line.end_ms > line.start_ms and line.text.strip()
    }


def _remarks(branch: Branch, backend: Synthesizer, ears: Ears) -> list[str]:
    name, takes = backend.facts.name, branch.profile.synthesize.takes
    unheard = [f"Takes were {ears.deaf}."] if ears.deaf.startswith("not heard") else []
    if takes == 1:
        return unheard
    if not backend.facts.varies:
        return [*unheard, f"{name} reads a line the same way every time: {takes} takes are one."]
    by = f"what {ears.name} hears and their length" if ears.name else "length alone"
    return [*unheard, f"Of {takes} takes of each line the best was kept, by {by}."]


def _notes(session: VoiceSession, paces: dict[str, float]) -> list[str]:
    voiced = ", ".join(
        f"{speaker} is {voice}" + (f" at {paces[speaker]:g} of its pace" if paces[speaker] != 1 else "")
        for speaker, voice in session.voices.items()
    )
    one_pace = f"{session.backend.facts.name} speaks at one pace: lines are fitted by stretching alone."
    facts = session.backend.facts
    notes = [f"Voices: {voiced}.", *session.remarks]
    if not facts.paces:
        notes.append(one_pace)
    if not facts.spirited and not facts.clones:
        notes.append(f"{facts.name} has no setting for the liveliness of speech.")
    if session.unused:
        words = ", ".join(sorted(session.unused))
        notes.append(f"Lexicon: {facts.name} takes no IPA, and there is no respelling for {words}.")
    if facts.paid:
        notes.append(f"{facts.name}: {session.characters} characters were sent for {len(session.fresh)} lines.")
    return notes
