"""Import, export, import: a bibliography that went through a library can still be cited from."""

import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paperwright.navigator.citations import main_link
from paperwright.navigator.exports import export
from paperwright.navigator.names import Name
from paperwright.navigator.paper import Paper
from paperwright.navigator.sources import open_source
from paperwright.navigator.sources.fields import resolved
from paperwright.navigator.sources.file_ids import by_key

LETTERS = string.ascii_letters + "éøŁçšñü"
WORDS = st.text(LETTERS, min_size=1, max_size=8)
CAPITALS = WORDS.map(lambda word: word[0].upper() + word[1:].lower()).filter(lambda word: word[0].isupper())
SURNAMES = CAPITALS.filter(
    lambda word: word.lower() not in ("and", "others", "ii", "iii", "iv", "jr", "sr", "co", "inc")
)
TEXTS = st.lists(
    st.text(LETTERS + string.digits + "&%$#_~^{}\\-'+.:()<", min_size=1, max_size=8), min_size=1, max_size=5
)
NUMBERS = st.integers(1, 999).map(str)
PEOPLE = st.one_of(
    st.builds(
        Name,
        family=st.lists(SURNAMES, min_size=1, max_size=2).map(" ".join),
        given=st.lists(SURNAMES, min_size=1, max_size=2).map(" ".join),
        particle=st.sampled_from(["", "", "van der", "de la"]),
        suffix=st.sampled_from(["", "", "Jr.", "III"]),
    ),
    st.builds(
        Name,
        family=st.builds(
            lambda words, comma: comma.join([" ".join(words[:-1]), words[-1]]),
            st.lists(SURNAMES, min_size=2, max_size=3),
            st.sampled_from([" ", ", "]),
        ),
        body=st.just(True),
    ),
)
PLACES = {
    "article": ("volume", "number", "pages", "issn"),
    "inproceedings": ("pages", "editor", "publisher"),
    "incollection": ("pages", "editor", "publisher", "address"),
    "book": ("publisher", "edition", "isbn"),
    "phdthesis": ("school",),
    "mastersthesis": ("school", "address"),
    "techreport": ("institution", "number"),
}
VALUES: dict[str, st.SearchStrategy[str]] = {
    **dict.fromkeys(("volume", "number"), NUMBERS),
    "pages": st.builds(lambda first, more: f"{first}-{first + more}", st.integers(1, 900), st.integers(1, 30)),
    "editor": st.lists(PEOPLE, min_size=1, max_size=2).map(lambda people: " and ".join(one.inverted for one in people)),
    "isbn": st.just("978-3-16-148410-0"),
    "issn": st.just("1234-567X"),
    "edition": st.sampled_from(["2", "Third"]),
    **dict.fromkeys(("publisher", "school", "institution", "address"), TEXTS.map(" ".join)),
}


@st.composite
def ids(draw: st.DrawFn, title: str) -> tuple[str, dict[str, Any]]:
    """An id as a bibliography's papers have one, and what their `raw` says with it."""
    number = draw(st.integers(10, 10**5 - 1))
    doi, arxiv, key = f"10.5555/{number}", f"2101.{number:05}", f"made{number}"
    return draw(
        st.sampled_from(
            [
                (doi, {"doi": doi, "key": key}),
                (f"arxiv:{arxiv}", {"arxiv": arxiv, "key": key}),
                (by_key(key, title), {"key": key}),
            ]
        )
    )


@st.composite
def records(draw: st.DrawFn) -> Paper:
    kind = draw(st.sampled_from(sorted(PLACES)))
    people = draw(st.lists(PEOPLE, max_size=3))
    title = "A study of " + " ".join(draw(TEXTS))
    values: dict[str, Any] = {name: draw(VALUES[name]) for name in PLACES[kind] if draw(st.booleans())}
    identifier, raw = draw(ids(title))
    year = draw(st.integers(1900, 2030))
    others = {"others": True} if people and draw(st.booleans()) else {}
    fields = draw(st.dictionaries(st.sampled_from(["language", "urldate", "x-note"]), TEXTS.map(" ".join), max_size=2))
    return Paper(
        id=identifier,
        title=title,
        authors=tuple(map(str, people)),
        names=tuple(one.inverted for one in people),
        venue="" if "school" in PLACES[kind] or kind in ("book", "techreport") else "Journal of " + draw(WORDS),
        year=year,
        published=draw(st.sampled_from([None, f"{year}-04", f"{year}-11-30", "1899-12", "1899"])),
        decision=draw(st.sampled_from(["", "Poster"])),
        keywords=tuple(draw(st.lists(WORDS, max_size=2, unique=True))),
        abstract=draw(st.one_of(st.just(""), TEXTS.map(lambda words: "We show " + " ".join(words)))),
        publication={"type": kind, **values},
        urls={
            name: f"https://example.org/~{name}/x_1%20y" for name in draw(st.sets(st.sampled_from(["paper", "pdf"])))
        },
        code_urls=tuple(draw(st.lists(NUMBERS.map("https://github.com/ada/x_{}".format), max_size=2, unique=True))),
        raw={**raw, **others, **({"fields": fields} if fields else {})},
    )


def told(paper: Paper, format: str) -> dict[str, Any]:
    """What must survive in a format; pages may be written with any dash."""
    publication = {name: value.replace("–", "-").replace("--", "-") for name, value in paper.publication.items()}
    names = [one.inverted for one in paper.people]
    kept = ["id", "title", "venue", "year", "keywords", "abstract", "authors", "decision", "published"]
    values = {name: getattr(paper, name) for name in [*kept, *(["code_urls"] if format != "ris" else [])]}
    if format == "bib":
        values |= {name: paper.raw.get(name) for name in ("key", "others", "fields")}
    said = (str(paper.raw.get(name, "")) for name in ("doi", "arxiv"))
    link = main_link(paper) or resolved(*said)
    return {**values, "names": names, "publication": publication, "link": link}


@pytest.mark.parametrize("format", ["bib", "ris", "csv"])
@given(papers=st.lists(records(), min_size=1, max_size=3, unique_by=lambda paper: paper.id))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_nothing_is_lost(tmp_path: Path, format: str, papers: list[Paper]) -> None:
    for _ in range(2):
        export(papers, tmp_path / f"out.{format}")
        (batch,) = open_source(str(tmp_path / f"out.{format}")).batches()
        assert not batch.rejected
        assert [told(paper, format) for paper in batch.papers] == [told(paper, format) for paper in papers]
        papers = list(batch.papers)


BIB = """@article{l, title={Deep learning for everyone}, author={Doe, Ann and Roe, Bob}, journal={Journal of Results},
  volume={5}, number={7}, pages={4--9}, year={2015}}
@phdthesis{t, title={A thesis about something deep}, author={Doe, Jane}, school={A School}, year=1999}
@book{b, title={A book about something deep}, author={Di Marco, Jane}, publisher={A Press}, year=1999}
@article{o, title={A reproducibility study}, author={{Open Data Group}}, year=2015}
@article{k, title={A letter}, author={Kingly, Jr., Martin Luther}, year=1963}
"""


def test_types_and_names_come_out_as_they_went_in(tmp_path: Path) -> None:
    (tmp_path / "x.bib").write_text(BIB)
    (batch,) = open_source(str(tmp_path / "x.bib")).batches()
    export(batch.papers, tmp_path / "out.bib")
    written = (tmp_path / "out.bib").read_text()
    for line in (
        *("@article{doe2015deep,", "  journal = {Journal of Results},", "  volume = {5},", "  number = {7},"),
        *("  pages = {4--9},", "@phdthesis{doe1999thesis,", "  school = {A School},", "@book{dimarco1999book,"),
        *("  publisher = {A Press},", "  author = {Di Marco, Jane},", "@article{opendatagroup2015reproducibility,"),
        *("  author = {{Open Data Group}},", "@article{kingly1963letter,", "  author = {Kingly, Jr., Martin Luther},"),
    ):
        assert f"{line}\n" in written, line
    assert "booktitle" not in written
    export(batch.papers, tmp_path / "out.ris")
    lines = (tmp_path / "out.ris").read_text().splitlines()
    assert [line[6:] for line in lines if line.startswith("TY")] == ["JOUR", "THES", "BOOK", "JOUR", "JOUR"]
    assert [line[6:] for line in lines if line.startswith("AU")] == [
        *("Doe, Ann", "Roe, Bob", "Doe, Jane", "Di Marco, Jane", "Open Data Group", "Kingly, Martin Luther, Jr.")
    ]
