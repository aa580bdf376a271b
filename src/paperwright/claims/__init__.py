"""The claims engine: what a claim is, its trials, the evidence store, the verdicts and the reports.

A room's `claims.py` needs `Claim`, `Budget`, `Reported` and the rules. Who runs claims from Python:

    >>> from paperwright.claims import Plan, Store, check, select            # doctest: +SKIP
    >>> with Store("evidence.sqlite") as store:                              # doctest: +SKIP
    ...     for judgement in check(select(["my_paper"]), store, Plan("desk")):
    ...         print(judgement.path, judgement.verdict)
"""

from paperwright.claims.catalogue import Entry, UnknownClaim, entries, select
from paperwright.claims.check import Interrupted, Plan, Progress, UsageError, check
from paperwright.claims.claim import Budget, Claim, Reported
from paperwright.claims.evidence.store import Record, Store, StoreError
from paperwright.claims.judgement import Judgement, judge
from paperwright.claims.rules.comparisons import Equivalent, Greater, Less, Ordered
from paperwright.claims.rules.every_trial import Always, Never
from paperwright.claims.rules.growth import Exponent, Ladder
from paperwright.claims.rules.means import Above, Below, CloseTo, Proportion
from paperwright.claims.rules.rule import All, Finding, Rule
from paperwright.claims.verdict import Verdict
from paperwright.executors import ExecutorError, InProcess, Place, place

__all__ = [
    "Above",
    "All",
    "Always",
    "Below",
    "Budget",
    "Claim",
    "CloseTo",
    "Entry",
    "Equivalent",
    "ExecutorError",
    "Exponent",
    "Finding",
    "Greater",
    "InProcess",
    "Interrupted",
    "Judgement",
    "Ladder",
    "Less",
    "Never",
    "Ordered",
    "Place",
    "Plan",
    "Progress",
    "Proportion",
    "Record",
    "Reported",
    "Rule",
    "Store",
    "StoreError",
    "UnknownClaim",
    "UsageError",
    "Verdict",
    "check",
    "entries",
    "judge",
    "place",
    "select",
]
