"""Adjusted p-values."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from paperwright.stats import adjusted_p_values

p_values = arrays(np.float64, st.integers(1, 12), elements=st.floats(0, 1))


def test_holm_by_hand():
    np.testing.assert_allclose(adjusted_p_values([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(adjusted_p_values([0.01, 0.4, 0.03], "bonferroni"), [0.03, 1.0, 0.09])


@given(arrays(np.float64, st.integers(1, 7), elements=st.floats(0, 1)))
def test_holm_is_bonferroni_in_a_closed_test(p):
    """A hypothesis is rejected if every set that holds it is (Marcus, Peritz and Gabriel 1976)."""
    sets = [list(s) for size in range(1, p.size + 1) for s in itertools.combinations(range(p.size), size)]
    closed = [max(min(1, len(s) * p[s].min()) for s in sets if one in s) for one in range(p.size)]
    np.testing.assert_allclose(adjusted_p_values(p), closed, atol=1e-12)
    np.testing.assert_allclose(adjusted_p_values(p, "bonferroni"), np.minimum(1, p.size * p), atol=1e-12)


@given(p_values)
def test_holm_lies_between_p_and_bonferroni_and_keeps_the_order(p):
    holm = adjusted_p_values(p)
    assert np.all(p <= holm)
    assert np.all(holm <= adjusted_p_values(p, "bonferroni"))
    assert np.all(np.diff(holm[np.argsort(p)]) >= 0)


def test_one_false_alarm_among_ten_stays_rare(assert_rate):
    trials = 4_000
    p = np.random.default_rng(0).uniform(size=(trials, 10))
    alarms = sum(adjusted_p_values(row).min() <= 0.05 for row in p)
    assert_rate(alarms, trials, 1 - (1 - 0.005) ** 10)


@pytest.mark.parametrize(
    ("p", "message"),
    [([], "at least 1"), ([0.5, 1.1], "1.1"), ([-0.1], "-0.1"), ([float("nan")], "NaN")],
)
def test_p_values_that_are_none(p, message):
    with pytest.raises(ValueError, match=rf"\bp_values\b.*{message}"):
        adjusted_p_values(p)


def test_an_unknown_method():
    with pytest.raises(ValueError, match=r"^method is 'sidak'; expected 'holm' or 'bonferroni'"):
        adjusted_p_values([0.5], "sidak")
