"""Topics: groups that are there are found, named by their own words, and nothing is hidden."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from navigator_records import made_papers

from paperwright.navigator import topics as finding
from paperwright.navigator.library import Library
from paperwright.navigator.topics import UNASSIGNED, grouped, named, topic_numbers, topics


def islands(*sizes: int, noise: int = 0) -> np.ndarray:
    draw = np.random.default_rng(0)
    angle = np.arange(len(sizes)) * 2 * np.pi / len(sizes)
    centres = 0.8 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    points = [centre + 0.03 * draw.normal(size=(size, 2)) for centre, size in zip(centres, sizes, strict=True)]
    return np.concatenate([*points, draw.uniform(-1, 1, (noise, 2))]).astype(np.float32)


def test_islands_are_groups_the_largest_first() -> None:
    groups = grouped(islands(40, 90, 60))
    assert Counter(groups[40:130].tolist()).most_common(1)[0][0] == 0
    assert Counter(groups[130:].tolist()).most_common(1)[0][0] == 1
    assert Counter(groups[:40].tolist()).most_common(1)[0][0] == 2


def test_points_between_islands_are_in_no_group() -> None:
    groups = grouped(islands(60, 60, 60, noise=40))
    assert (groups[180:] == UNASSIGNED).mean() > 0.5
    assert (groups[:180] != UNASSIGNED).mean() > 0.9


def test_a_large_library_is_grouped_by_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    points = islands(200, 300, 250)
    whole = grouped(points, smallest=20)
    monkeypatch.setattr(finding, "LARGEST_FIT", 300)
    sampled = grouped(points, smallest=20)
    together = (whole != UNASSIGNED) & (sampled != UNASSIGNED)
    assert together.mean() > 0.8
    assert (whole[together] == sampled[together]).mean() > 0.98


def test_names_are_what_sets_a_group_apart() -> None:
    terms = {f"a{n}": Counter({"graph neural networks": 2, "deep learning": 2, "networks": 1}) for n in range(5)}
    terms |= {f"b{n}": Counter({"offline rl": 2, "deep learning": 2}) for n in range(5)}
    ids = [*terms, "lost"]
    found = named(ids, np.array([0] * 5 + [1] * 5 + [-1]), terms)
    assert [topic.number for topic in found] == [0, 1, UNASSIGNED]
    # "networks" is said by "graph neural networks" already.
    assert found[0].words == ("graph neural networks", "deep learning")
    assert found[1].label == "offline rl, deep learning"
    assert (found[2].label, found[2].words, found[2].ids) == ("unassigned", (), ("lost",))


def test_no_two_topics_begin_with_the_same_name() -> None:
    rl, offline, model = (
        Counter({"deep networks": 8}),
        Counter({"deep network": 8, "offline": 2}),
        Counter({"networks": 1}),
    )
    terms = {f"{name}{n}": one for name, one in (("a", rl), ("b", offline), ("c", rl), ("d", rl)) for n in range(4)}
    terms |= {f"e{n}": model for n in range(4)}
    found = named([*terms], np.repeat(np.arange(5), 4), terms)
    assert [topic.words for topic in found] == [
        ("deep networks",),
        ("offline", "deep network"),
        ("deep networks (2)",),
        ("deep networks (3)",),
        ("networks",),
    ]
    assert len({topic.label for topic in found}) == 5


def test_class_tf_idf_by_hand() -> None:
    terms = {"a": Counter({"x": 6, "y": 4}), "b": Counter({"x": 6, "z": 4})}
    found = named(["a", "b"], np.array([0, 1]), terms)
    # A = 10; x: .6 ln(1 + 10/12) = .364; y: .4 ln(1 + 10/4) = .501.
    assert found[0].words == ("y", "x")


@settings(deadline=None)
@given(st.lists(st.integers(-1, 3), max_size=30))
def test_every_paper_is_in_one_topic(groups: list[int]) -> None:
    ids = [f"p{n}" for n in range(len(groups))]
    found = named(ids, np.array(groups, dtype=np.int64), {one: Counter({"word": 2}) for one in ids})
    assert sorted(one for topic in found for one in topic.ids) == sorted(ids)
    assert all(topic.label for topic in found)


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_few_papers_are_unassigned(count: int) -> None:
    with Library.in_memory() as library:
        library.add(made_papers(count))
        found = topics(library)
        assert sum(len(topic.ids) for topic in found) == count
        assert {topic.label for topic in found} == ({"unassigned"} if count else set())


@pytest.mark.slow
def test_topics_of_a_library() -> None:
    papers = made_papers(200)
    with Library.in_memory() as library:
        library.add(papers)
        found = topics(library)
        numbers = topic_numbers(library)
    assert len(found) >= 4
    assert sorted(numbers) == sorted(paper.id for paper in papers)
    # A topic is of papers with one first keyword, as they were made.
    of = {paper.id: paper.keywords[0] for paper in papers}
    pure = [max(Counter(of[one] for one in topic.ids).values()) for topic in found if topic.number >= 0]
    assert sum(pure) >= 0.9 * sum(len(topic.ids) for topic in found if topic.number >= 0)
