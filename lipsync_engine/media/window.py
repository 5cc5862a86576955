"""Rectangles of the picture: cut out of planes, put back into them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lipsync_engine.media.video import Planes

Array = NDArray[np.float64]
#: Windows of one batch grow to a multiple of this many pixels.
_STEP = 16


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of the picture, even aligned so that the chroma planes match.

    Attributes:
        left: first column.
        top: first row.
        width: columns, even.
        height: rows, even.
    """

    left: int
    top: int
    width: int
    height: int


def region_of(points: NDArray[np.floating[Any]], size: tuple[int, int]) -> Region | None:
    """Even-aligned rectangle around points, inside the picture; ``None`` where nothing is left.

    Args:
        points: float [n, 2], pixels.
        size: width and height of the picture.
    """
    low = np.floor(points.min(axis=0) - 3).astype(int)
    high = np.ceil(points.max(axis=0) + 4).astype(int)
    left, top = (max(0, int(v)) // 2 * 2 for v in low)
    right, bottom = min(int(high[0]), size[0] // 2 * 2), min(int(high[1]), size[1] // 2 * 2)
    width, height = (right - left) // 2 * 2, (bottom - top) // 2 * 2
    return Region(left, top, width, height) if width >= 8 and height >= 8 else None


def common_size(regions: Sequence[Region], size: tuple[int, int]) -> list[Region]:
    """The same rectangles grown to one size for all (a multiple of 16 where the picture allows), inside the picture."""
    whole = (size[0] // 2 * 2, size[1] // 2 * 2)
    wide = min(_grown(max(r.width for r in regions)), whole[0])
    high = min(_grown(max(r.height for r in regions)), whole[1])
    return [Region(min(r.left, whole[0] - wide), min(r.top, whole[1] - high), wide, high) for r in regions]


def _grown(length: int) -> int:
    return (length + _STEP - 1) // _STEP * _STEP


def view(planes: Planes, index: int, region: Region) -> NDArray[np.generic]:
    """A region of one plane, not copied.

    Args:
        planes: Y [H, W], U and V [H/2, W/2], uint8 or uint16.
        index: 0 for Y, 1 for U, 2 for V.
        region: the rectangle, in pixels of Y.
    """
    step = 2 if index else 1
    rows = slice(region.top // step, (region.top + region.height) // step)
    return planes[index][rows, region.left // step : (region.left + region.width) // step]


def crop(planes: Planes, region: Region) -> Planes:
    """Copies of a region's planes: Y [h, w], U and V [h/2, w/2], uint8 or uint16."""
    y, u, v = (view(planes, index, region).copy() for index in range(3))
    return y, u, v  # type: ignore[return-value]


def load(planes: Sequence[Planes], regions: Sequence[Region], device: torch.device) -> tuple[Tensor, Tensor]:
    """Regions of one size as float32 luma [B, 1, H, W] and chroma [B, 2, H/2, W/2].

    Args:
        planes: of each picture: Y [H, W], U and V [H/2, W/2], uint8 or uint16.
        regions: one in each picture, of one size.
        device: where the samples go.
    """
    luma = np.stack([view(p, 0, r) for p, r in zip(planes, regions, strict=True)])[:, None]
    pairs = [[view(p, i, r) for i in (1, 2)] for p, r in zip(planes, regions, strict=True)]
    return to_device(luma, device), to_device(np.array(pairs), device)


def to_device(samples: NDArray[np.generic], device: torch.device) -> Tensor:
    """Samples [...], uint8 or uint16, as float32; they travel to the device in their own width."""
    if samples.dtype == np.uint16:
        samples = samples.view(np.int16)
    return torch.from_numpy(samples).to(device).float()


def store(
    planes: Planes, region: Region, luma: NDArray[np.generic], chroma: NDArray[np.generic], touched: Tensor
) -> None:
    """Write a region back where ``touched`` allows; nothing else changes.

    Args:
        planes: Y [H, W], U and V [H/2, W/2], uint8 or uint16; changed in place.
        region: the rectangle.
        luma: [h, w] of the region, of the planes' type.
        chroma: [2, h/2, w/2], likewise.
        touched: bool [h, w], on the CPU.
    """
    where = touched.numpy()
    rows = where[::2] | where[1::2]
    half = rows[:, ::2] | rows[:, 1::2]
    np.copyto(view(planes, 0, region), luma, where=where)
    for index in (1, 2):
        np.copyto(view(planes, index, region), chroma[index - 1], where=half)
