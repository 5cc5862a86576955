"""The Prefect task of `tasks.separate`: the title's sound on the player's clock, and its two stems."""

from dataclasses import dataclass

from tasks.keep.assets import path_of
from tasks.records.made import Separated
from tasks.records.model import Asset, MediaFacts, Run, StepRecord
from tasks.separate import VERSION, Separator, separator
from tasks.step.prefect import step_task
from tasks.step.run import StepOutput, Work, remember


@dataclass(frozen=True)
class _Given:
    video: Asset
    facts: MediaFacts
    bed: Asset | None
    backend: Separator


@step_task("separate")
def separate(run: Run, video: Asset, facts: MediaFacts) -> StepRecord[Separated]:
    """The original sound, and its two stems; silent ones of a title without sound.

    The client's M&E, where given, is the bed.
    """
    backend = separator(run.profile.separate.backend, run.profile.separate.options)
    given = _Given(video, facts, run.title.bed, backend)
    return remember(run, "separate", VERSION, given, _separated, Separated, uses=[backend.facts])


def _separated(given: _Given, work: Work) -> StepOutput[Separated]:
    from tasks import media
    from tasks.separate.client_bed import client_bed
    from tasks.separate.surround import is_surround, separate_surround

    facts, video = given.facts, path_of(given.video)
    original, dialogue, bed, speech = (work.folder / f"{role}.wav" for role in Separated.model_fields)
    if facts.audio:
        media.extract_audio(video, facts, None, original)
        if is_surround(facts):
            surround = work.folder / "surround.wav"
            media.extract_audio(video, facts, None, surround, layout="5.1")
            notes = separate_surround(given.backend, surround, dialogue, bed, work.progress)
        else:
            notes = given.backend.separate(original, dialogue, bed, work.progress)
    else:
        for silent in (original, dialogue, bed):
            media.silent_audio(facts.duration_ms, silent)
        notes = ("The title has no sound of its own: dialogue and bed are silent.",)
    if given.bed is not None:
        client_bed(path_of(given.bed), facts.duration_ms, bed)
        notes = (*notes, "The bed is the client's M&E, not a separated one.")
    media.speech_copy(dialogue, speech)
    made = Separated(
        original=work.keep(original), dialogue=work.keep(dialogue), bed=work.keep(bed), speech=work.keep(speech)
    )
    return StepOutput(made, notes)
