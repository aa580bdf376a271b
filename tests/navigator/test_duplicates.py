"""Which records are of one paper, and what they say together."""

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paperwright.navigator.duplicates import (
    PRECEDENCE,
    Joiner,
    deduplicated,
    joined,
    keys_of,
    parts_of,
    plain,
    proposals,
    surname_of,
    without,
)
from paperwright.navigator.errors import NavigatorError
from paperwright.navigator.paper import Paper

TITLE = "Understanding Over-squashing via Curvature"


def record(source: str, identifier: str | None = None, **values: Any) -> Paper:
    return Paper(**{"id": identifier or f"{source}-1", "title": TITLE, "source": source, **values})


FORUM = record(
    "openreview",
    "7UmjRGzp-A",
    authors=("Jake Topping",),
    decision="Oral",
    venue="ICLR",
    year=2022,
    raw={"forum": "7UmjRGzp-A"},
)
ARXIV = record(
    "arxiv",
    "arxiv:2111.14522",
    authors=("Jake Topping", "Francesco Di Giovanni"),
    abstract="Most graph neural networks ...",
    published="2021-11-29",
    year=2021,
    categories=("stat.ML",),
    raw={"arxiv": "2111.14522"},
    urls={"paper": "https://arxiv.org/abs/2111.14522"},
)
SCHOLAR = record(
    "semanticscholar",
    "s2:abc",
    title="Another spelling",
    citations=700,
    raw={"arxiv": "2111.14522"},
    categories=("Computer Science",),
)


# -- what tells which paper it is --------------------------------------------------------------------------------------


def test_keys_from_ids_raw_and_links() -> None:
    paper = record(
        "openalex",
        authors=("Topping, Jake",),
        raw={"doi": "10.1063/X", "arxiv": "2111.14522"},
        urls={"review": "https://openreview.net/forum?id=7UmjRGzp-A", "paper": "https://doi.org/10.1063/x"},
    )
    assert keys_of(paper) == (
        "doi:10.1063/x",
        "arxiv:2111.14522",
        "forum:7UmjRGzp-A",
        f"title:{plain(TITLE)}:topping",
    )


def test_arxivs_own_doi_is_the_arxiv_id() -> None:
    assert keys_of(record("openalex", raw={"doi": "10.48550/arxiv.2111.14522"})) == ("arxiv:2111.14522",)
    assert keys_of(record("csv", "10.48550/arXiv.2111.14522")) == ("arxiv:2111.14522",)


def test_an_id_that_merely_looks_like_an_old_arxiv_id_is_none() -> None:
    assert keys_of(record("csv", "table/1234567")) == ()


@pytest.mark.parametrize(
    ("author", "surname"),
    [
        ("Jake Topping", "topping"),
        ("Topping, Jake", "topping"),
        ("Émile Borel", "borel"),
        ("Martin Luther King Jr.", "king"),
        ("Söre Müller", "muller"),
        ("Topping", "topping"),
        ("Jr.", ""),
    ],
)
def test_surnames(author: str, surname: str) -> None:
    assert surname_of(record("x", authors=(author,))) == surname


def test_short_titles_say_nothing() -> None:
    assert keys_of(record("x", title="Editorial", authors=("A B",), venue="ICLR", year=2022)) == ()


# -- joining -----------------------------------------------------------------------------------------------------------


def test_records_that_share_an_identity_are_joined() -> None:
    (paper,) = deduplicated([ARXIV, SCHOLAR])
    assert paper.id == "arxiv:2111.14522"
    assert (paper.title, paper.citations) == (TITLE, 700)


def test_records_with_one_title_and_first_author_are_joined() -> None:
    shouted = replace(ARXIV, title="UNDERSTANDING OVER SQUASHING -- via “Curvature”!")
    (paper,) = deduplicated([FORUM, shouted])
    assert paper.id == "7UmjRGzp-A"
    assert paper.decision == "Oral"
    assert paper.abstract == ARXIV.abstract


@pytest.mark.parametrize(
    "other",
    [
        replace(ARXIV, authors=("Francesco Di Giovanni", "Jake Topping")),
        replace(ARXIV, title=TITLE + "s"),
        replace(ARXIV, source="openreview"),  # a source knows its own papers apart
        replace(ARXIV, authors=()),  # no author, and no venue either
    ],
)
def test_others_stay_apart(other: Paper) -> None:
    assert deduplicated([FORUM, other]) == [FORUM, other]


def test_without_authors_title_venue_and_year_are_enough() -> None:
    listed = record("iclr_csv", "7UmjRGzp-B", venue="ICLR", year=2022)
    card = record(
        "cards", "arxiv:2111.14522", authors=("Jake Topping",), venue="ICLR", year=2022, raw={"room": "a_room"}
    )
    (paper,) = deduplicated([listed, card])
    assert paper.raw["room"] == "a_room"
    assert paper.authors == ("Jake Topping",)
    assert len(deduplicated([listed, replace(card, year=2021)])) == 2
    assert len(deduplicated([replace(listed, authors=("A. Nother",)), card])) == 2


def test_each_field_is_that_of_the_first_source_that_knows_it() -> None:
    card = record(
        "cards",
        "arxiv:2111.14522",
        tldr="Ours.",
        abstract="Ours too.",
        keywords=("graphs",),
        raw={"room": "a_room", "words": "ours"},
    )
    paper = joined([card, SCHOLAR, ARXIV, FORUM])
    assert paper.source == "openreview"  # the winner's
    assert paper.id == "7UmjRGzp-A"
    assert paper.authors == FORUM.authors
    assert paper.year == 2022
    assert paper.published == "2021-11-29"
    assert paper.abstract == ARXIV.abstract
    assert paper.tldr == "Ours."
    assert paper.keywords == ("graphs",)
    assert paper.citations == 700
    assert paper.categories == ("stat.ML", "Computer Science")
    assert paper.urls["paper"] == "https://arxiv.org/abs/2111.14522"
    assert (paper.raw["room"], paper.raw["arxiv"], paper.raw["forum"]) == ("a_room", "2111.14522", "7UmjRGzp-A")


def test_every_sources_values_are_kept() -> None:
    paper = joined([SCHOLAR, ARXIV, FORUM])
    assert parts_of(paper) == {"openreview": FORUM, "arxiv": ARXIV, "semanticscholar": SCHOLAR}
    assert parts_of(Paper.from_dict(paper.as_dict())) == parts_of(paper)
    assert parts_of(ARXIV) == {"arxiv": ARXIV}


@given(
    st.permutations([FORUM, ARXIV, SCHOLAR, record("own-list", "x1", keywords=("k",)), record("cards", tldr="Ours.")])
)
def test_joining_does_not_depend_on_the_order(records: list[Paper]) -> None:
    one = joined(records, "id")
    assert one == joined(sorted(records, key=lambda paper: paper.id), "id")
    paper = records[0]
    for other in records[1:]:
        paper = joined([paper, other], "id")
    assert parts_of(paper) == parts_of(one)
    assert replace(paper, id="id") == one


def test_a_source_that_is_not_known_comes_before_the_machines() -> None:
    assert "own-list" not in PRECEDENCE
    own = record("own-list", citations=1)
    assert joined([SCHOLAR, own]).citations == 1
    assert joined([replace(own, source="arxiv", citations=2), own]).citations == 2


def test_what_cannot_be_joined() -> None:
    with pytest.raises(NavigatorError, match="at least one record"):
        joined([])
    with pytest.raises(NavigatorError, match="arxiv has two records"):
        joined([ARXIV, replace(ARXIV, id="arxiv:2111.00000")])
    assert joined([ARXIV, ARXIV]) == ARXIV
    assert parts_of(joined([ARXIV], "other")) == {"arxiv": ARXIV}


def test_a_record_that_is_taken_back_leaves_the_others() -> None:
    paper = joined([FORUM, ARXIV, SCHOLAR])
    assert without(paper, "arxiv") == joined([FORUM, SCHOLAR], "7UmjRGzp-A")
    rest = without(joined([FORUM, ARXIV]), "openreview")
    assert rest is not None
    assert rest.id == "7UmjRGzp-A"  # tags and notes go by it
    assert parts_of(rest) == {"arxiv": ARXIV}
    assert without(ARXIV, "arxiv") is None


# -- joining what comes with what is there -----------------------------------------------------------------------------


class There:
    """A library, as far as a joiner sees it."""

    def __init__(self, *papers: Paper) -> None:
        self.papers = {paper.id: paper for paper in papers}

    def joiner(self) -> Joiner:
        return Joiner(self.papers.values(), self.papers.__getitem__)

    def take(self, *records: Paper) -> None:
        joiner = self.joiner()
        for one in records:
            paper = joiner.paper(one)
            self.papers[paper.id] = paper
        joiner.kept()


def test_a_record_that_comes_again_takes_its_former_ones_place() -> None:
    there = There()
    there.take(ARXIV)
    there.take(SCHOLAR)
    once = dict(there.papers)
    there.take(SCHOLAR, ARXIV)
    assert there.papers == once
    there.take(replace(SCHOLAR, citations=701))
    (paper,) = there.papers.values()
    assert paper.citations == 701
    assert parts_of(paper)["arxiv"] == ARXIV


def test_a_record_is_known_again_even_if_its_title_and_ids_have_changed() -> None:
    there = There()
    there.take(ARXIV, SCHOLAR)
    there.take(replace(SCHOLAR, title="A wholly different title", raw={}))
    assert list(there.papers) == ["arxiv:2111.14522"]


def test_the_id_that_is_there_stays() -> None:
    there = There(SCHOLAR)
    there.take(ARXIV, FORUM)
    (paper,) = there.papers.values()
    assert paper.id == "s2:abc"
    assert set(parts_of(paper)) == {"semanticscholar", "arxiv", "openreview"}


def test_one_id_from_two_sources_is_one_paper() -> None:
    there = There(record("bibtex", "arxiv:2111.14522", title="Typed by hand"))
    there.take(ARXIV)
    (paper,) = there.papers.values()
    assert set(parts_of(paper)) == {"bibtex", "arxiv"}


def test_a_second_record_of_a_source_under_the_papers_own_id_takes_the_first_ones_place() -> None:
    there = There(
        joined([record("openalex", "10.1063/x", citations=3), record("bibtex", "k1", raw={"doi": "10.1063/x"})])
    )
    (identifier,) = there.papers
    there.take(record("bibtex", identifier, abstract="New."))
    assert list(there.papers) == [identifier]
    assert (there.papers[identifier].citations, there.papers[identifier].abstract) == (3, "New.")


def test_what_would_join_two_papers_joins_the_surer_one() -> None:
    by_title = record("bibtex", "k1", authors=("Jake Topping",))
    there = There(by_title, replace(SCHOLAR, source="openalex", id="openalex:W1"))
    there.take(ARXIV)
    assert set(parts_of(there.papers["openalex:W1"])) == {"openalex", "arxiv"}
    assert there.papers["k1"] == by_title


def test_what_is_taken_back() -> None:
    there = There(joined([ARXIV, SCHOLAR]), FORUM)
    joiner = there.joiner()
    found = joiner.taken_back("arxiv:2111.14522", "arxiv")
    assert found is not None
    assert found[0] == "arxiv:2111.14522"
    assert found[1] is not None
    assert (found[1].id, found[1].title) == ("arxiv:2111.14522", SCHOLAR.title)
    assert parts_of(found[1]) == {"semanticscholar": SCHOLAR}
    assert joiner.taken_back("arxiv:2111.14522", "arxiv") is None
    assert joiner.taken_back("7UmjRGzp-A", "openreview") == ("7UmjRGzp-A", None)
    assert joiner.taken_back("unknown", "arxiv") is None
    assert joiner.paper(FORUM) == FORUM  # and it may come again


def test_what_is_left_is_known_again_under_the_id_it_has() -> None:
    there = There(joined([ARXIV, SCHOLAR]))
    found = there.joiner().taken_back("arxiv:2111.14522", "arxiv")
    assert found is not None
    assert found[1] is not None
    there.papers = {found[1].id: found[1]}
    there.take(SCHOLAR)
    assert list(there.papers) == ["arxiv:2111.14522"]
    there.take(ARXIV)
    assert parts_of(there.papers["arxiv:2111.14522"]) == {"arxiv": ARXIV, "semanticscholar": SCHOLAR}


# -- titles that are nearly the same -----------------------------------------------------------------------------------


def edits(first: str, second: str) -> int:
    """The whole table, as in the textbook."""
    row = list(range(len(second) + 1))
    for down, letter in enumerate(first, start=1):
        above, row = row, [down]
        for place, other in enumerate(second, start=1):
            row.append(min(above[place] + 1, row[-1] + 1, above[place - 1] + (letter != other)))
    return row[-1]


def test_near_titles_are_proposed_not_joined() -> None:
    papers = [
        record("a", "a", title="Neural Message Passing for Quantum Chemistry", authors=("X",)),
        record("b", "b", title="Neural Mesage Passing for Quantum Chemistry", authors=("X",)),
        record("c", "c", title="Neural Message Passing for Organic Chemistry", authors=("X",)),
    ]
    assert deduplicated(papers) == papers
    (found,) = proposals(papers)
    assert (found.first, found.second) == ("a", "b")
    assert found.ratio == pytest.approx(1 - 1 / 39)


def test_equal_titles_come_first() -> None:
    papers = [record("a", "a"), record("b", "b"), record("c", "c", title=TITLE + "s")]
    first = proposals(papers)[0]
    assert (first.first, first.second, first.ratio) == ("a", "b", 1.0)


@given(st.integers(0, 10_000), st.sampled_from([0.95, 0.9, 0.8, 1.0]))
@settings(max_examples=25, deadline=None)
def test_no_pair_is_missed_and_none_is_invented(seed: int, ratio: float) -> None:
    generator = random.Random(seed)
    titles = []
    for _ in range(6):
        title = "".join(generator.choices("abc", k=generator.randrange(12, 50)))
        titles.append(title)
        for _ in range(2):
            letters = list(title)
            for _ in range(generator.randrange(4)):
                place = generator.randrange(len(letters) + 1)
                letters[place : place + generator.randrange(2)] = generator.choices("abc", k=generator.randrange(2))
            titles.append("".join(letters) or "a")
    papers = [record("x", f"p{n}", title=title) for n, title in enumerate(titles)]
    long = [paper for paper in papers if len(paper.title) >= 12]
    expected = {
        (first.id, second.id)
        for first in long
        for second in long
        if first.id < second.id
        and edits(first.title, second.title) <= (1 - ratio) * max(len(first.title), len(second.title)) + 1e-9
    }
    assert {(one.first, one.second) for one in proposals(papers, ratio)} == expected


@pytest.mark.parametrize("ratio", [0.5, 1.01, -1, float("nan")])
def test_a_ratio_that_cannot_be(ratio: float) -> None:
    with pytest.raises(NavigatorError, match="ratio is above"):
        proposals([], ratio)
