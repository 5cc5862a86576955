"""The Prefect task of `tasks.mix`."""

from configs.loudness import loudness_presets
from tasks.keep.assets import path_of
from tasks.mix import VERSION
from tasks.records.model import Asset, Run, Script, StepRecord
from tasks.records.spoken import placements_of
from tasks.step.prefect import step_task
from tasks.step.run import Made, Work, remember


@step_task("mix")
def mix(run: Run, laid: StepRecord, bed: Asset, original_dialogue: Asset, script: Script) -> StepRecord:
    """Outputs ``mix`` (24-bit WAV) and ``audio`` (the encoded dub); how both measure as value.

    Args:
        run: title and language.
        laid: the dub's dialogue and placements, from fit or ingest.
        bed: stereo or 5.1.
        original_dialogue: of the source, on the same clock.
        script: the dub's, whose times are the source's: for the level of each line, and what stays of the original.
    """
    preset, settings = loudness_presets()[run.profile.loudness], run.profile.mix
    dialogue = laid.outputs["dialogue"]
    recorded = run.language in run.title.dubs

    def compute(work: Work) -> Made:
        from tasks.mix.levels import SpokenLine
        from tasks.mix.mix import mix as blend
        from tasks.sound.aac import encode_aac

        placed = {one.line: (one.start_ms, one.end_ms) for one in placements_of(laid)}
        lines = [
            SpokenLine(line.id, line.speaker, (line.start_ms, line.end_ms), placed[line.id])
            for line in script.lines
            if line.id in placed
        ]
        # whoever recorded a dub has set its levels
        chosen = settings.model_copy(update={"line_levels_db": 0.0}) if recorded else settings
        wav, m4a = work.folder / "mix.wav", work.folder / "dub.m4a"
        mixed = blend(
            path_of(dialogue),
            path_of(bed),
            path_of(original_dialogue),
            preset,
            wav,
            lambda share: work.progress(share / 2),
            settings=chosen,
            lines=lines,
            kept=[(passage.start_ms, passage.end_ms) for passage in script.kept],
        )
        encoded = encode_aac(wav, m4a, preset, lambda share: work.progress(0.5 + share / 2), speech=mixed.speech)
        value = {"mix": mixed.model_dump(mode="json"), "encoded": encoded.model_dump(mode="json")}
        return Made(outputs={"mix": wav, "audio": m4a}, value=value, notes=(*mixed.notes, *encoded.notes))

    lines = [(line.id, line.start_ms, line.end_ms, line.speaker) for line in script.lines]
    inputs = {
        "dialogue": dialogue,
        "placements": laid.value,
        "lines": lines,
        "bed": bed,
        "original": original_dialogue,
        "recorded": recorded,
        "kept": script.kept,
    }
    return remember(
        run, "mix", VERSION, compute, settings=[preset, settings.model_dump(exclude={"stems"})], inputs=inputs
    )
