"""The Prefect task of `tasks.translate`: only lines that the store does not know are translated."""

from pathlib import Path

from tasks.errors import UnsupportedError
from tasks.model import Run, Script, StepRecord
from tasks.step import Made, Work, remember, step_task
from tasks.store import Store, step_key
from tasks.translate import VERSION, Translator, translator

_LINE = "translate-line"


@step_task("translate")
def translate(run: Run, script: Script, edits: dict[str, str]) -> StepRecord:
    """The script in the branch's language, times and ids kept, as the record's value.

    Args:
        run: title, profile and language.
        script: the source script.
        edits: line id to a text that a person wrote; those lines are not translated.
    """
    settings, target = run.profile.translate, run.language
    backend = translator(settings.backend, settings.options)

    def compute(_work: Work) -> Made:
        if script.language == target:
            raise UnsupportedError(f"The title already speaks {target}: there is nothing to translate.")
        route = backend.route(script.language, target)
        notes: list[str] = []
        texts, hits = _translated(Store(Path(run.store)), backend, script, target, edits, notes)
        lines = tuple(
            line.model_copy(update={"text": text, "words": ()}) for line, text in zip(script.lines, texts, strict=True)
        )
        notes = [*_notes(route, edits), *dict.fromkeys(notes)]
        dub = script.model_copy(
            update={"language": target, "lines": lines, "origin": backend.facts.name, "notes": tuple(notes)}
        )
        return Made(value=dub.model_dump(mode="json"), notes=dub.notes, hits=hits, parts=len(lines))

    inputs = {"script": script, "target": target, "edits": edits}
    return remember(run, "translate", VERSION, compute, backend=backend.fingerprint(), inputs=inputs)


def _translated(
    store: Store, backend: Translator, script: Script, target: str, edits: dict[str, str], notes: list[str]
) -> tuple[list[str], int]:
    """The lines' texts and how many were known; what the translator noted of them, then or now, goes to ``notes``."""
    keys = {
        line.id: step_key(
            _LINE,
            VERSION,
            backend=backend.fingerprint(),
            inputs={"text": line.text, "from": script.language, "to": target},
        )
        for line in script.lines
    }
    known: dict[int, str] = {line.id: edits[str(line.id)] for line in script.lines if str(line.id) in edits}
    for line in script.lines:
        if line.id not in known and (found := store.read_note(_LINE, keys[line.id])) is not None:
            known[line.id] = found["text"]
            notes.extend(found["notes"])
    fresh = [line for line in script.lines if line.id not in known]
    if fresh:
        said: list[str] = []
        texts = backend.translate([line.text for line in fresh], script.language, target, said.append)
        notes.extend(said)
        for line, text in zip(fresh, texts, strict=True):
            store.write_note(_LINE, keys[line.id], {"text": text, "notes": said})
            known[line.id] = text
    return [known[line.id] for line in script.lines], len(script.lines) - len(fresh)


def _notes(route: list[str], edits: dict[str, str]) -> tuple[str, ...]:
    notes = []
    if len(route) > 2:
        notes.append(f"Translated by way of {', '.join(route[1:-1])}: meaning can be lost twice.")
    if edits:
        notes.append(f"{len(edits)} lines were edited by hand.")
    return tuple(notes)
