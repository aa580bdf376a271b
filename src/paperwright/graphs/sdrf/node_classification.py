"""The paper's experiment: a GCN that classifies nodes, on a random split, before and after rewiring (Section 6)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.nn import GCNConv


@dataclass(frozen=True)
class Settings:
    """Hyperparameters of the GCN.

    Attributes:
        hidden: width of the one hidden layer.
        dropout: probability, on the hidden layer.
        lr: Adam's learning rate.
        weight_decay: on the first layer only, as in the released code.
        epochs: most epochs.
        patience: stop after this many epochs without a better validation accuracy.
    """

    hidden: int = 64
    dropout: float = 0.5
    lr: float = 0.01
    weight_decay: float = 5e-4
    epochs: int = 300
    patience: int = 100


@dataclass(frozen=True)
class Outcome:
    """Accuracies, in per cent, at the epoch of the best validation accuracy."""

    validation: float
    test: float


class GCN(nn.Module):
    """Two graph convolutions, ReLU and dropout between; f(x, edge_index, edge_weight) -> logits [N, classes].

    Source: `models/gcn.py` of the released code.
    """

    def __init__(self, features: int, hidden: int, classes: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.first = GCNConv(features, hidden)
        self.second = GCNConv(hidden, classes)
        self.dropout = dropout

    def forward(self, x: Tensor, edge_index: Tensor, edge_weight: Tensor | None = None) -> Tensor:
        """Logits of every node."""
        x = nn.functional.relu(self.first(x, edge_index, edge_weight))
        x = nn.functional.dropout(x, self.dropout, self.training)
        return self.second(x, edge_index, edge_weight)


def random_split(num_nodes: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """60% of the nodes to train on, 20% to validate, 20% to test, decided by the seed alone."""
    order = torch.randperm(num_nodes, generator=torch.Generator().manual_seed(seed))
    train, validation = round(0.6 * num_nodes), round(0.8 * num_nodes)
    return order[:train], order[train:validation], order[validation:]


def classify(data: Data, settings: Settings, seed: int, device: str = "cpu") -> Outcome:
    """Train a GCN on a random split of the graph's nodes; the seed decides split, initialisation and dropout.

    Args:
        data: a graph with `x`, `y`, `edge_index` and perhaps `edge_weight`.
        settings: hyperparameters.
        seed: the same seed gives the same split and the same initial weights whatever the edges are.
        device: where to train.
    """
    train, validation, test = random_split(data.num_nodes, seed)
    classes = int(data.y.max()) + 1
    with torch.random.fork_rng(devices=[device] if torch.device(device).type == "cuda" else []):
        torch.manual_seed(seed)
        model = GCN(data.x.size(1), settings.hidden, classes, settings.dropout).to(device)
        data = data.clone().to(device)
        x, y, edges = data.x, data.y, (data.edge_index, data.get("edge_weight"))
        optimizer = torch.optim.Adam(
            [
                {"params": model.first.parameters(), "weight_decay": settings.weight_decay},
                {"params": model.second.parameters()},
            ],
            lr=settings.lr,
        )
        best, waited = Outcome(-1.0, 0.0), 0
        for _ in range(settings.epochs):
            model.train()
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x, *edges)[train], y[train]).backward()
            optimizer.step()
            model.eval()
            with torch.no_grad():
                right = (model(x, *edges).argmax(dim=1) == y).cpu().double() * 100
            waited += 1
            if float(right[validation].mean()) > best.validation:
                best, waited = Outcome(float(right[validation].mean()), float(right[test].mean())), 0
            if waited >= settings.patience:
                break
    return best
