"""Fusion: one ranking made of several legs.

`convex` mixes scores, `rrf` ranks. Convex is the better of the two wherever it was measured
(`benchmarks/retrieval.py`); reciprocal ranks lose what a strong leg knows when a weak one is beside it.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .index import Scored

ALPHA = 0.5
"""The weight of words against meaning."""
RRF_CONSTANT = 60
"""Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and individual rank learning methods"
(2009)."""


class Scale(NamedTuple):
    """What scores are measured against: the best by words, the least and the most by meaning."""

    top: float
    low: float
    high: float

    @classmethod
    def of(cls, lexical: Mapping[str, float], dense: Mapping[str, float]) -> "Scale":
        """The scale that some papers' scores span."""
        low, high = min(dense.values(), default=0.0), max(dense.values(), default=0.0)
        return cls(max(lexical.values(), default=0.0), low, high)


def convex(
    lexical: Mapping[str, float], dense: Mapping[str, float], alpha: float = ALPHA, scale: Scale | None = None
) -> list[Scored]:
    r"""s = alpha * lexical / max(lexical) + (1 - alpha) * (dense - min) / (max - min), the best first, ties by id.

    A paper that one map lacks has the least there: no word of the query, or the least of all in meaning.

    Args:
        lexical: BM25 scores, none below 0.
        dense: Inner products.
        alpha: The weight of words against meaning.
        scale: Minima and maxima, if not those of the papers in the maps.

    Raises:
        ValueError: alpha is outside [0, 1].
    """
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha is between 0 and 1; got {alpha}")
    top, low, high = Scale.of(lexical, dense) if scale is None else scale
    scores = dict.fromkeys([*lexical, *dense], 0.0)
    for identifier, score in lexical.items():
        scores[identifier] += alpha * score / top if top > 0 else 0.0
    for identifier, score in dense.items():
        scores[identifier] += (1 - alpha) * (score - low) / (high - low) if high > low else 0.0
    return ranked(scores)


def rrf(*rankings: Sequence[str], constant: int = RRF_CONSTANT) -> list[Scored]:
    """sum over the rankings of 1 / (constant + rank), ranks from 1; a paper that a ranking lacks gets nothing there."""
    scores: dict[str, float] = {}
    for ranking in rankings:
        for rank, identifier in enumerate(ranking, start=1):
            scores[identifier] = scores.get(identifier, 0.0) + 1 / (constant + rank)
    return ranked(scores)


def ranked(scores: Mapping[str, float]) -> list[Scored]:
    """The papers, best first, equal scores by id."""
    return [Scored(*one) for one in sorted(scores.items(), key=lambda one: (-one[1], one[0]))]
