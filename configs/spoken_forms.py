"""How numbers, dates, currencies, units and abbreviations are said in each language."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict

from configs.languages import primary


class Words(BaseModel):
    """Single words: of signs, between the ends of a range, and in addresses."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    minus: str
    to: str
    and_: str
    point: str
    slash: str
    at: str


class Roman(BaseModel):
    """How Roman numerals are read: of rulers, after headings, before the endings of ordinals."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rulers: tuple[str, ...]
    queens: tuple[str, ...] = ()
    ordinals_up_to: int = 0
    first: str = ""
    the: str = ""
    point: bool = False
    headings: tuple[str, ...] = ()
    endings: tuple[str, ...] = ()


class SpokenForms(BaseModel):
    """The spoken forms of one language; the fields are explained at the head of ``spoken_forms.yaml``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    numbers: str
    years: str = ""
    decimal: tuple[str, str]
    words: Words
    percent: str
    percent_before: bool = False
    time: str
    hour: str
    hours: Mapping[int, str] = {}
    h: bool = False
    zero: str = ""
    swallow: tuple[str, ...] = ()
    months: tuple[str, ...]
    date: str
    month_first: bool = False
    day_and_month: bool = False
    first: str = ""
    day: Literal["cardinal", "ordinal", "genitive"] = "cardinal"
    genitive: tuple[tuple[str, str], ...] = ()
    counted: tuple[str, ...] = ()
    de: bool = False
    joined: bool = False
    year: str = ""
    money: Mapping[str, tuple[str, ...]]
    magnitudes: tuple[str, ...] = ()
    plain_magnitudes: tuple[str, ...] = ()
    short_magnitudes: Mapping[str, str] = {}
    of: str = ""
    units: Mapping[str, tuple[str, ...]]
    ordinals: Mapping[str, Literal["m", "f"]] = {}
    short: Mapping[str, str]
    before_name: Mapping[str, str] = {}
    before_number: Mapping[str, str] = {}
    fractions: Mapping[int, tuple[str, str]] = {}
    fraction: str = ""
    dated: tuple[str, ...] = ()
    decades: bool = False
    roman: Roman | None = None
    agreeing: Mapping[str, tuple[str, str]] = {}
    feminine: tuple[str, ...] = ()


@cache
def _table() -> dict[str, SpokenForms]:
    text = files("configs").joinpath("spoken_forms.yaml").read_text("utf-8")
    return {tag: SpokenForms.model_validate(forms) for tag, forms in yaml.load(text, yaml.CSafeLoader).items()}


def spoken_forms(language: str) -> SpokenForms | None:
    """The spoken forms of a language; None if there are none: its texts are passed to the voice as written."""
    return _table().get(primary(language))
