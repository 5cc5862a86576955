"""The words of the label that says what a machine made, by language."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter

from configs.languages import primary

#: Whose rules a label follows: nobody's, the EU's AI Act, China's GB 45438-2025, or none but our words.
LabelKind = Literal["none", "eu", "cn", "text"]
ENGLISH = "en"


class LabelWords(BaseModel):
    """The label in one language; ``text``: what is shown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str


@cache
def label_words() -> Mapping[str, LabelWords]:
    """The words by BCP-47 primary subtag."""
    text = files("configs").joinpath("labels.yaml").read_text("utf-8")
    return TypeAdapter(dict[str, LabelWords]).validate_python(yaml.load(text, yaml.CSafeLoader))


def words_in(language: str) -> tuple[str, str]:
    """The words for a dub, and the language that they are in: English where there are none in its own.

    Args:
        language: BCP-47 tag of the dub.
    """
    tag = primary(language) if primary(language) in label_words() else ENGLISH
    return label_words()[tag].text, tag
