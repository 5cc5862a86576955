"""The table of steps knows every step, and every step of it is there."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

from configs.profile import SECTIONS
from tasks.step.table import BY_NAME, STEPS, as_markdown, of_part, of_way

ROOT = Path(__file__).parents[2]


def tasks_by_name() -> dict[str, list[str]]:
    """Every step that is a Prefect task, and the packages that have one of that name."""
    found: dict[str, list[str]] = {}
    for file in sorted((ROOT / "tasks").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            for decorator in getattr(node, "decorator_list", ()):
                if isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") == "step_task":
                    name = ast.literal_eval(decorator.args[0])
                    found.setdefault(name, []).append(".".join(file.parent.relative_to(ROOT).parts))
    return found


def test_every_task_has_its_row_and_every_row_its_task() -> None:
    assert tasks_by_name() == {step.name: [step.package] for step in STEPS}
    assert len(BY_NAME) == len(STEPS)


def test_every_step_has_a_version_and_a_weight() -> None:
    for step in STEPS:
        assert isinstance(importlib.import_module(step.package).VERSION, int), step
        assert step.weight > 0, step


def test_every_section_of_a_profile_that_names_a_backend_has_its_step() -> None:
    assert {step.section for step in STEPS} == {*SECTIONS, None}


def test_every_step_runs_sometime() -> None:
    assert all(step.ways for step in of_part("branch"))
    assert [step.name for step in of_way("recorded")][:2] == ["translate", "ingest"]


def test_the_page_of_steps_shows_the_table() -> None:
    page = (ROOT / "docs" / "steps.md").read_text("utf-8")
    assert as_markdown() in page, "put what `python -m tasks.step.table` prints into docs/steps.md"
