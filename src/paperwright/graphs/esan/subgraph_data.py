"""A graph as the bag of its subgraphs, which all keep its nodes: one torch_geometric `Data`, S copies of n nodes."""

from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Int, Int64
from torch import Tensor
from torch_geometric.data import Batch, Data

from paperwright.blocks.graph_input import whole_number

PREFIX = "original_"
"""What belongs to the edges of the graph itself, not to those of its subgraphs, has a name that starts so."""


class SubgraphData(Data):
    """A bag of S subgraphs of a graph with n nodes and E edges; all S keep all n nodes.

    Copy v of node v in subgraph s is row s * n + v. In a `Batch`, made by torch_geometric's own `DataLoader`, every
    attribute stays right without `follow_batch`: the ids count on from graph to graph, so that `node_id` numbers the
    nodes, `subgraph_batch` the subgraphs, and `bag_batch` the graphs of the batch.

    Attributes:
        x: features of the node copies, [S*n, F]; absent if the graph had none and the policy marks nothing.
        edge_index: edges of all subgraphs, int64 [2, E_b]; subgraph s is shifted by s * n.
        edge_attr: of the kept edges, [E_b, ...], if there were any; likewise every other attribute of edges.
        subgraph_batch: the subgraph that a node copy is in, int64 [S*n].
        node_id: the node that it is a copy of, int64 [S*n].
        bag_batch: the graph that a subgraph is of, int64 [S]; here 0.
        num_subgraphs: S; in a batch an int64 tensor, [graphs].
        num_original_nodes: n; in a batch an int64 tensor, [graphs].
        original_edge_index: edges of the graph itself, int64 [2, E].
        original_edge_attr: their attributes, and `original_NAME` for every other attribute `NAME` of edges.

    Every other attribute of the graph (`y`, `pos`, masks) is as it was: one row a node, not one a copy.

    Example:
        >>> from paperwright.graphs.esan import SubgraphBag
        >>> bag = SubgraphBag("ego", 1)(Data(edge_index=torch.tensor([[0, 1], [1, 0]]), num_nodes=3))
        >>> bag.num_subgraphs, bag.num_original_nodes, bag.subgraph(0).edge_index.tolist()
        (3, 3, [[0, 1], [1, 0]])

    Source: Section 3.1.
    """

    @classmethod
    def of_attributes(cls, **attributes: Any) -> "SubgraphData":
        """A bag of the attributes above, which must fit each other."""
        bag = cls()
        # Assigned one by one, as `Data` does it, they take a third of the time that a small bag takes to build.
        bag._store._mapping.update(attributes)
        return bag

    @property
    def num_subgraphs(self) -> int | Int64[Tensor, "graphs"]:
        """S; in a batch, that of every graph."""
        return self._counted("num_subgraphs")

    @property
    def num_original_nodes(self) -> int | Int64[Tensor, "graphs"]:
        """n; in a batch, that of every graph."""
        return self._counted("num_original_nodes")

    def _counted(self, key: str) -> int | Tensor:
        value = getattr(self._store, key)
        # Collation makes a tensor of a number, and torch_geometric leaves it one when it takes the batch apart again.
        single = isinstance(value, Tensor) and value.numel() == 1 and not isinstance(self, Batch)
        return int(value) if single else value

    def __inc__(self, key: str, value: Any, *args: Any, **kwargs: Any) -> Any:
        """What a batch adds to an attribute of the next graph (by the name alone, torch_geometric would err)."""
        if key == "edge_index":
            return self.num_nodes
        if key == "subgraph_batch":
            return _total(self.num_subgraphs)
        if key == "bag_batch":
            return 1 if isinstance(self.num_subgraphs, int) else self.num_subgraphs.numel()
        # Whatever else counts nodes, such as an `index` that the user's graphs bring along, counts the graph's own.
        if key == "node_id" or "index" in key or key == "face":
            return _total(self.num_original_nodes)
        return super().__inc__(key, value, *args, **kwargs)

    def __cat_dim__(self, key: str, value: Any, *args: Any, **kwargs: Any) -> Any:
        """The dimension along which a batch joins an attribute."""
        if key in ("subgraph_batch", "node_id", "bag_batch"):
            return 0
        return super().__cat_dim__(key, value, *args, **kwargs)

    def subgraph(self, s: int) -> Data:
        """Subgraph s as a graph of its own, 0 <= s < S: its features, its edges, and what the graph itself carries.

        Raises:
            TypeError: s is no number. (`Data.subgraph` takes a set of nodes; of a bag, pick a subgraph first.)
            ValueError: there is no subgraph s, or this is a batch of bags.
        """
        s = whole_number("s", s, 0, "It is the number of a subgraph.")
        if isinstance(self, Batch):
            raise ValueError("This is a batch of bags; take to_data_list()[graph].subgraph(s).")
        if s >= self.num_subgraphs:
            raise ValueError(f"s is {s}; expected the number of a subgraph, 0 to {self.num_subgraphs - 1}.")
        part = self.select(torch.tensor([s], device=self.edge_index.device))
        own = {"subgraph_batch", "node_id", "bag_batch", "num_subgraphs", "num_original_nodes"}
        names = [key for key in part.keys() if key not in own and not key.startswith(PREFIX)]  # noqa: SIM118
        return Data(**{key: part[key] for key in names})

    def subgraphs(self) -> Iterator[Data]:
        """All subgraphs, in order, each as a graph of its own."""
        return map(self.subgraph, range(self.num_subgraphs))

    def select(self, chosen: Int[Tensor, "part"]) -> "SubgraphData":
        """The bag of the chosen subgraphs, in that order.

        Args:
            chosen: numbers of subgraphs, one or more, each at most once.

        Raises:
            TypeError: `chosen` is no tensor of integers.
            ValueError: no number, one that is not there, or one twice; or this is a batch of bags.
        """
        if isinstance(self, Batch):
            raise ValueError("This is a batch of bags; take to_data_list() and select from each.")
        if not isinstance(chosen, Tensor) or chosen.dim() != 1 or chosen.dtype not in (torch.int64, torch.int32):
            raise TypeError(f"chosen is {chosen!r}; expected a tensor of integers, one for each subgraph to take.")
        chosen = chosen.long()
        S, n = _total(self.num_subgraphs), _total(self.num_original_nodes)
        given = chosen.tolist()
        if not given or min(given) < 0 or max(given) >= S or len(set(given)) < len(given):
            raise ValueError(f"chosen is {given}; expected numbers from 0 to {S - 1}, one or more, each once.")
        place = chosen.new_full((S,), -1)
        place[chosen] = torch.arange(len(chosen), device=chosen.device)
        old = self.subgraph_batch[self.edge_index[0]]
        new = place[old]
        kept = (new >= 0).nonzero().squeeze(1)
        kept = kept[torch.argsort(new[kept], stable=True)]
        part = SubgraphData()
        for key, value in self._store.items():
            if key.startswith(PREFIX) or not isinstance(value, Tensor) or value.dim() == 0:
                part[key] = value
            elif key == "edge_index":
                part[key] = value[:, kept] + (new - old)[kept] * n
            elif self._is_of_edges(key, value):
                part[key] = value[kept]
            elif value.size(0) == S * n and key not in ("y", "bag_batch"):
                part[key] = value.unflatten(0, (S, n))[chosen].flatten(0, 1)
            else:
                part[key] = value
        part.subgraph_batch = torch.arange(len(chosen), device=chosen.device).repeat_interleave(n)
        part.bag_batch = self.bag_batch[chosen]
        part._store["num_subgraphs"] = len(chosen)
        part.num_nodes = len(chosen) * n
        return part

    def _is_of_edges(self, key: str, value: Tensor) -> bool:
        """Whether the graph's edges had it, or a transform gave it to the bag's: sizes alone may coincide."""
        return f"{PREFIX}{key}" in self._store or ("edge" in key and value.size(0) == self.edge_index.size(1))


def _total(count: int | Tensor) -> int:
    return count if isinstance(count, int) else int(count.sum())


# A data set of bags can then be loaded again by torch's safe reader.
torch.serialization.add_safe_globals([SubgraphData])
