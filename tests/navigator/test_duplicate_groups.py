"""What is in a library twice: which papers are found, what joining makes of them, and what the commands say."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from paperwright.cli import main
from paperwright.navigator.duplicate_groups import Duplicates, join
from paperwright.navigator.duplicates import parts_of
from paperwright.navigator.errors import NavigatorError, UnknownPaperId
from paperwright.navigator.library import Library
from paperwright.navigator.paper import Paper
from paperwright.navigator.sources import bibtex
from paperwright.navigator.sync import sync

PREPRINT = """@misc{n1, author = {Heron, Ada and Roy, Bo}, title = {How herons cross a river}, year = {2018},
  eprint = {1801.00007}, archiveprefix = {arXiv}}
"""
PUBLISHED = """@inproceedings{n2, author = {Heron, Ada and Roy, B.}, title = {How {H}erons Cross a River},
  year = {2018}, booktitle = {Proc. of Rivers}, doi = {10.5555/rivers.7}}
"""


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.create(tmp_path / "library") as made:
        yield made


def bring(library: Library, path: Path, text: str) -> Any:
    path.write_text(text)
    return sync(library, bibtex(path))


@pytest.mark.parametrize("files", [["a.bib"], ["a.bib", "b.bib"]])
def test_a_paper_twice_in_ones_bibliographies_is_told_found_and_joined(
    library: Library, tmp_path: Path, files: list[str]
) -> None:
    texts = dict(zip(files, [PREPRINT, PUBLISHED] if len(files) == 2 else [PREPRINT + PUBLISHED], strict=True))
    reports = [bring(library, tmp_path / name, text) for name, text in texts.items()]
    assert "there twice, it seems: 10.5555/rivers.7 and arxiv:1801.00007" in reports[-1].notes[0]
    ids = ("10.5555/rivers.7", "arxiv:1801.00007")
    assert library.duplicates() == [Duplicates(ids, "the same title and first author", sure=True)]
    (problem,) = library.doctor()
    assert "10.5555/rivers.7 = arxiv:1801.00007" in problem.what
    paper = library.join(ids)
    assert (paper.id, paper.venue, paper.raw["arxiv"]) == (ids[0], "Proc. of Rivers", "1801.00007")
    assert (len(library), library.duplicates(), library.doctor()) == (1, [], [])
    assert library.search("herons")[0].paper == paper
    again = [bring(library, tmp_path / name, text) for name, text in texts.items()]
    assert [(report.new, report.changed, report.notes) for report in again] == [(0, 0, [])] * len(files)
    bring(library, tmp_path / files[-1], texts[files[-1]].replace("Proc. of Rivers", "Rivers 18"))
    assert library[ids[0]].venue == "Rivers 18"
    assert len(parts_of(library[ids[0]])) == 2


def papers(**changed: Any) -> list[Paper]:
    one = Paper(id="a", title="Counting tides without a clock", authors=("Bo Roy",), source="bibtex")
    return [one, replace(one, id="b", **changed)]


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        ({}, {"raw": {"doi": "10.5555/x"}}, "the same title and first author"),
        ({"raw": {"doi": "10.5555/x"}}, {"raw": {"doi": "10.5555/x"}, "title": "Counting tides"}, None),
        (
            {"raw": {"doi": "10.5555/x"}},
            {"raw": {"doi": "10.5555/x"}, "title": "Counting the tides without any clock"},
            "DOI",
        ),
        ({"raw": {"doi": "10.5555/x"}}, {"raw": {"doi": "10.5555/x"}, "title": "How herons cross a river"}, None),
        ({"raw": {"arxiv": "1801.00007"}}, {"raw": {"arxiv": "1801.00007"}, "title": "Its first title"}, "arXiv id"),
        # Handed in two years running, and a paper with its journal's version: a person decides.
        ({"raw": {"forum": "forum00001"}}, {"raw": {"forum": "forum00002"}}, None),
        ({"raw": {"doi": "10.5555/x"}}, {"raw": {"doi": "10.5555/y"}}, None),
        ({}, {"authors": ("Ada Heron",)}, None),
    ],
)
def test_which_are_sure(first: dict[str, Any], second: dict[str, Any], why: str | None) -> None:
    one, other = papers(**second)
    with Library.in_memory() as library:
        library.add([replace(one, **first), other])
        sure = [group for group in library.duplicates() if group.sure]
        near = [group for group in library.duplicates() if not group.sure]
        assert len(library.doctor()) == len(sure)
    if why is None:
        assert sure == []
        assert [group.ids for group in near] == ([("a", "b")] if other.title == one.title else [])
    else:
        assert [set(group.ids) for group in sure] == [{"a", "b"}]
        assert why in sure[0].why
        assert near == []


def test_three_that_hang_together_are_one_group() -> None:
    base = Paper(id="a", title="Counting tides without a clock", authors=("Bo Roy",), source="bibtex")
    by_title = replace(base, id="b", raw={"arxiv": "1801.00007"})
    by_id = replace(base, id="c", title="A first draft on tides", venue="V", raw={"arxiv": "1801.00007"})
    with Library.in_memory() as library:
        library.add([base, by_title, by_id])
        (group,) = library.duplicates()
        assert (group.ids[0], set(group.ids)) == ("c", {"a", "b", "c"})  # what has a venue stays
        assert group.why == "the same arXiv id, the same title and first author"


def test_what_the_reader_has_put_on_them_goes_with_them(library: Library) -> None:
    library.add(papers())
    library.tag("read", ["b"])
    library.tag("both", ["a", "b"])
    library.write_note("a", "first")
    library.write_note("b", "second")
    library.mark_seen("b")
    library.join(["a", "b"])
    assert library.tags() == {"both": 1, "read": 1}
    assert library.tagged("read") == ["a"]
    assert library.note("a") == "first\nsecond"
    assert library.records.seen() == {"a"}


def test_all_groups_are_joined_or_none(library: Library) -> None:
    library.add([*papers(), *(replace(one, id=f"{one.id}2") for one in papers())])
    library.tag("read", ["b"])
    with pytest.raises(UnknownPaperId, match="'nowhere'"):
        join(library, [("a", "b"), ("a2", "nowhere")])
    with pytest.raises(NavigatorError, match="'a' is named twice"):
        join(library, [("a", "b"), ("a", "a2")])
    with pytest.raises(NavigatorError, match="expected two or more"):
        library.join(["a"])
    assert len(library) == 4
    assert library.tagged("read") == ["b"]


# -- the command -------------------------------------------------------------------------------------------------------


@pytest.fixture
def run(library: Library, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs `duplicates` on a library of two pairs, a sure one and one of titles that are nearly the same."""
    library.add([*papers(), replace(papers()[0], id="c", title="Counting tides without a clocks", authors=())])

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["duplicates", *arguments, "--library", str(library.directory)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_the_command_lists_them(run: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = run()
    rows = [line.split("\t") for line in out.splitlines()]
    assert code == 0
    assert [row[:2] for row in rows] == [["1", "a"], ["1", "b"], ["2", "a"], ["2", "c"], ["3", "b"], ["3", "c"]]
    assert rows[0][-1] == "the same title and first author"
    assert rows[2][-1] == "titles alike (0.96)"
    assert "joins the 1 that are sure" in err
    assert [group["sure"] for group in json.loads(run("--json")[1])] == [True, False, False]


def test_the_command_joins_what_is_sure_or_what_is_named(
    run: Callable[..., tuple[int, str, str]], library: Library
) -> None:
    assert json.loads(run("--join", "--json")[1]) == [{"id": "a", "joined": ["b"]}]
    assert "none is sure" in run()[2]
    code, _, err = run("--join", "c", "a")
    assert code == 0
    assert "c is now also a" in err
    library.refresh()
    assert list(library) == [library["c"]]
    assert "no paper is there twice" in run()[2]
    code, _, err = run("c")
    assert code == 2
    assert "without --join" in err
