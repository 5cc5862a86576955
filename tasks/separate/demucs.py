"""Separation by Demucs (Rouard et al. 2023, hybrid transformer): the voice, and everything else as the bed."""

from __future__ import annotations

import contextlib
import importlib.metadata
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import soundfile
import yaml
from numpy.typing import NDArray
from pydantic import Field

from tasks import media
from tasks.keep.staging import scratch
from tasks.machine.resident import Resident, loaded_once
from tasks.machine.weights import Weights, located, needed
from tasks.records import registry
from tasks.records.errors import MissingBackendError
from tasks.records.progress import Progress, silent
from tasks.sound.blocks import open_mix, write_stems

_VERSION = 3
#: Segment length in seconds, less if the model was trained on less; and the context that some models need around it.
_SEGMENT_S, _AROUND_S = 10, 1
_READ = 1 << 18
#: The model in the table of models, and its author's name for its one network.
_TABLED, _NETWORK = "htdemucs", "955717e8"
#: Terms of the author's weights; only the code is MIT: https://github.com/facebookresearch/demucs/issues/327 and 508.
_TERMS = "their author provides the weights for research only (facebookresearch/demucs#327)"


class DemucsSeparator:
    """Two-stem separation with a pretrained model."""

    class Options(registry.Options):
        """The model, its source and its device.

        Attributes:
            model: name of a model or bag; ``demucs_unittest`` is untrained and needs no download.
            repo: folder with ``.th`` (and ``.yaml``) files; None downloads on first use.
            device: ``auto`` uses a GPU if there is one.
            overlap: share of a segment that overlaps the one before; with more overlap, more passes are averaged.
        """

        model: str = "htdemucs"
        repo: Path | None = None
        device: Literal["auto", "cpu", "cuda"] = "auto"
        overlap: float = Field(0.25, ge=0.0, lt=1.0)

    def __init__(self, options: Options) -> None:
        self.options = options
        self.facts = registry.BackendFacts(
            name="demucs",
            packages=("demucs", "torch"),
            code_licence="MIT",
            weights_licence="unknown" if options.repo else "research only",
            commercial=False,
            clause="no licence is known that allows it" if options.repo else _TERMS,
            device="any",
            network=options.repo is None,
        )

    def fingerprint(self) -> str:
        """Version, options, and the files of a local repository."""
        chosen = self.options
        local = ""
        if chosen.repo and chosen.repo.is_dir():
            local = " ".join(f"{f.name}:{f.stat().st_size}" for f in sorted(chosen.repo.iterdir()) if f.is_file())
        version = registry.package_version("demucs")
        return f"demucs {_VERSION} {version} {chosen.model} overlap {chosen.overlap} {local}".strip()

    def missing(self) -> list[str]:
        """The package, or a local repository that does not exist."""
        absent = []
        if registry.package_version("demucs") == "absent":
            absent.append("the package demucs: run `make setup`")
        if self.options.repo and not self.options.repo.is_dir():
            absent.append(f"the folder {self.options.repo} with Demucs weights")
        return absent

    def weights(self) -> list[Weights]:
        """The weights of one of the package's models, in Hugging Face's cache or PyTorch's, its other source."""
        chosen = self.options
        if chosen.repo or chosen.model == "demucs_unittest" or self.missing():
            return []
        listed = importlib.metadata.distribution("demucs").locate_file(f"demucs/remote/{chosen.model}.yaml")
        if chosen.model == _TABLED:
            return [needed(_TABLED, chosen.model)]
        bag = Path(str(listed))
        parts = yaml.safe_load(bag.read_text("utf-8"))["models"] if bag.is_file() else [chosen.model]
        return [Weights(chosen.model, all(map(_downloaded, parts)))]

    def separate(self, mix: Path, dialogue: Path, bed: Path, progress: Progress = silent) -> tuple[str, ...]:
        """Write both stems, a segment at a time, with the same result as on the whole file.

        Raises:
            MissingBackendError: the weights are missing and cannot be downloaded, or the model has no vocals stem.
        """
        chosen = self.options
        key = ("demucs", chosen.model, str(chosen.repo), chosen.device)
        resident = loaded_once(key, lambda: Resident(_model(chosen.model, chosen.repo), chosen.device))
        rate = int(resident.model.samplerate)
        with scratch(dialogue) as resampled:
            _resample_file(mix, resampled, rate)
            with resident.at_work() as model:
                voice = _voices(model, chosen, resampled, progress)
                write_stems(mix, dialogue, bed, _resampled(voice, rate, media.SAMPLE_RATE))
        progress(1.0)
        if chosen.model == "demucs_unittest":
            return ("The Demucs model is the untrained one for tests: the stems are meaningless.",)
        return ()


def _voices(
    model: Any, options: DemucsSeparator.Options, path: Path, progress: Progress
) -> Iterator[NDArray[np.float32]]:
    """The voice in consecutive blocks: segments, each processed once, crossfaded as in demucs' `apply_model`."""
    import torch
    from demucs.apply import TensorChunk, apply_model
    from demucs.audio import convert_audio_channels

    rate, vocals = int(model.samplerate), model.sources.index("vocals")
    segment_s = min(_SEGMENT_S, *(part.segment for part in getattr(model, "models", (model,))))
    length = int(rate * segment_s)
    stride = int((1 - options.overlap) * length)
    mean, deviation = _statistics(path)
    weights = np.minimum(np.arange(length) + 1, length - np.arange(length)).astype(np.float32)
    summed, weight = np.zeros((length, 2), np.float32), np.zeros(length, np.float32)
    with soundfile.SoundFile(path) as file:
        for begin in range(0, file.frames, stride):
            start = max(0, begin - rate * _AROUND_S)
            file.seek(start)
            samples = file.read(begin - start + length + rate * _AROUND_S, dtype="float32", always_2d=True)
            sound = convert_audio_channels(torch.from_numpy(samples.T.copy()), model.audio_channels)
            stems = apply_model(
                model,
                TensorChunk(((sound - mean) / deviation)[None], begin - start, length),
                shifts=0,
                split=False,
                segment=segment_s,
                device=next(model.parameters()).device,
            )
            voice = convert_audio_channels(stems[0, vocals] * deviation + mean, 2).cpu().numpy().T
            summed[: len(voice)] += weights[: len(voice), None] * voice
            weight[: len(voice)] += weights[: len(voice)]
            done = min(stride, file.frames - begin)
            yield summed[:done] / weight[:done, None]
            for buffer in (summed, weight):
                buffer[:-stride] = buffer[stride:]
                buffer[-stride:] = 0
            progress((begin + done) / file.frames)


def _statistics(path: Path) -> tuple[float, float]:
    """Mean and standard deviation of a file's mid channel, which normalise the model's input."""
    count, total, squares = 0, 0.0, 0.0
    with soundfile.SoundFile(path) as file:
        for block in file.blocks(_READ, dtype="float32", always_2d=True):
            middle = block.mean(axis=1, dtype=np.float64)
            count += len(middle)
            total += float(middle.sum())
            squares += float(middle @ middle)
    mean = total / max(1, count)
    return mean, math.sqrt(max(0.0, squares / max(1, count) - mean * mean)) + 1e-8


def _resample_file(mix: Path, out: Path, rate: int) -> None:
    with open_mix(mix) as source, soundfile.SoundFile(out, "w", rate, 2, subtype="FLOAT", format="RF64") as target:
        for block in _resampled(source.blocks(_READ, dtype="float32", always_2d=True), source.samplerate, rate):
            target.write(block)


def _resampled(blocks: Iterator[NDArray[np.float32]], rate_in: int, rate_out: int) -> Iterator[NDArray[np.float32]]:
    """Blocks resampled to another rate, without seams or delay."""
    import soxr

    stream = soxr.ResampleStream(rate_in, rate_out, 2, dtype="float32", quality="VHQ")
    for block in blocks:
        yield stream.resample_chunk(np.ascontiguousarray(block))
    yield stream.resample_chunk(np.zeros((0, 2), np.float32), last=True)


def _model(name: str, repo: Path | None) -> Any:
    """A model or bag of models, read from disk.

    Raises:
        MissingBackendError: see `DemucsSeparator.separate`.
    """
    from demucs.pretrained import get_model
    from demucs.repo import ModelLoadingError

    fix = "Connect to the network once, or set a folder with the weights (separate.options.repo)."
    if repo is not None and not repo.is_dir():
        raise MissingBackendError(f"The folder {str(repo)!r} with Demucs weights does not exist.", fix)
    ours = located(_TABLED) if name == _TABLED and repo is None else None
    with _steady_seed():
        try:
            model = get_model(_NETWORK, ours) if ours else get_model(name, repo)
        except (OSError, RuntimeError, ImportError, ModelLoadingError) as error:
            raise MissingBackendError(f"The Demucs model {name!r} cannot be loaded: {error}", fix) from error
    if "vocals" not in model.sources:
        raise MissingBackendError(f"The Demucs model {name!r} has no vocals stem.", "Choose htdemucs.")
    return model


def _downloaded(signature: str) -> bool:
    """Whether one of the package's models is in either of its download folders."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    hub = Path(os.environ.get("HF_HUB_CACHE") or Path(os.environ.get("HF_HOME") or cache / "huggingface") / "hub")
    pytorch = Path(os.environ.get("TORCH_HOME") or cache / "torch") / "hub" / "checkpoints"
    return any(hub.glob(f"models--*/snapshots/*/{signature}.safetensors")) or any(pytorch.glob(f"{signature}-*.th"))


@contextlib.contextmanager
def _steady_seed() -> Iterator[None]:
    """Give an untrained model the same weights each time, without changing the global random state."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield
