"""What every rule measures, held against the interval of `stats` that it stands for; and every refusal, in full."""

import math
import re
from collections.abc import Callable

import numpy as np
import pytest

from paperwright import stats
from paperwright.claims import (
    Above,
    All,
    Always,
    Below,
    CloseTo,
    Equivalent,
    Exponent,
    Greater,
    Ladder,
    Less,
    Never,
    Ordered,
    Proportion,
    Rule,
    Verdict,
)
from paperwright.claims.rules.rule import Finding, Part, Region, Sample, difference_of, mean_of, rounding
from paperwright.claims.rules.rule_text import rule_of, rule_text
from paperwright.stats import Interval

LEVEL = 0.9
SCORES = {"a": [0.21, 0.34, 0.28, 0.45, 0.39], "b": [0.61, 0.72, 0.55, 0.94, 0.83], "c": [0.5, 0.3, 0.2, 0.4, 0.6]}
FORM, OTHER_FORM = [0.25, 0.3, 0.35, 0.4, 0.45], [0.5, 0.6, 0.7, 0.8, 0.9]
HITS, SHOTS = [3.0, 5.0, 0.0, 4.0, 2.0], [5.0, 9.0, 4.0, 8.0, 5.0]
A, B, C, FORMS = (np.array(values) for values in (*SCORES.values(), FORM))
SAMPLE = Sample(
    {
        arm: [
            {"score": score, "form": form, "hits": hits, "shots": shots}
            for score, form, hits, shots in zip(
                scores,
                FORM if arm == "a" else OTHER_FORM,
                HITS if arm == "a" else SHOTS,  # elsewhere every shot hits
                SHOTS,
                strict=True,
            )
        ]
        for arm, scores in SCORES.items()
    }
)
UNIT = (0.0, 2.0)


def guarded(values: np.ndarray, resolution: float = 0.0) -> Interval:
    return stats.guarded_mean_interval(values, LEVEL, resolution=resolution)


def bounded(values: np.ndarray, low: float, high: float) -> Interval:
    return stats.bounded_mean_interval(values, low, high, LEVEL)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Above("score", 0.1, arm="a"), guarded(A)),
        (Below("score", 0.1, arm="b", bounds=UNIT), bounded(B, 0.0, 2.0)),
        (CloseTo("score", 0.3, 0.1, arm="a"), guarded(A - 0.3, rounding(A, np.array([0.3])))),
        (CloseTo("score", -0.3, 0.1, True, arm="a"), guarded((A + 0.3) / 0.3)),
        (CloseTo("score", "form", 0.1, arm="a"), guarded(A - FORMS)),
        (CloseTo("score", "form", 0.1, relative=True, arm="a"), guarded((A - FORMS) / FORMS)),
        (CloseTo("score", "form", 0.1, arm="a", bounds=UNIT), bounded(A - FORMS, -2.0, 2.0)),
        (CloseTo("score", 0.5, 0.1, arm="a", bounds=UNIT), bounded(A - 0.5, -0.5, 1.5)),
        (CloseTo("score", 0.5, 0.1, True, arm="a", bounds=UNIT), bounded((A - 0.5) / 0.5, -1.0, 3.0)),
        (Greater("score", "b", than="a"), guarded(B - A)),
        (Greater("score", "b", than="a", times=2.0), guarded(B - 2 * A)),
        (Less("score", "a", than="b", paired=False), stats.guarded_difference_interval(A, B, LEVEL)),
        (Greater("score", "b", than="a", bounds=UNIT), bounded(B - A, -2.0, 2.0)),
        (Greater("score", "b", than="a", times=-2.0, bounds=UNIT), bounded(B + 2 * A, 0.0, 6.0)),
        (Equivalent("score", "a", to="c", within=0.1), guarded(A - C)),
        (Equivalent("score", "a", to="c", within=0.1, bounds=UNIT), bounded(A - C, -2.0, 2.0)),
        (Equivalent("score", "a", to="b", within=0.1, paired=False), stats.guarded_difference_interval(A, B, LEVEL)),
        (Ordered("score", ["a", "b"]), guarded(B - A)),
        (Ordered("score", ["a", "b"], bounds=UNIT), bounded(B - A, -2.0, 2.0)),
        (Ordered("score", ["a", "b"], paired=False), stats.guarded_difference_interval(B, A, LEVEL)),
        (
            Proportion("hits", above=0.1, of="shots", arm="a"),
            stats.clustered_proportion_interval(HITS, SHOTS, LEVEL),
        ),
        (
            Proportion("score", above=0.1, exceeds=0.3, arm="a"),
            stats.proportion_interval(3, 5, level=LEVEL, method="exact"),
        ),
        (
            Exponent("score", {"a": 1.0, "b": 4.0, "c": 2.0}, at_most=1.0),
            guarded(np.array([stats.power_law_exponent([1.0, 4.0, 2.0], column) for column in np.stack([A, B, C]).T])),
        ),
        (Never("score", arm="a"), Interval(0.45, 0.45, 0.45, LEVEL, "greatest of all trials")),
        (
            Never("hits", of="shots"),
            Interval(9.0, 9.0, 9.0, LEVEL, "greatest of all trials", "shots: 93 in all trials"),
        ),
        (Always("score", 0.1, arm="b"), Interval(0.55, 0.55, 0.55, LEVEL, "least of all trials")),
        (Always("score", 0.1), Interval(0.2, 0.2, 0.2, LEVEL, "least of all trials")),
    ],
    ids=str,
)
def test_the_effect_is_the_interval_of_the_seeds_own_numbers(rule: Rule, expected: Interval) -> None:
    (finding,) = rule.judge(SAMPLE, LEVEL, final=True)
    got = finding.interval
    assert (got.estimate, got.low, got.high) == pytest.approx((expected.estimate, expected.low, expected.high))
    assert (got.level, got.method, got.note) == (expected.level, expected.method, expected.note)


@pytest.mark.parametrize("bounds", [None, (-0.5, 1.5)])
def test_the_trend_of_an_effect_is_the_slope_on_the_logarithm_of_size(bounds: tuple[float, float] | None) -> None:
    rungs = {1.0: ("b", "a"), 100.0: ("b", "c"), 10.0: ("c", "a")}
    (finding,) = Ladder("score", rungs, expects="grows", bounds=bounds).judge(SAMPLE, LEVEL, final=True)
    slopes = np.polyfit([0.0, 2.0, 1.0], np.stack([B - A, B - C, C - A]), 1)[0]  # weights -1/2, 1/2, 0
    expected = guarded(slopes) if bounds is None else bounded(slopes, -2.0, 2.0)
    assert (finding.interval.estimate, finding.interval.low, finding.interval.high) == pytest.approx(
        (expected.estimate, expected.low, expected.high)
    )
    assert finding.interval.level == LEVEL


def test_unpaired_arms_with_bounds_have_an_interval_each_at_half_the_error() -> None:
    got = difference_of(A, B, 0.8, paired=False, exact=False, bounds=((0.0, 2.0), (0.0, 3.0)))
    first, second = (stats.bounded_mean_interval(x, 0.0, most, 0.9) for x, most in ((A, 2.0), (B, 3.0)))
    assert got == Interval(
        first.estimate - second.estimate,
        first.low - second.high,
        first.high - second.low,
        0.8,
        "bounded, betting, of two arms",
    )


@pytest.mark.parametrize(
    ("rule", "estimate"),
    [
        (Above("score", 0.0, arm="a"), 0.4),
        (CloseTo("score", "form", 1.0, arm="a"), 0.4 - 0.5),
        (CloseTo("score", "form", 1.0, relative=True, arm="a"), -0.2),
        (Greater("score", "b", than="a", times=2.0, paired=False), 0.9 - 0.8),
        (Exponent("score", {"a": 1.0, "b": 2.0}, at_most=9.0), math.log2(0.9 / 0.4)),
        (Proportion("hits", above=0.1, of="shots", arm="a"), 0.75),
        (Proportion("hits", above=0.1, of="one", arm="b"), 1.0),
        (Proportion("score", above=0.1, exceeds=0.4, arm="b"), 1.0),
        (Proportion("score", above=0.1, exceeds=0.4, arm="a"), 0.0),
    ],
)
def test_without_randomness_the_effect_is_a_point(rule: Rule, estimate: float) -> None:
    sample = Sample(
        {
            "a": [{"score": 0.4, "form": 0.5, "hits": 3.0, "shots": 4.0, "one": 1.0}],
            "b": [{"score": 0.9, "form": 0.1, "hits": 1.0, "shots": 9.0, "one": 1.0}],
        },
        exact=True,
    )
    (finding,) = rule.judge(sample, LEVEL, final=True)
    assert finding.interval.estimate == pytest.approx(estimate)
    assert (finding.interval.width, finding.interval.level, finding.interval.method) == (0.0, LEVEL, "exact")


@pytest.mark.parametrize("exact", [False, True])
def test_a_proportion_of_no_attempts_is_open(exact: bool) -> None:
    none = Sample({"only": [{"hits": 0.0, "shots": 0.0}] * 3}, exact)
    (finding,) = Proportion("hits", above=0.1, of="shots").judge(none, LEVEL, final=True)
    assert finding.interval == Interval(0.5, 0.0, 1.0, LEVEL, "open", "no attempts yet")
    assert (finding.verdict, finding.reason) == (Verdict.UNDECIDED, "no attempts yet")


@pytest.mark.parametrize("hits", [-1.0, 6.0, 2.5])
def test_successes_are_whole_and_no_more_than_attempts(hits: float) -> None:
    sample = Sample({"only": [{"hits": hits, "shots": 5.0}]})
    with pytest.raises(ValueError, match=r"^'hits' must count successes, from 0 to the number of attempts; got \["):
        Proportion("hits", above=0.1, of="shots").judge(sample, LEVEL, final=True)


REGIONS = {
    Region(low=0.5): "above 0.5",
    Region(low=0.5, closed=True): "at least 0.5",
    Region(high=0.5): "below 0.5",
    Region(high=0.5, closed=True): "at most 0.5",
    Region(-0.5, 0.25, closed=True): "from -0.5 to 0.25",
}


@pytest.mark.parametrize(("region", "words"), REGIONS.items(), ids=REGIONS.values())
def test_a_region_says_where_the_effect_must_lie(region: Region, words: str) -> None:
    assert str(region) == words
    finding = Finding("gain", Interval(0.123456, 0.1, 0.25, 0.9, "t"), region, Verdict.HOLDS)
    assert str(finding) == f"gain = 0.1235 [0.1, 0.25], expected {words}"
    point = Finding("gain", Interval(1.0, 1.0, 1.0, 0.9, "exact"), region, Verdict.HOLDS)
    assert str(point) == f"gain = 1, expected {words}"


@pytest.mark.parametrize(
    ("region", "low", "high", "expected"),
    [
        (Region(0.0, 1.0), 0.1, 0.9, Verdict.HOLDS),
        (Region(0.0, 1.0), 0.0, 0.9, Verdict.UNDECIDED),
        (Region(0.0, 1.0), 0.1, 1.0, Verdict.UNDECIDED),
        (Region(0.0, 1.0, closed=True), 0.0, 1.0, Verdict.HOLDS),
        (Region(0.0, 1.0), -0.2, -0.1, Verdict.FAILS),
        (Region(0.0, 1.0), -0.2, 0.0, Verdict.UNDECIDED),
        (Region(0.0, 1.0), 1.1, 1.2, Verdict.FAILS),
        (Region(0.0, 1.0), 1.0, 1.2, Verdict.UNDECIDED),
        (Region(0.0, 1.0), -0.1, 1.1, Verdict.UNDECIDED),
        (Region(low=0.0), 0.1, math.inf, Verdict.HOLDS),
        (Region(high=0.0), -math.inf, -0.1, Verdict.HOLDS),
    ],
)
def test_an_interval_holds_inside_fails_outside_and_straddles_the_border(
    region: Region, low: float, high: float, expected: Verdict
) -> None:
    middle = low if math.isfinite(low) else high
    assert region.verdict(Interval(middle, low, high, 0.9, "t")) is expected


@pytest.mark.parametrize(
    ("rule", "region", "label", "arms", "metrics"),
    [
        (Above("s", 0.5), Region(low=0.5), "s", (), {"s"}),
        (Below("s", 0.5, arm="a"), Region(high=0.5), "s: a", ("a",), {"s"}),
        (CloseTo("s", 0.5, 0.1, arm="a"), Region(-0.1, 0.1, closed=True), "s - 0.5 (a)", ("a",), {"s"}),
        (CloseTo("s", "f", 0.1, relative=True), Region(-0.1, 0.1, closed=True), "(s - f) / f", (), {"s", "f"}),
        (Proportion("s", above=0.2, arm="a"), Region(low=0.2), "proportion of s (a)", ("a",), {"s"}),
        (Proportion("s", above=0.0, below=0.5, of="n"), Region(0.0, 0.5), "proportion of s", (), {"s", "n"}),
        (Proportion("s", below=1.0, exceeds=3.0), Region(high=1.0), "share of seeds with s above 3", (), {"s"}),
        (
            Proportion("s", above=0.5, exceeds=3.0, arm="a"),
            Region(low=0.5),
            "share of seeds with s above 3 (a)",
            ("a",),
            {"s"},
        ),
        (CloseTo("s", 1 / 3, 0.1), Region(-0.1, 0.1, closed=True), "s - 0.333333", (), {"s"}),
        (Exponent("s", {"a": 1.0, "b": 2.0}, at_least=1.0), Region(1.0, closed=True), None, ("a", "b"), {"s"}),
        (Never("s", arm="a", tolerance=0.1), Region(high=0.1, closed=True), "greatest s (a)", ("a",), {"s"}),
        (Always("s", 2.0, arm="a"), Region(2.0, closed=True), "least s (a)", ("a",), {"s"}),
        (Always("s", 2.0), Region(2.0, closed=True), "least s", (), {"s"}),
        (Greater("s", "a", than="b", by=0.1, times=2.0), Region(low=0.1), "s: a - 2 x b", ("a", "b"), {"s"}),
        (Less("s", "a", than="b", by=0.1), Region(high=-0.1), "s: a - b", ("a", "b"), {"s"}),
        (Equivalent("s", "a", to="b", within=0.1), Region(-0.1, 0.1, closed=True), "s: a - b", ("a", "b"), {"s"}),
        (Ordered("s", ["a", "b"]), Region(low=0.0), "s: b - a", ("b", "a"), {"s"}),
        (
            Ladder("s", {1: ("a", "b"), 2: ("c", "d"), 30: ("e", "f")}, "stays", margin=0.5),
            Region(-0.5, 0.5, closed=True),
            "s: a - b, slope per tenfold size over 3 sizes",
            ("a", "b", "c", "d", "e", "f"),
            {"s"},
        ),
    ],
)
def test_what_a_rule_speaks_of(
    rule: Rule, region: Region, label: str | None, arms: tuple[str, ...], metrics: set[str]
) -> None:
    (part,) = rule.parts()
    assert (part.region(), rule.arms(), rule.metrics()) == (region, arms, metrics)
    assert part.label() == (label or "exponent of s in size")


def test_a_rule_of_several_parts_speaks_of_all_and_passes_everything_on() -> None:
    rule = Greater("s", "a", than=["b", "c"], by=1.0, times=2.0, paired=False, bounds=(0.0, 9.0))
    parts: tuple[Part, ...] = rule.parts()
    assert [part.arms() for part in parts] == [("a", "b"), ("a", "c")]
    assert {(part.times, part.paired, part.bounds) for part in parts} == {(2.0, False, (0.0, 9.0))}  # type: ignore[attr-defined]
    ordered = Ordered("s", ["a", "b", "c"], paired=False, bounds=(0.0, 9.0)).parts()
    assert [part.arms() for part in ordered] == [("b", "a"), ("c", "b")]
    assert All(rule, Never("t", arm="d", of="n")).arms() == ("a", "b", "c", "d")
    assert All(rule, Never("t", arm="d", of="n")).metrics() == {"s", "t", "n"}


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda bad: Above("s", bad), "bound"),
        (lambda bad: CloseTo("s", 1.0, bad), "within"),
        (lambda bad: CloseTo("s", bad, 1.0), "value"),
        (lambda bad: CloseTo("s", "f", bad), "within"),
        (lambda bad: Proportion("s", above=bad), "above"),
        (lambda bad: Proportion("s", below=bad), "below"),
        (lambda bad: Proportion("s", above=0.5, exceeds=bad), "exceeds"),
        (lambda bad: Exponent("s", {"a": 1.0, "b": 2.0}, at_least=bad), "at_least"),
        (lambda bad: Exponent("s", {"a": 1.0, "b": 2.0}, at_most=bad), "at_most"),
        (lambda bad: Never("s", tolerance=bad), "tolerance"),
        (lambda bad: Always("s", bad), "at_least"),
        (lambda bad: Greater("s", "a", than="b", by=bad), "by"),
        (lambda bad: Greater("s", "a", than="b", times=bad), "times"),
        (lambda bad: Equivalent("s", "a", to="b", within=bad), "within"),
        (lambda bad: Ladder("s", {1: ("a", "b"), 2: ("c", "d"), 30: ("e", "f")}, "grows", margin=bad), "margin"),
        (lambda bad: Ladder("s", {1: ("a", "b"), 2: ("c", "d"), bad: ("e", "f")}, "grows"), "rungs"),
    ],
)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_none_are_refused_by_name(make: Callable[[float], Rule], said: str, bad: float) -> None:
    with pytest.raises(ValueError, match=f"^{said}: expected a finite number, got {bad}$"):
        make(bad)


RUNGS = {1: ("a", "b"), 2: ("c", "d"), 30: ("e", "f")}


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Proportion("s"), "a proportion needs above=, below= or both"),
        (
            lambda: Proportion("s", above=0.5, below=0.5),
            "a proportion above 0.5 and below 0.5; expected 0 <= above < below <= 1",
        ),
        (lambda: Proportion("s", above=-0.1), "a proportion above -0.1 and below 1; expected 0 <= above < below <= 1"),
        (lambda: Proportion("s", below=1.1), "a proportion above 0 and below 1.1; expected 0 <= above < below <= 1"),
        (lambda: Proportion("s", below=0.0), "a proportion above 0 and below 0; expected 0 <= above < below <= 1"),
        (
            lambda: Proportion("s", above=0.5, of="n", exceeds=0.5),
            "a proportion counts attempts (of=) or seeds above a threshold (exceeds=), not both",
        ),
        (
            lambda: CloseTo("s", "f", 0.1, relative=True, bounds=UNIT),
            "bounds is (0.0, 2.0); the deviation relative to another metric has none. Leave out bounds= or relative=",
        ),
        *(
            (make, "within is -0.1; expected 0 or more: no number lies within less than nothing")
            for make in (
                lambda: Equivalent("s", "a", to="b", within=-0.1),
                lambda: CloseTo("s", 1.0, within=-0.1),
                lambda: CloseTo("s", "f", within=-0.1),
            )
        ),
        (
            lambda: Exponent("s", {"a": 1.0, "b": 2.0}, at_least=2.0, at_most=1.5),
            "an exponent of at least 2 and at most 1.5; expected at_least <= at_most",
        ),
        (lambda: Ordered("s", "ab"), "order: expected at least two arms, got 'ab'"),
        (lambda: Ordered("s", ["a"]), "order: expected at least two arms, got ['a']"),
        (lambda: Greater("s", "a", than=[]), "than: expected the arm to compare with, or several, got none"),
        (lambda: Exponent("s", {"a": 1.0, "b": 2.0}), "an exponent needs at_least=, at_most= or both"),
        (
            lambda: Exponent("s", {"a": 1.0, "b": 1.0}, at_most=1.0),
            "sizes: expected at least two different positive sizes, got {'a': 1.0, 'b': 1.0}",
        ),
        (
            lambda: Exponent("s", {"a": 0.0, "b": 1.0}, at_most=1.0),
            "sizes: expected at least two different positive sizes, got {'a': 0.0, 'b': 1.0}",
        ),
        (lambda: Ladder("s", RUNGS, "stays"), 'margin is 0.0; expected 0 or more, and above 0 for "stays"'),
        (lambda: Ladder("s", RUNGS, "grows", -0.1), 'margin is -0.1; expected 0 or more, and above 0 for "stays"'),
        (
            lambda: Ladder("s", RUNGS, "rises"),
            "expects is 'rises'; expected one of 'grows', 'shrinks', 'stays', 'does not shrink'",
        ),
        *(
            (
                lambda rungs=rungs: Ladder("s", rungs, "grows"),
                f"rungs has the sizes {sorted(rungs)}; expected three or more, above 0, the largest at least ten times "
                "the smallest",
            )
            for rungs in (
                {1: ("a", "b"), 30: ("e", "f")},
                {0: ("a", "b"), 2: ("c", "d"), 30: ("e", "f")},
                {1: ("a", "b"), 2: ("c", "d"), 9.9: ("e", "f")},
            )
        ),
        *(
            (
                lambda make=make: make((1.0, 0.0)),
                "bounds is (1.0, 0.0); expected the metric's least and greatest value, as in (0.0, 1.0)",
            )
            for make in (
                lambda bounds: Below("s", 0.0, bounds=bounds),
                lambda bounds: CloseTo("s", 0.0, 0.1, bounds=bounds),
                lambda bounds: Greater("s", "a", than="b", bounds=bounds),
                lambda bounds: Equivalent("s", "a", to="b", within=0.1, bounds=bounds),
                lambda bounds: Ordered("s", ["a", "b"], bounds=bounds),
                lambda bounds: Ladder("s", RUNGS, "grows", bounds=bounds),
            )
        ),
        (lambda: Greater("s", "a", than="b", bounds=(1.0, 1.0)), "bounds is (1.0, 1.0); expected"),
        (lambda: Greater("s", "a", than="b", bounds=(-math.inf, 1.0)), "bounds is (-inf, 1.0); expected"),
        (lambda: Greater("s", "a", than="b", bounds=(0.0, 1.0, 2.0)), "bounds is (0.0, 1.0, 2.0); expected"),  # type: ignore[arg-type]
    ],
)
def test_a_rule_that_cannot_be_is_refused_in_these_words(make: Callable[[], Rule], said: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(said)}"):
        make()


@pytest.mark.parametrize(
    "make",
    [
        lambda: Proportion("s", above=0.0),
        lambda: Proportion("s", below=1.0),
        lambda: Equivalent("s", "a", to="b", within=0.0),
        lambda: Ladder("s", {1: ("a", "b"), 2: ("c", "d"), 10: ("e", "f")}, "grows"),
        lambda: CloseTo("s", 1.0, within=0.0),
        lambda: Exponent("s", {"a": 1e-9, "b": 1.0}, at_least=0.0),
        lambda: Exponent("s", {"a": 1.0, "b": 2.0}, at_least=1.0, at_most=1.0),
        lambda: Above("s", 0.0, bounds=(0.0, 1.0)),
    ],
)
def test_what_lies_on_the_edge_is_allowed(make: Callable[[], Rule]) -> None:
    assert make().metrics() == {"s"}


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: CloseTo("s", "f", 1.0, relative=True).judge(Sample({"a": [{"s": 1.0, "f": 0.0}]}), 0.9, final=True),
            "(s - f) / f: the closed form is 0, and nothing is close to it relatively",
        ),
        (
            lambda: Exponent("s", {"a": 1.0, "b": 2.0}, at_most=1.0).judge(
                Sample({"a": [{"s": 1.0}], "b": [{"s": 0.0}]}), 0.9, final=True
            ),
            "a power law needs positive numbers, 's' has 0.0",
        ),
        (
            lambda: Above("s", 0.0).judge(Sample({"b": [], "a": []}), 0.9, final=True),
            "the rule on 's' must name an arm,",
        ),
        (
            lambda: Above("s", 0.0, bounds=(0.0, 1.0)).judge(Sample({"a": [{"s": 2.0}]}), 0.9, final=True),
            "s is 2; expected a number within its bounds, 0 to 1. Mend the trial, or the rule's bounds=",
        ),
        *(
            (
                lambda rule=rule: rule.judge(SAMPLE, 0.9, final=True),
                f"{said} is 0.94; expected a number within its bounds",
            )
            for rule, said in (
                (CloseTo("form", "score", 0.1, arm="b", bounds=(0.0, 0.93)), "score (b)"),
                (
                    Ladder("score", {1: ("a", "c"), 2: ("b", "c"), 30: ("a", "c")}, "grows", bounds=(0.0, 0.93)),
                    "score (b)",
                ),
            )
        ),
        (
            lambda: mean_of(np.array([1.0, 2.0]), 0.9, exact=True),
            "a claim said to be deterministic returned different numbers: [1.0, 2.0]",
        ),
    ],
)
def test_numbers_that_do_not_fit_the_rule_are_named(call: Callable[[], object], said: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(said)}"):
        call()


def test_equal_but_for_rounding_is_four_units_in_the_last_place_of_the_largest() -> None:
    assert rounding(np.array([1.0, -8.0]), np.array([2.0])) == 32 * np.finfo(np.float64).eps
    assert mean_of(np.array([1.0, 1.0 + 1e-12]), 0.9, exact=True, resolution=1e-11).estimate == 1.0


def test_equal_differences_of_large_and_small_numbers_are_equal() -> None:
    """What rounds in the larger of two columns is no spread of their difference, whichever of them it is."""
    small = np.array([0.1, 0.2, 0.3, 0.4, 0.7])
    large = small + 1000.0
    large[1] = np.nextafter(large[1], 2000.0)
    assert len(set(large - small)) > 1
    for a, b in ((large, small), (small, large)):
        found = difference_of(a, b, 0.9, paired=True, exact=False)
        assert found.note.startswith("5 of 5 values are equal")
        sample = Sample({"only": [{"s": x, "f": y} for x, y in zip(a, b, strict=True)]})
        (close,) = CloseTo("s", "f", 0.1).judge(sample, 0.9, final=True)
        assert close.reason.startswith("5 of 5 values are equal")
    assert difference_of(large, small, 0.9, paired=True, exact=True).estimate == pytest.approx(1000.0)


def test_a_part_must_lie_outside_at_the_stricter_level_to_fail() -> None:
    """Two parts: what lies outside at 90% but not at 95% is undecided, and says so."""
    numbers = [0.3, -1.1, -0.9, -1.2, 0.2, -0.8]
    middle = next(x for x in np.linspace(0, 1, 400) if _outside(numbers, x, 0.9) and not _outside(numbers, x, 0.95))
    sample = Sample({"a": [{"s": value - middle} for value in numbers], "b": [{"s": 1.0 + 0.1 * i} for i in range(6)]})
    found, other = All(Above("s", 0.0, arm="a"), Above("s", 0.0, arm="b")).judge(sample, 0.9, final=True)
    assert (found.verdict, other.verdict) == (Verdict.UNDECIDED, Verdict.HOLDS)
    assert found.reason == "outside, but not at the level that 2 chances to fail ask for"
    (alone,) = Above("s", 0.0, arm="a").judge(sample, 0.9, final=True)
    assert (alone.verdict, alone.reason) == (Verdict.FAILS, "")
    (stricter,) = Above("s", 0.0, arm="a").judge(sample, 0.9, final=True, strict=0.95)
    assert stricter.verdict is Verdict.UNDECIDED


def _outside(numbers: list[float], shift: float, level: float) -> bool:
    return stats.guarded_mean_interval(np.array(numbers) - shift, level).high < 0


def test_what_is_no_dataclass_has_no_text() -> None:
    with pytest.raises(TypeError, match=r"^rule: str is no dataclass, so that its terms cannot be written down$"):
        rule_text("greater")


@pytest.mark.parametrize(
    "text",
    [
        "x.Above('s', 0.0)",
        "Above",
        "All(Above('s', 0.0), 3)",
        "All(Above('s', 0.0), rules=())",
        "Above('s', bound='x')",
        "Above('s', 0.0, **{'arm': 'b'})",
        "Above('s', 0.0, arm='a', arm='b')",
        "Above('s', 0.0, bounds={1: 2, 3: 4})",
        "Exponent('s', 5, at_most=1.0)",
        "Greater('s', 'a', *['b'])",
    ],
)
def test_texts_that_only_look_like_rules_are_none(text: str) -> None:
    rule_of.cache_clear()
    assert rule_of(text) is None
