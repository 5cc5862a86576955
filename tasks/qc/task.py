"""The Prefect task of `tasks.qc`."""

import json
from pathlib import Path
from typing import Any

from configs.loudness import loudness_presets
from tasks.fit.task import placements_of
from tasks.model import Loudness, Run, Script, SharedWork, StepRecord
from tasks.qc import VERSION
from tasks.qc.evidence import Evidence, Recogniser, Spans
from tasks.step import Made, Work, remember, step_task

_TIMES = ("fps", "seconds", "peak_rss_mb", "peak_vram_mb")


@step_task("qc")
def qc(
    run: Run, work: SharedWork, script: Script, laid: StepRecord, picture: StepRecord, packed: StepRecord
) -> StepRecord:
    """Output ``qc`` (JSON), the same as value: figures, gates, and the branch's ``state``."""

    def compute(space: Work) -> Made:
        from tasks.qc.master import master_times
        from tasks.qc.qc import check

        master, dialogue = packed.outputs["master"].path, laid.outputs["dialogue"].path
        evidence = Evidence(
            source=work.script,
            dub=script,
            placements=placements_of(laid),
            duration_ms=work.facts.duration_ms,
            preset=loudness_presets()[run.profile.loudness],
            loudness=Loudness.model_validate(packed.value["loudness"]),
            source_speech=None if run.profile.fake else _spans(work.speech.path),
            dub_speech=None if run.profile.fake else _dub_spans(dialogue, space.folder),
            dialogue=dialogue,
            bed=work.bed.path,
            original_dialogue=work.dialogue.path,
            separated=run.title.bed is None,
            master=master_times(master),
            frame_rate=work.facts.picture.frame_rate if work.facts.picture else None,
            lipsync=_untimed(picture.value),
            recogniser=_recogniser(run, space.folder),
        )
        value = check(evidence)
        out = space.folder / "qc.json"
        out.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", "utf-8")
        return Made(outputs={"qc": out}, value=value)

    inputs = {
        "source": work.script,
        "bed": work.bed,
        "original": work.dialogue,
        "dub": script,
        "laid": laid.outputs,
        "placements": laid.value,
        "lipsync": _untimed(picture.value),
        "master": packed.outputs["master"],
        "client_bed": run.title.bed,
    }
    settings = {"loudness": run.profile.loudness, "fake": run.profile.fake}
    return remember(run, "qc", VERSION, compute, settings=settings, inputs=inputs)


def _untimed(report: dict[str, Any]) -> dict[str, Any]:
    """The lip-sync report without what differs from run to run: the same input gives the same sheet."""
    return {name: value for name, value in report.items() if name not in _TIMES}


def _spans(audio16k: Path) -> Spans:
    from tasks.speech_activity import speech_spans

    return tuple(speech_spans(audio16k))


def _dub_spans(dialogue: Path, folder: Path) -> Spans:
    from tasks.media import speech_copy

    speech = folder / "dub-speech.wav"
    speech_copy(dialogue, speech)
    return _spans(speech)


def _recogniser(run: Run, folder: Path) -> Recogniser | None:
    """Only English can be recognised without a download; the recogniser is rough, so it warns and never fails a dub."""
    if run.profile.fake or not (run.language == "en" or run.language.startswith("en-")):
        return None
    from tasks.media import speech_copy
    from tasks.progress import silent
    from tasks.transcribe import transcriber

    def hear(wav: Path) -> str:
        speech = folder / "recognised.wav"
        speech_copy(wav, speech)
        heard = transcriber("pocketsphinx", {}).transcribe(speech, "en", silent)
        return " ".join(line.text for line in heard.lines)

    return Recogniser(name="pocketsphinx", transcribe=hear, advisory=True)
