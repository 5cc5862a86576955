"""One person's edit, drawn batch by batch."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray

from lipsync_engine.draw.blend import Composed, Grain, Observed, compose
from lipsync_engine.draw.cavity import Inside, jaw_drop, opening, paint, view_of
from lipsync_engine.draw.occlusion import Occlusion
from lipsync_engine.draw.palette import Palette, palette_of
from lipsync_engine.draw.patches import PatchStore
from lipsync_engine.draw.teeth import dark_between
from lipsync_engine.draw.warp import Flow, Mesh, active, bounds, flow, lower_face_triangles, with_neck
from lipsync_engine.faces.mesh import LIPS, mouth_triangles
from lipsync_engine.media.video import Frame, Planes
from lipsync_engine.media.window import Region, common_size, crop, load, region_of, store, to_device
from lipsync_engine.plan.edit import Score, faces
from lipsync_engine.plan.person import Person

Array = NDArray[np.float64]
#: Frames whose geometry is computed together; neighbours on each side steady the shape.
_CHUNK, _MARGIN = 200, 5
#: Share of a frame's own palette in that of the frames before.
_TINT = 0.15
#: Pixels of all windows of one batch: what stays in the processor's cache, or fits well into a GPU's memory.
_PIXELS = {"cpu": 300_000, "cuda": 64_000_000}

#: Colour (U, V) of the dark inside a mouth over that of the cheeks.
_CAVITY = (0.4, 0.6)
#: Y, U, V of studio range from 8-bit R, G, B (ITU-R BT.709).
_YUV = np.array([[0.1826, 0.6142, 0.0620], [-0.1006, -0.3386, 0.4392], [0.4392, -0.3989, -0.0403]])


@dataclass(frozen=True, slots=True)
class Edit:
    """What was drawn into one frame.

    Attributes:
        frame: the frame, already changed.
        region: the window.
        touched: bool [H, W], pixels of the window that may have changed.
        core: the part of the window that shows observations.
        alpha: float32 [h, w], their weight over the core; ``None`` where there are none.
        covered: something in front of the face was left as it is.
        occluded: so much of it that the whole frame was.
    """

    frame: Frame
    region: Region
    touched: NDArray[np.bool_]
    core: Region
    alpha: NDArray[np.float32] | None
    covered: bool = False
    occluded: bool = False


class Player:
    """Draws one person's score, batch after batch.

    Args:
        number: of the person, as in ``patches``.
        who: the person.
        score: the edit of this person.
        patches: pixels of the observations.
        noise: of the title, as ``grain.noise_between`` gives it.
        size: width and height of the picture.
    """

    def __init__(
        self,
        number: int,
        who: Person,
        score: Score,
        patches: PatchStore,
        noise: tuple[float, float, float],
        size: tuple[int, int],
    ) -> None:
        self._number, self._who, self._score, self._patches, self._size = number, who, score, patches, size
        self._entry = {int(f): i for i, f in enumerate(score.frame)}
        self._chunk = slice(0, 0)
        self._faces: Array = np.zeros((0, 478, 2))
        self._triangles = lower_face_triangles()
        self._holes = len(mouth_triangles())
        self._occlusion, self._next = Occlusion(), -1
        self._seed = zlib.crc32(who.track.landmarks[:1].tobytes())  # a title's grain is its own
        self._parted: dict[int, Array] = {}
        self._palette: Palette | None = None
        self._noise = noise

    def plays(self, frame: int) -> bool:
        """Whether this person's face is edited in the frame."""
        return frame in self._entry

    def batches(self, frames: Sequence[Frame], device: torch.device) -> Iterator[Sequence[Frame]]:
        """Parts of the frames that are drawn together, of about one size."""
        if not frames:
            return
        widest = max(self._width(self._entry[frame.index]) for frame in frames)
        at_once = max(1, int(_PIXELS[device.type] / (1.3 * widest**2)))
        parts = max(1, round(len(frames) / at_once))
        bounds = [len(frames) * part // parts for part in range(parts + 1)]
        for first, stop in pairwise(bounds):
            yield frames[first:stop]

    def _width(self, at: int) -> float:
        return float(self._who.poses.scale[self._score.row[at]] * self._who.shape.width)

    def draw(self, frames: Sequence[Frame], device: torch.device) -> list[Edit]:
        """Edit this person's face in frames that it plays in; frames with nothing to draw are left out."""
        entries = [self._entry[frame.index] for frame in frames]
        mesh, picks = self._mesh(entries)
        placed = self._windows(mesh, frames)
        if placed is None:
            return []
        kept, windows, core = placed
        if len(kept) < len(frames):
            frames = [frames[i] for i in kept]
            return self.draw(frames, device)
        width = float(np.median([self._width(at) for at in entries]))
        with torch.inference_mode():
            maps = flow(mesh, windows, core, width, device)
            luma, chroma = load([f.planes for f in frames], windows, device)
            strength = torch.from_numpy(self._score.strength[entries].astype(np.float32)).to(device)
            observed = self._observed(picks, device)
            level = 4.0 if frames[0].planes[0].dtype == np.uint16 else 1.0
            if entries[0] != self._next or self._score.start[entries[0]]:
                self._occlusion.reset()
            self._next = entries[-1] + 1
            done = compose(
                luma,
                chroma,
                maps,
                windows,
                observed,
                strength,
                width,
                self._occlusion,
                self._light(entries, device),
                level,
                Grain([self._seed + frame.index for frame in frames], self._noise),
                self._cavity(entries, level, device),
                None if self._score.crisp is None else torch.from_numpy(self._score.crisp[entries]).to(device),
            )
            return self._write(frames, windows, maps, done, mesh, entries)

    def _mesh(self, entries: list[int]) -> tuple[Mesh, list[list[tuple[int, float]]]]:
        who, score = self._who, self._score
        rows = score.row[entries]
        still = who.pixels(rows)
        width = who.poses.scale[rows] * who.shape.width
        moved, source = with_neck(np.stack([self._face(at) for at in entries]), still, width)
        shown = [zip(score.shown[at].tolist(), score.share[at].tolist(), strict=True) for at in entries]
        picks = [[(row, share) for row, share in pairs if share > 0] for pairs in shown]
        slots = max(len(p) for p in picks)
        alpha = np.zeros(moved.shape[:2])
        if slots:
            alpha[:, : len(who.shape.alpha)] = who.shape.alpha * score.strength[entries][:, None]
        observed = np.zeros((len(entries), slots, moved.shape[1], 2))
        for slot in range(slots):
            frames = [i for i, pairs in enumerate(picks) if len(pairs) > slot]
            seen = who.pixels(np.array([picks[i][slot][0] for i in frames]))
            observed[frames, slot] = _padded(seen, moved.shape[1])
        lips = np.zeros(moved.shape[1])
        lips[list(LIPS)] = 1.0
        busy = active(moved, source, alpha, self._triangles, self._holes)
        dark = np.stack([self._dark(pairs[0][0]) for pairs in picks]) if slots and all(picks) else None
        parted = None if score.parted is None else score.parted[entries].astype(np.float64)
        return Mesh(moved, source, observed, alpha, lips, self._triangles, self._holes, busy, dark, parted), picks

    def _dark(self, row: int) -> Array:
        """Where the teeth of an observation part."""
        if row not in self._parted:
            planes, corner = self._patches.get((self._number, row))
            met = bool(self._who.close.inside.met[row])
            self._parted[row] = dark_between(planes[0], corner, self._who.track.landmarks[row], met=met)
        return self._parted[row]

    def _windows(self, mesh: Mesh, frames: Sequence[Frame]) -> tuple[list[int], list[Region], list[Region]] | None:
        """Frames with something to draw, their windows, and in these the part with alpha; ``None`` for nothing."""
        outer = [region_of(b, self._size) for b in bounds([mesh.moved, mesh.still], mesh.shown, mesh.triangles)]
        kept = [i for i, region in enumerate(outer) if region is not None]
        if not kept:
            return None
        windows = common_size([r for r in outer if r is not None], self._size)
        if not mesh.observed.shape[1] or len(kept) < len(frames):
            return kept, windows, windows
        inner = []
        textured = np.asarray((mesh.alpha > 0)[:, mesh.triangles].any(axis=2))
        for points, window in zip(bounds([mesh.moved], textured, mesh.triangles), windows, strict=True):
            inner.append(region_of(points, self._size) or window)
        core = common_size(inner, (windows[0].width, windows[0].height))
        fitted = []
        for box, raw, window in zip(core, inner, windows, strict=True):
            left = min(max(raw.left, window.left), window.left + window.width - box.width)
            top = min(max(raw.top, window.top), window.top + window.height - box.height)
            fitted.append(Region(left, top, box.width, box.height))
        return kept, windows, fitted

    def _light(self, entries: list[int], device: torch.device) -> torch.Tensor:
        """How much lighter the cheeks are in the frames than in their observations: float32 [n, 3] in Y, U, V."""
        light, score = self._who.track.light, self._score
        change = light[score.row[entries]] - light[np.maximum(score.pick[entries], 0)]
        return torch.from_numpy((change @ _YUV.T).astype(np.float32)).to(device)

    def _cavity(self, entries: list[int], level: float, device: torch.device) -> torch.Tensor:
        """Colour of the dark inside a mouth under the light of the observations: float32 [n, 3] in Y, U, V."""
        light = self._who.track.light[np.maximum(self._score.pick[entries], 0)] @ _YUV.T
        dark = np.array([16.0, 128.0, 128.0]) + light * (self._who.close.inside.shadow, *_CAVITY)
        return torch.from_numpy((level * dark).astype(np.float32)).to(device)

    def _observed(self, picks: list[list[tuple[int, float]]], device: torch.device) -> list[Observed]:
        out = []
        for slot in range(max(len(p) for p in picks)):
            frames = [i for i, pairs in enumerate(picks) if len(pairs) > slot]
            found = [self._patches.get((self._number, picks[i][slot][0])) for i in frames]
            planes = [p for p, _ in found]
            last = [(p[0].shape[1] - 1, p[0].shape[0] - 1) for p in planes]
            pairs_ = [np.stack([p[1], p[2]]) for p in planes]
            out.append(
                Observed(
                    slot=slot,
                    frames=torch.tensor(frames, device=device),
                    luma=to_device(_stacked([p[0][None] for p in planes]), device),
                    chroma=to_device(_stacked(pairs_), device),
                    corner=torch.tensor([c for _, c in found], dtype=torch.float32, device=device),
                    last=torch.tensor(last, dtype=torch.float32, device=device),
                    share=torch.tensor([picks[i][slot][1] for i in frames], dtype=torch.float32, device=device),
                )
            )
        return out

    def _write(
        self,
        frames: Sequence[Frame],
        windows: list[Region],
        maps: Flow,
        done: Composed,
        mesh: Mesh,
        entries: list[int],
    ) -> list[Edit]:
        kind = frames[0].planes[0].dtype
        top = 1023 if kind == np.uint16 else 255
        narrow = torch.int16 if kind == np.uint16 else torch.uint8
        parts = (done.luma, done.chroma)
        luma, chroma = (part.round().clamp(0, top).to(narrow).cpu().numpy().view(kind) for part in parts)
        fade = done.fade.tolist()
        seen = [False] * len(frames) if done.hidden is None else (done.hidden.amax((1, 2, 3)) > 0).tolist()
        touched = maps.touched.cpu()
        textured = bool(mesh.observed.shape[1])
        alpha = maps.alpha[:, 0].cpu().numpy() if textured else None
        out = []
        for i, (frame, window) in enumerate(zip(frames, windows, strict=True)):
            if fade[i] >= 1:
                out.append(Edit(frame, window, touched[i].numpy(), maps.core[i], None, occluded=True))
                continue
            own = None if textured else crop(frame.planes, window)
            inside = None if textured else self._inside(frame, mesh.moved[i], mesh.still[i], entries[i])
            store(frame.planes, window, luma[i, 0], chroma[i], touched[i])
            if own is not None and inside is not None:
                paint(frame.planes, own, mesh.moved[i], mesh.still[i], self._width(entries[i]), window, inside)
            shown = None if alpha is None else alpha[i]
            out.append(Edit(frame, window, touched[i].numpy(), maps.core[i], shown, covered=bool(seen[i])))
        return out

    def _inside(self, frame: Frame, moved: Array, still: Array, at: int) -> Inside:
        """What an opened mouth shows in a frame that is still as it was."""
        before = None if self._score.start[at] else self._palette
        now = palette_of(frame.planes, still, before)
        self._palette = now if before is None else now.near(before, _TINT)
        width = self._width(at)
        view = view_of(self._who.poses.rotation[self._score.row[at]], opening(still, width).axis)
        raised = {} if self._score.tongue is None else {"tongue": float(self._score.tongue[at])}
        return Inside(self._palette, view, jaw_drop(moved, still, width), plain=self._who.drawn, **raised)

    def _face(self, at: int) -> Array:
        if not self._chunk.start <= at < self._chunk.stop:
            first = at
            last = min(first + _CHUNK, len(self._score.row))
            padded = slice(max(0, first - _MARGIN), min(len(self._score.row), last + _MARGIN))
            self._faces = faces(self._who, self._score, padded)[first - padded.start :]
            self._chunk = slice(first, last)
        return np.asarray(self._faces[at - self._chunk.start])


def _padded(points: Array, length: int) -> Array:
    """Faces [n, length, 2]: neck points have no texture in an observation; any place will do, their weight is 0."""
    return np.concatenate([points, np.repeat(points[:, 152:153], length - points.shape[1], axis=1)], axis=1)


def _stacked(images: list[NDArray[np.generic]]) -> NDArray[np.generic]:
    """Images [C, h, w] in one array of the largest size, the others filled up with zeros."""
    size = np.max([image.shape for image in images], axis=0)
    out = np.zeros((len(images), *size), images[0].dtype)
    for place, image in zip(out, images, strict=True):
        place[:, : image.shape[1], : image.shape[2]] = image
    return out


def deform(planes: Planes, still: Array, moved: Array, triangles: NDArray[np.int32]) -> None:
    """Warp a part of one picture in place.

    Args:
        planes: the picture: Y [H, W], U and V [H/2, W/2], uint8 or uint16.
        still: [V, 2] vertices as they lie in it, pixels.
        moved: [V, 2] where they shall lie, pixels.
        triangles: int32 [M, 3] that move; what lies outside stays.
    """
    used = np.unique(triangles)
    region = region_of(np.concatenate([still[used], moved[used]]), (planes[0].shape[1], planes[0].shape[0]))
    if region is None:
        return
    shown, nothing = np.ones((1, len(triangles)), bool), np.zeros(len(still))
    mesh = Mesh(moved[None], still[None], np.zeros((1, 0, *still.shape)), nothing[None], nothing, triangles, 0, shown)
    cpu = torch.device("cpu")
    with torch.inference_mode():
        maps = flow(mesh, [region], [region], float(np.ptp(still[:, 0])), cpu)
        luma, chroma = load([planes], [region], cpu)
        made = compose(luma, chroma, maps, [region], [], torch.ones(1), float(np.ptp(still[:, 0])))
    kind = planes[0].dtype
    top = 1023 if kind == np.uint16 else 255
    done = [part.round().clamp(0, top).numpy().astype(kind) for part in (made.luma, made.chroma)]
    store(planes, region, done[0][0, 0], done[1][0], maps.touched[0])
