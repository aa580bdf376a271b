"""Papers from RIS, the tagged lines that reference managers exchange.

Each record runs from its `TY` to its `ER`; a line that has no tag goes on with the field before it. Tags are read as
Zotero, EndNote, Mendeley and Web of Science write them.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..names import Name, authors_of
from ..paper import Paper
from .bibtex_entries import by_key
from .fields import (
    arxiv_of,
    date,
    decision_of,
    doi_of,
    forum_of,
    known,
    link,
    links,
    shared_by_works,
    texts,
    unmarked,
    year,
)
from .source import Refused
from .tables import File

TYPES = {
    **{"JOUR": "article", "EJOUR": "article", "MGZN": "article", "NEWS": "article", "INPR": "article"},
    **{"CONF": "inproceedings", "CPAPER": "inproceedings", "CHAP": "incollection", "ECHAP": "incollection"},
    **{"BOOK": "book", "EBOOK": "book", "EDBOOK": "book", "THES": "phdthesis", "RPRT": "techreport", "STAND": "manual"},
    **{"UNPB": "unpublished", "ELEC": "online", "BLOG": "online", "DATA": "dataset", "COMP": "software"},
    "GEN": "misc",
}
"""The types of RIS as BibTeX's."""

Fields = Mapping[str, tuple[str, ...]]
_TAG = re.compile(r"([A-Z][A-Z0-9])  ?-(?: (.*))?")


class RisFile(File):
    """A RIS file; see `ris`."""

    def __init__(self, path: str | Path, max_items: int | None) -> None:
        super().__init__(path, "ris", max_items)
        self._shared: frozenset[str] = frozenset()

    def records(self) -> Iterator[Fields | Refused]:
        found = list(self._records())
        self._shared = shared_by_works((_doi(one), _title(one)) for one in found if not isinstance(one, Refused))
        yield from found

    def _records(self) -> Iterator[Fields | Refused]:
        fields: dict[str, list[str]] | None = None
        last, begun = "", 0
        with self.text() as file:
            for number, line in enumerate(file, start=1):
                line = line.strip("\ufeff\r\n ")
                found = _TAG.fullmatch(line)
                tag, value = (found.group(1), (found.group(2) or "").strip()) if found else ("", line)
                if tag == "TY":
                    if fields is not None:
                        yield Refused(f"line {begun}: a record without its end, ER")
                    fields, begun = {"TY": [value]}, number
                elif fields is None:
                    if line:
                        yield Refused(f"line {number}: expected TY, which begins a record; got {line!r:.80}")
                elif tag == "ER":
                    yield {name: tuple(values) for name, values in fields.items()}
                    fields = None
                elif tag:
                    fields.setdefault(tag, []).append(value)
                elif line:
                    fields[last][-1] = f"{fields[last][-1]} {line}".strip()
                last = tag or last
        if fields is not None:
            yield Refused(f"line {begun}: a record without its end, ER")

    def paper(self, record: Fields) -> Paper:
        def first(*tags: str) -> str:
            return next((value for tag in tags for value in record.get(tag, ()) if value), "")

        def every(*tags: str) -> tuple[str, ...]:
            return tuple(value for tag in tags for value in record.get(tag, ()) if value)

        kind = TYPES.get(first("TY").upper(), "misc")
        is_book = kind in ("book", "phdthesis", "techreport")
        title, note, doi = _title(record), first("N1"), _doi(record)
        urls = _urls(record)
        arxiv = next(filter(None, map(arxiv_of, (first("ID"), doi, *urls))), "")
        forum = next(filter(None, map(forum_of, urls)), "")
        resolved = f"https://doi.org/{doi}" if doi else f"https://arxiv.org/abs/{arxiv}" if arxiv else ""
        serial = first("SN")
        publication = {
            "type": kind,
            "volume": first("VL"),
            "number": first("IS"),
            "pages": "-".join(filter(None, (first("SP"), first("EP")))),
            "edition": first("ET"),
            "series": first("T3") or (first("T2") if is_book else ""),
            "editor": " and ".join(_name(one).inverted for one in every("ED", *(() if is_book else ("A2",)))),
            "address": first("CY"),
            {"phdthesis": "school", "techreport": "institution"}.get(kind, "publisher"): first("PB"),
            "issn" if re.fullmatch(r"\d{4}-?\d{3}[\dXx]", serial) else "isbn": serial,
        }
        identifier = "" if doi in self._shared else doi
        return Paper(
            id=f"arxiv:{arxiv}" if arxiv else identifier or forum or by_key(first("ID"), title),
            title=title,
            abstract=unmarked(first("AB", "N2")),
            keywords=tuple(word for one in every("KW") for word in texts(one)),
            venue=first("T2", "JO", "JF", "BT", "JA", "J2", "C3"),
            year=year(first("PY", "Y1", "DA")[:4]),
            decision=decision_of(note) if len(note) <= 40 else "",
            published=date(first("DA", "Y1").rstrip("/").replace("/", "-")),
            urls=links(paper=next(filter(None, map(link, every("UR", "LK"))), "") or resolved, pdf=first("L1")),
            source="ris",
            raw=known(key=first("ID"), arxiv=arxiv, doi=doi, forum=forum, note=note),
            publication=known(**publication),
            **authors_of(map(_name, every("AU", "A1"))),
        )


def ris(path: str | Path, *, max_items: int | None = None) -> RisFile:
    """The records of a RIS file.

    A record goes by its arXiv id, its DOI or its forum on OpenReview, and by its `ID` and title where it has none.
    Records that do not end, and lines outside of any, are rejected with their line.

    Args:
        path: The file.
        max_items: How many records to read at most.

    Raises:
        NavigatorError: there is no such file.
    """
    return RisFile(path, max_items)


def _title(record: Fields) -> str:
    return unmarked(next((value for tag in ("TI", "T1", "CT") for value in record.get(tag, ()) if value), ""))


def _urls(record: Fields) -> list[str]:
    return [url for tag in ("UR", "L1", "L2", "LK") for value in record.get(tag, ()) for url in value.split()]


def _doi(record: Fields) -> str:
    said = (value for tag in ("DO", "M3", "ID") for value in record.get(tag, ()))
    return next(filter(None, map(doi_of, (*said, *_urls(record)))), "")


def _name(text: str) -> Name:
    """A name as RIS writes it, "Byron, Ada, Jr."; several words and no comma are the name of a body."""
    family, *rest = (part.strip() for part in text.split(","))
    if not rest:
        return Name(family, body=" " in family)
    given, *suffix = rest
    return Name.of(family=family, given=given, suffix=" ".join(suffix)) if family and given else Name.read(text)
