"""Filters of small pictures in frequency bands: blurs, pyramids, and mixing band by band."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
import torch.nn.functional as nn
from torch import Tensor

#: Levels of the pyramid above the coarsest; the finer the band, the shorter its transition.
_STEEPNESS = (3.0, 1.8, 1.0)


@lru_cache(maxsize=32)
def _gaussian(sigma: float) -> tuple[float, ...]:
    reach = max(1, math.ceil(3 * sigma))
    raw = [math.exp(-0.5 * (i / sigma) ** 2) for i in range(-reach, reach + 1)]
    return tuple(v / sum(raw) for v in raw)


def _separable(image: Tensor, taps: tuple[float, ...], *, zeros: bool) -> Tensor:
    kernel = torch.tensor(taps, dtype=image.dtype, device=image.device)
    channels, reach = image.shape[1], len(taps) // 2
    flat = image.reshape(-1, 1, *image.shape[2:])
    for shape, pad in (((1, 1, 1, -1), (reach, reach, 0, 0)), ((1, 1, -1, 1), (0, 0, reach, reach))):
        padded = nn.pad(flat, pad, mode="constant" if zeros else "replicate")
        flat = nn.conv2d(padded, kernel.view(shape))
    return flat.reshape(-1, channels, *image.shape[2:])


def blurred(image: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of [B, C, H, W] with zeros around it (normalise by the blurred weight)."""
    return _separable(image, _gaussian(round(sigma, 2)), zeros=True)


def detail(image: Tensor) -> Tensor:
    """What a 3-tap binomial blur takes away, the finest band of [B, C, H, W]."""
    padded = nn.pad(image, (1, 1, 1, 1), mode="replicate")
    across = 0.25 * (padded[..., :-2] + padded[..., 2:]) + 0.5 * padded[..., 1:-1]
    return image - (0.25 * (across[..., :-2, :] + across[..., 2:, :]) + 0.5 * across[..., 1:-1, :])


def reduced(image: Tensor) -> Tensor:
    """Half the size, rounded up."""
    return nn.avg_pool2d(image, 2, ceil_mode=True, count_include_pad=False)


def expanded(image: Tensor, like: Tensor) -> Tensor:
    """Twice the size, cut to that of ``like``."""
    large = nn.interpolate(image, scale_factor=2, mode="bilinear", align_corners=False)
    return large[..., : like.shape[2], : like.shape[3]]


def band_mix(difference: Tensor, mask: Tensor) -> Tensor:
    """``mask * difference``, where fine bands change over within a shorter way than coarse ones.

    A Laplacian pyramid (Burt and Adelson 1983) of the difference alone: what is added to the one picture to get
    the mix of both, zero where the mask is zero in every band.

    Args:
        difference: [B, C, H, W].
        mask: [B, 1, H, W], 0 to 1.
    """
    bands, masks = [], []
    for steepness in _STEEPNESS:
        if min(difference.shape[2:]) < 4:
            break
        small = reduced(difference)
        bands.append(difference - expanded(small, difference))
        masks.append(((mask - 0.5) * steepness + 0.5).clamp(0, 1) if steepness != 1 else mask)
        difference, mask = small, reduced(mask)
    out = difference * mask
    for band, share in zip(reversed(bands), reversed(masks), strict=True):
        out = expanded(out, band) + band * share
    return out
