"""Training towards the floor: a message-passing network fits node targets that its rounds see only in part."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch_geometric.data import Batch, Data

from paperwright.training import fit, preserved_randomness

from ..analysis.bounds import Bound
from ..language.builders import E, indices, total
from ..language.expressions import Expression
from ..models.floor import approximation_floor
from ..models.separation import with_unit_features
from .message_passing import IsomorphismNetwork

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
    """A GIN with tanh, and a linear map of the outputs of all its layers together: [N, 1] to [N]."""

    def __init__(self, layers: int, width: int) -> None:
        super().__init__()
        self.network = IsomorphismNetwork(1, width, layers).float()
        self.last = nn.Linear(width * layers, 1)

    def forward(self, x: Float[Tensor, "N 1"], edge_index: Int64[Tensor, "2 E"]) -> Float[Tensor, " N"]:
        """Return a prediction for each node."""
        found: Tensor = self.last(torch.cat(self.network.states(x, edge_index), dim=1))
        return found[:, 0]


def targets_of(name: str, graphs: Sequence[Data]) -> Float[Tensor, " N"]:
    """A target for each node of all graphs, float64, of mean 0 and variance 1."""
    values = torch.cat([TARGETS[name].evaluate(graph)[:, 0] for graph in graphs])
    return (values - values.mean()) / values.std(correction=0)


def train_to_floor(
    graphs: Sequence[Data],
    target: str,
    layers: int,
    *,
    seed: int,
    steps: int,
    iterations: int,
    width: int,
    device: str = "cpu",
) -> Fit:
    """Train a network of so many layers on all nodes at once: steps of Adam, then iterations of L-BFGS.

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
    union = Batch.from_data_list([with_unit_features(graph) for graph in plain]).to(device)
    goals = goals.to(device)
    example = union.x.float(), union.edge_index, goals.float()
    with preserved_randomness():
        torch.manual_seed(seed)
        model = Regression(layers, width).to(device)
        adam = torch.optim.Adam(model.parameters(), lr=0.01)
        whole = tuple(tensor[None] for tensor in example)  # all graphs side by side are one example
        fit(model, adam, whole, _loss_of_all, batch_size=1, steps=steps, every=steps, seed=seed, device=device)
    _fit_by_curvature(model, example, iterations)
    with torch.no_grad():
        predicted = model.double()(union.x, union.edge_index)
    return Fit(float(nn.functional.mse_loss(predicted, goals)), floor)


def _loss_of_all(model: nn.Module, batch: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    x, edge_index, goals = (tensor[0] for tensor in batch)
    return nn.functional.mse_loss(model(x, edge_index), goals)


def _fit_by_curvature(model: nn.Module, example: tuple[Tensor, Tensor, Tensor], iterations: int) -> None:
    """Without noise in the loss, curvature helps: L-BFGS comes 2 to 40 times nearer to the floor than as much Adam."""
    x, edge_index, goals = example
    optimizer = torch.optim.LBFGS(
        model.parameters(),
        max_iter=iterations,
        history_size=50,
        line_search_fn="strong_wolfe",
        tolerance_grad=0,
        tolerance_change=0,
    )

    def loss() -> Tensor:
        optimizer.zero_grad()
        error = nn.functional.mse_loss(model(x, edge_index), goals)
        error.backward()
        return error

    optimizer.step(loss)
