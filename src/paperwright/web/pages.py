"""The pages: everything that the library can say, as HTML that works without a script."""

import math
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from paperwright.claims.reports import amounts, summary
from paperwright.claims.reports.sentences import sentences
from paperwright.claims.verdict import counts
from paperwright.navigator.errors import NavigatorError
from paperwright.navigator.filters import folded
from paperwright.navigator.records import tag_name
from paperwright.registry import Room, registry
from paperwright.web import charts
from paperwright.web.narrowing import chosen_of, facets_of, filters_of
from paperwright.web.parameters import MOST, Filters
from paperwright.web.problems import NotThere
from paperwright.web.rooms import claims_of, figures_of, method_lines, room_named, room_of, verdicts_of
from paperwright.web.site import Site, site_of
from paperwright.web.templates import Templates, query_string

router = APIRouter(include_in_schema=False)
PER_PAGE = 20
SIMILAR = 6
FEW_PAPERS = 50
DECISION_INKS = {
    "Oral": "ink-oral",
    "Spotlight": "ink-spotlight",
    "Poster": "ink-poster",
    "Accept": "ink-poster",
    "Reject": "ink-reject",
    "Withdrawn": "ink-withdrawn",
    "Desk Reject": "ink-withdrawn",
    "unknown": "ink-withdrawn",
}


def _templates(request: Request) -> Templates:
    found: Any = request.app.state.templates
    assert isinstance(found, Templates)
    return found


Shared = Annotated[Site, Depends(site_of)]
Pages = Annotated[Templates, Depends(_templates)]
Text = Annotated[str, Query(max_length=2_000)]


@router.get("/")
def search(request: Request, site: Shared, pages: Pages) -> Response:
    """The search page: the newest papers, or those that are asked for."""
    asked = request.query_params
    q, cursor = asked.get("q", "")[:2_000], asked.get("cursor")
    filters, problem = filters_of(request)
    where: dict[str, Any] = {}
    try:
        where = filters.where()
    except NavigatorError as error:
        filters, problem = Filters(), str(error)
    chosen = chosen_of(filters)
    try:
        found = site.library.search(q, k=PER_PAGE, where=where, cursor=cursor, facets=True)
    except NavigatorError:
        if cursor is None:
            raise
        cursor, problem = None, "the page that was asked for is not there any more: these are the first papers"
        found = site.library.search(q, k=PER_PAGE, where=where, facets=True)
    tags = {hit.paper.id: site.library.records.tags_of(hit.paper.id) for hit in found}
    values: dict[str, Any] = {
        "found": found,
        "chosen": chosen,
        "facets": facets_of(found.facets, chosen, q),
        "notes": [*found.notes, *([problem] if problem else [])],
        "tags": tags,
        "next": query_string({"q": q, **chosen}, cursor=found.next_cursor) if found.next_cursor else None,
        "again": None if cursor is None else query_string({"q": q, **chosen}),
        "first": not q and not chosen and cursor is None,
        "rooms": registry().rooms() if not q and not chosen and cursor is None else (),
        "address": query_string(chosen),
        "exports": {form: query_string({"q": q, **chosen}, format=form) for form in ("bib", "ris", "csv", "json")},
    }
    return pages.page(request, "results.html" if request.headers.get("x-part") else "search.html", **values)


@router.get("/papers/{identifier:path}")
def paper(request: Request, site: Shared, pages: Pages, identifier: str) -> Response:
    """A paper: what is known about it, what the reader added, what is like it, and its room."""
    found = site.paper(identifier)
    records, room = site.library.records, room_of(found)
    history = [(when, values) for when, values in found.history if values]
    if found.ratings:
        history.append(("now", found.ratings))
    means = [(when, sum(values) / len(values)) for when, values in history]
    return pages.page(
        request,
        "paper.html",
        paper=found,
        tags=records.tags_of(identifier),
        all_tags=list(site.library.tags()),
        note=records.note(identifier),
        seen=identifier in records.seen(),
        history=history,
        rating_chart=charts.line(means, label="mean rating over time") if len(means) > 1 else "",
        similar=site.similar(identifier, SIMILAR),
        **_room(room, figures=False),  # they would be most of its weight
    )


def _room(room: Room | None, *, figures: bool = True) -> dict[str, Any]:
    """What a page shows of a room, with or without the figures of its claims."""
    if room is None:
        return {"room": None}
    claims = claims_of(room)
    return {
        "room": room,
        "claims": claims,
        "method": method_lines(room),
        "figures_of": figures_of(room, claims) if figures else {},
        "amounts": amounts,
        "sentences": sentences,
        "summary": summary,
        "came_to": verdicts_of(claims),
    }


@router.get("/rooms")
def rooms(request: Request, pages: Pages) -> Response:
    """The papers that have a room, wing by wing."""
    from paperwright.cards import WINGS

    house = registry().rooms()
    wings = {wing: [room for room in house if room.wing == wing] for wing in WINGS}
    verdicts = {room.name: counts(claim.verdict for claim in claims_of(room)) for room in house}
    return pages.page(request, "rooms.html", wings=wings, about=WINGS, verdicts=verdicts)


@router.get("/rooms/{name}")
def room(request: Request, pages: Pages, name: Annotated[str, Path(max_length=100)]) -> Response:
    """One room: card, method, claims."""
    found = room_named(name)
    if found is None:
        raise NotThere(f"no paper here has the short name {name!r:.60}", "/rooms lists those that have a room")
    return pages.page(request, "room.html", **_room(found))


@router.get("/map")
def map_(request: Request, site: Shared, pages: Pages) -> Response:
    """The map, and beside it the same as lists of topics."""
    work = site.topics()
    topics = work.result if work.state == "done" else None
    filters, _ = filters_of(request)
    try:
        filters.where()
    except NavigatorError:
        filters = Filters()
    return pages.page(request, "map.html", topics=topics, topics_state=work, chosen=chosen_of(filters))


@router.get("/map/canvas")
def canvas(request: Request, pages: Pages) -> Response:
    """The document in which the map is drawn; it holds no text of any paper (see `security.CANVAS_POLICY`)."""
    return pages.page(request, "canvas.html")


@router.get("/topics")
def topics(request: Request, site: Shared, pages: Pages) -> Response:
    """What the papers are about."""
    work = site.topics()
    headers = {"Refresh": "2"} if work.state == "running" else {}
    return pages.page(request, "topics.html", work=work, topics=work.result, headers=headers)


@router.get("/topics/{number}")
def topic(request: Request, site: Shared, pages: Pages, number: int) -> Response:
    """The papers of one topic."""
    work = site.topics()
    if work.state != "done":
        headers = {"Refresh": "2"} if work.state == "running" else {}
        return pages.page(request, "topics.html", work=work, topics=None, headers=headers)
    found = next((one for one in work.result if one.number == number), None)
    if found is None:
        raise NotThere(f"there is no topic {number}", "/topics lists them")
    shown = list(site.library.many(list(found.ids)[:MOST]).values())
    return pages.page(request, "topic.html", topic=found, shown=shown)


@router.get("/conferences")
def conferences(request: Request, site: Shared, pages: Pages) -> Response:
    """The conferences of the library."""
    from paperwright.navigator.conference import conferences as held

    return pages.page(request, "conferences.html", conferences=held(site.library))


@router.get("/conferences/{venue}/{year}")
def conference(request: Request, site: Shared, pages: Pages, venue: str, year: int) -> Response:
    """A conference in figures."""
    from paperwright.navigator.conference import conferences as held

    if (folded(venue), year) not in {(folded(name), when) for name, when in held(site.library)}:
        raise NotThere(f"the library has no paper of {venue!s:.60} {year}", "/conferences lists those it has")
    found = site.library.stats(venue, year)
    decisions = list(found.decisions.items())
    inks = [DECISION_INKS.get(name, "ink-1") for name, _ in decisions]
    ratings = found.ratings_by_decision
    drawn = {
        "decisions": charts.bars(decisions, label="papers by decision", inks=inks),
        "ratings": charts.histogram(ratings.edges, ratings.counts, DECISION_INKS, label="papers by mean rating")
        if ratings
        else "",
        "over_time": charts.line([(at.when, at.mean) for at in found.ratings_over_time], label="mean of all ratings"),
        "topics": charts.bars([(topic.name, topic.papers) for topic in found.topics], label="papers by topic"),
    }
    kinds = list(ratings.counts) if ratings else []
    return pages.page(request, "conference.html", found=found, charts=drawn, inks=DECISION_INKS, kinds=kinds)


@router.get("/trends")
def trends(request: Request, site: Shared, pages: Pages, term: Text = "") -> Response:
    """The share of papers with a term, year by year."""
    from paperwright.navigator.trends import rising

    found = site.library.trends(term) if term.strip() else None
    rose = rising(site.library, k=24) if found is None else []
    drawn: Any = ""
    if found is not None:
        points = [(str(year.year), 100 * year.share.estimate) for year in found.years]
        bounds = [(100 * year.share.low, 100 * year.share.high) for year in found.years]
        # A year of a few papers has an interval from nothing to all, which would flatten the others.
        sure = [100 * year.share.high for year in found.years if year.of >= FEW_PAPERS]
        most = max([*sure, *(value for _, value in points)], default=100.0)
        label = f"share of papers with {term}"
        drawn = charts.line(
            points, bounds=bounds, unit="%", label=label, from_zero=True, most=most if sure else math.inf
        )
    return pages.page(request, "trends.html", term=term, trend=found, chart=drawn, rising=rose)


@router.get("/experts")
def experts(request: Request, site: Shared, pages: Pages, q: Text = "") -> Response:
    """Who has written what a query finds."""
    found = site.library.experts(q, k=20) if q.strip() else None
    return pages.page(request, "experts.html", q=q, experts=found)


@router.get("/digest")
def digest(
    request: Request, site: Shared, pages: Pages, since: str = "", until: str = "", n: int = 10, by: str = ""
) -> Response:
    """The papers of a time that are worth a look."""
    work = site.digest(since or None, until or None, min(50, max(1, n)), by or None)
    asked = {"since": since, "until": until, "n": n, "by": by}
    headers = {"Refresh": "2"} if work.state == "running" else {}
    return pages.page(
        request,
        "digest.html",
        work=work,
        digest=work.result,
        asked=asked,
        tags=list(site.library.tags()),
        headers=headers,
    )


@router.get("/lists")
def lists(request: Request, site: Shared, pages: Pages) -> Response:
    """The reading lists and the saved searches."""
    return pages.page(request, "lists.html", tags=site.library.tags(), searches=site.library.searches())


@router.get("/lists/{name:path}")
def list_(request: Request, site: Shared, pages: Pages, name: str) -> Response:
    """A reading list, and what else belongs on it."""
    known = tag_name(name)
    shown = list(site.library.many(site.library.tagged(known)).values())
    if not shown:
        raise NotThere(f"no paper is under the tag {known!r}", "/lists shows the tags there are")
    return pages.page(request, "list.html", name=known, shown=shown, more=site.recommended(known, 12))


@router.get("/help")
def help_(request: Request, pages: Pages) -> Response:
    """The search language, the keys, the addresses for programs."""
    return pages.page(request, "help.html")


@router.get("/api")
def interface(request: Request, pages: Pages) -> Response:
    """The addresses for programs, from the application's own description of them."""
    addresses = [
        (method.upper(), path, told.get("description", ""), [one["name"] for one in told.get("parameters", [])])
        for path, methods in request.app.openapi()["paths"].items()
        for method, told in methods.items()
    ]
    return pages.page(request, "api.html", addresses=addresses)
