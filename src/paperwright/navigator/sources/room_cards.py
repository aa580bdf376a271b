"""The rooms' own cards as a source: every paper that has a room here, and every paper that a card names as related.

It needs no file and no network. A card's prose is the house's, not the authors': `raw["words"]` says so, and where
another source knows the paper too, the authors' own words win.
"""

import re
from collections.abc import Iterator
from typing import Any

from paperwright.equations import plain
from paperwright.registry import Room, registry

from ..paper import Paper
from .fields import arxiv_of, doi_of, forum_of, known, links
from .source import ListedSource

WORDS = "paperwright's own, not the authors'"


class Cards(ListedSource):
    """The papers of the registry; see `cards`."""

    def __init__(self, max_items: int | None = None) -> None:
        super().__init__("cards", max_items)

    def mark(self) -> str:
        return f"{len(registry())}"

    def records(self) -> Iterator[dict[str, Any]]:
        papers: dict[str, dict[str, Any]] = {}
        for room in registry().rooms():
            values = _of_card(room)
            papers[values["id"]] = values
        named_by: dict[str, list[dict[str, str]]] = {}
        for room in registry().rooms():
            for related in room.card.related:
                identifier = identity(related.link) or related.link
                named_by.setdefault(identifier, []).append({"room": room.name, "how": related.how})
                if identifier not in papers:
                    papers[identifier] = _of_link(identifier, related.title, related.link)
        for identifier, named in named_by.items():
            papers[identifier]["raw"]["related_to"] = named
            papers[identifier].setdefault("tldr", "; ".join(dict.fromkeys(one["how"] for one in named)))
        yield from papers.values()

    def paper(self, record: dict[str, Any]) -> Paper:
        return Paper(**record)


def cards(max_items: int | None = None) -> Cards:
    """The papers of the house: those with a room, then those that their cards name as related.

    A paper with a room has the room's name in `raw["room"]`; one that a card names has, in `raw["related_to"]`, the
    rooms and how it relates to each.
    """
    return Cards(max_items)


def identity(link: str) -> str:
    """The id of the paper that a link leads to: `arxiv:2111.14522`, a DOI, a forum id; "" for any other link."""
    if arxiv := arxiv_of(link):
        return f"arxiv:{arxiv}"
    return doi_of(link) or forum_of(link)


def _of_card(room: Room) -> dict[str, Any]:
    card = room.card
    paper = card.links["paper"]
    # A card may name more than one place of the paper; the paper's own link says which one it goes by.
    arxiv, doi, forum = (
        next(filter(None, map(find, card.links.values())), "") for find in (arxiv_of, doi_of, forum_of)
    )
    return {
        "id": identity(paper) or f"room:{room.name}",
        "title": card.title,
        "authors": card.authors,
        "abstract": plain(f"{card.why} {card.idea}"),
        "keywords": card.tags,
        "tldr": plain(card.tldr),
        "venue": re.sub(rf"\s*\b{card.year}\b\s*", " ", card.venue).strip(),
        "year": card.year,
        "published": _month(arxiv),
        "urls": links(paper=paper, review=f"https://openreview.net/forum?id={forum}" if forum else ""),
        "code_urls": tuple(link for name, link in card.links.items() if name == "code"),
        "source": "cards",
        "raw": known(room=room.name, wing=room.wing, award=card.award, words=WORDS, arxiv=arxiv, doi=doi, forum=forum),
    }


def _of_link(identifier: str, title: str, link: str) -> dict[str, Any]:
    arxiv = arxiv_of(link)
    month = _month(arxiv)
    return {
        "id": identifier,
        "title": title,
        "year": int(month[:4]) if month else None,
        "published": month,
        "urls": links(paper=link),
        "source": "cards",
        "raw": known(words=WORDS, arxiv=arxiv, doi=doi_of(link), forum=forum_of(link)),
    }


def _month(arxiv: str) -> str | None:
    """When a paper came to arXiv, which its id says: 2111.14522 is of November 2021."""
    if not re.fullmatch(r"\d{4}\.\d{4,5}", arxiv) or not 1 <= int(arxiv[2:4]) <= 12:
        return None
    return f"20{arxiv[:2]}-{arxiv[2:4]}"
