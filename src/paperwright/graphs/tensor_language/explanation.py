"""An analysis in words: what bounds the expression, and which of its sums cost the most indices."""

import math
from typing import TYPE_CHECKING

from .bounds import rounds_of
from .expressions import (
    Aggregation,
    Application,
    Equality,
    Expression,
    FeatureRow,
    Inequality,
    Label,
    Pair,
    Product,
    Sum,
)
from .normal_form import Atom, Block, Place

if TYPE_CHECKING:
    from .analysis import Analysis

_LONGEST = 300


def explanation(analysis: "Analysis") -> str:
    """The bounds of an analysis, a line for each thing to know."""
    indices, depth = analysis.written
    names = analysis.pareto[0][0]
    guarded = ", guarded" if analysis.guarded is not None else ""
    head = f"{indices} {'index' if indices == 1 else 'indices'}{guarded}, depth {depth}"
    lines = [f"{head}: {analysis.bound}"]
    for few, rounds in analysis.pareto:
        if (few, rounds) != (indices, depth):
            lines.append(f"It can be written with {few} {'index' if few == 1 else 'indices'} and depth {rounds}.")
    if len(analysis.pareto) > 1:
        others = [f"and in {rounds_of('wl', max(few - 1, 1), t)}" for few, t in analysis.pareto[1:]]
        lines.append(f"It is bounded as well {', '.join(others)}.")
    if names > 2:
        costly = _costly_block(analysis, analysis.expression, names - 1, set())
        if costly is not None:
            lines.append(f"What costs {names} indices: {_text(costly)}")
    lines += [f"Note: {assumption}." for assumption in analysis.bound.assumptions]
    lines.append(f"Source: {analysis.bound.source}.")
    return "\n".join(lines)


def _costly_block(analysis: "Analysis", expression: Expression, names: int, seen: set[Expression]) -> Block | None:
    """A block that so few index names are not enough for, the innermost of those that hold it."""
    if expression in seen:
        return None
    seen.add(expression)
    if isinstance(expression, Sum | Product):
        found = (_costly_block(analysis, child, names, seen) for child in expression.children)
        return next((block for block in found if block is not None), None)
    for block in analysis.shapes(expression):
        for atom in block.atoms:
            if isinstance(atom.expression, Application | Aggregation):
                for child in atom.expression.children:
                    found = _costly_block(analysis, child, names, seen)
                    if found is not None:
                        return found
        order, _ = analysis.order(block, names)
        free = {place for atom in block.atoms for place in atom.places if not isinstance(place, int)}
        if len(free) > names or any(order.depth(component) == math.inf for component in order.components):
            return block
    return None


def _text(block: Block) -> str:
    """A block in one line; functions without their arguments, only with the indices that they look at."""
    taken = {place.name for atom in block.atoms for place in atom.places if not isinstance(place, int)}
    spare = (name for name in (*"yzuvwabcdefghijklmnopqrst", *map("y{}".format, range(999))) if name not in taken)
    names: dict[Place, str] = {place: next(spare) for place in block.bound}
    names |= {place: place.name for atom in block.atoms for place in atom.places if not isinstance(place, int)}
    sums = f"sum_{{{', '.join(names[place] for place in block.bound)}}} " if block.bound else ""
    text = sums + " * ".join(_atom_text(atom, names) for atom in block.atoms)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."


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
