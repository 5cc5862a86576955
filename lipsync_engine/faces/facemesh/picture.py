"""Small RGB views of a decoded picture, taken straight from its YUV planes: the whole frame is never converted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lipsync_engine.faces.facemesh.regions import Regions, matrix

#: Weights of red and blue in luma by FFmpeg's number of the colour matrix; others count as BT.601, as FFmpeg does.
_WEIGHTS = {1: (0.2126, 0.0722), 9: (0.2627, 0.0593), 10: (0.2627, 0.0593)}
_FULL_RANGE = 2


@dataclass(frozen=True, slots=True)
class Picture:
    """One frame.

    Attributes:
        planes: luma and the two half-size chroma planes, uint8, or uint16 with 10 bits.
        colour: (primaries, transfer, matrix, range) as FFmpeg numbers them.
    """

    planes: tuple[NDArray[Any], NDArray[Any], NDArray[Any]]
    colour: tuple[int, int, int, int]

    @classmethod
    def of_rgb(cls, rgb: NDArray[np.uint8]) -> Picture:
        """From uint8 [H, W, 3]."""
        even = np.pad(rgb, ((0, rgb.shape[0] % 2), (0, rgb.shape[1] % 2), (0, 0)), mode="edge")
        yuv = cv2.cvtColor(even, cv2.COLOR_RGB2YUV_I420)
        height, width = even.shape[:2]
        chroma = yuv[height:].reshape(2, height // 2, width // 2)
        return cls((yuv[: rgb.shape[0], : rgb.shape[1]], chroma[0], chroma[1]), (2, 2, 2, 1))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        height, width = self.planes[0].shape
        return width, height

    def crop(self, region: Regions, side: int, *, steady: bool = True) -> NDArray[np.uint8]:
        """RGB of one region (a row of ``Regions``), uint8 [side, side, 3]; edges are continued outwards.

        Args:
            region: centre, side, angle.
            side: of the crop in pixels.
            steady: take four luma samples for each pixel where the region is much larger than the crop. One sample,
                as MediaPipe takes it, lets noise and fine texture through: the mesh of a 500-pixel face then
                jitters a quarter more.
        """
        place = matrix(region, side)
        if not steady or region[2] < 1.75 * side:
            return self.warped(place, (side, side))
        finer = place.copy()
        finer[:, :2] /= 2
        finer[:, 2] -= finer[:, :2].sum(axis=1) / 2  # the mean of two samples lies between them
        luma = cv2.resize(self._plane(0, finer, (2 * side, 2 * side)), (side, side), interpolation=cv2.INTER_AREA)
        chroma = [self._plane(number, place, (side, side)) for number in (1, 2)]
        return np.asarray(cv2.transform(cv2.merge([luma, *chroma]), self._to_rgb()))

    def warped(self, to_picture: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.uint8]:
        """RGB, uint8 [h, w, 3], at the places that a matrix, float64 [2, 3], gives for each pixel of a (w, h) view."""
        views = [self._plane(number, to_picture, size) for number in range(3)]
        return np.asarray(cv2.transform(cv2.merge(views), self._to_rgb()))

    def luma(self, to_picture: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.uint8]:
        """Full-range luma, uint8 [h, w], at the places that the matrix, float64 [2, 3], gives for a (w, h) view."""
        gain, offset = self._luma_range()
        return np.asarray(cv2.convertScaleAbs(self._plane(0, to_picture, size), alpha=gain, beta=gain * offset))

    def colours(self, points: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
        """RGB of the nearest samples to points [n, 2], uint8 [n, 3]."""
        width, height = self.size
        x = np.clip(np.round(points[:, 0]), 0, width - 1).astype(int)
        y = np.clip(np.round(points[:, 1]), 0, height - 1).astype(int)
        rows, columns = self.planes[1].shape
        u, v = np.minimum(x // 2, columns - 1), np.minimum(y // 2, rows - 1)
        samples = np.stack([self.planes[0][y, x], self.planes[1][v, u], self.planes[2][v, u]], axis=1)
        eight = (samples >> self._spare_bits()).astype(np.uint8)[None]
        return np.asarray(cv2.transform(eight, self._to_rgb())[0])

    def reduced(
        self, side: int, box: tuple[int, int, int, int] | None = None
    ) -> tuple[NDArray[np.uint8], float, float, float]:
        """The picture (or the part ``box``: left, top, right, bottom) inside a black square, sharpness-preserving.

        Returns:
            RGB uint8 [side, side, 3], pixels of the picture for one of the square, and where its corner lies.
        """
        width, height = self.size
        left, top, right, bottom = box or (0, 0, width, height)
        left, top = left // 2 * 2, top // 2 * 2
        scale = max(right - left, bottom - top) / side
        inner = (max(1, round((right - left) / scale)), max(1, round((bottom - top) / scale)))
        views = []
        for number, plane in enumerate(self.planes):
            step = 1 if number == 0 else 2
            part = plane[top // step : -(-bottom // step), left // step : -(-right // step)]
            skip = max(1, int(scale / step / 3))  # a few samples for each pixel are enough
            views.append(self._eight(cv2.resize(part[::skip, ::skip], inner, interpolation=cv2.INTER_AREA)))
        rgb = cv2.transform(cv2.merge(views), self._to_rgb())
        out = np.zeros((side, side, 3), np.uint8)
        x, y = (side - inner[0]) // 2, (side - inner[1]) // 2
        out[y : y + inner[1], x : x + inner[0]] = rgb
        return out, scale, left - x * scale, top - y * scale

    def _plane(self, number: int, to_picture: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.uint8]:
        place = to_picture.astype(np.float64)
        if number:  # chroma lies on every second luma column, between two luma rows
            place = place * 0.5
            place[1, 2] -= 0.25
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        view = cv2.warpAffine(self.planes[number], place, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
        return self._eight(view)

    def _eight(self, view: NDArray[Any]) -> NDArray[np.uint8]:
        return np.asarray(cv2.convertScaleAbs(view, alpha=0.25) if view.dtype == np.uint16 else view, np.uint8)

    def _spare_bits(self) -> int:
        return 2 if self.planes[0].dtype == np.uint16 else 0

    def _luma_range(self) -> tuple[float, float]:
        return (1.0, 0.0) if self.colour[3] == _FULL_RANGE else (255 / 219, -16.0)

    def _to_rgb(self) -> NDArray[np.float64]:
        """Matrix [3, 4] from 8-bit YUV to RGB."""
        red, blue = _WEIGHTS.get(self.colour[2], (0.299, 0.114))
        green = 1 - red - blue
        gain, offset = self._luma_range()
        chroma = 1.0 if self.colour[3] == _FULL_RANGE else 255 / 224
        linear = np.array(
            [
                [gain, 0.0, 2 * (1 - red) * chroma],
                [gain, -2 * (1 - blue) * blue / green * chroma, -2 * (1 - red) * red / green * chroma],
                [gain, 2 * (1 - blue) * chroma, 0.0],
            ]
        )
        return np.column_stack([linear, linear @ np.array([offset, -128.0, -128.0])])
