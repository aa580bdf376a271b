"""The paper's experiments as functions: train a learner on a stream, then look at it from all sides."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torchmetrics.classification import MulticlassCalibrationError

from paperwright import data
from paperwright.blocks import ReservoirMemory
from paperwright.lifelong.cls_er.augmentation import RandomCropFlip
from paperwright.lifelong.cls_er.cls_er import CLSER
from paperwright.lifelong.cls_er.evaluation import ContinualEvaluation, TaskProbabilities
from paperwright.lifelong.cls_er.learner import ContinualLearner
from paperwright.lifelong.cls_er.mnist360 import mnist360, mnist360_test
from paperwright.lifelong.cls_er.networks import mlp, resnet18
from paperwright.lifelong.cls_er.replay import DarkExperienceReplay, ExperienceReplay, FineTune
from paperwright.lifelong.cls_er.scenarios import split_by_class
from paperwright.lifelong.cls_er.semantic_memory import SemanticMemory
from paperwright.lifelong.cls_er.settings import Setting
from paperwright.lifelong.cls_er.tasks import Task

# Test samples that go through a network at once.
CHUNK = 1000
CALIBRATION_BINS = 10


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread for torch's operators: faster for networks this small, and sums keep their order on every machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@one_thread()
def train_class_incremental(setting: Setting, *, seed: int, device: str, data: str, memory: int) -> dict[str, float]:
    """One run over tasks of two new classes each, evaluated after the last.

    Args:
        setting: what is trained, and how.
        seed: decides initial weights, order of samples and memory: the same for all settings.
        device: of torch.
        data: a name of :mod:`paperwright.data`.
        memory: the number of samples that the memory holds.

    Returns:
        What :func:`evaluate` returns; for CLS-ER also the accuracy of each of its networks.
    """
    (x, y), test = images(data, device)
    part = slice(seed % setting.every, None, setting.every)
    learner = new_learner(setting, x.shape[1:], memory, seed, device)
    augment = RandomCropFlip(seed=seed) if x.ndim == 4 else nn.Identity()
    for task in split_by_class(x[part], y[part]):
        batches = task.batches(setting.batch_size, epochs=setting.epochs, seed=seed * 1000 + task.index)
        for stored, labels in batches:
            learner.observe(augment(stored), labels, stored=stored)
    tasks = list(split_by_class(*test))
    found = evaluate(lambda part: learner.logits(part), tasks)
    if isinstance(learner, CLSER):
        for name in ("working", "plastic"):
            network = getattr(learner, name)
            found[f"{name}_accuracy"] = evaluate(lambda part, n=network: learner.logits(part, n), tasks)["accuracy"]
            found[f"stable_minus_{name}"] = found["accuracy"] - found[f"{name}_accuracy"]
    return found


@one_thread()
def train_without_boundaries(
    setting: Setting, *, seed: int, device: str, data: str, memory: int, rounds: int
) -> dict[str, float]:
    """One run over MNIST-360, evaluated at the end on test digits turned by all angles.

    Args:
        setting, seed, device, data, memory: as for :func:`train_class_incremental`.
        rounds: how often the pairs of digits come.
    """
    (x, y), test = images(data, device)
    learner = new_learner(setting, x.shape[1:], memory, seed, device)
    for inputs, labels in mnist360(x, y, setting.batch_size, rounds=rounds, seed=seed):
        learner.observe(inputs, labels)
    task = mnist360_test(*test)
    return {"accuracy": float((chunked(learner.logits, task.inputs).argmax(1) == task.labels).double().mean())}


def evaluate(logits: Callable[[Tensor], Tensor], tasks: Sequence[Task]) -> dict[str, float]:
    """Accuracy over all classes and within each task, calibration error, and probability mass on the last task."""
    evaluation = ContinualEvaluation(len(tasks))
    evaluation.update(logits, tasks)
    answers = torch.cat([chunked(logits, task.inputs) for task in tasks])
    labels = torch.cat([task.labels for task in tasks])
    calibration = MulticlassCalibrationError(answers.shape[1], n_bins=CALIBRATION_BINS).to(answers.device)
    share = TaskProbabilities([task.classes for task in tasks]).to(answers.device)
    share.update(answers)
    return {
        "accuracy": evaluation.average_accuracy(),
        "task_accuracy": evaluation.average_accuracy("task"),
        "calibration_error": float(calibration(answers.softmax(1), labels)),
        "last_task_mass": float(share.compute()[-1]),
    }


def new_learner(setting: Setting, shape: Sequence[int], memory: int, seed: int, device: str) -> ContinualLearner:
    """The learner of a setting, with weights and memory that the seed decides."""
    model = _network(shape, seed).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=setting.learning_rate)
    if setting.learner == "fine_tune":
        return FineTune(model, optimizer).to(device)
    shared: dict[str, Any] = {
        "memory": ReservoirMemory(memory, seed=seed),
        "replay_size": setting.replay_size,
        "augment": RandomCropFlip(seed=seed + 1) if len(shape) == 3 else None,
    }
    if setting.learner == "er":
        return ExperienceReplay(model, optimizer, **shared).to(device)
    if setting.learner == "der++":
        return DarkExperienceReplay(model, optimizer, alpha=setting.alpha, beta=setting.beta, **shared).to(device)
    (plastic_rate, plastic_decay), (stable_rate, stable_decay) = setting.plastic, setting.stable
    return CLSER(
        model,
        optimizer,
        plastic=SemanticMemory(rate=plastic_rate, decay=plastic_decay),
        stable=SemanticMemory(rate=stable_rate, decay=stable_decay),
        consistency_weight=setting.consistency_weight,
        seed=seed,
        **shared,
    ).to(device)


def images(name: str, device: str) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Training and test images in [0, 1], channels first, with labels."""
    loaded = data.load(name)
    brightest = float(loaded.train.images.max())

    def split(part: Any) -> tuple[Tensor, Tensor]:
        x = torch.from_numpy(part.images).to(device, torch.float32) / brightest
        return x if x.ndim == 3 else x.permute(0, 3, 1, 2).contiguous(), torch.from_numpy(part.labels).to(device)

    return split(loaded.train), split(loaded.test)


def chunked(logits: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """The logits of many samples, a part at a time."""
    return torch.cat([logits(part) for part in x.split(CHUNK)])


def _network(shape: Sequence[int], seed: int) -> nn.Module:
    if len(shape) == 2:
        return mlp(shape[0] * shape[1], generator=torch.Generator().manual_seed(seed))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return resnet18()
