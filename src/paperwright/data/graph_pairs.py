"""Graphs that are hard to tell apart: pairs that colour refinement or its higher orders confuse, and the set EXP.

A pair is two non-isomorphic graphs as torch_geometric `Data` without features. `GRAPH_PAIRS` names those that are made
here, each with its kind; `graph_pair` makes one, and `cfi_pair` one that is as hard as is asked.
"""

import gzip
import itertools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .catalogue import register
from .content import Array, Arrays
from .dataset import Info
from .embedded import Embedded
from .origin import Given
from .stored import Part, Stored

if TYPE_CHECKING:
    import networkx as nx
    import torch
    from torch_geometric.data import Data

CSL_SKIPS = (2, 3, 4, 5, 6, 9, 11, 12, 13, 16)
"""The skip lengths of the set CSL (Murphy et al., "Relational Pooling for Graph Representations", 2019)."""


def as_data(graph: "nx.Graph") -> "Data":
    """A networkx graph as a torch_geometric `Data`: nodes in the graph's order, arcs in both directions, sorted."""
    import networkx as nx
    import torch
    from torch_geometric.data import Data

    adjacency = nx.to_numpy_array(graph, dtype=bool)
    arcs = np.stack(np.nonzero(adjacency)).astype(np.int64)
    return Data(edge_index=torch.from_numpy(arcs), num_nodes=graph.number_of_nodes())


# --- Pairs ------------------------------------------------------------------------------------------------------------


def _cycles(nodes: int) -> tuple["nx.Graph", "nx.Graph"]:
    """A cycle, and two of half the length."""
    import networkx as nx

    half = nx.cycle_graph(nodes // 2)
    return nx.cycle_graph(nodes), nx.disjoint_union(half, half)


def _path_and_star() -> tuple["nx.Graph", "nx.Graph"]:
    import networkx as nx

    return nx.path_graph(4), nx.star_graph(3)


def _decalin() -> tuple["nx.Graph", "nx.Graph"]:
    """Decalin, two hexagons that share an edge, and bicyclopentyl, two pentagons joined by one."""
    import networkx as nx

    hexagons = nx.cycle_graph(10)
    hexagons.add_edge(0, 5)
    pentagons = nx.disjoint_union(nx.cycle_graph(5), nx.cycle_graph(5))
    pentagons.add_edge(0, 5)
    return hexagons, pentagons


def _cubic_on_six() -> tuple["nx.Graph", "nx.Graph"]:
    """K_{3,3} and the triangular prism."""
    import networkx as nx

    return nx.complete_bipartite_graph(3, 3), nx.circular_ladder_graph(3)


def _cubic_on_eight() -> tuple["nx.Graph", "nx.Graph"]:
    """The cube, and the Moebius ladder of eight nodes."""
    import networkx as nx

    return nx.convert_node_labels_to_integers(nx.hypercube_graph(3)), nx.circulant_graph(8, [1, 4])


def _rook_and_shrikhande() -> tuple["nx.Graph", "nx.Graph"]:
    """The two strongly regular graphs with parameters (16, 6, 2, 2): the 4 x 4 rook's graph and Shrikhande's."""
    import networkx as nx

    cells = list(itertools.product(range(4), repeat=2))
    rook, shrikhande = nx.Graph(), nx.Graph()
    for graph in (rook, shrikhande):
        graph.add_nodes_from(range(16))
    steps = {(0, 1), (0, 3), (1, 0), (3, 0), (1, 1), (3, 3)}
    for (p, (a, b)), (q, (c, d)) in itertools.combinations(enumerate(cells), 2):
        if a == c or b == d:
            rook.add_edge(p, q)
        if ((c - a) % 4, (d - b) % 4) in steps:
            shrikhande.add_edge(p, q)
    return rook, shrikhande


def _latin_squares_of_order_five() -> tuple["nx.Graph", "nx.Graph"]:
    """Strongly regular, (25, 12, 5, 6): the graphs of the two main classes of Latin squares of order 5."""
    import networkx as nx

    cyclic = [[(row + column) % 5 for column in range(5)] for row in range(5)]
    other = [[0, 1, 2, 3, 4], [1, 0, 3, 4, 2], [2, 3, 4, 0, 1], [3, 4, 1, 2, 0], [4, 2, 0, 1, 3]]
    graphs = []
    for square in (cyclic, other):
        graph = nx.empty_graph(25)
        for p, q in itertools.combinations(range(25), 2):
            (a, b), (c, d) = divmod(p, 5), divmod(q, 5)
            if a == c or b == d or square[a][b] == square[c][d]:
                graph.add_edge(p, q)
        graphs.append(graph)
    return graphs[0], graphs[1]


def _triangular_and_chang() -> tuple["nx.Graph", "nx.Graph"]:
    """Strongly regular, (28, 12, 6, 4): the line graph of K_8, and one of Chang's three that share its parameters.

    Chang's graph is the line graph switched with respect to a perfect matching of K_8 (Seidel 1967).
    """
    import networkx as nx

    pairs = list(itertools.combinations(range(8), 2))
    triangular = nx.empty_graph(28)
    for p, q in itertools.combinations(range(28), 2):
        if set(pairs[p]) & set(pairs[q]):
            triangular.add_edge(p, q)
    switched = {pairs.index((2 * k, 2 * k + 1)) for k in range(4)}
    chang = nx.empty_graph(28)
    for p, q in itertools.combinations(range(28), 2):
        across = (p in switched) != (q in switched)
        if triangular.has_edge(p, q) != across:
            chang.add_edge(p, q)
    return triangular, chang


def _dodecahedral_and_desargues() -> tuple["nx.Graph", "nx.Graph"]:
    import networkx as nx

    return nx.dodecahedral_graph(), nx.desargues_graph()


def _csl_pair() -> tuple["nx.Graph", "nx.Graph"]:
    import networkx as nx

    return nx.circulant_graph(11, [1, 2]), nx.circulant_graph(11, [1, 3])


def _cfi_over(base: Callable[[], "nx.Graph"]) -> Callable[[], tuple["nx.Graph", "nx.Graph"]]:
    return lambda: cfi_graphs(base())


def _named(name: str, *arguments: int) -> Callable[[], "nx.Graph"]:
    """A graph of networkx by the name of its constructor, made when it is asked for."""

    def make() -> "nx.Graph":
        import networkx as nx

        return getattr(nx, name)(*arguments)

    return make


_PAIRS: Mapping[str, tuple[str, Callable[[], tuple["nx.Graph", "nx.Graph"]]]] = {
    "p4-k13": ("trees", _path_and_star),
    "c6": ("regular", lambda: _cycles(6)),
    "c8": ("regular", lambda: _cycles(8)),
    "decalin": ("molecules", _decalin),
    "k33-prism": ("regular", _cubic_on_six),
    "cube-moebius": ("regular", _cubic_on_eight),
    "csl-11": ("regular", _csl_pair),
    "dodecahedral-desargues": ("regular", _dodecahedral_and_desargues),
    "rook-shrikhande": ("strongly regular", _rook_and_shrikhande),
    "latin-squares-5": ("strongly regular", _latin_squares_of_order_five),
    "triangular-chang": ("strongly regular", _triangular_and_chang),
    "cfi-k3": ("Cai-Fürer-Immerman", _cfi_over(_named("complete_graph", 3))),
    "cfi-c5": ("Cai-Fürer-Immerman", _cfi_over(_named("cycle_graph", 5))),
    "cfi-k4": ("Cai-Fürer-Immerman", _cfi_over(_named("complete_graph", 4))),
    "cfi-cube": ("Cai-Fürer-Immerman", _cfi_over(_named("hypercube_graph", 3))),
    "cfi-k5": ("Cai-Fürer-Immerman", _cfi_over(_named("complete_graph", 5))),
}
GRAPH_PAIRS: Mapping[str, str] = {name: kind for name, (kind, _) in _PAIRS.items()}
"""The pairs that `graph_pair` makes, each with its kind."""


def graph_pair(name: str) -> tuple["Data", "Data"]:
    """Two graphs that are not isomorphic, by the name of their pair.

    Raises:
        ValueError: no pair has this name.
    """
    if name not in _PAIRS:
        raise ValueError(f"no pair of graphs is called {name!r}; there are: {', '.join(_PAIRS)}")
    first, second = _PAIRS[name][1]()
    return as_data(first), as_data(second)


def cfi_pair(base: "nx.Graph") -> tuple["Data", "Data"]:
    r"""The Cai-Fürer-Immerman pair over a base graph: the larger its treewidth, the harder to tell apart.

    Nodes are (v, S), S an even subset of the edges at v. For an edge e = uv, (u, S) and (v, T) are adjacent iff
    [e in S] = [e in T]; the second graph turns this round for one edge.

    Raises:
        TypeError: the base is no networkx graph.
        ValueError: the base is not connected, directed, or has fewer than 3 nodes, loops or more than 10 edges at a
            node (a node of degree d becomes :math:`2^{d-1}` nodes).

    Source: Cai, Fürer, Immerman, "An optimal lower bound on the number of variables for graph identification", 1992;
    without the nodes for the edges, as in Fürer 2001.
    """
    first, second = cfi_graphs(base)
    return as_data(first), as_data(second)


def cfi_graphs(base: "nx.Graph") -> tuple["nx.Graph", "nx.Graph"]:
    """`cfi_pair` as networkx graphs."""
    import networkx as nx

    if not isinstance(base, nx.Graph):
        raise TypeError(f"base is of type {type(base).__name__}; expected a networkx graph, such as complete_graph(3).")
    if base.is_directed() or base.is_multigraph() or nx.number_of_selfloops(base):
        raise ValueError(f"the base of a CFI pair is a simple undirected graph; got {base}, maybe with loops")
    if base.number_of_nodes() < 3 or not nx.is_connected(base) or max(d for _, d in base.degree) > 10:
        raise ValueError(
            f"the base of a CFI pair is connected, has at least 3 nodes and at most 10 edges at each; got {base} with "
            f"degrees {sorted({d for _, d in base.degree})}"
        )
    edges = [frozenset(edge) for edge in base.edges]
    nodes = [
        (node, frozenset(chosen))
        for node in base
        for size in range(0, base.degree[node] + 1, 2)
        for chosen in itertools.combinations([edge for edge in edges if node in edge], size)
    ]
    at = {node: [copy for copy in nodes if copy[0] == node] for node in base}
    graphs = []
    for turned in ((), edges[:1]):
        graph = nx.Graph()
        graph.add_nodes_from(nodes)
        for edge in edges:
            u, v = edge
            for (a, S), (b, T) in itertools.product(at[u], at[v]):
                if ((edge in S) == (edge in T)) != (edge in turned):
                    graph.add_edge((a, S), (b, T))
        graphs.append(graph)
    return graphs[0], graphs[1]


# --- Lists ------------------------------------------------------------------------------------------------------------


def csl_graph(nodes: int, skip: int) -> "Data":
    """Circular skip links: a cycle of `nodes` in which each node is joined to those `skip` steps away, too.

    Raises:
        ValueError: the skip is not between 2 and (nodes - 1) / 2, so that the graph would not be 4-regular.
    """
    import networkx as nx

    if not 2 <= skip <= (nodes - 1) // 2:
        raise ValueError(f"a skip is between 2 and (nodes - 1) / 2; got skip={skip} for {nodes} nodes")
    return as_data(nx.circulant_graph(nodes, [1, skip]))


def csl_graphs(
    n: int = 41,
    skips: Sequence[int] = CSL_SKIPS,
    copies: int = 15,
    generator: "torch.Generator | None" = None,
) -> list["Data"]:
    """The set CSL: for each skip, `copies` graphs whose nodes are numbered at random; `y` is the index of the skip.

    Args:
        n: Nodes of each graph.
        skips: One class each.
        copies: Graphs of each class.
        generator: Source of the numberings; torch's global one if not given.

    Raises:
        ValueError: `copies` is not positive, or a skip does not suit `n`.
    """
    import torch
    from torch_geometric.data import Data

    if copies < 1:
        raise ValueError(f"copies is {copies}; expected at least 1")
    graphs = []
    for label, skip in enumerate(skips):
        edge_index = csl_graph(n, skip).edge_index
        for _ in range(copies):
            number = torch.randperm(n, generator=generator)
            graphs.append(Data(edge_index=number[edge_index], num_nodes=n, y=torch.tensor([label])))
    return graphs


def atlas_graphs(nodes: int) -> list["Data"]:
    """Every connected graph of up to seven nodes, from networkx's atlas: 21, 112 and 853 of 5, 6 and 7 nodes.

    Raises:
        ValueError: the atlas has no graphs of this size.
    """
    if not 1 <= nodes <= 7:
        raise ValueError(f"the atlas has graphs of 1 to 7 nodes; got {nodes}")
    return [as_data(graph) for graph in _connected_atlas() if len(graph) == nodes]


@cache
def _connected_atlas() -> list["nx.Graph"]:
    """The connected graphs of networkx's atlas, whose file is slow to read."""
    import networkx as nx

    return [graph for graph in nx.graph_atlas_g()[1:] if nx.is_connected(graph)]


# --- EXP --------------------------------------------------------------------------------------------------------------


def read_exp(path: Path) -> Arrays:
    """The graphs of a file of EXP, one after the other.

    Two forms are read: JSON Lines, an object with `x` (a label for each node), `edge_index` and `y` for each graph,
    gzip-compressed if the name ends in .gz; and the authors' text (`GRAPHSAT.txt`), the number of graphs, then for each
    "nodes label" and a line "label degree neighbour neighbour ..." for each node.

    Raises:
        ValueError: a graph has an arc without its reverse, or to a node that is not there.
    """
    if path.suffix == ".txt":
        graphs = _authors_text(path.read_text(encoding="utf-8"))
    else:
        open_ = gzip.open if path.suffix == ".gz" else Path.open
        with open_(path, "rt", encoding="utf-8") as file:
            graphs = [_json_graph(line) for line in file]
    for number, (x, arcs, _) in enumerate(graphs):
        if arcs.size and not 0 <= arcs.min() <= arcs.max() < len(x):
            raise ValueError(f"graph {number} of {path.name} has {len(x)} nodes and an arc to node {arcs.max()}")
        if {*zip(*arcs.tolist(), strict=True)} != {*zip(*arcs[::-1].tolist(), strict=True)}:
            raise ValueError(f"graph {number} of {path.name} has an arc without its reverse")
    return {
        "nodes": np.array([len(x) for x, _, _ in graphs], dtype=np.int64),
        "arcs": np.array([arcs.shape[1] for _, arcs, _ in graphs], dtype=np.int64),
        "x": np.concatenate([x for x, _, _ in graphs]).astype(np.float32)[:, None],
        "edge_index": np.concatenate([arcs for _, arcs, _ in graphs], axis=1),
        "y": np.array([y for _, _, y in graphs], dtype=np.int64),
    }


def _json_graph(line: str) -> tuple[Array, Array, int]:
    graph = json.loads(line)
    arcs = np.array(graph["edge_index"], dtype=np.int64).reshape(2, -1)
    return np.array(graph["x"], dtype=np.int64), arcs, int(graph["y"])


def _authors_text(text: str) -> list[tuple[Array, Array, int]]:
    lines = iter(text.splitlines())
    graphs = []
    for _ in range(int(next(lines))):
        nodes, label = map(int, next(lines).split())
        rows = [list(map(int, next(lines).split())) for _ in range(nodes)]
        arcs = [(node, neighbour) for node, row in enumerate(rows) for neighbour in row[2:]]
        x = np.array([row[0] for row in rows], dtype=np.int64)
        graphs.append((x, np.array(arcs, dtype=np.int64).reshape(-1, 2).T, label))
    return graphs


def with_graphs(arrays: Arrays) -> dict[str, Any]:
    """The arrays of `read_exp` and, made of copies of them, a list of torch_geometric `Data`."""
    import torch
    from torch_geometric.data import Data

    nodes, arcs = (np.cumsum(arrays[name])[:-1] for name in ("nodes", "arcs"))
    parts: Iterable[tuple[Array, Array, Array]] = zip(
        np.split(arrays["x"], nodes), np.split(arrays["edge_index"], arcs, axis=1), arrays["y"], strict=True
    )
    graphs = [
        Data(x=torch.from_numpy(x.copy()), edge_index=torch.from_numpy(edges.copy()), y=torch.tensor([int(y)]))
        for x, edges, y in parts
    ]
    return {"graphs": graphs, **arrays}


def _csl(*, n: int = 41, skips: Sequence[int] = CSL_SKIPS, copies: int = 15, seed: int = 0) -> dict[str, Any]:
    """`csl_graphs`, their numbering decided by `seed`."""
    import torch

    graphs = csl_graphs(n, skips, copies, torch.Generator().manual_seed(seed))
    return {
        "graphs": graphs,
        "edge_index": np.concatenate([graph.edge_index.numpy() for graph in graphs], axis=1),
        "y": np.array([int(graph.y) for graph in graphs], dtype=np.int64),
    }


register(
    Embedded(
        Info(
            "csl",
            "Circular skip links: 150 4-regular graphs of ten classes that colour refinement cannot tell apart",
            sizes={"graphs": 150},
            classes=tuple(map(str, CSL_SKIPS)),
            source="generated, after Murphy et al. 2019",
            extra="graphs",
            embedded=True,
        ),
        _csl,
        modules=("torch_geometric", "networkx"),
    )
)
register(
    Stored(
        Info(
            "exp",
            "EXP: 600 pairs of graphs that colour refinement cannot tell apart; lines 2i and 2i + 1 are a pair",
            shape=(1,),
            sizes={"graphs": 1200},
            classes=("0", "1"),
            source="github.com/ralphabb/GNN-RNI (Abboud et al., IJCAI 2021)",
            extra="graphs",
            note="Graphs of satisfiable and unsatisfiable formulas; one in each pair is of each class.",
        ),
        Given("the folder Data of github.com/ralphabb/GNN-RNI has them as text, which `read_exp` reads, too"),
        {
            "graphs": Part.one(
                "exp/graphs.jsonl.gz", "sha256:fc41efc73689c9d2a424748cb743ea6d39bdbab7ea3140a28d62d12224ed8565"
            )
        },
        lambda files: read_exp(files[0]),
        lambda arrays: with_graphs(arrays["graphs"]),
        modules=("torch_geometric",),
    )
)
