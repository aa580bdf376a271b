"""Distinct arcs against sets and dictionaries of pairs."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from paperwright.blocks.arcs import distinct_arcs

pairs = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=20)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(pairs, st.booleans())
def test_each_arc_once_with_its_first_column(arcs: list[tuple[int, int]], both_ways: bool) -> None:
    arcs = arcs + [(v, u) for u, v in arcs] if both_ways else arcs
    found = distinct_arcs(torch.tensor(arcs, dtype=torch.long).reshape(-1, 2).T, 6)
    distinct = sorted(set(arcs))
    assert [divmod(code, 6) for code in found.codes.tolist()] == distinct
    assert found.columns.tolist() == [arcs.index(arc) for arc in distinct]
    assert found.symmetric == ({(v, u) for u, v in arcs} == set(arcs))
