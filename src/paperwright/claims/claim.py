"""A claim: a statement that can fail, the experiment that tries it, and the rule by which it stands or falls."""

import dataclasses
import enum
import functools
import hashlib
import inspect
import itertools
import json
import math
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from paperwright.claims.rules.rule import Rule
from paperwright.claims.rules.rule_text import rule_text

BUDGETS: Final = ("smoke", "desk", "paper")

Trial = Callable[..., Mapping[str, float]]
"""`trial(value, *, seed, device, **settings)`: the value of an arm, and by keyword the rest; it returns numbers."""


@dataclass(frozen=True, init=False)
class Budget:
    """How much is spent on a claim: how many seeds, looked at when, with what settings.

    Args:
        seeds: the number of seeds for each arm; or several, `(5, 10, 20)`, at which the claim is looked at. The error
            of the verdict is spent over the looks, and a claim that is decided at one of them stops there.
        needs: the data sets (names of `paperwright.data`) that the trials read.
        arms: other values for the claim's arms at this budget, by their labels.
        settings: what the trial gets by keyword; JSON values only.
    """

    looks: tuple[int, ...]
    needs: tuple[str, ...]
    arms: Mapping[str, Any]
    config: Mapping[str, Any]

    def __init__(
        self,
        seeds: int | Iterable[int],
        *,
        needs: Iterable[str] = (),
        arms: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        looks = (seeds,) if isinstance(seeds, int) else tuple(seeds)
        if not looks or any(isinstance(n, bool) or not isinstance(n, int) or n < 1 for n in looks):
            raise ValueError(f"seeds: expected a positive number of seeds, or several as looks, got {seeds!r}")
        if any(later <= earlier for earlier, later in itertools.pairwise(looks)):
            raise ValueError(f"seeds: looks must grow, as in (5, 10, 20), got {looks}")
        if isinstance(needs, str):
            raise TypeError(f"needs: expected a list of data set names, got the string {needs!r}")
        try:
            plain = json.loads(json.dumps(settings, allow_nan=False))
        except (TypeError, ValueError) as error:
            raise TypeError(f"the settings of a budget are JSON values only: {error}") from None
        object.__setattr__(self, "looks", looks)
        object.__setattr__(self, "needs", tuple(needs))
        object.__setattr__(self, "arms", MappingProxyType(dict(arms or {})))
        object.__setattr__(self, "config", MappingProxyType(plain))

    @property
    def seeds(self) -> int:
        """The number of seeds at the last look."""
        return self.looks[-1]


@dataclass(frozen=True)
class Reported:
    """A figure that the paper reports, and its place there.

    Args:
        value: the figure, in the paper's own unit.
        metric: what it measures, in the words of the claim's trial where they mean the same.
        arm: the arm of the claim that it belongs to, if it belongs to one.
        spread: the paper's own plus-or-minus, if it gives one.
        where: its place, such as "Table 1".
        note: what a reader should know, such as that the figure is quoted from memory.
        scale: multiply by this to compare with our numbers (0.01 where the paper gives per cent and we a fraction).
    """

    value: float
    metric: str
    arm: str | None = None
    spread: float | None = None
    where: str = ""
    note: str = ""
    scale: float = 1.0

    def __post_init__(self) -> None:
        if not math.isfinite(self.value) or not math.isfinite(self.scale):
            raise ValueError(f"a reported figure must be finite, got {self.value} (scale {self.scale})")


class Claim:
    """A statement of a paper as an experiment that can fail.

    The experiment is a *trial*, a pure function of an arm's value, a seed, a device and a budget's settings, which
    returns numbers:

        def train(learner, *, seed, device, epochs): ...
            return {"accuracy": ...}

    The engine runs it for every arm and seed of a budget and applies the rule to the numbers.

    What a verdict promises. A statement whose truth lies on the border, so that every verdict would be wrong, is called
    "holds" with probability (1 - level) / 2 at most, and "fails" with the same, over all looks together, where

    - the rule states `bounds=`: for every distribution between them, at any number of seeds;
    - the rule is a share of seeds (`Proportion` without `of=`, or with `exceeds=`): for every distribution;
    - the rule is a mean without bounds: for independent seeds whose numbers (in a comparison: the differences of the
      pairs) are symmetric about their mean, heavy tails and ties included. Skewed numbers, at level 0.95, err on the
      side of the longer tail up to 3% for a skewness of 0.5 and 4.1% for 1, both sides together 5% at most;
      exponential ones (skewness 2) 7.4% at 5 seeds, 6.0% over looks at 5, 10 and 20, 3.8% at 20 and 2.5% at 100;
    - the rule counts attempts (`Proportion(of=)`): for attempts that are alike within a seed (beta-binomial) with any
      correlation; up to 4% for shares of 2 to 10% of 100 attempts a seed at a correlation of 0.1 to 0.5.

    The unit is the seed, always. A mean without bounds is left open, and its claim undecided with the reason, where
    fewer than √n of n seeds differ from the commonest number, and where one or two seeds decide (skewness of the sample
    above 3, from a dozen seeds on). No interval for a mean without bounds is valid for every distribution (Bahadur and
    Savage 1956): an event rarer than about 1 in n seeds is not seen by n seeds, neither by an interval nor by `Never`
    and `Always`, which say of the trials that ran what they were, and no more.

    Args:
        statement: what is claimed, in one sentence.
        arms: what is compared: for each label the value that the trial gets (a setting, a function, a number); a list
            of labels stands for itself.
        rule: when it holds and when it fails.
        budgets: `smoke` (shows that it runs; decides nothing), `desk` (a smaller honest version), `paper` (its scale).
        trial: the function. Each budget's settings must fit its signature.
        scale: how far the desk version is from the paper's experiment: data, model, steps, seeds.
        reported: the paper's own figures.
        where: the place of the statement in the paper.
        remarks: what else a reader of the verdict should know: what was tried, what decides it.
        level: the confidence over all looks together; what it promises stands above.
        deterministic: the trial has no randomness: one seed is enough, and its number is exact.
        tolerance: how far a number may lie from a recorded one when the trial runs again on another processor,
            relative to the largest of that number in the claim; 0 asks for the same digits but the last few.
        timeout: seconds after which one trial is given up.
        units: the unit of a metric, for whoever reads what was found: "%" for numbers from 0 to 100, "share" for
            numbers from 0 to 1 that are shown in per cent, or any word, such as "s". A metric of which the paper
            reports per cent and the trial returns a fraction (`Reported(scale=0.01)`) is a share without being told.

    Raises:
        ValueError, TypeError: something is missing or does not fit together; the message names it.
    """

    def __init__(
        self,
        statement: str,
        *,
        arms: Mapping[str, Any] | Iterable[str],
        rule: Rule,
        budgets: Mapping[str, Budget],
        trial: Trial,
        scale: str,
        reported: Iterable[Reported] = (),
        where: str = "",
        remarks: str = "",
        level: float = 0.95,
        deterministic: bool = False,
        tolerance: float = 0.0,
        timeout: float | None = None,
        units: Mapping[str, str] | None = None,
    ) -> None:
        self.statement = " ".join(statement.split())
        self.arms = MappingProxyType(_labelled(arms))
        self.rule = rule
        self.budgets = MappingProxyType(dict(budgets))
        self.trial = trial
        self.scale = " ".join(scale.split())
        self.reported = tuple(reported)
        self.where = where
        self.remarks = " ".join(remarks.split())
        self.level = level
        self.deterministic = deterministic
        self.tolerance = tolerance
        self.timeout = timeout
        self.units = MappingProxyType(units_of(self.reported, units or {}))
        self._check()
        for name, budget in self.budgets.items():
            self._check_fit(name, budget)

    def _check(self) -> None:
        for name, text in (("statement", self.statement), ("scale", self.scale)):
            if not text:
                raise ValueError(f"a claim needs a {name}, got an empty string")
        try:
            json.dumps([self.statement, self.scale, *self.arms], ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise ValueError(f"a claim's words must be text, got {error.object!r:.60}") from None
        if not isinstance(self.rule, Rule):
            raise TypeError(f"rule: expected a rule such as Greater(...), got {self.rule!r}")
        if unknown := [arm for arm in self.rule.arms() if arm not in self.arms]:
            raise ValueError(f"the rule speaks of the arms {unknown}, the claim has {list(self.arms)}")
        if unknown := [name for name in self.budgets if name not in BUDGETS]:
            raise ValueError(f"unknown budgets {unknown}; expected some of {list(BUDGETS)}")
        if not self.budgets or not all(isinstance(budget, Budget) for budget in self.budgets.values()):
            raise TypeError(f"budgets: expected a mapping of names to Budget(...), got {dict(self.budgets)!r}")
        if not 0.5 <= self.level < 1:
            raise ValueError(f"level: expected a confidence such as 0.95, got {self.level}")
        if not 0 <= self.tolerance <= 0.1:
            raise ValueError(f"tolerance: expected a part of the number, 0.1 at most, got {self.tolerance}")
        if self.timeout is not None and not 0 < self.timeout < math.inf:
            raise ValueError(f"timeout: expected a number of seconds above 0, got {self.timeout}")
        for figure in self.reported:
            if figure.arm is not None and figure.arm not in self.arms:
                raise ValueError(
                    f"a reported figure belongs to the arm {figure.arm!r}, the claim has {list(self.arms)}"
                )

    def _check_fit(self, name: str, budget: Budget) -> None:
        """That a trial of this budget can be called, and that its terms can be written down."""
        if unknown := [arm for arm in budget.arms if arm not in self.arms]:
            raise ValueError(f"the budget {name!r} has values for the arms {unknown}, the claim has {list(self.arms)}")
        self.check_settings(budget.config, f"the budget {name!r}")
        first = next(iter(inspect.signature(self.trial).parameters), "")
        hint = _hints(self.trial).get(first, Any)
        for arm in self.arms:
            if not _fits(self.value(arm, name), hint):
                called = getattr(self.trial, "__qualname__", repr(self.trial))
                raise TypeError(f"the arm {arm!r} is {self.value(arm, name)!r}; the trial {called} expects {hint!r}")
        self.terms(name)

    def check_settings(self, settings: Mapping[str, Any], whose: str) -> None:
        """Raises TypeError if the trial cannot be called with these settings, which are `whose` in the message."""
        if not callable(self.trial):
            raise TypeError(f"trial: expected a function, got {self.trial!r}")
        called = getattr(self.trial, "__qualname__", None) or repr(self.trial)
        try:
            signature = inspect.signature(self.trial)
        except ValueError:
            raise TypeError(f"trial: {called} does not say what it takes; expected a Python function") from None
        try:
            signature.bind(None, seed=0, device="cpu", **settings)
        except TypeError as error:
            raise TypeError(
                f"{whose} does not fit the trial {called}{signature}: {error}. A trial is called as "
                f"trial(value, seed=..., device=..., {', '.join(f'{each}=...' for each in settings)})"
            ) from None
        hints = _hints(self.trial)
        for setting, value in settings.items():
            if setting in hints and not _fits(value, hints[setting]):
                raise TypeError(
                    f"{whose} has {setting}={value!r}; the trial {called} expects {hints[setting]!r}. Change either"
                )

    def value(self, arm: str, budget: str) -> Any:
        """What the trial gets for an arm at a budget."""
        return self.budget(budget).arms.get(arm, self.arms[arm])

    def budget(self, name: str) -> Budget:
        """The budget called `name`.

        Raises:
            ValueError: this claim has none of that name.
        """
        if name not in self.budgets:
            raise ValueError(f"there is no budget {name!r} for this claim; it has {', '.join(self.budgets)}")
        return self.budgets[name]

    def terms(self, budget: str) -> dict[str, Any]:
        """What is fixed before the first seed runs, as JSON values: statement, arms, rule, level, looks, settings.

        A rule's arguments left at their defaults are left out: a new option changes no claim that does not use it.

        Raises:
            TypeError: an arm's value cannot be written down.
        """
        spent = self.budget(budget)
        bound = {"trial": plain(self.trial, "the trial")} if isinstance(self.trial, functools.partial) else {}
        return bound | {
            "statement": self.statement,
            "arms": {arm: plain(self.value(arm, budget), f"the arm {arm!r}") for arm in self.arms},
            "rule": rule_text(self.rule),
            "level": self.level,
            "deterministic": self.deterministic,
            "looks": list(spent.looks),
            "needs": list(spent.needs),
            "settings": dict(spent.config),
        }

    def fingerprint(self, budget: str) -> str:
        """Changes whenever the terms at a budget do, and with nothing else."""
        return digest_of_terms(self.terms(budget))

    def __repr__(self) -> str:
        return f"Claim({self.statement!r})"


def units_of(reported: Iterable[Reported], stated: Mapping[str, str]) -> dict[str, str]:
    """The units of a claim's metrics: those stated, and "share" where the paper's per cent are compared with fractions.

    Raises:
        TypeError: a unit is no text.
    """
    if wrong := {metric: unit for metric, unit in stated.items() if not isinstance(unit, str)}:
        raise TypeError(f'units is {wrong}; expected a text for each metric, such as "%" or "s"')
    return {figure.metric: "share" for figure in reported if figure.scale == 0.01} | dict(stated)


def digest_of_terms(terms: Mapping[str, Any]) -> str:
    """The hash under which the terms of a claim are registered before its first seed runs."""
    return hashlib.sha256(json.dumps(terms, sort_keys=True).encode()).hexdigest()[:16]


def _labelled(arms: Mapping[str, Any] | Iterable[str]) -> dict[str, Any]:
    if isinstance(arms, str):
        raise TypeError(f"arms: expected labels with their values, got the string {arms!r}")
    labels = list(arms)
    if not labels or not all(isinstance(label, str) and label for label in labels) or len(set(labels)) < len(labels):
        raise ValueError(f"a claim needs arms, each label a text that stands once, got {labels}")
    return dict(arms) if isinstance(arms, Mapping) else {label: label for label in labels}


def plain(value: Any, name: str = "it") -> Any:
    """A value as JSON values: dataclasses by their fields, functions and classes by their names.

    Raises:
        TypeError: it holds something of another kind.
    """
    if value is None or isinstance(value, bool | int | str):
        return value.value if isinstance(value, enum.Enum) else value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise TypeError(f"{name} is {value}; expected finite numbers")
        return value
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise TypeError(f"{name} holds {value!r}; expected texts as keys")
        return {key: plain(item, name) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, name) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        # All fields: a default that changes is a changed setting.
        held = {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
        return {"": type(value).__name__} | {field: plain(item, name) for field, item in held.items()}
    if isinstance(value, functools.partial):
        return {"": "partial", "of": plain(value.func, name), "given": plain([*value.args, value.keywords], name)}
    if (
        isinstance(value, type | types.FunctionType | types.BuiltinFunctionType)
        and "<lambda>" not in value.__qualname__
    ):
        return value.__qualname__
    raise TypeError(
        f"{name} holds {value!r}; expected numbers, texts, lists, frozen dataclasses, or functions and classes by name,"
        " which can be written into the evidence. Give the arm a label or a setting, and make the object in the trial"
    )


def _hints(trial: Trial) -> dict[str, Any]:
    """The annotations of a trial's arguments; none where they cannot be evaluated."""
    try:
        return typing.get_type_hints(inspect.unwrap(trial))
    except (NameError, TypeError, AttributeError):
        return {}


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value may stand for an argument annotated so; True where the annotation says nothing simple."""
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, option) for option in typing.get_args(hint))
    if origin is typing.Literal:
        return value in typing.get_args(hint)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if hint is type(None):
        return value is None
    kind = origin or hint
    if kind in (Any, tuple) or not isinstance(kind, type):  # JSON makes lists of tuples
        return True
    try:
        return isinstance(value, kind)
    except TypeError:  # a protocol that is not to be asked
        return True
