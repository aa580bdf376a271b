"""Recommendations: what else belongs under a tag, learned from the papers that are there.

A linear support vector machine tells the papers under the tag from all others by their words (Karpathy's
arxiv-sanity-lite does the same), beside which the vectors of a neural encoder are further columns. The features are
computed once for a state of the library, and a tag is learned once for a state of the tag.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float64

from .errors import NavigatorError
from .tag_logic import Wish, wish
from .term_features import TermFeatures, term_features

if TYPE_CHECKING:
    from .library import Library
    from .search import Hit

MOST_NEGATIVE = 10_000
"""Papers without the tag that a fit looks at; in a larger library a sample of them, weighted for all."""
POSITIVE_TERMS, NEGATIVE_TERMS = 20, 10
TERMS_SHOWN = 3


@runtime_checkable
class Recommender(Protocol):
    """What learns a tag: any classifier of scikit-learn with a decision function."""

    def fit(self, X: Any, y: Any) -> Any: ...

    def decision_function(self, X: Any) -> Any: ...


@dataclass(frozen=True)
class Learned:
    """A tag as it was learned.

    Attributes:
        scores: The decision function of every paper; above 0 is like the tag's papers.
        weights: Of each term; None where the recommender has none.
    """

    scores: Float64[np.ndarray, " papers"]
    weights: Float64[np.ndarray, " terms"] | None


@dataclass(frozen=True)
class Explanation:
    """What a tag is taken to be about.

    Attributes:
        tag: Its name.
        papers: How many it has.
        positive: The terms that speak most for it, with their weights.
        negative: Those that speak most against it.
    """

    tag: str
    papers: int
    positive: tuple[tuple[str, float], ...]
    negative: tuple[tuple[str, float], ...]


def default_recommender() -> Recommender:
    """LinearSVC with the settings of arxiv-sanity-lite."""
    from sklearn.svm import LinearSVC

    machine: Recommender = LinearSVC(class_weight="balanced", C=0.01, max_iter=10_000, tol=1e-6)
    return machine


def recommend(
    library: "Library",
    tag: str,
    k: int = 20,
    exclude_seen: bool = True,
    make: Callable[[], Recommender] | None = None,
) -> "list[Hit]":
    """The k papers that are most like those under a tag, without those.

    Args:
        library: Whose papers.
        tag: A tag, or several joined as in `a & (b | c) & !d` (see `tag_logic`).
        k: How many.
        exclude_seen: Whether to leave out papers that were marked as seen.
        make: Makes the classifier that learns a tag; by default `default_recommender`.

    Raises:
        NavigatorError: k < 1, a tag without papers, or tags that are not joined as they should be.
    """
    from .search import Hit, Why

    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise NavigatorError(f"k is how many papers to recommend, at least 1; got {k!r:.80}")
    asked = wish(tag)
    features = term_features(library)
    scores = relevance(library, asked, make)
    known = {identifier for name in asked.tags() for identifier in library.tagged(name)}
    known |= library.records.seen() if exclude_seen else set()
    left = np.array([identifier not in known for identifier in features.ids], dtype=bool)
    order = np.lexsort((np.arange(len(scores)), -scores))
    best = order[left[order]][:k]
    papers = library.many([features.ids[row] for row in best])
    hits: list[Hit] = []
    for row in best:
        paper = papers.get(features.ids[row])
        if paper is not None:  # else taken out meanwhile
            stems = _telling(library, features, asked, int(row), make)
            said = _said(stems, features)
            reason = f"like the papers under {tag}"
            reason += f": {', '.join(said)}" if said else ""
            single = tuple(dict.fromkeys(one for stem in stems for one in stem.split()))
            hits.append(Hit(paper, len(hits) + 1, float(scores[row]), Why(terms=single, reason=reason, words=said)))
    return hits


def relevance(
    library: "Library", asked: "Wish | str", make: Callable[[], Recommender] | None = None
) -> Float64[np.ndarray, " papers"]:
    """How like the papers under some tags each paper is, in the order of `term_features(library).ids`."""
    asked = wish(asked) if isinstance(asked, str) else asked
    return asked.scores(lambda name: learned(library, name, make).scores)


def explanation(library: "Library", tag: str) -> Explanation:
    """The 20 terms that speak most for a tag and the 10 that speak most against it.

    Raises:
        NavigatorError: the tag has no papers.
    """
    features, weights = term_features(library), learned(library, tag).weights
    if weights is None:
        return Explanation(tag, len(library.tagged(tag)), (), ())
    order = np.argsort(-weights, kind="stable")
    terms = [(features.terms[column], float(weights[column])) for column in order]
    said = [(features.say(term), weight) for term, weight in terms if _says_something(term)]
    return Explanation(
        tag,
        len(library.tagged(tag)),
        tuple(one for one in said[:POSITIVE_TERMS] if one[1] > 0),
        tuple(one for one in said[::-1][:NEGATIVE_TERMS] if one[1] < 0),
    )


def learned(library: "Library", tag: str, make: Callable[[], Recommender] | None = None) -> Learned:
    """A tag as it is learned from its papers; once for a state of the tag and of the library."""
    ids = library.tagged(tag)
    if not ids:
        there = ", ".join(list(library.tags())[:20]) or "none yet"
        raise NavigatorError(f"no paper is under the tag {tag!r:.80}; at least one is needed. Tags: {there}")
    features = term_features(library)

    def fit() -> Learned:
        positive = [features.place[identifier] for identifier in ids if identifier in features.place]
        return learn(_columns(library, features), positive, make, len(features.terms))

    if make is not None:
        return fit()
    held: dict[str, tuple[frozenset[str], Learned]] = library.derived("learned tags", dict)
    known = held.get(tag)
    if known is None or known[0] != frozenset(ids):
        held[tag] = known = (frozenset(ids), fit())
    return known[1]


def learn(
    X: Any, positive: Sequence[int], make: Callable[[], Recommender] | None = None, terms: int | None = None
) -> Learned:
    """Tells some rows from all others.

    Args:
        X: A scipy.sparse CSR matrix, [papers, columns].
        positive: The rows to be told from the rest; at least one.
        make: Makes the classifier; by default `default_recommender`.
        terms: How many of the first columns are terms; all by default.
    """
    count = X.shape[0]
    y = np.zeros(count)
    y[list(positive)] = 1
    if y.all() or not X.shape[1]:  # there is nothing to tell them from, or by
        return Learned(np.zeros(count), None)
    negative = np.flatnonzero(y == 0)
    machine = (make or default_recommender)()
    if len(negative) > MOST_NEGATIVE:
        kept = np.random.default_rng(0).choice(negative, MOST_NEGATIVE, replace=False)
        rows = np.sort(np.concatenate([np.flatnonzero(y), kept]))
        if make is None:
            # C counts for each paper; fewer papers weigh as much as all of them would.
            machine = _weighted(machine, count / len(rows))
        machine.fit(X[rows], y[rows])
    else:
        machine.fit(X, y)
    scores = np.asarray(machine.decision_function(X), dtype=np.float64)
    coefficients = getattr(machine, "coef_", None)
    weights = None if coefficients is None else np.asarray(coefficients, dtype=np.float64).ravel()[:terms]
    return Learned(scores, weights)


def _weighted(machine: Any, factor: float) -> Recommender:
    weighted: Recommender = machine.set_params(C=machine.C * factor)
    return weighted


def _columns(library: "Library", features: TermFeatures) -> Any:
    """The terms, and a neural encoder's vectors; those of the embedded encoder are made of the terms."""
    if not library.neural:
        return features.rows

    def make() -> Any:
        from scipy.sparse import csr_matrix, hstack

        return hstack([features.rows, csr_matrix(library.vectors(features.ids))], format="csr", dtype=np.float32)

    return library.derived("term features and vectors", make)


def _telling(
    library: "Library", features: TermFeatures, asked: Wish, row: int, make: Callable[[], Recommender] | None
) -> list[str]:
    """The terms of a paper that speak most for it, over the tags that are wished for."""
    if make is not None:
        return []
    rows = features.rows
    # A row by its bounds: indexing a sparse matrix makes a new one, which takes longer than all the rest.
    inside = slice(rows.indptr[row], rows.indptr[row + 1])
    columns, values = rows.indices[inside], rows.data[inside]
    gain = np.zeros(len(columns))
    for name in _wanted(asked):
        weights = learned(library, name).weights
        if weights is not None:
            gain = np.maximum(gain, values * weights[columns])
    best = [features.terms[columns[place]] for place in np.argsort(-gain, kind="stable") if gain[place] > 0]
    return [term for term in best if _says_something(term)][:TERMS_SHOWN]


def _says_something(term: str) -> bool:
    """Whether a term is more than numbers and single letters."""
    return any(len(one) > 1 and not one.isdigit() for one in term.split())


def _said(terms: Sequence[str], features: TermFeatures) -> tuple[str, ...]:
    """Terms in words that authors use, each once."""
    return tuple(dict.fromkeys(map(features.say, terms)))


def _wanted(asked: Wish) -> list[str]:
    if asked.kind == "!":
        return []
    return [asked.tag] if asked.kind == "tag" else [tag for part in asked.parts for tag in _wanted(part)]
