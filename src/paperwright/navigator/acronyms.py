"""Acronyms that authors spell out, "Neural Radiance Fields (NeRF)", learned from all papers of a library.

An acronym in brackets is taken for the words before it if its letters, from the last to the first, are found in them in
order, its capitals at the beginnings of words (after Schwartz and Hearst, "A simple algorithm for identifying
abbreviation definitions in biomedical text", 2003, which asks so of the first letter only). Of several meanings the one
that most papers give counts.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from .paper import Paper
from .text import STOP_WORDS, SYNONYMS, tokens

if TYPE_CHECKING:
    from .library import Library

FILE = "acronyms.json"
Counts = dict[str, dict[str, int]]
"""For each acronym how many papers give each meaning."""
_BRACKETED = re.compile(r"\(([A-Z][A-Za-z]{1,7})\)")
_WORD = re.compile(r"[A-Za-z]+")
_MOST_WORDS = 10
LONGEST_ACRONYM = 8


def learned_acronyms(library: "Library") -> dict[str, str]:
    """What acronyms stand for, by the term that each is searched as, without those of `SYNONYMS`.

    Counts are kept beside the library, and only papers that are new are read again.
    """

    def make() -> dict[str, str]:
        file = library.cache_file(FILE)
        revision, counts = _kept(file)
        if revision > library.revision:
            revision, counts = 0, {}
        newest = revision
        for changed, _, paper in library.records.changed_since(revision):
            newest = changed
            if paper is not None:
                _count(paper, counts)
        if file is not None and newest > revision:
            _keep(file, newest, counts)
        return _commonest(counts)

    return library.derived("acronyms", make)


def acronyms_of(papers: Iterable[Paper]) -> dict[str, str]:
    """The acronyms of some papers with their commonest meanings, without those of `SYNONYMS`."""
    counts: Counts = {}
    for paper in papers:
        _count(paper, counts)
    return _commonest(counts)


def _count(paper: Paper, counts: Counts) -> None:
    text = "\n".join((paper.title, *map(_capitals, paper.keywords), paper.tldr, paper.abstract))
    if "(" in text:
        for acronym, meaning in set(spelled_out_in(text)):
            of = counts.setdefault(acronym, {})
            of[meaning] = of.get(meaning, 0) + 1


def _capitals(keyword: str) -> str:
    """A keyword with the acronym at its end in capitals: many authors write "knowledge distillation (kd)"."""
    return keyword if keyword != keyword.lower() else re.sub(r"\([a-z]{2,8}\)$", lambda end: end[0].upper(), keyword)


def _commonest(counts: Counts) -> dict[str, str]:
    return {
        acronym: min(of, key=lambda meaning, of=of: (-of[meaning], meaning))  # type: ignore[misc]
        for acronym, of in counts.items()
        if acronym not in SYNONYMS
    }


def _kept(file: Path | None) -> tuple[int, Counts]:
    """The counts that were kept, and up to which revision they are; none where they cannot be read."""
    try:
        kept = json.loads(file.read_text(encoding="utf-8")) if file is not None else {}
        return int(kept["revision"]), {str(one): dict(of) for one, of in kept["counts"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return 0, {}


def _keep(file: Path, revision: int, counts: Counts) -> None:
    new = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        new.write_text(json.dumps({"revision": revision, "counts": counts}, ensure_ascii=False), encoding="utf-8")
        new.replace(file)
    except OSError:  # a library that can only be read is searched all the same
        new.unlink(missing_ok=True)


def spelled_out_in(text: str) -> Iterator[tuple[str, str]]:
    """The acronyms that a text spells out, each as the term that it is searched as, with its words in lower case."""
    for bracketed in _BRACKETED.finditer(text):
        acronym = bracketed[1].removesuffix("s")
        if sum(map(str.isupper, acronym)) < 2:
            continue
        words = list(_WORD.finditer(text, max(0, bracketed.start() - 150), bracketed.start()))[-_MOST_WORDS:]
        begin = _beginning(acronym, words)
        terms = tokens(acronym)
        if begin is not None and len(terms) == 1:
            yield terms[0], " ".join(text[begin : bracketed.start()].split()).lower()


def _beginning(acronym: str, words: list[re.Match[str]]) -> int | None:
    """Where the words begin that an acronym stands for; they end with the last one."""
    left = len(acronym)
    for word in reversed(words):
        taken = _taken(acronym[:left], word[0])
        left -= taken
        if not left:
            return word.start()
        if not taken and word[0].lower() not in STOP_WORDS:  # "mixture of experts", "learning from feedback"
            return None
    return None


def _taken(letters: str, word: str) -> int:
    """How many of the last letters a word stands for: they are in it in order, the first of them at its beginning."""
    for count in range(len(letters), 0, -1):
        some = letters[-count:]
        if not any(map(str.isupper, some[1:])) and re.match(".*?".join(some), word, re.IGNORECASE):
            return count
    return 0
