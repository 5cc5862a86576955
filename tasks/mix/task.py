"""The Prefect task of `tasks.mix`."""

from configs.loudness import loudness_presets
from tasks.mix import VERSION
from tasks.model import Asset, Run, StepRecord
from tasks.step import Made, Work, remember, step_task


@step_task("mix")
def mix(run: Run, dialogue: Asset, bed: Asset, original_dialogue: Asset) -> StepRecord:
    """Outputs ``mix`` (24-bit WAV) and ``audio`` (the encoded dub); how both measure as value."""
    preset = loudness_presets()[run.profile.loudness]

    def compute(work: Work) -> Made:
        from tasks.mix.mix import encode_aac
        from tasks.mix.mix import mix as blend

        wav, m4a = work.folder / "mix.wav", work.folder / "dub.m4a"
        mixed = blend(
            dialogue.path, bed.path, original_dialogue.path, preset, wav, lambda share: work.progress(share / 2)
        )
        encoded = encode_aac(wav, m4a, preset, lambda share: work.progress(0.5 + share / 2))
        value = {"mix": mixed.model_dump(mode="json"), "encoded": encoded.model_dump(mode="json")}
        return Made(outputs={"mix": wav, "audio": m4a}, value=value, notes=(*mixed.notes, *encoded.notes))

    inputs = {"dialogue": dialogue, "bed": bed, "original": original_dialogue}
    return remember(run, "mix", VERSION, compute, settings=preset, inputs=inputs)
