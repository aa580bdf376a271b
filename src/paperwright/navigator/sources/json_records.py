"""Papers from JSON: the lists of papercopilot/paperlists, one a conference and year, and a library's own export."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from ..errors import NavigatorError
from ..paper import Paper
from .fields import (
    arxiv_of,
    decision_of,
    doi_of,
    forum_of,
    known,
    link,
    links,
    mapping,
    numbers,
    text,
    texts,
    whole,
)
from .http import json_of
from .source import Refused
from .tables import File, forum_links

_OWN = {field.name for field in fields(Paper)}


class JsonRecords(File):
    """A JSON file with a list of records; see `paperlists`."""

    def __init__(self, path: str | Path, venue: str | None, year: int | None, max_items: int | None) -> None:
        super().__init__(path, "paperlists", max_items)
        found = re.fullmatch(r"([A-Za-z]+)[ _-]?((?:19|20)\d\d)", self.path.stem)
        self.venue = venue if venue is not None else found.group(1).upper() if found else ""
        self.year = year if year is not None else int(found.group(2)) if found else None
        self._total: int | None = None

    def total(self) -> int | None:
        return self._total

    def records(self) -> Iterator[Any]:
        with self.opened() as file:
            content = self.decoded(file.read()).removeprefix("\ufeff")
        try:
            listed = json_of(content.encode(errors="replace"))
        except ValueError as error:
            listed = _lines(content)
            if listed is None:
                raise NavigatorError(f"{self.path} is not JSON, or not whole: {error}") from None
        if isinstance(listed, Mapping) and isinstance(listed.get("papers"), list):
            listed = listed["papers"]
        if not isinstance(listed, list):
            raise NavigatorError(f"{self.path} holds no list of records; got {type(listed).__name__}")
        self._total = len(listed)
        yield from listed

    def paper(self, record: Any) -> Paper:
        if not isinstance(record, Mapping):
            raise TypeError(f"expected an object, got {record!r:.80}")
        if set(record) <= _OWN and "author" not in record:
            return Paper.from_dict(_with_links_to_the_web(record))
        return self._listed(record)

    def _listed(self, record: Mapping[str, Any]) -> Paper:
        site, status = link(record.get("site")), text(record.get("status"))
        forum = forum_of(site) or forum_of(record.get("openreview"))
        arxiv, doi = arxiv_of(record.get("arxiv")) or arxiv_of(site), doi_of(record.get("doi"))
        code = [link(one) for one in texts(record.get("github"), "; ,")]
        track = text(record.get("track"))
        return Paper(
            id=text(record.get("id")) or forum,
            title=text(record.get("title")),
            authors=texts(record.get("author")),
            abstract=text(record.get("abstract")),
            keywords=texts(record.get("keywords")),
            tldr=text(record.get("tldr")),
            venue=self.venue,
            year=self.year,
            decision=decision_of(status),
            track="workshop" if status.casefold() == "workshop" else track,
            ratings=numbers(record.get("rating")),
            confidences=numbers(record.get("confidence")),
            urls={**(forum_links(forum) if forum else links(paper=site)), **links(site=record.get("project"))},
            code_urls=tuple(filter(None, code)),
            citations=whole(record.get("gs_citation")),
            categories=texts(record.get("primary_area")),
            source="paperlists",
            raw=known(
                forum=forum,
                arxiv=arxiv,
                doi=doi,
                status=status,
                affiliations=list(texts(record.get("aff"))),
                cited_by="Google Scholar" if whole(record.get("gs_citation")) is not None else "",
            ),
        )


def _with_links_to_the_web(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record without links that lead elsewhere: a file may come from anyone."""
    urls = {name: link(url) for name, url in mapping(record.get("urls")).items()}
    code = [link(url) for url in texts(record.get("code_urls"))]
    return {
        **record,
        "urls": {name: url for name, url in urls.items() if url},
        "code_urls": [one for one in code if one],
    }


def _lines(content: str) -> list[Any] | None:
    """The records of a file that has one in each line; None if it is no such file."""
    lines = [line for line in content.splitlines() if line.strip()]
    records: list[Any] = []
    for line in lines:
        try:
            records.append(json_of(line.encode(errors="replace")))
        except ValueError as error:
            records.append(Refused(str(error)))
    good = [record for record in records if isinstance(record, Mapping)]
    return records if len(lines) > 1 and good and len(good) >= len(lines) / 2 else None


def paperlists(
    path: str | Path, *, venue: str | None = None, year: int | None = None, max_items: int | None = None
) -> JsonRecords:
    """The records of a JSON file in the form of papercopilot/paperlists, or as a library exports them.

    Numbers that are "" or -1 are unknown. An invitation to the workshop track is a rejection from the conference.

    Args:
        path: The file: a list of objects, an object with a list `papers`, or one object in each line.
        venue, year: Of the conference; without them as the file's name says, `iclr2018.json`.
        max_items: How many records to read at most.

    Raises:
        NavigatorError: there is no such file; on reading, that it is not JSON or holds no list.
    """
    return JsonRecords(path, venue, year, max_items)
