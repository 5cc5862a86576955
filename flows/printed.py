"""The only way to the terminal: what clients wrote (names, cells, errors about them) cannot drive it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import rich.console
import typer
from rich.segment import Segment

from tasks.words.visible import visible


class Console(rich.console.Console):
    """Rich's console, which shows control characters of a text instead of sending them."""

    def render(
        self, renderable: rich.console.RenderableType, options: rich.console.ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """As Rich's; what Rich itself controls the terminal with stays."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=visible(segment.text))


def say(text: str, *, err: bool = False) -> None:
    """A line on stdout, or on stderr."""
    typer.echo(visible(text), err=err)


def say_json(value: Any) -> None:
    """A value on stdout as JSON that any terminal bears."""
    say(json.dumps(value, indent=2, ensure_ascii=False))
