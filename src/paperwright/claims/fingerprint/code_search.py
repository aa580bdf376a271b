"""The search for reached code: from a name to the statements that define it, and on to what they refer to.

It reads source and runs none. What is followed and what is not, and why, says `reached_code`.
"""

import builtins
from collections import deque
from collections.abc import Iterator
from typing import Final

from paperwright.claims.fingerprint.module_source import (
    ModuleSource,
    compiled_file,
    data_files,
    digest_of_file,
    module_file,
    source_of,
)
from paperwright.claims.fingerprint.statements import Call, Chain, Import, Statement

_READING: Final = ("cache", "catalogue", "embedded", "errors", "modules", "origin", "parquet", "stored")
_OUTSIDE: Final = (
    *(f"paperwright.{name}" for name in ("claims", "registry", "cards", "cli", "_lazy")),
    *(f"paperwright.data.{name}" for name in _READING),
)
_MADE_WHILE_RUNNING: Final = ("eval", "exec", "compile", "__import__")
_FINDING_CODE: Final = (
    "importlib.util.spec_from_file_location",
    "importlib.util.module_from_spec",
    "pkgutil.iter_modules",
    "pkgutil.walk_packages",
    "runpy.run_module",
    "runpy.run_path",
)
_FILES: Final = ("importlib.resources", "importlib_resources", "pkgutil.get_data")


class CodeNotFollowed(ValueError):
    """Code that a trial reaches cannot be followed; the message says where and why."""

    exit_code = 4


class Search:
    """What has been reached so far.

    Args:
        module: the module that states the claim; its package is ours, as paperwright is.
    """

    def __init__(self, module: str) -> None:
        self.own = {module.partition(".")[0]}
        self.libraries: set[str] = set()
        self.pieces: set[str] = set()
        self.reached: dict[tuple[str, int, str], Statement] = {}
        self.strings: set[str] = set()
        self.parts: set[str] = set()
        self.loads = False
        self._followed: set[tuple[str, str]] = set()
        self._joined: set[str] = set()
        self._effects: dict[tuple[str, str], list[Statement]] = {}
        self._todo: deque[Statement] = deque()

    def lines(self) -> Iterator[str]:
        """A line for each statement, and for each name that several statements define one with their order."""
        by_module: dict[str, list[Statement]] = {}
        for (module, _, _), statement in sorted(self.reached.items()):
            by_module.setdefault(module, []).append(statement)
        for module, statements in by_module.items():
            counts: dict[str, int] = {}
            for statement in statements:
                yield f"{module}:{statement.digest}"
                for name in statement.binds | {chain[0] for chain in statement.changes}:
                    counts[name] = counts.get(name, 0) + 1
            for name in (name for name, count in counts.items() if count > 1):
                order = [one.digest for one in statements if _runs_with(one, name)]
                yield f"{module}.{name}:{','.join(order)}"

    def run(self) -> None:
        """Follows what is still to be followed."""
        while self._todo:
            self._read(self._todo.popleft())

    # --- Names --------------------------------------------------------------------------------------------------------

    def is_ours(self, module: str) -> bool:
        top = module.partition(".")[0]
        return top == "paperwright" or top in self.own

    def settle(self, target: Import, chain: Chain) -> Import | None:
        """Where a name is defined: a module of ours with the symbol (None: the whole module); None if not with us."""
        tried = set()
        while self.is_ours(target.module) and not is_outside(target.module):
            if target.symbol is None:
                if not chain:
                    return target
                target, chain = Import(target.module, chain[0]), chain[1:]
            if target in tried:
                return Import(target.module)
            tried.add(target)
            further = self._further(target)
            if further is None:
                return target
            target = further
        if target.module == "paperwright.data.catalogue" and (target.symbol or "".join(chain[:1])) != "register":
            self.loads = True
        return None

    def _further(self, target: Import) -> Import | None:
        """Where a module has a symbol from; None if it is its own."""
        module, symbol = target.module, target.symbol or ""
        source = source_of(module)
        if source is None:
            if compiled := compiled_file(module):
                self.pieces.add(f"{module}:{digest_of_file(compiled)}")
            return None
        if symbol in source.defined:
            return None
        if symbol in source.imports:
            return source.imports[symbol]
        if module_file(f"{module}.{symbol}") or compiled_file(f"{module}.{symbol}"):
            return Import(f"{module}.{symbol}")
        if symbol in source.lazy:
            return source.lazy[symbol]
        for star in source.stars:
            if (found := self._in_star(star, symbol)) is not None:
                return found
        if symbol.startswith("__"):
            return None
        return Import(module, "__getattr__") if "__getattr__" in source.defined else Import(module)

    def _in_star(self, star: str, symbol: str) -> Import | None:
        """The symbol in a module that everything is imported from, if it hands it on."""
        source = source_of(star) if self.is_ours(star) else None
        if source is None:
            return None
        exports = source.exports
        if symbol.startswith("_") if exports is None else symbol not in exports:
            return None
        known = symbol in source.defined or symbol in source.imports or symbol in source.lazy
        deeper = (found for further in source.stars if (found := self._in_star(further, symbol)))
        return Import(star, symbol) if known else next(deeper, None)

    def follow(self, target: Import, chain: Chain = ()) -> str:
        """Follows a name that is imported, with attributes, to its definition; says what it stands for."""
        if not self.is_ours(target.module):
            self.libraries.add(target.module.partition(".")[0])
            return ".".join(filter(None, (target.module, target.symbol)))
        found = self.settle(target, chain)
        if found is None:
            return "outside"
        if found.symbol is None:
            self._follow_module(found.module)
        else:
            self.follow_symbol(found.module, found.symbol)
        return ".".join(filter(None, (found.module, found.symbol)))

    def _follow_module(self, module: str) -> None:
        """Every statement of a module, and all that it imports."""
        source = source_of(module)
        if source is None or module == "paperwright" or (module, "*") in self._followed:
            return
        self._followed.add((module, "*"))
        for statement in source.statements:
            if "__all__" not in statement.binds:
                self.reach(statement)
        for name, target in source.imports.items():
            self.pieces.add(f"{module}.{name}={self.follow(target)}")
        for star in source.stars:
            self.follow(Import(star))

    def follow_symbol(self, module: str, symbol: str) -> None:
        """The statements that define a symbol of a module or may change it."""
        if (module, symbol) in self._followed:
            return
        self._followed.add((module, symbol))
        if module == "paperwright.data":  # what stands there itself is the way into the catalogue
            self.loads |= symbol in ("load", "info")
            return
        source = source_of(module)
        if source is None:
            return
        for statement in source.binding.get(symbol, ()):
            self.reach(statement)
        if symbol in source.imports:
            self.follow(source.imports[symbol])
        for statement, call in source.handed.get(symbol, ()):
            if self._may_change(source, call, symbol):
                self.reach(statement)
        if symbol in source.variables and (changers := source.changers(symbol)):
            for statement in source.statements:
                if any(call.function[:1] and call.function[0] in changers for call in statement.calls):
                    self.reach(statement)
        for statement in self._effects.get((module, symbol), ()):
            self.reach(statement)

    def _may_change(self, source: ModuleSource, call: Call, symbol: str) -> bool:
        """Whether a call may change an argument of it: a call for its effect, or of one of ours that does so.

        A library's function whose value is kept is taken to leave its arguments alone.
        """
        if not call.function:
            return call.discarded
        root = call.function[0]
        if root not in source.defined and root not in source.imports:
            return call.discarded and not hasattr(builtins, root)
        target = Import(source.name, root) if root in source.defined else source.imports[root]
        if not self.is_ours(target.module):
            return call.discarded
        found = self.settle(target, call.function[1:] if root in source.imports else ())
        if found is None:
            return False
        theirs = source_of(found.module)
        if theirs is None or found.symbol is None or found.symbol in theirs.variables:
            return call.discarded
        definitions = theirs.binding.get(found.symbol, ())
        return any(one.changes_its_arguments for one in definitions)

    # --- Statements ---------------------------------------------------------------------------------------------------

    def reach(self, statement: Statement) -> None:
        key = (statement.module, statement.place, type(statement.node).__name__)
        if key not in self.reached:
            self.reached[key] = statement
            self._todo.append(statement)

    def _read(self, statement: Statement) -> None:
        """Follows what a statement refers to."""
        source = source_of(statement.module)
        if source is None:
            return
        self.join(statement.module)
        references = statement.references
        self.strings |= references.strings
        self.parts |= references.parts
        libraries = set()
        for chain in references.names:
            root = chain[0]
            if root in source.defined:
                self.follow_symbol(source.name, root)
            elif root in source.imports:
                stands_for = self.follow(source.imports[root], chain[1:])
                self.pieces.add(f"{source.name}.{root}={stands_for}")
                libraries.add(".".join((stands_for, *chain[1:])))
            else:
                self._read_other(statement, source, root)
        for target, chain in references.imported:
            libraries.add(".".join((self.follow(target, chain), *chain)))
        for target in references.imports:
            self._join_import(target)
        self._refuse_unknown(statement, source, libraries)

    def _read_other(self, statement: Statement, source: ModuleSource, root: str) -> None:
        """A name that the module neither defines nor imports by name: from an `import *`, or a builtin."""
        for star in source.stars:
            if (found := self._in_star(star, root)) is not None:
                self.follow(found)
                return
        if root in _MADE_WHILE_RUNNING:
            raise _not_followed(statement, f"{root}() runs code that is made while it runs", "Write the code itself")
        if root == "globals":
            self._follow_module(source.name)
        elif root in ("__file__", "__path__", "__spec__"):
            self._add_files(statement)
        elif not hasattr(builtins, root):  # a library's `import *`
            self.libraries |= {star.partition(".")[0] for star in source.stars if not self.is_ours(star)}

    def _refuse_unknown(self, statement: Statement, source: ModuleSource, libraries: set[str]) -> None:
        """Looks at what a statement asks of the libraries that find code and files."""
        if subclasses := [chain for chain in statement.references.names if chain[-1] == "__subclasses__"]:
            libraries |= {".".join(chain) for chain in subclasses}
        for name in libraries:
            if name in _FINDING_CODE or name.endswith(".__subclasses__"):
                raise _not_followed(statement, f"{name} finds code while it runs", "Import the modules by name")
            if name.startswith(_FILES):
                self._add_files(statement)
            if name == "sys.modules" and ("__name__",) in statement.references.names:
                self._follow_module(source.name)
            if name == "importlib.import_module":
                self._follow_import_module(statement)

    def _follow_import_module(self, statement: Statement) -> None:
        calls = [call for chain, call in statement.references.calls if chain[-1] == "import_module"]
        for call in calls:
            name = getattr(call.args[0], "value", None) if call.args else None
            if not isinstance(name, str):
                break
            above = statement.module if statement.is_package else statement.module.rpartition(".")[0]
            dots = len(name) - len(name.lstrip("."))
            for _ in range(dots - 1):
                above = above.rpartition(".")[0]
            self._join_import(Import(f"{above}.{name.lstrip('.')}" if dots else name))
            self.follow(Import(f"{above}.{name.lstrip('.')}" if dots else name))
        else:
            if calls:
                return
        raise _not_followed(
            statement, "importlib.import_module(...) has a name that only the run knows", "Import the module by name"
        )

    def _add_files(self, statement: Statement) -> None:
        """The files that are not Python in the package of a statement, and in those that it names."""
        named = {text for text in statement.references.strings if self.is_ours(text) and module_file(text)}
        for module in {statement.module, *named}:
            top = module.partition(".")[0]
            package = module if top == "paperwright" else top
            self.pieces |= {f"{package}/{name}:{found}" for name, found in data_files(package, self.strings)}

    # --- What runs when a module is imported --------------------------------------------------------------------------

    def _join_import(self, target: Import) -> None:
        self.join(target.module)
        if target.symbol is not None:
            self.join(f"{target.module}.{target.symbol}")

    def join(self, module: str) -> None:
        """Takes note of what importing a module changes elsewhere, with all that it imports."""
        todo = [module]
        while todo:
            module = todo.pop()
            if module in self._joined or not module or not self.is_ours(module) or is_outside(module):
                continue
            self._joined.add(module)
            todo.append(module.rpartition(".")[0])
            source = source_of(module)
            if source is None:
                continue
            todo += source.stars
            for target in source.imports.values():
                todo += [target.module, f"{target.module}.{target.symbol}"] if target.symbol else [target.module]
            for statement in source.statements:
                if statement.calls or statement.changes:
                    self._note_effects(source, statement)

    def _note_effects(self, source: ModuleSource, statement: Statement) -> None:
        for chain in statement.changes:
            if chain[0] in source.imports and chain[0] not in source.defined:
                self._note_change(statement, source.imports[chain[0]], chain)
        for call in statement.calls:
            if not call.function:
                continue
            root = call.function[0]
            if root in source.imports and root not in source.defined:
                self._note_call(source, statement, call, source.imports[root])
            elif call.discarded and root in source.defined - source.variables and not source.changed_by(root):
                self.reach(statement)

    def _note_change(self, statement: Statement, target: Import, chain: Chain) -> None:
        """A statement changes something that it imported. What it merely calls is looked at by `_note_call`."""
        if not self.is_ours(target.module):
            if chain in statement.sets:
                self.reach(statement)
            return
        found = self.settle(target, chain[1:])
        if found is not None and (found.symbol is not None or chain in statement.sets):
            self._note(statement, found)

    def _note_call(self, source: ModuleSource, statement: Statement, call: Call, target: Import) -> None:
        """A statement calls something that it imported."""
        if not self.is_ours(target.module):
            if call.discarded and not self._note_arguments(source, statement, call):
                self.reach(statement)
            return
        found = self.settle(target, call.function[1:])
        theirs = source_of(found.module) if found is not None else None
        if found is None or theirs is None or found.symbol is None:
            return
        changed = theirs.changed_by(found.symbol)
        for variable in changed:
            self._note(statement, Import(found.module, variable))
        if call.discarded and not changed and not self._note_arguments(source, statement, call):
            self.reach(statement)

    def _note_arguments(self, source: ModuleSource, statement: Statement, call: Call) -> bool:
        """Whether a call for its effect is about functions or classes, so that its effect is theirs."""
        about = False
        for name in call.arguments:
            found = Import(source.name, name) if name in source.defined else None
            if found is None and name in source.imports and self.is_ours(source.imports[name].module):
                found = self.settle(source.imports[name], ())
            theirs = source_of(found.module) if found is not None else None
            if found is not None and theirs is not None and found.symbol in theirs.defined - theirs.variables:
                about = True
                self._note(statement, found)
        return about

    def _note(self, statement: Statement, target: Import) -> None:
        """A statement changes a symbol: it counts if the symbol does."""
        if target.symbol is None:
            self.reach(statement)
            return
        key = (target.module, target.symbol)
        self._effects.setdefault(key, []).append(statement)
        if key in self._followed:
            self.reach(statement)


def is_outside(module: str) -> bool:
    return any(module == outside or module.startswith(f"{outside}.") for outside in _OUTSIDE)


def _runs_with(statement: Statement, name: str) -> bool:
    """Whether a statement defines or changes a name, or uses it when the module is imported."""
    if name in statement.binds or any(chain[0] == name for chain in statement.changes):
        return True
    return not statement.is_definition and any(chain[0] == name for chain in statement.references.names)


def _not_followed(statement: Statement, what: str, instead: str) -> CodeNotFollowed:
    return CodeNotFollowed(
        f"{statement.module}, line {statement.line}: {what}; expected code that can be followed. {instead}"
    )
