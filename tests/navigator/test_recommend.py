"""Recommendations: a topic is found from a few of its papers, as well as the reference says."""

import random
from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from navigator_records import conference_papers, made_papers
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.svm import LinearSVC

from paperwright.navigator import recommend as recommending
from paperwright.navigator.errors import NavigatorError
from paperwright.navigator.keywords import keywords_of
from paperwright.navigator.library import Library
from paperwright.navigator.paper import Paper
from paperwright.navigator.recommend import explanation, learn, learned, recommend, relevance
from paperwright.navigator.tag_logic import wish
from paperwright.navigator.term_features import features_of, term_features


@pytest.fixture
def library() -> Iterator[Library]:
    with Library.in_memory() as made:
        made.add(made_papers(80))
        yield made


def topic(paper: Paper) -> str:
    return paper.keywords[0]


def test_the_rest_of_a_topic_comes_first(library: Library) -> None:
    graphs = [paper.id for paper in made_papers(80) if topic(paper) == "graphs"]
    library.tag("to-read", graphs[:5])
    hits = recommend(library, "to-read", k=15)
    assert [hit.rank for hit in hits] == list(range(1, 16))
    assert {topic(hit.paper) for hit in hits} == {"graphs"}
    assert not {hit.paper.id for hit in hits} & set(graphs[:5])
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert "like the papers under to-read: " in hits[0].why.reason
    assert hits[0].why.terms


def test_seen_papers_are_left_out_unless_asked_for(library: Library) -> None:
    library.tag("a", ["p0000", "p0004"])
    first = recommend(library, "a", k=1)[0].paper.id
    library.mark_seen([first])
    assert recommend(library, "a", k=1)[0].paper.id != first
    assert recommend(library, "a", k=1, exclude_seen=False)[0].paper.id == first


def test_the_scores_are_those_of_the_reference_s_machine(library: Library) -> None:
    library.tag("a", ["p0000", "p0004", "p0008"])
    features = term_features(library)
    y = [identifier in ("p0000", "p0004", "p0008") for identifier in features.ids]
    machine = LinearSVC(class_weight="balanced", C=0.01, max_iter=10_000, tol=1e-6).fit(features.rows, y)
    np.testing.assert_allclose(learned(library, "a").scores, machine.decision_function(features.rows), atol=1e-5)


def test_a_tag_is_learned_once_until_it_changes(library: Library) -> None:
    library.tag("a", ["p0000"])
    before = learned(library, "a")
    assert learned(library, "a") is before
    library.tag("a", ["p0004"])
    assert learned(library, "a") is not before


def test_any_recommender_of_scikit_learn_fits(library: Library) -> None:
    library.tag("a", ["p0000", "p0004", "p0008"])
    hits = recommend(library, "a", k=5, make=lambda: LogisticRegression(class_weight="balanced"))
    assert {topic(hit.paper) for hit in hits} == {"graphs"}


def test_an_explanation_names_words_of_the_topic(library: Library) -> None:
    library.tag("a", [paper.id for paper in made_papers(40) if topic(paper) == "privacy"])
    found = explanation(library, "a")
    words = [term for term, _ in found.positive]
    assert words[0] in (
        "privacy",
        "differential",
        "federated",
        "client",
        "gradient",
        "leakage",
        "noise",
        "budget",
        "audit",
    )
    assert len(found.positive) <= 20
    assert len(found.negative) <= 10
    assert all(weight > 0 for _, weight in found.positive)
    assert all(weight < 0 for _, weight in found.negative)


# -- several tags ------------------------------------------------------------------------------------------------------


def test_tags_are_joined_by_any_all_and_not(library: Library) -> None:
    library.tag("graphs", ["p0000", "p0004", "p0008"])
    library.tag("privacy", ["p0003", "p0007", "p0011"])
    either = recommend(library, "graphs | privacy", k=20)
    assert {topic(hit.paper) for hit in either} == {"graphs", "privacy"}
    not_graphs = recommend(library, "privacy & !graphs", k=10)
    assert {topic(hit.paper) for hit in not_graphs} == {"privacy"}
    a, b = relevance(library, "graphs"), relevance(library, "privacy")
    np.testing.assert_array_equal(relevance(library, "graphs & privacy"), np.minimum(a, b))
    np.testing.assert_array_equal(relevance(library, "!(graphs | privacy)"), -np.maximum(a, b))


tags = st.sampled_from(["a", "b c", "d-e"])
wishes = st.recursive(
    tags,
    lambda inner: st.one_of(
        inner.map(lambda one: f"!({one})"),
        st.tuples(inner, st.sampled_from("|&"), inner).map(lambda three: f"({three[0]}) {three[1]} ({three[2]})"),
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(wishes)
def test_the_logic_of_tags_is_that_of_sets(text: str) -> None:
    # Scores of -1 and 1 are false and true: every assignment of three tags is a paper.
    sets = {name: {paper for paper in range(8) if paper >> place & 1} for place, name in enumerate(["a", "b c", "d-e"])}
    truth = {name: np.array([1.0 if paper in inside else -1.0 for paper in range(8)]) for name, inside in sets.items()}
    assert set(np.flatnonzero(wish(text).scores(truth.__getitem__) > 0)) == evaluated(text, sets)


def evaluated(text: str, sets: dict[str, set[int]]) -> set[int]:
    """The papers of a text in which every operand stands in brackets, by counting brackets."""
    text = text.strip()
    if text in sets:
        return sets[text]
    if text.startswith("!"):
        return set(range(8)) - evaluated(text[2:-1], sets)
    depth = 0
    for place, one in enumerate(text):
        depth += (one == "(") - (one == ")")
        if depth == 0:
            left, sign, right = text[1:place], text[place + 2], text[place + 5 : -1]
            first, second = evaluated(left, sets), evaluated(right, sets)
            return first | second if sign == "|" else first & second
    raise AssertionError(text)


@pytest.mark.parametrize("text", ["", "a |", "& a", "(a", "a)", "!", "a ! b", "()", "(" * 200 + "a", "!" * 200 + "a"])
def test_tags_that_are_joined_otherwise_are_refused(text: str) -> None:
    with pytest.raises(NavigatorError, match="tags are joined as in"):
        wish(text)


def test_or_binds_least() -> None:
    assert wish("a | b & c").kind == wish("a & b | c").kind == "|"
    assert wish("! a & b").kind == "&"


# -- few papers and bad input ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 5])
def test_few_papers(count: int) -> None:
    with Library.in_memory() as library:
        library.add(made_papers(count))
        library.tag("a", ["p0000"])
        hits = recommend(library, "a")
        assert len(hits) == count - 1


def test_papers_without_a_known_word() -> None:
    with Library.in_memory() as library:
        library.add([Paper(id="a", title="???"), Paper(id="b", title="!!!"), Paper(id="c", title="...")])
        library.tag("t", ["a"])
        assert [hit.paper.id for hit in recommend(library, "t")] == ["b", "c"]


def test_refusals(library: Library) -> None:
    with pytest.raises(NavigatorError, match=r"at least one is needed\. Tags: none yet"):
        recommend(library, "nothing")
    library.tag("a", ["p0000"])
    with pytest.raises(NavigatorError, match=r"'b'.*Tags: a"):
        recommend(library, "a | b")
    with pytest.raises(NavigatorError, match="k is how many papers"):
        recommend(library, "a", k=0)


def test_a_sample_of_a_large_library_gives_nearly_the_same_order(monkeypatch: pytest.MonkeyPatch) -> None:
    papers = made_papers(600)
    features = features_of(lambda: papers, 600)
    positive = list(range(0, 40, 4))
    whole = learn(features.rows, positive).scores
    monkeypatch.setattr(recommending, "MOST_NEGATIVE", 200)
    sampled = learn(features.rows, positive).scores
    truth = [row % 4 == 0 for row in range(600)]
    assert abs(roc_auc_score(truth, whole) - roc_auc_score(truth, sampled)) < 0.01
    assert np.corrcoef(whole, sampled)[0, 1] > 0.98


@pytest.mark.slow
def test_tags_learn_on_the_conference() -> None:
    # Reference: 5 tagged, the others ranked by titles only; mean AUC of the sparse machine .796, at least .78.
    known = conference_papers()
    papers = [Paper(id=paper.id, title=paper.title) for paper in known]
    features = features_of(lambda: papers, len(papers))
    by_keyword = defaultdict(list)
    for row, paper in enumerate(known):
        for keyword in keywords_of(paper):
            by_keyword[keyword].append(row)
    names = sorted(name for name, rows in by_keyword.items() if 20 <= len(rows) <= 100)[:30]
    machine, centroid = [], []
    for name in names:
        for seed in range(5):
            tagged = random.Random(seed).sample(by_keyword[name], 5)
            rest = np.ones(len(papers), dtype=bool)
            rest[tagged] = False
            truth = np.zeros(len(papers), dtype=bool)
            truth[by_keyword[name]] = True
            machine.append(roc_auc_score(truth[rest], learn(features.rows, tagged).scores[rest]))
            mean = np.asarray(features.rows[tagged].mean(axis=0)).ravel()
            centroid.append(roc_auc_score(truth[rest], (features.rows @ mean)[rest]))
    assert np.mean(machine) >= 0.78
    gain = np.subtract(machine, centroid)
    drawn = np.random.default_rng(0).choice(gain, (2000, len(gain))).mean(axis=1)
    assert np.quantile(drawn, 0.025) > 0


def test_a_reason_says_each_word_once_and_neither_digits_nor_single_letters() -> None:
    papers = [Paper(id=f"c{number}", title=f"Curvature of graphs s 2 t over-squashing {number}") for number in range(5)]
    papers += [Paper(id=f"k{number}", title=f"Kernels of images {number}") for number in range(20)]
    with Library.in_memory() as library:
        library.add(papers)
        library.tag("mine", ["c0", "c1"])
        hit = library.recommend("mine", k=1)[0]
        said = hit.why.reason.removeprefix("like the papers under mine: ").split(", ")
        assert said
        assert len(set(said)) == len(said)
        assert not any(all(len(one) == 1 for one in term.split()) for term in said)
        assert any("squashing" in term or "curvature" in term for term in said)
        assert str(hit.why) == hit.why.reason
