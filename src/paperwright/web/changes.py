"""What readers without scripts change: plain forms that POST, under the same check of their origin as every change."""

from typing import Annotated, Any
from urllib.parse import parse_qsl, urlsplit

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse

from paperwright.navigator.errors import NavigatorError
from paperwright.web.narrowing import filters_in
from paperwright.web.site import Site, site_of
from paperwright.web.templates import paper_address

router = APIRouter(include_in_schema=False)
Shared = Annotated[Site, Depends(site_of)]


async def _form(request: Request) -> dict[str, str]:
    """The fields of a plain form; of a name that stands twice the last."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise NavigatorError("a plain form is expected; programs use PUT and DELETE under /api/tags")
    body = (await request.body()).decode("utf-8", "replace")
    try:
        return dict(parse_qsl(body, keep_blank_values=True, max_num_fields=50))
    except ValueError:
        raise NavigatorError("the form has too many fields") from None


Form = Annotated[dict[str, str], Depends(_form)]


@router.post("/change/tag")
def tag(site: Shared, form: Form) -> RedirectResponse:
    """Puts a paper under a tag."""
    identifier = site.paper(_field(form, "paper")).id
    site.changed(lambda library: library.tag(_field(form, "name"), [identifier]))
    return _back(paper_address(identifier))


@router.post("/change/untag")
def untag(site: Shared, form: Form) -> RedirectResponse:
    """Takes a paper from under a tag."""
    identifier = site.paper(_field(form, "paper")).id
    site.changed(lambda library: library.untag(_field(form, "name"), [identifier]))
    return _back(_own(form.get("back"), paper_address(identifier)))


@router.post("/change/note")
def note(site: Shared, form: Form) -> RedirectResponse:
    """Keeps the note on a paper; an empty one takes it away."""
    identifier = site.paper(_field(form, "paper")).id
    site.changed(lambda library: library.write_note(identifier, form.get("note", "")))
    return _back(paper_address(identifier) + "#note")


@router.post("/change/seen")
def seen(site: Shared, form: Form) -> RedirectResponse:
    """Remembers that a paper was read."""
    identifier = site.paper(_field(form, "paper")).id
    site.changed(lambda library: library.mark_seen([identifier]))
    return _back(paper_address(identifier))


@router.post("/change/save-search")
def save_search(site: Shared, form: Form) -> RedirectResponse:
    """Keeps a search under a name; its feed is at /feed/NAME.atom."""
    where = _where(form.get("address", ""))
    query = form.get("q", "")[:2_000]
    site.changed(lambda library: library.save_search(_field(form, "name"), query, where))
    return _back("/lists#searches")


@router.post("/change/forget-search")
def forget_search(site: Shared, form: Form) -> RedirectResponse:
    site.changed(lambda library: library.records.forget_search(_field(form, "name")))
    return _back("/lists#searches")


def _field(form: dict[str, str], name: str) -> str:
    value = form.get(name, "").strip()
    if not value:
        raise NavigatorError(f"the form lacks its field {name!r}")
    return value[:2_000]


def _where(address: str) -> dict[str, Any]:
    """The filter in a page's address."""
    try:
        return filters_in(parse_qsl(address.lstrip("?"), max_num_fields=50)).where()
    except NavigatorError:
        raise
    except ValueError:
        raise NavigatorError("the search's filters cannot be read") from None


def _own(address: str | None, otherwise: str) -> str:
    """An address of ours to go back to: a path, never another host."""
    parts = urlsplit(address or "")
    if parts.scheme or parts.netloc or not parts.path.startswith("/") or parts.path.startswith(("//", "/\\")):
        return otherwise
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _back(address: str) -> RedirectResponse:
    return RedirectResponse(address, status_code=303)
