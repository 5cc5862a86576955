"""XML that clients send, as a tree: no document type, no entity but XML's own, bounded in depth and size."""

from __future__ import annotations

import functools
from typing import Any
from xml.etree import ElementTree
from xml.parsers import expat

from tasks.records.errors import BadInputError

_DEEPEST, _MOST = 100, 500_000
XML = "{http://www.w3.org/XML/1998/namespace}"


def tree_of(content: bytes, named: tuple[str, ...] = ()) -> ElementTree.Element:
    """The root element; names as ``{namespace}name``.

    Args:
        content: of the file.
        named: document types that it may name, as older formats do; nothing of them is read, and none may be declared.

    Raises:
        BadInputError: it is no well-formed XML, declares a document type, or is beyond the bounds.
    """
    builder = _Builder()
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.text
    parser.StartDoctypeDeclHandler = functools.partial(_refuse_type, named)
    parser.EntityDeclHandler = functools.partial(_refuse_type, (), "")
    try:
        parser.Parse(content, True)
        return builder.root()
    except (expat.ExpatError, ValueError, AssertionError) as error:
        raise BadInputError(f"It is no well-formed XML: {error}.", "Export the file again.") from error


class _Builder:
    def __init__(self) -> None:
        self._tree, self._depth, self._count = ElementTree.TreeBuilder(), 0, 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth, self._count = self._depth + 1, self._count + 1
        if self._depth > _DEEPEST or self._count > _MOST:
            raise ValueError(f"it has more than {_DEEPEST} elements in one another, or {_MOST} altogether")
        self._tree.start(_name(name), {_name(key): value for key, value in attributes.items()})

    def end(self, name: str) -> None:
        self._depth -= 1
        self._tree.end(_name(name))

    def text(self, text: str) -> None:
        self._tree.data(text)

    def root(self) -> ElementTree.Element:
        return self._tree.close()


def written(root: ElementTree.Element) -> bytes:
    """A tree as a file."""
    content: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return content + b"\n"


def allowed(text: str) -> str:
    """A text without the characters that XML cannot hold."""
    return "".join(sign for sign in text if sign in "\n\t" or (sign >= " " and sign not in "\ufffe\uffff"))


def _name(name: str) -> str:
    return "{" + name if "}" in name else name


def _refuse_type(named: tuple[str, ...], name: str, *declared: Any) -> None:
    has_own_declarations = declared[-1] if declared else True
    if name in named and not has_own_declarations:
        return
    raise ValueError("it declares a document type, which nothing here needs")
