"""Coordinate search for the weights of the observation's choice: ``python -m benchmarks.lipsync_weights --tracks DIR``.

Nothing is drawn. Each clip is cut into four stretches; each is spoken with its own true mouth vectors from a library
that holds nothing of it and nothing within a second of it, and the choice is judged by the stored thumbnails of the
mouth (16 by 24, pose and brightness taken out): ``error`` is the squared distance of the chosen frame's to the true
frame's over the thumbnails' variance (1: no better than any frame), ``jitter`` the change from frame to frame over the
true one's. Objective: error + 0.25 * max(0, jitter - 1), mean over the clips. The warp that follows is not seen.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.clips import CLIPS, MEDIA
from benchmarks.lipsync_reenact import GAP_S
from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.plan import edit, person, select
from lipsync_engine.records import BoolArray, FloatArray, MouthPlan, MouthSeries

_SINGLE = ("_VELOCITY", "_POSE", "_LIGHT", "_BLUR", "_JOIN", "_JUMP", "_HOLD", "_TEETH", "_CLOSED_BONUS")
_FACTORS = (0.0, 0.25, 0.5, 2.0, 4.0)


@dataclass(frozen=True)
class Part:
    """A stretch of one clip with a library that does not know it."""

    who: person.Person
    plan: MouthPlan
    active: BoolArray
    looks: FloatArray
    clip: str


def parts_of(track: FaceTrack, clip: str) -> list[Part]:
    whole = person.person(track, track.identities[0])
    total = len(track.times_s)
    values = np.zeros((total, 4), np.float32)
    values[whole.track.frame] = whole.mouth
    never = np.zeros(total, bool)
    plan = MouthPlan(MouthSeries(track.times_s, values, ~never), values[:, 0] < 0.012, never, never, ~never)
    looks = whole.track.thumb.reshape(len(whole.track.frame), -1).astype(np.float32)
    looks -= looks.mean(axis=1, keepdims=True)
    looks /= looks.std(axis=1, keepdims=True) + 1e-6
    out = []
    for stretch in np.array_split(whole.track.frame, 4):
        first, last = track.times_s[stretch[0]], track.times_s[stretch[-1]]
        who = person.knowing(whole, (track.times_s < first - GAP_S) | (track.times_s > last + GAP_S))
        active = np.zeros(total, bool)
        active[stretch] = True
        if who.library.moves:
            out.append(Part(who, plan, active, looks, clip))
    return out


def judged(parts: list[Part]) -> tuple[float, float]:
    """Mean error and jitter over the clips."""
    errors: dict[str, list[tuple[float, float]]] = {}
    for part in parts:
        made = edit.compose_score(part.who, part.plan, part.active)
        if len(made.row) < 3 or (made.pick < 0).any():
            continue
        true, shown = part.looks[made.row], part.looks[made.pick]
        error = float(((shown - true) ** 2).mean() / part.looks.var(axis=0).mean() / 2)
        errors.setdefault(part.clip, []).append((error, _change(shown) / _change(true)))
    both = np.array([np.mean(found, axis=0) for found in errors.values()])
    return float(both[:, 0].mean()), float(both[:, 1].mean())


def _change(looks: FloatArray) -> float:
    return float(np.sqrt((np.diff(looks, axis=0) ** 2).mean()) + 1e-6)


def objective(figures: tuple[float, float]) -> float:
    return figures[0] + 0.25 * max(0.0, figures[1] - 1)


def current() -> dict[str, float]:
    single = {name: float(getattr(select, name)) for name in _SINGLE if hasattr(select, name)}
    channel: NDArray[np.float32] = select._CHANNEL_WEIGHT
    return single | {f"_CHANNEL_WEIGHT[{i}]": float(v) for i, v in enumerate(channel)}


def apply(name: str, value: float) -> None:
    if name.startswith("_CHANNEL"):
        weights = select._CHANNEL_WEIGHT.copy()
        weights[int(name[-2])] = value
        setattr(select, "_CHANNEL_WEIGHT", weights)  # noqa: B010
    else:
        setattr(select, name, value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tracks", type=Path, required=True, help="folder of stored analyses")
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    parts: list[Part] = []
    for name in CLIPS:
        stored = options.tracks / f"{(MEDIA / name).stem}.npz"
        if stored.exists():
            parts += parts_of(FaceTrack.load(stored), stored.stem)
    best = judged(parts)
    print(f"{len(parts)} stretches; as it is: error {best[0]:.4f} jitter {best[1]:.3f}", flush=True)
    for turn in range(options.rounds):
        for name, value in current().items():
            kept = value
            row = []
            for factor in _FACTORS:
                apply(name, factor * value)
                found = judged(parts)
                row.append(f"x{factor:g}: {found[0]:.4f}/{found[1]:.2f}")
                if objective(found) < objective(best) - 5e-4:
                    best, kept = found, factor * value
            apply(name, kept)
            mark = f" -> {kept:g}" if kept != value else ""
            print(f"{turn} {name:20} {value:<6g} {'  '.join(row)}{mark}", flush=True)
    print(f"best: error {best[0]:.4f} jitter {best[1]:.3f}\n{current()}")


if __name__ == "__main__":
    main()
