"""What a citation of a paper says, in whatever form: its link, DOI, arXiv id, its type and the place it appeared in."""

import re
from dataclasses import dataclass

from .feed import safe_link
from .names import Name
from .paper import Paper

_CONTAINED = ("inproceedings", "conference", "incollection", "inbook", "suppcollection", "inreference")
_WHOLE = ("book", "proceedings", "collection", "phdthesis", "mastersthesis", "thesis", "techreport", "report", "manual")


def main_link(paper: Paper) -> str:
    """The web address that leads to the paper best; empty where none is known."""
    preferred = ("paper", "review", "forum", "pdf", "site", *paper.urls)
    links = (paper.urls.get(kind, "") for kind in preferred)
    return next(filter(safe_link, links), "")


@dataclass(frozen=True, slots=True)
class Citation:
    """What a citation of a paper says.

    Attributes:
        type: BibTeX's; of a paper that no source says it of, a conference's where there is a venue.
        journal: The journal, of an article.
        book: What holds it, of a part of a book or of proceedings.
        doi, arxiv: Its ids; "" where there is none.
        note: What its source noted, and the decision on it.
        others: It has authors who are not named.
        editors: Of the book.
    """

    type: str
    journal: str
    book: str
    doi: str
    arxiv: str
    note: str
    others: bool
    editors: tuple[Name, ...]


def citation_of(paper: Paper) -> Citation:
    """What a citation of this paper says."""
    kind = paper.publication.get("type") or ("inproceedings" if paper.venue else "misc")
    venue = "" if paper.venue == paper.publication.get("series") and kind not in _CONTAINED else paper.venue
    contained = kind in _CONTAINED or kind in _WHOLE
    # Where works share a DOI, it is part of their ids, with more behind it.
    doi = str(paper.raw.get("doi") or "") or (paper.id if re.match(r"10\.\d{4,9}/", paper.id) else "")
    arxiv = paper.id.removeprefix("arxiv:") if paper.id.startswith("arxiv:") else str(paper.raw.get("arxiv") or "")
    note = str(paper.raw.get("note") or "")
    decision = "" if paper.decision.lower() in note.lower() else paper.decision
    return Citation(
        type=kind,
        journal="" if contained else venue,
        book=venue if contained else "",
        doi=doi,
        arxiv=arxiv,
        note="; ".join(filter(None, (note, decision))),
        others=paper.raw.get("others") is True,
        editors=tuple(Name.read(one) for one in paper.publication.get("editor", "").split(" and ") if one),
    )
