"""Revisions of a claim: what was fixed before which seeds ran.

The terms of a claim (statement, arms, rule, looks, settings) are hashed and registered before its first verdict seed
runs. A claim whose terms change after verdict seeds ran is a new revision: its seeds begin where those of the earlier
ones end, so that nothing is judged on seeds that helped to change it, and what the earlier revisions came to is kept.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from paperwright.claims.claim import digest_of_terms
from paperwright.claims.trial import PILOT_SEEDS


@dataclass(frozen=True)
class Revision:
    """One revision of a claim at a budget.

    Attributes:
        number: 1, 2 ...
        terms: what was fixed, as `Claim.terms` writes it; `digest` its hash.
        first_seed: its seeds count from here.
        registered: when the terms were hashed, in seconds since the epoch, before its first seed ran; None for records
            older than registration itself.
        came_to: what it came to, once it has been judged: verdict, seeds and findings in words.
    """

    number: int
    terms: Mapping[str, Any]
    digest: str
    first_seed: int = 0
    registered: float | None = None
    came_to: Mapping[str, Any] | None = None

    @property
    def end(self) -> int:
        """The first seed that this revision cannot use."""
        return self.first_seed + int(max(self.terms["looks"]))

    @property
    def seeds(self) -> range:
        """The seeds that it may use."""
        return range(self.first_seed, self.end)

    def as_json(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)


def with_earlier_code(came_to: Mapping[str, Any], before: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a revision came to, with what its seeds came to before under other code: none of it is dropped."""
    if before is None:
        return dict(came_to)
    kept = list(before.get("under_earlier_code", []))
    if before.get("source") != came_to.get("source") and before["verdict"] != "not judged":
        kept.append({name: value for name, value in before.items() if name != "under_earlier_code"})
    return {**came_to, "under_earlier_code": kept}


def next_revision(terms: Mapping[str, Any], known: Sequence[Revision], used: Mapping[str, int]) -> Revision:
    """The revision that these terms belong to: the one of the same hash that ran, or a new one on fresh seeds.

    Args:
        terms: the claim's terms as they are now.
        known: the revisions registered so far.
        used: for each hash of which verdict seeds ran, registered or not, the greatest of these seeds.
    """
    digest = digest_of_terms(terms)
    for revision in known:
        if revision.digest == digest and digest in used:
            return revision if revision.registered is not None else replace(revision, registered=time.time())
    ran = [revision for revision in known if revision.digest in used]
    seen = [seed + 1 for other, seed in used.items() if other != digest]
    first = max([0, *seen, *(revision.end for revision in ran)])
    if first + max(terms["looks"]) > PILOT_SEEDS:
        raise ValueError(f"this claim's seeds would reach {PILOT_SEEDS:,}, where pilot seeds begin")
    number = max((revision.number for revision in ran), default=0) + 1
    return Revision(number, terms, digest, first, time.time())
