"""Exports: papers as BibTeX, RIS, CSV, JSON or an Atom feed, each escaped so that no title can be more than a title."""

import csv
import io
import json
import re
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from paperwright.files import write_text

from .errors import NavigatorError
from .feed import Entry, atom, safe_link
from .paper import Paper

if TYPE_CHECKING:
    from .search import Hit

MEDIA_TYPES = {
    "bib": "application/x-bibtex",
    "ris": "application/x-research-info-systems",
    "csv": "text/csv",
    "json": "application/json",
    "atom": "application/atom+xml",
}
"""The formats, each with its media type."""


def exported(papers: "Iterable[Paper | Hit]", format: str) -> str:
    """Papers as text.

    Args:
        papers: Papers, or hits of a search, in the order in which they are to stand.
        format: "bib", "ris", "csv", "json" (whole records; read back they are the same) or "atom".

    Raises:
        NavigatorError: there is no such format.
    """
    writers: dict[str, Callable[[list[Paper]], str]] = {
        "bib": _bibtex,
        "ris": _ris,
        "csv": _csv,
        "json": _json,
        "atom": _atom,
    }
    if format not in writers:
        raise NavigatorError(f"there is no format {format!r:.40}; there are {', '.join(MEDIA_TYPES)}")
    return writers[format]([one if isinstance(one, Paper) else one.paper for one in papers])


def export(papers: "Iterable[Paper | Hit]", path: str | Path, format: str | None = None) -> None:
    """Writes papers to a file, which is there whole or not at all.

    Args:
        papers: Papers or hits.
        path: The file; what was there is replaced.
        format: By default what the file's ending says.

    Raises:
        NavigatorError: the format is unknown, or the ending says none.
        WriteError: the file cannot be written.
    """
    path = Path(path)
    if format is None:
        format = {"bibtex": "bib", "xml": "atom"}.get(ending := path.suffix.lower().lstrip("."), ending)
        if format not in MEDIA_TYPES:
            raise NavigatorError(
                f"the ending of {path.name!r:.80} names no format; there are {', '.join(MEDIA_TYPES)}, or give format="
            )
    write_text(path, exported(papers, format))


def _json(papers: list[Paper]) -> str:
    return json.dumps([paper.as_dict() for paper in papers], ensure_ascii=False, indent=1) + "\n"


# -- CSV -------------------------------------------------------------------------------------------------------------

CSV_COLUMNS = (
    *("id", "title", "authors", "abstract", "keywords", "tldr", "venue", "year", "decision", "track"),
    *("ratings", "confidences", "published", "updated", "url", "code_urls", "citations", "categories", "source"),
)


def _csv(papers: list[Paper]) -> str:
    """Lists are parted by semicolons. Histories, references and raw values are in JSON exports only."""
    text = io.StringIO(newline="")
    text.write("\ufeff")  # without this mark Excel takes UTF-8 for the encoding of its country
    writer = csv.writer(text)
    writer.writerow(CSV_COLUMNS)
    for paper in papers:
        writer.writerow([_cell(main_link(paper) if name == "url" else getattr(paper, name)) for name in CSV_COLUMNS])
    return text.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, int | float):
        return f"{value:g}" if isinstance(value, float) else str(value)
    if isinstance(value, tuple):
        value = ";".join(f"{one:g}" if isinstance(one, float) else str(one).replace(";", ",") for one in value)
    text = str(value)
    # A spreadsheet takes a cell that begins so for a formula; the apostrophe makes it a text.
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")) else text


# -- BibTeX ----------------------------------------------------------------------------------------------------------

# Braces get names: BibTeX counts them whatever stands before them, and a lone one would end the field.
_BIBTEX_ESCAPES = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\textbraceleft{}",
        "}": r"\textbraceright{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
    }
    | {one: f"\\{one}" for one in "&%_#$"}
)
_FORMULA = re.compile(r"\$([^$]{1,200})\$")
# What a formula may hold to be left as it is: letters, signs, and commands that only draw.
_FORMULA_PIECE = re.compile(
    r"\\(?:alpha|beta|gamma|delta|epsilon|varepsilon|zeta|eta|theta|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|phi|varphi|chi|"
    r"psi|omega|Gamma|Delta|Theta|Lambda|Sigma|Phi|Psi|Omega|ell|infty|times|cdot|to|rightarrow|leq|geq|le|ge|sim|approx|"
    r"pm|star|ast|circ|sqrt|frac|log|exp|min|max|mathcal|mathbb|mathbf|mathrm|mathsf|text|textbf|textit|bf|rm|it|hat|bar|"
    r"tilde|vec|partial|nabla|sum|prod|in|mid|dagger|prime)(?![A-Za-z])|[A-Za-z0-9 +\-*/=<>()\[\],.:;!?'|^_{}]"
)


def bibtex_escaped(text: str) -> str:
    """A text for a field in braces: formulas of plain mathematics stay, everything else means itself."""
    parts, last = [], 0
    for found in _FORMULA.finditer(text):
        if _plain_mathematics(found.group(1)):
            parts += [text[last : found.start()].translate(_BIBTEX_ESCAPES), found.group()]
            last = found.end()
    return "".join([*parts, text[last:].translate(_BIBTEX_ESCAPES)])


def _plain_mathematics(formula: str) -> bool:
    if _FORMULA_PIECE.sub("", formula):
        return False
    depth = 0
    for one in formula:
        depth += (one == "{") - (one == "}")
        if depth < 0:
            return False
    return depth == 0


def _bibtex(papers: list[Paper]) -> str:
    taken: set[str] = set()
    return "\n".join(_entry(paper, _unique(_key(paper), taken)) for paper in papers)


def _key(paper: Paper) -> str:
    surname = (
        paper.authors[0].split(",")[0].split()[-1] if paper.authors and paper.authors[0].split(",")[0].split() else ""
    )
    words = [_ascii(word) for word in paper.title.split()]
    word = next((word for word in words if len(word) > 3), next(filter(None, words), "paper"))
    return f"{_ascii(surname) or 'anonymous'}{paper.year or ''}{word}"[:60]


def _ascii(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]", "", plain.lower())


def _unique(key: str, taken: set[str]) -> str:
    number, unique = 1, key
    while unique in taken:
        number += 1
        unique = f"{key}-{number}"
    taken.add(unique)
    return unique


def _entry(paper: Paper, key: str) -> str:
    authors = " and ".join(map(_bibtex_author, paper.authors))
    fields = {
        "title": f"{{{bibtex_escaped(paper.title)}}}",  # the inner braces keep the capital letters
        "author": authors,
        "booktitle": bibtex_escaped(paper.venue),
        "year": str(paper.year or ""),
        "date": paper.published or "",
        "doi": paper.id if re.match(r"10\.\d{4,9}/", paper.id) else "",
        "eprint": paper.id.removeprefix("arxiv:") if paper.id.startswith("arxiv:") else "",
        "url": _bibtex_url(main_link(paper)),
        "keywords": bibtex_escaped(", ".join(paper.keywords)),
        # A reference manager shows these as the authors' words.
        "abstract": bibtex_escaped(paper.abstract) if paper.by_its_authors("abstract") else "",
        "tldr": bibtex_escaped(paper.tldr) if paper.by_its_authors("tldr") else "",
        "note": bibtex_escaped(paper.decision),
    }
    fields["archiveprefix"] = "arXiv" if fields["eprint"] else ""
    fields = {
        name: re.sub(r"[{}\\]", "", value) if name in ("doi", "eprint") else value for name, value in fields.items()
    }
    kind = "inproceedings" if paper.venue else "misc"
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@{kind}{{{key},", *lines, "}"]) + "\n"


def _bibtex_author(name: str) -> str:
    escaped = bibtex_escaped(name)
    # A name with "and" or more than one comma would be taken apart.
    return f"{{{escaped}}}" if re.search(r"\band\b", name, re.IGNORECASE) or name.count(",") > 1 else escaped


def _bibtex_url(link: str) -> str:
    return quote(link, safe=":/?&=#+,;@!$()*'[]%-._~")


# -- RIS -------------------------------------------------------------------------------------------------------------


def _ris(papers: list[Paper]) -> str:
    return "".join(_ris_record(paper) for paper in papers)


def _ris_record(paper: Paper) -> str:
    doi = paper.id if re.match(r"10\.\d{4,9}/", paper.id) else ""
    fields = [
        ("TY", "CONF" if paper.venue else "UNPB"),
        ("ID", paper.id),
        ("TI", paper.title),
        *(("AU", author) for author in paper.authors),
        ("T2", paper.venue),
        ("PY", str(paper.year or "")),
        ("DA", (paper.published or "").replace("-", "/")),
        ("AB", paper.abstract if paper.by_its_authors("abstract") else ""),
        *(("KW", keyword) for keyword in paper.keywords),
        ("N1", paper.decision),
        ("DO", doi),
        ("UR", main_link(paper)),
    ]
    # A field is one line: white space of any kind becomes a blank, so that no value can begin a field of its own.
    lines = [f"{name}  - {' '.join(value.split())}" for name, value in fields if value]
    return "\r\n".join([*lines, "ER  - ", "", ""])


# -- Atom ------------------------------------------------------------------------------------------------------------


def main_link(paper: Paper) -> str:
    """The web address that leads to the paper best; empty where none is known."""
    preferred = ("paper", "review", "forum", "pdf", "site", *paper.urls)
    links = (paper.urls.get(kind, "") for kind in preferred)
    return next(filter(safe_link, links), "")


def entry_of(paper: Paper) -> Entry:
    """The paper as an entry of a feed."""
    links = (
        {"paper": main_link(paper)}
        | dict(paper.urls)
        | {f"code {n}": link for n, link in enumerate(paper.code_urls, 1)}
    )
    return Entry(
        id=f"urn:paperwright:{quote(paper.id, safe='')}",
        title=paper.title,
        summary=paper.tldr or paper.abstract,
        updated=paper.updated or paper.published or str(paper.year or ""),
        authors=paper.authors,
        categories=(*paper.categories, *paper.keywords),
        links={kind: link for kind, link in links.items() if link},
    )


def _atom(papers: list[Paper]) -> str:
    return atom(map(entry_of, papers), title="Papers", id="urn:paperwright:export")
