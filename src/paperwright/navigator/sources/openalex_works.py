"""Papers from OpenAlex, page by page behind its cursor; abstracts come as an inverted index and are put in order."""

import re
from collections.abc import Mapping
from typing import Any, Unpack

from ..errors import NavigatorError
from ..paper import Paper
from .fields import arxiv_of, date, doi_of, known, links, mapping, text, unmarked, whole, year
from .http import Client, NotYet, Reach, json_of, place_asked_for
from .source import Page, WebSource

BASE = "https://api.openalex.org"
SELECT = (
    "id,doi,title,publication_year,publication_date,updated_date,authorships,primary_location,locations,best_oa_location,"
    "abstract_inverted_index,cited_by_count,keywords,primary_topic,referenced_works,type,is_retracted,biblio"
)
LONGEST = 20_000
"""Words of an abstract; positions beyond are not believed."""


class OpenAlex(WebSource):
    """The works that a filter of OpenAlex leaves; see `openalex`."""

    def __init__(
        self, asked: Mapping[str, Any], client: Client, url: str, page_size: int, max_items: int | None
    ) -> None:
        super().__init__(f"openalex:{asked.get('filter') or asked.get('search')}", client, max_items)
        self._asked = asked
        self._url = url
        self._size = page_size

    def page(self, place: str) -> Page:
        asked = {**self._asked, "per-page": self._size, "cursor": place or "*", "select": SELECT}
        with place_asked_for(place):
            return self.client.get(self._url, asked, read=_page)

    def paper(self, record: Any) -> Paper:
        work = mapping(record)
        number = re.fullmatch(r"(?:https://openalex\.org/)?(W\d+)", text(work.get("id")))
        if not number:
            raise ValueError(f"not an id of OpenAlex: {work.get('id')!r:.80}")
        places = [mapping(one) for one in [work.get("primary_location"), *(work.get("locations") or ())]]
        doi = doi_of(work.get("doi"))
        pages = [place.get("landing_page_url") for place in places]
        arxiv = next(filter(None, map(arxiv_of, [doi, *pages])), "")
        venue = mapping(places[0].get("source"))
        open_pdf = mapping(work.get("best_oa_location")).get("pdf_url")
        people = [mapping(one) for one in work.get("authorships") or ()]
        return Paper(
            id=f"openalex:{number.group(1)}",
            title=unmarked(text(work.get("title"))),
            authors=tuple(
                text(mapping(one.get("author")).get("display_name") or one.get("raw_author_name")) for one in people
            ),
            abstract=unmarked(in_order(work.get("abstract_inverted_index"))),
            keywords=tuple(text(mapping(one).get("display_name")) for one in work.get("keywords") or ()),
            venue=text(venue.get("display_name")),
            year=year(work.get("publication_year")),
            published=date(work.get("publication_date")),
            updated=date(work.get("updated_date")),
            urls=links(paper=work.get("doi") or next(filter(None, pages), None), pdf=open_pdf),
            citations=whole(work.get("cited_by_count")),
            references=tuple(f"openalex:{text(one).rpartition('/')[2]}" for one in work.get("referenced_works") or ()),
            source="openalex",
            publication=_publication(work, text(venue.get("type"))),
            raw=known(
                openalex=number.group(1),
                doi=doi,
                arxiv=arxiv,
                type=work.get("type"),
                topic=mapping(work.get("primary_topic")).get("display_name"),
                cited_by="OpenAlex" if whole(work.get("cited_by_count")) is not None else "",
                retracted=True if work.get("is_retracted") is True else None,
            ),
        )


_TYPES = {"dissertation": "phdthesis", "book": "book", "book-chapter": "incollection", "report": "techreport"}


def _publication(work: Mapping[str, Any], place: str) -> dict[str, str]:
    """How a work was published, by BibTeX's fields; an article is one of a journal or of a conference."""
    said = {name: text(value) for name, value in mapping(work.get("biblio")).items()}
    first, last = said.get("first_page", ""), said.get("last_page", "")
    kind = text(work.get("type"))
    articles = {"journal": "article", "conference": "inproceedings"}
    return known(
        type=_TYPES.get(kind) or (articles.get(place) if kind == "article" else None),
        volume=said.get("volume"),
        number=said.get("issue"),
        pages=f"{first}-{last}" if first and last and first != last else first,
    )


def in_order(inverted: Any) -> str:
    """The text of an inverted index {word: [positions]}.

    Raises:
        TypeError: it is not such an index.
    """
    placed = [
        (position, word)
        for word, positions in mapping(inverted).items()
        for position in positions
        if isinstance(position, int) and 0 <= position < LONGEST
    ]
    return " ".join(word for _, word in sorted(placed))


def _page(answer: bytes) -> Page:
    found = json_of(answer)
    if not isinstance(found, Mapping) or not isinstance(found.get("results"), list):
        raise ValueError("no list of results in it")
    meta = mapping(found.get("meta"))
    following, works = meta.get("next_cursor"), found["results"]
    # The last page is empty, and says no cursor; a page that is empty and says one is not the last.
    if not works and following:
        raise NotYet("an empty page before the end")
    return Page(works, text(following) or None if works else None, whole(meta.get("count")))


def openalex(
    filter: str | None = None,
    *,
    search: str | None = None,
    key: str | None = None,
    base_url: str = BASE,
    page_size: int = 100,
    max_items: int | None = None,
    **reach: Unpack[Reach],
) -> OpenAlex:
    """The works in OpenAlex that a filter leaves, or that a search finds.

    Args:
        filter: In OpenAlex's language: `primary_location.source.id:S4306419637,publication_year:2022`.
        search: Words.
        key: Your key, where OpenAlex asks for one.
        base_url: Where the interface is.
        page_size: Works in one request, at most 200.
        max_items: How many works to read at most.
        **reach: See `Reach`; a `contact` is sent along as OpenAlex asks.

    Raises:
        NavigatorError: neither a filter nor a search was given, or the page's size cannot be.
    """
    if not (filter or search):
        raise NavigatorError("expected a filter such as 'publication_year:2022', or words to search for")
    if not 1 <= page_size <= 200:
        raise NavigatorError(f"page_size is 1 to 200; got {page_size!r:.80}")
    client = Client.reaching(reach, pause=0.1)
    asked = {"filter": filter or None, "search": search or None, "mailto": client.contact, "api_key": key}
    return OpenAlex(asked, client, f"{base_url.rstrip('/')}/works", page_size, max_items)
