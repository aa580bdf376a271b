"""Sets that need no file: the same everywhere, and what they say they are."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paperwright import data


def test_every_set_states_its_facts():
    for name in data.names():
        info = data.info(name)
        assert info.name == name
        assert info.description
        assert info.source
        assert info.licence


def test_embedded_sets_are_available_without_files(directory):
    embedded = [name for name in data.names() if data.info(name).embedded]
    assert {"digits", "python-stdlib", "pydoc"} <= set(embedded)
    for name in embedded:
        data.require(name)
        assert data.available(name)
    assert not data.available("mnist")


def test_digits_are_split_the_same_way_everywhere():
    digits = data.load("digits")
    # The content itself is the reference: scikit-learn ships the UCI test half unchanged.
    assert digits.checksum == data.checksum("digits")
    assert digits.checksum == "sha256:6dab61e1c0b9c95cd033ee5cc6da351f2b63011921f8540482cab4f833ac4a56"
    assert digits.train.images.shape == (digits.info.sizes["train"], 8, 8)
    assert digits.test.images.shape == (digits.info.sizes["test"], 8, 8)
    assert digits.train.images.dtype == np.uint8
    assert digits.train.images.max() == 16
    assert digits.train.labels.dtype == np.int64
    share = np.bincount(digits.test.labels) / np.bincount(np.r_[digits.train.labels, digits.test.labels])
    np.testing.assert_allclose(share, 0.2, atol=0.01)


def test_a_dataset_survives_pickling_between_processes():
    digits = data.load("digits")
    again = pickle.loads(pickle.dumps(digits))
    np.testing.assert_array_equal(digits.test.images, again.test.images)
    assert again.info == digits.info
    with pytest.raises(AttributeError, match="no field 'validation'; it has train, test"):
        _ = digits.validation


def test_python_stdlib():
    code = data.load("python-stdlib", modules=["heapq", "json"])
    assert code.names == (
        "heapq.py",
        *(f"json/{part}.py" for part in ("__init__", "decoder", "encoder", "scanner", "tool")),
    )
    assert "def heappush(heap, item):" in code.documents[0]
    assert data.load("python-stdlib", modules=["heapq"], limit=100).text == code.text[:100]
    everything = data.load("python-stdlib")
    assert len(everything.text) > 3_000_000
    assert not any("/test/" in name or "site-packages" in name for name in everything.names)
    with pytest.raises(ValueError, match=r"not in the standard library: \['numpy'\]"):
        data.load("python-stdlib", modules=["numpy"])
    with pytest.raises(ValueError, match="limit"):
        data.load("python-stdlib", limit=0)


def test_pydoc_tells_of_python_and_not_of_this_machine(tmp_path, monkeypatch):
    modules = ["heapq", "os", "json", "enum"]
    monkeypatch.setenv("A_SECRET_OF_THIS_MACHINE", "swordfish")
    pages = data.load("pydoc", modules=modules)
    assert pages.names == tuple(modules)
    assert "heappush(heap, item, /)" in pages.documents[0]
    for trace in ("swordfish", " at 0x", os.environ["PATH"], "\nDATA\n", "\nFILE\n"):
        assert trace not in pages.text
    # Another process, another hash seed, an empty cache: the same text.
    code = f"from paperwright import data; print(data.load('pydoc', modules={modules}).checksum)"
    env = {**os.environ, "PAPERWRIGHT_CACHE": str(tmp_path / "other"), "PYTHONHASHSEED": "7"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == pages.checksum
    assert data.load("pydoc", modules=modules).checksum == pages.checksum  # from the cache
    with pytest.raises(ValueError, match="not in the standard library"):
        data.load("pydoc", modules=["numpy"])


class TestGeneratedGraphs:
    @pytest.fixture(autouse=True)
    def _geometric(self):
        pytest.importorskip("torch_geometric")

    @settings(max_examples=20, deadline=None)
    @given(clique=st.integers(2, 8), path=st.integers(0, 5))
    def test_barbell_is_the_textbook_graph(self, clique, path):
        networkx = pytest.importorskip("networkx")
        ours = networkx.Graph(data.load("barbell", clique=clique, path=path).edge_index.T.tolist())
        assert networkx.utils.graphs_equal(ours, networkx.Graph(networkx.barbell_graph(clique, path).edges))

    @settings(max_examples=20, deadline=None)
    @given(nodes=st.integers(10, 60), classes=st.integers(1, 4), seed=st.integers(0, 2**32))
    def test_block_model(self, nodes, classes, seed):
        graph = data.load("block-model", nodes=nodes, classes=classes, seed=seed).graph
        graph.validate()
        assert graph.is_undirected()
        assert not graph.has_self_loops()
        assert (graph.train_mask.int() + graph.val_mask.int() + graph.test_mask.int() == 1).all()
        same = data.load("block-model", nodes=nodes, classes=classes, seed=seed)
        assert (same.graph.edge_index == graph.edge_index).all()

    def test_block_model_connects_at_the_stated_rates(self):
        loaded = data.load("block-model", nodes=600, inside=0.02, across=0.08)
        source, target = loaded.y[loaded.edge_index]
        # 600 nodes in 3 classes: 200 * 199 * 3 ordered pairs inside, 200 * 200 * 6 across; five standard errors.
        for count, pairs, rate in (
            ((source == target).sum(), 119_400, 0.02),
            ((source != target).sum(), 240_000, 0.08),
        ):
            assert abs(count - pairs * rate) < 5 * np.sqrt(2 * pairs * rate)

    def test_refusals(self):
        with pytest.raises(ValueError, match="clique=1"):
            data.load("barbell", clique=1)
        with pytest.raises(ValueError, match="inside=2"):
            data.load("block-model", inside=2.0)
