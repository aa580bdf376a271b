"""An expression written anew with few index names: its normal form, summed in the best order, the names used again."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import islice

from ..language.expressions import (
    Aggregation,
    Application,
    Equality,
    Expression,
    Index,
    Number,
    Product,
    Sum,
    Total,
    fresh_indices,
    rebuild,
)
from .normal_form import Atom, Block, NormalForm, Place, one_sum, wide_parts
from .profiles import Profiles, Vertices
from .summation_order import SummationOrder


def rewrite(profiles: Profiles, names: int) -> Expression:
    """Return the expression with at most `names` index names; see `Analysis.rewritten`."""
    expression = profiles.expression
    known = dict.fromkeys((*expression.free, *expression.indices))
    spare = (index for index in fresh_indices() if index not in known)
    pool = [*known, *islice(spare, max(0, names - len(known)))][:names]
    return _Rewriting(profiles, names, pool).expression(expression, {index: index for index in expression.free})


class _Rewriting:
    def __init__(self, profiles: Profiles, names: int, pool: list[Index]) -> None:
        self._profiles = profiles
        self._normal = NormalForm()
        self._names = names
        self._pool = pool
        self._known: dict[tuple[Expression, tuple[tuple[Index, Index], ...]], Expression] = {}
        self._wide: dict[Index, dict[Expression, frozenset[Expression]]] = defaultdict(dict)

    def expression(self, expression: Expression, names: Mapping[Index, Index]) -> Expression:
        """The expression with its free indices under the given names."""
        names = {index: names[index] for index in expression.free}
        key = expression, tuple(names.items())
        if key not in self._known:
            if isinstance(expression, Sum | Product):
                found = rebuild(expression, names.__getitem__, lambda child: self.expression(child, names))
            else:
                blocks = [self._block(block, names) for block in self._normal.blocks(expression)]
                found = blocks[0] if len(blocks) == 1 else Sum(tuple(blocks)) if blocks else Number(0)
            self._known[key] = self._of_the_same_shape(found, expression, names)
        return self._known[key]

    def _of_the_same_shape(self, found: Expression, expression: Expression, names: Mapping[Index, Index]) -> Expression:
        """Where terms have cancelled, what they were made of still says how many axes there are, and how wide."""
        x = next(iter(names.values()), self._pool[0])
        if lost := wide_parts(expression, x, self._wide[x]) - wide_parts(found, x, self._wide[x]):
            nothing = Product((Number(0), wide := one_sum(lost)))
            found = Sum((found, nothing if x in names.values() or not wide.free else Total(x, nothing)))
        return _product([found, *(Equality(name, name) for name in names.values() if name not in found.free)])

    def _block(self, block: Block, free: Mapping[Index, Index]) -> Expression:
        order, vertices = self._profiles.order(block, self._names)
        names: dict[Place, Index] = dict(free.items())
        outside = [a for a in block.atoms if not any(isinstance(place, int) for place in a.places)]
        factors = [self._atom(atom, names) for atom in outside]
        factors += [self._component(block, order, vertices, component, names) for component in order.components]
        coefficient = [Number(block.coefficient)] if block.coefficient != 1 or not factors else []
        return _product([*coefficient, *factors])

    def _component(
        self,
        block: Block,
        order: SummationOrder,
        vertices: Vertices,
        component: int,
        names: Mapping[Place, Index],
    ) -> Expression:
        v = order.outermost(component)
        boundary = order.boundary(component)
        outside = vertices.places(boundary)
        name = self._spare(names[place] for place in outside)
        (bound,) = vertices.places(v)
        inner = {**{place: names[place] for place in outside}, bound: name}
        reach = boundary | v
        here = [a for a in block.atoms if vertices.mask(a.places) & v and not vertices.mask(a.places) & ~reach]
        factors = [self._atom(atom, inner) for atom in here]
        factors += [self._component(block, order, vertices, rest, inner) for rest in order.split(component & ~v)]
        return Total(name, _product(factors))

    def _atom(self, atom: Atom, names: Mapping[Place, Index]) -> Expression:
        expression = atom.expression
        inner = {index: names[place] for index, place in zip(expression.free, atom.places, strict=True)}
        match expression:
            case Application(function, arguments, name):
                return Application(function, tuple(self.expression(e, inner) for e in arguments), name)
            case Aggregation(index, kind, guard, body):
                inner[index] = self._spare(inner.values())
                return Aggregation(inner[index], kind, self.expression(guard, inner), self.expression(body, inner))
            case Sum() | Product() | Total():
                return self.expression(expression, inner)
        return rebuild(expression, inner.__getitem__, lambda child: child)

    def _spare(self, taken: Iterable[Index]) -> Index:
        used = set(taken)
        return next(index for index in self._pool if index not in used)


def _product(factors: list[Expression]) -> Expression:
    """Atoms first and sums last, so that the formula reads from the outside in."""
    ordered = sorted(factors, key=lambda factor: isinstance(factor, Total))
    return Number(1) if not ordered else ordered[0] if len(ordered) == 1 else Product(tuple(ordered))
