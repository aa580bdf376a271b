"""What a claim's rule found, in sentences that a person would say.

They are made here alone, from what an evidence file holds, and shown alike by the terminal, the README, the
documentation, the report and the web.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from paperwright.claims.judgement import Judgement
from paperwright.claims.reports.amounts import amount, change, interval, number, share
from paperwright.claims.rules.comparisons import Difference, Equivalent, Greater, Less, Ordered
from paperwright.claims.rules.every_trial import Always, Never
from paperwright.claims.rules.growth import Exponent, Ladder
from paperwright.claims.rules.means import Above, Below, CloseTo, Proportion
from paperwright.claims.rules.rule import All, Finding, Region, Rule
from paperwright.claims.rules.rule_text import rule_of
from paperwright.claims.verdict import Verdict


@dataclass(frozen=True)
class Sentence:
    """One thing that a rule found.

    Attributes:
        text: what was found, such as "accuracy of rewired +3.2 points [1.4, 5.1] over none".
        verdict: whether it is as the claim says.
        expected: what the claim expects, where the text does not say it: "above 0.5".
        note: what a reader should know besides.
        conditions: of how many parts of the rule it speaks.
    """

    text: str
    verdict: Verdict
    expected: str = ""
    note: str = ""
    conditions: int = 1

    def __str__(self) -> str:
        expected = f", expected {self.expected}" if self.expected else ""
        return f"{self.text}{expected}" + (f" ({self.note})" if self.note else "")


@dataclass(frozen=True)
class _Group:
    """Rules that differ in their arm alone, and what each of them found; mostly one rule."""

    rules: Sequence[Any]
    findings: Sequence[Finding]
    judgement: Judgement

    @property
    def verdict(self) -> Verdict:
        return self.findings[0].verdict

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms that are spoken of."""
        return self.judgement.arms if self.rules[0].arm is None else tuple(rule.arm for rule in self.rules)

    @property
    def unit(self) -> str:
        return self.judgement.units.get(self.rules[0].metric, "")

    @property
    def of_arm(self) -> str:
        """The one arm behind the words, where the claim has others."""
        named = self.rules[0].arm is not None and len(self.rules) == 1 and len(self.judgement.arms) > 1
        return f" of {self.rules[0].arm}" if named else ""

    def runs(self) -> Iterator[dict[str, float]]:
        """The numbers of the trials that the verdict rests on."""
        first = self.judgement.revision.first_seed
        for arm in self.arms:
            numbers = self.judgement.trials.numbers.get(arm, {})
            yield from (dict(numbers[seed]) for seed in range(first, first + self.judgement.seeds) if seed in numbers)

    def say(self, text: str, expected: str = "", note: str | None = None) -> Sentence:
        return Sentence(
            text, self.verdict, expected, self.findings[0].reason if note is None else note, len(self.findings)
        )


def sentences(judgement: Judgement) -> list[Sentence]:
    """What the rule found at the look that decided, or the last one; what is not as claimed comes first."""
    rule, findings = rule_of(judgement.rule), judgement.findings
    if rule is None or len(rule.parts()) != len(findings):  # a rule of someone else's
        said = [_plainly(finding) for finding in findings]
    else:
        said = [_WORDS[type(group.rules[0])](group) for group in _groups(rule, judgement)]
    order = (Verdict.FAILS, Verdict.UNDECIDED, Verdict.HOLDS)
    return sorted(said, key=lambda sentence: order.index(sentence.verdict))


def in_short(judgement: Judgement, most: int) -> list[str]:
    """The same, `most` sentences and the rest counted."""
    said = sentences(judgement)
    rest = said[most:]
    mixed = len({sentence.verdict for sentence in said}) > 1
    lines = [f"{each}: {each.verdict}" if mixed and each.verdict is not Verdict.HOLDS else str(each) for each in said]
    if rest:
        conditions = sum(sentence.conditions for sentence in rest)
        held = sum(sentence.conditions for sentence in rest if sentence.verdict is Verdict.HOLDS)
        more = f"{conditions} more condition{'s' * (conditions > 1)}"
        hold = "holds" if conditions == 1 else "all hold"
        lines[most:] = [f"{more}, {hold if held == conditions else f'{held} hold'}"]
    return lines


def measured(judgement: Judgement) -> tuple[str, ...]:
    """The metrics of the rule that are measured, and not only watched in every trial: an axis shows these."""
    rule = rule_of(judgement.rule)
    if rule is None:
        return judgement.metrics
    found = {metric for part in rule.parts() if not isinstance(part, Never | Always) for metric in part.metrics()}
    return tuple(metric for metric in judgement.metrics if metric in found)


def _plainly(finding: Finding) -> Sentence:
    text = f"{finding.effect} {interval(finding.interval)}"
    return Sentence(text, finding.verdict, str(finding.region), finding.reason)


def _leaves(rule: Rule) -> Iterator[Rule]:
    if isinstance(rule, All):
        for each in rule.rules:
            yield from _leaves(each)
    else:
        yield rule


def _groups(rule: Rule, judgement: Judgement) -> Iterator[_Group]:
    """The elementary rules with their findings; those that hold alike in several arms together."""
    together: dict[str, list[tuple[Rule, Finding]]] = {}
    findings = iter(judgement.findings)
    for place, leaf in enumerate(_leaves(rule)):
        if isinstance(leaf, Greater | Less | Equivalent | Ordered):
            found = [next(findings) for _ in leaf.parts()]
            if isinstance(leaf, Ordered):
                together[f"{place}"] = [(leaf, each) for each in found]
            else:
                for part, finding in zip(leaf.parts(), found, strict=True):
                    together[f"{place} {part.label()}"] = [(part, finding)]
            continue
        finding = next(findings)
        alike = isinstance(leaf, Never | Always | Above | Below) and finding.verdict is Verdict.HOLDS
        key = f"{_without_arm(leaf)} {finding.reason if not isinstance(leaf, Never) else ''}" if alike else f"{place}"
        together.setdefault(key, []).append((leaf, finding))
    for each in together.values():
        yield _Group([one for one, _ in each], [found for _, found in each], judgement)


def _without_arm(rule: Any) -> str:
    if rule.arm is None:
        return repr(rule)
    return repr((type(rule).__name__, sorted((name, value) for name, value in vars(rule).items() if name != "arm")))


def words(metric: str) -> str:
    """A metric's name as words."""
    return metric.replace("_", " ")


def _tries(group: _Group) -> str:
    """How often something was tried: "in 240 tries over 10 settings"."""
    tries = len(list(group.runs()))
    settings = len(group.arms)
    over = f"{settings} settings"
    if tries == settings:
        return over if settings > 1 else ""
    return f"{tries:,} tries" + (f" over {over}" if settings > 1 else "")


def _never(group: _Group) -> Sentence:
    rule, unit = group.rules[0], group.unit
    metric, tries = words(rule.metric), _tries(group)
    worst = max(finding.interval.estimate for finding in group.findings)
    runs = list(group.runs())
    bad = sum(run[rule.metric] > rule.tolerance for run in runs)
    if bad:
        beyond = f"above {amount(rule.tolerance, unit)} " if rule.tolerance else ""
        return group.say(
            f"{metric}{group.of_arm} {beyond}in {bad:,} of {len(runs):,} tries, up to {amount(worst, unit)}",
            "none" if not rule.tolerance else "",
            note="",
        )
    if worst:
        every = f" in every one of {tries}" if "tries" in tries else f" in all {tries}" if tries else ""
        return group.say(
            f"{metric}{group.of_arm}{' at most' * bool(every)} {amount(worst, unit)}{every}",
            f"at most {amount(rule.tolerance, unit)}",
            note="" if rule.of is None else None,
        )
    none = f"no {metric}{group.of_arm}" if _is_plural(metric) else f"{metric}{group.of_arm}: none"
    if rule.of is not None:
        tried = sum(run[rule.of] for run in runs)
        return group.say(f"{none} in {tried:,.0f} {words(rule.of)}", note="")
    return group.say(f"{none} in {tries}" if tries else none, note="")


def _is_plural(metric: str) -> bool:
    return metric.endswith("s") and not metric.endswith(("ss", "us", "is"))


def _always(group: _Group) -> Sentence:
    rule, tries = group.rules[0], _tries(group)
    worst = min(finding.interval.estimate for finding in group.findings)
    every = f" or more in every one of {tries}" if "tries" in tries else f" or more in all {tries}" if tries else ""
    return group.say(
        f"{words(rule.metric)}{group.of_arm}: {amount(worst, group.unit)}{every}",
        f"at least {amount(rule.at_least, group.unit)}",
    )


def _mean(group: _Group) -> Sentence:
    rule, unit = group.rules[0], group.unit
    region = f"{'above' if isinstance(rule, Above) else 'below'} {amount(rule.bound, unit)}"
    if len(group.rules) == 1:
        return group.say(f"{words(rule.metric)}{group.of_arm} {interval(group.findings[0].interval, unit)}", region)
    means = [finding.interval.estimate for finding in group.findings]
    spread = amount(min(means), unit)
    if max(means) > min(means):
        spread += f" to {amount(max(means), unit)}"
    return group.say(f"{words(rule.metric)} {spread} in {len(group.rules)} settings", f"each {region}")


def _difference(group: _Group) -> Sentence:
    part: Difference = group.rules[0]
    found, region, unit = group.findings[0].interval, part.where, group.unit
    other = part.other if part.times == 1 else f"{part.times:g} times {part.other}"
    than = "over" if found.estimate > 0 else "against"
    return group.say(
        f"{words(part.metric)} of {part.arm} {change(found, unit)} {than} {other}",
        "" if {abs(region.low), abs(region.high)} == {0.0, float("inf")} else _distance(region, unit),
    )


def _distance(region: Region, unit: str) -> str:
    """Where a difference must lie, with its sign."""
    unit = share(unit)
    if region.low == -region.high:
        return f"{amount(region.high, unit)} apart at most"
    if region.high == float("inf"):
        return f"{'at least' if region.closed else 'more than'} {amount(region.low, unit, signed=True)}"
    return f"{'at most' if region.closed else 'less than'} {amount(region.high, unit, signed=True)}"


def _ordered(group: _Group) -> Sentence:
    rule: Ordered = group.rules[0]
    verdicts = {finding.verdict for finding in group.findings}
    verdict = next(each for each in (Verdict.FAILS, Verdict.UNDECIDED, Verdict.HOLDS) if each in verdicts)
    steps = [
        f"{change(finding.interval, group.unit)} from {low} to {high}"
        for finding, low, high in zip(group.findings, rule.order, rule.order[1:], strict=False)
        if finding.verdict is verdict is not Verdict.HOLDS
    ]
    metric, order = words(rule.metric), " < ".join(rule.order)
    text = f"{metric}: {', '.join(steps)}" if steps else f"{metric} rises in the order {order}"
    expected = f"a rise in the order {order}" if steps else ""
    return Sentence(text, verdict, expected, conditions=len(group.findings))


def _close(group: _Group) -> Sentence:
    rule: CloseTo = group.rules[0]
    value = words(rule.value) if isinstance(rule.value, str) else amount(rule.value, group.unit)
    off = interval(group.findings[0].interval, "share" if rule.relative else share(group.unit))
    within = amount(rule.within, "share" if rule.relative else share(group.unit))
    return group.say(f"{words(rule.metric)}{group.of_arm} off {value} by {off}", f"within {within}")


def _proportion(group: _Group) -> Sentence:
    rule: Proportion = group.rules[0]
    found = interval(group.findings[0].interval, "share")
    borders = (("more than", rule.above), ("less than", rule.below))
    expected = " and ".join(f"{word} {amount(border, 'share')}" for word, border in borders if border is not None)
    runs, metric = list(group.runs()), words(rule.metric)
    if rule.of is not None:
        return group.say(f"{metric}{group.of_arm}: {found} of {words(rule.of)}", expected)
    if rule.exceeds is not None:
        hits = sum(run[rule.metric] > rule.exceeds for run in runs)
        metric = f"{metric}{group.of_arm} above {amount(rule.exceeds, group.unit)}"
    else:
        hits, metric = sum(run[rule.metric] == 1 for run in runs), f"{metric}{group.of_arm}"
    return group.say(f"{metric} in {hits} of {len(runs)} runs: {found}", expected)


def _exponent(group: _Group) -> Sentence:
    rule: Exponent = group.rules[0]
    found = group.findings[0]
    return group.say(
        f"{words(rule.metric)} grows as size to the power of {interval(found.interval)}", str(found.region)
    )


def _ladder(group: _Group) -> Sentence:
    rule: Ladder = group.rules[0]
    found = group.findings[0]
    sizes, unit = sorted(rule.rungs), group.unit
    gain = f"{words(rule.metric)}: the difference changes by {change(found.interval, unit)} per tenfold size"
    margin = f" by more than {amount(rule.margin, share(unit))}" if rule.margin else ""
    expects = {"grows": "growth", "shrinks": "a decrease", "stays": f"no change{margin}"}
    return group.say(
        f"{gain}, from {number(sizes[0])} to {number(sizes[-1])}", expects.get(rule.expects, f"no decrease{margin}")
    )


_WORDS: dict[type[Rule], Callable[[_Group], Sentence]] = {
    Never: _never,
    Always: _always,
    Above: _mean,
    Below: _mean,
    Difference: _difference,
    Ordered: _ordered,
    CloseTo: _close,
    Proportion: _proportion,
    Exponent: _exponent,
    Ladder: _ladder,
}
