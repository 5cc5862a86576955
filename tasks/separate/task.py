"""The Prefect task of `tasks.separate`: the title's sound on the player's clock, and its two stems."""

from tasks.keep.assets import path_of
from tasks.records.model import Asset, MediaFacts, Run, StepRecord
from tasks.separate import VERSION, separator
from tasks.step.prefect import step_task
from tasks.step.run import Made, Work, remember


@step_task("separate")
def separate(run: Run, video: Asset, facts: MediaFacts) -> StepRecord:
    """Outputs ``original``, ``dialogue`` and ``bed`` (48 kHz stereo) and ``speech`` (16 kHz mono).

    The bed of a 5.1 title is 5.1. The client's M&E, where given, is the bed. A title without sound has silent stems.
    """
    settings = run.profile.separate
    backend = separator(settings.backend, settings.options)

    def compute(work: Work) -> Made:
        from tasks import media
        from tasks.separate.client_bed import client_bed
        from tasks.separate.surround import is_surround, separate_surround

        files = {role: work.folder / f"{role}.wav" for role in ("original", "dialogue", "bed", "speech")}
        if facts.audio:
            media.extract_audio(path_of(video), facts, None, files["original"])
            if is_surround(facts):
                surround = work.folder / "surround.wav"
                media.extract_audio(path_of(video), facts, None, surround, layout="5.1")
                notes = separate_surround(backend, surround, files["dialogue"], files["bed"], work.progress)
            else:
                notes = backend.separate(files["original"], files["dialogue"], files["bed"], work.progress)
        else:
            for role in ("original", "dialogue", "bed"):
                media.silent_audio(facts.duration_ms, files[role])
            notes = ("The title has no sound of its own: dialogue and bed are silent.",)
        if run.title.bed is not None:
            client_bed(path_of(run.title.bed), facts.duration_ms, files["bed"])
            notes = (*notes, "The bed is the client's M&E, not a separated one.")
        media.speech_copy(files["dialogue"], files["speech"])
        return Made(outputs=files, notes=notes)

    inputs = {"video": video, "bed": run.title.bed}
    return remember(
        run, "separate", VERSION, compute, backend=backend.fingerprint(), inputs=inputs, uses=[backend.facts]
    )
