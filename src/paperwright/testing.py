"""A pytest plugin: `pytest --claims=smoke` runs the claims of every installed room as test items.

Each claim is an item `claims::paper/claim`, an id that can be given back: `pytest --claims=smoke claims::paper/claim`.
At smoke an item passes if its trials run and their numbers are sane; at desk or paper it passes if the claim holds, and
is reported as xfailed if it fails or is undecided with its numbers in hand: a verdict is a result, not a defect of the
software. A claim that cannot run for want of data or of a library is skipped, with the reason; one whose trial raises
is a failure, and so is a room that cannot be imported. `--claims-of PAPER[/CLAIM]` picks some (repeatable),
`--claims-store FILE` keeps the records; without it they go into the run's temporary folder.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from paperwright.claims import Entry, Judgement


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("paperwright", "claims of papers")
    group.addoption("--claims", choices=["smoke", "desk", "paper"], help="run the claims of all rooms at this budget")
    group.addoption("--claims-of", action="append", metavar="PAPER[/CLAIM]", help="only these claims")
    group.addoption("--claims-store", metavar="FILE", help="keep the records in this evidence store")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Takes ids of claims out of the arguments, before pytest looks for files of that name."""
    ids = [argument for argument in config.args if argument.partition("::")[0] == "claims"]
    if not ids or not config.getoption("--claims"):
        return
    config.args[:] = [argument for argument in config.args if argument not in ids]
    chosen = [path for _, _, path in (one.partition("::") for one in ids) if path]
    config.option.claims_of = [*(config.getoption("--claims-of") or ()), *chosen]


def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    budget = config.getoption("--claims")
    if budget:
        items.extend(Claims.from_parent(session, name="claims", nodeid="claims").gather(budget))


class Claims(pytest.Collector):
    """The claims of the installed rooms."""

    def collect(self) -> Iterable[pytest.Item]:
        return self.gather(self.config.getoption("--claims"))

    def gather(self, budget: str) -> list[pytest.Item]:
        """An item for each claim that has this budget, and one for each room that cannot be used."""
        from paperwright._lazy import MissingExtra, RoomError
        from paperwright.claims import UnknownClaim, entries, select
        from paperwright.registry import UnknownPaper, registry

        chosen = self.config.getoption("--claims-of")
        items: list[pytest.Item] = []
        try:
            if chosen:
                found = select(chosen)
                return [self._item(entry, budget) for entry in found if budget in entry.claim.budgets]
        except (UnknownPaper, UnknownClaim, RoomError) as error:
            raise pytest.UsageError(str(error)) from None
        for room in registry().rooms():
            try:
                items += [self._item(entry, budget) for entry in entries(room) if budget in entry.claim.budgets]
            except RoomError as error:
                lacking = isinstance(error, MissingExtra)
                items.append(Unusable.from_parent(self, name=room.name, reason=str(error), lacking=lacking))
        for broken in registry().broken:
            items.append(Unusable.from_parent(self, name=broken.name, reason=str(broken), lacking=False))
        return items

    def _item(self, entry: "Entry", budget: str) -> pytest.Item:
        return ClaimItem.from_parent(self, name=entry.path, entry=entry, budget=budget)


class Unusable(pytest.Item):
    """A room that cannot be used here: skipped if it merely lacks a library, else a failure."""

    def __init__(self, *, reason: str, lacking: bool, **kwargs: object) -> None:
        super().__init__(**kwargs)  # type: ignore[arg-type]
        self.reason, self.lacking = reason, lacking

    def runtest(self) -> None:
        if self.lacking:
            pytest.skip(self.reason)
        raise ClaimError(self.reason)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        return str(excinfo.value)


class ClaimItem(pytest.Item):
    """One claim at one budget."""

    def __init__(self, *, entry: "Entry", budget: str, **kwargs: object) -> None:
        super().__init__(**kwargs)  # type: ignore[arg-type]
        self.entry, self.budget = entry, budget

    def runtest(self) -> None:
        from paperwright.claims import Plan, Store, check
        from paperwright.claims.fingerprint.context import context_here

        _, unavailable = context_here(self.entry, self.budget, "cpu")
        if unavailable:
            pytest.skip(unavailable)
        with Store(self._evidence()) as store:
            (judgement,) = check([self.entry], store, Plan(self.budget))
        self.add_report_section("call", "claim", describe(judgement))
        if judgement.problem is not None:
            raise ClaimError(f"{judgement.path}: {judgement.problem}")
        if judgement.verdict.given and judgement.verdict != "holds":
            pytest.xfail(describe(judgement))

    def _evidence(self) -> Path:
        given = self.config.getoption("--claims-store")
        if given:
            return Path(given)
        factory: pytest.TempPathFactory = self.config._tmp_path_factory  # type: ignore[attr-defined]
        return factory.getbasetemp() / "claims.sqlite"

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        if isinstance(excinfo.value, ClaimError):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, f"{self.name} at {self.budget}"


class ClaimError(Exception):
    """A claim that could not be tried."""


def describe(judgement: "Judgement") -> str:
    """A claim's verdict and what it rests on, in one line."""
    from paperwright.claims.reports import summary

    return "; ".join([judgement.verdict, *summary.effects(judgement), summary.basis(judgement)])
