from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.translate.llm_answer import answered, as_spoken, text_of

SOURCES = {0: "Good morning to all of you here.", 1: 'He said "yes" again.'}
LINES = {0: "Buenos días a todos.", 1: 'Él dijo "sí".'}
GOOD = json.dumps({"lines": [{"id": number, "text": text} for number, text in LINES.items()]}, ensure_ascii=False)
DRAFT = '{"lines": [{"id": 0, "text": "Hola."}, {"id": 1, "text": "Dijo sí."}]}'


@pytest.mark.parametrize(
    "answer",
    [
        GOOD,
        f"```json\n{GOOD}\n```",
        f"Sure! Here it is:\n{GOOD}\nHope it helps.",
        '<think>The user wants {"lines": [...]}. Line 0 greets.</think>\n' + GOOD,
        f"<think>A draft: {DRAFT}. Better:</think>\n{GOOD}",
        f"A draft: {DRAFT}. Better: {GOOD}",
        f"So {{0}} and {{1}} it is.</think>{GOOD}",
        GOOD + "\nNote: {id} is kept.",
        GOOD.replace("}]}", "},]}"),
        GOOD[:-2],
        json.dumps([{"id": number, "text": text} for number, text in LINES.items()]),
        json.dumps(list(LINES.values())),
        json.dumps({str(number): text for number, text in LINES.items()}),
        json.dumps({"translations": [{"id": str(number), "text": text} for number, text in LINES.items()]}),
        "\n".join(json.dumps({"id": number, "text": text}) for number, text in LINES.items()),
        json.dumps({"lines": [{"id": number + 1, "text": text} for number, text in LINES.items()]}),
    ],
)
def test_the_json_that_was_asked_for_is_found_wherever_it_stands(answer: str) -> None:
    assert answered(answer, "text", [0, 1]) == LINES


@pytest.mark.parametrize("answer", ["", "No.", "{", "[1, 2, 3]", "null", '{"lines": "none"}', "<think>hm {a}</think>"])
def test_what_holds_no_answer_is_none(answer: str) -> None:
    assert answered(answer, "text", [0, 1]) is None


def test_ids_that_nobody_asked_for_move_no_line() -> None:
    assert answered('[{"id": 1, "text": "Dos."}, {"id": 7, "text": "?"}]', "text", [0, 1, 2]) == {1: "Dos.", 7: "?"}


def test_candidates_are_lists_and_one_alone_is_one() -> None:
    answer = '{"lines": [{"id": 0, "candidates": ["a", 3, "b"]}, {"id": 1, "candidates": "c"}]}'
    assert answered(answer, "candidates", [0, 1]) == {0: ["a", "b"], 1: ["c"]}


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"content": "a"}, "a"),
        ({"content": "a", "reasoning_content": "hm"}, "a"),
        ({"content": None, "reasoning_content": "a"}, "a"),
        ({"content": [{"type": "thinking", "text": "hm"}, {"type": "text", "text": "a"}]}, "a"),
        ({}, ""),
    ],
)
def test_thoughts_in_fields_of_their_own_are_no_answer(message: dict[str, Any], text: str) -> None:
    assert text_of(message) == text


@pytest.mark.parametrize(
    ("answers", "spoken"),
    [
        (["Buenos d&iacute;as.", "&Eacute;l dijo &quot;s&iacute;&quot;."], ["Buenos días.", 'Él dijo "sí".']),
        (["1. Buenos días.", "2. Él dijo."], ["Buenos días.", "Él dijo."]),
        (["[1] Buenos días.", "[2] Él dijo."], ["Buenos días.", "Él dijo."]),
        (["Traducción: Buenos días.", "Traducción: Él dijo."], ["Buenos días.", "Él dijo."]),
        (["Buenos días. (Nota: saludo formal)", "[Traducción] Él dijo."], ["Buenos días.", "Él dijo."]),
        (["Buenos días（正式）。", "**Él** dijo."], ["Buenos días。", "Él dijo."]),
        (["Buenos días.\n\nNote: formal.", "“Él dijo.”"], ["Buenos días.", "Él dijo."]),
        (["1. Buenos días.", "Él dijo 2."], ["1. Buenos días.", "Él dijo 2."]),  # not every line has one
        (["12.", "¿Tú? No: yo."], ["12.", "¿Tú? No: yo."]),
        (["(risas)", "..."], ["(risas)", "..."]),  # nothing else would be left
    ],
)
def test_what_the_model_added_is_taken_off(answers: list[str], spoken: list[str]) -> None:
    clean, _ = as_spoken(dict(enumerate(answers)), SOURCES)
    assert list(clean.values()) == spoken


def test_what_the_source_has_too_stays() -> None:
    sources = {0: "1. The UN (in Geneva) &amp; I", 1: "2. Title: two\n\nrows"}
    texts = {0: "1. La ONU (en Ginebra) &amp; yo", 1: "2. Título: dos\n\nfilas"}
    assert as_spoken(texts, sources) == (texts, [])


def test_remarks_and_numbers_are_told() -> None:
    _, notes = as_spoken({0: "1. Hola. (Nota: formal)", 1: "2. Sí."}, SOURCES)
    assert notes == [
        "A remark of the model was removed from a line: (Nota: formal)",
        "The model put numbers before its lines; they were removed.",
    ]


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet='{}[]",:0123id text\\', max_size=60))
def test_any_answer_is_read_or_refused(text: str) -> None:
    found = answered(text, "text", [0, 1])
    assert found is None or all(isinstance(one, str) for one in found.values())


@pytest.mark.parametrize("hostile", ["{" * 300_000, "[" * 300_000, '{"a":' * 60_000, "(" * 300_000])
def test_a_hostile_answer_takes_no_time(hostile: str) -> None:
    began = time.process_time()
    assert answered(hostile, "text", [0]) is None
    as_spoken({0: hostile}, SOURCES)
    assert time.process_time() - began < 10
