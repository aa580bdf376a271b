"""The code that a trial can reach, as a fingerprint.

It covers the definitions of the trial's own module that the trial refers to, directly or through others, and whatever
of its own package and of paperwright's ground floor these import, in turn; of a package's `__init__`, only the names
that are asked for. So a changed claim leaves its neighbours' evidence alone, and a new block leaves every room's.

Comments, docstrings and layout do not count: the syntax tree is hashed, in a form that is the same for every Python
version. The engine does not count: it measures, and does not enter the numbers. Nor does the code that reads data sets:
the checksum of what it read stands in the context beside this fingerprint.
"""

import ast
import copy
import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from paperwright.claims.claim import Claim

_OUTSIDE = ("paperwright.claims", "paperwright.registry", "paperwright.cards", "paperwright.cli", "paperwright.data")


@dataclass(frozen=True)
class Code:
    """The code that a trial reaches: its fingerprint, and the third-party modules that it imports by name."""

    fingerprint: str
    libraries: frozenset[str]


@dataclass(frozen=True)
class _Import:
    """`import module`, or `from module import names`."""

    module: str
    names: tuple[str, ...] = ()


def code_of(module: str, claim: Claim) -> Code:
    """The code that the trial of a claim in `module` can reach."""
    function = inspect.unwrap(claim.trial)
    home = function.__module__
    path = module_file(home)
    if path is None:  # typed into a session: the function itself is all there is to go by
        return Code(_digest(inspect.getsource(function)), frozenset())
    search = _Search(home.partition(".")[0])
    search.add_names(home, path, _top_level_names(_tree(path), function))
    return Code(search.fingerprint(), frozenset(search.libraries))


def _top_level_names(tree: ast.Module, function: Any) -> tuple[str, ...]:
    """What a function's top-level statement defines: the function, or whatever a lambda or an inner one stands in."""
    line = function.__code__.co_firstlineno
    for statement in tree.body:
        first = min([statement.lineno, *(node.lineno for node in getattr(statement, "decorator_list", []))])
        if first <= line <= (statement.end_lineno or line):
            return tuple(sorted(_bound(statement)))
    return (function.__name__,)


class _Search:
    """What has been reached so far."""

    def __init__(self, own: str) -> None:
        self.own = own
        self.libraries: set[str] = set()
        self._pieces: set[str] = set()
        self._seen: set[tuple[str, str]] = set()

    def fingerprint(self) -> str:
        return _digest("\n".join(sorted(self._pieces)))

    def add_module(self, module: str, path: Path) -> None:
        """A whole file, and what it imports."""
        if (module, "*") in self._seen:
            return
        self._seen.add((module, "*"))
        self._pieces.add(f"{module}:{_file_digest(path)}")
        self._follow([_tree(path)], module, path)

    def add_names(self, module: str, path: Path, names: tuple[str, ...]) -> None:
        """The top-level statements of a file that define some names, directly or through others, and their imports."""
        statements = [
            node for name in names if (module, name) not in self._seen for node in _reached(_tree(path), name)
        ]
        self._seen |= {(module, name) for name in names}
        for statement in statements:
            if not isinstance(statement, ast.Import | ast.ImportFrom):
                self._pieces.add(f"{module}:{_digest(_canonical(statement))}")
        self._follow(statements, module, path)

    def _follow(self, nodes: "list[Any]", module: str, path: Path) -> None:
        for node in nodes:
            for found in _imports(node, module, is_package=path.name == "__init__.py"):
                self._add_import(found)

    def _add_import(self, found: _Import) -> None:
        top = found.module.partition(".")[0]
        if top not in ("paperwright", self.own):
            self.libraries.add(top)
            return
        if found.module.startswith(_OUTSIDE):
            return
        symbols = []
        for name in found.names:
            submodule = f"{found.module}.{name}"
            path = module_file(submodule)
            if path is None:
                symbols.append(name)
            elif not submodule.startswith(_OUTSIDE):
                self.add_module(submodule, path)
        path = module_file(found.module)
        if path is None or found.module == "paperwright" or (found.names and not symbols):
            return
        if symbols and path.name == "__init__.py":
            self.add_names(found.module, path, tuple(symbols))
        else:
            self.add_module(found.module, path)


@cache
def module_file(module: str) -> Path | None:
    """The Python file of a module, found without running it; None if it has none."""
    if module == "__main__":
        return None
    loaded = getattr(sys.modules.get(module), "__file__", None)
    if loaded:
        return Path(loaded) if str(loaded).endswith(".py") else None
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError, AttributeError):
        return None
    return Path(spec.origin) if spec and spec.origin and spec.origin.endswith(".py") else None


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def _file_digest(path: Path) -> str:
    return _digest(_canonical(_tree(path)))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def forget() -> None:
    """Forgets what was read, for a process in which the code on disk changes."""
    for cached in (module_file, _tree, _file_digest):
        cached.cache_clear()


def _canonical(node: ast.AST) -> str:
    """A syntax tree as text: node names and fields that hold something; no positions, docstrings or contexts."""
    parts = []
    for name, value in ast.iter_fields(node):
        if value is None or value == [] or name in ("ctx", "type_comment", "kind", "type_ignores", "type_params"):
            continue
        if name == "body" and isinstance(value, list):
            value = [item for item in value if not _is_docstring(item)]
        elif isinstance(node, ast.JoinedStr):
            value = _joined(value)
        parts.append(f"{name}={_canonical_value(value)}")
    return f"{type(node).__name__}({','.join(parts)})"


def _canonical_value(value: Any) -> str:
    if isinstance(value, ast.AST):
        return _canonical(value)
    if isinstance(value, list):
        return f"[{','.join(_canonical_value(item) for item in value)}]"
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


def _is_docstring(node: Any) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _reached(tree: ast.Module, root: str) -> list[ast.stmt]:
    """The top-level statements of a module that define what `root` refers to, directly or through others."""
    binds = [(statement, _bound(statement)) for statement in tree.body]
    wanted, todo = set[str](), [root]
    while todo:
        name = todo.pop()
        if name in wanted:
            continue
        wanted.add(name)
        for statement, names in binds:
            if name in names:
                todo += [used.id for used in ast.walk(_without_decorators(statement)) if isinstance(used, ast.Name)]
    return [_only(_without_decorators(statement), wanted) for statement, names in binds if names & wanted]


def _only(statement: ast.stmt, wanted: set[str]) -> ast.stmt:
    """Of an import, the names that are wanted."""
    if not isinstance(statement, ast.Import | ast.ImportFrom):
        return statement
    fewer = copy.copy(statement)
    fewer.names = [alias for alias in statement.names if (alias.asname or alias.name).partition(".")[0] in wanted]
    return fewer


def _without_decorators(statement: ast.stmt) -> ast.stmt:
    """A function without the decorator that ties it to its claim: the claim has a fingerprint of its own."""
    if not isinstance(statement, ast.FunctionDef):
        return statement
    bare = copy.copy(statement)
    bare.decorator_list = [
        node for node in statement.decorator_list if not (isinstance(node, ast.Attribute) and node.attr == "trial")
    ]
    return bare


def _bound(statement: ast.stmt) -> set[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).partition(".")[0] for alias in statement.names}
    stored = (node for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
    return {node.id for node in stored}


def _imports(tree: ast.AST, module: str, *, is_package: bool) -> Iterator[_Import]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (_Import(alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = module if is_package else module.rpartition(".")[0]
            for _ in range(max(node.level - 1, 0)):
                base = base.rpartition(".")[0]
            source = ".".join(filter(None, (base, node.module))) if node.level else node.module or ""
            yield _Import(source, tuple(alias.name for alias in node.names))
