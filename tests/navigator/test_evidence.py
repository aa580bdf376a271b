"""Evidence: terms, the sentence that holds most of them, and the words to mark."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paperwright.navigator.evidence import LONGEST_SENTENCE, Why, highlighted, sentences, why
from paperwright.navigator.paper import Paper
from paperwright.navigator.text import tokens

PAPER = Paper(
    id="a",
    title="Residual Networks",
    authors=("Kaiming He",),
    tldr="Shortcuts help.",
    abstract="Deeper networks are hard to train. We train deep residual networks, e.g. of 152 layers! They win.",
    keywords=("image recognition",),
)


def test_the_sentence_that_holds_most_of_the_terms() -> None:
    found = why(PAPER, tokens("training deep residual networks gradient"), {"words": (2, 7.125)})
    assert found.terms == ("train", "deep", "residual", "network")
    assert found.text == "We train deep residual networks, e.g. of 152 layers!"
    assert str(found) == "train, Deeper, Residual, Networks · words 2 (7.12)"
    assert Why.from_dict(json.loads(json.dumps(found.as_dict()))) == found


def test_sentences_of_a_paper() -> None:
    assert sentences(PAPER) == [
        "Shortcuts help.",
        "Deeper networks are hard to train.",
        "We train deep residual networks, e.g. of 152 layers!",
        "They win.",
        "image recognition",
    ]


def test_a_term_of_title_or_author_alone_has_no_sentence() -> None:
    found = why(PAPER, ["kaim"], {})
    assert (found.terms, found.text) == (("kaim",), "")
    assert why(PAPER, [], {}, "its id") == Why(reason="its id")


def test_a_sentence_without_end_is_cut() -> None:
    found = why(Paper(id="a", title="T", abstract="word " * 1_000), ["word"], {})
    assert len(found.text) <= LONGEST_SENTENCE + 2
    assert found.text.endswith("word …")


def test_the_words_to_mark() -> None:
    marked = highlighted("Self-supervised <b>networks</b>, networking", tokens("supervised network"))
    assert [piece for piece, hit in marked if hit] == ["Self-supervised", "networks", "networking"]


@given(st.text(max_size=200), st.lists(st.text("abc", min_size=1, max_size=4)))
def test_the_pieces_are_the_text(text: str, terms: list[str]) -> None:
    assert "".join(piece for piece, _ in highlighted(text, terms)) == text


@pytest.mark.parametrize("text", ["One.Two", "a. b", "1. 2"])
def test_a_stop_before_no_capital_ends_no_sentence(text: str) -> None:
    assert len(sentences(Paper(id="a", title="T", abstract=text))) == (2 if text == "1. 2" else 1)
