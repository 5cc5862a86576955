"""The Prefect task of `tasks.synthesize`: only lines that the store does not know are spoken."""

from pathlib import Path

from tasks.model import Asset, Run, Script, StepRecord, Take
from tasks.step import Made, Work, remember, step_task
from tasks.store import Store
from tasks.synthesize import VERSION, synthesizer
from tasks.synthesize.references import reference_clips
from tasks.synthesize.takes import Booth


@step_task("synthesize")
def synthesize(run: Run, script: Script, source: Script, dialogue: Asset) -> StepRecord:
    """The takes of every line, as the record's value.

    Args:
        run: title, profile and language.
        script: the dub's script.
        source: the source script, whose speakers choose the voices.
        dialogue: the source's dialogue stem, for cloning backends.
    """
    settings = run.profile.synthesize
    backend = synthesizer(settings.backend, settings.options)

    def compute(work: Work) -> Made:
        booth = open_booth(run, source, dialogue, work.folder)
        spoken = [line for line in script.lines if line.text.strip()]
        silent = [f"Line {line.id} has no text: it stays silent." for line in script.lines if not line.text.strip()]
        paces = booth.paces(spoken, run.profile.pace)
        takes: list[Take] = []
        for number, line in enumerate(spoken):
            work.progress(number / len(spoken))
            takes.append(booth.paced(line, paces[line.speaker], run.profile.pace))
        return Made(
            outputs={f"take-{take.line}": take.audio for take in takes},
            value={"takes": [take.model_dump(mode="json") for take in takes], "voices": booth.voices, "paces": paces},
            notes=(*silent, *_notes(booth, paces)),
            hits=len(spoken) - len(booth.fresh),
            parts=len(script.lines),
        )

    inputs = {
        "script": script.lines,
        "language": run.language,
        "speakers": source.speakers,
        "dialogue": dialogue if backend.facts.clones else None,
    }
    return remember(
        run, "synthesize", VERSION, compute, settings=run.profile.pace, backend=backend.fingerprint(), inputs=inputs
    )


def open_booth(run: Run, source: Script, dialogue: Asset, folder: Path) -> Booth:
    """The voices of a branch, ready to speak.

    Args:
        run: title, profile and language.
        source: the source script, whose speakers choose the voices.
        dialogue: the source's dialogue stem, for cloning backends.
        folder: for files in the making.
    """
    settings = run.profile.synthesize
    backend = synthesizer(settings.backend, settings.options)
    references = reference_clips(dialogue.path, source, folder) if backend.facts.clones else {}
    voices = backend.voices(run.language, source.speakers, references)
    return Booth(Store(Path(run.store)), backend, run.language, voices, references, folder)


def takes_of(record: StepRecord) -> tuple[Take, ...]:
    """The takes in the record of a synthesize or an adapt step."""
    return tuple(Take.model_validate(take) for take in record.value["takes"])


def _notes(booth: Booth, paces: dict[str, float]) -> list[str]:
    voiced = ", ".join(
        f"{speaker} is {voice}" + (f" at {paces[speaker]:g} of its pace" if paces[speaker] != 1 else "")
        for speaker, voice in booth.voices.items()
    )
    one_pace = f"{booth.backend.facts.name} speaks at one pace: lines are fitted by stretching alone."
    return [f"Voices: {voiced}.", *([] if booth.backend.facts.paces else [one_pace])]
