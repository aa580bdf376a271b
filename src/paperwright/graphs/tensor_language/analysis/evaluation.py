"""The values of an expression on a graph: dense over its free indices, sums in a good order, sparse if guarded.

A product under sums is never built over all its indices at once. The sum over y of factors that look at y, and at s
only where s and y are adjacent, runs over the arcs of the graph.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Shaped
from torch import Tensor

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
    evaluate_by,
)
from ..language.structure import Structure
from .analysis import analyse
from .normal_form import Place
from .summation_order import Depth, SummationOrder, fewest_names

LARGEST = 1 << 30
"""Entries of a table, 8 GiB in float64: what needs a larger one is refused."""
LARGE = 1 << 20
"""Entries of a table from which on it is worth looking for another way to write the sum, with fewer indices."""


def evaluate(
    expression: Expression,
    data: object,
    *,
    order: Iterable[Index] | None = None,
    dtype: torch.dtype = torch.float64,
    modulus: int | None = None,
) -> Shaped[Tensor, "*nodes width"]:
    """Return the values of an expression on a graph.

    Memory is O(n^w) where the sums can be ordered to need w indices at once; for guarded ones O(edges).

    Args:
        expression: with p free indices.
        data: torch_geometric `Data` or a networkx graph: `edge_index` symmetric, without self-loops or repeated edges;
            features `x`, without which every node's row is (1); `edge_type` for typed edges. Values are on its device.
        order: the free indices in the order of the axes; if not given, that of their names.
        dtype: of the values.
        modulus: a prime p below 2^31: exact arithmetic modulo p, on int64. Numbers, features and functions must be of
            integers.

    Returns:
        Values [n, ..., n, width], one axis of n entries for each free index.

    Raises:
        TypeError: `data` is no homogeneous graph, or the order no tuple.
        ValueError: a graph that is not simple or not symmetric, features with NaN, a label column that is not there, an
            order that does not hold just the free indices, widths that do not fit, or a function that changes any axis
            but the last.
    """
    return evaluate_together(expression, [data], order=order, dtype=dtype, modulus=modulus)[0]


evaluate_by(evaluate)


def evaluate_together(
    expression: Expression,
    graphs: Sequence[object],
    *,
    order: Iterable[Index] | None = None,
    dtype: torch.dtype = torch.float64,
    modulus: int | None = None,
) -> Shaped[Tensor, "graphs *nodes width"]:
    """Return the values of an expression on graphs of n nodes each, [graphs, n, ..., n, width]; see `evaluate`."""
    if order is not None and (isinstance(order, str) or not isinstance(order, Iterable)):
        raise TypeError(f"order is {order!r}; expected the free indices in a tuple, such as (x, y).")
    axes = expression.free if order is None else tuple(order)
    if len(axes) != len(expression.free) or set(axes) != set(expression.free):
        asked, free = (" ".join(map(str, names)) or "none" for names in (axes, expression.free))
        raise ValueError(f"order is {asked}; expected the free indices, each once: {free}.")
    structure = Structure(graphs, dtype, modulus)
    evaluation = _Evaluation(structure)
    for part in expression.parts:  # from the inside out, so that no formula is too deep for recursion
        if isinstance(part, Application) and len(part.free) < 2:
            evaluation.value(part)
    values = evaluation.value(expression)
    whole = _align(values, expression.free, axes)
    return whole.expand(structure.together, *[structure.nodes] * len(axes), whole.size(-1)).contiguous()


@dataclass(frozen=True)
class _Factor:
    """What stands in a product under sums: an expression, or values that were worked out already.

    Attributes:
        places: what each axis of the values, or free index of the expression, stands for.
    """

    content: Expression | Tensor
    places: tuple[Place, ...]

    def guard(self, pair: set[Place]) -> Edge | None:
        """The edge, if all the factor says is that just these two are adjacent."""
        return self.content if isinstance(self.content, Edge) and set(self.places) == pair else None


class _Evaluation:
    """One run over a structure; equal sub-expressions are worked out once."""

    def __init__(self, structure: Structure) -> None:
        self._on = structure
        self._known: dict[Expression, Tensor] = {}

    def value(self, expression: Expression) -> Tensor:
        """Values [graphs or 1, n or 1, ..., width], an axis for each free index."""
        if expression not in self._known:
            self._require_room(len(expression.free))
            self._known[expression] = self._value(expression)
        return self._known[expression]

    def _require_room(self, axes: int) -> None:
        entries = self._on.together * self._on.nodes**axes
        if entries > LARGEST:
            raise ValueError(
                f"The values need a table of {entries:,} entries, {self._on.nodes} nodes at each of {axes} indices; "
                f"expected at most {LARGEST:,}. Take smaller graphs, or sum so that fewer indices are free at once."
            )

    def _value(self, expression: Expression) -> Tensor:
        on = self._on
        match expression:
            case Number(value):
                return self._number(value)
            case Edge(x, y, kind):
                return (on.adjacency(kind) if x != y else torch.zeros_like(on.identity[:, 0]))[..., None]
            case Equality(x, y):
                return (on.identity if x != y else torch.ones_like(on.identity[:, 0]))[..., None]
            case Inequality(x, y):
                return (1 - on.identity if x != y else torch.zeros_like(on.identity[:, 0]))[..., None]
            case Label(_, column):
                if column >= on.features.size(-1):
                    raise ValueError(f"P({column}, x) asks for column {column} of {on.features.size(-1)} features.")
                return on.features[..., column : column + 1]
            case FeatureRow():
                return on.features
            case Sum(terms):
                return self._sum([_align(self.value(term), term.free, expression.free) for term in terms])
            case Product(factors):
                return self._product([_align(self.value(f), f.free, expression.free) for f in factors])
            case Application(_, arguments, _):
                found = [_align(self.value(argument), argument.free, expression.free) for argument in arguments]
                return self._apply(expression, found)
            case Aggregation():
                return self._aggregate(expression)
            case Total():
                return self._total(expression)
        raise TypeError(f"{type(expression).__name__} is no expression of the tensor language.")

    # -- entry by entry ------------------------------------------------------------------------------------------------

    def _number(self, value: int | float) -> Tensor:
        if self._on.modulus is not None:
            if int(value) != value:
                raise ValueError(f"{value} stands in the expression; arithmetic modulo a prime needs integers.")
            value = int(value) % self._on.modulus
        return torch.full((1, 1), value, dtype=self._on.dtype, device=self._on.device)

    def _reduce(self, values: Tensor) -> Tensor:
        return values if self._on.modulus is None else values % self._on.modulus

    def _sum(self, terms: list[Tensor]) -> Tensor:
        _check_widths(terms)
        found = terms[0]
        for term in terms[1:]:
            found = found + term
        return self._reduce(found)

    def _product(self, factors: list[Tensor]) -> Tensor:
        _check_widths(factors)
        found = factors[0]
        for factor in factors[1:]:
            found = self._reduce(found * factor)
        return found

    def _apply(self, expression: Application, arguments: list[Tensor]) -> Tensor:
        shape = torch.broadcast_shapes(*[argument.shape[:-1] for argument in arguments])
        given = torch.cat([argument.expand(*shape, argument.size(-1)) for argument in arguments], dim=-1)
        try:
            found = expression.function(given)
        except (RuntimeError, TypeError, IndexError, ValueError) as error:
            raise ValueError(
                f"{expression.name} fails on {given.dtype} values {list(given.shape)}: {error}. Give it values of its "
                "own type by dtype=, or make its module double()."
            ) from error
        if not isinstance(found, Tensor) or found.shape[:-1] != shape:
            came = list(found.shape) if isinstance(found, Tensor) else type(found).__name__
            raise ValueError(
                f"{expression.name} made {came} of {list(given.shape)}; expected a function on the last axis, which "
                "keeps all others."
            )
        return self._reduce(found)

    # -- sums ----------------------------------------------------------------------------------------------------------

    def _total(self, expression: Total) -> Tensor:
        bound: list[Index] = []
        body: Expression = expression
        while isinstance(body, Total) and body.index not in bound:
            bound.append(body.index)
            body = body.body
        factors = body.factors if isinstance(body, Product) else (body,)
        places: Mapping[Index, Place] = {index: i for i, index in enumerate(bound)}
        product = [_Factor(f, tuple(places.get(index, index) for index in f.free)) for f in factors]
        needed = self._indices_needed(product, len(bound))
        large = needed > 2 and self._on.nodes**needed > LARGE
        if large and (names := (found := analyse(expression)).pareto[0][0]) < needed:
            return self.value(found.rewritten(names))
        return self._contract(product, len(bound), needed, expression.free)

    def _indices_needed(self, product: list[_Factor], bound: int) -> int:
        """How many indices the tables of the best order look at, at most."""
        supports, _ = _supports(product, bound)
        return fewest_names((1 << bound) - 1, supports)

    def _contract(self, product: list[_Factor], bound: int, names: int, free: tuple[Index, ...]) -> Tensor:
        supports, mask = _supports(product, bound)
        order = SummationOrder((1 << bound) - 1, supports, names)
        outside = [f for f in product if not any(isinstance(place, int) for place in f.places)]
        factors = outside + [self._component(product, order, mask, component) for component in order.components]
        return self._product([_align(self._dense(factor), factor.places, free) for factor in factors])

    def _component(
        self, product: list[_Factor], order: SummationOrder, mask: Mapping[Place, int], component: int
    ) -> _Factor:
        """The sum over a connected set of bound indices, as a table over what it is joined to."""
        v = order.outermost(component)
        boundary = order.boundary(component)
        reach = boundary | v
        masks = [sum(mask[place] for place in factor.places) for factor in product]
        factors = [f for f, m in zip(product, masks, strict=True) if m & v and not m & ~reach]
        factors += [self._component(product, order, mask, rest) for rest in order.split(component & ~v)]
        (summed,) = (place for place, bit in mask.items() if bit == v)
        outer = tuple(place for place, bit in mask.items() if bit & boundary)
        if not factors:
            return _Factor(self._number(self._on.nodes), ())
        if len(outer) == 1 and self._on.together == 1:
            for factor in factors:
                if edge := factor.guard({outer[0], summed}):
                    rest = [f for f in factors if f is not factor]
                    return _Factor(self._over_arcs(rest, outer[0], summed, edge.type), outer)
        return _Factor(self._sum_out(factors, outer, summed), outer)

    def _dense(self, factor: _Factor) -> Tensor:
        return self.value(factor.content) if isinstance(factor.content, Expression) else factor.content

    def _sum_out(self, factors: list[_Factor], outer: tuple[Place, ...], summed: Place) -> Tensor:
        self._require_room(len(outer))
        values = [self._dense(factor) for factor in factors]
        _check_widths(values)
        if self._on.modulus is not None:
            axes = (*outer, summed)
            aligned = [_align(v, f.places, axes) for v, f in zip(values, factors, strict=True)]
            return self._reduce(self._product(aligned).sum(dim=-2))
        label = {place: i + 2 for i, place in enumerate((*outer, summed))}
        operands: list[Tensor | list[int]] = []
        present: set[int] = set()
        for value, factor in zip(values, factors, strict=True):
            kept = [0, *(label[place] for place in factor.places), 1]
            # Axes of one entry stand for all; einsum wants them gone.
            dropped = [axis for axis, size in enumerate(value.shape) if size == 1 and kept[axis] < 2]
            labels = [at for axis, at in enumerate(kept) if axis not in dropped]
            operands += [value.squeeze(dropped), labels]
            present |= {*labels}
        result = [at for at in (0, *(label[place] for place in outer), 1) if at in present or at > 1]
        found = torch.einsum(*operands, result)
        found = found if 0 in present else found[None]
        return found if 1 in present else found[..., None]

    def _over_arcs(self, factors: list[_Factor], outer: Place, summed: Place, kind: int | None) -> Tensor:
        """sum over the neighbours of each node of the product of the factors."""
        heads, tails = self._on.arcs(kind)
        at = {outer: heads, summed: tails}
        values = [self._along(factor, at) for factor in factors] or [self._ones(len(heads))]
        product = self._product(values)
        product = product.expand(len(heads), product.size(-1))
        found = product.new_zeros(self._on.nodes, product.size(-1)).index_add_(0, heads, product)
        return self._reduce(found)[None]

    def _ones(self, count: int) -> Tensor:
        return torch.ones(count, 1, dtype=self._on.dtype, device=self._on.device)

    def _along(self, factor: _Factor, at: Mapping[Place, Tensor]) -> Tensor:
        """A factor's values at listed nodes, [m, width]."""
        nodes = [at[place] for place in factor.places]
        if isinstance(factor.content, Tensor):
            return factor.content[0][tuple(nodes)]
        return self._at(factor.content, dict(zip(factor.content.free, nodes, strict=True)))

    def _at(self, expression: Expression, nodes: Mapping[Index, Tensor]) -> Tensor:
        """An expression's values at listed nodes, [m or 1, width], without a table of all pairs where that can be."""
        if len(expression.free) > 1:
            match expression:
                case Sum(terms):
                    return self._sum([self._at(term, nodes) for term in terms])
                case Product(factors):
                    return self._product([self._at(factor, nodes) for factor in factors])
                case Application(_, arguments, _):
                    return self._apply(expression, [self._at(argument, nodes) for argument in arguments])
                case Equality(x, y):
                    return (nodes[x] == nodes[y]).to(self._on.dtype)[:, None]
                case Inequality(x, y):
                    return (nodes[x] != nodes[y]).to(self._on.dtype)[:, None]
                case Edge(x, y, kind):
                    heads, tails = self._on.arcs(kind)
                    codes = heads * self._on.nodes + tails
                    return torch.isin(nodes[x] * self._on.nodes + nodes[y], codes).to(self._on.dtype)[:, None]
        found = self.value(expression)[0]
        return found[tuple(nodes[index] for index in expression.free)] if expression.free else found[None]

    # -- aggregations --------------------------------------------------------------------------------------------------

    def _aggregate(self, expression: Aggregation) -> Tensor:
        outer, y = expression.free, expression.index
        guard = expression.guard.factors if isinstance(expression.guard, Product) else (expression.guard,)
        if len(outer) == 1 and self._on.together == 1:
            for factor in guard:
                if edge := _Factor(factor, factor.free).guard({outer[0], y}):
                    return self._aggregate_over_arcs(expression, [f for f in guard if f is not factor], edge.type)
        axes = (*outer, y)
        shape = (self._on.together, *[self._on.nodes] * len(axes))
        taken, body = (_align(self.value(e), e.free, axes) for e in expression.children)
        if taken.size(-1) != 1:
            raise ValueError(f"The guard of {expression.kind}_{y} has width {taken.size(-1)}; expected 1.")
        taken, body = (taken != 0).expand(*shape, 1), body.expand(*shape, body.size(-1))
        count = taken.sum(dim=-2)
        if expression.kind == "mean":
            return self._quotient((body * taken).sum(dim=-2), count)
        rest = _worst(expression.kind, body.dtype)
        found = torch.where(taken, body, rest)
        found = found.amax(dim=-2) if expression.kind == "max" else found.amin(dim=-2)
        return torch.where(count > 0, found, 0)

    def _aggregate_over_arcs(self, expression: Aggregation, guard: list[Expression], kind: int | None) -> Tensor:
        heads, tails = self._on.arcs(kind)
        nodes = {expression.free[0]: heads, expression.index: tails}
        taken = self._product([self._ones(len(heads)), *(self._at(factor, nodes) for factor in guard)])
        if taken.size(-1) != 1:
            raise ValueError(
                f"The guard of {expression.kind}_{expression.index} has width {taken.size(-1)}; expected 1."
            )
        body = self._at(expression.body, nodes)
        body = body.expand(len(heads), body.size(-1))
        here = taken[:, 0] != 0
        heads, body = heads[here], body[here]
        count = torch.bincount(heads, minlength=self._on.nodes)[None, :, None]
        found = body.new_zeros(self._on.nodes, body.size(-1))
        if expression.kind == "mean":
            return self._quotient(found.index_add_(0, heads, body)[None], count)
        where = heads[:, None].expand_as(body)
        return found.scatter_reduce_(0, where, body, f"a{expression.kind}", include_self=False)[None]

    def _quotient(self, dividend: Tensor, count: Tensor) -> Tensor:
        count = count.clamp(min=1)
        if self._on.modulus is None:
            return dividend / count
        inverse = [pow(i, -1, self._on.modulus) if i else 0 for i in range(self._on.nodes + 1)]
        table = torch.tensor(inverse, dtype=torch.int64, device=dividend.device)
        return self._reduce(self._reduce(dividend) * table[count])


def _supports(product: list[_Factor], bound: int) -> tuple[list[tuple[int, Depth]], dict[Place, int]]:
    """What each factor of a product under the sums over 0, 1, ... looks at, as bit masks; and the bit of each index."""
    places: list[Place] = list(range(bound))
    places += dict.fromkeys(p for factor in product for p in factor.places if not isinstance(p, int))
    mask = {place: 1 << i for i, place in enumerate(places)}
    return [(sum(mask[place] for place in factor.places), 0) for factor in product], mask


def _align(values: Tensor, axes: Sequence[Place], wanted: Sequence[Place]) -> Tensor:
    """Values [graphs, an axis for each of `axes`, width] with other axes in their place; new ones have one entry."""
    kept = [axes.index(place) + 1 for place in wanted if place in axes]
    turned = values.permute(0, *kept, values.dim() - 1)
    shape = iter(turned.shape[1:-1])
    return turned.reshape(turned.size(0), *(next(shape) if place in axes else 1 for place in wanted), turned.size(-1))


def _check_widths(values: list[Tensor]) -> None:
    widths = {value.size(-1) for value in values} - {1}
    if len(widths) > 1:
        raise ValueError(f"Values of widths {sorted(widths)} are added or multiplied; expected one width, or 1.")


def _worst(kind: str, dtype: torch.dtype) -> int | float:
    if dtype.is_floating_point:
        return -torch.inf if kind == "max" else torch.inf
    limits = torch.iinfo(dtype)
    return limits.min if kind == "max" else limits.max
