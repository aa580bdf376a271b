"""Which sums of an expression cost the most indices, and how they are shown."""

import math

from ..language.expressions import (
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
from .profiles import Profiles

_LONGEST = 300


def costly_block(profiles: Profiles, names: int) -> Block | None:
    """Return a block that so few index names are not enough for, the innermost of those that hold it."""
    return _costly_block(profiles, profiles.expression, names, set())


def _costly_block(profiles: Profiles, expression: Expression, names: int, seen: set[Expression]) -> Block | None:
    if expression in seen:
        return None
    seen.add(expression)
    if isinstance(expression, Sum | Product):
        return _first_costly(profiles, expression.children, names, seen)
    for block in profiles.shapes(expression):
        for atom in block.atoms:
            if isinstance(atom.expression, Application | Aggregation):
                inner = _first_costly(profiles, atom.expression.children, names, seen)
                if inner is not None:
                    return inner
        order, _ = profiles.order(block, names)
        free = {place for atom in block.atoms for place in atom.places if not isinstance(place, int)}
        if len(free) > names or any(order.depth(component) == math.inf for component in order.components):
            return block
    return None


def _first_costly(
    profiles: Profiles, expressions: tuple[Expression, ...], names: int, seen: set[Expression]
) -> Block | None:
    blocks = (_costly_block(profiles, expression, names, seen) for expression in expressions)
    return next((block for block in blocks if block is not None), None)


def text_of(block: Block) -> str:
    """Return a block in one line; functions without their arguments, only with the indices that they look at."""
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
