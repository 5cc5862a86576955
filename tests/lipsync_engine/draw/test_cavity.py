"""A mouth that is opened although the picture shows it shut: what is seen in it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from lipsync_engine.draw.cavity import Inside, jaw_drop, paint
from lipsync_engine.draw.dental import View, upper_row
from lipsync_engine.draw.palette import palette_of
from lipsync_engine.faces.geometry import CHIN, LOWER_INNER, LOWER_OUTER, UPPER_INNER, UPPER_OUTER
from lipsync_engine.media.window import Region, crop
from tests.lipsync_engine.face import frontal_face

WIDTH, SIZE = 240, (400, 400)
LIP, CREASE = 120, 40


def face(aperture: float, drop: float = 0.0) -> np.ndarray:
    """A face whose lips are so far apart (face widths), with eyes."""
    out = frontal_face((200, 170), WIDTH)
    middle = out[UPPER_INNER[5], 0]
    line = 170 + 0.25 * WIDTH
    across = (out[list(UPPER_INNER), 0] - middle) / (0.17 * WIDTH)
    bow = (1 - across**2) * aperture * WIDTH
    out[list(UPPER_INNER), 1], out[list(LOWER_INNER), 1] = line - 0.28 * bow, line + 0.72 * bow
    out[list(UPPER_OUTER), 1] = line - 0.28 * bow - 0.06 * WIDTH * (1 - across**2)
    out[list(LOWER_OUTER), 1] = line + 0.72 * bow + 0.07 * WIDTH * (1 - across**2)
    out[CHIN, 1] += drop * WIDTH
    for side, points in ((-1, (33, 471, 133, 469, 159, 145)), (1, (263, 474, 362, 476, 386, 374))):
        for point, (x, y) in zip(points, ((60, 0), (44, 0), (20, 0), (36, 0), (40, -6), (40, 6)), strict=True):
            out[point] = (200 + side * x, 130 + y)
    for point, x in ((50, -60), (205, -50), (36, -45), (187, -62), (280, 60), (425, 50), (266, 45), (411, 62)):
        out[point] = (200 + x, 190)
    return out


def picture(lips: np.ndarray, skin: int = 150, white: int = 150, between: int | None = None) -> tuple:
    """Planes with skin, eyes and lips; closed ones meet in a dark line, ``between`` parted ones it is so light."""
    luma = np.full(SIZE, skin, np.uint8)
    chroma = [np.full((200, 200), value, np.uint8) for value in (112, 150)]
    for left in (140, 220):
        cv2.rectangle(luma, (left, 124), (left + 40, 136), white, -1)
        cv2.rectangle(luma, (left + 16, 124), (left + 24, 136), 40, -1)
    upper = np.concatenate([lips[list(UPPER_OUTER)], lips[list(LOWER_OUTER)][::-1]])
    cv2.fillPoly(luma, [np.round(upper).astype(np.int32)], LIP)
    for plane, value in zip(chroma, (118, 160), strict=True):
        cv2.fillPoly(plane, [np.round(upper / 2).astype(np.int32)], value)
    inner = np.concatenate([lips[list(UPPER_INNER)], lips[list(LOWER_INNER)][::-1]])
    if between is None:
        cv2.polylines(luma, [np.round(lips[list(UPPER_INNER)]).astype(np.int32)], False, CREASE, 3)
    else:
        cv2.fillPoly(luma, [np.round(inner).astype(np.int32)], between)
    return luma, *chroma


def opened(planes: tuple, still: np.ndarray, moved: np.ndarray, tongue: float = 0.25, **how: bool) -> np.ndarray:
    """Luma of the picture with the mouth drawn; the lips are moved as they are."""
    region = Region(100, 190, 200, 120)
    drawn = picture(moved) if planes[0][235, 200] < LIP else tuple(p.copy() for p in planes)
    inside = Inside(palette_of(planes, still), View(), jaw_drop(moved, still, WIDTH), tongue, **how)
    paint(drawn, crop(planes, region), moved, still, WIDTH, region, inside)
    return drawn[0].astype(int)


@pytest.fixture(scope="module")
def open_mouth() -> np.ndarray:
    still, moved = face(0.002), face(0.1, 0.05)
    return opened(picture(still), still, moved)


def test_teeth_have_gaps_between_them_and_darken_to_the_sides(open_mouth) -> None:
    row = cv2.GaussianBlur(open_mouth.astype(np.float32), (0, 0), 0.7)[229, 165:236]
    dips = (row[1:-1] < row[:-2] - 0.5) & (row[1:-1] <= row[2:]) | (row[1:-1] <= row[:-2]) & (row[1:-1] < row[2:] - 0.5)
    assert dips.sum() >= 5
    assert row[35 - 6 : 35 + 6].mean() > 1.15 * row[:8].mean()


def test_both_rows_stand_with_the_dark_between(open_mouth) -> None:
    column = open_mouth[224:247, 196]
    dark = int(column.argmin())
    assert column[:dark].max() > 100
    assert column[dark] < 60
    assert column[dark:].max() > 60


def test_the_dark_line_of_closed_lips_does_not_frame_parted_ones(open_mouth) -> None:
    edge = int(face(0.1)[UPPER_INNER[5], 1])
    assert open_mouth[edge - 4 : edge - 1, 190:210].min() > 0.75 * LIP
    low = int(face(0.1)[LOWER_INNER[5], 1])
    assert open_mouth[low + 2 : low + 5, 190:210].min() > 0.75 * LIP


@pytest.mark.parametrize(("skin", "white"), [(150, 150), (60, 110), (60, 62)], ids=["light", "dark", "dim"])
def test_teeth_stand_in_the_light_of_the_eyes_whites(skin, white) -> None:
    still, moved = face(0.002), face(0.1, 0.05)
    teeth = opened(picture(still, skin, white), still, moved)[226:233, 180:220].max()
    assert 0.6 * white < teeth < 1.1 * white


def test_a_soft_picture_has_soft_teeth() -> None:
    still, moved = face(0.002), face(0.1, 0.05)
    sharp = picture(still)
    soft = (cv2.GaussianBlur(sharp[0], (0, 0), 2.0), *sharp[1:])
    steep = [np.abs(np.diff(opened(p, still, moved)[224:248, 180:220], axis=0)).max() for p in (sharp, soft)]
    assert steep[1] < 0.7 * steep[0]


def test_lips_that_shut_leave_no_light_line_of_teeth() -> None:
    still, moved = face(0.06), face(0.0)
    smile = picture(still, between=190)
    squeezed = picture(moved)
    cv2.polylines(squeezed[0], [np.round(moved[list(UPPER_INNER)]).astype(np.int32)], False, 190, 2)
    region = Region(100, 190, 200, 120)
    paint(squeezed, crop(smile, region), moved, still, WIDTH, region, Inside(palette_of(smile, still)))
    assert squeezed[0][225:240, 175:225].max() <= LIP + 12


def test_a_raised_tongue_is_seen_between_the_teeth() -> None:
    still, moved = face(0.002), face(0.1, 0.05)
    low, high = (opened(picture(still), still, moved, tongue)[236:240, 190:210].mean() for tongue in (0.0, 1.0))
    assert high > low + 15


def test_a_turned_head_shows_more_teeth_of_one_side() -> None:
    x = np.linspace(-0.4, 0.4, 401)
    straight, turned = (upper_row(x, View(np.cos(turn), np.sin(turn), 0.0)).seen for turn in (0.0, 0.4))
    assert abs(straight[:200].sum() - straight[201:].sum()) <= 1
    assert turned[201:].sum() > 1.5 * turned[:200].sum()


def test_a_drawing_gets_a_flat_band_and_a_flat_dark() -> None:
    still, moved = face(0.002), face(0.1, 0.05)
    drawn = opened(picture(still), still, moved, plain=True)
    assert np.ptp(drawn[228, 180:220]) <= 2, "no tooth"
    assert np.ptp(drawn[240:244, 190:210]) <= 2, "no lower teeth, no tongue"
    assert drawn[228, 200] > 2 * drawn[242, 200]


def lowered(points: np.ndarray, lips: float) -> np.ndarray:
    """The same face with its mouth lower (face widths), as a smile's is when it is let go."""
    out = points.copy()
    for ring in (UPPER_INNER, LOWER_INNER, UPPER_OUTER, LOWER_OUTER):
        out[list(ring), 1] += lips * WIDTH * (1 - np.linspace(-1, 1, 11) ** 2)
    return out


@pytest.fixture(scope="module")
def smile_that_speaks() -> np.ndarray:
    """Columns of a mouth that was seen with shut teeth, and opens from where it let its smile go."""
    still, moved = face(0.06), lowered(face(0.1, 0.03), 0.03)
    region = Region(100, 190, 200, 120)
    smile = picture(still, between=190)
    drawn = picture(moved)
    paint(drawn, crop(smile, region), moved, still, WIDTH, region, Inside(palette_of(smile, still)))
    return drawn[0][:, 190:211].astype(int)


def test_shut_teeth_part_where_the_lower_lip_was(smile_that_speaks) -> None:
    edge, floor = int(face(0.06)[LOWER_INNER[5], 1]), int(lowered(face(0.1), 0.03)[LOWER_INNER[5], 1])
    assert smile_that_speaks[edge - 5 : edge - 2].min() > 120, "the upper row stays with the head"
    between = smile_that_speaks[edge + 2 : floor - 2]
    assert len(between) >= 8
    assert np.median(between, axis=1).max() < 100, "below it the dark and the tongue"


def test_the_lower_lip_hides_the_lower_teeth_but_for_their_edges(smile_that_speaks) -> None:
    floor = int(lowered(face(0.1), 0.03)[LOWER_INNER[5], 1])
    column = np.median(smile_that_speaks[floor - 8 : floor - 2], axis=1)
    assert column.max() < 100


def test_lips_that_overlap_on_a_slope_leave_no_light_between_them() -> None:
    still, moved = face(0.06), lowered(face(0.0), 0.06)
    moved[list(UPPER_INNER[1:-1]), 1] += 0.004 * WIDTH
    smile = picture(still, between=190)
    squeezed = picture(moved)
    cv2.polylines(squeezed[0], [np.round(moved[list(UPPER_INNER)]).astype(np.int32)], False, 190, 2)
    region = Region(100, 190, 200, 120)
    paint(squeezed, crop(smile, region), moved, still, WIDTH, region, Inside(palette_of(smile, still)))
    line = moved[list(LOWER_INNER), 1]
    for point, y in zip(LOWER_INNER[2:9], line[2:9], strict=True):
        assert squeezed[0][int(y) - 5 : int(y) + 5, int(moved[point, 0])].max() <= LIP + 14
