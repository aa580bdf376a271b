"""A claim: a statement that can fail, the experiment that tries it, and the rule by which it stands or falls."""

import hashlib
import itertools
import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from paperwright.claims.rule import Rule

BUDGETS: Final = ("smoke", "desk", "paper")

Trial = Callable[[str, int, Mapping[str, Any], str], Mapping[str, float]]


@dataclass(frozen=True, init=False)
class Budget:
    """How much is spent on a claim: how many seeds, looked at when, with what configuration.

    Args:
        seeds: the number of seeds for each arm; or several, `(5, 10, 20)`, at which the claim is looked at. The error
            of the verdict is spent over the looks, and a claim that is decided at one of them stops there.
        needs: the data sets (names of `paperwright.data`) that the trials read.
        config: what the trials are told; JSON values only.
    """

    looks: tuple[int, ...]
    needs: tuple[str, ...]
    config: Mapping[str, Any]

    def __init__(self, seeds: int | Iterable[int], *, needs: Iterable[str] = (), **config: Any) -> None:
        looks = (seeds,) if isinstance(seeds, int) else tuple(seeds)
        if not looks or any(isinstance(n, bool) or not isinstance(n, int) or n < 1 for n in looks):
            raise ValueError(f"seeds: expected a positive number of seeds, or several as looks, got {seeds!r}")
        if any(later <= earlier for earlier, later in itertools.pairwise(looks)):
            raise ValueError(f"seeds: looks must grow, as in (5, 10, 20), got {looks}")
        if isinstance(needs, str):
            raise TypeError(f"needs: expected a list of data set names, got the string {needs!r}")
        try:
            plain = json.loads(json.dumps(config, allow_nan=False))
        except (TypeError, ValueError) as error:
            raise TypeError(f"the configuration of a budget holds JSON values only: {error}") from None
        object.__setattr__(self, "looks", looks)
        object.__setattr__(self, "needs", tuple(needs))
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

    The experiment is a *trial*, a pure function of (arm, seed, configuration, device) that returns numbers; the engine
    runs it for every arm and seed of a budget and applies the rule to the numbers.

    Args:
        statement: what is claimed, in one sentence.
        arms: what is compared: the values that the trial's first argument takes.
        rule: when it holds and when it fails.
        budgets: `smoke` (shows that it runs; decides nothing), `desk` (a smaller honest version), `paper` (its scale).
        reported: the paper's own figures.
        where: the place of the statement in the paper.
        remarks: what a reader of the verdict should know: how the smaller version departs, what was tried.
        level: the confidence over all looks together; a true null is called "holds" no oftener than (1 - level) / 2.
        deterministic: the trial has no randomness: one seed is enough, and its number is exact.
        trial: the function; or decorate it with `@claim.trial`.

    Raises:
        ValueError, TypeError: something is missing or does not fit together; the message names it.
    """

    def __init__(
        self,
        statement: str,
        *,
        arms: Iterable[str],
        rule: Rule,
        budgets: Mapping[str, Budget],
        reported: Iterable[Reported] = (),
        where: str = "",
        remarks: str = "",
        level: float = 0.95,
        deterministic: bool = False,
        trial: Trial | None = None,
    ) -> None:
        self.statement = " ".join(statement.split())
        self.arms = tuple(arms)
        self.rule = rule
        self.budgets = dict(budgets)
        self.reported = tuple(reported)
        self.where = where
        self.remarks = " ".join(remarks.split())
        self.level = level
        self.deterministic = deterministic
        self._trial = trial
        self._check()

    def _check(self) -> None:
        if not self.statement:
            raise ValueError("a claim needs a statement, got an empty string")
        if not self.arms or len(set(self.arms)) < len(self.arms):
            raise ValueError(f"a claim needs arms, each named once, got {self.arms}")
        if not isinstance(self.rule, Rule):
            raise TypeError(f"rule: expected a rule such as Greater(...), got {self.rule!r}")
        if unknown := [arm for arm in self.rule.arms() if arm not in self.arms]:
            raise ValueError(f"the rule speaks of the arms {unknown}, the claim has {list(self.arms)}")
        if unknown := [name for name in self.budgets if name not in BUDGETS]:
            raise ValueError(f"unknown budgets {unknown}; expected some of {list(BUDGETS)}")
        if not self.budgets or not all(isinstance(budget, Budget) for budget in self.budgets.values()):
            raise TypeError(f"budgets: expected a mapping of names to Budget(...), got {self.budgets!r}")
        if not 0.5 <= self.level < 1:
            raise ValueError(f"level: expected a confidence such as 0.95, got {self.level}")
        for figure in self.reported:
            if figure.arm is not None and figure.arm not in self.arms:
                raise ValueError(
                    f"a reported figure belongs to the arm {figure.arm!r}, the claim has {list(self.arms)}"
                )

    def trial(self, function: Trial) -> Trial:
        """Decorator that makes `function` the trial of this claim."""
        if self._trial is not None:
            raise ValueError(f"this claim has a trial already: {self._trial.__qualname__}")
        self._trial = function
        return function

    @property
    def function(self) -> Trial:
        """The trial.

        Raises:
            ValueError: the claim has none.
        """
        if self._trial is None:
            raise ValueError(
                f"the claim {self.statement!r} has no trial: pass trial=, or decorate one with @claim.trial"
            )
        return self._trial

    def budget(self, name: str) -> Budget:
        """The budget called `name`.

        Raises:
            ValueError: this claim has none of that name.
        """
        if name not in self.budgets:
            raise ValueError(f"there is no budget {name!r} for this claim; it has {', '.join(self.budgets)}")
        return self.budgets[name]

    def fingerprint(self, budget: str) -> str:
        """Changes whenever the statement, the arms, the rule or the budget do, and with nothing else."""
        spent = self.budget(budget)
        terms = {
            "statement": self.statement,
            "arms": self.arms,
            "rule": repr(self.rule),
            "level": self.level,
            "deterministic": self.deterministic,
            "looks": spent.looks,
            "needs": spent.needs,
            "config": dict(spent.config),
        }
        return hashlib.sha256(json.dumps(terms, sort_keys=True).encode()).hexdigest()[:16]

    def __repr__(self) -> str:
        return f"Claim({self.statement!r})"
