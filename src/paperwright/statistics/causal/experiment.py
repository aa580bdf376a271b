"""What only the claims need: laws of known direction, environments of known change, and the trials."""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.stats import t as student
from sklearn.linear_model import Ridge
from sklearn.model_selection import LeaveOneGroupOut

from .adaptation import StructuralBelief, draw_shifts, episodes_on_tables, race_on_tables
from .icp import icp
from .irm import IRM
from .recover import angle_error, mixed_pair, recover_angle
from .semi_supervised import UNLABELLED, SemiSupervisedLDA

Numbers = dict[str, float]
Changes = Literal["cause", "effect", "nothing"]
Rows = Float[np.ndarray, "rows columns"]
Column = Float[np.ndarray, " rows"]

RATES = (0.1, 0.3, 1.0, 3.0, 10.0)
"""Learning rates that were tried for each side of the race, on pilot draws."""


# Adaptation


@dataclass(frozen=True)
class RaceSetting:
    """A change between training and transfer, and how both factorisations learn after it.

    Attributes:
        changes: the mechanism that is drawn anew.
        causal_lr, anticausal_lr: learning rates (paper: 1.0 for both).
    """

    changes: Changes
    causal_lr: float = 1.0
    anticausal_lr: float = 1.0


def run_race(setting: RaceSetting, *, seed: int, device: str, values: int, steps: int, batch: int) -> Numbers:
    """Return the regrets of one draw of laws, averaged over the steps and at single ones, in nats."""
    rng = torch.Generator().manual_seed(seed)
    pair = draw_shifts(values, 1, setting.changes, rng=rng)
    rates = setting.causal_lr, setting.anticausal_lr
    regrets = race_on_tables(pair, lr=rates, steps=steps, batch=batch, rng=rng)[:, :, 0]
    causal, anticausal = regrets.mean(0).tolist()
    gaps = (regrets[:, 1] - regrets[:, 0]).tolist()
    return {
        "causal_regret": causal,
        "anticausal_regret": anticausal,
        "advantage": anticausal - causal,
        "ahead": float(anticausal > causal),
        "gap_at_5": gaps[5],
        "gap_at_20": gaps[20],
        "gap_at_end": gaps[-1],
    }


def run_belief(
    changes: Changes, *, seed: int, device: str, values: int, episodes: int, steps: int, batch: int
) -> Numbers:
    """Return the belief in the true direction after episodes from one training law, each with a change of its own."""
    rng = torch.Generator().manual_seed(seed)
    before = draw_shifts(values, 1, rng=rng).before[0]
    pair = draw_shifts(values, episodes, changes, rng=rng, before=before)
    belief = StructuralBelief()
    for log_ratios in episodes_on_tables(pair, steps=steps, batch=batch, rng=rng).tolist():
        belief.observe(log_ratios)
    early = belief.history[min(100, episodes) - 1].probability
    return {"probability": belief.probability, "probability_at_100": early}


# Semi-supervised learning


@dataclass(frozen=True)
class LabelSetting:
    """Which causes which, and how the learner starts.

    Attributes:
        direction: "anticausal" (class -> features) or "causal" (features -> class).
        init: of EM.
        shuffled: labels are permuted, so that there is nothing to learn.
    """

    direction: Literal["anticausal", "causal"]
    init: Literal["labelled", "random"] = "labelled"
    shuffled: bool = False


def run_semi_supervised(
    setting: LabelSetting, *, seed: int, device: str, labelled: int, unlabelled: int, dimensions: int
) -> Numbers:
    """Return what unlabelled rows add to the accuracy of the same learner on the labelled ones alone.

    Both directions have the same law of the features: two Gaussians with means at 1.2 times plus and minus a unit
    vector. In the causal one the class is drawn from the features by a logistic law along another vector.
    """
    rng = np.random.default_rng(seed)
    between, along = (vector / np.linalg.norm(vector) for vector in rng.normal(size=(2, dimensions)))

    def draw(rows: int) -> tuple[Rows, Int[np.ndarray, " rows"]]:
        component = rng.integers(0, 2, rows)
        x = rng.normal(size=(rows, dimensions)) + 1.2 * np.outer(2 * component - 1, between)
        chance = 1 / (1 + np.exp(-3 * x @ along))
        y = component if setting.direction == "anticausal" else (rng.random(rows) < chance).astype(np.int64)
        return x, rng.permutation(y) if setting.shuffled else y

    x, y = draw(labelled)
    while not 2 <= y.sum() <= labelled - 2:  # a covariance needs two rows of each class
        x, y = draw(labelled)
    more, (x_test, y_test) = draw(unlabelled)[0], draw(5000)
    supervised = SemiSupervisedLDA().fit(x, y).score(x_test, y_test)
    learner = SemiSupervisedLDA(init=setting.init, random_state=seed)
    learner.fit(np.vstack([x, more]), np.r_[y, np.full(unlabelled, UNLABELLED)])
    accuracy = learner.score(x_test, y_test)
    return {"supervised_accuracy": supervised, "accuracy": accuracy, "gain": accuracy - supervised}


# Invariance


class EnvironmentRows(NamedTuple):
    """Predictors, target and each row's environment."""

    X: Rows
    y: Column
    environment: Column


PARENTS = frozenset({0, 1})


def draw_four_candidates(rng: np.random.Generator, rows: int) -> EnvironmentRows:
    """Draw two parents and two descendants of a target in three environments, in which all but the target is shifted.

    Weights are 0.5 to 1.5 with random signs; the target's own mechanism is the same everywhere.
    """
    weights = rng.uniform(0.5, 1.5, 6) * rng.choice([-1, 1], 6)
    parts = []
    for e in range(3):
        move = rng.normal(0, 1.5, 4) * (e > 0)
        scale = rng.uniform(0.5, 2, 4) if e else np.ones(4)
        noise = rng.normal(size=(4, rows)) * scale[:, None] + move[:, None]
        x0 = noise[0]
        x1 = weights[0] * x0 + noise[1]
        y = weights[1] * x0 + weights[2] * x1 + rng.normal(size=rows)
        x2 = weights[3] * y + noise[2]
        x3 = weights[4] * y + weights[5] * x2 + noise[3]
        parts.append(np.column_stack([x0, x1, x2, x3, y, np.full(rows, e)]))
    table = np.concatenate(parts)
    return EnvironmentRows(table[:, :4], table[:, 4], table[:, 5])


def run_selection(
    method: Literal["invariance", "regression", "regression with environments"], *, seed: int, device: str, rows: int
) -> Numbers:
    """Return whether a method selects exactly the parents, and whether it selects a variable that is none."""
    X, y, environment = draw_four_candidates(np.random.default_rng(seed), rows)
    rejected = False
    if method == "invariance":
        result = icp(X, y, environment)
        selected, rejected = result.parents or frozenset(), result.model_rejected
    else:
        dummies = np.equal(environment[:, None], [1, 2]) if method == "regression with environments" else None
        selected = _significant(X, y, dummies)
    return {
        "exact": float(selected == PARENTS),
        "wrong": float(bool(selected - PARENTS)),
        "found_parents": float(len(selected & PARENTS)),
        "model_rejected": float(rejected),
    }


def _significant(X: Rows, y: Column, dummies: Any) -> frozenset[int]:
    """Predictors with a t-test below 0.05, by Bonferroni."""
    design = np.column_stack([X, np.ones(len(y))] if dummies is None else [X, np.ones(len(y)), dummies])
    inverse = np.linalg.inv(design.T @ design)
    coefficients = inverse @ design.T @ y
    freedom = len(y) - design.shape[1]
    variance = ((y - design @ coefficients) ** 2).sum() / freedom
    p = 2 * student.sf(np.abs(coefficients) / np.sqrt(variance * np.diag(inverse)), freedom)
    return frozenset(int(j) for j in np.flatnonzero(p[: X.shape[1]] < 0.05 / X.shape[1]))


PENALTIES = (0.0, 1.0, 10.0, 100.0, 1e3, 1e4, 1e5)
RIDGES = (1e-6, 1e-2, 1.0, 10.0, 100.0, 1e3, 1e4)
DEVIATIONS = (0.2, 2.0, 5.0)  # of the environments; Arjovsky et al. 2019, section 5.1


@dataclass(frozen=True)
class RegressionSetting:
    """A regression, and whether the noise of the target stays the same in all environments.

    Attributes:
        method: "irm" or "ridge"; both choose among seven penalties by leaving environments out.
        target_noise: "same", or "changes", which is an intervention on the target itself.
    """

    method: Literal["irm", "ridge"]
    target_noise: Literal["same", "changes"] = "same"


def run_regression(setting: RegressionSetting, *, seed: int, device: str, rows: int) -> Numbers:
    """Return how far the coefficients of x1 -> y -> x2 lie from the causal ones, 1 and 0."""
    rng = np.random.default_rng(seed)
    environment = np.repeat(DEVIATIONS, rows)
    of_target, of_child = (environment, 1.0) if setting.target_noise == "changes" else (1.0, environment)
    x1 = rng.normal(size=len(environment)) * environment
    y = x1 + rng.normal(size=len(environment)) * of_target
    x2 = y + rng.normal(size=len(environment)) * of_child
    X = np.column_stack([x1, x2])

    def fit(penalty: float, rows: Any) -> Any:
        if setting.method == "irm":
            return IRM(penalty_weight=penalty).fit(X[rows], y[rows], environment=environment[rows])
        return Ridge(alpha=penalty).fit(X[rows], y[rows])

    def left_out_error(penalty: float) -> float:
        splits = LeaveOneGroupOut().split(X, y, environment)
        return sum(float(((fit(penalty, seen).predict(X[left]) - y[left]) ** 2).mean()) for seen, left in splits)

    penalty = min(PENALTIES if setting.method == "irm" else RIDGES, key=left_out_error)
    causal, spurious = fit(penalty, slice(None)).coef_.tolist()
    return {
        "causal_error": abs(causal - 1),
        "spurious_error": abs(spurious),
        "error": abs(causal - 1) + abs(spurious),
        "penalty": penalty,
    }


# Representation


@dataclass(frozen=True)
class MixtureSetting:
    """How a rotation is looked for, and whether the environments differ at all.

    Attributes:
        shifted: the law of the cause differs between environments.
        method: of :func:`.recover_angle`.
    """

    shifted: bool = True
    method: Literal["regression", "meta"] = "regression"


def run_recovery(setting: MixtureSetting, *, seed: int, device: str, environments: int, rows: int) -> Numbers:
    """Return by how many degrees the recovered rotation is off: up to signs and order, and up to signs alone."""
    rng = np.random.default_rng(seed)
    angle = rng.uniform(-90, 90)
    slope, offset = rng.choice([-1, 1]) * rng.uniform(0.3, 2), rng.normal()
    causes = [(rng.normal(), float(np.exp(0.5 * rng.normal()))) for _ in range(environments)]
    x, environment = mixed_pair(
        angle, slope, offset, causes if setting.shifted else causes[:1] * environments, rows, rng
    )
    found = recover_angle(x, environment, method=setting.method, step=0.5 if setting.method == "regression" else 1.0)
    ordered = angle_error(found.degrees, angle, swaps=False)
    return {
        "error": angle_error(found.degrees, angle),
        "ordered_error": ordered,
        "missed": float(ordered >= 5),
    }
