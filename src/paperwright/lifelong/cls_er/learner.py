"""What every continual learner here has in common: one step on a batch of the stream, and prediction."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parameter import UninitializedParameter

from paperwright.blocks.random_state import undrawn_on_error

from ._inputs import check_batch, check_types
from .head import grow_head

# How often observe() looks for NaN and infinity in its inputs, when it is not told.
FINITE_CHECK_EVERY = 1000


@dataclass(frozen=True, slots=True)
class StepReport:
    """What one step came to.

    Attributes:
        loss: what was minimised.
        cross_entropy: its part on labels.
        consistency: mean squared distance to the remembered logits, before weighting; 0 where nothing was replayed.
        share_stable: the share of replayed samples on which the stable memory was the teacher; 0 likewise.
    """

    loss: float
    cross_entropy: float
    consistency: float = 0.0
    share_stable: float = 0.0


class Losses(NamedTuple):
    """The scalars of one step, in the order of :class:`StepReport`; the first is differentiated."""

    loss: Tensor
    cross_entropy: Tensor
    consistency: Tensor | None = None
    share_stable: Tensor | None = None


class ContinualLearner(nn.Module):
    """A classifier that learns from a stream of batches, one `observe` each, and can be asked at any time.

    A subclass says what it minimises (`losses`) and what it does once the step is taken (`remember`). Between the two a
    loop may do as it likes, say with a `GradScaler` or several batches a step; `observe` is the plain loop.

    Where classes are not known in advance, :meth:`grow` adds outputs whenever new ones come.

    Args:
        model: the working model; maps inputs to logits.
        optimizer: holds the model's parameters.
        criterion: loss of logits and labels, a mean over samples.

    Raises:
        TypeError: the model is no module, or the optimizer no optimizer.
        ValueError: the optimizer does not hold all trainable parameters of the model, or wants a closure.
    """

    steps: Tensor
    outputs: int | None = None  # how many logits the model gives, once it was asked

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        *,
        criterion: Callable[[Tensor, Tensor], Tensor] = cross_entropy,
    ) -> None:
        super().__init__()
        check_types(model=(model, nn.Module), optimizer=(optimizer, torch.optim.Optimizer))
        _check_optimizer(model, optimizer)
        self.working = model
        self.optimizer = optimizer
        self.criterion = criterion
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def observe(
        self,
        x: Float[Tensor, "batch ..."],
        y: Int[Tensor, " batch"],
        stored: Float[Tensor, "batch ..."] | None = None,
        check_finite: bool | None = None,
    ) -> StepReport:
        """Learn from one batch of the stream.

        Puts the networks into training mode. A refused batch changes nothing else: no weights, no memory, no random
        state of the learner. What forward passes themselves change stays changed: running statistics of batch norm, and
        torch's global generator where there is dropout.

        Args:
            x: inputs.
            y: class numbers, in [0, number of logits).
            stored: the batch as it is to be remembered, where `x` is augmented already; `x` itself by default.
            check_finite: whether to look for NaN and infinity in `x`; by default at the first and each 1,000th step.

        Raises:
            ValueError: the batch is empty, lengths differ, labels are out of range, inputs are not finite, or samples
                have another shape than those remembered.
            TypeError: inputs or labels are not tensors, labels are not integers, or samples have another dtype than
                those remembered.
            FloatingPointError: the loss is NaN or infinite; the weights are those before this step.
        """
        step = int(self.steps) + 1
        if check_finite is None:
            check_finite = step == 1 or step % FINITE_CHECK_EVERY == 0
        check_batch(x, y, stored, check_finite)
        y = y.long()
        if not self.training:
            self.train()
        remembered = x if stored is None else stored
        with undrawn_on_error(self):
            losses = self.losses(x, y)
            report = _report(losses, step)
            self.check_memory(remembered, y)
            self.optimizer.zero_grad()
            losses.loss.backward()
        self.optimizer.step()
        self.remember(remembered, y)
        return report

    def grow(self, classes: int, *, seed: int | None = None) -> None:
        """Give the head of every network outputs for `classes` classes; the old ones stay as they are.

        The head is the last `torch.nn.Linear`, in the order of registration, that has as many outputs as there are
        logits.

        A state that was saved after growing loads into a learner that was grown likewise.

        Args:
            classes: how many there are from now on.
            seed: decides the new weights, alike in every network; `None` draws it from torch's global generator.

        Raises:
            ValueError: there are more already, or a network has no such layer.
        """
        generator = torch.Generator().manual_seed(int(torch.randint(2**62, ())) if seed is None else seed)
        grow_head(self.networks, classes, self.optimizer, generator, self.outputs)
        self.outputs = classes

    @property
    def networks(self) -> tuple[nn.Module, ...]:
        """All networks that grow together, the working model first."""
        return (self.working,)

    def losses(self, x: Tensor, y: Tensor) -> Losses:
        """Return what this learner minimises on a batch."""
        raise NotImplementedError

    def check_logits(self, logits: Tensor, y: Tensor) -> None:
        """Refuse what is no table of logits, and labels that have none."""
        if not isinstance(logits, Tensor) or logits.ndim != 2:
            found = f"shape {tuple(logits.shape)}" if isinstance(logits, Tensor) else f"a {type(logits).__name__}"
            raise ValueError(
                f"the model returns {found}; expected logits [batch, classes]. Wrap it in a module that does"
            )
        self.outputs = logits.shape[1]
        low, high = (int(bound) for bound in torch.aminmax(y))
        if low < 0 or high >= self.outputs:
            raise ValueError(f"labels: expected class numbers in [0, {self.outputs}), got {low} to {high}")

    def check_memory(self, x: Tensor, y: Tensor) -> None:
        """Refuse a batch that `remember` could not take, while the weights have not moved yet."""

    def remember(self, x: Tensor, y: Tensor) -> None:
        """Do what follows once the optimizer has stepped: count the step, and whatever a subclass adds."""
        self.steps += 1

    def forward(self, x: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch classes"]:
        """Return the logits of the network that answers at test time, in the mode it is in."""
        return self.answering(x)

    @property
    def answering(self) -> nn.Module:
        """The network that answers at test time."""
        return self.working

    @torch.no_grad()
    def logits(self, x: Float[Tensor, "batch ..."], network: nn.Module | None = None) -> Float[Tensor, "batch classes"]:
        """Return logits in evaluation mode and without gradient, of `network` or of the one that answers."""
        network = self.answering if network is None else network
        training = network.training
        network.eval()
        try:
            return network(x)
        finally:
            network.train(training)

    def predict(self, x: Float[Tensor, "batch ..."]) -> Int[Tensor, " batch"]:
        """Return the most probable class of each input."""
        return self.logits(x).argmax(1)


def _report(losses: Losses, step: int) -> StepReport:
    """Return the losses as numbers, fetched from the device at once."""
    scalars = [loss for loss in losses if loss is not None]
    if losses.loss.ndim:
        raise ValueError(
            f"criterion returns shape {tuple(losses.loss.shape)}; expected a single number. Use reduction='mean'"
        )
    report = StepReport(*torch.stack(scalars).tolist())
    if not math.isfinite(report.loss):
        raise FloatingPointError(
            f"the loss became {report.loss} at step {step} (cross-entropy {report.cross_entropy}, consistency "
            f"{report.consistency}); expected a finite one. The weights are those before this step, and may have been "
            "too large already: start anew with a lower learning rate, or with inputs of about unit range"
        )
    return report


def _check_optimizer(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Refuse an optimizer that would leave some of the model untrained, or that one loss is not enough for."""
    if isinstance(optimizer, torch.optim.LBFGS):
        raise ValueError("optimizer is LBFGS, which asks for the loss many times a step; expected one like SGD or Adam")
    if lazy := [name for name, each in model.named_parameters() if isinstance(each, UninitializedParameter)]:
        raise ValueError(f"model has lazy parameters {lazy[:3]}; expected ones of known shape. Pass it one batch first")
    held = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    missing = [
        name for name, parameter in model.named_parameters() if parameter.requires_grad and id(parameter) not in held
    ]
    if missing:
        raise ValueError(
            f"the optimizer does not hold the model's parameters {missing[:3]}{' ...' if len(missing) > 3 else ''}: "
            "make it from model.parameters()"
        )


def with_replayed(x: Tensor, replayed: Tensor) -> Tensor:
    """Return new and replayed samples as one batch.

    Raises:
        ValueError: samples have another shape than those replayed.
    """
    if x.shape[1:] != replayed.shape[1:]:
        raise ValueError(
            f"x has samples of shape {tuple(x.shape[1:])}; expected {tuple(replayed.shape[1:])}, as those replayed. "
            "Give all batches of a stream one shape, or start another learner"
        )
    return torch.cat((x, replayed))


def has_batch_norm(model: nn.Module) -> bool:
    """Return whether torch's batch norm makes the logits of a sample depend on the other samples of its batch."""
    return any(isinstance(module, _BatchNorm) for module in model.modules())


def separate_logits(model: nn.Module, batches: Sequence[Tensor], *, one_pass: bool) -> tuple[Tensor, ...]:
    """Return the logits of each batch as if it had been passed alone; by one pass over all where `one_pass`."""
    if not one_pass or len(batches) == 1:
        return tuple(model(batch) for batch in batches)
    logits: Tensor = model(reduce(with_replayed, batches))
    return logits.split([len(batch) for batch in batches])
