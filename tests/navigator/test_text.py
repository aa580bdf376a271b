"""Texts for searching: the tokens that words become, and the fields that are searched."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paperwright.navigator.paper import Paper
from paperwright.navigator.text import dense_text, expanded, lexical_text, sequence, stem, tokens, trigrams


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Self-Supervised Learning", ["self", "supervis", "selfsupervis", "learn"]),
        ("the Networks of a network", ["network", "network"]),
        ("naïve Bayés Straße", ["naiv", "baye", "strass"]),
        (r"$\mathcal{O}(n_i^2)$ time", ["o(ni2)", "time"]),
        ("ﬁne-tuning ２０２２", ["fine", "tuning", "finetun", "2022"]),
        ("BERT4Rec", ["bert4rec"]),
        ("обучение 学习", ["обучение", "学习"]),
        ("C++ templates for C", ["c++", "templat", "c"]),
        ("A* search, C#11 or C#", ["a*", "search", "c", "11", "c#"]),
        (r"$L_0$, L_0, L^0, $\ell_0$", ["l0", "l0", "l0", "l0"]),
        (r"O(n log n), $O(n \log n)$", ["o(nlogn)", "o(nlogn)"]),
        ("PointNet++ and RRT*", ["pointnet", "pointnet++", "rrt", "rrt*"]),
        ("**bold** Smith*", ["bold", "smith"]),
        ("深度学习", ["深度", "度学", "学习"]),
        ("BERT模型と学", ["bert", "模型", "型と", "と学"]),
        ("한국어", ["한국", "국어"]),
        ("!!! ---", []),
    ],
)
def test_tokens(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


@pytest.mark.parametrize(
    "forms",
    [
        ("network", "networks"),
        ("learn", "learning", "learned", "learns", "learner", "learners"),
        ("policy", "policies"),
        ("train", "training", "trained"),
        ("plan", "planning", "planned"),
        ("pinn", "pinns"),
        ("generalise", "generalize", "generalised", "generalizing"),
        ("generalisation", "generalization"),
        ("optimiser", "optimizers"),
        ("behaviour", "behavior", "behaviours"),
        ("model", "models", "modelling", "modeling", "modelled"),
        ("label", "labelled", "labeled"),
        ("colour", "color", "coloured", "coloring"),
        ("analyse", "analyze", "analysed", "analyzing"),
        ("centre", "center"),
        ("defence", "defense"),
        ("dialogue", "dialog", "dialogues"),
        ("distil", "distill", "distilling"),
    ],
)
def test_forms_of_a_word_are_one_term(forms: tuple[str, ...]) -> None:
    assert len(set(map(stem, forms))) == 1, [stem(form) for form in forms]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("generative", "generation"),
        ("bias", "bia"),
        ("loss", "los"),
        ("basis", "bas"),
        ("four", "for"),
        ("hour", "hor"),
    ],
)
def test_words_of_different_meaning_stay_apart(a: str, b: str) -> None:
    assert stem(a) != stem(b)


@given(st.text(max_size=300))
def test_tokens_are_made_of_any_text(text: str) -> None:
    assert all(token and token == token.casefold() and " " not in token for token in tokens(text))


def test_an_acronym_is_spelled_out() -> None:
    assert expanded(["gnn"]) == ["gnn", "graph", "neural", "network"]
    assert expanded(["xyz"], {"xyz": "learning words"}) == ["xyz", "learn", "word"]


def test_a_phrase_finds_marks_and_a_word_inside_a_run_without_spaces() -> None:
    assert sequence("an A* search in C++") == ("an", "a*", "search", "in", "c++")
    assert "|".join(sequence("学习方")) in "|".join(sequence("深度学习方法综述"))


def test_a_phrase_keeps_its_stop_words_and_splits_compounds() -> None:
    assert sequence("Attention is all-you need") == ("attention", "is", "all", "you", "need")


def test_trigrams_of_a_framed_word() -> None:
    assert trigrams("gan") == ["#ga", "gan", "an#"]


def test_the_title_counts_three_times_and_keywords_twice() -> None:
    paper = Paper(id="a", title="Title", keywords=("one", "two"), authors=("Ada",), tldr="Short.", abstract="Long.")
    found = tokens(lexical_text(paper))
    assert (found.count("titl"), found.count("one"), found.count("ada")) == (3, 2, 1)
    assert dense_text(paper) == "Title. Short. Long."
    assert dense_text(Paper(id="a", title="Title", keywords=("one", "two"))) == "Title. one; two"
    assert dense_text(Paper(id="a", title="Title")) == "Title"
