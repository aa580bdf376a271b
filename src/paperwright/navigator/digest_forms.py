"""A digest written down: Markdown, HTML, an Atom feed, and plain text for a mail."""

import re
import textwrap
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote

from paperwright.terminal import printable

from .citations import main_link
from .digest_sentences import Quotation
from .exports import entry_of
from .feed import Entry, atom, safe_link

if TYPE_CHECKING:
    from .digest import Chosen, Digest

# What means something to CommonMark or to GitHub's dialect wherever it stands, ...
_MARKUP = re.compile(r"[\\`*_\[\]~$|@]|:(?=//)|&(?=#?\w+;)|(?<=\bwww)\.")
# ... at the beginning of a line, ...
_OPENING = re.compile(r"[#+=>-]|\d{1,9}[.)](?=\s|$)")
# ... and at the end of a heading.
_CLOSING = re.compile(r"#(?=#*$)")
WIDTH = 78


def markdown(digest: "Digest") -> str:
    """Markdown in which every text of a record means itself."""
    lines = [f"# {_marked(digest.title)}", "", f"{_counted(digest)}.", ""]
    for number, one in enumerate(digest.chosen, start=1):
        links = _links(one)
        title = _marked(one.paper.title)
        lines.append(f"## {number}. " + (f"[{title}](<{quote_link(links[0][1])}>)" if links else title))
        lines.append("")
        if about := _about(one):
            lines += [_marked(about), ""]
        for quotation in _quotations(one):
            lines += [f"> {_marked(quotation.text)}", f"> ({_marked(_where(quotation))})", ""]
        lines += [f"- {_marked(reason)}" for reason in one.why]
        lines += [f"- {_marked(kind)}: <{quote_link(link)}>" for kind, link in links]
        lines.append("")
    lines += [f"*{_marked(note)}*" + "\n" for note in digest.notes]
    return "\n".join(lines).rstrip() + "\n"


def html(digest: "Digest") -> str:
    """A piece of HTML: an article, without style and script."""
    parts = [f"<article>\n<h1>{escape(digest.title)}</h1>\n<p>{escape(_counted(digest))}.</p>\n"]
    for one in digest.chosen:
        parts.append(
            f"<section>\n<h2>{_linked(one.paper.title, main_link(one.paper))}</h2>\n{_inside(one)}</section>\n"
        )
    parts += [f"<p><small>{escape(note)}</small></p>\n" for note in digest.notes]
    return "".join([*parts, "</article>\n"])


def atom_feed(digest: "Digest") -> str:
    """An Atom feed with an entry a paper."""
    name = quote(f"{digest.since or ''}/{digest.until or ''}/{digest.by or ''}", safe="/")
    entries = [_entry(one) for one in digest.chosen]
    return atom(entries, title=digest.title, id=f"urn:paperwright:digest:{name}", updated=digest.until or "")


def text(digest: "Digest") -> str:
    """Plain text, 78 columns, no character that could steer a terminal."""
    lines = [_plain(digest.title), "=" * min(WIDTH, len(_plain(digest.title))), "", f"{_counted(digest)}.", ""]
    for number, one in enumerate(digest.chosen, start=1):
        lines += _wrapped(f"{number}. {_plain(one.paper.title)}")
        lines += _wrapped(_plain(_about(one)), "   ")
        for quotation in _quotations(one):
            lines += _wrapped(f'"{_plain(quotation.text)}"', "   ")
            lines.append(f"   ({_where(quotation)})")
        lines += [part for reason in one.why for part in _wrapped(_plain(reason), "   - ", "     ")]
        lines += [f"   {kind}: {_plain(link)}" for kind, link in _links(one)]
        lines.append("")
    lines += [part for note in digest.notes for part in _wrapped(_plain(note))]
    return "\n".join(lines).rstrip() + "\n"


def quote_link(link: str) -> str:
    """An address in which no character ends a link of Markdown or HTML."""
    return quote(link, safe=":/?&=#+,;@!$*%-._~")


def _counted(digest: "Digest") -> str:
    return f"{digest.counted}; every sentence is quoted"


def _about(one: "Chosen") -> str:
    paper = one.paper
    authors = ", ".join(paper.authors[:8]) + (f" and {len(paper.authors) - 8} more" if len(paper.authors) > 8 else "")
    where = " ".join(filter(None, [paper.venue, str(paper.year or ""), paper.decision]))
    keywords = "" if one.summary else "keywords: " + "; ".join(paper.keywords) if paper.keywords else ""
    return " · ".join(filter(None, [authors, where, one.topic, keywords]))


def _quotations(one: "Chosen") -> list[Quotation]:
    return [quotation for quotation in (one.summary, one.insight) if quotation is not None]


def _where(quotation: Quotation) -> str:
    return f"extracted: {quotation.source}" if quotation.extracted else quotation.source


def _links(one: "Chosen") -> list[tuple[str, str]]:
    main = main_link(one.paper)
    links = {"paper": main} if main else {}
    links |= {kind: link for kind, link in one.paper.urls.items() if safe_link(link) and link != main}
    links |= {
        f"code {n}" if n > 1 else "code": link for n, link in enumerate(one.paper.code_urls, 1) if safe_link(link)
    }
    return list(links.items())


def _inside(one: "Chosen") -> str:
    parts = [f"<p>{escape(about)}</p>\n"] if (about := _about(one)) else []
    for quotation in _quotations(one):
        said = f"{escape(quotation.text)}<br><small>{escape(_where(quotation))}</small>"
        parts.append(f"<blockquote>{said}</blockquote>\n")
    items = [f"<li>{escape(reason)}</li>" for reason in one.why]
    items += [f"<li>{_linked(kind, link)}</li>" for kind, link in _links(one)]
    return "".join([*parts, f"<ul>{''.join(items)}</ul>\n" if items else ""])


def _linked(words: str, link: str) -> str:
    if not safe_link(link):
        return escape(words)
    return f'<a href="{escape(quote_link(link))}" rel="noopener noreferrer">{escape(words)}</a>'


def _entry(one: "Chosen") -> Entry:
    plain = entry_of(one.paper)
    summary = one.summary.text if one.summary else plain.summary
    return Entry(
        plain.id, plain.title, summary, plain.updated, plain.authors, plain.categories, plain.links, _inside(one)
    )


def _marked(words: str) -> str:
    """Markdown that says these words: marked is what would mean something else, and nothing that would not."""
    words = _MARKUP.sub(r"\\\g<0>", _plain(words))
    words = _CLOSING.sub(r"\\#", words)
    if begins := _OPENING.match(words):
        words = f"{words[: begins.end() - 1]}\\{words[begins.end() - 1 :]}"
    return words.replace("<", "&lt;")


def _plain(words: str) -> str:
    return printable(" ".join(words.split()), "")


def _wrapped(words: str, first: str = "", other: str | None = None) -> list[str]:
    other = first if other is None else other
    return textwrap.wrap(words, WIDTH, initial_indent=first, subsequent_indent=other, break_on_hyphens=False)
