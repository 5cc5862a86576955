"""The Prefect task of `tasks.qc`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from configs.loudness import loudness_presets
from tasks.fit.task import placements_of
from tasks.model import Asset, BranchResult, Gate, Loudness, MediaFacts, Run, Script, SharedWork, StepRecord
from tasks.qc import VERSION
from tasks.qc.evidence import Evidence, Recogniser, Spans
from tasks.step import Made, Work, remember, step_task
from tasks.transcribe import listening, transcriber

if TYPE_CHECKING:
    from tasks.qc.sync import Clocks

#: Backends of transcription that do not listen.
_NOT_HEARING = ("fake", "subtitles")
#: Of these the user is told.
_TOLD = ("warn", "fail")
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
        from tasks.mix.loudness import measure_curve
        from tasks.qc.master import master_times
        from tasks.qc.qc import check
        from tasks.qc.sync import av_offset

        preset = loudness_presets()[run.profile.loudness]
        master, dialogue = packed.outputs["master"].path, laid.outputs["dialogue"].path
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
            original=None if run.profile.fake else measure_curve(work.original.path),
            source_speech=None if run.profile.fake else _spans(work.speech.path),
            dub_speech=spoken,
            dialogue=dialogue,
            bed=work.bed.path,
            original_dialogue=work.dialogue.path,
            separated=run.title.bed is None,
            master=master_times(master),
            frame_rate=work.facts.picture.frame_rate if work.facts.picture else None,
            picture_start_ms=work.facts.picture.start_ms if work.facts.picture else 0,
            av_offset=av_offset(_clocks(run, work, laid, picture, mixed, master), space.folder),
            lipsync=_untimed(picture.value),
            recogniser=_recogniser(run, space.folder),
            recorded=_recorded(laid),
            kept=tuple((start, end) for start, end in mixed.value["mix"]["kept"]),
            waivers=run.profile.waivers,
        )
        value = check(evidence)
        out = space.folder / "qc.json"
        out.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", "utf-8")
        return Made(outputs={"qc": out}, value=value)

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
        "heard_by": None if run.profile.fake else listening(run.profile.transcribe, run.language).backend.fingerprint(),
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

        tracks = {number: audio.path for number, (_, audio) in enumerate(dubs, start=len(facts.audio))}
        measured = track_offsets(video.path, multi.path, tracks, space.folder)
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

    film, dialogue = picture.outputs.get("film"), laid.outputs["dialogue"].path
    if film is not None:
        return Clocks(source=film.path, track="a:0", stems=(dialogue,), mix=dialogue, master=master)
    track = default_track(work.facts)
    stems = (work.original,) if run.title.bed else (work.dialogue, work.bed)
    return Clocks(
        source=work.video.path,
        track=None if track is None else str(track),
        stems=tuple(stem.path for stem in stems),
        mix=mixed.outputs["mix"].path,
        master=master,
    )


def _recorded(laid: StepRecord) -> dict[str, Any] | None:
    """What an ingest found; None after a fit."""
    found = laid.outputs.get("ingest")
    return None if found is None else dict(json.loads(found.path.read_text("utf-8")))


def _untimed(report: dict[str, Any]) -> dict[str, Any]:
    """The lip-sync report without what differs from run to run: the same input gives the same sheet."""
    return {name: report[name] for name in sorted(report) if name not in _TIMES}


def _spans(audio16k: Path) -> Spans:
    from tasks.speech_activity import speech_spans

    return tuple(speech_spans(audio16k))


def _dub_spans(dialogue: Path, folder: Path) -> Spans:
    from tasks.media import speech_copy

    speech = folder / "dub-speech.wav"
    speech_copy(dialogue, speech)
    return _spans(speech)


def _recogniser(run: Run, folder: Path) -> Recogniser | None:
    """The profile's own recogniser where it knows the language.

    PocketSphinx, which is all that works without a download, knows English and is rough: it warns and never fails a
    dub. A script that came from a file or an invented one names no recogniser; PocketSphinx stands in for it.
    """
    from configs.languages import primary

    language = primary(run.language)
    if run.profile.fake:
        return None
    listener = listening(run.profile.transcribe, language).backend
    known = listener.facts.languages
    if listener.facts.name in _NOT_HEARING or (known is not None and language not in known):
        if language != "en":
            return None
        listener = transcriber("pocketsphinx", {})
    from tasks.media import speech_copy
    from tasks.progress import silent

    def hear(wav: Path) -> str:
        speech = folder / "recognised.wav"
        speech_copy(wav, speech)
        heard = listener.transcribe(speech, language, silent)
        return " ".join(line.text for line in heard.lines)

    name = listener.facts.name
    return Recogniser(name=name, transcribe=hear, advisory=name == "pocketsphinx")
