"""The lip-sync systems as a table: each system's name once, with one row for each provider."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from flows.printed import Console
from tasks.lipsync.listing import Listed


def show(found: Sequence[Listed]) -> None:
    """Print the table; names and variables are never wrapped, so that they can be copied."""
    table = Table("system", "takes", "by", "now", "$/s", "limits", box=None, pad_edge=False, header_style="bold")
    for column in table.columns[:5]:
        column.no_wrap = True
    last = None
    for one in found:
        same = last is not None and last.name == one.name
        limits = "" if same and last and last.limits == one.limits else one.limits or "none"
        price = f"{one.usd_per_s:g}" if one.usd_per_s else "-"
        now = "yes" if one.usable else "no"
        table.add_row("" if same else one.name, "" if same else one.takes, one.provider, now, price, limits)
        last = one
    console = Console()
    console.print(table)
    _explain(console, found)


def _explain(console: Console, found: Sequence[Listed]) -> None:
    """Print licences and requirements, each once."""
    console.print("\nLicences", style="bold")
    for licence in dict.fromkeys((one.licence, one.commercial) for one in found):
        users = dict.fromkeys(one.name for one in found if (one.licence, one.commercial) == licence)
        names = ", ".join(users) if not licence[0].startswith("service") else "hosted systems"
        refused = "" if licence[1] else " - not for commercial use"
        console.print(f"  {names}: {licence[0]}{refused}", highlight=False)
    missing = {one.provider if one.provider != "here" else one.name: one.needs for one in found if not one.usable}
    if missing:
        console.print("\nTo use", style="bold")
    for who, needs in missing.items():
        console.print(f"  {who}: set {', '.join(needs)}", highlight=False, soft_wrap=True)
