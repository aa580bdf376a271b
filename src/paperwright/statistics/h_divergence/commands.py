"""Commands: test whether two tables differ where it matters for a loss."""

import dataclasses
import io
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich import box
from rich.console import Console
from rich.table import Table

from paperwright.data.table_files import number_column, read_table
from paperwright.files import write_bytes

from . import losses
from .losses.loss import Loss
from .permutation import HTestResult, h_test

app = typer.Typer(rich_markup_mode=None)

LOSSES: dict[str, tuple[Callable[..., Loss], str]] = {
    "kde": (lambda bandwidth="cv": losses.KDE(_number_or_word(bandwidth)), "kde[:BANDWIDTH]"),
    "gaussian": (lambda shape="full": losses.Gaussian(shape=shape), "gaussian[:full|diag|spherical]"),
    "mixture": (lambda k="4": losses.GaussianMixture(int(k)), "mixture[:COMPONENTS]"),
    "kernel": (lambda bandwidth="median": losses.Kernel(_number_or_word(bandwidth)), "kernel[:BANDWIDTH]"),
    "pinball": (lambda tau: losses.Pinball(float(tau)), "pinball:TAU"),
    "newsvendor": (lambda under, over: losses.Newsvendor(float(under), float(over)), "newsvendor:UNDER:OVER"),
    "squared": (losses.Squared, "squared"),
    "pca": (lambda rank="1": losses.PCA(int(rank)), "pca[:RANK]"),
}


@app.command("test")
def compare_tables(
    first: Annotated[str, typer.Argument(help="A table: CSV, TSV, JSON or Parquet; - is the standard input.")],
    second: Annotated[str, typer.Argument(help="Another, with the same columns.")],
    loss: Annotated[str, typer.Option(help=f"What counts: {', '.join(form for _, form in LOSSES.values())}.")] = "kde",
    columns: Annotated[str, typer.Option(help="Columns to compare, comma-separated; else all that both have.")] = "",
    kind: Annotated[str, typer.Option(help="min (H-Min) or js (H-Jensen-Shannon).")] = "min",
    mixture: Annotated[str, typer.Option(help="pooled_eval, subsample or pooled.")] = "pooled_eval",
    resamples: Annotated[int, typer.Option(help="Permutations.")] = 999,
    select: Annotated[float | None, typer.Option(help="Share of the rows on which hyperparameters are chosen.")] = None,
    scale: Annotated[
        bool, typer.Option("--scale", help="Give all columns one spread, that of the pooled rows.")
    ] = False,
    omit: Annotated[bool, typer.Option("--omit", help="Leave out rows with empty cells instead of refusing.")] = False,
    seed: Annotated[int, typer.Option(help="Of the permutations.")] = 0,
    plot: Annotated[Path | None, typer.Option(help="Draw the permuted statistics here: .svg, .png or .pdf.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Test whether two tables differ where it matters for a loss."""
    tables = [read_table(first), read_table(second)]
    names = [name.strip() for name in columns.split(",") if name.strip()] or _shared_numbers(tables)
    samples = [np.stack([number_column(table, name, missing=omit) for name in names], axis=1) for table in tables]
    if scale:
        spread = np.nanstd(np.concatenate(samples), axis=0)
        samples = [rows / np.where(spread > 0, spread, 1) for rows in samples]
    chosen: Any = kind
    rule: Any = mixture
    result = h_test(
        *samples,
        loss=parse_loss(loss),
        kind=chosen,
        mixture=rule,
        n_resamples=resamples,
        select=select,
        rng=seed,
        nan_policy="omit" if omit else "raise",
    )
    if plot is not None:
        _draw(result, loss, plot)
    said = {
        "columns": names,
        "rows": [len(rows) for rows in samples],
        "loss": loss,
        **{key: value for key, value in dataclasses.asdict(result).items() if key != "null_distribution"},
    }
    if as_json:
        print(json.dumps(said, indent=2))
        return
    table = Table(box=box.SIMPLE, caption=f"{loss}, {', '.join(names)}; {result.n_resamples:,} permutations.")
    for title in ("rows", "H-divergence", "p", "entropy of the first", "of the second", "of the mixture"):
        table.add_column(title, justify="right")
    rows = " and ".join(f"{len(one):,}" for one in samples)
    table.add_row(rows, *(f"{value:.4g}" for value in (result.statistic, result.pvalue, *result.entropies)))
    Console(highlight=False).print(table)


def parse_loss(text: str) -> Loss:
    """Return the loss that a text such as `newsvendor:9:1` names.

    Raises:
        ValueError: an unknown name, or numbers that do not fit.
    """
    name, *numbers = text.split(":")
    forms = ", ".join(form for _, form in LOSSES.values())
    if name not in LOSSES:
        raise ValueError(f"loss is {text!r}; expected one of {forms}.")
    try:
        return LOSSES[name][0](*numbers)
    except (TypeError, ValueError) as error:
        if "; expected " in str(error):
            raise
        raise ValueError(f"loss is {text!r}; expected {LOSSES[name][1]}.") from None


def _number_or_word(text: str) -> float | str:
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text


def _shared_numbers(tables: list[Any]) -> list[str]:
    """The names of the number columns that both tables have, in the first one's order."""
    numbers = [list(table.select_dtypes("number").columns) for table in tables]
    shared = [name for name in numbers[0] if name in numbers[1]]
    if not shared:
        raise ValueError(f"tables have the number columns {numbers[0]} and {numbers[1]}; expected one in both.")
    return shared


def _draw(result: HTestResult, loss: str, path: Path) -> None:
    from matplotlib.figure import Figure

    suffix = path.suffix.lower().lstrip(".")
    if suffix not in ("svg", "png", "pdf"):
        raise ValueError(f"plot is {str(path)!r}; expected a name that ends in .svg, .png or .pdf.")
    figure = Figure(figsize=(6, 3.2), layout="constrained")
    axes = figure.add_subplot()
    axes.hist(result.null_distribution, bins=40, color="#9aa7b5", label="permuted")
    axes.axvline(result.statistic, color="#c0392b", label="observed")
    axes.set(xlabel=f"H-divergence ({loss})", ylabel="permutations", title=f"p = {result.pvalue:.3g}")
    axes.legend(frameon=False)
    content = io.BytesIO()
    figure.savefig(content, format=suffix, metadata={"Date": None} if suffix == "svg" else None)
    write_bytes(path, content.getvalue())
