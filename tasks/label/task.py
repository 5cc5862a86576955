"""The Prefect task of `tasks.label`."""

from __future__ import annotations

from dataclasses import dataclass

from configs.labels import ENGLISH, words_in
from configs.languages import display_name, primary
from tasks.keep.assets import path_of
from tasks.records.record import Asset
from tasks.records.title import Branch
from tasks.step.prefect import step_task
from tasks.step.run import Computation, StepOutput, Work


@dataclass(frozen=True)
class _Given:
    video: Asset
    text: str
    shown_in: str
    language: str


@step_task("label")
def label(branch: Branch, video: Asset) -> Computation[_Given, Asset]:
    """The picture of a language's master with the label of the profile.

    Args:
        branch: the language.
        video: the source, or the picture that was made of it.
    """
    from tasks.label.draw import without_font

    text, shown_in = words_in(branch.language)
    if without_font(shown_in):
        text, shown_in = words_in(ENGLISH)
    return Computation(_Given(video, text, shown_in, branch.language), _labelled, Asset)


def _labelled(given: _Given, work: Work) -> StepOutput[Asset]:
    from tasks.label.draw import draw_label
    from tasks.media.probe import probe

    video = path_of(given.video)
    facts = probe(video)
    assert facts.picture is not None  # the step does not run without
    out = work.folder / "labelled.mkv"
    how = draw_label(video, facts.picture, given.text, out, facts.duration_ms, work.progress)
    notes = [f"The label is drawn over the first 2 s; the whole picture was encoded again for it: {how}."]
    if given.shown_in != primary(given.language):
        notes.append(_why_english(given.language))
    return StepOutput(work.keep(out), tuple(notes))


def _why_english(language: str) -> str:
    name = display_name(language)
    if words_in(language)[1] == ENGLISH:
        return f"The label has no words in {name}: it is in English."
    return f"No installed font is made for {name}: the label is in English. Install one, such as Noto Sans."
