"""Evaluation as the paper does it: batch norm settled over the training set, and votes over samples of the bag."""

from collections.abc import Callable, Iterable, Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn
from torch_geometric.data import Batch, Data

from paperwright.blocks.counts import whole_number


def settle_batch_norm(model: nn.Module, loader: Iterable[Data]) -> None:
    """Replace every running mean and variance of batch norm by the average over one pass, before an evaluation.

    The running statistics that training leaves behind are means over the last few steps, of weights that have moved
    since. A DSS-GNN on bags of node- or edge-deleted subgraphs can classify everything on the statistics of its
    batches and be at chance on the running ones; a pass over the training set mends that.

    Args:
        model: moved nowhere and left in the mode that it is in; its weights stay as they are.
        loader: batches of bags, mixed as those of training: where graphs come sorted by class, the variance within a
            batch misses what lies between the classes.

    Raises:
        ValueError: the loader is empty.
        TypeError: it is one batch, or the model no module.
    """
    _require_module(model)
    if isinstance(loader, Data) or not isinstance(loader, Iterable):
        raise TypeError(f"loader is of type {type(loader).__name__}; expected batches of bags. Pass [batch] for one.")
    batches = iter(loader)
    first = next(batches, None)
    if first is None:
        raise ValueError("the loader is empty; expected the batches of the training set.")

    def all_of_them() -> Iterable[Data]:
        yield first
        yield from batches

    update_bn(all_of_them(), model, device=device_of(model))


@torch.no_grad()
def predict(
    model: nn.Module,
    data_list: Sequence[Data],
    votes: int = 5,
    *,
    transform: Callable[[Data], Data] | None = None,
    task: str = "classification",
    batch_size: int = 32,
) -> Int64[Tensor, " graphs"] | Int64[Tensor, "graphs labels"] | Float[Tensor, "graphs outputs"]:
    """The model's prediction for every graph, over several samples of its bag.

    Each vote takes every graph from `data_list` anew: a data set with `transform=SubgraphBag(..., fraction=0.2)` then
    gives a fresh sample each time; for a list of graphs, or of bags, pass the transform here (a `SubgraphBag`, or a
    `SubgraphSampler`). Labels are decided vote by vote and then counted, since a mean of logits would let one confident
    sample outvote the others.

    Args:
        model: DSGNN, DSSGNN or any other network on bags; evaluated in eval mode, left in the mode that it was in.
        data_list: the graphs or bags.
        votes: samples of each graph.
        transform: applied to each graph at each vote.
        task: "classification": of several outputs the greatest is the class, one output is a logit; "multilabel":
            every output is a logit of its own; "regression": the mean of the outputs.
        batch_size: graphs of one forward pass.

    Returns:
        Classes, int64 [graphs]; 0 or 1 for every label, int64 [graphs, labels]; or means, [graphs, outputs]. A tie
        goes to the lower class.

    Raises:
        ValueError: `votes` or `batch_size` below 1, an unknown task, no graphs; outputs of the model that are not
            [graphs, outputs], or not finite.
        TypeError: the model is no module, `data_list` no list or data set, `transform` no function.
    """
    _require_module(model)
    votes, batch_size = whole_number("votes", votes), whole_number("batch_size", batch_size)
    if task not in ("classification", "multilabel", "regression"):
        raise ValueError(f"task is {task!r}; expected 'classification', 'multilabel' or 'regression'.")
    if isinstance(data_list, Data) or not (hasattr(data_list, "__getitem__") and hasattr(data_list, "__len__")):
        kind = type(data_list).__name__
        raise TypeError(
            f"data_list is of type {kind}; expected a list of graphs or a data set. Pass [graph] for one graph, "
            "`loader.dataset` for a loader, `to_data_list()` of a batch."
        )
    if transform is not None and not callable(transform):
        raise TypeError(f"transform is {transform!r}; expected one, such as SubgraphBag(fraction=0.2), or None.")
    if len(data_list) == 0:
        raise ValueError("data_list is empty; expected at least one graph.")
    training = model.training
    model.eval()
    try:
        outputs = torch.stack([_outputs(model, data_list, transform, batch_size) for _ in range(votes)])
    finally:
        model.train(training)
    if task == "regression":
        return outputs.mean(dim=0)
    if task == "multilabel":
        return _majority((outputs > 0).long(), 2)
    if outputs.size(-1) == 1:
        return _majority((outputs.squeeze(-1) > 0).long(), 2)
    return _majority(outputs.argmax(dim=-1), outputs.size(-1))


def _outputs(
    model: nn.Module, data_list: Sequence[Data], transform: Callable[[Data], Data] | None, batch_size: int
) -> Float[Tensor, "graphs outputs"]:
    """One vote."""
    device, parts = device_of(model), []
    for start in range(0, len(data_list), batch_size):
        graphs = [data_list[i] for i in range(start, min(start + batch_size, len(data_list)))]
        bags = graphs if transform is None else [transform(graph) for graph in graphs]
        output = model(Batch.from_data_list(bags).to(device))
        if output.dim() != 2 or len(output) != len(bags):
            raise ValueError(
                f"the model gave {list(output.shape)}; expected [{len(bags)}, outputs], a row for each graph. "
                "A network of one output keeps it as a column."
            )
        if not output.isfinite().all():
            raise ValueError(
                "the model gave outputs that are not finite; expected numbers. Look for NaN in the features x, or in "
                "the weights after training."
            )
        parts.append(output)
    return torch.cat(parts)


def _majority(cast: Int64[Tensor, "votes *graphs"], classes: int) -> Int64[Tensor, "*graphs"]:
    """The class that most votes were cast for."""
    return nn.functional.one_hot(cast, classes).sum(dim=0).argmax(dim=-1)


def _require_module(model: nn.Module) -> None:
    if not isinstance(model, nn.Module):
        raise TypeError(f"model is {model!r}; expected a network, a torch.nn.Module that is made.")


def device_of(model: nn.Module) -> torch.device:
    """Where the model's parameters are; the CPU if it has none."""
    return next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
