"""What one asks a library. Each answer has a module of its own, loaded when it is first asked for."""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .filters import Filter
from .paper import Paper

if TYPE_CHECKING:
    from .conference import ConferenceStatistics
    from .digest import Digest
    from .doctor import Problem
    from .duplicate_groups import Duplicates
    from .experts import Expert
    from .library import Library
    from .search import Hit, Page
    from .semantic_map import SemanticMap
    from .topics import Topic
    from .trends import Trend


class Finding(ABC):
    """The questions to a library."""

    @abstractmethod
    def _itself(self) -> "Library": ...

    @abstractmethod
    def _seen(self) -> "Library": ...

    def search(
        self,
        query: str,
        k: int = 10,
        mode: str = "auto",
        where: Filter | Mapping[str, Any] | None = None,
        cursor: str | None = None,
        facets: bool = False,
    ) -> "Page":
        """The best papers for a query; see `paperwright.navigator.search.search`."""
        from .search import search

        return search(self._seen(), query, k=k, mode=mode, where=where, cursor=cursor, facets=facets)

    def similar(self, identifier: str, k: int = 10, where: Filter | Mapping[str, Any] | None = None) -> "list[Hit]":
        """The papers nearest to one; see `paperwright.navigator.similar.similar`."""
        from .similar import similar

        return similar(self._seen(), identifier, k=k, where=where)

    def recommend(self, tag: str, k: int = 20, exclude_seen: bool = True) -> "list[Hit]":
        """What else belongs under a tag; see `paperwright.navigator.recommend.recommend`."""
        from .recommend import recommend

        return recommend(self._seen(), tag, k=k, exclude_seen=exclude_seen)

    def digest(
        self, since: str | None = None, until: str | None = None, n: int = 10, by: str | None = None
    ) -> "Digest":
        """The papers of a time that are worth a look; see `paperwright.navigator.digest.digest`."""
        from .digest import digest

        return digest(self._seen(), since=since, until=until, n=n, by=by)

    def experts(self, query: str, k: int = 10) -> "list[Expert]":
        """Who has written what a query finds; see `paperwright.navigator.experts.experts`."""
        from .experts import experts

        return experts(self._seen(), query, k=k)

    def trends(self, term: str) -> "Trend":
        """The share of papers with a term, year by year; see `paperwright.navigator.trends.trend`."""
        from .trends import trend

        return trend(self._seen(), term)

    def topics(self) -> "list[Topic]":
        """What the papers are about; see `paperwright.navigator.topics.topics`."""
        from .topics import topics

        return topics(self._seen())

    def map(self) -> "SemanticMap":
        """The papers as points of a plane; see `paperwright.navigator.semantic_map.semantic_map`."""
        from .semantic_map import semantic_map

        return semantic_map(self._seen())

    def stats(self, venue: str, year: int) -> "ConferenceStatistics":
        """A conference in numbers; see `paperwright.navigator.conference.statistics`."""
        from .conference import statistics

        return statistics(self._seen(), venue, year)

    def duplicates(self) -> "list[Duplicates]":
        """The papers that are there twice; see `paperwright.navigator.duplicate_groups.duplicates`."""
        from .duplicate_groups import duplicates

        return duplicates(self._seen())

    def export(self, papers: "Iterable[Paper | Hit]", path: str | os.PathLike[str], format: str | None = None) -> None:
        """Writes papers to a file; see `paperwright.navigator.exports.export`."""
        from .exports import export

        export(papers, Path(path), format)

    def doctor(self) -> "list[Problem]":
        """What is wrong with the library; see `paperwright.navigator.doctor.examine`."""
        from .doctor import examine

        return examine(self._itself())
