"""Wav2Lip's generator: the published architecture (arXiv 2008.10010) and its larger relatives, loaded from checkpoints.

One family: an image encoder with skip connections to a mirrored decoder, which starts from 0.2 s of sound. The sizes
differ in their stages, listed here; a checkpoint's size is recognised by its names and shapes. Parameters have the
published names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from tasks.records.errors import BadInputError

Activation = Literal["relu", "prelu", "leaky"]


class Down(NamedTuple):
    """A stage of the encoder: a convolution, then residual ones, or (``points``) 1x1 ones."""

    channels: int
    kernel: int = 3
    stride: int = 2
    padding: int = 1
    added: int = 0
    points: int = 0


class Up(NamedTuple):
    """A stage of the decoder: a transposed convolution, then residual convolutions."""

    channels: int
    added: int = 2
    kernel: int = 3
    stride: int = 2
    padding: int = 1
    extra: int = 1


@dataclass(frozen=True, slots=True)
class Variant:
    """One size.

    Attributes:
        side: pixels of the square face.
        encoder: stages from the picture to one pixel.
        decoder: stages from one pixel to the picture, after a convolution of one pixel.
        drawn: channels before the last convolution.
        activation: activation after convolutions.
        wide: whether the audio encoder has more layers and twice the channels.
        refined: layers between audio encoder and decoder: in use, or stored only.
        attentive: whether the encoder's features weight the decoder's (spatial attention).
        signed: colours from -1 to 1, else from 0 to 1.
        margin: pixels at the sides and below that are not masked.
    """

    side: int
    encoder: tuple[Down, ...]
    decoder: tuple[Up, ...]
    drawn: int = 32
    activation: Activation = "relu"
    wide: bool = False
    refined: Literal["", "used", "stored"] = ""
    attentive: bool = False
    signed: bool = False
    margin: int = 0


def _halved(*stages: tuple[int, int]) -> tuple[Down, ...]:
    return tuple(Down(channels, added=added) for channels, added in stages)


def _doubled(*channels: int) -> tuple[Up, ...]:
    return tuple(Up(each) for each in channels)


_LOW = _halved((32, 2), (64, 3), (128, 2), (256, 2), (512, 1))

#: The published network; one of 192 pixels with attention; of 256, 288 and 384, each as in its authors' code.
VARIANTS = (
    Variant(
        96,
        (Down(16, 7, 1, 3), *_LOW, Down(512, 3, 1, 0, points=1)),
        (Up(512, 1, stride=1, padding=0, extra=0), *_doubled(512, 384, 256, 128, 64)),
    ),
    Variant(
        192,
        (
            Down(16, 7, 1, 3, added=3),
            *_halved((32, 3), (64, 3), (128, 3), (256, 3), (512, 3), (1024, 3)),
            Down(1024, 3, 1, 0, points=2),
        ),
        (Up(1024, 1, stride=1, padding=0, extra=0), *_doubled(1024, 768, 512, 256, 128, 64)),
        wide=True,
        refined="stored",
        attentive=True,
    ),
    Variant(
        256,
        (Down(16, 7, 1, 3), *_LOW, *_halved((512, 1)), Down(512, 4, 1, 0, points=1)),
        (Up(512, 1, 4, 1, 0, 0), Up(512, 1), *_doubled(512, 384, 256, 128, 64)),
    ),
    Variant(
        288,
        (
            Down(16, 7, 1, 3),
            Down(32, 5, 2, 2, added=1),
            *_halved((32, 2), (64, 3), (128, 2), (256, 2), (512, 1)),
            *(2 * (Down(512, 3, 1, 0, points=1),)),
        ),
        (
            Up(512, 1, stride=1, padding=0, extra=0),
            *(2 * (Up(512, extra=0),)),
            *_doubled(384, 256, 128, 64, 64),
        ),
        activation="prelu",
    ),
    Variant(
        384,
        (
            Down(8, 7, 1, 3),
            *_halved((16, 2), (32, 2), (64, 3), (128, 2), (256, 2), (512, 2), (1024, 2)),
            Down(1024, 3, 1, 0, points=1),
        ),
        (Up(1024, 1, stride=1, padding=0, extra=0), *_doubled(1024, 768, 512, 256, 128, 64, 32)),
        drawn=16,
        activation="leaky",
        wide=True,
        refined="used",
        signed=True,
        margin=8,
    ),
)


def _activation(kind: Activation) -> nn.Module:
    if kind == "prelu":
        return nn.PReLU()
    return nn.ReLU() if kind == "relu" else nn.LeakyReLU(0.2)


class _Layer(nn.Module):
    """A convolution with normalisation, and optionally a residual connection before the activation."""

    def __init__(self, convolution: nn.Module, channels: int, act: Activation, *, adds: bool = False) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(convolution, nn.BatchNorm2d(channels))
        self.act = _activation(act)
        self._adds = adds

    def forward(self, x: Tensor) -> Tensor:
        """The output; its size depends on the convolution's stride."""
        out = self.conv_block(x)
        found: Tensor = self.act(out + x if self._adds else out)
        return found


def _plain(inner: int, outer: int, act: Activation, kernel: int, stride: int | tuple[int, int], padding: int) -> _Layer:
    return _Layer(nn.Conv2d(inner, outer, kernel, stride, padding), outer, act)


def _point(inner: int, outer: int, act: Activation) -> _Layer:
    return _plain(inner, outer, act, 1, 1, 0)


def _adding(channels: int, count: int, act: Activation) -> Iterator[_Layer]:
    for _ in range(count):
        yield _Layer(nn.Conv2d(channels, channels, 3, 1, 1), channels, act, adds=True)


class Generator(nn.Module):
    """Draws a face that speaks given audio."""

    def __init__(self, variant: Variant) -> None:
        super().__init__()
        self.variant = variant
        act = variant.activation
        if variant.attentive:
            self.sam = _Attention()
        self.face_encoder_blocks = nn.ModuleList(_encoder(variant))
        self.audio_encoder = nn.Sequential(*_hearing(variant))
        sound = variant.encoder[-1].channels
        if variant.refined:
            self.audio_refine = nn.Sequential(_point(sound, sound, act), _point(sound, sound, act))
        self.face_decoder_blocks = nn.ModuleList(_decoder(variant))
        drawn = variant.decoder[-1].channels + variant.encoder[0].channels
        self.output_block = nn.Sequential(
            _plain(drawn, variant.drawn, act, 3, 1, 1),
            nn.Conv2d(variant.drawn, 3, 1),
            nn.Tanh() if variant.signed else nn.Sigmoid(),
        )

    def forward(self, mel: Tensor, faces: Tensor) -> Tensor:
        """Faces that speak the audio.

        Args:
            mel: float32 [n, 1, 80, 16].
            faces: float32 [n, 6, side, side]: the face with its lower half masked, then the same or another one whole.

        Returns:
            float32 [n, 3, side, side].
        """
        seen = []
        for stage in self.face_encoder_blocks:
            faces = stage(faces)
            seen.append(faces)
        x = self.audio_encoder(mel)
        if self.variant.refined == "used":
            x = self.audio_refine(x)
        for stage in self.face_decoder_blocks:
            x, other = stage(x), seen.pop()
            if self.variant.attentive:
                x = self.sam(other, x)
            x = torch.cat((x, other), dim=1)
        drawn: Tensor = self.output_block(x)
        return drawn


def _encoder(variant: Variant) -> Iterator[nn.Sequential]:
    inner, act = 6, variant.activation
    for stage in variant.encoder:
        outer = stage.channels
        first = _plain(inner, outer, act, stage.kernel, stage.stride, stage.padding)
        points = (_point(outer, outer, act) for _ in range(stage.points))
        yield nn.Sequential(first, *_adding(outer, stage.added, act), *points)
        inner = outer


def _decoder(variant: Variant) -> Iterator[nn.Sequential]:
    seen = [stage.channels for stage in variant.encoder]
    inner, act = seen[-1], variant.activation
    yield nn.Sequential(_point(inner, inner, act))
    for stage in variant.decoder:
        inner += seen.pop()
        outer = stage.channels
        grown = nn.ConvTranspose2d(inner, outer, stage.kernel, stage.stride, stage.padding, stage.extra)
        yield nn.Sequential(_Layer(grown, outer, act), *_adding(outer, stage.added, act))
        inner = outer


def _hearing(variant: Variant) -> Iterator[_Layer]:
    """From 80 bands by 16 steps to one pixel."""
    act = variant.activation
    strides: tuple[int | tuple[int, int], ...] = (1, (3, 1), 3, (3, 2))
    inner, outer = 1, 32
    for number, stride in enumerate(strides):
        yield _plain(inner, outer, act, 3, stride, 1)
        yield from _adding(outer, 2 if variant.wide or number < 3 else 1, act)
        inner, outer = outer, 2 * outer
    if variant.wide:
        yield _plain(inner, outer, act, 3, 1, 1)
        yield from _adding(outer, 2, act)
        inner, outer = outer, 2 * outer
    last: Activation = "relu" if variant.wide else act
    yield _plain(inner, outer, last, 3, 1, 0)
    yield _point(outer, outer, last)


class _Attention(nn.Module):
    """Spatial attention from the mean and the maximum of the encoder's features."""

    def __init__(self) -> None:
        super().__init__()
        self.sa = nn.ModuleDict({"conv1": nn.Conv2d(2, 1, 7, padding=3, bias=False)})

    def forward(self, seen: Tensor, drawn: Tensor) -> Tensor:
        """The decoder's features, weighted by up to two."""
        pooled = torch.cat((seen.mean(dim=1, keepdim=True), seen.amax(dim=1, keepdim=True)), dim=1)
        weights = torch.sigmoid(self.sa["conv1"](pooled))
        return drawn * weights + drawn


def shapes(module: nn.Module) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a checkpoint's parameters, without counters that only training uses."""
    return _shapes(module.state_dict())


def _shapes(state: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in state.items() if not name.endswith("num_batches_tracked")}


def load(checkpoint: Path) -> Generator:
    """The generator of a checkpoint: published layout (``state_dict``, ``module.`` before names), or a bare one.

    Raises:
        BadInputError: it is not a checkpoint, or of an unknown network.
    """
    state = _state(checkpoint)
    found = _shapes(state)
    for variant in VARIANTS:
        with torch.device("meta"):
            generator = Generator(variant)
        if shapes(generator) == found:
            generator = generator.to_empty(device="cpu")
            generator.load_state_dict(state, strict=False, assign=True)
            return generator.eval().requires_grad_(False)
    sizes = ", ".join(str(variant.side) for variant in VARIANTS)
    raise BadInputError(
        f"The network in {checkpoint.name} is not a known Wav2Lip generator.", f"Supported sizes: {sizes} pixels."
    )


def _state(checkpoint: Path) -> dict[str, Tensor]:
    try:
        stored = torch.load(checkpoint, map_location="cpu", weights_only=True)
    except Exception as error:  # a truncated, foreign or unsafe file fails in many ways, with no common base
        said = str(error).splitlines()[0][:200]
        raise BadInputError(f"The checkpoint {checkpoint.name} cannot be read: {said}") from error
    state = stored.get("state_dict", stored) if isinstance(stored, dict) else {}
    tensors = {str(name): value for name, value in state.items() if isinstance(value, Tensor)}
    return {name.removeprefix("module."): value.float() for name, value in tensors.items()}
