"""Experts: who has written what a query finds.

An author's score is the sum over the first 200 hits of the hit's share of the attention, which falls off with its
score as a softmax, times the author's part in the paper: 1 for the first and the last author, 1/2 for the others.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float64

from .errors import NavigatorError
from .filters import folded
from .paper import Paper

if TYPE_CHECKING:
    from .library import Library

HITS = 200
SHOWN = 5
HOMONYMS = "told by name only: people of the same name count as one"


@dataclass(frozen=True)
class Expert:
    """An author and why a query leads to them.

    Attributes:
        name: As the best of the papers spells it.
        score: The sum over the papers; those of all authors of one paper each do not sum to 1.
        papers: Theirs among the hits, as (id, share of the score), the weightiest first.
        shown: The first five of them.
        profile: The identity by which the author is told from others, such as an OpenReview profile; empty where only
            the name is known.
        warning: What to keep in mind; empty where the author has a profile.
    """

    name: str
    score: float
    papers: tuple[tuple[str, float], ...]
    shown: tuple[Paper, ...]
    profile: str = ""
    warning: str = ""


def experts(library: "Library", query: str, k: int = 10) -> list[Expert]:
    """The k authors whose papers a query finds most; none where no author is known.

    Raises:
        NavigatorError: k < 1, or a query without words.
    """
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise NavigatorError(f"k is how many authors to name, at least 1; got {k!r:.80}")
    if not query.strip():
        raise NavigatorError("experts are found by a query; got none")
    page = library.search(query, k=HITS)
    if not len(page):
        return []
    shares = attention(np.array([hit.score for hit in page]))
    papers: dict[str, list[tuple[float, Paper]]] = {}
    names: dict[str, str] = {}
    profiles: dict[str, str] = {}
    for hit, share in zip(page, shares, strict=True):
        for key, name, profile, part in _authors(hit.paper):
            papers.setdefault(key, []).append((float(share) * part, hit.paper))
            names.setdefault(key, name)
            profiles[key] = profile
    scored = {key: sum(share for share, _ in behind) for key, behind in papers.items()}
    best = sorted(scored, key=lambda key: (-scored[key], key))[:k]
    return [_expert(names[key], profiles[key], scored[key], papers[key]) for key in best]


def attention(scores: Float64[np.ndarray, " hits"]) -> Float64[np.ndarray, " hits"]:
    """The softmax of scores over their standard deviation: a share of 1 in all, whatever the scores' unit is.

    p_i = exp(s_i / sd) / sum_j exp(s_j / sd); equal scores have equal shares.
    """
    spread = float(scores.std())
    if spread < 1e-9 * max(1.0, float(np.abs(scores).max())):
        return np.full(len(scores), 1 / len(scores))
    raised = np.exp((scores - scores.max()) / spread)
    shares: Float64[np.ndarray, " hits"] = raised / raised.sum()
    return shares


def _authors(paper: Paper) -> list[tuple[str, str, str, float]]:
    """(key, name, profile, part) of each author; a name that stands there twice counts once."""
    given = paper.raw.get("profiles")
    profiles = given if isinstance(given, list) and len(given) == len(paper.authors) else [""] * len(paper.authors)
    found: dict[str, tuple[str, str, str, float]] = {}
    for place, (name, profile) in enumerate(zip(paper.authors, profiles, strict=True)):
        profile = profile if isinstance(profile, str) else ""
        part = 1.0 if place in (0, len(paper.authors) - 1) else 0.5
        key = f"profile:{profile}" if profile else f"name:{folded(name)}"
        known = found.get(key)
        if known is None or known[3] < part:
            found[key] = (key, name, profile, part)
    return list(found.values())


def _expert(name: str, profile: str, score: float, behind: list[tuple[float, Paper]]) -> Expert:
    behind = sorted(behind, key=lambda one: (-one[0], one[1].id))
    return Expert(
        name=name,
        score=score,
        papers=tuple((paper.id, share) for share, paper in behind),
        shown=tuple(paper for _, paper in behind[:SHOWN]),
        profile=profile,
        warning="" if profile else HOMONYMS,
    )
