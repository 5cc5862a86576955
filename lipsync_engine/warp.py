"""Piecewise-affine warps of the lower face: where in the source picture each output pixel comes from."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lipsync_engine.geometry import JAW
from lipsync_engine.mesh import RING_REACH, RING_SHARE, mouth_triangles, skin_triangles

Array = NDArray[np.float64]


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


@dataclass(frozen=True, slots=True)
class Field:
    """Per-pixel maps inside a region.

    Attributes:
        region: the rectangle.
        inside: bool [H, W], pixels that the edit may touch.
        base: float32 [H, W, 2], source coordinates in the target frame.
        patches: float32 [H, W, 2] for each observation, source coordinates in its frame.
        alpha: float32 [H, W], weight of the observation's texture.
    """

    region: Region
    inside: NDArray[np.bool_]
    base: NDArray[np.float32]
    patches: list[NDArray[np.float32]]
    alpha: NDArray[np.float32]


def with_neck(moved: Array, still: Array, face_width_px: float) -> tuple[Array, Array]:
    """Append the neck rings to a moved and an unmoved face: two arrays float64 [520, 2].

    Args:
        moved: [478, 2] face after the edit.
        still: [478, 2] face in the target frame.
        face_width_px: pixels for a face width.
    """
    jaw = list(JAW)
    centre = still[[61, 291]].mean(axis=0)
    outward = still[jaw] - centre
    outward /= np.linalg.norm(outward, axis=1, keepdims=True) + 1e-9
    motion = moved[jaw] - still[jaw]
    rings_still = [still[jaw] + reach * face_width_px * outward for reach in RING_REACH]
    rings_moved = [ring + share * motion for ring, share in zip(rings_still, RING_SHARE, strict=True)]
    return np.concatenate([moved, *rings_moved]), np.concatenate([still, *rings_still])


def active_triangles(moved: Array, still: Array, alpha: NDArray[np.floating]) -> NDArray[np.int32]:
    """The triangles that the edit changes, the mouth's opening first (so that lips are painted over it)."""
    busy = np.linalg.norm(moved - still, axis=1) > 0.03
    busy[: len(alpha)] |= alpha > 0
    skin = skin_triangles()
    return np.concatenate([mouth_triangles(), skin[busy[skin].any(axis=1)]])


def region_of(points: Array, size: tuple[int, int]) -> Region | None:
    """Even-aligned rectangle around points, inside the picture; ``None`` where nothing is left."""
    low = np.floor(points.min(axis=0) - 3).astype(int)
    high = np.ceil(points.max(axis=0) + 4).astype(int)
    left, top = (max(0, int(v)) // 2 * 2 for v in low)
    right, bottom = min(int(high[0]), size[0] // 2 * 2), min(int(high[1]), size[1] // 2 * 2)
    width, height = (right - left) // 2 * 2, (bottom - top) // 2 * 2
    return Region(left, top, width, height) if width >= 8 and height >= 8 else None


def field(
    moved: Array,
    sources: list[Array],
    alpha: NDArray[np.floating],
    triangles: NDArray[np.int32],
    region: Region,
) -> Field:
    """Rasterise the mesh at its new place and carry the source coordinates to every pixel.

    Args:
        moved: [V, 2] vertices in the output.
        sources: vertices in the target frame, then in each observation; all [V, 2].
        alpha: [V] texture weight at the vertices.
        triangles: int32 [M, 3].
        region: where to compute.
    """
    origin = np.array([region.left, region.top], np.float64)
    corners = (moved - origin)[triangles]
    matrix = np.concatenate([corners, np.ones((len(triangles), 3, 1))], axis=2)
    solid = np.abs(np.linalg.det(matrix)) > 1e-3
    triangles, corners, matrix = triangles[solid], corners[solid], matrix[solid]
    columns = [(s - origin)[triangles] if i == 0 else s[triangles] for i, s in enumerate(sources)]
    values = np.concatenate([*columns, np.asarray(alpha, np.float64)[triangles][..., None]], axis=2)
    affine = np.linalg.solve(matrix, values).astype(np.float32)
    number = _paint(corners, region)
    return _evaluate(number, affine, region, len(sources))


def _paint(corners: Array, region: Region) -> NDArray[np.int32]:
    number = np.full((region.height, region.width), -1, np.int32)
    fixed = np.round(corners * 16).astype(np.int32)
    for index, triangle in enumerate(fixed):
        cv2.fillConvexPoly(number, triangle, (index,), lineType=cv2.LINE_8, shift=4)
    return number


def _evaluate(number: NDArray[np.int32], affine: NDArray[np.float32], region: Region, sources: int) -> Field:
    inside = number >= 0
    rows, columns = np.nonzero(inside)
    coefficient = affine[number[inside]]
    x, y = columns.astype(np.float32)[:, None], rows.astype(np.float32)[:, None]
    values = coefficient[:, 0] * x + coefficient[:, 1] * y + coefficient[:, 2]
    grid = np.stack(np.meshgrid(np.arange(region.width), np.arange(region.height)), axis=2).astype(np.float32)
    maps = []
    for index in range(sources):
        full = grid.copy()
        full[inside] = values[:, 2 * index : 2 * index + 2]
        maps.append(full)
    alpha = np.zeros(number.shape, np.float32)
    alpha[inside] = np.clip(values[:, -1], 0, 1)
    return Field(region, inside, maps[0], maps[1:], alpha)


def sample(plane: NDArray[np.generic], where: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bicubic samples of a plane at float32 [H, W, 2] coordinates, as float32."""
    x, y = np.ascontiguousarray(where[..., 0]), np.ascontiguousarray(where[..., 1])
    source = np.asarray(plane, np.float32)
    out = cv2.remap(source, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(out, np.float32)


def chroma_map(where: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same map for planes of half the size."""
    height, width = where.shape[:2]
    small = cv2.resize(where, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    return np.asarray((small - 0.5) / 2, np.float32)
