"""The hyperparameters of the paper's runs and of the baselines, from the authors' file of best settings.

Every network is trained by plain SGD at a constant rate, without momentum and weight decay.
"""

from dataclasses import dataclass


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


# Keys: learner, scenario, size of the memory.
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
    """The setting of the paper's run of a learner in a scenario with a size of memory.

    Raises:
        ValueError: the paper has no such run.
    """
    if (learner, scenario, memory) not in PAPER:
        known = sorted(f"{name} with {size}" for who, name, size in PAPER if who == learner)
        raise ValueError(f"no setting of {learner!r} for {scenario!r} with memory {memory}; there are {known}")
    return PAPER[learner, scenario, memory]
