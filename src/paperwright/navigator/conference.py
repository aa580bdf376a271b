"""A conference in numbers: submissions, decisions, ratings and topics, each figure with where it is from.

Records are seldom all of a conference. What a published article says about it stands in `conference_facts.json`; a
figure is from the records, from the article, from both, or cannot be had, and says which.
"""

import functools
import json
import math
import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .errors import NavigatorError
from .filters import folded
from .keywords import KeywordTopic, order_agreement, topics_named
from .paper import DECISIONS, Paper

if TYPE_CHECKING:
    from paperwright.stats.interval import Interval

    from .library import Library

Origin = Literal["records", "article", "both", "nowhere"]
LATEST = "latest"
TOPICS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Figure:
    """One number about a conference.

    Attributes:
        name: What is counted.
        value: The number; None where it cannot be had.
        unit: "papers", "%", "ratings" or "points".
        origin: "records", "article", "both" (a count of the records divided by a total of the article, say) or
            "nowhere".
        reported: What the article says, where it says something.
        digits: Behind the point, as the article gives it.
        note: How it was derived, or why it cannot be had.
    """

    name: str
    value: float | None
    unit: str
    origin: Origin
    reported: float | None = None
    digits: int = 0
    note: str = ""

    @property
    def agrees(self) -> bool | None:
        """Whether the number is the article's, at the article's digits; None where there are not both."""
        if self.value is None or self.reported is None or self.origin == "article":
            return None
        return round(self.value, self.digits) == self.reported

    def __str__(self) -> str:
        return "-" if self.value is None else f"{self.value:,.{self.digits}f}{'%' if self.unit == '%' else ''}"

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "value": self.value,
            "unit": self.unit,
            "origin": self.origin,
            "reported": self.reported,
            "agrees": self.agrees,
            "shown": str(self),
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class RatingsAt:
    """All ratings as they stood at one time.

    Attributes:
        when: A date, or "latest" for the ratings that papers have now.
        papers: Papers with a rating.
        ratings: How many ratings.
        mean: Of all of them.
    """

    when: str
    papers: int
    ratings: int
    mean: float


@dataclass(frozen=True, slots=True)
class Histogram:
    """Papers by mean rating: `counts[decision][i]` of them lie in [edges[i], edges[i + 1]), the last edge included."""

    edges: tuple[float, ...]
    counts: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class ConferenceStatistics:
    """What a library says about one conference.

    Attributes:
        venue, year: Which conference.
        figures: The numbers, in the order in which one reads them.
        decisions: Papers by decision; "unknown" where the records do not say.
        ratings_over_time: Oldest first.
        rose, fell, stayed: Papers whose mean rating is now above, below, or what it first was.
        ratings_by_decision: Papers by mean rating; None where there are no ratings.
        topics: The commonest topics, spellings merged.
        topic_order: How well the order of the topics agrees with the article's; None without an article.
        topics_unlisted: Topics as common as the article's, by the records, that it does not list.
        article: Where the article's figures are from; empty without one.
        events: Counts that the article gives and no record could: talks, workshops.
    """

    venue: str
    year: int
    figures: tuple[Figure, ...]
    decisions: Mapping[str, int]
    ratings_over_time: tuple[RatingsAt, ...]
    rose: int
    fell: int
    stayed: int
    ratings_by_decision: Histogram | None
    topics: tuple[KeywordTopic, ...]
    topic_order: "Interval | None"
    topics_unlisted: tuple[str, ...]
    article: str
    events: Mapping[str, int]

    def __getitem__(self, name: str) -> Figure:
        for figure in self.figures:
            if figure.name == name:
                return figure
        raise KeyError(f"there is no figure {name!r}; there are {', '.join(figure.name for figure in self.figures)}")

    def table(self) -> str:
        """The figures as text for a terminal, at most 100 columns wide."""
        origins = {
            "records": "records",
            "article": "article",
            "both": "records and article",
            "nowhere": "cannot be had",
        }
        marks = {True: "as reported", False: "reported otherwise", None: ""}
        lines = [f"{self.venue} {self.year}", ""]
        for figure in self.figures:
            said = marks[figure.agrees]
            if figure.agrees is False:
                said = f"the article says {figure.reported:,.{figure.digits}f}"
            lines.append(f"  {figure.name:<42} {figure!s:>8}  {origins[figure.origin]:<20} {said}".rstrip())
            if figure.note:
                lines.append(f"      {figure.note}")
        if self.ratings_over_time:
            lines += ["", f"  {'ratings':<20} {'papers':>8} {'ratings':>9} {'mean':>7}"]
            lines += [
                f"  {at.when:<20} {at.papers:>8,} {at.ratings:>9,} {at.mean:>7.4f}" for at in self.ratings_over_time
            ]
        if self.ratings_by_decision:
            lines += ["", "  papers by mean rating", *_bars(self.ratings_by_decision)]
        if self.topics:
            lines += ["", f"  {'topics (spellings merged)':<40} {'papers':>7} {'accepted':>9}"]
            for topic in self.topics:
                lines.append(f"  {topic.name[:40]:<40} {topic.papers:>7,} {topic.accepted:>9,}")
                if len(topic.spellings) > 1:
                    lines.append("      " + ", ".join(f"{name[:40]} {count:,}" for name, count in topic.spellings))
        if self.topic_order is not None:
            lines.append(f"  order of the article's topics: tau {self.topic_order}")
        if self.topics_unlisted:
            lines.append(f"  as common, and not in the article's list: {', '.join(self.topics_unlisted)}")
        if self.events:
            events = ", ".join(f"{count} {name}" for name, count in self.events.items())
            lines += ["", f"  from the article only: {events}"]
        if self.article:
            lines.append(f"  article: {self.article}")
        return "\n".join(part for line in lines for part in _wrapped(line)) + "\n"

    def as_dict(self) -> dict[str, Any]:
        """JSON values: all of the above, ready to be drawn."""
        histogram, order = self.ratings_by_decision, self.topic_order
        return {
            "venue": self.venue,
            "year": self.year,
            "figures": [figure.as_dict() for figure in self.figures],
            "decisions": dict(self.decisions),
            "ratings_over_time": [
                {"when": at.when, "papers": at.papers, "ratings": at.ratings, "mean": at.mean}
                for at in self.ratings_over_time
            ],
            "rating_changes": {"rose": self.rose, "fell": self.fell, "stayed": self.stayed},
            "ratings_by_decision": histogram
            and {"edges": list(histogram.edges), "counts": {name: list(row) for name, row in histogram.counts.items()}},
            "topics": [topic.as_dict() for topic in self.topics],
            "topic_order": order
            and {"tau": order.estimate, "low": order.low, "high": order.high, "level": order.level},
            "topics_unlisted": list(self.topics_unlisted),
            "article": self.article,
            "events": dict(self.events),
        }


def statistics(library: "Library", venue: str, year: int) -> ConferenceStatistics:
    """The statistics of one conference of a library, kept until the library changes.

    Raises:
        NavigatorError: the library has no paper of it; the message lists the conferences that there are.
    """
    held = conferences(library)
    name = next((known for known, known_year in held if folded(known) == folded(venue) and known_year == year), None)
    if name is None:
        there = ", ".join(f"{known} {known_year}" for known, known_year in list(held)[:20]) or "none, it is empty"
        raise NavigatorError(f"the library has no paper of {venue!r:.60} {year}; conferences in it: {there}")

    def make() -> ConferenceStatistics:
        papers = library.papers(where={"venue": name, "year": year})
        before = list(library.papers(where={"venue": name, "year": year - 1}))
        return statistics_of(list(papers), name, year, before)

    return library.derived(f"statistics of {name} {year}", make)


def conferences(library: "Library") -> dict[tuple[str, int], int]:
    """The conferences of a library, (venue, year), each with its number of papers; the largest first."""

    def make() -> dict[tuple[str, int], int]:
        counts = Counter((p.venue, p.year) for p in library.papers() if p.venue and p.year is not None)
        return {
            (v, y): n for (v, y), n in sorted(counts.items(), key=lambda item: (-item[1], item[0])) if y is not None
        }

    return library.derived("conferences", make)


@functools.cache
def _all_facts() -> dict[str, dict[str, Any]]:
    text = Path(__file__).with_name("conference_facts.json").read_text(encoding="utf-8")
    return {folded(name): facts for name, facts in json.loads(text).items()}


def statistics_of(papers: Sequence[Paper], venue: str, year: int, before: Sequence[Paper] = ()) -> ConferenceStatistics:
    """The statistics of some papers, taken to be those of one conference.

    Args:
        papers: All that is known of it.
        venue, year: Which conference it is; an article about it is looked up by these.
        before: The papers of the year before, where there are any.
    """
    facts = _all_facts().get(folded(f"{venue} {year}"), {})
    counted = Counter(paper.decision or "unknown" for paper in papers)
    decisions = {name: counted[name] for name in (*DECISIONS, "unknown") if counted[name]}
    moves = Counter(filter(None, map(_move, papers)))
    topics = topics_named(papers)
    order = facts.get("topics")
    return ConferenceStatistics(
        venue=venue,
        year=year,
        figures=tuple(_figures(papers, decisions, moves, year, before, facts)),
        decisions=decisions,
        ratings_over_time=tuple(_over_time(papers)),
        rose=moves["rose"],
        fell=moves["fell"],
        stayed=moves["stayed"],
        ratings_by_decision=_histogram(papers),
        topics=tuple(topics[:TOPICS_SHOWN]),
        topic_order=order_agreement(papers, order) if order and topics else None,
        topics_unlisted=tuple(_unlisted(topics, order)) if order else (),
        article=facts.get("source", ""),
        events=facts.get("events", {}),
    )


def _figures(
    papers: Sequence[Paper],
    decisions: Mapping[str, int],
    moves: Mapping[str, int],
    year: int,
    before: Sequence[Paper],
    facts: Mapping[str, Any],
) -> Iterable[Figure]:
    held, accepted = len(papers), sum(paper.accepted for paper in papers)
    total = facts.get("submissions")
    percent = facts.get("percent_of_submissions", {})
    yield Figure("submissions in the records", held, "papers", "records")
    if total is not None:
        yield Figure("valid submissions", total, "papers", "article", total, note="the records alone cannot tell")
        missing = facts.get("missing", "the article does not say why")
        yield Figure("submissions that the records lack", total - held, "papers", "both", note=missing)
    of, origin, whom = (held, "records", "records") if total is None else (total, "both", "valid submissions")
    share_origin: Origin = "records" if origin == "records" else "both"

    def share(name: str, count: int) -> Figure:
        said = percent.get(name)
        digits = 1 if said is None else _digits(said)
        return Figure(f"{name}, of {of:,} {whom}", 100 * count / of, "%", share_origin, said, digits)

    said = facts.get("decisions", {})
    for name, count in decisions.items():
        yield Figure(name, count, "papers", "records", said.get(name))
        if of:
            yield share(name, count)
    undecided = not accepted and decisions.get("unknown", 0)
    if undecided:
        note = f"no record says so, and {undecided:,} say no decision"
        yield Figure("accepted", None, "papers", "nowhere", facts.get("accepted"), note=note)
    else:
        yield Figure("accepted", accepted, "papers", "records", facts.get("accepted"))
        if of:
            yield share("accepted", accepted)
    yield from _growth("submissions", total or held, len(before), facts, year, total is not None)
    if not undecided:
        yield from _growth("accepted", accepted, sum(paper.accepted for paper in before), facts, year, False)
    if sum(moves.values()):
        yield Figure("papers whose mean rating rose", moves.get("rose", 0), "papers", "records")
        yield Figure("papers whose mean rating fell", moves.get("fell", 0), "papers", "records")
        yield Figure("papers whose mean rating stayed", moves.get("stayed", 0), "papers", "records")
    yield Figure("papers with keywords", sum(bool(paper.keywords) for paper in papers), "papers", "records")
    for name, there in _what_may_lack(papers):
        if not there:
            yield Figure(name, None, "papers", "nowhere", note="no record of the conference says so")


def _growth(
    name: str, now: int, before: int, facts: Mapping[str, Any], year: int, from_article: bool
) -> Iterable[Figure]:
    """The year before, from the records if they hold it, else from the article's difference."""
    said = facts.get(f"more_{name}_than_the_year_before")
    label = f"{name} in {year - 1}"
    if said is None and before:
        yield Figure(label, before, "papers", "records")
        yield Figure(f"growth of {name} since {year - 1}", 100 * (now - before) / before, "%", "records", digits=1)
    elif said is not None:
        derived = now - said["papers"]
        origin: Origin = "article" if from_article else "both"
        note = f"{now:,} less the article's difference of {said['papers']:,}"
        if before:
            note += f"; the records hold {before:,} of {year - 1}"
        yield Figure(label, derived, "papers", origin, note=note)
        digits = _digits(said["percent"])
        growth = 100 * said["papers"] / derived
        yield Figure(f"growth of {name} since {year - 1}", growth, "%", origin, said["percent"], digits)
    else:
        which = "accepted paper" if name == "accepted" else "paper"
        yield Figure(label, None, "papers", "nowhere", note=f"the library holds no {which} of {year - 1}")


def _what_may_lack(papers: Sequence[Paper]) -> Iterable[tuple[str, bool]]:
    yield "rejected without review (desk)", any(paper.decision == "Desk Reject" for paper in papers)
    yield "authors", any(paper.authors for paper in papers)
    yield "papers with code", any(paper.code_urls for paper in papers)
    yield "papers with ratings", any(paper.ratings for paper in papers)
    yield "citations", any(paper.citations is not None for paper in papers)


def _unlisted(topics: Sequence[KeywordTopic], order: Sequence[Sequence[str]]) -> Iterable[str]:
    listed = {name for names in order for name in names}
    least = min((topic.papers for topic in topics if topic.name in listed), default=math.inf)
    return (topic.name for topic in topics if topic.papers >= least and topic.name not in listed)


def _digits(value: float) -> int:
    return len(str(value).partition(".")[2].rstrip("0"))


def _move(paper: Paper) -> str | None:
    """What became of the mean rating between the first ratings known and the ratings now."""
    first = next((values for _, values in paper.history if values), None)
    if first is None or not paper.ratings:
        return None
    # Compared as whole sums, so that equal means are equal whatever the number of reviews.
    change = sum(paper.ratings) * len(first) - sum(first) * len(paper.ratings)
    return "rose" if change > 0 else "fell" if change < 0 else "stayed"


def _over_time(papers: Sequence[Paper]) -> Iterable[RatingsAt]:
    at: dict[str, list[tuple[float, ...]]] = {}
    for paper in papers:
        for when, values in paper.history:
            if values:
                at.setdefault(when, []).append(values)
    latest = [paper.ratings for paper in papers if paper.ratings]
    for when, lists in [*sorted(at.items()), *([(LATEST, latest)] if latest else [])]:
        ratings = [value for values in lists for value in values]
        yield RatingsAt(when, len(lists), len(ratings), math.fsum(ratings) / len(ratings))


def _histogram(papers: Sequence[Paper]) -> Histogram | None:
    """Bins of half a point, from the lowest to the highest mean rating."""
    rated = [(paper.decision or "unknown", paper.rating) for paper in papers if paper.rating is not None]
    if not rated:
        return None
    lowest, highest = math.floor(min(mean for _, mean in rated)), math.ceil(max(mean for _, mean in rated))
    step = 0.5 if highest - lowest <= 20 else (highest - lowest) / 40
    bins = max(1, round((highest - lowest) / step))
    counts = {name: [0] * bins for name in (*DECISIONS, "unknown") if any(name == given for given, _ in rated)}
    for name, mean in rated:
        counts[name][min(bins - 1, int((mean - lowest) / step))] += 1
    edges = tuple(lowest + step * place for place in range(bins + 1))
    return Histogram(edges, {name: tuple(row) for name, row in counts.items()})


def _wrapped(line: str) -> list[str]:
    return textwrap.wrap(line, 100, subsequent_indent="      ", drop_whitespace=False) if len(line) > 100 else [line]


def _bars(histogram: Histogram) -> list[str]:
    """A row of block characters a decision, each row on a scale of its own."""
    blocks = " ▁▂▃▄▅▆▇█"
    lines = []
    for name, row in histogram.counts.items():
        peak = max(row)
        bars = "".join(blocks[math.ceil(8 * count / peak)] for count in row)
        lines.append(f"  {name:<12} {histogram.edges[0]:g} {bars} {histogram.edges[-1]:g}   {sum(row):,} papers")
    return lines
