"""What cannot be dubbed, in one list, and the plan of ``--dry-run``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.table import Table
from rich.text import Text

from flows.ask.preflight import Fault
from flows.ask.room import said
from flows.kept.outlook import Outlook
from flows.printed import Console

#: The row of the manifest that asks for a title in a language; 0 where there is none.
RowOf = Callable[[Fault], int]
_COLOURS = {"cannot": "red", "delivered": "green"}


def no_row(_fault: Fault) -> int:
    """Without a manifest there is none."""
    return 0


def show_faults(found: Sequence[Fault], *, all_of_it: bool, row_of: RowOf = no_row) -> None:
    """Print to stderr what cannot be dubbed, each with its row and column where a manifest has them.

    Args:
        found: the faults.
        all_of_it: whether nothing is left to be dubbed.
        row_of: gives the row of a fault in a manifest.
    """
    console = Console(stderr=True)
    head = "Nothing of this can be dubbed here:" if all_of_it else "This cannot be dubbed here; the rest goes on:"
    console.print(Text(head, "bold red"), soft_wrap=True)
    for one in found:
        row = row_of(one)
        column = f", column {one.column}" if one.column else ""
        where = f"row {row}{column}: " if row else ""
        console.print(Text(f"  {where}{one}"), soft_wrap=True)


def show_outlook(plan: Outlook, row_of: RowOf = no_row) -> None:
    """Print the plan to stdout."""
    table = Table(
        "title", "language", "plan", "about", "USD", title="Nothing is made: this is the plan", title_justify="left"
    )
    for row in plan.rows:
        state = Text(row.state, _COLOURS.get(row.state, ""))
        making = row.state == "to make"
        time, usd = (_clock(row.cost.seconds), f"{row.cost.usd:.2f}") if making else ("", "")
        table.add_row(row.title, row.language or "(shared)", state, time, usd)
    console = Console()
    console.print(table)
    cost = plan.cost
    console.print(
        Text(
            f"about {_clock(plan.seconds)}, {cost.gpu_seconds / 60:.1f} GPU-minutes, ${cost.usd:.2f}, "
            f"{said(plan.room.whole)} on disk"
        ),
        soft_wrap=True,
    )
    if plan.short:
        console.print(Text(f"Too little room for all of it: {plan.short}.", "red"), soft_wrap=True)
    if plan.faults:
        show_faults(plan.faults, all_of_it=not plan.makes, row_of=row_of)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
