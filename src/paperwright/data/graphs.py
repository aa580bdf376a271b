"""Graphs: `.graph` is a torch_geometric `Data`; its tensors are also fields of their own, as NumPy arrays."""

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .catalogue import register
from .content import Array, Arrays
from .dataset import Info
from .embedded import Embedded
from .origin import Web, expect_file
from .stored import File, Part, Stored


def geometric(dataset: str, name: str, sha256: Mapping[str, str]) -> Callable[[Sequence[Path]], Arrays]:
    """A decoder that lets torch_geometric's own `dataset` read its raw files.

    Some raw formats are pickles, which run code when they are read: a file named in `sha256` is handed on only if
    it is, byte for byte, the one that was published.
    """

    def decode(files: Sequence[Path]) -> Arrays:
        import torch_geometric.datasets

        for file in files:
            if file.name in sha256:
                expect_file(file, sha256[file.name])
        # torch_geometric writes beside the raw files, which may be read-only.
        with tempfile.TemporaryDirectory(prefix="paperwright-") as root:
            raw = Path(root, name, "raw")
            raw.mkdir(parents=True)
            for file in files:
                shutil.copyfile(file, raw / file.name)
            graph = _quietly(getattr(torch_geometric.datasets, dataset), root, name)[0]
            return {key: value.numpy() for key, value in graph.to_dict().items()}

    return decode


def _quietly(dataset: Callable[..., Any], root: str, name: str) -> Any:
    """torch_geometric prints 'Processing...' unless logging is off for it."""
    import contextlib
    import io

    with contextlib.redirect_stderr(io.StringIO()):
        return dataset(root=root, name=name)


def graph_of(arrays: Mapping[str, Arrays]) -> dict[str, Any]:
    """The single part of a set as arrays and as a torch_geometric `Data`."""
    (part,) = arrays.values()
    return with_graph(part)


def with_graph(arrays: Mapping[str, Array]) -> dict[str, Any]:
    """The arrays and, made of copies of them, the graph."""
    import torch
    from torch_geometric.data import Data

    return {"graph": Data(**{key: torch.from_numpy(value.copy()) for key, value in arrays.items()}), **arrays}


def barbell(*, clique: int = 5, path: int = 0) -> dict[str, Any]:
    """Two cliques joined by a path: the textbook bottleneck.

    Args:
        clique: Nodes of each clique, at least 2.
        path: Nodes between the two; 0 joins the cliques by one edge.
    """
    if clique < 2 or path < 0:
        raise ValueError(f"a barbell needs clique >= 2 and path >= 0; got clique={clique}, path={path}")
    nodes = 2 * clique + path
    adjacency = np.zeros((nodes, nodes), dtype=bool)
    adjacency[:clique, :clique] = adjacency[-clique:, -clique:] = True
    bridge = np.arange(clique - 1, clique + path)
    adjacency[bridge, bridge + 1] = adjacency[bridge + 1, bridge] = True
    side = np.repeat([0, 1, 2], [clique, path, clique]).astype(np.int64)
    return with_graph({"x": np.eye(nodes, dtype=np.float32), "edge_index": _edges(adjacency), "y": side})


def block_model(
    *, nodes: int = 180, classes: int = 3, inside: float = 0.02, across: float = 0.08, features: int = 16, seed: int = 0
) -> dict[str, Any]:
    """A stochastic block model with Gaussian features around a mean for each class; the defaults are heterophilous.

    Args:
        nodes: Number of nodes; node i is of class `i % classes`.
        classes: Number of classes.
        inside: Probability of an edge between two nodes of a class.
        across: Probability of an edge between nodes of different classes.
        features: Dimension of the node features; class means and noise are standard normal.
        seed: Decides edges, features and the split (60 / 20 / 20 per cent).
    """
    if not (nodes >= classes >= 1 and features >= 1 and 0 <= inside <= 1 and 0 <= across <= 1):
        raise ValueError(
            "a block model needs nodes >= classes >= 1, features >= 1 and probabilities in [0, 1]; got "
            f"nodes={nodes}, classes={classes}, features={features}, inside={inside}, across={across}"
        )
    random = np.random.default_rng(seed)
    y = np.arange(nodes, dtype=np.int64) % classes
    probability = np.where(y[:, None] == y[None, :], inside, across)
    upper = np.triu(random.random((nodes, nodes)) < probability, k=1)
    means = random.standard_normal((classes, features))
    x = (means[y] + random.standard_normal((nodes, features))).astype(np.float32)
    rank = random.permutation(nodes)
    train, validation = int(0.6 * nodes), int(0.8 * nodes)
    return with_graph(
        {
            "x": x,
            "edge_index": _edges(upper | upper.T),
            "y": y,
            "train_mask": rank < train,
            "val_mask": (rank >= train) & (rank < validation),
            "test_mask": rank >= validation,
        }
    )


def _edges(adjacency: Array) -> Array:
    adjacency = adjacency.copy()
    np.fill_diagonal(adjacency, False)
    return np.stack(np.nonzero(adjacency)).astype(np.int64)


register(
    Embedded(
        Info("barbell", "Two cliques joined by a path", source="generated", extra="graphs", embedded=True),
        barbell,
        modules=("torch_geometric",),
    )
)
register(
    Embedded(
        Info(
            "block-model", "A stochastic block model with features", source="generated", extra="graphs", embedded=True
        ),
        block_model,
        modules=("torch_geometric",),
    )
)

_GEOM_GCN = "https://raw.githubusercontent.com/graphdml-uiuc-jlu/geom-gcn/master"
for _name, _nodes, _known in (
    ("texas", 183, "sha256:27715f6267ab9cd297a7983976fbf7ef8908c78352bc4a6df23df35070bd60f0"),
    ("cornell", 183, "sha256:2f9a1493b11d5810a013b418be6c44251010f3451968fd81940b5d6d8182bad3"),
    ("wisconsin", 251, "sha256:2dd0a6763adf158381bd7238532b4e6b3066663e0e266ed34ad6674cb3703644"),
):
    _folder = f"pyg/WebKB/{_name}/raw"
    _files = {
        f"{_folder}/{file}": f"{_GEOM_GCN}/new_data/{_name}/{file}"
        for file in ("out1_node_feature_label.txt", "out1_graph_edges.txt")
    } | {
        f"{_folder}/{_name}_split_0.6_0.2_{index}.npz": f"{_GEOM_GCN}/splits/{_name}_split_0.6_0.2_{index}.npz"
        for index in range(10)
    }
    register(
        Stored(
            Info(
                f"webkb/{_name}",
                f"Web pages of a computer science department ({_name.title()}) and the links between them",
                shape=(_nodes, 1703),
                sizes={"nodes": _nodes},
                classes=("0", "1", "2", "3", "4"),
                source=f"torch_geometric, WebKB; {_GEOM_GCN}",
                extra="graphs",
                note="Masks have ten columns, one for each of the ten standard splits.",
            ),
            Web(_files),
            {"graph": Part(tuple(map(File, _files)), known={_known: ""})},
            geometric("WebKB", _name, {}),
            graph_of,
            modules=("torch_geometric",),
        )
    )

_PLANETOID = "https://raw.githubusercontent.com/kimiyoung/planetoid/master/data"
_SHA256 = {
    "ind.cora.allx": "9419ba2f26f5c35243db64aba110e0f35a04851609e0dc5433450676ca6b8543",
    "ind.cora.ally": "2b998f5cc7fedc86e7f97ca2498f47a1ffc1462c29e2d578b23bf3f62b6e7d71",
    "ind.cora.graph": "58f13302f39dde8852dad6fe6d15b89b077b6d7f837626bce671ef80344b383d",
    "ind.cora.test.index": "297ce89af2b51a6a194181c7dbe1796c6a1cf9cd9349a88383b1b1e227867875",
    "ind.cora.tx": "b9afbaa4a400df991f6f02ef677e1e44da55ffc04801fd02f9e673987829226a",
    "ind.cora.ty": "41f5ac76596a1699cc33f53084a2419e92961c42bb75f36fc38e616d348532ad",
    "ind.cora.x": "23cfa55d91c6f624233f5eb7b6e3f141f1bd2b2ae39608a63cf5d084bb27baab",
    "ind.cora.y": "94465c14eb53e04ca262198dcbb2521ee8af60fb3f3d546cd6ca24a511b0e7d1",
    "ind.citeseer.allx": "2ac30345d95c9ec933a817ee0bdd6a5f077f8c184a20e696910192d534414668",
    "ind.citeseer.ally": "f704b2d986dde6c2669934de1f3ae5696a6cf9455c0f6b2646a2d135ea0a1c95",
    "ind.citeseer.graph": "d79a4ef9d3e7169aee8946145f6b7306e35bc79bffad26346cfb94e10e9912a7",
    "ind.citeseer.test.index": "2af990671580b6b2df5d158d1038f8292e30c9cd821b5453f399659b25b723d4",
    "ind.citeseer.tx": "539a8906a2da97628d212f2fdd668c109a8b3f0d36574b59e5d3fd5b5303da21",
    "ind.citeseer.ty": "55e5bd1ba1e733a04598753ad1a8d57957f4b8f89e74519f41f4f4938767e4ce",
    "ind.citeseer.x": "d20de19150741e555de0ed037195630fc194114ebc7fd72ced62810148aa22f6",
    "ind.citeseer.y": "8ba87e515d8e3ee3cf52f6d2c5b86aa73f11ecad825a808455209ec26cd54924",
}
for _name, _title, _shape, _classes, _known in (
    ("cora", "Cora", (2708, 1433), 7, "sha256:2518de9257e915b20deb612300a815abfa0099004f92bc2f944b866951ea946f"),
    (
        "citeseer",
        "CiteSeer",
        (3327, 3703),
        6,
        "sha256:e42b0ffb530226c8bc1530aeb805f0c8e4651f31cb43fee1c07268564133f385",
    ),
):
    _files = {
        f"pyg/Planetoid/{_title}/raw/ind.{_name}.{part}": f"{_PLANETOID}/ind.{_name}.{part}"
        for part in ("x", "tx", "allx", "y", "ty", "ally", "graph", "test.index")
    }
    register(
        Stored(
            Info(
                f"planetoid/{_name}",
                f"{_title}: papers and the citations between them",
                shape=_shape,
                sizes={"nodes": _shape[0]},
                classes=tuple(map(str, range(_classes))),
                source=f"torch_geometric, Planetoid; {_PLANETOID}",
                extra="graphs",
                note="The public split: 20 training nodes a class, 500 for validation, 1,000 for test.",
            ),
            Web(_files),
            {"graph": Part(tuple(File(file, _SHA256.get(Path(file).name)) for file in _files), known={_known: ""})},
            geometric("Planetoid", _title, _SHA256),
            graph_of,
            modules=("torch_geometric",),
        )
    )
