"""Put the observation's mouth into the target frame: same light, same grain, no seam, nothing outside the mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as nn
from torch import Tensor

from lipsync_engine.draw.bands import band_mix, blurred, detail, halved
from lipsync_engine.draw.grain import Place, grained
from lipsync_engine.draw.occlusion import Occlusion
from lipsync_engine.draw.warp import Flow, bicubic, moved
from lipsync_engine.media.window import Region

#: Cells of the light match for a face width, and the reach of its membrane in face widths.
_LIGHT_CELLS, _LIGHT_REACH = 48, 0.09
#: Share of the observation from which on a place tells no light; colour (8-bit levels) by which skin differs from skin.
_INSIDE, _HUE = 0.75, 12.0
#: Colour by which a wall beside a face differs from its skin: from the one on it shows through, then wholly.
_WALL = (25.0, 40.0)
#: 8-bit levels by which light may differ from that around it before it is doubted, and rounds of the robust mean.
_UNLIKE, _ROUNDS = 8.0, 3
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


@dataclass(frozen=True, slots=True)
class Grain:
    """The noise of a batch's frames.

    Attributes:
        seeds: what tells each frame's noise from another's.
        noise: deviation in Y, U and V (``grain.noise_between``).
    """

    seeds: Sequence[int]
    noise: tuple[float, float, float]


def compose(
    luma: Tensor,
    chroma: Tensor,
    flow: Flow,
    windows: Sequence[Region],
    observed: Sequence[Observed],
    strength: Tensor,
    width_px: float,
    occlusion: Occlusion | None = None,
    light: Tensor | None = None,
    level: float = 1.0,
    grain: Grain | None = None,
    cavity: Tensor | None = None,
    crisp: Tensor | None = None,
) -> Composed:
    """The edited windows.

    Args:
        luma: float32 [B, 1, H, W], the windows of the target frames.
        chroma: float32 [B, 2, H/2, W/2].
        flow: maps of these windows.
        windows: where they lie.
        observed: textures; none leaves only the warp of the frames themselves.
        strength: float32 [B], the largest value that ``flow.alpha`` takes in each frame.
        width_px: pixels for a face width.
        occlusion: looks for things in front of the face.
        light: float32 [B, 3], how much lighter the frames' cheeks are than the observations' (Y, U, V, 8-bit levels).
        level: samples for one 8-bit level.
        grain: the title's noise; none is added where not given.
        cavity: float32 [B, 3], colour of the shadow between parted teeth (Y, U, V); none is drawn where not given.
        crisp: float32 [B], by how much the lips' finest detail is scaled; as the skin's where not given.
    """
    small = halved(flow.motion) / 2
    base, base_c = moved(luma, flow.motion), moved(chroma, small)
    fine = detail(luma)
    base = _as_sharp(base, fine, flow.motion)
    fade = strength.new_zeros(len(strength))
    hidden = None
    if observed:
        starts = [(c.left - w.left, c.top - w.top) for c, w in zip(flow.core, windows, strict=True)]
        size = (flow.core[0].height, flow.core[0].width)
        inner = _Inner(starts, size)
        half = _Inner([(x // 2, y // 2) for x, y in starts], (size[0] // 2, size[1] // 2))
        mask = flow.alpha / strength.clamp(min=1e-3)[:, None, None, None]
        patch, patch_c = _textures(flow, observed)
        if cavity is not None:
            patch = torch.lerp(patch, cavity[:, :1, None, None].expand_as(patch), flow.shadow)
            patch_c = torch.lerp(patch_c, cavity[:, 1:, None, None].expand_as(patch_c), halved(flow.shadow))
        under, under_c = inner.cut(base), half.cut(base_c)
        clear = None
        if occlusion is not None and light is not None:
            cover = occlusion.look((under, under_c), (patch, patch_c), mask, flow.lips, width_px, level, light)
            hidden, fade = cover.hidden, cover.fade
            clear = 1 - hidden
        patch = _same_detail(patch, inner.cut(fine), mask * (1 - flow.lips), flow.lips, crisp)
        half_mask, half_lips = halved(mask), halved(flow.lips)
        half_clear = None if clear is None else halved(clear)
        hue_c = _hue(under_c, patch_c, half_mask, half_lips, level)
        hue = nn.interpolate(hue_c, size=tuple(mask.shape[2:]), mode="nearest")
        done = _mixed(under, patch, mask, strength, width_px, _Ring(hue, clear), level)
        done_c = _mixed(under_c, patch_c, half_mask, strength, width_px / 2, _Ring(hue_c, half_clear), level)
        if clear is not None and half_clear is not None:
            done = torch.lerp(inner.cut(luma), done, clear)
            done_c = torch.lerp(half.cut(chroma), done_c, half_clear)
        if grain is not None:
            share = flow.alpha if clear is None else flow.alpha * clear
            skin = (mask > 0.8) & (flow.lips < 0.02)
            places = [Place(c.left, c.top, seed) for c, seed in zip(flow.core, grain.seeds, strict=True)]
            done = grained(done, inner.cut(fine), share, skin, places, grain.noise[:1], level)
            skin = (half_mask > 0.8) & (half_lips < 0.02)
            places = [Place(c.left // 2, c.top // 2, ~seed) for c, seed in zip(flow.core, grain.seeds, strict=True)]
            done_c = grained(done_c, detail(half.cut(chroma)), halved(share), skin, places, grain.noise[1:], level)
        inner.put(base, done)
        half.put(base_c, done_c)
    if bool(fade.any()):
        base = torch.lerp(base, luma, fade[:, None, None, None])
        base_c = torch.lerp(base_c, chroma, fade[:, None, None, None])
    return Composed(base, base_c, fade, hidden)


@dataclass(frozen=True, slots=True)
class Composed:
    """Edited windows.

    Attributes:
        luma: float32 [B, 1, H, W].
        chroma: float32 [B, 2, H/2, W/2].
        fade: float32 [B], 1 where the frame stays as it is, because its mouth is hidden.
        hidden: float32 [B, 1, h, w], 1 where something in front of the face was left, over the core.
    """

    luma: Tensor
    chroma: Tensor
    fade: Tensor
    hidden: Tensor | None


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


def _mixed(
    base: Tensor, patch: Tensor, mask: Tensor, strength: Tensor, width_px: float, ring: _Ring, level: float
) -> Tensor:
    patch = patch + _light(base, patch, mask, width_px, ring, level)
    return base + strength[:, None, None, None] * band_mix((patch - base) * ring.face(mask), mask)


@dataclass(frozen=True, slots=True)
class _Ring:
    """What lies about a mouth.

    Attributes:
        hue: float32 [B, 1, h, w], 8-bit levels by which the colour differs from that of the skin about the lips.
        clear: float32 [B, 1, h, w], 0 where something lies before the face; ``None``: nothing does.
    """

    hue: Tensor
    clear: Tensor | None

    def skin(self, mask: Tensor) -> Tensor:
        """Weight of each place as skin on which light is measured."""
        weight = ((mask > 0.02) & (mask < _INSIDE)).to(mask.dtype) / (1 + (self.hue / _HUE) ** 2) ** 2
        return weight if self.clear is None else weight * self.clear

    def face(self, mask: Tensor) -> Tensor:
        """1 where the mouth's picture may be shown, 0 on what is of a colour that neither skin nor lips have."""
        beside = ((self.hue - _WALL[0]) / (_WALL[1] - _WALL[0])).clamp(0, 1)
        return 1 - beside * (mask < _INSIDE).to(mask.dtype)


def _hue(base: Tensor, patch: Tensor, mask: Tensor, lips: Tensor, level: float) -> Tensor:
    """How far each sample is from the colour of the skin about the lips, in the worse of both pictures, [B, 1, h, w].

    Where a face is narrow or turned, the ring about its mouth reaches over the outline: a green wall beside it is no
    light on a moustache.

    Args:
        base: float32 [B, 2, h, w], chroma of the frames.
        patch: the same of the observations.
        mask: float32 [B, 1, h, w], 1 where the observation is shown.
        lips: float32 [B, 1, h, w], 1 on and between the lips.
        level: samples for one 8-bit level.
    """
    about = (mask > _INSIDE) & (lips < 0.02)
    far = torch.zeros_like(mask)
    for chroma in (base, patch):
        own = torch.where(about, chroma, torch.full_like(chroma, torch.nan)).flatten(2).nanmedian(2).values
        off = (chroma - own[:, :, None, None]).square().sum(1, keepdim=True).sqrt() / level
        far = torch.maximum(far, torch.nan_to_num(off, nan=0.0))
    return far


def _light(base: Tensor, patch: Tensor, mask: Tensor, width_px: float, ring: _Ring, level: float) -> Tensor:
    """Smooth difference of light, measured on the skin around the mouth and carried inwards (a membrane)."""
    cell = max(1.0, width_px / _LIGHT_CELLS)
    size = (max(2, round(base.shape[2] / cell)), max(2, round(base.shape[3] / cell)))
    weight = ring.skin(mask)
    both = nn.interpolate(torch.cat([weight, weight * (base - patch)], 1), size=size, mode="area")
    sigma = max(_LIGHT_REACH * width_px / cell, 0.8)
    both = both * _like_its_surroundings(both, 3 * sigma, level)
    near, far = blurred(both, sigma), blurred(both, 3 * sigma)
    around = far[:, 1:] / (far[:, :1] + 1e-4)
    smooth = (near[:, 1:] + 0.05 * around) / (near[:, :1] + 0.05)
    return nn.interpolate(smooth, size=tuple(base.shape[2:]), mode="bilinear", align_corners=False)


def _like_its_surroundings(both: Tensor, sigma: float, level: float) -> Tensor:
    """Weight of cells (their weights and weighted differences, [B, 1 + C, h, w]), small where light is not the reason.

    A laughing mouth's lips reach below the planned ones: warped, they are as red there as no skin in any light.
    """
    difference = both[:, 1:] / both[:, :1].clamp(min=1e-4)
    kept = torch.ones_like(both[:, :1])
    for _ in range(_ROUNDS):
        far = blurred(both * kept, sigma)
        off = (difference - far[:, 1:] / (far[:, :1] + 1e-4)).square().sum(1, keepdim=True)
        kept = (1 + off / (_UNLIKE * level) ** 2) ** -2
    return kept


def _same_detail(patch: Tensor, wanted: Tensor, weight: Tensor, lips: Tensor, crisp: Tensor | None) -> Tensor:
    """The patch with its finest band scaled to the strength that the frame's own skin and lips have.

    Args:
        patch: float32 [B, 1, h, w].
        wanted: the same of the frame, its finest band alone.
        weight: float32 [B, 1, h, w], skin that tells the strength.
        lips: float32 [B, 1, h, w], 1 on and between the lips, which move: what they tell of a moment is not theirs.
        crisp: float32 [B], the scale of those; ``None``: as the skin's.
    """
    fine = detail(patch)
    gain = (_ratio(wanted, fine, weight).clamp(*_GAIN) - 1)[:, None, None, None]
    if crisp is None:
        return torch.addcmul(patch, fine, gain)
    return torch.addcmul(
        patch, fine, torch.lerp(gain.expand_as(lips), (crisp - 1)[:, None, None, None].expand_as(lips), lips)
    )


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
