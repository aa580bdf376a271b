"""A semantic memory: a slow copy of the working model, updated at random moments."""

import copy
from typing import Literal, get_args

import torch
from torch import nn

from paperwright.blocks import ExponentialMovingAverage, RandomState
from paperwright.blocks.ema import Buffers

from ._inputs import check_types, number_within

Statistics = Literal["own", "average", "working", "recalibrate"]

# What an update does to the buffers (running statistics of batch norm) under each policy.
_BUFFERS: dict[Statistics, Buffers] = {"own": "own", "average": "average", "working": "copy", "recalibrate": "own"}


class SemanticMemory(ExponentialMovingAverage):
    r"""An exponential moving average of the working model's weights that is updated only now and then.

    At step n = 1, 2, ... it is updated with probability r, by

    .. math:: \theta \leftarrow \alpha \theta + (1 - \alpha) \theta_W, \quad \alpha = \min(1 - w/(n + w), \text{decay})

    The warm-up w = 1 is the paper's: while n is small the memory is the plain mean of the start and all later weights;
    without it, it would hold the random start for long. On a stream of a few hundred steps that mean still lags behind
    what came last. A larger w makes it the mean over about the last 1/w of the steps so far (polynomial-decay
    averaging; Shamir and Zhang, 2013), which suits streams whose length is not known. n advances at every step, whether
    or not the update happens.

    It keeps the interface of `torch.optim.swa_utils.AveragedModel`: `.module`, `update_parameters(model)`, and
    `update_bn` works on it.

    Args:
        decay: α in the long run; the higher, the slower. In [0, 1).
        rate: r, the probability of an update at each step. In [0, 1].
        model: the model to follow; leave it out for a memory that is handed to :class:`CLSER`, which sets it.
        statistics: which running statistics of batch norm the memory has. `"own"`: those of its own forward passes on
            replayed samples (as in the paper's code); `"average"`: an average of the working model's; `"working"`: the
            working model's; `"recalibrate"`: those of one pass over the reservoir before prediction.
        warm_up: w; 0 uses `decay` from the start.
        seed: decides at which steps it is updated.

    Raises:
        ValueError: decay, rate or warm-up is out of range, or the policy is unknown.

    Example:
        >>> memory = SemanticMemory(0.99, rate=0.5, model=torch.nn.Linear(2, 1))
        >>> memory.update_parameters(torch.nn.Linear(2, 1))
        >>> int(memory.n_averaged)
        1

    Source: Section 3.2, equation 3; the warm-up is the authors' code's.
    """

    def __init__(
        self,
        decay: float = 0.999,
        rate: float = 1.0,
        model: nn.Module | None = None,
        *,
        statistics: Statistics = "own",
        warm_up: float = 1.0,
        seed: int | None = None,
    ) -> None:
        model_or_none = nn.Module() if model is None else model
        check_types(model=(model_or_none, nn.Module))
        super().__init__(model_or_none, number_within("decay", decay, 0, 1))
        self.following = model is not None
        self.rate = number_within("rate", rate, 0, 1, below=False)
        self.warm_up = number_within("warm_up", warm_up, advice="The paper's is 1")
        self.random = RandomState(seed)
        self.set_statistics(statistics)

    def set_statistics(self, statistics: Statistics) -> None:
        """Choose where the running statistics of batch norm come from."""
        if statistics not in get_args(Statistics):
            raise ValueError(f"statistics: expected one of {list(get_args(Statistics))}, got {statistics!r}")
        self.statistics = statistics
        self.buffer_policy = _BUFFERS[statistics]

    def follow(self, model: nn.Module) -> None:
        """Start as an exact copy of `model`.

        Raises:
            ValueError: this memory follows a model already.
        """
        if self.following:
            raise ValueError("this memory follows a model already: give each learner memories of its own")
        self.module = copy.deepcopy(model).requires_grad_(False)
        self.following = True

    def decay_at(self, update: int) -> float:
        """Return α at step n = `update`, counted from 1."""
        return min(1 - self.warm_up / (update + self.warm_up), super().decay_at(update))

    @torch.no_grad()
    def update_parameters(self, model: nn.Module) -> None:
        """One step: with probability `rate`, move towards `model`."""
        if not self.following:
            raise ValueError("this memory follows no model yet: pass model= or hand it to CLSER")
        self.n_averaged += 1
        if float(torch.rand((), generator=self.random.generator)) < self.rate:
            self._average(model, self.decay_at(int(self.n_averaged)))

    @property
    def replays_in_training_mode(self) -> bool:
        """Whether its passes over replayed samples use (and gather) the statistics of the batch."""
        return self.statistics in ("own", "recalibrate")

    def extra_repr(self) -> str:
        return f"decay={self.decay}, rate={self.rate}, statistics={self.statistics!r}"
