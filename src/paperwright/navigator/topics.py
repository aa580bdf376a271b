"""Topics: groups of papers that lie close together on the map, each named by what sets it apart.

HDBSCAN (Campello, Moulavi and Sander, 2013) finds the groups; papers in none are "unassigned", and shown as that. A
group's names are keywords and pairs of title words, by class TF-IDF: a term's share of the group times
ln(1 + A / f), with A the terms of an average group and f the term's count over all groups (Grootendorst, 2022). No two
groups begin with the same name.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32, Int64

from .errors import NavigatorError
from .keywords import KeywordTable, keywords_of
from .map_layout import map_layout
from .paper import Paper
from .text import STOP_WORDS, stem

if TYPE_CHECKING:
    from .library import Library

UNASSIGNED = -1
WORDS = 10
LARGEST_SHARE = 2
"""A group larger than half of all papers is taken apart."""
NAMES = 3
LARGEST_FIT = 20_000
"""Papers that groups are looked for among; in a larger library the others join the group of their nearest neighbour."""
# A keyword is the authors' own name for a topic; two neighbouring title words may be one by chance.
_KEYWORD_WEIGHT = 2
_FEWEST = 2
_TITLE_WORD = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
_EMPTY_WORDS = frozenset(
    ["towards", "toward", "using", "based", "via", "approach", "method", "methods", "new", "novel"]
)


@dataclass(frozen=True)
class Topic:
    """A group of papers.

    Attributes:
        number: From 0, the largest first; -1 for the papers in no group.
        label: Up to three of its words.
        words: The terms that set it apart, the most telling first; none of the papers in no group.
        ids: Of its papers.
    """

    number: int
    label: str
    words: tuple[str, ...]
    ids: tuple[str, ...]


def topics(library: "Library") -> list[Topic]:
    """The topics of a library, the largest first, and last, where there are any, the papers in none."""

    def make() -> list[Topic]:
        layout = map_layout(library)
        groups = grouped(layout.positions)
        texts = {paper.id: _terms(paper) for paper in library.papers()}
        return named(layout.ids, groups, texts)

    return library.derived("topics", make)


def topic_numbers(library: "Library") -> dict[str, int]:
    """The topic of each paper, by id."""

    def make() -> dict[str, int]:
        return {identifier: topic.number for topic in topics(library) for identifier in topic.ids}

    return library.derived("topic numbers", make)


def grouped(
    positions: Float32[np.ndarray, "papers 2"], smallest: int | None = None, seed: int = 0
) -> Int64[np.ndarray, " papers"]:
    """The group of each point, the largest group 0; -1 for none.

    Args:
        positions: Of the points.
        smallest: Points of the smallest group; by default the greater of 10 and a 250th of all.
        seed: Decides which points are looked at where there are more than 20,000.
    """
    count = len(positions)
    sample = np.arange(count)
    if count > LARGEST_FIT:
        sample = np.sort(np.random.default_rng(seed).choice(count, LARGEST_FIT, replace=False))
    smallest = max(10, len(sample) // 250) if smallest is None else smallest
    if len(sample) < 2 * smallest:
        return np.full(count, UNASSIGNED, dtype=np.int64)
    try:
        from sklearn.cluster import HDBSCAN
        from sklearn.neighbors import NearestNeighbors
    except ImportError:
        raise NavigatorError("topics need scikit-learn: pip install 'paperwright[navigator]'") from None
    # On some maps the excess of mass would take the whole mainland for one group, which says nothing.
    largest = max(2 * smallest, len(sample) // LARGEST_SHARE)
    hdbscan = HDBSCAN(min_cluster_size=smallest, max_cluster_size=largest, copy=True)
    found = hdbscan.fit_predict(positions[sample].astype(np.float64))
    groups = np.full(count, UNASSIGNED, dtype=np.int64)
    groups[sample] = found
    if len(sample) < count:
        others = np.setdiff1d(np.arange(count), sample)
        nearest = NearestNeighbors(n_neighbors=1).fit(positions[sample])
        groups[others] = found[nearest.kneighbors(positions[others], return_distance=False)[:, 0]]
    sizes = Counter(groups[groups >= 0].tolist())
    rank = {group: place for place, (group, _) in enumerate(sorted(sizes.items(), key=lambda one: (-one[1], one[0])))}
    return np.array([rank.get(group, UNASSIGNED) for group in groups.tolist()], dtype=np.int64)


def named(ids: Sequence[str], groups: Int64[np.ndarray, " papers"], terms: Mapping[str, Counter[str]]) -> list[Topic]:
    """Names groups of papers by class TF-IDF.

    Args:
        ids: Of the papers.
        groups: Each paper's group, from 0; -1 for none.
        terms: Each paper's terms, with their weights.
    """
    members: dict[int, list[str]] = {}
    for identifier, group in zip(ids, groups.tolist(), strict=True):
        members.setdefault(group, []).append(identifier)
    counts = {group: _sum(terms.get(one, Counter()) for one in inside) for group, inside in members.items()}
    in_groups = {group: count for group, count in counts.items() if group != UNASSIGNED}
    everywhere = _sum(counts.values())
    average = sum(everywhere.values()) / max(1, len(counts))
    found = []
    heads: Counter[frozenset[str]] = Counter()
    for group, count in sorted(in_groups.items()):
        total = sum(count.values()) or 1
        weight = {
            term: often / total * np.log1p(average / everywhere[term])
            for term, often in count.items()
            if often >= min(_FEWEST * _KEYWORD_WEIGHT, max(count.values()))
        }
        words = _headed(_distinct(sorted(weight, key=lambda term: (-weight[term], term))), heads)
        label = ", ".join(words[:NAMES]) or f"topic {group + 1}"
        found.append(Topic(group, label, tuple(words), tuple(members[group])))
    if UNASSIGNED in members:
        found.append(Topic(UNASSIGNED, "unassigned", (), tuple(members[UNASSIGNED])))
    return found


def _terms(paper: Paper) -> Counter[str]:
    table = KeywordTable.house()
    found: Counter[str] = Counter()
    for keyword in keywords_of(paper):
        if len(keyword) <= 60:
            found[table.topic(keyword)] += _KEYWORD_WEIGHT
    words = [word.casefold() for word in _TITLE_WORD.findall(paper.title)]
    for first, second in pairwise(words):
        if first != "learning" and not {first, second} & (STOP_WORDS | _EMPTY_WORDS):
            found[table.topic(f"{first} {second}")] += 1
    return found


def _distinct(ranked: Iterable[str]) -> list[str]:
    """The first terms, without one whose words another has: "graph neural networks" says "neural network" too."""
    kept: list[str] = []
    said: list[frozenset[str]] = []
    for term in ranked:
        stems = _stems(term)
        if not any(stems <= other or other <= stems for other in said):
            kept.append(term)
            said.append(stems)
        if len(kept) == WORDS:
            break
    return kept


def _headed(words: list[str], heads: Counter[frozenset[str]]) -> list[str]:
    """The terms of a group, first one that no larger group begins with; it is written down among the heads.

    Where larger groups begin with all of them, the first one gets a number.
    """
    if not words:
        return words
    free = next((term for term in words if not heads[_stems(term)]), None)
    head = words[0] if free is None else free
    heads[_stems(head)] += 1
    rest = [term for term in words if term != head]
    return [head if free is not None else f"{head} ({heads[_stems(head)]})", *rest]


def _stems(term: str) -> frozenset[str]:
    return frozenset(stem(word) for word in re.split(r"[\s-]+", term) if word)


def _sum(counters: Iterable[Counter[str]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for counter in counters:
        total.update(counter)
    return total
