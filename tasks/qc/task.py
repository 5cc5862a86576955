"""The Prefect task of `tasks.qc`."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from configs.loudness import loudness_presets
from tasks.keep.assets import path_of
from tasks.keep.store import Store
from tasks.qc import VERSION
from tasks.qc.evidence import Evidence, Recogniser, Spans
from tasks.records.errors import PermanentError, ProviderBusyError
from tasks.records.model import (
    Asset,
    BranchResult,
    Gate,
    Loudness,
    MediaFacts,
    Placement,
    Run,
    Script,
    SharedWork,
    StepRecord,
)
from tasks.records.spoken import placements_of
from tasks.step.prefect import step_task
from tasks.step.run import Made, Work, remember
from tasks.understood.ears import clip_of, ears_for
from tasks.understood.lines import hear_lines

if TYPE_CHECKING:
    from tasks.qc.sync import Clocks

#: Of these the user is told.
_TOLD = ("warn", "fail")
_AROUND_MS = 100  # before and after a line: a take is cut close
_TIMES = ("fps", "seconds", "peak_rss_mb", "peak_vram_mb")


@step_task("qc")
def qc(
    run: Run,
    work: SharedWork,
    script: Script,
    laid: StepRecord,
    picture: StepRecord,
    mixed: StepRecord,
    packed: StepRecord,
) -> StepRecord:
    """Output ``qc`` (JSON), the same as value: figures, gates, and the branch's ``state``."""

    def compute(space: Work) -> Made:
        from tasks.qc.intelligibility import lost_lines, understandings
        from tasks.qc.master import master_times
        from tasks.qc.qc import check
        from tasks.qc.sync import av_offset
        from tasks.sound.loudness import measure_curve

        preset = loudness_presets()[run.profile.loudness]
        master, dialogue = path_of(packed.outputs["master"]), path_of(laid.outputs["dialogue"])
        spoken = None if run.profile.fake else _dub_spans(dialogue, space.folder)
        delivered = None if run.profile.fake else measure_curve(master)
        evidence = Evidence(
            source=work.script,
            dub=script,
            placements=placements_of(laid),
            duration_ms=work.facts.duration_ms,
            preset=preset,
            loudness=Loudness.model_validate(packed.value["loudness"]),
            dialogue_lufs=delivered.during(spoken) if delivered and preset.dialogue and spoken else None,
            delivered=delivered,
            original=None if run.profile.fake else measure_curve(path_of(work.original)),
            source_speech=None if run.profile.fake else _spans(path_of(work.speech)),
            dub_speech=spoken,
            dialogue=dialogue,
            bed=path_of(work.bed),
            original_dialogue=path_of(work.dialogue),
            separated=run.title.bed is None,
            master=master_times(master),
            frame_rate=work.facts.picture.frame_rate if work.facts.picture else None,
            picture_start_ms=work.facts.picture.start_ms if work.facts.picture else 0,
            av_offset=av_offset(_clocks(run, work, laid, picture, mixed, master), space.folder),
            lipsync=_untimed(picture.value),
            recogniser=None if run.profile.fake else _recogniser(run, script, placements_of(laid), dialogue),
            recorded=_recorded(laid),
            kept=tuple((start, end) for start, end in mixed.value["mix"]["kept"]),
            waivers=run.profile.waivers,
        )
        value = check(evidence)
        out = space.folder / "qc.json"
        out.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", "utf-8")
        judged = understandings(script, evidence.recogniser)
        notes = lost_lines(script, evidence.recogniser, judged)
        if evidence.recogniser and evidence.recogniser.note:
            notes.append(f"The dub was {evidence.recogniser.note}.")
        return Made(outputs={"qc": out}, value=value, notes=tuple(notes))

    inputs = {
        "source": work.script,
        "bed": work.bed,
        "video": picture.outputs.get("film", work.video),
        "mix": mixed.outputs.get("mix"),
        "original": work.dialogue,
        "programme": work.original,
        "dub": script,
        "laid": laid.outputs,
        "placements": laid.value,
        "lipsync": _untimed(picture.value),
        "kept": mixed.value["mix"]["kept"],
        "master": packed.outputs["master"],
        "client_bed": run.title.bed,
    }
    settings = {
        "loudness": loudness_presets()[run.profile.loudness],
        "waivers": run.profile.waivers,
        "transcribe": run.profile.transcribe,
        "heard_by": None
        if run.profile.fake
        else ears_for(run.profile.transcribe, run.language, paid=True).fingerprint(),
        "fake": run.profile.fake,
    }
    return remember(run, "qc", VERSION, compute, settings=settings, inputs=inputs)


@step_task("qc-multi")
def qc_multi(run: Run, video: Asset, facts: MediaFacts, branches: Sequence[BranchResult], multi: Asset) -> StepRecord:
    """The gate ``av_offset_ms`` of every dub in the multi-track master, by language, as value.

    Args:
        run: the title.
        video: the source.
        facts: of the source.
        branches: whose dubs are in it, in the order of their tracks.
        multi: the file.
    """
    dubs = [(branch.language, branch.audio) for branch in branches if branch.audio]
    waiver = run.profile.waivers.get("av_offset_ms", "")

    def compute(space: Work) -> Made:
        from tasks.qc.gates import judge_av_offset
        from tasks.qc.sync import track_offsets

        tracks = {number: path_of(audio) for number, (_, audio) in enumerate(dubs, start=len(facts.audio))}
        measured = track_offsets(path_of(video), path_of(multi), tracks, space.folder)
        gates = {tag: judge_av_offset(measured[track], waiver) for track, (tag, _) in zip(tracks, dubs, strict=True)}
        value = {tag: gate.model_dump(mode="json") for tag, gate in gates.items()}
        return Made(value=value, notes=tuple(_off(tag, gate) for tag, gate in gates.items() if gate.status in _TOLD))

    inputs = {"video": video, "tracks": len(facts.audio), "dubs": dubs, "multi": multi}
    return remember(run, "qc-multi", VERSION, compute, settings={"waiver": waiver}, inputs=inputs)


def _off(language: str, gate: Gate) -> str:
    value = gate.value or 0.0
    late = "late" if value > 0 else "early"
    waived = f" (waived: {gate.waiver})" if gate.waiver else ""
    return f"Multi-track master: the sound of {language} is {abs(value):.0f} ms {late} against the picture{waived}."


def _clocks(
    run: Run, work: SharedWork, laid: StepRecord, picture: StepRecord, mixed: StepRecord, master: Path
) -> "Clocks":
    """A title's own sound and picture, or those of a service's film of it, and what came of them."""
    from tasks.media import default_track
    from tasks.qc.sync import Clocks

    film, dialogue = picture.outputs.get("film"), path_of(laid.outputs["dialogue"])
    if film is not None:
        return Clocks(source=path_of(film), track="a:0", stems=(dialogue,), mix=dialogue, master=master)
    track = default_track(work.facts)
    stems = (work.original,) if run.title.bed else (work.dialogue, work.bed)
    return Clocks(
        source=path_of(work.video),
        track=None if track is None else str(track),
        stems=tuple(path_of(stem) for stem in stems),
        mix=path_of(mixed.outputs["mix"]),
        master=master,
    )


def _recorded(laid: StepRecord) -> dict[str, Any] | None:
    """What an ingest found; None after a fit."""
    found = laid.outputs.get("ingest")
    return None if found is None else dict(json.loads(path_of(found).read_text("utf-8")))


def _untimed(report: dict[str, Any]) -> dict[str, Any]:
    """The lip-sync report without what differs from run to run: the same input gives the same sheet."""
    return {name: report[name] for name in sorted(report) if name not in _TIMES}


def _spans(audio16k: Path) -> Spans:
    from tasks.sound.speech_activity import speech_spans

    return tuple(speech_spans(audio16k))


def _dub_spans(dialogue: Path, folder: Path) -> Spans:
    from tasks.media import speech_copy

    speech = folder / "dub-speech.wav"
    speech_copy(dialogue, speech)
    return _spans(speech)


def _recogniser(run: Run, script: Script, placements: tuple[Placement, ...], dialogue: Path) -> Recogniser:
    """What is heard in the delivered dialogue where each line lies."""
    ears = ears_for(run.profile.transcribe, run.language, paid=True)
    if ears.listener is None:
        return Recogniser("", None, note=ears.deaf)
    texts = {line.id: line.text for line in script.lines}
    laid = [one for one in placements if one.line in texts]
    clips = [partial(clip_of, dialogue, one.start_ms - _AROUND_MS, one.end_ms + _AROUND_MS) for one in laid]
    try:
        heard = hear_lines(ears, [texts[one.line] for one in laid], clips, Store(Path(run.store)))
    except (
        PermanentError,
        ProviderBusyError,
    ) as error:  # a dub is delivered without this figure rather than not at all
        return Recogniser(ears.name, None, note=f"not heard: {error.what.rstrip('.')}")
    return Recogniser(ears.name, {one.line: line.text for one, line in zip(laid, heard, strict=True)}, ears.advisory)
