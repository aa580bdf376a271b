"""Bad input is refused with an error that says what came, and nothing is learned from it."""

import copy

import pytest
import torch
from torch import nn

from paperwright.blocks import ReservoirMemory
from paperwright.blocks.reference_networks import mlp
from paperwright.lifelong.cls_er import (
    CLSER,
    MNIST360,
    AsymmetricReplay,
    ContinualEvaluation,
    DarkExperienceReplay,
    ExperienceReplay,
    FineTune,
    GeneralisedClassIncremental,
    JointTraining,
    RandomCropFlip,
    SemanticMemory,
    TaskProbabilities,
    permuted,
    rotated,
    split_by_class,
)
from paperwright.lifelong.cls_er.evaluation import forgetting, forward_transfer
from paperwright.lifelong.cls_er.experiment import paper_setting
from paperwright.lifelong.cls_er.scenarios import TaskBatches
from paperwright.lifelong.cls_er.transforms import rotate


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


def baseline(kind: type, model: nn.Module | None = None, optimizer: type = torch.optim.SGD, **changed):
    model = mlp(6, (8,), 3) if model is None else model
    return kind(model, optimizer(model.parameters(), lr=0.1), **changed)


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
        (lambda: SemanticMemory(warm_up=-1.0), "warm_up"),
        (lambda: SemanticMemory(warm_up=float("nan")), "warm_up"),
        (lambda: learner(replay_size=0), "replay_size"),
        (lambda: learner(replay_size=2.5), "replay_size is 2.5; expected a whole number of at least 1"),
        (lambda: ReservoirMemory(1.5), "capacity is 1.5; expected a whole number of at least 1"),
        (lambda: TaskBatches(X, Y, 1.5), "batch_size is 1.5"),
        (lambda: split_by_class(X, Y, 1.5), "classes_per_task is 1.5"),
        (lambda: rotated(X[:, None], Y, 1.5), "n_tasks is 1.5"),
        (lambda: MNIST360(torch.rand(9, 3, 3), torch.arange(9), 1.5), "batch_size is 1.5"),
        (lambda: GeneralisedClassIncremental(X, Y, 1, 1.5), "samples is 1.5"),
        (lambda: ContinualEvaluation(1.5), "tasks is 1.5"),
        (lambda: baseline(JointTraining, batch_size=1.5), "batch_size is 1.5"),
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
        (lambda: TaskBatches(X, Y, 0), "batch_size"),
        (lambda: TaskBatches(X, Y, 5), "no batch of 5"),
        (lambda: split_by_class(X, Y, 0), "classes_per_task"),
        (lambda: split_by_class(X, Y, order=[0, 1]), "order"),
        (lambda: split_by_class(X, Y[:2]), "same length"),
        (lambda: permuted(X, Y, 0), "n_tasks"),
        (lambda: rotated(X, Y), "images"),
        (lambda: rotate(torch.rand(2, 4, 4), float("nan")), "finite"),
        (lambda: rotate(torch.rand(2, 4, 4), torch.zeros(3)), "one for each of 2"),
        (lambda: MNIST360(torch.rand(4, 3, 3), Y), "digits 0 to 8"),
        (lambda: MNIST360(torch.rand(9, 3, 3), torch.arange(9), 0), "batch_size is 0"),
        (lambda: GeneralisedClassIncremental(X, Y, 1, 2, weights="even"), "'unif' or 'longtail'"),
        (lambda: GeneralisedClassIncremental(X, Y, 1, 0), "samples is 0"),
        (lambda: GeneralisedClassIncremental(X, Y, 9, 2), "ran out"),
        (lambda: ContinualEvaluation(0), "tasks"),
        (lambda: ContinualEvaluation(1).average_accuracy(), "nothing was evaluated"),
        (lambda: ContinualEvaluation(1).update(lambda x: x, split_by_class(X, Y)), "numbered 0 to 0"),
        (lambda: forgetting(torch.ones(1, 1)), "two tasks"),
        (lambda: forgetting(torch.ones(2, 3)), r"R has shape \(2, 3\)"),
        (lambda: forward_transfer(torch.ones(3, 3), torch.ones(2)), "random has 2 accuracies"),
        (lambda: TaskProbabilities([]), "classes of each task"),
        (lambda: TaskProbabilities([(0, 9)]).update(torch.zeros(2, 4)), "logits has 4 classes"),
        (lambda: baseline(JointTraining).consolidate(), "nothing was collected"),
        (lambda: baseline(FineTune, optimizer=torch.optim.LBFGS), "optimizer is LBFGS"),
        (lambda: baseline(FineTune, model=nn.LazyLinear(3)), "lazy parameters"),
        (lambda: RandomCropFlip(1.5), "padding is 1.5"),
        (lambda: paper_setting("cls_er", "s-mnist", 7), "s-mnist with 200"),
    ],
)
def test_refused_at_once(wrong, says):
    with pytest.raises(ValueError, match=says):
        wrong()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: learner(memory=500), "memory is 500; expected an instance of ReservoirMemory"),
        (lambda: learner(plastic=0.9), "plastic is 0.9; expected an instance of SemanticMemory"),
        (lambda: learner(optimizer="sgd"), "optimizer is 'sgd'; expected an instance of Optimizer"),
        (lambda: CLSER(len, None, memory=None, plastic=ONE, stable=ONE), "model is <built-in function len>"),
        (lambda: learner(augment=3), "augment is 3; expected a function"),
        (lambda: learner(consistency_weight="a"), "consistency_weight is 'a'"),
        (lambda: SemanticMemory(True), "decay is True"),
        (lambda: SemanticMemory(0.9, None), "rate is None"),
        (lambda: split_by_class(X.numpy(), Y), "x is a ndarray"),
        (lambda: split_by_class(X, [0, 1]), "y is a list"),
        (lambda: rotated(X[:, None], Y, max_degrees="a"), "max_degrees is 'a'"),
        (lambda: ContinualEvaluation(1).update(len, [X]), "tasks holds a Tensor"),
    ],
)
def test_of_another_type(wrong, says):
    with pytest.raises(TypeError, match=says):
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
        ((X.numpy(), Y), TypeError, r"x is a ndarray; expected a tensor. Use torch.as_tensor\(x\)"),
        ((X, Y.numpy()), TypeError, "y is a ndarray"),
        ((X, Y.tolist()), TypeError, "y is a list"),
        ((X, Y, X.numpy()), TypeError, "stored is a ndarray"),
        ((X[0, 0], Y), ValueError, "x is a single number"),
        ((X, Y[0]), ValueError, "y is a single number"),
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


def test_a_loss_that_is_not_finite_names_the_step_and_leaves_the_weights():
    each = learner()
    each.observe(X, Y)
    before = copy.deepcopy(each.working.state_dict())
    with pytest.raises(FloatingPointError, match="loss became nan at step 2"):
        each.observe(X * torch.nan, Y, check_finite=False)
    each.criterion = lambda logits, y: logits.sum().exp() * torch.inf
    with pytest.raises(FloatingPointError, match="loss became inf at step 2"):
        each.observe(X, Y)
    assert all(torch.equal(value, before[name]) for name, value in each.working.state_dict().items())


class Pooled(nn.Module):
    """Takes samples of any shape and dtype."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(6, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(nn.functional.adaptive_avg_pool1d(x.float().flatten(1), 6))


def of_kind(kind: type, **memory) -> nn.Module:
    model = Pooled()
    if kind is CLSER:
        return learner(model=model, memory=ReservoirMemory(20, seed=0, **memory))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return kind(model, optimizer, memory=ReservoirMemory(20, seed=0, **memory), replay_size=2)


def assert_refused(each: nn.Module, error: type, says: str, *batch) -> None:
    """The batch is refused, and neither weights nor memory nor random states have moved."""
    before = copy.deepcopy(each.state_dict())
    with pytest.raises(error, match=says):
        each.observe(*batch)
    after = each.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(value, before[name]) for name, value in after.items())


REPLAYING = pytest.mark.parametrize("kind", [CLSER, ExperienceReplay, DarkExperienceReplay, AsymmetricReplay])


@REPLAYING
@pytest.mark.parametrize(
    ("batch", "error", "says"),
    [
        ((torch.rand(4, 7), Y), ValueError, r"samples of shape \(7,\); expected \(6,\), as those replayed"),
        ((torch.rand(4, 2, 3), Y), ValueError, r"samples of shape \(2, 3\); expected \(6,\), as those replayed"),
        ((X, Y, torch.rand(4, 5)), ValueError, r"'inputs': expected rows of shape \(6,\) as before, got \(5,\)"),
        ((X.double(), Y), TypeError, "'inputs': expected torch.float32 as before"),
        ((X * torch.nan, Y), FloatingPointError, "step 4"),
        ((X, Y + 1), ValueError, r"\[0, 3\)"),
    ],
)
def test_a_batch_refused_in_mid_stream_changes_nothing(kind, batch, error, says):
    each = of_kind(kind)
    for _ in range(3):
        each.observe(X, Y)
    assert_refused(each, error, says, *batch)


@REPLAYING
def test_what_the_memory_cannot_store_is_refused_before_the_first_step(kind):
    each = of_kind(kind, storage={"inputs": torch.uint8})
    assert_refused(each, ValueError, "k/255", X - 0.5, Y)
    assert each.memory.seen == 0


def test_stored_logits_that_do_not_fit_are_refused_before_the_weights_move():
    each = of_kind(DarkExperienceReplay, storage={"logits": torch.uint8})
    assert_refused(each, ValueError, "'logits'", X, Y)


def test_joint_training_collects_samples_of_one_shape():
    model = Pooled()
    each = JointTraining(model, torch.optim.SGD(model.parameters(), lr=0.1), seed=0)
    each.observe(X, Y)
    assert_refused(each, ValueError, r"shape \(7,\); expected \(6,\)", torch.rand(4, 7), Y)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda x: torch.zeros(3), r"predict returns shape \(3,\)"),
        (lambda x: torch.zeros(len(x), 3, 2), "predict returns shape"),
        (lambda x: torch.full((len(x), 3), torch.nan), "logits hold NaN"),
        (lambda x: torch.zeros(len(x), 2), "logits has 2 classes; expected more than 2"),
    ],
)
def test_an_answer_that_is_none_leaves_the_row_unwritten(answer, says):
    evaluation = ContinualEvaluation(3)
    with pytest.raises(ValueError, match=says):
        evaluation.update(answer, split_by_class(X, Y, 1))
    with pytest.raises(ValueError, match="tasks is empty"):
        evaluation.update(answer, [])
    assert not evaluation.rows
    assert not evaluation.total.any()


@pytest.mark.parametrize(
    ("kind", "changed", "says"),
    [
        (FineTune, {"model": nn.Sequential(nn.Linear(6, 1), nn.Flatten(0))}, r"the model returns shape \(4,\)"),
        (FineTune, {"model": nn.LSTM(6, 3)}, "the model returns a tuple"),
        (FineTune, {"criterion": nn.CrossEntropyLoss(reduction="none")}, "criterion returns shape"),
        (ExperienceReplay, {"augment": lambda x: x[1:]}, "augment returns 3 samples for 4"),
    ],
)
def test_parts_that_do_not_fit_are_named(kind, changed, says):
    memory = ReservoirMemory(5, seed=0)
    memory.add(inputs=X, labels=Y)
    each = baseline(kind, **changed | ({"memory": memory} if kind is ExperienceReplay else {}))
    with pytest.raises(ValueError, match=says):
        each.observe(X, Y)


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
    with pytest.raises(IndexError, match="phase is 1; expected one of 0 to 0"):
        GeneralisedClassIncremental(X, Y, 1, 2).test(X, Y, 1)
