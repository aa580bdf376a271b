"""The parts of an expression: which free indices each holds, and how deep its sums lie (Theorems 4.2 and 4.3)."""

import math
from collections.abc import Iterable, Mapping
from typing import TypeVar

from ..language.expressions import Aggregation, Application, Edge, Expression, Index, Product, Sum, Total
from .normal_form import Atom, Block, NormalForm, Place
from .summation_order import Depth, Shape, SummationOrder

Profile = Mapping[frozenset[Index], Depth]
"""The parts of an expression: which of its free indices each holds, and how deep its sums are nested."""

Key = TypeVar("Key")


class Profiles:
    """Profiles of an expression and of all it is made of, each worked out once.

    Args:
        expression: of any number of free indices.
    """

    def __init__(self, expression: Expression) -> None:
        self.expression = expression
        self._normal = NormalForm(shapes_only=True)
        self._profiles: dict[tuple[Expression, Depth], Profile] = {}
        self._guarded: dict[Expression, Profile | None] = {}
        self._depths: dict[tuple[Depth, Shape], Depth] = {}
        self._ordered_exactly = True
        # From the inside out, so that no formula is too deep for recursion.
        self.functions = [e for e in expression.parts if isinstance(e, Application | Aggregation)]
        for part in expression.parts:
            if isinstance(part, Total):
                self._normal.blocks(part)
        for function in self.functions:
            self.guarded_profile(function)

    @property
    def exact(self) -> bool:
        """Whether every product so far was distributed, and every sum put into the best order."""
        return self._normal.exact and self._ordered_exactly

    def depth(self, names: Depth) -> Depth:
        """Return the depth of nested sums with at most so many index names; infinite where they do not suffice."""
        for function in self.functions:
            self.profile(function, names)
        return max(self.profile(self.expression, names).values(), default=0)

    def guarded_rounds(self) -> int | None:
        """Return the rounds of colour refinement that fix the expression; None if some sum is not over neighbours."""
        found = self.guarded_profile(self.expression)
        if found is None or (self.expression.free and frozenset() in found):
            return None  # a closed part sees the whole graph, which colour refinement of a node does not
        return int(max(found.values(), default=0))

    def shapes(self, expression: Expression) -> tuple[Block, ...]:
        """The blocks of the expression's normal form, without coefficients and powers."""
        return self._normal.blocks(expression)

    # -- depth with k index names --------------------------------------------------------------------------------------

    def profile(self, expression: Expression, names: Depth) -> Profile:
        """Parts of an expression with at most `names` index names; depth infinite where they do not suffice."""
        key = expression, names
        if key not in self._profiles:
            found: dict[frozenset[Index], Depth] = {}
            if isinstance(expression, Sum | Product):  # no sum around it that would have to be pushed inward
                for child in expression.children:
                    _deepen(found, self.profile(child, names))
            else:
                for block in self._normal.blocks(expression):
                    _deepen(found, self._block_profile(block, names))
            self._profiles[key] = found
        return self._profiles[key]

    def atom_profile(self, atom: Atom, names: Depth) -> dict[frozenset[Place], Depth]:
        """Parts of an atom: all of its places, at depth 0, and those of the sums within."""
        found: dict[frozenset[Place], Depth] = {frozenset(atom.places): 0}
        _deepen(found, {atom.spread(support): d for support, d in self._inner(atom.expression, names).items()})
        return found

    def _inner(self, expression: Expression, names: Depth) -> Profile:
        match expression:
            case Application(_, arguments):
                found: dict[frozenset[Index], Depth] = {}
                for argument in arguments:
                    _deepen(found, self.profile(argument, names))
                return found
            case Aggregation():
                return self._aggregation_profile(expression, names)
            case Sum() | Product() | Total():  # a factor that was too large to distribute
                return self.profile(expression, names)
        return {}

    def _aggregation_profile(self, expression: Aggregation, names: Depth) -> Profile:
        """An aggregation counts like a sum of one block that cannot be taken apart."""
        outer = frozenset(expression.free)
        found: dict[frozenset[Index], Depth] = {outer: 1 if len(outer) < names else math.inf}
        for child in expression.children:
            for support, depth in self.profile(child, names).items():
                held = expression.index in support
                _deepen(found, {outer if held else support: depth + 1 if held else depth})
        return found

    def _block_profile(self, block: Block, names: Depth) -> dict[frozenset[Index], Depth]:
        found: dict[frozenset[Index], Depth] = {}
        for atom in block.atoms:
            for support, depth in self.atom_profile(atom, names).items():
                _deepen_if_free(found, support, depth)
        if not block.bound:
            return found
        order, vertices = self.order(block, names)
        for component in order.components:
            outside = vertices.places(order.boundary(component))
            _deepen_if_free(found, outside, self._component_depth(order, component, names))
        return found

    def order(self, block: Block, names: Depth) -> tuple[SummationOrder, "Vertices"]:
        """The best order for a block's sums, and which bit stands for which index."""
        vertices = Vertices(block)
        parts = [
            (vertices.mask(support), depth)
            for atom in block.atoms
            for support, depth in self.atom_profile(atom, names).items()
        ]
        return SummationOrder(vertices.bound, parts, names), vertices

    def _component_depth(self, order: SummationOrder, component: int, names: Depth) -> Depth:
        """The depth of one component, worked out once for all that look the same."""
        if component.bit_count() == 1:
            return order.depth(component)
        key = names, order.shape(component)
        if key not in self._depths:
            self._depths[key] = order.depth(component)
            self._ordered_exactly &= order.exact
        return self._depths[key]

    # -- rounds of colour refinement -----------------------------------------------------------------------------------

    def guarded_profile(self, expression: Expression) -> Profile | None:
        """Parts of an expression, and the rounds of colour refinement that fix each; None if not guarded."""
        if expression not in self._guarded:
            if isinstance(expression, Sum | Product):
                self._guarded[expression] = _union(map(self.guarded_profile, expression.children))
            else:
                self._guarded[expression] = _union(map(self._guarded_block, self._normal.blocks(expression)))
        return self._guarded[expression]

    def _guarded_inner(self, expression: Expression) -> Profile | None:
        match expression:
            case Application(_, arguments):
                return _union(map(self.guarded_profile, arguments))
            case Aggregation():
                return self._guarded_aggregation(expression)
            case Sum() | Product() | Total():
                return self.guarded_profile(expression)
        return {}

    def _guarded_aggregation(self, expression: Aggregation) -> Profile | None:
        outer = expression.free
        guarded = len(outer) == 1 and self._implies_edge(expression.guard, outer[0], expression.index)
        inner = _union(map(self.guarded_profile, expression.children))
        if inner is None or not (guarded or not outer):
            return None
        cost = 1 if outer else 0
        found: dict[frozenset[Index], Depth] = {frozenset(outer): cost}
        for support, rounds in inner.items():
            held = expression.index in support
            if held and len(support) > 1 and rounds:
                return None
            _deepen(found, {frozenset(outer) if held else support: rounds + cost if held else rounds})
        return found

    def _implies_edge(self, guard: Expression, x: Index, y: Index) -> bool:
        """Whether the guard is 0 wherever x and y are not adjacent."""
        return all(
            any(isinstance(a.expression, Edge) and set(a.places) == {x, y} for a in block.atoms)
            for block in self._normal.blocks(guard)
        )

    def _guarded_block(self, block: Block) -> Profile | None:
        vertices = Vertices(block)
        found: dict[frozenset[Index], Depth] = {}
        masks: list[tuple[int, Depth]] = []
        edges: set[int] = set()
        for atom in block.atoms:
            inner = self._guarded_inner(atom.expression)
            if inner is None:
                return None
            for support, rounds in {frozenset(atom.places): 0, **{atom.spread(s): r for s, r in inner.items()}}.items():
                masks.append((vertices.mask(support), rounds))
                _deepen_if_free(found, support, rounds)
            if isinstance(atom.expression, Edge):
                edges.add(vertices.mask(atom.places))
        order = SummationOrder(vertices.bound, masks, 2)
        for component in order.components:
            reached = _guarded_depth(order, component, masks, edges)
            if reached is None:
                return None
            _deepen_if_free(found, vertices.places(order.boundary(component)), reached)
        return found


class Vertices:
    """Bits for the indices of a block: the bound ones first."""

    def __init__(self, block: Block) -> None:
        free = dict.fromkeys(p for atom in block.atoms for p in atom.places if not isinstance(p, int))
        self._places: list[Place] = [*block.bound, *free]
        self._bit = {place: 1 << i for i, place in enumerate(self._places)}
        self.bound = (1 << len(block.bound)) - 1

    def mask(self, places: Iterable[Place]) -> int:
        """Indices as a bit mask."""
        return sum(self._bit[place] for place in places)

    def places(self, mask: int) -> frozenset[Place]:
        """A bit mask as indices."""
        return frozenset(place for place in self._places if self._bit[place] & mask)


def _deepen(found: dict[Key, Depth], more: Mapping[Key, Depth]) -> None:
    for support, depth in more.items():
        found[support] = max(found.get(support, 0), depth)


def _deepen_if_free(found: dict[frozenset[Index], Depth], support: frozenset[Place], depth: Depth) -> None:
    """Count a part in the profile of a block if none of its indices is bound."""
    free = frozenset(place for place in support if isinstance(place, Index))
    if len(free) == len(support):
        _deepen(found, {free: depth})


def _union(profiles: Iterable[Profile | None]) -> Profile | None:
    found: dict[frozenset[Index], Depth] = {}
    for profile in profiles:
        if profile is None:
            return None
        _deepen(found, profile)
    return found


def _guarded_depth(
    order: SummationOrder, component: int, masks: list[tuple[int, Depth]], edges: set[int]
) -> int | None:
    """Rounds that fix the sum over a connected set of bound indices; None if some sum is not over neighbours."""
    boundary = order.boundary(component)
    if boundary.bit_count() > 1:
        return None
    best: int | None = None
    for i in range(component.bit_length()):
        v = 1 << i
        if not v & component or (boundary and boundary | v not in edges):
            continue
        here = [(support, rounds) for support, rounds in masks if support & v and not support & ~(boundary | v)]
        if any(rounds for support, rounds in here if support != v):
            continue  # a sum that holds both ends of the edge
        inner = [int(rounds) for _, rounds in here]
        for rest in order.split(component & ~v):
            found = _guarded_depth(order, rest, masks, edges)
            if found is None:
                break
            inner.append(found)
        else:
            # The outermost sum of a closed expression is the readout, which costs no round.
            rounds = max(inner, default=0) + (1 if boundary else 0)
            best = rounds if best is None else min(best, rounds)
    return best
