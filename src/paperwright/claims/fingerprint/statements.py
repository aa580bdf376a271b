"""What a top-level statement of a module defines, changes and refers to, read off its tree without running it."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from paperwright.claims.fingerprint.syntax import canonical, children, digest, is_docstring, walk

Chain = tuple[str, ...]
"""A name and the attributes asked of it: `data.graphs.barbell` is ("data", "graphs", "barbell")."""

_MUTATORS = frozenset(
    {
        *("add", "append", "appendleft", "clear", "difference_update", "discard", "extend", "extendleft", "insert"),
        *("intersection_update", "pop", "popitem", "popleft", "register", "remove", "reverse", "rotate"),
        *("setdefault", "sort", "subtract", "symmetric_difference_update", "update"),
    }
)
"""Methods that change what they are called on, whether or not their value is kept."""
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_NAMING = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.ExceptHandler, ast.MatchAs, ast.MatchStar)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True)
class Import:
    """`import module`, or `from module import symbol`; `module` is absolute."""

    module: str
    symbol: str | None = None


@dataclass(frozen=True)
class Call:
    """A call that runs when a module is imported.

    Attributes:
        function: the function's name with its attributes; empty if it is no name.
        arguments: the names that its arguments refer to.
        discarded: whether its value is thrown away, so that it is there for its effect.
    """

    function: Chain
    arguments: frozenset[str]
    discarded: bool


@dataclass
class References:
    """What a piece of code refers to.

    Attributes:
        names: the chains that start at a name of the module or a builtin.
        imported: the chains that start at an import within a function.
        imports: the imports within functions.
        strings: its string constants, without docstrings.
        parts: those of them that are joined to others.
        calls: the calls whose function is a name, with their arguments.
    """

    names: set[Chain] = field(default_factory=set)
    imported: set[tuple[Import, Chain]] = field(default_factory=set)
    imports: set[Import] = field(default_factory=set)
    strings: set[str] = field(default_factory=set)
    parts: set[str] = field(default_factory=set)
    calls: list[tuple[Chain, ast.Call]] = field(default_factory=list)


class Statement:
    """A top-level statement of a module.

    Args:
        node: its tree; for a lambda, that alone.
        module: the module's name.
        place: its number in the module.
        is_package: whether the module is a package's `__init__`.
    """

    def __init__(self, node: ast.AST, module: str, place: int, *, is_package: bool) -> None:
        self.line = min([getattr(node, "lineno", 1), *(one.lineno for one in getattr(node, "decorator_list", ()))])
        self.node = _without_trial(node)
        self.module = module
        self.place = place
        self.is_package = is_package

    @property
    def end_line(self) -> int:
        return int(getattr(self.node, "end_lineno", None) or self.line)

    @property
    def is_definition(self) -> bool:
        """Whether it is a function or a class."""
        return isinstance(self.node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)

    @cached_property
    def digest(self) -> str:
        return digest(canonical(self.node))

    @cached_property
    def imports(self) -> Mapping[str, Import]:
        """The names that it imports into the module."""
        found = (node for node in _run_at_import(self.node) if isinstance(node, ast.Import | ast.ImportFrom))
        return {name: target for node in found for name, target in self._import(node)}

    @cached_property
    def stars(self) -> tuple[str, ...]:
        """The modules that it imports everything from."""
        found = (node for node in _run_at_import(self.node) if isinstance(node, ast.ImportFrom))
        return tuple(self._source(node) for node in found if any(alias.name == "*" for alias in node.names))

    @cached_property
    def binds(self) -> frozenset[str]:
        """The names that it gives a value, imports left out."""
        if isinstance(self.node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return frozenset({self.node.name})
        if isinstance(self.node, ast.Import | ast.ImportFrom):
            return frozenset()
        return frozenset(_stored(_run_at_import(self.node)))

    @cached_property
    def sets(self) -> frozenset[Chain]:
        """What it sets parts of when the module is imported: `TABLE[..] = ..`, `Class.x = ..`, `setattr(x, ..)`."""
        return frozenset(_set_within(_run_at_import(self.node)))

    @cached_property
    def changes(self) -> frozenset[Chain]:
        """What it changes in place when the module is imported: what it sets parts of, and `LIST.append(..)`."""
        return self.sets | frozenset(_called_on(_run_at_import(self.node)))

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        """What it calls when the module is imported, decorators and base classes with them."""
        found = []
        nodes = list(_run_at_import(self.node))
        discarded = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
        for node in nodes:
            if isinstance(node, ast.Call):
                given = [*node.args, *(keyword.value for keyword in node.keywords)]
                names = frozenset(name.id for one in given for name in walk(one) if isinstance(name, ast.Name))
                found.append(Call(chain_of(node.func), names, id(node) in discarded))
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found += [
                    Call(chain_of(one), frozenset({node.name}), False)
                    for one in (*node.decorator_list, *getattr(node, "bases", ()))
                    if not isinstance(one, ast.Call)
                ]
        return tuple(found)

    @cached_property
    def changed_when_called(self) -> frozenset[str]:
        """Of a function or class: the names outside it that calling it may change."""
        declared = {name for node in walk(self.node) if isinstance(node, ast.Global) for name in node.names}
        return frozenset((self._changed_within - self._local) | declared) if self.is_definition else frozenset()

    @cached_property
    def changes_its_arguments(self) -> bool:
        """Whether calling a function or class may change what it is given."""
        scopes = (node.args for node in walk(self.node) if isinstance(node, _SCOPES))
        arguments = {one.arg for scope in scopes for one in _all_arguments(scope)} - {"self", "cls"}
        return self.is_definition and bool(self._changed_within & arguments)

    @cached_property
    def _changed_within(self) -> set[str]:
        nodes = walk(self.node)
        return {chain[0] for chain in (*_set_within(nodes), *_called_on(nodes))}

    @property
    def _local(self) -> set[str]:
        scopes = [node for node in walk(self.node) if isinstance(node, _SCOPES)]
        arguments = {one.arg for scope in scopes for one in _all_arguments(scope.args)}
        return arguments | {name for scope in scopes for name in _stored(_within(scope))}

    @cached_property
    def references(self) -> References:
        """What it refers to, in the bodies of functions too; a function's own names hide the module's."""
        found = References()
        self._read(self.node, {}, found)
        return found

    def _read(self, node: ast.AST, hidden: Mapping[str, Import | None], found: References) -> None:
        if isinstance(node, ast.Attribute | ast.Name):
            self._read_chain(node, hidden, found)
        elif isinstance(node, ast.Constant):
            if isinstance(node.value, str):
                found.strings.add(node.value)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            self._read_function(node, hidden, found)
        elif isinstance(node, _COMPREHENSIONS):
            targets = _stored(one for part in node.generators for one in walk(part.target))
            self._read_all(children(node), {**hidden, **dict.fromkeys(targets)}, found)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found.imports |= {target for _, target in self._import(node)}
        elif not is_docstring(node):
            found.parts |= _joined_texts(node)
            if isinstance(node, ast.Call):
                chain = chain_of(node.func)
                if chain and chain[0] not in hidden:
                    found.calls.append((chain, node))
                elif chain and (target := hidden[chain[0]]) is not None:
                    found.calls.append(((*target.module.split("."), *filter(None, [target.symbol]), *chain[1:]), node))
            self._read_all(children(node), hidden, found)

    def _read_all(self, nodes: Iterable[ast.AST], hidden: Mapping[str, Import | None], found: References) -> None:
        for node in nodes:
            self._read(node, hidden, found)

    def _read_chain(
        self, node: ast.Attribute | ast.Name, hidden: Mapping[str, Import | None], found: References
    ) -> None:
        chain = chain_of(node)
        if not chain:
            self._read_all(children(node), hidden, found)
        elif chain[0] not in hidden:
            found.names.add(chain)
        elif (target := hidden[chain[0]]) is not None:
            found.imported.add((target, chain[1:]))

    def _read_function(self, node: Any, hidden: Mapping[str, Import | None], found: References) -> None:
        """A function: its defaults and decorators belong outside, its own names hide those outside."""
        body = node.body if isinstance(node.body, list) else [node.body]
        outside = [*getattr(node, "decorator_list", ()), *node.args.defaults, *filter(None, node.args.kw_defaults)]
        arguments = list(_all_arguments(node.args))
        outside += [one.annotation for one in arguments if one.annotation is not None]
        outside += [node.returns] if getattr(node, "returns", None) is not None else []
        self._read_all(outside, hidden, found)
        within = list(_within(node))
        declared = {name for one in within if isinstance(one, ast.Global) for name in one.names}
        local: dict[str, Import | None] = dict.fromkeys([one.arg for one in arguments])
        local |= dict.fromkeys(_stored(within) - declared)
        for one in within:
            if isinstance(one, ast.Import | ast.ImportFrom):
                local |= dict(self._import(one))
        self._read_all(body, {**hidden, **local}, found)

    def _import(self, node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, Import]]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                yield (alias.asname, Import(alias.name)) if alias.asname else (top, Import(top))
        else:
            source = self._source(node)
            yield from (
                (alias.asname or alias.name, Import(source, alias.name)) for alias in node.names if alias.name != "*"
            )

    def _source(self, node: ast.ImportFrom) -> str:
        return absolute(node.module or "", node.level, self.module, is_package=self.is_package)


def absolute(name: str, level: int, module: str, *, is_package: bool) -> str:
    """The absolute name of a module that `module` imports with `level` dots."""
    if not level:
        return name
    base = module if is_package else module.rpartition(".")[0]
    for _ in range(level - 1):
        base = base.rpartition(".")[0]
    return ".".join(filter(None, (base, name)))


def chain_of(node: ast.AST) -> Chain:
    """A name with its attributes; empty for anything else."""
    attributes: list[str] = []
    while isinstance(node, ast.Attribute):
        attributes.append(node.attr)
        node = node.value
    return (node.id, *reversed(attributes)) if isinstance(node, ast.Name) else ()


def _without_trial(node: ast.AST) -> ast.AST:
    """A function without the decorator that ties it to its claim: the claim has a fingerprint of its own."""
    if not isinstance(node, ast.FunctionDef):
        return node
    kept = [one for one in node.decorator_list if not (isinstance(one, ast.Attribute) and one.attr == "trial")]
    if len(kept) == len(node.decorator_list):
        return node
    fields = dict(ast.iter_fields(node)) | {"decorator_list": kept}
    return ast.copy_location(ast.FunctionDef(**fields), node)


def is_for_types_only(node: ast.AST) -> bool:
    """Whether a statement is `if TYPE_CHECKING:`, which no run enters."""
    return isinstance(node, ast.If) and chain_of(node.test)[-1:] == ("TYPE_CHECKING",)


def _run_at_import(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a statement that run when its module is imported: not what stands in functions."""
    yield node
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        inner: Iterable[ast.AST] = [*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)]
    elif isinstance(node, ast.Lambda):
        inner = [*node.args.defaults, *filter(None, node.args.kw_defaults)]
    elif is_for_types_only(node):
        inner = node.orelse  # type: ignore[attr-defined]
    elif isinstance(node, ast.comprehension):  # its target is no name of the module
        inner = [node.iter, *node.ifs]
    else:
        inner = children(node)
    for child in inner:
        yield from _run_at_import(child)


def _within(function: Any) -> Iterator[ast.AST]:
    """The nodes of a function's own scope: not what stands in functions within it, nor in comprehensions' targets."""
    todo = list(function.body) if isinstance(function.body, list) else [function.body]
    while todo:
        node = todo.pop()
        yield node
        if isinstance(node, _SCOPES):
            continue
        if isinstance(node, ast.ClassDef):
            todo += node.decorator_list
            continue
        todo += [child for child in children(node) if not isinstance(child, ast.comprehension)]


def _stored(nodes: Iterable[ast.AST]) -> set[str]:
    found = set()
    for node in nodes:
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, _NAMING) and node.name:
            found.add(node.name)
    return found


def _set_within(nodes: Iterable[ast.AST]) -> Iterator[Chain]:
    for node in nodes:
        if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
            yield from _root(node.value, *([node.attr] if isinstance(node, ast.Attribute) else []))
        elif isinstance(node, ast.Call) and chain_of(node.func) in (("setattr",), ("delattr",)) and node.args:
            yield from _root(node.args[0])


def _called_on(nodes: Iterable[ast.AST]) -> Iterator[Chain]:
    """What methods are called on for their effect: those that change it by their name, those whose value is dropped."""
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _MUTATORS:
            yield from _root(node.func.value)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            if isinstance(node.value.func, ast.Attribute):
                yield from _root(node.value.func.value)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for decorator in node.decorator_list:
                made = decorator.func if isinstance(decorator, ast.Call) else decorator
                if isinstance(made, ast.Attribute):
                    yield from _root(made.value)


def _root(node: ast.AST, *attributes: str) -> Iterator[Chain]:
    """The chain that `node[..].attribute(..)` starts with, if that is a name."""
    found: list[str] = list(attributes)
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        if isinstance(node, ast.Attribute):
            found = [node.attr, *found]
            node = node.value
        else:
            found = []
            node = node.value if isinstance(node, ast.Subscript) else node.func
    if isinstance(node, ast.Name):
        yield (node.id, *found)


def _all_arguments(arguments: ast.arguments) -> Iterator[ast.arg]:
    yield from (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    yield from filter(None, (arguments.vararg, arguments.kwarg))


def _joined_texts(node: ast.AST) -> set[str]:
    """The texts that an f-string, a sum or a method such as `join` or `format` puts together with others."""
    if isinstance(node, ast.JoinedStr):
        joined: Iterable[ast.AST] = node.values
    elif isinstance(node, ast.BinOp):
        joined = (node.left, node.right)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr not in ("join", "format", "replace"):
            return set()
        joined = (node.func.value, *(one for given in node.args for one in walk(given)))
    else:
        return set()
    return {one.value for one in joined if isinstance(one, ast.Constant) and isinstance(one.value, str)}
