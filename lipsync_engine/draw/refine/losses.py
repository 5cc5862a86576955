"""What the network is taught by: the mouth's pixels, their edges, their bands and their motion. No trained critic."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

#: Weights of the Laplacian pyramid, the structural similarity (Wang et al. 2004), the edges, the frequency bands (Jiang
#: et al. 2021) and the motion, relative to an L1 of 1.
_PYRAMID, _SSIM, _EDGES, _BANDS, _MOTION = 1.0, 0.2, 0.5, 0.1, 0.5
#: How much more a pixel of the lips and of what is between them counts than one of the skin.
_LIPS = 4.0


def weights(mask: Tensor, lips: Tensor) -> Tensor:
    """What each pixel counts, float32 [B, 1, G, G], 1 on average over the mask."""
    heavy = (mask > 0).float() * (1 + (_LIPS - 1) * lips)
    return heavy / heavy.mean(dim=(1, 2, 3), keepdim=True).clamp(min=1e-3)


def pictures(got: Tensor, true: Tensor, weight: Tensor) -> Tensor:
    """Distance of pictures: a scalar.

    Args:
        got: float32 [B, 3, G, G], as drawn.
        true: [B, 3, G, G], as it should be.
        weight: float32 [B, 1, G, G], as ``weights`` gives it.
    """
    off = got - true
    loss = (weight * off.abs()).mean()
    loss = loss + _PYRAMID * _pyramid(off, weight)
    loss = loss + _SSIM * (1 - _ssim(got, true, weight))
    loss = loss + _EDGES * (weight[..., 1:, :] * off.diff(dim=2).abs()).mean()
    loss = loss + _EDGES * (weight[..., 1:] * off.diff(dim=3).abs()).mean()
    return loss + _BANDS * _focal_frequency(weight.clamp(max=1) * got, weight.clamp(max=1) * true)


def motion(got: Tensor, got_before: Tensor, true: Tensor, true_before: Tensor, weight: Tensor) -> Tensor:
    """Distance of the change from frame to frame: a scalar.

    Args:
        got: float32 [B, 3, G, G], as drawn.
        got_before: [B, 3, G, G], the frame before it.
        true: [B, 3, G, G], as it should be.
        true_before: [B, 3, G, G], the frame before that.
        weight: float32 [B, 1, G, G], as ``weights`` gives it.
    """
    return _MOTION * (weight * ((got - got_before) - (true - true_before)).abs()).mean()


def _pyramid(off: Tensor, weight: Tensor) -> Tensor:
    """Laplacian pyramid of the difference, three levels; L1 at each."""
    loss = off.new_zeros(())
    for _ in range(3):
        small = functional.avg_pool2d(off, 2)
        band = off - functional.interpolate(small, scale_factor=2.0, mode="bilinear", align_corners=False)
        loss = loss + (weight * band.abs()).mean()
        off, weight = small, functional.avg_pool2d(weight, 2)
    return loss + (weight * off.abs()).mean()


def _ssim(a: Tensor, b: Tensor, weight: Tensor) -> Tensor:
    """Structural similarity with a 7-pixel box (Wang et al. 2004)."""

    def mean(x: Tensor) -> Tensor:
        return functional.avg_pool2d(x, 7, stride=1, padding=3, count_include_pad=False)

    mean_a, mean_b = mean(a), mean(b)
    var_a, var_b, both = mean(a * a) - mean_a**2, mean(b * b) - mean_b**2, mean(a * b) - mean_a * mean_b
    one, two = 0.01**2, 0.03**2
    up = (2 * mean_a * mean_b + one) * (2 * both + two)
    return (weight * (up / ((mean_a**2 + mean_b**2 + one) * (var_a + var_b + two)))).mean()


def _focal_frequency(got: Tensor, true: Tensor) -> Tensor:
    """Distance of spectra, the worst frequencies weighing most (Jiang et al. 2021)."""
    off = torch.fft.rfft2(got, norm="ortho") - torch.fft.rfft2(true, norm="ortho")
    size = off.real**2 + off.imag**2
    focus = size.detach().sqrt()
    off_by: Tensor = (focus / focus.amax(dim=(2, 3), keepdim=True).clamp(min=1e-6) * size).mean()
    return off_by
