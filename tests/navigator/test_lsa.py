"""Latent semantic analysis: against scikit-learn on the same texts, small and strange libraries, and its files."""

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from paperwright.navigator import lsa
from paperwright.navigator.errors import LibraryError
from paperwright.navigator.lsa import LsaEncoder
from paperwright.navigator.text import tokens

SUBJECTS = ["graphs", "bandits", "transformers", "diffusion", "federated clients", "protein folding", "curvature"]
TEXTS = [
    f"{kind} of {subject} under {condition}"
    for kind in ("robustness", "generalization", "convergence")
    for subject in SUBJECTS
    for condition in ("noise", "shift", "attack", "delay")
]


def test_terms_weights_and_directions_are_scikit_learns() -> None:
    """TfidfVectorizer's terms and weights, and as much of the texts in 8 directions as the exact decomposition."""
    ours = LsaEncoder.fit(TEXTS, width=8)
    vectorizer = TfidfVectorizer(analyzer=tokens, sublinear_tf=True, min_df=2, max_df=0.3)
    rows = vectorizer.fit_transform(TEXTS)
    exact = TruncatedSVD(8, algorithm="arpack", random_state=0).fit(rows)
    assert ours.place == vectorizer.vocabulary_
    np.testing.assert_allclose(ours.idf, vectorizer.idf_, rtol=1e-6)
    np.testing.assert_allclose(ours.components.T @ ours.components, np.eye(8), atol=2e-3)
    kept, most = np.square(rows @ ours.components).sum(), np.square(rows @ exact.components_.T).sum()
    assert 0.99 * most < kept < 1.005 * most


def test_full_rank_is_the_cosine_of_tf_idf() -> None:
    """With as many directions as there are texts nothing is lost."""
    texts = TEXTS[:30]
    ours = LsaEncoder.fit(texts)
    vectorizer = TfidfVectorizer(analyzer=tokens, sublinear_tf=True)
    rows = vectorizer.fit_transform(texts)
    found = ours.encode(texts)
    np.testing.assert_allclose(found @ found.T, (rows @ rows.T).toarray(), atol=3e-3)


@given(st.permutations(TEXTS))
@settings(max_examples=5, deadline=None)
def test_the_order_of_the_texts_does_not_count(texts: list[str]) -> None:
    one, other = LsaEncoder.fit(TEXTS, width=10), LsaEncoder.fit(texts, width=10)
    np.testing.assert_array_equal(one.encode(["curvature of graphs"]), other.encode(["curvature of graphs"]))


def test_a_large_library_is_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lsa, "LARGEST_SAMPLE", 60)
    one, other = LsaEncoder.fit(iter(TEXTS), width=10), LsaEncoder.fit(reversed(TEXTS), width=10)
    assert one.papers == len(TEXTS)
    np.testing.assert_array_equal(one.encode(TEXTS), other.encode(TEXTS))


@pytest.mark.parametrize(
    ("texts", "width"),
    [
        ([], 0),
        ([""], 0),
        (["the of and"], 0),
        (["графы и кривизна"], 1),
        (["curvature"], 1),
        (["curvature", "curvature"], 1),
        (["curvature of graphs", "bandits"], 2),
        ([f"word{number}" for number in range(60)], 0),  # every word is in one text only
    ],
)
def test_small_and_strange_libraries(texts: list[str], width: int) -> None:
    ours = LsaEncoder.fit(texts)
    assert ours.papers == len(texts)
    assert ours.fitted == bool(texts)
    assert ours.width == width
    vectors, unknown = ours.project(["curvature of nothing", ""])
    assert vectors.shape == (2, width)
    assert not np.isnan(vectors).any()
    assert not vectors[1].any()
    assert unknown.words == 2


def test_unknown_words_are_counted() -> None:
    ours = LsaEncoder.fit(TEXTS)
    _, unknown = ours.project(["curvature of wombats", "wombats"])
    assert (unknown.unknown, unknown.words) == (2, 3)
    assert unknown.share == pytest.approx(2 / 3)
    assert ours.unknown_at_fit == pytest.approx(ours.project(TEXTS)[1].share)
    assert not ours.encode(["wombats"]).any()


def test_saved_and_loaded_it_gives_the_same_numbers(tmp_path: Path) -> None:
    ours = LsaEncoder.fit(TEXTS, width=10)
    ours.save(tmp_path / "encoder")
    again = LsaEncoder.load(tmp_path / "encoder")
    np.testing.assert_array_equal(again.encode(TEXTS), ours.encode(TEXTS))
    assert (again.papers, again.unknown_at_fit) == (ours.papers, ours.unknown_at_fit)


@pytest.mark.parametrize("name", [lsa.ARRAYS, lsa.TERMS])
@pytest.mark.parametrize("damage", ["missing", "empty", "half", "flipped"])
def test_files_that_are_not_what_was_written(tmp_path: Path, name: str, damage: str) -> None:
    LsaEncoder.fit(TEXTS, width=10).save(tmp_path)
    path = tmp_path / name
    content = bytearray(path.read_bytes())
    if damage == "missing":
        path.unlink()
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "half":
        path.write_bytes(content[: len(content) // 2])
    else:
        at = content.index(b'"terms": ["') + 3 if name == lsa.TERMS else len(content) // 2
        content[at] ^= 0x40
        path.write_bytes(content)
    with pytest.raises(LibraryError, match=name):
        LsaEncoder.load(tmp_path)


def test_nothing_in_its_files_is_run(tmp_path: Path) -> None:
    """An array of objects would have to be unpickled; it is refused."""
    LsaEncoder.fit(TEXTS, width=10).save(tmp_path)
    np.savez(tmp_path / lsa.ARRAYS, idf=np.array([print], dtype=object), components=np.zeros((1, 1)))
    about = json.loads((tmp_path / lsa.TERMS).read_text())
    about["checksum"] = lsa._checksum(tmp_path / lsa.ARRAYS, about["terms"])
    (tmp_path / lsa.TERMS).write_text(json.dumps(about))
    with pytest.raises(LibraryError, match="allow_pickle=False"):
        LsaEncoder.load(tmp_path)


@pytest.mark.skipif("PAPERWRIGHT_DATA" not in os.environ, reason="needs PAPERWRIGHT_DATA")
def test_keywords_find_their_own_title_as_well_as_measured() -> None:
    """Author keywords to the paper's own title, titles only (n = 2,886): MRR@10 .439, recall@10 .630."""
    path = Path(os.environ["PAPERWRIGHT_DATA"]) / "iclr2022" / "submissions.csv"
    with path.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    ours = LsaEncoder.fit(row["title"] for row in rows)
    asked = [(number, row["keywords"]) for number, row in enumerate(rows) if row["keywords"].strip()]
    scores = ours.encode([keywords for _, keywords in asked]) @ ours.encode([row["title"] for row in rows]).T
    own = scores[np.arange(len(asked)), [number for number, _ in asked]]
    rank = 1 + (scores > own[:, None]).sum(axis=1)
    assert len(asked) == 2_886
    assert np.where(rank <= 10, 1 / rank, 0).mean() > 0.439 - 0.01
    assert (rank <= 10).mean() > 0.630 - 0.01
