"""The random number of runs K: truncated negative binomial, logarithmic, geometric, Poisson, or any finite table.

Definition 1 of the paper. A search is private because nobody can tell how many candidates were tried; the family below
trades the spread of K (its cost in training time) against its price in privacy.
"""

import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any, SupportsFloat

import numpy as np
from jaxtyping import Float
from scipy.special import betaln, gammaln, logsumexp, pdtr, xlogy

from paperwright.statistics.rdp_tuning.arrays import ArrayLike
from paperwright.statistics.rdp_tuning.mean import gamma_for_mean, log_expm1_ratio, log_mean
from paperwright.statistics.rdp_tuning.sampling import draw_negative_binomial, draw_table, fresh_generator

Values = Float[np.ndarray, "*k"] | float

LARGEST_TABLE = 10_000_000  # entries of a truncated or tabulated distribution


@dataclasses.dataclass(frozen=True)
class RunCount:
    r"""Distribution of the number of runs K of a private search.

    Build one with :meth:`logarithmic`, :meth:`geometric`, :meth:`negative_binomial`, :meth:`poisson`,
    :meth:`from_pmf` or, from one of these, :meth:`truncated`. The truncated negative binomial lives on 1, 2, ... with

    .. math:: P[K=k] = \frac{(1-\gamma)^k}{\gamma^{-\eta}-1} \prod_{l=0}^{k-1} \frac{l+\eta}{l+1}, \qquad
              E[K] = \frac{\eta (1-\gamma)}{\gamma (1-\gamma^\eta)},

    and contains the logarithmic (:math:`\eta = 0`) and the geometric (:math:`\eta = 1`) distribution. gamma = 1 is
    always exactly one run.

    Attributes:
        kind: "logarithmic", "geometric", "negative_binomial", "poisson" or "table".
        eta: shape; ``inf`` for Poisson, ``nan`` for a table.
        gamma: tail parameter in (0, 1]; ``nan`` for Poisson and tables.
        mean: expected number of runs.
        table: P[K=0], P[K=1], ... of a tabulated distribution, otherwise None.

    References:
        Papernot & Steinke, Hyperparameter Tuning with Rényi Differential Privacy, ICLR 2022, Definition 1.
    """

    kind: str
    eta: float
    gamma: float
    mean: float
    table: tuple[float, ...] | None = dataclasses.field(default=None, repr=False)

    @classmethod
    def logarithmic(cls, *, mean: SupportsFloat | None = None, gamma: SupportsFloat | None = None) -> "RunCount":
        """K with P[K=k] proportional to (1-gamma)^k / k: eta = 0. The usual choice: privacy cost factor 2."""
        return cls._of_shape("logarithmic", 0.0, mean, gamma)

    @classmethod
    def geometric(cls, *, mean: SupportsFloat | None = None, gamma: SupportsFloat | None = None) -> "RunCount":
        """K with P[K=k] = gamma (1-gamma)^(k-1): eta = 1. Closer to its mean, privacy cost factor 3."""
        return cls._of_shape("geometric", 1.0, mean, gamma)

    @classmethod
    def negative_binomial(
        cls, *, eta: SupportsFloat, mean: SupportsFloat | None = None, gamma: SupportsFloat | None = None
    ) -> "RunCount":
        """The truncated negative binomial of shape `eta` > -1, by exactly one of `mean` and `gamma`."""
        kind = "logarithmic" if eta == 0 else "geometric" if eta == 1 else "negative_binomial"
        return cls._of_shape(kind, eta, mean, gamma)

    @classmethod
    def poisson(cls, *, mean: SupportsFloat) -> "RunCount":
        """Poisson K. It may be 0, and the search then returns nothing; cheap only for small means (Theorem 6)."""
        mean = _number("mean", mean)
        if not 1 <= mean < math.inf:
            raise ValueError(f"mean must be finite and at least 1 (Theorem 6 is used for mean >= 1), got {mean}")
        return cls("poisson", math.inf, math.nan, mean)

    @classmethod
    def from_pmf(cls, pmf: Mapping[int, SupportsFloat] | Sequence[SupportsFloat] | np.ndarray) -> "RunCount":
        """Any distribution on finitely many counts: {k: P[K=k]}, or a sequence whose entry k is P[K=k].

        The search's privacy is then found numerically from the exact generating function. A fixed count,
        ``from_pmf({5: 1.0})``, is the ordinary random search: an RDP curve alone gives it no finite bound.
        """
        if isinstance(pmf, Mapping):
            if not pmf or any(not isinstance(k, int | np.integer) or k < 0 for k in pmf):
                raise ValueError("pmf must map counts 0, 1, 2, ... to probabilities")
            table = np.zeros(max(pmf) + 1)
            for count, probability in pmf.items():
                table[count] = probability
        else:
            table = np.asarray(pmf, dtype=np.float64)
        if table.ndim != 1 or table.size < 2:
            raise ValueError("pmf must give P[K=0], P[K=1], ... with at least one possible run")
        if not np.all(table >= 0) or abs(table.sum() - 1) > 1e-9:
            raise ValueError(f"pmf must be non-negative and sum to 1, got a sum of {table.sum()}")
        table = table / table.sum()
        mean = float(table @ np.arange(table.size))
        if mean == 0:
            raise ValueError("pmf puts everything on K=0: a search that never runs")
        return cls("table", math.nan, math.nan, mean, tuple(table.tolist()))

    @classmethod
    def _of_shape(
        cls, kind: str, eta: SupportsFloat, mean: SupportsFloat | None, gamma: SupportsFloat | None
    ) -> "RunCount":
        eta = _number("eta", eta)
        if not -1 < eta < math.inf:
            raise ValueError(f"eta must be finite and greater than -1, got {eta}; eta = inf is RunCount.poisson")
        if (mean is None) == (gamma is None):
            raise ValueError("give exactly one of mean and gamma")
        if gamma is not None:
            gamma = _number("gamma", gamma)
            if not 0 < gamma <= 1:
                raise ValueError(f"gamma must lie in (0, 1], got {gamma}")
            return cls(kind, eta, gamma, math.exp(log_mean(eta, -math.log(gamma))))
        mean = _number("mean", mean)
        if not 1 <= mean < math.inf:
            raise ValueError(f"mean must be finite and at least 1, got {mean}: K is never less than 1")
        return cls(kind, eta, gamma_for_mean(eta, mean), mean)

    def truncated(self, largest: int) -> "RunCount":
        """K given K <= `largest`: a hard cap on the cost whose privacy price is computed, not ignored."""
        if not 1 <= largest <= LARGEST_TABLE:
            raise ValueError(f"largest must lie between 1 and {LARGEST_TABLE}, got {largest}")
        pmf = np.asarray(self.pmf(np.arange(largest + 1)))
        return RunCount.from_pmf(pmf / pmf.sum())

    # What the accountant reads

    @property
    def log_inverse_gamma(self) -> float:
        """l = log(1/gamma)."""
        return 0.0 if self.gamma == 1 else -math.log(self.gamma)

    @property
    def log_mean(self) -> float:
        """log E[K] of the distribution as it is drawn, which rounding may leave a hair above the mean asked for."""
        return log_mean(self.eta, self.log_inverse_gamma) if self._is_negative_binomial else math.log(self.mean)

    @property
    def prob_no_run(self) -> float:
        """P[K=0]: exp(-mean) for Poisson, 0 for the truncated negative binomial."""
        if self._is_negative_binomial:
            return 0.0
        return math.exp(-self.mean) if self.kind == "poisson" else self._table[0].item()

    @property
    def crowding(self) -> float:
        """E[K(K-1)] / E[K] = f''(1)/f'(1): 1 over the probability at which log f'(1-p) starts to fall."""
        if self._is_negative_binomial:
            return (1 + self.eta) * math.expm1(self.log_inverse_gamma)
        counts = np.arange(self._table.size) if self.kind == "table" else None
        return self.mean if counts is None else float(self._table @ (counts * (counts - 1.0))) / self.mean

    def log_pgf_derivative(self, p: ArrayLike) -> Values:
        r"""log f'(1-p) for f(x) = E[x^K], decreasing in `p` in [0, 1]; `p` may be tiny.

        For every eta, f'(1-p) = E[K] (gamma / (gamma + (1-gamma) p))^(1+eta), which does not cancel; for Poisson
        log f'(1-p) = log(mean) - mean p.
        """
        p = _in_unit_interval("p", p)
        if self._is_negative_binomial:
            growth = math.expm1(self.log_inverse_gamma)  # (1-gamma)/gamma
            return (self.log_mean - (1 + self.eta) * np.log1p(growth * p))[()]
        if self.kind == "poisson":
            return (math.log(self.mean) - self.mean * p)[()]
        return self._sum_of_powers(np.log1p(-np.minimum(p, 1.0), where=p < 1, out=np.full(p.shape, -np.inf)), 1)[()]

    def pgf(self, x: ArrayLike) -> Values:
        """f(x) = E[x^K] for x in [0, 1]."""
        x = _in_unit_interval("x", x)
        if self.kind == "poisson":
            return np.exp(-self.mean * (1 - x))[()]
        if self.kind == "table":
            return np.exp(self._sum_of_powers(np.log(x, where=x > 0, out=np.full(x.shape, -np.inf)), 0))[()]
        if self.gamma == 1:
            return x[()]
        gamma, length = self.gamma, self.log_inverse_gamma
        one_minus_gamma = -math.expm1(-length)
        low = -np.log1p(-one_minus_gamma * np.minimum(x, 0.5))
        t = np.where(x < 0.5, low, -np.log(gamma + one_minus_gamma * (1 - x)))
        return (t / length * np.exp(log_expm1_ratio(self.eta * t) - log_expm1_ratio(self.eta * length)))[()]

    # Probabilities

    def log_pmf(self, k: ArrayLike) -> Values:
        """log P[K=k], elementwise over integers `k`; -inf where K cannot be."""
        k = _counts(k)
        inside = np.maximum(k, 0 if self._may_be_zero else 1).astype(np.float64)
        if self.kind == "poisson":
            found = inside * math.log(self.mean) - self.mean - gammaln(inside + 1)
        elif self.kind == "table":
            padded = np.append(self._table, 0.0)
            with np.errstate(divide="ignore"):
                found = np.log(padded[np.minimum(k, self._table.size).clip(0)])
        else:
            length = self.log_inverse_gamma
            scale = log_expm1_ratio(-length) - log_expm1_ratio(self.eta * length)
            shape = -np.log(inside) - np.log(inside + self.eta) - betaln(inside, 1 + self.eta)
            found = xlogy(inside - 1, -math.expm1(-length)) + scale + shape
        return np.where(k == inside, found, -np.inf)[()]

    def pmf(self, k: ArrayLike) -> Values:
        """P[K=k], elementwise over integers `k`."""
        return np.exp(self.log_pmf(k))[()]

    def cdf(self, k: ArrayLike) -> Values:
        r"""P[K <= k], elementwise over integers `k`, at a cost that does not grow with `k`.

        For the truncated negative binomial, with l = log(1/gamma),

        .. math:: P[K>k] = \frac{\Gamma(k+1+\eta)}{\Gamma(k+1)\,\Gamma(1+\eta)\, l e^{g(-\eta l)}}
                  \int_0^l (1-e^{-s})^k e^{-\eta s} ds,

        the incomplete beta function continued to every eta > -1, by Gauss-Legendre panels.
        """
        k = _counts(k)
        inside = np.maximum(k, 0)
        if self.kind == "poisson":
            found = pdtr(inside, self.mean)
        elif self.kind == "table":
            found = np.minimum(np.cumsum(self._table), 1.0)[np.minimum(inside, self._table.size - 1)]
        elif self.gamma == 1:
            found = (inside >= 1).astype(np.float64)
        else:
            survival = np.array([self._survival(count) for count in inside.ravel().tolist()])
            found = np.clip(1 - survival, 0, 1).reshape(k.shape)
        return np.where(k < 0, 0.0, found)[()]

    def quantile(self, u: ArrayLike) -> np.ndarray | int:
        """The smallest k with P[K <= k] >= u, elementwise over u in [0, 1)."""
        u = _in_unit_interval("u", u)
        if np.any(u == 1):
            raise ValueError("u must be less than 1: the largest possible run count may be infinite")
        found = np.array([self._quantile(value) for value in u.ravel().tolist()], dtype=np.int64).reshape(u.shape)
        return found if u.ndim else int(found)

    def sample(self, rng: np.random.Generator | None = None, size: int | tuple[int, ...] | None = None):
        """Exact draws of K, without a cap: an int, or int64 of shape `size`.

        Args:
            rng: for tests and simulations only. Who can predict K undoes the guarantee, so the default takes fresh
                entropy from the operating system.

        Raises:
            OverflowError: if a drawn count does not fit into 64 bits (gamma below about 1e-17).
        """
        rng = fresh_generator() if rng is None else rng
        shape = 1 if size is None else size
        if self.kind == "poisson":
            drawn = rng.poisson(self.mean, shape)
        elif self.kind == "table":
            drawn = draw_table(rng, self._table, shape)
        else:
            drawn = draw_negative_binomial(rng, self.eta, self.log_inverse_gamma, shape)
        return int(drawn[0]) if size is None else drawn.astype(np.int64, copy=False)

    # What the search buys

    def expected_quantile(self) -> float:
        """E[K / (K+1)] = 1 - integral of f: the expected quantile, among all candidates, of the best of K."""
        if self.kind == "poisson":
            return 1 + math.expm1(-self.mean) / self.mean
        if self.kind == "table":
            counts = np.arange(self._table.size)
            return float(self._table @ (counts / (counts + 1.0)))
        if self.gamma == 1:
            return 0.5
        t, weights = self._panels
        x = -np.expm1(-t) / -math.expm1(-self.log_inverse_gamma)
        return float(1 - weights @ (self.pgf(np.minimum(x, 1.0)) * np.exp(-t)) / -math.expm1(-self.log_inverse_gamma))

    def expected_best(self, scores: ArrayLike) -> float:
        """Exact expected score of the winner when candidates are drawn uniformly from a table of `scores`.

        With n scores sorted ascending it is the sum of s_(i) (f(i/n) - f((i-1)/n)), given that there was a run.
        """
        scores = np.sort(np.asarray(scores, dtype=np.float64).ravel())
        if scores.size == 0 or not np.all(np.isfinite(scores)):
            raise ValueError("scores must be a non-empty table of finite numbers")
        steps = np.asarray(self.pgf(np.arange(scores.size + 1) / scores.size))
        return float(scores @ np.diff(steps) / (1 - self.prob_no_run))

    def to_dp_event(self, event: Any) -> Any:
        """The search over `event` as dp-accounting's ``RepeatAndSelectDpEvent``, to compose it there.

        Raises:
            ValueError: for eta < 0 and for tables, which dp-accounting has no case for.
        """
        if not self.eta >= 0:
            raise ValueError(
                f"dp-accounting's RepeatAndSelectDpEvent knows shapes eta >= 0 and Poisson only, this is {self}; "
                "compose the curve from selected_rdp instead"
            )
        from dp_accounting.dp_event import RepeatAndSelectDpEvent

        return RepeatAndSelectDpEvent(event, self.mean, self.eta)

    # Inside

    @property
    def _is_negative_binomial(self) -> bool:
        return self.kind not in ("poisson", "table")

    @property
    def _may_be_zero(self) -> bool:
        return not self._is_negative_binomial

    @functools.cached_property
    def _table(self) -> np.ndarray:
        return np.asarray(self.table, dtype=np.float64)

    def _sum_of_powers(self, log_x: np.ndarray, derivatives: int) -> np.ndarray:
        """log of f (derivatives=0) or f' (1) of a table at x = exp(`log_x`), in chunks."""
        counts = np.flatnonzero(self._table)
        counts = counts[counts >= derivatives]
        log_weights = np.log(self._table[counts]) + (np.log(counts) if derivatives else 0.0)
        flat = log_x.ravel()
        found = np.empty(flat.size)
        rows = max(1, 2**22 // max(counts.size, 1))
        for start in range(0, flat.size, rows):
            part = flat[start : start + rows, None]
            powers = np.where(
                counts == derivatives, 0.0, (counts - derivatives) * np.where(counts == derivatives, 0.0, part)
            )
            found[start : start + rows] = logsumexp(log_weights + powers, axis=1)
        return found.reshape(log_x.shape)

    @functools.cached_property
    def _panels(self) -> tuple[np.ndarray, np.ndarray]:
        """Gauss-Legendre nodes and weights on [0, l], in panels of width at most 1/2."""
        nodes, weights = np.polynomial.legendre.leggauss(24)
        edges = np.linspace(0, self.log_inverse_gamma, 2 + int(2 * self.log_inverse_gamma))
        half = np.diff(edges)[:, None] / 2
        return (edges[:-1, None] + half * (1 + nodes)).ravel(), (half * weights).ravel()

    def _survival(self, k: int) -> float:
        s, weights = self._panels
        log_scale = -betaln(k + 1, 1 + self.eta) - math.log(k + 1 + self.eta)
        log_scale -= math.log(self.log_inverse_gamma) + log_expm1_ratio(-self.eta * self.log_inverse_gamma)
        return float(weights @ np.exp(k * np.log(-np.expm1(-s)) - self.eta * s + log_scale))

    def _quantile(self, u: float) -> int:
        low, high = -1, 1  # cdf(low) < u <= cdf(high), once high is found
        while self.cdf(high) < u:
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.cdf(middle) < u else (low, middle)
        return max(high, 0 if self._may_be_zero else 1)


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a number, got {value!r}") from None


def _counts(k: ArrayLike) -> np.ndarray:
    k = np.asarray(k)
    if not np.issubdtype(k.dtype, np.integer):
        if not np.all(np.isfinite(k)) or np.any(k != np.floor(k)):
            raise ValueError("k must hold whole numbers")
        k = k.astype(np.int64)
    return k


def _in_unit_interval(name: str, x: ArrayLike) -> np.ndarray:
    x = np.asarray(x, dtype=np.float64)
    if not np.all((x >= 0) & (x <= 1)):
        raise ValueError(f"{name} must lie in [0, 1]")
    return x
