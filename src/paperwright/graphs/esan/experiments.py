"""The paper's experiments: training on bags drawn anew each epoch, and evaluation by votes (Section 5)."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch_geometric.data import Batch, Data
from torch_geometric.transforms import BaseTransform

from .bag import SubgraphBag
from .encoders import JumpingEncoder, gin_conv
from .networks import DSGNN, DSSGNN
from .prediction import predict, settle_batch_norm

Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Settings:
    """Hyperparameters of a run.

    Attributes:
        layers, width: of the message-passing part.
        set_width: of the two set layers of DS-GNN.
        lr: Adam's learning rate.
        halve_every: epochs after which the learning rate is halved, again and again.
        batch_size: graphs.
        epochs: at most.
        stop_below: stop once the mean training loss of an epoch is below this.
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


@dataclass(frozen=True)
class Learner:
    """A network and the bags that it sees.

    Attributes:
        kind: "gin", the plain network; "ds"; or "dss".
        policy, num_hops: of the bags.
        fraction: of each bag, drawn anew each epoch; 1 for the whole.
        most_epochs: where more change nothing.
    """

    kind: str
    policy: str = "original"
    num_hops: int = 2
    fraction: float = 1.0
    most_epochs: int | None = None

    def bag(self, seed: int, **options: Any) -> SubgraphBag:
        """The transform that makes the bags; the seed decides the samples."""
        share = None if self.fraction == 1 else self.fraction
        generator = Generator().manual_seed(seed)
        return SubgraphBag(self.policy, self.num_hops, fraction=share, generator=generator, **options)

    def settings(self, given: Mapping[str, Any]) -> Settings:
        """The hyperparameters given, with no more epochs than this learner needs."""
        settings = Settings(**given)
        return replace(settings, epochs=min(settings.epochs, self.most_epochs or settings.epochs))


@dataclass(frozen=True)
class Outcome:
    """How a run ended: the model's predictions for the test graphs, and what training came to.

    Attributes:
        predictions: see :func:`predict`.
        epochs: how many were done.
        loss: mean training loss of the last.
        parameters: numbers that were learned.
    """

    predictions: Tensor
    epochs: int
    loss: float
    parameters: int


def network(kind: str, in_channels: int, out_channels: int, settings: Settings) -> nn.Module:
    """A network by its name: "gin", the plain one; "ds"; or "dss"; all with the paper's GIN convolution."""
    if kind == "dss":
        widths = in_channels, settings.width, settings.layers, out_channels
        return DSSGNN(gin_conv, *widths, node_pool=settings.node_pool)
    encoder = JumpingEncoder(gin_conv, in_channels, settings.width, settings.layers)
    return DSGNN(encoder, [settings.set_width] * 2 if kind == "ds" else [], out_channels)


def run(
    kind: str,
    bag: SubgraphBag,
    train: Sequence[Data],
    test: Sequence[Data],
    settings: Settings,
    seed: int,
    *,
    task: str = "classification",
    classes: int = 2,
    device: str = "cpu",
) -> Outcome:
    """Train a network on the bags of the training graphs, and predict the test graphs.

    The seed decides the initial weights and the order of the graphs; the bag's own generator decides the samples.

    Args:
        kind: see :func:`network`.
        bag: makes the bags; sampling anew at every epoch if it samples.
        train, test: graphs with `y`.
        settings: hyperparameters.
        seed: of everything but the bags.
        task: "classification" of `classes` classes, or "regression" of `y` [1, outputs].
        classes: number of classes.
        device: where to train.
    """
    outputs = train[0].y.numel() if task == "regression" else (1 if classes == 2 else classes)
    loss = _loss(task, classes)
    with torch.random.fork_rng(devices=[device] if torch.device(device).type == "cuda" else []):
        torch.manual_seed(seed)
        model = network(kind, bag(train[0]).x.size(1), outputs, settings).to(device)
        order = Generator().manual_seed(seed)
        optimizer = torch.optim.Adam(model.parameters(), lr=settings.lr)
        schedule = torch.optim.lr_scheduler.StepLR(optimizer, settings.halve_every, gamma=0.5)
        fixed = [bag(graph) for graph in train] if bag.share.fraction is None and bag.share.count is None else None
        mean, epoch = math.inf, 0
        for epoch in range(1, settings.epochs + 1):  # noqa: B007 -- how many were done is told
            total = 0.0
            for batch in batches(train, bag, settings.batch_size, order, fixed):
                batch = batch.to(device)
                optimizer.zero_grad()
                value = loss(model(batch), batch.y)
                value.backward()
                optimizer.step()
                total += value.item() * batch.num_graphs
            schedule.step()
            mean = total / len(train)
            if mean < settings.stop_below:
                break
        settle_batch_norm(model, (b.to(device) for b in batches(train, bag, settings.batch_size, order, fixed)))
        predictions = predict(model, test, 1 if fixed is not None else settings.votes, transform=bag, task=task)
    return Outcome(predictions.cpu(), epoch, mean, sum(weights.numel() for weights in model.parameters()))


def classify(
    learner: Learner,
    train: Sequence[Data],
    test: Sequence[Data],
    settings: Mapping[str, Any],
    seed: int,
    *,
    classes: int = 2,
    device: str = "cpu",
    then: BaseTransform | None = None,
) -> dict[str, float]:
    """Test accuracy after training, and how far it is from chance, 1 / classes; arguments as of :func:`run`."""
    bag, chosen = learner.bag(seed, then=then), learner.settings(settings)
    outcome = run(learner.kind, bag, train, test, chosen, seed, classes=classes, device=device)
    accuracy = float((outcome.predictions == torch.cat([graph.y for graph in test])).double().mean())
    return {
        "accuracy": accuracy,
        "off_chance": abs(accuracy - 1 / classes),
        "epochs": outcome.epochs,
        "training_loss": outcome.loss,
    }


def pairs_split(graphs: Sequence[Data], train: int, test: int, seed: int) -> tuple[list[Data], list[Data]]:
    """`train` and `test` graphs for training and testing; both of a pair (2i, 2i + 1) go to the same side.

    Raises:
        ValueError: there are not so many.
    """
    if train + test > len(graphs):
        raise ValueError(f"expected {train} + {test} graphs, got {len(graphs)}.")
    order = torch.randperm(len(graphs) // 2, generator=Generator().manual_seed(seed)).tolist()
    chosen = [graphs[2 * pair + side] for pair in order for side in (0, 1)]
    return chosen[:train], chosen[train : train + test]


def class_fold(graphs: Sequence[Data], folds: int, fold: int, seed: int) -> tuple[list[Data], list[Data]]:
    """The graphs outside and those inside a fold of a split that has the same share of every class in each fold."""
    order = torch.randperm(len(graphs), generator=Generator().manual_seed(seed)).tolist()
    order.sort(key=lambda i: int(graphs[i].y))  # stable: random within a class
    place = {i: number % folds for number, i in enumerate(order)}
    return [graphs[i] for i in order if place[i] != fold], [graphs[i] for i in order if place[i] == fold]


def batches(
    graphs: Sequence[Data], bag: SubgraphBag, size: int, generator: Generator, bags: Sequence[Data] | None = None
) -> Iterator[Batch]:
    """Batches of bags over all graphs once, in random order; a last batch of one graph joins the one before."""
    order = torch.randperm(len(graphs), generator=generator).tolist()
    parts = [order[start : start + size] for start in range(0, len(order), size)]
    if len(parts) > 1 and len(parts[-1]) == 1:
        parts[-2:] = [parts[-2] + parts[-1]]
    for part in parts:
        yield Batch.from_data_list([bag(graphs[i]) if bags is None else bags[i] for i in part])


def _loss(task: str, classes: int) -> Loss:
    if task == "regression":
        return nn.functional.l1_loss
    if classes == 2:
        return lambda output, y: nn.functional.binary_cross_entropy_with_logits(output.squeeze(-1), y.float())
    return nn.functional.cross_entropy
