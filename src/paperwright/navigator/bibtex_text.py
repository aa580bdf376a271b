"""Papers as BibTeX, written so that no value can be more than the value of its field."""

import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import quote

from .citations import citation_of, main_link
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


def bibtex_text(papers: Iterable[Paper]) -> str:
    """Papers as the entries of a .bib file, each under a key of surname, year and a word of the title."""
    taken: set[str] = set()
    return "\n".join(_entry(paper, _unique(_key(paper), taken)) for paper in papers)


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


def _entry(paper: Paper, key: str) -> str:
    cited = citation_of(paper)
    said = {name: value for name, value in paper.publication.items() if name not in ("type", "editor")}
    fields = {
        "title": f"{{{bibtex_escaped(paper.title)}}}",  # the inner braces keep the capital letters
        "author": " and ".join(map(_name, paper.people)),
        "editor": " and ".join(_name(Name.read(one)) for one in _editors(paper)),
        "journal": bibtex_escaped(cited.journal),
        "booktitle": bibtex_escaped(cited.book),
        **{name: bibtex_escaped(said[name]) for name in PUBLICATION if name in said},
        "year": str(paper.year or ""),
        "date": paper.published or "",
        "doi": cited.doi,
        "eprint": cited.arxiv,
        "archiveprefix": "arXiv" if cited.arxiv else "",
        "primaryclass": bibtex_escaped("".join(paper.categories[:1])) if cited.arxiv else "",
        "url": _link(main_link(paper)),
        "keywords": bibtex_escaped(", ".join(paper.keywords)),
        # A reference manager shows these as the authors' words.
        "abstract": bibtex_escaped(paper.abstract) if paper.by_its_authors("abstract") else "",
        "tldr": bibtex_escaped(paper.tldr) if paper.by_its_authors("tldr") else "",
        "note": bibtex_escaped(cited.note),
    }
    fields |= {name: re.sub(r"[{}\\]", "", fields[name]) for name in ("doi", "eprint")}
    if "pages" in said:
        fields["pages"] = re.sub(r"(?<=\w)[-–](?=\w)", "--", fields["pages"])
    kind = re.sub(r"[^a-z]", "", cited.type.lower()) or "misc"
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@{kind}{{{key},", *lines, "}"]) + "\n"


def _editors(paper: Paper) -> list[str]:
    return [one for one in paper.publication.get("editor", "").split(" and ") if one]


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
