"""An empirical audit: a statistical lower bound on epsilon, to hold against the accountant's upper bound."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple, SupportsFloat

import numpy as np

from paperwright.statistics.rdp_tuning.arrays import number, whole_number
from paperwright.stats import proportion_interval

Mechanism = Callable[[np.random.Generator, int], Any]


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
    r"""Lower confidence bound on epsilon from how often an event happens on two neighbouring data sets.

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
    """
    trials = whole_number("trials", trials, 1)
    delta, confidence = number("delta", delta), number("confidence", confidence)
    if not 0 <= delta < 1 or not 0 < confidence < 1:
        raise ValueError(f"delta is {delta} and confidence {confidence}; expected [0, 1) and (0, 1)")
    rng = np.random.default_rng() if rng is None else rng
    count_a, count_b = (_count(event, mechanism(rng, trials), trials) for mechanism in (mechanism_a, mechanism_b))
    low_a = proportion_interval(count_a, trials, level=confidence, method="exact").low
    high_b = proportion_interval(count_b, trials, level=confidence, method="exact").high
    lower = math.log((low_a - delta) / high_b) if low_a > delta else 0.0
    return AuditResult(max(lower, 0.0), None if upper is None else number("upper", upper), (count_a, count_b), trials)


def _count(event: Callable[[Any], Any], outputs: Any, trials: int) -> int:
    seen = np.asarray(event(outputs))
    if seen.shape != (trials,) or seen.dtype != np.bool_:
        raise ValueError(f"event gives {seen.dtype} of shape {seen.shape}; expected {trials} booleans, one an output")
    return int(np.count_nonzero(seen))
