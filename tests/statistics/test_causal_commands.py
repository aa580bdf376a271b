"""The verbs of the room in a shell."""

import json
import re

import numpy as np
import pytest
from typer.testing import CliRunner

from paperwright.statistics.causal.commands import app
from paperwright.statistics.causal.experiment import draw_four_candidates


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def file(tmp_path):
    X, y, environment = draw_four_candidates(np.random.default_rng(3), 400)
    rows = [
        f"{a},{b},{c},{d},{target},place{int(e)}" for (a, b, c, d), target, e in zip(X, y, environment, strict=True)
    ]
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["a,b,c,d,sales,place", *rows]), encoding="utf-8")
    return path


def test_causes_of_a_column(file):
    shown = run("icp", file, "--target", "sales", "--environment", "place")
    assert shown.exit_code == 0, shown.output
    assert len(re.findall("yes", shown.output)) == 2
    found = json.loads(run("icp", file, "--target", "sales", "--environment", "place", "--json").output)
    assert found["parents"] == ["a", "b"]
    assert set(found["p_values"]) == set("abcd")


def test_changed_mechanisms_of_a_file(file):
    edges = [part for edge in ("a:b", "a:sales", "b:sales", "sales:c", "sales:d", "c:d") for part in ("--edge", edge)]
    shown = run("changed", file, "--environment", "place", *edges)
    assert shown.exit_code == 0, shown.output
    found = json.loads(run("changed", file, "--environment", "place", *edges, "--json").output)
    assert "sales" not in found["changed"]
    assert found["nats"]["sales"] < 0.05 < found["nats"]["a"]


def test_the_ladder_and_the_race(tmp_path):
    shown = run("ladder")
    assert shown.exit_code == 0, shown.output
    assert "statistical" in shown.output
    assert "NOT SO" not in shown.output
    picture = tmp_path / "race.svg"
    shown = run("race", "--draws", 5, "--steps", 20, "--values", 4, "--plot", picture)
    assert shown.exit_code == 0, shown.output
    assert picture.read_bytes().startswith(b"<?xml")
    curves = json.loads(run("race", "--draws", 5, "--steps", 20, "--values", 4, "--json").output)
    assert len(curves["causal"]) == 21
    assert np.mean(curves["causal"]) < np.mean(curves["anticausal"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["changed", "FILE", "--environment", "place", "--edge", "a-b"], "cause:effect"),
        (["race", "--changes", "both"], "cause, effect or nothing"),
        (["race", "--draws", "2", "--steps", "2", "--plot", "race.pdf"], ".svg or .png"),
    ],
)
def test_refusals(file, arguments, message):
    shown = run(*[file if argument == "FILE" else argument for argument in arguments])
    assert shown.exit_code == 2
    assert message in " ".join(shown.output.split())


def test_a_column_that_is_not_there_is_named(file):
    assert "column is 'profit'; expected one of the table's" in str(
        run("icp", file, "--target", "profit", "--environment", "place").exception
    )
