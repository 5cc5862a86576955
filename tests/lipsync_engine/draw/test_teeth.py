"""Teeth between lips that open further, or less, than they were seen to."""

import numpy as np
import pytest
import torch

from lipsync_engine.draw.teeth import dark_between, places
from lipsync_engine.draw.warp import Mesh, bicubic, flow, mouth_triangles, with_neck
from lipsync_engine.faces.geometry import ANCHOR_SHAPE, ANCHORS, LOWER_INNER, LOWER_OUTER, UPPER_INNER, UPPER_OUTER
from lipsync_engine.faces.mesh import VERTICES
from lipsync_engine.media.window import Region
from tests.lipsync_engine.face import frontal_face

WIDTH, SIZE = 400.0, (480, 480)


def face(opening: float, raised: float = 0.0) -> np.ndarray:
    """A face whose lips stand so far apart in the middle (pixels); the upper one is raised by so much of that."""
    points = frontal_face((240.0, 200.0), WIDTH)
    points[list(ANCHORS)] = ANCHOR_SHAPE[:, :2] * WIDTH + (240.0, 200.0)
    across = 1 - np.linspace(-1, 1, 11) ** 2
    for rings, share in (((UPPER_INNER, UPPER_OUTER), -raised), ((LOWER_INNER, LOWER_OUTER), 1 - raised)):
        for ring, thick in zip(rings, (0.0, 30.0 * np.sign(share + 1e-9)), strict=True):
            points[list(ring), 1] = 300 + (share * opening + thick) * across
    return points


def seen(mouth: np.ndarray) -> np.ndarray:
    """Luma of skin with a dark mouth, teeth of 20 pixels from above and 8 from below."""
    y, x = np.mgrid[: SIZE[1], : SIZE[0]].astype(float)
    top, bottom = (np.interp(x, mouth[list(r), 0], mouth[list(r), 1]) for r in (UPPER_INNER, LOWER_INNER))
    luma = np.full(y.shape, 120.0)
    luma[(y > top) & (y < bottom)] = 20.0
    luma[(y > top) & (y < np.minimum(top + 20, bottom))] = 220.0
    luma[(y > np.maximum(bottom - 8, top + 20)) & (y < bottom)] = 200.0
    return luma.astype(np.uint8)


def drawn(now: np.ndarray, then: np.ndarray, *, rigid: bool = True) -> np.ndarray:
    """What the observation gives for the new mouth, along the middle of the face."""
    luma = seen(then)
    moved, still = with_neck(now[None], now[None], np.array([WIDTH]))
    observed = np.zeros((1, 1, VERTICES, 2))
    observed[0, 0, :478] = then
    dark = dark_between(luma, (0, 0), then)[None] if rigid else None
    triangles = mouth_triangles()
    lips, alpha = np.zeros(VERTICES), np.ones((1, VERTICES))
    shown = np.ones((1, len(triangles)), bool)
    mesh = Mesh(moved, still, observed, alpha, lips, triangles, len(triangles), shown, dark)
    window = [Region(0, 0, *SIZE)]
    maps = flow(mesh, window, window, WIDTH, torch.device("cpu"), cells=400)
    x, y = maps.patches[0, 0]
    out = bicubic(torch.from_numpy(luma)[None, None].float(), x[None], y[None])[0, 0]
    return np.where(maps.mouth[0, 0].numpy() > 0.5, out.numpy(), 0)[:, 240]


def heights(column: np.ndarray) -> tuple[int, int]:
    """Rows of the upper and of the lower teeth."""
    bright = np.flatnonzero(column > 120)
    parts = np.split(bright, np.flatnonzero(np.diff(bright) > 1) + 1)
    return len(parts[0]), len(parts[-1])


@pytest.mark.parametrize("opening", [45, 60, 80])
def test_teeth_keep_their_height_however_far_the_lips_open(opening):
    upper, lower = heights(drawn(face(opening), face(60)))
    assert upper == pytest.approx(20, abs=1)
    assert lower == pytest.approx(8, abs=1)


def test_without_the_map_they_would_be_stretched():
    assert heights(drawn(face(80), face(60), rigid=False))[0] > 24


def test_upper_teeth_stay_under_the_nose_when_the_lip_rises():
    rows = np.flatnonzero(drawn(face(75, raised=0.2), face(60)) > 120)
    end = rows[np.flatnonzero(np.diff(rows) > 1)[0]]
    assert end == pytest.approx(320, abs=1.5)  # where they end in the observation


def test_lips_that_shut_hide_them():
    column = drawn(face(12), face(60))
    assert (np.flatnonzero(column > 120) <= 312).all()
    assert heights(column)[0] == pytest.approx(12, abs=1.5)


def test_the_dark_between_is_found():
    mouth = face(60)
    begin, end = dark_between(seen(mouth), (0, 0), mouth)[:, 5]
    assert begin == pytest.approx(20 / 60, abs=0.12)
    assert end == pytest.approx(52 / 60, abs=0.12)


def clenched(mouth: np.ndarray) -> np.ndarray:
    """Luma of a mouth whose teeth meet two thirds down, with a thin line between the rows."""
    y, x = np.mgrid[: SIZE[1], : SIZE[0]].astype(float)
    top, bottom = (np.interp(x, mouth[list(r), 0], mouth[list(r), 1]) for r in (UPPER_INNER, LOWER_INNER))
    luma = np.full(y.shape, 120.0)
    luma[(y > top) & (y < bottom)] = 220.0
    seam = top + 0.6 * (bottom - top)
    luma[(np.abs(y - seam) < 1.5) & (bottom > top + 2)] = 90.0
    return luma.astype(np.uint8)


def parted(by: float, opening: float = 50.0) -> tuple[np.ndarray, np.ndarray]:
    """Light and shadow down the middle of a clenched mouth whose rows are parted by so much (face widths)."""
    now = face(opening)
    luma = clenched(now)
    moved, still = with_neck(now[None], now[None], np.array([WIDTH]))
    observed = np.zeros((1, 1, VERTICES, 2))
    observed[0, 0, :478] = now
    triangles = mouth_triangles()
    shown = np.ones((1, len(triangles)), bool)
    lips, alpha, dark = np.zeros(VERTICES), np.ones((1, VERTICES)), dark_between(luma, (0, 0), now, met=True)[None]
    mesh = Mesh(moved, still, observed, alpha, lips, triangles, len(triangles), shown, dark, np.array([by]))
    window = [Region(0, 0, *SIZE)]
    maps = flow(mesh, window, window, WIDTH, torch.device("cpu"), cells=400)
    x, y = maps.patches[0, 0]
    out = bicubic(torch.from_numpy(luma)[None, None].float(), x[None], y[None])[0, 0]
    return np.where(maps.mouth[0, 0].numpy() > 0.5, out.numpy(), 0)[:, 240], maps.shadow[0, 0].numpy()[:, 240]


def test_rows_that_met_are_parted_and_the_gap_lies_in_shadow():
    light, shadow = parted(0.05)
    dark = np.flatnonzero(shadow > 0.5)
    assert 10 <= len(dark) <= 24  # of 20 pixels, and half of its soft edges
    assert np.ptp(dark) == len(dark) - 1
    assert dark[0] >= 300 + 0.35 * 50  # the upper row keeps its place under the nose
    assert (light[301 : dark[0] - 4] > 120).mean() > 0.8


def test_rows_that_need_no_parting_have_no_shadow():
    assert not parted(0.0)[1].any()


def test_the_shadow_ends_before_the_corners_and_the_lip():
    _, shadow = parted(0.05)
    assert not shadow[:300].any()
    assert not shadow[351:].any()


def rows_of_teeth(mouth: np.ndarray, lower: float) -> np.ndarray:
    """Luma of a mouth whose upper teeth, 200 levels bright, end half way down, and are as bright as that below."""
    y, x = np.mgrid[: SIZE[1], : SIZE[0]].astype(float)
    top, bottom = (np.interp(x, mouth[list(r), 0], mouth[list(r), 1]) for r in (UPPER_INNER, LOWER_INNER))
    luma = np.where((y > top) & (y < bottom), 200.0, 120.0)
    return np.where((y > (top + bottom) / 2) & (y < bottom), lower, luma).astype(np.uint8)


@pytest.mark.parametrize(("lower", "seam"), [(140.0, 0.5), (200.0, 1.0)])
def test_rows_that_meet_part_where_the_dimmer_lower_one_begins_or_else_below_the_upper_one(lower, seam):
    begin, end = dark_between(rows_of_teeth(face(60), lower), (0, 0), face(60), met=True)
    assert begin == pytest.approx(seam, abs=0.1)
    assert (begin == end).all()  # nothing dark lies between them that could be stretched


def test_rows_that_meet_and_are_not_parted_fill_a_wider_opening_without_a_dark_line():
    one = torch.ones(80)
    depth, width = torch.linspace(0, 1, 80), 400.0
    values = [depth, 80 * one, 60 * one, 8 * one, 0 * one, 0 * one, 0 * one, one, one, one, 0 * one, width * one]
    place, shadow = places(torch.stack(values, 1))
    assert torch.allclose(place[:, 1], 60 * depth, atol=1e-3)
    assert not shadow.any()


def test_a_gap_too_thin_for_the_picture_is_not_drawn_as_a_dotted_line():
    _, shadow = parted(0.004)
    assert not shadow.any()


def test_the_edge_of_the_dark_runs_without_steps_across_the_columns():
    mouth, shift = face(60), np.where(np.arange(SIZE[0]) > 240, 20.0, 0.0)
    y, x = np.mgrid[: SIZE[1], : SIZE[0]].astype(float)
    top, bottom = (np.interp(x, mouth[list(r), 0], mouth[list(r), 1]) for r in (UPPER_INNER, LOWER_INNER))
    luma = np.where((y > top) & (y < bottom), 20.0, 120.0)
    luma = np.where((y > top) & (y < top + 14 + shift), 220.0, luma)  # teeth of two lengths
    begin, _ = dark_between(luma.astype(np.uint8), (0, 0), mouth)
    assert np.abs(np.diff(begin[3:-3])).max() < 0.15
