"""torch_geometric's raw formats, some of which are pickles."""

import os
import pickle

import pytest

from paperwright import data
from paperwright.data.content import checksum_of_arrays

torch_geometric = pytest.importorskip("torch_geometric")


class _Bomb:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (self.marker,)


def test_an_altered_pickle_is_refused_before_it_runs(directory, tmp_path):
    raw = directory / "pyg/Planetoid/Cora/raw"
    raw.mkdir(parents=True)
    for part in ("x", "tx", "allx", "y", "ty", "ally", "graph", "test.index"):
        (raw / f"ind.cora.{part}").write_bytes(pickle.dumps(_Bomb(str(tmp_path / "exploded"))))
    with pytest.raises(data.DataCorrupted, match=r"ind\.cora\.x is truncated or altered: .* expected [0-9a-f]{64}"):
        data.load("planetoid/cora")
    assert not (tmp_path / "exploded").exists()


def test_every_pickle_is_pinned():
    from paperwright.data import catalogue

    for name in ("planetoid/cora", "planetoid/citeseer"):
        assert all(file.sha256 for part in catalogue.entry(name).parts.values() for file in part.files)


def _write_webkb(directory, name="texas", nodes=6):
    """A graph in WebKB's raw layout."""
    import numpy as np

    raw = directory / f"pyg/WebKB/{name}/raw"
    raw.mkdir(parents=True)
    lines = ["node_id\tfeature\tlabel"] + [f"{node}\t{node % 2},1,0\t{node % 5}" for node in range(nodes)]
    (raw / "out1_node_feature_label.txt").write_text("\n".join(lines) + "\n")
    edges = ["node_id\tnode_id"] + [f"{node}\t{(node + 1) % nodes}" for node in range(nodes)]
    (raw / "out1_graph_edges.txt").write_text("\n".join(edges) + "\n")
    for index in range(10):
        mask = np.arange(nodes) % 3 == index % 3
        np.savez(raw / f"{name}_split_0.6_0.2_{index}.npz", train_mask=mask, val_mask=mask, test_mask=~mask)
    return raw


def test_webkb_layout(directory, monkeypatch, capfd):
    from paperwright.data import catalogue

    raw = _write_webkb(directory)
    with pytest.raises(data.DataCorrupted, match=r"\(12 files\) does not hold graph of webkb/texas"):
        data.load("webkb/texas")
    entry = catalogue.entry("webkb/texas")
    arrays = dict(sorted(entry.decode(sorted(raw.iterdir())).items()))
    parts = {"graph": data.Part(entry.parts["graph"].files, known={checksum_of_arrays(arrays): ""})}
    monkeypatch.setitem(catalogue._entries, "webkb/texas", data.Stored(**{**vars(entry), "parts": parts}))
    for _ in range(2):
        loaded = data.load("webkb/texas")
        assert loaded.graph.num_nodes == 6
        assert loaded.graph.num_edges == 6
        assert loaded.graph.train_mask.shape == (6, 10)
        loaded.graph.validate()
    assert not (directory / "pyg/WebKB/texas/processed").exists()
    assert capfd.readouterr().err == ""
    (raw / "out1_graph_edges.txt").unlink()
    with pytest.raises(data.DataUnavailable, match=r"out1_graph_edges\.txt does not exist"):
        data.load("webkb/texas")
