"""The Prefect task of `tasks.fit`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from configs.profile import FitSettings
from tasks.records.made import Laid
from tasks.records.script import Line, Script
from tasks.records.take import Take
from tasks.records.title import Branch
from tasks.step.prefect import step_task
from tasks.step.run import Computation, StepOutput, Work


@dataclass(frozen=True)
class _Given:
    script: Script  # without its words
    takes: tuple[Take, ...]
    duration_ms: int
    settings: FitSettings


@step_task("fit")
def fit(branch: Branch, script: Script, takes: Sequence[Take], duration_ms: int) -> Computation[_Given, Laid]:
    """The takes laid into the dub's dialogue (48 kHz mono, as long as the title), with phones on the same clock.

    Args:
        branch: the language.
        script: the dub's script.
        takes: one a spoken line, in order of lines.
        duration_ms: length of the title.
    """
    given = _Given(_wordless(script), tuple(takes), duration_ms, branch.profile.fit)
    return Computation(given, _laid, Laid)


def _wordless(script: Script) -> Script:
    """The lines' times and speakers alone: other words of the same length are laid alike."""
    lines = tuple(
        Line(id=line.id, start_ms=line.start_ms, end_ms=line.end_ms, speaker=line.speaker, text="")
        for line in script.lines
    )
    return Script(language=script.language, lines=lines)


def _laid(given: _Given, work: Work) -> StepOutput[Laid]:
    from tasks.fit.fit import plan
    from tasks.fit.lay import lay, phones_on_clock

    placements = plan(given.script, given.takes, given.settings, given.duration_ms)
    dialogue, phones = work.folder / "dialogue.wav", work.folder / "phones.json"
    notes = lay(given.takes, placements, given.duration_ms, dialogue, work.progress)
    phones.write_text(json.dumps(phones_on_clock(given.takes, placements), ensure_ascii=False), "utf-8")
    overlong = [placed.line for placed in placements if placed.fit == "overlong"]
    if overlong:
        notes = (*notes, f"Lines {', '.join(map(str, overlong))} are longer than their slots; they were not cut.")
    made = Laid(dialogue=work.keep(dialogue), phones=work.keep(phones), placements=tuple(placements))
    return StepOutput(made, tuple(notes))
