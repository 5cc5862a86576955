"""How high the tongue stands."""

from __future__ import annotations

import numpy as np
import pytest

from lipsync_engine.records import Phone
from lipsync_engine.speech.tongue import tongue_height


@pytest.mark.parametrize(("high", "low"), [("l", "k"), ("t", "m"), ("θ", "a"), ("i", "ɑ"), ("n", "u")])
def test_the_tongue_rises_for_what_it_makes(high, low) -> None:
    said = (Phone(high, 200, 400), Phone(low, 600, 800))
    heights = tongue_height(said, np.array([0.3, 0.7]))
    assert heights[0] > heights[1] + 0.2


def test_it_leads_as_the_lips_do_and_moves_smoothly() -> None:
    said = (Phone("l", 200, 300),)
    times = np.arange(100) / 200
    on_time, early = tongue_height(said, times), tongue_height(said, times, 0.05)
    assert int(on_time.argmax()) - int(early.argmax()) == 10
    assert np.abs(np.diff(on_time)).max() < 0.1
