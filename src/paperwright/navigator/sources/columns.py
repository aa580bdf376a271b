"""Which column of a table holds which field: the names that people and programs give their columns.

Zotero, OpenAlex, Scopus, Web of Science, IEEE Xplore, PubMed and our own exports are read by these names; the tags of
two letters that Web of Science writes have a list of their own, for its ID is no id.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from ..errors import NavigatorError

NAMES: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "forum id", "forum", "paper id", "key", "eid", "ut (unique wos id)", "pmid"),
    "title": ("title", "name", "display name", "article title", "document title", "paper title"),
    # Whole names before initials, where a table has both.
    "authors": (
        *("author full names", "full author names", "authors", "author", "author(s)", "author names", "creators"),
        "authorships.author.display name",
    ),
    "abstract": ("abstract", "summary", "abstract note"),
    "keywords": (
        *("keywords", "keyword", "tags", "author keywords", "manual tags", "automatic tags"),
        "keywords.display name",
    ),
    "tldr": ("tldr", "tl;dr", "tl dr"),
    "venue": (
        *("venue", "conference", "journal", "booktitle", "publication title", "source title", "journal/book"),
        *("journal title", "container title", "primary location.source.display name", "conference name"),
    ),
    "year": ("year", "publication year", "pub year"),
    "decision": ("decision", "status"),
    "track": ("track",),
    "ratings": ("ratings", "rating", "scores"),
    "confidences": ("confidences", "confidence"),
    "published": ("published", "publication date", "date"),
    "updated": ("updated",),
    "url": ("url", "link", "site", "paper", "primary location.landing page url"),
    "pdf": ("pdf", "pdf url", "pdf link", "best oa location.pdf url", "primary location.pdf url"),
    "review": ("review",),
    "code_urls": ("code urls", "code", "code url", "github"),
    "citations": (
        *("citations", "cited by count", "citation count", "gs citation", "cited by", "times cited, wos core"),
        *("times cited, all databases", "article citation count"),
    ),
    "references": ("references",),
    "categories": ("categories", "category"),
    "doi": ("doi", "dois"),
    "names": ("names",),
    "type": ("type", "item type", "document type", "type crossref", "publication type"),
    "volume": ("volume", "biblio.volume"),
    "number": ("number", "issue", "biblio.issue"),
    "pages": ("pages", "page"),
    "first_page": ("page start", "start page", "first page", "biblio.first page"),
    "last_page": ("page end", "end page", "last page", "biblio.last page"),
    **{name: (name,) for name in ("chapter", "edition", "series", "editor", "publisher", "school", "institution")},
    **{name: (name,) for name in ("address", "organization", "howpublished", "eventtitle", "isbn", "issn")},
    "arxiv": ("arxiv", "arxiv id", "eprint"),
    "history": ("history",),
    "urls": ("urls",),
    "raw": ("raw",),
    "source": ("source",),
}
"""What a field may be called in the head of a table, in lower case, "_" and "-" as blanks; the surest first."""

TAGS: Mapping[str, tuple[str, ...]] = {
    **{"id": ("ut",), "title": ("ti",), "authors": ("af", "au"), "abstract": ("ab",), "keywords": ("de",)},
    **{"venue": ("so",), "year": ("py",), "citations": ("tc", "z9"), "doi": ("di",), "volume": ("vl",)},
    **{
        "number": ("is",),
        "first_page": ("bp",),
        "last_page": ("ep",),
        "publisher": ("pu",),
        "issn": ("sn",),
        "type": ("pt",),
    },
}
"""The same for the tags of Web of Science, as far as they are fields of ours."""

TYPES: Mapping[str, str] = {
    **dict.fromkeys(("journalarticle", "article", "review", "j", "journal article", "magazinearticle"), "article"),
    **dict.fromkeys(
        ("conferencepaper", "conference paper", "proceedings paper", "c", "proceedings-article"), "inproceedings"
    ),
    **dict.fromkeys(("booksection", "book chapter", "book-chapter"), "incollection"),
    **dict.fromkeys(("book", "b"), "book"),
    **dict.fromkeys(("thesis", "dissertation"), "phdthesis"),
    **dict.fromkeys(("report",), "techreport"),
}
"""The types of other programs' tables as BibTeX's, in lower case."""

OWN = frozenset({"code urls", "confidences", "tldr"})
"""Columns of our own exports, whose `source` says where a record is from; elsewhere it is a journal or a database."""

Form = Literal["own", "openalex", "surname first", "unknown"]
"""How the cells of a table are written: lists as our exports do, "a;b", or OpenAlex, "a|b"; names of authors as "Byron,
Ada; Borel, Émile"; or in a way that the cell itself has to show."""

_SURNAME_FIRST = (
    *({"item type", "publication title"}, {"eid", "source title"}, {"ut (unique wos id)"}),  # Zotero, Scopus, WoS
    {"pt", "au", "ti"},  # WoS in tags
)


def normal(name: str) -> str:
    """A column's name in the form of `NAMES`."""
    return re.sub(r"[\s_-]+", " ", name).strip().lower()


def fields_of(names: Sequence[str], asked: Mapping[str, str], table: str) -> dict[str, tuple[str, ...]]:
    """The columns of each field, the surest first; of a field that was asked for, the one that was named.

    Args:
        names: The head of the table.
        asked: Which column a field is in, as the reader says.
        table: What messages call it.

    Raises:
        NavigatorError: a column that was named is not there, or no column holds titles.
    """
    if missing := [name for name in asked.values() if name not in names]:
        raise NavigatorError(f"{table} has no column {missing[0]!r:.80}; it has {', '.join(names):.500}")
    there = {normal(name): name for name in reversed(names)}
    usual = dict(TAGS if {"pt", "au", "ti"} <= set(there) else NAMES)
    if not there.keys() >= OWN:
        usual.pop("source", None)
        usual.pop("names", None)
    found = {field: tuple(there[one] for one in called if one in there) for field, called in usual.items()}
    found |= {field: (name,) for field, name in asked.items()}
    if not found["title"]:
        raise NavigatorError(
            f"{table} has no column of titles; it has {', '.join(names):.500}. "
            "Say which one it is: --columns title=NAME, in Python columns={'title': 'NAME'}"
        )
    return {field: columns for field, columns in found.items() if columns}


def form_of(names: Iterable[str]) -> Form:
    """How the cells of a table with this head are written."""
    there = set(map(normal, names))
    if there >= OWN:
        return "own"
    if "authorships.author.display name" in there:
        return "openalex"
    return "surname first" if any(there >= signs for signs in _SURNAME_FIRST) else "unknown"
