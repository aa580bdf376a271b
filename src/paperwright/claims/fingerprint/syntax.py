"""A syntax tree as text that is the same for every Python version: what a fingerprint of code is made from.

Comments, docstrings and layout do not enter it.
"""

import ast
import hashlib
from typing import Any

_IGNORED = frozenset({"ctx", "type_comment", "kind", "type_ignores", "type_params"})


def digest(text: str | bytes) -> str:
    """The first 16 hexadecimal digits of a SHA-256."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()[:16]


def canonical(node: ast.AST) -> str:
    """A tree as text: node names and fields that hold something; no positions, docstrings or contexts."""
    parts = []
    for name in _fields(type(node)):
        value = getattr(node, name, None)
        if value is None or value == []:
            continue
        if name == "body" and isinstance(value, list):
            value = [item for item in value if not is_docstring(item)]
        elif isinstance(node, ast.JoinedStr):
            value = _joined(value)
        parts.append(f"{name}={_canonical_value(value)}")
    return f"{type(node).__name__}({','.join(parts)})"


_FIELDS: dict[type[ast.AST], tuple[str, ...]] = {}


def _fields(kind: type[ast.AST]) -> tuple[str, ...]:
    if kind not in _FIELDS:
        _FIELDS[kind] = tuple(name for name in kind._fields if name not in _IGNORED)
    return _FIELDS[kind]


def children(node: ast.AST) -> list[ast.AST]:
    """The nodes right below a node, without contexts."""
    found: list[ast.AST] = []
    for name in _fields(type(node)):
        value = getattr(node, name, None)
        if isinstance(value, ast.AST):
            found.append(value)
        elif isinstance(value, list):
            found += [item for item in value if isinstance(item, ast.AST)]
    return found


def walk(node: ast.AST) -> list[ast.AST]:
    """A node and all below it."""
    found = [node]
    for one in found:  # grows meanwhile
        found += children(one)
    return found


def _canonical_value(value: Any) -> str:
    if isinstance(value, ast.AST):
        return canonical(value)
    if isinstance(value, list):
        return f"[{','.join([_canonical_value(item) for item in value])}]"
    return repr(value)


def _joined(values: list[Any]) -> list[Any]:
    """The parts of an f-string with neighbouring texts made one: versions of Python cut them differently."""
    parts: list[Any] = []
    for value in values:
        text = value.value if isinstance(value, ast.Constant) else None
        if isinstance(text, str) and parts and isinstance(parts[-1], str):
            parts[-1] += text
        elif text != "":
            parts.append(value if text is None else text)
    return parts


def is_docstring(node: Any) -> bool:
    """Whether a statement is a text alone."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
