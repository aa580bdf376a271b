"""A conference in numbers: the article's figures from the records, and what neither of them says."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from navigator_records import conference_papers, made_papers

from paperwright.navigator.conference import ConferenceStatistics, conferences, statistics, statistics_of
from paperwright.navigator.errors import NavigatorError
from paperwright.navigator.library import Library
from paperwright.navigator.paper import Paper


@pytest.fixture(scope="module")
def iclr() -> ConferenceStatistics:
    return statistics_of(conference_papers(), "ICLR", 2022)


def test_the_decisions_of_the_conference(iclr: ConferenceStatistics) -> None:
    assert iclr.decisions == {"Oral": 54, "Spotlight": 176, "Poster": 865, "Reject": 1580, "Withdrawn": 653}
    assert iclr["accepted"].value == 1095
    assert iclr["submissions in the records"].value == 3328
    assert iclr["papers with keywords"].value == 2886


@pytest.mark.parametrize(
    ("name", "shown", "origin"),
    [
        ("Oral, of 3,391 valid submissions", "1.59%", "both"),
        ("Spotlight, of 3,391 valid submissions", "5.19%", "both"),
        ("accepted, of 3,391 valid submissions", "32.3%", "both"),
        ("growth of submissions since 2021", "13.1%", "article"),
        ("growth of accepted since 2021", "27.3%", "both"),
        ("accepted", "1,095", "records"),
        ("Oral", "54", "records"),
    ],
)
def test_the_article_s_figures(iclr: ConferenceStatistics, name: str, shown: str, origin: str) -> None:
    assert str(iclr[name]) == shown
    assert iclr[name].origin == origin
    assert iclr[name].agrees is (None if origin == "article" else True)


def test_what_the_records_do_not_hold_is_said(iclr: ConferenceStatistics) -> None:
    assert iclr["submissions that the records lack"].value == 63
    assert "unconfirmed" in iclr["submissions that the records lack"].note
    assert iclr["valid submissions"].origin == "article"
    assert iclr["submissions in 2021"].value == 2997
    assert iclr["accepted in 2021"].value == 860
    for name in ("rejected without review (desk)", "authors", "citations"):
        assert iclr[name].value is None
        assert iclr[name].origin == "nowhere"


def test_ratings_over_time(iclr: ConferenceStatistics) -> None:
    first, *_, last = iclr.ratings_over_time
    assert (first.when, first.ratings, round(first.mean, 4)) == ("2021-11-09", 12829, 4.9218)
    assert (last.when, last.ratings, round(last.mean, 4)) == ("latest", 12991, 5.2125)
    assert (iclr.rose, iclr.fell) == (1445, 169)
    means = [at.mean for at in iclr.ratings_over_time]
    assert means == sorted(means)
    assert len(means) == 4


def test_the_order_of_topics(iclr: ConferenceStatistics) -> None:
    assert iclr.topic_order is not None
    assert iclr.topic_order.estimate == 1
    assert iclr.topic_order.low > 0.5
    assert iclr.topics_unlisted == ("transformer",)


def test_the_table_can_be_read_in_a_terminal(iclr: ConferenceStatistics) -> None:
    table = iclr.table()
    assert max(map(len, table.splitlines())) <= 100
    for words in (
        "1,095",
        "1.59%",
        "5.19%",
        "32.3%",
        "cannot be had",
        "records and article",
        "as reported",
        "unconfirmed",
    ):
        assert words in table
    assert "reported otherwise" not in table


def test_facts_that_only_the_article_has(iclr: ConferenceStatistics) -> None:
    assert iclr.events == {
        "outstanding papers": 7,
        "honourable mentions": 3,
        "blog posts": 21,
        "invited talks": 8,
        "workshops": 19,
    }


def test_as_json(iclr: ConferenceStatistics) -> None:
    values = json.loads(json.dumps(iclr.as_dict()))
    assert values["rating_changes"] == {"rose": 1445, "fell": 169, "stayed": 1714}
    assert sum(sum(row) for row in values["ratings_by_decision"]["counts"].values()) == 3328
    assert values["topics"][2]["spellings"] == {
        "graph neural networks": 95,
        "graph neural network": 32,
        "gnn": 9,
        "gnns": 4,
    }


def test_a_figure_that_the_article_gives_otherwise_is_shown_beside_it() -> None:
    papers = [Paper(id="a", title="t", decision="Oral"), Paper(id="b", title="t", decision="Reject")]
    found = statistics_of(papers, "ICLR", 2022)
    assert found["Oral"].agrees is False
    assert "the article says 54" in found.table()
    assert found["submissions that the records lack"].value == 3389


def test_without_an_article_the_records_speak_for_themselves() -> None:
    papers, before = made_papers(30), made_papers(20, year=2021)
    found = statistics_of(papers, "CONF", 2022, before)
    assert str(found["accepted, of 30 records"]) == "66.7%"
    assert found["growth of submissions since 2021"].value == pytest.approx(50)
    assert {figure.origin for figure in found.figures} == {"records", "nowhere"}
    assert found.topic_order is None
    alone = statistics_of(papers, "CONF", 2022)
    assert alone["submissions in 2021"].value is None


@pytest.mark.parametrize("decisions", [["", ""], ["", "Withdrawn"], ["", "Reject"]])
def test_where_no_record_says_an_acceptance_and_some_say_no_decision_none_is_counted(decisions: list[str]) -> None:
    papers = [Paper(id=f"p{n}", title="t", decision=decision) for n, decision in enumerate(decisions)]
    found = statistics_of(papers, "CONF", 2018, made_papers(20, year=2017))
    assert (found["accepted"].value, found["accepted"].origin) == (None, "nowhere")
    assert "accepted" not in {figure.name.partition(",")[0] for figure in found.figures if figure.value is not None}
    assert not [figure for figure in found.figures if figure.name.startswith("growth of accepted")]


def test_where_all_are_rejected_none_is_accepted() -> None:
    found = statistics_of([Paper(id="a", title="t", decision="Reject")], "CONF", 2018)
    assert found["accepted"].value == 0


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_few_papers(count: int) -> None:
    found = statistics_of(made_papers(count), "CONF", 2022)
    assert found["submissions in the records"].value == count
    assert json.dumps(found.as_dict())
    assert "CONF 2022" in found.table()


ratings = st.lists(st.integers(1, 10).map(float), max_size=5).map(tuple)


@settings(deadline=None)
@given(st.lists(st.tuples(ratings, ratings), max_size=12))
def test_every_rated_paper_is_in_the_histogram_once(rated: list[tuple[tuple[float, ...], tuple[float, ...]]]) -> None:
    papers = [
        Paper(id=f"p{n}", title="t", ratings=now, history=(("2021-01-01", then),))
        for n, (then, now) in enumerate(rated)
    ]
    found = statistics_of(papers, "CONF", 2022)
    with_ratings = [now for _, now in rated if now]
    counts = found.ratings_by_decision.counts if found.ratings_by_decision else {}
    assert sum(sum(row) for row in counts.values()) == len(with_ratings)
    both = [(then, now) for then, now in rated if then and now]
    assert found.rose + found.fell + found.stayed == len(both)
    assert found.rose == sum(sum(now) / len(now) > sum(then) / len(then) + 1e-9 for then, now in both)


def test_a_library_s_conferences() -> None:
    with Library.in_memory() as library:
        with pytest.raises(NavigatorError, match="conferences in it: none, it is empty"):
            statistics(library, "CONF", 2022)
        library.add([*made_papers(5), *(Paper(id=f"b{n}", title="t", venue="Other", year=2021) for n in range(2))])
        assert conferences(library) == {("CONF", 2022): 5, ("Other", 2021): 2}
        found = statistics(library, " conf", 2022)
        assert (found.venue, found["submissions in the records"].value) == ("CONF", 5)
        assert statistics(library, "CONF", 2022) is found
        with pytest.raises(NavigatorError, match="no paper of 'CONF' 2020; conferences in it: CONF 2022, Other 2021"):
            statistics(library, "CONF", 2020)


def test_a_missing_figure_names_those_that_there_are(iclr: ConferenceStatistics) -> None:
    with pytest.raises(KeyError, match="there are submissions in the records"):
        iclr["acceptance"]
