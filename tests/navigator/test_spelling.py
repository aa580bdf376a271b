"""Typing errors: the edit distance against its definition, and what a misspelt word stands for."""

import functools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paperwright.navigator.spelling import MOST, Vocabulary, edit_distance

WORDS = {
    "transformer": 60,
    "transform": 20,
    "reinforcement": 200,
    "gan": 30,
    "gain": 3,
    "graph": 90,
    "grape": 1,
    "gone": 0,
}


def by_definition(a: str, b: str) -> int:
    """The optimal string alignment distance, straight from its recursion."""

    @functools.cache
    def distance(i: int, j: int) -> int:
        if not i or not j:
            return i + j
        found = [distance(i - 1, j) + 1, distance(i, j - 1) + 1, distance(i - 1, j - 1) + (a[i - 1] != b[j - 1])]
        if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
            found.append(distance(i - 2, j - 2) + 1)
        return min(found)

    return distance(len(a), len(b))


@given(st.text("abc", max_size=8), st.text("abc", max_size=8), st.integers(0, 8))
def test_the_edit_distance_is_what_it_is_defined_to_be(a: str, b: str, most: int) -> None:
    assert edit_distance(a, b, most) == min(by_definition(a, b), most + 1)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("tranfsormer", {"transformer": 0.9}),
        ("reinforcment", {"reinforcement": 0.9}),
        ("rienforecment", {"reinforcement": 0.45}),
        ("gna", {"gan": 0.9}),  # no trigram in common
        ("graphe", {"graph": 0.9, "grape": 0.9}),
        ("xqzzy", {}),
        ("gone", {}),  # no paper holds it any more, and nothing else is near
        ("t" * 1_000, {}),
    ],
)
def test_what_a_misspelt_word_stands_for(typed: str, meant: dict[str, float]) -> None:
    assert Vocabulary(WORDS).meant(typed) == meant


def test_words_that_begin_so_the_commonest_first() -> None:
    found = Vocabulary(WORDS).beginning_with("trans")
    assert list(found) == ["transformer", "transform"]
    assert found == {"transformer": 1.0, "transform": pytest.approx((20 / 60) ** 0.5)}
    assert len(Vocabulary({f"ab{one}": 1 for one in range(50)}).beginning_with("ab")) == MOST
    assert Vocabulary(WORDS).beginning_with("zz") == {}
    assert Vocabulary({}).meant("word") == Vocabulary({}).beginning_with("w") == {}


@given(st.sets(st.text("abcde", min_size=6, max_size=12), min_size=1, max_size=30), st.data())
def test_one_swap_in_a_word_is_always_mended(words: set[str], data: st.DataObject) -> None:
    word = data.draw(st.sampled_from(sorted(words)))
    at = data.draw(st.integers(0, len(word) - 2))
    typed = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    vocabulary = Vocabulary(dict.fromkeys(words, 1))
    if typed not in words:
        meant = vocabulary.meant(typed)
        assert meant
        assert all(edit_distance(typed, near, 1) == 1 for near in meant)
        assert word in meant or len(meant) == MOST
