"""The map for the page's script: where the points are, in binary; what they are about; texts when asked for."""

from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Response
from fastapi.responses import JSONResponse

from paperwright.navigator.errors import NavigatorError
from paperwright.web.api import under_way
from paperwright.web.background import Work
from paperwright.web.parameters import HitsOf, Nothing, Parameters, PointsOf, TileOf, ValuesOf
from paperwright.web.problems import NotThere
from paperwright.web.site import Site, site_of

router = APIRouter(prefix="/api")
Shared = Annotated[Site, Depends(site_of)]
BINARY = "application/octet-stream"
WORTH_REFINING = range(1_000, 50_001)
"""Numbers of papers for which the slower layout is made: fewer look the same, more take too long beside the reader."""


@router.get("/map")
def points(site: Shared, asked: Annotated[TileOf, Parameters]) -> Response:
    """The map's points, 15 bytes each, little-endian: float32 x, y, uint16 topic (65535: none), uint8 decision, uint32
    id-index. Above 200,000 papers by tile=level/column/row; /api/map/about says how many levels there are."""
    if (waiting := under_way(work := site.map())) is not None:
        return waiting
    found = work.result
    if asked.tile is not None:
        return Response(found.tile(*map(int, asked.tile.split("/"))), media_type=BINARY)
    if not found.in_one_piece:
        raise NavigatorError(
            "this map is too large for one reply; ask for tile=0/0/0 first, /api/map/about says how on"
        )
    return Response(found.payload(), media_type=BINARY)


@router.get("/map/about")
def about(site: Shared, asked: Annotated[Nothing, Parameters]) -> Response:
    """What the numbers of the map mean: decisions and topics, with the place of each topic's name."""
    work = site.map()
    return under_way(work) or JSONResponse(_about(site, work))


@router.get("/map/refined")
def refined(site: Shared, asked: Annotated[Nothing, Parameters]) -> Response:
    """The same of the map that a slower, better method lays out: asking begins it, and then /api/map is that map."""
    first = site.map()
    if (waiting := under_way(first)) is not None:
        return waiting
    if not _worth_refining(site, first):
        return JSONResponse(_about(site, first))
    work = site.refined_map()
    return under_way(work) or JSONResponse(_about(site, work))


@router.get("/map/papers")
def papers(site: Shared, asked: Annotated[PointsOf, Parameters]) -> Response:
    """The papers of some points by their id-index, to be named beside the map."""
    if (waiting := under_way(work := site.map())) is not None:
        return waiting
    ids = work.result.ids
    if beyond := [point for point in asked.point if point >= len(ids)]:
        raise NotThere(f"the map has no point {beyond[0]}", f"it has {len(ids):,}, counted from 0")
    found = site.library.many([ids[point] for point in asked.point])
    told = [
        {
            "point": point,
            "id": paper.id,
            "title": paper.title,
            "authors": f"{paper.authors[0]} and {len(paper.authors) - 1} more"
            if len(paper.authors) > 2
            else " and ".join(paper.authors),
            "venue": " ".join(filter(None, (paper.venue, str(paper.year or "")))),
            "decision": paper.decision,
        }
        for point in asked.point
        if (paper := found.get(ids[point])) is not None
    ]
    return JSONResponse({"papers": told})


@router.get("/map/values")
def values(site: Shared, asked: Annotated[ValuesOf, Parameters]) -> Response:
    """One number for each id-index, float32, little-endian: the mean rating or the year; NaN where it is unknown."""
    if (waiting := under_way(work := site.map())) is not None:
        return waiting
    given = (getattr(paper, asked.by) for paper in work.result.papers)
    numbers = np.array([np.nan if value is None else value for value in given], dtype="<f4")
    return Response(numbers.tobytes(), media_type=BINARY)


@router.get("/map/hits")
def hits(site: Shared, asked: Annotated[HitsOf, Parameters]) -> Response:
    """The id-indices of what a search finds, uint32, little-endian, the best first."""
    if (waiting := under_way(work := site.map())) is not None:
        return waiting
    place = site.library.derived("places on the map", lambda: {one: place for place, one in enumerate(work.result.ids)})
    page = site.library.search(asked.q, k=asked.k, where=asked.where())
    found = [place[hit.paper.id] for hit in page if hit.paper.id in place]
    return Response(np.array(found, dtype="<u4").tobytes(), media_type=BINARY)


def _worth_refining(site: Site, work: Work) -> bool:
    """Whether a slower layout is a better one: with the embedded encoder the quick one keeps neighbours as well."""
    return site.library.neural and len(work.result) in WORTH_REFINING


def _about(site: Site, work: Work) -> dict[str, Any]:
    from paperwright.navigator.semantic_map import DECISION_NAMES

    found = work.result
    centres = found.centres()
    topics = [
        {
            "number": topic.number,
            "label": topic.label,
            "name": topic.words[0] if topic.words else topic.label,
            "count": len(topic.ids),
            "x": centres[topic.number][0],
            "y": centres[topic.number][1],
        }
        for topic in found.topics
        if topic.number in centres
    ]
    return {
        "count": len(found),
        "method": found.method,
        "note": found.note,
        "worth_refining": _worth_refining(site, work),
        "depth": None if found.in_one_piece else found.quadtree.depth,
        "decisions": list(DECISION_NAMES),
        "topics": topics,
    }
