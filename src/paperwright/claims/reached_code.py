"""The code that a trial can reach, as a fingerprint.

It is followed by definition, not by file: the trial's own statement, and whatever it refers to in its own package and
on paperwright's ground floor, in turn, through re-exports, `import *`, lazy `__init__` files and imports in functions.
A name's definition is every top-level statement that gives it a value or may change it: `TABLE[..] = ..`,
`LIST.append(..)`, `Class.attribute = ..`, a loop around these, a call that it is handed to, a call or decorator of a
function that changes it, in its own module or in any that is imported with it. A statement whose effect lies outside
the package (`np.random.seed(0)`) counts as soon as its module is imported. So a changed function leaves the evidence
alone of all that do not reach it. A module whose attributes are asked for by a variable (`getattr(module, name)`)
counts whole.

Reached code that mentions `__file__`, `importlib.resources` or `pkgutil.get_data` may read files: then all files of the
package that are not Python count (the room's, or the folder of the ground floor), but for the card and the evidence.

Comments, docstrings and layout do not count, nor do the versions of Python matter. Two things stay outside. The engine:
it measures, and does not enter the numbers. And how `paperwright.data` finds, decodes, checks and keeps files: the
checksum of what a claim `needs` stands in the context beside this fingerprint. What `data.load` makes or puts together
itself counts, for each set that the reached code can name.

Code that cannot be followed (`eval`, `import_module(variable)`, a trial without source) is refused.
"""

import ast
import builtins
import dataclasses
import enum
import functools
import inspect
import types
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from paperwright.claims.claim import Claim
from paperwright.claims.module_source import (
    ModuleSource,
    compiled_file,
    data_files,
    digest_of_file,
    forget_sources,
    module_file,
    source_of,
)
from paperwright.claims.statements import Call, Chain, Import, Statement
from paperwright.claims.syntax import digest, walk

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
_SHORTEST_PART: Final = 3
"""A text shorter than this is not taken for a part of a data set's name."""


class CodeNotFollowed(ValueError):
    """Code that a trial reaches cannot be followed; the message says where and why."""

    exit_code = 4


@dataclass(frozen=True)
class Code:
    """The code that a trial reaches.

    Attributes:
        fingerprint: changes when that code does.
        libraries: the third-party modules that it imports by name.
        modules: the modules of the package and of the ground floor that it lies in.
        definitions: how many top-level statements it is made of.
    """

    fingerprint: str
    libraries: frozenset[str]
    modules: frozenset[str] = frozenset()
    definitions: int = 0


def code_of(module: str, trial: Any, values: Iterable[object] = ()) -> Code:
    """The code that a trial can reach.

    Args:
        module: the module that states the claim.
        trial: the trial, a function or partial or callable object; or its claim.
        values: what it is handed, such as the values of the arms and the budgets' settings. Functions, classes and
            objects among them, also within containers and dataclasses, are followed as the trial is; plain values do
            not count (they are part of the claim), but for the names of data sets among them.

    Raises:
        CodeNotFollowed: some of it cannot be followed.
    """
    if isinstance(trial, Claim):
        budgets = trial.budgets.values()
        settings = [[*budget.arms.values(), dict(budget.config)] for budget in budgets]
        values, trial = [*trial.arms.values(), *settings, *values], trial.trial
    search = _Search(module)
    search.follow_trial(trial)
    for value in values:
        search.follow_value(value)
    search.run()
    return search.code()


class _Search:
    """What has been reached so far."""

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
        self._values: set[int] = set()
        self._kept: list[object] = []
        self._sets: set[str] = set()

    def code(self) -> Code:
        text = "\n".join(sorted({*self.pieces, *self._statements()}))
        modules = frozenset(module for module, _, _ in self.reached)
        return Code(digest(text), frozenset(self.libraries), modules, len(self.reached))

    def _statements(self) -> Iterator[str]:
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
        while self._todo or self._add_sets():
            while self._todo:
                self._read(self._todo.popleft())

    # --- Names --------------------------------------------------------------------------------------------------------

    def _is_ours(self, module: str) -> bool:
        top = module.partition(".")[0]
        return top == "paperwright" or top in self.own

    def settle(self, target: Import, chain: Chain) -> Import | None:
        """Where a name is defined: a module of ours with the symbol (None: the whole module); None if not with us."""
        tried = set()
        while self._is_ours(target.module) and not _is_outside(target.module):
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
        source = source_of(star) if self._is_ours(star) else None
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
        if not self._is_ours(target.module):
            self.libraries.add(target.module.partition(".")[0])
            return ".".join(filter(None, (target.module, target.symbol)))
        found = self.settle(target, chain)
        if found is None:
            return "outside"
        if found.symbol is None:
            self._follow_module(found.module)
        else:
            self._follow_symbol(found.module, found.symbol)
        return ".".join(filter(None, (found.module, found.symbol)))

    def _follow_module(self, module: str) -> None:
        """Every statement of a module, and all that it imports."""
        source = source_of(module)
        if source is None or module == "paperwright" or (module, "*") in self._followed:
            return
        self._followed.add((module, "*"))
        for statement in source.statements:
            if "__all__" not in statement.binds:
                self._reach(statement)
        for name, target in source.imports.items():
            self.pieces.add(f"{module}.{name}={self.follow(target)}")
        for star in source.stars:
            self.follow(Import(star))

    def _follow_symbol(self, module: str, symbol: str) -> None:
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
            self._reach(statement)
        if symbol in source.imports:
            self.follow(source.imports[symbol])
        for statement, call in source.handed.get(symbol, ()):
            if self._may_change(source, call, symbol):
                self._reach(statement)
        if symbol in source.variables and (changers := source.changers(symbol)):
            for statement in source.statements:
                if any(call.function[:1] and call.function[0] in changers for call in statement.calls):
                    self._reach(statement)
        for statement in self._effects.get((module, symbol), ()):
            self._reach(statement)

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
        if not self._is_ours(target.module):
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

    def _reach(self, statement: Statement) -> None:
        key = (statement.module, statement.place, type(statement.node).__name__)
        if key not in self.reached:
            self.reached[key] = statement
            self._todo.append(statement)

    def _read(self, statement: Statement) -> None:
        """Follows what a statement refers to."""
        source = source_of(statement.module)
        if source is None:
            return
        self._join(statement.module)
        references = statement.references
        self.strings |= references.strings
        self.parts |= references.parts
        libraries = set()
        for chain in references.names:
            root = chain[0]
            if root in source.defined:
                self._follow_symbol(source.name, root)
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
            self.libraries |= {star.partition(".")[0] for star in source.stars if not self._is_ours(star)}

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
        named = {text for text in statement.references.strings if self._is_ours(text) and module_file(text)}
        for module in {statement.module, *named}:
            top = module.partition(".")[0]
            package = module if top == "paperwright" else top
            self.pieces |= {f"{package}/{name}:{found}" for name, found in data_files(package, self.strings)}

    # --- What runs when a module is imported --------------------------------------------------------------------------

    def _join_import(self, target: Import) -> None:
        self._join(target.module)
        if target.symbol is not None:
            self._join(f"{target.module}.{target.symbol}")

    def _join(self, module: str) -> None:
        """Takes note of what importing a module changes elsewhere, with all that it imports."""
        todo = [module]
        while todo:
            module = todo.pop()
            if module in self._joined or not module or not self._is_ours(module) or _is_outside(module):
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
                self._reach(statement)

    def _note_change(self, statement: Statement, target: Import, chain: Chain) -> None:
        """A statement changes something that it imported. What it merely calls is looked at by `_note_call`."""
        if not self._is_ours(target.module):
            if chain in statement.sets:
                self._reach(statement)
            return
        found = self.settle(target, chain[1:])
        if found is not None and (found.symbol is not None or chain in statement.sets):
            self._note(statement, found)

    def _note_call(self, source: ModuleSource, statement: Statement, call: Call, target: Import) -> None:
        """A statement calls something that it imported."""
        if not self._is_ours(target.module):
            if call.discarded and not self._note_arguments(source, statement, call):
                self._reach(statement)
            return
        found = self.settle(target, call.function[1:])
        theirs = source_of(found.module) if found is not None else None
        if found is None or theirs is None or found.symbol is None:
            return
        changed = theirs.changed_by(found.symbol)
        for variable in changed:
            self._note(statement, Import(found.module, variable))
        if call.discarded and not changed and not self._note_arguments(source, statement, call):
            self._reach(statement)

    def _note_arguments(self, source: ModuleSource, statement: Statement, call: Call) -> bool:
        """Whether a call for its effect is about functions or classes, so that its effect is theirs."""
        about = False
        for name in call.arguments:
            found = Import(source.name, name) if name in source.defined else None
            if found is None and name in source.imports and self._is_ours(source.imports[name].module):
                found = self.settle(source.imports[name], ())
            theirs = source_of(found.module) if found is not None else None
            if found is not None and theirs is not None and found.symbol in theirs.defined - theirs.variables:
                about = True
                self._note(statement, found)
        return about

    def _note(self, statement: Statement, target: Import) -> None:
        """A statement changes a symbol: it counts if the symbol does."""
        if target.symbol is None:
            self._reach(statement)
            return
        key = (target.module, target.symbol)
        self._effects.setdefault(key, []).append(statement)
        if key in self._followed:
            self._reach(statement)

    # --- Values -------------------------------------------------------------------------------------------------------

    def follow_trial(self, trial: Any) -> None:
        """Follows the trial of a claim, which must be code of ours or of its author."""
        if isinstance(trial, functools.partial):
            self.follow_trial(trial.func)
            self._follow_bound(trial)
        elif inspect.isroutine(trial) and not _is_python(trial):
            raise CodeNotFollowed(
                f"the trial is {trial!r}; expected a function whose source can be read. Define one that calls it"
            )
        else:
            function = inspect.unwrap(trial)
            home = (function if _is_python(function) else type(function)).__module__ or ""
            self.own.add(home.partition(".")[0])
            self.follow_value(trial)
            if not isinstance(function, types.FunctionType):
                self.pieces.add(described(getattr(trial, "__self__", trial)))

    def _follow_bound(self, partial: Any) -> None:
        for value in (*partial.args, *partial.keywords.values()):
            self.follow_value(value)
        self.pieces.add(f"bound:{described(partial.args)},{described(partial.keywords)}")

    def follow_value(self, value: object) -> None:
        """Follows the functions and classes that a value is made of."""
        if value is None or isinstance(value, bool | int | float | complex | bytes):
            return
        if isinstance(value, str):
            self.strings.add(value)
            return
        if id(value) in self._values:
            return
        self._values.add(id(value))
        self._kept.append(value)  # so that no other value gets its id
        if isinstance(value, functools.partial):
            self.follow_value(value.func)
            self._follow_bound(value)
        elif isinstance(value, types.MethodType):
            self.follow_value(value.__func__)
            self.follow_value(value.__self__)
        elif isinstance(value, type):
            self._follow_named(value, value.__qualname__)
        elif callable(value) and _is_python(inspect.unwrap(value)):
            self._follow_function(inspect.unwrap(value))
        elif isinstance(value, types.ModuleType):
            self.follow(Import(value.__name__))
        else:
            self._follow_parts(value)

    def _follow_parts(self, value: Any) -> None:
        """The class of an object, and what it holds."""
        if isinstance(value, Mapping):
            parts: Iterable[object] = [*value.keys(), *value.values()]
        elif isinstance(value, list | tuple | set | frozenset):
            parts = value
        elif isinstance(value, enum.Enum):
            parts = ()
        else:
            parts = _fields_of(value).values()
        for part in parts:
            self.follow_value(part)
        if inspect.isroutine(value):  # a function of a library, in C
            self._follow_named(value, getattr(value, "__name__", ""))
        else:
            self.follow_value(type(value))

    def _follow_named(self, value: Any, qualified: str) -> None:
        module = getattr(value, "__module__", None) or ""
        if not module or module == "builtins":
            return
        if not self._is_ours(module):
            self.libraries.add(module.partition(".")[0])
            return
        if _is_outside(module):
            return
        source = source_of(module)
        name = qualified.partition(".")[0]
        if source is None or name not in source.defined:
            self._add_text(value)
            return
        self._join(module)
        self._follow_symbol(module, name)

    def _follow_function(self, function: Any) -> None:
        module = function.__module__ or ""
        for cell in function.__closure__ or ():
            try:
                content = cell.cell_contents
            except ValueError:  # a name that was never given a value
                continue
            self.follow_value(content)
            self.pieces.add(f"{module}.{function.__qualname__}:{described(content)}")
        if module and not self._is_ours(module):
            self.libraries.add(module.partition(".")[0])
            return
        if _is_outside(module):
            return
        source = source_of(module) if module else None
        statement = source.at_line(function.__code__.co_firstlineno) if source is not None else None
        if source is None or statement is None or function.__code__.co_filename.startswith("<"):
            self._add_text(function)
            return
        self._join(module)
        found = _lambda_in(statement, function) if function.__name__ == "<lambda>" else None
        self._reach(found or statement)
        for name in statement.binds if found is None else ():
            if len(source.binding[name]) == 1 or statement.node.__class__.__name__ != "FunctionDef":
                self._follow_symbol(module, name)

    def _add_text(self, value: Any) -> None:
        """Code typed into a session: its text is all there is to go by."""
        try:
            self.pieces.add(digest(inspect.getsource(value)))
        except (OSError, TypeError):
            name = getattr(value, "__qualname__", repr(value))
            raise CodeNotFollowed(
                f"the code of {name} is not in a file; expected code whose source can be read. Define it in the room"
            ) from None

    # --- Data sets ----------------------------------------------------------------------------------------------------

    def _add_sets(self) -> bool:
        """Follows what `data.load` makes itself, for each set that the code can name; whether any was new."""
        if not self.loads:
            return False
        from paperwright import data
        from paperwright.data.catalogue import entry

        names = [name for name in data.names() if self._can_name(name)] or data.names()
        new = [name for name in names if name not in self._sets]
        for name in new:
            self._sets.add(name)
            made = entry(name)
            facts = made.info
            self.pieces.add(f"{name}:{facts.shape},{sorted(facts.sizes.items())},{facts.classes}")
            if isinstance(made, data.Embedded):
                self.follow_value(made.make)
            elif isinstance(made, data.Stored):
                self.follow_value(made.present)
            else:
                self.follow_value(type(made))
        return bool(self._todo)

    def _can_name(self, name: str) -> bool:
        joined = (part for part in self.parts if len(part) >= _SHORTEST_PART)
        return name in self.strings or any(part in name for part in joined)


def described(value: object) -> str:
    """A value as text that is the same in every process: functions and classes by name, objects by what they hold.

    Raises:
        CodeNotFollowed: it holds something of which there is no such text.
    """
    if isinstance(value, functools.partial):
        return f"partial({described(value.func)},{described(value.args)},{described(value.keywords)})"
    if isinstance(value, Mapping):
        items = sorted(f"{described(key)}:{described(item)}" for key, item in value.items())
        return f"{{{','.join(items)}}}"
    if isinstance(value, set | frozenset):
        return f"{{{','.join(sorted(map(described, value)))}}}"
    if isinstance(value, list | tuple):
        return f"({','.join(map(described, value))})"
    if isinstance(value, types.ModuleType):
        return value.__name__
    if isinstance(value, type) or inspect.isroutine(value):
        return f"{value.__module__}.{value.__qualname__}"
    if hasattr(value, "tobytes") and hasattr(value, "dtype"):
        return f"{value.dtype}:{digest(value.tobytes())}"
    if dataclasses.is_dataclass(value) or (hasattr(value, "__dict__") and not isinstance(value, enum.Enum)):
        return f"{type(value).__qualname__}{described(_fields_of(value))}"
    text = repr(value)
    if " at 0x" in text:
        raise CodeNotFollowed(
            f"a trial is bound to {text}; expected plain values, functions and dataclasses. Make it within the trial"
        )
    return text


def _fields_of(value: object) -> dict[str, Any]:
    """What an object holds by name; nothing for one of a library that is no dataclass."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return dict(getattr(value, "__dict__", {})) if not inspect.isroutine(value) else {}


def _is_python(value: Any) -> bool:
    return isinstance(value, types.FunctionType | types.MethodType)


def _is_outside(module: str) -> bool:
    return any(module == outside or module.startswith(f"{outside}.") for outside in _OUTSIDE)


def _runs_with(statement: Statement, name: str) -> bool:
    """Whether a statement defines or changes a name, or uses it when the module is imported."""
    if name in statement.binds or any(chain[0] == name for chain in statement.changes):
        return True
    return not statement.is_definition and any(chain[0] == name for chain in statement.references.names)


def _lambda_in(statement: Statement, function: Any) -> Statement | None:
    """The lambda that a function was made from, alone, if its statement has one that is certainly it."""
    places = {(position[0], position[2]) for position in function.__code__.co_positions()}
    found = [
        node
        for node in walk(statement.node)
        if isinstance(node, ast.Lambda)
        and node.lineno == function.__code__.co_firstlineno
        and (node.body.lineno, node.body.col_offset) in places
    ]
    if len(found) != 1:
        return None
    return Statement(found[0], statement.module, statement.place, is_package=statement.is_package)


def _not_followed(statement: Statement, what: str, instead: str) -> CodeNotFollowed:
    return CodeNotFollowed(
        f"{statement.module}, line {statement.line}: {what}; expected code that can be followed. {instead}"
    )


def forget() -> None:
    """Forgets what was read, for a process in which the code on disk changes."""
    forget_sources()
