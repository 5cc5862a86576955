"""What stands between the lips is told from pixels."""

import numpy as np
import pytest

from lipsync_engine.faces.facemesh.picture import Picture
from lipsync_engine.faces.interior import look_inside
from tests.lipsync_engine.mouths import DARK, SKIN, TONGUE, TOOTH, WIDTH, mouth, painted

CLENCHED = [(0.55, TOOTH), (0.6, DARK), (1.0, TOOTH)]
PARTED = [(0.35, TOOTH), (0.8, DARK), (1.0, TOOTH)]
ROUND = [(1.0, DARK)]
TONGUED = [(0.35, TOOTH), (0.5, DARK), (1.0, TONGUE)]


def seen(inside, opening=0.12, light=SKIN, rgb=lambda image: image):
    points = mouth(opening)
    planes = Picture.of_rgb(rgb(painted(points, inside))).planes
    return look_inside(planes, (0, 0), points, np.array(light, float))


def test_rows_that_touch_are_nearly_all_teeth_and_no_gap():
    teeth, dark, gap, _ = seen(CLENCHED)
    assert teeth > 0.85
    assert dark < 0.15
    assert gap < 0.012


def test_the_gap_between_parted_rows_is_measured():
    teeth, dark, gap, _ = seen(PARTED)
    assert gap == pytest.approx(0.45 * 0.12, abs=0.012)
    assert 0.3 < dark < 0.6
    assert teeth < 0.7


def test_a_dark_mouth_shows_no_teeth_and_a_tongue_is_none():
    assert seen(ROUND)[0] == 0
    teeth, _, gap, _ = seen(TONGUED)
    assert teeth < 0.6
    assert gap > 0.04


@pytest.mark.parametrize("dim", [0.35, 0.6])
def test_light_does_not_matter(dim):
    darker = tuple(dim * c for c in SKIN)
    found = seen(PARTED, light=darker, rgb=lambda image: (dim * image).astype(np.uint8))
    assert found == pytest.approx(seen(PARTED), abs=0.2)


def test_a_picture_without_colour_is_told_by_light_alone():
    def grey(image):
        return np.repeat((image @ [0.299, 0.587, 0.114]).astype(np.uint8)[..., None], 3, axis=2)

    light = 3 * (float(np.dot(SKIN, [0.299, 0.587, 0.114])),)
    assert seen(CLENCHED, light=light, rgb=grey)[2] < 0.012
    assert seen(PARTED, light=light, rgb=grey)[2] > 0.03


def test_a_part_of_the_picture_tells_the_same():
    points = mouth(0.12)
    planes = Picture.of_rgb(painted(points, PARTED)).planes
    part = (planes[0][120:220, 80:220], planes[1][60:110, 40:110], planes[2][60:110, 40:110])
    whole = look_inside(planes, (0, 0), points, np.array(SKIN, float))
    assert look_inside(part, (80, 120), points, np.array(SKIN, float)) == pytest.approx(whole, abs=1e-6)


def test_shut_lips_tell_nothing():
    assert np.isnan(seen(ROUND, opening=2 / WIDTH)).all()
