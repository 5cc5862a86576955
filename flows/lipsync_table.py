"""The lip-sync systems in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from tasks.lipsync.listing import Listed


def show(systems: Sequence[Listed]) -> None:
    """Print a table to stdout."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("system", "provider", "takes", "limits", "$/s", "licence", "usable now"):
        table.add_column(name, overflow="fold")
    for one in systems:
        price = f"{one.usd_per_s:g}" if one.usd_per_s else ""
        now = "yes" if one.usable else "no: " + " ".join(one.needs)
        table.add_row(one.name, one.provider, one.takes, one.limits, price, one.licence, now)
    Console().print(table)
