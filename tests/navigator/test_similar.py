"""Similar papers: nearest in meaning, and those that stand on the same work."""

import numpy as np
import pytest

from paperwright.navigator import Library, Paper
from paperwright.navigator.errors import NavigatorError, UnknownPaperId
from paperwright.navigator.similar import similar

PAPERS = [
    Paper(id="a", title="Graph networks for molecules", references=("r1", "r2", "r3", "r4"), year=2020),
    Paper(id="b", title="Graph networks for proteins", references=("r1", "r2"), year=2021),
    Paper(id="c", title="Convex optimisation of kernels", references=("r1", "a"), year=2022),
    Paper(id="d", title="Survey", references=("a", "b", "r9"), year=2022),
    Paper(id="e", title="Molecules and graph networks", year=2022),
]


class Bags:
    """An encoder that knows four words."""

    name = "bags"

    def encode(self, sentences: list[str]) -> np.ndarray:
        known = ("graph", "molecules", "kernels", "networks")
        rows = np.array([[one.casefold().count(word) for word in known] for one in sentences], dtype=np.float32)
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


@pytest.fixture
def library() -> Library:
    made = Library.in_memory(Bags())
    made.add([*PAPERS[:3], *PAPERS[4:]])
    made.add(Paper(id="d", title="Survey of kernels", references=("a", "b", "r9"), year=2022))
    return made


def test_the_nearest_by_cosine_without_itself(library: Library) -> None:
    found = library.similar("a", k=3)
    assert [hit.paper.id for hit in found] == ["e", "b", "c"]
    assert [hit.score for hit in found] == pytest.approx([1, 2 / 6**0.5, 0], abs=1e-3)
    assert [hit.rank for hit in found] == [1, 2, 3]
    assert found[0].why.terms == ("graph", "network", "molecul")
    assert found[1].why.legs == {"meaning": (2, pytest.approx(2 / 6**0.5, abs=1e-3))}


def test_a_filter_comes_before_the_best(library: Library) -> None:
    assert [hit.paper.id for hit in library.similar("a", k=1, where={"year": 2021})] == ["b"]
    assert library.similar("a", where={"year": 1999}) == []


def test_coupling_and_cocitation_by_hand(library: Library) -> None:
    found = {hit.paper.id: hit.score for hit in similar(library, "a", by="references")}
    # b shares r1 and r2 of 4 and 2 references, and is cited by d of the citing papers {c, d} and {d}; c shares r1.
    assert found == {"b": pytest.approx(2 / (4 * 2) ** 0.5), "c": pytest.approx(1 / (4 * 2) ** 0.5)}
    assert pytest.approx(found["b"]) == 1 / (2 * 1) ** 0.5


def test_both_are_half_of_each(library: Library) -> None:
    meaning = {hit.paper.id: hit.score for hit in similar(library, "a", by="meaning")}
    references = {hit.paper.id: hit.score for hit in similar(library, "a", by="references")}
    both = {hit.paper.id: hit.score for hit in similar(library, "a", by="both")}
    assert both == {one: pytest.approx((score + references.get(one, 0)) / 2) for one, score in meaning.items()}
    assert set(similar(library, "a", by="both")[0].why.legs) <= {"meaning", "references"}


def test_references_change_with_the_library(library: Library) -> None:
    similar(library, "a", by="references")
    library.add(Paper(id="f", title="New graph", references=("r4",)))
    assert "f" in [hit.paper.id for hit in similar(library, "a", by="references")]
    assert [hit.paper.id for hit in similar(library, "a", by="references", where={"year": 2021})] == ["b"]


def test_a_paper_of_unknown_words_has_the_nearest_by_words() -> None:
    library = Library.in_memory()
    library.add([Paper(id=f"g{at}", title=f"Graph networks {'again ' * at}") for at in range(8)])
    library.rebuild()
    library.add([Paper(id="x", title="Zebra stripes"), Paper(id="y", title="Stripes of a zebra")])
    found = library.similar("x", k=3)
    assert [hit.paper.id for hit in found] == ["y"]
    assert set(found[0].why.legs) == {"words"}


def test_the_embedded_encoder_finds_like_titles() -> None:
    library = Library.in_memory()
    subjects = ("graph networks", "kernel machines", "diffusion steps", "language tokens", "policy gradients")
    places = ("theory", "practice", "limits", "proofs")
    library.add([Paper(id=f"{one[0]}{at}", title=f"{one} in {to}") for one in subjects for at, to in enumerate(places)])
    library.rebuild()
    for one in subjects:
        assert library.similar(f"{one[0]}0", k=1)[0].paper.title.startswith(one)


def test_what_cannot_be_asked(library: Library) -> None:
    with pytest.raises(UnknownPaperId, match="no paper with the id 'nobody'"):
        library.similar("nobody")
    with pytest.raises(NavigatorError, match="at least 1; got 0"):
        library.similar("a", k=0)
    with pytest.raises(NavigatorError, match="by is one of meaning, references, both; got 'magic'"):
        similar(library, "a", by="magic")  # type: ignore[arg-type]


def test_long_records_in_one_style_do_not_stand_before_papers_of_the_same_matter() -> None:
    style = "This record was checked by hand; each claim has a verdict, a budget of trials and a seed that replays it. "
    fillers = [
        Paper(id=f"f{number}", title=f"{first} {second}", keywords=(first, second))
        for number, (first, second) in enumerate(
            (first, second)
            for first in ("robust", "sparse", "causal", "private")
            for second in ("vision", "speech", "text")
        )
    ]
    with Library.in_memory() as library:
        library.add(
            [
                Paper(id="asked", title="Over-squashing on graphs by curvature", abstract=12 * style),
                Paper(id="card", title="Private tuning of rates", abstract=12 * style),
                Paper(id="same", title="Over-squashing and curvature of graphs", keywords=("rewiring",)),
                *fillers,
            ]
        )
        assert library.similar("asked", k=2)[0].paper.id == "same"
