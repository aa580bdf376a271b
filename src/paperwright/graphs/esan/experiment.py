"""The experiments of the claims on training: networks on bags, and their baselines (Section 5)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Float
from sklearn.model_selection import StratifiedKFold, train_test_split
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, l1_loss
from torch_geometric.data import Batch, Data
from torch_geometric.nn import GIN, MLP, GraphConv, global_max_pool
from torch_geometric.transforms import BaseTransform

from paperwright.training import fit, preserved_randomness

from .bag import SubgraphBag
from .ds_gnn import DSGNN, DSSGNN, JumpingEncoder, gin_conv
from .prediction import predict, settle_batch_norm


@dataclass(frozen=True)
class BagTraining:
    """Hyperparameters of a run.

    Attributes:
        layers, width: of the message-passing part.
        set_width: of the two set layers of DS-GNN.
        lr: Adam's learning rate.
        halve_every: epochs after which the learning rate is halved, again and again.
        batch_size: graphs; those that do not fill a batch wait for another epoch.
        epochs: at most.
        stop_below: stop once the mean training loss of an epoch is no more than this.
        votes: samples of each graph in the evaluation.
        node_pool: how DSS-GNN joins the nodes of a subgraph.
    """

    layers: int = 4
    width: int = 32
    set_width: int = 32
    lr: float = 0.01
    halve_every: int = 50
    batch_size: int = 32
    epochs: int = 100
    stop_below: float = 0.0
    votes: int = 5
    node_pool: str = "mean"


PAPER: Mapping[str, BagTraining] = {
    "exp": BagTraining(layers=6, epochs=350),
    "exp, deletions": BagTraining(layers=6, epochs=350, lr=0.001),
    "csl": BagTraining(layers=8, width=64, batch_size=8, epochs=200),
}
"""The grids of the paper's experiments, at one point each (official code, the files in `configs`)."""


class RandomFeatureGNN(nn.Module):
    """The baseline of random node features (RNI), of the size and with the choices of its authors' code.

    Two layers of GraphConv, then half of the width is fresh normal numbers at each call, in training and after; eight
    layers more, the greatest over the nodes, and three linear layers. Neighbours are averaged.

    Source: Abboud et al., "The surprising power of graph neural networks with random node initialization", IJCAI 2021,
    `GNNHyb.py`; the baseline of Section 5.
    """

    WIDTH = 64
    LAYERS = 8

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        width, half = self.WIDTH, self.WIDTH // 2
        widths = [(in_channels, half), (half, half), *[(width, width)] * self.LAYERS]
        self.convs = nn.ModuleList(GraphConv(*sizes, aggr="mean") for sizes in widths)
        self.head = MLP([width, width, half, out_channels], act="elu", dropout=[0.5, 0.0, 0.0], norm=None)

    def forward(self, bags: Data) -> Float[Tensor, "graphs out"]:
        """The outputs of every graph; as they are in a bag of "original"."""
        x = bags.x
        for number, conv in enumerate(self.convs):
            if number == 2:
                x = torch.cat([x, torch.randn_like(x)], dim=1)
            x = torch.tanh(conv(x, bags.edge_index))
        return self.head(global_max_pool(x, bags.bag_batch[bags.subgraph_batch]))


@dataclass(frozen=True)
class Learner:
    """A network and the bags that it sees.

    Attributes:
        kind: "gin", torch_geometric's GIN on the graph itself; "random features", :class:`RandomFeatureGNN` on it,
            whose size is its own; "ds"; or "dss".
        policy, num_hops: of the bags.
        fraction: of each bag, drawn anew each epoch; 1 for the whole.
        most_epochs: where more change nothing.
    """

    kind: str
    policy: str = "original"
    num_hops: int = 2
    fraction: float = 1.0
    most_epochs: int | None = None

    def network(self, in_channels: int, out_channels: int, training: BagTraining) -> nn.Module:
        """The network, with the paper's GIN convolution where it is on bags."""
        shape = in_channels, training.width, training.layers
        if self.kind == "dss":
            return DSSGNN(gin_conv, *shape, out_channels, node_pool=training.node_pool)
        if self.kind == "ds":
            return DSGNN(JumpingEncoder(gin_conv, *shape), [training.set_width] * 2, out_channels)
        if self.kind == "gin":
            return DSGNN(GIN(*shape, jk="cat", norm="BatchNorm"), [], out_channels)
        return RandomFeatureGNN(in_channels, out_channels)


def predictions(
    learner: Learner,
    train: Sequence[Data],
    test: Sequence[Data],
    settings: Mapping[str, Any],
    *,
    seed: int,
    device: str,
    outputs: int,
    loss: Callable[[Tensor, Tensor], Tensor],
    task: str = "classification",
    then: BaseTransform | None = None,
) -> tuple[Tensor, dict[str, float]]:
    """Train a network on the bags of the training graphs, settle its batch norm, and predict the test graphs.

    Args:
        learner: the network and its bags.
        train, test: graphs with `y`.
        settings: of :class:`BagTraining`.
        seed: decides everything: initial weights, the order of the graphs, the samples of the bags.
        device: where to train.
        outputs: of the network.
        loss: of outputs and `y`.
        task: as for :func:`predict`.
        then: a transform of each bag.

    Returns:
        What :func:`predict` gives for the test graphs; and "epochs", the "training_loss" of the last of them, and the
        number of "parameters".
    """
    training = BagTraining(**settings)
    training = replace(training, epochs=min(training.epochs, learner.most_epochs or training.epochs))
    share = None if learner.fraction == 1 else learner.fraction
    bag = SubgraphBag(learner.policy, learner.num_hops, fraction=share, then=then)

    def batch(numbers: Tensor) -> Batch:
        bags = [bag(train[i]) if share else whole[i] for i in numbers.tolist()]
        return Batch.from_data_list(bags).to(device)

    def mean_loss(model: nn.Module, numbers: Tensor) -> Tensor:
        bags = batch(numbers)
        return loss(model(bags), bags.y)

    with preserved_randomness(seed):
        whole = [] if share else [bag(graph) for graph in train]
        model = learner.network(bag(train[0]).x.size(1), outputs, training)
        optimizer = torch.optim.Adam(model.parameters(), lr=training.lr)
        steps = len(train) // training.batch_size
        history = fit(
            model,
            optimizer,
            torch.arange(len(train)),
            mean_loss,
            batch_size=training.batch_size,
            seed=seed,
            epochs=training.epochs,
            scheduler=torch.optim.lr_scheduler.StepLR(optimizer, training.halve_every * steps, gamma=0.5),
            stop=lambda record: record["loss"] <= training.stop_below,
            device=device,
        )
        settle_batch_norm(model, map(batch, torch.randperm(len(train)).split(training.batch_size)))
        votes = training.votes if share or learner.kind == "random features" else 1
        predicted = predict(model, test, votes, transform=bag, task=task).cpu()
    spent = {"epochs": history.step / steps, "training_loss": history.last["loss"]}
    return predicted, spent | {"parameters": sum(weights.numel() for weights in model.parameters())}


def run(
    settings: Mapping[str, Any],
    *,
    seed: int,
    device: str,
    learner: Learner,
    train: Sequence[Data],
    test: Sequence[Data],
    classes: int = 2,
    then: BaseTransform | None = None,
    alike: Sequence[bool] | None = None,
) -> dict[str, float]:
    """Test accuracy after training, and how far it is from chance, 1 / classes.

    Args:
        settings, seed, device, learner, train, test, then: as for :func:`predictions`.
        classes: number of classes.
        alike: which test graphs 1-WL takes for another; "off_chance" is then of these alone.
    """
    outputs, loss = (1, _binary) if classes == 2 else (classes, cross_entropy)
    predicted, spent = predictions(
        learner, train, test, settings, seed=seed, device=device, outputs=outputs, loss=loss, then=then
    )
    right = (predicted == torch.cat([graph.y for graph in test])).double()
    chance = right if alike is None else right[torch.tensor(alike)]
    return {"accuracy": float(right.mean()), "off_chance": abs(float(chance.mean()) - 1 / classes), **spent}


def _binary(output: Tensor, y: Tensor) -> Tensor:
    return binary_cross_entropy_with_logits(output.squeeze(-1), y.float())


def standardized_errors(
    settings: Mapping[str, Any],
    *,
    seed: int,
    device: str,
    learner: Learner,
    train: Sequence[Data],
    test: Sequence[Data],
) -> tuple[Float[Tensor, "graphs targets"], dict[str, float]]:
    """Absolute errors of a regression of `y` on the test graphs, trained on targets of mean 0 and deviation 1.

    Returns:
        The errors in the unit of `y`; and what :func:`predictions` says of the training, with "error_of_the_mean",
        that of guessing the training graphs' mean.
    """
    counts = torch.cat([graph.y for graph in train])
    mean, scale = counts.mean(dim=0), counts.std(dim=0)
    scaled = [graph.clone() for graph in train]
    for graph in scaled:
        graph.y = (graph.y - mean) / scale
    predicted, spent = predictions(
        learner,
        scaled,
        test,
        settings,
        seed=seed,
        device=device,
        outputs=counts.size(1),
        loss=l1_loss,
        task="regression",
    )
    true = torch.cat([graph.y for graph in test])
    guess = float((mean - true).abs().mean())
    return (predicted * scale + mean - true).abs(), spent | {"error_of_the_mean": guess}


def pairs_split(graphs: Sequence[Data], train: int, test: int, seed: int) -> tuple[list[Data], list[Data]]:
    """`train` and `test` graphs, drawn by the seed; both of a pair (2i, 2i + 1) go to the same side."""
    pairs = range(len(graphs) // 2)
    sides = train_test_split(pairs, train_size=train // 2, test_size=test // 2, random_state=seed)
    learned, held_out = ([graphs[2 * pair + member] for pair in side for member in (0, 1)] for side in sides)
    return learned, held_out


def class_fold(graphs: Sequence[Data], folds: int, fold: int, seed: int) -> tuple[list[Data], list[Data]]:
    """The graphs outside and those inside a fold of a stratified split."""
    labels = [int(graph.y) for graph in graphs]
    splits = StratifiedKFold(folds, shuffle=True, random_state=seed).split(labels, labels)
    outside, inside = list(splits)[fold]
    return [graphs[i] for i in outside], [graphs[i] for i in inside]
