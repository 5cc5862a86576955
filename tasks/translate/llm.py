"""Translation by a language model with an OpenAI-compatible API (OpenAI, vLLM, Ollama, llama.cpp ...).

``POST /chat/completions``; the model must return JSON, which is checked line by line: lines that are missing, empty or
in another language are requested again, a limited number of times. It gets the surrounding lines, glossary, form of
address and the time of each line, and it can reword a line in fewer or more syllables.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import Field

from tasks.machine.meter import bill
from tasks.records.errors import PermanentError, ProviderBusyError
from tasks.services.openai import OpenAiOptions
from tasks.translate import PLAIN, Guidance, Note, Rewrite, language_check, quiet
from tasks.translate.llm_answer import answered, as_spoken, text_of
from tasks.translate.llm_prompt import rewriting, translating
from tasks.words.spacing import atoms, joined
from tasks.words.speakable import speaks

_SAME = "The last answer was not the JSON that was asked for."


class LlmTranslator:
    """Translates by a chat model; its responses are trusted only as far as they can be checked."""

    batch = 20
    context = 3
    timed = True

    class Options(OpenAiOptions):
        """The model, its server, and how it is prompted.

        Attributes:
            asks: maximum number of requests for one batch, including the first.
            json_mode: request ``response_format: json_object``; turn off for servers without it.
        """

        asks: int = Field(3, ge=1, le=6)
        json_mode: bool = True

    def __init__(self, options: Options) -> None:
        self._options = options
        self.facts = options.facts("llm")

    def fingerprint(self) -> str:
        """Address, model, and version of prompt and parser; the model behind a name may change unnoticed."""
        return f"llm:2:{self._options.url}:{self._options.model}"

    def missing(self) -> list[str]:
        """The key of OpenAI's own address."""
        return self._options.missing()

    def route(self, source: str, target: str) -> list[str]:
        """The direct route."""
        return [source] if source == target else [source, target]

    def translate(
        self, texts: Sequence[str], source: str, target: str, note: Note = quiet, guidance: Guidance = PLAIN
    ) -> list[str]:
        """Translate texts; wrong lines are requested again.

        Raises:
            PermanentError: lines are missing, or the response has the wrong form, after the last request.
            ProviderBusyError: the service is busy or does not answer.
        """
        known = {number: text for number, text in enumerate(texts) if not speaks(text)}
        doubtful: dict[int, str] = {}

        def take(answer: dict[int, Any]) -> str:
            wanted = {number: text for number, text in answer.items() if 0 <= number < len(texts)}
            fresh = {number: text for number, text in wanted.items() if number not in known and text.strip()}
            clean, remarks = as_spoken(fresh, dict(enumerate(texts)))
            for remark in remarks:
                note(remark)
            complaints = []
            for number, text in clean.items():
                if wrong := _wrong(text, texts[number], source, target):
                    doubtful[number] = text
                    complaints.append(f"Line {number}: {wrong}.")
                    continue
                known[number] = _like(texts[number], text)
            return " ".join(complaints)

        def waiting() -> list[int]:
            return [number for number in range(len(texts)) if number not in known]

        def ask(complaint: str) -> list[dict[str, str]]:
            return translating(texts, waiting(), source, target, guidance, complaint) if waiting() else []

        asks = self._repeatedly(ask, take, "text", waiting)
        for number, text in doubtful.items():
            known.setdefault(number, text)  # the caller's check decides
        if len(known) < len(texts):
            lacking = ", ".join(str(number + 1) for number in range(len(texts)) if number not in known)
            raise PermanentError(
                f"{self._options.model} omitted lines ({lacking} of {len(texts)}) in {asks} responses.",
                "Choose another model, or add a fallback.",
            )
        return [known[number] for number in range(len(texts))]

    def rewrite(
        self, lines: Sequence[Rewrite], source: str, target: str, note: Note = quiet, guidance: Guidance = PLAIN
    ) -> list[list[str]]:
        """Up to three candidates for each line, as the model judges length and meaning; never the line itself."""
        found: dict[int, list[str]] = {}

        def take(answer: dict[int, Any]) -> str:
            for number, offered in answer.items():
                if not 0 <= number < len(lines):
                    continue
                text = lines[number].text
                clean, _ = as_spoken(dict(enumerate(offered)), dict.fromkeys(range(len(offered)), text))
                found[number] = [
                    one for one in dict.fromkeys(_like(text, one) for one in clean.values()) if one.strip()
                ]
                found[number] = [one for one in found[number] if one != text]
            return ""

        def waiting() -> list[int]:
            return [number for number in range(len(lines)) if number not in found]

        def ask(_complaint: str) -> list[dict[str, str]]:
            return rewriting(lines, waiting(), source, target, guidance) if waiting() else []

        self._repeatedly(ask, take, "candidates", waiting)
        return [found.get(number, []) for number in range(len(lines))]

    def _repeatedly(
        self,
        ask: Callable[[str], list[dict[str, str]]],
        take: Callable[[dict[int, Any]], str],
        key: str,
        waiting: Callable[[], list[int]],
    ) -> int:
        """Request until nothing is missing, the limit is reached, or a request would repeat; returns their number.

        Raises:
            ProviderBusyError: no response had the requested form.
        """
        understood, complaint, count = False, "", 0
        before: list[dict[str, str]] = []
        while count < self._options.asks:
            messages = ask(complaint)
            if not messages or messages == before:  # the same request has the same response, and costs again
                break
            before, count = messages, count + 1
            answer = answered(self._say(messages), key, waiting())
            understood = understood or answer is not None
            complaint = _SAME if answer is None else take(answer)
        if count and not understood:
            raise ProviderBusyError(f"{self._options.model} did not return the requested JSON in {count} responses.")
        return count

    def _say(self, messages: list[dict[str, str]]) -> str:
        chosen = self._options
        service = chosen.service()
        body: dict[str, Any] = {"model": chosen.model, "messages": messages, "temperature": 0}
        if chosen.json_mode:
            body["response_format"] = {"type": "json_object"}
        answer = service.post("/chat/completions", body)
        if chosen.paid:
            bill(self.facts.price, **_tokens(answer))
        try:
            return text_of(answer["choices"][0]["message"])
        except (KeyError, IndexError, TypeError, AttributeError):
            raise ProviderBusyError(f"{chosen.model}: the service's response is not a chat completion.") from None


def _tokens(answer: Any) -> dict[str, float]:
    """The token counts, if the service reports them."""
    counted = answer.get("usage") if isinstance(answer, dict) else None
    counts = counted if isinstance(counted, dict) else {}
    names = {"input_tokens": "prompt_tokens", "output_tokens": "completion_tokens"}
    return {unit: float(counts[name]) for unit, name in names.items() if isinstance(counts.get(name), int | float)}


def _wrong(text: str, source: str, origin: str, target: str) -> str:
    return language_check.complaint(text, source, origin, target) if speaks(text) else "it has no words"


def _like(text: str, answer: str) -> str:
    """The translation on as many rows as the source."""
    rows = text.count("\n")
    if answer.count("\n") == rows:
        return answer
    words = atoms(answer)
    if not rows or len(words) <= rows:
        return joined(words) + "\n" * rows
    size = len(words) / (rows + 1)
    cuts = [round(size * number) for number in range(rows + 2)]
    return "\n".join(joined(words[a:b]) for a, b in itertools.pairwise(cuts))
