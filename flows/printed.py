"""The only way to print: client text (names, cells, errors about them) cannot send control sequences."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import rich.console
import typer
from rich.segment import Segment

from tasks.words.visible import visible


class Console(rich.console.Console):
    """Rich's console, but control characters in a text are shown instead of sent."""

    def render(
        self, renderable: rich.console.RenderableType, options: rich.console.ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """As Rich's; Rich's own control codes are kept."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=visible(segment.text))


def say(text: str, *, err: bool = False) -> None:
    """Print a line to stdout, or to stderr."""
    typer.echo(visible(text), err=err)


def say_json(value: Any) -> None:
    """Print a value to stdout as JSON that is safe in any terminal."""
    say(json.dumps(value, indent=2, ensure_ascii=False))
