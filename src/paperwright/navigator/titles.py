"""Titles: whether two are of one work, and which of many are nearly the same."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from .errors import NavigatorError
from .paper import Paper

RATIO = 0.95
SHORTEST = 12
"""Letters that a title must have to say anything: "Introduction" is many papers."""
_HEAD = 16
"""Letters that a title must have to be known as the beginning of another, one with a subtitle."""
_COUNT = re.compile(
    r"\b(?:\d+|[ivx]+|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
    r"|first|second|third|fourth|fifth|sixth|(?<=part )[a-h]|(?<=chapter )[a-h]|(?<=appendix )[a-h])\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Proposal:
    """Two papers whose titles are nearly the same.

    Attributes:
        first, second: Their ids.
        ratio: 1 - edits / length of the longer title, both in letters and digits alone.
    """

    first: str
    second: str
    ratio: float


def plain(text: str) -> str:
    """Letters and digits alone, without accents, in lower case."""
    decomposed = unicodedata.normalize("NFKD", text.replace("ß", "ss").replace("ø", "o").replace("Ø", "O"))
    return "".join(one for one in decomposed.casefold() if one.isalnum())


def titles_agree(first: str, second: str) -> bool:
    """Whether two titles may be of one work, where something else says that they are.

    They may be if they are nearly the same, if one is the beginning of the other, or if most words of either, two at
    least, are in the other; but not if both count and count differently, "Part I" and "Part II", "Part One" and "Two".
    """
    one, other = sorted((plain(first), plain(second)), key=len)
    if one == other:
        return True
    counts, others_counts = (set(map(str.casefold, _COUNT.findall(title))) for title in (first, second))
    if counts - others_counts and others_counts - counts:
        return False
    if len(one) >= _HEAD and other.startswith(one):
        return True
    words, others = ({found for word in title.split() if len(found := plain(word)) > 3} for title in (first, second))
    if len(words & others) > 1 and 2 * len(words & others) > max(len(words), len(others)):
        return True
    return SequenceMatcher(None, one, other, autojunk=False).ratio() >= 0.85


def proposals(papers: Iterable[Paper], ratio: float = RATIO) -> list[Proposal]:
    """The pairs of papers whose titles are nearly the same, the nearest first.

    Exact, and without comparing every pair: a title that is at most e edits from another, cut into e + 1 pieces, has a
    piece that stands unchanged in the other, at most e letters away (Li, Deng, Wang and Feng, "Pass-Join", 2011).

    Args:
        papers: With ids that are all different.
        ratio: The least 1 - edits / length of the longer title; above 0.5.

    Raises:
        NavigatorError: the ratio cannot be.
    """
    if not 0.5 < ratio <= 1:
        raise NavigatorError(f"ratio is above 0.5 and at most 1; got {ratio!r:.80}")
    titles = sorted((len(title), title, paper.id) for paper in papers if len(title := plain(paper.title)) >= SHORTEST)
    pieces: dict[tuple[int, int, str], list[int]] = defaultdict(list)
    lengths: set[int] = set()
    found = []
    for number, (length, title, identifier) in enumerate(titles):
        most = _edits(length, ratio)
        candidates: set[int] = set()
        for other in range(length - most, length + 1):
            if other in lengths:
                for piece, start, size in _pieces(other, ratio):
                    for place in range(max(0, start - most), min(length - size, start + most) + 1):
                        candidates.update(pieces.get((other, piece, title[place : place + size]), ()))
        for candidate in candidates:
            edits = _distance(titles[candidate][1], title, most)
            if edits is not None:
                pair = sorted((titles[candidate][2], identifier))
                found.append(Proposal(pair[0], pair[1], 1 - edits / length))
        lengths.add(length)
        for piece, start, size in _pieces(length, ratio):
            pieces[length, piece, title[start : start + size]].append(number)
    return sorted(found, key=lambda one: (-one.ratio, one.first, one.second))


def _edits(length: int, ratio: float) -> int:
    """How many edits a longer title of this length may be away."""
    return int((1 - ratio) * length + 1e-9)


def _pieces(length: int, ratio: float) -> Iterator[tuple[int, int, int]]:
    """(number, start, size) of the pieces of a title, one more than the edits to any longer title that is near."""
    count = _edits(int(length / ratio + 1e-9), ratio) + 1
    size, longer = divmod(length, count)
    start = 0
    for piece in range(count):
        extent = size + (piece >= count - longer)
        yield piece, start, extent
        start += extent


def _distance(first: Sequence[str], second: Sequence[str], most: int) -> int | None:
    """The edits between two texts, or None if more than `most`; a band of the table is enough (Ukkonen 1985)."""
    if abs(len(first) - len(second)) > most:
        return None
    beyond = most + 1
    row = [min(place, beyond) for place in range(len(second) + 1)]
    for down, letter in enumerate(first, start=1):
        left, right = max(1, down - most), min(len(second), down + most)
        above, row = row, [beyond] * (len(second) + 1)
        row[0] = min(down, beyond)
        for place in range(left, right + 1):
            same = above[place - 1] + (letter != second[place - 1])
            row[place] = min(same, above[place] + 1, row[place - 1] + 1, beyond)
        if min(row[left - 1 : right + 1]) > most:
            return None
    return row[-1] if row[-1] <= most else None
