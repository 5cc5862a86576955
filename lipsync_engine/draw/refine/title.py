"""The networks of a title's speakers: taught once, stored beside the analysis, used by every language."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lipsync_engine.draw.refine.learn import Budget, Learned, Outcome, load, new_net, save, train
from lipsync_engine.draw.refine.samples import scale_of
from lipsync_engine.plan.person import Person


def networks(
    picture: Path, people: Sequence[tuple[int, Person]], analysis: Path | None, device: str, budget: Budget
) -> list[Learned]:
    """A network for each person, also where it is not worth using (``outcome.kept``).

    Args:
        picture: the title.
        people: number in the analysis, and the person.
        analysis: the stored analysis, beside which the networks are found and kept; ``None`` keeps nothing.
        device: where they are taught.
        budget: for all of them together; of no seconds teaches nothing.
    """
    stored = None if analysis is None else analysis.with_suffix(".refine.pt")
    known: dict[int, Learned] = {}
    if stored is not None and stored.exists():
        try:
            known = load(stored)
        except ValueError:  # of another format: taught again
            known = {}
    missing = [(identity, who) for identity, who in people if identity not in known]
    if budget.seconds <= 0:
        why = Outcome(False, "no time was given to teach it (the CPU does so only when asked)")
        return [known.get(i) or Learned(new_net(0), scale_of(who), why) for i, who in people]
    for identity, who in missing:
        share = Budget(budget.seconds / len(missing), budget.steps)
        known[identity] = train(picture, who, device, share)
    if stored is not None and missing:
        save(known, stored)
    return [known[identity] for identity, _ in people]


def said(identity: int, learned: Learned) -> str:
    """What the report says of one network."""
    outcome = learned.outcome
    if outcome.error_engine is None or outcome.error_refined is None:
        return f"no residual network for face {identity}: {outcome.reason}"
    figures = (
        f"held-out error {255 * outcome.error_engine:.3f} -> {255 * outcome.error_refined:.3f} of 255 over "
        f"{outcome.held_out} frames, {outcome.steps} steps in {outcome.seconds:.0f} s"
    )
    return f"residual network for face {identity} " + (
        f"is used: {figures}" if outcome.kept else f"is not used ({outcome.reason}): {figures}"
    )
