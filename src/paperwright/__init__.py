"""paperwright: influential machine-learning papers as tested software.

Each paper has a *card* (what it says), a *method* (code to import) and *claims* (experiments that can fail):

>>> import paperwright
>>> paperwright.papers()                 # every paper that has a room here          # doctest: +SKIP
>>> paperwright.card(name).tldr          # what one of them says                     # doctest: +SKIP
>>> paperwright.room(name).method()      # its code, imported when it is asked for  # doctest: +SKIP

Importing this package reads nothing and imports neither torch nor numpy.
"""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from paperwright.cards import Card
    from paperwright.registry import Room

__version__ = "0.1.0"
__all__ = ["__version__", "card", "papers", "room"]


def papers(*, wing: str | None = None, tag: str | None = None) -> "tuple[Room, ...]":
    """Every paper that has a room, built in or brought by another package; with `wing` or `tag`, only those."""
    from paperwright.registry import registry

    return registry().rooms(wing=wing, tag=tag)


def room(name: str) -> "Room":
    """The room of a paper by its short name: its card, its folder, and its code on demand.

    Raises:
        UnknownPaper: there is no such paper; the message names the nearest one.
    """
    from paperwright.registry import registry

    return registry().room(name)


def card(name: str) -> "Card":
    """What a paper says: its title, authors, key idea, uses and links. Raises as `room` does."""
    return room(name).card


# `paperwright.graphs` and the like are there without a further import, and cost nothing before they are used.
__getattr__, _, _packages = lazy_loader.attach(
    __name__,
    submodules={
        *("generative", "nn", "graphs", "representation", "lifelong", "language", "statistics"),
        *("blocks", "claims", "data", "stats", "training"),
    },
)


def __dir__() -> list[str]:
    return sorted({*__all__, *_packages})
