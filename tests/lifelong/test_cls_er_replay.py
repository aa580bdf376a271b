"""The baselines take the steps of their papers, written out here term by term."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss

from paperwright.blocks import ReservoirMemory
from paperwright.blocks.reference_networks import mlp
from paperwright.lifelong.cls_er import (
    AsymmetricReplay,
    ContinualLearner,
    DarkExperienceReplay,
    ExperienceReplay,
    FineTune,
    JointTraining,
)


def small() -> nn.Module:
    return mlp(6, (8,), 3, generator=torch.Generator().manual_seed(0))


def with_batch_norm() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))


def sgd(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=0.1)


def stream(steps: int):
    generator = torch.Generator().manual_seed(0)
    for _ in range(steps):
        yield torch.rand(5, 6, generator=generator), torch.randint(3, (5,), generator=generator)


def assert_same(first: nn.Module, second: nn.Module) -> None:
    for value, expected in zip(first.state_dict().values(), second.state_dict().values(), strict=True):
        torch.testing.assert_close(value, expected, rtol=1e-4, atol=1e-6)


def test_fine_tuning_is_plain_training():
    ours, reference = small(), small()
    learner, optimizer = FineTune(ours, sgd(ours)), sgd(reference)
    for x, y in stream(10):
        learner.observe(x, y)
        optimizer.zero_grad()
        cross_entropy(reference(x), y).backward()
        optimizer.step()
    assert_same(ours, reference)


@pytest.mark.parametrize("network", [small, with_batch_norm])
def test_experience_replay(network):
    ours, reference = network(), network()
    learner, optimizer = (
        ExperienceReplay(ours, sgd(ours), memory=ReservoirMemory(20, seed=1), replay_size=4),
        sgd(reference),
    )
    memory = ReservoirMemory(20, seed=1)
    for x, y in stream(20):
        learner.observe(x, y)
        inputs, labels = x, y
        if len(memory):
            replayed = memory.sample(4)
            inputs, labels = torch.cat((x, replayed["inputs"])), torch.cat((y, replayed["labels"]))
        optimizer.zero_grad()
        cross_entropy(reference(inputs), labels).backward()
        optimizer.step()
        memory.add(inputs=x, labels=y)
    assert_same(ours, reference)


@pytest.mark.parametrize("network", [small, with_batch_norm])
def test_dark_experience_replay(network):
    ours, reference = network(), network()
    learner = DarkExperienceReplay(
        ours, sgd(ours), memory=ReservoirMemory(20, seed=1), replay_size=4, alpha=0.3, beta=0.6
    )
    optimizer, memory = sgd(reference), ReservoirMemory(20, seed=1)
    for x, y in stream(20):
        learner.observe(x, y)
        optimizer.zero_grad()
        logits = reference(x)
        loss = cross_entropy(logits, y)
        if len(memory):
            first, second = memory.sample(4), memory.sample(4)
            loss = loss + 0.3 * mse_loss(reference(first["inputs"]), first["logits"])
            loss = loss + 0.6 * cross_entropy(reference(second["inputs"]), second["labels"])
        loss.backward()
        optimizer.step()
        memory.add(inputs=x, labels=y, logits=logits.detach())
    assert_same(ours, reference)
    torch.testing.assert_close(learner.memory.contents()["logits"], memory.contents()["logits"], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("network", [small, with_batch_norm])
def test_asymmetric_replay(network):
    """New samples move only the logits of classes in their batch; replayed ones move all."""
    ours, reference = network(), network()
    learner = AsymmetricReplay(ours, sgd(ours), memory=ReservoirMemory(20, seed=1), replay_size=4)
    optimizer, memory = sgd(reference), ReservoirMemory(20, seed=1)
    for x, y in stream(20):
        y = y.clamp(max=1)
        learner.observe(x, y)
        replayed = memory.sample(4) if len(memory) else None
        logits = reference(x if replayed is None else torch.cat((x, replayed["inputs"])))
        present = y.unique()
        loss = cross_entropy(logits[:5, present], torch.searchsorted(present, y))
        if replayed is not None:
            loss = loss + cross_entropy(logits[5:], replayed["labels"])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        memory.add(inputs=x, labels=y)
    assert_same(ours, reference)


def test_joint_training_is_training_from_the_start_on_everything():
    """Whole batches in a new order each pass, from the first weights and with an optimizer that remembers nothing."""
    passes: list[list[int]] = []

    class Watched(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = small()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if self.training:
                passes.append(x[:, 0].tolist())
            return self.inner(x)

    model = Watched()
    first, optimizer = small(), torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    learner = JointTraining(model, optimizer, batch_size=4, epochs=2, seed=3)
    seen = list(stream(5))
    for x, y in seen:
        learner.observe(x, y)
    learner.logits(x)
    once = [parameter.clone() for parameter in model.parameters()]
    assert [len(batch) for batch in passes] == [4] * 12
    marks = torch.cat([x[:, 0] for x, _ in seen]).tolist()
    for half in (passes[:6], passes[6:]):
        assert len({mark for batch in half for mark in batch} & set(marks)) == 24
    assert passes[:6] != passes[6:]

    x, y = (torch.cat(column) for column in zip(*seen, strict=True))
    reference = torch.optim.SGD(first.parameters(), lr=0.1, momentum=0.9)
    for batch in passes:
        chosen = torch.tensor([marks.index(mark) for mark in batch])
        reference.zero_grad()
        cross_entropy(first(x[chosen]), y[chosen]).backward()
        reference.step()
    for ours, theirs in zip(once, first.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_joint_training_trains_when_asked_after_new_data_only():
    model = small()
    learner = JointTraining(model, sgd(model), seed=0)
    (x, y), more = stream(2)
    learner.observe(x, y)
    once = learner.logits(x)
    assert torch.equal(learner.logits(x), once)
    learner.observe(*more)
    assert not torch.equal(learner.logits(x), once)


@pytest.mark.parametrize("kind", ["fine_tune", "er", "der++", "er_ace", "joint"])
def test_all_share_one_protocol(kind):
    model = small()
    learner: ContinualLearner = {
        "fine_tune": lambda: FineTune(model, sgd(model)),
        "er": lambda: ExperienceReplay(model, sgd(model), memory=ReservoirMemory(9, seed=0)),
        "der++": lambda: DarkExperienceReplay(model, sgd(model), memory=ReservoirMemory(9, seed=0)),
        "er_ace": lambda: AsymmetricReplay(model, sgd(model), memory=ReservoirMemory(9, seed=0)),
        "joint": lambda: JointTraining(model, sgd(model), seed=0),
    }[kind]()
    for x, y in stream(3):
        report = learner.observe(x, y)
    assert report.loss > 0
    assert int(learner.steps) == 3
    assert learner.predict(x).shape == (5,)
    assert learner(x).shape == (5, 3)
