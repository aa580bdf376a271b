"""Keywords: what authors call their topics, counted after the spellings of one topic are merged by a table.

The table is data (`merged_keywords.json`), shown beside every count that it changes. It is short on purpose; which
other spellings could be merged is proposed by `proposals` and left to the reader.
"""

import functools
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from paperwright.stats.interval import Interval

from .errors import NavigatorError
from .filters import folded
from .paper import Paper

_SEPARATOR = re.compile("[,;]")


class KeywordTable:
    """Which spellings stand for which topic.

    Args:
        merged: A topic's name with its other spellings, folded when they are compared.

    Raises:
        NavigatorError: a spelling is given to two topics.
    """

    def __init__(self, merged: Mapping[str, Sequence[str]]) -> None:
        self.merged = {folded(name): tuple(map(folded, spellings)) for name, spellings in merged.items()}
        self._name: dict[str, str] = {}
        for name, spellings in self.merged.items():
            for spelling in (name, *spellings):
                if self._name.setdefault(spelling, name) != name:
                    raise NavigatorError(
                        f"the keyword {spelling!r} is merged into {self._name[spelling]!r} and {name!r}"
                    )

    @classmethod
    @functools.cache
    def house(cls) -> "KeywordTable":
        """The table that comes with the package."""
        text = Path(__file__).with_name("merged_keywords.json").read_text(encoding="utf-8")
        return cls(json.loads(text))

    def topic(self, keyword: str) -> str:
        """The topic that a keyword stands for; its folded self where no row says otherwise."""
        spelling = folded(keyword)
        return self._name.get(spelling, spelling)

    def spellings(self, topic: str) -> tuple[str, ...]:
        """The topic's name and what is merged into it."""
        name = self.topic(topic)
        return (name, *self.merged.get(name, ()))

    def also(self, merged: Mapping[str, Sequence[str]]) -> "KeywordTable":
        """This table with more rows; spellings of a topic that it has are added to its own."""
        rows = {name: list(spellings) for name, spellings in self.merged.items()}
        for name, spellings in merged.items():
            rows.setdefault(self.topic(name), []).extend(spellings)
        return KeywordTable(rows)


@dataclass(frozen=True, slots=True)
class KeywordTopic:
    """A topic that authors name, and how many do.

    Attributes:
        name: The keyword, in lower case.
        papers: Papers that name it under any of its spellings, each once.
        accepted: How many of them are accepted.
        spellings: The spellings that occur, each with its papers, the commonest first.
    """

    name: str
    papers: int
    accepted: int
    spellings: tuple[tuple[str, int], ...]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"spellings": dict(self.spellings)}


def keywords_of(paper: Paper) -> tuple[str, ...]:
    """The paper's keywords, folded, each once; one that holds several, parted by commas or semicolons, is split."""
    found = (folded(part) for keyword in paper.keywords for part in _SEPARATOR.split(keyword))
    return tuple(dict.fromkeys(keyword for keyword in found if keyword))


def topics_named(papers: Iterable[Paper], table: KeywordTable | None = None) -> list[KeywordTopic]:
    """The topics that papers name as keywords, the commonest first, equal ones by name.

    Args:
        papers: In any order.
        table: Which spellings are one topic; by default the package's own table. `KeywordTable({})` merges nothing.
    """
    table = table or KeywordTable.house()
    total: Counter[str] = Counter()
    accepted: Counter[str] = Counter()
    spelled: dict[str, Counter[str]] = {}
    for paper in papers:
        keywords = keywords_of(paper)
        for keyword in keywords:
            spelled.setdefault(table.topic(keyword), Counter())[keyword] += 1
        named = {table.topic(keyword) for keyword in keywords}
        total.update(named)
        accepted.update(named if paper.accepted else ())
    ranked = sorted(total, key=lambda name: (-total[name], name))
    return [KeywordTopic(name, total[name], accepted[name], tuple(spelled[name].most_common())) for name in ranked]


def proposals(papers: Iterable[Paper], table: KeywordTable | None = None) -> dict[str, tuple[str, ...]]:
    """Spellings that look like one topic and are not merged yet: a row of the table each, under the commonest spelling.

    Proposed are spellings that differ in hyphens, a full stop or a plural only ("graph neural network."), and acronyms
    in brackets that the authors spell out ("graph neural networks (gnns)").
    """
    counts = {topic.name: topic.papers for topic in topics_named(papers, table)}
    groups: dict[str, list[str]] = {}
    for name in counts:
        groups.setdefault(_skeleton(name), []).append(name)
    rows = {}
    for names in groups.values():
        if len(names) > 1:
            first, *others = sorted(names, key=lambda name: (-counts[name], name))
            rows[first] = tuple(others)
    return dict(sorted(rows.items(), key=lambda row: (-sum(counts[name] for name in (row[0], *row[1])), row[0])))


def _skeleton(keyword: str) -> str:
    """What is left of a keyword when hyphens, plurals, full stops and an acronym in brackets do not count."""
    bare = re.sub(r"\s*\([^)]*\)$", "", keyword)
    words = re.sub(r"[^\w]+", " ", bare).split()
    return " ".join(
        word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word for word in words
    )


def order_agreement(
    papers: Iterable[Paper],
    order: Sequence[Sequence[str]],
    table: KeywordTable | None = None,
    *,
    resamples: int = 9999,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Kendall's rank correlation of an order of topics with the number of papers that name each, and its interval.

        tau = (pairs in the same order - pairs in the opposite order) / all pairs

    A pair with equal counts is neither. The interval is that of the percentile bootstrap over papers: papers fall into
    classes by which of the topics they name, and a resample is a multinomial draw of the classes.

    Args:
        papers: The cases that are resampled.
        order: The topics, the most frequent first. A place that names several counts by the commonest of them.
        table: Which spellings are one topic; by default the package's own table.
        resamples: Of the bootstrap.
        level: Of the interval.
        seed: Decides the resamples.

    Raises:
        NavigatorError: fewer than two places, or no papers.

    References:
        Kendall (1938), A new measure of rank correlation, Biometrika 30.
    """
    table = table or KeywordTable.house()
    if len(order) < 2:
        raise NavigatorError(f"an order has at least two topics; got {len(order)}")
    flat = [table.topic(name) for names in order for name in names]
    classes: Counter[tuple[bool, ...]] = Counter()
    for paper in papers:
        named = {table.topic(keyword) for keyword in keywords_of(paper)}
        classes[tuple(name in named for name in flat)] += 1
    cases = sum(classes.values())
    if not cases:
        raise NavigatorError("there are no papers whose topics could be in any order")
    names_them = np.array(list(classes), dtype=np.float64)
    share = np.array(list(classes.values())) / cases
    drawn = np.random.default_rng(seed).multinomial(cases, share, size=resamples)
    places = list(_slices(order))

    def tau(counts: Float64[np.ndarray, "samples topics"]) -> Float64[np.ndarray, " samples"]:
        best = np.stack([counts[:, place].max(axis=1) for place in places], axis=1)
        above, below = np.triu_indices(len(places), 1)
        agreement: Float64[np.ndarray, " samples"] = np.sign(best[:, above] - best[:, below]).mean(axis=1)
        return agreement

    estimate = float(tau((cases * share)[None] @ names_them)[0])
    low, high = np.quantile(tau(drawn @ names_them), [(1 - level) / 2, (1 + level) / 2])
    return Interval(estimate, float(low), float(high), level, "Kendall, percentile bootstrap")


def _slices(order: Sequence[Sequence[str]]) -> Iterator[slice]:
    start = 0
    for names in order:
        yield slice(start, start + len(names))
        start += len(names)
