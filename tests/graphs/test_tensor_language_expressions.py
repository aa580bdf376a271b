"""Tensor language: formulas as values, read and written, and evaluated against a transcription of their meaning."""

import itertools
import math
import random
from collections.abc import Callable

import networkx as nx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch_geometric.data import Data, HeteroData

from paperwright.data.graph_pairs import as_data
from paperwright.graphs.tensor_language.analysis.evaluation import evaluate, evaluate_together
from paperwright.graphs.tensor_language.architectures.message_passing import propagate
from paperwright.graphs.tensor_language.experiments.violations import PRIME, RandomPolynomial
from paperwright.graphs.tensor_language.language import expressions as kinds
from paperwright.graphs.tensor_language.language.builders import (
    E,
    Features,
    P,
    aggregate,
    apply,
    different,
    equal,
    indices,
    total,
)
from paperwright.graphs.tensor_language.language.expressions import Expression, Index
from paperwright.graphs.tensor_language.language.parsing import parse

x, y, z, w = indices("x y z w")
quick = settings(max_examples=12, deadline=None, derandomize=True)
seeds = st.integers(0, 2**31)


# -- the meaning, written down as it stands in Section 3 of the paper --------------------------------------------------


def literal(expression: Expression, A: Tensor, F: Tensor, at: dict[Index, int]) -> Tensor:
    """The values at one tuple of nodes, [width]."""

    def meaning(child: Expression, **more: int) -> Tensor:
        return literal(child, A, F, {**at, **{Index(name): node for name, node in more.items()}})

    def number(value: float) -> Tensor:
        return torch.tensor([value], dtype=torch.float64)

    nodes = range(len(A))
    match expression:
        case kinds.Number(value):
            return number(value)
        case kinds.Edge(a, b, _):
            return number(float(A[at[a], at[b]]))
        case kinds.Equality(a, b):
            return number(float(at[a] == at[b]))
        case kinds.Inequality(a, b):
            return number(float(at[a] != at[b]))
        case kinds.Label(a, column):
            return F[at[a], column].reshape(1)
        case kinds.FeatureRow(a):
            return F[at[a]]
        case kinds.Sum(terms):
            return sum(meaning(term) for term in terms)
        case kinds.Product(factors):
            return math.prod((meaning(factor) for factor in factors), start=number(1))
        case kinds.Application(function, arguments, _):
            return function(torch.cat([meaning(argument) for argument in arguments]))
        case kinds.Total(index, body):
            return sum(meaning(body, **{index.name: v}) for v in nodes)
        case kinds.Aggregation(index, kind, guard, body):
            taken = [v for v in nodes if meaning(guard, **{index.name: v}) != 0]
            values = torch.stack([meaning(body, **{index.name: v}) for v in nodes])
            if not taken:
                return torch.zeros_like(values[0])
            return {"max": lambda v: v.amax(0), "min": lambda v: v.amin(0), "mean": lambda v: v.mean(0)}[kind](
                values[taken]
            )
    raise AssertionError(expression)


def literal_values(expression: Expression, data: Data) -> Tensor:
    n = data.num_nodes
    tuples = itertools.product(range(n), repeat=len(expression.free))
    A = torch.zeros(n, n)
    A[data.edge_index[0], data.edge_index[1]] = 1
    rows = [literal(expression, A, data.x, dict(zip(expression.free, nodes, strict=True))) for nodes in tuples]
    return torch.stack(rows).reshape(*[n] * len(expression.free), -1)


def squashed(values: Tensor) -> Tensor:
    return torch.tanh(values.sum(-1, keepdim=True) * 0.3) + values[..., :1] * 0.1


def random_formula(draw: random.Random, names: tuple[Index, ...], depth: int) -> Expression:
    """Any formula: sums over other nodes, names used again, products that vanish, functions of several arguments."""

    def name() -> Index:
        return draw.choice(names)

    def inner() -> Expression:
        return random_formula(draw, names, depth - 1)

    atoms: list[Callable[[], Expression]] = [
        lambda: E(name(), name()),
        lambda: E(name(), name()),
        lambda: P(0, name()),
        lambda: Features(name()),
        lambda: equal(name(), name()),
        lambda: different(name(), name()),
    ]
    compounds: list[Callable[[], Expression]] = [
        lambda: inner() * inner(),
        lambda: inner() * inner(),
        lambda: draw.choice([2, -1, 0.5]) * inner() - inner(),
        lambda: apply(torch.tanh, inner()),
        lambda: apply(squashed, inner(), inner()),
        lambda: aggregate(draw.choice(["max", "min", "mean"]), name(), E(name(), name()) * P(0, name()), inner()),
        lambda: aggregate(draw.choice(["max", "min", "mean"]), name(), draw.choice([E(name(), name()), 1]), inner()),
        lambda: total(name(), inner() * E(name(), name())),
        lambda: total(name(), inner()),
        lambda: total((names[0], names[1]), inner() * E(name(), name())),
    ]
    return draw.choice(atoms if not depth or draw.random() < 0.15 else compounds)()


def random_case(seed: int, *, most_nodes: int = 4) -> tuple[Expression, Data]:
    draw = random.Random(seed)
    formula = random_formula(draw, (x, y, z, w)[: draw.choice([2, 3, 4])], draw.choice([1, 2, 3, 4]))
    return formula, random_graph(seed, draw.randint(1, most_nodes))


def random_graph(seed: int, nodes: int) -> Data:
    generator = torch.Generator().manual_seed(seed)
    A = torch.rand(nodes, nodes, generator=generator).triu(1) > 0.4
    features = torch.randn(nodes, 3, dtype=torch.float64, generator=generator)
    return Data(x=features, edge_index=(A | A.T).nonzero().T, num_nodes=nodes)


@quick
@given(seeds)
def test_values_are_what_the_formula_says(seed: int):
    formula, data = random_case(seed)
    torch.testing.assert_close(formula.evaluate(data), literal_values(formula, data), atol=1e-9, rtol=1e-9)


@quick
@given(seeds)
def test_values_by_the_normal_form_are_the_same(seed: int):
    formula, data = random_case(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("paperwright.graphs.tensor_language.analysis.evaluation.LARGE", 0)
        values = formula.evaluate(data)
    torch.testing.assert_close(values, formula.evaluate(data), atol=1e-9, rtol=1e-9)


@quick
@given(seeds)
def test_several_graphs_together_are_each_as_alone(seed: int):
    formula, data = random_case(seed)
    other = random_graph(seed + 1, data.num_nodes)
    both = evaluate_together(formula, [data, other])
    for values, alone in zip(both, (data, other), strict=True):
        torch.testing.assert_close(values, formula.evaluate(alone), atol=1e-9, rtol=1e-9)


@quick
@given(seeds)
def test_every_expression_is_permutation_equivariant(seed: int):
    formula, data = random_case(seed, most_nodes=6)
    order = torch.randperm(data.num_nodes, generator=torch.Generator().manual_seed(seed))
    place = torch.argsort(order)
    moved = Data(x=data.x[order], edge_index=place[data.edge_index], num_nodes=data.num_nodes)
    values = formula.evaluate(data)
    for axis in range(len(formula.free)):
        values = values.index_select(axis, order)
    torch.testing.assert_close(formula.evaluate(moved), values, atol=1e-9, rtol=1e-9)


@quick
@given(seeds)
def test_text_reads_back(seed: int):
    formula, _ = random_case(seed)
    assert parse(str(formula), {"squashed": squashed}) == formula


@quick
@given(seeds)
def test_renaming_free_indices_renames_the_axes(seed: int):
    formula, data = random_case(seed)
    a, b = indices("a b")
    renamed = formula.renamed({x: y, y: x, z: a, w: b})
    back = renamed.renamed({x: y, y: x, a: z, b: w})
    swapped = {x: y, y: x, z: a, w: b}
    order = [swapped[index] for index in formula.free]
    torch.testing.assert_close(renamed.evaluate(data, order=order), formula.evaluate(data), atol=1e-9, rtol=1e-9)
    torch.testing.assert_close(back.evaluate(data), formula.evaluate(data), atol=1e-9, rtol=1e-9)


# -- exact arithmetic --------------------------------------------------------------------------------------------------


def test_arithmetic_modulo_a_prime_is_exact():
    data = as_data(nx.complete_graph(12))
    walks = total(y, E(x, y))
    for _ in range(20):
        walks = total(y, E(x, y) * walks.renamed({x: y, y: x}))
    assert walks.evaluate(data, modulus=PRIME).unique().tolist() == [
        pow(11, 21, PRIME)
    ]  # 11^21 is past float64 and int64


def test_functions_aggregations_and_signs_work_modulo_a_prime():
    data = as_data(nx.star_graph(4))
    f = RandomPolynomial(3, 5, 101)
    leaf, centre = (((5 + 3 * d) % 101) for d in (1, 4))
    value = apply(f, total(y, E(x, y))).evaluate(data, modulus=101)[:, 0].tolist()
    assert value == [(v + v**2 + v**3) % 101 for v in (centre, leaf, leaf, leaf, leaf)]
    assert (-total(y, E(x, y))).evaluate(data, modulus=101)[:, 0].tolist() == [97, 100, 100, 100, 100]
    mean = aggregate("mean", y, 1, total(x, E(x, y))).evaluate(data, modulus=101)
    assert mean.item() * 5 % 101 == 8
    degrees = [
        aggregate(kind, y, E(x, y), total(x, E(x, y))).evaluate(data, modulus=101)[0].item() for kind in ("max", "min")
    ]
    assert degrees == [1, 1]


def test_a_prime_wants_integers():
    data = as_data(nx.path_graph(3))
    with pytest.raises(ValueError, match=r"0\.5 stands in the expression"):
        (0.5 * E(x, y)).evaluate(data, modulus=7)
    data.x = torch.full((3, 1), 0.5)
    with pytest.raises(ValueError, match="no integers"):
        P(0, x).evaluate(data, modulus=7)
    with pytest.raises(ValueError, match="below 2\\^31"):
        E(x, y).evaluate(data, modulus=2**40)


# -- closed forms ------------------------------------------------------------------------------------------------------


def injective(graph: nx.Graph) -> Expression:
    names = dict(zip(graph, indices(" ".join(f"v{i}" for i in range(len(graph)))), strict=True))
    factors = [E(names[u], names[v]) for u, v in graph.edges]
    factors += [different(names[u], names[v]) for u, v in nx.complement(graph).edges]
    return total(tuple(names.values()), math.prod(factors[1:], start=factors[0]))


@pytest.mark.parametrize(
    ("host", "counts"),
    [(nx.petersen_graph(), (120, 0, 120, 120)), (nx.icosahedral_graph(), (840, 240, 720, 2880))],
    ids=["Petersen", "icosahedral"],
)
def test_injective_homomorphisms(host: nx.Graph, counts: tuple[int, ...]):
    patterns = [nx.path_graph(4), nx.cycle_graph(4), nx.cycle_graph(5), nx.cycle_graph(6)]
    assert tuple(round(injective(pattern).evaluate(as_data(host)).item()) for pattern in patterns) == counts


def test_walks_are_powers_of_the_adjacency_matrix():
    graph = nx.random_regular_graph(3, 10, seed=1)
    A = torch.from_numpy(nx.to_numpy_array(graph))  # nodes in the graph's own order, as `as_data` has them
    a, b, c, d = indices("a b c d")
    walks = total((b, c), E(a, b) * E(b, c) * E(c, d)).evaluate(as_data(graph))
    torch.testing.assert_close(walks[..., 0], torch.linalg.matrix_power(A, 3))
    assert walks.dtype == torch.float64


def test_gcn_of_the_leaves_of_a_star_and_of_a_path():
    layer = propagate(lambda at, spare: Features(at), x, y, loops=True)
    star, path = (layer.evaluate(as_data(graph))[:, 0] for graph in (nx.star_graph(3), nx.path_graph(3)))
    assert star[1].item() == pytest.approx(0.853553390593, abs=1e-12)
    assert path[0].item() == pytest.approx(0.908248290464, abs=1e-12)


def test_a_layer_of_torch_geometric_is_its_expression():
    from torch_geometric.nn import GINConv, SAGEConv

    data = random_graph(3, 8)
    h = Features(x)
    conv = GINConv(torch.nn.Tanh(), eps=0.5).double()
    mine = apply(torch.tanh, 1.5 * h + total(y, E(x, y) * Features(y)))
    torch.testing.assert_close(mine.evaluate(data), conv(data.x, data.edge_index))
    pool = SAGEConv(3, 4, aggr="max").double()
    theirs = pool(data.x, data.edge_index)
    mine = apply(pool.lin_l, aggregate("max", y, E(x, y), Features(y))) + apply(pool.lin_r, h)
    torch.testing.assert_close(mine.evaluate(data), theirs)


def test_guarded_sums_never_see_all_pairs():
    path = nx.path_graph(100_000)
    edges = torch.tensor(list(path.edges)).T
    data = Data(edge_index=torch.cat([edges, edges.flip(0)], dim=1), num_nodes=100_000)
    score = apply(torch.exp, apply(torch.tanh, Features(x) - 0.5 * Features(y)))
    layer = apply(torch.tanh, total(y, E(x, y) * score * Features(y)) + aggregate("max", y, E(x, y), score))
    values = layer.evaluate(data)[:, 0]
    assert values.unique().numel() == 2  # ends and inner nodes
    a, b, c = indices("a b c")
    star = total((a, b, c), E(x, a) * E(x, b) * E(x, c)).evaluate(data)[:, 0]
    assert star[:3].tolist() == [1, 8, 8]


def test_typed_edges():
    edges = torch.tensor([[0, 1, 1, 2, 0, 1], [1, 0, 2, 1, 1, 0]])
    data = Data(edge_index=edges, edge_type=torch.tensor([0, 0, 0, 0, 1, 1]), num_nodes=3)
    degrees = [total(y, E(x, y, type=kind)).evaluate(data)[:, 0].tolist() for kind in (None, 0, 1)]
    assert degrees == [[1, 2, 1], [1, 2, 1], [1, 1, 0]]
    common = total(y, E(x, y, type=0) * E(x, y, type=1)).evaluate(data)[:, 0].tolist()
    assert common == [1, 1, 0]
    with pytest.raises(ValueError, match="no edge_type"):
        E(x, y, type=1).evaluate(as_data(nx.path_graph(3)))


# -- what a formula shows ----------------------------------------------------------------------------------------------


def test_an_expression_shows_its_indices_and_depth():
    formula = total(y, E(x, y) * total(x, E(y, x) * P(1, x))) + total(z, equal(z, x))
    assert formula.free == (x,)
    assert set(formula.indices) == {x, y, z}
    assert formula.summation_depth == 2
    assert aggregate("mean", y, 1, Features(y)).free == ()


def test_text_and_latex():
    formula = total(y, E(x, y) * (1 - P(0, y))) - 2 * apply(torch.tanh, Features(x), different(x, z))
    assert str(formula) == "sum_y E(x, y) * (1 - P0(y)) - 2 * tanh(Features(x), 1[x != z])"
    assert formula.latex() == (
        r"\sum_{y} E(x, y)\, \left(1 - P_{0}(y)\right) - 2\, \operatorname{tanh}\left(F(x), \mathbf{1}[x \neq z]\right)"
    )
    assert str(aggregate("max", y, E(x, y, type=2), P(0, y))) == "max_y(E2(x, y), P0(y))"
    assert aggregate("max", y, E(x, y, type=2), P(0, y)).latex() == (
        r"\operatorname{max}_{y :\, E_{2}(x, y) \neq 0} \left(P_{0}(y)\right)"
    )
    assert (P(0, x) - (P(1, x) + P(2, x))).latex() == r"P_{0}(x) - \left(P_{1}(x) + P_{2}(x)\right)"


@pytest.mark.parametrize("write", [str, Expression.latex])
def test_what_is_too_long_to_write_out_is_left_out(write: Callable[[Expression], str]):
    shared, chain = Features(x), Features(x)
    for _ in range(60):
        shared = apply(torch.tanh, shared, shared)  # 2^60 parts if it were a tree
    for _ in range(3000):
        chain = apply(torch.tanh, chain)
    for formula in (shared, chain):
        text = write(formula)
        assert "tanh" in text
        assert "dots" in text or "..." in text
        assert len(text) < 10**6
    with pytest.raises(ValueError, match="expected"):
        parse(str(shared))


@pytest.mark.parametrize(
    "text",
    [
        "sum_y E(x,y)*P0(y)",
        "sum_{y, z} E(x, y)*E(y, z)*E(z, x)",
        "-2*x0(E(x,y)) + 1e-3",
        "mean_y(1, tanh(Features(y)))",
    ],
)
def test_texts_that_can_be_read(text: str):
    formula = parse(text, {"x0": torch.relu})
    assert parse(str(formula), {"x0": torch.relu}) == formula


def test_a_sum_reaches_to_the_end_of_its_product():
    assert parse("sum_y E(x,y)*P0(y) + P0(x)") == total(y, E(x, y) * P(0, y)) + P(0, x)
    assert parse("(sum_y E(x,y)) * P0(x)") == total(y, E(x, y)) * P(0, x)


def test_equal_formulas_are_equal_values():
    assert total(y, E(x, y)) == total(y, E(x, y))
    assert len({E(x, y), E(x, y), E(y, x)}) == 2
    assert apply(torch.tanh, E(x, y)) != apply(torch.sin, E(x, y))
    with pytest.raises(AttributeError):
        E(x, y).left = z
    deep = Features(x)
    for _ in range(200):
        deep = apply(torch.tanh, deep, deep)  # 2^200 parts if it were a tree
    assert deep == apply(torch.tanh, *deep.arguments)


def test_networkx_graphs_have_values_too():
    degrees = total(y, E(x, y))
    assert torch.equal(degrees.evaluate(nx.star_graph(3)), degrees.evaluate(as_data(nx.star_graph(3))))


def test_axes_come_in_the_order_asked_for():
    data = as_data(nx.star_graph(2))
    formula = E(y, x) * total(z, E(x, z))
    assert torch.equal(formula.evaluate(data, order=(y, x)), formula.evaluate(data).transpose(0, 1))
    assert formula.evaluate(data)[0, 1].item() == 2  # x first: the centre's degree
    assert formula.evaluate(data, dtype=torch.float32).dtype == torch.float32


# -- bad input ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sum_y E(x,y", r"position 11 .*expected '\)', but the text ends"),
        ("E(x y)", r"position 4 .*expected ',', but found 'y\)'"),
        ("E(x,y) E(y,x)", r"position 7 .*expected end of text"),
        ("1[x < y]", r"position 4 .*expected '=' or '!='"),
        ("sum_y", r"position 5 .*expected an expression, but the text ends"),
        ("2 * ", r"position 4 .*expected an expression, but the text ends"),
        ("__import__(x)", r"position 0 .*expected E, P0, Features"),
        ("E(1, x)", r"position 2 .*expected an index"),
        ("sum_{y z} P0(y)", r"position 7 .*expected '}'"),
        ("P0(x) / 2", r"position 6 .*expected end of text"),
    ],
)
def test_errors_of_the_parser_give_position_and_what_is_expected(text: str, message: str):
    with pytest.raises(ValueError, match=message):
        parse(text)


@pytest.fixture
def unchecked():
    """Annotations are not executed, so that the room's own refusals are met."""
    from jaxtyping import config

    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", False)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: E("x", "y"), TypeError, "expected an index from indices"),
        (lambda: P("x", 0), TypeError, r"P\(0, x\)"),
        (lambda: P(-1, x), ValueError, "at least 0"),
        (lambda: total("y", E(x, y)), TypeError, "expected an index"),
        (lambda: total((y, y), E(x, y)), ValueError, "distinct"),
        (lambda: E(x, y) + "1", TypeError, "expected an expression or a number"),
        (lambda: E(x, y) * float("nan"), ValueError, "finite"),
        (lambda: apply("tanh", E(x, y)), TypeError, "expected a function or module"),
        (lambda: apply(torch.tanh), ValueError, "at least one"),
        (lambda: aggregate("sum", y, E(x, y), P(0, y)), ValueError, "'max', 'min' or 'mean'"),
        (lambda: indices("x x"), ValueError, "distinct names"),
        (lambda: indices("1"), ValueError, "no index name"),
        (lambda: indices(("x", "y")), TypeError, "one string"),
        (lambda: E(x, y, type=-1), ValueError, "type is -1; expected a whole number"),
        (lambda: parse(E(x, y)), TypeError, "expected a string"),
        (lambda: parse("E(x, y)", functions=3), TypeError, "functions is int"),
        (lambda: total([x, y], E(x, y)), TypeError, "expected an index"),
        (lambda: E(x, y).renamed({x: "y"}), TypeError, "expected indices for indices"),
        (lambda: E(x, y).renamed([x]), TypeError, "expected indices for indices"),
        (lambda: P(True, x), TypeError, "column is True; expected a whole number"),
    ],
)
def test_bad_formulas_are_refused(build: Callable[[], object], error: type[Exception], message: str):
    with pytest.raises(error, match=message):
        build()


PATH = as_data(nx.path_graph(3))


def with_types(types: Tensor) -> Data:
    return Data(edge_index=PATH.edge_index, edge_type=types, num_nodes=3)


def with_features(features: object) -> Data:
    return Data(x=features, edge_index=PATH.edge_index, num_nodes=3)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("run", "error", "message"),
    [
        (lambda: E(x, y).evaluate(PATH, order=(x,)), ValueError, "order is x; expected the free indices"),
        (lambda: E(x, y).evaluate(PATH, order=(x, z)), ValueError, "each once: x y"),
        (lambda: E(x, y).evaluate(HeteroData()), TypeError, "to_homogeneous"),
        (lambda: E(x, y).evaluate("P3"), TypeError, "expected a torch_geometric Data or a networkx graph"),
        (lambda: E(x, y).evaluate(PATH, order="xy"), TypeError, "in a tuple"),
        (lambda: E(x, y).evaluate(PATH, order=3), TypeError, "in a tuple"),
        (lambda: Features(x).evaluate(with_features(torch.ones(4, 1))), ValueError, "a row for each of 3 nodes"),
        (lambda: Features(x).evaluate(with_features("abc")), TypeError, "x is str; expected a dense tensor"),
        (lambda: Features(x).evaluate(with_features(torch.ones(3, 1) * 1j)), TypeError, "x is a torch.complex64"),
        (lambda: Features(x).evaluate(with_features(torch.ones(3, 1).to_sparse())), TypeError, "expected a dense"),
        (lambda: E(x, y, type=0).evaluate(with_types(torch.tensor([0]))), ValueError, "one type for each of 4 edges"),
        (lambda: apply(torch.nn.Linear(1, 2), Features(x)).evaluate(PATH), ValueError, "Linear fails on torch.float64"),
        (lambda: (E(x, y) * E(y, z)).evaluate(nx.path_graph(2000)), ValueError, "a table of 8,000,000,000 entries"),
        (lambda: E(x, y).evaluate(PATH, modulus=4), ValueError, "expected a prime"),
        (lambda: E(x, y).evaluate(PATH, modulus=5.0), ValueError, "expected a prime"),
        (lambda: E(x, y).evaluate(PATH, dtype=torch.int64), TypeError, "floating type"),
        (
            lambda: P(0, x).evaluate(Data(edge_index=torch.tensor([[0], [1]]), num_nodes=2)),
            ValueError,
            "not symmetric",
        ),
        (
            lambda: P(0, x).evaluate(Data(edge_index=torch.tensor([[0], [0]]), num_nodes=1)),
            ValueError,
            "edge to itself",
        ),
        (lambda: P(3, x).evaluate(with_features(torch.ones(3, 2))), ValueError, "column 3 of 2"),
        (lambda: Features(x).evaluate(with_features(torch.full((3, 1), math.nan))), ValueError, "NaN"),
        (
            lambda: (Features(x) + apply(lambda v: v[..., :2], Features(x))).evaluate(with_features(torch.ones(3, 3))),
            ValueError,
            r"widths \[2, 3\]",
        ),
        (lambda: apply(lambda v: v.sum(), E(x, y), name="s").evaluate(PATH), ValueError, "s made"),
        (lambda: evaluate_together(E(x, y), [PATH, as_data(nx.path_graph(4))]), ValueError, "one size"),
        (lambda: evaluate(aggregate("max", y, Features(y), 1), with_features(torch.ones(3, 2))), ValueError, "guard"),
    ],
)
def test_bad_evaluations_are_refused(run: Callable[[], object], error: type[Exception], message: str):
    with pytest.raises(error, match=message):
        run()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("E(x,y)*1e400", "position 7 .*a finite number"),
        ("9" * 5000, "a finite number of at most 300 characters"),
        ("E" + "9" * 5000 + "(x,y)", "position 0 .*at most 300 digits"),
        ("P" + "9" * 5000 + "(x)", "position 0 .*at most 300 digits"),
        ("(" * 5000 + "1" + ")" * 5000, "at most 40 levels"),
        ("-" * 5000 + "1", "at most 40 levels"),
    ],
)
def test_numbers_and_parentheses_without_end_are_refused(text: str, expected: str) -> None:
    with pytest.raises(ValueError, match=expected) as refused:
        parse(text)
    assert len(str(refused.value)) < 500


def test_long_products_are_no_nesting() -> None:
    product = parse("*".join(["P0(x)"] * 500))
    assert str(product.free) == str(parse("P0(x)").free)
