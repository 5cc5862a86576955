"""Which face speaks which line: told by the mouths, off-screen lines left alone, photographs never chosen."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.speakers import active_frames, off_screen, speech_table
from lipsync_engine.faces.track import track_faces
from lipsync_engine.resync import Options, resync
from tests.lipsync_engine.scenes import GRID, frames_of, person, put, wall, write
from tests.speech_media import recording

TWO = "_derived/grid_two_faces_alternating"


@pytest.fixture(scope="module")
def two() -> FaceTrack:
    return track_faces(recording(f"{TWO}.mp4"))


def _sides(track: FaceTrack) -> dict[str, int]:
    left, right = sorted(track.identities, key=lambda p: track.of(p).landmarks[:, :, 0].mean())
    return {"left": left, "right": right}


def _truth() -> dict[str, tuple[int, int]]:
    speakers = json.loads(recording(f"{TWO}.json").read_text())["speakers"]
    return {side: tuple(round(1000 * s) for s in facts["speech_s"]) for side, facts in speakers.items()}


@pytest.mark.parametrize("labelled", [True, False])
def test_each_line_goes_to_the_face_that_speaks_it(two, labelled) -> None:
    lines = [(*times, side if labelled else "") for side, times in _truth().items()]
    active = active_frames(replace(two, speech=speech_table(lines)))
    for side, (start, end) in _truth().items():
        inside = (two.times_s * 1000 >= start) & (two.times_s * 1000 < end)
        for other, who in _sides(two).items():
            assert active[who][inside].mean() == (1.0 if other == side else 0.0)


def test_a_wrong_label_yields_to_the_mouths(two) -> None:
    (left, right) = (_truth()["left"], _truth()["right"])
    active = active_frames(replace(two, speech=speech_table([(*left, "A"), (*right, "A")])))
    for side, (start, end) in _truth().items():
        inside = (two.times_s * 1000 >= start) & (two.times_s * 1000 < end)
        assert active[_sides(two)[side]][inside].all()


def test_a_line_that_nobody_in_view_speaks_is_off_screen(two) -> None:
    start, end = 5300, 5990  # both rest
    active = active_frames(replace(two, speech=speech_table([(*_truth()["left"], "L"), (start, end, "narrator")])))
    inside = (two.times_s * 1000 >= start) & (two.times_s * 1000 < end)
    assert not any(frames[inside].any() for frames in active.values())


def test_frames_of_an_off_screen_line_are_counted_as_such(two, tmp_path) -> None:
    start, end = 5300, 5990  # both rest
    lines = speech_table([(*_truth()["left"], "L"), (start, end, "narrator")])
    soundfile.write(tmp_path / "dub.wav", np.zeros(16000, np.float32), 16000)
    track, options = replace(two, speech=lines), Options(measure=False)
    report = resync(recording(f"{TWO}.mp4"), tmp_path / "dub.wav", (), track, tmp_path / "o.mp4", options)
    inside = (two.times_s * 1000 >= start) & (two.times_s * 1000 < end)
    assert report.bypassed["off_screen"] == inside.sum() > 10
    assert report.edited + sum(report.bypassed.values()) == report.frames


def test_nobody_is_off_screen_where_the_speaker_is_seen(two) -> None:
    track = replace(two, speech=speech_table([(*times, side) for side, times in _truth().items()]))
    assert not off_screen(track, active_frames(track)).any()


def test_a_line_is_off_screen_where_only_its_listener_is_in_the_picture(two) -> None:
    left, (start, end) = _sides(two)["left"], _truth()["left"]
    track = replace(two, speech=speech_table([(*times, side) for side, times in _truth().items()]))
    active, inside = active_frames(track), (two.times_s * 1000 >= start) & (two.times_s * 1000 < end)
    without = track.rows(np.flatnonzero(track.identity != left))
    assert np.array_equal(off_screen(without, active), inside)


def test_a_single_face_that_talks_is_never_off_screen() -> None:
    track = track_faces(recording(GRID.format("bbaf2n")))
    active = active_frames(replace(track, speech=speech_table([(900, 2100, ""), (2100, 2200, "x")])))
    assert active[track.identities[0]].all()


def test_a_photograph_does_not_speak(tmp_path) -> None:
    speaker, other = frames_of(GRID.format("bbaf2n")), frames_of(GRID.format("brbk7n"), limit=1, start=20)[0]

    def scene(index: int):
        canvas = wall(800, 400)
        put(canvas, person(speaker[index]), 60, 80)
        put(canvas, person(other), 560, 60)
        return canvas

    track = track_faces(write(tmp_path / "poster.mp4", (scene(i) for i in range(60))))
    assert len(track.identities) == 2
    for lines in ([], [(900, 2100, "")]):
        active = active_frames(replace(track, speech=speech_table(lines)))
        sides = _sides(track)
        assert np.mean(active[sides["left"]]) == 1.0
        assert not active[sides["right"]].any()
