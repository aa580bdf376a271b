"""One paper in several sources: which records are of the same paper, and what they say together.

Two records of different sources are of one paper if they share a DOI, an arXiv id or a forum id, or else the title,
letters and digits alone, and the first author's surname; where one of the two names no author, the title, the venue and
the year. Titles that are nearly the same, an edit
ratio of 0.95 or more, only propose a pair: a person decides. Two records of one source are never joined, for a source
knows its own papers apart.

Joining loses nothing: the joined paper holds every source's record in `raw["sources"]`, and each of its fields is that
of the first source in `PRECEDENCE` that knows it.
"""

import dataclasses
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import NavigatorError
from .paper import Paper
from .sources.fields import arxiv_of, doi_of, forum_of

PRECEDENCE = (
    *("openreview", "paperlists", "iclr_csv"),  # where the paper was judged
    *("arxiv", "bibtex", "csv"),  # what the authors, or the reader, wrote down
    *("openalex", "semanticscholar"),  # what was gathered by machines
    "cards",  # our own words about it
)
"""Whose value wins, field by field; a source that is not named comes before the machines."""

UNITED = ("code_urls", "categories")
"""Fields in which every source's values stand, the first source's first."""

RATIO = 0.95
SHORTEST = 12
"""Letters that a title must have to say anything: "Introduction" is many papers."""

_FORUM = re.compile(r"[A-Za-z0-9_-]{9,14}")


@dataclass(frozen=True, slots=True)
class Proposal:
    """Two papers whose titles are nearly the same.

    Attributes:
        first, second: Their ids.
        ratio: 1 - edits / length of the longer title, both in letters and digits alone.
    """

    first: str
    second: str
    ratio: float


def keys_of(paper: Paper) -> tuple[str, ...]:
    """What tells which paper a record is of, the surest first."""
    links = list(paper.urls.values())
    keys = []
    for one in (str(paper.raw.get("doi") or ""), paper.id, *links):
        doi = doi_of(one)
        # arXiv gives each of its papers a DOI of its own, which is the arXiv id once more.
        if doi and not doi.startswith("10.48550/arxiv."):
            keys.append(f"doi:{doi}")
    by_id = paper.id if paper.id.lower().startswith(("arxiv:", "10.48550/arxiv.")) else ""
    said = (by_id, str(paper.raw.get("arxiv") or ""), str(paper.raw.get("doi") or ""), *links)
    keys += [f"arxiv:{arxiv}" for one in said if (arxiv := arxiv_of(one))]
    forums = [str(paper.raw.get("forum") or ""), *map(forum_of, links)]
    keys += [f"forum:{forum}" for forum in forums if _FORUM.fullmatch(forum)]
    title, surname = plain(paper.title), surname_of(paper)
    if len(title) >= SHORTEST and surname:
        keys.append(f"title:{title}:{surname}")
    if len(title) >= SHORTEST and paper.venue and paper.year:
        # Of use only where one of the two records names no authors at all: see `Joiner`.
        keys.append(f"place:{title}:{plain(paper.venue)}:{paper.year}")
    return tuple(dict.fromkeys(keys))


def plain(text: str) -> str:
    """Letters and digits alone, without accents, in lower case."""
    decomposed = unicodedata.normalize("NFKD", text.replace("ß", "ss").replace("ø", "o").replace("Ø", "O"))
    return "".join(one for one in decomposed.casefold() if one.isalnum())


def surname_of(paper: Paper) -> str:
    """The first author's surname, plain: the last word, or what stands before a comma; "" without authors."""
    if not paper.authors:
        return ""
    before, comma, _ = paper.authors[0].partition(",")
    words = [word for word in before.split() if plain(word) not in ("jr", "sr", "ii", "iii", "iv")]
    if not words:
        return ""
    return plain(before if comma else words[-1])


def parts_of(paper: Paper) -> dict[str, Paper]:
    """The records that a paper is joined of, by source; the paper itself if it is of one source only."""
    stored = paper.raw.get("sources")
    if not isinstance(stored, Mapping):
        return {source_of(paper): paper}
    return {str(source): Paper.from_dict(record) for source, record in stored.items()}


def source_of(paper: Paper) -> str:
    return paper.source.partition(":")[0] or "unknown"


def joined(records: Iterable[Paper], identifier: str | None = None) -> Paper:
    """One paper of several sources' records.

    Args:
        records: At most one of each source; papers that are themselves joined count as what they are joined of.
        identifier: The id that it goes by; the winning source's if not given.

    Raises:
        NavigatorError: there are no records, or two of one source.
    """
    parts: dict[str, Paper] = {}
    for record in records:
        for source, part in parts_of(record).items():
            if parts.setdefault(source, part) != part:
                raise NavigatorError(f"{source} has two records, {parts[source].id} and {part.id}: two papers, then")
    if not parts:
        raise NavigatorError("expected at least one record to join")
    ordered = [parts[source] for source in sorted(parts, key=_rank)]
    if len(ordered) == 1 and identifier in (None, ordered[0].id):
        return ordered[0]
    values: dict[str, Any] = {}
    for name in (one.name for one in dataclasses.fields(Paper)):
        found = [getattr(part, name) for part in ordered]
        values[name] = next((value for value in found if value not in (None, "", ())), found[0])
        if name in UNITED:
            values[name] = tuple(dict.fromkeys(one for value in found for one in value))
    values["id"] = identifier or ordered[0].id
    values["urls"] = {kind: link for part in reversed(ordered) for kind, link in part.urls.items()}
    raw = {name: value for part in reversed(ordered) for name, value in part.raw.items() if name != "words"}
    raw["sources"] = {source: parts[source].as_dict() for source in sorted(parts)}
    return Paper(**{**values, "raw": raw})


def without(paper: Paper, source: str) -> Paper | None:
    """The paper as the other sources tell it; None if there is no other."""
    parts = {name: part for name, part in parts_of(paper).items() if name != source}
    return joined(parts.values(), paper.id) if parts else None


class Joiner:
    """Joins what comes with what is there.

    A record that belongs to a paper that is there is joined to it, under the id that is there; a record that comes
    again takes its former one's place. Where it would belong to several papers, it joins the one of the surest key, and
    the others stay: `proposals` shows such pairs.

    Args:
        papers: What is there.
        get: Gives a paper that is there by its id.
    """

    def __init__(self, papers: Iterable[Paper], get: Callable[[str], Paper]) -> None:
        self._get = get
        self._by_key: dict[str, str] = {}
        self._records: dict[tuple[str, str], str] = {}  # (source, the record's own id) -> the paper's id
        self._sources: dict[str, dict[str, str]] = {}  # the paper's id -> its sources, each with the record's own id
        self._authored: dict[str, bool] = {}
        self._fresh: dict[str, Paper] = {}
        for paper in papers:
            self._know(paper)

    def paper(self, record: Paper) -> Paper:
        """The record joined to the paper that it belongs to; the record itself if there is none."""
        identifier = self._belongs(record)
        if identifier is None:
            found = record
        else:
            parts = {**parts_of(self._there(identifier)), **parts_of(record)}
            found = joined(parts.values(), identifier)
        self._know(found)
        self._fresh[found.id] = found
        return found

    def kept(self) -> None:
        """What was joined so far is there now."""
        self._fresh.clear()

    def taken_back(self, identifier: str, source: str) -> tuple[str, Paper | None] | None:
        """What becomes of a paper whose record a source takes back: (id, the rest of it or None).

        None if the paper is not there.
        """
        known = self._records.pop((source, identifier), None)
        if known is None:
            return None
        there = self._there(known)
        rest = without(there, source)
        self._fresh.pop(known, None)
        for key in keys_of(parts_of(there)[source]):
            if self._by_key.get(key) == known:
                del self._by_key[key]
        if rest is None:
            del self._sources[known]
        else:
            self._know(rest)
            self._fresh[known] = rest
        return known, rest

    def _there(self, identifier: str) -> Paper:
        return self._fresh.get(identifier) or self._get(identifier)

    def _belongs(self, record: Paper) -> str | None:
        source = source_of(record)
        if (known := self._records.get((source, record.id))) is not None:
            return known
        if record.id in self._sources:  # one id is one paper
            return record.id
        for key in keys_of(record):
            identifier = self._by_key.get(key)
            if identifier is None or identifier not in self._sources or source in self._sources[identifier]:
                continue
            if key.startswith("place:") and record.authors and self._authored[identifier]:
                continue
            return identifier
        return None

    def _know(self, paper: Paper) -> None:
        parts = parts_of(paper)
        self._sources[paper.id] = {source: part.id for source, part in parts.items()}
        self._authored[paper.id] = bool(paper.authors)
        for source, part in parts.items():
            self._records[source, part.id] = paper.id
            for key in keys_of(part):
                if self._by_key.get(key) not in self._sources:
                    self._by_key[key] = paper.id


def deduplicated(papers: Iterable[Paper]) -> list[Paper]:
    """The papers with those that are one joined, in the order in which each first came."""
    found: dict[str, Paper] = {}
    joiner = Joiner((), found.__getitem__)
    for paper in papers:
        joined_to = joiner.paper(paper)
        found[joined_to.id] = joined_to
    return list(found.values())


def _rank(source: str) -> tuple[float, str]:
    unknown = PRECEDENCE.index("openalex") - 0.5
    return (PRECEDENCE.index(source) if source in PRECEDENCE else unknown), source


# -- titles that are nearly the same -----------------------------------------------------------------------------------


def proposals(papers: Iterable[Paper], ratio: float = RATIO) -> list[Proposal]:
    """The pairs of papers whose titles are nearly the same, the nearest first.

    Exact, and without comparing every pair: a title that is at most e edits from another, cut into e + 1 pieces, has a
    piece that stands unchanged in the other, at most e letters away (Li, Deng, Wang and Feng, "Pass-Join", 2011).

    Args:
        papers: With ids that are all different.
        ratio: The least 1 - edits / length of the longer title; above 0.5.

    Raises:
        NavigatorError: the ratio cannot be.
    """
    if not 0.5 < ratio <= 1:
        raise NavigatorError(f"ratio is above 0.5 and at most 1; got {ratio!r:.80}")
    titles = sorted((len(title), title, paper.id) for paper in papers if len(title := plain(paper.title)) >= SHORTEST)
    pieces: dict[tuple[int, int, str], list[int]] = defaultdict(list)
    lengths: set[int] = set()
    found = []
    for number, (length, title, identifier) in enumerate(titles):
        most = _edits(length, ratio)
        candidates: set[int] = set()
        for other in range(length - most, length + 1):
            if other in lengths:
                for piece, start, size in _pieces(other, ratio):
                    for place in range(max(0, start - most), min(length - size, start + most) + 1):
                        candidates.update(pieces.get((other, piece, title[place : place + size]), ()))
        for candidate in candidates:
            edits = _distance(titles[candidate][1], title, most)
            if edits is not None:
                pair = sorted((titles[candidate][2], identifier))
                found.append(Proposal(pair[0], pair[1], 1 - edits / length))
        lengths.add(length)
        for piece, start, size in _pieces(length, ratio):
            pieces[length, piece, title[start : start + size]].append(number)
    return sorted(found, key=lambda one: (-one.ratio, one.first, one.second))


def _edits(length: int, ratio: float) -> int:
    """How many edits a longer title of this length may be away."""
    return int((1 - ratio) * length + 1e-9)


def _pieces(length: int, ratio: float) -> Iterator[tuple[int, int, int]]:
    """(number, start, size) of the pieces of a title, one more than the edits to any longer title that is near."""
    count = _edits(int(length / ratio + 1e-9), ratio) + 1
    size, longer = divmod(length, count)
    start = 0
    for piece in range(count):
        extent = size + (piece >= count - longer)
        yield piece, start, extent
        start += extent


def _distance(first: Sequence[str], second: Sequence[str], most: int) -> int | None:
    """The edits between two texts, or None if more than `most`; a band of the table is enough (Ukkonen 1985)."""
    if abs(len(first) - len(second)) > most:
        return None
    beyond = most + 1
    row = [min(place, beyond) for place in range(len(second) + 1)]
    for down, letter in enumerate(first, start=1):
        left, right = max(1, down - most), min(len(second), down + most)
        above, row = row, [beyond] * (len(second) + 1)
        row[0] = min(down, beyond)
        for place in range(left, right + 1):
            same = above[place - 1] + (letter != second[place - 1])
            row[place] = min(same, above[place] + 1, row[place - 1] + 1, beyond)
        if min(row[left - 1 : right + 1]) > most:
            return None
    return row[-1] if row[-1] <= most else None
