"""The column table: its masks are what conditions say of each paper, whatever came and went."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paperwright.navigator.column_table import ColumnTable, by_score
from paperwright.navigator.filters import Condition, Filter, columns_of, only_ids
from paperwright.navigator.index import date_number
from paperwright.navigator.paper import Paper

papers = st.builds(
    Paper,
    id=st.sampled_from("abcdefgh"),
    title=st.just("Title"),
    authors=st.lists(st.sampled_from(["Ada", "Alan", "Grace"]), max_size=3).map(tuple),
    keywords=st.lists(st.sampled_from(["Graphs", "RL"]), max_size=2).map(tuple),
    venue=st.sampled_from(["", "ICLR", "ICML"]),
    year=st.sampled_from([None, 2020, 2021, 2022]),
    decision=st.sampled_from(["", "Oral", "Reject"]),
    published=st.sampled_from([None, "2020", "2021-05", "2021-05-06"]),
    ratings=st.lists(st.integers(1, 10), max_size=2).map(tuple),
    code_urls=st.sampled_from([(), ("https://a.b",)]),
)
conditions = st.one_of(
    st.builds(only_ids, st.lists(st.sampled_from("abcxyz"), max_size=4), negated=st.booleans()),
    st.builds(Condition, st.just("author"), st.just(("ada", "nobody")), negated=st.booleans()),
    st.builds(Condition, st.just("keyword"), st.just(("rl",)), negated=st.booleans()),
    st.builds(Condition, st.sampled_from(["venue", "decision"]), st.just(("iclr", "oral")), negated=st.booleans()),
    st.builds(
        Condition,
        st.sampled_from(["year", "rating"]),
        st.none(),
        st.sampled_from([None, 3.5, 2021]),
        st.sampled_from([None, 6, 2021]),
        st.booleans(),
    ),
    st.builds(Condition, st.just("year"), st.just((2020, 2022)), negated=st.booleans()),
    st.builds(Condition, st.sampled_from(["has_code", "accepted"]), st.just((True,)), negated=st.booleans()),
    st.builds(
        Condition,
        st.just("published"),
        st.none(),
        st.sampled_from([None, "2020-06", "2021-05"]),
        st.sampled_from([None, "2021-05-31"]),
        st.booleans(),
    ),
)
steps = st.lists(
    st.tuples(st.just("put"), papers) | st.tuples(st.sampled_from(["out", "close"]), st.sampled_from("abcd"))
)


def made(given: list[tuple[str, Any]]) -> tuple[ColumnTable, dict[str, Paper]]:
    table, there = ColumnTable(), {}
    for step, what in given:
        if step == "put":
            table.take_out(what.id)
            table.put([what.id], [columns_of(what)])
            there.pop(what.id, None)
            there[what.id] = what
        elif step == "out":
            table.take_out(what)
            there.pop(what, None)
        else:
            table.close_gaps()
    return table, there


@given(steps, st.lists(conditions, max_size=3), st.booleans())
def test_a_mask_is_what_the_filter_says_of_each_paper(given: Any, chosen: list[Condition], kept: bool) -> None:
    table, there = made(given)
    if kept:
        table.close_gaps()
        table = ColumnTable.read(table.texts(), table.arrays())
    where = Filter(tuple(chosen))
    expected = {one for one, paper in there.items() if where.holds(columns_of(paper))}
    assert {table.ids[place] for place in np.flatnonzero(table.mask(where))} == expected
    assert len(table) == len(there)
    assert table.mask(Filter()).sum() == len(there)


@given(steps, st.lists(conditions, max_size=1))
def test_a_tally_counts_the_papers_of_each_value(given: Any, chosen: list[Condition]) -> None:
    table, there = made(given)
    where = Filter(tuple(chosen))
    rows = [row for row in map(columns_of, there.values()) if where.holds(row)]
    for column in ("venue", "year", "author", "has_code", "rating", "published"):
        values = [row[column] if isinstance(row[column], tuple) else (row[column],) for row in rows]
        expected = {one for value in values for one in value if one not in (None, "")}
        counts = {one: sum(one in value for value in values) for one in expected}
        assert table.tally([column], table.mask(where)) == {column: counts}


@given(steps)
def test_dates_are_those_of_the_papers(given: Any) -> None:
    table, there = made(given)
    for identifier, place in table.place.items():
        assert table.dates()[place] == date_number(columns_of(there[identifier]))


@pytest.mark.parametrize(
    ("published", "year", "number"),
    [
        ("2022-04-25", 2021, 20220425),
        ("2022-04", None, 20220400),
        ("2022", None, 20220000),
        (None, 2022, 20220000),
        (None, None, 0),
    ],
)
def test_a_date_as_a_number(published: str | None, year: int | None, number: float) -> None:
    assert date_number({"published": published, "year": year}) == number


@given(st.lists(st.integers(0, 4), min_size=1, max_size=40), st.integers(1, 45))
def test_the_best_by_score_and_of_equal_score_by_id(scores: list[int], k: int) -> None:
    ids = [f"p{(7 * place) % 41:02}" for place in range(len(scores))]
    found = by_score(ids, np.array(scores, dtype=np.float32), np.arange(len(scores)), k)
    expected = sorted(zip(ids, scores, strict=True), key=lambda one: (-one[1], one[0]))[:k]
    assert found == expected
