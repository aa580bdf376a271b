"""News of a saved search: what came last and answers it, whatever its rank; nothing that shares one common word."""

import pytest

from paperwright.navigator.library import Library
from paperwright.navigator.news import news
from paperwright.navigator.paper import Paper
from paperwright.navigator.reading import SavedSearch

STRONG = [
    Paper(id=f"s{n:03}", title=f"graph curvature, curvature of a graph {n}", year=2021, decision="Poster")
    for n in range(30)
]
WEAK = [Paper(id=f"w{n:03}", title=f"graph colouring and its many friends {n}", year=2021) for n in range(200)]
LATE = Paper(
    id="late",
    title="On meshes and many other things of which this title speaks at length, with graph curvature in the end",
    year=1999,
    decision="Poster",
)
SEARCH = SavedSearch("curved", "graph curvature", {})


def at(monkeypatch: pytest.MonkeyPatch, time: str) -> None:
    monkeypatch.setattr("paperwright.navigator.records.time_now", lambda: f"2026-01-0{time}:00:00.000000+00:00")


def test_a_new_paper_of_low_rank_and_old_date_is_news(monkeypatch: pytest.MonkeyPatch) -> None:
    with Library.in_memory() as library:
        at(monkeypatch, "1T10")
        library.add([*STRONG, *WEAK])
        before = [paper.id for paper in news(library, SEARCH, 5)]
        assert before == ["s000", "s001", "s002", "s003", "s004"]
        at(monkeypatch, "1T11")
        library.add(LATE)
        assert [hit.paper.id for hit in library.search("graph curvature", k=60)].index("late") >= 30
        assert [paper.id for paper in news(library, SEARCH, 5)] == ["late", *before[:4]]
        narrowed = SavedSearch("curved", "graph curvature", {"year": (2000, 2030)})
        assert [paper.id for paper in news(library, narrowed, 5)] == before


def test_what_shares_a_common_word_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with Library.in_memory() as library:
        at(monkeypatch, "1T10")
        library.add(STRONG)
        at(monkeypatch, "1T12")
        library.add(WEAK)
        assert "w000" in {hit.paper.id for hit in library.search("graph curvature", k=300)}
        assert {paper.id for paper in news(library, SEARCH, 300)} == {paper.id for paper in STRONG}


def test_of_one_import_the_newest_by_date_are_the_news(monkeypatch: pytest.MonkeyPatch) -> None:
    dated = [Paper(id=f"d{n:02}", title="graph curvature", published=f"2022-01-{n + 1:02}") for n in range(28)]
    with Library.in_memory() as library:
        at(monkeypatch, "1T10")
        library.add(dated)
        assert [paper.id for paper in news(library, SEARCH, 3)] == ["d27", "d26", "d25"]


def test_answers_are_looked_for_further_back_where_the_last_papers_hold_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("paperwright.navigator.news.LOOKED_AT", 10)
    with Library.in_memory() as library:
        at(monkeypatch, "1T10")
        library.add(STRONG)
        at(monkeypatch, "1T12")
        library.add(WEAK)
        assert len(news(library, SEARCH, 300)) == len(STRONG)
        assert [paper.id for paper in news(library, SavedSearch("all", "", {}), 2)] == ["w000", "w001"]
        assert news(library, SavedSearch("none", "heptagon", {}), 2) == []
