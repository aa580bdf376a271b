"""From the cells of a row to a paper."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from ..names import Name, authors_of
from ..paper import DECISIONS, PUBLICATION, Paper
from .columns import TYPES, Form
from .fields import (
    arxiv_of,
    date,
    decision_of,
    doi_of,
    known,
    link,
    links,
    numbers,
    resolved,
    text,
    texts,
    unmarked,
    whole,
    year,
)

_OPENALEX = re.compile(r"https?://openalex\.org/(W\d+)")
_PARTICLE = re.compile(r"(?:d[aeiou]s?|del|della|den|der|du|el|la|le|ten|ter|van|von|zu|zur)\s", re.IGNORECASE)
_INITIALS_LAST = re.compile(r"(\S.*?)\s+((?:[A-Z]\.[ -]?)+)")
_SCOPUS_ID = re.compile(r"\s*\(\d{6,}\)")


def paper_of_cells(cells: Mapping[str, str], kind: str, constant: Mapping[str, Any], form: Form = "unknown") -> Paper:
    """The paper of one row.

    Args:
        cells: The texts of its cells by field.
        kind: The source's kind, for records that name none.
        constant: Fields that are the same for all rows.
        form: How the cells are written.

    Raises:
        ValueError: a cell of JSON is none.
        NavigatorError: a paper cannot be so.
    """

    def items(field: str, separators: str = ";") -> tuple[str, ...]:
        return listed(cells.get(field, ""), {"own": ";", "openalex": "|"}.get(form, separators))

    doi, arxiv = doi_of(cells.get("doi")), arxiv_of(cells.get("arxiv")) or arxiv_of(cells.get("doi"))
    decision = cells.get("decision", "").strip()
    given = cells.get("id", "").strip()
    openalex = _OPENALEX.fullmatch(given)
    identifier = f"openalex:{openalex.group(1)}" if openalex else given
    urls = dict(_stored(cells, "urls") or {})
    where = links(paper=cells.get("url"), pdf=cells.get("pdf"), review=cells.get("review"))
    if doi or arxiv:
        where.setdefault("paper", resolved(doi, arxiv))
    published = date(cells.get("published"))
    plain = str if form == "own" else unmarked
    values: dict[str, Any] = {
        "id": identifier or (f"arxiv:{arxiv}" if arxiv else doi) or _unnamed(kind, cells),
        "title": plain(cells.get("title", "")),
        **_authors(cells, form),
        "abstract": plain(cells.get("abstract", "")),
        "keywords": items("keywords", ",;"),
        "tldr": cells.get("tldr", ""),
        "venue": cells.get("venue", ""),
        "year": year(cells.get("year")) or year((published or "")[:4]),
        "decision": decision if decision in DECISIONS else decision_of(decision),
        "track": cells.get("track", ""),
        "ratings": numbers(items("ratings")),
        "confidences": numbers(items("confidences")),
        "history": tuple((text(when), numbers(given)) for when, given in _stored(cells, "history") or ()),
        "published": published,
        "updated": date(cells.get("updated")),
        "urls": {name: link(found) for name, found in {**where, **urls}.items() if link(found)},
        "code_urls": tuple(filter(None, map(link, items("code_urls", "; ")))),
        "citations": whole(cells.get("citations")),
        "references": items("references"),
        "categories": items("categories", "; "),
        "source": cells.get("source", "").strip() or kind,
        "publication": _publication(cells, form),
        "raw": {
            **(_stored(cells, "raw") or {}),
            **known(doi=doi, arxiv=arxiv, openalex=openalex.group(1) if openalex else ""),
        },
    }
    return Paper(**{**values, **constant})


def listed(cell: str, separators: str = ";") -> tuple[str, ...]:
    """The items of a cell: of a list in JSON, or with separators between them."""
    cell = cell.strip()
    if cell.startswith("["):
        try:
            return texts(json.loads(cell))
        except (ValueError, TypeError, RecursionError):
            pass
    return texts(cell, separators)


def _authors(cells: Mapping[str, str], form: Form) -> Mapping[str, Any]:
    if form != "own":
        return authors_of(people(cells.get("authors", ""), form))
    return {"authors": listed(cells.get("authors", "")), "names": listed(cells.get("names", ""))}


def people(cell: str, form: Form) -> tuple[Name, ...]:
    """The names of a cell: "Byron, Ada; Borel, Émile" are Ada Byron and Émile Borel.

    Names are parted by semicolons, "|" or " and "; by commas where these do not stand within names: "Ada Byron, Émile
    Borel" are two, "Byron, Ada" and "Di Giovanni, Francesco" one each, "Byron A., Borel E." two. A name in braces is
    one word, as in BibTeX.
    """
    cell = _SCOPUS_ID.sub("", cell).strip()
    if cell.startswith("[") or ";" in cell or "|" in cell:
        names = listed(cell, ";|")
    elif " and " in cell:
        names = tuple(part.strip() for part in cell.split(" and ") if part.strip())
    elif form == "surname first" or _is_one_name(cell):
        names = (cell,)
    else:
        names = texts(cell, ",")
        if all(found := [_INITIALS_LAST.fullmatch(name) for name in names]):
            return tuple(Name.of(family=one.group(1), given=one.group(2)) for one in found if one)
    return tuple(map(_name, names))


def _name(cell: str) -> Name:
    return Name.read(cell) if "," in cell.strip(" ,") or cell.startswith("{") else Name.said(cell.strip(" ,"))


def _publication(cells: Mapping[str, str], form: Form) -> dict[str, str]:
    found = {name: cells.get(name, "").strip() for name in PUBLICATION}
    if form != "own":
        kind = found["type"].lower()
        # OpenAlex calls a paper of a conference an article too.
        found["type"] = "" if form == "openalex" and kind == "article" else TYPES.get(kind, "")
        first, last = cells.get("first_page", "").strip(), cells.get("last_page", "").strip()
        found["pages"] = found["pages"] or "-".join(dict.fromkeys(filter(None, (first, last))))
    return known(**found)


def _is_one_name(cell: str) -> bool:
    """Whether a cell with one comma, at most, is one name: either side is a single word, or it begins with "van "."""
    surname, comma, given = (part.strip() for part in cell.partition(","))
    if "," in given:
        return False
    return not comma or " " not in surname or " " not in given or bool(_PARTICLE.match(surname))


def _stored(cells: Mapping[str, str], field: str) -> Any:
    cell = cells.get(field, "").strip()
    try:
        return json.loads(cell) if cell else None
    except (ValueError, RecursionError):
        raise ValueError(f"{field} is not JSON: {cell!r:.80}") from None


def _unnamed(kind: str, cells: Mapping[str, str]) -> str:
    """An id for a row that has none: the same for the same title, authors and year."""
    told = "\n".join(" ".join(cells.get(field, "").split()) for field in ("title", "authors", "year"))
    return f"{kind}:{hashlib.sha256(told.encode(errors='replace')).hexdigest()[:16]}"
