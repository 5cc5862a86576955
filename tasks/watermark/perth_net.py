"""The network of Resemble AI's Perth (implicit), by its weights alone: what it adds to speech, how sure it is of it.

It works on magnitudes of 0 to 2 kHz, in decibels, hop 10 ms at 32 kHz. Architecture as in the package `resemble-perth`
(MIT), which is read as data and never imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

RATE_HZ, HOP = 32_000, 320
_FFT, _BAND, _HIDDEN = 2048, 128, 256
_FLOOR, _HEADROOM_DB = 1e-9, 15.0
_RANGE_DB = 180.0 + _HEADROOM_DB
#: How far a mark's frequency may stand out from those beside it.
_STANDS_OUT = 4.0 / _RANGE_DB
#: A frame counts where it is louder than this share of the loudest.
_SPEAKS = 0.05


class _Convolution(nn.Module):
    def __init__(self, taken: int, given: int, width: int, bent: bool = True) -> None:
        super().__init__()
        self.conv = nn.Conv1d(taken, given, width, padding=(width - 1) // 2)
        self.bent = bent

    def forward(self, frames: Tensor) -> Tensor:
        out: Tensor = self.conv(frames)
        return functional.leaky_relu(out) if self.bent else out


def _layers(given: int) -> nn.Sequential:
    middle = (_Convolution(_HIDDEN, _HIDDEN, 7) for _ in range(5))
    return nn.Sequential(_Convolution(_BAND, _HIDDEN, 1), *middle, _Convolution(_HIDDEN, given, 1, bent=False))


class _Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = _layers(_BAND)


class _Decoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.slow_layers, self.normal_layers, self.fast_layers = _layers(2), _layers(2), _layers(2)


class PerthNet(nn.Module):
    """Encoder and decoder."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = _Encoder(), _Decoder()
        self.window: Tensor
        self.register_buffer("window", torch.hann_window(_FFT), persistent=False)

    @torch.no_grad()
    def added(self, samples: Tensor, strength: float) -> Tensor:
        """What the mark adds to sound of `RATE_HZ`, as many samples as it has."""
        spectrum = self._spectrum(samples)
        level = _levels(spectrum)
        mask = _speaking(level[None])[:, None]
        change = torch.zeros_like(level)
        change[:_BAND] = (self.encoder.layers(level[None, :_BAND]) * mask)[0] * strength
        marked = spectrum * 10 ** (change * _RANGE_DB / 20)
        out: Tensor = torch.istft(marked - spectrum, _FFT, HOP, window=self.window, length=len(samples))
        return out

    @torch.no_grad()
    def heard(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """For each frame how marked it is, about 6 with the mark and 0 without, and how much that counts.

        The mark is a pattern of less than 2 dB. What stands out further is a tone of the sound itself, and limited:
        steady tones would pass for the pattern.
        """
        level = _levels(self._spectrum(samples))
        marks: Tensor = self.decoder.normal_layers(_limited(level[:_BAND])[None])[0, 1]
        return marks, _speaking(level[None])[0]

    def _spectrum(self, samples: Tensor) -> Tensor:
        return torch.stft(samples, _FFT, HOP, window=self.window, return_complex=True)


def _levels(spectrum: Tensor) -> Tensor:
    decibels = 20 * torch.log10(spectrum.abs().clip(_FLOOR))
    return (decibels + 180.0) / _RANGE_DB


def _limited(band: Tensor) -> Tensor:
    around = functional.avg_pool1d(band.T[None], 7, 1, 3, count_include_pad=False)[0].T
    return around + (band - around).clamp(-_STANDS_OUT, _STANDS_OUT)


def _speaking(level: Tensor) -> Tensor:
    loud = level.sum(1)
    return (loud > loud.max(1).values[:, None] * _SPEAKS).float()


def load(path: Path) -> PerthNet:
    """The network with its weights, in evaluation."""
    kept: Mapping[str, Mapping[str, Tensor]] = torch.load(path, map_location="cpu", weights_only=True)
    net = PerthNet()
    net.load_state_dict({name: values for name, values in kept["model"].items() if not name.startswith("ap.")})
    return net.eval()
