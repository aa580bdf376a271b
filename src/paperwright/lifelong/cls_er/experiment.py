"""The paper's experiments: settings with the authors' table, training on a stream, and a look from all sides.

Every network is trained by plain SGD at a constant rate, without momentum and weight decay.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any, Literal

import torch
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
from torch import Tensor, nn
from torchmetrics.classification import MulticlassCalibrationError

from paperwright import data
from paperwright.blocks import ReservoirMemory
from paperwright.blocks.reference_networks import mlp, resnet18

from .cls_er import CLSER
from .evaluation import ContinualEvaluation, TaskProbabilities
from .learner import ContinualLearner
from .mnist360 import MNIST360
from .replay import DarkExperienceReplay, ExperienceReplay, FineTune
from .scenarios import Task, split_by_class
from .semantic_memory import SemanticMemory
from .transforms import RandomCropFlip

Network = Literal["mlp", "resnet18"]

# Test samples that go through a network at once.
CHUNK = 1000
CALIBRATION_BINS = 10


@dataclass(frozen=True)
class Setting:
    """How one learner is trained in one scenario with one size of memory.

    Attributes:
        learner: `"cls_er"`, `"er"`, `"der++"` or `"fine_tune"`.
        learning_rate: of SGD.
        replay_size: samples replayed at each step.
        batch_size: samples of the stream at each step.
        epochs: passes over each task.
        consistency_weight: λ (CLS-ER).
        stable, plastic: rate and decay of the two memories (CLS-ER).
        alpha, beta: weights of stored logits and labels (DER++).
        every: the stream holds one of so many training samples.
    """

    learner: str
    learning_rate: float
    replay_size: int
    batch_size: int
    epochs: int = 1
    consistency_weight: float = 0.0
    stable: tuple[float, float] = (1.0, 0.999)
    plastic: tuple[float, float] = (1.0, 0.999)
    alpha: float = 0.0
    beta: float = 0.0
    every: int = 1


def _cls_er(
    weight: float,
    stable: tuple[float, float],
    plastic: tuple[float, float],
    learning_rate: float,
    replay_size: int,
    batch_size: int,
    epochs: int = 1,
) -> Setting:
    return Setting("cls_er", learning_rate, replay_size, batch_size, epochs, weight, stable, plastic)


def _der(
    learning_rate: float, replay_size: int, batch_size: int, alpha: float, beta: float, epochs: int = 1
) -> Setting:
    return Setting("der++", learning_rate, replay_size, batch_size, epochs, alpha=alpha, beta=beta)


# The authors' best settings. Keys: learner, scenario, size of the memory.
# Source: Appendix, tables of hyperparameters, and the authors' file of best settings.
PAPER: dict[tuple[str, str, int], Setting] = {
    ("cls_er", "s-mnist", 200): _cls_er(2.0, (0.9, 0.99), (1.0, 0.99), 0.03, 128, 10),
    ("cls_er", "s-mnist", 500): _cls_er(2.0, (0.9, 0.99), (1.0, 0.99), 0.1, 32, 10),
    ("cls_er", "s-mnist", 5120): _cls_er(2.0, (0.8, 0.99), (1.0, 0.99), 0.1, 32, 10),
    ("cls_er", "s-cifar-10", 200): _cls_er(0.15, (0.1, 0.999), (0.3, 0.999), 0.1, 32, 32, 50),
    ("cls_er", "s-cifar-10", 500): _cls_er(0.15, (0.1, 0.999), (0.9, 0.999), 0.1, 32, 32, 50),
    ("cls_er", "s-cifar-10", 5120): _cls_er(0.15, (0.8, 0.999), (1.0, 0.999), 0.1, 32, 32, 50),
    ("cls_er", "s-tiny-imagenet", 200): _cls_er(0.1, (0.04, 0.999), (0.08, 0.999), 0.05, 32, 32, 50),
    ("cls_er", "s-tiny-imagenet", 500): _cls_er(0.1, (0.05, 0.999), (0.08, 0.999), 0.05, 32, 32, 50),
    ("cls_er", "s-tiny-imagenet", 5120): _cls_er(0.1, (0.07, 0.999), (0.08, 0.999), 0.05, 32, 32, 50),
    **{
        ("cls_er", "r-mnist", size): _cls_er(0.75, (1.0, 0.999), (1.0, 0.99), 0.2, 128, 128)
        for size in (200, 500, 5120)
    },
    **{("cls_er", "p-mnist", size): _cls_er(1.0, (0.8, 0.99), (1.0, 0.99), 0.2, 128, 128) for size in (200, 500)},
    ("cls_er", "p-mnist", 5120): _cls_er(1.0, (0.9, 0.99), (1.0, 0.99), 0.2, 128, 128),
    ("cls_er", "mnist-360", 200): _cls_er(0.75, (1.0, 0.999), (1.0, 0.99), 0.2, 16, 16),
    ("cls_er", "mnist-360", 500): _cls_er(1.25, (0.9, 0.99), (1.0, 0.99), 0.2, 32, 16),
    ("cls_er", "mnist-360", 1000): _cls_er(0.75, (0.9, 0.99), (1.0, 0.99), 0.2, 128, 16),
    ("cls_er", "gcil-unif", 200): _cls_er(0.15, (0.6, 0.999), (0.7, 0.999), 0.1, 32, 32, 200),
    ("cls_er", "gcil-unif", 500): _cls_er(0.15, (0.6, 0.999), (0.9, 0.999), 0.1, 32, 32, 100),
    ("cls_er", "gcil-unif", 1000): _cls_er(0.15, (0.6, 0.999), (0.8, 0.999), 0.1, 32, 32, 100),
    **{
        ("cls_er", "gcil-longtail", size): _cls_er(0.1, (0.6, 0.999), (0.7, 0.999), 0.1, 32, 32, 100)
        for size in (200, 500)
    },
    ("cls_er", "gcil-longtail", 1000): _cls_er(0.1, (0.6, 0.999), (0.8, 0.999), 0.1, 32, 32, 100),
    ("er", "s-mnist", 200): Setting("er", 0.01, 10, 10),
    ("er", "s-mnist", 500): Setting("er", 0.1, 10, 10),
    ("er", "s-mnist", 5120): Setting("er", 0.1, 10, 10),
    **{("er", "s-cifar-10", size): Setting("er", 0.1, 32, 32, 50) for size in (200, 500, 5120)},
    **{
        ("er", name, size): Setting("er", 0.2, 128, 128) for name in ("r-mnist", "p-mnist") for size in (200, 500, 5120)
    },
    ("er", "mnist-360", 200): Setting("er", 0.2, 16, 1),
    ("er", "mnist-360", 500): Setting("er", 0.2, 16, 1),
    ("er", "mnist-360", 1000): Setting("er", 0.2, 16, 4),
    ("der++", "s-mnist", 200): _der(0.03, 128, 10, 0.2, 1.0),
    ("der++", "s-mnist", 500): _der(0.03, 10, 10, 1.0, 0.5),
    ("der++", "s-mnist", 5120): _der(0.1, 64, 10, 0.2, 0.5),
    ("der++", "s-cifar-10", 200): _der(0.03, 32, 32, 0.1, 0.5, 50),
    ("der++", "s-cifar-10", 500): _der(0.03, 32, 32, 0.2, 0.5, 50),
    ("der++", "s-cifar-10", 5120): _der(0.03, 32, 32, 0.1, 1.0, 50),
    ("der++", "r-mnist", 200): _der(0.1, 128, 128, 1.0, 0.5),
    ("der++", "r-mnist", 500): _der(0.2, 128, 128, 0.5, 1.0),
    ("der++", "r-mnist", 5120): _der(0.2, 128, 128, 0.5, 0.5),
    ("der++", "p-mnist", 200): _der(0.1, 128, 128, 1.0, 1.0),
    ("der++", "p-mnist", 500): _der(0.2, 128, 128, 1.0, 0.5),
    ("der++", "p-mnist", 5120): _der(0.2, 128, 128, 0.5, 1.0),
}


def paper_setting(learner: str, scenario: str, memory: int) -> Setting:
    """Return the setting of the paper's run of a learner in a scenario with a size of memory.

    Raises:
        ValueError: the paper has no such run.
    """
    if (learner, scenario, memory) not in PAPER:
        known = sorted(f"{name} with {size}" for who, name, size in PAPER if who == learner)
        raise ValueError(f"no setting of {learner!r} for {scenario!r} with memory {memory}; there are {known}")
    return PAPER[learner, scenario, memory]


# One thread: faster for networks this small, and sums keep their order on every machine.
@threadpool_limits.wrap(limits=1)
def train_class_incremental(
    setting: Setting, *, seed: int, device: str, data: str, memory: int, network: Network | None = None
) -> dict[str, float]:
    """Train on tasks of two new classes each, and evaluate after the last.

    Args:
        setting: what is trained, and how.
        seed: decides initial weights, order of samples and memory: the same for all settings.
        device: of torch.
        data: a name of :mod:`paperwright.data`.
        memory: the number of samples that the memory holds.
        network: "mlp" or "resnet18"; by default the paper's, a perceptron for grey images and a ResNet-18 for colours.

    Returns:
        What :func:`evaluate` returns; for CLS-ER also the accuracy of each of its networks.
    """
    (x, y), test = images(data, device)
    part = slice(seed % setting.every, None, setting.every)
    learner = _learner(setting, x.shape[1:], memory, seed, device, network)
    augment = RandomCropFlip(seed=seed) if x.ndim == 4 else nn.Identity()
    for task in split_by_class(x[part], y[part]):
        batches = task.batches(setting.batch_size, epochs=setting.epochs, seed=seed * 1000 + task.index)
        for stored, labels in batches:
            learner.observe(augment(stored), labels, stored=stored)
    tasks = list(split_by_class(*test))
    found = evaluate(learner.logits, tasks)
    if isinstance(learner, CLSER):
        for name in ("working", "plastic"):
            other = partial(learner.logits, network=getattr(learner, name))
            found[f"{name}_accuracy"] = evaluate(other, tasks)["accuracy"]
            found[f"stable_minus_{name}"] = found["accuracy"] - found[f"{name}_accuracy"]
    return found


@threadpool_limits.wrap(limits=1)
def train_without_boundaries(
    setting: Setting, *, seed: int, device: str, data: str, memory: int, rounds: int
) -> dict[str, float]:
    """Train on MNIST-360, and evaluate at the end on test digits turned by all angles.

    Args:
        setting, seed, device, data, memory: as for :func:`train_class_incremental`.
        rounds: how often the pairs of digits come.
    """
    (x, y), test = images(data, device)
    learner = _learner(setting, x.shape[1:], memory, seed, device)
    for inputs, labels in MNIST360(x, y, setting.batch_size, rounds=rounds, seed=seed):
        learner.observe(inputs, labels)
    task = MNIST360.test(*test)
    return {"accuracy": float((_logits_of(learner.logits, task.inputs).argmax(1) == task.labels).double().mean())}


def evaluate(logits: Callable[[Tensor], Tensor], tasks: Sequence[Task]) -> dict[str, float]:
    """Return accuracy over all classes and within each task, calibration error, and mass on the last task."""
    evaluation = ContinualEvaluation(len(tasks))
    evaluation.update(logits, tasks)
    answers = torch.cat([_logits_of(logits, task.inputs) for task in tasks])
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


def _learner(
    setting: Setting, shape: Sequence[int], memory: int, seed: int, device: str, network: Network | None = None
) -> ContinualLearner:
    """Return the learner of a setting, with weights and memory that the seed decides."""
    model = _model(network or ("mlp" if len(shape) == 2 else "resnet18"), shape, seed).to(device)
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
    """Return training and test images in [0, 1], channels first, with labels."""
    loaded = data.load(name)
    brightest = float(loaded.train.images.max())

    def split(part: Any) -> tuple[Tensor, Tensor]:
        x = torch.from_numpy(part.images).to(device, torch.float32) / brightest
        return x if x.ndim == 3 else x.permute(0, 3, 1, 2).contiguous(), torch.from_numpy(part.labels).to(device)

    return split(loaded.train), split(loaded.test)


def _logits_of(logits: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Return the logits of many samples, a part at a time."""
    return torch.cat([logits(part) for part in x.split(CHUNK)])


def _model(network: Network, shape: Sequence[int], seed: int) -> nn.Module:
    generator = torch.Generator().manual_seed(seed)
    return mlp(prod(shape), generator=generator) if network == "mlp" else resnet18(generator=generator)
