"""Digests: the papers of a week or a month that are worth a look, few and varied, each with why.

A paper's worth is z(relevance to tags) + 2 tanh(z(popularity) / 2): relevance counts as it is, while a paper that all
the world cites gains no more than 2. Papers are taken one by one, the best first, less half their greatest cosine to
one that is taken (maximal marginal relevance: Carbonell and Goldstein, SIGIR 1998, lambda = 1/2), at most two of a
topic. Every sentence is a quotation, and said to be one: nothing is written by a machine.
"""

import datetime
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float64

from .digest_sentences import Quotation, key_sentence, own_summary
from .errors import NavigatorError
from .paper import Paper

if TYPE_CHECKING:
    from .library import Library

OF_A_TOPIC = 2
REDUNDANCY = 0.5
CANDIDATES = 500
"""The worthiest papers among which variety is looked for."""
MOST_POPULARITY = 2.0
"""What popularity can add to a paper's worth, or take from it: citations have a heavy tail, relevance has none."""
NO_PICK = frozenset({"Withdrawn", "Desk Reject"})
"""Decisions after which a paper is no longer its authors' word, or never was reviewed."""
_BEHIND = 1e6  # puts what may be of the time behind what is
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
        of: How many papers the time has, or may have.
        chosen: In the order in which they were chosen: first those that are of the time, then those that may be.
        notes: What the reader should know.
        vague: How many of `of` have a year or a month only, which touches the time and reaches beyond it.
    """

    since: str | None
    until: str | None
    by: str | None
    of: int
    chosen: tuple[Chosen, ...]
    notes: tuple[str, ...]
    vague: int = 0

    @property
    def counted(self) -> str:
        """How many papers were chosen, of how many."""
        told = f"{len(self.chosen):,} of {self.of:,} {'paper' if self.of == 1 else 'papers'}"
        return told + (f", {self.vague:,} of them dated by a year or a month only" if self.vague else "")

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
    papers, vague, notes = _of_the_time(library, first, last)
    relevance, tagged = _relevance(library, by, papers)
    signal, values, signal_note = _popularity(papers, last)
    notes += signal_note
    score = relevance + bounded(standardised(np.log1p(values) if signal.startswith("citations") else values))
    withdrawn = np.array([paper.decision in NO_PICK for paper in papers], dtype=bool)
    left = ~tagged & ~withdrawn & (relevance >= 0)
    notes += _on_those_left_out(by, withdrawn, relevance, int(left.sum()) < n)
    order = np.lexsort((np.arange(len(papers)), -score, vague))
    candidates = order[left[order]][:CANDIDATES]
    topic, no_topics = _topics(library) if len(candidates) > n else ({}, [])
    notes += no_topics
    rows = varied(
        score[candidates] - _BEHIND * vague[candidates],
        library.vectors([papers[row].id for row in candidates]) if len(candidates) else np.zeros((0, 1)),
        [topic.get(papers[row].id, "") for row in candidates],
        n,
    )
    chosen = []
    for row in (int(candidates[place]) for place in rows):
        paper = papers[row]
        why = _why(by, relevance[~tagged], relevance[row], signal, values, values[row]) + _against(paper)
        summary = own_summary(paper, library)
        insight = key_sentence(paper, library, other_than=summary)
        chosen.append(Chosen(paper, summary, insight, why, topic.get(paper.id, ""), float(score[row])))
    return Digest(since, until, by, len(papers), tuple(chosen), tuple(notes), int(vague.sum()))


def bounded(z: Float64[np.ndarray, " papers"]) -> Float64[np.ndarray, " papers"]:
    """Standardised values drawn in between -2 and 2; their order stays, and small ones stay as they are."""
    return MOST_POPULARITY * np.tanh(z / MOST_POPULARITY)


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


def _of_the_time(
    library: "Library", first: str | None, last: str | None
) -> tuple[list[Paper], Bool[np.ndarray, " papers"], list[str]]:
    """The papers that are of a time or may be, and which only may: their year or month touches it."""
    found: list[Paper] = []
    vague: list[bool] = []
    undated = 0
    for paper in library.papers():
        begins, ends = _span(paper)
        if not begins:
            undated += 1
        elif (last is not None and begins > last) or (first is not None and ends < first):
            continue
        if begins or (first is None and last is None):
            found.append(paper)
            vague.append(bool(begins) and ((first or "") > begins or (last is not None and ends > last)))
    notes = [f"{undated:,} papers without a date are left out"] if undated and (first or last) else []
    return found, np.array(vague, dtype=bool), notes


def _span(paper: Paper) -> tuple[str, str]:
    """The first and the last day on which a paper may have come out; two empty texts where that is not known."""
    date = paper.published or (f"{paper.year:04d}" if paper.year is not None else "")
    return _day(date, "published", first=True) or "", _day(date, "published", first=False) or ""


def _on_those_left_out(
    by: str | None, withdrawn: Bool[np.ndarray, " papers"], relevance: Float64[np.ndarray, " papers"], few: bool
) -> list[str]:
    """What to say of papers that are not chosen; of those unlike a list only where fewer are left than were wanted."""
    notes = [f"{withdrawn.sum():,} withdrawn or desk-rejected papers are passed over"] if withdrawn.any() else []
    if few and (unlike := int((relevance < 0).sum())):
        notes.append(f"{unlike:,} papers are less like those under {by} than the average, and are passed over")
    return notes


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
) -> tuple[Float64[np.ndarray, " papers"], Bool[np.ndarray, " papers"]]:
    """How like the papers under some tags each paper is, and which papers are under them.

    Likeness is in standard deviations from the average of the papers that are not under the tags; zeros without tags.
    """
    if not by:
        return np.zeros(len(papers)), np.zeros(len(papers), dtype=bool)
    from .recommend import relevance
    from .tag_logic import wish
    from .term_features import term_features

    asked = wish(by)
    under = {identifier for name in asked.tags() for identifier in library.tagged(name)}
    scores, place = relevance(library, asked), term_features(library).place
    others = [paper.id in place and paper.id not in under for paper in papers]
    known = [scores[place[paper.id]] if other else np.nan for paper, other in zip(papers, others, strict=True)]
    return standardised(np.array(known)), np.array([paper.id in under for paper in papers], dtype=bool)


def _popularity(papers: Sequence[Paper], last: str | None) -> tuple[str, Float64[np.ndarray, " papers"], list[str]]:
    """The signal, its values, and what to say of it: citations a month, or the mean rating where none is known."""
    cited = [paper for paper in papers if paper.citations is not None]
    if cited:
        sources = sorted({paper.source for paper in cited if paper.source})
        where = f", as counted by {', '.join(sources)}" if sources else ""
        if not any(_span(paper)[0] for paper in cited):
            total = [np.nan if paper.citations is None else float(paper.citations) for paper in papers]
            return "citations", np.array(total), [f"popularity: citations{where}; no dates are known"]
        today = _reference_day(papers, last)
        rates = np.array([_citations_a_month(paper, today) for paper in papers])
        return "citations a month", rates, [f"popularity: citations a month up to {today}{where}"]
    if any(paper.ratings for paper in papers):
        ratings = [np.nan if paper.rating is None else paper.rating for paper in papers]
        return "mean rating", np.array(ratings), ["popularity: the reviewers' mean rating, for no citations are known"]
    return "", np.full(len(papers), np.nan), ["popularity: nothing is known"] if papers else []


def _reference_day(papers: Sequence[Paper], last: str | None) -> datetime.date:
    """The day up to which citations count: the newest of any record, or the end of the time, but never one to come."""
    newest = max(max(_span(paper)[1], _day(paper.updated, "updated", first=False) or "") for paper in papers)
    return min(datetime.date.fromisoformat(max(newest, last or "")), datetime.date.today())


def _citations_a_month(paper: Paper, today: datetime.date) -> float:
    begins, _ = _span(paper)
    if paper.citations is None or not begins:
        return float("nan")
    return paper.citations / max(1.0, (today - datetime.date.fromisoformat(begins)).days / 30.44)


def _topics(library: "Library") -> tuple[dict[str, str], list[str]]:
    """The label of each paper's topic, and why there are none, if there is a reason."""
    from .map_layout import map_layout
    from .topics import topics

    def make() -> dict[str, str]:
        return {one: topic.label for topic in topics(library) if topic.number >= 0 for one in topic.ids}

    labels = library.derived("topic labels", make)
    note = map_layout(library).note
    return labels, [f"no topics are known: {note}"] if note and not labels else []


def _why(
    by: str | None,
    relevance: Float64[np.ndarray, " others"],
    its_relevance: float,
    signal: str,
    values: Float64[np.ndarray, " papers"],
    its_value: float,
) -> tuple[str, ...]:
    found = []
    if by:
        place = int(np.sum(relevance > its_relevance)) + 1
        likeness = f"{its_relevance:+.2f} standard deviations from the average"
        found.append(f"like the papers under {by}: {likeness}, place {place:,} of {len(relevance):,}")
    if signal and np.isfinite(its_value):
        place = int(np.sum(values > its_value)) + 1
        found.append(f"{signal}: {its_value:.2f}, place {place:,} of {np.isfinite(values).sum():,}")
    return tuple(found)


def _against(paper: Paper) -> tuple[str, ...]:
    """What speaks against a paper that is chosen nevertheless."""
    where = " ".join(filter(None, [paper.venue, str(paper.year or "")]))
    return (f"but it was rejected{f' at {where}' if where else ''}",) if paper.decision == "Reject" else ()
