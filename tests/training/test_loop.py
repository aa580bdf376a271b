"""The loop: what it computes, and that stopping and going on changes nothing."""

import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import TensorDataset

from paperwright.training import Batches, Checkpoints, EarlyStop, fit, seed_everything

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


def run(steps, checkpoints=None, *, optimizer=torch.optim.AdamW, scheduler=None, stop=None, **options):
    model = network()
    optimizer = optimizer(model.parameters(), lr=0.01)
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9), use_buffers=True)
    chosen = {"batch_size": 16, "seed": 3, "every": 7, "save_every": 10, "device": "cpu", "clip": 1.0}
    chosen["evaluate"] = accuracy
    history = fit(
        model,
        optimizer,
        (X, Y),
        cross_entropy,
        steps=steps,
        scheduler=scheduler(optimizer) if scheduler else None,
        averages={"ema": average},
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

    from paperwright.training.randomness import derived_seed

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
        run(45, Checkpoints(tmp_path), evaluate=interrupt_at(5), **options)
    resumed, again = run(45, Checkpoints(tmp_path), **options)
    assert again.resumed_from == 30
    assert equal(unbroken, resumed)
    assert again.records == history.records


@pytest.mark.parametrize("options", [{"accumulate": 2}, {"precision": "bfloat16"}, {"clip": None, "every": 1}])
def test_resumes_bit_for_bit_with(tmp_path, options):
    unbroken, _ = run(30, **options)
    run(20, Checkpoints(tmp_path), **options)  # a run that was to be shorter
    resumed, history = run(30, Checkpoints(tmp_path), **options)
    assert history.resumed_from == 20
    assert equal(unbroken, resumed)


def test_goes_back_past_a_damaged_checkpoint(tmp_path):
    unbroken, _ = run(30)
    run(20, Checkpoints(tmp_path))
    (tmp_path / "step-00000020" / "tensors.safetensors").write_bytes(b"half")
    with pytest.warns(UserWarning, match="step-00000020"):
        resumed, history = run(30, Checkpoints(tmp_path))
    assert history.resumed_from == 10
    assert equal(unbroken, resumed)


def test_a_finished_run_is_not_run_again(tmp_path):
    first, history = run(20, Checkpoints(tmp_path))
    again, repeated = run(20, Checkpoints(tmp_path), evaluate=interrupt_at(1))
    assert equal(first, again)
    assert repeated.records == history.records
    assert repeated.step == repeated.resumed_from == 20


def test_evaluating_changes_nothing():
    often, history = run(30, every=1)
    never, _ = run(30, every=30, evaluate=None)
    assert equal(often, never)
    assert [record["step"] for record in history.records] == list(range(1, 31))


def test_accumulation_is_a_larger_batch():
    def train(**options):
        model = nn.Linear(6, 3, dtype=torch.float64)
        nn.init.zeros_(model.weight), nn.init.zeros_(model.bias)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
        history = fit(
            model, optimizer, (X.double()[:96], Y[:96]), cross_entropy, steps=30, seed=0, device="cpu", **options
        )
        return model.weight.detach(), history.last["loss"]

    (large, loss), (small, again) = train(batch_size=32), train(batch_size=8, accumulate=4)
    torch.testing.assert_close(large, small, rtol=1e-12, atol=1e-14)
    assert loss == pytest.approx(again, rel=1e-5)


def test_epochs_and_data_sets():
    model = network()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.02)
    history = fit(
        model, optimizer, TensorDataset(X, Y), cross_entropy, epochs=40, batch_size=25, seed=0, evaluate=accuracy
    )
    assert history.step == 160
    assert [record["step"] for record in history.records] == list(range(4, 164, 4))
    assert history.last["accuracy"] > 0.9


def test_early_stop_and_its_resumption(tmp_path):
    def stop():
        return EarlyStop("accuracy", patience=3, largest=True, margin=0.01)

    unbroken, history = run(2000, stop=stop())
    assert history.stopped_early
    assert history.step < 2000
    values = [record["accuracy"] for record in history.records]
    assert max(values[-3:]) <= max(values[:-3]) + 0.01
    with pytest.raises(Interrupted):
        run(2000, Checkpoints(tmp_path), stop=stop(), evaluate=interrupt_at(len(values) - 1))
    resumed, again = run(2000, Checkpoints(tmp_path), stop=stop())
    assert (again.step, again.stopped_early) == (history.step, True)
    assert equal(unbroken, resumed)
    _, finished = run(2000, Checkpoints(tmp_path), stop=stop())
    assert (finished.step, finished.resumed_from) == (history.step, history.step)


def test_early_stop_counts():
    stop = EarlyStop(patience=2, margin=0.1)
    assert [stop.update(value) for value in (1.0, 0.95, 0.8, 0.79, 0.75, 0.9)] == [
        False,
        False,
        False,
        False,
        True,
        True,
    ]
    with pytest.raises(ValueError, match="patience=0"):
        EarlyStop(patience=0)


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    run(10, Checkpoints(tmp_path))
    with pytest.raises(ValueError, match=r"made with \{'batch_size': 16\}, this run has \{'batch_size': 8\}"):
        run(20, Checkpoints(tmp_path), batch_size=8)
    with pytest.raises(ValueError, match=r"do not both have \['stop'\]"):
        run(20, Checkpoints(tmp_path), stop=EarlyStop())


@pytest.mark.parametrize("length", [{"steps": 3}, {"steps": None, "epochs": 1}])
def test_a_checkpoint_of_a_later_step_is_refused(tmp_path, length):
    run(12, Checkpoints(tmp_path))
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

    checkpoints = Checkpoints(tmp_path)
    with pytest.raises(ValueError, match="no longer finite at step 20; lower the learning rate"):
        fit(
            model,
            torch.optim.SGD(model.parameters(), lr=0.1),
            (X, Y),
            loss,
            steps=50,
            batch_size=16,
            seed=0,
            save_every=10,
            every=50,
            checkpoints=checkpoints,
        )
    assert checkpoints.steps() == [10]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"steps": 5, "epochs": 1}, "either steps or epochs"),
        ({}, "either steps or epochs"),
        ({"steps": 0}, "are positive; got 0 steps"),
        ({"steps": 5, "clip": 0.0}, "clip are positive"),
        ({"steps": 5, "accumulate": 0}, "accumulate=0"),
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


def test_silent_without_a_terminal(capfd):
    run(5)
    assert capfd.readouterr() == ("", "")


def test_progress_on_a_terminal(monkeypatch, capfd):
    from paperwright.training import progress

    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    with progress("counting", 3) as show:
        show(1, "loss 0.5")
    assert "counting" in capfd.readouterr().err
