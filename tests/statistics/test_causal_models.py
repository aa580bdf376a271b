"""Structural causal models, counterfactuals, the levels below and above, and the table of all."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import config

from paperwright.statistics.causal import (
    LADDER,
    SCM,
    AdditiveNoise,
    Categorical,
    CausalGraphicalModel,
    Environment,
    Finite,
    Invertible,
    Linear,
    Normal,
    ODEModel,
    do,
    run_ladder,
    scale_noise,
    shift,
)
from paperwright.statistics.causal.ladder import confounded, indistinguishable_pair, primer, system
from paperwright.statistics.causal.levels import LevelError
from paperwright.statistics.causal.mechanism_graph import CycleError
from paperwright.statistics.causal.mechanisms import Assignment, ImpossibleEvidence, NeuralMechanism
from paperwright.statistics.causal.noise import Gumbels, Laplace, Scaled, Uniform

torch.set_num_threads(1)
few = settings(max_examples=20, deadline=None)


@pytest.fixture
def annotations_off():
    """What a caller meets outside of the suite, where annotations are not executed."""
    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", False)


def pair():
    return SCM({"X": Linear({}), "Y": Linear({"X": 2.0})}, {"X": Normal(), "Y": Normal()})


def simpson(noise="gumbel"):
    return SCM(
        {
            "Z": Categorical([0.5, 0.5], noise=noise),
            "X": Categorical([[0.2, 0.8], [0.8, 0.2]], ["Z"], noise=noise),
            "Y": Categorical([[[0.7, 0.3], [0.3, 0.7]], [[0.6, 0.4], [0.2, 0.8]]], ["X", "Z"], noise=noise),
        }
    )


# Reference figures


def test_the_primer_example():
    model = primer()
    noise = model.abduct({"X": 0.5, "H": 1.0, "Y": 1.5}).noise
    assert [noise[name].item() for name in "XHY"] == pytest.approx([0.5, 0.75, 0.75])
    answer = model.counterfactual({"X": 0.5, "H": 1.0, "Y": 1.5}, do={"H": 2.0})
    assert answer["Y"].shape == ()
    assert float(answer["Y"]) == pytest.approx(1.9, abs=1e-12)


def test_conditioning_is_not_intervening():
    model = pair()
    torch.testing.assert_close(model.covariance(), torch.tensor([[1.0, 2], [2, 5]]).double())
    assert model.do(X=1.0).mean()["Y"] == 2
    assert model.do(Y=1.0).mean()["X"] == 0
    assert model.abduct({"Y": 1.0}).mean()["X"].item() == pytest.approx(0.4)
    assert float(model.counterfactual({"X": 1.0, "Y": 3.0}, do={"X": 0.0})["Y"]) == 1
    slope = confounded().covariance(["X", "Y"])
    assert float(slope[0, 1] / slope[0, 0]) == pytest.approx(1.5)
    assert confounded().do(X=1.0).mean()["Y"] - confounded().do(X=0.0).mean()["Y"] == 1


@pytest.mark.parametrize("noise", ["gumbel", "monotone"])
def test_simpson(noise):
    model = simpson(noise).to_graphical()
    assert model.probability({"Y": 1}, {"X": 1}) == pytest.approx(0.48)
    assert model.probability({"Y": 1}, {"X": 0}) == pytest.approx(0.62)
    assert model.do(X=1).probability({"Y": 1}) == pytest.approx(0.6)
    assert model.do(X=0).probability({"Y": 1}) == pytest.approx(0.5)
    rows = simpson(noise).do(X=1).sample(40_000, 0)
    assert rows["Y"].dtype == torch.int64
    assert rows["Y"].double().mean().item() == pytest.approx(0.6, abs=0.01)
    observed = simpson(noise).sample(40_000, 1)
    assert observed["Y"][observed["X"] == 1].double().mean().item() == pytest.approx(0.48, abs=0.015)


def test_the_linear_system_at_rest():
    rest = {"x1": 1.0, "x2": 0.25, "x3": 2.75}
    assert {name: float(x) for name, x in system().equilibrium().items()} == pytest.approx(rest)
    model = system().equilibrium_scm()
    assert {name: x.item() for name, x in model.sample(1).items()} == pytest.approx(rest)
    for values, expected in (({"x2": 3.0}, [1, 3, 0]), ({"x1": 0.0}, [0, 0, 2])):
        assert [float(x) for x in system().do(**values).equilibrium().values()] == pytest.approx(expected)
        assert [x.item() for x in model.do(**values).sample(1).values()] == pytest.approx(expected)
        path = system().do(**values).trajectory({"x1": 5.0, "x2": -1.0, "x3": 2.0}, [0.0, 40.0])
        assert [x[-1].item() for x in path.values()] == pytest.approx(expected, abs=1e-6)


def test_the_table_of_levels():
    assert len(LADDER) == 20
    answers = [
        [cell.answer for cell in LADDER if cell.level == level] for level in dict.fromkeys(c.level for c in LADDER)
    ]
    assert {cell.ability for cell in LADDER} == {c.ability for c in LADDER if c.level == "physical"}
    assert sorted(answers[3]) == ["no", "no", "no", "yes", "yes"]
    failed = [(cell.level, cell.ability) for cell, passed in run_ladder() if not passed]
    assert not failed


# Invariants


SEEDS = st.integers(0, 10_000)


def linear_model(seed):
    rng = np.random.default_rng(seed)
    names = list("ABCD")
    mechanisms = {
        name: Linear({parent: float(rng.normal()) for parent in names[:i] if rng.random() < 0.7}, float(rng.normal()))
        for i, name in enumerate(names)
    }
    noise = {name: Normal(float(rng.normal()), float(rng.uniform(0.3, 2))) for name in names}
    return SCM(mechanisms, noise), rng


@few
@given(SEEDS)
def test_closed_forms_of_linear_models_agree_with_each_other(seed):
    model, rng = linear_model(seed)
    rows = model.sample(20_000, int(rng.integers(1000)))
    table = np.stack([rows[name].numpy() for name in "ABCD"])
    covariance = model.covariance().numpy()
    scale = np.sqrt(np.outer(np.diag(covariance), np.diag(covariance)))
    np.testing.assert_allclose(np.cov(table) / scale, covariance / scale, atol=0.06)
    density = torch.distributions.MultivariateNormal(
        torch.tensor([model.mean()[name] for name in "ABCD"]).double(), model.covariance()
    )
    expected = density.log_prob(torch.from_numpy(table[:, :50].T))
    torch.testing.assert_close(
        model.log_prob({name: x[:50] for name, x in rows.items()}), expected, rtol=1e-5, atol=1e-4
    )


@few
@given(SEEDS, st.sampled_from("ABCD"), st.floats(-3, 3))
def test_what_would_have_been(seed, name, value):
    model, rng = linear_model(seed)
    unit = {node: float(x) for node, x in model.sample(1, int(rng.integers(1000))).items()}
    same = model.counterfactual(unit, do={name: unit[name]})
    assert {node: float(x) for node, x in same.items()} == pytest.approx(unit)
    there = {node: float(x) for node, x in model.counterfactual(unit, do={name: value}).items()}
    assert [there[node] for node in "ABCD" if node < name] == pytest.approx([unit[n] for n in "ABCD" if n < name])
    back = model.do(**{name: value}).counterfactual(
        there, do=shift(**{name: Linear(model.mechanisms[name].weights, model.mechanisms[name].intercept)})
    )
    assert [float(back[node]) for node in "ABCD" if node < name] == pytest.approx([unit[n] for n in "ABCD" if n < name])


@few
@given(SEEDS, st.sampled_from("ABCD"))
def test_the_twin_network_is_both_worlds(seed, name):
    model, _ = linear_model(seed)
    twin = model.twin_network({name: 1.5}).sample(20, 7)
    world, other = model.sample(20, 7), model.do(**{name: 1.5}).sample(20, 7)
    abducted = model.counterfactual(world, do={name: 1.5})
    for node in "ABCD":
        torch.testing.assert_close(twin[node], world[node])
        torch.testing.assert_close(twin[f"{node}*"], other[node])
        torch.testing.assert_close(twin[f"{node}*"], abducted[node])


def test_do_on_a_root_is_conditioning_and_leaves_ancestors_alone():
    model = simpson().to_graphical()
    assert model.do(Z=1).probability({"Y": 1}) == pytest.approx(model.probability({"Y": 1}, {"Z": 1}))
    assert model.do(Y=1).probability({"Z": 1, "X": 1}) == pytest.approx(model.probability({"Z": 1, "X": 1}))


def test_other_nodes_never_change_a_nodes_noise():
    small, large = primer(), SCM({"W": lambda u: u, **dict(primer().mechanisms)}, {"W": Normal(), **primer().noise})
    assert torch.equal(small.sample(5, 3)["Y"], large.sample(5, 3)["Y"])
    assert torch.equal(small.sample(5, 3, targets=["X"])["X"], small.sample(5, 3)["X"])
    assert torch.equal(small.do(H=1.0).sample(5, 3)["X"], small.sample(5, 3)["X"])
    assert list(small.sample(5, targets=["H"])) == ["H"]


# Interventions


def test_interventions_of_every_kind():
    model = primer()
    assert model.do(H=Normal(1, 0.5)).mean()["Y"] == pytest.approx(0.4)
    assert model.do(H=Normal(1, 0.5)).covariance(["H"]).item() == pytest.approx(0.25)
    assert model.shift(H=lambda X, u: X + 2 * u).covariance(["H"]).item() == pytest.approx(5)
    assert model.scale_noise(X=3.0).covariance(["X"]).item() == pytest.approx(9)
    ruled = model.do(H=lambda X: (X > 0).double()).sample(100, 0)
    assert torch.equal(ruled["H"], (ruled["X"] > 0).double())
    assert model.intervene(do(H=1.0), shift(H=lambda X, u: X)).sample(5, 0)["H"].std() > 0
    later = model.intervene(shift(H=lambda X, u: X + u), do(H=3.0))
    assert later.mean()["H"] == 3
    assert model.mean()["H"] == 0  # the model itself never changes
    each = torch.tensor([1.0, 2.0, 3.0])
    assert torch.equal(model.do(H=each).sample(3, 0)["H"], each.double())


def test_scaled_laws_keep_their_density():
    law = Scaled(Laplace(0.0, 1.0), 2.0)
    assert law.log_prob(torch.tensor(1.0)).item() == pytest.approx(Laplace(0.0, 2.0).log_prob(torch.tensor(1.0)).item())
    draws = Uniform(1.0, 3.0).sample(1000, torch.Generator().manual_seed(0))
    assert 1 <= draws.min() <= draws.max() <= 3
    assert Uniform(1.0, 3.0).log_prob(torch.tensor([2.0, 4.0])).tolist() == pytest.approx([-math.log(2), -math.inf])


def test_environments_are_rows_with_a_column():
    rows = primer().environments([Environment("a"), Environment("b", do(X=5.0), scale_noise(Y=2.0))], 50, 0)
    assert rows["environment"].tolist() == ["a"] * 50 + ["b"] * 50
    assert bool((rows["X"][50:] == 5).all())
    assert len(rows["Y"]) == 100


def test_a_stochastic_intervention_is_drawn_anew_for_the_unit():
    answer = primer().counterfactual({"X": 0.5, "H": 1.0, "Y": 1.5}, do={"H": Normal(2, 0.5)}, n=4000, rng=0)
    assert answer["Y"].shape == (4000,)
    assert answer["Y"].mean().item() == pytest.approx(1.9, abs=0.02)
    assert answer["Y"].std().item() == pytest.approx(0.2, abs=0.01)


# Abduction


def test_partial_evidence_of_a_linear_model():
    model = primer()
    posterior = model.abduct({"Y": 2.0}, n=1)
    assert posterior.method == "linear Gaussian"
    expected = model.covariance(["X", "Y"])[0, 1] / model.covariance(["Y"])[0, 0] * 2
    assert posterior.mean()["X"].item() == pytest.approx(expected.item())
    draws = model.counterfactual({"Y": [2.0, -1.0]}, do={"H": 0.0}, n=20_000, target="X", rng=0)["X"]
    assert draws.shape == (20_000, 2)
    assert draws[:, 0].mean().item() == pytest.approx(expected.item(), abs=0.03)


def test_importance_agrees_with_the_closed_form():
    model = primer()
    exact = model.abduct({"Y": 2.0}).mean()
    weighed = model.abduct({"Y": 2.0}, method="importance", n=40_000, rng=0)
    assert weighed.effective_sample_size > 1000
    for name in "XHY":
        assert weighed.mean()[name].item() == pytest.approx(exact[name].item(), abs=0.05)


def test_finite_models_are_enumerated():
    coin = Finite([0, 1], [0.5, 0.5])
    model = SCM(
        {"A": lambda u: u, "B": lambda u: u, "C": lambda A, B: A * B}, {"A": coin, "B": Finite([0, 1], [0.8, 0.2])}
    )
    posterior = model.abduct({"C": 0.0}, n=20_000, rng=0)
    assert posterior.method == "enumeration"
    assert posterior.mean()["A"].item() == pytest.approx(0.4 / 0.9, abs=0.015)
    rejected = model.abduct({"C": 0.0}, method="rejection", n=20_000, rng=0)
    assert rejected.mean()["A"].item() == pytest.approx(0.4 / 0.9, abs=0.015)
    answer = model.counterfactual({"A": 1.0, "C": 0.0}, do={"B": 1.0})
    assert float(answer["C"]) == 1
    with pytest.raises(ImpossibleEvidence, match="probability 0"):
        model.abduct({"A": 0.0, "C": 1.0})


@pytest.mark.parametrize("noise", ["gumbel", "monotone"])
@few
@given(seed=st.integers(0, 1000))
def test_categories_stay_categories_and_return(noise, seed):
    model = simpson(noise)
    rows = model.sample(200, seed)
    same = model.counterfactual(rows, do={"X": rows["X"]}, rng=seed)
    for name in "ZXY":
        assert torch.equal(same[name], rows[name])
    other = model.counterfactual(rows, do={"X": 1 - rows["X"]}, rng=seed)["Y"]
    assert set(other.tolist()) <= {0, 1}


def test_the_noise_of_a_category_is_an_assumption():
    """Averaged over units every counterfactual is the interventional law; for one unit the two noises differ."""
    rows = simpson().sample(20_000, 0)
    for noise in ("gumbel", "monotone"):
        answer = simpson(noise).counterfactual(rows, do={"X": 1}, rng=1)["Y"]
        assert answer.double().mean().item() == pytest.approx(0.6, abs=0.02)
    # A chance that rises from 0.3 to 0.4: with a monotone law who had 1 keeps it.
    unit = {"Z": 0, "X": 0, "Y": 1}
    monotone = simpson("monotone").counterfactual(unit, do={"X": 1}, n=500)["Y"]
    assert monotone.min().item() == 1
    unit = {"Z": 0, "X": 0, "Y": 0}
    monotone, gumbel = (
        simpson(noise).counterfactual(unit, do={"X": 1}, n=20_000, rng=0)["Y"].double().mean().item()
        for noise in ("monotone", "gumbel")
    )
    assert monotone == pytest.approx(0.1 / 0.7, abs=0.015)
    # Stable: the odds of 0 fell, so 0 turns to 1 with the same chance here, where there are two categories.
    assert gumbel > 0.05


def test_gumbel_noise_given_a_category_has_the_right_law():
    law = Categorical([0.2, 0.3, 0.5], noise="gumbel")
    rows = 60_000
    u = law.default_noise().sample(rows, torch.Generator().manual_seed(0))
    x = law.value({}, u)
    assert (torch.bincount(x) / rows).tolist() == pytest.approx([0.2, 0.3, 0.5], abs=0.01)
    again = law.draw_noise(Gumbels(3), {}, x, torch.Generator().manual_seed(1))
    assert torch.equal(law.value({}, again), x)
    for k in range(3):  # the posterior, averaged over its evidence, is the prior
        assert again[:, k].mean().item() == pytest.approx(0.5772, abs=0.02)
        assert again[:, k].std().item() == pytest.approx(math.pi / math.sqrt(6), abs=0.02)


def test_the_pair_that_no_law_tells_apart():
    first, second = indistinguishable_pair()
    unit = {"T": 0.0, "Y": 0.0}
    assert [float(model.counterfactual(unit, do={"T": 1.0})["Y"]) for model in (first, second)] == [0, 1]


def test_mechanisms_of_every_kind_return_their_noise():
    module = torch.nn.Linear(1, 1)
    model = SCM(
        {
            "A": lambda u: u,
            "B": AdditiveNoise(lambda A: A**2),
            "C": Invertible(lambda u, A: torch.exp(u + A), lambda x, A: torch.log(x) - A, ["A"]),
            "D": NeuralMechanism(module, ["B"]),
            "E": lambda D, A, u: D + (1 + A**2) * u,
        },
        dict.fromkeys("ABCDE", Normal()),
    )
    noise = model.draw_noise(30, 0)
    rows = model.propagate(noise)
    found = model.abduct(rows)
    assert found.method == "pointwise"
    for name in "ABCDE":
        torch.testing.assert_close(found.noise[name][0], noise[name], atol=1e-6, rtol=1e-6)
    log_normal = torch.distributions.LogNormal(rows["A"], torch.tensor(1.0).double())
    got = model.mechanisms["C"].log_prob(Normal(), rows, rows["C"])
    torch.testing.assert_close(got, log_normal.log_prob(rows["C"]))
    again = model.counterfactual(rows, do={"A": rows["A"]})
    for name in "ABCDE":
        torch.testing.assert_close(again[name], rows[name], atol=1e-6, rtol=1e-6)


def test_equations_are_printed():
    text = primer().equations().splitlines()
    assert text[1].startswith("H := 0.5 X + U_H")
    assert "Normal" in text[2]
    assert primer().do(H=2.0).equations().splitlines()[1] == "H := 2" or "H := 2" in primer().do(H=2.0).equations()
    assert Assignment(lambda X, u: X**2 + u).equation("Y") == "Y := f(X, U_Y)"
    assert "argmax" in simpson().equations()


def test_vectors_are_values_too():
    model = SCM(
        {"A": lambda u: torch.stack([u, -u], -1), "B": lambda A, u: A.sum(-1) + u}, dict.fromkeys("AB", Normal())
    )
    rows = model.sample(10, 0)
    assert rows["A"].shape == (10, 2)
    assert model.do(A=torch.ones(10, 2)).sample(10, 0)["B"].shape == (10,)


# Levels


def test_each_level_refuses_what_it_cannot_know():
    graphical = primer().to_graphical()
    statistical = graphical.to_statistical()
    for question in (
        lambda: graphical.counterfactual({"X": 0.5}, do={"H": 2.0}),
        lambda: graphical.abduct({"X": 0.5}),
        lambda: statistical.do(X=1.0),
        lambda: statistical.counterfactual({"X": 0.5}, do={"H": 2.0}),
    ):
        with pytest.raises(LevelError, match="expected a"):
            question()
    rows = statistical.sample(5, 0)
    torch.testing.assert_close(statistical.log_prob(rows), primer().log_prob(rows))


def test_graphs_travel_through_networkx():
    graph = primer().to_networkx()
    assert set(graph.edges) == {("X", "H"), ("X", "Y"), ("H", "Y")}
    again = SCM.from_networkx(graph)
    assert torch.equal(again.sample(5, 0)["Y"], primer().sample(5, 0)["Y"])
    graph.remove_edge("X", "H")
    with pytest.raises(ValueError, match="expected edges of the graph"):
        SCM.from_networkx(graph)


def test_systems_that_do_not_settle_have_no_structural_model():
    growing = ODEModel(lambda x: 0.5 * x, ["x"])
    with pytest.raises(LevelError, match="does not settle"):
        growing.equilibrium_scm()
    with pytest.raises(LevelError, match="does not settle"):
        growing.equilibrium()
    circle = torch.tensor([[-2.0, 1.0], [1.0, -2.0]]).double()
    with pytest.raises(CycleError, match="circle"):
        ODEModel(lambda x: x @ circle.T, ["x", "y"]).equilibrium_scm()
    with pytest.raises(LevelError, match="not linear"):
        ODEModel(lambda x: -(x**3) - x, ["x"]).equilibrium_scm()


def test_trajectories_are_exact_to_the_tolerance():
    spring = torch.tensor([[0.0, 1.0], [-1.0, 0.0]]).double()
    times = torch.linspace(0, 20, 41)
    path = ODEModel(lambda x: x @ spring.T, ["x", "v"]).trajectory({"x": 1.0, "v": 0.0}, times, tolerance=1e-10)
    torch.testing.assert_close(path["x"], torch.cos(times.double()), atol=1e-6, rtol=0)


# Refusals


@pytest.mark.usefixtures("annotations_off")
@pytest.mark.parametrize(
    ("question", "error", "message"),
    [
        (lambda: SCM({}), ValueError, "assignments is empty"),
        (lambda: SCM({"X": 3}), TypeError, "expected a function or a mechanism"),
        (lambda: SCM({"X": lambda Q, u: u}, {"X": Normal()}), ValueError, r"X reads \['Q'\]"),
        (lambda: SCM({"X": lambda u: u}), ValueError, "noise has no X"),
        (lambda: SCM({"X": lambda u: u}, {"X": Normal(), "Q": Normal()}), ValueError, r"noise has \['Q'\]"),
        (
            lambda: SCM({"X": lambda Y, u: Y + u, "Y": lambda X, u: X + u}, dict.fromkeys("XY", Normal())),
            CycleError,
            "X -> Y|Y -> X",
        ),
        (lambda: primer().do(Q=1.0), ValueError, r"on \['Q'\]"),
        (lambda: primer().do(H=float("nan")), ValueError, "expected finite"),
        (lambda: primer().do(H=lambda X, u: u), ValueError, "a function of u"),
        (lambda: primer().do(H=torch.ones(3)).sample(5), ValueError, "3 values for 5 rows"),
        (lambda: primer().sample(0), ValueError, "n is 0"),
        (lambda: primer().sample(1, targets=["Q"]), ValueError, r"targets has \['Q'\]"),
        (lambda: primer().sample(1, rng="seed"), TypeError, "rng is 'seed'"),
        (lambda: primer().counterfactual({"Q": 1.0}, do={"H": 1.0}), ValueError, r"evidence has \['Q'\]"),
        (lambda: primer().counterfactual({"X": float("nan")}, do={"H": 1.0}), ValueError, "expected finite"),
        (lambda: primer().counterfactual({"X": [1.0, 2], "H": [1.0, 2, 3]}, do={}), ValueError, "rows; expected"),
        (lambda: simpson().counterfactual({"Z": 0, "X": 0, "Y": 5}, do={"X": 1}), ImpossibleEvidence, "category"),
        (lambda: Normal(0, 0), ValueError, "deviation is 0"),
        (lambda: Finite([1, 2], [0.5, 0.6]), ValueError, "sum of 1"),
        (lambda: Categorical([0.5, 0.6], noise="gumbel"), ValueError, "sum"),
        (lambda: Categorical([0.5, 0.5], noise="normal"), ValueError, "Name it"),
        (lambda: simpson().mean(), ValueError, "not linear"),
        (lambda: simpson().abduct({"Y": 1}, method="exact"), ValueError, "method is 'exact'"),
        (lambda: CausalGraphicalModel({"X": []}, {}), ValueError, "One a node"),
        (lambda: primer().to_graphical().log_prob({"X": 1.0}), ValueError, "expected every node"),
        (lambda: primer().to_graphical().joint(), ValueError, "no category"),
        (lambda: system().trajectory({"x1": 0.0}, [0.0]), ValueError, "x0 has"),
        (lambda: system().do(q=1.0), ValueError, r"do got \['q'\]"),
    ],
)
def test_refusals(question, error, message):
    with pytest.raises(error, match=message):
        question()


def test_noise_that_does_nothing_is_warned_of():
    with pytest.warns(UserWarning, match="its noise does nothing"):
        SCM({"X": lambda: torch.tensor(1.0)}, {"X": Normal()})


def test_few_effective_draws_are_warned_of_and_too_few_refused():
    model = SCM({"A": lambda u: u, "B": lambda A, u: A**3 + 0.05 * u}, dict.fromkeys("AB", Normal()))
    with pytest.warns(UserWarning, match="effective draws"):
        model.abduct({"B": 1.0}, n=3000, rng=0)
    with pytest.raises(ImpossibleEvidence, match="effective draws"):
        model.abduct({"B": 1.0}, n=100, rng=0)
