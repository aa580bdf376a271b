"""The private search: what it returns, what it refuses, and the libraries that it plugs into."""

import dataclasses
import json
import math
import subprocess
import sys
from concurrent.futures import BrokenExecutor, Executor, ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

from paperwright.statistics.rdp_tuning import (
    RunBudgetExceeded,
    RunCount,
    gaussian_rdp,
    opacus_rdp,
    private_search,
    rdp_to_epsilon,
    selected_rdp,
)
from paperwright.statistics.rdp_tuning.audit import renyi_divergence, selected_pmf
from paperwright.statistics.rdp_tuning.base import rdp_curve
from paperwright.statistics.rdp_tuning.experiment import LabelledRows, PrivateTraining, small_cnn, train_softmax

RATES = [0.01, 0.1, 1.0]
BASE = gaussian_rdp(3.0)


def parabola(rate, rng):
    return {"rate": rate}, -((math.log10(rate) + 1) ** 2)


def search(train=parabola, candidates=RATES, *, mean=20, seed=0, **options):
    options = {"runs": RunCount.logarithmic(mean=mean), "base": BASE, "delta": 1e-5, "method": "closed", **options}
    return private_search(train, candidates, rng=np.random.default_rng(seed), **options)


def test_the_winner_and_its_price():
    result = search(runs=RunCount.geometric(mean=50), method="best")
    assert result.best_candidate == 0.1
    assert result.model == {"rate": 0.1}
    assert result.score == 0
    expected = rdp_to_epsilon(BASE[0], selected_rdp(*BASE, RunCount.geometric(mean=50)), 1e-5)
    assert result.epsilon == expected.epsilon
    assert result.expected_runs == 50
    assert result.epsilon > rdp_to_epsilon(*BASE, 1e-5).epsilon


def test_the_result_tells_nothing_else():
    assert {field.name for field in dataclasses.fields(search())} == {
        *("best_candidate", "model", "score", "failed", "epsilon", "delta", "orders", "rdp", "expected_runs"),
        "unsafe_history",
    }
    assert search().unsafe_history is None


def test_history_costs_the_guarantee():
    result = search(keep_history=True)
    assert result.epsilon is None
    assert max(run.score for run in result.unsafe_history) == result.score


def test_nothing_is_printed(capsys):
    search()
    assert capsys.readouterr() == ("", "")


def test_distribution_of_the_winner_is_the_exact_one():
    runs = RunCount.geometric(mean=3)
    winners = [search(lambda c, rng: (c, c), [0, 1, 2], seed=seed, runs=runs).score for seed in range(250)]
    exact = np.diff(runs.pgf(np.arange(4) / 3))
    assert np.bincount(np.array(winners, dtype=int)) / 250 == pytest.approx(exact, abs=0.1)


def test_probabilities_and_samplers_as_candidates():
    chosen = [search(lambda c, rng: (c, 0.0), {"a": 0.9, "b": 0.1}, seed=s, mean=1).best_candidate for s in range(200)]
    assert 0.8 < np.mean(np.array(chosen) == "a") < 0.97
    assert 0 <= search(lambda c, rng: (c, c), lambda rng: rng.random()).best_candidate < 1
    assert search(candidates=np.array(RATES)).best_candidate == 0.1


def test_ties_go_to_the_first_and_nan_is_worst():
    history = search(lambda c, rng: (c, 1.0), keep_history=True, mean=50).unsafe_history
    assert search(lambda c, rng: (c, 1.0), mean=50).best_candidate == history[0].candidate
    result = search(lambda c, rng: (c, math.nan if c > 0.01 else -math.inf), mean=50)
    assert result.best_candidate == 0.01
    assert math.isnan(search(lambda c, rng: (c, math.nan)).score)


def test_a_crash_counts_as_the_worst_run():
    def fragile(rate, rng):
        if rate < 1:
            raise FloatingPointError("diverged")
        return rate, -5.0

    assert search(fragile, mean=50).best_candidate == 1.0
    with pytest.raises(FloatingPointError):
        search(fragile, mean=50, on_error="raise")


def test_a_search_whose_every_run_fails_says_so_and_quotes_no_record():
    def fails(rate, rng):
        raise ArithmeticError("the record of Alice is out of range")

    with pytest.warns(RuntimeWarning, match="no run of this search gave a score; the winner failed") as caught:
        result = search(fails)
    assert (result.model, result.failed) == (None, True)
    assert math.isnan(result.score)
    assert result.epsilon == search().epsilon  # that all failed is an answer too
    for word in ("Alice", "ArithmeticError"):  # the type can depend on a record, too, where the failing does not
        assert word not in str(caught[0].message) + repr(result)
    assert not search().failed


def test_a_run_that_exits_is_a_run_that_failed():
    def exits(rate, rng):
        if rate < 1:
            sys.exit("diverged")
        return rate, 0.0

    assert search(exits, mean=50).best_candidate == 1.0
    with pytest.raises(SystemExit):
        search(exits, mean=50, on_error="raise")


def test_a_broken_executor_is_said_to_break_the_guarantee():
    class Breaks(Executor):
        def map(self, function, generators):
            raise BrokenExecutor("a child process terminated abruptly")

    with pytest.raises(RuntimeError, match=r"executor is Breaks, which broke; expected .* outside of the guarantee"):
        search(executor=Breaks())


def test_a_run_cannot_tell_how_many_there_were():
    # A spawned generator carries its parent's seed, from which K follows, and a model may keep its generator.
    seeds = []

    def train(rate, rng):
        seeds.append(rng.bit_generator.seed_seq)
        return rate, 0.0

    runs = RunCount.from_pmf({5: 1.0})
    private_search(train, RATES, runs=runs, base=BASE, delta=1e-5, method="numeric")
    assert len({seed.entropy for seed in seeds}) == 5
    assert {seed.spawn_key for seed in seeds} == {()}


def test_poisson_may_draw_no_run_and_says_so():
    runs = RunCount.poisson(mean=1)
    results = [search(runs=runs, seed=seed) for seed in range(40)]
    empty = [result for result in results if result.best_candidate is None]
    assert 5 <= len(empty) <= 25
    assert empty[0].model is None
    assert math.isnan(empty[0].score)
    assert empty[0].epsilon == results[0].epsilon


def test_run_budget_is_refused_before_training():
    def never(candidate, rng):
        raise AssertionError("trained")

    with pytest.raises(RunBudgetExceeded, match=r"truncated\(1\)"):
        search(never, runs=RunCount.geometric(mean=1000), max_runs=1, on_error="raise")
    assert search(runs=RunCount.geometric(mean=1000).truncated(3), method="best").best_candidate in RATES


def test_stopping_early_changes_nothing_but_the_cost():
    trained = []

    def train(rate, rng):
        trained.append(rate)
        return parabola(rate, rng)

    for seed in range(20):
        trained.clear()
        stopped = search(train, mean=50, seed=seed, stop_at=-0.5)
        saved = len(trained)
        full = search(train, mean=50, seed=seed)
        assert stopped.best_candidate == full.best_candidate
        assert stopped.epsilon == full.epsilon
        assert saved <= len(trained) - saved


def test_an_executor_gives_the_same_winner():
    def noisy(rate, rng):
        return rate, rng.normal()

    with ThreadPoolExecutor(2) as pool:
        parallel = search(noisy, executor=pool, mean=50)
    serial = search(noisy, mean=50)
    assert (parallel.best_candidate, parallel.score) == (serial.best_candidate, serial.score)


def test_scorer_must_be_declared():
    with pytest.warns(UserWarning, match="scorer_data"):
        search(lambda rate, rng: rate, scorer=lambda model: -model)
    assert search(lambda rate, rng: rate, scorer=lambda m: -m, scorer_data="public", mean=50).best_candidate == 0.01


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"candidates": []}, ValueError, "empty"),
        ({"candidates": {}}, ValueError, "empty"),
        ({"candidates": {"a": 0.5}}, ValueError, "sum to 1"),
        ({"candidates": "abc"}, TypeError, "sequence"),
        ({"candidates": 3}, TypeError, "sequence"),
        ({"train": lambda c, rng: (c, "good")}, TypeError, "real number"),
        ({"train": lambda c, rng: (c, None)}, TypeError, "real number"),
        ({"train": lambda c, rng: (c, 1j)}, TypeError, "real number"),
        ({"train": lambda c, rng: (c, np.ones(2))}, TypeError, "real number"),
        ({"train": lambda c, rng: c}, TypeError, "scorer"),
        ({"train": lambda c: (c, c)}, TypeError, "train is .*; expected a function of a candidate and a generator"),
        ({"scorer": lambda: 0.0, "scorer_data": "public"}, TypeError, "scorer is .*; expected a function of a model"),
        ({"candidates": lambda: 0.1}, TypeError, "candidates is .*; expected a function of a generator"),
        ({"delta": 0}, ValueError, "delta"),
        ({"base": 3.0}, TypeError, "base is float; expected"),
        ({"stop_at": math.nan}, ValueError, "stop_at is nan"),
        ({"max_runs": 2.5}, ValueError, "max_runs is 2.5; expected a whole number"),
        ({"max_runs": 0}, ValueError, "at least 1"),
        ({"train": lambda c, rng: (c, np.array("good"))}, TypeError, "a score is .*; expected a number"),
        ({"train": lambda c, rng: (c, 10**400)}, TypeError, "a score is .*; expected a number"),
        ({"candidates": np.array(3)}, TypeError, "candidates is ndarray; expected a sequence"),
        ({"candidates": {"a": "x"}}, TypeError, "probabilities is .*; expected numbers"),
        ({"base": ("a", "b")}, TypeError, "orders is 'a'; expected numbers"),
        ({"base": ([2, 3], [1])}, ValueError, "one length"),
    ],
)
def test_bad_input_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        search(**options)


def test_scores_may_be_numpy_or_torch_scalars():
    assert search(lambda c, rng: (c, np.float32(c))).best_candidate == 1.0
    assert search(lambda c, rng: (c, np.array(c))).best_candidate == 1.0
    torch = pytest.importorskip("torch")
    assert search(lambda c, rng: (c, torch.tensor(c))).best_candidate == 1.0
    curve = torch.tensor(BASE[0]), torch.tensor(BASE[1], requires_grad=True)
    np.testing.assert_allclose(selected_rdp(*curve, RunCount.poisson(mean=2))[-1], 57.6, rtol=0.1)


def test_tensors_with_a_gradient_are_read_everywhere():
    torch = pytest.importorskip("torch")

    def tensor(*values):
        return torch.tensor(values, requires_grad=True)

    runs = RunCount.logarithmic(mean=4)
    assert runs.pmf(tensor(1.0, 2.0)) == pytest.approx(runs.pmf([1, 2]))
    assert selected_pmf(tensor(0.5, 0.5), runs) == pytest.approx(selected_pmf([0.5, 0.5], runs))
    assert renyi_divergence(tensor(0.2, 0.8), tensor(0.5, 0.5), tensor(2.0)[0]) == pytest.approx(0.3075, abs=1e-4)
    assert RunCount.from_pmf({1: tensor(1.0)[0]}).mean == 1
    assert search(lambda rate, rng: (rate, tensor(rate)[0])).best_candidate == 1.0
    curve = selected_rdp([2.0], [0.1], runs, tradeoff=lambda p: torch.tensor(p, requires_grad=True))
    assert 0.1 < curve[0] < 1


# Through the libraries of the field


def test_dp_accounting_event_and_accountant():
    dp_accounting = pytest.importorskip("dp_accounting")
    from dp_accounting.rdp import RdpAccountant

    step = dp_accounting.PoissonSampledDpEvent(0.01, dp_accounting.GaussianDpEvent(1.1))
    event = dp_accounting.SelfComposedDpEvent(step, 500)
    accountant = RdpAccountant()
    accountant.compose(event)
    from_event, from_accountant = search(base=event, method="best"), search(base=accountant, method="best")
    assert from_event.epsilon == pytest.approx(from_accountant.epsilon, rel=1e-3)
    own = gaussian_rdp(1.1, 0.01, 500)
    assert from_event.epsilon == search(base=own, method="best").epsilon

    peer = RdpAccountant()
    peer.compose(RunCount.logarithmic(mean=20).to_dp_event(event))
    assert from_accountant.epsilon < peer.get_epsilon(1e-5)
    closed = search(base=accountant, method="closed")
    assert closed.epsilon == pytest.approx(peer.get_epsilon(1e-5), rel=1e-9)
    assert RunCount.poisson(mean=3).to_dp_event(event).shape == math.inf
    unknown = dp_accounting.PoissonSampledDpEvent(0.1, dp_accounting.LaplaceDpEvent(1.0))
    with pytest.raises(ValueError, match="base is PoissonSampledDpEvent; expected an event whose"):
        search(base=unknown)


@pytest.mark.parametrize(
    "fresh",
    [
        lambda: pytest.importorskip("opacus.accountants").RDPAccountant(),
        lambda: pytest.importorskip("opacus.accountants").PRVAccountant(),
        lambda: pytest.importorskip("opacus").PrivacyEngine(accountant="rdp").accountant,
        lambda: pytest.importorskip("dp_accounting.rdp").RdpAccountant(),
        lambda: pytest.importorskip("dp_accounting").NoOpDpEvent(),
        lambda: pytest.importorskip("dp_accounting").ComposedDpEvent([]),
    ],
    ids=["RDPAccountant", "PRVAccountant", "PrivacyEngine", "RdpAccountant", "NoOp", "Composed"],
)
@pytest.mark.filterwarnings("ignore:Secure RNG")
def test_an_accountant_that_has_recorded_nothing_is_refused(fresh):
    base = fresh()
    with pytest.raises(ValueError, match=rf"base is {type(base).__name__} with no privacy cost recorded.*gaussian_rdp"):
        search(base=base)
    if hasattr(base, "history"):
        with pytest.raises(ValueError, match="no privacy cost"):
            opacus_rdp(base)


def test_a_cost_of_nothing_may_be_stated():
    assert search(base=gaussian_rdp(1.0, steps=0), method="best").epsilon == 0


def test_opacus_own_default_accountant():
    opacus = pytest.importorskip("opacus.accountants")
    pytest.importorskip("dp_accounting")
    accountant = opacus.PRVAccountant()
    accountant.step(noise_multiplier=1.1, sample_rate=0.02)
    np.testing.assert_allclose(rdp_curve(accountant)[1], gaussian_rdp(1.1, 0.02, 1)[1])


def test_the_searched_curve_composes_with_other_releases():
    one = search()
    both = rdp_to_epsilon(one.orders, 2 * one.rdp, 1e-5).epsilon
    assert one.epsilon < both < 2 * one.epsilon


def test_opacus_accountant():
    opacus = pytest.importorskip("opacus.accountants")
    pytest.importorskip("dp_accounting")
    accountant = opacus.RDPAccountant()
    for _ in range(30):
        accountant.step(noise_multiplier=1.1, sample_rate=0.02)
    accountant.step(noise_multiplier=2.0, sample_rate=1.0)
    orders, rdp = opacus_rdp(accountant)
    theirs = accountant.get_epsilon(1e-5, alphas=orders[orders > 1.01].tolist())
    assert rdp_to_epsilon(orders, rdp, 1e-5).epsilon == pytest.approx(theirs, rel=1e-6)
    assert search(base=accountant).epsilon > theirs
    for history in (None, {"mae": [1.0]}, [(1.0, 0.1)], [1.0]):  # the second as Keras has it
        with pytest.raises(TypeError, match="accountant is SimpleNamespace; expected an Opacus accountant"):
            opacus_rdp(SimpleNamespace(history=history))


def test_through_an_opacus_training():
    torch = pytest.importorskip("torch")
    opacus = pytest.importorskip("opacus")
    pytest.importorskip("dp_accounting")
    torch.manual_seed(0)
    x = torch.randn(64, 4)
    y = (x[:, 0] > 0).long()

    def train(rate, rng):
        model = torch.nn.Linear(4, 2)
        optimizer = torch.optim.SGD(model.parameters(), lr=rate)
        loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=16)
        engine = opacus.PrivacyEngine(accountant="rdp")
        model, optimizer, loader = engine.make_private(
            module=model, optimizer=optimizer, data_loader=loader, noise_multiplier=1.0, max_grad_norm=1.0
        )
        for inputs, labels in loader:
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(inputs), labels).backward()
            optimizer.step()
        accuracy = (model(x).argmax(1) == y).float().mean()  # counts as public in this test
        return (model, engine.accountant), accuracy

    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's and opacus' own
        _, accountant = train(0.1, None)[0]
        result = search(train, runs=RunCount.geometric(mean=2), base=accountant, on_error="raise")
    assert result.best_candidate in RATES
    assert math.isfinite(result.epsilon)


def test_scikit_learn_wrapper():
    sklearn = pytest.importorskip("sklearn")
    from sklearn.base import clone
    from sklearn.neighbors import KNeighborsClassifier

    from paperwright.statistics.rdp_tuning import DPSearchCV

    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 2)), np.repeat([0, 1], 30)
    X[y == 1] += 2
    wrapper = DPSearchCV(
        KNeighborsClassifier,
        {"n_neighbors": [1, 5, 15], "p": lambda rng: 1 + rng.random()},
        RunCount.geometric(mean=5),
        BASE,
        1e-5,
        score_data="public",
        random_state=np.random.default_rng(1),
    )
    assert set(clone(wrapper).get_params(deep=False)) >= {"estimator_factory", "distributions", "runs", "base", "delta"}
    with pytest.raises(sklearn.exceptions.NotFittedError):
        wrapper.predict(X)
    assert wrapper.fit(X, y, X_score=X[::2], y_score=y[::2]) is wrapper
    assert set(wrapper.best_params_) == {"n_neighbors", "p"}
    assert wrapper.predict(X).shape == (60,)
    assert wrapper.score(X, y) > 0.8
    assert wrapper.epsilon_ == wrapper.result_.epsilon
    assert not hasattr(wrapper, "cv_results_")
    with pytest.raises(ValueError, match="distributions"):
        DPSearchCV(KNeighborsClassifier, {}, RunCount.geometric(mean=5), BASE, 1e-5).fit(X, y)


TWO_CLASSES = (
    np.vstack([np.random.default_rng(0).normal(size=(30, 2)), 2 + np.random.default_rng(1).normal(size=(30, 2))]),
    np.repeat(["no", "yes"], 30),
)


def cross_validated(factory, distributions, **options):
    from paperwright.statistics.rdp_tuning import DPSearchCV

    options = {"score_data": "public", "random_state": np.random.default_rng(1), **options}
    return DPSearchCV(factory, distributions, RunCount.geometric(mean=5), BASE, 1e-5, **options)


def test_scikit_learn_wrapper_answers_as_its_winner_does():
    pytest.importorskip("sklearn")
    from sklearn.base import is_classifier, is_regressor
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.metrics import get_scorer
    from sklearn.model_selection import cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import LinearSVC

    X, y = TWO_CLASSES
    logistic = cross_validated(LogisticRegression, {"C": [0.1, 1.0]})
    assert is_classifier(logistic)
    assert not hasattr(logistic, "classes_")
    assert not hasattr(logistic, "transform")
    assert hasattr(logistic, "predict_proba")
    logistic.fit(X, y)
    winner = logistic.best_estimator_
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        np.testing.assert_array_equal(getattr(logistic, method)(X), getattr(winner, method)(X))
    assert logistic.classes_.tolist() == ["no", "yes"]
    assert logistic.n_features_in_ == 2
    assert not hasattr(logistic, "feature_names_in_")
    assert get_scorer("roc_auc")(logistic, X, y) > 0.9
    assert set(cross_val_predict(logistic, X, y, cv=3)) == {"no", "yes"}
    assert make_pipeline(StandardScaler(), logistic).fit(X, y).score(X, y) > 0.8

    assert not hasattr(cross_validated(LinearSVC, {"C": [0.1, 1.0]}), "predict_proba")
    assert is_regressor(cross_validated(lambda *, alpha: Ridge(alpha), {"alpha": [0.1, 1.0]}))
    scaler = cross_validated(StandardScaler, {"with_mean": [True]}, scoring=lambda estimator, X, y: 0.0).fit(X)
    np.testing.assert_allclose(scaler.inverse_transform(scaler.transform(X)), X)
    assert scaler.score(X) == 0


def test_scikit_learn_wrapper_refuses_a_search_that_found_nothing():
    pytest.importorskip("sklearn")
    from sklearn.linear_model import LogisticRegression

    X, y = TWO_CLASSES
    with pytest.raises(TypeError, match="'Cc'"):  # no look at the data is needed to say so
        cross_validated(LogisticRegression, {"Cc": [1.0]}).fit(X, y)
    broken = cross_validated(LogisticRegression, {"C": [-1.0]})
    with pytest.raises(ValueError, match=r"every fit failed; expected .*its epsilon, 1\.976"):
        broken.fit(X, y)
    assert not hasattr(broken, "best_estimator_")
    with pytest.raises(ValueError, match="The 'C' parameter"):
        cross_validated(LogisticRegression, {"C": [-1.0]}, on_error="raise").fit(X, y)
    again = cross_validated(LogisticRegression, {"C": [1.0]}).fit(X, y)
    again.set_params(distributions={"C": [-1.0]})
    with pytest.raises(ValueError, match="every fit failed"):
        again.fit(X, y)
    assert not [name for name in vars(again) if name.endswith("_")]  # nor the winner of before
    half = cross_validated(LogisticRegression, {"C": [-1.0, 1.0]}, random_state=np.random.default_rng(5)).fit(X, y)
    assert half.best_params_ == {"C": 1.0}


def test_scikit_learn_wrapper_seeds_its_estimators_in_tests_only():
    pytest.importorskip("sklearn")
    from sklearn.linear_model import SGDClassifier

    X, y = TWO_CLASSES
    one, same = (cross_validated(SGDClassifier, {"alpha": [1e-2]}).fit(X, y) for _ in range(2))
    np.testing.assert_array_equal(one.best_estimator_.coef_, same.best_estimator_.coef_)
    assert (
        cross_validated(SGDClassifier, {"alpha": [1e-2]}, random_state=None).fit(X, y).best_estimator_.random_state
        is None
    )


def test_a_bare_installation_works_and_refuses_by_name():
    # In a process of its own: without the libraries of the field, and where no annotation is checked.
    program = """
import sys
for name in ("torch", "dp_accounting", "opacus", "sklearn"):
    sys.modules[name] = None
import numpy as np
from paperwright.statistics.rdp_tuning import (
    RunCount, audit_epsilon, gaussian_rdp, gaussian_tradeoff, plan_search, private_search, rdp_to_delta, selected_rdp
)
def search(**options):
    options = {"runs": RunCount.logarithmic(mean=9), "base": gaussian_rdp(2.0), "delta": 1e-5, **options}
    return private_search(lambda c, rng: (c, c), [1, 2], **options)
assert 1 < search().epsilon < 10
try:
    gaussian_rdp(2.0, 0.1)
except ModuleNotFoundError as error:
    assert "paperwright[statistics]" in str(error)
else:
    raise SystemExit("no error")
for call, message in [
    (lambda: search(rng=0), "rng is 0; expected a numpy.random.Generator"),
    (lambda: search(rng=np.random.RandomState(0)), "expected a numpy.random.Generator"),
    (lambda: search(runs=10), "runs is 10; expected a RunCount"),
    (lambda: search(delta="x"), "delta is 'x'; expected a number"),
    (lambda: search(delta=None), "delta is None; expected a number"),
    (lambda: search(stop_at="x"), "stop_at is 'x'; expected a number"),
    (lambda: search(executor=3), "executor is 3; expected a concurrent.futures.Executor"),
    (lambda: search(scorer=3), "scorer is 3; expected a function"),
    (lambda: search(scorer_data="yes"), "scorer_data is 'yes'; expected 'covered'"),
    (lambda: search(tradeoff=3), "tradeoff is int; expected a function"),
    (lambda: private_search(3, [1], runs=RunCount.poisson(mean=1), base=1, delta=0.1), "train is 3; expected a func"),
    (lambda: selected_rdp([2], [1], 5), "runs is 5; expected a RunCount"),
    (lambda: rdp_to_delta([2], [1], "x"), "epsilon is 'x'; expected a number"),
    (lambda: gaussian_rdp("x"), "noise_multiplier is 'x'; expected a number"),
    (lambda: gaussian_rdp(1.0, "x"), "sample_rate is 'x'; expected a number"),
    (lambda: gaussian_tradeoff("x"), "noise_multiplier is 'x'; expected a number"),
    (lambda: plan_search((1, 2), 1, 1e-5, 2), "base_fn is tuple; expected a function"),
    (lambda: plan_search(gaussian_rdp, "x", 1e-5, 2), "target_epsilon is 'x'; expected a number"),
    (lambda: RunCount.from_pmf([[1.0], [2.0, 3.0]]), "pmf is [[1.0], [2.0, 3.0]]; expected numbers"),
    (lambda: RunCount.logarithmic(mean="2"), "mean is '2'; expected a number"),
    (lambda: RunCount.logarithmic(mean=2).sample(0), "rng is 0; expected a numpy.random.Generator"),
    (lambda: RunCount.logarithmic(mean=2).sample(size=(2, 1.5)), "size is 1.5; expected a whole number"),
    (lambda: audit_epsilon(3, 3, lambda y: y, 9), "mechanism_a is 3; expected a function"),
    (lambda: search(max_runs="3"), "max_runs is '3'; expected a whole number"),
    (lambda: RunCount.from_pmf({1.5: 1.0}), "a count of pmf is 1.5; expected a whole number"),
    (lambda: RunCount.from_pmf({1: "all"}), "a probability of pmf is 'all'; expected a number"),
    (lambda: RunCount.logarithmic(mean=2).truncated("9"), "largest is '9'; expected a whole number"),
    (lambda: gaussian_rdp(1.0, steps="9"), "steps is '9'; expected a whole number"),
]:
    try:
        call()
    except (TypeError, ValueError) as error:
        assert message in str(error), error
    else:
        raise SystemExit(f"no error: {message}")
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_plan_is_json():
    from paperwright.statistics.rdp_tuning import plan_search

    plan = plan_search(lambda sigma: gaussian_rdp(sigma, steps=10), 2.0, 1e-5, mean=5, eta=math.inf)
    assert json.loads(json.dumps(plan.as_dict()))["runs"] == {"kind": "poisson", "eta": "inf", "mean": 5.0}
    np.testing.assert_allclose(rdp_curve((plan.orders, plan.rdp))[1], plan.rdp)


def training(model="softmax", **options):
    settings = {"noise_multiplier": 0.0, "clip": 0.5, "batch": 200, "steps": 1, **options}
    return PrivateTraining(model, 0.1, 1.0, rates=2, mean=2, **settings)


def test_softmax_regression_clips_every_example_and_learns():
    rng = np.random.default_rng(0)
    y = np.arange(200) % 2
    x = np.hstack([rng.normal(size=(200, 3)) + 3 * y[:, None], np.ones((200, 1))]).astype(np.float32)
    rows = LabelledRows(x, y, x, y)
    weights, _ = train_softmax(rows, training(), 1.0, np.random.default_rng(0))  # a batch of every example, once
    residual = 0.5 - np.eye(2)[y]  # at zero weights both classes have probability 1/2
    gradients = x[:, :, None] * residual[:, None, :]
    norms = np.sqrt((gradients**2).sum((1, 2)))
    expected = -(gradients * np.minimum(1, 0.5 / norms)[:, None, None]).sum(0) / 200
    np.testing.assert_allclose(weights, expected, rtol=1e-4, atol=1e-7)
    noisy, _ = train_softmax(rows, training(noise_multiplier=50.0), 1.0, np.random.default_rng(0))
    assert np.std(noisy - weights) == pytest.approx(50 * 0.5 / 200, rel=0.8)
    _, accuracy = train_softmax(rows, training(noise_multiplier=1.0, clip=1.0, batch=50, steps=50), 0.5, rng)
    assert accuracy > 0.9


def test_the_network_clips_every_example():
    torch = pytest.importorskip("torch")
    assert sum(weight.numel() for weight in small_cnn().parameters()) == 26_010
    rng = np.random.default_rng(0)
    x, y = np.hstack([rng.random((6, 784)), np.ones((6, 1))]).astype(np.float32), np.arange(6)
    still = [training("cnn", batch=6, clip=1e-3, steps=steps) for steps in (0, 1)]
    rows = LabelledRows(x, y, x, y)
    (start, _), (after, _) = (each.training(rows, "cpu")(1.0, np.random.default_rng(3)) for each in still)
    moved = [b - a for a, b in zip(start.parameters(), after.parameters(), strict=True)]
    norm = torch.cat([step.detach().flatten() for step in moved]).norm()
    assert 0 < norm <= 1e-3 + 1e-6  # a mean of clipped gradients
    with pytest.raises(ValueError, match="rows has 49 pixels an image; expected 28x28"):
        still[1].training(LabelledRows(x[:, :50], y, x, y), "cpu")(1.0, rng)
