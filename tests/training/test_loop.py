"""The loop: what it computes, and that stopping and going on changes nothing."""

import doctest

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import TensorDataset

from paperwright.training import Checkpoints, EarlyStop, History, derived_seed, fit, seed_everything
from paperwright.training.batches import Batches

X = torch.randn(100, 6, generator=torch.Generator().manual_seed(5))
Y = (X @ torch.randn(6, 3, generator=torch.Generator().manual_seed(6))).argmax(1)


def network(dropout=0.2):
    seed_everything(11)
    return nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(dropout), nn.Linear(16, 3))


def cross_entropy(model, batch):
    x, y = batch
    return nn.functional.cross_entropy(model(x), y)


def accuracy(model):
    torch.randn(3)  # an evaluation that draws must not change the training
    return {"accuracy": (model(X).argmax(1) == Y).float().mean().item()}


def saved(directory, every=10):
    return Checkpoints(directory, every=every)


def run(steps, checkpoints=None, *, optimizer=torch.optim.AdamW, scheduler=None, stop=None, **options):
    model = network()
    optimizer = optimizer(model.parameters(), lr=0.01)
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9), use_buffers=True)
    chosen = {"batch_size": 16, "seed": 3, "every": 7, "device": "cpu", "clip": 1.0}
    chosen["evaluate"] = accuracy
    history = fit(
        model,
        optimizer,
        (X, Y),
        cross_entropy,
        steps=steps,
        scheduler=scheduler(optimizer) if scheduler else None,
        average=average,
        stop=stop,
        checkpoints=checkpoints,
        **(chosen | options),
    )
    return {**model.state_dict(prefix="model."), **average.state_dict(prefix="average.")}, history


def equal(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


class Interrupted(Exception):
    pass


def interrupt_at(step):
    """An evaluation that ends the run, as a crash would, between checkpoints."""

    def evaluate(model):
        nonlocal step
        step -= 1
        if step == 0:
            raise Interrupted
        return accuracy(model)

    return evaluate


def test_is_the_loop_one_would_write():
    model, reference = network(), network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    history = fit(
        model, optimizer, (X, Y), cross_entropy, steps=25, batch_size=16, seed=3, device="cpu", clip=0.5, every=25
    )

    optimizer = torch.optim.SGD(reference.parameters(), lr=0.1, momentum=0.9)
    batches = Batches((X, Y), batch_size=16, seed=3)
    seed_everything(derived_seed(3, 0, 2))
    losses = []
    for step in range(25):
        indices = batches.indices(step)
        loss = nn.functional.cross_entropy(reference(X[indices]), Y[indices])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(reference.parameters(), 0.5)
        optimizer.step()
        losses.append(loss.item())
    assert equal(model.state_dict(), reference.state_dict())
    assert history.last["loss"] == pytest.approx(sum(losses) / 25, rel=1e-5)


OPTIMIZERS = ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "NAdam", "RAdam", "Adamax", "ASGD", "Rprop"]
SCHEDULERS = {
    "none": None,
    "one-cycle": lambda optimizer: lr_scheduler.OneCycleLR(optimizer, 0.05, total_steps=100),
    "milestones": lambda optimizer: lr_scheduler.MultiStepLR(optimizer, [20, 31, 31]),
    "restarts": lambda optimizer: lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 8),
    "lambda": lambda optimizer: lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (1 + step)),
    "warm-up": lambda optimizer: lr_scheduler.SequentialLR(
        optimizer, [lr_scheduler.LinearLR(optimizer), lr_scheduler.CosineAnnealingLR(optimizer, 40)], [12]
    ),
}


@pytest.mark.parametrize(
    ("optimizer", "scheduler"), [(name, "none") for name in OPTIMIZERS] + [("SGD", name) for name in SCHEDULERS]
)
def test_resumes_bit_for_bit(tmp_path, optimizer, scheduler):
    options = {"optimizer": getattr(torch.optim, optimizer), "scheduler": SCHEDULERS[scheduler]}
    if optimizer == "SGD":
        options["optimizer"] = lambda parameters, lr: torch.optim.SGD(parameters, lr, momentum=0.9, nesterov=True)
    unbroken, history = run(45, **options)
    with pytest.raises(Interrupted):  # at the fifth evaluation: step 35, five after the checkpoint of step 30
        run(45, saved(tmp_path), evaluate=interrupt_at(5), **options)
    resumed, again = run(45, saved(tmp_path), **options)
    assert again.resumed_from == 30
    assert equal(unbroken, resumed)
    assert again.records == history.records


@pytest.mark.parametrize("options", [{"precision": "bfloat16"}, {"clip": None, "every": 1}])
def test_resumes_bit_for_bit_with(tmp_path, options):
    unbroken, _ = run(30, **options)
    run(20, saved(tmp_path), **options)  # a run that was to be shorter
    resumed, history = run(30, saved(tmp_path), **options)
    assert history.resumed_from == 20
    assert equal(unbroken, resumed)


def test_goes_back_past_a_damaged_checkpoint(tmp_path):
    unbroken, _ = run(30)
    run(20, saved(tmp_path))
    (tmp_path / "step-00000020" / "tensors.safetensors").write_bytes(b"half")
    with pytest.warns(UserWarning, match="step-00000020"):
        resumed, history = run(30, saved(tmp_path))
    assert history.resumed_from == 10
    assert equal(unbroken, resumed)


def test_a_finished_run_is_not_run_again(tmp_path):
    first, history = run(20, saved(tmp_path))
    again, repeated = run(20, saved(tmp_path), evaluate=interrupt_at(1))
    assert equal(first, again)
    assert repeated.records == history.records
    assert repeated.step == repeated.resumed_from == 20


def test_evaluating_changes_nothing():
    often, history = run(30, every=1)
    never, _ = run(30, every=30, evaluate=None)
    assert equal(often, never)
    assert [record["step"] for record in history.records] == list(range(1, 31))


def test_epochs_and_data_sets():
    model = network()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.02)
    history = fit(
        model, optimizer, TensorDataset(X, Y), cross_entropy, epochs=40, batch_size=25, seed=0, evaluate=accuracy
    )
    assert history.step == 160
    assert [record["step"] for record in history.records] == list(range(4, 164, 4))
    assert history.last["accuracy"] > 0.9


def test_an_average_follows_every_step():
    model, follower = network(), []

    class Follower(nn.Module):
        def update_parameters(self, model):
            follower.append(model[0].weight[0, 0].item())

    fit(
        model,
        torch.optim.SGD(model.parameters(), lr=0.1),
        (X, Y),
        cross_entropy,
        steps=3,
        batch_size=9,
        seed=0,
        average=Follower(),
    )
    assert len(set(follower)) == 3
    assert follower[-1] == model[0].weight[0, 0].item()


def test_without_a_batch_size_a_step_takes_everything_as_it_is():
    """A graph, say: what is handed over is neither cut nor shuffled."""
    model, seen = nn.Linear(6, 3), []

    def loss(model, data):
        seen.append(data["labels"].tolist())
        return nn.functional.cross_entropy(model(data["inputs"]), data["labels"])

    history = fit(
        model,
        torch.optim.SGD(model.parameters(), lr=0.1),
        {"inputs": X, "labels": Y},
        loss,
        epochs=5,
        seed=0,
        evaluate=accuracy,
    )
    assert seen == [Y.tolist()] * 5
    assert [record["step"] for record in history.records] == [1, 2, 3, 4, 5]


def test_a_list_of_anything_needs_only_to_be_collated():
    model, texts = nn.Linear(1, 1), ["a", "bbb", "cc", "dddd"]
    lengths = []

    def loss(model, batch):
        lengths.extend(batch.flatten().tolist())
        return model(batch).square().mean()

    fit(
        model,
        torch.optim.SGD(model.parameters(), lr=0.01),
        texts,
        loss,
        epochs=1,
        batch_size=2,
        seed=0,
        collate=lambda some: torch.tensor([[float(len(text))] for text in some]),
    )
    assert sorted(lengths) == [1, 2, 3, 4]


def test_the_global_generators_are_left_as_they_were():
    def draws():  # Python's is left out: the type checks of the test run draw from it
        return np.random.rand(), torch.rand(1).item()  # noqa: NPY002

    seed_everything(5)
    due = draws()
    seed_everything(5)
    model = nn.Sequential(nn.Dropout(0.5), nn.Linear(6, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    seed_everything(5)
    fit(model, optimizer, (X, Y), cross_entropy, epochs=1, batch_size=10, seed=0)
    assert draws() == due


def test_the_best_record():
    history = History([{"step": 1, "loss": 3.0, "accuracy": 0.5}, {"step": 2, "loss": 1.0, "accuracy": 0.5}])
    assert history.best("loss")["step"] == 2
    assert history.best("accuracy", largest=True)["step"] == 1
    with pytest.raises(ValueError, match=r"'f1'; they have \['accuracy', 'loss', 'step'\]"):
        history.best("f1")


def test_a_function_may_say_when_to_stop(tmp_path):
    _, history = run(60, saved(tmp_path), stop=lambda record: record["step"] >= 14)
    assert (history.step, history.stopped_early) == (14, True)
    _, again = run(60, saved(tmp_path), stop=lambda record: record["step"] >= 14)
    assert (again.step, again.resumed_from, again.stopped_early) == (14, 14, True)


def test_early_stop_and_its_resumption(tmp_path):
    def stop():
        return EarlyStop("accuracy", patience=3, largest=True, margin=0.01)

    unbroken, history = run(2000, stop=stop())
    assert history.stopped_early
    assert history.step < 2000
    values = [record["accuracy"] for record in history.records]
    assert max(values[-3:]) <= max(values[:-3]) + 0.01
    with pytest.raises(Interrupted):
        run(2000, saved(tmp_path), stop=stop(), evaluate=interrupt_at(len(values) - 1))
    resumed, again = run(2000, saved(tmp_path), stop=stop())
    assert (again.step, again.stopped_early) == (history.step, True)
    assert equal(unbroken, resumed)
    _, finished = run(2000, saved(tmp_path), stop=stop())
    assert (finished.step, finished.resumed_from) == (history.step, history.step)


def test_early_stop_counts():
    stop = EarlyStop(patience=2, margin=0.1)
    assert [stop({"loss": value}) for value in (1.0, 0.95, 0.8, 0.79, 0.75, 0.9)] == [
        False,
        False,
        False,
        False,
        True,
        True,
    ]
    for wrong in ({"patience": 0}, {"margin": float("nan")}):
        with pytest.raises(ValueError, match="patience is 1 or more and margin 0 or more"):
            EarlyStop(**wrong)


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    run(10, saved(tmp_path))
    with pytest.raises(ValueError, match=r"made with \{'batch_size': 16\}, this run has \{'batch_size': 8\}"):
        run(20, saved(tmp_path), batch_size=8)
    with pytest.raises(ValueError, match=r"do not both have \['stop'\]"):
        run(20, saved(tmp_path), stop=EarlyStop())


@pytest.mark.parametrize("length", [{"steps": 3}, {"steps": None, "epochs": 1}])
def test_a_checkpoint_of_a_later_step_is_refused(tmp_path, length):
    run(12, saved(tmp_path))
    with pytest.raises(ValueError, match=r"is of step 12; .* step (3|6) at most.*another directory.*12 steps or more"):
        run(**{"steps": None, "checkpoints": Checkpoints(tmp_path), **length})
    assert Checkpoints(tmp_path).latest()[0] == 12


def test_an_unwritable_directory_is_noticed_before_the_first_step(tmp_path):
    (tmp_path / "file").write_text("")
    taken = []
    with pytest.raises(ValueError, match="directory of checkpoints"):
        run(5, Checkpoints(tmp_path / "file"), every=1, evaluate=lambda model: taken.append(1) or {})
    assert not taken


def test_a_loss_that_is_not_finite_ends_the_run(tmp_path):
    model = network()
    seen = []

    def loss(model, batch):
        seen.append(None)
        return cross_entropy(model, batch) * (float("nan") if len(seen) == 15 else 1.0)

    checkpoints = saved(tmp_path)
    with pytest.raises(FloatingPointError, match="no longer finite at step 20; lower the learning rate"):
        fit(
            model,
            torch.optim.SGD(model.parameters(), lr=0.1),
            (X, Y),
            loss,
            steps=50,
            batch_size=16,
            seed=0,
            every=50,
            checkpoints=checkpoints,
        )
    assert checkpoints.steps() == [10]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"steps": 5, "epochs": 1}, "either steps or epochs"),
        ({}, "either steps or epochs"),
        ({"steps": 0}, "at least 1; got steps=0"),
        ({"epochs": 0}, "at least 1; got steps=None, epochs=0"),
        ({"steps": 5, "clip": 0.0}, "clip are positive"),
        ({"steps": 5, "clip": float("nan")}, "clip are positive"),
        ({"steps": 5, "every": 0}, "every=0"),
        ({"steps": 5, "precision": "float16"}, "'full', 'bfloat16' or 'auto'; got 'float16'"),
        ({"steps": 5, "device": "cuda:77"}, "no device cuda:77"),
        ({"steps": 5, "batch_size": 101}, "100 examples do not make one batch of 101"),
        ({"steps": 5, "stop": EarlyStop("f1")}, r"no metric 'f1' to stop by; there are \['loss', 'step'\]"),
    ],
)
def test_refusals(options, says):
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(ValueError, match=says):
        fit(model, optimizer, (X, Y), cross_entropy, **{"batch_size": 16, "seed": 0, "every": 1, **options})


def test_a_loss_is_a_scalar():
    model = network()
    with pytest.raises(ValueError, match=r"scalar, the mean over the batch; got shape \(16, 3\)"):
        fit(
            model,
            torch.optim.SGD(model.parameters(), lr=0.1),
            (X, Y),
            lambda model, batch: model(batch[0]),
            steps=1,
            batch_size=16,
            seed=0,
        )


def test_silent_unless_it_has_a_title_and_a_terminal(monkeypatch, capfd):
    run(5, title="training")
    assert capfd.readouterr() == ("", "")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    run(5)
    assert capfd.readouterr() == ("", "")
    run(5, title="training")
    assert "training" in capfd.readouterr().err


def test_progress_on_a_terminal(monkeypatch, capfd):
    from paperwright.training import progress

    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    with progress("counting", 3) as show:
        show(1, "loss 0.5")
    assert "counting" in capfd.readouterr().err


def test_examples_run():
    from paperwright.training import loop, stopping

    assert not doctest.testmod(loop).failed
    assert not doctest.testmod(stopping).failed
