"""The Prefect task of `tasks.mix`."""

from dataclasses import dataclass

from configs.loudness import LoudnessPreset, loudness_presets
from configs.sound import MixSettings
from tasks.keep.assets import path_of
from tasks.records.made import Laid, Mixed
from tasks.records.record import Asset
from tasks.records.script import Passage, Script
from tasks.records.title import Branch
from tasks.step.prefect import step_task
from tasks.step.run import Computation, StepOutput, Work


@dataclass(frozen=True)
class _Given:
    dialogue: Asset
    lines: tuple[tuple[int, str, tuple[int, int], tuple[int, int]], ...]  # id, speaker, its source's time, its own
    bed: Asset
    original: Asset
    kept: tuple[Passage, ...]
    preset: LoudnessPreset
    settings: MixSettings
    levels: dict[int, float]


@step_task("mix")
def mix(
    branch: Branch,
    laid: Laid,
    bed: Asset,
    original_dialogue: Asset,
    script: Script,
    levels: dict[int, float] | None = None,
) -> Computation[_Given, Mixed]:
    """The dub's sound, as WAV and encoded.

    Args:
        branch: title and language.
        laid: the dub's dialogue and placements, from fit or ingest.
        bed: stereo or 5.1.
        original_dialogue: of the source, on the same clock.
        script: the dub's, whose times are the source's: for the level of each line, and what stays of the original.
        levels: by line id, how much louder a person wants it, in dB.
    """
    placed = {one.line: (one.start_ms, one.end_ms) for one in laid.placements}
    lines = tuple(
        (line.id, line.speaker, (line.start_ms, line.end_ms), placed[line.id])
        for line in script.lines
        if line.id in placed
    )
    settings = branch.profile.mix.model_copy(update={"stems": "wav"})  # which files are delivered changes no mix
    if branch.language in branch.title.dubs:  # a recorded dub comes with its levels
        settings = settings.model_copy(update={"line_levels_db": 0.0})
    preset = loudness_presets()[branch.profile.loudness]
    given = _Given(laid.dialogue, lines, bed, original_dialogue, script.kept, preset, settings, levels or {})
    return Computation(given, _mixed, Mixed)


def _mixed(given: _Given, work: Work) -> StepOutput[Mixed]:
    from tasks.mix.levels import SpokenLine
    from tasks.mix.mix import mix as blend
    from tasks.sound.aac import encode_aac

    wav, m4a = work.folder / "mix.wav", work.folder / "dub.m4a"
    mixed = blend(
        path_of(given.dialogue),
        path_of(given.bed),
        path_of(given.original),
        given.preset,
        wav,
        lambda share: work.progress(share / 2),
        settings=given.settings,
        lines=[SpokenLine(*line) for line in given.lines],
        levels=given.levels,
        kept=[(passage.start_ms, passage.end_ms) for passage in given.kept],
    )
    encoded = encode_aac(wav, m4a, given.preset, lambda share: work.progress(0.5 + share / 2), speech=mixed.speech)
    made = Mixed(mix=work.keep(wav), audio=work.keep(m4a), made=mixed, encoded=encoded)
    return StepOutput(made, (*mixed.notes, *encoded.notes))
