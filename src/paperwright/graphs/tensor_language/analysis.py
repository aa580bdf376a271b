"""How many indices and how many rounds an expression needs, whatever way it is written (Theorems 4.2 to 4.5)."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from .bounds import Bound, level_of
from .expressions import Aggregation, Application, Edge, Expression, Index, Product, Sum, Total
from .normal_form import Atom, Block, NormalForm, Place
from .summation_order import Depth, SummationOrder

Profile = Mapping[frozenset[Index], Depth]
"""The parts of an expression: which of its free indices each holds, and how deep its sums are nested."""

_Y = -1  # stands for the index that an aggregation binds


@dataclass(frozen=True)
class Written:
    """What the formula shows as it stands.

    Attributes:
        indices: how many index names it uses.
        depth: how deep its sums are nested.
    """

    indices: int
    depth: int

    def __iter__(self) -> Iterator[int]:
        return iter((self.indices, self.depth))


class Analysis:
    """What bounds an expression's power to tell nodes or graphs apart. Made by `analyse`.

    Attributes:
        expression: what was analysed.
        written: number of indices and summation depth as written.
        guarded: rounds of colour refinement that suffice, if every sum runs over neighbours; otherwise None.
        pareto: pairs (indices, depth): written with so many indices, the expression needs sums of so great a depth and
            no greater. Fewest indices first; more indices come only with less depth.
        exact: whether these are the least that the analysis knows of. If not, products too large to distribute, or
            blocks too large to order in the best way, were bounded from above.
        bound: the strongest statement: colour refinement if guarded, otherwise Weisfeiler-Leman with fewest indices.
    """

    def __init__(self, expression: Expression) -> None:
        self.expression = expression
        self.written = Written(len(expression.indices), expression.summation_depth)
        self._normal = NormalForm(shapes_only=True)
        self._profiles: dict[tuple[Expression, Depth], Profile] = {}
        self._guarded: dict[Expression, Profile | None] = {}
        self._depths: dict[tuple, Depth] = {}
        self._ordered_exactly = True
        # From the inside out, so that no formula is too deep for recursion.
        self._functions = [e for e in expression.parts if isinstance(e, Application | Aggregation)]
        for part in expression.parts:
            if isinstance(part, Total):
                self._normal.blocks(part)
        for function in self._functions:
            self.guarded_profile(function)
        self.guarded = self._guarded_rounds()
        self.pareto = tuple(self._pareto())
        self.exact = self._normal.exact and self._ordered_exactly

    def __repr__(self) -> str:
        return f"Analysis(written={tuple(self.written)}, guarded={self.guarded}, pareto={self.pareto})"

    @cached_property
    def bound(self) -> Bound:
        """The strongest bound."""
        level = level_of(len(self.expression.free))
        names, depth = self.pareto[0]
        assumptions = (
            ()
            if self.exact
            else ("an upper bound: some products were not distributed, or sums were ordered by a heuristic",)
        )
        if any(isinstance(e, Edge) and e.type is not None for e in self.expression.parts):
            assumptions += ("the test is taken to tell edges of different types apart",)
        if level == "graph" and names <= 2:
            # A closed expression with two indices of depth t + 1 sees what t rounds see (Theorem 4.4).
            rounds = min(depth - 1 if depth else 0, math.inf if self.guarded is None else self.guarded)
            return Bound("cr", 1, rounds, level, assumptions, "Geerts and Reutter 2022, Theorem 4.4")
        if self.guarded is not None:
            place = "4.4" if level == "graph" else "4.3"
            return Bound("cr", 1, self.guarded, level, assumptions, f"Geerts and Reutter 2022, Theorem {place}")
        return Bound("wl", max(names - 1, 1), depth, level, assumptions, "Geerts and Reutter 2022, Theorem 4.2")

    def rewritten(self, indices: int) -> Expression:
        """An equivalent expression with at most so many index names.

        Its written depth may exceed the bound: a sub-expression that does not mention the index of a sum around it
        stands within that sum all the same.

        Raises:
            ValueError: the analysis knows no way to write it with so few.
        """
        from .rewriting import rewritten

        fewest = self.pareto[0][0]
        if indices < fewest:
            raise ValueError(f"indices is {indices}, but the expression needs {fewest} as far as the analysis can see.")
        return rewritten(self, indices)

    def explain(self) -> str:
        """The bounds in words, and which sums cost the most indices."""
        from .explanation import explanation

        return explanation(self)

    # -- depth with k index names --------------------------------------------------------------------------------------

    def _pareto(self) -> Iterator[tuple[int, int]]:
        least = self._depth(math.inf)
        reached: Depth = math.inf
        names = max(1, len(self.expression.free))
        while reached > least:
            depth = self._depth(names)
            if depth < reached:
                reached = depth
                yield names, int(depth)
            names += 1

    def _depth(self, names: Depth) -> Depth:
        for function in self._functions:
            self.profile(function, names)
        return max(self.profile(self.expression, names).values(), default=0)

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

    def shapes(self, expression: Expression) -> tuple[Block, ...]:
        """The blocks of the expression's normal form, without coefficients and powers."""
        return self._normal.blocks(expression)

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
                if not any(isinstance(place, int) for place in support):
                    found[support] = max(found.get(support, 0), depth)
        if not block.bound:
            return found
        order, vertices = self.order(block, names)
        for component in order.components:
            support = vertices.places(order.boundary(component))
            _deepen(found, {support: self._component_depth(order, component, names)})
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

    def _guarded_rounds(self) -> int | None:
        found = self.guarded_profile(self.expression)
        if found is None or (self.expression.free and frozenset() in found):
            return None  # a closed part sees the whole graph, which colour refinement of a node does not
        return int(max(found.values(), default=0))

    def guarded_profile(self, expression: Expression) -> Profile | None:
        """Parts of an expression, and the rounds of colour refinement that fix each; None if not guarded."""
        if expression not in self._guarded:
            if isinstance(expression, Sum | Product):
                self._guarded[expression] = _united(map(self.guarded_profile, expression.children))
            else:
                self._guarded[expression] = _united(map(self._guarded_block, self._normal.blocks(expression)))
        return self._guarded[expression]

    def _guarded_inner(self, expression: Expression) -> Profile | None:
        match expression:
            case Application(_, arguments):
                return _united(map(self.guarded_profile, arguments))
            case Aggregation():
                return self._guarded_aggregation(expression)
            case Sum() | Product() | Total():
                return self.guarded_profile(expression)
        return {}

    def _guarded_aggregation(self, expression: Aggregation) -> Profile | None:
        outer = expression.free
        guarded = len(outer) == 1 and self._implies_edge(expression.guard, outer[0], expression.index)
        inner = _united(map(self.guarded_profile, expression.children))
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
            for support, rounds in [(atom.places, 0), *((atom.spread(s), r) for s, r in inner.items())]:
                masks.append((vertices.mask(support), rounds))
                if not any(isinstance(place, int) for place in support):
                    _deepen(found, {frozenset(support): rounds})
            if isinstance(atom.expression, Edge):
                edges.add(vertices.mask(atom.places))
        order = SummationOrder(vertices.bound, masks, 2)
        for component in order.components:
            rounds = _guarded_depth(order, component, masks, edges)
            if rounds is None:
                return None
            _deepen(found, {vertices.places(order.boundary(component)): rounds})
        return found


def analyse(expression: Expression) -> Analysis:
    """How many indices and rounds an expression needs.

    Products are distributed and sums pushed inward (`normal_form`), the sums of each block are put into the best order
    (`summation_order`), and sums over neighbours are told from others.

    Args:
        expression: of any number of free indices.

    Raises:
        TypeError: it is no expression.

    Source: Geerts and Reutter 2022, Theorems 4.2 to 4.5; the algorithm is ours.
    """
    if not isinstance(expression, Expression):
        raise TypeError(f"{type(expression).__name__} is no expression; build one, or read one from text with parse.")
    return Analysis(expression)


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


def _deepen(found: dict, more: Mapping) -> None:
    for support, depth in more.items():
        found[support] = max(found.get(support, 0), depth)


def _united(profiles: Iterable[Profile | None]) -> Profile | None:
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
