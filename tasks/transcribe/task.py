"""The Prefect task of `tasks.transcribe`: the user's subtitles where there are any, else a backend."""

from typing import Any

from tasks.keep.assets import path_of
from tasks.records.model import Asset, Run, Script, StepRecord, Title
from tasks.step.prefect import step_task
from tasks.step.run import Made, Work, remember
from tasks.transcribe import VERSION, listening
from tasks.transcribe.bounds import within


@step_task("transcribe")
def transcribe(run: Run, speech: Asset, duration_ms: int) -> StepRecord:
    """The source script as the record's value.

    Args:
        run: title and profile.
        speech: 16 kHz mono dialogue.
        duration_ms: of the title; lines beyond it are dropped or shortened.
    """
    title, settings = run.title, run.profile.transcribe
    if title.subtitles is not None:
        subtitles = title.subtitles

        def read(work: Work) -> Made:
            from tasks.transcribe.subtitles import read_script

            script = read_script(path_of(subtitles), title.source_language)
            if run.profile.realign:
                script = _realigned(script, speech, duration_ms, work)
            return _made(script, duration_ms, title)

        inputs = {
            "subtitles": subtitles,
            "language": title.source_language,
            "duration_ms": duration_ms,
            "preview": bool(title.preview_ms),
            "realigned_to": speech if run.profile.realign else None,
        }
        return remember(run, "transcribe", VERSION, read, backend="subtitles", inputs=inputs)

    chosen = listening(settings, title.source_language)
    backend = chosen.backend

    def listen(work: Work) -> Made:
        script = backend.transcribe(path_of(speech), title.source_language, work.progress)
        script = script.model_copy(update={"notes": (*chosen.notes, *script.notes)})
        return _made(script, duration_ms, title)

    heard: dict[str, Any] = {
        "speech": speech,
        "language": title.source_language,
        "duration_ms": duration_ms,
        "instead": list(chosen.notes),
    }
    return remember(
        run, "transcribe", VERSION, listen, backend=backend.fingerprint(), inputs=heard, uses=[backend.facts]
    )


def _made(script: Script, duration_ms: int, title: Title) -> Made:
    inside = within(script, duration_ms, title.source, preview=bool(title.preview_ms))
    return Made(value=inside.model_dump(mode="json"), notes=inside.notes)


def _realigned(script: Script, speech: Asset, duration_ms: int, work: Work) -> Script:
    from tasks.sound.speech_activity import speech_spans
    from tasks.transcribe.realign import realigned

    return realigned(script, speech_spans(path_of(speech), progress=work.progress), duration_ms)
