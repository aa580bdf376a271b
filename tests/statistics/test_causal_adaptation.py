"""Learning after a change: the race of factorisations, the belief in a direction, labels, and the lost angle."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import config

from paperwright.statistics.causal.adaptation import (
    ShiftedPair,
    StructuralBelief,
    TableFactorisation,
    adaptation_race,
    draw_shifts,
    episodes_on_tables,
    race_on_tables,
    sample_counts,
)
from paperwright.statistics.causal.experiment import MixtureSetting, run_recovery
from paperwright.statistics.causal.recover import angle_error, mixed_pair, recover_angle
from paperwright.statistics.causal.semi_supervised import SemiSupervisedLDA

torch.set_num_threads(1)
few = settings(max_examples=20, deadline=None)


@pytest.fixture
def annotations_off():
    """What a caller meets outside of the suite, where annotations are not executed."""
    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", False)


CONDITIONAL = torch.tensor([[0.9, 0.1], [0.2, 0.8]], dtype=torch.float64)
BEFORE = torch.tensor([[0.5], [0.5]], dtype=torch.float64) * CONDITIONAL
AFTER = torch.tensor([[0.8], [0.2]], dtype=torch.float64) * CONDITIONAL
PAIR = ShiftedPair(BEFORE, AFTER)


def source(seed=0):
    return torch.Generator().manual_seed(seed)


# The race


def test_reference_figures_of_the_race():
    regrets = race_on_tables(PAIR, lr=1.0, steps=3, batch=None)
    optimum = float((AFTER * AFTER.log()).sum())
    assert optimum == pytest.approx(-0.8605492870, abs=1e-10)
    causal = [-1.0532940440, -0.9176348139, -0.8805348671, -0.8683430429]
    anticausal = [-1.0532940440, -0.9637294156, -0.9292052177, -0.9115139362]
    np.testing.assert_allclose(optimum - regrets[:, 0], causal, atol=1e-10)
    np.testing.assert_allclose(optimum - regrets[:, 1], anticausal, atol=1e-10)


def test_the_mechanism_that_did_not_change_has_no_gradient():
    model = TableFactorisation(BEFORE)
    for _ in range(3):
        before = model.conditional.detach().clone()
        model.descend(AFTER, 1.0)
        np.testing.assert_allclose(model.conditional.detach(), before, atol=1e-15)


@few
@given(seed=st.integers(0, 10_000), cause=st.sampled_from(["first", "second"]), n=st.integers(2, 6))
def test_tables_are_exact_at_the_start_and_their_steps_are_autograds(seed, cause, n):
    before, after = draw_shifts(n, 3, rng=source(seed))
    model = TableFactorisation(before, cause)
    torch.testing.assert_close(model.log_joint().exp(), before)
    cells = torch.cartesian_prod(torch.arange(n), torch.arange(n)).expand(3, -1, 2)
    torch.testing.assert_close(model.log_prob(cells).exp().reshape(before.shape), before)
    loss = -(after * model.log_joint()).sum()
    gradients = torch.autograd.grad(loss, list(model.parameters()))
    expected = [p.detach() - 0.7 * g for p, g in zip(model.parameters(), gradients, strict=True)]
    model.descend(after, 0.7)
    for parameter, value in zip(model.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.detach(), value)


@few
@given(seed=st.integers(0, 10_000))
def test_only_the_named_mechanism_changes(seed):
    for changes, kept in (("cause", 1), ("effect", 0), ("nothing", 2)):
        pair = draw_shifts(4, 2, changes, rng=source(seed))
        marginals = [joint.sum(-1) for joint in pair]
        conditionals = [joint / joint.sum(-1, keepdim=True) for joint in pair]
        same = torch.allclose(*marginals), torch.allclose(*conditionals)
        assert same == {1: (False, True), 0: (True, False), 2: (True, True)}[kept]
        assert torch.allclose(pair.after.sum((-1, -2)), torch.ones(2, dtype=torch.float64))


def test_a_race_of_modules_is_the_race_of_tables():
    rng = source()
    cells = torch.multinomial(AFTER.flatten(), 300, replacement=True, generator=rng).reshape(3, 100)
    batches = [torch.stack([each // 2, each % 2], -1) for each in cells]
    models = TableFactorisation(BEFORE), TableFactorisation(BEFORE, "second")
    start = [parameter.detach().clone() for parameter in models[0].parameters()]
    curves = adaptation_race(*models, batches, batches[0], lr=(1.0, 0.5), steps=3)
    assert curves.shape == (4, 2)
    assert all(torch.equal(a, b) for a, b in zip(models[0].parameters(), start, strict=True))
    by_tables = TableFactorisation(BEFORE, "second")
    for step, batch in enumerate(batches):
        assert curves[step, 1].item() == pytest.approx(by_tables.log_prob(batches[0]).mean().item())
        counts = torch.bincount(batch[:, 0] * 2 + batch[:, 1], minlength=4).reshape(2, 2).double()
        by_tables.descend(counts / len(batch), 0.5)


def test_the_race_holds_for_other_modules():
    class Pair(torch.nn.Module):
        """A Gaussian cause and a linear effect; the columns change places for the other direction."""

        def __init__(self, order, mean, slope, deviations):
            super().__init__()
            self.order = order
            self.mean, self.slope = torch.nn.Parameter(torch.tensor(mean)), torch.nn.Parameter(torch.tensor(slope))
            self.deviations = deviations

        def log_prob(self, x):
            cause, effect = x[:, self.order[0]], x[:, self.order[1]]
            laws = [torch.distributions.Normal(m, s) for m, s in zip([0.0, 0.0], self.deviations, strict=True)]
            return laws[0].log_prob(cause - self.mean) + laws[1].log_prob(effect - self.slope * cause)

    rng = source()
    cause = torch.randn(500, generator=rng) + 1.5
    x = torch.stack([cause, cause + torch.randn(500, generator=rng)], -1)
    causal, anticausal = Pair([0, 1], 0.0, 1.0, [1.0, 1.0]), Pair([1, 0], 0.0, 0.5, [2**0.5, 0.5**0.5])
    curves = adaptation_race(causal, anticausal, [x[:250]] * 20, x[250:], lr=0.1, steps=20)
    assert float(curves[0, 0]) == pytest.approx(float(curves[0, 1]), abs=1e-5)
    assert curves[5:, 0].mean() > curves[5:, 1].mean()


def test_counts_are_draws_of_the_law():
    joint = draw_shifts(3, 2, rng=source()).before
    counts = sample_counts(joint, 50_000, source(1))
    assert counts.sum((-1, -2)).tolist() == [50_000, 50_000]
    assert float((counts / 50_000 - joint).abs().max()) < 0.01


@pytest.mark.usefixtures("annotations_off")
def test_the_race_refuses():
    models = TableFactorisation(BEFORE), TableFactorisation(BEFORE, "second")
    batch = torch.zeros(4, 2, dtype=torch.int64)
    with pytest.raises(ValueError, match="batches has 1 entries; expected 2"):
        adaptation_race(*models, [batch], batch, lr=1.0, steps=2)
    with pytest.raises(TypeError, match="causal is Linear"):
        adaptation_race(torch.nn.Linear(1, 1), models[1], [batch], batch, lr=1.0, steps=1)
    models[1].marginal.data[0] = -math.inf
    with pytest.raises(ValueError, match="expected finite numbers"):
        adaptation_race(*models, [batch], batch, lr=1.0, steps=1)
    with pytest.raises(ValueError, match="rng is None"):
        race_on_tables(PAIR, steps=1)
    with pytest.raises(ValueError, match="probabilities above 0"):
        TableFactorisation(torch.zeros(2, 2))
    with pytest.raises(ValueError, match="cause is 'A'"):
        TableFactorisation(BEFORE, "A")
    with pytest.raises(ValueError, match="changes is 'both'"):
        draw_shifts(2, 1, "both", rng=source())


# The belief


def test_reference_gradient_of_the_belief():
    record = StructuralBelief().observe([math.log(3)])
    assert record.gradient == pytest.approx(-0.25)
    assert record.loss == pytest.approx(-math.log((3 + 1) / 2))


@few
@given(st.lists(st.lists(st.floats(-50, 50), min_size=1, max_size=5), min_size=1, max_size=8))
def test_the_belief_moves_as_autograd_and_torchs_rmsprop(episodes):
    belief, gamma = StructuralBelief(), torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.RMSprop([gamma], lr=0.01, alpha=0.99, eps=1e-8)
    for ratios in episodes:
        record = belief.observe(ratios)
        values = torch.tensor(ratios, dtype=torch.float64)
        log = torch.nn.functional.logsigmoid
        loss = -torch.logaddexp(log(gamma) + values, log(-gamma)).sum()
        optimizer.zero_grad()
        loss.backward()
        assert record.loss == pytest.approx(loss.item(), rel=1e-9, abs=1e-9)
        assert record.gradient == pytest.approx(gamma.grad.item(), rel=1e-6, abs=1e-9)
        if abs(gamma.grad.item()) < 1e-6:  # rounding decides a direction here
            return
        optimizer.step()
        assert belief.gamma == pytest.approx(gamma.item(), rel=1e-6)
    assert belief.probability == belief.history[-1].probability


def test_an_episode_of_modules_is_an_episode_of_tables():
    rng = source()
    pair = draw_shifts(4, 1, rng=rng)
    ratios = episodes_on_tables(pair, steps=3, batch=10, rng=source(5))[0].tolist()
    draws = source(5)
    batches = [torch.multinomial(pair.after.reshape(1, -1), 10, replacement=True, generator=draws)[0] for _ in range(3)]
    models = TableFactorisation(pair.before[0]), TableFactorisation(pair.before[0], "second")
    by_tables, by_modules = StructuralBelief(), StructuralBelief()
    by_tables.observe(ratios)
    by_modules.update(*models, [torch.stack([each // 4, each % 4], -1) for each in batches], inner_lr=0.1)
    assert by_modules.history[0].gradient == pytest.approx(by_tables.history[0].gradient)
    assert by_modules.history[0].loss > 0


def test_the_belief_follows_what_adapts_faster_in_both_directions():
    believed = {}
    for changes in ("cause", "effect"):
        before = draw_shifts(10, 1, rng=source()).before[0]
        belief = StructuralBelief()
        for ratios in episodes_on_tables(draw_shifts(10, 300, changes, rng=source(1), before=before), rng=source(2)):
            belief.observe(ratios.tolist())
        believed[changes] = belief.probability
    assert believed["cause"] > 0.9
    assert believed["effect"] < 0.15
    assert "episodes=300" in repr(belief)


@pytest.mark.usefixtures("annotations_off")
def test_the_belief_refuses():
    with pytest.raises(ValueError, match="log_ratios is"):
        StructuralBelief().observe([])
    with pytest.raises(ValueError, match="log_ratios is"):
        StructuralBelief().observe([float("nan")])
    with pytest.raises(ValueError, match="lr is 0"):
        StructuralBelief(lr=0)


# Labels


def classes(seed=0, rows=400, features=4):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, rows)
    return rng.normal(size=(rows, features)) + 1.5 * y[:, None] * np.eye(features)[0] * 2, y


def test_without_unlabelled_rows_it_is_scikit_learns_shrinkage_lda():
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    X, y = classes()
    theirs = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.5).fit(X[:30], y[:30])
    ours = SemiSupervisedLDA(shrinkage=0.5).fit(X[:30], y[:30])
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-6)


def test_em_raises_the_likelihood_and_keeps_the_labels():
    X, y = classes()
    marked = np.where(np.arange(len(y)) < 8, y, -1)
    evidence = []
    for steps in range(1, 12):
        model = SemiSupervisedLDA(max_iter=steps, tol=0).fit(X, marked)
        joint = model._log_joint(X)
        labelled = joint[np.arange(8), y[:8]].sum()
        evidence.append(labelled + np.logaddexp.reduce(joint[8:], 1).sum())
    assert np.diff(evidence).min() > -1e-6
    assert model.score(X, y) > 0.85
    assert SemiSupervisedLDA(init="random", random_state=0).fit(X, marked).n_iter_ > 1


@pytest.mark.usefixtures("annotations_off")
def test_scikit_learn_checks_pass():
    from sklearn.utils.estimator_checks import check_estimator

    unlabelled = {"check_classifiers_classes": "it uses -1 as a class, which marks rows without a label here"}
    check_estimator(SemiSupervisedLDA(), expected_failed_checks=unlabelled, on_skip=None, on_fail="raise")


@pytest.mark.usefixtures("annotations_off")
def test_labels_are_refused():
    X, y = classes()
    with pytest.raises(ValueError, match="at least two classes"):
        SemiSupervisedLDA().fit(X, np.where(np.arange(len(y)) == 3, y, -1))
    with pytest.raises(ValueError, match="shrinkage is 2"):
        SemiSupervisedLDA(shrinkage=2).fit(X, y)


# The angle


CAUSES = [(0.0, 1.0), (2.0, 0.5), (-1.0, 2.0), (0.5, 1.5)]


@few
@given(angle=st.floats(-89, 90), slope=st.sampled_from([-1.5, 0.4, 1.0]), seed=st.integers(0, 100))
def test_the_angle_is_recovered(angle, slope, seed):
    x, environment = mixed_pair(angle, slope, 0.3, CAUSES, 1500, np.random.default_rng(seed))
    found = recover_angle(x, environment)
    assert -90 < found.degrees <= 90
    assert angle_error(found.degrees, angle, swaps=False) < 4
    assert found.score <= found.scores.min() + 1e-12
    assert found.grid.shape == found.scores.shape == (360,)


def test_the_unmixed_rows_are_cause_and_effect():
    rng = np.random.default_rng(0)
    x, environment = mixed_pair(35.0, 1.0, 0.0, CAUSES, 2000, rng)
    cause, effect = recover_angle(x, environment).unmix(x).T
    slope, _ = np.polyfit(cause, effect, 1)
    assert abs(slope) == pytest.approx(1, abs=0.1)
    residual_spread = [np.std((effect - slope * cause)[environment == e]) for e in range(4)]
    np.testing.assert_allclose(residual_spread, 1, atol=0.1)


def test_the_score_is_the_divergence_of_samples_own_regressions():
    x, environment = mixed_pair(0.0, 0.5, 0.0, CAUSES[:2], 500, np.random.default_rng(0))
    found = recover_angle(x, environment, step=10)
    zero = int(np.flatnonzero(found.grid == 0)[0])
    scaled = (x - x.mean(0)) / x.std()
    fits = []
    for e in range(2):
        u, v = scaled[environment == e].T
        slope, intercept = np.polyfit(u, v, 1)
        fits.append((slope, intercept, np.var(v - slope * u - intercept), u.mean(), u.var()))
    total = 0.0
    for (b, a, s, m, t), (b2, a2, s2, _, _) in ((fits[0], fits[1]), (fits[1], fits[0])):
        total += (math.log(s2 / s) + (s + (a - a2 + (b - b2) * m) ** 2 + (b - b2) ** 2 * t) / s2 - 1) / 2
    assert found.scores[zero] == pytest.approx(total)


def test_the_meta_objective_mostly_finds_it_too():
    found = [
        run_recovery(MixtureSetting(method="meta"), seed=s, device="cpu", environments=6, rows=500) for s in range(8)
    ]
    assert np.median([each["ordered_error"] for each in found]) < 4


def test_angles_are_compared_up_to_what_cannot_be_known():
    assert angle_error(-89, 89, swaps=False) == pytest.approx(2)
    assert angle_error(0, 90) == 0
    assert angle_error(0, 90, swaps=False) == 90
    assert angle_error(10, 55) == 45


@pytest.mark.usefixtures("annotations_off")
def test_the_angle_is_refused():
    x, environment = mixed_pair(20.0, 1.0, 0.0, CAUSES, 20, np.random.default_rng(0))
    with pytest.raises(ValueError, match="1 columns; expected 2"):
        recover_angle(x[:, :1], environment)
    with pytest.raises(ValueError, match="method is 'icp'"):
        recover_angle(x, environment, method="icp")
    with pytest.raises(ValueError, match="step is 0"):
        recover_angle(x, environment, step=0)
