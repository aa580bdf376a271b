"""The lexical leg: BM25 by hand and beside bm25s, and scores that depend only on the texts that are there."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paperwright.navigator import lexical
from paperwright.navigator.lexical import Lexicon
from paperwright.navigator.postings import Postings, merged
from paperwright.navigator.text import tokens

texts = st.lists(
    st.lists(st.sampled_from(["alpha", "beta", "gamma", "delta", "rho"]), max_size=8).map(" ".join), max_size=12
)


def lexicon(*given: str) -> Lexicon:
    made = Lexicon({})
    for text in given:
        made.append(text)
    return made


def test_bm25_by_hand() -> None:
    # Three texts of 2, 3 and 1 terms, so the mean is 2; one term is in two of them.
    made = lexicon("aaaaa bbbbb", "aaaaa aaaaa ccccc", "ddddd")
    idf = math.log(1 + 1.5 / 2.5)
    assert idf == pytest.approx(0.470004, abs=1e-6)
    assert made.scores("aaaaa").tolist() == pytest.approx([0.213638, 0.257536, 0], abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(texts, st.lists(st.sampled_from(["alpha", "beta", "gamma", "rho"]), min_size=1, max_size=4, unique=True))
def test_the_scores_are_those_of_bm25s(given: list[str], query: list[str]) -> None:
    import bm25s

    terms = [tokens(text) for text in given]
    if not any(terms):
        return
    peer = bm25s.BM25(k1=1.2, b=0.75, method="lucene", dtype="float64")
    peer.index(terms, show_progress=False)
    known = [term for term in query if any(term in text for text in terms)]
    if known:
        expected = peer.get_scores(known)
        assert lexicon(*given).scores(" ".join(known)).tolist() == pytest.approx(expected.tolist(), abs=1e-5)


@given(texts, st.randoms())
def test_the_order_of_the_texts_does_not_matter(given: list[str], chance) -> None:
    order = list(range(len(given)))
    chance.shuffle(order)
    one, other = lexicon(*given), lexicon(*(given[place] for place in order))
    for query in ("alpha beta", "gamma gamma alpa", "be"):
        assert one.scores(query)[order].tolist() == other.scores(query).tolist()


@given(texts, texts, st.lists(st.integers(0, 11), max_size=6), st.booleans())
def test_what_was_taken_out_leaves_no_trace(first: list[str], then: list[str], out: list[int], close: bool) -> None:
    made = lexicon(*first)
    made.scores("alpha")  # so that the first are postings of their own
    for text in then:
        made.append(text)
    gone = {place for place in out if place < len(made)}
    for place in gone:
        made.take_out(place)
    if close:
        made.close_gaps()
    left = [text for place, text in enumerate([*first, *then]) if place not in gone]
    fresh = lexicon(*left)
    for query in ("alpha beta", "delat", "ga"):
        scores = made.scores(query)
        if not close:
            assert not scores[sorted(gone)].any()
            scores = np.delete(scores, sorted(gone))
        assert scores.tolist() == fresh.scores(query).tolist()
        assert made.weights(query) == fresh.weights(query)


@given(texts)
def test_arrays_and_words_are_all_there_is(given: list[str]) -> None:
    made = lexicon(*given)
    read = Lexicon.read(made.words, made.arrays(), {})
    assert read.scores("alpha rho").tolist() == made.scores("alpha rho").tolist()
    read.append("alpha omega")
    made.append("alpha omega")
    assert read.scores("alpha omega").tolist() == made.scores("alpha omega").tolist()


def test_many_texts_are_settled_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    given = [f"word{number % 7} word{number % 3} other" for number in range(50)]
    whole = lexicon(*given).scores("word1 other")
    monkeypatch.setattr(lexical, "_AT_ONCE", 20)
    assert lexicon(*given).scores("word1 other").tolist() == whole.tolist()


def test_a_word_that_no_text_holds_is_mended_and_the_last_may_be_unfinished() -> None:
    made = lexicon("transformer models", "graph network", "transfer learning")
    assert made.weights("tranfsormer") == {"transform": 0.9}
    assert made.weights("graph netw") == {"graph": 1.0, "network": 1.0}
    assert made.weights("netw graph") == {"graph": 1.0}
    assert made.weights("graph netw ") == {"graph": 1.0}
    assert made.weights("graph graph") == {"graph": 2.0}
    assert made.weights("the of") == {}


def test_an_acronym_finds_what_it_stands_for() -> None:
    made = Lexicon()
    for text in ("a graph neural network", "gnn", "something else"):
        made.append(text)
    scores = made.scores("gnns")
    assert scores[0] > 0
    assert made.weights("gnn") == {"gnn": 1.0, "graph": 0.5, "neural": 0.5, "network": 0.5}
    assert made.scores("gnn")[1] > made.scores("gnn")[2] == 0


def test_an_empty_lexicon() -> None:
    assert Lexicon().scores("anything").tolist() == []
    assert Lexicon().weights("anything") == {}


@given(st.lists(st.lists(st.lists(st.integers(0, 9), max_size=6), max_size=4), min_size=1, max_size=4))
def test_postings_merged_are_postings_of_all(parts: list[list[list[int]]]) -> None:
    def made(given: list[list[int]], first: int) -> Postings:
        numbers = np.array([one for text in given for one in text], dtype=np.int32)
        return Postings.of(numbers, np.array([len(text) for text in given], dtype=np.int64), first)

    firsts = np.cumsum([0, *map(len, parts)])
    together = merged([made(part, first) for part, first in zip(parts, firsts, strict=False)])
    whole = made([text for part in parts for text in part], 0)
    for name in ("terms", "starts", "texts", "counts"):
        assert getattr(together, name).tolist() == getattr(whole, name).tolist()
    for term in range(10):
        texts = [text for part in parts for text in part]
        at, counts = whole.of_term(term)
        assert at.tolist() == [place for place, text in enumerate(texts) if term in text]
        assert counts.tolist() == [text.count(term) for text in texts if term in text]
