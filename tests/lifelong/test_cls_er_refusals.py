"""Bad input is refused with an error that says what came, and nothing is learned from it."""

import copy

import pytest
import torch
from torch import nn

from paperwright.lifelong.cls_er import (
    CLSER,
    Batches,
    ContinualEvaluation,
    DarkExperienceReplay,
    ExperienceReplay,
    FineTune,
    JointTraining,
    RandomCropFlip,
    ReservoirMemory,
    SemanticMemory,
    generalised_class_incremental,
    mlp,
    mnist360,
    permuted,
    rotate,
    rotated,
    split_by_class,
)
from paperwright.lifelong.cls_er.accuracy_matrix import forgetting
from paperwright.lifelong.cls_er.settings import paper_setting


@pytest.fixture(autouse=True)
def as_users_meet_it():
    """Our own checks, which the type checks of the test run would forestall."""
    from jaxtyping import config

    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", False)


X, Y = torch.rand(4, 6), torch.tensor([0, 1, 2, 0])


def learner(**changed) -> CLSER:
    model = changed.pop("model", None) or mlp(6, (8,), 3)
    optimizer = changed.pop("optimizer", None) or torch.optim.SGD(model.parameters(), lr=0.1)
    arguments = {
        "memory": ReservoirMemory(5, seed=0),
        "plastic": SemanticMemory(0.9),
        "stable": SemanticMemory(0.9),
        "seed": 0,
    }
    return CLSER(model, optimizer, **arguments | changed)


def baseline(kind: type, **changed):
    model = mlp(6, (8,), 3)
    return kind(model, torch.optim.SGD(model.parameters(), lr=0.1), **changed)


def frozen_memory() -> SemanticMemory:
    return SemanticMemory(0.9, 1.0, mlp(6, (8,), 3))


ONE = SemanticMemory(0.9)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: SemanticMemory(decay=1.0), "decay"),
        (lambda: SemanticMemory(decay=-0.1), "decay"),
        (lambda: SemanticMemory(decay=float("nan")), "decay"),
        (lambda: SemanticMemory(rate=1.1), "rate"),
        (lambda: SemanticMemory(statistics="mine"), "statistics"),
        (lambda: SemanticMemory().update_parameters(nn.Linear(1, 1)), "follows no model"),
        (lambda: learner(stable=frozen_memory()), "follows a model already"),
        (lambda: learner(stable=ONE, plastic=ONE), "twice"),
        (lambda: learner(replay_size=0), "replay_size"),
        (lambda: learner(consistency_weight=-1.0), "consistency_weight"),
        (lambda: learner(consistency_weight=float("nan")), "consistency_weight"),
        (lambda: learner(statistics="mine"), "statistics"),
        (lambda: learner(optimizer=torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=0.1)), "does not hold"),
        (lambda: baseline(ExperienceReplay, memory=ReservoirMemory(5), replay_size=0), "replay_size"),
        (lambda: baseline(DarkExperienceReplay, memory=ReservoirMemory(5), alpha=-1.0), "alpha"),
        (lambda: baseline(JointTraining, epochs=0), "epochs"),
        (lambda: RandomCropFlip(-1), "padding"),
        (lambda: RandomCropFlip(flip=2.0), "flip"),
        (lambda: RandomCropFlip(seed=0)(torch.rand(3, 4, 4)), "images"),
        (lambda: Batches(X, Y, 0), "batch_size"),
        (lambda: Batches(X, Y, 5), "no batch of 5"),
        (lambda: split_by_class(X, Y, 0), "classes_per_task"),
        (lambda: split_by_class(X, Y, order=[0, 1]), "order"),
        (lambda: split_by_class(X, Y[:2]), "same length"),
        (lambda: permuted(X, Y, 0), "n_tasks"),
        (lambda: rotated(X, Y), "images"),
        (lambda: rotate(torch.rand(2, 4, 4), float("nan")), "finite"),
        (lambda: rotate(torch.rand(2, 4, 4), torch.zeros(3)), "one for each of 2"),
        (lambda: mnist360(torch.rand(4, 3, 3), Y), "digits 0 to 8"),
        (lambda: mnist360(torch.rand(9, 3, 3), torch.arange(9), 0), "at least one sample"),
        (lambda: generalised_class_incremental(X, Y, 1, 2, weights="even"), "'unif' or 'longtail'"),
        (lambda: generalised_class_incremental(X, Y, 1, 0), "at least one"),
        (lambda: generalised_class_incremental(X, Y, 9, 2), "ran out"),
        (lambda: ContinualEvaluation(0), "tasks"),
        (lambda: ContinualEvaluation(1).average_accuracy(), "nothing was evaluated"),
        (lambda: ContinualEvaluation(1).update(lambda x: x, split_by_class(X, Y)), "numbered 0 to 0"),
        (lambda: forgetting(torch.ones(1, 1)), "two tasks"),
        (lambda: paper_setting("cls_er", "s-mnist", 7), "s-mnist with 200"),
    ],
)
def test_refused_at_once(wrong, says):
    with pytest.raises(ValueError, match=says):
        wrong()


@pytest.mark.parametrize(
    ("batch", "error", "says"),
    [
        ((X, Y.float()), TypeError, "integers"),
        ((X, Y.bool()), TypeError, "integers"),
        ((X, Y[:2]), ValueError, "same length"),
        ((X[:0], Y[:0]), ValueError, "empty"),
        ((X, Y + 1), ValueError, r"\[0, 3\)"),
        ((X, Y - 1), ValueError, r"\[0, 3\)"),
        ((X, Y[:, None]), ValueError, "shape"),
        ((X, Y, X[:2]), ValueError, "stored"),
        ((X * torch.nan, Y), ValueError, "finite"),
        ((X * torch.inf, Y), ValueError, "finite"),
    ],
)
@pytest.mark.parametrize("kind", [CLSER, FineTune, ExperienceReplay, DarkExperienceReplay, JointTraining])
def test_a_refused_batch_teaches_nothing(kind, batch, error, says):
    if kind is CLSER:
        each = learner()
    else:
        each = baseline(kind, **({"memory": ReservoirMemory(5)} if issubclass(kind, ExperienceReplay) else {}))
    before = copy.deepcopy(each.state_dict())
    with pytest.raises(error, match=says):
        each.observe(*batch)
    assert all(torch.equal(value, before[name]) for name, value in each.state_dict().items())


def test_inputs_are_looked_at_now_and_then_or_as_told():
    each = learner()
    each.observe(X, Y)
    with pytest.raises(ValueError, match="finite"):
        each.observe(X * torch.inf, Y, check_finite=True)
    each.steps.fill_(999)
    with pytest.raises(ValueError, match="finite"):
        each.observe(X * torch.inf, Y)


def test_a_loss_that_becomes_nan_names_the_step_and_leaves_the_weights():
    each = learner()
    each.observe(X, Y)
    before = copy.deepcopy(each.working.state_dict())
    with pytest.raises(FloatingPointError, match="step 2"):
        each.observe(X * torch.nan, Y, check_finite=False)
    assert all(torch.equal(value, before[name]) for name, value in each.working.state_dict().items())


def test_columns_may_not_change_their_shape():
    each = learner(model=nn.Sequential(nn.AdaptiveAvgPool1d(6), nn.Linear(6, 3)))
    each.observe(X, Y)
    with pytest.raises((ValueError, RuntimeError)):
        each.observe(torch.rand(4, 7), Y)


def test_more_updates_than_tasks():
    evaluation = ContinualEvaluation(1)
    (task,) = split_by_class(X, Y, 3)
    evaluation.update(lambda x: torch.zeros(len(x), 3), [task])
    with pytest.raises(ValueError, match="reset"):
        evaluation.update(lambda x: torch.zeros(len(x), 3), [task])
    with pytest.raises(ValueError, match="setting"):
        evaluation.matrix("domain")


def test_another_number_of_tasks():
    with pytest.raises(IndexError, match="3 tasks"):
        permuted(X, Y, 3)[3]
