"""Filters: the plain form, what it means, and what it refuses."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paperwright.navigator.errors import NavigatorError
from paperwright.navigator.filters import COLUMNS, Condition, Filter, columns_of, only_ids
from paperwright.navigator.paper import Paper

PAPER = Paper(
    id="a1",
    title="Curvature",
    authors=("Ada  Lovelace", "Alan Turing"),
    keywords=("Graph Neural Networks", "over-squashing"),
    venue="ICLR",
    year=2022,
    decision="Oral",
    ratings=(8, 8, 6),
    published="2022-04-25",
    citations=0,
    code_urls=("https://example.org/code",),
    categories=("cs.LG",),
)
BARE = Paper(id="b2", title="Nothing is known of it")


def holds(where: dict[str, Any], paper: Paper = PAPER) -> bool:
    return Filter.of(where).holds(columns_of(paper))


@pytest.mark.parametrize(
    ("where", "found", "bare"),
    [
        ({}, True, True),
        ({"year": 2022}, True, False),
        ({"year": [2021, 2022]}, True, False),
        ({"year": (2020, 2022)}, True, False),
        ({"year": (2023, None)}, False, False),
        ({"year": (None, 2022)}, True, False),
        ({"-year": (2020, 2022)}, False, True),
        ({"decision": ["Oral", "spotlight"]}, True, False),
        ({"decision": "  ORAL "}, True, False),
        ({"-decision": "Oral"}, False, True),
        ({"has_code": True}, True, False),
        ({"accepted": False}, False, True),
        ({"author": "ada lovelace"}, True, False),
        ({"author": ["nobody", "Alan Turing"]}, True, False),
        ({"keyword": "graph neural networks", "venue": "iclr"}, True, False),
        ({"keyword": "graph neural networks", "venue": "nips"}, False, False),
        ({"category": "cs.lg"}, True, False),
        ({"citations": (0, 0)}, True, False),
        ({"rating": (7, 8)}, True, False),
        ({"id": ["a1", "zz"]}, True, False),
        ({"-id": ["a1"]}, False, True),
        ({"published": "2022-04-25"}, True, False),
        ({"published": ("2022-04", "2022-04")}, True, False),
        ({"published": ("2022", "2022")}, True, False),
        ({"published": (None, "2022-04-24")}, False, False),
        ({"published": ("2022-04-26", None)}, False, False),
        ({"decision": []}, False, False),
    ],
)
def test_what_filters_mean(where: dict[str, Any], found: bool, bare: bool) -> None:
    assert holds(where) is found
    assert holds(where, BARE) is bare


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"colour": "red"}, "no column 'colour' to filter by; there are id, venue, year"),
        ({"year": "2022"}, "year: expected a number below 2^53"),
        ({"year": True}, "year: expected a number"),
        ({"year": float("nan")}, "year: expected a number"),
        ({"year": 10**400}, "year: expected a number"),
        ({"year": (2020, float("inf"))}, "or None for an open end"),
        ({"year": (2020, 2021, 2022)}, r"year: a range is a pair \(low, high\)"),
        ({"decision": ("oral", "poster")}, "decision: a range is a pair"),
        ({"decision": 3}, "decision: expected a text; got 3"),
        ({"has_code": "yes"}, "has_code: expected True or False"),
        ({"published": "April"}, "published: expected a date such as"),
        ({"published": ("April", None)}, "published: expected a date such as"),
        (["year"], "a filter is a mapping"),
        ("year", "a filter is a mapping"),
    ],
)
def test_bad_filters(where: Any, message: str) -> None:
    with pytest.raises(NavigatorError, match=message.replace("^", r"\^")):
        Filter.of(where)


def test_a_filter_is_taken_as_it_is() -> None:
    some = Filter((Condition("year", (2022,)),))
    assert Filter.of(some) is some
    assert not Filter.of(None)
    assert some.also(only_ids(["a1"], negated=True)).conditions[-1] == Condition("id", ("a1",), negated=True)


@given(st.integers(1990, 2030), st.integers(1990, 2030))
def test_a_negated_range_is_everything_else(low: int, high: int) -> None:
    assert holds({"year": (low, high)}) != holds({"-year": (low, high)})


def test_every_column_is_known_of_every_paper() -> None:
    assert set(columns_of(PAPER)) == set(columns_of(BARE)) == set(COLUMNS)
