"""What does and does not change between environments: ICP, IRM, mechanism tests, independence."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import config
from scipy import stats

from paperwright.statistics.causal.experiment import draw_four_candidates
from paperwright.statistics.causal.icp import icp
from paperwright.statistics.causal.independence import hsic_test
from paperwright.statistics.causal.irm import IRM, IRMClassifier, irm_penalty
from paperwright.statistics.causal.mechanism_change import (
    gaussian_mechanism_divergences,
    mechanism_divergences,
    sparse_shift_scores,
    which_mechanisms_changed,
)

torch.set_num_threads(1)
few = settings(max_examples=20, deadline=None)


@pytest.fixture
def annotations_off():
    """What a caller meets outside of the suite, where annotations are not executed."""
    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", False)


def chain(rows=300, seed=0):
    """x -> y -> z; in the second environment x is shifted and z has twice the slope."""
    rng = np.random.default_rng(seed)
    environment = np.repeat([0, 1], rows)
    x = rng.normal(size=2 * rows) * (1 + environment) + environment
    y = 2 * x + rng.normal(size=2 * rows)
    z = (1 + environment) * y + rng.normal(size=2 * rows)
    return {"x": x, "y": y, "z": z}, environment


CHAIN = {"x": [], "y": ["x"], "z": ["y"]}


# Invariant causal prediction


def p_value_by_hand(X, y, environment, subset):
    """The spec's formula with scipy's own tests, from the residuals themselves."""
    design = np.column_stack([np.ones(len(y)), *(X[:, j] for j in subset)])
    residuals = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    p_values = []
    for e in np.unique(environment):
        inside, outside = residuals[environment == e], residuals[environment != e]
        p_mean = stats.ttest_ind(inside, outside, equal_var=False).pvalue
        law = stats.f(len(inside) - 1, len(outside) - 1)
        ratio = inside.var(ddof=1) / outside.var(ddof=1)
        p_values.append(min(1, 2 * min(p_mean, 2 * min(law.cdf(ratio), law.sf(ratio)))))
    return min(1, len(p_values) * min(p_values))


@few
@given(seed=st.integers(0, 10_000), scale=st.sampled_from([1e-6, 1.0, 1e5]), offset=st.sampled_from([0.0, 1e4]))
def test_every_p_value_is_that_of_the_residuals(seed, scale, offset):
    X, y, environment = draw_four_candidates(np.random.default_rng(seed), 40)
    result = icp(X * scale + offset * scale, y * scale, environment, stop_early=False)
    assert len(result.p_values) == 16
    for size in range(5):
        for subset in itertools.combinations(range(4), size):
            expected = p_value_by_hand(X, y, environment, subset)
            assert result.p_values[frozenset(subset)] == pytest.approx(expected, rel=1e-5, abs=1e-14)


def test_the_answer_is_the_intersection_of_what_was_accepted():
    X, y, environment = draw_four_candidates(np.random.default_rng(1), 500)
    result = icp(X, y, environment)
    assert result.parents == {0, 1}
    assert not result.model_rejected
    assert result.parents == frozenset.intersection(*result.accepted_sets)
    assert result.p_value_of(0) < 0.05 < result.p_value_of(2)


def test_names_labels_and_kinds_of_input_do_not_matter():
    import pandas as pd

    X, y, environment = draw_four_candidates(np.random.default_rng(1), 200)
    plain = icp(X, y, environment)
    frame = pd.DataFrame(X, columns=list("abcd"))
    named = icp(frame, pd.Series(y), np.array(["north", "south", "west"])[environment.astype(int)])
    assert named.parents == {"abcd"[j] for j in plain.parents}
    assert icp(torch.from_numpy(X), torch.from_numpy(y), torch.from_numpy(environment)).p_values == plain.p_values
    assert icp(dict(zip("abcd", X.T, strict=True)), y, environment).parents == named.parents


def test_stopping_early_changes_no_answer():
    for seed in range(20):
        rows = draw_four_candidates(np.random.default_rng(seed), 30)
        early, whole = icp(*rows), icp(*rows, stop_early=False)
        assert early.parents == whole.parents
        assert whole.complete
        assert early.p_values.items() <= whole.p_values.items()


def test_nothing_accepted_is_not_an_empty_answer():
    rng = np.random.default_rng(0)
    environment = np.repeat([0, 1], 200)
    y = rng.normal(size=400) + 3 * environment  # the target itself is intervened on
    result = icp(rng.normal(size=(400, 2)), y, environment)
    assert result.parents is None
    assert result.model_rejected
    assert result.accepted_sets == ()
    same = icp(rng.normal(size=(400, 2)), rng.normal(size=400), environment)
    assert same.parents == frozenset()
    assert not same.model_rejected
    assert not same.complete


def test_columns_that_repeat_or_stand_still_do_no_harm():
    X, y, environment = draw_four_candidates(np.random.default_rng(1), 200)
    doubled = icp(np.column_stack([X, X[:, 0], np.ones(len(X))]), y, environment, stop_early=False)
    assert doubled.p_values[frozenset({0, 1, 4})] == pytest.approx(doubled.p_values[frozenset({0, 1})], rel=1e-6)
    assert doubled.p_values[frozenset({0, 1, 5})] == pytest.approx(doubled.p_values[frozenset({0, 1})], rel=1e-6)
    exact = icp(X[:, :2], X[:, 0] + 2 * X[:, 1], environment, stop_early=False)
    assert exact.p_values[frozenset({0, 1})] == 1.0


def test_the_size_of_the_answer_by_simulation():
    wrong = sum(bool((icp(*draw_four_candidates(np.random.default_rng(s), 60)).parents or set()) - {0, 1})
                for s in range(300))  # fmt: skip
    assert stats.binom.sf(wrong - 1, 300, 0.05) > 0.001


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X, y, e: (X, y, e * 0), "at least 2 environments"),
        (lambda X, y, e: (X, y, np.r_[np.zeros(9), np.ones(len(y) - 9)]), "9 rows; expected at least 10"),
        (lambda X, y, e: (X, np.where(np.arange(len(y)) == 3, np.nan, y), e), r"y is nan at \[3\]"),
        (lambda X, y, e: (X, y[:-1], e), "y has shape"),
        (lambda X, y, e: (X, y, e[:-1]), "environment has shape"),
        (lambda X, y, e: (X[:, 0], y, e), "X has shape"),
        (lambda X, y, e: (X, y * 0, e), "a target that varies"),
        (lambda X, y, e: (np.tile(X, (1, 6)), y, e), "24 predictors; expected at most 20"),
        (lambda X, y, e: (X, y, e, 1.5), "alpha is 1.5"),
        (lambda X, y, e: (X, y, e, 0.05, -1), "max_size is -1"),
        (lambda X, y, e: (X, y, np.where(e > 0, e, np.nan)), "environment is missing"),
    ],
)
def test_icp_refuses(change, message):
    with pytest.raises(ValueError, match=message):
        icp(*change(*draw_four_candidates(np.random.default_rng(0), 40)))
    with pytest.raises(TypeError, match="expected numbers"):
        icp([["a"]] * 20, np.arange(20.0), np.arange(20) % 2)
    with pytest.raises(ValueError, match="predictor is 'q'"):
        icp(*draw_four_candidates(np.random.default_rng(0), 40)).p_value_of("q")


def test_max_size_makes_many_predictors_possible():
    rng = np.random.default_rng(0)
    environment = np.repeat([0, 1], 300)
    X = rng.normal(size=(600, 30)) * (1 + environment[:, None])
    assert icp(X, X[:, 7] + rng.normal(size=600), environment, max_size=2).parents == {7}


# Invariant risk minimisation


def test_the_penalty_is_the_squared_derivative_in_the_scale():
    rng = torch.Generator().manual_seed(0)
    phi, y = torch.randn(50, generator=rng).double(), torch.randn(50, generator=rng).double()
    assert irm_penalty(phi, y).item() == pytest.approx((2 * (phi * (phi - y)).mean()).item() ** 2)
    labels = (y > 0).double()
    slope = (phi * (torch.sigmoid(phi) - labels)).mean()
    assert irm_penalty(phi, labels, "logistic").item() == pytest.approx(slope.item() ** 2)
    halves = [2 * (phi[i::2] * (phi[i::2] - y[i::2])).mean() for i in (0, 1)]
    assert irm_penalty(phi, y, unbiased=True).item() == pytest.approx((halves[0] * halves[1]).item())
    phi.requires_grad_()
    assert torch.autograd.gradcheck(lambda p: irm_penalty(p, y), phi)


def cause_and_child(rows=2000, seed=0):
    rng = np.random.default_rng(seed)
    environment = np.repeat([0.2, 2.0], rows)
    x = rng.normal(size=2 * rows)
    y = x + rng.normal(size=2 * rows)
    return np.column_stack([x, y + environment * rng.normal(size=2 * rows)]), y, environment


def test_without_a_penalty_it_is_least_squares_per_environment():
    X, y, environment = cause_and_child()
    design = np.column_stack([np.ones(len(y)), X])
    expected = np.linalg.lstsq(design, y, rcond=None)[0]
    model = IRM(penalty_weight=0).fit(X, y, environment=environment)
    np.testing.assert_allclose([model.intercept_, *model.coef_], expected, atol=1e-9)


def test_units_do_not_matter():
    X, y, environment = cause_and_child()
    model = IRM(penalty_weight=1e3).fit(X, y, environment=environment)
    other = IRM(penalty_weight=1e3).fit(X * [1000, 0.01] + 5, 3 * y - 7, environment=environment)
    np.testing.assert_allclose(other.coef_ * [1000, 0.01] / 3, model.coef_, atol=1e-3)
    np.testing.assert_allclose(other.predict(X * [1000, 0.01] + 5), 3 * model.predict(X) - 7, atol=1e-2)


def test_a_module_and_the_gram_matrix_agree():
    X, y, environment = cause_and_child(500)
    gram = IRM(penalty_weight=10).fit(X, y, environment=environment)
    linear = torch.nn.Linear(2, 1, bias=False).double()
    torch.nn.init.constant_(linear.weight, 0.5)
    before = linear.weight.detach().clone()
    trained = IRM(linear, penalty_weight=10, anneal_steps=20, steps=400, lr=0.03).fit(X, y, environment=environment)
    np.testing.assert_allclose(trained.predict(X), gram.predict(X), atol=0.05)
    assert torch.equal(linear.weight, before)  # the caller's module is a template


def test_the_classifier_learns_with_a_module_and_text_labels():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2))
    y = np.where(X[:, 0] * X[:, 1] > 0, "same", "other")
    module = torch.nn.Sequential(torch.nn.Linear(2, 16), torch.nn.Tanh(), torch.nn.Linear(16, 2))
    model = IRMClassifier(module, penalty_weight=1, steps=200, lr=0.05).fit(X, y, environment=np.arange(300) % 3)
    assert model.score(X, y) > 0.9
    np.testing.assert_allclose(model.predict_proba(X).sum(1), 1)


@pytest.mark.usefixtures("annotations_off")
def test_scikit_learn_checks_pass_without_environments():
    from sklearn.utils.estimator_checks import check_estimator

    check_estimator(IRM(), on_skip=None)
    check_estimator(IRMClassifier(steps=20, lr=0.3), on_skip=None)


def test_it_goes_through_scikit_learn_with_environments():
    from sklearn import config_context
    from sklearn.model_selection import GridSearchCV, LeaveOneGroupOut

    X, y, environment = cause_and_child(200)
    with config_context(enable_metadata_routing=True):
        search = GridSearchCV(
            IRM().set_fit_request(environment=True), {"penalty_weight": [0, 1e3]}, cv=LeaveOneGroupOut()
        )
        search.fit(X, y, environment=environment, groups=environment)
    assert search.best_estimator_.coef_.shape == (2,)


@pytest.mark.usefixtures("annotations_off")
def test_irm_refuses():
    X, y, environment = cause_and_child(20)
    with pytest.raises(ValueError, match="penalty_weight is -1"):
        IRM(penalty_weight=-1).fit(X, y, environment=environment)
    with pytest.raises(TypeError, match="expected a torch module"):
        IRM("linear").fit(X, y, environment=environment)
    with pytest.raises(ValueError, match="loss is 'l1'"):
        irm_penalty(torch.ones(2), torch.ones(2), "l1")
    with pytest.raises(ValueError, match="1 rows; expected at least 2"):
        irm_penalty(torch.ones(1), torch.ones(1), unbiased=True)
    with pytest.raises(ValueError, match="environment has shape"):
        IRM().fit(X, y, environment=environment[:3])
    with pytest.raises(ValueError, match="diverged at lr"):
        IRM(torch.nn.Linear(2, 1), lr=1e30, steps=20).fit(X, y, environment=environment)


# Mechanisms


def test_the_changed_mechanisms_are_named():
    data, environment = chain()
    changes = which_mechanisms_changed(CHAIN, data, environment)
    assert changes.changed == ("x", "z")
    assert changes.count == 2
    assert changes.adjusted["y"] >= changes.p_values["y"] > 0.01


def test_graphs_and_data_of_every_kind():
    import networkx
    import pandas as pd

    data, environment = chain()
    expected = which_mechanisms_changed(CHAIN, data, environment)
    graph = networkx.DiGraph([("x", "y"), ("y", "z")])
    frame = pd.DataFrame(data).assign(place=environment)
    assert which_mechanisms_changed(graph, frame, "place") == expected
    tensors = {name: torch.from_numpy(values) for name, values in data.items()}
    assert which_mechanisms_changed(graph, tensors, torch.from_numpy(environment)).p_values == pytest.approx(
        dict(expected.p_values)
    )


@pytest.mark.parametrize("noise", ["normal", "exponential"])
def test_mechanisms_that_stay_are_named_at_the_level(noise):
    false, tries = 0, 250
    graph = {"x": [], "a": [], "y": ["x", "a"], "b": ["a"]}
    for seed in range(tries):
        rng = np.random.default_rng(seed)
        environment = np.repeat([0, 1, 2], 60)
        x = rng.normal(size=180) * (1 + environment)
        y = x + getattr(rng, noise)(size=180)
        a = (rng.random(180) < 0.2 + 0.2 * environment).astype(int)
        b = (rng.random(180) < 0.3 + 0.4 * a).astype(int)
        found = which_mechanisms_changed(graph, {"x": x, "a": a, "y": y, "b": b}, environment)
        false += (found.p_values["y"] < 0.05) + (found.p_values["b"] < 0.05)
    assert 0.01 < false / tries / 2 < 0.085


def test_a_category_with_a_number_for_a_parent():
    rng = np.random.default_rng(0)
    environment = np.repeat([0, 1], 800)
    x = rng.normal(size=1600) + environment
    same = rng.random(1600) < 1 / (1 + np.exp(-2 * x))
    other = rng.random(1600) < 1 / (1 + np.exp(-2 * x + 2 * environment))
    graph = {"x": [], "same": ["x"], "other": ["x"]}
    found = which_mechanisms_changed(graph, {"x": x, "same": same, "other": other}, environment)
    assert found.changed == ("x", "other")


def test_a_curved_mechanism_wants_a_regressor():
    from sklearn.ensemble import HistGradientBoostingRegressor

    rng = np.random.default_rng(0)
    environment = np.repeat([0, 1], 400)
    x = rng.normal(size=800) + environment
    y = x**2 + 0.5 * rng.normal(size=800)
    data, graph = {"x": x, "y": y}, {"x": [], "y": ["x"]}
    assert "y" in which_mechanisms_changed(graph, data, environment).changed  # the limit that the docstring states
    forest = HistGradientBoostingRegressor(max_iter=50)
    assert which_mechanisms_changed(graph, data, environment, regressor=forest).changed == ("x",)


def test_the_causal_order_changes_least():
    rng = np.random.default_rng(0)
    environment = np.repeat([0, 1], 1000)
    x = rng.normal(size=2000) * (1 + environment)
    y = 2 * x + rng.normal(size=2000)
    z = y - x + rng.normal(size=2000)
    scores = sparse_shift_scores({"x": x, "y": y, "z": z}, environment)
    assert len(scores) == 6
    assert scores[0].changes.count == 1
    assert {score.order[0] for score in scores if score.changes.count == 1} == {"x"}
    assert scores[-1].changes.count == 3


@st.composite
def gaussians(draw):
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    root = rng.normal(size=(3, 3))
    return rng.normal(size=3), root @ root.T + 0.3 * np.eye(3)


@few
@given(p=gaussians(), q=gaussians())
def test_the_parts_sum_to_the_divergence_of_the_joint(p, q):
    parts = gaussian_mechanism_divergences({"a": [], "b": ["a"], "c": ["a", "b"]}, p, q)
    inverse = np.linalg.inv(q[1])
    gap = q[0] - p[0]
    joint = 0.5 * (
        np.trace(inverse @ p[1]) + gap @ inverse @ gap - 3 + np.linalg.slogdet(q[1])[1] - np.linalg.slogdet(p[1])[1]
    )
    assert sum(parts.values()) == pytest.approx(joint, rel=1e-8)
    assert min(parts.values()) > -1e-9


def test_divergences_point_at_what_changed():
    data, environment = chain(20_000)
    found = mechanism_divergences(CHAIN, data, environment)
    assert found["x"][0, 1] == pytest.approx((np.log(4) + (1 + 1) / 4 - 1) / 2, abs=0.03)
    assert found["y"][0, 1] < 0.001
    # z: slope 1 for 2, noise 1; y has second moment 4 + 1 in environment 0.
    assert found["z"][0, 1] == pytest.approx(2.5, abs=0.1)
    rng = np.random.default_rng(0)
    a = rng.random(40_000) < np.where(np.arange(40_000) < 20_000, 0.2, 0.6)
    b = rng.random(40_000) < 0.3 + 0.4 * a
    tables = mechanism_divergences({"a": [], "b": ["a"]}, {"a": a, "b": b}, np.arange(40_000) < 20_000)
    assert tables["a"][True, False] == pytest.approx(0.2 * np.log(1 / 3) + 0.8 * np.log(2), abs=0.03)
    assert tables["b"][True, False] < 0.001


@pytest.mark.parametrize(
    ("graph", "change", "message"),
    [
        ({"x": ["y"], "y": ["x"]}, {}, "cycle among"),
        ({"x": [], "q": ["x"]}, {}, r"graph has \['q'\]"),
        (CHAIN, {"y": np.zeros(3)}, "expected one length"),
        (CHAIN, {"y": np.full(600, np.nan)}, "missing or infinite in 600 rows"),
        (CHAIN, {"y": np.zeros((600, 2))}, "one value a row"),
    ],
)
def test_mechanism_tests_refuse(graph, change, message):
    data, environment = chain()
    with pytest.raises(ValueError, match=message):
        which_mechanisms_changed(graph, data | change, environment)


@pytest.mark.usefixtures("annotations_off")
def test_mechanism_tests_refuse_more():
    data, environment = chain()
    with pytest.raises(TypeError, match="graph is a list"):
        which_mechanisms_changed([1], data, environment)
    with pytest.raises(ValueError, match="environment is 'nowhere'"):
        which_mechanisms_changed(CHAIN, data, "nowhere")
    with pytest.raises(ValueError, match="categorical has"):
        which_mechanisms_changed(CHAIN, data, environment, categorical=["q"])
    with pytest.raises(ValueError, match="expected one kind"):
        mechanism_divergences(CHAIN, data | {"x": environment}, environment)
    with pytest.raises(ValueError, match="expected 1 to 6"):
        sparse_shift_scores({str(i): data["x"] for i in range(7)}, environment)


# Independence


def test_independence_has_its_size_and_sees_what_correlation_does_not():
    p_values = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        p_values.append(hsic_test(rng.normal(size=120), rng.exponential(size=120)).p_value)
    assert 0.01 < np.mean(np.array(p_values) < 0.05) < 0.1
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, 200)
    y = x**2 + 0.1 * rng.normal(size=200)
    assert hsic_test(x, y).p_value < 1e-4
    assert hsic_test(x, y, method="permutation", permutations=100, rng=0).p_value == pytest.approx(1 / 101)
    by_trace = hsic_test(x[:, None], np.column_stack([y, y]))
    assert by_trace.p_value < 1e-4


@pytest.mark.usefixtures("annotations_off")
def test_independence_refuses():
    with pytest.raises(ValueError, match="as many rows"):
        hsic_test(np.arange(10.0), np.arange(9.0))
    with pytest.raises(ValueError, match="expected 6 to"):
        hsic_test(np.arange(5.0), np.arange(5.0))
    with pytest.raises(ValueError, match="the same in all rows"):
        hsic_test(np.ones(10), np.arange(10.0))
    with pytest.raises(ValueError, match="method is 'exact'"):
        hsic_test(np.arange(10.0), np.arange(10.0), method="exact")
