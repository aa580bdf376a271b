"""Commands: plan a private search before anything is trained, and price one that is planned."""

import decimal
import json
import logging
import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from .base import gaussian_rdp, gaussian_tradeoff, pure_rdp
from .conversion import rdp_to_epsilon
from .planning import SearchPlan, plan_search
from .run_count import RunCount
from .selection import selected_rdp

app = typer.Typer(rich_markup_mode=None)
logging.getLogger("absl").setLevel(logging.ERROR)  # dp-accounting says which orders it leaves out: a bound all the same

Delta = Annotated[float, typer.Option(help="Of the guarantee, such as 1e-5: below one over the number of records.")]
Runs = Annotated[float, typer.Option(min=1, help="Number of runs, on average.")]
Etas = Annotated[
    list[float],
    typer.Option(
        "--eta", help="Shape of the run count: 0 logarithmic, 1 geometric, -0.5 cheaper, inf Poisson. May be repeated."
    ),
]
Steps = Annotated[int, typer.Option(help="Batches of one DP-SGD run.")]
SampleRate = Annotated[float, typer.Option(help="Probability that an example is in a batch: batch / examples.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, the searched RDP curve included.")]


@app.command()
def plan(
    target_epsilon: Annotated[float, typer.Option(help="What the whole search may cost.")],
    delta: Delta,
    runs: Runs,
    eta: Etas = [0.0],  # noqa: B006  (typer reads the default)
    steps: Steps = 1,
    sample_rate: SampleRate = 1.0,
    pure: Annotated[
        bool, typer.Option("--pure", help="One run is epsilon-private, not DP-SGD: find its epsilon.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Find the noise of one DP-SGD run, or the epsilon of one pure run, for which a whole search stays in a budget."""
    if pure:
        _refuse_dp_sgd("--pure", steps, sample_rate)

    def curve(noise: float) -> tuple[Any, Any]:
        return pure_rdp(1 / noise) if pure else gaussian_rdp(noise, sample_rate, steps)

    known = sample_rate == 1 and not pure
    plans = [
        plan_search(
            curve,
            target_epsilon,
            delta,
            runs,
            shape,
            tradeoff_fn=(lambda noise: gaussian_tradeoff(noise, steps)) if known else None,
        )
        for shape in eta
    ]
    _print_plans(plans, [_base(found.noise_multiplier, sample_rate, steps, pure) for found in plans], as_json)


@app.command()
def price(
    delta: Delta,
    runs: Runs,
    eta: Etas = [0.0],  # noqa: B006  (typer reads the default)
    noise_multiplier: Annotated[
        float | None, typer.Option(help="Of one DP-SGD run: the noise's standard deviation over the clipping norm.")
    ] = None,
    steps: Steps = 1,
    sample_rate: SampleRate = 1.0,
    epsilon: Annotated[float | None, typer.Option(help="Of one run that is epsilon-private instead.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say what a whole search costs whose single run is known: DP-SGD of some noise, or an epsilon-private run."""
    if (noise_multiplier is None) == (epsilon is None):
        raise typer.BadParameter("expected one of --noise-multiplier and --epsilon, the cost of one run")
    if epsilon is not None:
        _refuse_dp_sgd("--epsilon", steps, sample_rate)
    noise = noise_multiplier if noise_multiplier is not None else 1 / epsilon if epsilon else math.inf
    orders, rdp = gaussian_rdp(noise, sample_rate, steps) if epsilon is None else pure_rdp(epsilon)
    tradeoff = gaussian_tradeoff(noise, steps) if sample_rate == 1 and epsilon is None else None
    single = rdp_to_epsilon(orders, rdp, delta, warn=False).epsilon
    prices = []
    for shape in eta:
        count = RunCount.of_shape(shape, runs)
        searched = selected_rdp(orders, rdp, count, tradeoff=tradeoff)
        cost = rdp_to_epsilon(orders, searched, delta, warn=False).epsilon
        prices.append(SearchPlan(noise, cost, single, delta, count, orders, searched))
    _print_plans(prices, [_base(noise, sample_rate, steps, epsilon is not None)] * len(prices), as_json)


def _refuse_dp_sgd(option: str, steps: int, sample_rate: float) -> None:
    if steps != 1 or sample_rate != 1:
        raise typer.BadParameter(
            f"expected {option}, the cost of a whole run, without --steps and --sample-rate, which are those of DP-SGD"
        )


def _base(noise: float, sample_rate: float, steps: int, pure: bool) -> dict[str, Any]:
    """One run in words of JSON."""
    if pure:
        return {"kind": "pure", "epsilon": 1 / noise}
    return {"kind": "dp-sgd", "noise_multiplier": noise, "sample_rate": sample_rate, "steps": steps}


def _print_plans(plans: Sequence[SearchPlan], bases: Sequence[Mapping[str, Any]], as_json: bool) -> None:
    if as_json:
        rows = [
            {"base": base, **{name: value for name, value in plan.as_dict().items() if name != "noise_multiplier"}}
            for plan, base in zip(plans, bases, strict=True)
        ]
        print(json.dumps(rows, indent=2))
        return
    parameter = "epsilon of one run" if bases[0]["kind"] == "pure" else "noise multiplier"
    table = Table(box=box.SIMPLE, caption=f"At delta = {plans[0].delta:g}. Rounded on the safe side.")
    for column in ("run count", "runs", parameter, "one run", "search", "winner's quantile"):
        table.add_column(column, justify="left" if column == "run count" else "right")
    for plan, base in zip(plans, bases, strict=True):
        given = base["epsilon"] if base["kind"] == "pure" else base["noise_multiplier"]
        numbers = [_rounded(given, up=base["kind"] != "pure"), *map(_rounded, (plan.epsilon_of_one_run, plan.epsilon))]
        table.add_row(plan.runs.title, f"{plan.runs.mean:g}", *numbers, f"{plan.runs.expected_quantile():.3f}")
    Console(highlight=False).print(table)


def _rounded(value: float, up: bool = True) -> str:
    """Five digits on the side that promises no more privacy than there is."""
    side = decimal.ROUND_CEILING if up else decimal.ROUND_FLOOR
    return str(decimal.Context(prec=5, rounding=side).create_decimal(repr(value)))
