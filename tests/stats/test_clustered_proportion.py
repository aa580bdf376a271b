"""The interval of a proportion of attempts that come in clusters."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paperwright.stats import clustered_proportion_interval, proportion_interval

counts = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 30)), min_size=1, max_size=12)


@given(counts, st.sampled_from([0.8, 0.95, 0.999]))
def test_it_lies_between_all_attempts_and_the_clusters_alone(pairs, level):
    attempts = np.array([of for _, of in pairs], dtype=float)
    hits = np.minimum([k for k, _ in pairs], attempts)
    interval = clustered_proportion_interval(hits, attempts, level)
    pooled = proportion_interval(hits.sum(), attempts.sum(), level, "exact")
    assert interval.low <= pooled.low + 1e-12
    assert interval.high >= pooled.high - 1e-12
    assert interval.low <= interval.estimate <= interval.high
    assert interval.estimate == pytest.approx(pooled.estimate)
    mirrored = clustered_proportion_interval(attempts - hits, attempts, level)
    assert [1 - mirrored.high, 1 - mirrored.low] == pytest.approx([interval.low, interval.high], abs=1e-9)


@pytest.mark.parametrize(("hits", "successes"), [(15, 20), (0, 0)])
def test_clusters_that_are_all_alike_are_the_sample(hits, successes):
    """Twenty runs that each get 15 of 15 are twenty successes, not three hundred."""
    interval = clustered_proportion_interval([hits] * 20, [15] * 20)
    alone = proportion_interval(successes, 20, method="exact")
    assert [interval.low, interval.high] == pytest.approx([alone.low, alone.high])
    assert interval.note == "300 attempts in 20 clusters count as 20 independent ones"


def test_by_hand():
    hits, attempts = [1, 9, 6, 7, 7], [10, 20, 10, 10, 15]
    share, total, n = 30 / 65, 65, 5
    variance = n / (n - 1) * sum((k - share * m) ** 2 for k, m in zip(hits, attempts, strict=True)) / total**2
    effect = variance / (share * (1 - share) / total) * 4 / 1.0636232  # χ²(0.1; 4)
    effective = total / effect * (1.9977297 / 2.7764451) ** 2  # t(0.975; 64) and t(0.975; 4)
    assert 5 < effective < 65
    from scipy.special import betaincinv

    interval = clustered_proportion_interval(hits, attempts)
    assert interval.low == pytest.approx(betaincinv(share * effective, (1 - share) * effective + 1, 0.025), rel=1e-6)


def test_two_clusters_much_alike_by_hand():
    # D < 1, so that N* = 2000 (t(0.975; 1999) / t(0.975; 1))².
    effective = 2000 * (1.9611520 / 12.7062047) ** 2
    from scipy.special import betaincinv

    interval = clustered_proportion_interval([500, 501], [1000, 1000])
    hits = 1001 / 2000 * effective
    assert interval.low == pytest.approx(betaincinv(hits, effective - hits + 1, 0.025), rel=1e-6)


def test_clusters_without_attempts_do_not_count():
    plain = clustered_proportion_interval([3, 4, 1], [9, 8, 7])
    assert clustered_proportion_interval([3, 0, 4, 1], [9, 0, 8, 7]) == plain


@pytest.mark.parametrize("icc", [0.0, 0.02, 0.1, 1.0])
@pytest.mark.parametrize(("seeds", "attempts"), [(5, 100), (20, 15)])
def test_it_keeps_its_level_however_alike_attempts_are(icc, seeds, attempts, assert_rate):
    rng = np.random.default_rng(seeds)
    trials, proportion = 1500, 0.5
    chance = np.full((trials, seeds), proportion)
    if 0 < icc < 1:
        chance = rng.beta(*[proportion * (1 / icc - 1)] * 2, size=chance.shape)
    elif icc == 1:
        chance = (rng.random(chance.shape) < proportion).astype(float)
    hits = rng.binomial(attempts, chance)
    found = [clustered_proportion_interval(row, np.full(seeds, attempts)) for row in hits]
    assert_rate(sum(one.low > proportion for one in found), trials, 0.025, at_most=True)
    assert_rate(sum(one.high < proportion for one in found), trials, 0.025, at_most=True)


@pytest.mark.parametrize(
    ("hits", "attempts", "said"),
    [([2], [1], "no more successes"), ([0.5], [1], "whole"), ([-1], [1], "no more"), ([0], [0], "0 in every")],
)
def test_what_are_no_counts(hits, attempts, said):
    with pytest.raises(ValueError, match=said):
        clustered_proportion_interval(hits, attempts)


def test_one_cluster_is_one_observation():
    interval = clustered_proportion_interval([50], [100])
    assert interval.low < 0.05
    assert interval.high > 0.95
    assert not math.isnan(interval.width)
