"""From node features of a bag's subgraphs to features of subgraphs, nodes and graphs."""

from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch_geometric.utils import scatter

REDUCTIONS = ("mean", "sum", "max", "min")


def checked_reduction(argument: str, reduction: str) -> str:
    """The reduction, if it is one.

    Raises:
        ValueError: it is none of `REDUCTIONS`.
    """
    if reduction not in REDUCTIONS:
        raise ValueError(f"{argument} is {reduction!r}; expected one of {', '.join(REDUCTIONS)}.")
    return reduction


class SubgraphPool(nn.Module):
    """Pools the nodes of every subgraph, then the subgraphs of every bag.

    Args:
        node_pool: over the nodes of a subgraph, isolated ones included: "mean", "sum", "max" or "min".
        bag_pool: over the subgraphs of a bag. "mean" by default, since with "sum" a sample of the bag would have
            another scale than the whole.

    Raises:
        ValueError: no such reduction.
    """

    def __init__(self, node_pool: str = "mean", bag_pool: str = "mean") -> None:
        super().__init__()
        self.node_pool = checked_reduction("node_pool", node_pool)
        self.bag_pool = checked_reduction("bag_pool", bag_pool)

    def forward(
        self,
        x: Float[Tensor, "rows width"],
        subgraph_batch: Int64[Tensor, " rows"],
        bag_batch: Int64[Tensor, " subgraphs"],
        num_graphs: int | None = None,
    ) -> Float[Tensor, "graphs width"]:
        """One row for every graph.

        Args:
            x: features of every node in every subgraph.
            subgraph_batch: the subgraph of each row.
            bag_batch: the graph of each subgraph.
            num_graphs: one more than the greatest of these if not given.
        """
        return self.bags(self.subgraphs(x, subgraph_batch, len(bag_batch)), bag_batch, num_graphs)

    def subgraphs(
        self, x: Float[Tensor, "rows width"], subgraph_batch: Int64[Tensor, " rows"], num_subgraphs: int | None = None
    ) -> Float[Tensor, "subgraphs width"]:
        """One row for every subgraph."""
        return scatter(x, subgraph_batch, dim=0, dim_size=num_subgraphs, reduce=self.node_pool)

    def bags(
        self, h: Float[Tensor, "subgraphs width"], bag_batch: Int64[Tensor, " subgraphs"], num_graphs: int | None = None
    ) -> Float[Tensor, "graphs width"]:
        """One row for every bag."""
        return scatter(h, bag_batch, dim=0, dim_size=num_graphs, reduce=self.bag_pool)

    def extra_repr(self) -> str:
        return f"node_pool={self.node_pool!r}, bag_pool={self.bag_pool!r}"
