"""Commands: causes and changed mechanisms from a table, the table of levels, and the race of factorisations."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from paperwright.data.table_files import number_column, read_table, require_columns
from paperwright.files import whole_file

from .adaptation import draw_shifts, race_on_tables
from .icp import icp as find_parents
from .ladder import run_ladder
from .mechanism_change import mechanism_divergences, which_mechanisms_changed

app = typer.Typer(rich_markup_mode=None)

File = Annotated[Path, typer.Argument(help="A table: CSV, TSV, JSON or Parquet.", exists=True, dir_okay=False)]
Place = Annotated[str, typer.Option("--environment", help="The column that names each row's environment.")]
Alpha = Annotated[float, typer.Option(help="How often a wrong column may be named.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Plot = Annotated[Path | None, typer.Option(help="Write the picture to this .svg or .png file.")]


@app.command()
def icp(
    file: File,
    target: Annotated[str, typer.Option(help="The column to explain.")],
    environment: Place,
    alpha: Alpha = 0.05,
    max_size: Annotated[int | None, typer.Option(help="The largest set of columns to try.")] = None,
    as_json: AsJson = False,
) -> int:
    """Name the columns that are causes of the target. Exit code 1 if no set of columns explains it everywhere."""
    columns = _columns(file, [target, environment])
    predictors = {name: values for name, values in columns.items() if name not in (target, environment)}
    result = find_parents(predictors, columns[target], columns[environment], alpha, max_size, stop_early=False)
    parents = sorted(map(str, result.parents)) if result.parents is not None else None
    single = {str(name): result.p_value_of(name) for name in predictors}
    if as_json:
        accepted = [sorted(map(str, subset)) for subset in result.accepted_sets]
        print(json.dumps({"parents": parents, "p_values": single, "accepted_sets": accepted}, indent=2))
    elif parents is None:
        print(f"No set of columns explains {target} in all environments: a cause is missing, or {target} was changed.")
    else:
        table = _table(f"causes of {target}", "column", "p-value of not being one", "named")
        for name, p in single.items():
            table.add_row(name, f"{p:.3g}", "yes" if name in parents else "")
        Console(highlight=False).print(table)
    return int(result.model_rejected)


@app.command()
def changed(
    file: File,
    environment: Place,
    edge: Annotated[list[str], typer.Option("--edge", help="cause:effect. May be repeated.")] = [],  # noqa: B006
    alpha: Alpha = 0.05,
    as_json: AsJson = False,
) -> None:
    """Say which mechanisms differ between environments, given the graph, and how far the most distant two lie apart."""
    columns = _columns(file, [environment])
    graph: dict[str, list[str]] = {name: [] for name in columns if name != environment}
    for text in edge:
        cause, colon, effect = text.partition(":")
        if not colon or cause not in graph or effect not in graph:
            raise typer.BadParameter(f"--edge is {text!r}; expected cause:effect of {list(graph)}")
        graph[effect].append(cause)
    found = which_mechanisms_changed(graph, columns, columns[environment], alpha=alpha)
    try:
        apart = mechanism_divergences(graph, columns, columns[environment])
        most = {node: max(each.values()) for node, each in apart.items()}
    except ValueError:  # columns of both kinds: tests there are, divergences not
        most = {}
    if as_json:
        print(json.dumps({"changed": found.changed, "p_values": dict(found.p_values), "nats": most}, indent=2))
        return
    table = _table("mechanisms between environments", "node", "given", "p-value", "nats", "changed")
    for node in graph:
        nats = f"{most[node]:.3g}" if node in most else ""
        named = "yes" if node in found.changed else ""
        table.add_row(node, ", ".join(graph[node]), f"{found.adjusted[node]:.3g}", nats, named)
    Console(highlight=False).print(table)


@app.command()
def ladder(as_json: AsJson = False) -> int:
    """Run every cell of the table of model levels. Exit code 1 if one comes out otherwise than the survey says."""
    cells = run_ladder()
    if as_json:
        rows = [{"level": c.level, "ability": c.ability, "answer": c.answer, "checked": ok} for c, ok in cells]
        print(json.dumps(rows, indent=2))
    else:
        abilities = list(dict.fromkeys(cell.ability for cell, _ in cells))
        table = _table("what a model of each level can do; every cell was run", "level", *abilities)
        for level in dict.fromkeys(cell.level for cell, _ in cells):
            said = [cell.answer + ("" if ok else " (NOT SO HERE)") for cell, ok in cells if cell.level == level]
            table.add_row(level, *said)
        Console(highlight=False).print(table)
    return int(not all(ok for _, ok in cells))


@app.command()
def race(
    changes: Annotated[str, typer.Option(help="What changes: cause, effect or nothing.")] = "cause",
    values: Annotated[int, typer.Option(min=2, help="Values of each variable.")] = 10,
    draws: Annotated[int, typer.Option(min=1, help="Laws to average over.")] = 100,
    steps: Annotated[int, typer.Option(min=1, help="Of gradient descent.")] = 100,
    batch: Annotated[int, typer.Option(min=1, help="Samples of a step.")] = 10,
    lr: Annotated[float, typer.Option(help="Learning rate of both sides.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Of the draws.")] = 0,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """Let both factorisations of a pair adapt to a change, and print their regret along the way."""
    import torch

    kind = _kind(changes)
    rng = torch.Generator().manual_seed(seed)
    regrets = race_on_tables(draw_shifts(values, draws, kind, rng=rng), lr=lr, steps=steps, batch=batch, rng=rng)
    means = regrets.mean(2)
    if plot is not None:
        _plot(plot, means.numpy(), changes)
    if as_json:
        print(json.dumps({"causal": means[:, 0].tolist(), "anticausal": means[:, 1].tolist()}))
        return
    table = _table(f"regret in nats after a change of {changes}", "step", "causal", "anticausal")
    for step in sorted({0, 1, 2, 5, 10, 20, 50, 100, steps} & set(range(steps + 1))):
        table.add_row(str(step), f"{means[step, 0]:.4f}", f"{means[step, 1]:.4f}")
    Console(highlight=False).print(table)


def _kind(changes: str) -> Literal["cause", "effect", "nothing"]:
    if changes not in ("cause", "effect", "nothing"):
        raise typer.BadParameter(f"--changes is {changes!r}; expected cause, effect or nothing")
    return cast(Literal["cause", "effect", "nothing"], changes)


def _plot(path: Path, curves: Any, changes: str) -> None:
    if path.suffix not in (".svg", ".png"):
        raise typer.BadParameter(f"--plot is {path}; expected a name that ends in .svg or .png")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 3.2), layout="constrained")
    axes = figure.subplots()
    for side, name in enumerate(("causal", "anticausal")):
        axes.plot(curves[:, side], label=name)
    axes.set(xlabel="step after the change", ylabel="regret (nats)", title=f"what changes: {changes}", yscale="log")
    axes.legend()
    with whole_file(path) as file:
        figure.savefig(file, format=path.suffix[1:])


def _columns(file: Path, needed: list[str]) -> dict[str, Any]:
    """Return the columns of a table: numbers where all cells are, text otherwise."""
    table = read_table(file)
    require_columns(table, needed)
    numbers = set(table.select_dtypes("number").columns)
    return {
        name: number_column(table, name) if name in numbers else table[name].to_numpy(dtype=str)
        for name in table.columns
    }


def _table(title: str, *heads: str) -> Table:
    table = Table(title=title, box=box.SIMPLE)
    for i, head in enumerate(heads):
        table.add_column(head, justify="left" if i == 0 else "right")
    return table
