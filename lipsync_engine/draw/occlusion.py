"""What lies in front of a face: hands and microphones keep their own pixels, and a hidden mouth is left alone.

Around the lips the target frame and the observation, both warped to the same shape, show the same skin. Where they
differ in more than their light, something stands between the camera and the face.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as nn
from torch import Tensor

from lipsync_engine.draw.bands import blurred

#: Cells a face width of the grid on which the pictures are compared.
CELLS = 48
#: A cell is foreign if it differs by this many standard deviations, within these 8-bit levels: without an occluder
#: no 3 x 3 cells of the five real clips tried differ by 18, and where most is covered the deviation tells nothing.
_SIGMAS, _LEVELS = 3.0, (22.0, 24.0)
#: Least standard deviation in levels (compression, stubble) and weight of the chroma's difference.
_NOISE, _CHROMA = 4.0, 2.0
#: Difference that some cell of a small foreign thing reaches, and the share of the skin from which on it is not small:
#: false finds on the real clips stay below 65 and .14. A small thing of the skin's own colour and light is missed.
_PEAK, _LARGE = 70.0, 0.2
#: Shares of the lips and of the skin around them that may be hidden before the frame is left as it is: of a larger
#: thing only a part is seen, and half a hand under painted lips is worse than a mouth that is not edited.
_HIDDEN, _HIDDEN_SKIN = 0.25, 0.08
#: Frames of the fade to an unedited frame; frames in a row from which a mouth counts as hidden (a find in one or two is
#: false, or gone before it is seen); and most frames that it lasts beyond the last sight, no more than it was seen for.
_FADE, _SEEN, _HOLD = 3, 3, 8
#: How far the light around the mouth may have changed beyond that on the cheeks, 8-bit levels.
_SHADE = 12.0
#: Rounds of the robust fit of the light.
_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Cover:
    """What is hidden in a batch.

    Attributes:
        hidden: float32 [B, 1, h, w], 1 where the frame's own pixels stay, over the core.
        fade: float32 [B], 1 where the whole frame stays as it is.
    """

    hidden: Tensor
    fade: Tensor


class Occlusion:
    """Looks for foreign things in consecutive frames of one face; what it finds must last for two frames."""

    def __init__(self) -> None:
        self._last: Tensor | None = None
        self._faded, self._held, self._run = 0.0, 0, 0

    def reset(self) -> None:
        """Forget the last frames (a cut, or another face)."""
        self._last, self._faded, self._held, self._run = None, 0.0, 0, 0

    def look(
        self,
        frame: tuple[Tensor, Tensor],
        patch: tuple[Tensor, Tensor],
        mask: Tensor,
        lips: Tensor,
        width_px: float,
        level: float,
        light: Tensor,
    ) -> Cover:
        """Compare frames with what the observations predict.

        Args:
            frame: luma [B, 1, h, w] and chroma [B, 2, h/2, w/2], warped to the new shape.
            patch: the observations': luma [B, 1, h, w] and chroma [B, 2, h/2, w/2].
            mask: [B, 1, h, w], 0 to 1, where the observation is shown.
            lips: [B, 1, h, w], 1 on and between the lips.
            width_px: pixels for a face width.
            level: samples of the picture for one 8-bit level.
            light: float32 [B, 3], how much lighter (Y, U, V, 8-bit levels) the frame's cheeks are than the
                observation's: the skin around the mouth should differ by about as much.
        """
        size = tuple(max(4, round(side * min(1.0, CELLS / width_px))) for side in mask.shape[2:])
        skin = _small(((mask > 0.1) & (lips < 0.02)).to(mask.dtype), size)[:, :1]
        skin = torch.where(skin > 0.7, skin, torch.zeros_like(skin))
        luma, chroma = (_small((a - b) / level, size) for a, b in zip(frame, patch, strict=True))
        seen = torch.cat([luma, chroma], 1) - light[:, :, None, None]
        unlike = _unlike(seen * seen.new_tensor([1.0, _CHROMA, _CHROMA])[:, None, None], skin)
        sigma = 1.4826 * _weighted_median(unlike, skin)
        raw = ((unlike > torch.clamp(_SIGMAS * sigma, min=_LEVELS[0], max=_LEVELS[1])) & (skin > 0)).to(mask.dtype)
        raw = _grown(_shrunk(raw))
        lasting = _reaching(raw * self._lasting(raw), _small(mask, size) < 0.2)
        large = lasting.sum((1, 2, 3), keepdim=True) >= _LARGE * skin.sum((1, 2, 3), keepdim=True).clamp(min=1)
        lasting = lasting * (large | ((unlike * lasting).amax((1, 2, 3), keepdim=True) > _PEAK))
        spread = blurred(torch.cat([lasting, skin], 1), 2.0)
        share = spread[:, :1] / (spread[:, 1:] + 1e-3)
        mouth = _small(lips, size)
        covered = ((share > 0.5).to(mask.dtype) * mouth).sum((1, 2, 3)) / mouth.sum((1, 2, 3)).clamp(min=1e-3)
        hidden = torch.where(share > 0.3, _grown(torch.maximum(lasting, (share > 0.5).to(mask.dtype))), 0 * share)
        hidden = nn.interpolate(hidden, size=tuple(mask.shape[2:]), mode="bilinear", align_corners=False)
        part = (lasting * skin).sum((1, 2, 3)) / skin.sum((1, 2, 3)).clamp(min=1)
        gone = (covered > _HIDDEN) | (part > _HIDDEN_SKIN)
        return Cover(hidden, self.fades(gone.tolist()).to(mask.device))

    def _lasting(self, raw: Tensor) -> Tensor:
        """1 where a neighbouring frame shows something foreign nearby, too."""
        before = raw[:1] * 0 if self._last is None else nn.interpolate(self._last.to(raw.device), size=raw.shape[2:])
        near = _grown(_grown(torch.cat([before, raw, raw[-1:]])))
        self._last = raw[-1:].clone()
        return torch.maximum(near[:-2], near[2:])

    def fades(self, left: list[bool]) -> Tensor:
        """How far each of some consecutive frames stays as it is, float32 [B]; ``left``: its mouth seems hidden."""
        fade: list[float] = []
        for gone in left:
            self._run = self._run + 1 if gone else 0
            if self._run >= _SEEN:
                self._held = max(self._held, min(_HOLD, self._run))
                before = min(len(fade), self._run - 1)
                fade[len(fade) - before :] = [1.0] * before
            fade.append(1.0 if self._held else 0.0)
            self._held = max(0, self._held - 1)
        last = self._faded
        for i, each in enumerate(fade):
            last = fade[i] = max(each, last - 1 / _FADE)
        self._faded = last
        for i in range(len(fade) - 2, -1, -1):
            fade[i] = max(fade[i], fade[i + 1] - 1 / _FADE)
        return torch.tensor(fade)


def _reaching(flags: Tensor, outside: Tensor) -> Tensor:
    """Only what hangs together with the outside: things before a face come from beyond it, a mesh errs at the lips."""
    found = flags * _grown(_grown(outside.to(flags.dtype)))
    for _ in range(max(flags.shape[2:])):
        more = flags * _grown(found)
        if torch.equal(more, found):
            break
        found = more
    return found


def _small(image: Tensor, size: tuple[int, ...]) -> Tensor:
    return nn.interpolate(image, size=size, mode="area")


def _grown(flags: Tensor) -> Tensor:
    return nn.max_pool2d(flags, 3, 1, 1)


def _shrunk(flags: Tensor) -> Tensor:
    return 1 - nn.max_pool2d(1 - flags, 3, 1, 1)


def _unlike(difference: Tensor, skin: Tensor) -> Tensor:
    """Length of the difference [B, 3, h, w] beyond a plane of light, fitted to the skin robustly: [B, 1, h, w]."""
    batch, channels, height, width = difference.shape
    y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    basis = torch.stack([torch.ones_like(x), x, y], -1).view(-1, 3).to(difference)
    seen = difference.permute(0, 2, 3, 1).reshape(batch, -1, channels)
    weight = skin.view(batch, -1, 1)
    off = seen
    for _ in range(_ROUNDS):
        left = basis.T @ (weight * basis) + 1e-3 * torch.eye(3).to(basis)
        fit = torch.linalg.solve(left, basis.T @ (weight * seen))
        off = (seen - (basis @ fit).clamp(-_SHADE, _SHADE)).square().sum(2, keepdim=True)
        weight = skin.view(batch, -1, 1) / (1 + off / (2 * _NOISE) ** 2) ** 2
    return off.sqrt().view(batch, 1, height, width)


def _weighted_median(values: Tensor, skin: Tensor) -> Tensor:
    """Median of the skin's values for each frame, at least the noise: [B, 1, 1, 1]."""
    inside = torch.where(skin > 0, values, torch.full_like(values, torch.nan)).flatten(1)
    return torch.nan_to_num(inside.nanmedian(1).values / 1.5, nan=_NOISE).clamp(min=_NOISE)[:, None, None, None]
