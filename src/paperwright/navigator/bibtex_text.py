"""Papers as BibTeX, written so that no value can be more than the value of its field."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from .citations import Citation, citation_of, main_link
from .names import Name
from .paper import PUBLICATION, Paper

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
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
"""The names that BibTeX has for the months; a style writes them out."""
_ALIAS = re.compile(r"[A-Za-z][\w:.+/-]{0,99}", re.ASCII)
_FIELD = re.compile(r"[a-z][a-z0-9_-]{0,40}")
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
            parts += [_escaped(text[last : found.start()]), found.group()]
            last = found.end()
    return "".join([*parts, _escaped(text[last:])])


def _escaped(text: str) -> str:
    """A text without formulas; two hyphens or quotes beside each other stay two, where LaTeX would print one sign."""
    return re.sub(r"(?<=([-`']))(?=\1)", "{}", text.translate(_BIBTEX_ESCAPES))


def _plain_mathematics(formula: str) -> bool:
    if _FORMULA_PIECE.sub("", formula):
        return False
    depth = 0
    for one in formula:
        depth += (one == "{") - (one == "}")
        if depth < 0:
            return False
    return depth == 0


def bibtex_text(papers: Iterable[Paper]) -> str:
    """Papers as the entries of a .bib file, each under a key of surname, year and a word of the title.

    The key that a paper came with stands in `ids`, where biblatex looks for what else it is cited by.
    """
    papers = list(papers)
    taken: set[str] = set()
    keys = [_unique(_key(paper), taken) for paper in papers]
    return "\n".join(_entry(paper, key, _alias(paper, taken)) for paper, key in zip(papers, keys, strict=True))


def _alias(paper: Paper, taken: set[str]) -> str:
    """The key that a paper came with; "" where it can be none in this file."""
    key = paper.raw.get("key")
    if not isinstance(key, str) or not _ALIAS.fullmatch(key) or key in taken or key == paper.id:
        return ""
    taken.add(key)
    return key


def _key(paper: Paper) -> str:
    surname = _ascii(paper.people[0].surname) if paper.authors else ""
    words = [_ascii(word) for word in paper.title.split()]
    word = next((word for word in words if len(word) > 3), next(filter(None, words), "paper"))
    return f"{surname or 'anonymous'}{paper.year or ''}{word}"[:60]


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


def _entry(paper: Paper, key: str, alias: str) -> str:
    cited = citation_of(paper)
    said = {name: value for name, value in paper.publication.items() if name not in ("type", "editor")}
    main, pdf = main_link(paper), paper.urls.get("pdf", "")
    fields = {
        "title": f"{{{bibtex_escaped(paper.title)}}}",  # the inner braces keep the capital letters
        "author": " and ".join([*map(_name, paper.people), *(["others"] if cited.others and paper.authors else [])]),
        "editor": " and ".join(map(_name, cited.editors)),
        "journal": bibtex_escaped(cited.journal or _preprint(cited)),
        "booktitle": bibtex_escaped(cited.book),
        **{name: bibtex_escaped(said[name]) for name in PUBLICATION if name in said},
        **_time(paper),
        "doi": cited.doi,
        "eprint": cited.arxiv,
        "archiveprefix": "arXiv" if cited.arxiv else "",
        "primaryclass": bibtex_escaped("".join(paper.categories[:1])) if cited.arxiv else "",
        "url": _link(main),
        "pdf": "" if pdf == main else _link(pdf),
        "code": " ".join(map(_link, paper.code_urls)),
        "keywords": bibtex_escaped(", ".join(paper.keywords)),
        # A reference manager shows these as the authors' words.
        "abstract": bibtex_escaped(paper.abstract) if paper.by_its_authors("abstract") else "",
        "tldr": bibtex_escaped(paper.tldr) if paper.by_its_authors("tldr") else "",
        "note": bibtex_escaped(cited.note),
        "ids": alias,
    }
    fields |= {name: re.sub(r"[{}\\]", "", fields[name]) for name in ("doi", "eprint")}
    if "pages" in said:
        fields["pages"] = re.sub(r"(?<=\w)[-–](?=\w)", "--", fields["pages"])
    fields |= {name: bibtex_escaped(value) for name, value in _others(paper).items() if not fields.get(name)}
    kind = re.sub(r"[^a-z]", "", cited.type.lower())
    if kind in ("", "comment", "preamble", "string"):
        kind = "misc"
    lines = [
        f"  {name} = {value}," if name == "month" and value in MONTHS else f"  {name} = {{{value}}},"
        for name, value in fields.items()
        if value
    ]
    return "\n".join([f"@{kind}{{{key},", *lines, "}"]) + "\n"


def _preprint(cited: Citation) -> str:
    """What stands for the journal of an article that is in none: BibTeX's styles ask for one."""
    return f"arXiv preprint arXiv:{cited.arxiv}" if cited.type == "article" and cited.arxiv else ""


def _time(paper: Paper) -> dict[str, str]:
    """Year, month and date. Where these are not of one year, as of a preprint, the year is what is cited."""
    year, published = str(paper.year or ""), paper.published or ""
    of_the_year = published[:4] == year or not year
    month = MONTHS[int(published[5:7]) - 1] if year and of_the_year and len(published) > 4 else ""
    date = "" if month and len(published) == 7 else published
    return {"year": year, "month": month, "date" if of_the_year else "published": date}


def _others(paper: Paper) -> dict[str, str]:
    """What the paper's entry in a bibliography said beyond its record."""
    kept = paper.raw.get("fields")
    if not isinstance(kept, Mapping):
        return {}
    return {name: value for name, value in kept.items() if _FIELD.fullmatch(name) and isinstance(value, str)}


def _name(name: Name) -> str:
    """A name as BibTeX reads it back: a body in braces, and so each part that holds what would part it."""
    if name.body:
        return f"{{{bibtex_escaped(name.family)}}}"
    return ", ".join(map(_part, filter(None, (name.surname, name.suffix, name.given))))


def _part(text: str) -> str:
    escaped = bibtex_escaped(text)
    return f"{{{escaped}}}" if re.search(r"\band\b|,", text, re.IGNORECASE) else escaped


def _link(link: str) -> str:
    return quote(link, safe=":/?&=#+,;@!$()*'[]%-._~")
