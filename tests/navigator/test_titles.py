"""Titles that are of one work, and titles that are nearly the same."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paperwright.navigator.duplicates import deduplicated
from paperwright.navigator.errors import NavigatorError
from paperwright.navigator.paper import Paper
from paperwright.navigator.titles import proposals, titles_agree


def record(source: str, identifier: str, **values: Any) -> Paper:
    return Paper(**{"id": identifier, "title": "Counting tides without a clock", "source": source, **values})


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Counting tides", "COUNTING TIDES!"),
        ("Counting tides", "Counting Tides in Spring"),
        ("How herons cross a river", "How herons cross a river: a field study"),
        ("Neural message passing", "Neural Mesage Passing"),
        ("On the flow of graphs and trees", "Graphs and trees: on their flow"),
        ("深度学习方法综述", "深度学习方法综述"),
        ("Herons: Part II", "Herons: part ii"),
        ("Herons in 3 rivers", "Herons in 3 rivers: 10 lessons"),
    ],
)
def test_titles_that_agree(first: str, second: str) -> None:
    assert titles_agree(first, second)
    assert titles_agree(second, first)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("How herons cross a river", "Counting tides without a clock"),
        ("Introduction", "Introduction to the counting of herons in rivers"),
        ("Deep learning for herons", "Deep learning of river tides"),
        ("深度学习方法综述", "强化学习在河流中的应用"),
        ("???", "Counting tides"),
        ("The counting of herons: Part I", "The counting of herons: Part II"),
        ("Proceedings of the Heron Society, 12", "Proceedings of the Heron Society, 13"),
        ("Chapter One", "Chapter Two"),
        ("The counting of herons, part A", "The counting of herons, part B"),
        ("Herons", "The herons of the north"),
    ],
)
def test_titles_that_do_not(first: str, second: str) -> None:
    assert not titles_agree(first, second)
    assert not titles_agree(second, first)


# -- pairs among many --------------------------------------------------------------------------------------------------


def edits(first: str, second: str) -> int:
    """The whole table, as in the textbook."""
    row = list(range(len(second) + 1))
    for down, letter in enumerate(first, start=1):
        above, row = row, [down]
        for place, other in enumerate(second, start=1):
            row.append(min(above[place] + 1, row[-1] + 1, above[place - 1] + (letter != other)))
    return row[-1]


def test_near_titles_are_proposed_not_joined() -> None:
    papers = [
        record("a", "a", title="Neural Message Passing for Quantum Chemistry", authors=("X",)),
        record("b", "b", title="Neural Mesage Passing for Quantum Chemistry", authors=("X",)),
        record("c", "c", title="Neural Message Passing for Organic Chemistry", authors=("X",)),
    ]
    assert deduplicated(papers) == papers
    (found,) = proposals(papers)
    assert (found.first, found.second) == ("a", "b")
    assert found.ratio == pytest.approx(1 - 1 / 39)


def test_equal_titles_come_first() -> None:
    papers = [record("a", "a"), record("b", "b"), record("c", "c", title="Counting tides without a clocks")]
    first = proposals(papers)[0]
    assert (first.first, first.second, first.ratio) == ("a", "b", 1.0)


@given(st.integers(0, 10_000), st.sampled_from([0.95, 0.9, 0.8, 1.0]))
@settings(max_examples=25, deadline=None)
def test_no_pair_is_missed_and_none_is_invented(seed: int, ratio: float) -> None:
    generator = random.Random(seed)
    titles = []
    for _ in range(6):
        title = "".join(generator.choices("abc", k=generator.randrange(12, 50)))
        titles.append(title)
        for _ in range(2):
            letters = list(title)
            for _ in range(generator.randrange(4)):
                place = generator.randrange(len(letters) + 1)
                letters[place : place + generator.randrange(2)] = generator.choices("abc", k=generator.randrange(2))
            titles.append("".join(letters) or "a")
    papers = [record("x", f"p{n}", title=title) for n, title in enumerate(titles)]
    long = [paper for paper in papers if len(paper.title) >= 12]
    expected = {
        (first.id, second.id)
        for first in long
        for second in long
        if first.id < second.id
        and edits(first.title, second.title) <= (1 - ratio) * max(len(first.title), len(second.title)) + 1e-9
    }
    assert {(one.first, one.second) for one in proposals(papers, ratio)} == expected


@pytest.mark.parametrize("ratio", [0.5, 1.01, -1, float("nan")])
def test_a_ratio_that_cannot_be(ratio: float) -> None:
    with pytest.raises(NavigatorError, match="ratio is above"):
        proposals([], ratio)
