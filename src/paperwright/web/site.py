"""What the pages and the JSON interface share: the library and the work in the background."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from fastapi import Request

from paperwright.navigator.errors import UnknownPaperId
from paperwright.web.background import Background, Work

if TYPE_CHECKING:
    from paperwright.navigator.library import Library
    from paperwright.navigator.paper import Paper
    from paperwright.navigator.records import SavedSearch
    from paperwright.navigator.search import Hit

T = TypeVar("T")
PATIENCE = 0.4
"""Seconds that a page waits for work in the background before it shows that the work goes on."""


class Site:
    """One library as it is served.

    Attributes:
        library: What is served. The embedded library, which has no folder, is kept in the user's folder from the first
            change on.
        background: The map and what is made of it.
    """

    def __init__(self, library: "Library") -> None:
        self.library = library
        self.background = Background()
        self._writing = threading.Lock()

    def changed(self, change: Callable[["Library"], T]) -> T:
        """Makes a change that a reader asked for, in a library that keeps it."""
        with self._writing:
            self.library = self.library.writable()
            return change(self.library)

    def paper(self, identifier: str) -> "Paper":
        """The paper of an id; UnknownPaperId if there is none."""
        return self.library[identifier]

    def saved(self, name: str) -> "SavedSearch":
        """A saved search; UnknownPaperId, which becomes a 404, if there is none."""
        found = self.library.searches().get(name)
        if found is None:
            raise UnknownPaperId(f"no search is saved under the name {name!r:.80}")
        return found

    def map(self) -> Work:
        """The map, or how far it is; its result is a `SemanticMap`, the refined one once there is one."""
        library = self.library
        refined = self.background.known("refined map", self._state)
        if refined is not None and refined.state == "done":
            return refined
        return self.background.work("map", self._state, library.map, patience=PATIENCE)

    def refined_map(self) -> Work:
        """The map laid out by the slower, better method; begun by whoever asks first."""
        from paperwright.navigator.semantic_map import refine

        library = self.library
        return self.background.work("refined map", self._state, lambda: refine(library))

    def topics(self) -> Work:
        """The topics, or how far they are; its result is a list of `Topic`."""
        library = self.library
        return self.background.work("topics", self._state, library.topics, patience=PATIENCE)

    def recommended(self, tag: str, k: int) -> Work:
        """What else belongs under a tag; its result is a list of `Hit`."""
        library = self.library
        state = (self._state, tuple(library.tagged(tag)), len(library.records.seen()))
        return self.background.work(f"recommend {tag}", state, lambda: library.recommend(tag, k=k), patience=PATIENCE)

    def digest(self, since: str | None, until: str | None, n: int, by: str | None) -> Work:
        """A digest; its result is a `Digest`."""
        library = self.library
        state = (self._state, tuple(library.tags().items()))
        name = f"digest {since} {until} {n} {by}"
        return self.background.work(name, state, lambda: library.digest(since, until, n, by), patience=PATIENCE)

    @property
    def _state(self) -> object:
        """What the work in the background is about: when it is another, the work is done anew."""
        return id(self.library), self.library.revision

    def similar(self, identifier: str, k: int) -> "list[Hit] | None":
        """The papers nearest to one; None while the vectors of a library that had none are being made."""
        library = self.library
        ready = self.background.work("vectors", id(library), lambda: library.encoder, patience=PATIENCE)
        return None if ready.state == "running" else library.similar(identifier, k=k)


def site_of(request: Request) -> Site:
    """The site that a request is for: a dependency of the routes."""
    site: Any = request.app.state.site
    assert isinstance(site, Site)
    return site
