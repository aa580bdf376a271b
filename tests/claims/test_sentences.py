"""What a rule found, in the words of a person."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from paperwright.claims import (
    Above,
    All,
    Always,
    Below,
    Budget,
    Claim,
    CloseTo,
    Equivalent,
    Exponent,
    Greater,
    Judgement,
    Ladder,
    Less,
    Never,
    Ordered,
    Proportion,
    Reported,
    Rule,
    judge,
)
from paperwright.claims.reports import amounts, summary
from paperwright.claims.reports.figure import arms_figure, effects_figure
from paperwright.claims.reports.sentences import in_short, sentences
from paperwright.stats import Interval


def judged(rule: Rule, numbers: Mapping[str, Sequence[Mapping[str, float]]], **more: Any) -> Judgement:
    """The judgement on some arms' numbers, a mapping for each seed."""
    seeds = len(next(iter(numbers.values())))
    claim = Claim(
        "It is so.",
        arms=list(numbers),
        rule=rule,
        budgets={"desk": Budget(seeds=seeds)},
        trial=lambda arm, **_: {},
        scale="the whole of it",
        **more,
    )
    return judge("toy/so", claim, "desk", {arm: dict(enumerate(runs)) for arm, runs in numbers.items()})


def runs(name: str, *values: float, **others: float) -> list[dict[str, float]]:
    return [{name: value, **others} for value in values]


SPREAD = (0.0, 1.0, 2.0, 0.5, 1.5, 1.2, 0.8, 0.9)
LOW, HIGH = [50 + value for value in SPREAD], [53.2 + value * 1.1 for value in SPREAD]
GAIN = {"none": runs("accuracy", *LOW), "rewired": runs("accuracy", *HIGH)}


def said(judgement: Judgement) -> list[str]:
    return [str(each) for each in sentences(judgement)]


@pytest.mark.parametrize(
    ("rule", "numbers", "found"),
    [
        (
            Never("violations"),
            {f"setting {place}": runs("violations", *[0.0] * 24) for place in range(10)},
            ["no violations in 240 tries over 10 settings"],
        ),
        (
            All(*(Never("missing", arm=arm) for arm in "abcde"), Never("lost", arm="f")),
            {arm: runs("missing", 0, 0, lost=0) for arm in "abcdef"},
            ["missing: none in 10 tries over 5 settings", "lost of f: none in 2 tries"],
        ),
        (
            Never("violations", of="pairs"),
            {"only": runs("violations", 0, 0, pairs=60_510)},
            ["no violations in 121,020 pairs"],
        ),
        (
            Never("violations"),
            {"only": runs("violations", 0, 3, 7, 0)},
            ["violations in 2 of 4 tries, up to 7, expected none"],
        ),
        (
            Never("share", tolerance=0.5),
            {"only": runs("share", 0.1, 0.25, 0.2)},
            ["share at most 0.25 in every one of 3 tries, expected at most 0.5"],
        ),
        (
            Always("told_apart", at_least=1),
            {"only": runs("told_apart", 5, 9, 7)},
            ["told apart: 5 or more in every one of 3 tries, expected at least 1"],
        ),
        (Greater("accuracy", "rewired", than="none"), GAIN, ["accuracy of rewired +3.30 [3.25, 3.35] over none"]),
        (Less("accuracy", "none", than="rewired"), GAIN, ["accuracy of none -3.30 [-3.35, -3.25] against rewired"]),
        (
            Greater("accuracy", "rewired", than="none", by=2.0),
            GAIN,
            ["accuracy of rewired +3.30 [3.25, 3.35] over none, expected more than +2"],
        ),
        (
            Equivalent("accuracy", "rewired", to="none", within=5.0),
            GAIN,
            ["accuracy of rewired +3.30 [3.25, 3.35] over none, expected 5 apart at most"],
        ),
        (Ordered("accuracy", ["none", "rewired"]), GAIN, ["accuracy rises in the order none < rewired"]),
        (
            Proportion("accuracy", above=0.2, arm="rewired", exceeds=54.0),
            GAIN,
            ["accuracy of rewired above 54 in 6 of 8 runs: 75% [35, 97], expected more than 20%"],
        ),
        (
            All(Above("accuracy", 40.0, arm="none"), Above("accuracy", 40.0, arm="rewired")),
            GAIN,
            ["accuracy 50.99 to 54.29 in 2 settings, expected each above 40"],
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Rule) else "",
)
def test_a_finding_is_said_as_a_person_says_it(
    rule: Rule, numbers: Mapping[str, Sequence[Mapping[str, float]]], found: list[str]
) -> None:
    assert said(judged(rule, numbers)) == found


def test_the_exponent_a_closed_form_and_a_ladder() -> None:
    growing = {
        name: runs("seconds", *(size * (1 + 0.01 * seed) for seed in range(5)))
        for name, size in (("1k", 1.0), ("2k", 2.0))
    }
    found = said(judged(Exponent("seconds", {"1k": 1000, "2k": 2000}, at_most=1.5), growing))
    assert found[0].startswith("seconds grows as size to the power of 1")
    assert "expected at most 1.5" in found[0]
    close = {"only": runs("sum", *(4 + 0.001 * value for value in SPREAD))}
    assert said(judged(CloseTo("sum", 4.0, within=0.01), close)) == [
        "sum off 4 by 0.0010 [0.0005, 0.0015], expected within 0.01"
    ]
    rungs = {10: ("a", "b"), 100: ("a", "b"), 1000: ("a", "b")}
    ladder = judged(Ladder("accuracy", rungs, "grows"), {"a": GAIN["rewired"], "b": GAIN["none"]})
    (found_,) = said(ladder)
    assert found_.startswith("accuracy: the difference changes by ")
    assert "per tenfold size, from 10 to 1,000, expected growth (the effect" in found_


def test_numbers_have_the_unit_of_their_metric() -> None:
    rule = Greater("accuracy", "rewired", than="none", by=1.0)
    assert said(judged(rule, GAIN, units={"accuracy": "%"})) == [
        "accuracy of rewired +3.30 points [3.25, 3.35] over none, expected more than +1 points"
    ]
    parts = {arm: [{"accuracy": each["accuracy"] / 100} for each in found] for arm, found in GAIN.items()}
    paper = [Reported(55.0, "accuracy", arm="rewired", where="Table 2", scale=0.01)]
    plain = Greater("accuracy", "rewired", than="none")
    assert said(judged(plain, parts, reported=paper)) == ["accuracy of rewired +3.30 points [3.25, 3.35] over none"]
    timed = {"only": runs("seconds", 3.0, 3.1, 2.9, 3.05, 2.95)}
    assert said(judged(Below("seconds", 10.0), timed, units={"seconds": "s"})) == [
        "seconds 3.00 s [2.90, 3.10], expected below 10 s"
    ]
    with pytest.raises(TypeError, match="expected a text for each metric"):
        judged(plain, GAIN, units={"accuracy": 100})


def test_units_are_no_terms_of_a_claim() -> None:
    """Evidence stands when a unit is added."""
    rule = Greater("accuracy", "rewired", than="none")
    before, after = judged(rule, GAIN), judged(rule, GAIN, units={"accuracy": "%"})
    assert before.revision.digest == after.revision.digest


def test_what_is_not_as_claimed_comes_first_and_the_rest_is_counted() -> None:
    numbers = {arm: runs("lost", 0, 0, won=1, odd=1) for arm in "abc"}
    held = All(*(Never("lost", arm=arm) for arm in "abc"), *(Always("won", 1, arm=arm) for arm in "abc"))
    assert in_short(judged(held, numbers), 1) == [
        "lost: none in 6 tries over 3 settings",
        "3 more conditions, all hold",
    ]
    mixed = judged(All(held, Never("odd", arm="b")), numbers)
    assert in_short(mixed, 1) == [
        "odd of b in 2 of 2 tries, up to 1, expected none: fails",
        "6 more conditions, all hold",
    ]
    assert summary.effects(mixed, most=9)[0] == "odd of b in 2 of 2 tries, up to 1, expected none: fails"


def test_a_rule_of_someone_else_is_said_by_its_label() -> None:
    class Mine(Above):
        """A rule of another package."""

    judgement = judged(Mine("accuracy", 40.0, arm="rewired"), GAIN)
    assert said(judgement) == ["accuracy: rewired 54.3 [53.7, 54.9], expected above 40"]


def test_what_has_nothing_to_measure_draws_no_axis() -> None:
    never = judged(Never("violations"), {"a": runs("violations", 0, 0, 0), "b": runs("violations", 0, 0, 0)})
    assert arms_figure(never, salt="a") == effects_figure(never, salt="b") == ""
    both = judged(
        All(Never("violations", arm="a"), Above("gain", 0.0, arm="a")), {"a": runs("gain", *HIGH, violations=0)}
    )
    for drawn in (arms_figure(both, salt="a"), effects_figure(both, salt="b")):
        texts = re.findall(r">([^<>]+)</text>", drawn)
        assert any("gain" in text for text in texts)
        assert not any("violations" in text for text in texts)


def test_the_papers_figure_is_said_with_its_arm_and_its_place_once() -> None:
    paper = [
        Reported(53.2, "accuracy", arm="none", where="Table 2, undirected"),
        Reported(57.54, "accuracy", arm="rewired", where="Table 2, SDRF + undirected"),
    ]
    judgement = judged(Greater("accuracy", "rewired", than="none"), GAIN, reported=paper)
    assert summary.paper_figures(judgement) == "none: 53.2; rewired: 57.54 (Table 2)"
    other = [Reported(0.25, "error on ZINC", arm="none", where="Table 3"), Reported(0.9, "best", where="Figure 7")]
    judgement = judged(Greater("accuracy", "rewired", than="none"), GAIN, reported=other)
    assert summary.paper_figures(judgement) == "error on ZINC of none: 0.25; best: 0.9 (Table 3; Figure 7)"


def test_an_arm_that_the_paper_reports_is_drawn_though_the_rule_does_not_speak_of_it() -> None:
    paper = [Reported(53.2, "accuracy", arm="official", where="Table 2")]
    numbers = {**GAIN, "official": GAIN["none"], "other": GAIN["none"]}
    drawn = arms_figure(judged(Greater("accuracy", "rewired", than="none"), numbers, reported=paper), salt="a")
    assert "official" in drawn
    assert "The paper, official: 53.2 (Table 2)" in drawn
    assert "other" not in drawn


@pytest.mark.parametrize(
    ("estimate", "low", "high", "unit", "found"),
    [
        (3.2432, 1.336, 5.093, "%", "3.2% [1.3, 5.1]"),
        (0.0637, 0.02921, 0.103, "share", "6.4% [2.9, 10.3]"),
        (-0.2019, -32.77, 32.45, "", "0 [-33, 32]"),
        (12345.6, 11000.0, 13000.0, "", "12,346 [11,000, 13,000]"),
        (2.5e-6, 1e-6, 4e-6, "", "0.0000025 [0.0000010, 0.0000040]"),
        (5.0, 5.0, 5.0, "s", "5 s"),
        (5.0, float("-inf"), float("inf"), "", "5"),
    ],
)
def test_an_interval_is_written_as_exactly_as_it_is_known(
    estimate: float, low: float, high: float, unit: str, found: str
) -> None:
    assert amounts.interval(Interval(estimate, low, high, 0.95, "t"), unit) == found
