"""Fusion: the figures by hand, and what no fusion may do."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from paperwright.navigator.fusion import Scale, convex, rrf

IDS = st.sampled_from("abcdefgh")
SCORES = st.dictionaries(IDS, st.integers(0, 16).map(lambda number: number / 8), max_size=8)


def test_reciprocal_ranks_by_hand() -> None:
    found = dict(rrf(["a", "b"], ["b", "c"]))
    assert list(found) == ["b", "a", "c"]
    assert found == {"b": pytest.approx(1 / 62 + 1 / 61), "a": pytest.approx(1 / 61), "c": pytest.approx(1 / 62)}
    assert found["b"] == pytest.approx(0.032522, abs=1e-6)


def test_convex_by_hand() -> None:
    found = dict(convex({"a": 4.0, "b": 2.0}, {"a": 0.2, "b": 0.6, "c": 1.0}))
    assert found == {"a": pytest.approx(0.5), "b": pytest.approx(0.25 + 0.25), "c": pytest.approx(0.5)}
    assert list(found) == ["a", "b", "c"]  # equal scores by id
    assert list(dict(convex({"a": 4.0, "b": 2.0}, {"a": 0.2, "b": 0.6, "c": 1.0}, alpha=0.25))) == ["c", "b", "a"]


@given(st.lists(st.permutations("abcdef"), min_size=1, max_size=3))
def test_first_in_every_leg_is_first(rankings: list[list[str]]) -> None:
    led = [["z", *ranking] for ranking in rankings]
    assert rrf(*led)[0].id == "z"
    lexical, dense = ({one: float(-place) for place, one in enumerate(led[0])} for _ in range(2))
    assert convex({one: score + 10 for one, score in lexical.items()}, dense)[0].id == "z"


@given(st.permutations("abcdef"), st.permutations("abcdef"), st.integers(1, 5))
def test_a_better_rank_in_a_leg_is_never_a_worse_one_after_rrf(a: list[str], b: list[str], place: int) -> None:
    raised = a[:]
    raised[place - 1], raised[place] = raised[place], raised[place - 1]
    before, after = ([one.id for one in rrf(leg, b)].index(a[place]) for leg in (a, raised))
    assert after <= before


@given(SCORES, SCORES, st.floats(0, 1), st.data())
def test_a_better_score_in_a_leg_is_never_a_worse_rank_after_convex(
    lexical: dict[str, float], dense: dict[str, float], alpha: float, data: st.DataObject
) -> None:
    assume(lexical)
    scale = Scale(2.0, 0.0, 2.0)
    one = data.draw(st.sampled_from(sorted(lexical)))
    better = lexical | {one: lexical[one] + 1}
    before, after = ([found.id for found in convex(leg, dense, alpha, scale)].index(one) for leg in (lexical, better))
    assert after <= before


@given(SCORES, SCORES, st.sets(IDS))
def test_on_a_fixed_scale_a_filter_takes_out_and_moves_nothing(
    lexical: dict[str, float], dense: dict[str, float], kept: set[str]
) -> None:
    scale = Scale.of(lexical, dense)
    some = [{one: score for one, score in leg.items() if one in kept} for leg in (lexical, dense)]
    whole = [one for one in convex(lexical, dense, scale=scale) if one.id in kept]
    assert convex(*some, scale=scale) == whole


def test_nothing_found_is_nothing_fused() -> None:
    assert convex({}, {}) == rrf([], []) == rrf() == []


@pytest.mark.parametrize("alpha", [-0.1, 1.1, float("nan")])
def test_a_weight_that_cannot_be(alpha: float) -> None:
    with pytest.raises(ValueError, match="alpha is between 0 and 1"):
        convex({"a": 1.0}, {}, alpha)
