"""Drawing the mouth: the mesh on a grid, the observations' pixels, what is touched and what hides the face."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from lipsync_engine.draw.painter import Painter
from lipsync_engine.draw.raster import rasterise
from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.geometry import FACE_LEFT, FACE_RIGHT
from lipsync_engine.faces.mouth import series, speaker_stats
from lipsync_engine.faces.observations import Collector, Observations
from lipsync_engine.media import video
from lipsync_engine.plan.edit import Score, compose_score
from lipsync_engine.plan.library import Library
from lipsync_engine.plan.person import Person, person
from lipsync_engine.plan.select import Wanted, choose
from lipsync_engine.plan.trajectory import plan_mouth
from lipsync_engine.resync import analyse
from lipsync_engine.speech import espeak
from tests.speech_media import media, recording

GRID = "lipnet-grid/evaluation/samples/GRID/bbaf2n.mpg"
FRAMES = 24


def brute_force(corners: np.ndarray, height: int, width: int) -> np.ndarray:
    """Number of the last triangle around each cell's centre, cell by cell."""
    out = np.full((height, width), -1)
    y, x = np.mgrid[:height, :width]
    for number, triangle in enumerate(corners):
        sides = []
        for i in range(3):
            a, b = triangle[i], triangle[(i + 1) % 3]
            sides.append((b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0]))
        sides = np.array(sides)
        out[(sides >= 0).all(0) | (sides <= 0).all(0)] = number
    return out


def test_a_cell_belongs_to_the_last_triangle_over_it():
    random = np.random.default_rng(3)
    corners = random.uniform(-6, 46, (2, 30, 3, 2)).astype(np.float32)
    shown = torch.ones(2, 30, dtype=torch.bool)
    got = rasterise(torch.from_numpy(corners), shown, 32, 40).numpy()
    for frame in range(2):
        wrong = got[frame] != brute_force(corners[frame], 32, 40)
        assert wrong.mean() < 0.005  # centres on an edge may go either way


def test_neighbouring_triangles_leave_no_crack():
    square = np.array([[[2, 2], [17, 2], [2, 17]], [[17, 2], [2, 17], [17, 17]]], np.float32)
    got = rasterise(torch.from_numpy(square)[None], torch.ones(1, 2, dtype=torch.bool), 20, 20)[0]
    assert (got[2:18, 2:18] >= 0).all()
    assert (got >= 0).sum() == 16 * 16


def test_hidden_and_flat_triangles_cover_nothing():
    corners = torch.tensor([[[[1.0, 1], [9, 1], [1, 9]], [[0, 5], [5, 5], [9, 5]]]])
    assert (rasterise(corners, torch.tensor([[False, True]]), 12, 12) == -1).all()


def library(mouths: np.ndarray) -> Library:
    """Two appearances, each with the given mouths."""
    count = len(mouths)
    both = np.concatenate([mouths, mouths + 0.001]).astype(np.float32)
    same = np.zeros((2 * count, 3), np.float32)
    return Library(
        row=np.arange(2 * count),
        frame=np.concatenate([np.arange(count), 500 + np.arange(count)]),
        span=np.repeat([0, 1], count),
        vectors=both,
        stir=np.zeros(2 * count, np.float32),
        velocity=np.concatenate([np.gradient(both[:count], axis=0), np.gradient(both[count:], axis=0)]),
        pose=same,
        scale=np.full(2 * count, 200, np.float32),
        light=same + 128,
        looks=both[:, 0],
        blur=np.zeros(2 * count, np.float32),
        texture=both / 0.05,
        teeth=np.zeros(2 * count, np.float32),
        rows=np.full(2 * count, np.nan, np.float32),
        dark=np.full(2 * count, np.nan, np.float32),
        gap=np.full(2 * count, np.nan, np.float32),
        crisp=np.full(2 * count, np.nan, np.float32),
        sound=np.full(2 * count, -1, np.int8),
        spread=np.full(4, 0.02, np.float32),
    )


def test_speech_seen_in_the_title_is_shown_as_it_ran():
    time = np.arange(120)
    columns = [0.05 + 0.04 * np.sin(time / 5), 0.35 + 0.03 * np.cos(time / 7), 0.5 + 0.03 * np.sin(time / 5), time * 0]
    mouths = np.stack(columns, axis=1).astype(np.float32)
    part = slice(30, 90)
    zero = np.zeros((60, 3), np.float32)
    start = np.zeros(60, bool)
    start[0] = True
    wanted = Wanted(mouths[part], zero, np.full(60, 200, np.float32), zero + 128, zero[:, 0], np.zeros(60, bool), start)
    assert choose(wanted, library(mouths)).tolist() == list(range(30, 90))


def test_nothing_to_choose_for_is_no_error():
    mouths = np.random.default_rng(0).uniform(0, 0.1, (20, 4)).astype(np.float32)
    none = np.zeros((0, 3), np.float32)
    empty = Wanted(
        np.zeros((0, 4), np.float32), none, none[:, 0], none, none[:, 0], np.zeros(0, bool), np.zeros(0, bool)
    )
    assert len(choose(empty, library(mouths))) == 0


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> tuple[Path, FaceTrack]:
    path = recording(GRID)
    return path, analyse(path, tmp_path_factory.mktemp("painting") / "track.npz")


@pytest.fixture(scope="module")
def edit(clip) -> tuple[Person, Score]:
    _, track = clip
    spoken = espeak.synthesize("Mamá baja la papa blanca.", espeak.voice_for("es"))
    who = person(track, track.identities[0])
    plan = plan_mouth(spoken.phones, track.times_s, speaker_stats(series(track, track.identities[0])))
    return who, compose_score(who, plan, np.ones(len(track.times_s), bool))


def frames_of(path: Path, count: int = FRAMES) -> list[video.Frame]:
    out = []
    for frame in video.read(path, video.probe(path)):
        if len(out) == count:
            break
        out.append(frame)
    return out


def painted(path: Path, edit: tuple[Person, Score], batch: int = 8, spoil=None) -> tuple[list[video.Frame], Painter]:
    frames = frames_of(path)
    if spoil:
        for frame in frames:
            spoil(frame)
    painter = Painter(path, video.probe(path), [edit])
    for first in range(0, len(frames), batch):
        painter.paint(frames[first : first + batch])
    return frames, painter


def test_the_analysis_keeps_the_pixels_of_the_mouth(clip):
    path, track = clip
    kept = Observations(track.file)
    seen = kept.frames(track.identities[0])
    assert len(seen) == len(track.times_s)
    frame = frames_of(path, 10)[9]
    planes, (left, top) = kept.get(9, track.identities[0])
    height, width = planes[0].shape
    assert np.array_equal(planes[0], frame.planes[0][top : top + height, left : left + width])
    half = (slice(top // 2, (top + height) // 2), slice(left // 2, (left + width) // 2))
    assert np.array_equal(planes[2], frame.planes[2][half])
    lips = track.of(track.identities[0]).landmarks[9][[61, 291, 0, 17], :2]
    assert ((lips > (left, top)) & (lips < (left + width, top + height))).all()


def test_the_budget_holds_and_the_various_runs_stay(clip):
    path, track = clip
    facts = video.probe(path)
    own = track.of(track.identities[0])
    (luma, *_), _ = Observations(track.file).get(0, track.identities[0])
    budget = 44 * luma.size * 3 // 2  # 44 of 75 frames
    with Collector(facts, budget=budget) as mouths:
        for frame in frames_of(path, 75):
            mouths.see(frame, [own.landmarks[frame.index]])
        members = mouths.members(track)
    pixels, table = members["observation_pixels"], members["observation_table"]
    assert 0 < pixels.nbytes <= budget
    opening = np.linalg.norm(own.landmarks[:, 13] - own.landmarks[:, 14], axis=1)
    kept = opening[table[:, 0]]
    assert 0 < len(table) < 75
    assert np.ptp(kept) >= 0.6 * np.ptp(opening)


def test_kept_and_decoded_again_observations_draw_the_same(clip, edit):
    path, _ = clip
    who, score = edit
    forgetful = replace(who, track=replace(who.track, file=None))
    a, _ = painted(path, (who, score))
    b, _ = painted(path, (forgetful, score))
    off = [np.abs(x.planes[0].astype(int) - y.planes[0]) for x, y in zip(a, b, strict=True)]
    # The patches are cut a little differently, which shows at hard edges.
    assert max(frame.max() for frame in off) <= 6
    assert max((frame > 3).sum() for frame in off) <= 12


def test_only_the_lower_face_is_touched(clip, edit):
    path, track = clip
    frames, painter = painted(path, edit)
    assert painter.checks.outside_max == 0
    assert painter.checks.edited == FRAMES
    for frame, raw in zip(frames, frames_of(path), strict=True):
        mesh = track.of(track.identities[0]).landmarks[frame.index]
        eyes = int(mesh[[33, 133, 362, 263], 1].max())
        assert np.array_equal(frame.planes[0][:eyes], raw.planes[0][:eyes])
        assert not np.array_equal(frame.planes[0], raw.planes[0])


def test_the_same_batches_give_the_same_bytes_and_others_the_same_picture(clip, edit):
    path, _ = clip
    a, b, single = (painted(path, edit, batch)[0] for batch in (8, 8, 3))
    for x, y, z in zip(a, b, single, strict=True):
        assert all(np.array_equal(p, q) for p, q in zip(x.planes, y.planes, strict=True))
        assert np.abs(x.planes[0].astype(int) - z.planes[0]).mean() < 0.05


def test_the_mouth_is_as_sharp_as_where_it_was_seen(clip, edit):
    path, _ = clip
    who, score = edit
    frames, _ = painted(path, edit)
    raw = frames_of(path, 75)
    ratios = []
    for at, frame in enumerate(frames):
        own = sharpness(raw[int(who.track.frame[score.pick[at]])], who.track.landmarks[score.pick[at]])
        ratios.append(sharpness(frame, who.track.landmarks[score.row[at]]) / own)
    assert 0.8 < float(np.median(ratios)) < 1.35


def sharpness(frame: video.Frame, mesh: np.ndarray) -> float:
    """Variance of the Laplacian around the mouth."""
    (left, top), (right, bottom) = mesh[[61, 291, 0, 17], :2].min(0), mesh[[61, 291, 0, 17], :2].max(0)
    box = frame.planes[0][int(top) - 5 : int(bottom) + 5, int(left) - 5 : int(right) + 5]
    return float(cv2.Laplacian(np.asarray(box, np.float32), cv2.CV_32F).var())


@pytest.mark.parametrize(("across", "down", "below"), [(0.34, 0.26, 0.02), (0.09, 0.12, 0.14)])
def test_a_mouth_behind_something_is_left_as_it_is(clip, edit, across, down, below):
    if below > 0.1:
        media(GRID)  # beside the broad lips of the made head there is too little skin for a thing below them to be seen
    path, track = clip
    own = track.of(track.identities[0])
    hidden = range(4, 12)

    def microphone(frame: video.Frame) -> None:
        if frame.index in hidden:
            mesh = own.landmarks[frame.index][:, :2]
            width = np.linalg.norm(mesh[FACE_RIGHT] - mesh[FACE_LEFT])
            place = mesh[[61, 291]].mean(axis=0) + np.array([0, below * width])
            size = (int(across * width), int(down * width))
            cv2.ellipse(frame.planes[0], place.astype(int).tolist(), size, 0, 0, 360, 40, -1)

    frames, painter = painted(path, edit, spoil=microphone)
    assert set(hidden) <= set(painter.checks.occluded) <= set(range(4, 20))  # and a third of a second more
    for frame, raw in zip(frames, frames_of(path), strict=True):
        if frame.index in hidden:
            microphone(raw)
            assert np.array_equal(frame.planes[0], raw.planes[0])
    assert painter.checks.edited + len(painter.checks.occluded) == FRAMES


def test_a_free_face_hides_nothing(clip, edit):
    _, painter = painted(clip[0], edit)
    assert painter.checks.occluded == painter.checks.covered == []


def test_a_covered_mouth_is_neither_shown_later_nor_drawn_over(clip):
    _, track = clip
    first = int(np.searchsorted(track.identity, track.identities[0]))
    hidden = range(30, 42)
    finger = track.thumb.copy()
    rows = first + np.arange(hidden.start, hidden.stop)
    finger[rows, 8:, 11:14] = np.median(finger[rows, 11:, 11:14]) + 25  # a finger from below to the upper lip
    covered = person(replace(track, thumb=finger), track.identities[0])
    assert not set(hidden) & set(covered.library.frame.tolist())
    assert (covered.bare[list(hidden)] == 0).all()
    assert (np.delete(covered.bare, np.arange(24, 48)) == 1).all()

    plan = plan_mouth((), track.times_s, speaker_stats(series(track, track.identities[0])))
    score = compose_score(covered, plan, np.ones(len(track.times_s), bool))
    assert {score.declined[frame] for frame in hidden} <= {"occluded", "at_rest"}

    free = person(track, track.identities[0])
    assert (free.bare == 1).all()
    assert len(free.library.frame) == 75


def test_without_gpu_memory_the_processor_draws(clip, edit, monkeypatch):
    path, _ = clip
    expected, _ = painted(path, edit)
    from lipsync_engine.draw.player import Player

    draw = Player.draw

    def short(self, frames, device):
        if device.type == "cuda":
            raise torch.cuda.OutOfMemoryError
        return draw(self, frames, device)

    monkeypatch.setattr(Player, "draw", short)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    frames = frames_of(path)
    painter = Painter(path, video.probe(path), [edit], "cuda")
    painter.paint(frames)
    assert painter.checks.notes == ["the GPU had no memory left: the rest was drawn by the CPU"]
    off = [np.abs(x.planes[0].astype(int) - y.planes[0]).mean() for x, y in zip(expected, frames, strict=True)]
    assert max(off) < 0.05


def test_a_file_without_mouths_offers_none(tmp_path):
    (tmp_path / "other.npz").write_bytes(b"no zip")
    assert len(Observations(tmp_path / "other.npz").frames(0)) == 0
    assert len(Observations(None).frames(0)) == 0
