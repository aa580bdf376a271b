"""The judge is judged: 200 statements of known truth go through the whole engine, store and evidence file included.

They are those of benchmarks/calibration_room; the script beside it, benchmarks/calibrated_judge.py, installs the room,
runs it, and writes what came of it into the docs.
"""

import importlib
import json
import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from paperwright.registry import Room

ROOT = Path(__file__).parents[2]
HALF = 0.025  # what is promised of each wrong verdict
WORLDS = 5


@pytest.fixture(scope="module")
def script() -> Iterator[ModuleType]:
    sys.path.insert(0, str(ROOT / "benchmarks"))
    yield importlib.import_module("calibrated_judge")
    sys.path.remove(str(ROOT / "benchmarks"))
    for name in ("calibrated_judge", "error_rates"):
        del sys.modules[name]


@pytest.fixture(scope="module")
def room(script: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with script.installed(tmp_path_factory.mktemp("site")) as found:
        yield found


@pytest.fixture(scope="module")
def away(room: Room) -> dict[str, float]:
    """For each statement, how far it lies from its border: above 0 true, below 0 false."""
    return dict(room.claims_module().AWAY)


@pytest.fixture(scope="module")
def recorded(script: ModuleType) -> dict[str, Any]:
    return dict(json.loads(script.RESULTS.read_text(encoding="utf-8")))


def at_most(rate: float, of: int) -> float:
    """The count with three standard deviations of chance."""
    return rate * of + 3 * math.sqrt(rate * (1 - rate) * of)


def test_200_statements_of_known_truth_are_judged_rightly(
    script: ModuleType, room: Room, away: dict[str, float], tmp_path: Path
) -> None:
    checked, stored, read = script.through_engine(room, tmp_path)
    assert len(checked) == 200
    assert checked == stored == read
    counts = script.tally(away, checked)
    assert sum(sum(each.values()) for each in counts.values()) == 200  # each has one of the three verdicts
    for verdict in ("holds", "fails"):
        mistakes, of = script.wrong(counts, verdict)
        assert of > 100
        assert mistakes <= 0.05 * of, f"{mistakes} of {of} false {verdict}"
    for place, verdict in (("clearly true", "holds"), ("clearly false", "fails")):
        assert counts[place][verdict] >= 0.95 * sum(counts[place].values())
    assert counts["on the border"]["undecided"] >= 0.9 * sum(counts["on the border"].values())


def test_each_wrong_verdict_is_as_rare_as_promised_on_other_seeds(
    script: ModuleType, room: Room, away: dict[str, float]
) -> None:
    counts = script.tally(away, *script.redrawn(room, WORLDS))
    for verdict in ("holds", "fails"):
        mistakes, of = script.wrong(counts, verdict)
        assert mistakes <= at_most(HALF, of)
        border = counts["on the border"]
        assert border[verdict] <= at_most(HALF, sum(border.values()))


def test_every_rule_is_among_the_statements_true_and_false(room: Room, away: dict[str, float]) -> None:
    from paperwright.claims import All
    from paperwright.claims.rules.rule_text import RULES

    public = [name for name, rule in RULES.items() if rule is not All]
    stated = room.claims_module().statements
    for name in public:
        found = {away[f"statements/{path}"] > 0 for path, claim in stated.items() if type(claim.rule).__name__ == name}
        assert found == {True, False}, name


def test_the_docs_say_what_is_recorded(script: ModuleType, recorded: dict[str, Any]) -> None:
    for page in script.PARTS:
        text = (ROOT / "docs" / page).read_text(encoding="utf-8")
        assert script.with_parts(page, text, recorded) == text
    drawn = re.search(r'aria-label="([^"]*)"', script.FIGURE.read_text(encoding="utf-8"))
    assert drawn is not None
    assert drawn[1] == script.power_in_words(recorded)


def test_what_is_recorded_keeps_the_promise(
    script: ModuleType, recorded: dict[str, Any], away: dict[str, float]
) -> None:
    places = script.tally(away)
    for counts, times in ((recorded["engine"], 1), (recorded["redrawn"], recorded["worlds"])):
        for place, within in script.PLACES.items():
            assert sum(counts[place].values()) == times * sum(map(within, away.values()))
        assert counts.keys() == places.keys()
        for verdict in ("holds", "fails"):
            mistakes, of = script.wrong(counts, verdict)
            assert mistakes <= at_most(HALF, of)
    seeds = recorded["power"]["seeds"]
    at_20 = {effect: cells[seeds.index(20)] for effect, cells in recorded["power"]["shares"].items()}
    assert max(at_20["0.0"][:2]) <= at_most(HALF, recorded["samples"]) / recorded["samples"]
    assert at_20["1.0"][0] > 0.9
    assert recorded["needed"]["1.0"]["80%"] < 20 < recorded["needed"]["0.25"]["80%"]


def test_the_docs_and_the_error_rates_agree(script: ModuleType, recorded: dict[str, Any]) -> None:
    text = (script.HERE / "results" / "error_rates.md").read_text(encoding="utf-8")
    looks = ", ".join(map(str, recorded["errors"]["looks"]))
    _, _, section = text.partition(f"### Seeds looked at: {looks}\n")
    section = section.partition("\n## ")[0].partition("\n### ")[0]
    for name, cells in recorded["errors"]["means"].items():
        assert f"| {name} | {' | '.join(map(script.percent, cells))} |" in section
