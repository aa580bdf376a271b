"""Reading the fields of foreign records: what may be a text, a number, a date, a link, and what these become.

Sources write the same thing in many ways, and an unknown value as "", -1, null or nothing at all. A reader here gives
the value in the house's form, or says that it is unknown; it does not guess.
"""

import datetime
import html
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit

_NUMBER = re.compile(r"\s*([+-]?\d+(?:\.\d+)?)")
_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?(?![\d-])")
_ARXIV = re.compile(
    r"(?:^|arxiv[.:/]|arxiv\.org/(?:abs|pdf|html|format)/)\s*"
    r"(\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(?:v\d+)?(?:\.pdf)?(?=$|[\s?#\]),;.])",
    re.IGNORECASE,
)
_DOI = re.compile(
    r"(?:^|(?P<resolver>doi\.org/|doi[.: ])|doi/(?:(?:abs|full|pdf|epdf|pdfdirect|book|reader)/)?)"
    r"\s*(?P<doi>10\.\d{4,9}/[^\s?#]+)",
    re.IGNORECASE,
)
_PAGE = re.compile(r"/(?:abstract|full|fulltext|pdf|epdf|summary|references|citedby|meta|html|epub)$", re.IGNORECASE)
_MARKUP = re.compile(
    r"</?(?:(?P<block>p|br|div|li|ul|ol|h[1-6]|title|sec|jats:(?:p|sec|title))|"
    r"i|b|em|strong|sub|sup|u|tt|sc|span|small|a|font|jats:[\w-]+|mml:[\w-]+|inf|scp)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[\da-f]{1,6}|[a-z][a-z\d]{1,31});", re.IGNORECASE)  # "R&D" is none
_FORUM = re.compile(r"https?://(?:www\.)?openreview\.net/(?:forum|pdf)\?(?:[^#]*&)?id=([A-Za-z0-9_-]{6,20})(?:[&#]|$)")


def text(value: Any) -> str:
    """A text; "" for null.

    Raises:
        TypeError: a list or an object came.
    """
    if value is None:
        return ""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    raise TypeError(f"expected a text, got {value!r:.80}")


def texts(value: Any, separators: str = ";") -> tuple[str, ...]:
    """A list of texts, or one text split at any of the separators; nothing empty.

    Raises:
        TypeError: something else came.
    """
    if value is None:
        return ()
    if isinstance(value, Mapping):
        raise TypeError(f"expected a list, got {value!r:.80}")
    parts = re.split(f"[{re.escape(separators)}]", value) if isinstance(value, str) else [text(one) for one in value]
    return tuple(part.strip() for part in parts if part.strip())


def number(value: Any) -> float | None:
    """A number, or the one that a text begins with ("6: marginally above ..."); None where unknown or negative."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str):
        found = _NUMBER.match(value)
        value = float(found.group(1)) if found else None
    if not isinstance(value, int | float):
        return None
    try:
        return float(value) if 0 <= value < 2.0**53 else None
    except OverflowError:
        return None


def numbers(value: Any, separators: str = ";") -> tuple[float, ...]:
    """The numbers of a list, or of a text with separators; unknown ones are left out."""
    if isinstance(value, int | float):
        value = [value]
    parts: Iterable[Any] = texts(value, separators) if isinstance(value, str) else value or ()
    return tuple(found for part in parts if (found := number(part)) is not None)


def whole(value: Any) -> int | None:
    """A whole number; None where unknown or negative."""
    found = number(value)
    return int(found) if found is not None and found == int(found) else None


def year(value: Any) -> int | None:
    """A year between 1000 and 2999; None for anything else."""
    found = whole(value)
    return found if found is not None and 1000 <= found < 3000 else None


def date(value: Any) -> str | None:
    """The ISO date at the head of a text, or of milliseconds since 1970 (UTC); None where there is none."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return datetime.datetime.fromtimestamp(value / 1000, datetime.UTC).date().isoformat()
        except (OverflowError, OSError, ValueError):
            return None
    found = _DATE.match(value.strip()) if isinstance(value, str) else None
    if not found:
        return None
    parts = [int(part) for part in found.groups() if part]
    try:
        whole_date = datetime.date(*[*parts, 1, 1][:3])
    except ValueError:
        return None
    return whole_date.isoformat()[: (4, 7, 10)[len(parts) - 1]]


def link(value: Any, base: str = "") -> str:
    """A link that leads to the web, or "": nothing but http and https, and no white space, is one.

    Args:
        base: What a link that begins with "/" is relative to.
    """
    if not isinstance(value, str):
        return ""
    found = value.strip()
    if base and found.startswith("/") and not found.startswith("//"):
        found = base + found
    if re.search(r"[\s\x00-\x1f\x7f<>\"'`\\]", found) or len(found) > 2_000:
        return ""
    try:
        parts = urlsplit(found)
        return found if parts.scheme.lower() in ("http", "https") and parts.hostname else ""
    except ValueError:
        return ""


def links(**named: Any) -> dict[str, str]:
    """The links among these, by name."""
    return {name: found for name, value in named.items() if (found := link(value))}


def doi_of(value: Any) -> str:
    """A DOI in lower case without its resolver, such as `10.1063/1.1383585`; "" where there is none.

    What a publisher's address says behind it, `/abstract`, is not part of it; nor is a mark or a bracket that closes
    around it.
    """
    if not isinstance(value, str):
        return ""
    value = value.strip()
    if re.search(r"10\.\d{4,9}%2f", value, re.IGNORECASE):
        value = unquote(value)
    found = _DOI.search(value)
    if not found:
        return ""
    doi = found.group("doi")
    if found.start("doi") and not found.group("resolver"):
        doi = _PAGE.sub("", doi)
    while doi[-1] in ".,;" or (doi[-1] == ")" and doi.count(")") > doi.count("(")):
        doi = doi[:-1]
    return doi.lower()


def arxiv_of(value: Any) -> str:
    """An arXiv id without its version and class, such as `2102.07033` or `math/0309136`; "" where there is none."""
    found = _ARXIV.search(value.strip()) if isinstance(value, str) else None
    return re.sub(r"\.[A-Z]{2}/", "/", found.group(1), flags=re.IGNORECASE) if found else ""


def unmarked(value: str) -> str:
    """A text without HTML or JATS: "<i>E. coli</i> &amp; others" is E. coli & others."""
    if "&" in value:
        for _ in range(3):  # some sources escape what is escaped
            value = _ENTITY.sub(lambda found: html.unescape(found.group()), value)
    return _MARKUP.sub(lambda tag: " " if tag.group("block") else "", value) if "<" in value else value


def resolved(doi: str, arxiv: str = "") -> str:
    """The link that a DOI, or else an arXiv id, is resolved by; "" where there is neither."""
    if doi:
        return f"https://doi.org/{quote(doi, safe='/:;,()!$*@+=-._~')}"
    return f"https://arxiv.org/abs/{arxiv}" if arxiv else ""


def forum_of(value: Any) -> str:
    """The forum id in a link to OpenReview; "" where there is none."""
    found = _FORUM.match(value.strip()) if isinstance(value, str) else None
    return found.group(1) if found else ""


def known(**values: Any) -> dict[str, Any]:
    """What of these is known: neither null nor empty."""
    return {name: value for name, value in values.items() if value not in (None, "", (), [], {})}


def decision_of(said: str) -> str:
    """A decision in the house's spelling; "" where the words say none.

    ICLR 2023 called its oral papers "notable-top-5%" and its spotlights "notable-top-25%". An invitation to the
    workshop track is a rejection from the conference.
    """
    words = said.casefold()
    for sign, decision in _DECISIONS:
        if re.search(sign, words):
            return decision
    return ""


_DECISIONS = (
    (r"desk[ _-]?reject", "Desk Reject"),
    (r"withdr[ae]w", "Withdrawn"),
    (r"\breject|\bnot accept|workshop", "Reject"),
    (r"\boral\b|top[ -]5\s?%", "Oral"),
    (r"\bspotlight|top[ -]25\s?%", "Spotlight"),
    (r"\bposter\b", "Poster"),
    (r"\baccept", "Accept"),
)


def mapping(value: Any) -> Mapping[str, Any]:
    """An object of JSON; {} for null.

    Raises:
        TypeError: something else came.
    """
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return value
    raise TypeError(f"expected an object, got {value!r:.80}")
