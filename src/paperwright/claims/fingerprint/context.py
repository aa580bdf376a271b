"""What a recorded trial rests on: the code it reaches, the libraries under it, the data it read.

Two trials in equal contexts give the same numbers, so a recorded one is used again only in a context equal to its own;
one whose context differs is stale, and `Context.differences` says in what.
"""

import contextlib
import importlib.metadata
import platform
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from paperwright.claims.catalogue import Entry
from paperwright.claims.fingerprint.reached_code import code_of

Kind = Literal["claim", "source", "device", "version", "data"]


@dataclass(frozen=True)
class Change:
    """One thing in which two contexts differ: of what kind, and in words."""

    kind: Kind
    said: str

    def __str__(self) -> str:
        return self.said


@dataclass(frozen=True)
class Context:
    """What the number of a trial depends on, beside its arm and seed. Two equal contexts give the same numbers.

    Attributes:
        claim: the claim's own fingerprint (statement, arms, rule, budget).
        source: the fingerprint of the code that the trial reaches.
        device: the kind of device, such as "cpu" or "cuda".
        versions: Python and each library that the code imports.
        data: the checksum of each data set that the claim needs.
    """

    claim: str
    source: str
    device: str
    versions: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)

    def differences(self, other: "Context") -> list["Change"]:
        """What changed from the `other`, an earlier one; empty if nothing did."""
        found = []
        if self.claim != other.claim:
            found.append(Change("claim", "the claim changed (statement, arms, rule or budget)"))
        if self.source != other.source:
            found.append(Change("source", "the source changed"))
        if self.device != other.device:
            found.append(Change("device", f"recorded on {other.device}, here {self.device}"))
        tables: tuple[tuple[Kind, Mapping[str, str], Mapping[str, str]], ...] = (
            ("version", self.versions, other.versions),
            ("data", self.data, other.data),
        )
        for kind, mine, theirs in tables:
            for name in sorted(mine.keys() | theirs.keys()):
                if mine.get(name) != theirs.get(name):
                    said = f"{kind} of {name}: recorded {theirs.get(name, 'none')}, here {mine.get(name, 'none')}"
                    found.append(Change(kind, said))
        return found


def context_of(entry: Entry, budget: str, device: str, *, needs: Iterable[str] | None = None) -> Context:
    """The context of a claim's trials as they would run here and now; `needs` replaces the budget's data sets.

    Raises:
        DataUnavailable, DataCorrupted: a data set that the claim needs cannot be had.
    """
    from paperwright import data

    code = code_of(entry.module, entry.claim)
    return Context(
        claim=entry.claim.fingerprint(budget),
        source=code.fingerprint,
        device=device.partition(":")[0],
        versions=versions_of(code.libraries),
        data={name: data.checksum(name) for name in (entry.claim.budget(budget).needs if needs is None else needs)},
    )


def context_here(entry: Entry, budget: str, device: str) -> tuple[Context, str | None]:
    """The context of a claim as it would run here; where its data is not at hand, without, and with the reason."""
    from paperwright import data
    from paperwright.data import DataCorrupted, DataUnavailable

    missing = [name for name in entry.claim.budget(budget).needs if not data.available(name)]
    if missing:
        return context_of(entry, budget, device, needs=()), f"{', '.join(missing)} not at hand"
    try:
        return context_of(entry, budget, device), None
    except (DataUnavailable, DataCorrupted) as error:
        return context_of(entry, budget, device, needs=()), str(error)


def versions_of(libraries: frozenset[str]) -> dict[str, str]:
    """Python's version and that of each installed distribution that provides one of the modules."""
    versions = {"python": platform.python_version()}
    for name in sorted(libraries):
        version = _version(name)
        if version is not None:
            versions[name] = version
    return versions


@cache
def _version(module: str) -> str | None:
    if module in sys.stdlib_module_names:
        return None
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):  # most are named like their module
        return importlib.metadata.version(module)
    for candidate in _distributions().get(module, ()):  # takes a second to ask for
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            return importlib.metadata.version(candidate)
    return None


@cache
def _distributions() -> Mapping[str, list[str]]:
    return importlib.metadata.packages_distributions()
