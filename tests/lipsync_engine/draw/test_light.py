"""The light of an observation is matched to the skin around the mouth that it is shown on, and to nothing else."""

import pytest
import torch

from lipsync_engine.draw.bands import detail
from lipsync_engine.draw.blend import Observed, _same_detail, compose
from lipsync_engine.draw.warp import Flow
from lipsync_engine.media.window import Region

SIDE, WIDTH_PX = 96, 160.0
SKIN = (120.0, 112.0, 150.0)


def shown(frame_luma: torch.Tensor, frame_v: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Luma and V of a frame on whose middle a patch of plain skin is shown."""
    y, x = torch.meshgrid(torch.arange(SIDE) + 0.0, torch.arange(SIDE) + 0.0, indexing="ij")
    distance = ((x - SIDE / 2) ** 2 + (y - SIDE / 2) ** 2).sqrt()
    alpha = (1.5 - distance / 24).clamp(0, 1)[None, None]
    region = Region(0, 0, SIDE, SIDE)
    flow = Flow(
        motion=torch.zeros(1, 2, SIDE, SIDE),
        touched=torch.ones(1, SIDE, SIDE, dtype=torch.bool),
        core=[region],
        alpha=alpha,
        lips=(distance < 10).float()[None, None],
        mouth=torch.zeros(1, 1, SIDE, SIDE),
        shadow=torch.zeros(1, 1, SIDE, SIDE),
        patches=torch.stack([x, y])[None, None],
    )
    half = SIDE // 2
    patch_c = torch.tensor(SKIN[1:])[None, :, None, None].expand(1, 2, half, half).clone()
    patch = torch.full((1, 1, SIDE, SIDE), SKIN[0])
    ends = torch.tensor([[SIDE - 1.0, SIDE - 1.0]])
    observed = Observed(0, torch.tensor([0]), patch, patch_c, torch.zeros(1, 2), ends, torch.ones(1))
    chroma = torch.stack([torch.full((half, half), SKIN[1]), frame_v])[None]
    done = compose(frame_luma[None, None], chroma, flow, [region], [observed], torch.ones(1), WIDTH_PX)
    return done.luma[0, 0], done.chroma[0, 1]


def test_a_patch_takes_the_light_of_the_frame() -> None:
    half = SIDE // 2
    luma, red = shown(torch.full((SIDE, SIDE), SKIN[0] - 15), torch.full((half, half), SKIN[2] + 5))
    assert float((luma - (SKIN[0] - 15)).abs().max()) < 0.5
    assert float((red - (SKIN[2] + 5)).abs().max()) < 0.5


def test_lips_of_the_frame_beside_the_planned_ones_do_not_redden_the_patch() -> None:
    half = SIDE // 2
    red_below = torch.full((half, half), SKIN[2])
    red_below[32:40, 16:32] += 25
    _, red = shown(torch.full((SIDE, SIDE), SKIN[0]), red_below)
    middle = red[20:28, 20:28] - SKIN[2]
    assert float(middle.abs().mean()) < 1.0


@pytest.mark.parametrize("wall", [-45.0, 40.0])
@pytest.mark.parametrize(("edge", "limit"), [(30, 1.3), (33, 1.0)])
def test_a_wall_beside_a_narrow_face_is_no_light_on_it(wall: float, edge: int, limit: float) -> None:
    """Green or red: the ring about the mouth reaches over the outline, and its colour stays out."""
    half = SIDE // 2
    beside = torch.full((half, half), SKIN[2] + 3)
    beside[:, edge:] = SKIN[2] + wall
    _, red = shown(torch.full((SIDE, SIDE), SKIN[0]), beside)
    middle = red[20:28, 20:28] - (SKIN[2] + 3)
    assert float(middle.abs().max()) < limit


def test_bright_walls_do_not_lighten_a_face() -> None:
    half = SIDE // 2
    luma = torch.full((SIDE, SIDE), SKIN[0])
    luma[:, 64:] += 30
    beside = torch.full((half, half), SKIN[2])
    beside[:, 32:] -= 40
    lit, _ = shown(luma, beside)
    assert float((lit[40:56, 40:56] - SKIN[0]).abs().max()) < 1.0


@pytest.mark.parametrize("scale", [0.4, 1.0, 1.8])
def test_lips_are_made_as_sharp_as_asked_and_the_skin_as_the_frames_own(scale: float) -> None:
    grain = torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(1))
    lips = (torch.arange(64) < 32).float()[None, None, None].expand(1, 1, 64, 64)
    patch = 100 + 4 * grain
    done = _same_detail(patch, detail(100 + 6 * grain), 1 - lips, lips, torch.tensor([scale]))
    taken = detail(patch)
    change = ((done - patch) / taken).flatten()
    assert change.reshape(64, 64)[:, 8:24].median() == pytest.approx(scale - 1, abs=0.01)
    assert change.reshape(64, 64)[:, 40:56].median() == pytest.approx(0.5, abs=0.05)
