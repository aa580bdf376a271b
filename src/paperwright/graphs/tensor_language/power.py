"""What bounds a network, however it is given: as an expression, by an architecture's name, or as a torch model."""

from typing import Any

from torch import nn

from .analysis.analysis import analyse
from .analysis.bounds import Bound
from .architectures.catalogue import architectures
from .language.expressions import Expression
from .models.depth import separation_power_of_model


def separation_power(target: Any, **sizes: Any) -> Bound:
    """Return what bounds an expression, an architecture or a model, whatever its weights.

    Args:
        target: an `Expression`; a name in `architectures`; or a torch_geometric model.
        sizes: of the architecture, such as `layers=4` (its signature has defaults); of a model, see
            `separation_power_of_model`.

    Raises:
        TypeError: none of these, or sizes that the target does not have.
        ValueError: a name that is not in `architectures`, or a size out of range.

    Example:
        >>> from paperwright.graphs.tensor_language import separation_power
        >>> print(separation_power("gcn", layers=3))
        at most 4 rounds of colour refinement, on vertices

    Source: Geerts and Reutter 2022, Sections 4 and 5.
    """
    if isinstance(target, Expression):
        if sizes:
            raise TypeError(f"An expression has no sizes, but {', '.join(sizes)} came with it.")
        return analyse(target).bound
    if isinstance(target, str):
        if target not in architectures:
            raise ValueError(f"There is no architecture {target!r}; expected one of {', '.join(architectures)}.")
        return architectures[target].bound(**sizes)
    if isinstance(target, nn.Module):
        return separation_power_of_model(target, **sizes)
    raise TypeError(f"target is {type(target).__name__}; expected an expression, an architecture's name, or a model.")
