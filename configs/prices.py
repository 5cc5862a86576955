"""Prices of paid services, as far as they are listed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import yaml

#: Provider to unit to USD per million units.
PriceList = Mapping[str, Mapping[str, float]]

_MILLION = 1_000_000
_SPEECH = ("characters", "seconds")


@cache
def listed_prices() -> PriceList:
    """The bundled price list, `configs/prices.yaml`."""
    listed = yaml.load(files("configs").joinpath("prices.yaml").read_text("utf-8"), yaml.CSafeLoader)
    return {provider: dict(prices) for provider, prices in listed.items()}


def price_of(provider: str, own: PriceList) -> Mapping[str, float] | None:
    """The prices of a provider (``elevenlabs/eleven_flash_v2_5``): the model's, else the provider's; None if unknown.

    Args:
        provider: name, with the model after a slash.
        own: a profile's prices, which take precedence.
    """
    for table in (own, listed_prices()):
        for name in (provider, provider.partition("/")[0]):
            if name in table:
                return table[name]
    return None


def cost_usd(provider: str, units: Mapping[str, float], own: PriceList) -> float | None:
    """The cost of these units in US dollars; None if one of them has no known price.

    Characters and seconds measure the same speech: the one with a listed price counts.

    Args:
        provider: name, with the model after a slash.
        units: quantity by unit.
        own: a profile's prices, which take precedence.

    """
    prices = price_of(provider, own)
    if prices is not None and any(unit in prices for unit in _SPEECH):
        units = {unit: amount for unit, amount in units.items() if unit in prices or unit not in _SPEECH}
    if prices is None or not units or any(unit not in prices for unit in units):
        return None
    return sum(prices[unit] * amount for unit, amount in units.items()) / _MILLION
