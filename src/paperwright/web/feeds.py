"""Atom feeds of saved searches: what is new for a question, in any feed reader."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from paperwright.navigator.filters import Filter
from paperwright.web.parameters import Nothing, Parameters
from paperwright.web.site import Site, site_of

router = APIRouter()
NEWEST = 50


@router.get("/feed/{name}.atom")
def feed(
    request: Request,
    site: Annotated[Site, Depends(site_of)],
    name: Annotated[str, Path(max_length=60)],
    asked: Annotated[Nothing, Parameters],
) -> Response:
    """The best papers of a saved search, the newest first."""
    from paperwright.navigator.exports import entry_of
    from paperwright.navigator.feed import atom

    saved = site.saved(name)
    hits = site.library.search(saved.query, k=NEWEST, where=Filter.of(saved.where))
    papers = sorted((hit.paper for hit in hits), key=lambda paper: (paper.published or "", paper.id), reverse=True)
    address = str(request.url.replace(query=""))
    text = atom(map(entry_of, papers), title=f"paperwright: {saved.name}", id=address, address=address)
    return Response(text, media_type="application/atom+xml")
