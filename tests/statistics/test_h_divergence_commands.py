"""`paperwright h_divergence test`: two files, a table, a plot, JSON."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from paperwright.cli import app
from paperwright.statistics.h_divergence import h_test, losses


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    rng = np.random.default_rng(0)
    for name, shift in (("before", 0.0), ("after", 2.0)):
        lines = [f"{a:.6f},{b:.6f},x" for a, b in rng.normal(shift, 1, (40, 2))]
        (tmp_path / f"{name}.csv").write_text("\n".join(["demand,price,note", *lines]) + "\n")
    return str(tmp_path / "before.csv"), str(tmp_path / "after.csv")


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["h_divergence", "test", *arguments])


def test_json_holds_what_the_function_returns(files: tuple[str, str]) -> None:
    done = run(*files, "--loss", "newsvendor:9:1", "--columns", "demand", "--resamples", "99", "--json")
    assert done.exit_code == 0, done.output
    said = json.loads(done.output)
    columns = [np.loadtxt(file, delimiter=",", skiprows=1, usecols=0) for file in files]
    result = h_test(*columns, loss=losses.Newsvendor(9, 1), n_resamples=99, rng=0)
    assert said["statistic"] == pytest.approx(result.statistic)
    assert said["pvalue"] == result.pvalue == 0.01
    assert said["rows"] == [40, 40]


def test_a_table_and_a_picture(files: tuple[str, str], tmp_path: Path) -> None:
    picture = tmp_path / "null.svg"
    done = run(*files, "--resamples", "39", "--scale", "--plot", str(picture))
    assert done.exit_code == 0, done.output
    assert "demand, price" in done.output
    assert picture.read_bytes().startswith(b"<?xml")


@pytest.mark.parametrize(
    "loss", ["kde:0.5", "kde:scott", "gaussian:diag", "mixture:2", "kernel", "squared", "pca:1", "pinball:0.5"]
)
def test_every_loss_can_be_named(files: tuple[str, str], loss: str) -> None:
    columns = ["--columns", "demand"] if loss.startswith("pinball") else []
    done = run(*files, "--loss", loss, "--resamples", "19", "--json", *columns)
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--loss", "newsvendor"], "expected newsvendor:UNDER:OVER"),
        (["--loss", "best"], "expected one of kde[:BANDWIDTH]"),
        (["--loss", "pinball:2"], "tau is 2"),
        (["--columns", "demnad"], "Did you mean 'demand'?"),
        (["--columns", "note"], "note in row 1 is 'x'"),
        (["--plot", "null.doc"], "expected a name that ends in .svg"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(files: tuple[str, str], arguments: list[str], said: str) -> None:
    done = run(*files, "--resamples", "19", *arguments)
    assert done.exit_code != 0
    assert said in str(done.exception or done.output)


def test_empty_cells_are_refused_or_left_out(files: tuple[str, str]) -> None:
    with Path(files[0]).open("a") as file:
        file.write(",1.0,x\n")
    assert "demand in row 41 is empty" in str(run(*files).exception)
    done = run(*files, "--omit", "--loss", "squared", "--resamples", "19", "--json")
    assert done.exit_code == 0, done.output
