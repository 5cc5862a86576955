"""Put the observation's mouth into the target frame: same light, same grain, no seam, nothing outside the mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as nn
from torch import Tensor

from lipsync_engine.bands import band_mix, blurred, detail, halved
from lipsync_engine.warp import Flow, bicubic, moved
from lipsync_engine.window import Region

#: Cells of the light match for a face width, and the reach of its membrane in face widths.
_LIGHT_CELLS, _LIGHT_REACH = 48, 0.09
#: Range within which the finest band is amplified or softened to the sharpness of the frame that it goes into.
_GAIN = (0.7, 1.6)


@dataclass(frozen=True, slots=True)
class Observed:
    """One observation for some frames of a batch.

    Attributes:
        slot: which of the flow's patch maps belong to it.
        frames: int64 [P], frames of the batch.
        luma: float32 [P, 1, h, w], padded to a common size.
        chroma: float32 [P, 2, h/2, w/2].
        corner: float32 [P, 2], left and top in the observation's frame.
        last: float32 [P, 2], last column and row that hold samples.
        share: float32 [P], weight; those of one frame add up to 1.
    """

    slot: int
    frames: Tensor
    luma: Tensor
    chroma: Tensor
    corner: Tensor
    last: Tensor
    share: Tensor


def compose(
    luma: Tensor,
    chroma: Tensor,
    flow: Flow,
    windows: Sequence[Region],
    observed: Sequence[Observed],
    strength: Tensor,
    width_px: float,
) -> tuple[Tensor, Tensor]:
    """The edited windows: luma [B, 1, H, W] and chroma [B, 2, H/2, W/2], float32.

    Args:
        luma: float32 [B, 1, H, W], the windows of the target frames.
        chroma: float32 [B, 2, H/2, W/2].
        flow: maps of these windows.
        windows: where they lie.
        observed: textures; none leaves only the warp of the frames themselves.
        strength: float32 [B], the largest value that ``flow.alpha`` takes in each frame.
        width_px: pixels for a face width.
    """
    small = halved(flow.motion) / 2
    base, base_c = moved(luma, flow.motion), moved(chroma, small)
    fine = detail(luma)
    base = _as_sharp(base, fine, flow.motion)
    if observed:
        starts = [(c.left - w.left, c.top - w.top) for c, w in zip(flow.core, windows, strict=True)]
        size = (flow.core[0].height, flow.core[0].width)
        inner = _Inner(starts, size)
        mask = flow.alpha / strength.clamp(min=1e-3)[:, None, None, None]
        patch, patch_c = _textures(flow, observed)
        patch = _same_detail(patch, inner.cut(fine), mask * (1 - flow.lips))
        inner.put(base, _mixed(inner.cut(base), patch, mask, strength, width_px))
        half = _Inner([(x // 2, y // 2) for x, y in starts], (size[0] // 2, size[1] // 2))
        half.put(base_c, _mixed(half.cut(base_c), patch_c, halved(mask), strength, width_px / 2))
    return base, base_c


@dataclass(frozen=True, slots=True)
class _Inner:
    """The core inside each window of a batch."""

    starts: list[tuple[int, int]]
    size: tuple[int, int]

    def cut(self, image: Tensor) -> Tensor:
        height, width = self.size
        return torch.stack([image[i, :, y : y + height, x : x + width] for i, (x, y) in enumerate(self.starts)])

    def put(self, image: Tensor, part: Tensor) -> None:
        height, width = self.size
        for i, (x, y) in enumerate(self.starts):
            image[i, :, y : y + height, x : x + width] = part[i]


def _textures(flow: Flow, observed: Sequence[Observed]) -> tuple[Tensor, Tensor]:
    """The observations seen through the maps; between the lips only the first one (teeth do not average)."""
    batch, _, height, width = flow.alpha.shape
    luma = flow.alpha.new_zeros((batch, 1, height, width))
    chroma = flow.alpha.new_zeros((batch, 2, height // 2, width // 2))
    for each in observed:
        place = flow.patches[each.frames, each.slot] - each.corner[:, :, None, None]
        share = each.share[:, None, None, None]
        mouth = flow.mouth[each.frames]
        share = share + mouth * (1 - share) if each.slot == 0 else share * (1 - mouth)
        last = each.last[:, :, None, None]
        x, y = place.clamp(torch.zeros_like(last), last).unbind(1)
        luma[each.frames] += share * bicubic(each.luma, x, y)
        x, y = ((halved(place) - 0.5) / 2).clamp(torch.zeros_like(last), (last - 1) / 2).unbind(1)
        chroma[each.frames] += halved(share) * bicubic(each.chroma, x, y)
    return luma, chroma


def _mixed(base: Tensor, patch: Tensor, mask: Tensor, strength: Tensor, width_px: float) -> Tensor:
    patch = patch + _light(base, patch, mask, width_px)
    return base + strength[:, None, None, None] * band_mix(patch - base, mask)


def _light(base: Tensor, patch: Tensor, mask: Tensor, width_px: float) -> Tensor:
    """Smooth difference of light, measured on the skin around the mouth and carried inwards (a membrane)."""
    cell = max(1.0, width_px / _LIGHT_CELLS)
    size = (max(2, round(base.shape[2] / cell)), max(2, round(base.shape[3] / cell)))
    weight = ((mask > 0.02) & (mask < 0.75)).to(base.dtype)
    both = nn.interpolate(torch.cat([weight, weight * (base - patch)], 1), size=size, mode="area")
    sigma = max(_LIGHT_REACH * width_px / cell, 0.8)
    near, far = blurred(both, sigma), blurred(both, 3 * sigma)
    level = far[:, 1:] / (far[:, :1] + 1e-4)
    smooth = (near[:, 1:] + 0.05 * level) / (near[:, :1] + 0.05)
    return nn.interpolate(smooth, size=tuple(base.shape[2:]), mode="bilinear", align_corners=False)


def _same_detail(patch: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
    """The patch with its finest band scaled to the strength that the frame's own skin (``wanted``) has."""
    fine = detail(patch)
    gain = _ratio(wanted, fine, weight).clamp(*_GAIN)
    return torch.addcmul(patch, fine, (gain - 1)[:, None, None, None])


def _as_sharp(base: Tensor, wanted: Tensor, motion: Tensor) -> Tensor:
    """The warped frame with the detail (``wanted``, before the warp) that interpolation took, where it moved."""
    change = (motion[:, :1].abs() + motion[:, 1:].abs()).mul_(4).clamp_(max=1)
    fine = detail(base)
    gain = _ratio(wanted, fine, change).clamp(1.0, _GAIN[1])
    return torch.addcmul(base, fine.mul_(change), (gain - 1)[:, None, None, None])


def _ratio(wanted: Tensor, found: Tensor, weight: Tensor) -> Tensor:
    """Ratio of two bands' weighted root mean squares, [B]."""
    have = (weight * found.square()).sum((1, 2, 3))
    return ((weight * wanted.square()).sum((1, 2, 3)) / have.clamp(min=1e-6)).sqrt()
