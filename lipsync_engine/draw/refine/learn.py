"""Teach one speaker's network within a budget, and keep it only where it wins on frames it never saw."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from io import BytesIO
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from lipsync_engine.draw.refine import losses
from lipsync_engine.draw.refine.net import ResidualNet, inputs
from lipsync_engine.draw.refine.samples import Samples, Scale, scale_of, training_samples
from lipsync_engine.media.staging import staged
from lipsync_engine.plan.person import Person

#: Raised whenever the network's shape or the meaning of its inputs changes.
FORMAT = 1
#: The held-out error must fall by at least this share, and the picture keep this share of its fine detail.
_WIN, _DETAIL = 0.01, 0.9
_PAIRS, _RATE, _WARM_STEPS = 4, 1e-3, 20
#: The last layer learns this much slower: the engine is right to within a few levels, and a hasty step is worse.
_LAST = 0.2
_CHECK_STEPS, _PATIENCE = 50, 8
#: Largest independent shift of mask and surroundings, of the grid's side.
_JITTER = 0.04


@dataclass(frozen=True, slots=True)
class Budget:
    """When teaching ends, whichever comes first.

    Attributes:
        seconds: for collecting and teaching together.
        steps: of teaching.
    """

    seconds: float = 180.0
    steps: int = 4000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it.

    Attributes:
        kept: the network wins on held-out frames and shall be used.
        reason: why not, else ``""``.
        samples: pairs learned from.
        held_out: pairs it was judged by.
        steps: of teaching.
        seconds: spent.
        error_engine: mean absolute error in the mask, of the range 0 to 1, of the engine alone.
        error_refined: the same with the network.
        detail: fine detail of the corrected windows over that of the engine's.
    """

    kept: bool
    reason: str = ""
    samples: int = 0
    held_out: int = 0
    steps: int = 0
    seconds: float = 0.0
    error_engine: float | None = None
    error_refined: float | None = None
    detail: float | None = None


@dataclass(frozen=True, slots=True)
class Learned:
    """One speaker's network and what normalises its input."""

    net: ResidualNet
    scale: Scale
    outcome: Outcome


def train(picture: Path, who: Person, device: str, budget: Budget | None = None, seed: int = 0) -> Learned:
    """Train a network on the title; look at ``outcome.kept`` before using it.

    Args:
        picture: the title.
        who: the speaker.
        device: ``"cpu"`` or ``"cuda"``.
        budget: how long.
        seed: same title, seed and steps give the same network on the same device.
    """
    budget = budget or Budget()
    start = perf_counter()
    pairs = training_samples(picture, who, lambda: perf_counter() - start > 0.4 * budget.seconds)
    if pairs is None:
        return Learned(new_net(seed), scale_of(who), Outcome(False, "the title shows too little of this speaker"))
    left = Budget(budget.seconds - (perf_counter() - start), budget.steps)
    net, outcome = train_on(*pairs, device, left, seed)
    outcome = replace(outcome, seconds=perf_counter() - start)
    return Learned(net, scale_of(who), outcome)


def new_net(seed: int) -> ResidualNet:
    """An untrained network: it changes nothing."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ResidualNet()


def train_on(
    learned: Samples, held_out: Samples, device: str, budget: Budget, seed: int = 0
) -> tuple[ResidualNet, Outcome]:
    """Train on ``learned``; stop early on the first half of ``held_out`` and judge by the second.

    Args:
        learned: pairs to learn from.
        held_out: pairs of held-out frames.
        device: ``"cpu"`` or ``"cuda"``.
        budget: how long.
        seed: same pairs, seed and steps give the same network on the same device.
    """
    half = max(1, len(held_out) // 2)
    watched, judged = _on(held_out.part(slice(0, half)), device), _on(held_out.part(slice(half, len(held_out))), device)
    if not len(judged["drawn"]):
        judged = watched
    net, steps = _trained(new_net(seed).to(device), _on(learned, device), learned, watched, budget, seed)
    before, after, detail = _verdict(net, judged)
    reason = ""
    if not after < (1 - _WIN) * before:
        reason = "no lower error on held-out frames"
    elif detail < _DETAIL:
        reason = "a softer picture on held-out frames"
    outcome = Outcome(not reason, reason, len(learned), len(judged["drawn"]), steps, 0.0, before, after, detail)
    return net, outcome


Tensors = dict[str, Tensor]


def _on(samples: Samples, device: str) -> Tensors:
    names = ("drawn", "true", "mask", "lines", "lips", "confidence", "mouths")
    return {n: torch.from_numpy(np.ascontiguousarray(getattr(samples, n))).to(device) for n in names}


def _trained(
    net: ResidualNet, data: Tensors, learned: Samples, watched: Tensors, budget: Budget, seed: int
) -> tuple[ResidualNet, int]:
    """The state with the least error on ``watched``, and the steps made."""
    start = perf_counter()
    draw = np.random.default_rng(seed)
    body = [p for name, p in net.named_parameters() if not name.startswith("leave")]
    last = list(net.leave.parameters())
    optimiser = torch.optim.AdamW([{"params": body}, {"params": last}], lr=_RATE, weight_decay=1e-3)
    second = np.flatnonzero(learned.follows & (np.arange(len(learned)) > 0))
    second = second if len(second) else np.arange(len(learned))
    best, state, tired, step = _error(net, watched), _copy(net), 0, 0
    for step in range(1, budget.steps + 1):
        share = max(step / budget.steps, (perf_counter() - start) / max(budget.seconds, 1e-3))
        if share > 1:
            break
        rate = _RATE * min(1.0, step / _WARM_STEPS) * (0.05 + 0.95 * 0.5 * (1 + np.cos(np.pi * share)))
        for group, slower in zip(optimiser.param_groups, (1.0, _LAST), strict=True):
            group["lr"] = rate * slower
        now = draw.choice(second, _PAIRS)
        loss = _loss(net, data, np.concatenate([now, np.maximum(now - 1, 0)]), draw)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        if step % _CHECK_STEPS == 0 or step == budget.steps:
            error = _error(net, watched)
            tired = 0 if error < best else tired + 1
            if error < best:
                best, state = error, _copy(net)
            if tired >= _PATIENCE:
                break
    net.load_state_dict(state)
    return net.eval(), step


def _copy(net: ResidualNet) -> Tensors:
    return {name: value.detach().clone() for name, value in net.state_dict().items()}


def _loss(net: ResidualNet, data: Tensors, rows: NDArray[Any], draw: np.random.Generator) -> Tensor:
    at = torch.from_numpy(rows).to(data["drawn"].device)
    drawn, true, mask, lines, lips = (data[n][at].float() / 255 for n in ("drawn", "true", "mask", "lines", "lips"))
    confidence, mouths = data["confidence"][at], data["mouths"][at]
    count = len(rows) // 2
    # the same disturbance for a frame and the frame before, so that motion is judged fairly
    shift = draw.uniform(-_JITTER, _JITTER, (count, 2))
    around = _disturbed(drawn, shift, draw.uniform(-_JITTER, _JITTER, count))
    seen = _disturbed(mask, draw.uniform(-_JITTER, _JITTER, (count, 2)), np.zeros(count))
    if draw.random() < 0.2:  # sometimes without the neighbours in time
        mouths = mouths[:, 8:12].repeat(1, 5)
    got = _corrected(net, drawn, around, torch.maximum(seen, mask), mask, lines, confidence, mouths)
    weight = losses.weights(mask, lips)
    loss = losses.pictures(got, true, weight)
    return loss + losses.motion(got[:count], got[count:], true[:count], true[count:], weight[:count])


def _corrected(
    net: ResidualNet,
    drawn: Tensor,
    around: Tensor,
    hidden: Tensor,
    mask: Tensor,
    lines: Tensor,
    confidence: Tensor,
    mouths: Tensor,
) -> Tensor:
    corrected: Tensor = drawn + mask * net(inputs(drawn, around, hidden, lines, confidence), mouths)
    return corrected


def _disturbed(image: Tensor, shift: NDArray[Any], stretch: NDArray[Any]) -> Tensor:
    """Shifted and stretched downwards, so that what surrounds the jaw does not tell how far it is open."""
    turn = np.zeros((len(shift), 2, 3))
    turn[:, 0, 0], turn[:, 1, 1] = 1, 1 + stretch
    turn[:, :, 2] = 2 * shift
    matrix = torch.from_numpy(np.concatenate([turn, turn])).to(image)
    where = functional.affine_grid(matrix, list(image.shape), align_corners=False)
    return functional.grid_sample(image, where, padding_mode="border", align_corners=False)


@torch.inference_mode()
def _error(net: ResidualNet, data: Tensors) -> float:
    return _verdict(net, data)[1]


@torch.inference_mode()
def _verdict(net: ResidualNet, data: Tensors) -> tuple[float, float, float]:
    """Mean absolute error in the mask without and with the network, and the ratio of fine detail."""
    net.eval()
    total, before, after, fine, fine_before = 1e-9, 0.0, 0.0, 1e-9, 1e-9
    for rows in torch.arange(len(data["drawn"])).split(32):
        drawn, true, mask, lines = (data[n][rows].float() / 255 for n in ("drawn", "true", "mask", "lines"))
        got = _corrected(net, drawn, drawn, mask, mask, lines, data["confidence"][rows], data["mouths"][rows])
        inside = (mask > 0).float()
        total += float(3 * inside.sum())
        before += float((inside * (drawn - true).abs()).sum())
        after += float((inside * (got - true).abs()).sum())
        fine += float((inside * _fine(got)).sum())
        fine_before += float((inside * _fine(drawn)).sum())
    net.train()
    return before / total, after / total, (fine / fine_before) ** 0.5


def _fine(image: Tensor) -> Tensor:
    luma = image[:, :1]
    return (luma - functional.avg_pool2d(luma, 3, stride=1, padding=1, count_include_pad=False)) ** 2


def save(learned: dict[int, Learned], path: Path) -> None:
    """Write the networks of a title's speakers, whole or not at all."""
    stored = {
        str(identity): {
            "state": {k: v.cpu() for k, v in one.net.state_dict().items()},
            "middle": torch.from_numpy(np.asarray(one.scale.middle, np.float32)),
            "spread": torch.from_numpy(np.asarray(one.scale.spread, np.float32)),
            "outcome": asdict(one.outcome),
        }
        for identity, one in learned.items()
    }
    buffer = BytesIO()
    torch.save({"format": FORMAT, "people": stored}, buffer)
    with staged(path) as part:
        part.write_bytes(buffer.getvalue())


def load(path: Path) -> dict[int, Learned]:
    """Read what ``save`` wrote; nothing in the file is executed.

    Raises:
        ValueError: the file was written by another format.
    """
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
        if stored["format"] != FORMAT:
            raise ValueError("format")
        out = {}
        for identity, one in stored["people"].items():
            net = new_net(0)
            net.load_state_dict(one["state"])
            scale = Scale(one["middle"].numpy(), one["spread"].numpy())
            out[int(identity)] = Learned(net.eval(), scale, Outcome(**one["outcome"]))
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise ValueError(f"{path.name} holds no networks of format {FORMAT}: train again") from error
    return out
