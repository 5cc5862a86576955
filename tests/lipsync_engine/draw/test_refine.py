"""Residual network: untrained it is nothing; it learns what the engine gets wrong, and is refused where it loses."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lipsync_engine.draw.refine import windows
from lipsync_engine.draw.refine.corrections import Corrections
from lipsync_engine.draw.refine.learn import Budget, Learned, Outcome, load, new_net, save, train_on
from lipsync_engine.draw.refine.net import correct
from lipsync_engine.draw.refine.samples import Samples, Scale, _stretches, training_samples
from lipsync_engine.draw.refine.title import networks, said
from lipsync_engine.media import video
from lipsync_engine.plan.edit import compose_score
from lipsync_engine.plan.person import knowing, person
from lipsync_engine.records import MouthPlan, MouthSeries
from lipsync_engine.resync import analyse
from tests.lipsync_engine.face import frontal_face
from tests.stand_ins import GRID as CLIP
from tests.stand_ins import stand_in

TITLE, GRID = 72, 32
#: Seconds: only the steps end the teaching, however busy the machine is.
UNHURRIED = float("inf")


def title(wrong: str, seed: int = 3) -> Samples:
    """A blob of a mouth that opens and shuts; what the engine draws is off as ``wrong`` says."""
    draw = np.random.default_rng(seed)
    rows, columns = np.mgrid[:GRID, :GRID] / GRID - 0.5
    opening = (0.5 + 0.5 * np.sin(np.arange(TITLE) / 3))[:, None, None]
    lips = ((columns / 0.3) ** 2 + (rows / (0.1 + 0.1 * opening)) ** 2 < 1).astype(np.float64)
    mask = np.repeat(((columns**2 + rows**2 < 0.16) * 255)[None], TITLE, 0)
    texture = 0.05 * np.sin(columns * 30) * np.cos(rows * 25)
    true = np.stack([0.6 - 0.3 * lips + texture, 0.5 + 0 * lips, 0.5 + 0.1 * lips], axis=1)
    if wrong == "light":  # lips too bright by as much as the mouth is open: the mouth vector tells
        off = 0.15 * opening * lips
    elif wrong == "noise":  # nothing tells
        off = 0.1 * draw.standard_normal((TITLE, GRID, GRID))
    else:
        off = 0 * lips
    drawn = true + off[:, None] * (mask[:, None] > 0)
    mouths = np.repeat(opening.reshape(-1, 1) * 2 - 1, 20, axis=1).astype(np.float32)

    def stored(x: np.ndarray) -> np.ndarray:
        return np.clip(np.rint(255 * x), 0, 255).astype(np.uint8)

    return Samples(
        stored(drawn),
        stored(true),
        mask[:, None].astype(np.uint8),
        stored(lips[:, None]),
        stored(lips[:, None]),
        np.ones(TITLE, np.float32),
        mouths,
        np.arange(TITLE) > 0,
    )


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """So small a network only waits for a second thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def taught(one_thread) -> tuple:
    whole = title("light")
    return train_on(whole.part(slice(0, 56)), whole.part(slice(56, TITLE)), "cpu", Budget(UNHURRIED, 50))


def test_untrained_network_changes_nothing():
    rng = torch.Generator().manual_seed(1)
    composite, lines = torch.rand(2, 3, 90, 74, generator=rng), torch.rand(2, 1, 90, 74, generator=rng)
    mask = torch.ones(2, 1, 90, 74)
    out = correct(new_net(5), composite, mask, lines, torch.ones(2), torch.randn(2, 20, generator=rng))
    assert torch.equal(out, composite)


def test_what_the_engine_gets_wrong_is_learned(taught):
    _, outcome = taught
    assert outcome.error_refined < 0.7 * outcome.error_engine
    assert outcome.kept
    assert outcome.held_out == 8


def test_pixels_outside_the_mask_keep_their_bits(taught):
    net, _ = taught
    composite = torch.rand(1, 3, 100, 100, generator=torch.Generator().manual_seed(2))
    mask = torch.zeros(1, 1, 100, 100)
    mask[..., 30:70, 30:70] = 1
    out = correct(net, composite, mask, mask, torch.ones(1), torch.ones(1, 20))
    outside = (mask == 0).expand_as(out)
    assert torch.equal(out[outside], composite[outside])
    assert not torch.equal(out, composite)


def test_network_that_does_not_win_is_refused():
    whole = title("noise")
    _, outcome = train_on(whole.part(slice(0, 56)), whole.part(slice(56, TITLE)), "cpu", Budget(UNHURRIED, 25))
    assert not outcome.kept
    assert outcome.reason


def test_perfect_engine_is_left_alone():
    whole = title("nothing")
    _, outcome = train_on(whole.part(slice(0, 56)), whole.part(slice(56, TITLE)), "cpu", Budget(UNHURRIED, 5))
    assert not outcome.kept
    assert outcome.error_engine == pytest.approx(0.0)


def test_same_seed_and_steps_teach_the_same_network(taught):
    whole = title("light")
    parts = whole.part(slice(0, 20)), whole.part(slice(56, TITLE))
    first, second = (train_on(*parts, "cpu", Budget(UNHURRIED, 3), seed=4)[0].state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_network_is_stored_for_the_next_language(taught, tmp_path):
    net, outcome = taught
    scale = Scale(np.arange(4, dtype=np.float32), np.ones(4, np.float32))
    save({2: Learned(net, scale, outcome)}, tmp_path / "title.refine.pt")
    found = load(tmp_path / "title.refine.pt")[2]
    assert found.outcome == outcome
    assert np.array_equal(found.scale.middle, scale.middle)
    assert all(torch.equal(a, b) for a, b in zip(found.net.parameters(), net.parameters(), strict=True))


def test_foreign_file_is_refused(tmp_path):
    torch.save({"format": -1}, tmp_path / "other.pt")
    with pytest.raises(ValueError, match="train again"):
        load(tmp_path / "other.pt")


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_window_is_written_only_where_the_change_is(kind):
    top = 1023 if kind is np.uint16 else 255
    rng = np.random.default_rng(0)
    planes = tuple(rng.integers(0, top + 1, s).astype(kind) for s in ((240, 320), (120, 160), (120, 160)))
    before = [p.copy() for p in planes]
    mesh = frontal_face(centre=(170, 130), width=120)
    window = windows.window_of(mesh, 120.0, (320, 240))
    mask = windows.mask_of(mesh, 120.0, window)
    windows.write(planes, window, np.stack([0.2 * mask] * 3))
    place = (slice(window.top, window.top + window.height), slice(window.left, window.left + window.width))
    touched = np.zeros((240, 320), bool)
    touched[place] = mask > 0
    assert np.array_equal(planes[0][~touched], before[0][~touched])
    assert not np.array_equal(planes[0], before[0])
    windows.write(planes, window, np.zeros((3, window.height, window.width), np.float32))


def test_mask_holds_the_whole_jaw_and_no_nose():
    mesh = frontal_face(centre=(170, 130), width=120)
    window = windows.window_of(mesh, 120.0, (320, 240))
    mask = windows.mask_of(mesh, 120.0, window)
    lips = mesh[[13, 14, 0, 17]].round().astype(int) - (window.left, window.top)
    nose = mesh[4].round().astype(int) - (window.left, window.top)
    assert (mask[lips[:, 1], lips[:, 0]] == 1).all()
    assert mask[nose[1], nose[0]] == 0


def test_long_title_is_sampled_in_stretches():
    frames = np.arange(10_000)
    chosen = _stretches(frames, 600)
    assert 500 < len(chosen) <= 625
    assert chosen[0] < 100
    assert chosen[-1] > 9_900
    assert np.mean(np.diff(chosen) == 1) > 0.9


@pytest.fixture(scope="module")
def speaker(tmp_path_factory):
    picture = stand_in(CLIP.format("bbaf2n"))
    track = analyse(picture, tmp_path_factory.mktemp("refine") / "grid.npz")
    return picture, person(track, track.identities[0])


@pytest.fixture(scope="module")
def score(speaker):
    _, who = speaker
    total = len(who.track.times_s)
    values = np.repeat(who.mouth[:1], total, axis=0)
    never = np.zeros(total, bool)
    plan = MouthPlan(MouthSeries(who.track.times_s, values, ~never), never, never, never, ~never)
    return compose_score(who, plan, np.arange(total) < 3)


def first_frames(picture):
    return [frame for frame, _ in zip(video.read(picture, video.probe(picture)), range(4), strict=False)]


def restless() -> Learned:
    """A network that changes everything it may."""
    net = new_net(1)
    with torch.no_grad():
        net.leave.bias.fill_(2.0)
    return Learned(net.eval(), Scale(np.zeros(4, np.float32), np.ones(4, np.float32)), Outcome(True))


def test_only_the_mouth_of_edited_frames_is_corrected(speaker, score):
    picture, who = speaker
    size = tuple(who.track.size.tolist())
    before, after = first_frames(picture), first_frames(picture)
    Corrections([(who, score)], [restless()], size).apply(after)
    moved = [a.planes[0] != b.planes[0] for a, b in zip(after, before, strict=True)]
    assert [bool(m.any()) for m in moved] == [True, True, True, False]
    eyes = who.track.landmarks[0, [33, 263, 4], 1].max()
    assert not moved[0][: int(eyes)].any()
    assert moved[0].mean() < 0.06


def test_network_that_was_refused_is_not_applied(speaker, score):
    picture, who = speaker
    refused = replace(restless(), outcome=Outcome(False, "no lower error on held-out frames"))
    before, after = first_frames(picture), first_frames(picture)
    Corrections([(who, score)], [refused], tuple(who.track.size.tolist())).apply(after)
    assert all(np.array_equal(a.planes[0], b.planes[0]) for a, b in zip(after, before, strict=True))


def test_nothing_is_taught_without_time_and_nothing_stored(speaker, tmp_path):
    picture, who = speaker
    stored = tmp_path / "title.npz"
    learned = networks(picture, [(0, who)], stored, "cpu", Budget(0.0))
    assert not learned[0].outcome.kept
    assert list(tmp_path.iterdir()) == []
    assert "no time" in said(0, learned[0])


def test_three_seconds_of_a_speaker_teach_nothing(speaker):
    picture, who = speaker
    short = replace(who, track=who.track.rows(np.arange(40)))
    assert training_samples(picture, short, lambda: False) is None


def test_person_can_be_made_to_know_less(speaker):
    _, who = speaker
    frames = np.arange(len(who.track.times_s)) < 30
    less = knowing(who, frames)
    assert less.library.frame.max() < 30
    assert set(less.usable) == set(less.library.row.tolist())
    assert len(less.library.vectors) == len(less.library.row) == len(less.library.texture)
