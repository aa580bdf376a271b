"""Trends: Wilson's interval and the log-odds with a prior, by hand and by their limits."""

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from navigator_records import made_papers

from paperwright.navigator.errors import NavigatorError
from paperwright.navigator.library import Library
from paperwright.navigator.paper import Paper
from paperwright.navigator.trends import log_odds, rising, trend
from paperwright.stats import proportion_interval


def library_of(*papers: Paper) -> Library:
    library = Library.in_memory()
    library.add(papers)
    return library


def years(**counts: tuple[int, int]) -> list[Paper]:
    """Papers by year: (with the term, without)."""
    return [
        Paper(
            id=f"{year}-{number}",
            title="On Diffusion Models" if number < with_term else "On Something Else",
            keywords=("diffusion models" if number < with_term else "else",),
            year=int(year[1:]),
        )
        for year, (with_term, without) in counts.items()
        for number in range(with_term + without)
    ]


def test_shares_and_their_intervals() -> None:
    with library_of(*years(y2020=(2, 98), y2021=(30, 70))) as library:
        found = trend(library, "diffusion model")
    assert [(one.year, one.papers, one.of) for one in found.years] == [(2020, 2, 100), (2021, 30, 100)]
    assert found.years[1].share == proportion_interval(30, 100)
    assert found.direction == "rising"
    # By hand: a = 10 * 32 / 200 = 1.6; odds 31.6 / 78.4 against 3.6 / 106.4.
    delta = math.log(31.6 / 78.4) - math.log(3.6 / 106.4)
    assert found.log_odds == pytest.approx(delta)
    assert found.z == pytest.approx(delta / math.sqrt(1 / 31.6 + 1 / 3.6))


@pytest.mark.parametrize(("before", "now", "direction"), [((5, 95), (6, 94), "steady"), ((30, 70), (2, 98), "falling")])
def test_directions(before: tuple[int, int], now: tuple[int, int], direction: str) -> None:
    with library_of(*years(y2020=before, y2021=now)) as library:
        assert trend(library, "Diffusion Models").direction == direction


counts = st.tuples(st.integers(0, 60), st.integers(1, 60)).map(lambda two: (two[0], two[0] + two[1]))


@settings(deadline=None)
@given(counts, counts)
def test_the_log_odds_change_sign_with_the_years(now: tuple[int, int], before: tuple[int, int]) -> None:
    share = (now[0] + before[0]) / (now[1] + before[1])
    delta, z = log_odds(*now, *before, share)
    back, z_back = log_odds(*before, *now, share)
    assert delta == pytest.approx(-back)
    assert z == pytest.approx(-z_back)


@settings(deadline=None)
@given(counts, counts)
def test_without_a_prior_it_is_the_plain_ratio_and_a_prior_draws_to_no_change(
    now: tuple[int, int], before: tuple[int, int]
) -> None:
    assume(min(now[0], before[0]) > 0)
    share = (now[0] + before[0]) / (now[1] + before[1])
    plain = math.log(now[0] / (now[1] - now[0])) - math.log(before[0] / (before[1] - before[0]))
    assert log_odds(*now, *before, share, prior=1e-9)[0] == pytest.approx(plain, abs=1e-6)
    assert abs(log_odds(*now, *before, share, prior=1e9)[0]) < 1e-5


def test_a_term_is_found_under_its_merged_spellings_and_as_a_phrase_only() -> None:
    papers = [
        Paper(id="a", title="GNNs for chemistry", year=2022),
        Paper(id="b", title="Graph Neural-Network pruning", year=2022),
        Paper(id="c", title="A graph", abstract="Neural network.", year=2022),
        Paper(id="d", title="Neural graph network", year=2022),
    ]
    with library_of(*papers) as library:
        found = trend(library, "gnn")
        assert found.years[0].papers == 2
        assert "graph neural networks" in found.spellings


def test_one_year_has_no_trend_and_undated_papers_are_counted() -> None:
    with library_of(*years(y2022=(1, 3)), Paper(id="x", title="diffusion models")) as library:
        found = trend(library, "diffusion models")
    assert (found.direction, found.z) == ("unknown", None)
    assert found.note == "1 papers without a year are left out; the papers are of one year: a trend needs two"


def test_rising_topics_by_z() -> None:
    with library_of(*years(y2020=(2, 48), y2021=(25, 25))) as library:
        found = rising(library)
    assert [one.topic for one in found] == ["diffusion models", "else"]
    assert (found[0].before, found[0].now) == (2, 25)
    assert found[0].z > 1.96 > -1.96 > found[1].z


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_few_papers(count: int) -> None:
    with library_of(*made_papers(count)) as library:
        found = trend(library, "graph")
        assert found.direction == "unknown"
        assert sum(one.of for one in found.years) == count
        assert rising(library) == []


@pytest.mark.parametrize("term", ["", "  ", "the of", "!?"])
def test_refusals(term: str) -> None:
    with library_of() as library, pytest.raises(NavigatorError, match="a word or a phrase"):
        trend(library, term)
