"""Trends: the share of papers that speak of a term, year by year, and whether it rises.

A year's share has Wilson's interval. Whether the newest year differs from the one before is judged by the log-odds
ratio with an informative Dirichlet prior, which draws rare terms towards what they are over all years:

    delta = ln((y1 + a) / (n1 + a0 - y1 - a)) - ln((y0 + a) / (n0 + a0 - y0 - a))
    z = delta / sqrt(1 / (y1 + a) + 1 / (y0 + a))

with y papers of n in a year, a = a0 times the term's share over all years, and a0 papers' worth of prior (Monroe,
Colaresi and Quinn, "Fightin' words", Political Analysis 16, 2008).
"""

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from paperwright.stats.interval import Interval
from paperwright.stats.proportion import proportion_interval

from .errors import NavigatorError
from .keywords import KeywordTable, keywords_of
from .paper import Paper
from .text import STOP_WORDS, stem, words

if TYPE_CHECKING:
    from .library import Library

PRIOR = 10.0
"""The weight of the prior, in papers."""
CERTAIN = 1.96
"""|z| from which a change is called one: 95 % under no change."""


@dataclass(frozen=True)
class YearShare:
    """One year.

    Attributes:
        papers: Papers with the term.
        of: All papers of the year.
        share: papers / of, with Wilson's 95 % interval.
    """

    year: int
    papers: int
    of: int
    share: Interval


@dataclass(frozen=True)
class Trend:
    """A term over the years.

    Attributes:
        term: As it was asked for.
        spellings: What counts as the term: the spellings that the table of keywords merges.
        years: Oldest first; years without papers are left out.
        log_odds: delta of the last two years; None with fewer than two.
        z: delta over its standard error.
        direction: "rising", "falling", "steady" (|z| < 1.96), or "unknown".
        note: What to keep in mind.
    """

    term: str
    spellings: tuple[str, ...]
    years: tuple[YearShare, ...]
    log_odds: float | None
    z: float | None
    direction: str
    note: str


@dataclass(frozen=True)
class Change:
    """A topic of the keywords whose share changed between two years."""

    topic: str
    before: int
    now: int
    log_odds: float
    z: float


@dataclass(frozen=True)
class _Texts:
    """Years, and for every paper of each its stems as one text with blanks around each."""

    years: dict[int, list[str]]
    undated: int


def trend(library: "Library", term: str) -> Trend:
    """The share of papers with a term, year by year.

    A paper has the term if its words, stemmed, follow one another in title, keywords, TL;DR or abstract, under any of
    the spellings that `keywords.KeywordTable` merges.

    Raises:
        NavigatorError: the term has no word that could be looked for.
    """
    table = KeywordTable.house()
    spellings = table.spellings(term)
    wanted = {pattern for spelling in spellings if (pattern := _stems(spelling)).strip()}
    if not wanted:
        raise NavigatorError(f"a trend is of a word or a phrase, other than the commonest words; got {term!r:.80}")
    texts = library.derived("texts by year", lambda: _texts(library))
    years = []
    for year, lines in sorted(texts.years.items()):
        papers = sum(any(pattern in line for pattern in wanted) for line in lines)
        years.append(YearShare(year, papers, len(lines), proportion_interval(papers, len(lines))))
    notes = [f"{texts.undated:,} papers without a year are left out"] if texts.undated else []
    if len(years) < 2:
        notes.append("the papers are of one year: a trend needs two" if years else "no paper has a year")
        return Trend(term, spellings, tuple(years), None, None, "unknown", "; ".join(notes))
    total, all_papers = sum(year.papers for year in years), sum(year.of for year in years)
    before, now = years[-2], years[-1]
    delta, z = log_odds(now.papers, now.of, before.papers, before.of, total / all_papers)
    if now.year - before.year > 1:
        notes.append(f"there are no papers between {before.year} and {now.year}")
    return Trend(term, spellings, tuple(years), delta, z, _direction(z, total), "; ".join(notes))


def rising(library: "Library", k: int = 20) -> list[Change]:
    """The topics of the keywords whose share rose most, by z, between the last two years of a library."""

    def make() -> list[Change]:
        counts: dict[int, Counter[str]] = {}
        papers: Counter[int] = Counter()
        table = KeywordTable.house()
        for paper in library.papers():
            if paper.year is not None and paper.keywords:
                papers[paper.year] += 1
                counts.setdefault(paper.year, Counter()).update({table.topic(one) for one in keywords_of(paper)})
        if len(papers) < 2:
            return []
        earlier, later = sorted(papers)[-2:]
        changes = []
        for topic, now in counts[later].items():
            before = counts[earlier][topic]
            share = sum(year[topic] for year in counts.values()) / papers.total()
            delta, z = log_odds(now, papers[later], before, papers[earlier], share)
            changes.append(Change(topic, before, now, delta, z))
        return sorted(changes, key=lambda one: (-one.z, one.topic))

    return library.derived("rising topics", make)[:k]


def log_odds(y1: int, n1: int, y0: int, n0: int, share: float, prior: float = PRIOR) -> tuple[float, float]:
    """(delta, z): how the odds of a term changed, and how sure that is.

    Args:
        y1, n1: Papers with the term, and all papers, now.
        y0, n0: The same before.
        share: Of papers with the term over all years: where the prior draws to.
        prior: The weight of the prior, in papers.
    """
    # A term in no paper, or in all, has a prior too: half a paper for, half a paper against.
    a = prior * min(max(share, 0.5 / (n1 + n0)), 1 - 0.5 / (n1 + n0))
    delta = math.log((y1 + a) / (n1 + prior - y1 - a)) - math.log((y0 + a) / (n0 + prior - y0 - a))
    return delta, delta / math.sqrt(1 / (y1 + a) + 1 / (y0 + a))


def _direction(z: float, total: int) -> str:
    if not total:
        return "unknown"
    return "steady" if abs(z) < CERTAIN else "rising" if z > 0 else "falling"


def _texts(library: "Library") -> _Texts:
    years: dict[int, list[str]] = {}
    undated = 0
    for paper in library.papers():
        if paper.year is None:
            undated += 1
        else:
            years.setdefault(paper.year, []).append(_line(paper))
    return _Texts(years, undated)


def _line(paper: Paper) -> str:
    # "|" is no word: a phrase cannot reach from one field, or one keyword, into the next.
    return "|".join(map(_stems, (paper.title, *paper.keywords, paper.tldr, paper.abstract)))


def _stems(text: str) -> str:
    return f" {' '.join(stem(word) for word in words(text) if word not in STOP_WORDS)} "
