"""Planning a search: the noise that a target epsilon needs, before anything is trained."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, SupportsFloat

import numpy as np

from ._inputs import ArrayLike, number
from .base import rdp_curve
from .conversion import checked_delta, rdp_to_epsilon
from .run_count import RunCount
from .selection import Method, Tradeoff, selected_rdp


@dataclass(frozen=True, eq=False)
class SearchPlan:
    """A search that fits a privacy budget.

    Attributes:
        noise_multiplier: the least noise found whose search costs at most the target.
        epsilon: of the whole search, at `delta`.
        epsilon_of_one_run: of one run, which is what reports of the winner alone understate.
        runs: the distribution of the number of runs.
        orders, rdp: the search's own RDP curve, to compose with other releases.
    """

    noise_multiplier: float
    epsilon: float
    epsilon_of_one_run: float
    delta: float
    runs: RunCount
    orders: np.ndarray = field(repr=False)
    rdp: np.ndarray = field(repr=False)

    def __float__(self) -> float:
        return self.noise_multiplier

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as JSON values, for a model card; "inf" where there is no bound."""
        return {
            "noise_multiplier": json_number(self.noise_multiplier),
            "epsilon": json_number(self.epsilon),
            "epsilon_of_one_run": json_number(self.epsilon_of_one_run),
            "delta": self.delta,
            "runs": {"kind": self.runs.kind, "eta": str(self.runs.eta), "mean": self.runs.mean},
            "orders": [json_number(value) for value in self.orders.tolist()],
            "rdp": [json_number(value) for value in self.rdp.tolist()],
        }


def json_number(value: float) -> float | str:
    """Return `value`, or "inf": JSON has no infinity."""
    return value if math.isfinite(value) else "inf"


def plan_search(
    base_fn: Callable[[float], tuple[ArrayLike, ArrayLike]],
    target_epsilon: SupportsFloat,
    delta: SupportsFloat,
    mean: SupportsFloat,
    eta: SupportsFloat = 0.0,
    *,
    method: Method = "best",
    tradeoff_fn: Callable[[float], Tradeoff] | None = None,
    rtol: SupportsFloat = 1e-3,
) -> SearchPlan:
    r"""Return the plan with the smallest noise multiplier, from 0.01 on, whose search stays in `target_epsilon`.

    .. math:: \min \{\sigma \ge 0.01 : \epsilon'(\sigma, \delta) \le \text{target}\}

    Bisection on the logarithm of the noise; `base_fn` must cost less the larger the noise.

    Args:
        base_fn: noise multiplier -> (orders, rdp) of one run: ``lambda sigma: gaussian_rdp(sigma, 0.01, 1000)``.
        target_epsilon: for the search, at `delta`.
        delta: in (0, 1).
        mean: expected number of runs.
        eta: shape of their distribution; ``inf`` for Poisson.
        method: of :func:`.selected_rdp`.
        tradeoff_fn: noise multiplier -> trade-off function, where it is known.
        rtol: relative precision of the noise, on the safe side, in [1e-9, 1).

    Returns:
        SearchPlan.

    Raises:
        TypeError: an argument of another kind.
        ValueError: a number out of its range, or no noise up to 1e6 is enough.

    Source: ours, over Theorem 2 and Theorem 6.

    >>> from paperwright.statistics.rdp_tuning import gaussian_rdp, plan_search
    >>> plan = plan_search(lambda sigma: gaussian_rdp(sigma, steps=100), 3.0, 1e-5, mean=20)
    >>> round(plan.noise_multiplier, 1), round(plan.epsilon_of_one_run, 1)
    (22.3, 1.9)
    """
    for name, function in (("base_fn", base_fn), ("tradeoff_fn", tradeoff_fn)):
        if not callable(function) and (name, function) != ("tradeoff_fn", None):
            raise TypeError(f"{name} is {type(function).__name__}; expected a function of the noise. Try gaussian_rdp.")
    target_epsilon, eta, rtol = number("target_epsilon", target_epsilon), number("eta", eta), number("rtol", rtol)
    if not 0 < target_epsilon < math.inf:
        raise ValueError(f"target_epsilon is {target_epsilon}; expected a positive, finite number. Take 1.")
    if not 1e-9 <= rtol < 1:
        raise ValueError(f"rtol is {rtol}; expected a number in [1e-9, 1). Take 1e-3.")
    delta = checked_delta(delta)
    runs = RunCount.of_shape(eta, mean)

    def plan(noise: float) -> SearchPlan:
        orders, rdp = rdp_curve(base_fn(noise))
        searched = selected_rdp(orders, rdp, runs, method, tradeoff_fn(noise) if tradeoff_fn else None)
        epsilon = rdp_to_epsilon(orders, searched, delta, warn=False).epsilon
        single = rdp_to_epsilon(orders, rdp, delta, warn=False).epsilon
        return SearchPlan(noise, epsilon, single, delta, runs, orders, searched)

    low, high = 1e-2, 1.0
    while (best := plan(high)).epsilon > target_epsilon:
        low, high = high, 4 * high
        if high > 1e6:
            raise ValueError(
                f"target_epsilon is {target_epsilon:g}; expected at least {best.epsilon:.4g}, the cost of {mean:g} "
                f"runs at noise {low:g}. Take fewer runs or fewer steps, a larger delta, or larger orders."
            )
    while high > low * (1 + rtol):
        middle = math.sqrt(low * high)
        if (tried := plan(middle)).epsilon <= target_epsilon:
            best, high = tried, middle
        else:
            low = middle
    return best
