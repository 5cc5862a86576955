"""Separation by Demucs (Rouard et al. 2023, hybrid transformer): the voice, and everything else as the bed."""

from __future__ import annotations

import contextlib
import importlib.metadata
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import soundfile
import yaml
from numpy.typing import NDArray
from pydantic import Field

from tasks import media, registry
from tasks.errors import MissingBackendError
from tasks.progress import Progress, silent
from tasks.resident import Resident, loaded_once
from tasks.separate.stems import blocks_with_context, crossfaded, open_mix, write_stems
from tasks.weights import Weights

_VERSION = 2
#: Seconds that leave the model at a time; it hears so much at once, or less where it was trained on less.
_PIECE_S, _SEGMENT_S = 30, 10
_FADE_S = 1
_READ = 1 << 18
#: Of the author's models; the code alone is MIT: https://github.com/facebookresearch/demucs/issues/327 and 508.
_TERMS = "their author provides the weights for research only (facebookresearch/demucs#327)"


class DemucsSeparator:
    """Two-stem separation with a pretrained model."""

    class Options(registry.Options):
        """Which model, from where, and on what.

        Attributes:
            model: name of a model or bag; ``demucs_unittest`` is an untrained one that needs no download.
            repo: folder with ``.th`` (and ``.yaml``) files; None downloads on first use.
            device: ``auto`` takes a GPU where there is one.
            shifts: averaged passes with a random shift; above 0 the result is not reproducible.
            overlap: of the model's own segments.
        """

        model: str = "htdemucs"
        repo: Path | None = None
        device: Literal["auto", "cpu", "cuda"] = "auto"
        shifts: int = Field(0, ge=0, le=20)
        overlap: float = Field(0.25, ge=0.0, lt=1.0)

    def __init__(self, options: Options) -> None:
        self.options = options
        self.facts = registry.BackendFacts(
            name="demucs",
            code_licence="MIT",
            weights_licence="unknown" if options.repo else "research only",
            commercial=False,
            clause="no licence is known that allows it" if options.repo else _TERMS,
            device="any",
            network=options.repo is None,
        )

    def fingerprint(self) -> str:
        """Version, options, and what lies in a local repository."""
        chosen = self.options
        local = ""
        if chosen.repo and chosen.repo.is_dir():
            local = " ".join(f"{f.name}:{f.stat().st_size}" for f in sorted(chosen.repo.iterdir()) if f.is_file())
        passes = f"shifts {chosen.shifts} overlap {chosen.overlap}"
        return f"demucs {_VERSION} {registry.package_version('demucs')} {chosen.model} {passes} {local}".strip()

    def missing(self) -> list[str]:
        """The package, or a local repository that is not there."""
        absent = []
        if registry.package_version("demucs") == "absent":
            absent.append("the package demucs: run `make setup`")
        if self.options.repo and not self.options.repo.is_dir():
            absent.append(f"the folder {self.options.repo} with Demucs weights")
        return absent

    def weights(self) -> list[Weights]:
        """Those of a model of the package's, where Hugging Face's hub keeps them, or PyTorch's, its other source."""
        chosen = self.options
        if chosen.repo or chosen.model == "demucs_unittest" or self.missing():
            return []
        listed = importlib.metadata.distribution("demucs").locate_file(f"demucs/remote/{chosen.model}.yaml")
        bag = Path(str(listed))
        parts = yaml.safe_load(bag.read_text("utf-8"))["models"] if bag.is_file() else [chosen.model]
        return [Weights("demucs", chosen.model, all(map(_downloaded, parts)))]

    def separate(self, mix: Path, dialogue: Path, bed: Path, progress: Progress = silent) -> tuple[str, ...]:
        """Write both stems, half a minute of the title at a time: the same as if the model had the whole.

        Raises:
            MissingBackendError: the weights are not there and cannot be fetched, or the model knows no vocals.
        """
        chosen = self.options
        key = ("demucs", chosen.model, str(chosen.repo), chosen.device)
        resident = loaded_once(key, lambda: Resident(_model(chosen.model, chosen.repo), chosen.device))
        rate = int(resident.model.samplerate)
        with media.scratch(dialogue) as resampled:
            _resample_file(mix, resampled, rate)
            grid = _grid(resident.model, chosen.overlap)
            with resident.at_work() as model:
                pieces = _voices(model, chosen, grid, resampled, progress)
                voice = crossfaded(pieces, grid.core, _FADE_S * rate)
                write_stems(mix, dialogue, bed, _resampled(voice, rate, media.SAMPLE_RATE))
        progress(1.0)
        if chosen.model == "demucs_unittest":
            return ("The Demucs model is the untrained one for tests: the stems mean nothing.",)
        return ()


@dataclass(frozen=True)
class _Grid:
    """Pieces that begin where the model's own segments do, with all the segments around them that reach in.

    Attributes:
        segment_s: what the model hears at once.
        core: new samples a piece.
        context: samples before and after.
    """

    segment_s: Any
    core: int
    context: int


def _grid(model: Any, overlap: float) -> _Grid:
    rate = int(model.samplerate)
    segment_s = min(_SEGMENT_S, *(part.segment for part in getattr(model, "models", (model,))))
    segment = int(rate * segment_s)
    stride = int((1 - overlap) * segment)
    core, context = (-(-wanted // stride) * stride for wanted in (_PIECE_S * rate, segment + _FADE_S * rate))
    return _Grid(segment_s, core, context)


def _voices(
    model: Any, options: DemucsSeparator.Options, grid: _Grid, path: Path, progress: Progress
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    import torch
    from demucs.apply import apply_model
    from demucs.audio import convert_audio_channels

    vocals, total = model.sources.index("vocals"), soundfile.info(str(path)).frames
    mean, deviation = _statistics(path)
    for start, before, samples in blocks_with_context(path, grid.core, grid.context):
        sound = convert_audio_channels(torch.from_numpy(samples.T.copy()), model.audio_channels)
        stems = apply_model(
            model,
            ((sound - mean) / deviation)[None],
            shifts=options.shifts,
            overlap=options.overlap,
            segment=grid.segment_s,
            device=next(model.parameters()).device,
        )
        voice = convert_audio_channels(stems[0, vocals] * deviation + mean, 2).cpu().numpy().T
        progress(min(1.0, (start + len(samples)) / max(1, total)))
        yield before, np.ascontiguousarray(voice, dtype=np.float32)


def _statistics(path: Path) -> tuple[float, float]:
    """Mean and standard deviation of a file's middle, by which the model's input is normalised."""
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
    """Blocks at another rate, without seams and without delay."""
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

    fix = "Connect to the network once, or give a folder with the weights (separate.options.repo)."
    if repo is not None and not repo.is_dir():
        raise MissingBackendError(f"The folder {str(repo)!r} with Demucs weights is not there.", fix)
    with _steady_seed():
        try:
            model = get_model(name, repo)
        except (OSError, RuntimeError, ImportError, ModelLoadingError) as error:
            raise MissingBackendError(f"The Demucs model {name!r} cannot be loaded: {error}", fix) from error
    if "vocals" not in model.sources:
        raise MissingBackendError(f"The Demucs model {name!r} knows no vocals.", "Choose htdemucs.")
    return model


def _downloaded(signature: str) -> bool:
    """Whether a model of the package's lies in either of the folders that it is downloaded to."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    hub = Path(os.environ.get("HF_HUB_CACHE") or Path(os.environ.get("HF_HOME") or cache / "huggingface") / "hub")
    pytorch = Path(os.environ.get("TORCH_HOME") or cache / "torch") / "hub" / "checkpoints"
    return any(hub.glob(f"models--*/snapshots/*/{signature}.safetensors")) or any(pytorch.glob(f"{signature}-*.th"))


@contextlib.contextmanager
def _steady_seed() -> Iterator[None]:
    """An untrained model gets the same weights each time, and nobody else's random numbers change."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield
