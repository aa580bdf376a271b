"""Experts: scores by hand, homonyms, and libraries without authors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from navigator_records import made_papers

from paperwright.navigator.errors import NavigatorError
from paperwright.navigator.experts import attention, experts
from paperwright.navigator.library import Library
from paperwright.navigator.paper import Paper


def library_of(*papers: Paper) -> Library:
    library = Library.in_memory()
    library.add(papers)
    return library


def test_the_first_and_the_last_author_count_whole_and_others_half() -> None:
    paper = Paper(id="a", title="spectral graphs", authors=("First", "Middle", "Last"))
    with library_of(paper, Paper(id="b", title="another thing", authors=("Else",))) as library:
        found = {one.name: one.score for one in experts(library, "spectral graphs")}
    assert found == pytest.approx({"First": 1.0, "Last": 1.0, "Middle": 0.5})


def test_the_papers_behind_a_score_sum_to_it() -> None:
    with library_of(*made_papers(40)) as library:
        found = experts(library, "policy reward agent", k=5)
    assert len(found) == 5
    for one in found:
        assert one.score == pytest.approx(sum(share for _, share in one.papers))
        assert [share for _, share in one.papers] == sorted((share for _, share in one.papers), reverse=True)
        assert one.shown[0].id == one.papers[0][0]
        assert one.warning
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


def test_profiles_tell_homonyms_apart() -> None:
    titled = {"title": "spectral graphs", "authors": ("Wei Wang",)}
    with library_of(Paper(id="a", **titled), Paper(id="b", **titled)) as library:  # type: ignore[arg-type]
        (one,) = experts(library, "spectral graphs")
    assert len(one.papers) == 2
    assert "same name" in one.warning
    with library_of(
        Paper(id="a", **titled, raw={"profiles": ["~Wei_Wang1"]}),  # type: ignore[arg-type]
        Paper(id="b", **titled, raw={"profiles": ["~Wei_Wang2"]}),  # type: ignore[arg-type]
    ) as library:
        found = experts(library, "spectral graphs")
    assert {one.profile for one in found} == {"~Wei_Wang1", "~Wei_Wang2"}
    assert not any(one.warning for one in found)


@settings(deadline=None)
@given(st.lists(st.floats(-100, 100), min_size=1, max_size=50), st.floats(0.01, 100))
def test_attention_is_a_share_that_knows_no_unit(scores: list[float], unit: float) -> None:
    shares = attention(np.array(scores))
    assert shares.sum() == pytest.approx(1)
    if np.std(scores) > 1e-6:
        np.testing.assert_allclose(attention(unit * np.array(scores)), shares, rtol=1e-6)
        assert (np.argsort(shares, kind="stable")[-1]) in np.flatnonzero(np.array(scores) >= max(scores) - 1e-9)


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_few_papers(count: int) -> None:
    with library_of(*made_papers(count)) as library:
        assert len(experts(library, "study0 towards")) <= 2 * count


def test_no_author_is_known() -> None:
    with library_of(Paper(id="a", title="graphs")) as library:
        assert experts(library, "graphs") == []


def test_refusals() -> None:
    with library_of() as library:
        with pytest.raises(NavigatorError, match="found by a query"):
            experts(library, " ")
        with pytest.raises(NavigatorError, match="k is how many authors"):
            experts(library, "a", k=0)
