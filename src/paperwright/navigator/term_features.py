"""The papers' words as sparse features: TF-IDF over stems and pairs of stems, and the words that stems stand for."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import NavigatorError
from .paper import Paper
from .text import STOP_WORDS, compounds, stem, tokens, words

if TYPE_CHECKING:
    from .library import Library

MOST_FEATURES = 20_000
SAMPLE = 20_000
"""Papers that terms are counted over; more change them little, and counting all pairs of words takes memory."""
_AT_ONCE = 1_000


@dataclass(frozen=True)
class TermFeatures:
    """Papers by terms.

    Attributes:
        ids: Of the papers, a row each.
        place: The row of each paper.
        rows: A scipy.sparse CSR matrix, [papers, terms], each row of length 1, or 0 for a paper without any term.
        terms: The columns: stems, and pairs of stems.
        spoken: A stem's commonest word.
    """

    ids: tuple[str, ...]
    place: dict[str, int]
    rows: Any
    terms: tuple[str, ...]
    spoken: dict[str, str]

    def say(self, term: str) -> str:
        """A term in words that authors use."""
        return " ".join(self.spoken.get(one, one) for one in term.split())


def term_features(library: "Library") -> TermFeatures:
    """The features of a library's papers, kept until it changes."""

    def make() -> TermFeatures:
        return features_of(library.papers, len(library))

    return library.derived("term features", make)


def features_of(papers: Any, count: int) -> TermFeatures:
    """The features of papers: 1 + ln tf, idf, length 1; terms in at least 5 papers and in at most a tenth of them.

    In a small library, where that would leave nothing, rarer and commoner terms count as well.

    Args:
        papers: A function that iterates over the papers, always in the same order; called twice.
        count: How many there are.
    """
    try:
        from scipy.sparse import csr_matrix, vstack
        from sklearn.feature_extraction.text import TfidfVectorizer
    except ImportError:
        raise NavigatorError("recommendations need scikit-learn: pip install 'paperwright[navigator]'") from None
    step = max(1, -(-count // SAMPLE))
    sample = [_text(paper) for paper in islice(papers(), 0, None, step)]
    vectorizer = TfidfVectorizer(
        analyzer=terms,
        sublinear_tf=True,
        min_df=5 if len(sample) >= 500 else 2 if len(sample) >= 50 else 1,
        max_df=0.1 if len(sample) >= 500 else 1.0,
        max_features=MOST_FEATURES,
        dtype=np.float32,
    )
    ids: list[str] = []
    try:
        vectorizer.fit(sample)
    except ValueError:  # no term is left
        ids = [paper.id for paper in papers()]
        return TermFeatures(tuple(ids), _places(ids), csr_matrix((len(ids), 0), dtype=np.float32), (), {})
    parts = []
    for batch in _batches(papers()):
        ids += [paper.id for paper in batch]
        parts.append(vectorizer.transform([_text(paper) for paper in batch]))
    names = tuple(map(str, vectorizer.get_feature_names_out()))
    rows = vstack(parts, format="csr", dtype=np.float32)
    return TermFeatures(tuple(ids), _places(ids), rows, names, spoken_words(sample))


def terms(text: str) -> list[str]:
    """The stems of a text, and its pairs of neighbouring stems."""
    single = tokens(text)
    return single + [f"{first} {second}" for first, second in pairwise(single)]


def spoken_words(texts: Iterable[str]) -> dict[str, str]:
    """For each stem the word that it most often stands for."""
    often: Counter[str] = Counter()
    for text in texts:
        often.update(word for word in words(text) if word not in STOP_WORDS)
        often.update(compounds(text))
    spoken: dict[str, str] = {}
    for word, _ in sorted(often.items(), key=lambda one: (-one[1], one[0])):
        spoken.setdefault(stem(word.replace("-", "")), word)
    return spoken


def _text(paper: Paper) -> str:
    return "\n".join(filter(None, [paper.title, " ; ".join(paper.keywords), paper.tldr, paper.abstract]))


def _places(ids: list[str]) -> dict[str, int]:
    return {identifier: row for row, identifier in enumerate(ids)}


def _batches(papers: Iterable[Paper]) -> Iterator[list[Paper]]:
    rest = iter(papers)
    while batch := list(islice(rest, _AT_ONCE)):
        yield batch
