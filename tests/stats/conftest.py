"""What the statistical tests share."""

from collections.abc import Callable

import pytest
from scipy.stats import binom


@pytest.fixture
def assert_rate() -> Callable[..., None]:
    """assert_rate(count, trials, rate): `count` is what a binomial of that rate gives but once in 100,000 test runs.

    With at_most=True only a rate that is too high fails, for procedures that promise no more than that.
    """

    def check(count: int, trials: int, rate: float, *, at_most: bool = False) -> None:
        low, high = binom.ppf([0.5e-5, 1 - 0.5e-5], trials, rate)
        assert count <= high, f"{count} of {trials} is {count / trials:.4f}: too often for a rate of {rate}"
        assert at_most or count >= low, f"{count} of {trials} is {count / trials:.4f}: too seldom for a rate of {rate}"

    return check
