"""Geometry of the edit: give a face in canonical space exactly the planned mouth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.faces.geometry import (
    CHIN,
    LOWER_INNER,
    LOWER_OUTER,
    NOSE_BASE,
    POINTS,
    UPPER_INNER,
    UPPER_OUTER,
)
from lipsync_engine.faces.mesh import LIPS, LOWER_LIP, UPPER_LIP

#: Share of a change of aperture that the upper lip takes; the lower lip rides on the jaw and takes the rest.
UPPER_SHARE = 0.28
#: Stretching a lip further than this shows; the plan is then followed less.
_WIDTH_LIMIT, _THICKNESS_LIMIT = (0.72, 1.3), (0.7, 1.35)

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FaceShape:
    """One person's mean face and the smooth weights on it that carry lip and jaw motion to the skin.

    Attributes:
        mean: float64 [478, 3], canonical.
        width: face width in canonical units (the unit of mouth vectors).
        carry: float64 [478, 22], how each point follows the outer lip ring (upper columns, then lower).
        jaw: float64 [478], share of a jaw drop that each point takes.
        patch: float64 [478], 1 where the shape comes from the selected observation, 0 from the target frame.
        alpha: float64 [478], 1 where the texture comes from the selected observation.
    """

    mean: Array
    width: float
    carry: Array
    jaw: Array
    patch: Array
    alpha: Array


def _ease(x: Array) -> Array:
    x = np.clip(x, 0.0, 1.0)
    return x * x * (3 - 2 * x)


def face_shape(mean: Array, width: float) -> FaceShape:
    """Weights for the mean face of one person.

    Args:
        mean: float64 [478, 3] canonical landmarks.
        width: its face width.
    """
    flat = mean[:, :2] / width
    upper, lower = flat[list(UPPER_OUTER)], flat[list(LOWER_OUTER)]
    ring = np.concatenate([upper, lower])
    gaps = np.linalg.norm(flat[:, None] - ring[None], axis=2)
    distance = np.min(gaps, axis=1)
    distance[list(LIPS)] = 0.0
    below = flat[:, 1] > np.interp(flat[:, 0], [upper[0, 0], upper[-1, 0]], [upper[0, 1], upper[-1, 1]])
    nose_room = float(upper[5, 1] - flat[NOSE_BASE, 1])
    chin_room = float(flat[CHIN, 1] - lower[5, 1])
    kernel = np.exp(-((gaps / 0.05) ** 2))
    kernel[below, :11] *= 0.02
    kernel[~below, 11:] *= 0.02
    reach = np.where(below, 0.85 * chin_room, 0.95 * nose_room)
    fall = _ease(1 - distance / np.maximum(reach, 0.16 * (np.abs(flat[:, 0] - flat[NOSE_BASE, 0]) > 0.15)))
    fall[flat[:, 1] < flat[NOSE_BASE, 1]] = 0.0
    carry = kernel / (kernel.sum(axis=1, keepdims=True) + 1e-9) * fall[:, None]
    corner = float((upper[0, 1] + upper[-1, 1]) / 2)
    jaw = _ease((flat[:, 1] - corner) / (flat[CHIN, 1] - corner))
    jaw[list(LIPS)] = 0.0
    patch = _ease(1 - distance / np.where(below, 0.11, min(0.11, nose_room)))
    alpha = _ease((np.where(below, 0.13, 0.9 * nose_room) - distance) / np.where(below, 0.09, 0.7 * nose_room))
    alpha[flat[:, 1] < flat[NOSE_BASE, 1] + 0.15 * nose_room] = 0.0
    alpha[list(LIPS)] = patch[list(LIPS)] = 1.0
    return FaceShape(mean, width, carry, jaw, patch, alpha)


def reshape(canonical: Array, target: NDArray[np.floating[Any]], shape: FaceShape) -> Array:
    """Faces whose mouth vector is ``target``: lips exactly, skin around them smoothly.

    Args:
        canonical: float64 [N, 478, 3].
        target: [N, 4] mouth vectors in face widths.
        shape: weights of this person.
    """
    want = np.asarray(target, np.float64) * shape.width
    out = canonical.copy()
    moves = _lip_moves(canonical, want)
    for ring_set, side in ((UPPER_LIP, "upper"), (LOWER_LIP, "lower")):
        outer, inner = moves[side]
        for order, ring in enumerate(ring_set):
            share = order / (len(ring_set) - 1)
            out[:, list(ring), :2] = canonical[:, list(ring), :2] + (1 - share) * outer + share * inner
    ring_moves = np.concatenate([moves["upper"][0], moves["lower"][0]], axis=1)
    skin = np.setdiff1d(np.arange(POINTS), LIPS)
    out[:, skin, :2] += np.einsum("pr,nrc->npc", shape.carry[skin], ring_moves)
    drop = want[:, 2] - np.linalg.norm(out[:, CHIN, :2] - out[:, NOSE_BASE, :2], axis=1)
    out[:, :, 1] += drop[:, None] * shape.jaw[None] / max(float(shape.jaw[CHIN]), 1e-6)
    return out


def _lip_moves(canonical: Array, want: Array) -> dict[str, tuple[Array, Array]]:
    """Displacements [N, 11, 2] of the (outer, inner) ring of each lip."""
    rings = [canonical[:, list(r), :2] for r in (UPPER_OUTER, UPPER_INNER, LOWER_INNER, LOWER_OUTER)]
    upper_out, upper_in, lower_in, lower_out = rings
    left, right = upper_out[:, 0], upper_out[:, -1]
    width = np.linalg.norm(right - left, axis=1)
    stretch = np.clip(want[:, 1] / np.maximum(width, 1e-6), *_WIDTH_LIMIT) - 1
    middle = (left + right) / 2
    gap = lower_in[:, :, 1] - upper_in[:, :, 1]  # below 0 where a tracker lets the lips cross
    aperture = np.linalg.norm(lower_in[:, 5] - upper_in[:, 5], axis=1)
    columns = (upper_in[:, :, 0] - middle[:, None, 0]) / np.maximum(width[:, None] / 2, 1e-6)
    profile = np.clip(1 - columns**2, 0, 1)
    shrink = np.minimum(1.0, want[:, 0] / np.maximum(aperture, 1e-6))[:, None]
    grown = np.maximum(gap, 0) * shrink + profile * np.maximum(0, want[:, 0] - aperture)[:, None]
    change = grown - gap
    thick = np.linalg.norm(lower_out[:, 5] - upper_out[:, 5], axis=1) - aperture
    fuller = np.clip((want[:, 3] - want[:, 0]) / np.maximum(thick, 1e-6), *_THICKNESS_LIMIT)[:, None] - 1
    moves = {}
    for name, outer, inner, share in (
        ("upper", upper_out, upper_in, -UPPER_SHARE),
        ("lower", lower_out, lower_in, 1 - UPPER_SHARE),
    ):
        inner_move = np.stack([stretch[:, None] * (inner[..., 0] - middle[:, None, 0]), share * change], axis=2)
        outer_move = np.stack([stretch[:, None] * (outer[..., 0] - middle[:, None, 0]), share * change], axis=2)
        outer_move[..., 1] += fuller * (outer[..., 1] - inner[..., 1])
        moves[name] = (outer_move, inner_move)
    return moves
