"""The claims' trials are pure functions that return what their rules read, and the settings are the paper's."""

import doctest
import math
from dataclasses import replace
from importlib import import_module
from pkgutil import iter_modules

import pytest

from paperwright.claims import Claim
from paperwright.lifelong import cls_er
from paperwright.lifelong.cls_er import claims
from paperwright.lifelong.cls_er.experiment import (
    PAPER,
    Setting,
    evaluate,
    images,
    paper_setting,
    train_class_incremental,
)

PILOT = 1_000_000
DIGITS = claims.beats_experience_replay_on_digits


def run(claim: Claim, arm: str, seed: int = PILOT) -> dict[str, float]:
    """A trial of a claim at smoke budget."""
    return dict(claim.trial(claim.value(arm, "smoke"), seed=seed, device="cpu", **claim.budget("smoke").config))


def test_a_trial_is_a_pure_function():
    first = run(DIGITS, "cls_er")
    assert run(DIGITS, "cls_er") == first
    assert run(DIGITS, "cls_er", PILOT + 1) != first
    assert all(map(math.isfinite, first.values()))
    assert {"accuracy", "calibration_error", "last_task_mass", "stable_minus_working"} <= first.keys()
    assert first["accuracy"] > 0.3


def test_every_learner_runs():
    fine_tuned, dark = (
        train_class_incremental(replace(setting, every=2), seed=PILOT, device="cpu", data="digits", memory=50)
        for setting in (Setting("fine_tune", 0.1, 1, 10), paper_setting("der++", "s-mnist", 500))
    )
    assert fine_tuned["accuracy"] < 0.3 < dark["accuracy"]
    assert fine_tuned["task_accuracy"] > 0.8


def test_without_boundaries():
    assert 0.2 < run(claims.beats_experience_replay_without_boundaries, "er")["accuracy"] < 1


def test_images_lie_in_the_unit_interval():
    (x, y), (x_test, y_test) = images("digits", "cpu")
    assert x.shape[1:] == (8, 8)
    assert (float(x.min()), float(x.max())) == (0, 1)
    assert (len(x), len(x_test)) == (len(y), len(y_test))


def test_a_network_that_knows_nothing_is_evaluated_as_such():
    from paperwright.lifelong.cls_er import split_by_class

    x, y = images("digits", "cpu")[1]
    found = evaluate(lambda part: part.new_zeros(len(part), 10), list(split_by_class(x, y)))
    assert found["last_task_mass"] == pytest.approx(0.2)
    # class 0 is the answer to everything: right for it, and for one of two within its task
    assert found["accuracy"] == pytest.approx(0.1, abs=0.01)
    assert found["calibration_error"] < 0.02


def test_the_settings_follow_the_papers_guidance():
    """The plastic memory is updated at least as often and decays at most as slowly."""
    for (learner, _, _), setting in PAPER.items():
        if learner == "cls_er":
            assert setting.plastic[0] >= setting.stable[0]
            assert setting.plastic[1] <= setting.stable[1]
            assert setting.consistency_weight > 0


@pytest.mark.parametrize("memory", [200, 500])
def test_claims_run_the_papers_settings_at_their_desk(memory):
    claim = claims.beats_dark_experience_replay[f"memory_{memory}"]
    assert claim.budget("desk").config["memory"] == memory
    assert claim.value("cls_er", "desk") == paper_setting("cls_er", "s-mnist", memory)
    assert claim.value("der++", "desk") == paper_setting("der++", "s-mnist", memory)


CASES = {name: claim for name, claim in vars(claims).items() if isinstance(claim, Claim)} | {
    f"{group}/{name}": claim
    for group in ("beats_dark_experience_replay", "beats_on_cifar_10")
    for name, claim in getattr(claims, group).items()
}
DATA = {"mnist": "MNIST", "cifar10": "CIFAR-10", "digits": "digits"}


@pytest.mark.parametrize("name", CASES)
def test_paper_scale_runs_the_data_of_the_statement(name):
    claim = CASES[name]
    at_desk = claim.budget("desk").config["data"]
    assert all(claim.budgets[each].config["data"] == at_desk for each in claim.budgets if each != "smoke")
    assert DATA[at_desk] in claim.statement or name == "not_only_more_replay"
    for figure in claim.reported:
        assert ("CIFAR" in figure.where) == (at_desk == "cifar10")


@pytest.mark.parametrize("name", ["beats_dark_experience_replay/memory_500", "better_calibrated_and_less_biased"])
def test_every_comparison_at_unequal_replay_has_one_at_equal_replay(name):
    """The rule asks it, so that a difference which replay alone makes cannot hold."""
    claim = CASES[name]
    for budget in claim.budgets:
        sizes = {arm: claim.value(arm, budget).replay_size for arm in claim.arms}
        equal = [arm for arm in claim.rule.arms() if arm != "cls_er" and sizes[arm] == sizes["cls_er"]]
        assert equal


@pytest.mark.parametrize("module", [each.name for each in iter_modules(cls_er.__path__)])
def test_examples_run(module):
    assert not doctest.testmod(import_module(f"{cls_er.__name__}.{module}")).failed
