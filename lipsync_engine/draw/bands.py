"""Filters of small pictures in frequency bands: blurs, pyramids, and mixing band by band."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
import torch.nn.functional as nn
from torch import Tensor

#: Levels of the pyramid above the coarsest; the finer the band, the shorter its transition.
_STEEPNESS = (3.0, 1.8, 1.0)


@lru_cache(maxsize=64)
def _gaussian(length: int, sigma: float) -> Tensor:
    """Blur along a line of ``length`` samples as a matrix, float32 [length, length]."""
    place = torch.arange(length, dtype=torch.float64)
    weight = torch.exp(-0.5 * ((place[:, None] - place) / sigma) ** 2)
    return (weight / (sigma * math.sqrt(2 * math.pi))).float()


def blurred(image: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of small pictures [B, C, H, W] with zeros around them (normalise by the blurred weight)."""
    down, across = (_gaussian(side, round(sigma, 2)).to(image.device) for side in image.shape[2:])
    return down @ image @ across


def detail(image: Tensor) -> Tensor:
    """What a 3-tap binomial blur takes away, the finest band of [B, C, H, W]."""
    padded = nn.pad(image, (1, 1, 1, 1), mode="replicate")
    across = torch.add(padded[..., :-2], padded[..., 2:]).add_(padded[..., 1:-1], alpha=2)
    down = torch.add(across[..., :-2, :], across[..., 2:, :]).add_(across[..., 1:-1, :], alpha=2)
    return torch.sub(image, down, alpha=1 / 16)


def halved(image: Tensor) -> Tensor:
    """Half the size of [B, C, H, W] (even sides): the mean of each four samples."""
    return nn.interpolate(image, scale_factor=0.5, mode="bilinear", align_corners=False)


def reduced(image: Tensor) -> Tensor:
    """Half the size of [B, C, H, W], rounded up."""
    if image.shape[2] % 2 == 0 and image.shape[3] % 2 == 0:
        return halved(image)
    return nn.avg_pool2d(image, 2, ceil_mode=True, count_include_pad=False)


def expanded(image: Tensor, like: Tensor) -> Tensor:
    """Twice the size of [B, C, H, W], cut to the height and width of ``like``, [B, C, H, W]."""
    large = nn.interpolate(image, scale_factor=2, mode="bilinear", align_corners=False)
    return large[..., : like.shape[2], : like.shape[3]]


def steep(mask: Tensor) -> Tensor:
    """The mask, [B, 1, H, W] from 0 to 1, by which the finest band changes over."""
    return ((mask - 0.5) * _STEEPNESS[0] + 0.5).clamp(0, 1)


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
