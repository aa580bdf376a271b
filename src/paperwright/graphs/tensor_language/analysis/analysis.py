"""How many indices and how many rounds an expression needs, whatever way it is written (Theorems 4.2 to 4.5)."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from paperwright.blocks.counts import whole_number

from ..language.expressions import (
    Aggregation,
    Application,
    Edge,
    Equality,
    Expression,
    FeatureRow,
    Inequality,
    Label,
    Pair,
    Product,
    Sum,
)
from .bounds import Bound, level_of, rounds_of
from .normal_form import Atom, Block, Place
from .profiles import Profiles
from .rewriting import rewrite
from .summation_order import Depth


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
        self._profiles = Profiles(expression)
        self.guarded = self._profiles.guarded_rounds()
        self.pareto = tuple(self._pareto())
        self.exact = self._profiles.exact

    def __repr__(self) -> str:
        return f"Analysis(written={tuple(self.written)}, guarded={self.guarded}, pareto={self.pareto})"

    def _pareto(self) -> Iterator[tuple[int, int]]:
        least = self._profiles.depth(math.inf)
        reached: Depth = math.inf
        names = max(1, len(self.expression.free))
        while reached > least:
            depth = self._profiles.depth(names)
            if depth < reached:
                reached = depth
                yield names, int(depth)
            names += 1

    @cached_property
    def bound(self) -> Bound:
        """The strongest bound."""
        level = level_of(len(self.expression.free))
        names, depth = self.pareto[0]
        assumptions: tuple[str, ...] = ()
        if not self.exact:
            assumptions += ("an upper bound: some products were not distributed, or sums were ordered by a heuristic",)
        if any(isinstance(e, Edge) and e.type is not None for e in self.expression.parts):
            assumptions += ("the test is taken to tell edges of different types apart",)
        if level == "graph" and names <= 2:
            # A closed expression with two indices of depth t + 1 sees what t rounds see (Theorem 4.4).
            rounds = max(depth - 1, 0) if self.guarded is None else min(max(depth - 1, 0), self.guarded)
            return Bound("cr", 1, rounds, level, assumptions, "Geerts and Reutter 2022, Theorem 4.4")
        if self.guarded is not None:
            place = "4.4" if level == "graph" else "4.3"
            return Bound("cr", 1, self.guarded, level, assumptions, f"Geerts and Reutter 2022, Theorem {place}")
        return Bound("wl", max(names - 1, 1), depth, level, assumptions, "Geerts and Reutter 2022, Theorem 4.2")

    def rewritten(self, indices: int) -> Expression:
        """Return an equivalent expression with at most so many index names.

        Its written depth may exceed the bound: a sub-expression that does not mention the index of a sum around it
        stands within that sum all the same.

        Raises:
            ValueError: the analysis knows no way to write it with so few.
        """
        fewest, indices = self.pareto[0][0], whole_number("indices", indices, 1)
        if indices < fewest:
            raise ValueError(f"indices is {indices}, but the expression needs {fewest} as far as the analysis can see.")
        # More names than the least depth needs, or than there are, change nothing.
        return rewrite(self._profiles, min(indices, max(self.pareto[-1][0], self.written.indices)))

    def explain(self) -> str:
        """Return the bounds in words, a line for each thing to know, and the sums that cost the most indices."""
        indices, depth = self.written
        guarded = ", guarded" if self.guarded is not None else ""
        lines = [f"{_count(indices)}{guarded}, depth {depth}: {self.bound}"]
        for few, rounds in self.pareto:
            if (few, rounds) != (indices, depth):
                lines.append(f"It can be written with {_count(few)} and depth {rounds}.")
        if len(self.pareto) > 1:
            others = [f"and in {rounds_of('wl', max(few - 1, 1), t)}" for few, t in self.pareto[1:]]
            lines.append(f"It is bounded as well {', '.join(others)}.")
        names = self.pareto[0][0]
        if names > 2 and (costly := costly_block(self._profiles, names - 1)) is not None:
            lines.append(f"What costs {names} indices: {text_of(costly)}")
        lines += [f"Note: {assumption}." for assumption in self.bound.assumptions]
        lines.append(f"Source: {self.bound.source}.")
        return "\n".join(lines)


def _count(indices: int) -> str:
    return f"{indices} {'index' if indices == 1 else 'indices'}"


def analyse(expression: Expression) -> Analysis:
    """Find how many indices and rounds an expression needs.

    Products are distributed and sums pushed inward (`normal_form`), the sums of each block are put into the best order
    (`summation_order`), and sums over neighbours are told from others.

    Args:
        expression: of any number of free indices.

    Raises:
        TypeError: it is no expression.

    Example:
        >>> from paperwright.graphs.tensor_language import analyse, parse
        >>> analyse(parse("sum_{b, c, d} E(x, b) * E(x, c) * E(x, d)"))
        Analysis(written=(4, 3), guarded=1, pareto=((2, 1),))

    Source: Geerts and Reutter 2022, Theorems 4.2 to 4.5; the algorithm is ours.
    """
    if not isinstance(expression, Expression):
        raise TypeError(f"{type(expression).__name__} is no expression; build one, or read one from text with parse.")
    return Analysis(expression)


# -- the sums that cost the most indices -------------------------------------------------------------------------------

LONGEST_TEXT = 300


def costly_block(profiles: Profiles, names: int) -> Block | None:
    """Return a block that so few index names are not enough for, the innermost of those that hold it."""
    roots = [*(child for function in profiles.functions for child in function.children), profiles.expression]
    for part in (term for root in roots for term in _terms(root)):
        for block in profiles.shapes(part):
            order, _ = profiles.order(block, names)
            free = {place for atom in block.atoms for place in atom.places if not isinstance(place, int)}
            if len(free) > names or not order.suffices:
                return block
    return None


def _terms(expression: Expression) -> Iterator[Expression]:
    if isinstance(expression, Sum | Product):
        for child in expression.children:
            yield from _terms(child)
    else:
        yield expression


def text_of(block: Block) -> str:
    """Return a block in one line; functions without their arguments, only with the indices that they look at."""
    taken = {place.name for atom in block.atoms for place in atom.places if not isinstance(place, int)}
    spare = (name for name in (*"yzuvwabcdefghijklmnopqrst", *map("y{}".format, range(999))) if name not in taken)
    names: dict[Place, str] = {place: next(spare) for place in block.bound}
    names |= {place: place.name for atom in block.atoms for place in atom.places if not isinstance(place, int)}
    sums = f"sum_{{{', '.join(names[place] for place in block.bound)}}} " if block.bound else ""
    text = sums + " * ".join(_atom_text(atom, names) for atom in block.atoms)
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]} ..."


def _atom_text(atom: Atom, names: dict[Place, str]) -> str:
    places = [names[place] for place in atom.places]
    match atom.expression:
        case Equality() | Inequality():
            return f"1[{places[0]} {'=' if isinstance(atom.expression, Equality) else '!='} {places[1]}]"
        case Label() | FeatureRow() | Pair():
            head, _, _ = str(atom.expression).partition("(")
        case Application(_, _, name):
            head = name
        case Aggregation(_, kind, _, _):
            head = kind
        case _:
            head = "..."
    return f"{head}({', '.join(places)})"
