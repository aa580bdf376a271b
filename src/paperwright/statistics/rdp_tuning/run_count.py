"""The random number of runs K: truncated negative binomial, logarithmic, geometric, Poisson, or any finite table.

Definition 1 of the paper. A search is private because nobody can tell how many candidates were tried; the family below
trades the spread of K (its cost in training time) against its price in privacy.
"""

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, SupportsFloat, overload

import numpy as np
from jaxtyping import Int
from scipy.special import betainc, betaln, gammaln, pdtr, xlogy

from paperwright.blocks.counts import whole_number

from ._inputs import ArrayLike, checked_generator, distribution, float_array, number
from ._negative_binomial import FAR, Values, draw_negative_binomial, gamma_for_mean, log_expm1_ratio, log_mean
from ._table import DerivativeBounds, draw_table, log_power_excess, log_power_sum

KINDS = ("logarithmic", "geometric", "negative_binomial", "poisson", "table")
LARGEST_ETA, SMALLEST_GAMMA = 1e9, 1e-299  # beyond, E[K] or its spread leaves the range of a float64
LARGEST_COUNT = 2**63  # exclusive, of int64
LARGEST_TABLE = 1_000_000  # runs in a truncated or tabulated distribution; its bound takes some ten seconds


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

    Source: Definition 1.

    >>> runs = RunCount.logarithmic(mean=20)
    >>> round(runs.gamma, 4), runs.quantile(0.5), round(runs.expected_quantile(), 2)
    (0.011, 6, 0.79)
    """

    kind: str
    eta: float
    gamma: float
    mean: float
    table: tuple[float, ...] | None = dataclasses.field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS or (self.kind == "table") != (self.table is not None):
            raise ValueError(
                f"kind is {self.kind!r}{'' if self.table is None else ' with a table'}; expected one of {KINDS}, "
                "'table' with one and the others without. Build it with RunCount.logarithmic, .from_pmf and the like."
            )
        if not self._agrees:
            raise ValueError(
                f"{self} contradicts itself; expected an eta, a gamma and a mean (for a table, probabilities and a "
                "mean) of one distribution. Build it with RunCount.logarithmic, .from_pmf and the like."
            )

    @classmethod
    def logarithmic(cls, *, mean: SupportsFloat | None = None, gamma: SupportsFloat | None = None) -> "RunCount":
        """Return K with P[K=k] proportional to (1-gamma)^k / k: eta = 0. The usual choice: privacy cost factor 2."""
        return cls._of_family("logarithmic", 0.0, mean, gamma)

    @classmethod
    def geometric(cls, *, mean: SupportsFloat | None = None, gamma: SupportsFloat | None = None) -> "RunCount":
        """Return K with P[K=k] = gamma (1-gamma)^(k-1): eta = 1. Closer to its mean, privacy cost factor 3."""
        return cls._of_family("geometric", 1.0, mean, gamma)

    @classmethod
    def negative_binomial(
        cls, *, eta: SupportsFloat, mean: SupportsFloat | None = None, gamma: SupportsFloat | None = None
    ) -> "RunCount":
        """Return the truncated negative binomial of shape `eta` > -1, by exactly one of `mean` and `gamma`."""
        kind = "logarithmic" if eta == 0 else "geometric" if eta == 1 else "negative_binomial"
        return cls._of_family(kind, eta, mean, gamma)

    @classmethod
    def poisson(cls, *, mean: SupportsFloat) -> "RunCount":
        """Return a Poisson K, cheap for small means only (Theorem 6). It may be 0: the search then returns nothing."""
        mean = number("mean", mean)
        if not 1 <= mean < math.inf:
            raise ValueError(
                f"mean is {mean}; expected a finite number of at least 1, where Theorem 6 is used. "
                "For fewer runs give RunCount.from_pmf the probabilities."
            )
        return cls("poisson", math.inf, math.nan, mean)

    @classmethod
    def from_pmf(cls, pmf: Mapping[int, SupportsFloat] | Sequence[SupportsFloat] | np.ndarray) -> "RunCount":
        """Return any distribution on finitely many counts: {k: P[K=k]}, or a sequence whose entry k is P[K=k].

        The search's privacy is then found numerically from the exact generating function, or by composing all runs
        where that is less: a fixed count, ``from_pmf({5: 1.0})``, is the ordinary random search and costs five runs.
        The mean may be below 1, and P[K=0] anything below 1.
        """
        if isinstance(pmf, Mapping):
            counts = [whole_number("a count of pmf", count, 0) for count in pmf]
            _check_largest("the largest count of pmf", max(counts, default=0))
            table = np.zeros(max(counts, default=0) + 1)
            table[counts] = [number("a probability of pmf", probability) for probability in pmf.values()]
        else:
            table = float_array("pmf", pmf)
        if table.ndim != 1 or table.size < 2:
            raise ValueError(
                f"pmf has shape {table.shape}; expected P[K=0], P[K=1], ... with at least one possible run. "
                "Try {1: 0.5, 2: 0.5}."
            )
        _check_largest("the largest count of pmf", table.size - 1)
        table = distribution("pmf", table)
        table = table / table.sum()
        mean = float(table @ np.arange(table.size))
        if mean == 0:
            raise ValueError(
                "pmf is all on K=0; expected a chance of a run, or the search never runs. Put some on K=1."
            )
        return cls("table", math.nan, math.nan, mean, tuple(table.tolist()))

    @classmethod
    def of_shape(cls, eta: SupportsFloat, mean: SupportsFloat) -> "RunCount":
        """Return the distribution of shape `eta` and a mean: Poisson where eta is inf, else the negative binomial."""
        return cls.poisson(mean=mean) if eta == math.inf else cls.negative_binomial(eta=eta, mean=mean)

    @classmethod
    def _of_family(
        cls, kind: str, eta: SupportsFloat, mean: SupportsFloat | None, gamma: SupportsFloat | None
    ) -> "RunCount":
        eta = number("eta", eta)
        if not -1 < eta <= LARGEST_ETA:
            raise ValueError(
                f"eta is {eta}; expected a finite number greater than -1, up to {LARGEST_ETA:g}. For more take poisson."
            )
        if (mean is None) == (gamma is None):
            raise ValueError(f"mean is {mean} and gamma is {gamma}; expected exactly one of the two. Give mean.")
        if gamma is not None:
            gamma = number("gamma", gamma)
            if not SMALLEST_GAMMA <= gamma <= 1:
                raise ValueError(
                    f"gamma is {gamma}; expected a number in (0, 1], at least {SMALLEST_GAMMA:g}. Give mean instead."
                )
            return cls(kind, eta, gamma, math.exp(log_mean(eta, -math.log(gamma))))
        mean = number("mean", mean)
        if not 1 <= mean < math.inf:
            raise ValueError(f"mean is {mean}; expected a finite number of at least 1. K is never less: take 1.")
        return cls(kind, eta, gamma_for_mean(eta, mean), mean)

    def truncated(self, largest: SupportsFloat) -> "RunCount":
        """Return K given K <= `largest`: a hard cap on the cost whose privacy price is computed, not ignored."""
        largest = whole_number("largest", largest, 1)
        _check_largest("largest", largest)
        log_pmf = np.asarray(self.log_pmf(np.arange(largest + 1)))
        if not np.any(log_pmf[1:] > -math.inf):
            raise ValueError(
                f"largest is {largest}; expected at least the smallest possible number of runs of {self}. Take more."
            )
        pmf = np.exp(log_pmf - log_pmf.max())  # all of it may be too small for a float64
        return RunCount.from_pmf(pmf / pmf.sum())

    @property
    def title(self) -> str:
        """Its name, or its shape where it has none."""
        return f"eta = {self.eta:g}" if self.kind == "negative_binomial" else self.kind

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
    def largest(self) -> float:
        """The largest possible K, inf where there is none."""
        if self.kind == "table":
            return float(np.flatnonzero(self._table)[-1])
        return 1.0 if self.gamma == 1 else math.inf

    @property
    def crowding(self) -> float:
        """E[K(K-1)] / E[K] = f''(1)/f'(1): 1 over the probability at which log f'(1-p) starts to fall."""
        if self._is_negative_binomial:
            return (1 + self.eta) * math.expm1(self.log_inverse_gamma)
        counts = np.arange(self._table.size) if self.kind == "table" else None
        return self.mean if counts is None else float(self._table @ (counts * (counts - 1.0))) / self.mean

    def log_pgf_derivative(self, p: ArrayLike) -> Values:
        r"""Return log f'(1-p) for f(x) = E[x^K], decreasing in `p` in [0, 1]; `p` may be tiny.

        For every eta, f'(1-p) = E[K] (gamma / (gamma + (1-gamma) p))^(1+eta), which does not cancel; for Poisson
        log f'(1-p) = log(mean) - mean p.
        """
        p = _in_unit_interval("p", p)
        if self._is_negative_binomial:
            growth = math.expm1(self.log_inverse_gamma)  # (1-gamma)/gamma
            return (self.log_mean - (1 + self.eta) * np.log1p(growth * p))[()]
        if self.kind == "poisson":
            return (math.log(self.mean) - self.mean * p)[()]
        return log_power_sum(self._table, np.log1p(-p, where=p < 1, out=np.full(p.shape, -np.inf)), derivatives=1)[()]

    @property
    def derivative_bounds(self) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
        """Two functions that enclose `log_pgf_derivative`, each as cheap for a long table as for a short one."""
        if self.kind != "table":
            return self.log_pgf_derivative, self.log_pgf_derivative
        return self._enclosure.above, self._enclosure.below

    def log_mgf(self, t: ArrayLike) -> Values:
        r"""Return log E[e^{tK}] for t >= 0, inf where there is none: log f(e^t), the price of publishing every run.

        It is found as log(1 + excess), which keeps its relative precision where t is tiny. For the truncated negative
        binomial, with l = log(1/gamma), d = -log(1 - (1-gamma)/gamma (e^t - 1)) and g(x) = log((e^x - 1)/x),

        .. math:: \log(E[e^{tK}] - 1) = \log(d/l) + g(\eta d) - g(-\eta l).
        """
        t = float_array("t", t)
        if not np.all(t >= 0):
            raise ValueError(f"t is {t[~(t >= 0)].ravel()[0]}; expected numbers of at least 0. Leave out nan.")
        if self.kind == "table":
            return np.logaddexp(0.0, log_power_excess(self._table, t))[()]
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):  # beyond the radius of convergence
            if self.kind == "poisson":
                return (self.mean * np.expm1(t))[()]
            if self.gamma == 1:
                return t[()]
            length = self.log_inverse_gamma
            longer = -np.log1p(-math.expm1(length) * np.expm1(t))
            log_excess = np.log(longer / length) + log_expm1_ratio(self.eta * longer)
            found = np.logaddexp(0.0, log_excess - log_expm1_ratio(-self.eta * length))
        return np.where(np.isfinite(longer), found, np.inf)[()]

    def pgf(self, x: ArrayLike) -> Values:
        """Return f(x) = E[x^K] for x in [0, 1]."""
        x = _in_unit_interval("x", x)
        if self.kind == "poisson":
            return np.exp(-self.mean * (1 - x))[()]
        if self.kind == "table":
            return np.exp(log_power_sum(self._table, np.log(x, where=x > 0, out=np.full(x.shape, -np.inf))))[()]
        if self.gamma == 1:
            return x[()]
        gamma, length = self.gamma, self.log_inverse_gamma
        lost = -math.expm1(-length) * x  # (1-gamma) x, subtracted from 1 in the way that does not cancel
        t = np.where(lost <= 0.5, -np.log1p(-np.minimum(lost, 0.5)), -np.log(gamma - math.expm1(-length) * (1 - x)))
        return (t / length * np.exp(log_expm1_ratio(self.eta * t) - log_expm1_ratio(self.eta * length)))[()]

    # Probabilities

    def log_pmf(self, k: ArrayLike) -> Values:
        """Return log P[K=k], elementwise over integers `k`; -inf where K cannot be."""
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
        """Return P[K=k], elementwise over integers `k`."""
        return np.exp(self.log_pmf(k))[()]

    def cdf(self, k: ArrayLike) -> Values:
        r"""Return P[K <= k], elementwise over integers `k`, at a cost that does not grow with `k`.

        For the truncated negative binomial, with l = log(1/gamma) and the regularised incomplete beta function I,

        .. math:: P[K \le k] = \frac{I_\gamma(\eta, k+1) - \gamma^\eta}{1 - \gamma^\eta}, \qquad
                  P[K>k] = \frac{\Gamma(k+1+\eta)}{\Gamma(k+1)\,\Gamma(1+\eta)\, l e^{g(-\eta l)}}
                  \int_0^l (1-e^{-s})^k e^{-\eta s} ds.

        The first is read where eta is well above 0 and gamma^eta well below 1, so that nothing cancels; the second, its
        continuation to every eta > -1, elsewhere, by Gauss-Legendre panels.
        """
        k = _counts(k)
        inside = np.maximum(k, 0)
        if self.kind == "poisson":
            found = pdtr(inside, self.mean)
        elif self.kind == "table":
            found = np.minimum(np.cumsum(self._table), 1.0)[np.minimum(inside, self._table.size - 1)]
        elif self.gamma == 1:
            found = (inside >= 1).astype(np.float64)
        elif self.eta >= 0.1 and (self.gamma <= 0.5 or self.eta * self.log_inverse_gamma > 1):
            none = self.gamma**self.eta
            found = np.clip((betainc(self.eta, inside + 1.0, self.gamma) - none) / (1 - none), 0, 1)
        else:
            survival = np.array([self._survival(count) for count in inside.ravel().tolist()])
            found = np.clip(1 - survival, 0, 1).reshape(k.shape)
        return np.where(k < (0 if self._may_be_zero else 1), 0.0, found)[()]

    def quantile(self, u: ArrayLike) -> np.ndarray | int:
        """Return the smallest k with P[K <= k] >= u, elementwise over u in [0, 1).

        Raises:
            OverflowError: if it does not fit into 64 bits.
        """
        u = _in_unit_interval("u", u)
        if np.any(u == 1):
            raise ValueError("u is 1; expected numbers less than 1, where the run count is finite. Take 0.999.")
        found = np.array([self._quantile(value) for value in u.ravel().tolist()], dtype=np.int64).reshape(u.shape)
        return found if u.ndim else int(found)

    @overload
    def sample(self, rng: np.random.Generator | None = None, size: None = None) -> int: ...

    @overload
    def sample(
        self, rng: np.random.Generator | None = None, *, size: int | tuple[int, ...]
    ) -> Int[np.ndarray, "..."]: ...

    @overload
    def sample(self, rng: np.random.Generator | None, size: int | tuple[int, ...]) -> Int[np.ndarray, "..."]: ...

    def sample(
        self, rng: np.random.Generator | None = None, size: int | tuple[int, ...] | None = None
    ) -> Int[np.ndarray, "..."] | int:
        """Return exact draws of K, without a cap: an int, or int64 of shape `size`.

        Args:
            rng: for tests and simulations only. Who can predict K undoes the guarantee, so the default takes fresh
                entropy from the operating system.

        Raises:
            OverflowError: if a drawn count does not fit into 64 bits (gamma below about 1e-17).
            ValueError: a `size` that is none.
        """
        rng = checked_generator(rng)
        sizes = (1,) if size is None else size if isinstance(size, tuple) else (size,)
        shape = tuple(whole_number("size", part, 0) for part in sizes)
        if self.kind == "poisson":
            if self.mean > 2.0**62:
                raise OverflowError(f"a run count near {self.mean:.3g} was drawn, which does not fit into 64 bits")
            drawn = rng.poisson(self.mean, shape)
        elif self.kind == "table":
            drawn = draw_table(rng, self._table, shape)
        else:
            drawn = draw_negative_binomial(rng, self.eta, self.log_inverse_gamma, shape)
        return int(drawn[0]) if size is None else drawn.astype(np.int64, copy=False)

    # What the search buys

    def expected_quantile(self) -> float:
        """Return E[K / (K+1)] = 1 - integral of f, the expected quantile, among all candidates, of the best of K."""
        if self.kind == "poisson":
            return 1 + math.expm1(-self.mean) / self.mean
        if self.kind == "table":
            counts = np.arange(self._table.size)
            return float(self._table @ (counts / (counts + 1.0)))
        if self.gamma == 1:
            return 0.5
        if self.eta * self.log_inverse_gamma > FAR:  # gamma^eta is nothing beside 1
            return 1 - 1 / (math.expm1(self.log_inverse_gamma) * (self.eta - 1))
        t, weights = self._panels
        x = -np.expm1(-t) / -math.expm1(-self.log_inverse_gamma)
        return float(1 - weights @ (self.pgf(np.minimum(x, 1.0)) * np.exp(-t)) / -math.expm1(-self.log_inverse_gamma))

    def expected_best(self, scores: ArrayLike) -> float:
        """Return the exact expected score of the winner when candidates are drawn uniformly from a table of `scores`.

        With n scores sorted ascending it is the sum of s_(i) (f(i/n) - f((i-1)/n)). A search without a run counts as a
        score of 0; divide by 1 - `prob_no_run` for the expectation given that there was one.
        """
        scores = np.sort(float_array("scores", scores).ravel())
        if scores.size == 0 or not np.all(np.isfinite(scores)):
            raise ValueError(f"scores is {scores[:5]}; expected a non-empty table of finite numbers. Leave out nan.")
        return float(scores @ np.diff(self.pgf(np.arange(scores.size + 1) / scores.size)))

    def to_dp_event(self, event: Any) -> Any:
        """Return the search over `event` as dp-accounting's ``RepeatAndSelectDpEvent``, to compose it there.

        Raises:
            ValueError: for eta < 0 and for tables, which dp-accounting has no case for.
        """
        if not self.eta >= 0:
            raise ValueError(
                f"runs is {self}; expected eta >= 0 or Poisson, which dp-accounting's RepeatAndSelectDpEvent knows. "
                "Compose the curve from selected_rdp instead."
            )
        from dp_accounting.dp_event import RepeatAndSelectDpEvent

        return RepeatAndSelectDpEvent(event, self.mean, self.eta)

    # Inside

    @property
    def _agrees(self) -> bool:
        """Whether the fields are of one distribution: a bound for another one would be no bound."""
        if self.kind == "poisson":
            return 1 <= self.mean < math.inf
        if self.kind == "table":
            mean = float(self._table @ np.arange(self._table.size))
            possible = np.all(self._table >= 0) and abs(self._table.sum() - 1) <= 1e-9
            return bool(possible) and self.mean > 0 and math.isclose(mean, self.mean, rel_tol=1e-9)
        kind = "logarithmic" if self.eta == 0 else "geometric" if self.eta == 1 else "negative_binomial"
        possible = kind == self.kind and -1 < self.eta < math.inf and 0 < self.gamma <= 1
        return possible and math.isclose(math.exp(self.log_mean), self.mean, rel_tol=1e-9)

    @property
    def _is_negative_binomial(self) -> bool:
        return self.kind not in ("poisson", "table")

    @property
    def _may_be_zero(self) -> bool:
        return not self._is_negative_binomial

    @functools.cached_property
    def _table(self) -> np.ndarray:
        return np.asarray(self.table, dtype=np.float64)

    @functools.cached_property
    def _enclosure(self) -> DerivativeBounds:
        return DerivativeBounds.of(self._table, self.crowding)

    @functools.cached_property
    def _panels(self) -> tuple[np.ndarray, np.ndarray]:
        """Gauss-Legendre nodes and weights on [0, l], in panels on which e^(-eta s) and x^k are smooth."""
        nodes, weights = np.polynomial.legendre.leggauss(24)
        width = 0.5 / max(1.0, self.eta / 5)
        edges = np.linspace(0, self.log_inverse_gamma, 2 + int(self.log_inverse_gamma / width))
        half = np.diff(edges)[:, None] / 2
        return (edges[:-1, None] + half * (1 + nodes)).ravel(), (half * weights).ravel()

    def _survival(self, k: int) -> float:
        s, weights = self._panels
        log_scale = -betaln(k + 1, 1 + self.eta) - math.log(k + 1 + self.eta)
        log_scale -= math.log(self.log_inverse_gamma) + log_expm1_ratio(-self.eta * self.log_inverse_gamma)
        # Near 1 its logarithm has no digits of 1 - e^-s, and k would enlarge the loss.
        middle = math.log(2)
        log_share = np.where(s < middle, np.log(-np.expm1(-s)), np.log1p(-np.exp(-np.maximum(s, middle))))
        return float(weights @ np.exp(k * log_share - self.eta * s + log_scale))

    def _quantile(self, u: float) -> int:
        low, high = -1, 1  # cdf(low) < u <= cdf(high), once high is found
        while self.cdf(high) < u:
            low, high = high, 2 * high
            if high >= LARGEST_COUNT:
                raise OverflowError(f"the run count that {u} of all draws stay below does not fit into 64 bits")
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.cdf(middle) < u else (low, middle)
        return max(high, 0 if self._may_be_zero else 1)


def _check_largest(name: str, largest: int) -> None:
    if largest > LARGEST_TABLE:
        raise ValueError(
            f"{name} is {largest}; expected at most {LARGEST_TABLE}. A family without a cap, such as "
            "RunCount.logarithmic, costs the same at any size."
        )


def _counts(k: ArrayLike) -> np.ndarray:
    plain: Any = k
    whole = np.asarray(plain.detach().cpu() if hasattr(plain, "detach") else plain)
    if not np.issubdtype(whole.dtype, np.integer):
        real = float_array("k", k)
        if not np.all(np.abs(real) < LARGEST_COUNT) or np.any(real != np.floor(real)):
            raise ValueError(f"k is {real.ravel()[:5]}; expected whole numbers of 64 bits. Round them.")
        whole = real.astype(np.int64)
    return whole


def _in_unit_interval(name: str, x: ArrayLike) -> np.ndarray:
    x = float_array(name, x)
    if not np.all((x >= 0) & (x <= 1)):
        raise ValueError(
            f"{name} is {x[~((x >= 0) & (x <= 1))].ravel()[0]}; expected numbers in [0, 1]. Clip rounding errors."
        )
    return x
