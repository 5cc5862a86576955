"""What paid services cost, as far as a list can tell."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import yaml

#: Provider to unit to USD a million units.
PriceList = Mapping[str, Mapping[str, float]]

_MILLION = 1_000_000
_SPEECH = ("characters", "seconds")


@cache
def listed_prices() -> PriceList:
    """The bundled list, of `configs/prices.yaml`."""
    listed = yaml.safe_load(files("configs").joinpath("prices.yaml").read_text("utf-8"))
    return {provider: dict(prices) for provider, prices in listed.items()}


def price_of(provider: str, own: PriceList) -> Mapping[str, float] | None:
    """The prices of a provider (``elevenlabs/eleven_flash_v2_5``): its model's, else its own; None where unknown.

    Args:
        provider: name, and model behind a slash.
        own: a profile's prices, which win.
    """
    for table in (own, listed_prices()):
        for name in (provider, provider.partition("/")[0]):
            if name in table:
                return table[name]
    return None


def cost_usd(provider: str, units: Mapping[str, float], own: PriceList) -> float | None:
    """What so many units cost; None where no price is known for one of them.

    Characters and seconds measure the same speech: whichever the list has a price for counts.
    """
    prices = price_of(provider, own)
    if prices is not None and any(unit in prices for unit in _SPEECH):
        units = {unit: amount for unit, amount in units.items() if unit in prices or unit not in _SPEECH}
    if prices is None or not units or any(unit not in prices for unit in units):
        return None
    return sum(prices[unit] * amount for unit, amount in units.items()) / _MILLION
