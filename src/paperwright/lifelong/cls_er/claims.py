"""What the paper states about CLS-ER, as experiments."""

from typing import Any

from paperwright.claims import Above, All, Budget, Claim, Greater, Less, Reported
from paperwright.lifelong.cls_er.experiments import train_class_incremental, train_without_boundaries
from paperwright.lifelong.cls_er.settings import Setting, paper_setting

TABLE_1 = "Table 1, S-MNIST"
RECALLED = "quoted from memory"
README = "from the table in the authors' repository"


def arms(**settings: Setting) -> dict[str, Any]:
    """Settings of the arms as values for a budget."""
    return {arm: setting.as_json() for arm, setting in settings.items()}


def paper_arms(scenario: str, memory: int, **learners: str) -> dict[str, Any]:
    """The paper's own settings: arm=learner."""
    return arms(**{arm: paper_setting(learner, scenario, memory) for arm, learner in learners.items()})


def per_cent(value: float, arm: str, spread: float, where: str = TABLE_1, note: str = "") -> Reported:
    """An accuracy that the paper gives in per cent."""
    return Reported(value, "accuracy", arm=arm, spread=spread, where=where, note=note, scale=0.01)


CLS_ER_AND_ER = {"cls_er": "cls_er", "er": "er"}
CLS_ER_AND_DER = {"cls_er": "cls_er", "der++": "der++"}
CLS_ER_ONLY = {"cls_er": "cls_er"}

# Two controls: the paper's CLS-ER replays 32 samples a step and its ER 10. `averaged_er_32` is CLS-ER without the pull
# towards the memories' logits, so that only the average of the weights is left.
CONTROLS = arms(
    cls_er=paper_setting("cls_er", "s-mnist", 500),
    er_32=Setting("er", 0.1, 32, 10),
    averaged_er_32=Setting("cls_er", 0.1, 32, 10, consistency_weight=0.0, stable=(0.9, 0.99), plastic=(1.0, 0.99)),
)
CONTROLS_CIFAR = arms(
    cls_er=paper_setting("cls_er", "s-cifar-10", 500),
    er_32=paper_setting("er", "s-cifar-10", 500),
    averaged_er_32=Setting(
        "cls_er", 0.1, 32, 32, 50, consistency_weight=0.0, stable=(0.1, 0.999), plastic=(0.9, 0.999)
    ),
)

# Digits of 8×8 pixels have 29 batches a task, so that memories of the MNIST settings would still hold the start. The
# settings of `cls_er` and `er` were chosen on pilot seeds (learning rate, λ and decay; learning rate), at the same size
# of replay and number of epochs.
DIGITS = arms(
    cls_er=Setting("cls_er", 0.2, 32, 10, 3, consistency_weight=1.0, stable=(0.9, 0.95), plastic=(1.0, 0.95)),
    er=Setting("er", 0.3, 32, 10, 3),
    er_32=Setting("er", 0.2, 32, 10, 3),
    averaged_er_32=Setting("cls_er", 0.2, 32, 10, 3, consistency_weight=0.0, stable=(0.9, 0.95), plastic=(1.0, 0.95)),
    **{"der++": Setting("der++", 0.1, 32, 10, 3, alpha=0.2, beta=0.5)},
)
TURNING_DIGITS = arms(
    cls_er=Setting("cls_er", 0.2, 32, 4, consistency_weight=0.15, stable=(0.9, 0.9), plastic=(1.0, 0.9)),
    er=Setting("er", 0.2, 16, 4),
)


def digits(*names: str) -> dict[str, Any]:
    """Some of the arms on digits."""
    return {name: DIGITS[name] for name in names}


def smoke(*names: str) -> Budget:
    """Digits of 8×8 pixels, which need no file."""
    return Budget(seeds=2, data="digits", memory=50, settings=digits(*names))


def desk(seeds: int, settings: dict[str, Any], memory: int = 500) -> Budget:
    """All of MNIST, one epoch a task, the authors' settings."""
    return Budget(seeds=seeds, needs=["mnist"], data="mnist", memory=memory, settings=settings)


def paper(settings: dict[str, Any], memory: int = 500) -> Budget:
    """CIFAR-10 with a ResNet-18 and 50 epochs a task: for a GPU."""
    return Budget(seeds=(5, 10), needs=["cifar10"], data="cifar10", memory=memory, settings=settings)


beats_experience_replay = Claim(
    statement="CLS-ER is more accurate than experience replay (ER) on class-incremental MNIST with a memory of 500.",
    where=TABLE_1,
    reported=[per_cent(92.05, "cls_er", 0.32, note=README), per_cent(86.12, "er", 1.89, note=RECALLED)],
    arms=["cls_er", "er"],
    rule=Greater("accuracy", "cls_er", than="er"),
    budgets={
        "smoke": smoke("cls_er", "er"),
        "desk": desk(5, paper_arms("s-mnist", 500, **CLS_ER_AND_ER)),
        "paper": paper(paper_arms("s-cifar-10", 500, **CLS_ER_AND_ER)),
    },
    trial=train_class_incremental,
    remarks="""The desk run is the paper's own experiment on MNIST. The arms have the settings that the authors found
    best for each; among them CLS-ER replays 32 samples a step and ER 10: see not_only_more_replay.""",
)

not_only_more_replay = Claim(
    statement="""The gain of CLS-ER is not only that it replays more or averages its weights: ER with the same replay
    batch, and with the weights averaged besides, stays behind.""",
    where="our control; the paper compares at each method's best settings",
    arms=["cls_er", "er_32", "averaged_er_32"],
    rule=Greater("accuracy", "cls_er", than=["er_32", "averaged_er_32"]),
    budgets={"smoke": smoke(*CONTROLS), "desk": desk(5, CONTROLS), "paper": paper(CONTROLS_CIFAR)},
    trial=train_class_incremental,
    remarks="""The controls keep the learning rate 0.1 that the authors found best for ER and for CLS-ER at this size.
    In two trial runs each, distilling from the stable memory alone or from the mean of both came out as accurate on
    MNIST as choosing the surer one: that part of the method does not show at this scale.""",
)

beats_dark_experience_replay = {
    f"memory_{memory}": Claim(
        statement=f"CLS-ER is more accurate than DER++ on class-incremental MNIST with a memory of {memory}.",
        where=TABLE_1,
        reported=reported,
        arms=["cls_er", "der++"],
        rule=Greater("accuracy", "cls_er", than="der++"),
        budgets={
            "smoke": smoke("cls_er", "der++"),
            "desk": desk(8, paper_arms("s-mnist", memory, **CLS_ER_AND_DER), memory),
            "paper": paper(paper_arms("s-cifar-10", memory, **CLS_ER_AND_DER), memory),
        },
        trial=train_class_incremental,
        remarks="""A narrow margin against run-to-run scatter of more than a point, mostly DER++'s: at a memory of 500
        the paper's own figures are about one standard deviation apart.""",
    )
    for memory, reported in {
        500: [per_cent(92.05, "cls_er", 0.32, note=README), per_cent(91.00, "der++", 1.49, note=RECALLED)],
        200: [per_cent(89.54, "cls_er", 0.21, note=README), per_cent(85.61, "der++", 1.40, note=RECALLED)],
    }.items()
}

stable_memory_answers_best = Claim(
    statement="At test time the stable memory is more accurate than the working model.",
    where="analysis section, figure of task-wise accuracies",
    arms=["cls_er"],
    rule=Above("stable_minus_working", 0.0, arm="cls_er"),
    budgets={
        "smoke": smoke("cls_er"),
        "desk": desk(5, paper_arms("s-mnist", 500, **CLS_ER_ONLY)),
        "paper": paper(paper_arms("s-cifar-10", 500, **CLS_ER_ONLY)),
    },
    trial=train_class_incremental,
    remarks="""One training run gives all three networks; the trial reports the plastic memory too
    (stable_minus_plastic). The paper's figure is of deep networks trained for 50 epochs a task. On MNIST, with one
    epoch, a memory that averages the last hundred steps has little noise to remove and lags behind what was learned
    last; pilot runs saw the working model slightly ahead.""",
)

better_calibrated_and_less_biased = Claim(
    statement="""CLS-ER is better calibrated than ER (expected calibration error, 10 bins) and leans less towards the
    classes of the last task (probability mass on them).""",
    where="analysis section, figures of calibration and of task probabilities",
    arms=["cls_er", "er"],
    rule=All(
        Less("calibration_error", "cls_er", than="er"),
        Less("last_task_mass", "cls_er", than="er"),
    ),
    budgets={
        "smoke": smoke("cls_er", "er"),
        "desk": desk(5, paper_arms("s-mnist", 500, **CLS_ER_AND_ER)),
        "paper": paper(paper_arms("s-cifar-10", 500, **CLS_ER_AND_ER)),
    },
    trial=train_class_incremental,
    remarks="Without bias each of the five tasks would hold a mass of 0.2.",
)

beats_experience_replay_without_boundaries = Claim(
    statement="CLS-ER is more accurate than ER on MNIST-360, where classes and angles drift without boundaries.",
    where="Table 3",
    reported=[Reported(65.04, "accuracy", arm="er", spread=1.53, where="Table 3", note=RECALLED, scale=0.01)],
    arms=["cls_er", "er"],
    rule=Greater("accuracy", "cls_er", than="er"),
    budgets={
        "smoke": Budget(seeds=2, data="digits", memory=100, rounds=1, settings=TURNING_DIGITS),
        "desk": Budget(
            seeds=3,
            needs=["mnist"],
            data="mnist",
            memory=500,
            rounds=3,
            settings=paper_arms("mnist-360", 500, **CLS_ER_AND_ER),
        ),
        "paper": Budget(
            seeds=10,
            needs=["mnist"],
            data="mnist",
            memory=500,
            rounds=3,
            settings=paper_arms("mnist-360", 500, **CLS_ER_AND_ER),
        ),
    },
    trial=train_without_boundaries,
    remarks="""The paper's scale itself. Images are drawn without replacement, where the authors' code draws with it by
    oversight; each network is evaluated itself. The settings are the authors' best: ER takes one sample of the stream
    a step, CLS-ER sixteen.""",
)

beats_experience_replay_on_digits = Claim(
    statement="""CLS-ER is more accurate than ER on class-incremental digits of 8×8 pixels with a memory of 50, both
    replaying 32 samples a step.""",
    where="our own smaller version of Table 1, S-MNIST; needs no file",
    arms=["cls_er", "er"],
    rule=Greater("accuracy", "cls_er", than="er"),
    budgets={
        "smoke": smoke("cls_er", "er"),
        "desk": Budget(seeds=(10, 20, 30), data="digits", memory=50, settings=digits("cls_er", "er")),
    },
    trial=train_class_incremental,
    remarks="""Learning rate, weight of consistency and decay were chosen on pilot seeds for each arm.""",
)
