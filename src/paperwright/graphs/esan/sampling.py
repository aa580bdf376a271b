"""A random part of a bag, drawn without replacement: the estimator of Section 3.3 that makes large bags affordable."""

import math
import numbers

import torch
from jaxtyping import Int64
from torch import Generator, Tensor
from torch_geometric.data import Batch
from torch_geometric.transforms import BaseTransform

from paperwright.blocks.graph_input import whole_number

from .subgraph_data import SubgraphData


class Share:
    """How large a part of a bag to take.

    Args:
        fraction: of S subgraphs take ceil(fraction * S), 0 < fraction <= 1.
        count: take this many, or all if there are fewer.
        generator: source of randomness; torch's global one if not given.

    Raises:
        ValueError: both are given, or one out of range.
        TypeError: no number, or no generator.
    """

    def __init__(
        self, fraction: float | int | None = None, count: int | None = None, generator: Generator | None = None
    ) -> None:
        if fraction is not None and count is not None:
            raise ValueError(f"Both fraction={fraction} and count={count} are given; expected one of them, or neither.")
        if fraction is not None and (isinstance(fraction, bool) or not isinstance(fraction, numbers.Real)):
            raise TypeError(f"fraction is {fraction!r}; expected a number above 0 and at most 1.")
        if fraction is not None and not 0 < fraction <= 1:
            raise ValueError(f"fraction is {fraction}; expected a share of the bag, above 0 and at most 1.")
        if generator is not None and not isinstance(generator, Generator):
            kind = type(generator).__name__
            raise TypeError(f"generator is of type {kind}; expected torch's. Pass torch.Generator().manual_seed(0).")
        self.fraction, self.generator = fraction, generator
        self.count = None if count is None else whole_number("count", count, 1)

    def of(self, total: int) -> int:
        """The number to take of `total` subgraphs."""
        if self.fraction is not None:
            # 0.07 * 100 is 7.000000000000001: a share that is whole but for rounding is not rounded up.
            return min(math.ceil(self.fraction * total - 1e-9), total)
        return total if self.count is None else min(self.count, total)

    def draw(self, total: int, device: torch.device) -> Int64[Tensor, "part"]:
        """The numbers of the subgraphs to take, ascending; with nothing to leave out, no random number is drawn."""
        taken = self.of(total)
        if taken == total:
            return torch.arange(total, device=device)
        place = self.generator.device if self.generator is not None else None
        return torch.randperm(total, generator=self.generator, device=place)[:taken].sort().values.to(device)

    def __str__(self) -> str:
        return f"fraction={self.fraction}" if self.count is None else f"count={self.count}"


class SubgraphSampler(BaseTransform):
    """Take a random part of a bag that is there already, without replacement; `SubgraphData -> SubgraphData`.

    `SubgraphBag(fraction=...)` samples before it builds, which costs less; this is for bags built once, by
    `pre_transform=`, and sampled anew each time, by `transform=`. A `Batch` of bags is sampled bag by bag.

    Args:
        fraction: of S subgraphs take ceil(fraction * S), 0 < fraction <= 1 (paper: 0.05, 0.2, 0.5).
        count: take this many, or all of a bag that has fewer.
        generator: source of randomness; torch's global one if not given. Leave it out under a `DataLoader` with
            workers: torch seeds its global one anew for every worker and epoch, a generator of your own is copied.

    Raises:
        ValueError: not exactly one of `fraction` and `count` is given, or it is out of range.
        TypeError: what comes is no bag, or an argument is no number or no generator.

    Example:
        >>> from torch_geometric.data import Data
        >>> from paperwright.graphs.esan import SubgraphBag
        >>> bag = SubgraphBag("node_deleted")(Data(edge_index=torch.tensor([[0, 1], [1, 0]]), num_nodes=10))
        >>> SubgraphSampler(fraction=0.2)(bag).num_subgraphs
        2

    Source: Section 3.3.
    """

    def __init__(
        self, fraction: float | int | None = None, count: int | None = None, generator: Generator | None = None
    ) -> None:
        if fraction is None and count is None:
            raise ValueError("Neither fraction nor count is given; expected one of them.")
        self.share = Share(fraction, count, generator)

    def forward(self, data: SubgraphData) -> SubgraphData:
        """A bag of fewer subgraphs."""
        if not isinstance(data, SubgraphData):
            raise TypeError(f"data is of type {type(data).__name__}; expected a bag. Apply SubgraphBag first.")
        if isinstance(data, Batch):
            return Batch.from_data_list([self.forward(bag) for bag in data.to_data_list()])
        return data.select(self.share.draw(int(data.num_subgraphs), data.subgraph_batch.device))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.share})"
