"""Atom feeds (RFC 4287), made with the standard library: what feed readers and mail programs subscribe to."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from xml.etree import ElementTree

_NAMESPACE = "http://www.w3.org/2005/Atom"
_BEGINNING = "1970-01-01T00:00:00Z"
# Characters that XML 1.0 cannot hold, escaped or not.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SAFE_LINK = re.compile(r"https?://[^\s<>\"']+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a feed.

    Attributes:
        id: Stays the same for ever; a URI.
        title, summary: Plain texts.
        updated: An ISO date or time; empty where unknown.
        authors, categories: Plain texts.
        links: Addresses by what they lead to; those that are not http or https are left out.
        html: The content as HTML, escaped by whoever made it; empty for none.
    """

    id: str
    title: str
    summary: str = ""
    updated: str = ""
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    links: dict[str, str] = field(default_factory=dict)
    html: str = ""


def atom(entries: Iterable[Entry], *, title: str, id: str, updated: str = "", address: str = "") -> str:
    """An Atom feed as text.

    Args:
        entries: In the order in which they are to be shown.
        title, id: Of the feed.
        updated: An ISO date or time; by default that of the newest entry.
        address: Where the feed itself is to be had.
    """
    entries = list(entries)
    ElementTree.register_namespace("", _NAMESPACE)
    feed = ElementTree.Element(f"{{{_NAMESPACE}}}feed")
    _text(feed, "id", id)
    _text(feed, "title", title)
    _text(
        feed, "updated", instant(updated) if updated else max((instant(e.updated) for e in entries), default=_BEGINNING)
    )
    # Atom asks for an author of the feed where an entry may have none.
    _text(ElementTree.SubElement(feed, f"{{{_NAMESPACE}}}author"), "name", "paperwright")
    if safe_link(address):
        ElementTree.SubElement(feed, f"{{{_NAMESPACE}}}link", rel="self", href=address)
    for entry in entries:
        _append(feed, entry)
    ElementTree.indent(feed)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(feed, encoding="unicode") + "\n"


def instant(date: str) -> str:
    """An ISO date, whole or in part, as the time that Atom asks for; the beginning of what is said."""
    if not date:
        return _BEGINNING
    if "T" in date:
        return date if date.endswith("Z") or "+" in date else f"{date}Z"
    return f"{'-'.join([*date.split('-'), '01', '01'][:3])}T00:00:00Z"


def safe_link(address: str) -> bool:
    """Whether an address may be put behind a link: http or https, nothing that could be a script."""
    return _SAFE_LINK.fullmatch(address) is not None


def _append(feed: ElementTree.Element, entry: Entry) -> None:
    element = ElementTree.SubElement(feed, f"{{{_NAMESPACE}}}entry")
    _text(element, "id", entry.id)
    _text(element, "title", entry.title)
    _text(element, "updated", instant(entry.updated))
    for name in entry.authors:
        _text(ElementTree.SubElement(element, f"{{{_NAMESPACE}}}author"), "name", name)
    for term in entry.categories:
        ElementTree.SubElement(element, f"{{{_NAMESPACE}}}category", term=_xml(term))
    # One alternate link an entry; the others are related.
    links = [(kind, link) for kind, link in entry.links.items() if safe_link(link)]
    for place, (kind, link) in enumerate(links):
        rel = "related" if place else "alternate"
        ElementTree.SubElement(element, f"{{{_NAMESPACE}}}link", rel=rel, href=_xml(link), title=_xml(kind))
    if entry.summary:
        _text(element, "summary", entry.summary)
    if entry.html:
        _text(element, "content", entry.html, type="html")


def _text(parent: ElementTree.Element, name: str, value: str, **attributes: str) -> None:
    ElementTree.SubElement(parent, f"{{{_NAMESPACE}}}{name}", attributes).text = _xml(value)


def _xml(value: str) -> str:
    return _NOT_XML.sub("", value)
