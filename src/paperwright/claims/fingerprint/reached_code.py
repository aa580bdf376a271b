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
import dataclasses
import enum
import functools
import inspect
import types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from paperwright.claims.claim import Claim
from paperwright.claims.fingerprint.code_search import CodeNotFollowed, Search, is_outside
from paperwright.claims.fingerprint.module_source import forget_sources, source_of
from paperwright.claims.fingerprint.statements import Import, Statement
from paperwright.claims.fingerprint.syntax import digest, walk

_SHORTEST_PART: Final = 3
"""A text shorter than this is not taken for a part of a data set's name."""


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
    search = _Reached(module)
    search.follow_trial(trial)
    for value in values:
        search.follow_value(value)
    search.run()
    return search.code()


class _Reached(Search):
    """The code that a trial and the values that it is handed are made of."""

    def __init__(self, module: str) -> None:
        super().__init__(module)
        self._values: set[int] = set()
        self._kept: list[object] = []
        self._sets: set[str] = set()

    def code(self) -> Code:
        text = "\n".join(sorted({*self.pieces, *self.lines()}))
        modules = frozenset(module for module, _, _ in self.reached)
        return Code(digest(text), frozenset(self.libraries), modules, len(self.reached))

    def run(self) -> None:
        """Follows what is still to be followed, with the data sets that it loads."""
        super().run()
        while self._add_sets():
            super().run()

    def follow_trial(self, trial: Any) -> None:
        """Follows the trial of a claim, which must be code of ours or of its author."""
        if isinstance(trial, functools.partial):
            self.follow_trial(trial.func)
            self._follow_bound(trial)
        elif inspect.isroutine(bare := inspect.unwrap(trial)) and not _is_python(bare):
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
            self._follow_wrapped(value)
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
        if not self.is_ours(module):
            self.libraries.add(module.partition(".")[0])
            return
        if is_outside(module):
            return
        source = source_of(module)
        name = qualified.partition(".")[0]
        if source is None or name not in source.defined:
            self._add_text(value)
            return
        self.join(module)
        self.follow_symbol(module, name)

    def _follow_wrapped(self, function: Any) -> None:
        """A function, and those of ours that it is wrapped in; not the wrappers of libraries, such as type checkers."""
        while hasattr(function, "__wrapped__"):
            if _is_python(function) and self.is_ours(function.__globals__.get("__name__", "")):
                self._follow_function(function)
            function = function.__wrapped__
        self._follow_function(function)

    def _follow_function(self, function: Any) -> None:
        module = function.__globals__.get("__name__", "")  # `functools.wraps` alters `__module__`
        for cell in function.__closure__ or ():
            try:
                content = cell.cell_contents
            except ValueError:  # a name that was never given a value
                continue
            self.follow_value(content)
            self.pieces.add(f"{module}.{function.__qualname__}:{described(content)}")
        if module and not self.is_ours(module):
            self.libraries.add(module.partition(".")[0])
            return
        if is_outside(module):
            return
        source = source_of(module) if module else None
        statement = source.at_line(function.__code__.co_firstlineno) if source is not None else None
        if source is None or statement is None or function.__code__.co_filename.startswith("<"):
            self._add_text(function)
            return
        self.join(module)
        found = _lambda_in(statement, function) if function.__name__ == "<lambda>" else None
        self.reach(found or statement)
        for name in statement.binds if found is None else ():
            if len(source.binding[name]) == 1 or statement.node.__class__.__name__ != "FunctionDef":
                self.follow_symbol(module, name)

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


def forget() -> None:
    """Forgets what was read, for a process in which the code on disk changes."""
    forget_sources()
