"""The budget of a night: its limits, the expected use of its branches, and what they have used.

The night is a small record in the store, shared by every process of the batch. A branch asks for room just before it
begins (`admit`) and says afterwards what it used (`charge`); what is under way counts as expected until then.
"""

from __future__ import annotations

import contextlib
import datetime
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from configs.night import BudgetSettings
from configs.prices import cost_usd, price_of
from flows.ask.plan import backends
from flows.kept.ahead import steps_ahead
from flows.kept.branches import shared_work
from flows.kept.forecast import Forecast
from tasks.keep.places import url_of
from tasks.keep.store import store_at, text_sha256
from tasks.records.registry import BackendFacts
from tasks.records.title import Branch, Run, language_of
from tasks.services.slots import BUDGET, held
from tasks.step.table import Step
from tasks.translate.chain import Chain

_NIGHT = "night"
_CHARACTERS_A_SECOND = 12.0  # of speech including pauses, until the script is known
_LONGER = 1.15  # length of the dub's text relative to its source, in characters
_TOKENS_IN, _TOKENS_OUT = 0.9, 0.4  # per character of the script: prompt with context, and response


@dataclass(frozen=True)
class Cost:
    """Resource use: wall-clock seconds, accelerator seconds, US dollars."""

    seconds: float = 0.0
    gpu_seconds: float = 0.0
    usd: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.seconds + other.seconds, self.gpu_seconds + other.gpu_seconds, self.usd + other.usd)


def begin_night(run: Run, settings: BudgetSettings) -> None:
    """Open a batch's night; an earlier one of the same batch ends."""
    deadline = settings.deadline(datetime.datetime.now())
    night: dict[str, Any] = {
        "deadline": deadline.isoformat() if deadline else None,
        "gpu_seconds": None if settings.gpu_minutes is None else 60 * settings.gpu_minutes,
        "usd": settings.usd,
        "claims": {},
        "over": False,
    }
    store_at(run.store).write_note(_NIGHT, _key(run), night)


def end_night(run: Run) -> None:
    """Close the night: branches started by hand afterwards are not limited."""
    store, key = store_at(run.store), _key(run)
    with _alone(run):
        store.write_note(_NIGHT, key, {**(store.read_note(_NIGHT, key) or {}), "over": True})


def admit(branch: Branch) -> str:
    """Reserve the expected use of a branch until `settle`.

    Returns:
        Why there is none; empty when there is (or no night is on), and the room is held until `charge`.
    """
    if not branch.batch:
        return ""
    store, key, cost = store_at(branch.store), _key(branch), expected(branch)
    with _alone(branch):
        night = store.read_note(_NIGHT, key)
        if night is None or night["over"]:
            return ""
        others = {name: claim for name, claim in night["claims"].items() if name != _claim(branch)}
        if why := _refusal(night, _spent(others), cost):
            return why
        claim = {"gpu_seconds": cost.gpu_seconds, "usd": cost.usd}
        store.write_note(_NIGHT, key, {**night, "claims": {**others, _claim(branch): claim}})
    return ""


@contextlib.contextmanager
def _alone(run: Run) -> Iterator[None]:
    """Exclusive access to the night's account, across all machines that share its store."""
    with held([BUDGET] if url_of(run.store) else []), store_at(run.store).claim(_key(run)):
        yield


def refused_title(run: Run, languages: Sequence[str]) -> str:
    """Why a title's shared steps and its first language do not fit the budget; empty if they do."""
    night = store_at(run.store).read_note(_NIGHT, _key(run))
    if night is None:
        return ""
    return _refusal(night, _spent(night["claims"]), expected(run) + expected(run.branch(languages[0])))


def charge(run: Run, used: Cost) -> None:
    """Replace the expected use of a branch, or of a title's shared steps, by the real use."""
    if not run.batch:
        return
    store, key = store_at(run.store), _key(run)
    with _alone(run):
        night = store.read_note(_NIGHT, key)
        if night is not None:
            claim = {"gpu_seconds": used.gpu_seconds, "usd": used.usd}
            store.write_note(_NIGHT, key, {**night, "claims": {**night["claims"], _claim(run): claim}})


def expected(run: Run) -> Cost:
    """The expected use of a branch, or of a title's shared steps; nothing for shared steps that are done."""
    work = shared_work(run)
    if work is not None and not isinstance(run, Branch):
        return Cost()
    forecast = Forecast(run)
    steps = steps_ahead(run, forecast.facts)
    characters = (
        float(sum(len(line.text) for line in work.script.lines)) if work else _CHARACTERS_A_SECOND * forecast.duration_s
    )
    return Cost(
        sum(forecast.seconds(step.name) for step in steps),
        sum(forecast.gpu_seconds(step.name) for step in steps),
        _expected_usd(run, steps, characters, forecast.duration_s),
    )


def unpriced(run: Run) -> list[str]:
    """Paid services of a run without a known price."""
    return sorted(
        {
            facts.price or facts.name
            for facts, backend in _paid(run).values()
            if not hasattr(backend, "cost_usd") and price_of(facts.price, run.profile.prices) is None
        }
    )


def _expected_usd(run: Run, steps: Sequence[Step], characters: float, duration_s: float) -> float:
    total = 0.0
    asked = {step.section for step in steps if _asks(step, run)}
    for section, (facts, backend) in _paid(run).items():
        if section not in asked:
            continue
        if hasattr(backend, "cost_usd"):
            total += backend.cost_usd(duration_s)
            continue
        units = {"characters": characters * (_LONGER if section == "synthesize" else 1.0), "seconds": duration_s}
        if "input_tokens" in (price_of(facts.price, run.profile.prices) or {}):
            units = {"input_tokens": _TOKENS_IN * characters, "output_tokens": _TOKENS_OUT * characters}
        total += cost_usd(facts.price, units, run.profile.prices) or 0.0
    return total


def _asks(step: Step, run: Run) -> bool:
    """Whether a step asks its section's backend, which may be a service."""
    reads = step.name == "transcribe" and run.title.subtitles is not None
    return not step.local and not reads


def _paid(run: Run) -> dict[str, tuple[BackendFacts, Any]]:
    """The paid backends of a run's profile by step; of a translator chain only the first."""
    found = {}
    for section, chosen in backends(run.profile).items():
        backend = chosen.translators[0] if isinstance(chosen, Chain) else chosen
        if backend.facts.paid:
            found[section] = (backend.facts, backend)
    return found


def _refusal(night: dict[str, Any], spent: Cost, cost: Cost) -> str:
    if night["deadline"] is not None:
        deadline = datetime.datetime.fromisoformat(night["deadline"])
        left = (deadline - datetime.datetime.now().astimezone()).total_seconds()
        if cost.seconds > left:
            return (
                f"It is expected to take {_minutes(cost.seconds)}, but only {_minutes(max(left, 0))} are left "
                f"until {deadline.astimezone():%H:%M}."
            )
    if night["gpu_seconds"] is not None and spent.gpu_seconds + cost.gpu_seconds > night["gpu_seconds"]:
        return (
            f"It is expected to take {cost.gpu_seconds / 60:.1f} GPU-minutes, but only "
            f"{max(night['gpu_seconds'] - spent.gpu_seconds, 0) / 60:.1f} of {night['gpu_seconds'] / 60:g} are left."
        )
    if night["usd"] is not None and spent.usd + cost.usd > night["usd"]:
        left_usd = max(night["usd"] - spent.usd, 0)
        return f"It is expected to cost ${cost.usd:.2f}, but only ${left_usd:.2f} of ${night['usd']:g} are left."
    return ""


def _spent(claims: dict[str, dict[str, float]]) -> Cost:
    total = Cost()
    for claim in claims.values():
        total += Cost(0.0, claim["gpu_seconds"], claim["usd"])
    return total


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.0f} s"


def _claim(run: Run) -> str:
    return f"{run.title.name}{os.sep}{language_of(run)}"


def _key(run: Run) -> str:
    return text_sha256(f"night {run.batch}")
