"""What a search really tells: exactly where one run is fully known, and by a statistical lower bound where it is not.

Both are held against the accountant's upper bound.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple, SupportsFloat

import numpy as np
from jaxtyping import Float
from scipy.special import logsumexp

from paperwright.blocks.counts import whole_number
from paperwright.stats import proportion_interval

from ._inputs import ArrayLike, checked_generator, distribution, float_array, number
from .run_count import RunCount

Mechanism = Callable[[np.random.Generator, int], Any]
Row = Float[np.ndarray, " outcomes"]


class AuditResult(NamedTuple):
    """What an audit found.

    Attributes:
        lower: with the audit's confidence, no (epsilon, delta) guarantee holds below this epsilon.
        upper_if_known: the accountant's epsilon, as passed in.
        counts: how often the event was seen under either data set.
        trials: how often each mechanism was run.
    """

    lower: float
    upper_if_known: float | None
    counts: tuple[int, int]
    trials: int

    @property
    def contradicts(self) -> bool:
        """Whether the measurement refutes the accountant."""
        return self.upper_if_known is not None and self.lower > self.upper_if_known


def audit_epsilon(
    mechanism_a: Mechanism,
    mechanism_b: Mechanism,
    event: Callable[[Any], Any],
    trials: SupportsFloat,
    delta: SupportsFloat = 0.0,
    confidence: SupportsFloat = 0.95,
    rng: np.random.Generator | None = None,
    upper: SupportsFloat | None = None,
) -> AuditResult:
    r"""Return a lower confidence bound on epsilon from how often an event happens on two neighbouring data sets.

    .. math:: \hat\epsilon = \log\frac{\underline{P}[M(x) \in E] - \delta}{\overline{P}[M(x') \in E]},

    with Clopper-Pearson bounds at (1 - confidence)/2 each, and 0 where that is negative.

    Args:
        mechanism_a: (rng, n) -> n independent outputs on data set x.
        mechanism_b: the same on the neighbour x'.
        event: outputs -> n booleans; chosen before looking at these trials.
        trials: n.
        delta: of the guarantee under audit.
        confidence: that the returned bound is one.
        rng: source of randomness for both, fresh by default.
        upper: the accountant's epsilon, to be carried along.

    Returns:
        AuditResult.

    Raises:
        TypeError: a number or generator of another kind.
        ValueError: no trial, a delta or confidence out of range, or an event that does not give n booleans.

    Source: the method of Jagielski, Ullman & Oprea 2020; Clopper & Pearson 1934.

    >>> answer = lambda p: lambda rng, n: rng.random(n) < p  # log(0.9 / 0.5) is 0.588
    >>> audit_epsilon(answer(0.9), answer(0.5), lambda y: y, 10_000, rng=np.random.default_rng(0)).lower > 0.54
    True
    """
    for name, function in (("mechanism_a", mechanism_a), ("mechanism_b", mechanism_b), ("event", event)):
        if not callable(function):
            raise TypeError(
                f"{name} is {function!r}; expected a function. Pass one that is run for all trials at once."
            )
    trials = whole_number("trials", trials, 1)
    delta, confidence = number("delta", delta), number("confidence", confidence)
    if not 0 <= delta < 1:
        raise ValueError(f"delta is {delta}; expected a number in [0, 1). Take that of the guarantee.")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}; expected a number in (0, 1). Take 0.95.")
    rng = checked_generator(rng)
    count_a, count_b = (_count(event, mechanism(rng, trials), trials) for mechanism in (mechanism_a, mechanism_b))
    low_a = proportion_interval(count_a, trials, level=confidence, method="exact").low
    high_b = proportion_interval(count_b, trials, level=confidence, method="exact").high
    lower = math.log((low_a - delta) / high_b) if low_a > delta else 0.0
    return AuditResult(max(lower, 0.0), None if upper is None else number("upper", upper), (count_a, count_b), trials)


def _count(event: Callable[[Any], Any], outputs: Any, trials: int) -> int:
    seen = np.asarray(event(outputs))
    if seen.shape != (trials,) or seen.dtype != np.bool_:
        raise ValueError(
            f"event gives {seen.dtype} of shape {seen.shape}; expected {trials} booleans. Compare all outputs at once."
        )
    return int(np.count_nonzero(seen))


def selected_pmf(pmf: ArrayLike, runs: RunCount) -> Row:
    r"""Return the distribution of the selected outcome, outcomes sorted from worst to best.

    .. math:: P[A = y] = f(Q(\le y)) - f(Q(< y)), \qquad f(x) = E[x^K]

    Args:
        pmf: one run's, shape ``[outcomes]``.
        runs: the distribution of K.

    Returns:
        Probabilities that sum to 1 - P[K=0].

    Raises:
        ValueError: `pmf` is no distribution.

    Source: proof of Theorem 2.
    """
    pmf = distribution("pmf", pmf)
    below = np.minimum(np.concatenate([[0.0], np.cumsum(pmf)]), 1.0)
    below[-1] = 1.0
    return np.diff(runs.pgf(below))


def renyi_divergence(p: ArrayLike, q: ArrayLike, order: SupportsFloat) -> float:
    r"""Return the Rényi divergence of two discrete distributions, in nats.

    .. math:: D_\lambda(P \Vert Q) = \frac{1}{\lambda - 1} \log \sum_y P(y)^\lambda\, Q(y)^{1-\lambda},

    at order 1 the KL divergence, at order inf the top log ratio.

    Raises:
        ValueError: two shapes, or an order below 1.

    Source: Mironov 2017, Definition 3.
    """
    p, q, order = float_array("p", p), float_array("q", q), number("order", order)
    if p.shape != q.shape:
        raise ValueError(f"p has shape {p.shape} and q {q.shape}; expected one shape. Give every outcome in both.")
    if not (np.all(p >= 0) and np.all(q >= 0)):
        raise ValueError(f"p is {p} and q {q}; expected probabilities. Leave out negative numbers and nan.")
    if not order >= 1:
        raise ValueError(f"order is {order}; expected a number of at least 1. Take 2.")
    seen = p > 0
    if np.any(q[seen] == 0):
        return math.inf
    log_p, log_q = np.log(p[seen]), np.log(q[seen])
    if order == 1:
        return max(float(p[seen] @ (log_p - log_q)), 0.0)  # rounding may leave -1e-17
    if math.isinf(order):
        return float(np.max(log_p - log_q))
    return max(float(logsumexp(order * log_p - (order - 1) * log_q) / (order - 1)), 0.0)


def selected_divergence(
    log_densities: tuple[ArrayLike, ArrayLike],
    survivals: tuple[ArrayLike, ArrayLike],
    weights: ArrayLike,
    runs: RunCount,
    order: float,
) -> float:
    r"""Return D_order(A || A') by quadrature, for runs that return a continuous score under two data sets.

    .. math:: a(y) = q(y)\, f'(F(y))

    Args:
        log_densities: log q and log q' at the nodes, each of shape ``[nodes]``.
        survivals: 1 - F and 1 - F' at the nodes.
        weights: of the quadrature.
        runs: distribution of K; the outcome "no run" has the same probability on both sides and is counted.
        order: in (1, inf).

    Source: proof of Theorem 2.
    """
    log_a, log_b = (
        float_array("log_densities", log_density) + runs.log_pgf_derivative(survival)
        for log_density, survival in zip(log_densities, survivals, strict=True)
    )
    terms = order * log_a - (order - 1) * log_b + np.log(float_array("weights", weights))
    nothing = math.log(runs.prob_no_run) if runs.prob_no_run > 0 else -math.inf
    return float(np.logaddexp(logsumexp(terms), nothing) / (order - 1))


def sample_best(
    quantile: Callable[[np.ndarray], np.ndarray], runs: RunCount, rng: np.random.Generator, size: int
) -> Float[np.ndarray, " size"]:
    r"""Return the winning scores of `size` searches, K drawn for each, with no loop over the K runs.

    .. math:: F^{-1}(U^{1/K})

    Args:
        quantile: of one run's score, vectorised on (0, 1]; may be a step function.
        runs: distribution of K; nan marks the searches that had no run.
        rng: the source of K and of the scores.
        size: how many searches.
    """
    counts = np.asarray(runs.sample(rng, size))
    best = np.asarray(quantile((1 - rng.random(size)) ** (1 / np.maximum(counts, 1))), dtype=np.float64)
    return np.where(counts > 0, best, np.nan)
