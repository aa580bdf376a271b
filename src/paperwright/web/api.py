"""The JSON interface under /api/: what the pages do, for programs."""

import dataclasses
from typing import Annotated, Any, NamedTuple
from urllib.parse import quote, unquote

from fastapi import APIRouter, Depends, HTTPException, Path, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from paperwright.navigator.errors import UnknownPaperId
from paperwright.navigator.records import tag_name
from paperwright.web.background import Work
from paperwright.web.parameters import (
    DigestOf,
    ExpertsOf,
    ExportOf,
    Filters,
    Nothing,
    Only,
    Parameters,
    RecommendationsOf,
    SearchOf,
    TrendOf,
)
from paperwright.web.problems import NotThere
from paperwright.web.rooms import room_of
from paperwright.web.site import Site, site_of

router = APIRouter(prefix="/api")
Shared = Annotated[Site, Depends(site_of)]
Tag = Annotated[str, Path(max_length=60)]
Identifier = Annotated[str, Path(max_length=200)]
None_ = Annotated[Nothing, Parameters]


class _OfTag(NamedTuple):
    """What an address under /api/tags/ names; no paper where it is the tag as a whole."""

    tag: str
    paper: str | None


def _of_tag(request: Request, name: Tag, identifier: Identifier) -> _OfTag:
    """Tag and paper as the client wrote them: both may have slashes, and the tag's are told by being escaped."""
    raw = request.scope.get("raw_path")
    if raw is None:  # a server that does not say
        return _OfTag(name, identifier)
    tag, slash, paper = raw.decode("ascii", "replace").partition("/api/tags/")[2].partition("/")
    return _OfTag(unquote(tag)[:61], unquote(paper) if slash else None)


@router.get("/search")
def search(site: Shared, asked: Annotated[SearchOf, Parameters]) -> Response:
    """The best papers for a query, in the language of the search box; under filters, a page at a time."""
    page = site.library.search(
        asked.q, k=asked.k, mode=asked.mode, where=asked.where(), cursor=asked.cursor, facets=asked.facets
    )
    return JSONResponse(page.as_dict())


@router.get("/facets")
def facets(site: Shared, asked: Annotated[SearchOf, Parameters]) -> Response:
    """How many of a search's papers have each decision, year, venue and keyword."""
    page = site.library.search(asked.q, k=1, mode=asked.mode, where=asked.where(), facets=True)
    return JSONResponse({"total": page.total, "facets": plain(page.facets)})


@router.get("/papers/{identifier:path}/similar")
def similar(site: Shared, identifier: Identifier, asked: Annotated[Only, Parameters]) -> Response:
    """The papers nearest to one."""
    site.paper(identifier)
    return JSONResponse({"hits": [hit.as_dict() for hit in site.library.similar(identifier, k=asked.k)]})


@router.get("/papers/{identifier:path}")
def paper(site: Shared, identifier: Identifier, asked: None_) -> Response:
    """A paper's record, with the reader's tags and note, and the name of its room if it has one."""
    found = site.paper(identifier)
    room = room_of(found)
    records = site.library.records
    return JSONResponse(
        {
            **found.as_dict(),
            "tags": records.tags_of(identifier),
            "note": records.note(identifier),
            "room": room and room.name,
        }
    )


@router.get("/topics")
def topics(site: Shared, asked: None_) -> Response:
    """What the papers are about: topics with their labels and papers; 202 while they are being worked out."""
    work = site.topics()
    return under_way(work) or JSONResponse({"topics": plain(work.result)})


@router.get("/trends")
def trends(site: Shared, asked: Annotated[TrendOf, Parameters]) -> Response:
    """The share of papers with a term, year by year."""
    return JSONResponse(plain(site.library.trends(asked.term)))


@router.get("/experts")
def experts(site: Shared, asked: Annotated[ExpertsOf, Parameters]) -> Response:
    """Who has written what a query finds."""
    return JSONResponse({"experts": plain(site.library.experts(asked.q, k=asked.k))})


@router.get("/stats/{venue}/{year}")
def stats(site: Shared, venue: Annotated[str, Path(max_length=200)], year: int, asked: None_) -> Response:
    """A conference in numbers."""
    from paperwright.navigator.conference import conferences
    from paperwright.navigator.filters import folded

    if (folded(venue), year) not in {(folded(name), when) for name, when in conferences(site.library)}:
        raise NotThere(f"the library has no paper of {venue!s:.60} {year}", "/conferences lists those it has")
    return JSONResponse(site.library.stats(venue, year).as_dict())


@router.get("/tags")
def tags(site: Shared, asked: None_) -> Response:
    """The tags, each with how many papers it has."""
    return JSONResponse({"tags": site.library.tags()})


@router.get("/tags/{name:path}")
def tagged(site: Shared, name: Tag, asked: None_) -> Response:
    """The papers under a tag, in the order in which they came there."""
    return JSONResponse({"tag": _known_tag(site, name), "papers": site.library.tagged(name)})


@router.put("/tags/{name}/{identifier:path}", status_code=204)
def tag(site: Shared, named: Annotated[_OfTag, Depends(_of_tag)], asked: None_) -> Response:
    """Puts a paper under a tag; a slash in the tag is written %2F."""
    if (paper := named.paper) is None:
        raise HTTPException(405)
    site.changed(lambda library: library.tag(named.tag, [paper]))
    return Response(status_code=204)


@router.delete("/tags/{name}/{identifier:path}", status_code=204)
def untag(site: Shared, named: Annotated[_OfTag, Depends(_of_tag)], asked: None_) -> Response:
    """Takes a paper from under a tag; a slash in the tag is written %2F."""
    if named.paper is None:
        return forget_tag(site, named.tag, asked)
    paper = site.paper(named.paper)
    site.changed(lambda library: library.untag(named.tag, [paper.id]))
    return Response(status_code=204)


@router.delete("/tags/{name}", status_code=204)
def forget_tag(site: Shared, name: Tag, asked: None_) -> Response:
    """Takes all papers from under a tag."""
    known = _known_tag(site, name)
    site.changed(lambda library: library.untag(known))
    return Response(status_code=204)


@router.get("/recommend/{name:path}")
def recommend(site: Shared, name: Tag, asked: Annotated[RecommendationsOf, Parameters]) -> Response:
    """What else belongs under a tag, or under several joined as in `a & !b`."""
    known = name if set(name) & set("&|!()") else _known_tag(site, name)
    hits = site.library.recommend(known, k=asked.k, exclude_seen=asked.exclude_seen)
    return JSONResponse({"tag": known, "hits": [hit.as_dict() for hit in hits]})


@router.get("/digest")
def digest(site: Shared, asked: Annotated[DigestOf, Parameters]) -> Response:
    """The papers of a time that are worth a look, as JSON, Markdown, HTML, Atom or plain text."""
    found = site.library.digest(since=asked.since, until=asked.until, n=asked.n, by=asked.by)
    if asked.format == "json":
        return JSONResponse(plain(found))
    text = {"markdown": found.markdown, "html": found.html, "atom": found.atom, "text": found.text}[asked.format]()
    if asked.format == "atom":
        return Response(text, media_type="application/atom+xml")
    if asked.format == "html":  # its own style is for mail programs: as a file it is opened outside our policy
        return Response(text, media_type="text/html", headers=_attachment("digest.html"))
    return PlainTextResponse(text, media_type="text/markdown" if asked.format == "markdown" else "text/plain")


@router.get("/export")
def export(site: Shared, asked: Annotated[ExportOf, Parameters]) -> Response:
    """A search's papers, or a tag's, as BibTeX, RIS, CSV, JSON or Atom."""
    from paperwright.navigator.exports import MEDIA_TYPES, exported

    if asked.tag is not None:
        known = _known_tag(site, asked.tag)
        papers = list(site.library.many(site.library.tagged(known)).values())
    else:
        papers = [hit.paper for hit in site.library.search(asked.q, k=asked.k, where=asked.where())]
    name = f"{_file_name(asked.tag or asked.q)}.{asked.format}"
    return Response(exported(papers, asked.format), media_type=MEDIA_TYPES[asked.format], headers=_attachment(name))


def filtered(asked: Filters) -> dict[str, Any]:
    """The filters as they stand in an address, those that are set."""
    names = Filters.model_fields
    return {name: value for name, value in asked.model_dump(include=set(names)).items() if value not in (None, [])}


def plain(value: Any) -> Any:
    """JSON values of what the navigator gives."""
    if hasattr(value, "as_dict"):
        return value.as_dict()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if hasattr(value, "items"):
        return {str(name): plain(one) for name, one in value.items()}
    return value.item() if hasattr(value, "item") else value


def under_way(work: Work) -> Response | None:
    """What to answer while work in the background goes on, or after it failed; None if it is done."""
    if work.state == "done":
        return None
    if work.state == "failed":
        hint = "ask again to try once more"
        return JSONResponse({"error": {"code": "failed", "message": work.message, "hint": hint}}, status_code=503)
    return JSONResponse(
        {"state": "running", "what": work.name, "seconds": round(work.seconds, 1)},
        status_code=202,
        headers={"Retry-After": "1"},
    )


def _known_tag(site: Site, name: str) -> str:
    known = tag_name(name)
    if known not in site.library.tags():
        raise UnknownPaperId(f"no paper is under the tag {known!r}")
    return known


def _file_name(text: str) -> str:
    kept = "".join(one if one.isascii() and one.isalnum() else "-" for one in text[:60]).strip("-")
    return "-".join(filter(None, kept.split("-"))) or "papers"


def _attachment(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{quote(name)}"'}
