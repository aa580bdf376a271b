"""`paperwright rdp_tuning plan` and `price`, and the examples in the room's docstrings."""

import doctest
import importlib
import json
import math

import numpy as np
import pytest

from paperwright.cli import main
from paperwright.statistics.rdp_tuning import RunCount, gaussian_rdp, pure_rdp, rdp_to_epsilon, selected_rdp
from paperwright.statistics.rdp_tuning.audit import renyi_divergence

SEARCH = ["--delta", "1e-5", "--runs", "20"]


def answers(capsys, *arguments):
    assert main(["rdp_tuning", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def searched(noise, eta=0.0, steps=100):
    orders, rdp = gaussian_rdp(noise, 0.01, steps)
    cost = selected_rdp(orders, rdp, RunCount.of_shape(eta, 20))
    return rdp_to_epsilon(orders, cost, 1e-5, warn=False).epsilon


def test_a_plan_is_the_least_noise_that_fits(capsys):
    pytest.importorskip("dp_accounting")
    (plan,) = answers(
        capsys, "plan", "--target-epsilon", "3", *SEARCH, "--steps", "100", "--sample-rate", "0.01", "--eta", "1"
    )
    noise = plan["base"].pop("noise_multiplier")
    assert plan["base"] == {"kind": "dp-sgd", "sample_rate": 0.01, "steps": 100}
    assert plan["runs"] == {"kind": "geometric", "eta": "1.0", "mean": 20.0}
    assert plan["epsilon"] == pytest.approx(searched(noise, 1.0))
    assert plan["epsilon"] <= 3
    assert searched(0.995 * noise, 1.0) > 3
    assert plan["epsilon_of_one_run"] < plan["epsilon"]
    assert len(plan["orders"]) == len(plan["rdp"])


def test_a_price_is_that_of_the_plan(capsys):
    full_batch = ["--steps", "10"]
    (plan,) = answers(capsys, "plan", "--target-epsilon", "2", *SEARCH, *full_batch, "--eta", "inf")
    noise = str(plan["base"]["noise_multiplier"])
    (price,) = answers(capsys, "price", "--noise-multiplier", noise, *SEARCH, *full_batch, "--eta", "inf")
    assert price == plan
    assert price["runs"]["eta"] == "inf"
    orders, rdp = gaussian_rdp(float(noise), steps=10)
    from_rdp = selected_rdp(orders, rdp, RunCount.poisson(mean=20))
    assert price["epsilon"] < rdp_to_epsilon(orders, from_rdp, 1e-5, warn=False).epsilon  # the trade-off is known


def test_pure_runs_are_planned_by_their_epsilon(capsys):
    (plan,) = answers(capsys, "plan", "--pure", "--target-epsilon", "1", *SEARCH)
    assert plan["base"]["kind"] == "pure"
    assert 0.5 < plan["base"]["epsilon"] < 1  # the corollary alone, 2 epsilon, would give 0.5
    assert plan["orders"][-1] == "inf"
    (price,) = answers(capsys, "price", "--epsilon", "0.5", *SEARCH)
    assert 0.5 < price["epsilon"] <= 1


def test_the_table_compares_shapes_and_rounds_on_the_safe_side(capsys):
    assert main(["rdp_tuning", "price", "--noise-multiplier", "4", *SEARCH, "--eta", "0", "--eta", "-0.5"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    cost = float(next(row for row in rows if row[:1] == ["logarithmic"])[4])
    (exact,) = answers(capsys, "price", "--noise-multiplier", "4", *SEARCH)
    assert 0 <= cost - exact["epsilon"] < 1e-4
    cheaper = next(row for row in rows if row[:3] == ["eta", "=", "-0.5"])
    assert float(cheaper[6]) < cost


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["price", *SEARCH], "Invalid value: expected one of --noise-multiplier and --epsilon"),
        (["price", "--epsilon", "1", "--noise-multiplier", "1", *SEARCH], "Invalid value: expected one of "),
        (["price", "--epsilon", "-1", *SEARCH], "epsilon is -1.0; expected a finite number of at least 0."),
        (["price", "--epsilon", "1", "--delta", "2", "--runs", "9"], "delta is 2.0; expected a number strictly"),
        (["price", "--noise-multiplier", "0", *SEARCH], "noise_multiplier is 0.0; expected a number above 0,"),
        (["price", "--noise-multiplier", "1e200", *SEARCH], "noise_multiplier is 1e+200; expected a number above 0,"),
        (
            ["price", "--epsilon", "1", "--steps", "9", *SEARCH],
            "Invalid value: expected --epsilon, the cost of a whole",
        ),
        (
            ["price", "--noise-multiplier", "1", "--delta", "1e-5", "--runs", "0.5"],
            "Invalid value for '--runs': ",
        ),
        (["plan", "--target-epsilon", "1", *SEARCH, "--eta", "-1"], "eta is -1.0; expected a finite number greater"),
        (
            ["plan", "--target-epsilon", "1", *SEARCH, "--pure", "--steps", "9"],
            "Invalid value: expected --pure, the cost of a whole run, with",
        ),
        (["plan", "--target-epsilon", "0", *SEARCH], "target_epsilon is 0.0; expected a positive, finite number."),
    ],
)
def test_misuse_is_one_line(arguments, line, capsys):
    assert main(["rdp_tuning", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"paperwright: {line}")
    assert captured.err.count("\n") == 1


def test_the_table_keeps_every_digit_of_huge_and_tiny_prices(capsys):
    assert main(["rdp_tuning", "price", "--epsilon", "1e-8", "--delta", "1e-12", "--runs", "1e100"]) == 0
    row = next(line.split() for line in capsys.readouterr().out.splitlines() if "logarithmic" in line)
    given, single, search = map(float, row[2:5])
    assert 1e-8 * (1 - 1e-4) <= given <= single == 1e-8 <= search <= 2e-8 * (1 + 1e-4)


@pytest.mark.parametrize("epsilon", [0.0, 1e-9, 0.5, 5.0, 20.0])
def test_pure_curve_is_that_of_randomised_response(epsilon):
    orders, rdp = pure_rdp(epsilon, [1.001, 2.0, 7.5, 300.0])
    truth = 1 / (1 + math.exp(-epsilon))
    exact = [renyi_divergence([truth, 1 - truth], [1 - truth, truth], order) for order in orders]
    assert rdp == pytest.approx(exact, rel=1e-4, abs=1e-12)


@pytest.mark.parametrize("epsilon", [1e-3, 1e-8, 1e-12])
def test_a_tiny_pure_epsilon_is_not_rounded_to_nothing(epsilon):
    orders, rdp = pure_rdp(epsilon)
    leading = orders[:-1] * epsilon**2 / 2  # + O(epsilon^4)
    np.testing.assert_allclose(rdp[:-1], leading, rtol=(orders[-2] * epsilon) ** 2 + 1e-12)
    # The total variation of randomised response is tanh(epsilon / 2): no smaller delta makes epsilon 0.
    assert rdp_to_epsilon(orders, rdp, math.tanh(epsilon / 2) / 2, warn=False).epsilon > 0


MODULES = ["audit", "base", "conversion", "planning", "run_count", "search", "search_cv", "selection"]


@pytest.mark.parametrize("module", MODULES)
def test_examples_in_docstrings_run(module):
    found = doctest.testmod(importlib.import_module(f"paperwright.statistics.rdp_tuning.{module}"))
    assert found.attempted > 0
    assert found.failed == 0
