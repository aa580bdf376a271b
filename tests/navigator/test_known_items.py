"""Known items: ids, links and whole titles, in the spellings that people paste."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paperwright.navigator.known_items import MOST, possible_ids, titled
from paperwright.navigator.paper import Paper


@pytest.mark.parametrize(
    ("query", "identifier"),
    [
        ("Lm8T39vLDTE", "Lm8T39vLDTE"),
        (" Lm8T39vLDTE ", "Lm8T39vLDTE"),
        ("https://openreview.net/forum?id=Lm8T39vLDTE", "Lm8T39vLDTE"),
        ("https://openreview.net/forum?id=Lm8T39vLDTE&noteId=x#top", "Lm8T39vLDTE"),
        ("https://openreview.net/pdf?id=Lm8T39vLDTE", "Lm8T39vLDTE"),
        ("https://arxiv.org/abs/2102.07033v2", "arxiv:2102.07033"),
        ("http://arxiv.org/pdf/2102.07033.pdf", "arxiv:2102.07033"),
        ("2102.07033", "arxiv:2102.07033"),
        ("arXiv:2102.07033v1", "arxiv:2102.07033"),
        ("https://arxiv.org/abs/cs/0112017", "arxiv:cs/0112017"),
        ("math.CO/0112017v1", "arxiv:math.CO/0112017"),
        ("https://doi.org/10.1145/3292500.3330701", "10.1145/3292500.3330701"),
        ("doi:10.1145/ABC", "10.1145/abc"),
        ("https://openalex.org/W2741809807", "W2741809807"),
    ],
)
def test_an_id_in_many_spellings(query: str, identifier: str) -> None:
    assert identifier in possible_ids(query)


@pytest.mark.parametrize("query", ["", "two words", "x" * 501, "\n"])
def test_what_is_no_id(query: str) -> None:
    assert possible_ids(query) == []


@given(st.text(max_size=300) | st.text(alphabet="htps:/?=&[]%.v1", max_size=200).map("https://".__add__))
def test_any_text_gives_few_ids(query: str) -> None:
    assert len(possible_ids(query)) <= MOST


def test_many_links_in_one_another_cost_nothing() -> None:
    assert len(possible_ids("https://a/" * 50)) <= MOST


@pytest.mark.parametrize(
    ("query", "same"),
    [
        ("deep residual learning for image recognition", True),
        ("Deep Residual Learning, for Image-Recognition!", True),
        ("residual learning for image recognition", False),
        ("", False),
        ("!!!", False),
    ],
)
def test_a_whole_title(query: str, same: bool) -> None:
    papers = [Paper(id="a", title="Deep Residual Learning for Image Recognition"), Paper(id="b", title="Another")]
    assert titled(query, papers) == ["a"] * same
