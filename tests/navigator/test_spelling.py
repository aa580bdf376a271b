"""Typing errors: the edit distance against its definition, and what a misspelt word stands for."""

import functools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paperwright.navigator.lexical import Lexicon
from paperwright.navigator.query_terms import meant_by
from paperwright.navigator.spelling import MOST, Vocabulary, edit_distance, one_edit
from paperwright.navigator.text import stem


class Known:
    """A vocabulary as `query_terms.Words`."""

    def __init__(self, counts: dict[str, int]) -> None:
        self.vocabulary = Vocabulary(counts)

    def counts(self, terms: Sequence[str]) -> dict[str, int]:
        return {term: self.vocabulary.counts[term] for term in terms if term in self.vocabulary}

    def alike(self, term: str, letters: tuple[int, int]) -> dict[str, int]:
        return self.vocabulary.alike(term, letters, 50)

    def beginning_with(self, prefix: str) -> dict[str, int]:
        return {term: self.vocabulary.counts[term] for term in self.vocabulary.beginning_with(prefix)}


WORDS = {
    "transform": 60,
    "transfer": 20,
    "reinforcement": 200,
    "gan": 30,
    "gain": 3,
    "graph": 90,
    "grape": 1,
    "gone": 0,
    "learn": 80,
    "2012": 9,
    "resnet50": 9,
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
        ("tranfsormer", {"transform": 0.9}),
        ("reinforcment", {"reinforcement": 0.9}),
        ("rienforecment", {"reinforcement": 0.45}),
        ("gna", {"gan": 0.9}),  # no trigram in common
        ("graqh", {"graph": 0.9}),
        ("xqzzy", {}),
        ("understandign", {}),
        ("learnign", {"learn": 0.9}),
        ("grah5", {}),  # digits are not mended
        ("resnet51", {}),
        ("renset50", {"resnet50": 0.9}),
        ("2022", {}),
        ("withoout", {}),
        ("gone", {}),  # no paper holds it any more, and nothing else is near
        ("t" * 1_000, {}),
    ],
)
def test_what_a_misspelt_word_stands_for(typed: str, meant: dict[str, float]) -> None:
    assert meant_by(typed, stem(typed), Known(WORDS)) == meant


def test_words_that_begin_so_the_commonest_first() -> None:
    found = Vocabulary(WORDS).beginning_with("trans")
    assert list(found) == ["transform", "transfer"]
    assert found == {"transform": 1.0, "transfer": pytest.approx((20 / 60) ** 0.5)}
    assert len(Vocabulary({f"ab{one}": 1 for one in range(50)}).beginning_with("ab")) == MOST
    assert Vocabulary(WORDS).beginning_with("zz") == {}
    assert meant_by("word", "word", Known({})) == Vocabulary({}).beginning_with("w") == {}


@given(st.sets(st.text("abcde", min_size=6, max_size=12), min_size=1, max_size=30), st.data())
def test_one_swap_in_a_word_is_always_mended(words: set[str], data: st.DataObject) -> None:
    word = data.draw(st.sampled_from(sorted(words)))
    at = data.draw(st.integers(0, len(word) - 2))
    typed = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    stems = {stem(one) for one in words}
    if stem(typed) not in stems:
        meant = meant_by(typed, stem(typed), Known(dict.fromkeys(stems, 1)))
        assert stem(word) in meant or len(meant) == MOST


@given(st.text("abc1", min_size=1, max_size=6))
def test_one_edit_is_what_the_distance_calls_one(word: str) -> None:
    made = one_edit(word)
    assert all(edit_distance(word, one, 1) == 1 for one in made)
    assert all("".join(filter(str.isdigit, one)) == "".join(filter(str.isdigit, word)) for one in made)


def test_a_slip_that_authors_made_too_finds_what_they_meant() -> None:
    lexicon = Lexicon()
    for text in ["adverserial examples", *["adversarial training"] * 50, *["a graph"] * 49, "a grape"]:
        lexicon.append(text)
    assert lexicon.weights("adverserial traning") == {"adverserial": 0.4, "adversarial": 0.9, "train": 0.9}
    assert lexicon.weights("grape") == {"grap": 1.0}  # not so much commoner
    assert lexicon.weights("over smoothing ") == {}
    lexicon.append("on over-smoothing")
    assert lexicon.weights("over smoothing ") == {"smooth": 1.0, "oversmooth": 0.5}
