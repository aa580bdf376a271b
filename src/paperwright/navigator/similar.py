"""Similar papers: the nearest in meaning, and those that stand on the same work.

Meaning is the cosine of the encoder's vectors. The embedded encoder, which knows words only, takes long texts of one
style for alike where most are short. So beside it stand the words of title and keywords, by BM25, half of each as
`fusion.convex` mixes them. Where references are known, two papers are related if they cite the
same work (bibliographic coupling, Kessler 1963) or are cited by the same papers (co-citation, Small 1973): the number
in common over the geometric mean of the numbers, of either kind the greater.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from .errors import NavigatorError
from .evidence import why
from .filters import Filter, columns_of, only_ids
from .fusion import convex, ranked
from .paper import Paper
from .ranking import CANDIDATES
from .search import Hit
from .text import dense_text, tokens

if TYPE_CHECKING:
    from .library import Library

By = Literal["meaning", "references", "both"]
Sets = Mapping[str, frozenset[str]]


def similar(
    library: "Library",
    identifier: str,
    k: int = 10,
    where: Filter | Mapping[str, Any] | None = None,
    by: By = "meaning",
) -> list[Hit]:
    """The k papers nearest to one, without itself.

    Args:
        library: Where they are looked for.
        identifier: Of the paper.
        k: How many.
        where: Which papers may be found (see `filters`).
        by: "meaning": the cosine; "references": coupling or co-citation; "both": half of each.

    Raises:
        UnknownPaperId: there is no such paper.
        NavigatorError: k < 1, an unknown `by` or column.
    """
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise NavigatorError(f"k is how many papers to find, at least 1; got {k!r:.80}")
    if by not in get_args(By):
        raise NavigatorError(f"by is one of {', '.join(get_args(By))}; got {by!r:.80}")
    paper = library[identifier]
    others = Filter.of(where).also(only_ids([identifier], negated=True))
    related = _related(library, paper, others) if by != "meaning" else {}
    if by == "references":
        legs: dict[str, Mapping[str, float]] = {"references": related}
        found = ranked(related)
    else:
        legs, near = _near(library, paper, k if by == "meaning" else max(k, CANDIDATES), others, related)
        legs |= {"references": related} if by == "both" else {}
        found = ranked({one: (score + related.get(one, 0.0)) / (1 + (by == "both")) for one, score in near.items()})
    places = {
        leg: {one.id: (rank, one.score) for rank, one in enumerate(ranked(scores), start=1)}
        for leg, scores in legs.items()
    }
    papers = library.many([one.id for one in found[:k]])
    terms = dict.fromkeys(tokens(" ".join((paper.title, *paper.keywords))))
    return [
        Hit(
            papers[one.id],
            rank,
            one.score,
            why(papers[one.id], terms, {leg: ranks[one.id] for leg, ranks in places.items() if one.id in ranks}),
        )
        for rank, one in enumerate(found[:k], start=1)
        if one.id in papers  # else taken out since the index was asked
    ]


def _near(
    library: "Library", paper: Paper, k: int, where: Filter, also: Mapping[str, float]
) -> tuple[dict[str, Mapping[str, float]], dict[str, float]]:
    """The legs, and the score of the nearest papers and of some others; by words alone where no word has a meaning."""
    (vector,) = library.vectors([paper.id])
    index = library.index
    if not np.any(vector):
        words = dict(index.lexical(dense_text(paper), k, where))
        return {"words": words}, words
    mixed = not library.neural
    near: dict[str, float] = dict(index.dense(vector, max(k, CANDIDATES) if mixed else k, where))
    words = (
        dict(index.lexical(" ; ".join((paper.title, *paper.keywords)) + " ", max(k, CANDIDATES), where))
        if mixed
        else {}
    )
    if missing := [one for one in {**also, **words} if one not in near]:
        near |= zip(missing, map(float, index.vectors(missing) @ vector), strict=True)
    if not mixed:
        return {"meaning": near}, near
    return {"words": words, "meaning": near}, dict(convex(words, near))


def _related(library: "Library", paper: Paper, where: Filter) -> dict[str, float]:
    """How far other papers cite the same work, or are cited together with this one."""
    cites, cited = library.derived("references", lambda: _references(library))
    shares = _shares(paper.id, cites, cited)
    for one, share in _shares(paper.id, cited, cites).items():
        shares[one] = max(share, shares.get(one, 0.0))
    papers = library.many([one for one in shares if one in cites])
    return {one: shares[one] for one, other in papers.items() if where.holds(columns_of(other))}


def _shares(identifier: str, of: Sets, back: Sets) -> dict[str, float]:
    """|A and B| / sqrt(|A| |B|) of a paper's set with each other paper's that has anything in common with it."""
    own = of.get(identifier, frozenset())
    common: dict[str, int] = defaultdict(int)
    for item in own:
        for other in back.get(item, ()):
            common[other] += 1
    common.pop(identifier, None)
    return {other: shared / (len(own) * len(of[other])) ** 0.5 for other, shared in common.items()}


def _references(library: "Library") -> tuple[Sets, Sets]:
    """What each paper of the library cites, and for each cited work by which papers of the library."""
    cites = {paper.id: frozenset(paper.references) for paper in library.papers()}
    cited: dict[str, set[str]] = defaultdict(set)
    for identifier, references in cites.items():
        for reference in references:
            cited[reference].add(identifier)
    return cites, {reference: frozenset(papers) for reference, papers in cited.items()}
