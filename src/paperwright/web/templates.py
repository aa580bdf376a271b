"""Pages from templates: jinja2, everything escaped, an unknown name an error."""

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from paperwright import __version__
from paperwright.claims.reports.amounts import with_minus_signs
from paperwright.web import static_files
from paperwright.web.prose import markdown, prose
from paperwright.web.rooms import room_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from paperwright.navigator.evidence import Why
    from paperwright.web.site import Site


class Templates:
    """The templates, filled for one site."""

    def __init__(self, site: "Site") -> None:
        self.site = site
        self.environment = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.environment.filters |= {
            "at": paper_address,
            "part": lambda text: quote(text, safe=""),
            "query": query_string,
            "marked": marked,
            "reasons": reasons,
            "count": lambda value: f"{value:,}",
            "capitalize_first": lambda text: text[:1].upper() + text[1:],
            "prose": prose,
            "markdown": markdown,
            "minus": with_minus_signs,
            "http": lambda link: link.startswith(("https://", "http://")),
        }
        self.environment.globals |= {"static": static_files.address, "version": __version__, "room_of": room_of}

    def page(
        self, request: Request, template: str, *, status: int = 200, headers: Any = None, **values: Any
    ) -> Response:
        """A page, whole or, where the page's own script asks with `X-Part`, only what changes."""
        text = self.environment.get_template(template).render(
            path=request.url.path,
            size=len(self.site.library),
            **({"q": request.query_params.get("q", "")[:2_000]} | values),
        )
        return HTMLResponse(text, status_code=status, headers={"Cache-Control": "no-store"} | (headers or {}))


def paper_address(identifier: str) -> str:
    """The page of a paper."""
    return f"/papers/{quote(identifier, safe='')}"


def query_string(values: dict[str, Any], **more: Any) -> str:
    """`?name=value&...`; lists are several, what is None, empty or False is left out."""
    pairs = [
        (name, one)
        for name, value in (values | more).items()
        for one in (value if isinstance(value, list | tuple) else [value])
        if one not in (None, "", False)
    ]
    return "?" + urlencode([(name, "true" if value is True else value) for name, value in pairs]) if pairs else ""


def marked(text: str, terms: "Collection[str]") -> Markup:
    """The text, escaped, with the words that a search found in `<mark>`."""
    from paperwright.navigator.evidence import highlighted

    if not terms:
        return escape(text)
    pieces = (
        Markup("<mark>{}</mark>").format(piece) if found else escape(piece) for piece, found in highlighted(text, terms)
    )
    return Markup("").join(pieces)


def reasons(why: "Why") -> str:
    """Why a paper was found, in a reader's words; the terms are marked in the text already."""
    legs = [f"{_ordinal(rank)} by {leg}" for leg, (rank, _) in why.legs.items()]
    return ", ".join(filter(None, [why.reason, *legs]))


def _ordinal(rank: int) -> str:
    ending = "th" if rank % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(rank % 10, "th")
    return f"{rank:,}{ending}"
