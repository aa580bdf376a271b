"""Normal form of an expression: a sum of blocks, each a product of atoms under sums.

Products are distributed over sums, sums are pushed inward, bound indices are told apart; `1[y = z]` with a bound index
is substituted, `E(x, x)` is 0, and `1[y != z]` is 1 - 1[y = z] unless it stands beside `E(y, z)`, which implies it.
What is within a function stays closed: such an atom is opaque, and its arguments have normal forms of their own.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from heapq import heapify, heappop, heappush
from itertools import count

from ..language.expressions import (
    Aggregation,
    Application,
    Edge,
    Equality,
    Expression,
    FeatureRow,
    Index,
    Inequality,
    Label,
    Number,
    Product,
    Sum,
    Total,
)

MOST_PRODUCTS = 1_000
"""A factor that would make more blocks of a product stays closed; bounds stay valid, and may be looser."""

MOST_BLOCKS = 10_000
"""Where inequalities would make more blocks, they stay as they are."""

Place = Index | int
"""Where an atom looks: a free index, or the number of a bound one."""

_A, _B = Index("a"), Index("b")


@dataclass(frozen=True)
class Atom:
    """An expression that a block holds as a factor.

    Attributes:
        expression: the factor, under indices of its own.
        places: what each of its free indices stands for, all different.
    """

    expression: Expression
    places: tuple[Place, ...]

    @cached_property
    def _hash(self) -> int:
        return hash((self.expression, self.places))

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def key(self) -> tuple[str, ...]:
        """Sorts the atoms of a block."""
        return self.expression._digest.hex(), *map(_place_key, self.places)

    @property
    def idempotent(self) -> bool:
        """Whether its square is itself."""
        return isinstance(self.expression, Edge | Equality | Inequality)

    def spread(self, support: Iterable[Index]) -> frozenset[Place]:
        """What some of the expression's own indices stand for."""
        standing = dict(zip(self.expression.free, self.places, strict=True))
        return frozenset(standing[index] for index in support)


def _place_key(place: Place) -> str:
    return f"#{place:06d}" if isinstance(place, int) else place.name


BlockKey = tuple[tuple[int, ...], tuple["Atom", ...]]


@dataclass(frozen=True)
class Block:
    """coefficient * sum over the bound indices of the product of the atoms."""

    coefficient: int | float
    bound: tuple[int, ...]
    atoms: tuple[Atom, ...]

    @cached_property
    def _hash(self) -> int:
        return hash((self.coefficient, self.bound, self.atoms))

    def __hash__(self) -> int:
        return self._hash

    def times(self, other: "Block") -> "Block":
        """The product of two blocks, whose bound indices are told apart."""
        first = self.bound[-1] + 1 if self.bound else 0
        shift: dict[Place, int] = {place: place + first for place in other.bound}
        atoms = [Atom(a.expression, tuple(shift.get(p, p) for p in a.places)) for a in other.atoms]
        bound = self.bound + tuple(shift.values())
        return Block(self.coefficient * other.coefficient, bound, _sort_atoms((*self.atoms, *atoms)))


def _sort_atoms(atoms: Iterable[Atom]) -> tuple[Atom, ...]:
    found = sorted(atoms, key=lambda atom: atom.key)
    return tuple(a for i, a in enumerate(found) if not (i and a.idempotent and a == found[i - 1]))


class NormalForm:
    """Normal forms of expressions and of what they are made of, each worked out once.

    Args:
        shapes_only: leave out what does not matter for the order of the sums: coefficients and powers. The blocks are
            far fewer then (K + 1 for K steps of propagation, not 2^K), but their sum is not the expression.
    Attributes:
        exact: whether every product was distributed, and every inequality resolved; if not, bounds read off the blocks
            are upper bounds.
    """

    def __init__(self, *, shapes_only: bool = False) -> None:
        self.exact = True
        self._shapes_only = shapes_only
        self._known: dict[Expression, tuple[Block, ...]] = {}

    def blocks(self, expression: Expression) -> tuple[Block, ...]:
        """The blocks whose sum the expression is; none if it is 0."""
        if expression not in self._known:
            blocks = self._blocks(expression)
            self._known[expression] = _shapes(blocks) if self._shapes_only else blocks
        return self._known[expression]

    def _blocks(self, expression: Expression) -> tuple[Block, ...]:
        match expression:
            case Number(value):
                return (Block(value, (), ()),) if value else ()
            case Sum(terms):
                return _collect_all(block for term in terms for block in self.blocks(term))
            case Product(factors):
                return self._product(factors)
            case Total(index, body):
                return self._total(index, self.blocks(body))
        atom = simple_atom(expression)
        if isinstance(atom, int):
            return (Block(1, (), ()),) if atom else ()
        return (Block(1, (), (atom,)),)

    def _product(self, factors: tuple[Expression, ...]) -> tuple[Block, ...]:
        found: tuple[Block, ...] = (Block(1, (), ()),)
        for factor in factors:
            blocks = self.blocks(factor)
            if len(found) * len(blocks) > MOST_PRODUCTS:
                self.exact = False
                blocks = (Block(1, (), (Atom(factor, factor.free),)),)
            # Equal blocks are collected after each factor: a power of a sum has few.
            products = (one.times(other) for one in found for other in blocks)
            collected = _collect_all(block for block in products if not _contradict(block.atoms))
            found = _shapes(collected) if self._shapes_only else collected
        return found

    def _total(self, index: Index, blocks: tuple[Block, ...]) -> tuple[Block, ...]:
        """Binds the index, and resolves the equalities and inequalities that it takes part in."""
        waiting: dict[BlockKey, Block] = {}
        for block in blocks:
            bound = block.bound[-1] + 1 if block.bound else 0
            opened = Block(block.coefficient, (*block.bound, bound), block.atoms)
            for resolved in _resolve_equalities(_substitute(opened, {index: bound}, keep=True)):
                _collect(waiting, resolved)
        return self._resolve_inequalities(waiting)

    def _resolve_inequalities(self, waiting: dict[BlockKey, Block]) -> tuple[Block, ...]:
        """1[y != z] = 1 - 1[y = z] for all bound y.

        A step makes blocks with fewer bound indices or fewer inequalities. The largest block goes first, so equal ones
        have met by the time it is their turn, or there would be 2^m of them.
        """
        done: dict[BlockKey, Block] = {}
        queue = [(_size(block), i, key) for i, (key, block) in enumerate(waiting.items())]
        heapify(queue)
        ticket = count(len(queue))
        while queue:
            block = waiting.pop(heappop(queue)[2])
            clause = _inequality_to_resolve(block)
            if clause is None or len(waiting) + len(done) > MOST_BLOCKS:
                self.exact &= clause is None
                _collect(done, block)
                continue
            without = Block(block.coefficient, block.bound, tuple(a for a in block.atoms if a != clause))
            following = [without]
            if not _is_implied(clause, without.atoms):
                merged = _merge(without, *clause.places)
                following += [Block(-m.coefficient, m.bound, m.atoms) for m in merged]
            for smaller in following:
                if _collect(waiting, smaller):
                    heappush(queue, (_size(smaller), next(ticket), (smaller.bound, smaller.atoms)))
        return tuple(block for block in done.values() if block.coefficient)


def simple_atom(expression: Expression) -> Atom | int:
    """An expression that is no sum or product as an atom; 0 or 1 where that is all it can be."""
    match expression:
        case Edge(x, y, kind):
            return 0 if x == y else _pair(Edge(_A, _B, kind), x, y)
        case Equality(x, y):
            return 1 if x == y else _pair(Equality(_A, _B), x, y)
        case Inequality(x, y):
            return 0 if x == y else _pair(Inequality(_A, _B), x, y)
        case Label(x, column):
            return Atom(Label(_A, column), (x,))
        case FeatureRow(x):
            return Atom(FeatureRow(_A), (x,))
    return Atom(expression, expression.free)


def _pair(expression: Expression, x: Place, y: Place) -> Atom:
    """All relations of two indices are symmetric, so the two are kept in order."""
    return Atom(expression, (x, y) if _place_key(x) < _place_key(y) else (y, x))


def _substitute(block: Block, standing: dict[Place, Place], *, keep: bool = False) -> Block | None:
    """The block with some places standing for others; None if it is 0 then. Merged bound indices leave it."""
    atoms = []
    for atom in block.atoms:
        changed = _move(atom, standing) if any(place in standing for place in atom.places) else atom
        if isinstance(changed, Atom):
            atoms.append(changed)
        elif changed == 0:
            return None
    bound = block.bound if keep else tuple(place for place in block.bound if place not in standing)
    found = _sort_atoms(atoms)
    return None if _contradict(found) else Block(block.coefficient, bound, found)


def _move(atom: Atom, standing: dict[Place, Place]) -> Atom | int:
    places = tuple(standing.get(place, place) for place in atom.places)
    if len(set(places)) < len(places):
        return _collapse(atom.expression, places)
    if isinstance(atom.expression, Edge | Equality | Inequality):
        return _pair(atom.expression, *places)
    return Atom(atom.expression, places)


def _collapse(expression: Expression, places: tuple[Place, ...]) -> Atom | int:
    """An atom two of whose indices have become one."""
    if isinstance(expression, Edge | Inequality):
        return 0
    if isinstance(expression, Equality):
        return 1
    first: dict[Place, Index] = {}
    for index, place in zip(expression.free, places, strict=True):
        first.setdefault(place, index)
    names = {index: first[place] for index, place in zip(expression.free, places, strict=True)}
    renamed = expression.renamed(names)
    standing = {index: place for place, index in first.items()}
    return Atom(renamed, tuple(standing[index] for index in renamed.free))


def _merge(block: Block, one: Place, other: Place) -> Iterator[Block]:
    """The block under the condition that two places are one: a bound place gives way to the other."""
    gone, stays = (one, other) if isinstance(one, int) else (other, one)
    if isinstance(gone, int) and isinstance(stays, int):
        gone, stays = max(gone, stays), min(gone, stays)
    yield from _resolve_equalities(_substitute(block, {gone: stays}))


def _resolve_equalities(block: Block | None) -> Iterator[Block]:
    if block is None:
        return
    for atom in block.atoms:
        if isinstance(atom.expression, Equality) and any(isinstance(place, int) for place in atom.places):
            rest = Block(block.coefficient, block.bound, tuple(a for a in block.atoms if a != atom))
            yield from _merge(rest, *atom.places)
            return
    yield block


def _inequality_to_resolve(block: Block) -> Atom | None:
    for atom in block.atoms:
        if isinstance(atom.expression, Inequality) and any(isinstance(place, int) for place in atom.places):
            return atom
    return None


def _is_implied(inequality: Atom, atoms: Iterable[Atom]) -> bool:
    return any(isinstance(a.expression, Edge) and a.places == inequality.places for a in atoms)


def _contradict(atoms: tuple[Atom, ...]) -> bool:
    """Whether two nodes are said to be equal, and also to differ or to be adjacent."""
    same = {atom.places for atom in atoms if isinstance(atom.expression, Equality)}
    apart = (atom.places for atom in atoms if isinstance(atom.expression, Edge | Inequality))
    return bool(same) and any(places in same for places in apart)


def _shapes(blocks: Iterable[Block]) -> tuple[Block, ...]:
    """The blocks without coefficients and powers, each once."""
    shapes = (Block(1, block.bound, tuple(dict.fromkeys(block.atoms))) for block in blocks)
    return tuple(dict.fromkeys(shapes))


def _size(block: Block) -> tuple[int, int]:
    """Sorts large blocks first."""
    return -len(block.bound), -sum(isinstance(atom.expression, Inequality) for atom in block.atoms)


def _collect(found: dict[BlockKey, Block], block: Block) -> bool:
    """Adds a block to those of the same atoms; whether it is the first of them."""
    key = block.bound, block.atoms
    before = found.get(key)
    found[key] = block if before is None else Block(before.coefficient + block.coefficient, *key)
    return before is None


def _collect_all(blocks: Iterable[Block]) -> tuple[Block, ...]:
    found: dict[BlockKey, Block] = {}
    for block in blocks:
        _collect(found, block)
    return tuple(block for block in found.values() if block.coefficient)


# -- widths ------------------------------------------------------------------------------------------------------------
# Terms may cancel in a normal form, but the width of their values stays.


def wide_parts(
    expression: Expression, x: Index, known: dict[Expression, frozenset[Expression]] | None = None
) -> frozenset[Expression]:
    """Return what may make an expression's values wider than 1: expressions of one index, without sums.

    It takes for granted that the width of a function's values depends on the width of its argument alone.
    """
    known = {} if known is None else known
    if expression not in known:
        match expression:
            case Label():
                known[expression] = frozenset()
            case FeatureRow():
                known[expression] = frozenset({FeatureRow(x)})
            case Application(function, arguments, name):
                inner = tuple(one_sum(wide_parts(argument, x, known)) for argument in arguments)
                known[expression] = frozenset({Application(function, inner, name)})
            case Total(_, body) | Aggregation(_, _, _, body):
                known[expression] = wide_parts(body, x, known)
            case _:
                known[expression] = frozenset().union(*(wide_parts(child, x, known) for child in expression.children))
    return known[expression]


def one_sum(terms: Iterable[Expression]) -> Expression:
    """The sum of some expressions, in an order of its own; 1 if there are none."""
    ordered = sorted(terms, key=lambda term: term._digest)
    return Sum(tuple(ordered)) if len(ordered) > 1 else ordered[0] if ordered else Number(1)
