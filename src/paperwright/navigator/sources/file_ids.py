"""Ids of the records of one file: no two go by one id, so that none takes the place of another without a word."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from ..titles import titles_agree


@dataclass(frozen=True, slots=True)
class Said:
    """What a record of a file says that tells it from the others.

    Attributes:
        identity: The id that it shares with records of the same work elsewhere, such as its DOI; "" where it has none.
        title: Its title, without marks.
        page: The first of its pages; "" where unknown.
        own: The id that it has in this file only.
    """

    identity: str
    title: str
    page: str
    own: str


def ids_of(records: Iterable[Said]) -> list[str | None]:
    """The id of each record; None where another record before it has both its identity and its own id.

    A record goes by its identity. Where works of other titles or pages say the same identity, as the chapters of a book
    may say its DOI, each goes by its own id; where one work is there again, only the first record does not.
    """
    records = list(records)
    works: dict[str, list[Said]] = defaultdict(list)
    for one in records:
        works[one.identity].append(one)
    shared = {identity for identity, found in works.items() if not all(_of_one_work(found[0], one) for one in found)}
    taken: set[str] = set()
    ids: list[str | None] = []
    for one in records:
        wanted = (one.own,) if not one.identity or one.identity in shared else (one.identity, one.own)
        found = next((identifier for identifier in wanted if identifier not in taken), None)
        ids.append(found)
        if found is not None:
            taken.add(found)
    return ids


def _of_one_work(first: Said, other: Said) -> bool:
    if first.page and other.page and first.page != other.page:
        return False
    return titles_agree(first.title, other.title)


def by_key(key: str, title: str) -> str:
    """An id of a key, which is unique in its file only, and of the title, which tells the files' entries apart."""
    letters = "".join(one for one in title.casefold() if one.isalnum())
    sign = f"-{hashlib.sha256(letters.encode(errors='replace')).hexdigest()[:6]}"
    return f"{re.sub(r'[^!-~]', '', key).removesuffix(sign)[:190]}{sign}"
