"""The application: the pages, the JSON interface and the feeds of one library, behind the guard."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware

from paperwright import __version__
from paperwright.web import api, changes, feeds, map_points, pages, problems, static_files
from paperwright.web.security import LOOPBACK, Guard
from paperwright.web.site import Site
from paperwright.web.templates import Templates

if TYPE_CHECKING:
    from paperwright.navigator.library import Library


def create_app(library: "Library", *, names: Iterable[str] = (), addresses: bool = False) -> FastAPI:
    """The web application of a library, for any ASGI server.

    Args:
        library: What is served.
        names: Host names by which the server may be asked for, beside those of loopback.
        addresses: Whether it may be asked for by any literal IP address, as a server bound to all of them must be.
    """
    # The interactive pages that FastAPI brings load code from elsewhere; /api is ours.
    app = FastAPI(
        title="paperwright",
        version=__version__,
        description="A library of papers: search, map, tags, recommendations, digests, figures.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    site = Site(library)
    templates = Templates(site)
    app.state.site = site
    app.state.templates = templates
    for router in (api.router, map_points.router, feeds.router, changes.router, static_files.router, pages.router):
        app.include_router(router)
    problems.attach(app, templates)
    app.add_middleware(GZipMiddleware, minimum_size=2_000, compresslevel=4)
    app.add_middleware(Guard, hosts=LOOPBACK.union(names), addresses=addresses)
    return app
