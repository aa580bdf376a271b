"""Papers from Semantic Scholar's graph: by a search in bulk, or by their ids."""

import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Unpack

from ..errors import NavigatorError
from ..paper import Paper
from .fields import arxiv_of, date, doi_of, known, links, mapping, text, texts, whole, year
from .http import Client, NotYet, Reach, json_of, place_asked_for
from .source import Page, Refused, WebSource, whole_place

BASE = "https://api.semanticscholar.org/graph/v1"
AT_ONCE = 500  # ids in one request
KEYS = ("SEMANTIC_SCHOLAR_API_KEY", "S2_API_KEY")
"""Variables of the environment that may hold a key, as other programs call them."""
FIELDS = (
    "paperId,externalIds,url,title,abstract,venue,year,publicationDate,authors,citationCount,fieldsOfStudy,"
    "openAccessPdf"
)
MORE = ",tldr,references.paperId"
"""What a search in bulk does not give."""


class _Graph(WebSource):
    def __init__(self, name: str, client: Client, base_url: str, key: str | None, max_items: int | None) -> None:
        super().__init__(f"semanticscholar:{name}", client, max_items)
        self._base = base_url.rstrip("/")
        self._headers = {"x-api-key": key} if key else {}

    def paper(self, record: Any) -> Paper:
        found = mapping(record)
        identifier = text(found.get("paperId"))
        if not identifier:
            raise ValueError("a paper without a paperId")
        ids = mapping(found.get("externalIds"))
        arxiv, doi = arxiv_of(ids.get("ArXiv")), doi_of(ids.get("DOI"))
        published = date(found.get("publicationDate"))
        people = [text(mapping(one).get("name")) for one in found.get("authors") or ()]
        cited = [text(mapping(one).get("paperId")) for one in found.get("references") or ()]
        return Paper(
            id=f"s2:{identifier}",
            title=text(found.get("title")),
            authors=tuple(people),
            abstract=text(found.get("abstract")),
            venue=text(found.get("venue")),
            year=year(found.get("year")),
            published=published,
            urls=links(
                paper=found.get("url") or f"https://www.semanticscholar.org/paper/{identifier}",
                pdf=mapping(found.get("openAccessPdf")).get("url"),
            ),
            citations=whole(found.get("citationCount")),
            references=tuple(f"s2:{one}" for one in cited if one),
            categories=texts(found.get("fieldsOfStudy")),
            source="semanticscholar",
            raw=known(
                s2=identifier,
                arxiv=arxiv,
                doi=doi,
                corpus=ids.get("CorpusId"),
                # A machine wrote it, so it is not the authors' TL;DR.
                generated_tldr=mapping(found.get("tldr")).get("text"),
                cited_by="Semantic Scholar" if whole(found.get("citationCount")) is not None else "",
            ),
        )


class SemanticScholarSearch(_Graph):
    """What a search in bulk finds; see `semantic_scholar`."""

    def __init__(self, query: str, asked: Mapping[str, Any], *arguments: Any) -> None:
        super().__init__(query, *arguments)
        # Sorted by id, so that what is added while we read does not shift the rest.
        self._asked = {"query": query, "fields": FIELDS, "sort": "paperId:asc", **asked}

    def page(self, place: str) -> Page:
        asked = {**self._asked, "token": place or None}
        with place_asked_for(place):
            return self.client.get(f"{self._base}/paper/search/bulk", asked, read=_found, headers=self._headers)


class SemanticScholarPapers(_Graph):
    """Papers by their ids; see `semantic_scholar`."""

    def __init__(self, ids: Sequence[str], *arguments: Any) -> None:
        digest = hashlib.sha256("\n".join(ids).encode()).hexdigest()
        shown = ids[0] if len(ids) == 1 else f"{len(ids)} ids {digest[:16]}"
        super().__init__(shown, *arguments)
        self._ids = ids

    def page(self, place: str) -> Page:
        start = whole_place(place)
        asked = list(self._ids[start : start + AT_ONCE])
        url = f"{self._base}/paper/batch"

        def read(answer: bytes) -> list[Any]:
            found = json_of(answer)
            if not isinstance(found, list) or len(found) != len(asked):
                raise ValueError(f"expected a list of {len(asked)} papers")
            return [
                paper or Refused(f"Semantic Scholar knows no {one}") for one, paper in zip(asked, found, strict=True)
            ]

        found = self.client.post(url, {"ids": asked}, {"fields": FIELDS + MORE}, read=read, headers=self._headers)
        end = start + len(asked)
        return Page(found, str(end) if end < len(self._ids) else None, len(self._ids))


def _found(answer: bytes) -> Page:
    found = json_of(answer)
    if not isinstance(found, Mapping) or not isinstance(found.get("data"), list):
        raise ValueError("no list of papers in it")
    token = text(found.get("token")) or None
    if token and not found["data"]:
        raise NotYet("an empty page before the end")
    return Page(found["data"], token, whole(found.get("total")))


def semantic_scholar(
    query: str | None = None,
    *,
    ids: Iterable[str] | None = None,
    key: str | None = None,
    years: str | None = None,
    venue: str | None = None,
    base_url: str = BASE,
    max_items: int | None = None,
    **reach: Unpack[Reach],
) -> SemanticScholarSearch | SemanticScholarPapers:
    """Papers from Semantic Scholar: those that a query finds, or those of some ids.

    Args:
        query: Words, with `+`, `|`, `-` and `"..."` as its search in bulk understands them.
        ids: In place of a query: its own, or such as `ARXIV:2106.15928`, `DOI:10.18653/v1/N18-3011`.
        key: Your key; if not said that of `$SEMANTIC_SCHOLAR_API_KEY` or `$S2_API_KEY`. Without one, as with "", you
            share the public's rate.
        years: Such as `2020-2022`, with a query.
        venue: Names with commas between them, with a query.
        base_url: Where the interface is.
        max_items: How many papers to read at most.
        **reach: See `Reach`; `pause` is 1 second if not said.

    Raises:
        NavigatorError: neither or both of a query and ids came, or the key cannot be one.
    """
    wanted = list(dict.fromkeys(text(one).strip() for one in ids)) if ids is not None else []
    if bool(query and query.strip()) == bool(wanted) or "" in wanted:
        raise NavigatorError("expected either words to search for, or ids such as ARXIV:2106.15928")
    reached = (Client.reaching(reach, pause=1.0), base_url, _key() if key is None else key, max_items)
    if wanted:
        return SemanticScholarPapers(wanted, *reached)
    return SemanticScholarSearch(" ".join((query or "").split()), {"year": years, "venue": venue}, *reached)


def _key() -> str | None:
    """The key of the environment."""
    for name in KEYS:
        if found := os.environ.get(name, "").strip():
            if not re.fullmatch(r"[!-~]{1,500}", found):
                raise NavigatorError(f"${name} is no key; expected ASCII without blanks. Set it anew, or unset it")
            return found
    return None
