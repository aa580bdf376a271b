"""Keywords: the merging table, the counts of the conference, and the agreement of two orders."""

from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from navigator_records import conference_papers
from scipy.stats import kendalltau

from paperwright.navigator.errors import NavigatorError
from paperwright.navigator.keywords import KeywordTable, keywords_of, order_agreement, proposals, topics_named
from paperwright.navigator.paper import Paper

NOTHING = KeywordTable({})


def papers_with(*keyword_lists: tuple[str, ...]) -> list[Paper]:
    return [Paper(id=f"p{n}", title="a title", keywords=keywords) for n, keywords in enumerate(keyword_lists)]


def test_the_hot_topics_of_the_conference() -> None:
    papers = conference_papers()
    raw = {topic.name: topic.papers for topic in topics_named(papers, NOTHING)}
    # The conference's file has 5,400 distinct keywords.
    assert len(raw) == 5400
    assert list(raw.items())[:10] == [
        ("reinforcement learning", 234),
        ("deep learning", 196),
        ("representation learning", 121),
        ("graph neural networks", 95),
        ("self-supervised learning", 89),
        ("federated learning", 79),
        ("robustness", 69),
        ("generalization", 67),
        ("transformer", 62),
        ("contrastive learning", 61),
    ]
    merged = topics_named(papers)
    assert [(topic.name, topic.papers) for topic in merged[:10]] == [
        ("reinforcement learning", 234),
        ("deep learning", 196),
        ("graph neural networks", 135),
        ("representation learning", 121),
        ("transformer", 96),
        ("self-supervised learning", 89),
        ("federated learning", 79),
        ("robustness", 69),
        ("generalization", 67),
        ("contrastive learning", 61),
    ]
    # Each paper counts once, whatever number of spellings it gives: 95 + 32 + 9 + 4 = 140 keywords, 135 papers.
    assert merged[2].spellings == (
        ("graph neural networks", 95),
        ("graph neural network", 32),
        ("gnn", 9),
        ("gnns", 4),
    )


def test_the_order_of_the_conference_s_topics() -> None:
    papers = conference_papers()
    names = ["reinforcement learning", "deep learning", "graph neural networks", "representation learning"]
    names += ["self-supervised learning", "federated learning", "robustness", "contrastive learning"]
    order = [(name, "generalization") if name == "robustness" else (name,) for name in names]
    found = order_agreement(papers, order)
    assert found.estimate == 1
    assert 0.5 < found.low < 1
    # Unmerged, graph neural networks fall behind representation learning: one pair of 28 is the other way.
    assert order_agreement(papers, order, NOTHING).estimate == pytest.approx(1 - 2 / comb(8, 2))


@settings(deadline=None)
@given(st.permutations(range(5)), st.lists(st.integers(1, 30), min_size=5, max_size=5, unique=True))
def test_the_agreement_is_kendall_s(order: list[int], counts: list[int]) -> None:
    papers = papers_with(*[(f"topic {topic}",) for topic, count in enumerate(counts) for _ in range(count)])
    found = order_agreement(papers, [(f"topic {topic}",) for topic in order], NOTHING, resamples=100)
    expected = kendalltau([counts[topic] for topic in order], range(5, 0, -1)).statistic
    assert found.estimate == pytest.approx(expected)
    assert found.low <= found.high


def test_topics_that_are_close_leave_the_order_open() -> None:
    close = papers_with(*[("a",)] * 21, *[("b",)] * 20, *[("c",)] * 19)
    far = papers_with(*[("a",)] * 400, *[("b",)] * 200, *[("c",)] * 100)
    order = [("a",), ("b",), ("c",)]
    assert order_agreement(close, order).low < 0
    assert order_agreement(far, order).low == 1


def test_a_field_that_holds_several_keywords_is_split() -> None:
    (paper,) = papers_with(("Deep Learning;  GNN ", "gnn, deep learning", ""))
    assert keywords_of(paper) == ("deep learning", "gnn")
    (topic, _) = topics_named([paper])
    assert (topic.name, topic.papers, topic.spellings) == ("deep learning", 1, (("deep learning", 1),))


@settings(deadline=None)
@given(st.lists(st.lists(st.sampled_from(["gnn", "GNNs", "rl", "graph neural networks", "x"]), max_size=4), max_size=8))
def test_merging_neither_loses_nor_doubles_a_paper(keyword_lists: list[list[str]]) -> None:
    papers = papers_with(*map(tuple, keyword_lists))
    topics = {topic.name: topic for topic in topics_named(papers)}
    spellings = set(KeywordTable.house().spellings("gnn"))
    named = sum(bool(spellings & set(keywords_of(paper))) for paper in papers)
    merged = topics.get("graph neural networks")
    assert (merged.papers if merged else 0) == named
    assert merged is None or sum(count for _, count in merged.spellings) >= merged.papers


def test_proposals_join_hyphens_plurals_and_acronyms() -> None:
    papers = papers_with(
        *[("self-supervised learning",)] * 3,
        ("self supervised learning",),
        ("Diffusion model",),
        ("diffusion models (DMs)", "diffusion models."),
        ("loss",),
        ("los",),
    )
    proposed = proposals(papers)
    assert proposed["self-supervised learning"] == ("self supervised learning",)
    assert proposed["diffusion model"] == ("diffusion models (dms)", "diffusion models.")
    assert len(proposed) == 2
    merged = topics_named(papers, KeywordTable.house().also(proposed))
    assert (merged[0].name, merged[0].papers) == ("self-supervised learning", 4)


def test_a_table_takes_rows_for_a_topic_that_it_has() -> None:
    table = KeywordTable({"a": ["b"]}).also({"b": ["c"], "d": ["E"]})
    assert [table.topic(one) for one in "abcde"] == ["a", "a", "a", "d", "d"]


def test_refusals() -> None:
    with pytest.raises(NavigatorError, match="'b' is merged into 'a' and 'c'"):
        KeywordTable({"a": ["b"], "c": ["B "]})
    with pytest.raises(NavigatorError, match="at least two topics"):
        order_agreement(papers_with(("a",)), [("a",)])
    with pytest.raises(NavigatorError, match="no papers"):
        order_agreement([], [("a",), ("b",)])
    assert topics_named([]) == []
    assert proposals([]) == {}
