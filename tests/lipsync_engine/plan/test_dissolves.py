"""Where one picture of the mouth follows another: which cuts are seen, and which need no dissolve."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from lipsync_engine.plan.dissolves import _alike, dissolved
from tests.lipsync_engine.plan.test_inside import COUNT, library


def test_mouths_that_differ_no_more_than_neighbours_do_are_cut_without_a_dissolve():
    steps = np.stack([np.arange(COUNT) * 0.1, np.zeros(COUNT)], axis=1).astype(np.float32)
    seen = replace(library(), texture=steps)
    pick = np.array([10, 11, 10, 30])
    assert _alike(seen, pick).tolist() == [True, True, False]
    assert not _alike(replace(seen, frame=seen.frame * 5), pick).any(), "no neighbours to compare with"


@pytest.mark.parametrize(("aperture", "mixed"), [(0.0, True), (0.08, False)])
def test_lips_that_touch_are_not_mixed_with_parted_ones(aperture, mixed):
    textures = np.stack([np.arange(COUNT) * 0.1, 10.0 * (np.arange(COUNT) >= COUNT // 2)], axis=1)
    seen = replace(library(), texture=textures.astype(np.float32))
    mouths = np.full((COUNT, 4), aperture, np.float32)
    mouths[: COUNT // 2, 0] = 0.0
    who = SimpleNamespace(
        library=seen, mouth=mouths, track=SimpleNamespace(frame=seen.frame, span=seen.span), usable=range(COUNT)
    )
    pick = np.array([9, 10, 11, 31, 32, 33])  # shut lips, then those of another appearance
    start = np.arange(6) == 0
    times = np.arange(6) / 25
    shown, share = dissolved(who, pick, start, times, np.ones(6, bool), np.zeros(6, np.float32))
    assert shown[:, 0].tolist() == pick.tolist()
    assert (share[2, 1] > 0) == mixed, "the last shut one, with what follows"
    assert share[3, 1] > 0, "what follows, with shut ones"
