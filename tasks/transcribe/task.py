"""The Prefect task of `tasks.transcribe`: the user's subtitles where there are any, else a backend."""

from dataclasses import dataclass

from tasks.keep.assets import path_of
from tasks.keep.store import unkeyed
from tasks.records.record import Asset
from tasks.records.script import Script
from tasks.records.title import Run
from tasks.step.prefect import step_task
from tasks.step.run import Computation, StepOutput, Work
from tasks.transcribe import Transcriber, listening
from tasks.transcribe.bounds import moved, within


@dataclass(frozen=True)
class _Extent:
    """What of a script counts: ``title`` names it in messages, ``preview`` says that it was cut short on purpose."""

    duration_ms: int
    preview: bool
    title: str = unkeyed()


@dataclass(frozen=True)
class _Subtitled:
    subtitles: Asset
    language: str | None
    extent: _Extent
    realigned_to: Asset | None
    starts_ms: int  # where a preview does, on the subtitles' clock


@dataclass(frozen=True)
class _Heard:
    speech: Asset
    language: str | None
    extent: _Extent
    backend: Transcriber
    instead: tuple[str, ...]  # why it is not another backend


@step_task("transcribe")
def transcribe(
    run: Run, speech: Asset, duration_ms: int
) -> Computation[_Subtitled, Script] | Computation[_Heard, Script]:
    """The source script.

    Args:
        run: title and profile.
        speech: 16 kHz mono dialogue.
        duration_ms: of the title; lines beyond it are dropped or shortened.
    """
    title = run.title
    extent = _Extent(duration_ms, bool(title.preview_ms), title.source)
    if title.subtitles is not None:
        realigned_to = speech if run.profile.realign else None
        read = _Subtitled(title.subtitles, title.source_language, extent, realigned_to, title.preview_start_ms)
        return Computation(read, _read, Script)
    chosen = listening(run.profile.transcribe, title.source_language)
    heard = _Heard(speech, title.source_language, extent, chosen.backend, tuple(chosen.notes))
    return Computation(heard, _listened, Script, uses=[chosen.backend.facts])


def _read(given: _Subtitled, work: Work) -> StepOutput[Script]:
    from tasks.transcribe.subtitles import read_script

    script = moved(read_script(path_of(given.subtitles), given.language), -given.starts_ms)
    if given.realigned_to is not None:
        script = _realigned(script, given.realigned_to, given.extent.duration_ms, work)
    return _inside(script, given.extent)


def _listened(given: _Heard, work: Work) -> StepOutput[Script]:
    script = given.backend.transcribe(path_of(given.speech), given.language, work.progress)
    return _inside(script.model_copy(update={"notes": (*given.instead, *script.notes)}), given.extent)


def _inside(script: Script, extent: _Extent) -> StepOutput[Script]:
    inside = within(script, extent.duration_ms, extent.title, preview=extent.preview)
    return StepOutput(inside, inside.notes)


def _realigned(script: Script, speech: Asset, duration_ms: int, work: Work) -> Script:
    from tasks.sound.speech_activity import speech_spans
    from tasks.transcribe.realign import realigned

    return realigned(script, speech_spans(path_of(speech), progress=work.progress), duration_ms)
