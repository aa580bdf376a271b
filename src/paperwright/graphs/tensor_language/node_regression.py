"""Training towards the floor: a message-passing network fits node targets that its rounds see only in part."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch_geometric.data import Batch, Data
from torch_geometric.nn import GINConv

from .bounds import Bound
from .distinctions import unlabelled
from .expressions import E, Expression, indices, total
from .floor import approximation_floor

x, y, z, w = indices("x y z w")
TARGETS: dict[str, Expression] = {
    "walks": total((y, z, w), E(x, y) * E(y, z) * E(z, w)),
    "triangles": total((y, z), E(x, y) * E(x, z) * E(y, z)),
}
"""Walks of three steps from a node, which three rounds of colour refinement fix; triangles at it, which none do."""


@dataclass(frozen=True)
class Fit:
    """How near training came.

    Attributes:
        mse: mean squared error after training, of targets of variance 1.
        floor: what no network of so many layers undercuts.
    """

    mse: float
    floor: float


class Regression(nn.Module):
    """GIN layers with tanh, and a linear map of all their outputs together: [N, 1] to [N]."""

    def __init__(self, layers: int, width: int) -> None:
        super().__init__()
        widths = [1, *[width] * layers]
        self.layers = nn.ModuleList(
            GINConv(nn.Sequential(nn.Linear(a, width), nn.Tanh(), nn.Linear(width, b), nn.Tanh()), train_eps=True)
            for a, b in pairwise(widths)
        )
        self.last = nn.Linear(width * layers, 1)

    def forward(self, x: Float[Tensor, "N 1"], edge_index: Tensor) -> Float[Tensor, " N"]:
        """A prediction for each node."""
        seen = []
        for layer in self.layers:
            x = layer(x, edge_index)
            seen.append(x)
        return self.last(torch.cat(seen, dim=1))[:, 0]


def targets_of(name: str, graphs: Sequence[Data]) -> Float[Tensor, " N"]:
    """A target for each node of all graphs, float64, of mean 0 and variance 1."""
    values = torch.cat([TARGETS[name].evaluate(graph)[:, 0] for graph in graphs])
    return (values - values.mean()) / values.std(correction=0)


def fit(
    graphs: Sequence[Data],
    target: str,
    layers: int,
    seed: int,
    *,
    steps: int,
    iterations: int,
    width: int,
    device: str = "cpu",
) -> Fit:
    """Full-batch training of a network of so many layers: steps of Adam, then iterations of L-BFGS.

    Args:
        graphs: whose nodes are fitted; their features are left out.
        target: a name in `TARGETS`.
        layers: of the network, and so rounds of colour refinement.
        seed: decides the weights at the start.
        steps: of Adam, at a rate of 0.01.
        iterations: of L-BFGS with strong Wolfe line search, at most.
        width: of the layers.
        device: on which to train.
    """
    goals = targets_of(target, graphs)
    plain = [Data(edge_index=graph.edge_index, num_nodes=graph.num_nodes) for graph in graphs]
    floor = approximation_floor(goals, plain, Bound("cr", 1, layers)).mse
    batch = Batch.from_data_list([unlabelled(graph) for graph in plain]).to(device)
    goals = goals.to(device)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Regression(layers, width).to(device)
    features, wanted = batch.x.float(), goals.float()

    def loss() -> Tensor:
        model.zero_grad()
        error = nn.functional.mse_loss(model(features, batch.edge_index), wanted)
        error.backward()
        return error

    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(steps):
        optimizer.step(loss)
    # Without noise in the loss, curvature helps: L-BFGS comes two to forty times nearer to the floor than as much Adam.
    torch.optim.LBFGS(
        model.parameters(),
        max_iter=iterations,
        history_size=50,
        line_search_fn="strong_wolfe",
        tolerance_grad=0,
        tolerance_change=0,
    ).step(loss)
    with torch.no_grad():
        predicted = model.double()(batch.x, batch.edge_index)
    return Fit(float(nn.functional.mse_loss(predicted, goals)), floor)
