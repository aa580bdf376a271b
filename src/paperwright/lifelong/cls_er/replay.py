"""The learners that CLS-ER is compared with: fine-tuning, experience replay, dark experience replay, joint training."""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss, pad

from paperwright.blocks import RandomState, ReservoirMemory
from paperwright.blocks.counts import check_counts
from paperwright.training import fit

from ._inputs import check_batch, check_types, number_within
from .learner import (
    ContinualLearner,
    Losses,
    StepReport,
    has_batch_norm,
    separate_logits,
    with_replayed,
)


class FineTune(ContinualLearner):
    """Plain training on whatever comes ("SGD" in the paper's tables): the lower bound, which forgets.

    Example:
        >>> model = nn.Linear(8, 3)
        >>> learner = FineTune(model, torch.optim.SGD(model.parameters(), lr=0.1))
        >>> learner.observe(torch.zeros(2, 8), torch.tensor([0, 1])).loss > 0
        True
    """

    def losses(self, x: Tensor, y: Tensor) -> Losses:
        """Return the cross-entropy on the batch."""
        logits = self.working(x)
        self.check_logits(logits, y)
        loss = self.criterion(logits, y)
        return Losses(loss, loss.detach())


class ExperienceReplay(ContinualLearner):
    r"""Replay from a reservoir (ER): one cross-entropy over the batch and the replayed samples.

    .. math:: L = \mathrm{CE}(f([X_b; X_m]), [Y_b; Y_m])

    Args:
        model, optimizer, criterion: as for :class:`ContinualLearner`.
        memory: the reservoir.
        replay_size: how many samples are replayed at each step.
        augment: applied to each replayed batch, freshly.

    Example:
        >>> model = nn.Linear(8, 3)
        >>> sgd = torch.optim.SGD(model.parameters(), lr=0.1)
        >>> learner = ExperienceReplay(model, sgd, memory=ReservoirMemory(20), replay_size=4)

    Source: Riemer et al., Learning to Learn without Forgetting, 2019.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        *,
        memory: ReservoirMemory,
        replay_size: int = 32,
        augment: Callable[[Tensor], Tensor] | None = None,
        criterion: Callable[[Tensor, Tensor], Tensor] = cross_entropy,
    ) -> None:
        super().__init__(model, optimizer, criterion=criterion)
        check_types(memory=(memory, ReservoirMemory))
        if not (augment is None or callable(augment)):
            raise TypeError(f"augment is {augment!r:.60}; expected a function of a batch. Leave it out for none")
        check_counts(replay_size=replay_size)
        self.memory = memory
        self.replay_size = replay_size
        self.augment = augment

    def losses(self, x: Tensor, y: Tensor) -> Losses:
        """Return the cross-entropy, one mean over both batches."""
        labels = y
        if len(self.memory):
            replayed = self.replay()
            x, labels = with_replayed(x, replayed["inputs"]), torch.cat((y, replayed["labels"]))
        logits = self.working(x)
        self.check_logits(logits, y)
        loss = self.criterion(logits, labels)
        return Losses(loss, loss.detach())

    def replay(self) -> dict[str, Tensor]:
        """Return a draw from the memory, augmented."""
        replayed = self.memory.sample(self.replay_size)
        if self.augment is not None:
            augmented = self.augment(replayed["inputs"])
            if len(augmented) != len(replayed["inputs"]):
                raise ValueError(
                    f"augment returns {len(augmented)} samples for {len(replayed['inputs'])}; expected one for each. "
                    "It is called on a whole batch"
                )
            replayed["inputs"] = augmented
        return replayed

    def columns(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """Return what is remembered of a batch."""
        return {"inputs": x, "labels": y}

    def check_memory(self, x: Tensor, y: Tensor) -> None:
        """Refuse a batch that does not fit the reservoir."""
        self.memory.check(**self.columns(x, y))

    def remember(self, x: Tensor, y: Tensor) -> None:
        """Offer the batch to the reservoir."""
        super().remember(x, y)
        self.memory.add(**self.columns(x, y))


class DarkExperienceReplay(ExperienceReplay):
    r"""Replay of logits and labels (DER++).

    With two independent draws from the memory, each of `replay_size`,

    .. math:: L = \mathrm{CE}(f(X_b), Y_b) + \alpha \, \overline{(f(X_1) - Z_1)^2} + \beta \, \mathrm{CE}(f(X_2), Y_2).

    What is stored with a sample are its logits Z before the step in which it was seen, in the precision of the weights.
    Outputs that were added since (:meth:`grow`) had none, and count as agreeing.

    Args:
        model, optimizer, criterion, memory, replay_size, augment: as for :class:`ExperienceReplay`.
        alpha: weight of the stored logits.
        beta: weight of the stored labels; 0 is DER without the ++.
        one_pass: as for :class:`CLSER`.

    Example:
        >>> model = nn.Linear(8, 3)
        >>> sgd = torch.optim.SGD(model.parameters(), lr=0.1)
        >>> learner = DarkExperienceReplay(model, sgd, memory=ReservoirMemory(20), alpha=0.2, beta=0.5)

    Source: Buzzega et al., Dark Experience for General Continual Learning, 2020, equation 6.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        *,
        memory: ReservoirMemory,
        alpha: float = 0.2,
        beta: float = 0.5,
        replay_size: int = 32,
        augment: Callable[[Tensor], Tensor] | None = None,
        criterion: Callable[[Tensor, Tensor], Tensor] = cross_entropy,
        one_pass: bool | None = None,
    ) -> None:
        super().__init__(model, optimizer, memory=memory, replay_size=replay_size, augment=augment, criterion=criterion)
        self.alpha = number_within("alpha", alpha)
        self.beta = number_within("beta", beta)
        self.one_pass = not has_batch_norm(model) if one_pass is None else one_pass
        self._logits_before_step: Tensor | None = None

    def losses(self, x: Tensor, y: Tensor) -> Losses:
        """Return the three terms."""
        draws = [self.replay(), self.replay()] if len(self.memory) else []
        batches = [x, *(draw["inputs"] for draw in draws)]
        logits, *replayed = separate_logits(self.working, batches, one_pass=self.one_pass)
        self.check_logits(logits, y)
        # Under autocast logits have fewer bits than weights; the memory holds one dtype, with autocast and without.
        self._logits_before_step = logits.detach().to(next(self.working.parameters()).dtype)
        labelled = self.criterion(logits, y)
        if not draws:
            return Losses(labelled, labelled.detach())
        stored = draws[0]["logits"].to(replayed[0])
        consistency = mse_loss(replayed[0], torch.where(stored.isnan(), replayed[0].detach(), stored))
        labelled = labelled + self.beta * self.criterion(replayed[1], draws[1]["labels"])
        loss = labelled + self.alpha * consistency
        return Losses(loss, labelled.detach(), consistency.detach())

    def columns(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """Return what is remembered of a batch, its logits included."""
        if self._logits_before_step is None:
            raise ValueError("no step was taken yet: losses() comes before columns()")
        return {"inputs": x, "labels": y, "logits": self._logits_before_step}

    def grow(self, classes: int, *, seed: int | None = None) -> None:
        """Give the network outputs for `classes` classes. See :meth:`ContinualLearner.grow`."""
        super().grow(classes, seed=seed)
        columns = self.memory.rows.columns
        if "logits" in columns:
            more = classes - columns["logits"].shape[1]
            columns["logits"] = pad(columns["logits"], [0, more], value=torch.nan)


class JointTraining(ContinualLearner):
    """Ordinary training on everything seen so far, shuffled: the upper bound, which may keep all data.

    `observe` only collects. The first question after new data trains the model from its initial weights on all of it;
    `consolidate` does so by hand. What was collected is not part of `state_dict()`.

    Args:
        model, optimizer, criterion: as for :class:`ContinualLearner`.
        batch_size: of the training; samples that fill no last batch are left out of that pass.
        epochs: passes over the data.
        seed: decides the order of the samples.

    Example:
        >>> model = nn.Linear(8, 3)
        >>> learner = JointTraining(model, torch.optim.SGD(model.parameters(), lr=0.1), epochs=5, seed=0)
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        *,
        batch_size: int = 32,
        epochs: int = 1,
        criterion: Callable[[Tensor, Tensor], Tensor] = cross_entropy,
        seed: int | None = None,
    ) -> None:
        super().__init__(model, optimizer, criterion=criterion)
        check_counts(batch_size=batch_size, epochs=epochs)
        self.batch_size = batch_size
        self.epochs = epochs
        self.random = RandomState(seed)
        self._batches: list[tuple[Tensor, Tensor]] = []
        self._trained_on = 0
        self._start = {name: value.clone() for name, value in model.state_dict().items()}

    def observe(
        self,
        x: Float[Tensor, "batch ..."],
        y: Int[Tensor, " batch"],
        stored: Float[Tensor, "batch ..."] | None = None,
        check_finite: bool | None = None,
    ) -> StepReport:
        """Collect one batch; the report holds the loss of the model as it stands."""
        check_batch(x, y, stored, True if check_finite is None else check_finite)
        logits = super().logits(x, self.working)
        self.check_logits(logits, y)
        kept = x if stored is None else stored
        if self._batches:
            with_replayed(kept[:0], self._batches[0][0][:0])
        self._batches.append((kept, y))
        self.steps += 1
        loss = float(self.criterion(logits, y))
        return StepReport(loss, loss)

    def consolidate(self) -> None:
        """Train from the initial weights on all that was collected."""
        if not self._batches:
            raise ValueError("nothing was collected; expected a batch or more. Call observe() first")
        self.working.load_state_dict(self._start)
        self.optimizer.state.clear()
        x, y = (torch.cat(column) for column in zip(*self._batches, strict=True))
        fit(
            self.working,
            self.optimizer,
            (x, y),
            lambda model, batch: self.criterion(model(batch[0]), batch[1]),
            epochs=self.epochs,
            batch_size=min(self.batch_size, len(x)),
            seed=int(torch.randint(2**62, (), generator=self.random.generator)),
        )
        self._trained_on = len(self._batches)

    def grow(self, classes: int, *, seed: int | None = None) -> None:
        """Give the network outputs for `classes` classes. See :meth:`ContinualLearner.grow`."""
        super().grow(classes, seed=seed)
        for name, value in self.working.state_dict().items():
            if value.shape != self._start[name].shape:
                self._start[name] = torch.cat((self._start[name], value[len(self._start[name]) :]))

    def logits(self, x: Float[Tensor, "batch ..."], network: nn.Module | None = None) -> Float[Tensor, "batch classes"]:
        """Return logits in evaluation mode, after training on what is new."""
        if self._trained_on < len(self._batches):
            self.consolidate()
        return super().logits(x, network)
