"""The camera's noise: measured in the title, put back where drawing took it off, and nowhere else."""

import numpy as np
import pytest
import torch

from lipsync_engine.draw.bands import detail
from lipsync_engine.draw.grain import Place, grained, noise_between

SIZE = (96, 120)


def noise(deviation: float, seed: int, neighbours: float = 0.0) -> torch.Tensor:
    """Smooth light with noise, [1, 1, h, w]; each sample holds a share of its neighbours."""
    white = torch.from_numpy(np.random.default_rng(seed).standard_normal((1, 1, *SIZE)).astype(np.float32))
    for axis in (2, 3):
        white = white + neighbours * (white.roll(1, axis) + white.roll(-1, axis))
    return 120 + torch.linspace(-20, 20, SIZE[1]) + deviation * white / white.std()


def added(drawn: torch.Tensor, frame: torch.Tensor, seed: int = 1, left: int = 0, level: float = 1.0) -> torch.Tensor:
    everywhere = torch.ones_like(frame)
    title = detail(frame).std().item()
    return grained(drawn, detail(frame), everywhere, everywhere > 0, [Place(left, 0, seed)], [title], level) - drawn


@pytest.mark.parametrize("neighbours", [0.0, 0.3])
def test_what_warping_took_is_put_back(neighbours):
    frame, soft = noise(4.0, 0, neighbours), noise(2.0, 1, neighbours)
    grain = added(soft, frame)
    assert detail(soft + grain).std().item() == pytest.approx(detail(frame).std().item(), rel=0.06)
    assert (soft + grain - 120).std() == pytest.approx((frame - 120).std().item(), rel=0.1)


def test_ten_bits_get_as_much():
    frame, soft = 4 * noise(4.0, 0), 4 * noise(2.0, 1)
    whole = soft + added(soft, frame, level=4.0)
    assert detail(whole).std().item() == pytest.approx(detail(frame).std().item(), rel=0.06)


def test_a_clean_or_equally_noisy_picture_gets_none():
    assert not added(noise(0.0, 1), noise(0.4, 0)).any()
    assert not added(noise(4.0, 1), noise(4.0, 0)).any()


def test_texture_that_stays_is_no_noise():
    frame, soft = noise(4.0, 0), noise(2.0, 1)
    everywhere = torch.ones_like(frame)
    assert torch.equal(grained(soft, detail(frame), everywhere, everywhere > 0, [Place(0, 0, 1)], [0.2], 1.0), soft)


def test_outside_the_mask_nothing_is_added_and_half_way_the_most():
    frame = noise(4.0, 0)
    share = torch.linspace(0, 1, SIZE[1]).expand_as(frame)
    drawn = noise(3.9, 1)
    everywhere = torch.ones_like(frame) > 0
    soft = noise(2.0, 2)
    grain = grained(soft, detail(frame), share, everywhere, [Place(0, 0, 1)], [4.0], 1.0) - soft
    assert not grain[..., : SIZE[1] // 3].any()
    assert not (grained(drawn, detail(frame), share, everywhere, [Place(0, 0, 1)], [4.0], 1.0) - drawn).any()
    middle = grain[..., 5 * SIZE[1] // 12 : 7 * SIZE[1] // 12]
    assert middle.std() > 1.0


def test_each_frame_has_its_own_wherever_the_window_begins():
    frame, soft = noise(4.0, 0), noise(2.0, 1)
    one, again, other = added(soft, frame, 1), added(soft, frame, 1), added(soft, frame, 2)
    assert torch.equal(one, again)
    assert abs(np.corrcoef(one.flatten(), other.flatten())[0, 1]) < 0.05
    moved = added(soft, frame, 1, left=10)
    assert torch.allclose(moved[..., :-10], one[..., 10:], atol=1e-4)


def patch(deviation: float, seed: int, left: int):
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:80, left : left + 100]
    texture = 120 + 30 * np.sin(x / 3) * np.cos(y / 4)  # the same in every frame
    luma = texture + deviation * random.standard_normal((80, 100))
    quiet = np.full((40, 50), 128, np.uint8)
    return (np.clip(luma.round(), 0, 255).astype(np.uint8), quiet, quiet), (left, 0)


def test_the_titles_noise_is_what_changes_between_frames():
    pairs = [(patch(4.0, n, 10), patch(4.0, n + 100, 14)) for n in range(4)]
    luma, u, v = noise_between(pairs)
    assert luma == pytest.approx(4.0 * 0.8, rel=0.05)  # of white noise the finest band has 0.8
    assert u == v == 0
    assert noise_between([(patch(0.0, 1, 10), patch(0.0, 2, 14))])[0] < 0.1
    assert noise_between([]) == (0.0, 0.0, 0.0)
