"""The Prefect task of `tasks.separate`: the title's sound on the player's clock, and its two stems."""

from dataclasses import dataclass

from configs.sound import IngestSettings
from tasks.keep.assets import path_of
from tasks.records.facts import MediaFacts
from tasks.records.made import Separated
from tasks.records.record import Asset
from tasks.records.title import Run
from tasks.separate import Separator, separator
from tasks.step.prefect import step_task
from tasks.step.run import Computation, StepOutput, Work


@dataclass(frozen=True)
class _Given:
    video: Asset
    facts: MediaFacts
    bed: Asset | None
    clock: IngestSettings | None  # of the bed; None: without one, or in a profile that invents its sound
    waived: tuple[str, ...]  # gates of the bed
    backend: Separator


@step_task("separate")
def separate(run: Run, video: Asset, facts: MediaFacts) -> Computation[_Given, Separated]:
    """The original sound, and its two stems; silent ones of a title without sound.

    The client's M&E, where given, is the bed.

    Args:
        run: the title.
        video: its file.
        facts: of that file.
    """
    backend = separator(run.profile.separate.backend, run.profile.separate.options)
    bed, profile = run.title.bed, run.profile
    clock = profile.ingest if bed and not profile.fake else None
    waived = tuple(sorted(gate for gate in profile.waivers if bed and gate == "bed_length_ms"))
    given = _Given(video, facts, bed, clock, waived, backend)
    return Computation(given, _separated, Separated, uses=[backend.facts])


def _separated(given: _Given, work: Work) -> StepOutput[Separated]:
    from tasks import media
    from tasks.separate.client_bed import take_client_bed
    from tasks.separate.surround import channels_heard, is_surround, separate_surround
    from tasks.separate.title_sound import TitleSound
    from tasks.sound.speech_activity import speech_spans

    facts, video = given.facts, path_of(given.video)
    original, dialogue, bed, speech, surround = (
        work.folder / f"{role}.wav" for role in ("original", "dialogue", "bed", "speech", "surround")
    )
    if facts.audio:
        media.extract_audio(video, facts, None, original)
        if is_surround(facts):
            media.extract_audio(video, facts, None, surround, layout="5.1")
            notes = separate_surround(given.backend, surround, dialogue, bed, work.progress)
        else:
            notes = given.backend.separate(original, dialogue, bed, work.progress)
    else:
        for silent in (original, dialogue, bed):
            media.silent_audio(facts.duration_ms, silent)
        silence = "its dialogue is" if given.bed else "dialogue and bed are"
        notes = (f"The title has no sound of its own: {silence} silent.",)
    media.speech_copy(dialogue, speech)
    client = None
    if given.bed is not None:
        title = TitleSound(
            programme=surround if surround.exists() else original,
            bed=bed,
            speech=tuple(speech_spans(speech)) if given.clock else None,
            duration_ms=facts.duration_ms,
            channels=channels_heard(facts),
        )
        bed = work.folder / "client-bed.wav"
        taken = take_client_bed(path_of(given.bed), title, given.clock or IngestSettings(), given.waived, bed)
        client, notes = taken.bed, taken.notes if facts.audio else (*notes, *taken.notes)
    made = Separated(
        original=work.keep(original),
        dialogue=work.keep(dialogue),
        bed=work.keep(bed),
        speech=work.keep(speech),
        client_bed=client,
    )
    return StepOutput(made, notes)
