"""The camera's noise that warping, mixing and dissolving took off the skin is put back, and no more than that.

What is missing is the difference between the fine detail of the frame's own skin and that of what was drawn there,
as far as it is noise: what changes from one frame of the title to the next. A clean picture gets none. The noise has
the spectrum of the frame's, as far as neighbouring samples tell, and is another one in each frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lipsync_engine.draw.bands import detail, steep
from lipsync_engine.media.video import Planes

Patch = tuple[Planes, tuple[int, int]]
#: Side of the sheet of noise that all frames are cut from; fewest samples of skin that tell a deviation.
_SHEET, _FEWEST = 512, 60
#: Deviation of normal noise for one median of its absolute values.
_DEVIATION = 1.4826
#: Share of the pairs of frames that are still enough to tell noise from motion.
_STILLEST = 0.3
#: Missing noise in the finest band, 8-bit levels, below which none is added: clips that an encoder has smoothed have
#: about 0.4 in all, and rounding to 8 bits gives 0.2.
_LEAST = 0.5
#: Odd multipliers that scatter frames over the sheet.
_SCATTER = (2654435761, 2246822519, 3266489917)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a window's first sample lies in its plane, and what noise its frame gets.

    Attributes:
        left: column.
        top: row.
        seed: one for each frame.
    """

    left: int
    top: int
    seed: int


def noise_between(pairs: Sequence[tuple[Patch, Patch]]) -> tuple[float, float, float]:
    """Deviation of the finest band of Y, U and V that changes between neighbouring frames, in samples.

    Args:
        pairs: planes of mouths and the (left, top) at which they lie, of neighbouring frames each.
    """
    found = [_changes(*pair) for pair in pairs]
    if not found:
        return 0.0, 0.0, 0.0
    y, u, v = np.quantile(found, _STILLEST, axis=0).tolist()
    return y, u, v


def _changes(before: Patch, after: Patch) -> list[float]:
    low = np.maximum(before[1], after[1])
    high = np.minimum(*(np.add(at, planes[0].shape[::-1]) for planes, at in (before, after)))
    out = []
    for index in range(3):
        step = 2 if index else 1
        first, last = low // step, high // step
        if (last - first < 4).any():
            return [0.0, 0.0, 0.0]
        a, b = (
            planes[index][
                first[1] - at[1] // step : last[1] - at[1] // step, first[0] - at[0] // step : last[0] - at[0] // step
            ]
            for planes, at in (before, after)
        )
        change = a.astype(np.float32) - b
        finest = change - cv2.GaussianBlur(change, (3, 3), 0)  # binomial, as `detail`
        out.append(_DEVIATION * float(np.median(np.abs(finest))) / 2**0.5)
    return out


def grained(
    drawn: Tensor,
    fine: Tensor,
    share: Tensor,
    skin: Tensor,
    places: Sequence[Place],
    noise: Sequence[float],
    level: float,
) -> Tensor:
    """What was drawn, with the noise that it lacks.

    Args:
        drawn: float32 [B, C, h, w], what was drawn.
        fine: float32 [B, C, h, w], the finest band of the frame as it was.
        share: float32 [B, 1, h, w], how much of what was drawn is an observation.
        skin: bool [B, 1, h, w], skin that shows nothing but the observation.
        places: where the windows lie, and their frames.
        noise: deviation of the finest band that is noise in this title, for each channel.
        level: samples for one 8-bit level.
    """
    least = (_LEAST * level) ** 2
    most = torch.tensor(noise, device=fine.device).square()[:, None, None]
    if not bool((most > least).any()):
        return drawn
    power = torch.minimum(_power(fine, skin), most)
    if not bool((power > least).any()):
        return drawn
    left = torch.minimum(_power(detail(drawn), skin), power)
    lacks = power - left > least
    if not bool(lacks.any()):
        return drawn
    # two noises that are mixed cancel each other in part: of each, the square of its share is left
    shared = steep(share)
    kept = torch.addcmul((1 - shared).square_(), shared.square(), left / power.clamp(min=1e-9))
    reach = _reach(_likeness(fine, skin))
    size = (drawn.shape[2], drawn.shape[3])
    added = torch.stack(
        [
            torch.stack([_cut(place, channel, kind, size, drawn.device) for channel, kind in enumerate(kinds)])
            for place, kinds in zip(places, reach, strict=True)
        ]
    )
    return added.mul_(kept.neg_().add_(1).clamp_(min=0).mul_(power * lacks).sqrt_()).add_(drawn)


def _power(fine: Tensor, skin: Tensor) -> Tensor:
    """Power of the finest band on flat skin, [B, C, 1, 1]: by its median (texture is rarer); 0 where skin is."""
    out = fine.new_zeros((*fine.shape[:2], 1, 1))
    for each, where, power in zip(fine[:, :, ::2], skin[:, 0, ::2], out, strict=True):
        found = each[:, where]
        if found.shape[1] >= _FEWEST:
            power[:, 0, 0] = (_DEVIATION * found.abs().median(1).values).square()
    return out


def _likeness(fine: Tensor, skin: Tensor) -> Tensor:
    """Correlation of neighbouring samples of the finest band on skin, [B, C, 1, 1]."""
    weighted = fine * skin
    own = (weighted * fine).sum((2, 3), keepdim=True)
    beside = (weighted[..., :-1] * fine[..., 1:]).sum((2, 3), keepdim=True)
    below = (weighted[..., :-1, :] * fine[..., 1:, :]).sum((2, 3), keepdim=True)
    return (beside + below) / (2 * own).clamp(min=1e-9)


#: Shares that a sample of noise may hold of its neighbours.
_SHARES = np.linspace(-0.3, 0.5, 17)


def _kernel(share: float) -> NDArray[np.float64]:
    line = np.array([share, 1.0, share])
    return np.outer(line, line)


def _band(share: float) -> NDArray[np.float64]:
    """What the finest band of such noise takes of white noise, [5, 5]."""
    out = np.zeros((5, 5))
    for (y, x), weight in np.ndenumerate(_kernel(share)):
        out[y + 1, x + 1] += weight
        out[y : y + 3, x : x + 3] -= weight * np.outer((1, 2, 1), (1, 2, 1)) / 16
    return out


@lru_cache(maxsize=1)
def _likenesses() -> NDArray[np.float64]:
    """Correlation of neighbouring samples in the finest band of the noise with each of the shares, increasing."""
    bands = [_band(share) for share in _SHARES]
    return np.array([(band[:, 1:] * band[:, :-1]).sum() / (band**2).sum() for band in bands])


def _reach(likeness: Tensor) -> list[list[int]]:
    """For each frame and channel the number of the share that gives such a likeness."""
    at = np.searchsorted(_likenesses(), likeness[:, :, 0, 0].cpu().numpy())
    shares: list[list[int]] = np.minimum(at, len(_SHARES) - 1).tolist()
    return shares


@lru_cache(maxsize=len(_SHARES))
def _sheet(kind: int, times: int, device: torch.device) -> Tensor:
    """Noise whose samples hold a share of their neighbours, the power of its finest band 1: float32 [S, S]."""
    noise = np.random.default_rng(0).standard_normal((_SHEET, _SHEET))
    for axis in (0, 1):
        noise = noise + _SHARES[kind] * (np.roll(noise, 1, axis) + np.roll(noise, -1, axis))
    noise /= np.sqrt((_band(_SHARES[kind]) ** 2).sum())
    return torch.from_numpy(np.tile(noise.astype(np.float32), (times, times))).to(device)


def _cut(place: Place, channel: int, kind: int, size: tuple[int, int], device: torch.device) -> Tensor:
    """A part of a sheet, another one for each frame and channel, the same wherever the window begins."""
    number = (place.seed * _SCATTER[0] + channel * _SCATTER[1]) % 2**32 * _SCATTER[2] % 2**32
    top, left = (place.top + (number >> 16)) % _SHEET, (place.left + number % 2**16) % _SHEET
    sheet = _sheet(kind, 1 + -(-max(size) // _SHEET), device)
    return sheet[top : top + size[0], left : left + size[1]]
