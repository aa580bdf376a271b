"""Papers from arXiv: by a query, or harvested whole.

The query interface answers with Atom feeds, at most 2,000 papers a page and 30,000 a query; a page that is empty before
the promised total is a known fault of it, and asked for again. OAI-PMH gives everything that a set holds or that has
changed since a day, deletions included, and is what arXiv asks harvesters to use. Both want one request in three
seconds from everyone, over all of their addresses.
"""

import re
from typing import TYPE_CHECKING, Unpack

from ..errors import NavigatorError, SourceError
from ..paper import Paper
from .fields import arxiv_of, date, doi_of, known, link, links, whole
from .http import Client, NotYet, Reach
from .source import NoSuchPlace, Page, Removed, WebSource, whole_place
from .xml import words, xml_of

if TYPE_CHECKING:
    from lxml.etree import _Element

QUERY = "https://export.arxiv.org/api/query"
HARVEST = "https://oaipmh.arxiv.org/oai"
PAUSE = 3.0  # seconds; https://info.arxiv.org/help/api/tou.html
LAST = 30_000  # papers that one query can reach
ATOM = "http://www.w3.org/2005/Atom"
OPENSEARCH = "http://a9.com/-/spec/opensearch/1.1/"
ARXIV = "http://arxiv.org/schemas/atom"
OAI = "http://www.openarchives.org/OAI/2.0/"
RECORD = "http://arxiv.org/OAI/arXiv/"
_CODE = re.compile(r"https?://(?:www\.)?(?:github|gitlab|bitbucket|codeberg)\.(?:com|org)/[^\s,;)}\]\"'<>]+")
_CATEGORY = re.compile(r"[a-z-]+(\.[A-Za-z-]+)?")
_ID = r"(?:\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(?:v\d+)?"
_IDS = re.compile(rf"{_ID}(?:,{_ID})*")
_VERSION = re.compile(r"v(\d{1,4})$")
# "This paper has been withdrawn by the authors": not from a conference, and not of what the paper is about.
_WITHDRAWN = re.compile(
    r"\b(?:this|the|our)\s+(?:\w+\s+)?(?:paper|article|submission|manuscript|preprint|work|version)\b[^.]{0,60}"
    r"\b(?:has been|have been|is|was)\s+(?:\w+\s+)?(?:withdrawn|retracted)\b(?!\s+from(?!\s+(?:the\s+)?arxiv))",
    re.IGNORECASE,
)
_WITHDRAWN_ALONE = re.compile(r"\W*withdrawn\b(?!\s+from(?!\s+(?:the\s+)?arxiv))", re.IGNORECASE)
_WITHIN = 200
"""Characters of an abstract that may say that the paper is withdrawn; further on it speaks of other things."""


class ArxivQuery(WebSource):
    """What a query to arXiv finds; see `arxiv`."""

    def __init__(
        self, query: str, client: Client, url: str, page_size: int, newest_first: bool, max_items: int | None
    ) -> None:
        super().__init__(f"arxiv:{query}", client, max_items)
        self.query = query
        self._url = url
        self._size = page_size if max_items is None else min(page_size, max_items)
        self._order = "descending" if newest_first else "ascending"
        self._versions: dict[str, int] = {}

    def page(self, place: str) -> Page:
        start = whole_place(place)
        if start >= LAST:
            raise SourceError(
                f"{self.name}: arXiv's query interface ends at {LAST:,} papers; "
                "narrow the query, by submittedDate for one, or harvest the set with arxiv-oai"
            )
        asked = {
            "id_list" if _IDS.fullmatch(self.query) else "search_query": self.query,
            "start": start,
            "max_results": min(self._size, LAST - start),
            # Oldest first by default: what is added while we read comes at the end and moves nothing.
            "sortBy": "submittedDate",
            "sortOrder": self._order,
        }
        entries, total = self.client.get(self._url, asked, read=lambda answer: self._entries(answer, start))
        end = start + len(entries)
        return Page(entries, str(end) if entries and end < total else None, total)

    def _entries(self, answer: bytes, start: int) -> tuple[list["_Element"], int]:
        feed = xml_of(answer)
        total = whole(words(feed, "totalResults", OPENSEARCH))
        if feed.tag != f"{{{ATOM}}}feed" or total is None:
            raise ValueError("not a feed that says how much it is of")
        entries = feed.findall(f"{{{ATOM}}}entry")
        for entry in entries:
            if "/api/errors" in words(entry, "id", ATOM):
                raise SourceError(f"{self.name}: arXiv refuses the query: {words(entry, 'summary', ATOM):.300}")
        if not entries and start < total:
            raise NotYet(f"an empty page at {start:,} of {total:,}")
        return entries, total

    def paper(self, record: "_Element") -> Paper:
        arxiv = arxiv_of(words(record, "id", ATOM))
        if not arxiv:
            raise ValueError(f"not an arXiv id: {words(record, 'id', ATOM)!r:.80}")
        version = _VERSION.search(words(record, "id", ATOM))
        self._check_newest(arxiv, int(version.group(1)) if version else None)
        at = {found.get("title") or found.get("rel"): found.get("href") for found in record.findall(f"{{{ATOM}}}link")}
        categories = [found.get("term") for found in record.findall(f"{{{ATOM}}}category")]
        comment = words(record, "comment", ARXIV)
        primary = record.find(f"{{{ARXIV}}}primary_category")
        published = date(words(record, "published", ATOM))
        return Paper(
            id=f"arxiv:{arxiv}",
            title=words(record, "title", ATOM),
            authors=tuple(words(author, "name", ATOM) for author in record.findall(f"{{{ATOM}}}author")),
            abstract=words(record, "summary", ATOM),
            year=int(published[:4]) if published else None,
            decision=decision_in(comment, words(record, "summary", ATOM)),
            published=published,
            updated=date(words(record, "updated", ATOM)),
            urls=links(paper=f"https://arxiv.org/abs/{arxiv}", pdf=at.get("pdf")),
            code_urls=code_in(comment),
            categories=tuple(one for one in categories if one),
            source="arxiv",
            raw=known(
                arxiv=arxiv,
                version=int(version.group(1)) if version else None,
                doi=doi_of(words(record, "doi", ARXIV)),
                comment=comment,
                journal=words(record, "journal_ref", ARXIV),
                primary_category=primary.get("term") if primary is not None else None,
            ),
        )

    def _check_newest(self, arxiv: str, version: int | None) -> None:
        """Refuses a version older than one that this source has given before."""
        newest = self._versions.get(arxiv, 0)
        if version is not None and version < newest:
            raise NavigatorError(f"arxiv:{arxiv} came as version {version} after version {newest}, which stays")
        self._versions[arxiv] = max(newest, version or 0)


class ArxivHarvest(WebSource):
    """What arXiv's OAI-PMH interface lists; see `arxiv_oai`."""

    def __init__(self, asked: dict[str, str | None], client: Client, url: str, max_items: int | None) -> None:
        shown = "".join(f",{name}={value}" for name, value in asked.items() if value and name in ("from", "until"))
        super().__init__(f"arxiv:oai/{asked['set'] or ''}{shown}", client, max_items)
        self._asked = asked
        self._url = url

    def page(self, place: str) -> Page:
        asked = {"resumptionToken": place} if place else {"metadataPrefix": "arXiv", **self._asked}
        return self.client.get(self._url, {"verb": "ListRecords", **asked}, read=self._page)

    def _page(self, answer: bytes) -> Page:
        root = xml_of(answer)
        if root.tag != f"{{{OAI}}}OAI-PMH":
            raise ValueError("not an answer of OAI-PMH")
        error = root.find(f"{{{OAI}}}error")
        if error is not None:
            code, said = error.get("code"), " ".join("".join(error.itertext()).split())
            if code == "noRecordsMatch":
                return Page([], None, 0)
            if code == "badResumptionToken":
                raise NoSuchPlace(f"{self.name}: {said:.300}")  # tokens are good for a day or so
            raise SourceError(f"{self.name}: arXiv refuses: {code}: {said:.300}")
        listed = root.find(f"{{{OAI}}}ListRecords")
        if listed is None:
            raise ValueError("no list of records in it")
        token = listed.find(f"{{{OAI}}}resumptionToken")
        total = whole(token.get("completeListSize")) if token is not None else None
        following = (token.text or "").strip() if token is not None else ""
        return Page(listed.findall(f"{{{OAI}}}record"), following or None, total)

    def paper(self, record: "_Element") -> Paper | Removed:
        header = record.find(f"{{{OAI}}}header")
        if header is None:
            raise ValueError("a record without a header")
        arxiv = arxiv_of(words(header, "identifier", OAI).removeprefix("oai:arXiv.org:"))
        if not arxiv:
            raise ValueError(f"not an arXiv id: {words(header, 'identifier', OAI)!r:.80}")
        if header.get("status") == "deleted":
            return Removed(f"arxiv:{arxiv}")
        said = record.find(f"{{{OAI}}}metadata/{{{RECORD}}}arXiv")
        if said is None:
            raise ValueError(f"{arxiv} has no metadata")
        people = said.findall(f"{{{RECORD}}}authors/{{{RECORD}}}author")
        comment = words(said, "comments", RECORD)
        published = date(words(said, "created", RECORD))
        return Paper(
            id=f"arxiv:{arxiv}",
            title=words(said, "title", RECORD),
            authors=tuple(
                " ".join(filter(None, (words(one, name, RECORD) for name in ("forenames", "keyname", "suffix"))))
                for one in people
            ),
            abstract=words(said, "abstract", RECORD),
            year=int(published[:4]) if published else None,
            decision=decision_in(comment, words(said, "abstract", RECORD)),
            published=published,
            updated=date(words(said, "updated", RECORD)),
            urls=links(paper=f"https://arxiv.org/abs/{arxiv}", pdf=f"https://arxiv.org/pdf/{arxiv}"),
            code_urls=code_in(comment),
            categories=tuple(words(said, "categories", RECORD).split()),
            source="arxiv",
            raw=known(
                arxiv=arxiv,
                doi=doi_of(words(said, "doi", RECORD)),
                comment=comment,
                journal=words(said, "journal-ref", RECORD),
                primary_category=next(iter(words(said, "categories", RECORD).split()), None),
                licence=words(said, "license", RECORD),
            ),
        )


def code_in(comment: str) -> tuple[str, ...]:
    """The links to code that authors put into a comment."""
    return tuple(dict.fromkeys(filter(None, (link(one.rstrip(".")) for one in _CODE.findall(comment)))))


def decision_in(comment: str, abstract: str) -> str:
    """ "Withdrawn" where the comment, or the head of the abstract, says that the paper is; else nothing."""
    said = (_WITHDRAWN.search(comment), _WITHDRAWN_ALONE.match(comment), _WITHDRAWN.search(abstract[:_WITHIN]))
    return "Withdrawn" if any(said) else ""


def arxiv(
    query: str,
    *,
    base_url: str = QUERY,
    page_size: int = 1_000,
    newest_first: bool = False,
    max_items: int | None = None,
    **reach: Unpack[Reach],
) -> ArxivQuery:
    """The papers that a query to arXiv finds.

    Args:
        query: A category such as `cs.LG`, an id such as `2111.14522` or several with commas between them, or a query in
            arXiv's own language: `cat:cs.LG AND ti:curvature`.
        base_url: Where the interface is.
        page_size: Papers in one request, at most 2,000.
        newest_first: From the newest paper on, for use with `max_items`. Reading on after an interruption is exact only
            from the oldest on, since new papers come at the head.
        max_items: How many papers to read at most.
        **reach: See `Reach`; `pause` is 3 seconds if not said.

    Raises:
        NavigatorError: the query is empty, or the page's size cannot be.
    """
    query = " ".join(query.split())
    if not query:
        raise NavigatorError("expected a category such as cs.LG, or a query such as 'cat:cs.LG AND ti:curvature'")
    if not 1 <= page_size <= 2_000:
        raise NavigatorError(f"page_size is 1 to 2,000; got {page_size!r:.80}")
    if _CATEGORY.fullmatch(query) and ("." in query or "-" in query):
        query = f"cat:{query}"
    return ArxivQuery(query, Client.reaching(reach, PAUSE), base_url, page_size, newest_first, max_items)


def arxiv_oai(
    set: str | None = "cs",
    *,
    since: str | None = None,
    until: str | None = None,
    base_url: str = HARVEST,
    max_items: int | None = None,
    **reach: Unpack[Reach],
) -> ArxivHarvest:
    """Everything that a set of arXiv holds, or that has changed in it since a day, deletions included.

    Args:
        set: Such as `cs`, `stat`, `physics:hep-th`; None for all of arXiv.
        since, until: Days, "2024-01-31": only what was changed between them, both included.
        base_url: Where the interface is.
        max_items: How many records to read at most.
        **reach: See `Reach`; `pause` is 3 seconds if not said.

    Raises:
        NavigatorError: the set or a day cannot be.
    """
    if set is not None and not re.fullmatch(r"[A-Za-z-]+(:[A-Za-z.-]+){0,2}", set):
        raise NavigatorError(f"a set is named as in arXiv's list, such as cs or physics:hep-th; got {set!r:.80}")
    for name, day in (("since", since), ("until", until)):
        if day is not None and (not re.fullmatch(r"\d{4}-\d\d-\d\d", day) or date(day) != day):
            raise NavigatorError(f"{name} is a day such as 2024-01-31; got {day!r:.80}")
    asked = {"set": set, "from": since, "until": until}
    return ArxivHarvest(asked, Client.reaching(reach, PAUSE), base_url, max_items)
