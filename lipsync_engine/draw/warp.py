"""Piecewise-affine warps of the lower face: where in the source picture each output pixel comes from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as nn
from numpy.typing import NDArray
from torch import Tensor

from lipsync_engine.draw import teeth
from lipsync_engine.draw.raster import evaluate, gradients, rasterise
from lipsync_engine.faces.geometry import JAW
from lipsync_engine.faces.mesh import RING_REACH, RING_SHARE, mouth_triangles, skin_triangles
from lipsync_engine.media.window import Region

Array = NDArray[np.float64]
#: Least cells a face width of the grid that the mesh is drawn on. Against a grid of pixels the places move, for 99 %
#: of the lips' pixels, by less than 0.09 px on a face of 500 px and 0.12 px on one of 187 px (the maps are affine in
#: between).
CELLS = 170
#: Motion in pixels below which a vertex is at rest.
_STILL = 0.03


@dataclass(frozen=True, slots=True)
class Flow:
    """Per-pixel maps of a batch of windows.

    Attributes:
        motion: float32 [B, 2, H, W], source place minus output place in the target frame, pixels.
        touched: bool [B, H, W], pixels that the edit may change.
        core: windows inside the batch's windows that hold all of the observations' texture.
        alpha: float32 [B, 1, h, w], weight of the texture, over the core.
        lips: float32 [B, 1, h, w], 1 on the lips and between them, 0 on the skin, over the core.
        mouth: float32 [B, 1, h, w], 1 between the lips, over the core.
        shadow: float32 [B, 1, h, w], how much of what is seen lies in the shadow between parted teeth, over the core.
        patches: float32 [B, K, 2, h, w], place in each observation's frame, pixels, over the core.
    """

    motion: Tensor
    touched: Tensor
    core: list[Region]
    alpha: Tensor
    lips: Tensor
    mouth: Tensor
    shadow: Tensor
    patches: Tensor


def with_neck(moved: Array, still: Array, face_width_px: NDArray[np.floating[Any]]) -> tuple[Array, Array]:
    """Append the neck rings to moved and unmoved faces: two arrays float64 [n, 520, 2].

    Args:
        moved: [n, 478, 2] faces after the edit.
        still: [n, 478, 2] faces in the target frames.
        face_width_px: [n] pixels for a face width.
    """
    jaw = list(JAW)
    centre = still[:, [61, 291]].mean(axis=1, keepdims=True)
    outward = still[:, jaw] - centre
    outward /= np.linalg.norm(outward, axis=2, keepdims=True) + 1e-9
    motion = moved[:, jaw] - still[:, jaw]
    width = np.asarray(face_width_px)[:, None, None]
    rings_still = [still[:, jaw] + reach * width * outward for reach in RING_REACH]
    rings_moved = [ring + share * motion for ring, share in zip(rings_still, RING_SHARE, strict=True)]
    return np.concatenate([moved, *rings_moved], axis=1), np.concatenate([still, *rings_still], axis=1)


def lower_face_triangles() -> NDArray[np.int32]:
    """All triangles of the edit, int32 [M, 3], the mouth's opening first (so that lips are painted over it)."""
    return np.concatenate([mouth_triangles(), skin_triangles()])


def active(moved: Array, still: Array, alpha: Array, triangles: NDArray[np.int32], holes: int) -> NDArray[np.bool_]:
    """Triangles that the edit changes, bool [n, M]; openings always count.

    Args:
        moved: [n, V, 2], faces after the edit, pixels.
        still: [n, V, 2], faces in the frames.
        alpha: [n, V], weight of the observations' texture.
        triangles: int32 [M, 3].
        holes: how many of the first triangles are openings.
    """
    busy = (np.linalg.norm(moved - still, axis=2) > _STILL) | (alpha > 0)
    out = busy[:, triangles].any(axis=2)
    out[:, :holes] = True
    return np.asarray(out)


def bounds(points: list[Array], shown: NDArray[np.bool_], triangles: NDArray[np.int32]) -> list[Array]:
    """For each frame the corner points, [2, 2], of the box around the shown triangles in every given face.

    Args:
        points: faces [n, V, 2], pixels.
        shown: bool [n, M], triangles that are drawn.
        triangles: int32 [M, 3].
    """
    used = np.zeros((len(shown), points[0].shape[1]), bool)
    for corner in range(3):
        frame, triangle = np.nonzero(shown)
        used[frame, triangles[triangle, corner]] = True
    return [np.stack([_extreme(points, u, i, low=True), _extreme(points, u, i, low=False)]) for i, u in enumerate(used)]


def _extreme(points: list[Array], used: NDArray[np.bool_], frame: int, *, low: bool) -> Array:
    seen = np.concatenate([p[frame][used] for p in points])
    return np.asarray(seen.min(axis=0) if low else seen.max(axis=0))


@dataclass(frozen=True, slots=True)
class Mesh:
    """What is drawn in a batch; faces are [n, V, 2] in picture pixels.

    Attributes:
        moved: faces after the edit.
        still: faces in the target frames.
        observed: float64 [n, K, V, 2], faces in the observations' frames.
        alpha: float64 [n, V], weight of the observations' texture.
        lips: float64 [V], 1 on the lips.
        triangles: int32 [M, 3].
        holes: how many of the first triangles lie between the lips.
        shown: bool [n, M], triangles that are drawn.
        dark: float64 [n, 2, 11], where the first observations' teeth part (``teeth.dark_between``); ``None`` stretches
            what is between the lips with them.
        parted: float64 [n], how much further the rows of teeth are parted, face widths; ``None`` for not at all.
    """

    moved: Array
    still: Array
    observed: Array
    alpha: Array
    lips: Array
    triangles: NDArray[np.int32]
    holes: int
    shown: NDArray[np.bool_]
    dark: Array | None = None
    parted: Array | None = None


def flow(
    mesh: Mesh,
    windows: list[Region],
    core: list[Region],
    face_width_px: float,
    device: torch.device,
    cells: int = CELLS,
) -> Flow:
    """Draw the mesh at its new place and carry the source places to every pixel.

    The mesh is drawn on a grid of about ``cells`` cells a face width and the maps, which are affine between its
    edges, are enlarged to pixels.

    Args:
        mesh: what is drawn.
        windows: where, one size for all.
        core: the part of each window that shows the observations' texture, one size for all.
        face_width_px: pixels for a face width.
        device: where the maps are computed.
        cells: cells of the grid for a face width.
    """
    grid = _Grid(windows, max(1, math.ceil(face_width_px / cells)))
    inner = grid.inner(core)
    triangles = torch.from_numpy(mesh.triangles.astype(np.int64)).to(device)
    corners = grid.cells(mesh.moved, device)[:, triangles]
    number = rasterise(corners, torch.from_numpy(mesh.shown).to(device), grid.height, grid.width)
    motion = torch.from_numpy((mesh.still - mesh.moved).astype(np.float32)).to(device)
    moves = evaluate(number, gradients(corners, motion[:, triangles]))
    inner_number, origin = inner.of(number)
    values = evaluate(inner_number, gradients(corners, _attributes(mesh, device)[:, triangles]), origin)
    shadow = torch.zeros_like(values[:, :1])
    if mesh.observed.shape[1] and mesh.dark is not None:
        _hold_teeth(
            mesh, mesh.dark, corners[:, : mesh.holes], triangles[: mesh.holes], inner_number, origin, values, shadow
        )
    mouth = ((inner_number >= 0) & (inner_number < mesh.holes))[:, None].float()
    places = inner.places(values[:, 2:], inner_number)
    values = inner.enlarged(torch.cat([values[:, :2], mouth, shadow], 1))
    size = (windows[0].height, windows[0].width)
    return Flow(
        motion=_enlarged(moves, grid.cell, size),
        touched=grid.pixels(number >= 0),
        core=inner.regions,
        alpha=values[:, :1].clamp(0, 1),
        lips=torch.maximum(values[:, 1:2].clamp(0, 1), values[:, 2:3]),
        mouth=values[:, 2:3],
        shadow=values[:, 3:],
        patches=places.unflatten(1, (-1, 2)),
    )


def _hold_teeth(
    mesh: Mesh,
    dark: Array,
    corners: Tensor,
    triangles: Tensor,
    number: Tensor,
    origin: Tensor,
    values: Tensor,
    shadow: Tensor,
) -> None:
    """Places of the first observation between the lips, and the shadow there, in place: its teeth are not stretched."""
    frame, row, column = torch.nonzero((number >= 0) & (number < mesh.holes), as_tuple=True)
    if not len(frame):
        return
    parted = np.zeros(len(mesh.moved)) if mesh.parted is None else mesh.parted
    known = teeth.columns(mesh.moved, mesh.still, mesh.observed[:, 0], dark, parted).values.astype(np.float32)
    slopes = gradients(corners, torch.from_numpy(known).to(number.device)[:, triangles])
    along, across, level = slopes[:, :, frame, number[frame, row, column]]
    x, y = column + origin[frame, 0], row + origin[frame, 1]
    places, shade = teeth.places((along * x + across * y + level).T)
    values[frame, 2:4, row, column] = places
    shadow[frame, 0, row, column] = shade


def _attributes(mesh: Mesh, device: torch.device) -> Tensor:
    """float32 [n, V, 2 + 2K]: alpha, lips, places in the observations."""
    n, vertices = mesh.alpha.shape
    lips = np.broadcast_to(mesh.lips[None, :, None], (n, vertices, 1))
    places = mesh.observed.transpose(0, 2, 1, 3).reshape(n, vertices, -1)
    return torch.from_numpy(np.concatenate([mesh.alpha[..., None], lips, places], 2).astype(np.float32)).to(device)


def _enlarged(values: Tensor, cell: int, size: tuple[int, int]) -> Tensor:
    """Cells to pixels; the last cells may reach beyond the window and are cut."""
    if cell > 1 and not values.shape[1]:  # no observations, no places: interpolation refuses that
        values = values.new_zeros((len(values), 0, values.shape[2] * cell, values.shape[3] * cell))
    elif cell > 1:
        values = nn.interpolate(values, scale_factor=cell, mode="bilinear", align_corners=False)
    return values[..., : size[0], : size[1]]


class _Grid:
    """Square cells over windows of one size; cell centres are whole numbers."""

    def __init__(self, windows: list[Region], cell: int) -> None:
        self.windows, self.cell = windows, cell
        self.width, self.height = -(-windows[0].width // cell), -(-windows[0].height // cell)

    def cells(self, points: Array, device: torch.device) -> Tensor:
        """Picture pixels [n, V, 2] as cells, float32."""
        origin = np.array([(w.left, w.top) for w in self.windows], np.float64)[:, None]
        return torch.from_numpy(((points - origin + 0.5) / self.cell - 0.5).astype(np.float32)).to(device)

    def pixels(self, cells: Tensor) -> Tensor:
        """Flags of cells as flags of pixels, bool [B, H, W]."""
        large = cells.repeat_interleave(self.cell, 1).repeat_interleave(self.cell, 2) if self.cell > 1 else cells
        return large[:, : self.windows[0].height, : self.windows[0].width]

    def inner(self, core: list[Region]) -> _Inner:
        """The core windows grown to whole, evenly placed cells; the whole windows where these have no whole cells."""
        step = self.cell if self.cell % 2 == 0 else 2 * self.cell
        wide, high = (-(-side // step) * step + step for side in (core[0].width, core[0].height))
        room = self.windows[0]
        if wide > room.width or high > room.height or room.width % step or room.height % step:
            return _Inner(self.windows, [(0, 0)] * len(self.windows), (self.height, self.width), self.cell)
        starts, regions = [], []
        for inside, window in zip(core, self.windows, strict=True):
            x = min((inside.left - window.left) // step * step, room.width - wide)
            y = min((inside.top - window.top) // step * step, room.height - high)
            starts.append((x // self.cell, y // self.cell))
            regions.append(Region(window.left + x, window.top + y, wide, high))
        return _Inner(regions, starts, (high // self.cell, wide // self.cell), self.cell)


@dataclass(frozen=True, slots=True)
class _Inner:
    """Windows of the grid: regions in pixels, first cells, size in cells, pixels a cell."""

    regions: list[Region]
    starts: list[tuple[int, int]]
    size: tuple[int, int]
    cell: int

    def of(self, number: Tensor) -> tuple[Tensor, Tensor]:
        """The windows of ``number`` [B, H, W] and the first cell of each, float32 [B, 2]."""
        height, width = self.size
        cut = [number[i, y : y + height, x : x + width] for i, (x, y) in enumerate(self.starts)]
        return torch.stack(cut), torch.tensor(self.starts, dtype=torch.float32, device=number.device)

    def enlarged(self, values: Tensor) -> Tensor:
        return _enlarged(values, self.cell, (self.regions[0].height, self.regions[0].width))

    def places(self, values: Tensor, number: Tensor) -> Tensor:
        """Places, enlarged from the drawn cells alone."""
        if self.cell == 1:
            return self.enlarged(values)
        return self.enlarged(values) / self.enlarged((number >= 0)[:, None].to(values.dtype)).clamp(min=1e-3)


def bicubic(image: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Samples of images at places between their pixels, float32 [B, C, h, w]; edges repeat.

    Args:
        image: [B, C, H, W].
        x: [B, h, w], columns, pixels.
        y: [B, h, w], rows, pixels.
    """
    height, width = image.shape[2:]
    return _sampled(image, x.mul(2.0 / width).add_(1.0 / width - 1), y.mul(2.0 / height).add_(1.0 / height - 1))


def moved(image: Tensor, motion: Tensor) -> Tensor:
    """Images [B, C, H, W] seen through a motion [B, 2, H, W] (source place minus output place)."""
    height, width = image.shape[2:]
    x = (torch.arange(width, device=image.device) + 0.5) * (2.0 / width) - 1
    y = ((torch.arange(height, device=image.device) + 0.5) * (2.0 / height) - 1)[:, None]
    return _sampled(
        image, torch.add(x, motion[:, 0], alpha=2.0 / width), torch.add(y, motion[:, 1], alpha=2.0 / height)
    )


def _sampled(image: Tensor, x: Tensor, y: Tensor) -> Tensor:
    grid = torch.view_as_real(torch.complex(x, y))  # as a stack of both, several times quicker
    return nn.grid_sample(image, grid, mode="bicubic", padding_mode="border", align_corners=False)
