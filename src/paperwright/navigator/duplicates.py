"""One paper in several records: which records are of the same paper, and what they say together.

Two records of different sources are of one paper if they share an arXiv id or a forum id, a DOI and a title that
agrees (the chapters of a book may share its DOI), or else the title, letters and digits alone, and the first author's
surname; where one of the two names no author, the title, the venue and the year. Records of one source are not joined
as they come, for a source knows its own papers apart; a reader's own bibliographies do not, and `duplicate_groups`
finds what is there twice.

Joining loses nothing: the joined paper holds every record in `raw["sources"]`, and each of its fields is that of the
first source in `PRECEDENCE` that knows it.
"""

import dataclasses
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .errors import NavigatorError
from .paper import OF_FILES, Paper
from .sources.fields import arxiv_of, doi_of, forum_of
from .titles import SHORTEST, plain, titles_agree

PRECEDENCE = (
    *("openreview", "paperlists", "iclr_csv"),  # where the paper was judged
    *("arxiv", "bibtex", "ris", "csv"),  # what the authors, or the reader, wrote down
    *("openalex", "semanticscholar"),  # what was gathered by machines
    "cards",  # our own words about it
)
"""Whose value wins, field by field; a source that is not named comes before the machines."""

UNITED = ("code_urls", "categories")
"""Fields in which every source's values stand, the first source's first."""

_FORUM = re.compile(r"[A-Za-z0-9_-]{9,14}")


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


def surname_of(paper: Paper) -> str:
    """The first author's family name, plain; "" without authors."""
    return plain(paper.people[0].family) if paper.authors else ""


def told_apart(first: Paper, second: Paper) -> bool:
    """Whether two papers have ids of one kind, DOI, arXiv or forum, and have none in common."""
    for kind in ("doi:", "arxiv:", "forum:"):
        one, other = ({key for key in keys_of(paper) if key.startswith(kind)} for paper in (first, second))
        if one and other and not one & other:
            return True
    return False


def parts_of(paper: Paper) -> dict[str, Paper]:
    """The records that a paper is joined of; the paper itself if it is one record only.

    Each goes by its source, and further records of one source by "source:id".
    """
    stored = paper.raw.get("sources")
    if not isinstance(stored, Mapping):
        return {source_of(paper): paper}
    return {str(source): Paper.from_dict(record) for source, record in stored.items()}


def source_of(paper: Paper) -> str:
    return paper.source.partition(":")[0] or "unknown"


def joined(records: Iterable[Paper], identifier: str | None = None) -> Paper:
    """One paper of several records.

    Args:
        records: Papers that are themselves joined count as what they are joined of.
        identifier: The id that it goes by; that of the record whose values win if not given.

    Raises:
        NavigatorError: there are no records, or two that differ have one source and one id.
    """
    parts: dict[tuple[str, str], Paper] = {}
    for record in records:
        for part in parts_of(record).values():
            if parts.setdefault(_name(part), part) != part:
                raise NavigatorError(f"{source_of(part)} has two records with the id {part.id}; expected one")
    if not parts:
        raise NavigatorError("expected at least one record to join")
    ordered = sorted(parts.values(), key=_rank)
    if len(ordered) == 1 and identifier in (None, ordered[0].id):
        return ordered[0]
    values: dict[str, Any] = {}
    for name in (one.name for one in dataclasses.fields(Paper)):
        found = [getattr(part, name) for part in ordered]
        values[name] = next((value for value in found if value not in (None, "", ())), found[0])
        if name in UNITED:
            values[name] = tuple(dict.fromkeys(one for value in found for one in value))
    values["id"] = identifier or ordered[0].id
    # The parts of names are of use beside the names that they are parts of.
    values["names"] = next((part.names for part in ordered if part.names and part.authors == values["authors"]), ())
    values["publication"] = {k: v for part in reversed(ordered) for k, v in part.publication.items()}
    values["urls"] = {kind: link for part in reversed(ordered) for kind, link in part.urls.items()}
    raw = {name: value for part in reversed(ordered) for name, value in part.raw.items() if name != "words"}
    raw["sources"] = _by_source(ordered)
    return Paper(**{**values, "raw": raw})


def _by_source(ordered: Iterable[Paper]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for part in ordered:
        source = source_of(part)
        found[f"{source}:{part.id}" if source in found else source] = part.as_dict()
    return dict(sorted(found.items()))


def without(paper: Paper, source: str, identifier: str | None = None) -> Paper | None:
    """The paper without a source's records, or without that of one id; None if nothing is left."""
    parts = [
        part for part in parts_of(paper).values() if source_of(part) != source or identifier not in (None, part.id)
    ]
    return joined(parts, paper.id) if parts else None


class Joiner:
    """Joins what comes with what is there.

    A record that belongs to a paper that is there is joined to it, under the id that is there; a record that comes
    again takes its former one's place, unless it is an older version. Where it would belong to several papers, it joins
    the one of the surest key, and the others stay. A record with the id of another work, as the chapters of a book have
    its DOI, goes by an id of its own.

    Args:
        papers: What is there.
        get: Gives a paper that is there by its id.

    Attributes:
        alike: Records that are new and would belong to a paper that has one of their source already, each with the id
            of that paper.
    """

    def __init__(self, papers: Iterable[Paper], get: Callable[[str], Paper]) -> None:
        self._get = get
        self._by_key: dict[str, str] = {}
        self._records: dict[tuple[str, str], str] = {}  # (source, the record's own id) -> the paper's id
        self._sources: dict[str, set[str]] = {}  # by the paper's id
        self._titles: dict[str, str] = {}
        self._authored: dict[str, bool] = {}
        self._fresh: dict[str, Paper] = {}
        self.alike: list[tuple[str, str]] = []
        for paper in papers:
            self._know(paper)

    def paper(self, record: Paper) -> Paper:
        """The record joined to the paper that it belongs to; the record itself if there is none."""
        record = self._by_its_own_id(record)
        identifier = self._belongs(record)
        if identifier is None:
            found = record
        else:
            there = {_name(part): part for part in parts_of(self._there(identifier)).values()}
            fresh = {_name(part): part for part in parts_of(record).values()}
            if any(name in there and _is_older(part, there[name]) for name, part in fresh.items()):
                return self._there(identifier)
            found = joined({**there, **fresh}.values(), identifier)
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
        rest = without(there, source, identifier)
        self._fresh.pop(known, None)
        for part in parts_of(there).values():
            if _name(part) == (source, identifier):
                for key in keys_of(part):
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

    def _by_its_own_id(self, record: Paper) -> Paper:
        """The record; where its id is that of another work, under an id that its title is part of."""
        source = source_of(record)
        known = self._records.get(_name(record))
        if known is not None and source in OF_FILES:
            title = next(part.title for part in parts_of(self._there(known)).values() if _name(part) == _name(record))
        elif known is None and record.id in self._sources:
            title = self._titles[record.id]
        else:
            return record
        if _names_one_work(record) or titles_agree(record.title, title):
            return record
        digest = hashlib.sha256(plain(record.title).encode() or record.title.encode(errors="replace")).hexdigest()
        return dataclasses.replace(record, id=f"{record.id[:190]}~{digest[:6]}")

    def _belongs(self, record: Paper) -> str | None:
        source = source_of(record)
        if (known := self._records.get((source, record.id))) is not None:
            return known
        if record.id in self._sources:  # one id is one paper
            return record.id
        for key in keys_of(record):
            identifier = self._by_key.get(key)
            if identifier is None or identifier not in self._sources:
                continue
            if key.startswith("doi:") and not titles_agree(record.title, self._titles[identifier]):
                continue
            if key.startswith("place:") and record.authors and self._authored[identifier]:
                continue
            if source in self._sources[identifier]:
                if not told_apart(record, self._there(identifier)):
                    self.alike.append((record.id, identifier))
                continue
            return identifier
        return None

    def _know(self, paper: Paper) -> None:
        parts = parts_of(paper).values()
        self._sources[paper.id] = set(map(source_of, parts))
        self._titles[paper.id] = paper.title
        self._authored[paper.id] = bool(paper.authors)
        for part in parts:
            self._records[_name(part)] = paper.id
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


def _name(record: Paper) -> tuple[str, str]:
    return source_of(record), record.id


def _names_one_work(record: Paper) -> bool:
    """Whether the record's id is one that is given to one work only: not a DOI, nor a number or key of a file."""
    return record.id.startswith(("arxiv:", "openalex:", "s2:")) or record.id == record.raw.get("forum")


def _is_older(record: Paper, there: Paper) -> bool:
    """Whether a record of arXiv is of an older version than the one that is there."""
    if source_of(record) != "arxiv":
        return False
    date, before = (one.updated or one.published or "" for one in (record, there))
    if date != before:
        return bool(date) and date < before
    version, known = (one.raw.get("version") for one in (record, there))  # a harvested record says none
    return version is not None and known is not None and version < known


def _rank(record: Paper) -> tuple[float, str, bool, bool, str]:
    """Whose values win: by the source, and of one source the published record before the preprint."""
    source = source_of(record)
    place = PRECEDENCE.index(source) if source in PRECEDENCE else PRECEDENCE.index("openalex") - 0.5
    published = any(key.startswith("doi:") for key in keys_of(record))
    return place, source, not published, not record.venue, record.id
