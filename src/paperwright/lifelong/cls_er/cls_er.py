"""CLS-ER: experience replay with a plastic and a stable memory of the weights (Algorithm 1)."""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss
from torch.optim.swa_utils import update_bn

from paperwright.blocks import ReservoirMemory

from ._inputs import check_types, number_within
from .head import grow_average
from .learner import Losses, has_batch_norm, with_replayed
from .replay import ExperienceReplay
from .semantic_memory import SemanticMemory, Statistics

RECALIBRATION_BATCH = 128


class CLSER(ExperienceReplay):
    r"""Learns from a stream with a fixed memory, guided by two slow copies of itself.

    On a batch (X_b, Y_b) it draws (X_m, Y_m) from the reservoir and takes a gradient step on

    .. math:: L = \mathrm{CE}(f([X_b; X_m]; \theta_W), [Y_b; Y_m]) + \lambda \, \overline{(f(X_m; \theta_W) - Z)^2},

    where Z are the logits of whichever memory, plastic or stable, is surer of the true class of that sample. Both means
    are over all entries. The batch then enters the reservoir, and each memory moves towards θ_W with its own
    probability and decay. The stable memory answers.

    `state_dict()` carries the three networks, the reservoir, the step counter and every random state as plain tensors:
    saved (say, as safetensors) and loaded into a learner built alike, a run goes on bit for bit. An optimizer with a
    state of its own, such as momentum, is saved beside it as ever.

    Args:
        model: the working model f; trained in place.
        optimizer: holds its parameters. The paper uses plain SGD at a constant rate; others work.
        memory: the reservoir M.
        plastic: the memory that follows closely (θ_P). The paper's guidance: rate above the stable one's,
            decay at most as high.
        stable: the memory that follows slowly (θ_S).
        consistency_weight: λ; the paper uses 0.1 to 2.
        replay_size: how many samples are replayed at each step (fewer while the reservoir holds fewer).
        augment: applied to each replayed batch, freshly; an `nn.Module` is saved with the learner.
        criterion: loss of logits and labels, a mean over samples.
        statistics: where the memories' batch-norm statistics come from (see :class:`SemanticMemory`).
        one_pass: whether new and replayed samples go through the working model together, for both terms. By default
            where the model has no batch norm of torch; say `False` for another layer that mixes the samples of a batch.
        seed: decides when the memories are updated; `None` leaves them their own seeds.

    Raises:
        TypeError: an argument is of another type; a memory is a :class:`SemanticMemory`, not its decay.
        ValueError: a number is out of range, both memories are one object, or the optimizer lacks the parameters.

    Example:
        >>> model = torch.nn.Linear(8, 3)
        >>> slow = {"plastic": SemanticMemory(0.99), "stable": SemanticMemory(0.99, rate=0.9)}
        >>> sgd = torch.optim.SGD(model.parameters(), lr=0.1)
        >>> learner = CLSER(model, sgd, memory=ReservoirMemory(20), **slow)

    Note:
        A model without batch norm makes one pass over [X_b; X_m] for both terms. With batch norm the replayed samples
        are passed alone for the second term, as in the authors' code, since the statistics of the batches differ.

    Source: Section 3, Algorithm 1.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        *,
        memory: ReservoirMemory,
        plastic: SemanticMemory,
        stable: SemanticMemory,
        consistency_weight: float = 0.15,
        replay_size: int = 32,
        augment: Callable[[Tensor], Tensor] | None = None,
        criterion: Callable[[Tensor, Tensor], Tensor] = cross_entropy,
        statistics: Statistics = "own",
        one_pass: bool | None = None,
        seed: int | None = None,
    ) -> None:
        super().__init__(model, optimizer, memory=memory, replay_size=replay_size, augment=augment, criterion=criterion)
        check_types(plastic=(plastic, SemanticMemory), stable=(stable, SemanticMemory))
        if plastic is stable:
            raise ValueError("plastic and stable: expected two memories, got the same object twice")
        self.plastic = plastic
        self.stable = stable
        self.consistency_weight = number_within("consistency_weight", consistency_weight)
        seeds = [None, None] if seed is None else np.random.SeedSequence(seed).generate_state(2, np.uint64) // 2
        for slow, draws in zip((plastic, stable), seeds, strict=True):
            slow.set_statistics(statistics)
            slow.follow(model)
            if draws is not None:
                slow.random.seed(int(draws))
        self.statistics = statistics
        self.one_pass = not has_batch_norm(model) if one_pass is None else one_pass

    @property
    def answering(self) -> nn.Module:
        """The stable memory."""
        return self.stable

    @property
    def networks(self) -> tuple[nn.Module, ...]:
        """The working model and both memories."""
        return self.working, self.plastic.module, self.stable.module

    def grow(self, classes: int, *, seed: int | None = None) -> None:
        """Give all three networks outputs for `classes` classes. See :meth:`ContinualLearner.grow`."""
        super().grow(classes, seed=seed)
        for average in (self.plastic, self.stable):
            grow_average(average)

    def losses(self, x: Tensor, y: Tensor) -> Losses:
        """Return the cross-entropy on the batch and the replayed samples, and consistency on the latter."""
        if not len(self.memory):
            return super().losses(x, y)
        replayed = self.replay()
        x_m, y_m = replayed["inputs"], replayed["labels"]
        teacher, by_stable = self.recall(x_m, y_m)
        alone = None if self.one_pass else self.working(x_m)
        logits = self.working(with_replayed(x, x_m))
        self.check_logits(logits, y)
        consistency = mse_loss(logits.narrow(0, len(x), len(x_m)) if alone is None else alone, teacher)
        labelled = self.criterion(logits, torch.cat((y, y_m)))
        loss = torch.add(labelled, consistency, alpha=self.consistency_weight)
        return Losses(loss, labelled.detach(), consistency.detach(), by_stable.to(loss.dtype).mean())

    @torch.no_grad()
    def recall(
        self, x: Float[Tensor, "replay ..."], y: Int[Tensor, " replay"]
    ) -> tuple[Float[Tensor, "replay classes"], Bool[Tensor, " replay"]]:
        """Return the logits of whichever memory is surer of the true class, and where that is the stable one."""
        plastic, stable = self._replay(self.plastic, x), self._replay(self.stable, x)
        return surer_logits(plastic, stable, y)

    def _replay(self, memory: SemanticMemory, x: Tensor) -> Tensor:
        if memory.replays_in_training_mode:
            return memory.module(x)
        return self.logits(x, memory.module)

    def remember(self, x: Tensor, y: Tensor) -> None:
        """Offer the batch to the reservoir and let both memories follow; a batch never replays itself."""
        super().remember(x, y)
        self.plastic.update_parameters(self.working)
        self.stable.update_parameters(self.working)

    @torch.no_grad()
    def logits(self, x: Float[Tensor, "batch ..."], network: nn.Module | None = None) -> Float[Tensor, "batch classes"]:
        """Return logits in evaluation mode and without gradient, of `network` or of the stable memory."""
        network = self.answering if network is None else network
        if self.statistics == "recalibrate" and network in (self.plastic, self.stable) and len(self.memory):
            update_bn(self.memory.contents()["inputs"].split(RECALIBRATION_BATCH), network)
        return super().logits(x, network)


def surer_logits(
    plastic: Float[Tensor, "batch classes"], stable: Float[Tensor, "batch classes"], labels: Int[Tensor, " batch"]
) -> tuple[Float[Tensor, "batch classes"], Bool[Tensor, " batch"]]:
    """Return for each sample the logits that give its true class the higher probability; ties go to plastic.

    Args:
        plastic, stable: logits of the two memories.
        labels: the true classes.

    Returns:
        The chosen logits, and whether they are the stable memory's.
    """
    # One call for both memories: at replay batches of a few dozen it is calls that cost.
    both = torch.stack((plastic, stable))
    # Half precision would round the odds of confident memories to the same number.
    of_plastic, of_stable = log_odds(both.to(torch.promote_types(both.dtype, torch.float32)), labels.expand(2, -1))
    by_stable = of_stable > of_plastic
    return torch.where(by_stable[:, None], stable, plastic), by_stable


def log_odds(logits: Float[Tensor, "*batch classes"], labels: Int[Tensor, " *batch"]) -> Float[Tensor, " *batch"]:
    r"""Return the log-odds of the true class.

    .. math:: \log \frac{p_y}{1 - p_y} = z_y - \log \sum_{k \ne y} \exp z_k

    It orders samples as p does. Probabilities, and log-probabilities too, round to 1 and 0 in float32 once 1 − p falls
    below 6e-8, where confident models spend most of their time; the odds still tell them apart.
    """
    true = labels[..., None]
    return logits.gather(-1, true).squeeze(-1) - logits.scatter(-1, true, -torch.inf).logsumexp(-1)
