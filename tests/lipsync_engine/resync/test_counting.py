"""What counts as an edited frame: one whose edit is seen."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from lipsync_engine.draw.render import Rendering
from lipsync_engine.report import EngineReport
from lipsync_engine.resync.reporting import count

FRAMES = 10


def part(strength: list[float], *, portrait: bool = False) -> Any:
    drawn = np.flatnonzero(strength)
    score = SimpleNamespace(
        frame=drawn,
        row=drawn,
        strength=np.array(strength, np.float32)[drawn],
        declined={},
        portrait=portrait,
    )
    vectors = np.linspace(0, 0.1, 101, dtype=np.float32)[:, None].repeat(4, axis=1)
    library = SimpleNamespace(row=np.arange(101), vectors=vectors, lacks="3 different mouths" if portrait else "")
    return SimpleNamespace(score=score, who=SimpleNamespace(library=library, drawn=False))


def counted(parts: list[Any], occluded: tuple[int, ...] = ()) -> EngineReport:
    drawn = np.zeros(FRAMES, bool)
    for one in parts:
        drawn[one.score.frame] = True
    done = Rendering(frames=FRAMES)
    done.checks.edited = int(drawn.sum()) - len(occluded)
    done.checks.occluded = list(occluded)
    report = EngineReport()
    track: Any = SimpleNamespace(times_s=np.arange(FRAMES) / 25, frame=np.arange(FRAMES))
    count(report, done, track, parts, drawn, np.zeros(FRAMES, bool))
    assert report.frames == report.edited + sum(report.bypassed.values())
    return report


def test_an_edit_faded_below_a_fifth_does_not_count_as_one() -> None:
    report = counted([part([0, 0, 0.05, 0.19, 0.2, 1, 1, 0.5, 0.1, 0])])
    assert report.edited == 4
    assert report.bypassed == {"imperceptible": 3, "not_speaking": 3}


def test_a_frame_counts_where_any_of_its_mouths_is_seen_to_change() -> None:
    report = counted([part([0.1] * FRAMES), part([1.0] * 5 + [0.0] * 5)])
    assert (report.edited, report.bypassed) == (5, {"imperceptible": 5})


def test_a_frame_left_as_it_is_for_a_hand_is_no_faint_edit() -> None:
    report = counted([part([0.1] * FRAMES)], occluded=(3, 4))
    assert (report.edited, report.bypassed) == (0, {"imperceptible": 8, "occluded": 2})


def test_only_edits_that_are_seen_count_as_a_portrait_s() -> None:
    report = counted([part([0.1] * 4 + [1.0] * 6, portrait=True)])
    assert report.portrait_frames == 6
    assert [note for note in report.notes if note.endswith("too little of its mouth: 3 different mouths")]


def test_the_report_says_what_the_title_had_to_offer() -> None:
    report = counted([part([1.0] * FRAMES)])
    assert report.library_observations == 101
    assert report.library_spread is not None
    assert abs(report.library_spread - 0.09) < 1e-6
    assert counted([]).library_observations is None


def test_the_picture_is_told_in_order_what_was_done_and_why_not() -> None:
    report = counted([part([0, 0, 0.05, 0.19, 0.2, 1, 1, 0.5, 0, 0])], occluded=(6,))
    assert report.spans == [
        (0, 80, "not_speaking"),
        (80, 160, "imperceptible"),
        (160, 240, "edited"),
        (240, 280, "occluded"),
        (280, 320, "edited"),
        (320, 400, "not_speaking"),
    ]
    told = {what: sum(end - begin for begin, end, one in report.spans if one == what) for _, _, what in report.spans}
    assert told == {"edited": 40 * report.edited, **{what: 40 * n for what, n in report.bypassed.items()}}
