"""The table of hosted systems for display."""

from __future__ import annotations

from dataclasses import dataclass

from configs.lipsync_models import ModelLimits, lipsync_models
from tasks.lipsync.hosted.system import adapter, offered, unset

#: All of them are services: nothing is installed, and the use of results is governed by the contract.
_LICENCE = "service: the provider's terms"


@dataclass(frozen=True)
class Row:
    """One model at one provider.

    Attributes:
        model: as written in profiles.
        provider: as written in profiles.
        takes: ``video``, ``portrait`` or ``translate``.
        limits: in words.
        usd_per_s: price of one second of result by the table.
        licence: terms of its use.
        needs: variables that must be set.
        usable: whether they are set.
        known: source of the entry: D documented, C official code, T third-party description, G guess.
    """

    model: str
    provider: str
    takes: str
    limits: str
    usd_per_s: float
    licence: str
    needs: tuple[str, ...]
    usable: bool
    known: str


def rows() -> list[Row]:
    """All models at all providers with an adapter; makes no request."""
    return [
        Row(
            model=name,
            provider=provider,
            takes=model.takes,
            limits=_in_words(model.limits_at(provider)),
            usd_per_s=model.offers[provider].usd_per_s,
            licence=_LICENCE,
            needs=adapter(provider).variables,
            usable=not unset(provider),
            known=model.offers[provider].mark,
        )
        for name, model in lipsync_models().items()
        for provider in offered(model)
    ]


def _in_words(limits: ModelLimits) -> str:
    said = [
        _range(limits.shortest_s, limits.longest_s, "s"),
        _range(limits.shortest_side, limits.longest_side, "px"),
        f"picture to {limits.picture_bytes / 1e6:g} MB" if limits.picture_bytes else "",
        f"speech to {limits.speech_bytes / 1e6:g} MB" if limits.speech_bytes else "",
    ]
    return ", ".join(part for part in said if part) or "none known"


def _range(least: float | None, most: float | None, unit: str) -> str:
    if least is None and most is None:
        return ""
    if least is None:
        return f"to {most:g} {unit}"
    return f"from {least:g} {unit}" if most is None else f"{least:g} to {most:g} {unit}"
