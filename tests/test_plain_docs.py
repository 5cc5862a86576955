"""Docstrings say what somebody who calls a function has to know, in the field's words."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = [
    path for name in ("configs", "flows", "lipsync_engine", "tasks") for path in sorted((ROOT / name).rglob("*.py"))
]
TREES = {str(path.relative_to(ROOT)): ast.parse(path.read_text("utf-8")) for path in FILES}

#: Words that this project alone used in these senses, and what to write.
PRIVATE = {
    "told": "noted, reported, given, called with",
    "anew": "again",
    "whoever": "who",
    "heeded": "ignored (not heeded)",
    "foretold": "predicted",
    "not to be had": "not available",
}
NUMBER = re.compile(r"\b(u?int|float|bool|complex)\d*\b|any dtype")
SHAPE = re.compile(r"\[[^\]]*\]|shape")


def _functions(tree: ast.Module) -> Iterator[tuple[ast.FunctionDef, ast.ClassDef | None]]:
    """The public functions and methods of a module."""

    def inside(
        body: list[ast.stmt], owner: ast.ClassDef | None
    ) -> Iterator[tuple[ast.FunctionDef, ast.ClassDef | None]]:
        for node in body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield from inside(node.body, node)
            elif isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                yield node, owner

    return inside(tree.body, None)


def _parameters(function: ast.FunctionDef) -> list[ast.arg]:
    given = function.args
    return [one for one in (*given.posonlyargs, *given.args, *given.kwonlyargs) if one.arg not in ("self", "cls")]


def _is_protocol(owner: ast.ClassDef | None) -> bool:
    return owner is not None and any("Protocol" in ast.unparse(base) for base in owner.bases)


#: Methods whose protocol states their arguments once for every class that has them.
STATED = {
    function.name
    for tree in TREES.values()
    for function, owner in _functions(tree)
    if _is_protocol(owner) and "Args:" in (ast.get_docstring(function) or "")
}


def _describes_itself(decorator: ast.expr) -> bool:
    """Of a command, whose options have a help, or an endpoint, whose parameters are in its path and body."""
    return any(word in ast.unparse(decorator) for word in (".command", "router."))


def test_public_functions_of_three_parameters_and_more_name_them() -> None:
    silent = [
        f"{file}:{function.lineno} {function.name}"
        for file, tree in TREES.items()
        for function, owner in _functions(tree)
        if len(_parameters(function)) >= 3
        and "Args:" not in (ast.get_docstring(function) or "")
        and not any(_describes_itself(one) for one in function.decorator_list)
        and not (owner and not _is_protocol(owner) and function.name in STATED)
    ]
    assert silent == []


def test_arguments_that_are_arrays_state_what_they_hold_and_their_shape() -> None:
    silent = []
    for file, tree in TREES.items():
        arrays = {"NDArray"} | {
            ast.unparse(node.targets[0])
            for node in tree.body
            if isinstance(node, ast.Assign) and "NDArray" in ast.unparse(node.value)
        }
        for function, _ in _functions(tree):
            kinds = " ".join(ast.unparse(one.annotation) for one in _parameters(function) if one.annotation)
            words = ast.get_docstring(function) or ""
            if arrays & set(re.findall(r"\w+", kinds)) and not (NUMBER.search(words) and SHAPE.search(words)):
                silent.append(f"{file}:{function.lineno} {function.name}")
    assert silent == []


@pytest.mark.parametrize(("word", "instead"), PRIVATE.items())
def test_messages_docstrings_and_comments_use_the_fields_words(word: str, instead: str) -> None:
    used = []
    for path in FILES:
        text = path.read_text("utf-8")
        if word not in text.lower():
            continue
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            shown = re.sub(r"``.*?``|`.*?`|\{.*?\}", "", token.string, flags=re.DOTALL)  # but for names in it
            if token.type in (tokenize.STRING, tokenize.COMMENT) and re.search(rf"\b{word}\b", shown, re.IGNORECASE):
                used.append(f"{path.relative_to(ROOT)}:{token.start[0]}")
    assert used == [], f"write {instead}"
