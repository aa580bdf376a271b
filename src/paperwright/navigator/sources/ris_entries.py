"""Papers from RIS, the tagged lines that reference managers exchange.

Each record runs from its `TY` to its `ER`; a line that has no tag goes on with the field before it. Tags are read as
Zotero, EndNote, Mendeley and Web of Science write them.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..names import Name, authors_of
from ..paper import Paper
from .fields import arxiv_of, date, decision_of, doi_of, forum_of, known, link, links, resolved, texts, unmarked, year
from .file_ids import Said, by_key, ids_of
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

_BY_LINE = frozenset(("KW", "AU", "A1", "A2", "ED", "UR", "L1"))
"""Fields that EndNote writes into several lines, one value in each."""
_MASTERS = re.compile(r"(?:master|diplom|m\.?\s?sc|m\.?\s?a\b)", re.IGNORECASE)

Fields = Mapping[str, list[str]]
_HOUSES = {"phdthesis": "school", "mastersthesis": "school", "techreport": "institution"}
_ISSN = re.compile(r"\d{4}-?\d{3}[\dXx]")
_UNKEYED = re.compile(r"ris:[0-9a-f]{16}")
_TAG = re.compile(r"([A-Z][A-Z0-9])  ?-(?: (.*))?")


@dataclass(slots=True)
class Tagged:
    """A record: the line that it begins in, its values by their tags, and the id of its paper."""

    line: int
    fields: dict[str, list[str]] = field(default_factory=dict)
    id: str = ""


class RisFile(File):
    """A RIS file; see `ris`."""

    def __init__(self, path: str | Path, max_items: int | None) -> None:
        super().__init__(path, "ris", max_items)

    def records(self) -> Iterator[Tagged | Refused]:
        found = list(self._records())
        ids = iter(ids_of(_said(one.fields) for one in found if isinstance(one, Tagged)))
        for one in found:
            if isinstance(one, Refused):
                yield one
            elif (identifier := next(ids)) is not None:
                one.id = identifier
                yield one
            else:
                yield Refused(f"line {one.line}: this record came before, with this title")

    def _records(self) -> Iterator[Tagged | Refused]:
        record: Tagged | None = None
        last = ""
        with self.text() as file:
            for number, line in enumerate(file, start=1):
                line = line.strip("\ufeff\r\n ")
                found = _TAG.fullmatch(line)
                tag, value = (found.group(1), (found.group(2) or "").strip()) if found else ("", line)
                if tag == "TY":
                    if record is not None:
                        yield Refused(f"line {record.line}: a record without its end, ER")
                    record = Tagged(number, {"TY": [value]})
                elif record is None:
                    if line:
                        yield Refused(f"line {number}: expected TY, which begins a record; got {line!r:.80}")
                elif tag == "ER":
                    yield record
                    record = None
                elif tag or (line and last in _BY_LINE):
                    record.fields.setdefault(tag or last, []).append(value)
                elif line:
                    record.fields[last][-1] = f"{record.fields[last][-1]} {line}".strip()
                last = tag or last
        if record is not None:
            yield Refused(f"line {record.line}: a record without its end, ER")

    def paper(self, record: Tagged) -> Paper:
        def every(*tags: str) -> tuple[str, ...]:
            return tuple(unmarked(value) for tag in tags for value in record.fields.get(tag, ()) if value)

        def first(*tags: str) -> str:
            return next(iter(every(*tags)), "")

        kind = TYPES.get(first("TY").upper(), "misc")
        if kind == "phdthesis" and _MASTERS.match(first("M3")):
            kind = "mastersthesis"
        is_book = kind in ("book", "phdthesis", "mastersthesis", "techreport")
        note, day = first("N1"), first("DA") or first("PY", "Y1")
        day = day.rstrip("/").replace("/", "-")
        doi, arxiv, forum = _identities(record.fields)
        publication = {
            "type": kind,
            "volume": first("VL"),
            "number": first("IS"),
            "pages": "-".join(filter(None, (first("SP"), first("EP")))),
            "edition": first("ET"),
            "series": first("T3") or (first("T2") if is_book else ""),
            "editor": " and ".join(_name(one).inverted for one in every("ED", *(() if is_book else ("A2",)))),
            "address": first("CY"),
            _HOUSES.get(kind, "publisher"): first("PB"),
            "issn": next(filter(_ISSN.fullmatch, every("SN")), ""),
            "isbn": next((serial for serial in every("SN") if not _ISSN.fullmatch(serial)), ""),
        }
        return Paper(
            id=record.id,
            title=_title(record.fields),
            abstract=first("AB", "N2"),
            keywords=tuple(word for one in every("KW") for word in texts(one)),
            venue=first("T2", "JO", "JF", "BT", "JA", "J2", "C3"),
            year=year(first("PY", "Y1", "DA")[:4]),
            decision=decision_of(note) if len(note) <= 40 else "",
            published=date(day) if "-" in day or first("DA") else None,  # a year alone is no date of its own
            urls=links(
                paper=next(filter(None, map(link, every("UR", "LK"))), "") or resolved(doi, arxiv), pdf=first("L1")
            ),
            source="ris",
            raw=known(key=first("ID"), arxiv=arxiv, doi=doi, forum=forum, note=note),
            publication=known(**publication),
            **authors_of(map(_name, every("AU", "A1"))),
        )


def ris(path: str | Path, *, max_items: int | None = None) -> RisFile:
    """The records of a RIS file.

    A record goes by its arXiv id, its DOI or its forum on OpenReview, and by its `ID` and title where it has none, or
    where records of other titles have the same one; without an `ID`, by what it says. Records that do not end, those
    that came before, and lines outside of any, are rejected with their line.

    Args:
        path: The file.
        max_items: How many records to read at most.

    Raises:
        NavigatorError: there is no such file.
    """
    return RisFile(path, max_items)


def _said(fields: Fields) -> Said:
    doi, arxiv, forum = _identities(fields)
    title, key = _title(fields), "".join(fields.get("ID", ())[:1])
    # Without a key, "Editorial" is many papers.
    told = [value for tag in ("AU", "A1", "T2", "JO", "JF", "PY", "Y1", "VL", "SP") for value in fields.get(tag, ())]
    digest = hashlib.sha256("\n".join([title, *told]).encode(errors="replace")).hexdigest()
    return Said(
        identity=f"arxiv:{arxiv}" if arxiv else doi or forum,
        title=title,
        page="".join(fields.get("SP", ())[:1]),
        own=key if _UNKEYED.fullmatch(key) else by_key(key, title) if key else f"ris:{digest[:16]}",
    )


def _identities(fields: Fields) -> tuple[str, str, str]:
    """The DOI, the arXiv id and the forum of a record."""
    urls = [url for tag in ("UR", "L1", "L2", "LK") for value in fields.get(tag, ()) for url in value.split()]
    said = (value for tag in ("DO", "M3", "ID") for value in fields.get(tag, ()))
    doi = next(filter(None, map(doi_of, (*said, *urls))), "")
    arxiv = next(filter(None, map(arxiv_of, (*fields.get("ID", ()), doi, *urls))), "")
    return doi, arxiv, next(filter(None, map(forum_of, urls)), "")


def _title(fields: Fields) -> str:
    return unmarked(next((value for tag in ("TI", "T1", "CT") for value in fields.get(tag, ()) if value), ""))


def _name(text: str) -> Name:
    """A name as RIS writes it, "Byron, Ada, Jr."; several words and no comma are the name of a body, and so is what has
    a comma twice, as EndNote writes one that is part of it: "University of X,, Y".
    """
    if ",," in text:
        return Name(re.sub(r"\s*,,\s*", ", ", text).strip(" ,"), body=True)
    family, *rest = (part.strip() for part in text.split(","))
    if not rest:
        return Name(family, body=" " in family)
    given, *suffix = rest
    return Name.of(family=family, given=given, suffix=" ".join(suffix)) if family and given else Name.read(text)
