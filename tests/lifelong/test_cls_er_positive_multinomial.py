"""Counts that are multinomial given that none is zero: the right distribution, in a fixed number of draws."""

from itertools import product

import numpy as np
import pytest
from scipy.special import factorial
from scipy.stats import chisquare, multinomial

from paperwright.lifelong.cls_er.gcil import positive_multinomial


class Counting(np.random.Generator):
    """A generator that counts its draws, and whose plain multinomial draw may be made to fail."""

    def __init__(self, seed: int, *, refuse: bool = False) -> None:
        super().__init__(np.random.PCG64(seed))
        self.draws, self.refuse = 0, refuse

    def multinomial(self, total, probabilities):
        self.draws += 1
        drawn = super().multinomial(total, probabilities)
        return np.where(np.arange(len(drawn)) == 0, 0, drawn) if self.refuse else drawn

    def choice(self, *arguments, **options):
        self.draws += 1
        return super().choice(*arguments, **options)


@pytest.mark.parametrize(
    ("total", "weights", "refuse"),
    [
        (7, [8, 1, 2], False),
        (7, [8, 1, 2], True),
        (5, [1, 1, 1, 1], True),
        (9, [1, 300], True),
    ],
)
def test_its_distribution_is_the_multinomial_one_given_positive_counts(total, weights, refuse):
    """Against the exact probabilities. With `refuse` all draws go the closed way, without it whichever they may."""
    p, runs = np.array(weights) / sum(weights), 300
    possible = [counts for counts in product(range(1, total), repeat=len(p)) if sum(counts) == total]
    exact = multinomial.pmf(possible, total, p)
    exact /= exact.sum()
    random = Counting(0, refuse=refuse)
    drawn = [tuple(positive_multinomial(total, p, random).tolist()) for _ in range(runs)]
    seen = np.array([drawn.count(counts) for counts in possible])
    assert seen.sum() == runs
    common = exact * runs >= 5
    seen, due = [*seen[common], seen[~common].sum()], [*exact[common] * runs, exact[~common].sum() * runs]
    parts = slice(None) if due[-1] else slice(-1)
    assert chisquare(seen[parts], due[parts]).pvalue > 1e-4


@pytest.mark.parametrize(("total", "classes"), [(50, 50), (51, 50), (60, 50), (400, 300), (5000, 1000)])
@pytest.mark.parametrize("decline", [1.0, 0.984])
def test_the_number_of_draws_is_fixed_however_unlikely_the_condition(total, classes, decline):
    weight = decline ** np.arange(classes)
    random = Counting(1)
    counts = positive_multinomial(total, weight / weight.sum(), random)
    assert counts.sum() == total
    assert counts.min() >= 1
    assert random.draws <= 1 + classes


def test_the_mean_of_a_rare_class_is_the_exact_one():
    """Two classes, the second all but impossible: P(n_2 = j | n_2 ≥ 1) is the binomial one, almost surely 1."""
    p = np.array([1 - 1e-7, 1e-7])
    random = np.random.default_rng(0)
    assert all(positive_multinomial(1000, p, random)[1] == 1 for _ in range(50))


def test_a_long_tail_keeps_its_shape():
    """With 40 samples for 20 classes, the means follow from the generating function Π (exp(p_i z) − 1)."""
    weight, total = 0.8 ** np.arange(20), 40
    p = weight / weight.sum()
    random = np.random.default_rng(3)
    drawn = np.array([positive_multinomial(total, p, random) for _ in range(100)])

    def series(classes):
        ways = np.array([1.0])
        for c in classes:
            terms = np.array([0.0, *(p[c] ** np.arange(1, total + 1) / factorial(np.arange(1, total + 1)))])
            ways = np.convolve(ways, terms)[: total + 1]
        return ways

    others = series(range(1, 20))
    first = np.array([p[0] ** n / factorial(n) * others[total - n] if n else 0.0 for n in range(total + 1)])
    first /= first.sum()
    mean, variance = first @ np.arange(total + 1), first @ np.arange(total + 1) ** 2
    error = ((variance - mean**2) / len(drawn)) ** 0.5
    assert drawn[:, 0].mean() == pytest.approx(mean, abs=4 * error)


@pytest.mark.parametrize(("total", "p"), [(2, [0.2, 0.3, 0.5]), (5, [0.0, 1.0])])
def test_what_cannot_be_is_refused(total, p):
    with pytest.raises(ValueError, match="expected at least one for each of"):
        positive_multinomial(total, np.array(p), np.random.default_rng(0))
