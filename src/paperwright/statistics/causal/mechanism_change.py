"""Which mechanisms differ between environments, by how much, and which factorisation changes in the fewest places."""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int, Shaped
from scipy import stats as distributions
from scipy.special import log_softmax, xlogy

from paperwright.stats import adjusted_p_values

from ._rows import column_values, environment_codes, numbers

MOST_DISTINCT = 10
"""A column of numbers with no more distinct values than this is taken for categories."""
MOST_ORDERED = 6

Columns = Mapping[str, Shaped[np.ndarray, " rows"]]
Gaussian = tuple[Float[np.ndarray, " nodes"], Float[np.ndarray, "nodes nodes"]]


@dataclass(frozen=True)
class MechanismChanges:
    """What became of each mechanism p(node | parents) between environments.

    Attributes:
        p_values: of "this mechanism is the same in all environments", node by node.
        adjusted: the same by Holm, to hold against alpha itself.
        alpha: how often any mechanism at all may be named wrongly.
    """

    p_values: Mapping[str, float]
    adjusted: Mapping[str, float]
    alpha: float

    @property
    def changed(self) -> tuple[str, ...]:
        """The nodes whose mechanism changed."""
        return tuple(node for node, p in self.adjusted.items() if p <= self.alpha)

    @property
    def count(self) -> int:
        """The sparse-mechanism-shift score: how many factors changed."""
        return len(self.changed)


def which_mechanisms_changed(
    graph: Any,
    data: Any,
    environment: Any,
    *,
    alpha: float = 0.05,
    categorical: Iterable[str] | None = None,
    regressor: Any = None,
) -> MechanismChanges:
    r"""Test for every node whether its mechanism given its parents is the same in all environments.

    Numbers are regressed on their parents, in all rows and in each environment. Chow's F-test compares the
    coefficients, the Brown-Forsythe test the spread of the residuals, and
    :math:`p = \min(1, 2 \min(p_{\text{coefficients}}, p_{\text{spread}}))`. Categories with categorical parents are
    compared by the likelihood-ratio test of their tables, with other parents by that of logistic regressions.

    The tests are as good as the family: a mechanism that is not linear looks changed where its parents move. For such
    nodes give a scikit-learn `regressor`; residuals out of fold are then compared in mean and spread, and a change of
    slope with neither is missed.

    Args:
        graph: node -> parents, a networkx DiGraph, or a model with ``to_networkx()``.
        data: columns by name: a data frame or a mapping to arrays or tensors.
        environment: each row's label, or the name of a column of `data`.
        alpha: how often any node may be named wrongly.
        categorical: nodes that are categories; by default text, booleans, whole numbers, and numbers of at most 10
            distinct values.
        regressor: for nodes that are numbers and have parents.

    Raises:
        ValueError: an unknown node, a cycle, one environment, fewer than 10 rows in one, missing values.

    Source: the survey's section on independent mechanisms and sparse shifts; Chow 1960; Brown and Forsythe 1974.

    >>> rng = np.random.default_rng(0); e = np.repeat([0, 1], 400)
    >>> x = rng.normal(size=800) + e; y = 2 * x + rng.normal(size=800)
    >>> which_mechanisms_changed({"x": [], "y": ["x"]}, {"x": x, "y": y}, e).changed
    ('x',)
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha is {alpha}; expected a number between 0 and 1. Pass 0.05.")
    parents = parents_of(graph)
    columns, codes = _columns(parents, data, environment)
    kinds = _categories(columns, categorical)
    p_values = {node: _p_value(node, tuple(parents[node]), columns, kinds, codes, regressor) for node in parents}
    return _changes(p_values, alpha)


class FactorisationScore(NamedTuple):
    """An order of the variables and what changed under it, each given all before it."""

    order: tuple[str, ...]
    changes: MechanismChanges


def sparse_shift_scores(
    data: Any, environment: Any, *, alpha: float = 0.05, categorical: Iterable[str] | None = None
) -> list[FactorisationScore]:
    """Compare all factorisations of a few variables by how many of their factors change between environments.

    In an order that fits the causal graph each factor p(x | earlier) is a mechanism, so that few change when few
    mechanisms do; in other orders a change spreads. Orders that fit equally well stand first together.

    Args:
        data: columns by name; 6 at most, since all orders are tried.
        environment: each row's label, or the name of a column of `data`.
        alpha, categorical: as in :func:`which_mechanisms_changed`.

    Returns:
        All orders, the fewest changes first; ties by their smallest p-value, the largest first.

    Source: the survey's sparse mechanism shift hypothesis.

    >>> rng = np.random.default_rng(0); e = np.repeat([0, 1], 400)
    >>> x = rng.normal(size=800) * (1 + e); y = 2 * x + rng.normal(size=800)
    >>> sparse_shift_scores({"x": x, "y": y}, e)[0].order
    ('x', 'y')
    """
    names = [str(name) for name in (data if isinstance(data, Mapping) else data.columns)]
    names = [name for name in names if not (isinstance(environment, str) and name == environment)]
    if not 1 <= len(names) <= MOST_ORDERED:
        raise ValueError(f"data has {len(names)} columns; expected 1 to {MOST_ORDERED}. Choose a part of them.")
    columns, codes = _columns(dict.fromkeys(names, ()), data, environment)
    kinds = _categories(columns, categorical)
    known: dict[tuple[str, frozenset[str]], float] = {}
    scores = []
    for order in itertools.permutations(names):
        p_values = {}
        for position, node in enumerate(order):
            earlier = frozenset(order[:position])
            if (node, earlier) not in known:
                known[node, earlier] = _p_value(node, tuple(sorted(earlier)), columns, kinds, codes, None)
            p_values[node] = known[node, earlier]
        scores.append(FactorisationScore(order, _changes(p_values, alpha)))
    return sorted(scores, key=lambda score: (score.changes.count, -min(score.changes.p_values.values())))


def mechanism_divergences(
    graph: Any, data: Any, environment: Any, *, categorical: Iterable[str] | None = None
) -> dict[str, dict[tuple[Any, Any], float]]:
    r"""Estimate how far each mechanism of one environment lies from that of another, in nats.

    .. math:: \mathrm{KL}(p_e \,\|\, p_{e'}) = \sum_i \mathbb{E}_{p_e}
        \mathrm{KL}(p_e(x_i | pa_i) \,\|\, p_{e'}(x_i | pa_i))

    so the change of the joint law is attributed to mechanisms without remainder, and without Shapley values. All nodes
    numbers: linear Gaussian mechanisms, :func:`gaussian_mechanism_divergences` of the estimated moments. All nodes
    categories: tables with half a count added to each cell.

    Args:
        graph, data, environment, categorical: as in :func:`which_mechanisms_changed`.

    Returns:
        node -> (from environment, to environment) -> divergence.

    Raises:
        ValueError: as there; and nodes of both kinds.

    Source: the causal factorisation (survey, equation of the Markov factorisation) and the chain rule of KL.
    """
    parents = parents_of(graph)
    columns, codes = _columns(parents, data, environment)
    labels, _ = environment_codes(_environment(data, environment), len(codes))
    kinds = _categories(columns, categorical)
    if 0 < len(kinds) < len(columns):
        others = sorted(set(columns) - kinds)
        raise ValueError(f"{sorted(kinds)} are categories and {others} numbers; expected one kind. Bin the numbers.")
    pairs = list(itertools.permutations(range(len(labels)), 2))
    if kinds:
        tables = {node: _tables(node, tuple(parents[node]), columns, codes) + 0.5 for node in parents}
        return {
            node: {(labels[p], labels[q]): _table_divergence(table[p], table[q]) for p, q in pairs}
            for node, table in tables.items()
        }
    matrix = np.column_stack([columns[node].astype(float) for node in parents])
    moments = [(matrix[codes == e].mean(0), np.cov(matrix[codes == e].T, bias=True)) for e in range(len(labels))]
    moments = [(mean, covariance.reshape(len(parents), -1)) for mean, covariance in moments]
    found: dict[str, dict[tuple[Any, Any], float]] = {node: {} for node in parents}
    for p, q in pairs:
        for node, value in gaussian_mechanism_divergences(parents, moments[p], moments[q]).items():
            found[node][labels[p], labels[q]] = value
    return found


def gaussian_mechanism_divergences(graph: Any, p: Gaussian, q: Gaussian) -> dict[str, float]:
    r"""Return how far each mechanism of one linear Gaussian model lies from that of another, exactly, in nats.

    .. math:: \tfrac12 \left[\log \frac{s'^2}{s^2} + \frac{s^2 + (\Delta a + \Delta b \cdot m)^2
        + \Delta b^\top C \Delta b}{s'^2} - 1\right]

    with the regressions (a, b, s) of a node on its parents under p and (a', b', s') under q, and the parents' mean m
    and covariance C under p.

    Args:
        graph: node -> parents, a networkx DiGraph, or a model with ``to_networkx()``.
        p, q: mean and covariance, in the order of the graph's nodes.

    >>> import numpy as np
    >>> standard, wide = (np.zeros(1), np.eye(1)), (np.zeros(1), np.eye(1) * np.e)
    >>> round(gaussian_mechanism_divergences({"x": []}, standard, wide)["x"], 4)
    0.1839
    """
    parents = parents_of(graph)
    position = {node: i for i, node in enumerate(parents)}
    found = {}
    for node, above in parents.items():
        rows = [position[parent] for parent in above]
        (a, b, s), (a2, b2, s2) = (_regression(law, position[node], rows) for law in (p, q))
        mean, covariance = p[0][rows], p[1][np.ix_(rows, rows)]
        gap, tilt = a - a2, b - b2
        squared = (gap + tilt @ mean) ** 2 + tilt @ covariance @ tilt
        found[node] = float((math.log(s2 / s) + (s + squared) / s2 - 1) / 2)
    return found


def parents_of(graph: Any) -> dict[str, tuple[str, ...]]:
    """Return node -> parents of a mapping, a networkx DiGraph or a model with ``to_networkx()``, without cycles."""
    if hasattr(graph, "to_networkx"):
        graph = graph.to_networkx()
    if isinstance(graph, Mapping) and not hasattr(graph, "predecessors"):
        parents = {node: (above,) if isinstance(above, str) else tuple(above) for node, above in graph.items()}
    elif hasattr(graph, "predecessors"):
        parents = {node: tuple(graph.predecessors(node)) for node in graph.nodes}
    else:
        kind = type(graph).__name__
        raise TypeError(f"graph is a {kind}; expected node -> parents, or a networkx DiGraph. Pass {{'y': ['x']}}.")
    for node in [above for each in parents.values() for above in each]:
        parents.setdefault(node, ())
    left = dict(parents)
    while left:
        free = [node for node, above in left.items() if not any(parent in left for parent in above)]
        if not free:
            raise ValueError(f"graph has a cycle among {sorted(map(str, left))}; expected none. Remove an edge.")
        for node in free:
            del left[node]
    return parents


def _environment(data: Any, environment: Any) -> Any:
    if not isinstance(environment, str):
        return environment
    try:
        return data[environment]
    except KeyError:
        raise ValueError(
            f"environment is {environment!r}, which is no column of data; expected a column's name or one label a row. "
            "Pass the labels."
        ) from None


def _columns(
    parents: Mapping[str, Sequence[str]], data: Any, environment: Any
) -> tuple[Columns, Int[np.ndarray, " rows"]]:
    names = set(data.keys()) if hasattr(data, "keys") else set()
    if unknown := [node for node in parents if node not in names]:
        raise ValueError(
            f"graph has {unknown}, data has {sorted(map(str, names))}; expected a column for each node. Rename them."
        )
    columns = {node: column_values(node, data[node]) for node in parents}
    lengths = {node: len(values) for node, values in columns.items()}
    if len(set(lengths.values())) != 1:
        raise ValueError(f"data has columns of {lengths} rows; expected one length. Align them.")
    rows = next(iter(lengths.values()))
    return columns, environment_codes(_environment(data, environment), rows, least=10)[1]


def _categories(columns: Columns, stated: Iterable[str] | None) -> set[str]:
    if stated is not None:
        if unknown := set(stated) - set(columns):
            raise ValueError(f"categorical has {sorted(unknown)}; expected some of {list(columns)}. Check the names.")
        return set(stated)
    return {
        node
        for node, values in columns.items()
        if values.dtype.kind != "f" or len(np.unique(values[:1000])) <= MOST_DISTINCT >= len(np.unique(values))
    }


def _changes(p_values: Mapping[str, float], alpha: float) -> MechanismChanges:
    adjusted = adjusted_p_values(list(p_values.values()))
    return MechanismChanges(p_values, dict(zip(p_values, adjusted.tolist(), strict=True)), alpha)


def _p_value(
    node: str,
    parents: tuple[str, ...],
    columns: Columns,
    kinds: set[str],
    codes: Int[np.ndarray, " rows"],
    regressor: Any,
) -> float:
    if node in kinds and kinds.issuperset(parents):
        return _same_tables(_tables(node, parents, columns, codes))
    design = _design(parents, columns, kinds)
    if node in kinds:
        return _same_logistic(columns[node], design, codes)
    values = columns[node].astype(float)
    if regressor is not None and parents:
        from sklearn.base import clone
        from sklearn.model_selection import KFold, cross_val_predict

        folds = KFold(5, shuffle=True, random_state=0)
        residuals = values - cross_val_predict(clone(regressor), design[:, 1:], values, cv=folds)
        return _same_coefficients(residuals, np.ones((len(values), 1)), codes)
    return _same_coefficients(values, design, codes)


def _design(parents: tuple[str, ...], columns: Columns, kinds: set[str]) -> Float[np.ndarray, "rows columns"]:
    """A constant, the parents that are numbers, standardised, and an indicator for each cell of the others."""
    rows = len(next(iter(columns.values())))
    plain = [numbers(name, columns[name]) for name in parents if name not in kinds]
    parts = [np.ones(rows), *((values - values.mean()) / (values.std() or 1) for values in plain)]
    cells = _cells([columns[name] for name in parents if name in kinds], rows)
    return np.column_stack([*parts, *(np.equal(cells, cell) for cell in range(1, cells.max() + 1))]).astype(float)


def _cells(columns: Sequence[Shaped[np.ndarray, " rows"]], rows: int) -> Int[np.ndarray, " rows"]:
    """The number of each row's combination of categories, those that occur."""
    cells = np.zeros(rows, np.int64)
    for values in columns:
        _, codes = np.unique(values, return_inverse=True)
        _, cells = np.unique(cells * (codes.max() + 1) + codes, return_inverse=True)
    return cells.astype(np.int64)


def _same_coefficients(
    values: Float[np.ndarray, " rows"], design: Float[np.ndarray, "rows columns"], codes: Int[np.ndarray, " rows"]
) -> float:
    """Chow's test of the coefficients and Brown and Forsythe's of the residuals' spread, by Bonferroni."""
    groups = range(codes.max() + 1)
    residuals, rank = _residuals(values, design)
    apart = [_residuals(values[codes == e], design[codes == e]) for e in groups]
    between = float(residuals @ residuals)
    within = float(sum(each @ each for each, _ in apart))
    ranks = sum(each for _, each in apart)
    freedom = len(values) - ranks
    if between <= 1e-20 * len(values) * max(float(values.var()), 1e-300):
        return 1.0  # the same equation without noise, everywhere
    if freedom < 1:
        raise ValueError(
            f"{ranks} coefficients for {len(values)} rows; expected more rows. Leave out parents or merge environments."
        )
    statistic = max(between - within, 0) / max(ranks - rank, 1) / max(within / freedom, 1e-300)
    p_coefficients = float(distributions.f.sf(statistic, ranks - rank, freedom)) if ranks > rank else 1.0
    p_spread = float(distributions.levene(*(residuals[codes == e] for e in groups), center="median").pvalue)
    return min(1.0, 2 * min(p_coefficients, 1.0 if math.isnan(p_spread) else p_spread))


def _residuals(
    values: Float[np.ndarray, " rows"], design: Float[np.ndarray, "rows columns"]
) -> tuple[Float[np.ndarray, " rows"], int]:
    coefficients, _, rank, _ = np.linalg.lstsq(design, values, rcond=1e-10)
    return values - design @ coefficients, int(rank)


def _same_logistic(
    values: Shaped[np.ndarray, " rows"], design: Float[np.ndarray, "rows columns"], codes: Int[np.ndarray, " rows"]
) -> float:
    """The likelihood-ratio test of one multinomial logistic regression against one for each environment."""
    classes, labels = np.unique(values, return_inverse=True)
    apart = [_log_likelihood(labels[codes == e], design[codes == e]) for e in range(codes.max() + 1)]
    statistic = 2 * (sum(apart) - _log_likelihood(labels, design))
    freedom = (len(apart) - 1) * (len(classes) - 1) * design.shape[1]
    return float(distributions.chi2.sf(max(statistic, 0), freedom)) if freedom else 1.0


def _log_likelihood(labels: Int[np.ndarray, " rows"], design: Float[np.ndarray, "rows columns"]) -> float:
    from sklearn.linear_model import LogisticRegression

    present, labels = np.unique(labels, return_inverse=True)
    if len(present) == 1:
        return 0.0
    # A penalty too weak to matter, which keeps separable classes finite.
    model = LogisticRegression(C=1e4, max_iter=1000, tol=1e-6).fit(design[:, 1:], labels)
    scores = model.decision_function(design[:, 1:])
    scores = np.column_stack([np.zeros(len(scores)), scores]) if scores.ndim == 1 else scores
    return float(log_softmax(scores, 1)[np.arange(len(labels)), labels].sum())


def _tables(
    node: str, parents: tuple[str, ...], columns: Columns, codes: Int[np.ndarray, " rows"]
) -> Float[np.ndarray, "environments cells values"]:
    """How often each value came with each combination of the parents, environment by environment."""
    cells = _cells([columns[name] for name in parents], len(codes))
    _, values = np.unique(columns[node], return_inverse=True)
    counts = np.zeros((codes.max() + 1, cells.max() + 1, values.max() + 1))
    np.add.at(counts, (codes, cells, values), 1)
    return counts


def _same_tables(counts: Float[np.ndarray, "environments cells values"]) -> float:
    """The likelihood-ratio test of independence of value and environment within each cell of the parents."""
    rows = counts.sum(2, keepdims=True)
    pooled = counts.sum(0) / np.maximum(rows.sum(0), 1)
    statistic = 2 * float((xlogy(counts, counts) - xlogy(counts, np.maximum(rows * pooled, 1e-300))).sum())
    environments, values = (rows[..., 0] > 0).sum(0), (counts.sum(0) > 0).sum(1)
    freedom = int((np.maximum(environments - 1, 0) * np.maximum(values - 1, 0)).sum())
    return float(distributions.chi2.sf(max(statistic, 0), freedom)) if freedom else 1.0


def _table_divergence(p: Float[np.ndarray, "cells values"], q: Float[np.ndarray, "cells values"]) -> float:
    first, second = (each / each.sum(1, keepdims=True) for each in (p, q))
    return float((p.sum(1) / p.sum() * (first * np.log(first / second)).sum(1)).sum())


def _regression(law: Gaussian, node: int, parents: list[int]) -> tuple[float, Float[np.ndarray, " parents"], float]:
    mean, covariance = law
    slopes = np.linalg.solve(covariance[np.ix_(parents, parents)], covariance[parents, node])
    residual = covariance[node, node] - covariance[node, parents] @ slopes
    if not residual > 0:
        raise ValueError(
            f"node {node} has a residual variance of {residual}; expected noise. Leave out repeated nodes."
        )
    return float(mean[node] - slopes @ mean[parents]), slopes, float(residual)
