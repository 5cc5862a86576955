"""Prompts for language models: translation for dubbing, and rewording of lines to another length."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from configs.languages import display_name
from tasks.translate import Guidance, Rewrite

_TRANSLATE = """You translate the dialogue of a video from {source} to {target} for dubbing: people will speak it.
Translate the lines under "lines" and no others; "before" and "after" are only there so that you understand them.
Keep each line a line of its own, with its meaning, names and numbers. Write what a native speaker would say.{rules}
A line has "seconds": how long it may take to say. Prefer wording that takes about as long, without losing meaning.
Answer with JSON only: {{"lines": [{{"id": 0, "text": "..."}}]}} with exactly the ids you were given."""

_REWRITE = """You adapt translated dialogue for dubbing from {source} to {target}. Each line has its source, its
translation "text" of "syllables" syllables, and "wanted", the fewest and the most syllables that fit its time.
Give up to three other wordings in {target} that lie within "wanted", keep the meaning, every name and every number,
and sound natural; the most faithful first. Leave the list empty rather than change the meaning.{rules}
Answer with JSON only: {{"lines": [{{"id": 0, "candidates": ["..."]}}]}} with exactly the ids you were given."""

_ADDRESS = {
    "default": "",
    "formal": " Address the listener formally.",
    "informal": " Address the listener informally.",
}


def translating(
    texts: Sequence[str], waiting: Sequence[int], source: str, target: str, guidance: Guidance, complaint: str
) -> list[dict[str, str]]:
    """The messages that request some of the texts, with all others as context.

    Args:
        texts: the batch.
        waiting: indices of those that are asked for.
        source: BCP-47 tag.
        target: BCP-47 tag.
        guidance: glossary, form of address, lines around, time.
        complaint: what was wrong with the last answer.
    """
    lines: list[dict[str, Any]] = []
    for number in waiting:
        line: dict[str, Any] = {"id": number, "text": texts[number]}
        if number < len(guidance.slots_ms):
            line["seconds"] = round(guidance.slots_ms[number] / 1000, 1)
        lines.append(line)
    first, last = waiting[0], waiting[-1]
    asked = {
        "before": [*guidance.before, *texts[max(0, first - 3) : first]],
        "lines": lines,
        "after": [*texts[last + 1 : last + 4], *guidance.after],
    }
    system = _TRANSLATE.format(source=_name(source), target=_name(target), rules=_rules(guidance))
    if complaint:
        system += f"\nYour last answer was wrong: {complaint} Write {_name(target)} only."
    return _messages(system, asked)


def rewriting(
    lines: Sequence[Rewrite], waiting: Sequence[int], source: str, target: str, guidance: Guidance
) -> list[dict[str, str]]:
    """The messages that request rewordings of some of the lines.

    Args:
        lines: the lines with their wanted length.
        waiting: indices of the requested lines.
        source: BCP-47 tag.
        target: BCP-47 tag.
        guidance: glossary and form of address.
    """
    asked = [
        {
            "id": number,
            "source": lines[number].source,
            "text": lines[number].text,
            "syllables": lines[number].syllables,
            "wanted": list(lines[number].wanted),
        }
        for number in waiting
    ]
    system = _REWRITE.format(source=_name(source), target=_name(target), rules=_rules(guidance))
    return _messages(system, {"lines": asked})


def _messages(system: str, asked: Any) -> list[dict[str, str]]:
    return [
        {"role": "system", "content": system},
        {"role": "user", "content": json.dumps(asked, ensure_ascii=False)},
    ]


def _rules(guidance: Guidance) -> str:
    terms = "; ".join(f"“{term.source}” is “{term.target}”" for term in guidance.terms)
    return _ADDRESS[guidance.formality] + (f" Use this glossary: {terms}." if terms else "")


def _name(tag: str) -> str:
    return f"{display_name(tag)} ({tag})"
