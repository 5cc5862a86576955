"""The Prefect task of `tasks.transcribe`: the user's subtitles where there are any, else a backend."""

from tasks.errors import UnsupportedError
from tasks.model import Asset, Line, Run, Script, StepRecord
from tasks.step import Made, Work, remember, step_task
from tasks.transcribe import VERSION, transcriber


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

            script = read_script(subtitles.path, title.source_language)
            if run.profile.realign:
                script = _realigned(script, speech, duration_ms, work)
            return Made(value=_within(script, duration_ms, title.source).model_dump(mode="json"), notes=script.notes)

        inputs = {
            "subtitles": subtitles,
            "language": title.source_language,
            "duration_ms": duration_ms,
            "realigned_to": speech if run.profile.realign else None,
        }
        return remember(run, "transcribe", VERSION, read, backend="subtitles", inputs=inputs)

    backend = transcriber(settings.backend, settings.options)

    def listen(work: Work) -> Made:
        script = backend.transcribe(speech.path, title.source_language, work.progress)
        return Made(value=_within(script, duration_ms, title.source).model_dump(mode="json"), notes=script.notes)

    inputs = {"speech": speech, "language": title.source_language, "duration_ms": duration_ms}
    return remember(
        run, "transcribe", VERSION, listen, backend=backend.fingerprint(), inputs=inputs, uses=[backend.facts]
    )


def _realigned(script: Script, speech: Asset, duration_ms: int, work: Work) -> Script:
    from tasks.speech_activity import speech_spans
    from tasks.transcribe.realign import realigned

    return realigned(script, speech_spans(speech.path, progress=work.progress), duration_ms)


def _within(script: Script, duration_ms: int, source: str) -> Script:
    lines = [
        Line(**{**dict(line), "id": number, "end_ms": min(line.end_ms, duration_ms)})
        for number, line in enumerate((line for line in script.lines if line.start_ms < duration_ms), start=1)
    ]
    if not lines:
        raise UnsupportedError(
            f"No speech was found in {source}.", "Give the words with --subtitles, or try another transcribe backend."
        )
    kept = tuple(
        passage.model_copy(update={"end_ms": min(passage.end_ms, duration_ms)})
        for passage in script.kept
        if passage.start_ms < duration_ms
    )
    return script.model_copy(update={"lines": tuple(lines), "kept": kept})
