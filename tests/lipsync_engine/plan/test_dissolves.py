"""Where one picture of the mouth follows another: which cuts are seen, and which need no dissolve."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lipsync_engine.plan.edit import _alike
from tests.lipsync_engine.plan.test_inside import COUNT, library


def test_mouths_that_differ_no_more_than_neighbours_do_are_cut_without_a_dissolve():
    steps = np.stack([np.arange(COUNT) * 0.1, np.zeros(COUNT)], axis=1).astype(np.float32)
    seen = replace(library(), texture=steps)
    pick = np.array([10, 11, 10, 30])
    assert _alike(seen, pick).tolist() == [True, True, False]
    assert not _alike(replace(seen, frame=seen.frame * 5), pick).any(), "no neighbours to compare with"
