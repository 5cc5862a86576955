"""Which triangle of a mesh covers each cell of a grid, for a batch of frames at once."""

from __future__ import annotations

import torch
from torch import Tensor

#: A cell whose centre lies this close outside a triangle's edge (cells) still belongs to it: no cracks.
_EDGE = 1e-3
#: Twice the area (cells) below which a triangle is a line and covers nothing.
_FLAT = 1e-3


def rasterise(corners: Tensor, shown: Tensor, height: int, width: int) -> Tensor:
    """Number of the last triangle that covers each cell's centre, int64 [B, H, W]; -1 where none does.

    Scan-line: each triangle is cut into its rows, each row into its cells, so that the work is the covered area.

    Args:
        corners: float32 [B, M, 3, 2], x and y in cells, centres at whole numbers.
        shown: bool [B, M], triangles that are drawn.
        height: rows of the grid.
        width: columns of the grid.
    """
    batch, count = shown.shape
    a, b, c = corners.unbind(2)
    area = (b - a)[..., 0] * (c - a)[..., 1] - (b - a)[..., 1] * (c - a)[..., 0]
    y = corners[..., 1]
    first = torch.ceil(y.amin(2)).clamp(min=0)
    last = torch.floor(y.amax(2)).clamp(max=height - 1)
    rows = ((last - first + 1).clamp(min=0) * (shown & (area.abs() > _FLAT))).long().flatten()
    triangle, row = _expand(rows)
    row = row + first.flatten()[triangle].long()
    begin, length = _cells(corners.flatten(0, 1)[triangle], row.to(corners.dtype), width)
    span, column = _expand(length)
    triangle, row, column = triangle[span], row[span], column + begin[span]
    place = (torch.div(triangle, count, rounding_mode="floor") * height + row) * width + column
    number = torch.full((batch * height * width,), -1, dtype=torch.int64, device=corners.device)
    number.scatter_reduce_(0, place, triangle % count, "amax")
    return number.view(batch, height, width)


def _expand(counts: Tensor) -> tuple[Tensor, Tensor]:
    """For counts [N]: the owner of each of the sum(counts) items, and the item's number within its owner."""
    owner = torch.repeat_interleave(counts)
    start = torch.cumsum(counts, 0) - counts
    return owner, torch.arange(len(owner), device=counts.device) - start[owner]


def _cells(corners: Tensor, row: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """First cell and number of cells of triangles [S, 3, 2] on one row each."""
    x, y = corners.unbind(2)
    to_x, to_y = x.roll(-1, 1), y.roll(-1, 1)
    rise = to_y - y
    share = (row[:, None] - y) / torch.where(rise.abs() < 1e-9, torch.ones_like(rise), rise)
    cut = (share >= 0) & (share <= 1) & (rise.abs() >= 1e-9)
    at = x + share * (to_x - x)
    low = torch.where(cut, at, float(width + 2)).amin(1)
    high = torch.where(cut, at, -2.0).amax(1)
    begin = torch.ceil(low - _EDGE).clamp(min=0)
    end = torch.floor(high + _EDGE).clamp(max=width - 1)
    return begin.long(), (end - begin + 1).clamp(min=0).long()


def gradients(corners: Tensor, values: Tensor) -> Tensor:
    """Affine functions through the values at the corners: float32 [3, A, B, M] of (d/dx, d/dy, at the origin).

    Args:
        corners: float32 [B, M, 3, 2].
        values: float32 [B, M, 3, A].
    """
    a, b, c = corners.unbind(2)
    (ux, uy), (vx, vy) = (b - a).unbind(-1), (c - a).unbind(-1)
    area = ux * vy - uy * vx
    area = torch.where(area.abs() > _FLAT, area, torch.ones_like(area))[..., None]
    base, along, across = values.unbind(2)
    along, across = along - base, across - base
    x = (along * vy[..., None] - across * uy[..., None]) / area
    y = (across * ux[..., None] - along * vx[..., None]) / area
    return torch.stack([x, y, base - x * a[..., :1] - y * a[..., 1:]]).permute(0, 3, 1, 2).contiguous()


def evaluate(number: Tensor, slopes: Tensor, origin: Tensor | None = None) -> Tensor:
    """Values of the covering triangle's functions at each cell, float32 [B, A, H, W]; 0 where no triangle is.

    Args:
        number: int64 [B, H, W] from ``rasterise`` (or a window of it).
        slopes: float32 [3, A, B, M] from ``gradients``.
        origin: float32 [B, 2], x and y of the window's first cell; the grid's own where not given.
    """
    batch, height, width = number.shape
    frame = torch.arange(batch, device=number.device)[:, None, None] * slopes.shape[3]
    place = (number.clamp(min=0) + frame).flatten()
    x = torch.arange(width, device=number.device, dtype=slopes.dtype).expand(batch, 1, width)
    y = torch.arange(height, device=number.device, dtype=slopes.dtype)[:, None].expand(batch, height, 1)
    if origin is not None:
        x, y = x + origin[:, 0, None, None], y + origin[:, 1, None, None]
    drawn = (number >= 0).to(slopes.dtype)
    out = slopes.new_empty((batch, slopes.shape[1], height, width))
    for attribute, each in enumerate(slopes.flatten(2).unbind(1)):
        along, across, level = (row.index_select(0, place).view(number.shape) for row in each)
        out[:, attribute] = along.mul_(x).add_(across.mul_(y)).add_(level).mul_(drawn)
    return out
