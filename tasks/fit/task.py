"""The Prefect task of `tasks.fit`."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from configs.profile import FitSettings
from tasks.keep.assets import path_of
from tasks.keep.known import found_or_made
from tasks.records.made import Laid
from tasks.records.record import Asset, Record
from tasks.records.script import Line, Script
from tasks.records.take import Take
from tasks.records.title import Branch
from tasks.step.prefect import step_task
from tasks.step.run import Computation, StepOutput, Work

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Of a take at its pace, separate from the step's.
_PACED_VERSION = 1


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


class _Paced(Record):
    """A take at its pace: float WAV, mono, 48 kHz."""

    audio: Asset


def _kept(work: Work) -> "Callable[[Asset, float, int], NDArray[np.float32]]":
    """Takes at their paces through the store: an edit of one line paces that one alone."""
    from tasks.fit.lay import means, paced
    from tasks.media import SAMPLE_RATE

    def sound_of(audio: Asset, stretch: float, length: int) -> "NDArray[np.float32]":
        import soundfile

        def made() -> _Paced:
            out = work.folder / "paced.wav"
            soundfile.write(out, paced(path_of(audio), stretch, length), SAMPLE_RATE, subtype="FLOAT")
            return _Paced(audio=work.keep(out))

        facts = {"audio": audio, "stretch": stretch, "length": length, "by": means()}
        kept = found_or_made(work.store, "paced-line", _PACED_VERSION, facts, _Paced, made)
        samples: NDArray[np.float32] = soundfile.read(path_of(kept.audio), dtype="float32")[0]
        return samples

    return sound_of


def _laid(given: _Given, work: Work) -> StepOutput[Laid]:
    from tasks.fit.fit import plan
    from tasks.fit.lay import lay, phones_on_clock

    placements = plan(given.script, given.takes, given.settings, given.duration_ms)
    dialogue, phones = work.folder / "dialogue.wav", work.folder / "phones.json"
    notes = lay(given.takes, placements, given.duration_ms, dialogue, work.progress, _kept(work))
    phones.write_text(json.dumps(phones_on_clock(given.takes, placements), ensure_ascii=False), "utf-8")
    overlong = [placed.line for placed in placements if placed.fit == "overlong"]
    if overlong:
        notes = (*notes, f"Lines {', '.join(map(str, overlong))} are longer than their slots; they were not cut.")
    made = Laid(dialogue=work.keep(dialogue), phones=work.keep(phones), placements=tuple(placements))
    return StepOutput(made, tuple(notes))
