"""A paper's record: what a library holds about it, whatever source it came from."""

import dataclasses
import datetime
import hashlib
import json
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from .errors import NavigatorError
from .names import Name

LONGEST_TITLE = 1_000
LONGEST_TEXT = 100_000
LONGEST_LIST = 10_000
LONGEST_RAW = 1_000_000
DECISIONS = ("Oral", "Spotlight", "Poster", "Accept", "Reject", "Withdrawn", "Desk Reject")
"""The decisions in one spelling; a source's own word goes into `raw`."""

PUBLICATION = (
    *("type", "volume", "number", "pages", "chapter", "edition", "series", "editor", "publisher", "address"),
    *("school", "institution", "organization", "howpublished", "eventtitle", "isbn", "issn"),
)
"""What `Paper.publication` may hold, by BibTeX's names."""

OF_FILES = ("bibtex", "ris", "csv", "paperlists")
"""Sources that are files of anyone's, in which one id may be of different works."""

DATE = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?")
"""A day, a month or a year."""
_LINK = re.compile(r"https?://[^\s<>\"\\^`{|}]{1,2000}", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """One paper.

    Attributes:
        id: Unique in a library: the forum id of OpenReview, `arxiv:2102.07033`, a DOI, or a source's own.
        title: Not empty. Control characters are removed, white space is folded, and a title of more than 1,000
            characters is cut; other texts at 100,000.
        authors: In the order of the paper. Of this and every other list of texts the first 10,000 count.
        abstract, tldr: The authors' own words; empty where unknown.
        keywords: As the authors gave them.
        venue, year: "ICLR", 2022.
        decision: One of `DECISIONS`, or empty where unknown.
        track: "main", "workshop", a subject area.
        ratings, confidences: Of the reviewers.
        history: Earlier ratings, oldest first: (date, ratings).
        published, updated: ISO dates, "2022-04-25", "2022-04" or "2022".
        urls: Links by what they lead to: "paper", "review", "pdf", "site". What is not http or https is left out.
        code_urls: Links to code, likewise.
        citations: How often it is cited, as `source` counted it.
        references: Ids of papers that it cites.
        categories: Of its source, such as "cs.LG".
        source: Where the record came from.
        raw: What the source said beyond this, JSON values, a million characters at most.
        names: The authors' names in their parts, one for each of `authors`, as BibTeX writes them: "Di Giovanni,
            Francesco", "King, Jr., Martin Luther", "{Open Science Collaboration}". Empty where no source says them.
        publication: How it was published, by the fields of `PUBLICATION`: its type ("article", "phdthesis", as in
            BibTeX), volume, number, pages, publisher; `venue` is its journal or book.

    Raises:
        NavigatorError: a value cannot be; the message names the paper and the field.
    """

    id: str
    title: str
    authors: tuple[str, ...] = ()
    abstract: str = ""
    keywords: tuple[str, ...] = ()
    tldr: str = ""
    venue: str = ""
    year: int | None = None
    decision: str = ""
    track: str = ""
    ratings: tuple[float, ...] = ()
    confidences: tuple[float, ...] = ()
    history: tuple[tuple[str, tuple[float, ...]], ...] = ()
    published: str | None = None
    updated: str | None = None
    urls: Mapping[str, str] = field(default_factory=dict, hash=False)
    code_urls: tuple[str, ...] = ()
    citations: int | None = None
    references: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    source: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict, hash=False)
    names: tuple[str, ...] = ()
    publication: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        def put(name: str, value: Any) -> None:
            object.__setattr__(self, name, value)

        identifier = self.id.strip() if isinstance(self.id, str) else ""
        if not 1 <= len(identifier) <= 200 or not identifier.isprintable() or " " in identifier:
            raise NavigatorError(
                f"a paper's id is a text of 1 to 200 printable characters, no spaces; got {self.id!r:.80}"
            )
        put("id", identifier)
        for name in ("title", "abstract", "tldr", "venue", "decision", "track", "source"):
            value = getattr(self, name)
            if not isinstance(value, str):
                raise self._wrong(name, "a text", value)
            put(name, clean(value, LONGEST_TITLE if name == "title" else LONGEST_TEXT))
        if not self.title:
            raise NavigatorError(f"paper {self.id} has no title")
        for name in ("authors", "keywords", "references", "categories", "names"):
            put(name, tuple(filter(None, (clean(item, LONGEST_TITLE) for item in self._texts(name)))))
        put("code_urls", tuple(filter(None, map(link, self._texts("code_urls")))))
        for name in ("ratings", "confidences"):
            put(name, self._numbers(name, getattr(self, name)))
        try:
            put("history", tuple((clean(when, 40), self._numbers("history", values)) for when, values in self.history))
        except (TypeError, ValueError):
            raise self._wrong("history", "a list of (date, list of numbers)", self.history) from None
        if self.decision and self.decision not in DECISIONS:
            raise self._wrong("decision", f"one of {', '.join(DECISIONS)}, or nothing", self.decision)
        for name, least in (("year", 1000), ("citations", 0)):
            value = getattr(self, name)
            if value is not None and (
                isinstance(value, bool) or not isinstance(value, int) or not least <= value < 2**53
            ):
                raise self._wrong(name, f"a whole number of at least {least}, or None", value)
        for name in ("published", "updated"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, str) and DATE.fullmatch(value) and _exists(value)):
                raise self._wrong(name, "an ISO date such as 2022-04-25, or None", value)
        if not isinstance(self.urls, Mapping) or not all(isinstance(one, str) for one in self.urls.values()):
            raise self._wrong("urls", "links by what they lead to", self.urls)
        links = {clean(str(name), 100): link(url) for name, url in self.urls.items()}
        put("urls", {name: links[name] for name in sorted(links) if links[name]})
        put("raw", self._values("raw", self.raw))
        if self.names and len(self.names) != len(self.authors):
            raise self._wrong("names", f"one for each of the {len(self.authors)} authors, or none", self.names)
        put("publication", self._publication())

    def _publication(self) -> dict[str, str]:
        if not isinstance(self.publication, Mapping) or not all(
            name in PUBLICATION and isinstance(value, str) for name, value in self.publication.items()
        ):
            raise self._wrong("publication", f"texts by {', '.join(PUBLICATION)}", self.publication)
        found = {name: clean(self.publication.get(name, ""), LONGEST_TITLE) for name in PUBLICATION}
        return {name: value for name, value in found.items() if value}

    def _texts(self, name: str) -> tuple[str, ...]:
        value = getattr(self, name)
        if isinstance(value, str | bytes) or not isinstance(value, Iterable):
            raise self._wrong(name, "a list of texts", value)
        items = tuple(islice(value, LONGEST_LIST))
        if not all(isinstance(item, str) for item in items):
            raise self._wrong(name, "a list of texts", items)
        return items

    def _values(self, name: str, values: Any) -> dict[str, Any]:
        if not isinstance(values, Mapping):
            raise self._wrong(name, "JSON values by name", values)
        try:
            text = json.dumps(dict(values), allow_nan=False, ensure_ascii=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise self._wrong(name, "JSON values", f"{error}") from None
        if len(text) > LONGEST_RAW:
            raise self._wrong(name, f"at most {LONGEST_RAW:,} characters of JSON", f"{len(text):,}")
        made: dict[str, Any] = json.loads(text.encode("utf-8", "replace"))
        return made

    def _wrong(self, name: str, expected: str, value: object) -> NavigatorError:
        return NavigatorError(f"paper {self.id}: {name} is {expected}; got {value!r:.80}")

    def _numbers(self, name: str, values: Any) -> tuple[float, ...]:
        try:
            numbers = tuple(float(value) for value in values)
        except (TypeError, ValueError):
            raise self._wrong(name, "a list of numbers", values) from None
        if not all(map(math.isfinite, numbers)):
            raise self._wrong(name, "a list of finite numbers", values)
        return numbers

    @property
    def rating(self) -> float | None:
        """The mean rating; None without ratings."""
        return sum(self.ratings) / len(self.ratings) if self.ratings else None

    @property
    def people(self) -> tuple[Name, ...]:
        """The authors' names in their parts; where no source says the parts, those that a name usually has."""
        return tuple(map(Name.read, self.names)) if self.names else tuple(map(Name.said, self.authors))

    def by_its_authors(self, name: str) -> bool:
        """Whether a text, "abstract" or "tldr", is the authors' own; a source that has its own says so in `raw`."""
        text, sources = getattr(self, name), self.raw.get("sources")
        records = sources.values() if isinstance(sources, Mapping) else [{name: text, "raw": self.raw}]
        return not any(record["raw"].get("words") and record.get(name) == text for record in records)

    @property
    def accepted(self) -> bool:
        return self.decision in ("Oral", "Spotlight", "Poster", "Accept")

    def as_dict(self) -> dict[str, Any]:
        """JSON values; `Paper.from_dict` makes the same paper of them."""
        values: dict[str, Any] = json.loads(self.json)
        return values

    @property
    def json(self) -> str:
        """`as_dict` as JSON, the same text for the same paper."""
        # What came to records later is left out where it is empty, so that a record from before is the same text.
        values = {name: found for name in _FIELDS if (found := getattr(self, name)) or name not in _LATER}
        return json.dumps(values, sort_keys=True, ensure_ascii=False)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Paper":
        if unknown := sorted(set(values) - _FIELDS):
            raise NavigatorError(f"a paper has no field {', '.join(unknown)}; it has {', '.join(sorted(_FIELDS))}")
        return cls(**values)

    @property
    def content(self) -> str:
        """A hash of everything in the record: equal records are not written twice."""
        return hashlib.sha256(self.json.encode()).hexdigest()


_FIELDS = frozenset(field.name for field in dataclasses.fields(Paper))
_LATER = frozenset(("names", "publication"))


def link(url: str) -> str:
    """The link if it is one that a browser may follow without harm, http or https; else nothing."""
    url = url.strip() if len(url) <= 10_000 else ""
    return url if _LINK.fullmatch(url) and url.isprintable() else ""


def clean(text: str, longest: int) -> str:
    """The text in NFC, without control characters and lone surrogates, white space folded, cut at `longest`."""
    if not text:
        return ""
    text = text[: 4 * longest].encode("utf-8", "replace").decode("utf-8")
    return " ".join(_CONTROL.sub(" ", unicodedata.normalize("NFC", text)).split())[:longest].rstrip()


def _exists(date: str) -> bool:
    year, month, day = ([*map(int, date.split("-")), 1, 1])[:3]
    try:
        datetime.date(year, month, day)
    except ValueError:
        return False
    return True
