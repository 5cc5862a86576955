"""The Prefect task of `tasks.qc`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from configs.loudness import LoudnessPreset, loudness_presets
from tasks.keep.assets import path_of
from tasks.keep.store import Store
from tasks.qc.evidence import NO_PICTURE, Evidence, Recogniser
from tasks.records.errors import PermanentError, ProviderBusyError
from tasks.records.facts import MediaFacts
from tasks.records.made import (
    Checked,
    ClientBed,
    Laid,
    Marked,
    MarkedLine,
    Mixed,
    Packed,
    Pictured,
    TrackGates,
    WatermarkHeard,
)
from tasks.records.quality import Gate, Loudness
from tasks.records.record import Asset
from tasks.records.result import BranchResult, SharedWork
from tasks.records.script import Script
from tasks.records.title import Branch, Run
from tasks.step.prefect import step_task
from tasks.step.run import Computation, StepOutput, Work
from tasks.understood.ears import Ears, clip_of, ears_for
from tasks.understood.lines import hear_lines

if TYPE_CHECKING:
    from tasks.qc.sync import Clocks

#: The user gets a note on these.
_TOLD = ("warn", "fail")
_AROUND_MS = 100  # before and after a line: a take is cut close
_TIMES = ("fps", "seconds", "peak_rss_mb", "peak_vram_mb")


@dataclass(frozen=True)
class _Compared:
    """By which the clock of a master is judged: `tasks.qc.sync.Clocks`, as assets."""

    source: Asset
    track: str | None
    stems: tuple[Asset, ...]
    mix: Asset
    seen: bool

    def local(self, master: Path) -> "Clocks":
        """The same, as files."""
        from tasks.qc.sync import Clocks

        stems = tuple(path_of(stem) for stem in self.stems)
        source, mix = path_of(self.source), path_of(self.mix)
        return Clocks(source=source, track=self.track, stems=stems, mix=mix, master=master, seen=self.seen)


@dataclass(frozen=True)
class _Given:
    source: Script
    dub: Script
    laid: Laid
    facts: MediaFacts
    master: Asset
    loudness: Loudness
    clocks: _Compared
    original: Asset
    dialogue: Asset
    bed: Asset
    speech: Asset
    client_bed: ClientBed | None
    figures: dict[str, Any]
    kept: tuple[tuple[int, int], ...]
    preset: LoudnessPreset
    waivers: dict[str, str]
    srt: Asset | None  # of the style guide, of which the file itself is measured
    ears: Ears | None  # None: a profile that invents its words, of which nothing is measured
    marked: tuple[MarkedLine, ...]
    heard: WatermarkHeard | None


@step_task("qc")
def qc(
    branch: Branch,
    work: SharedWork,
    script: Script,
    laid: Laid,
    picture: Pictured,
    mixed: Mixed,
    packed: Packed,
    marked: Marked | None = None,
    heard: WatermarkHeard | None = None,
) -> Computation[_Given, Checked]:
    """The quality sheet: figures, gates, and the branch's state.

    Args:
        branch: the language.
        work: what the title's shared steps made.
        script: the dub's script.
        laid: its dialogue.
        picture: its lip-synced picture.
        mixed: its mix.
        packed: its masters.
        marked: its lines with the watermark; None where they have none.
        heard: what is heard of it in the master.
    """
    ears = None if branch.profile.fake else ears_for(branch.profile.transcribe, branch.language, paid=True)
    given = _Given(
        source=work.script,
        dub=script,
        laid=laid,
        facts=work.facts,
        master=packed.master,
        loudness=packed.loudness,
        clocks=_compared(branch, work, laid, picture, mixed),
        original=work.original,
        dialogue=work.dialogue,
        bed=work.bed,
        speech=work.speech,
        client_bed=work.client_bed,
        figures=_untimed(picture.figures),
        kept=mixed.made.kept if mixed.made else (),
        preset=loudness_presets()[branch.profile.loudness],
        waivers=branch.profile.waivers,
        srt=packed.srt if branch.profile.subtitles.guided else None,
        ears=ears,
        marked=marked.lines if marked else (),
        heard=heard,
    )
    return Computation(given, _checked, Checked)


def _checked(given: _Given, space: Work) -> StepOutput[Checked]:
    from tasks.qc.intelligibility import lost_lines, understandings
    from tasks.qc.qc import check

    evidence = _evidence(given, space)
    sheet = check(evidence)
    out = space.folder / "qc.json"
    out.write_text(json.dumps(sheet, indent=2, ensure_ascii=False) + "\n", "utf-8")
    judged = understandings(given.dub, evidence.recogniser)
    notes = lost_lines(given.dub, evidence.recogniser, judged)
    if evidence.recogniser and evidence.recogniser.note:
        notes.append(f"The dub was {evidence.recogniser.note}.")
    return StepOutput(Checked(qc=space.keep(out), sheet=sheet), tuple(notes))


def _evidence(given: _Given, space: Work) -> Evidence:
    from tasks.qc.master import master_times
    from tasks.qc.sync import av_offset
    from tasks.sound.loudness import measure_curve
    from tasks.sound.speech_activity import speech_of
    from tasks.sound.stem_speech import speech_in
    from tasks.words.delivered import read_back

    fake, picture, preset = given.ears is None, given.facts.picture, given.preset
    master, dialogue = path_of(given.master), path_of(given.laid.dialogue)
    spoken = None if fake else speech_in(dialogue, space.folder / "dub-speech.wav")
    delivered = None if fake else measure_curve(master)
    return Evidence(
        source=given.source,
        dub=given.dub,
        placements=given.laid.placements,
        duration_ms=given.facts.duration_ms,
        preset=preset,
        loudness=given.loudness,
        dialogue_lufs=delivered.during(spoken) if delivered and preset.dialogue and spoken else None,
        delivered=delivered,
        original=None if fake else measure_curve(path_of(given.original)),
        source_speech=None if fake else speech_of(path_of(given.speech)),
        dub_speech=spoken,
        dialogue=dialogue,
        bed=path_of(given.bed),
        original_dialogue=path_of(given.dialogue),
        original_sound=path_of(given.original),
        client_bed=given.client_bed,
        master=master_times(master),
        frame_rate=picture.frame_rate if picture else None,
        picture_start_ms=picture.start_ms if picture else 0,
        av_offset=av_offset(given.clocks.local(master), space.folder),
        lipsync=given.figures,
        recogniser=None if given.ears is None else _recogniser(given.ears, given, dialogue, space.store),
        recorded=_recorded(given.laid),
        subtitles=read_back(path_of(given.srt)) if given.srt else None,
        kept=given.kept,
        marked=given.marked,
        heard=given.heard,
        waivers=given.waivers,
    )


@dataclass(frozen=True)
class _Tracks:
    video: Asset
    first: int  # number of the first dub's track
    dubs: tuple[tuple[str, Asset], ...]
    multi: Asset
    waiver: str
    seen: bool


@step_task("qc-multi")
def qc_multi(
    run: Run, video: Asset, facts: MediaFacts, branches: Sequence[BranchResult], multi: Asset
) -> Computation[_Tracks, TrackGates]:
    """The gate ``av_offset_ms`` of every dub in the multi-track master, by language.

    Args:
        run: the title.
        video: the source.
        facts: of the source.
        branches: whose dubs are in it, in the order of their tracks.
        multi: the file.
    """
    dubs = tuple((branch.language, branch.audio) for branch in branches if branch.audio)
    waiver, seen = run.profile.waivers.get("av_offset_ms", ""), not facts.sound_only
    given = _Tracks(video, len(facts.audio), dubs, multi, waiver, seen)
    return Computation(given, _tracks_checked, TrackGates)


def _tracks_checked(given: _Tracks, space: Work) -> StepOutput[TrackGates]:
    from tasks.qc.gates import judge_av_offset
    from tasks.qc.sync import track_offsets

    tracks = {number: path_of(audio) for number, (_, audio) in enumerate(given.dubs, start=given.first)}
    measured = dict.fromkeys(tracks, NO_PICTURE)
    if given.seen:
        measured = track_offsets(path_of(given.video), path_of(given.multi), tracks, space.folder)
    gates = {
        tag: judge_av_offset(measured[track], given.waiver) for track, (tag, _) in zip(tracks, given.dubs, strict=True)
    }
    notes = tuple(_off(tag, gate) for tag, gate in gates.items() if gate.status in _TOLD)
    return StepOutput(TrackGates(gates=gates), notes)


def _off(language: str, gate: Gate) -> str:
    value = gate.value or 0.0
    late = "late" if value > 0 else "early"
    waived = f" (waived: {gate.waiver})" if gate.waiver else ""
    return f"Multi-track master: the sound of {language} is {abs(value):.0f} ms {late} against the picture{waived}."


def _compared(branch: Branch, work: SharedWork, laid: Laid, picture: Pictured, mixed: Mixed) -> _Compared:
    """A title's own sound and picture, or those of a service's film of it, and what came of them."""
    from tasks.media import default_track

    if picture.film is not None:
        return _Compared(picture.film, "a:0", (laid.dialogue,), laid.dialogue, True)
    track = default_track(work.facts)
    stems = (work.original,) if branch.title.bed else (work.dialogue, work.bed)
    seen = not work.facts.sound_only
    return _Compared(work.video, None if track is None else str(track), stems, mixed.mix, seen)


def _recorded(laid: Laid) -> dict[str, Any] | None:
    """What an ingest found; None after a fit."""
    return None if laid.ingest is None else dict(json.loads(path_of(laid.ingest).read_text("utf-8")))


def _untimed(report: dict[str, Any]) -> dict[str, Any]:
    """The lip-sync report without what differs from run to run: the same input gives the same sheet."""
    return {name: report[name] for name in sorted(report) if name not in _TIMES}


def _recogniser(ears: Ears, given: _Given, dialogue: Path, store: Store) -> Recogniser:
    """What is heard in the delivered dialogue where each line lies."""
    if ears.listener is None:
        return Recogniser("", None, note=ears.deaf)
    texts = {line.id: line.text for line in given.dub.lines}
    laid = [one for one in given.laid.placements if one.line in texts]
    clips = [partial(clip_of, dialogue, one.start_ms - _AROUND_MS, one.end_ms + _AROUND_MS) for one in laid]
    try:
        heard = hear_lines(ears, [texts[one.line] for one in laid], clips, store)
    except (
        PermanentError,
        ProviderBusyError,
    ) as error:  # a dub is delivered without this figure rather than not at all
        return Recogniser(ears.name, None, note=f"not heard: {error.what.rstrip('.')}")
    return Recogniser(ears.name, {one.line: line.text for one, line in zip(laid, heard, strict=True)}, ears.advisory)
