"""The survey's table of model levels as data: what each level can answer, every cell with a check that can fail."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import torch
from torch import Tensor

from .independence import hsic_test
from .levels import LevelError, StatisticalModel
from .mechanisms import Assignment
from .noise import Finite, Normal
from .ode import ODEModel
from .scm import SCM

Level = Literal["physical", "structural", "graphical", "statistical"]
Ability = Literal["predict i.i.d.", "predict under intervention", "counterfactual", "insight", "learn from data"]

A: Final = torch.tensor([[-1.0, 0, 0], [0.5, -2, 0], [1, -1, -1]], dtype=torch.float64)
B: Final = torch.tensor([1.0, 0, 2], dtype=torch.float64)


@dataclass(frozen=True)
class LadderCell:
    """One cell of the table.

    Attributes:
        level, ability: row and column.
        answer: the survey's; "depends" is its question mark, whose check shows a case each way.
        check: returns whether it came out so.
        shows: what the check does.
    """

    level: Level
    ability: Ability
    answer: Literal["yes", "no", "depends"]
    check: Callable[[], bool]
    shows: str


def system(speed: float = 1.0) -> ODEModel:
    """Return the three-variable linear system whose rest is (1, 0.25, 2.75), at any speed."""
    return ODEModel(lambda x: speed * (x @ A.T + B), ["x1", "x2", "x3"])


def primer() -> SCM:
    """Return X -> H -> Y with X -> Y, linear, with standard Gaussian noise."""
    return SCM(
        {"X": lambda u: u, "H": lambda X, u: 0.5 * X + u, "Y": lambda X, H, u: 0.7 * X + 0.4 * H + u},
        dict.fromkeys("XHY", Normal()),
    )


def confounded() -> SCM:
    """Return Z -> X -> Y with Z -> Y: regression slope 1.5, causal slope 1."""
    return SCM(
        {"Z": lambda u: u, "X": lambda Z, u: Z + u, "Y": lambda X, Z, u: X + Z + u}, dict.fromkeys("ZXY", Normal())
    )


def indistinguishable_pair() -> tuple[SCM, SCM]:
    """Return two models with the same observational and interventional laws, and different counterfactuals."""
    coin = Finite([0.0, 1.0], [0.5, 0.5])
    noise = {"T": coin, "Y": coin}
    same = SCM({"T": lambda u: u, "Y": Assignment(lambda T, u: u + 0 * T)}, noise)
    flips = SCM({"T": lambda u: u, "Y": lambda T, u: torch.where(T == 1, u, 1 - u)}, noise)
    return same, flips


def _near(values: Tensor, expected: float, errors: float = 4) -> bool:
    """Whether a mean lies within so many standard errors."""
    return abs(float(values.mean()) - expected) <= errors * float(values.std()) / math.sqrt(len(values)) + 1e-12


def _refuses(question: Callable[[], object]) -> bool:
    try:
        question()
    except LevelError:
        return True
    return False


def _rest() -> Tensor:
    path = system().trajectory({"x1": 0, "x2": 0, "x3": 0}, [0.0, 40.0])
    return torch.stack([path[name][-1] for name in ("x1", "x2", "x3")])


def _physical_prediction() -> bool:
    scm = system().equilibrium_scm().sample(1, 0)
    rest = _rest()
    return torch.allclose(rest, torch.tensor([1, 0.25, 2.75]).double(), atol=1e-6) and torch.allclose(
        rest, torch.cat(list(scm.values())), atol=1e-6
    )


def _structural_prediction() -> bool:
    rows = primer().sample(20_000, 0)
    return _near((rows["Y"] - 0.7 * rows["X"] - 0.4 * rows["H"]) ** 2, 1.0)


def _graphical_prediction() -> bool:
    model = primer().to_graphical()
    return _near(model.log_prob(primer().sample(20_000, 1)), -1.5 * math.log(2 * math.pi * math.e))


def _statistical_prediction() -> bool:
    model, rows = primer().to_graphical().to_statistical(), primer().sample(2000, 2)
    errors = (rows["Y"] - model.predict("Y", {"X": rows["X"], "H": rows["H"]})) ** 2
    return bool(errors.mean() < 1.0 + 4 * float(errors.std()) / math.sqrt(2000) + 0.02)


def _physical_intervention() -> bool:
    rest = system().do(x2=3.0).equilibrium()
    return torch.allclose(torch.stack(list(rest.values())), torch.tensor([1.0, 3, 0]).double())


def _structural_intervention() -> bool:
    return _near(confounded().do(X=2.0).sample(20_000, 0)["Y"], 2.0)


def _graphical_intervention() -> bool:
    truncated = confounded().to_graphical().do(X=2.0).sample(20_000, 5)["Y"]
    return _near(truncated, 2.0) and _near(truncated - confounded().do(X=2.0).sample(20_000, 6)["Y"], 0.0)


def _statistical_intervention() -> bool:
    model = confounded().to_graphical().to_statistical()
    rows = confounded().do(X=Normal(0, math.sqrt(2))).sample(4000, 3)
    excess = (rows["Y"] - model.predict("Y", {"X": rows["X"]})) ** 2 - (rows["Y"] - rows["X"]) ** 2
    return _refuses(lambda: model.do(X=2.0)) and float(excess.mean()) > 4 * float(excess.std()) / math.sqrt(4000)


def _physical_counterfactual() -> bool:
    start, times = {"x1": 3.0, "x2": 1.0, "x3": 0.0}, torch.linspace(0, 3, 7)
    was, would = system().trajectory(start, times), system().do(x2=0.0).trajectory(start, times)
    closed = 1 + 2 * torch.exp(-times.double())
    return (
        torch.allclose(was["x1"], closed, atol=1e-6)
        and torch.allclose(would["x1"], closed, atol=1e-6)
        and bool((would["x3"] - was["x3"])[-1] > 0.1)
    )


def _structural_counterfactual() -> bool:
    answer = primer().counterfactual({"X": 0.5, "H": 1.0, "Y": 1.5}, do={"H": 2.0})["Y"]
    return math.isclose(float(answer), 1.9, abs_tol=1e-9)


def _graphical_counterfactual() -> bool:
    pair = indistinguishable_pair()
    laws = [[float(model.log_prob({"T": t, "Y": y}).exp()) for t in (0.0, 1.0) for y in (0.0, 1.0)] for model in pair]
    effects = [[float(model.do(T=t).sample(20_000, 0)["Y"].mean()) for t in (0.0, 1.0)] for model in pair]
    answers = [float(model.counterfactual({"T": 0.0, "Y": 0.0}, do={"T": 1.0})["Y"]) for model in pair]
    alike = np.allclose(laws[0], laws[1]) and np.allclose(effects, 0.5, atol=0.02)
    return alike and answers == [0.0, 1.0] and _refuses(lambda: primer().to_graphical().counterfactual({}, {}))


def _half_life(model: ODEModel) -> float:
    gap = model.trajectory({"x1": 3.0, "x2": 0, "x3": 0}, [0.0, 0.5])["x1"] - 1
    return 0.5 * math.log(2) / float((gap[0] / gap[1]).log())


def _physical_insight() -> bool:
    lives = _half_life(system()), _half_life(system(3.0))
    return math.isclose(lives[0], math.log(2), abs_tol=1e-6) and math.isclose(lives[1], math.log(2) / 3, abs_tol=1e-6)


def _structural_insight() -> bool:
    slow, fast = (system(speed).equilibrium_scm().equations() for speed in (1.0, 3.0))
    total = primer().do(X=1.0).mean()["Y"] - primer().do(X=0.0).mean()["Y"]
    return slow == fast and math.isclose(total, 0.7 + 0.4 * 0.5)


def _graphical_insight() -> bool:
    model = primer().to_graphical()
    cut = model.do(H=0.0)
    other = SCM({"X": lambda u: u, "H": lambda X, u: 5.0 * X + u, "Y": lambda X, H, u: X + H + u},
                dict.fromkeys("XHY", Normal())).to_graphical()  # fmt: skip
    return cut.parents["H"] == () and model.parents == other.parents


def _statistical_insight() -> bool:
    s = 1 / math.sqrt(5)
    forward = SCM({"X": lambda u: u, "Y": lambda X, u: 2 * X + u}, dict.fromkeys("XY", Normal()))
    backward = SCM({"Y": lambda u: u, "X": lambda Y, u: 0.4 * Y + u}, {"Y": Normal(0, 1 / s), "X": Normal(0, s)})
    alike = torch.allclose(forward.covariance(["X", "Y"]), backward.covariance(["X", "Y"]))
    effects = [model.do(X=1.0).mean()["Y"] for model in (forward, backward)]
    return alike and math.isclose(effects[0], 2.0) and math.isclose(effects[1], 0.0, abs_tol=1e-12)


def _physical_learning() -> bool:
    def error(gap: float) -> float:
        times = torch.arange(0, 40) * gap
        path = torch.stack(list(system().trajectory({"x1": 3.0, "x2": -2, "x3": 1}, times).values()), -1)
        slopes = (path[2:] - path[:-2]) / (2 * gap)
        design = torch.cat([path[1:-1], torch.ones(len(slopes), 1)], -1)
        return float((torch.linalg.lstsq(design, slopes).solution[:3].T - A).abs().max())

    return error(0.01) < 0.01 and error(4 * 0.5) > 0.5  # four times the fastest time constant, 1/2


def _structural_learning() -> bool:
    def p_values(noise: str) -> list[float]:
        rng = np.random.default_rng(0)
        draw = getattr(rng, noise)
        x = draw(-1, 1, 400) if noise == "uniform" else draw(size=400)
        y = x + (draw(-1, 1, 400) if noise == "uniform" else draw(size=400))
        return [hsic_test(a, b - a * (a @ b) / (a @ a)).p_value for a, b in ((x, y), (y, x))]

    uniform, normal = p_values("uniform"), p_values("normal")
    return uniform[0] > 0.01 > uniform[1] and min(normal) > 0.01


def _graphical_learning() -> bool:
    chain = SCM({"X": lambda u: u, "Y": lambda X, u: X + u, "Z": lambda Y, u: Y + u}, dict.fromkeys("XYZ", Normal()))
    collider = SCM({"X": lambda u: u, "Z": lambda u: u, "Y": lambda X, Z, u: X + Z + u}, dict.fromkeys("XYZ", Normal()))
    backward = SCM(
        {"Z": lambda u: u, "Y": lambda Z, u: 2 / 3 * Z + u, "X": lambda Y, u: 0.5 * Y + u},
        {"Z": Normal(0, math.sqrt(3)), "Y": Normal(0, math.sqrt(2 / 3)), "X": Normal(0, math.sqrt(0.5))},
    )
    names = ["X", "Y", "Z"]
    same_law = torch.allclose(chain.covariance(names), backward.covariance(names))
    return same_law and float(collider.covariance(["X", "Z"])[0, 1]) == 0 != float(chain.covariance(["X", "Z"])[0, 1])


def _statistical_learning() -> bool:
    def error(n: int) -> float:
        found = []
        for seed in range(10):
            rows = primer().sample(n, seed)
            data = np.cov(np.stack([rows[name].numpy() for name in "XHY"]))
            found.append(np.abs(data - primer().covariance().numpy()).max())
        return float(np.mean(found))

    return 2.5 < error(200) / error(200 * 16) < 6.5  # the root of 16 is 4


def _no_noise_of_units() -> bool:
    model: StatisticalModel = primer().to_graphical().to_statistical()
    return _refuses(lambda: model.counterfactual({"X": 0.5}, {"H": 2.0})) and _refuses(lambda: model.do(H=2.0))


LADDER: Final = (
    LadderCell("physical", "predict i.i.d.", "yes", _physical_prediction, "the path ends at the equations' rest"),
    LadderCell("physical", "predict under intervention", "yes", _physical_intervention, "clamping x2 moves the rest"),
    LadderCell(
        "physical", "counterfactual", "yes", _physical_counterfactual, "the same start, run again while x2 is held"
    ),
    LadderCell("physical", "insight", "yes", _physical_insight, "half-lives of two speeds, log 2 and log 2 / 3"),
    LadderCell("physical", "learn from data", "depends", _physical_learning, "fine sampling finds A, coarse does not"),
    LadderCell("structural", "predict i.i.d.", "yes", _structural_prediction, "held-out error is the Bayes error"),
    LadderCell("structural", "predict under intervention", "yes", _structural_intervention, "slope 1 in spite of Z"),
    LadderCell("structural", "counterfactual", "yes", _structural_counterfactual, "1.90 for the unit (0.5, 1, 1.5)"),
    LadderCell(
        "structural", "insight", "depends", _structural_insight, "total effects, but no time: both speeds alike"
    ),
    LadderCell(
        "structural", "learn from data", "depends", _structural_learning, "direction from uniform, not normal noise"
    ),
    LadderCell("graphical", "predict i.i.d.", "yes", _graphical_prediction, "held-out likelihood is minus the entropy"),
    LadderCell("graphical", "predict under intervention", "yes", _graphical_intervention, "truncated factorisation"),
    LadderCell("graphical", "counterfactual", "no", _graphical_counterfactual, "two models alike in all laws differ"),
    LadderCell("graphical", "insight", "depends", _graphical_insight, "which arrows, but not how strong"),
    LadderCell(
        "graphical", "learn from data", "depends", _graphical_learning, "a collider shows, a chain's direction not"
    ),
    LadderCell("statistical", "predict i.i.d.", "yes", _statistical_prediction, "held-out error is the Bayes error"),
    LadderCell(
        "statistical", "predict under intervention", "no", _statistical_intervention, "the regression errs under do"
    ),
    LadderCell("statistical", "counterfactual", "no", _no_noise_of_units, "no graph, no noise: refused"),
    LadderCell("statistical", "insight", "no", _statistical_insight, "X -> Y and Y -> X with one joint law"),
    LadderCell("statistical", "learn from data", "yes", _statistical_learning, "error falls with the root of the rows"),
)
"""Table I of the survey, cell by cell."""


def run_ladder() -> list[tuple[LadderCell, bool]]:
    """Run every cell's check.

    Returns:
        Each cell, and whether it came out as the survey says.

    Source: survey, Table I; the same as Table 1.1 of Peters, Janzing and Schölkopf 2017.
    """
    return [(cell, cell.check()) for cell in LADDER]
