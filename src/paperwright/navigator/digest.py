"""Digests: the papers of a week or a month that are worth a look, few and varied, each with why.

A paper's worth is z(relevance to tags) + z(popularity); papers are taken one by one, the best first, less half their
greatest cosine to one that is taken (maximal marginal relevance: Carbonell and Goldstein, SIGIR 1998, lambda = 1/2), at
most two of a topic. Every sentence is a quotation, and said to be one: nothing is written by a machine.
"""

import datetime
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float64

from .digest_sentences import Quotation, key_sentence, own_summary
from .errors import NavigatorError
from .paper import Paper

if TYPE_CHECKING:
    from .library import Library

OF_A_TOPIC = 2
REDUNDANCY = 0.5
CANDIDATES = 500
"""The worthiest papers among which variety is looked for."""
_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")


@dataclass(frozen=True)
class Chosen:
    """A paper of a digest.

    Attributes:
        summary: The authors' TL;DR, or the most central sentence of the abstract; None without either.
        insight: The sentence of the abstract that states a result most; None without one.
        why: The reasons, in numbers.
        topic: The label of its topic; empty for none.
        score: Its worth, before variety.
    """

    paper: Paper
    summary: Quotation | None
    insight: Quotation | None
    why: tuple[str, ...]
    topic: str
    score: float


@dataclass(frozen=True)
class Digest:
    """Papers worth a look.

    Attributes:
        since, until: The time, ISO dates in whole or part; None for an open end.
        by: The tags that it was made for; None for none.
        of: How many papers the time has.
        chosen: In the order in which they were chosen.
        notes: What the reader should know.
    """

    since: str | None
    until: str | None
    by: str | None
    of: int
    chosen: tuple[Chosen, ...]
    notes: tuple[str, ...]

    @property
    def title(self) -> str:
        """What it is of, in a line."""
        if self.since and self.until:
            when = f"{self.since} to {self.until}"
        else:
            when = f"from {self.since}" if self.since else f"up to {self.until}" if self.until else "all times"
        return f"Digest, {when}" + (f", for {self.by}" if self.by else "")

    def markdown(self) -> str:
        from .digest_forms import markdown

        return markdown(self)

    def html(self) -> str:
        from .digest_forms import html

        return html(self)

    def atom(self) -> str:
        from .digest_forms import atom_feed

        return atom_feed(self)

    def text(self) -> str:
        from .digest_forms import text

        return text(self)


def digest(
    library: "Library", since: str | None = None, until: str | None = None, n: int = 10, by: str | None = None
) -> Digest:
    """The n papers of a time that are worth a look.

    Args:
        library: Whose papers.
        since, until: The first and the last day, "2022-04-01", or a month or a year; None for an open end.
        n: How many papers at most.
        by: A tag, or several joined as in `a & !b` (see `tag_logic`): relevance is likeness to its papers.

    Raises:
        NavigatorError: n < 1, what is no date, a time that ends before it begins, or a tag without papers.
    """
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise NavigatorError(f"n is how many papers a digest has, at least 1; got {n!r:.80}")
    first, last = _day(since, "since", first=True), _day(until, "until", first=False)
    if first and last and first > last:
        raise NavigatorError(f"a digest from {since} to {until} ends before it begins")
    papers, notes = _of_the_time(library, first, last)
    relevance, of_tag = _relevance(library, by, papers)
    signal, values, signal_note = _popularity(papers, last)
    notes += signal_note
    score = standardised(relevance) + standardised(values)
    tagged = {identifier for name in of_tag for identifier in library.tagged(name)}
    left = np.array([paper.id not in tagged for paper in papers], dtype=bool)
    order = np.lexsort((np.arange(len(papers)), -score))
    candidates = order[left[order]][:CANDIDATES] if len(papers) else order
    topic = _topics(library) if len(candidates) > n else {}
    rows = varied(
        score[candidates],
        library.vectors([papers[row].id for row in candidates]) if len(candidates) else np.zeros((0, 1)),
        [topic.get(papers[row].id, "") for row in candidates],
        n,
    )
    chosen = []
    for row in (int(candidates[place]) for place in rows):
        paper = papers[row]
        why = _why(by, relevance, signal, values, row, len(papers))
        summary = own_summary(paper, library)
        insight = key_sentence(paper, library, other_than=summary)
        chosen.append(Chosen(paper, summary, insight, why, topic.get(paper.id, ""), float(score[row])))
    return Digest(since, until, by, len(papers), tuple(chosen), tuple(notes))


def standardised(values: Float64[np.ndarray, " papers"]) -> Float64[np.ndarray, " papers"]:
    """(x - mean) / standard deviation; 0 for what is not known (NaN), and for all if they are alike."""
    known = np.isfinite(values)
    if known.sum() < 2:
        return np.zeros(len(values))
    spread = float(values[known].std())
    if spread <= 1e-12 * max(1.0, float(np.abs(values[known]).max())):
        return np.zeros(len(values))
    return np.where(known, (np.where(known, values, 0.0) - values[known].mean()) / spread, 0.0)


def varied(score: Any, vectors: Any, topics: Sequence[str], n: int, redundancy: float = REDUNDANCY) -> list[int]:
    """The places of n papers, taken one by one: the greatest score less the cost of its likeness to one taken.

    Args:
        score: [papers].
        vectors: Unit vectors, [papers, width].
        topics: Of each paper; of one topic two are taken, of "" as many as come.
        n: How many to take.
        redundancy: What a cosine of 1 to a paper that is taken costs.
    """
    taken: list[int] = []
    nearest = np.full(len(score), -np.inf)
    open_ = np.ones(len(score), dtype=bool)
    often: Counter[str] = Counter()
    while len(taken) < n and open_.any():
        worth = np.where(open_, score - redundancy * np.where(np.isfinite(nearest), nearest, 0.0), -np.inf)
        best = int(np.argmax(worth))
        taken.append(best)
        open_[best] = False
        nearest = np.maximum(nearest, vectors @ vectors[best])
        if topics[best]:
            often[topics[best]] += 1
            if often[topics[best]] == OF_A_TOPIC:
                open_ &= np.array([topic != topics[best] for topic in topics])
    return taken


def _of_the_time(library: "Library", first: str | None, last: str | None) -> tuple[list[Paper], list[str]]:
    """The papers of a time; of one that only has a year or a month, whether that touches the time."""
    found, vague, undated = [], 0, 0
    for paper in library.papers():
        date = paper.published or (f"{paper.year:04d}" if paper.year is not None else "")
        if not date:
            undated += 1
            if first is None and last is None:
                found.append(paper)
            continue
        begins, ends = _day(date, "published", first=True) or "", _day(date, "published", first=False) or ""
        if (last is None or begins <= last) and (first is None or ends >= first):
            vague += len(date) < 10 and not ((first or "") <= begins and (last is None or ends <= last))
            found.append(paper)
    notes = []
    if vague:
        notes.append(f"{vague:,} of the papers have a year or a month only, which touches the time")
    if undated and (first or last):
        notes.append(f"{undated:,} papers without a date are left out")
    return found, notes


def _day(date: str | None, name: str, *, first: bool) -> str | None:
    """The first or the last day of a date that may be a month or a year."""
    if not date:
        return None
    try:
        if not _DATE.fullmatch(date):
            raise ValueError
        year, month, day = ([*map(int, date.split("-")), 0, 0])[:3]
        if first or day:
            return datetime.date(year, month or 1, day or 1).isoformat()
        month = month or 12
        after = datetime.date(year + month // 12, month % 12 + 1, 1)
        return (after - datetime.timedelta(days=1)).isoformat()
    except (ValueError, OverflowError):
        raise NavigatorError(f"{name} is a date such as 2022-04-25, 2022-04 or 2022; got {date!r:.80}") from None


def _relevance(
    library: "Library", by: str | None, papers: Sequence[Paper]
) -> tuple[Float64[np.ndarray, " papers"], list[str]]:
    if not by:
        return np.full(len(papers), np.nan), []
    from .recommend import relevance
    from .tag_logic import wish
    from .term_features import term_features

    asked = wish(by)
    scores, place = relevance(library, asked), term_features(library).place
    return np.array([scores[place[paper.id]] if paper.id in place else np.nan for paper in papers]), asked.tags()


def _popularity(papers: Sequence[Paper], last: str | None) -> tuple[str, Float64[np.ndarray, " papers"], list[str]]:
    """The signal, its values, and what to say of it: citations a month, or the mean rating where none is known."""
    if any(paper.citations is not None for paper in papers):
        newest = max((paper.updated or paper.published or "" for paper in papers), default="")
        today = datetime.date.fromisoformat(max(_day(newest, "updated", first=False) or "0001-01-01", last or ""))
        values = [_citations_a_month(paper, today) for paper in papers]
        sources = sorted({paper.source for paper in papers if paper.citations is not None and paper.source})
        where = f", as counted by {', '.join(sources)}" if sources else ""
        return "citations a month", np.array(values), [f"popularity: citations a month up to {today}{where}"]
    if any(paper.ratings for paper in papers):
        ratings = [np.nan if paper.rating is None else paper.rating for paper in papers]
        return "mean rating", np.array(ratings), ["popularity: the reviewers' mean rating, for no citations are known"]
    return "", np.full(len(papers), np.nan), ["popularity: nothing is known"] if papers else []


def _citations_a_month(paper: Paper, today: datetime.date) -> float:
    if paper.citations is None:
        return float("nan")
    date = paper.published or (f"{paper.year:04d}" if paper.year is not None else "")
    begins = _day(date, "published", first=True)
    months = (today - datetime.date.fromisoformat(begins)).days / 30.44 if begins else 1.0
    return paper.citations / max(1.0, months)


def _topics(library: "Library") -> dict[str, str]:
    from .topics import topics

    def make() -> dict[str, str]:
        return {one: topic.label for topic in topics(library) if topic.number >= 0 for one in topic.ids}

    return library.derived("topic labels", make)


def _why(by: str | None, relevance: Any, signal: str, values: Any, row: int, papers: int) -> tuple[str, ...]:
    found = []
    if by and np.isfinite(relevance[row]):
        better = int(np.sum(relevance > relevance[row]))
        found.append(f"like the papers under {by}: {relevance[row]:+.2f}, place {better + 1:,} of {papers:,}")
    if signal and np.isfinite(values[row]):
        better = int(np.sum(values > values[row]))
        found.append(f"{signal}: {values[row]:.2f}, place {better + 1:,} of {papers:,}")
    return tuple(found)
