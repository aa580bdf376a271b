"""The loop: step, average, evaluate, save; and go on from the last checkpoint."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from .batches import Batches, Collate, to_device
from .checkpoints import Checkpoints
from .placement import autocast, resolve_precision
from .processes import Processes
from .progress import progress
from .randomness import derived_seed, preserved_randomness, random_state, restore_random_state

Record = dict[str, int | float]


@runtime_checkable
class Average(Protocol):
    """What follows the model after every step, as `torch.optim.swa_utils.AveragedModel` does."""

    def update_parameters(self, model: nn.Module) -> None: ...

    def state_dict(self) -> Mapping[str, Any]: ...

    def load_state_dict(self, state: Any) -> Any: ...


@dataclass
class History:
    """What happened.

    Attributes:
        records: One for each evaluation: "step", the mean "loss" since the record before, and the metrics.
        step: Steps done.
        resumed_from: The step of the checkpoint that the run went on from, if it did.
        stopped_early: Whether it was `stop` that ended it.
    """

    records: list[Record] = field(default_factory=list)
    step: int = 0
    resumed_from: int | None = None
    stopped_early: bool = False

    @property
    def last(self) -> Record:
        """The newest record; empty before the first."""
        return self.records[-1] if self.records else {}

    def best(self, metric: str, *, largest: bool = False) -> Record:
        """Return the record at which a metric was best, the first of several.

        Raises:
            ValueError: No record has the metric.
        """
        if not (records := [record for record in self.records if metric in record]):
            raise ValueError(f"no record has the metric {metric!r}; they have {sorted(self.last)}")
        return (max if largest else min)(records, key=lambda record: record[metric])


def fit(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    data: Any,
    loss: Callable[[nn.Module, Any], Tensor],
    *,
    seed: int,
    batch_size: int | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    collate: Collate | None = None,
    scheduler: torch.optim.lr_scheduler.LRScheduler | None = None,
    average: Average | None = None,
    clip: float | None = None,
    evaluate: Callable[[nn.Module], Mapping[str, float]] | None = None,
    every: int | None = None,
    stop: Callable[[Record], bool] | None = None,
    checkpoints: Checkpoints | None = None,
    device: str | torch.device | None = None,
    precision: str = "full",
    title: str | None = None,
) -> History:
    """Train a model in place.

    The seed decides the order of the data and all that is drawn while training; the global generators of Python, NumPy
    and torch are afterwards where they were before.

    With `checkpoints` it goes on from the newest intact one: model, optimizer, scheduler, average, early stop, data
    order and random generators are where they were, so that an interrupted run ends with the weights, bit for bit,
    of one that was not (on the same machine and software, with kernels that are deterministic).

    Under torchrun every process takes `batch_size` examples a step and gradients are averaged, so that P processes
    do what one does with P times the batch, up to rounding.

    Args:
        model: In `loss`, call the model that is handed over, so that gradients are averaged.
        optimizer: Over the model's parameters.
        data: Tensors of equal length, or a sequence of examples; see :class:`~paperwright.training.batches.Batches`.
            Without `batch_size` anything, such as a graph: each step is handed all of it.
        loss: (model, batch) to the mean loss over the batch, a scalar.
        seed: See above.
        batch_size: Examples of a step; by default a step takes the data as they are. An epoch leaves out the examples
            that do not fill a last batch; the next one mixes anew.
        epochs: Passes over the data.
        steps: Instead of `epochs`: optimizer steps in all, those before a resumption included.
        collate: Makes a batch of a list of examples, such as `torch_geometric.data.Batch.from_data_list`.
        scheduler: Stepped after every optimizer step, not after every epoch.
        average: Follows the model after every step. Of half-precision weights take
            :class:`paperwright.blocks.ExponentialMovingAverage`: torch's own average of those soon stands still.
        clip: Largest norm of the gradient.
        evaluate: Called with the model in eval mode, without gradients, on the first process. It may draw random
            numbers without changing the training.
        every: Steps between records (and evaluations); an epoch by default.
        stop: Looks at every record and says whether to end: an :class:`~paperwright.training.EarlyStop`, or a function
            such as `lambda record: record["loss"] < 0.01`. With `state_dict` it is saved.
        checkpoints: Where to save and to go on from.
        device: Where a single process trains, "auto" for a GPU if there is one; by default where the model is.
        precision: "full", "bfloat16" (weights stay as they are) or "auto".
        title: Shows a progress bar of that name on a terminal.

    Returns:
        The records of the run.

    Example:
        >>> model, x = nn.Linear(2, 1), torch.rand(64, 2)
        >>> sgd = torch.optim.SGD(model.parameters(), lr=0.1)
        >>> fit(model, sgd, x, lambda model, x: model(x).square().mean(), epochs=3, batch_size=16, seed=0).step
        12

    Raises:
        ValueError: An argument is out of range, the loss is not a scalar, checkpoints cannot be written, or the newest
            one was made by a run with another seed, batch size or amount of data, or is of a later step.
        FloatingPointError: The loss is not finite; looked at before every record and checkpoint.
    """
    processes = Processes(_device_of(model) if device is None else device)
    batches = None
    if batch_size is not None:
        batches = Batches(
            data, batch_size=batch_size, seed=seed, collate=collate, count=processes.count, index=processes.index
        )
    per_epoch = batches.per_epoch if batches else 1
    total = _total(steps, epochs, per_epoch)
    every = per_epoch if every is None else every
    if every < 1 or (clip is not None and not clip > 0):
        raise ValueError(f"every and clip are positive; got every={every}, clip={clip}")
    dtype = resolve_precision(precision, processes.device)
    for module in (model, average):
        if isinstance(module, nn.Module):
            module.to(processes.device)
    parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler, "average": average}
    parts |= {"stop": stop if hasattr(stop, "state_dict") else None}
    about = {"seed": seed, "batch_size": batch_size, "examples": batches and batches.examples}
    run = _Run({name: part for name, part in parts.items() if part is not None}, about, processes)
    history = run.history

    with preserved_randomness(derived_seed(seed, processes.index, 2)):
        if checkpoints is not None:
            run.resume(checkpoints, total)
        wrapped = processes.wrap(model)
        source = batches.start_at(history.step) if batches else _repeat(to_device(data, processes.device))
        with progress(title if processes.first else None, total, start=history.step) as show:
            model.train()
            while history.step < total and not history.stopped_early:
                run.losses += _step(wrapped, optimizer, source, loss, processes.device, clip, dtype)
                if scheduler is not None:
                    scheduler.step()
                if average is not None:
                    average.update_parameters(model)
                history.step += 1
                due = history.step % every == 0 or history.step == total
                saving = checkpoints is not None and (history.step % checkpoints.every == 0 or history.step == total)
                if due or saving:
                    _refuse_nonfinite(run.losses, history.step)
                if due:
                    run.record(lambda: {} if evaluate is None else _evaluate(evaluate, model))
                    history.stopped_early = stop is not None and stop(history.last)
                if checkpoints is not None and (saving or history.stopped_early):
                    run.save(checkpoints)
                show(history.step, " ".join(f"{name} {value:.4g}" for name, value in history.last.items()))
    return history


class _Run:
    """What a run has come to, and how it is saved.

    Args:
        parts: what has a `state_dict`.
        about: what must be alike for a run to go on.
        processes: who trains.
    """

    def __init__(self, parts: Mapping[str, Any], about: Mapping[str, Any], processes: Processes) -> None:
        self.parts = parts
        self.about = {**about, "processes": processes.count}
        self.processes = processes
        self.history = History()
        self.losses = torch.zeros((), device=processes.device)  # since the last record, added up

    def resume(self, checkpoints: Checkpoints, total: int) -> None:
        """Go on from the newest checkpoint, if there is one."""

        def newest() -> tuple[int, dict[str, Any]] | None:
            checkpoints.prepare()
            return checkpoints.latest()

        if (saved := self.processes.from_first(newest)) is None:
            return
        step, state = saved
        where = checkpoints.directory
        if step > total:
            raise ValueError(
                f"the newest checkpoint in {where} is of step {step}; expected one of step {total} at most, where this "
                f"run ends. Use another directory, or train for {step} steps or more"
            )
        if differing := sorted(key for key in self.about if self.about[key] != state["about"].get(key)):
            raise ValueError(
                f"the checkpoint in {where} was made with { {key: state['about'].get(key) for key in differing} }, "
                f"this run has { {key: self.about[key] for key in differing} }; use another directory or the same "
                "settings"
            )
        if lacking := set(self.parts) ^ set(state["parts"]):
            raise ValueError(f"the checkpoint and this run do not both have {sorted(lacking)}; give the same parts")
        for name, part in self.parts.items():
            part.load_state_dict(state["parts"][name])
        self.history.step = self.history.resumed_from = step
        self.history.records, self.history.stopped_early = state["records"], state["stopped_early"]
        self.losses.copy_(state["losses"])
        restore_random_state(state["random"][self.processes.index])

    def record(self, evaluate: Callable[[], Mapping[str, float]]) -> None:
        """Add a record."""
        since = self.history.last.get("step", 0)
        loss = float(self.processes.mean(self.losses)) / (self.history.step - since)
        self.losses.zero_()
        self.history.records.append(
            {"step": self.history.step, "loss": loss, **self.processes.from_first(lambda: dict(evaluate()))}
        )

    def save(self, checkpoints: Checkpoints) -> None:
        """Write a checkpoint, on the first process."""
        random = self.processes.from_all(random_state())
        if self.processes.first:
            state = {
                "about": self.about,
                "records": self.history.records,
                "stopped_early": self.history.stopped_early,
                "losses": self.losses,
                "random": random,
                "parts": {name: part.state_dict() for name, part in self.parts.items()},
            }
            checkpoints.save(self.history.step, state)


def _repeat(data: Any) -> Iterator[Any]:
    while True:
        yield data


def _device_of(model: nn.Module) -> torch.device:
    return next((parameter.device for parameter in model.parameters()), torch.device("cpu"))


def _total(steps: int | None, epochs: int | None, per_epoch: int) -> int:
    if (steps is None) == (epochs is None):
        raise ValueError(f"give either steps or epochs; got steps={steps}, epochs={epochs}")
    total = steps if epochs is None else per_epoch * epochs
    if total is None or total < 1:
        raise ValueError(f"steps or epochs is at least 1; got steps={steps}, epochs={epochs}")
    return total


def _step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    source: Iterator[Any],
    loss: Callable[[nn.Module, Any], Tensor],
    device: torch.device,
    clip: float | None,
    dtype: torch.dtype | None,
) -> Tensor:
    """Take one optimizer step; return its loss."""
    optimizer.zero_grad(set_to_none=True)
    batch = to_device(next(source), device)
    with autocast(device, dtype):
        value = loss(model, batch)
    if value.numel() != 1:
        raise ValueError(f"the loss is a scalar, the mean over the batch; got shape {tuple(value.shape)}")
    value.backward()  # type: ignore[no-untyped-call]
    if clip is not None:
        nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimizer.step()
    return value.detach().reshape(())


def _evaluate(evaluate: Callable[[nn.Module], Mapping[str, float]], model: nn.Module) -> dict[str, float]:
    model.eval()
    try:
        with torch.no_grad(), preserved_randomness():
            return {name: float(value) for name, value in evaluate(model).items()}
    finally:
        model.train()


def _refuse_nonfinite(losses: Tensor, step: int) -> None:
    if not math.isfinite(losses.item()):
        raise FloatingPointError(
            f"the loss is no longer finite at step {step}; lower the learning rate or give clip=, "
            "and look for a division or a logarithm without a guard. No checkpoint has been written since."
        )
