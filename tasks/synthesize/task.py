"""The Prefect task of `tasks.synthesize`: only lines that the store does not know are spoken."""

from pathlib import Path

from tasks.model import Asset, Line, Run, Script, StepRecord, Take
from tasks.step import Made, Work, remember, step_task
from tasks.store import Store, file_sha256, step_key
from tasks.synthesize import VERSION, Synthesizer, synthesizer
from tasks.synthesize.references import reference_clips

_LINE = "synthesize-line"


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
        store = Store(Path(run.store))
        references = reference_clips(dialogue.path, source, work.folder) if backend.facts.clones else {}
        voices = backend.voices(run.language, source.speakers, references)
        takes: list[Take] = []
        silent: list[str] = []
        hits = 0
        for number, line in enumerate(script.lines):
            work.progress(number / len(script.lines))
            if not line.text.strip():
                silent.append(f"Line {line.id} has no text: it stays silent.")
                continue
            take, found = _take(store, backend, line, voices[line.speaker], run.language, references, work.folder)
            takes.append(take)
            hits += found
        voiced = ", ".join(f"{speaker} is {voice}" for speaker, voice in voices.items())
        return Made(
            outputs={f"take-{take.line}": take.audio for take in takes},
            value={"takes": [take.model_dump(mode="json") for take in takes], "voices": voices},
            notes=(*silent, f"Voices: {voiced}."),
            hits=hits,
            parts=len(script.lines),
        )

    inputs = {
        "script": script.lines,
        "language": run.language,
        "speakers": source.speakers,
        "dialogue": dialogue if backend.facts.clones else None,
    }
    return remember(run, "synthesize", VERSION, compute, backend=backend.fingerprint(), inputs=inputs)


def takes_of(record: StepRecord) -> tuple[Take, ...]:
    """The takes in a synthesize record."""
    return tuple(Take.model_validate(take) for take in record.value["takes"])


def _take(
    store: Store,
    backend: Synthesizer,
    line: Line,
    voice: str,
    language: str,
    references: dict[str, Path],
    folder: Path,
) -> tuple[Take, bool]:
    clip = references.get(line.speaker)
    facts = {
        "text": line.text,
        "voice": None if clip else voice,
        "language": language,
        "reference": file_sha256(clip)[0] if clip else None,
    }
    key = step_key(_LINE, VERSION, backend=backend.fingerprint(), inputs=facts)
    found = store.lookup(_LINE, key)
    if found is None:
        spoken = backend.synthesize(line.text, voice, language, folder / f"line-{line.id}.wav")
        audio = store.add(spoken.audio)
        value = {"duration_ms": spoken.duration_ms, "phones": [list(phone) for phone in spoken.phones]}
        record = store.commit(StepRecord(step=_LINE, key=key, outputs={"audio": audio}, value=value))
    else:
        record = found
    take = Take(
        line=line.id,
        audio=record.outputs["audio"],
        duration_ms=record.value["duration_ms"],
        voice=voice,
        phones=tuple(tuple(phone) for phone in record.value["phones"]),
    )
    return take, found is not None
