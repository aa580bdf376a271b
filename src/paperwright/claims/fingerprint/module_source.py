"""The source of a module as names and the statements behind them, found and read without running it."""

import ast
import gc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Collection, Iterator, Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Final

from paperwright.claims.fingerprint.statements import Call, Import, Statement, absolute, chain_of, is_for_types_only
from paperwright.claims.fingerprint.syntax import digest

_LAZY: Final = ("attach", "attach_stub", "attach_rooms")
"""The functions that give a package's `__init__` its lazily imported names: lazy_loader's, and the wings'."""

_NOT_DATA: Final = (".py", ".pyc", ".pyi")
_WRITTEN: Final = ("paper.toml", "evidence.json")
"""Files of a room that no trial reads: its card, and what the tool itself writes."""


class ModuleSource:
    """A Python file, statement by statement."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.path = path
        self.is_package = path.name == "__init__.py"
        self._text = path.read_text(encoding="utf-8")
        self._lines = self._text.splitlines()
        self.tree = _parsed(self._text)
        self.statements = [
            Statement(node, name, place, is_package=self.is_package)
            for place, node in enumerate(self.tree.body)
            if not is_for_types_only(node) and not _is_for_scripts_only(node)
        ]
        self._changers: dict[str, frozenset[str]] = {}
        self._changed_by: dict[str, frozenset[str]] = {}

    @cached_property
    def binding(self) -> Mapping[str, list[Statement]]:
        """For each name, the statements that give it a value or change it, in their order."""
        found: dict[str, list[Statement]] = {}
        for statement in self.statements:
            for name in statement.binds | {chain[0] for chain in statement.changes}:
                found.setdefault(name, []).append(statement)
        return found

    @cached_property
    def defined(self) -> frozenset[str]:
        """The names that have a value of the module's own, imports left out."""
        return frozenset(name for statement in self.statements for name in statement.binds)

    @cached_property
    def variables(self) -> frozenset[str]:
        """The names whose value is no function or class."""
        made = {name for statement in self.statements if statement.is_definition for name in statement.binds}
        return self.defined - made

    @cached_property
    def imports(self) -> Mapping[str, Import]:
        """The names that it imports at its top level."""
        return {name: target for statement in self.statements for name, target in statement.imports.items()}

    @cached_property
    def stars(self) -> tuple[str, ...]:
        """The modules that it imports everything from, the latest first."""
        return tuple(reversed([module for statement in self.statements for module in statement.stars]))

    @cached_property
    def exports(self) -> frozenset[str] | None:
        """What `import *` takes from it; None if every name without a leading underscore."""
        stated = self.binding.get("__all__")
        if not stated:
            return None
        return frozenset(
            node.value
            for statement in stated
            for node in ast.walk(statement.node)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        )

    @cached_property
    def lazy(self) -> Mapping[str, Import]:
        """The names that it imports when they are first used, by `lazy_loader`, from its call or the stub beside it."""
        for node in self.tree.body:
            value = node.value if isinstance(node, ast.Assign) else None
            if isinstance(value, ast.Call) and (function := chain_of(value.func)[-1:]) and function[0] in _LAZY:
                return self._named_in(value) if function[0] == "attach" else self._named_in_stub()
        return {}

    def _named_in(self, call: ast.Call) -> dict[str, Import]:
        given = dict(zip(("module", "submodules", "submod_attrs"), call.args, strict=False))
        given |= {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
        try:
            attributes = ast.literal_eval(given["submod_attrs"])
        except (KeyError, ValueError):
            return {}
        return {name: Import(f"{self.name}.{module}", name) for module, names in attributes.items() for name in names}

    def _named_in_stub(self) -> dict[str, Import]:
        stub = self.path.with_suffix(".pyi")
        if not stub.is_file():
            return {}
        found: dict[str, Import] = {}
        for node in ast.parse(stub.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ImportFrom):
                source = absolute(node.module or "", node.level, self.name, is_package=self.is_package)
                found |= {alias.asname or alias.name: Import(source, alias.name) for alias in node.names}
        return found

    @cached_property
    def handed(self) -> Mapping[str, list[tuple[Statement, Call]]]:
        """For each name, the calls at the top level that get it as an argument."""
        found: dict[str, list[tuple[Statement, Call]]] = {}
        for statement in self.statements:
            for call in statement.calls:
                for name in call.arguments:
                    found.setdefault(name, []).append((statement, call))
        return found

    def changers(self, variable: str) -> frozenset[str]:
        """The functions and classes of the module that may change a variable of it when they are called."""
        if variable not in self._changers:
            self._changers[variable] = self._find_changers(variable)
        return self._changers[variable]

    def _find_changers(self, variable: str) -> frozenset[str]:
        definitions = [statement for statement in self.statements if statement.is_definition]
        if "global " not in self._text and all(_is_plain(one.node) for one in self.binding.get(variable, ())):
            return frozenset()
        naming = (one for one in definitions if variable in self.text_of(one))  # the cheap question first
        found: set[str] = set()
        new = {name for one in naming if variable in one.changed_when_called for name in one.binds}
        while new:  # who refers to one of them is one
            found |= new
            callers = (one for one in definitions if any(chain[0] in found for chain in one.references.names))
            new = {name for one in callers for name in one.binds} - found
        return frozenset(found)

    def changed_by(self, function: str) -> frozenset[str]:
        """The variables of the module that a call of one of its functions may change."""
        if function not in self._changed_by:
            reached: set[str] = set()
            changed: set[str] = set()
            new = {function}
            while new:
                reached |= new
                bodies = [one for name in new for one in self.binding.get(name, ()) if one.is_definition]
                changed |= {name for one in bodies for name in one.changed_when_called}
                new = {chain[0] for one in bodies for chain in one.references.names} & self.defined - reached
            self._changed_by[function] = frozenset(changed & self.variables)
        return self._changed_by[function]

    def text_of(self, statement: Statement) -> str:
        """The lines of a statement."""
        return "\n".join(self._lines[statement.line - 1 : statement.end_line])

    def at_line(self, line: int) -> Statement | None:
        """The statement that covers a line."""
        return next((one for one in self.statements if one.line <= line <= one.end_line), None)


def _parsed(text: str) -> ast.Module:
    """The tree of a text. The garbage collector would go through the new nodes again and again: half of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        return ast.parse(text)
    finally:
        if was_on:
            gc.enable()


def _is_plain(node: ast.AST) -> bool:
    """Whether a statement gives a number, a text or a tuple of such, which nothing changes in place."""
    value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
    plain = (ast.Constant, ast.Tuple, ast.UnaryOp, ast.BinOp, ast.operator, ast.unaryop, ast.expr_context)
    return value is not None and all(isinstance(one, plain) for one in ast.walk(value))


def _is_for_scripts_only(node: ast.AST) -> bool:
    """Whether a statement is `if __name__ == "__main__":`, which no import enters."""
    return isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'"


@cache
def source_of(module: str) -> ModuleSource | None:
    """The source of a module; None if it has none.

    Raises:
        SyntaxError: it is no Python.
    """
    path = module_file(module)
    return None if path is None else ModuleSource(module, path)


@cache
def module_file(module: str) -> Path | None:
    """The Python file of a module, found without running it; None if it has none."""
    found = _file(module)
    return found if found is not None and found.suffix == ".py" else None


@cache
def compiled_file(module: str) -> Path | None:
    """The file of a module that is compiled; None if it is not."""
    found = _file(module)
    return found if found is not None and found.suffix != ".py" else None


def _file(module: str) -> Path | None:
    if module == "__main__":
        return None
    loaded = getattr(sys.modules.get(module), "__file__", None)
    if loaded:
        return Path(loaded)
    above, _, name = module.rpartition(".")
    package = _file(above) if above else None
    if package is not None:
        return next(_files_below(package, name), None) if package.name == "__init__.py" else None
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError, AttributeError):
        return None
    return Path(spec.origin) if spec and spec.origin and Path(spec.origin).is_file() else None


def _files_below(package: Path, name: str) -> Iterator[Path]:
    folder = package.parent
    candidates = [folder / name / "__init__.py", folder / f"{name}.py"]
    candidates += [folder / f"{name}{suffix}" for suffix in importlib.machinery.EXTENSION_SUFFIXES]
    return (path for path in candidates if path.is_file())


@cache
def digest_of_file(path: Path) -> str:
    """The checksum of a file as it is."""
    return digest(path.read_bytes())


def data_files(package: str, named: Collection[str]) -> list[tuple[str, str]]:
    """The files of a package that hold no Python, which its code may read, each with its checksum.

    Beside a module that stands in no package, only those in its folder whose names are among `named`.
    """
    path = module_file(package)
    if path is None:
        return []
    folder = path.parent
    if path.name != "__init__.py" and "." not in package:
        found = [folder / name for name in named if "/" not in name and (folder / name).is_file()]
    else:
        found = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    kept = [path for path in found if path.suffix not in _NOT_DATA and path.name not in _WRITTEN]
    return [(path.relative_to(folder).as_posix(), digest_of_file(path)) for path in kept]


def forget_sources() -> None:
    """Forgets what was read, for a process in which the code on disk changes."""
    for cached in (source_of, module_file, compiled_file, digest_of_file):
        cached.cache_clear()
