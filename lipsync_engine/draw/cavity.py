"""A mouth that the picture never shows open: teeth, tongue and the dark behind them, lit and softened as the face is.

Used on the portrait path only. What the source shows between its lips stays: upper teeth in their place behind the
moving lips, lower ones with the jaw. Where it shows nothing, `dental`'s teeth stand.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from lipsync_engine.draw.dental import View, lower_row, upper_row
from lipsync_engine.draw.palette import Palette
from lipsync_engine.faces.geometry import CHIN, LOWER_INNER, LOWER_OUTER, UPPER_INNER, UPPER_OUTER
from lipsync_engine.media.video import Planes
from lipsync_engine.media.window import Region

Array = NDArray[np.float64]
Image = NDArray[np.float32]
#: Where the upper teeth end below the line of the closed lips, and how far behind them the lower ones end in a mouth
#: whose jaw rests (face widths).
_SHOWN, _OVERLAP = 0.013, 0.004
#: Height of an opening (face widths) that is no more than the line between lips, and from which it is seen into.
_LINE, _PARTED = 0.004, 0.016
#: Openings below which all within lies in the lips' shadow, and the light left in the narrowest.
_SHADOW, _SLIT = 0.045, 0.7
#: Reach of the upper lip's own shadow on what is behind it.
_LIP_SHADOW = 0.016
#: Light that it leaves at its edge, and of the line between lips that touch, against the lips'.
_SHADED, _CONTACT = 0.66, 0.62
#: Height of the tongue's body behind its tip.
_BODY = 0.3
#: Light of the dark and of the tongue against the lips'.
_DARK, _TONGUE = 0.30, 0.82
#: Share of the lower lip's way that the lower teeth go with it at least: it hides them but for their edges.
_RIDES = 0.93
#: Depths at which the source's own opening is looked at, light from which it is teeth, and how far those that reach
#: the lower lip go on behind it.
_DEPTHS, _BRIGHT, _BEHIND = 14, 0.62, 0.012
#: Places at which a lip's curve is known.
_FINE = 129
#: Light of a drawing's dark against its lips'.
_PLAIN_DARK = 0.4
#: Height of the crease between closed lips, which parted ones do not have.
_CREASE = 0.009
#: How much further the teeth of a parted mouth are smeared into lips that shut over them.
_SMEAR = 0.005


@dataclass(frozen=True, slots=True)
class Inside:
    """What is to be seen in one frame's mouth.

    Attributes:
        palette: the face's colours.
        view: how the head is turned.
        drop: how far the jaw was moved down by the edit, face widths.
        tongue: height of the tongue's front, 0 to 1.
        plain: the face is a drawing: one flat tone for the teeth, one for the dark.
    """

    palette: Palette
    view: View = field(default_factory=View)
    drop: float = 0.0
    tongue: float = 0.25
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Opening:
    """The lips' curves, local to the mouth: origin between the corners, x along them, unit face width.

    Attributes:
        origin: [2] pixels.
        axis: [2] unit vector from the left to the right corner.
        width_px: pixels for a face width.
        upper: [11, 2] local inner curve of the upper lip.
        lower: [11, 2] local inner curve of the lower lip.
        thick: least thickness of the upper and of the lower lip in their middle.
    """

    origin: Array
    axis: Array
    width_px: float
    upper: Array
    lower: Array
    thick: tuple[float, float]

    @property
    def down(self) -> Array:
        """[2] unit vector from the upper to the lower lip."""
        return np.array([-self.axis[1], self.axis[0]])

    @property
    def gap(self) -> float:
        """Opening in the middle."""
        return float(self.lower[5, 1] - self.upper[5, 1])

    def local(self, points: Array) -> Array:
        """Pixels, float64 [..., 2], to local coordinates (across and down, face widths)."""
        off = (points - self.origin) / self.width_px
        return np.stack([off @ self.axis, off @ self.down], axis=-1)

    def pixels(self, local: Array) -> Array:
        """Local coordinates, float64 [..., 2], to pixels."""
        turned = local[..., :1] * self.axis + local[..., 1:] * self.down
        return np.asarray(self.origin + self.width_px * turned)


def opening(face: Array, width_px: float) -> Opening:
    """Measure the opening of a face, float64 [V, 2] in pixels with V at least 478."""
    left, right = face[UPPER_INNER[0]], face[UPPER_INNER[-1]]
    axis = (right - left) / (np.linalg.norm(right - left) + 1e-9)
    none = np.zeros((11, 2))
    frame = Opening((left + right) / 2, axis, width_px, none, none, (0.0, 0.0))
    upper, lower = frame.local(face[list(UPPER_INNER)]), frame.local(face[list(LOWER_INNER)])
    outer = frame.local(face[[UPPER_OUTER[5], LOWER_OUTER[5]]])[:, 1]
    thick = (max(float(upper[5, 1] - outer[0]), 0.0), max(float(outer[1] - lower[5, 1]), 0.0))
    return Opening(frame.origin, axis, width_px, upper, lower, thick)


def view_of(rotation: Array, axis: Array) -> View:
    """How a head of this rotation, float64 [3, 3], is seen from the frame of a mouth with this axis, float64 [2]."""
    down = np.array([-axis[1], axis[0]])
    x, z = rotation[:2, 0], rotation[:2, 2]
    return View(float(axis @ x), float(axis @ z), float(down @ z))


def jaw_drop(moved: Array, still: Array, width_px: float) -> float:
    """How far the chin lies lower in ``moved`` than in ``still``, faces [>=478, 2] in pixels; face widths.

    Args:
        moved: float64 [V, 2] face after the edit, V at least 478, pixels.
        still: float64 [V, 2] face in the source, pixels.
        width_px: pixels for a face width.
    """
    place = opening(still, width_px)
    return float((moved[CHIN] - still[CHIN]) @ place.down) / width_px


def paint(
    target: Planes, source: Planes, moved: Array, still: Array, width_px: float, region: Region, inside: Inside
) -> None:
    """Fill the mouth's opening in place.

    Args:
        target: planes already warped: Y [H, W], U and V [H/2, W/2], uint8 or uint16.
        source: [h, w] and halves likewise: the region of the frame before the edit (copies).
        moved: [V, 2] face after the edit, pixels.
        still: [V, 2] face in the source, pixels.
        width_px: pixels for a face width.
        region: rectangle that ``source`` covers and that may be changed.
        inside: what is to be seen.
    """
    now, then = opening(moved, width_px), opening(still, width_px)
    if max(now.gap, then.gap) < _LINE:
        return
    box = _box(now, region)
    if box is None:
        return
    fine = 2 if width_px > 300 else 3
    layers = _plain_layers if inside.plain else _layers
    at = now.local(_grid(box, fine))
    hole, shown = _hole(at, now, then, fine), layers(at, now, then, source, region, inside)
    soft = inside.palette.soft
    for index in range(3):
        step = 2 if index else 1
        view = _view(target[index], box, step)
        base = _lip_edges(view, now, then, box, step)
        mask = _reduced(hole, fine * step, soft / step)
        inner = _reduced(hole * shown[..., index], fine * step, soft / step) / np.maximum(mask, 1e-3)
        edge = _edge_shade(now, box, step) if index == 0 and not inside.plain else np.ones_like(base)
        mixed = base * edge + mask * (inner - base * edge)
        top = 1023 if view.dtype == np.uint16 else 255
        view[...] = np.clip(np.rint(mixed), 0, top).astype(view.dtype)


def _box(now: Opening, region: Region) -> Region | None:
    """The opening and the lips' edges, on whole pairs of pixels."""
    reach = 0.03 * now.width_px + 2
    points = now.pixels(np.concatenate([now.upper, now.lower]))
    low = np.maximum(points.min(axis=0) - reach, (region.left, region.top))
    high = np.minimum(points.max(axis=0) + reach, (region.left + region.width, region.top + region.height))
    left, top = (int(v) // 2 * 2 for v in low)
    left, top = max(left, region.left), max(top, region.top)
    width, height = (int(high[0]) - left) // 2 * 2, (int(high[1]) - top) // 2 * 2
    return Region(left, top, width, height) if width >= 4 and height >= 4 else None


def _grid(box: Region, fine: int, step: int = 1) -> Array:
    """Pixels [h, w, 2] of the picture on a grid of ``fine`` cells a sample of a plane (1 of ``step`` pixels)."""
    cell = step / fine
    x = box.left - 0.5 + (np.arange(box.width // step * fine) + 0.5) * cell
    y = box.top - 0.5 + (np.arange(box.height // step * fine) + 0.5) * cell
    return np.stack(np.meshgrid(x, y), axis=2)


def _view(plane: NDArray[np.generic], box: Region, step: int) -> NDArray[np.generic]:
    rows = slice(box.top // step, (box.top + box.height) // step)
    return plane[rows, box.left // step : (box.left + box.width) // step]


def _reduced(image: Array, cells: int, soft: float) -> Image:
    """Means of ``cells`` by ``cells``, blurred by ``soft`` of the result's pixels."""
    size = (image.shape[1] // cells, image.shape[0] // cells)
    small = cv2.resize(image.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(small, (0, 0), soft) if soft > 0.2 else small, np.float32)


def _curve(points: Array, x: Array) -> Array:
    """A lip's curve, smoothly through its points."""
    from scipy.interpolate import PchipInterpolator

    order = np.argsort(points[:, 0], kind="stable")
    across, down = points[order, 0], points[order, 1]
    keep = np.concatenate([[True], np.diff(across) > 1e-6])
    fine = np.linspace(across[0], across[-1], _FINE)
    return np.asarray(np.interp(x, fine, PchipInterpolator(across[keep], down[keep])(fine)))


def _hole(at: Array, now: Opening, then: Opening, fine: int) -> Array:
    """1 where the mouth is seen into, 0 on the lips; fading where they are no more apart than a line.

    What a parted mouth showed lies squeezed between lips that now touch: there the line between them is drawn.
    """
    x, y = at[..., 0], at[..., 1]
    top, bottom = _lips(now, x)
    cell = 1.0 / (fine * now.width_px)
    half = max(float(np.abs(now.upper[[0, -1], 0]).max()), 1e-6)
    was = np.clip((_gap(then, x) - _LINE) / (_PARTED - _LINE), 0, 1)
    line = was * np.clip(1 - (bottom - top) / _LINE, 0, 1) * _LINE / 2
    within = np.clip((y - top + line) / cell + 0.5, 0, 1) * np.clip((bottom - y + line) / cell + 0.5, 0, 1)
    apart = _apart(bottom - top)
    return np.asarray(within * (np.abs(x) < half) * np.maximum(apart, was))


def _lowered(now: Opening, then: Opening) -> float:
    """How much lower the lower lip lies than in the source, face widths."""
    return float(then.local(now.pixels(now.lower[5]))[1] - then.lower[5, 1])


def _lips(place: Opening, x: Array) -> tuple[Array, Array]:
    """The lips' curves; where they overlap, as closed ones do on a slope, both lie in the middle."""
    top, bottom = _curve(place.upper, x), _curve(place.lower, x)
    middle = (top + bottom) / 2
    return np.minimum(top, middle), np.maximum(bottom, middle)


def _gap(place: Opening, x: Array) -> Array:
    return _curve(place.lower, x) - _curve(place.upper, x)


def _apart(gap: Array) -> Array:
    """0 where lips touch to 1 where they are parted."""
    share = np.clip((gap - _LINE) / (_PARTED - _LINE), 0, 1)
    return np.asarray(share * share * (3 - 2 * share))


def _layers(at: Array, now: Opening, then: Opening, source: Planes, region: Region, inside: Inside) -> Array:
    """Y, U, V of what is seen at each place, float64 [h, w, 3]: the dark, the tongue, lower teeth, upper teeth."""
    colours = inside.palette
    x, y = at[..., 0], at[..., 1]
    top, bottom = _curve(now.upper, x), _curve(now.lower, x)
    half = max(float(np.abs(now.upper[[0, -1], 0]).max()), 1e-6)
    cell = 0.5 / now.width_px
    line = then.local(now.pixels(at))[..., 1]  # below the line of the lips as they were, which is the head's
    seen = _seen_teeth(then, source[0], region)
    gap = np.maximum(bottom - top, 1e-4)
    side = np.clip(1 - (x / half) ** 2, 0, 1)
    neutral = 512.0 if source[0].dtype == np.uint16 else 128.0

    deep = colours.lip[0] * _DARK * (0.7 + 0.5 * np.clip((y - top) / gap, 0, 1)) * (0.55 + 0.45 * side)
    out = np.stack([deep, *(neutral + (c - neutral) * 0.75 + 0 * deep for c in colours.lip[1:])], axis=2)

    upper, lower = upper_row(x, inside.view), lower_row(x, inside.view)
    floor = seen.floor + max(inside.drop, _RIDES * _lowered(now, then))
    tip = floor - (_BODY + (1 - _BODY) * inside.tongue) * max(floor - seen.edge + 0.012, 0.012)
    dome = tip + 0.5 * x**2 / 0.12
    near = np.clip((line - dome) / 0.05, 0, 1)
    light = colours.lip[0] * _TONGUE * (0.42 + 0.58 * near) * (1 - 0.10 * np.exp(-((x / 0.012) ** 2)))
    tongue = [light, *(neutral + (c - neutral) * 0.85 + 0 * light for c in colours.lip[1:])]
    _over(out, tongue, np.clip((line - dome) / 0.006 + 0.5, 0, 1))

    for row, past, dim in ((lower, line - floor - lower.edge, 0.86), (upper, seen.edge - upper.edge - line, 1.0)):
        enamel = colours.teeth[0] * row.shade * dim * (0.93 + 0.07 * np.clip(past / 0.03, 0, 1))
        tooth = [enamel, *(c + 0 * enamel for c in colours.teeth[1:])]
        _over(out, tooth, row.seen * np.clip(past / cell + 0.5, 0, 1))

    shade = np.clip(_SHADED + (1 - _SHADED) * (y - top) / _LIP_SHADOW, _SHADED, 1) * (0.70 + 0.30 * side**0.5)
    lit = _SLIT + (1 - _SLIT) * np.clip(gap / _SHADOW, 0, 1)
    out[..., 0] *= shade * lit * np.exp(colours.slope * x / half)
    _keep(out, at, line, now, then, source, region, seen)
    contact = [c + 0 * deep for c in (colours.lip[0] * _CONTACT, *colours.lip[1:])]
    _over(out, contact, 1 - _apart(bottom - top))
    return out


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the source shows of the teeth; y in the frame of its mouth.

    Attributes:
        edge: where the upper teeth end, as shown or as usual.
        floor: where the lower ones begin.
        across: [n] columns.
        ends: [n] where at each of them what hangs from above ends; below the lower lip where it reaches behind it.
    """

    edge: float
    floor: float
    across: Array
    ends: Array


def _seen_teeth(then: Opening, luma: NDArray[np.generic], region: Region) -> _Seen:
    """Where between the source's own lips upper teeth end."""
    across = np.linspace(then.upper[0, 0], then.upper[-1, 0], 41)[2:-2]
    top, bottom = _curve(then.upper, across), _curve(then.lower, across)
    middle = float(then.upper[5, 1] + then.lower[5, 1]) / 2
    usual = _Seen(middle + _SHOWN, middle + _SHOWN - _OVERLAP, across, top)
    if then.gap < _PARTED:
        return usual
    depth = (np.arange(_DEPTHS) + 0.5)[:, None] / _DEPTHS
    place = np.stack([np.broadcast_to(across, (_DEPTHS, len(across))), top + depth * (bottom - top)], axis=2)
    where = (then.pixels(place) - np.array([region.left, region.top])).astype(np.float32)
    light = cv2.GaussianBlur(sample(luma, where), (0, 0), 0.8)
    most = light.max(axis=0)
    bright = light > _BRIGHT * most
    first = bright.argmax(axis=0)
    row = np.arange(_DEPTHS)[:, None]
    hanging = np.where((row < first) | bright, _DEPTHS, row).min(axis=0)  # the first dark below the first light
    hanging = np.where(most < 0.4 * most.max(), 0, hanging)
    hanging = median_filter(hanging.astype(np.float64), 13, mode="nearest")
    ends = top + hanging / _DEPTHS * (bottom - top)
    behind = hanging >= 0.8 * _DEPTHS
    centre = np.abs(across) < 0.05
    shown = centre & (hanging > 0)
    if not shown.any():
        return _Seen(float(top[centre].mean()), float(bottom[centre].mean()) + _BEHIND / 2, across, ends)
    edge = float(np.median(ends[shown]))
    clenched = behind[centre].mean() > 0.5
    return _Seen(edge, edge - _OVERLAP if clenched else float(bottom[centre].mean()), across, ends)


def _plain_layers(at: Array, now: Opening, then: Opening, source: Planes, region: Region, inside: Inside) -> Array:
    """What a drawing shows: a flat dark, and above it a band of the eyes' white, without a tooth."""
    x = at[..., 0]
    line = then.local(now.pixels(at))[..., 1]
    seen = _seen_teeth(then, source[0], region)
    gap = _gap(now, x)
    out = np.empty((*x.shape, 3))
    out[:] = inside.palette.lip * (_PLAIN_DARK, 1, 1)
    half = max(float(np.abs(now.upper[[0, -1], 0]).max()), 1e-6)
    band = seen.edge - 0.03 * (x / half) ** 4
    white = [c + 0 * x for c in inside.palette.teeth]
    wide = np.clip((now.gap - _PARTED) / _PARTED, 0, 1)
    _over(out, white, wide * np.clip((band - line) * 2 * now.width_px + 0.5, 0, 1) * (np.abs(x) < 0.8 * half))
    _keep(out, at, line, now, then, source, region, seen)
    contact = [c + 0 * x for c in (inside.palette.lip[0] * _CONTACT, *inside.palette.lip[1:])]
    _over(out, contact, 1 - _apart(gap))
    return out


def _over(out: Array, layer: list[Array], share: Array) -> None:
    for index, values in enumerate(layer):
        out[..., index] += share * (values - out[..., index])


def _keep(
    out: Array, at: Array, line: Array, now: Opening, then: Opening, source: Planes, region: Region, seen: _Seen
) -> None:
    """Lay what the source shows between its lips over the rest, in place.

    What hangs from above stays with the head, what lies below goes with the lower lip.
    """
    if then.gap < _PARTED:
        return
    x = at[..., 0]
    here = then.local(now.pixels(at))[..., 0]
    top, bottom = _curve(then.upper, here), _curve(then.lower, here)
    ends = np.interp(here, seen.across, seen.ends)
    raised = line - (_curve(now.lower, x) - _curve(then.lower, here))
    lit = _SHADED + (1 - _SHADED) * np.clip(_gap(now, x) / 0.03, 0, 1)
    wide = np.clip((bottom - top - 0.01) / 0.008, 0, 1)
    hangs = wide * np.clip((np.minimum(ends, bottom - 0.002) - line) / 0.005, 0, 1)
    lies = wide * np.clip((raised - np.maximum(ends, top + 0.004)) / 0.005, 0, 1) * (raised < bottom + _LINE)
    lies = lies * np.clip((bottom - ends - 0.004) / 0.006, 0, 1)
    for share, height in ((lies, np.minimum(raised, bottom - 0.002)), (hangs, np.maximum(line, top + 0.004))):
        where = then.pixels(np.stack([here, height], axis=2)) - np.array([region.left, region.top])
        for index in range(3):
            step = 2 if index else 1
            kept: Array = sample(source[index], ((where - (step - 1) / 2) / step).astype(np.float32)).astype(np.float64)
            _over(out[..., index : index + 1], [kept * (lit if index == 0 else 1)], share)


def _lip_edges(view: NDArray[np.generic], now: Opening, then: Opening, box: Region, step: int) -> Image:
    """The warped lips without what lay between them in the source: it is mirrored out of their edges.

    Where closed lips part that is the dark line at which they met; where parted ones shut, the teeth that a tracker
    counted to the lips.
    """
    at = now.local(_grid(box, 1, step))
    x, y = at[..., 0], at[..., 1]
    top, bottom = _lips(now, x)
    was, is_ = _apart(_gap(then, x)), _apart(bottom - top)
    changed = np.maximum((1 - was) * is_, was * (1 - is_))
    corner = np.array([box.left, box.top]) + (step - 1) / 2
    middle = (top + bottom) / 2
    out = view.astype(np.float32)
    for edge, sign, thick in ((top, -1.0, now.thick[0]), (bottom, 1.0, now.thick[1])):
        reach = np.minimum(_CREASE + _SMEAR * was * (1 - is_), (0.35 + 0.1 * was) * thick)
        past = (y - edge) * sign  # into the lip
        mirrored = at.copy()
        mirrored[..., 1] = edge + sign * (2 * reach - np.clip(past, 0, reach))
        place = ((now.pixels(mirrored) - corner) / step).astype(np.float32)
        share = (
            np.clip((reach - past) / (0.4 * reach + 1e-6), 0, 1)
            * (past > -0.6 * reach)
            * ((y - middle) * sign >= 0)
            * changed
        )
        out = out + share.astype(np.float32) * (sample(view, place) - out)
    return np.asarray(out, np.float32)


def _edge_shade(now: Opening, box: Region, step: int) -> Image:
    """Lips turn inwards at their edges, away from the light."""
    at = now.local(_grid(box, 1, step))
    x, y = at[..., 0], at[..., 1]
    top, bottom = _curve(now.upper, x), _curve(now.lower, x)
    apart = np.clip((bottom - top - _LINE) / (_PARTED - _LINE), 0, 1)
    into = np.exp(-(np.maximum(top - y, 0) / 0.005)) * (y <= top) + np.exp(-(np.maximum(y - bottom, 0) / 0.003)) * (
        y >= bottom
    )
    return np.asarray(1 - 0.16 * apart * into, np.float32)


def sample(plane: NDArray[np.generic], where: NDArray[np.float32]) -> Image:
    """Bicubic samples of a plane at float32 [H, W, 2] coordinates, as float32."""
    x, y = np.ascontiguousarray(where[..., 0]), np.ascontiguousarray(where[..., 1])
    source = np.asarray(plane, np.float32)
    return np.asarray(cv2.remap(source, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), np.float32)
