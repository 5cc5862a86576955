"""Routing of shots: to our own engine, a system for shots, a system for stills, or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tasks.lipsync.reanimate import Takes
from tasks.lipsync.systems import System

Way = Literal["native", "video", "portrait", "none"]

#: The engine draws a shot itself if its gates decline no more than this share of its frames.
_DECLINED = 0.2
#: Limits in degrees and pixels beyond which no system's mouth can be composited onto a face.
_YAW, _HEIGHT = 55.0, 48.0


@dataclass(frozen=True)
class Route:
    """The system that draws one shot, and why."""

    way: Way
    system: str
    why: str


def fixed(shots: Sequence[Mapping[str, Any]], chosen: System) -> list[Route]:
    """Every shot to one system, except those where it cannot be used."""
    return [_beyond(shot) or Route(chosen.reanimator.takes, chosen.name, "requested") for shot in shots]


def automatic(shots: Sequence[Mapping[str, Any]], offers: Mapping[Takes, System]) -> list[Route]:
    """Each shot to the engine if its gates allow, else to a more capable system, else to none."""
    return [_chosen(shot, offers) for shot in shots]


def _chosen(shot: Mapping[str, Any], offers: Mapping[Takes, System]) -> Route:
    declined = sum(shot["declined"].values())
    worst = max(shot["declined"], key=lambda reason: shot["declined"][reason], default="")
    if not shot["moves"] and "portrait" in offers:
        return _beyond(shot) or Route("portrait", offers["portrait"].name, "the face is a still picture")
    if declined <= _DECLINED:
        return Route("native", "native", f"the engine's gates pass {1 - declined:.0%} of its frames")
    if (beyond := _beyond(shot)) is not None:
        return beyond
    why = f"the engine's gates decline {declined:.0%} of its frames ({worst})"
    if "video" in offers:
        return Route("video", offers["video"].name, why)
    if declined < 1:
        return Route("native", "native", f"{why}, and no other system is set: the rest is drawn")
    return Route("none", "", f"{why}, and no other system is set")


def _beyond(shot: Mapping[str, Any]) -> Route | None:
    if shot["yaw"] > _YAW:
        return Route("none", "", f"the head is turned {shot['yaw']:.0f} degrees (up to {_YAW:.0f})")
    if shot["height"] < _HEIGHT:
        return Route("none", "", f"the face is {shot['height']:.0f} pixels high (from {_HEIGHT:.0f})")
    return None


def within_budget(
    shots: Sequence[Mapping[str, Any]],
    routes: Sequence[Route],
    systems: Mapping[str, System],
    budget_usd: float | None,
) -> tuple[list[Route], float]:
    """Limit the routes to a budget, in order of time; shots beyond it fall back to the engine or keep their picture.

    Args:
        shots: as the engine's exchange lists them, in order of time.
        routes: who draws each shot.
        systems: by name.
        budget_usd: US dollars for the title and language; None for no limit.

    Returns:
        The routes, and their expected cost in US dollars.
    """
    spent, out = 0.0, []
    for shot, route in zip(shots, routes, strict=True):
        cost = systems[route.system].reanimator.cost_usd(shot["asked_s"]) if route.system in systems else 0.0
        if budget_usd is not None and cost and spent + cost > budget_usd:
            why = f"${cost:.2f} more than the budget of ${budget_usd:.2f} allows after ${spent:.2f}"
            out.append(Route("none", "", f"budget: {why}"))
            continue
        spent += cost
        out.append(route)
    return out, round(spent, 6)
