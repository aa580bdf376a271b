"""Atom feeds of saved searches: what is new for a question, in any feed reader."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Request, Response

from paperwright.web.parameters import Nothing, Parameters
from paperwright.web.site import Site, site_of

router = APIRouter()
NEWEST = 50


@router.get("/feed/{name:path}.atom")
def feed(
    request: Request,
    site: Annotated[Site, Depends(site_of)],
    name: Annotated[str, Path(max_length=60)],
    asked: Annotated[Nothing, Parameters],
) -> Response:
    """The papers that answer a saved search and came last, the newest first."""
    from paperwright.navigator.exports import entry_of
    from paperwright.navigator.feed import atom
    from paperwright.navigator.news import news

    saved = site.saved(name)
    came = site.library.records.arrivals()
    papers = news(site.library, saved, NEWEST)
    papers.sort(key=lambda paper: (paper.published or str(paper.year or ""), paper.id), reverse=True)
    # The id names the search, whatever the server is called today; the address says where the feed is now.
    written = quote(saved.name, safe="")
    text = atom(
        map(entry_of, papers),
        title=f"paperwright: {saved.name}",
        id=f"urn:paperwright:search:{written}",
        updated=max((came.get(paper.id, "") for paper in papers), default=""),
        address=f"{request.base_url}feed/{written}.atom",
    )
    return Response(text, media_type="application/atom+xml")
