"""Known items: what a reader types who knows which paper it is, an id, a link or the whole title."""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import parse_qs, unquote, urlsplit

from .errors import UnknownPaperId
from .paper import Paper
from .text import sequence

MOST = 50  # ids that one link may be
_ARXIV = re.compile(r"(?:arxiv:)?((?:\d{4}\.\d{4,5}|[a-z-]+(?:\.[a-z]{2})?/\d{7}))(?:v\d+)?(?:\.pdf)?", re.IGNORECASE)
_LINK = re.compile(
    r"https?://\S+"
    r"|(?:[\w-]+\.)*(?:arxiv\.org|openreview\.net|doi\.org|semanticscholar\.org|openalex\.org|aclanthology\.org)/\S+",
    re.IGNORECASE,
)
_DOI = re.compile(r"(?:doi:)?(10\.\d{4,9}/\S+)", re.IGNORECASE)


def possible_ids(query: str) -> list[str]:
    """The ids of papers that a query may be, as it stands or as a link to the paper's page; the likeliest first."""
    query = query.strip()
    if not query or len(query) > 500 or any(one.isspace() for one in query):
        return []
    return list(dict.fromkeys(_ids(query)))[:MOST]


def is_link(query: str) -> bool:
    """Whether the query is one link; one to a known place may lack its `https://`, as browsers show it."""
    return _LINK.fullmatch(query.strip()) is not None


def missing(query: str) -> str | None:
    """What to say of an id, a DOI or a link that the library does not hold; None of a query that is none of these."""
    query = query.strip()
    if any(one.isspace() for one in query):
        return None
    names = list(dict.fromkeys(_ids(query)))[:MOST]
    if any(name.startswith("arxiv:") for name in names) and not names[-1].startswith("doi:"):
        arxiv = next(name for name in names if name.startswith("arxiv:")).removeprefix("arxiv:")
        return f"the library does not hold arxiv:{arxiv}; `paperwright sync arxiv:{arxiv}` fetches it"
    if doi := next((name.removeprefix("doi:") for name in names if name.startswith("doi:")), None):
        return f"the library does not hold the DOI {doi}; `paperwright sync semanticscholar:DOI:{doi}` fetches it"
    if not is_link(query):
        return None
    if "openreview.net/" in query.lower():
        fetches = "`paperwright sync openreview:` with the name of its conference, such as ICLR.cc/2022/Conference,"
        return f"the library holds no paper behind this link; {fetches} fetches it"
    return "the library holds no paper behind this link; `paperwright sync semanticscholar:` with its title fetches it"


def unknown(identifier: str) -> UnknownPaperId:
    """The error for an id that the library does not hold, with the command that would fetch it if there is one."""
    return UnknownPaperId(missing(identifier) or f"the library has no paper with the id {identifier!r:.100}")


def titled(query: str, papers: Iterable[Paper]) -> list[str]:
    """The papers whose title the query is, spelling of case, marks and endings aside."""
    words = sequence(query)
    return [paper.id for paper in papers if words and words == sequence(paper.title)]


def _ids(text: str) -> Iterator[str]:
    yield from _as_written(text)
    if is_link(text):
        try:
            link = urlsplit(text if "://" in text else f"https://{text}")
        except ValueError:  # such as a broken IPv6 host
            return
        # .../forum?id=X, .../abs/2102.07033v2, .../10.1145/3292500, .../W2741809807
        for values in parse_qs(link.query).values():
            yield from values
        parts = [part for part in unquote(link.path).split("/") if part]
        for start in range(len(parts)):
            yield from _as_written("/".join(parts[start:]))


def _as_written(text: str) -> Iterator[str]:
    yield text
    if arxiv := _ARXIV.fullmatch(text):
        yield from (f"arxiv:{arxiv[1]}", arxiv[1])
    if doi := _DOI.fullmatch(text):
        yield from (doi[1], doi[1].lower(), f"doi:{doi[1]}", f"doi:{doi[1].lower()}")
