"""The residual network: composite in, correction out; untrained it changes nothing at all."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

#: Channels of each level of the U-Net.
LEVELS = (24, 48, 96, 192)
#: Planes of the input: composite 3, the frame with the jaw masked 3, soft mask, lines of lips and jaw, confidence.
INPUTS = 9
#: Mouth vectors (four channels each) of the frames t-2 to t+2.
MOUTHS = 5
#: The mouth's window is computed on this many pixels a side; the correction is enlarged, never the picture.
GRID = 128
#: The largest correction of a sample, of the range 0 to 1.
_REACH = 0.25


class _Block(nn.Module):
    """Two depthwise-separable convolutions, modulated by the mouth's path (FiLM, Perez et al. 2018)."""

    def __init__(self, before: int, after: int, code: int) -> None:
        super().__init__()
        self.first = _separable(before, after)
        self.second = _separable(after, after)
        self.film = nn.Linear(code, 2 * after)

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        x = functional.silu(self.first(x))
        gain, shift = self.film(code)[:, :, None, None].chunk(2, dim=1)
        return functional.silu(self.second(x) * (1 + gain) + shift)


def _separable(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, before, 3, padding=1, groups=before),
        nn.Conv2d(before, after, 1),
        nn.GroupNorm(4, after),
    )


class ResidualNet(nn.Module):
    """Depthwise-separable U-Net 24-48-96-192 with a zero-initialised last layer.

    Its first level works on blocks of 2 by 2 pixels (a quarter of the cost), its last gives every pixel its own value.
    """

    def __init__(self) -> None:
        super().__init__()
        code = 64
        self.path = nn.Sequential(nn.Linear(MOUTHS * 4, code), nn.SiLU(), nn.Linear(code, code), nn.SiLU())
        self.enter = nn.Conv2d(4 * INPUTS, LEVELS[0], 3, padding=1)
        ins = (LEVELS[0], *LEVELS[:-1])
        self.down = nn.ModuleList(_Block(a, b, code) for a, b in zip(ins, LEVELS, strict=True))
        ups = list(zip(LEVELS[:0:-1], LEVELS[-2::-1], strict=True))
        self.up = nn.ModuleList(_Block(low + high, high, code) for low, high in ups)
        self.leave = nn.Conv2d(LEVELS[0], 4 * 4, 3, padding=1)
        nn.init.zeros_(self.leave.weight)
        if self.leave.bias is not None:
            nn.init.zeros_(self.leave.bias)

    def forward(self, planes: Tensor, mouths: Tensor) -> Tensor:
        """Correction float32 [B, 3, G, G] for planes float32 [B, 9, G, G] (G a multiple of 16), mouths [B, 20]."""
        code = self.path(mouths)
        x = self.enter(functional.pixel_unshuffle(planes, 2))
        kept = []
        for level, block in enumerate(self.down):
            x = block(x if level == 0 else functional.avg_pool2d(x, 2), code)
            kept.append(x)
        for block, side in zip(self.up, kept[-2::-1], strict=True):
            x = block(torch.cat([functional.interpolate(x, scale_factor=2.0, mode="nearest"), side], dim=1), code)
        change, share = functional.pixel_shuffle(self.leave(x), 2).split((3, 1), dim=1)
        return _REACH * torch.tanh(change) * torch.sigmoid(share)


def inputs(composite: Tensor, around: Tensor, mask: Tensor, lines: Tensor, confidence: Tensor) -> Tensor:
    """The network's planes, float32 [B, 9, G, G].

    Args:
        composite: float32 [B, 3, G, G], YUV from 0 to 1, as the engine drew it.
        around: float32 [B, 3, G, G], the frame whose jaw is hidden; only what the mask leaves is used.
        mask: float32 [B, 1, G, G], 1 over the whole jaw.
        lines: float32 [B, 1, G, G], drawn lips and jaw.
        confidence: float32 [B].
    """
    level = confidence[:, None, None, None].expand(-1, 1, *mask.shape[2:])
    return torch.cat([composite - 0.5, (around - 0.5) * (1 - mask), mask, lines, level], dim=1)


def correct(
    net: ResidualNet, composite: Tensor, mask: Tensor, lines: Tensor, confidence: Tensor, mouths: Tensor
) -> Tensor:
    """Corrected windows: the composite plus the masked correction; where the mask is 0 the same bits come out.

    Args:
        net: of this speaker.
        composite: float32 [B, 3, h, w], YUV from 0 to 1, chroma at full size.
        mask: float32 [B, 1, h, w], 0 outside what the engine may change.
        lines: float32 [B, 1, h, w].
        confidence: float32 [B], 0 to 1.
        mouths: float32 [B, 20], normalised mouth vectors of t-2 to t+2.

    Returns:
        float32 [B, 3, h, w].
    """
    small, hidden, drawn = (_gridded(x) for x in (composite, mask, lines))
    change = net(inputs(small, small, hidden, drawn, confidence), mouths)
    whole = functional.interpolate(change, size=composite.shape[2:], mode="bilinear", align_corners=False)
    return composite + mask * whole


def _gridded(x: Tensor) -> Tensor:
    return functional.interpolate(x, size=(GRID, GRID), mode="bilinear", align_corners=False, antialias=True)
