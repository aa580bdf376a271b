"""The sentences of a digest: quotations from a paper, each with where it stands."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .paper import Paper

if TYPE_CHECKING:
    from .library import Library

# A full stop that ends a sentence: before a capital letter, and not behind "e.g", "al" or a single letter.
_END = re.compile(
    r"(?<![\s(.][A-Za-z])(?<!\bal)(?<!\bvs)(?<!\betc)(?<!\bcf)(?<!\bFig)(?<!\bSec)(?<!\bEq)[.!?]\s+(?=[^\sa-z])"
)
# What authors say a result with.
_RESULT = re.compile(
    r"\b(we (?:show|prove|find|demonstrate|establish|observe|reveal|obtain|achieve)|outperform\w*"
    r"|results? (?:show|suggest)"
    r"|state[- ]of[- ]the[- ]art|improv(?:es?|ed|ement) |surpass\w*|significantly"
    r"|key (?:insight|idea|finding)|surprisingly)",
    re.IGNORECASE,
)

NOT_THEIRS = "a card of paperwright's, not the authors' words"


@dataclass(frozen=True)
class Quotation:
    """A sentence of a paper's record.

    Attributes:
        text: The words, unchanged.
        source: Where they stand: "the authors' TL;DR", "sentence 2 of 7 of the abstract"; or whose they are, if
            they are not the authors'.
        extracted: Whether it was picked from a longer text.
    """

    text: str
    source: str
    extracted: bool


def sentences(text: str) -> list[str]:
    """The sentences of a text; joined by blanks they are the text."""
    found, begins = [], 0
    for end in _END.finditer(text):
        found.append(text[begins : end.start() + 1])
        begins = end.end()
    return [one for one in (*found, text[begins:]) if one.strip()]


def own_summary(paper: Paper, library: "Library") -> Quotation | None:
    """The authors' TL;DR, or the sentence of the abstract that is nearest to the abstract as a whole."""
    if paper.tldr:
        source = "the authors' TL;DR" if paper.by_its_authors("tldr") else NOT_THEIRS
        return Quotation(paper.tldr, source, extracted=False)
    said = sentences(paper.abstract)
    if not said:
        return None
    central = _centrality(said, library)
    return _quoted(paper, said, max(range(len(said)), key=lambda place: (central[place], -place)))


def key_sentence(paper: Paper, library: "Library", other_than: Quotation | None = None) -> Quotation | None:
    """The sentence of the abstract that states a result most, the most central of several; not one that was quoted."""
    said = sentences(paper.abstract)
    central = _centrality(said, library)
    signs = [len(_RESULT.findall(sentence)) for sentence in said]
    left = [place for place, one in enumerate(said) if signs[place] and (other_than is None or one != other_than.text)]
    best = max(left, key=lambda place: (signs[place], central[place], -place), default=None)
    return None if best is None else _quoted(paper, said, best)


def _quoted(paper: Paper, said: list[str], place: int) -> Quotation:
    of = "the abstract" if paper.by_its_authors("abstract") else NOT_THEIRS
    return Quotation(said[place], f"sentence {place + 1} of {len(said)} of {of}", extracted=True)


def _centrality(said: list[str], library: "Library") -> list[float]:
    """The cosine of each sentence to the sum of all."""
    if not said:
        return []
    vectors = np.asarray(library.encoder.encode(said), dtype=np.float64)
    return [float(one) for one in vectors @ vectors.sum(axis=0)]
