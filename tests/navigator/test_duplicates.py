"""Which records are of one paper, and what they say together."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paperwright.navigator.duplicates import (
    PRECEDENCE,
    Joiner,
    deduplicated,
    joined,
    keys_of,
    parts_of,
    surname_of,
    without,
)
from paperwright.navigator.errors import NavigatorError
from paperwright.navigator.paper import Paper
from paperwright.navigator.titles import plain

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
    with pytest.raises(NavigatorError, match=r"arxiv has two records with the id arxiv:2111\.14522"):
        joined([ARXIV, replace(ARXIV, title="Another")])
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


def test_a_second_record_of_a_source_under_the_papers_own_id_is_kept_beside_the_first() -> None:
    there = There(
        joined([record("openalex", "10.1063/x", citations=3), record("bibtex", "k1", raw={"doi": "10.1063/x"})])
    )
    (identifier,) = there.papers
    there.take(record("bibtex", identifier, abstract="New."))
    assert list(there.papers) == [identifier]
    assert (there.papers[identifier].citations, there.papers[identifier].abstract) == (3, "New.")
    assert {part.id for part in parts_of(there.papers[identifier]).values()} == {"10.1063/x", "k1"}


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


BOOK = {"raw": {"doi": "10.5555/book.9"}, "year": 2011}
HERONS = record("bibtex", "10.5555/book.9", title="How herons cross a river in spring", authors=("A One",), **BOOK)
TIDES = record("csv", "10.5555/book.9", title="Counting tides without a clock", authors=("B Two",), **BOOK)


def test_works_that_share_a_doi_stay_apart_whoever_brings_them() -> None:
    for first, second in ((HERONS, TIDES), (TIDES, HERONS), (HERONS, replace(TIDES, source="bibtex"))):
        there = There()
        there.take(first)
        there.take(second)
        once = dict(there.papers)
        assert sorted(paper.title for paper in once.values()) == [TIDES.title, HERONS.title]
        there.take(second, first)  # and come again
        assert there.papers == once


def test_a_doi_joins_titles_that_agree() -> None:
    there = There(HERONS)
    there.take(record("openalex", "openalex:W1", title="How Herons Cross a River", raw=BOOK["raw"], citations=4))
    (paper,) = there.papers.values()
    assert (paper.id, paper.title, paper.citations) == (HERONS.id, HERONS.title, 4)


def test_the_first_rows_of_two_tables_are_two_papers() -> None:
    there = There()
    there.take(record("csv", "1", title="How herons cross a river in spring"))
    there.take(record("csv", "1", title="Counting tides without a clock"))
    assert len(there.papers) == 2
    there.take(record("csv", "1", title="How herons cross a river in Spring", abstract="New."))
    assert len(there.papers) == 2
    assert there.papers["1"].abstract == "New."


def test_an_older_version_changes_nothing_that_is_there() -> None:
    newest = replace(ARXIV, updated="2022-03-01", raw={"arxiv": "2111.14522", "version": 3})
    there = There(newest)
    there.take(SCHOLAR)
    once = dict(there.papers)
    there.take(replace(ARXIV, title="Draft", updated="2021-11-29", raw={"arxiv": "2111.14522", "version": 1}))
    there.take(replace(ARXIV, title="Draft", updated="2022-03-01", raw={"arxiv": "2111.14522", "version": 2}))
    assert there.papers == once
    for date in ("2022-03-01", "2023-01-01"):  # harvested: without a version
        there.take(replace(ARXIV, title=f"Of {date}", updated=date))
        assert next(iter(there.papers.values())).title == f"Of {date}"


def test_what_a_source_brings_twice_is_told_and_stays_apart() -> None:
    there = There(ARXIV)
    joiner = there.joiner()
    assert joiner.paper(replace(ARXIV, id="arxiv:2201.00001", raw={}, urls={})).id == "arxiv:2201.00001"
    assert joiner.alike == []  # another arXiv id
    twice = replace(ARXIV, id="k1", raw={}, urls={})
    assert joiner.paper(twice) == twice
    assert joiner.alike == [("k1", ARXIV.id)]


def test_several_records_of_one_source_are_kept_and_come_again_each_to_its_place() -> None:
    preprint = record("bibtex", "arxiv:2111.14522", authors=("Jake Topping",))
    published = record("bibtex", "10.5555/t.1", title=TITLE.upper(), venue="ICLR", raw={"doi": "10.5555/t.1"})
    paper = joined([preprint, published], preprint.id)
    assert (paper.title, paper.venue, paper.authors) == (TITLE.upper(), "ICLR", ("Jake Topping",))
    assert parts_of(paper) == {"bibtex": published, "bibtex:arxiv:2111.14522": preprint}
    assert joined([published, preprint], preprint.id) == paper
    there = There(paper)
    there.take(replace(preprint, abstract="We show."), published)
    (paper,) = there.papers.values()
    assert paper.abstract == "We show."
    taken = there.joiner().taken_back(published.id, "bibtex")
    assert taken == (preprint.id, replace(preprint, abstract="We show."))
