"""Room for more classes: outputs added to the last linear layer of several networks alike, in mid-training."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from paperwright.blocks import ExponentialMovingAverage
from paperwright.blocks.counts import check_counts


def last_linear(network: nn.Module, outputs: int | None) -> nn.Linear:
    """Return the last linear layer, in the order of registration, of so many outputs (of any number for `None`).

    Raises:
        ValueError: there is none.
    """
    layers = [
        layer
        for layer in network.modules()
        if isinstance(layer, nn.Linear) and isinstance(layer.weight, nn.Parameter)  # not one computed from others
        if outputs in (None, layer.out_features)
    ]
    if not layers:
        raise ValueError(
            f"the network is a {type(network).__name__} without a torch.nn.Linear"
            f"{'' if outputs is None else f' of {outputs} outputs'}; expected one as its last layer. "
            "Give it a linear head, or as many outputs as there will be classes"
        )
    return layers[-1]


@torch.no_grad()
def grow_head(
    networks: Iterable[nn.Module],
    classes: int,
    optimizer: torch.optim.Optimizer,
    generator: torch.Generator,
    outputs: int | None = None,
) -> None:
    """Give the last linear layer (of `outputs` outputs) of all networks the same new rows, so that it has `classes`.

    New weights are Xavier-uniform for the layer as it then is, new biases zero. What the optimizer remembers of the old
    rows stays, and is zero for the new ones; an optimizer that remembers no row by itself, such as Adafactor, starts
    anew for this layer. Parameters stay the same objects.

    Raises:
        ValueError: there are more outputs already, or a network has no such layer.
    """
    check_counts(classes=classes)
    heads = [last_linear(network, outputs) for network in networks]
    head = heads[0]
    if (more := classes - head.out_features) < 0:
        raise ValueError(f"classes is {classes}; expected at least the {head.out_features} that there are")
    bound = (6 / (head.in_features + classes)) ** 0.5
    rows = torch.empty(more, head.in_features).uniform_(-bound, bound, generator=generator)
    for layer in heads:
        layer.out_features = classes
        for parameter, new in ((layer.weight, rows), (layer.bias, torch.zeros(more))):
            if parameter is not None:
                old = parameter.shape
                parameter.grad = None
                parameter.data = torch.cat((parameter, new.to(parameter)))
                _grow_state(optimizer, parameter, old)


@torch.no_grad()
def grow_average(average: ExponentialMovingAverage) -> None:
    """Make the remainders of a half-precision average as long as its weights have become."""
    for number, parameter in enumerate(average.module.parameters()):
        rest = average.remainders.of.get(number)
        if rest is not None:
            average.remainders.of[number] = _with_rows(rest, len(parameter))


def _grow_state(optimizer: torch.optim.Optimizer, parameter: Tensor, old: torch.Size) -> None:
    state = optimizer.state.get(parameter, {})
    remembered = {key: value for key, value in state.items() if isinstance(value, Tensor) and value.ndim}
    if any(value.shape != old for value in remembered.values()):
        del optimizer.state[parameter]
    else:
        state.update({key: _with_rows(value, len(parameter)) for key, value in remembered.items()})


def _with_rows(values: Tensor, rows: int) -> Tensor:
    return pad(values, [0, 0] * (values.ndim - 1) + [0, rows - len(values)])
