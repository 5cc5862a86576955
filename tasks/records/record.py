"""What every record is: small, frozen, JSON-ready. Media never travels in one, only an `Asset`.

Times are integer milliseconds on the player's clock of the source, where the container starts at 0: in scripts, cues,
placements, stems and masters alike. A picture or a sound that starts later says so (``start_ms``); `tasks.media`
reads by it, and `tasks.package` puts the picture back there. Frame rates are fractions; languages are BCP-47 tags.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

Milliseconds = Annotated[int, Field(ge=0)]


Rate = Annotated[
    Fraction,
    BeforeValidator(lambda v: Fraction(v) if isinstance(v, str) else v),
    PlainSerializer(str, return_type=str),
]


class Record(BaseModel):
    """Immutable, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Asset(Record):
    """A pointer to one immutable file: where it is, what it holds (sha256), how large it is.

    Attributes:
        uri: absolute local path, or the address of an object in a remote store.
        sha256: hex digest of the content.
        bytes: size of the content.
    """

    uri: str
    sha256: str
    bytes: int


def assets_in(value: Any) -> Iterator[Asset]:
    """Every file that a record points at, however deep."""
    if isinstance(value, Asset):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from assets_in(getattr(value, name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from assets_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from assets_in(item)
