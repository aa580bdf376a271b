"""The loop: accumulate, clip, step, average, evaluate, save; and go on from the last checkpoint."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from .batches import Batches, moved
from .checkpoints import Checkpoints
from .placement import autocast, resolve_precision
from .processes import Processes
from .progress import progress
from .randomness import derived_seed, preserved_randomness, random_state, restore_random_state, seed_everything
from .stopping import EarlyStop


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

    records: list[dict[str, int | float]] = field(default_factory=list)
    step: int = 0
    resumed_from: int | None = None
    stopped_early: bool = False

    @property
    def last(self) -> dict[str, int | float]:
        """The newest record; empty before the first."""
        return self.records[-1] if self.records else {}


def fit(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    data: Any,
    loss: Callable[[nn.Module, Any], Tensor],
    *,
    batch_size: int,
    seed: int,
    steps: int | None = None,
    epochs: int | None = None,
    scheduler: torch.optim.lr_scheduler.LRScheduler | None = None,
    averages: Mapping[str, Average] | None = None,
    accumulate: int = 1,
    clip: float | None = None,
    evaluate: Callable[[nn.Module], Mapping[str, float]] | None = None,
    every: int | None = None,
    stop: EarlyStop | None = None,
    checkpoints: Checkpoints | None = None,
    save_every: int = 200,
    device: str | torch.device = "auto",
    precision: str = "full",
    workers: int = 0,
    title: str = "training",
) -> History:
    r"""Trains a model in place.

    With `checkpoints` it goes on from the newest intact one: model, optimizer, scheduler, averages, early stop, data
    order and random generators are where they were, so that an interrupted run ends with the weights, bit for bit,
    of one that was not (on the same machine and software, with kernels that are deterministic).

    Under torchrun every process takes `batch_size` examples a step and gradients are averaged, so that P processes
    do what one does with P times the batch, up to rounding.

    Args:
        model: Moved to the device. In `loss`, call the model that is handed over, so that gradients are averaged.
        optimizer: Over the model's parameters.
        data: Tensors or a `Dataset`; see :class:`Batches`.
        loss: (model, batch) to the mean loss over the batch, a scalar.
        batch_size: Examples of one backward pass of one process.
        seed: Decides the data order and everything drawn while training; the global generators are seeded with it.
        steps: Optimizer steps in all, those before a resumption included; not fewer than a checkpoint has done.
        epochs: Instead of `steps`: passes over the data.
        scheduler: Stepped after every optimizer step.
        averages: Weight averages by name, updated after every step and saved. Of half-precision weights take
            :class:`paperwright.blocks.ExponentialMovingAverage`: torch's own average of those soon stands still.
        accumulate: Backward passes for one optimizer step; their losses are averaged.
        clip: Largest norm of the gradient.
        evaluate: Called with the model in eval mode, without gradients, on the first process. It may draw random
            numbers without changing the training.
        every: Steps between records (and evaluations); an epoch by default.
        stop: Ends the training early; it looks at every record.
        checkpoints: Where to save and to go on from.
        save_every: Steps between checkpoints; the last step is always saved.
        device: Where a single process trains; "auto" takes a GPU if there is one.
        precision: "full", "bfloat16" (weights stay as they are) or "auto".
        workers: Loading processes for a `Dataset`.
        title: Shown beside the progress bar on a terminal.

    Raises:
        ValueError: An argument is out of range, the loss is not a finite scalar, checkpoints cannot be written, or the
            newest one was made by a run with another seed, batch size or amount of data, or is of a later step.
    """
    processes = Processes(device)
    batches = Batches(
        data, batch_size=batch_size, seed=seed, count=processes.count, index=processes.index, workers=workers
    )
    if (steps is None) == (epochs is None):
        raise ValueError(f"give either steps or epochs; got steps={steps}, epochs={epochs}")
    per_epoch = max(1, batches.per_epoch // accumulate) if accumulate >= 1 else 1
    total = steps if steps is not None else per_epoch * (epochs or 0)
    every = every or per_epoch
    if min(total, accumulate, every, save_every) < 1 or (clip is not None and clip <= 0):
        raise ValueError(
            f"steps or epochs, accumulate, every, save_every and clip are positive; got {total} steps, "
            f"accumulate={accumulate}, every={every}, save_every={save_every}, clip={clip}"
        )
    for module in (model, *(averages or {}).values()):
        if isinstance(module, nn.Module):
            module.to(processes.device)
    dtype = resolve_precision(precision, processes.device)
    keep: dict[str, Any] = {"model": model, "optimizer": optimizer, "scheduler": scheduler, "stop": stop}
    keep |= {f"average {name}": average for name, average in (averages or {}).items()}
    keep = {name: part for name, part in keep.items() if part is not None}
    run = {"seed": seed, "batch_size": batch_size, "accumulate": accumulate, "examples": batches.examples}
    run["processes"] = processes.count

    history = History()
    running = torch.zeros((), device=processes.device)  # the losses since the last record, added up
    saved = processes.from_first(lambda: _last_of(checkpoints)) if checkpoints is not None else None
    if saved is None:
        seed_everything(derived_seed(seed, processes.index, 2))
    else:
        history.step, state = saved
        history.resumed_from = history.step
        if history.step > total:
            raise ValueError(
                f"the newest checkpoint in {checkpoints and checkpoints.directory} is of step {history.step}; expected "
                f"one of step {total} at most, where this run ends. Use another directory, or train for "
                f"{history.step} steps or more"
            )
        if differing := {key for key in run if run[key] != state["run"].get(key)}:
            raise ValueError(
                f"the checkpoint in {checkpoints and checkpoints.directory} was made with "
                f"{ {key: state['run'].get(key) for key in sorted(differing)} }, this run has "
                f"{ {key: run[key] for key in sorted(differing)} }; use another directory or the same settings"
            )
        if lacking := set(keep) ^ set(state["parts"]):
            raise ValueError(f"the checkpoint and this run do not both have {sorted(lacking)}; give the same parts")
        for name, part in keep.items():
            part.load_state_dict(state["parts"][name])
        history.records = state["records"]
        running.copy_(state["running"])
        restore_random_state(state["random"][processes.index])

    def save() -> None:
        random = processes.from_all(random_state())
        if checkpoints is not None and processes.first:
            parts = {name: part.state_dict() for name, part in keep.items()}
            state = {"run": run, "records": history.records, "running": running, "random": random, "parts": parts}
            checkpoints.save(history.step, state)

    wrapped = processes.wrapped(model)
    source = batches.start_at(history.step * accumulate)
    history.stopped_early = stop is not None and stop.stopped
    with progress(title if processes.first else "", total, start=history.step) as show:
        model.train()
        while history.step < total and not history.stopped_early:
            running += _step(wrapped, optimizer, source, loss, processes, accumulate, clip, dtype)
            if scheduler is not None:
                scheduler.step()
            for average in (averages or {}).values():
                average.update_parameters(model)
            history.step += 1
            due = history.step % every == 0 or history.step == total
            saving = checkpoints is not None and (history.step % save_every == 0 or history.step == total)
            if due or saving:
                _refuse_nonfinite(running, history.step)
            if due:
                since = history.records[-1]["step"] if history.records else 0
                record = {"step": history.step, "loss": float(processes.mean(running)) / (history.step - since)}
                running.zero_()
                if evaluate is not None:
                    record |= processes.from_first(lambda: _evaluated(evaluate, model))
                history.records.append(record)
                if stop is not None:
                    if stop.metric not in record:
                        raise ValueError(f"there is no metric {stop.metric!r} to stop by; there are {sorted(record)}")
                    history.stopped_early = stop.update(record[stop.metric])
            if saving or (history.stopped_early and checkpoints is not None):
                save()
            show(history.step, " ".join(f"{key} {value:.4g}" for key, value in history.last.items() if key != "step"))
    return history


def _last_of(checkpoints: Checkpoints) -> tuple[int, dict[str, Any]] | None:
    checkpoints.prepare()
    return checkpoints.latest()


def _step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    source: Iterator[Any],
    loss: Callable[[nn.Module, Any], Tensor],
    processes: Processes,
    accumulate: int,
    clip: float | None,
    dtype: torch.dtype | None,
) -> Tensor:
    """One optimizer step; the mean loss over its backward passes."""
    optimizer.zero_grad(set_to_none=True)
    mean = torch.zeros((), device=processes.device)
    for part in range(accumulate):
        batch = moved(next(source), processes.device)
        with processes.without_averaging(model) if part < accumulate - 1 else nullcontext():
            with autocast(processes.device, dtype):
                value = loss(model, batch)
            if value.numel() != 1:
                raise ValueError(f"the loss is a scalar, the mean over the batch; got shape {tuple(value.shape)}")
            (value / accumulate).backward()  # type: ignore[no-untyped-call]
        mean += value.detach().reshape(()) / accumulate
    if clip is not None:
        nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimizer.step()
    return mean


def _evaluated(evaluate: Callable[[nn.Module], Mapping[str, float]], model: nn.Module) -> dict[str, float]:
    model.eval()
    try:
        with torch.no_grad(), preserved_randomness():
            return {name: float(value) for name, value in evaluate(model).items()}
    finally:
        model.train()


def _refuse_nonfinite(loss: Tensor, step: int) -> None:
    if not math.isfinite(loss.item()):
        raise ValueError(
            f"the loss is no longer finite at step {step}; lower the learning rate or give clip=, "
            "and look for a division or a logarithm without a guard. No checkpoint has been written since."
        )
