"""Papers as RIS, the tagged lines that reference managers exchange."""

from collections.abc import Iterable

from .citations import citation_of, main_link
from .names import Name
from .paper import Paper

_TYPES = {
    **{"article": "JOUR", "inproceedings": "CONF", "conference": "CONF", "incollection": "CHAP", "inbook": "CHAP"},
    **{"book": "BOOK", "proceedings": "BOOK", "collection": "EDBOOK", "phdthesis": "THES", "mastersthesis": "THES"},
    **{"thesis": "THES", "techreport": "RPRT", "report": "RPRT", "manual": "STAND", "unpublished": "UNPB"},
    **{"online": "ELEC", "dataset": "DATA", "software": "COMP", "misc": "GEN"},
}


def ris_text(papers: Iterable[Paper]) -> str:
    """Papers as the records of a .ris file."""
    return "".join(map(_record, papers))


def _record(paper: Paper) -> str:
    cited, said = citation_of(paper), paper.publication
    main, pdf = main_link(paper), paper.urls.get("pdf", "")
    first, _, last = said.get("pages", "").replace("--", "-").replace("–", "-").partition("-")
    fields = [
        ("TY", _TYPES.get(said.get("type", ""), "CONF" if paper.venue else "UNPB")),
        ("ID", paper.id),
        ("TI", paper.title),
        *(("AU", _name(name)) for name in paper.people),
        *(("ED", _name(name)) for name in cited.editors),
        ("T2", cited.journal or cited.book),
        ("T3", said.get("series", "")),
        ("VL", said.get("volume", "")),
        ("IS", said.get("number", "")),
        ("SP", first),
        ("EP", last),
        ("ET", said.get("edition", "")),
        ("PB", said.get("publisher") or said.get("school") or said.get("institution") or ""),
        ("CY", said.get("address", "")),
        ("SN", said.get("issn", "")),
        ("SN", said.get("isbn", "")),
        ("M3", "Master's thesis" if said.get("type") == "mastersthesis" else ""),
        ("PY", str(paper.year or "")),
        ("DA", (paper.published or "").replace("-", "/")),
        ("AB", paper.abstract if paper.by_its_authors("abstract") else ""),
        *(("KW", keyword) for keyword in paper.keywords),
        ("N1", cited.note),
        ("DO", cited.doi),
        ("UR", main),
        ("L1", "" if pdf == main else pdf),
    ]
    # A field is one line: white space of any kind becomes a blank, so that no value can begin a field of its own.
    lines = [f"{name}  - {' '.join(value.split())}" for name, value in fields if value]
    return "\r\n".join([*lines, "ER  - ", "", ""])


def _name(name: Name) -> str:
    """A name as RIS asks for it, "Doe, Jane, Jr."; that of a body as it is, each comma in it twice, as for EndNote."""
    if name.body:
        return name.family.replace(",", ",,")
    return ", ".join(filter(None, (name.surname, name.given, name.suffix)))
