"""The learner: reference figures, the authors' step transcribed, invariants, and resuming."""

import copy
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load, save
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss, one_hot, pad, softmax
from torch.optim.swa_utils import AveragedModel, update_bn

from paperwright.blocks import ReservoirMemory
from paperwright.blocks.reference_networks import mlp, resnet18
from paperwright.lifelong.cls_er import (
    CLSER,
    ContinualLearner,
    DarkExperienceReplay,
    ExperienceReplay,
    FineTune,
    JointTraining,
    RandomCropFlip,
    SemanticMemory,
)
from paperwright.lifelong.cls_er.cls_er import log_odds, surer_logits
from paperwright.lifelong.cls_er.learner import StepReport


def small(seed: int = 0) -> nn.Module:
    return mlp(6, (8,), 3, generator=torch.Generator().manual_seed(seed))


def with_batch_norm(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))


def learner(model: nn.Module | None = None, optimizer: torch.optim.Optimizer | None = None, **changed) -> CLSER:
    model = small() if model is None else model
    arguments = {
        "memory": ReservoirMemory(20, seed=1),
        "plastic": SemanticMemory(0.9, 0.9),
        "stable": SemanticMemory(0.95, 0.6),
        "consistency_weight": 0.7,
        "replay_size": 8,
        "seed": 5,
    }
    rate = changed.pop("learning_rate", 0.1)
    return CLSER(model, optimizer or torch.optim.SGD(model.parameters(), lr=rate), **arguments | changed)


def stream(steps: int, batch: int = 5, seed: int = 0):
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        yield torch.rand(batch, 6, generator=generator), torch.randint(3, (batch,), generator=generator)


def same(first: nn.Module, second: nn.Module) -> bool:
    ours, theirs = first.state_dict(), second.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


class TestChoiceOfMemory:
    stable = torch.tensor([[2.0, 0, 0], [0, 1, 0], [0, 0, 1]])
    plastic = torch.tensor([[1.0, 0, 0], [0, 3, 0], [0, 0, 1]])
    labels = torch.tensor([0, 1, 2])

    def test_hand_derivation(self):
        """Reference figure (a): stable, plastic, plastic by the tie; consistency with zero logits (4 + 9 + 1) / 9."""
        chosen, by_stable = surer_logits(self.plastic, self.stable, self.labels)
        assert by_stable.tolist() == [True, False, False]
        assert mse_loss(torch.zeros(3, 3), chosen).item() == pytest.approx(1.5555556, abs=1e-7)

    def test_confident_memories_are_told_apart(self):
        """Both probabilities, and both log-probabilities, round to the same float32 here."""
        stable, plastic = torch.tensor([[40.0, 0.0]]), torch.tensor([[30.0, 0.0]])
        label = torch.tensor([0])
        assert stable.log_softmax(1)[0, 0] == plastic.log_softmax(1)[0, 0] == 0
        assert surer_logits(plastic, stable, label)[1].tolist() == [True]

    @settings(max_examples=20, deadline=None)
    @given(st.integers(2, 6), st.integers(0, 2**32))
    def test_odds_order_as_probabilities_do(self, classes, seed):
        generator = torch.Generator().manual_seed(seed)
        first, second = torch.randn(2, 20, classes, generator=generator, dtype=torch.float64)
        labels = torch.randint(classes, (20,), generator=generator)
        probability = first.softmax(1).gather(1, labels[:, None])[:, 0]
        torch.testing.assert_close(log_odds(first, labels), torch.logit(probability))
        other = second.softmax(1).gather(1, labels[:, None])[:, 0]
        assert torch.equal(log_odds(first, labels) > log_odds(second, labels), probability > other)


class TestSemanticMemory:
    def test_warm_up(self):
        """Reference figure (b): a memory at 0 that follows a weight of 1 holds n / (n + 1) while n < 99."""
        model = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(model.weight)
        memory = SemanticMemory(0.99, 1.0, model)
        nn.init.ones_(model.weight)
        for n in range(1, 99):
            memory.update_parameters(model)
            assert memory.module.weight.item() == pytest.approx(n / (n + 1), rel=1e-5)
        before = memory.module.weight.item()
        for _ in range(2):
            memory.update_parameters(model)
        assert 1 - memory.module.weight.item() == pytest.approx((1 - before) * 0.99**2, rel=1e-4)

    def test_a_larger_warm_up_forgets_the_start_sooner(self):
        """Polynomial decay: for w = 3 the weight number t, from the start on, counts as (t + 1)(t + 2)."""
        model = nn.Linear(1, 1, bias=False).double()
        nn.init.zeros_(model.weight)
        memory = SemanticMemory(0.99, 1.0, model, warm_up=3.0)
        past = [0.0]
        for n in range(1, 40):
            past.append(float(n * n % 7))
            nn.init.constant_(model.weight, past[-1])
            memory.update_parameters(model)
            weights = [(t + 1) * (t + 2) for t in range(len(past))]
            due = sum(c * value for c, value in zip(weights, past, strict=True)) / sum(weights)
            assert memory.module.weight.item() == pytest.approx(due)

    def test_without_warm_up_the_decay_holds_from_the_start(self):
        assert SemanticMemory(0.9, warm_up=0.0).decay_at(1) == 0.9

    def test_half_precision_follows_as_full_precision_does(self):
        model = nn.Linear(1, 1, bias=False).bfloat16()
        nn.init.zeros_(model.weight)
        memory = SemanticMemory(0.9, 1.0, warm_up=0.0)  # in bfloat16 alone it would stop at 0.98
        memory.follow(model)
        nn.init.ones_(model.weight)
        for _ in range(150):
            memory.update_parameters(model)
        assert memory.module.weight.item() == 1

    def test_n_advances_whether_or_not_an_update_happens(self):
        model = nn.Linear(1, 1, bias=False)
        memory = SemanticMemory(0.99, 0.5, model, seed=0)
        for _ in range(400):
            memory.update_parameters(model)
        assert int(memory.n_averaged) == 400

    def test_updates_happen_at_the_rate(self):
        model = nn.Linear(1, 1, bias=False)
        memory = SemanticMemory(0.0, 0.3, model, seed=0)
        updates = 0
        for step in range(2000):
            nn.init.constant_(model.weight, step + 10)
            memory.update_parameters(model)
            updates += memory.module.weight.item() == step + 10
        assert updates == pytest.approx(600, abs=5 * (2000 * 0.21) ** 0.5)

    def test_rate_zero_leaves_it_untouched_and_decay_zero_copies(self):
        untouched, copied = SemanticMemory(0.9, 0.0), SemanticMemory(0.0, 1.0)
        each = learner(plastic=copied, stable=untouched)
        start = copy.deepcopy(each.working)
        for x, y in stream(12):
            each.observe(x, y)
            assert same(copied.module, each.working)
        assert same(untouched.module, start)
        assert not same(each.working, start)

    def test_torchs_tools_work_on_it(self):
        memory = SemanticMemory(0.9, 1.0, with_batch_norm())
        assert isinstance(memory, AveragedModel)
        update_bn([torch.randn(16, 6), torch.randn(16, 6)], memory)
        assert int(memory.module[1].num_batches_tracked) == 2


def official_step(reference: dict, x, y, weight, decays, rates, coins) -> None:
    """The step of the authors' code, term by term, on given replayed samples and coins."""
    net, plastic, stable, optimizer = (reference[key] for key in ("net", "plastic", "stable", "optimizer"))
    optimizer.zero_grad()
    loss, inputs, labels = 0.0, x, y
    if reference["replayed"] is not None:
        x_m, y_m = reference["replayed"]
        stable_logits, plastic_logits = stable(x_m), plastic(x_m)
        mask = one_hot(y_m, 3) > 0
        surer = softmax(stable_logits, 1)[mask] > softmax(plastic_logits, 1)[mask]
        teacher = torch.where(surer[:, None], stable_logits, plastic_logits).detach()
        loss = weight * torch.mean((net(x_m) - teacher) ** 2)
        inputs, labels = torch.cat((x, x_m)), torch.cat((y, y_m))
    loss = loss + cross_entropy(net(inputs), labels)
    loss.backward()
    optimizer.step()
    reference["step"] += 1
    for slow, decay, rate, coin in zip((plastic, stable), decays, rates, coins, strict=True):
        if coin < rate:
            alpha = min(1 - 1 / (reference["step"] + 1), decay)
            for average, parameter in zip(slow.parameters(), net.parameters(), strict=True):
                average.data.mul_(alpha).add_(parameter.data, alpha=1 - alpha)


@pytest.mark.parametrize("network", [small, with_batch_norm])
def test_it_takes_the_authors_step(network):
    """With the same draws, weights and running statistics agree with the transcription, with batch norm and without."""
    ours = learner(network(), learning_rate=0.05)
    net = network()
    reference = {
        "net": net,
        "plastic": copy.deepcopy(net),
        "stable": copy.deepcopy(net),
        "optimizer": torch.optim.SGD(net.parameters(), lr=0.05),
        "replayed": None,
        "step": 0,
    }
    memory = ReservoirMemory(20, seed=1)
    draws = [copy.deepcopy(slow.random) for slow in (ours.plastic, ours.stable)]
    for x, y in stream(30):
        ours.observe(x, y)
        if len(memory):
            sample = memory.sample(8)
            reference["replayed"] = sample["inputs"], sample["labels"]
        coins = [float(torch.rand((), generator=draw.generator)) for draw in draws]
        official_step(reference, x, y, 0.7, (0.9, 0.95), (0.9, 0.6), coins)
        memory.add(inputs=x, labels=y)
    for module, name in ((ours.working, "net"), (ours.plastic.module, "plastic"), (ours.stable.module, "stable")):
        for (key, value), expected in zip(
            module.state_dict().items(), reference[name].state_dict().values(), strict=True
        ):
            torch.testing.assert_close(value, expected, rtol=1e-4, atol=1e-5, msg=f"{name} {key}")


class Centred(nn.Module):
    """Subtracts the mean over the batch: it mixes samples, and is no batch norm of torch."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x - x.mean(0)


def test_a_layer_that_mixes_the_batch_can_be_told_of():
    """The consistency of the second step is that of the replayed samples passed alone."""

    def mixing() -> nn.Module:
        return nn.Sequential(Centred(), small())

    batches = list(stream(2))
    together, alone = learner(mixing()), learner(mixing(), one_pass=False)
    for each in (together, alone):
        each.observe(*batches[0])
    x_m = copy.deepcopy(alone.memory).sample(8)
    teacher, _ = alone.recall(x_m["inputs"], x_m["labels"])
    due = mse_loss(alone.working(x_m["inputs"]), teacher).item()
    assert alone.observe(*batches[1]).consistency == pytest.approx(due)
    assert together.observe(*batches[1]).consistency != pytest.approx(due, rel=1e-3)


def test_without_consistency_the_working_model_is_experience_replay():
    ours = learner(consistency_weight=0.0)
    model = small()
    replay = ExperienceReplay(
        model, torch.optim.SGD(model.parameters(), lr=0.1), memory=ReservoirMemory(20, seed=1), replay_size=8
    )
    for x, y in stream(30):
        ours.observe(x, y)
        replay.observe(x, y)
    assert same(ours.working, replay.working)


@settings(max_examples=10, deadline=None)
@given(st.floats(0, 0.999), st.floats(0, 1), st.integers(0, 1000))
def test_memories_stay_within_the_range_of_past_weights(decay, rate, seed):
    each = learner(stable=SemanticMemory(decay, rate), seed=seed)
    low = [parameter.detach().clone() for parameter in each.working.parameters()]
    high = [value.clone() for value in low]
    for x, y in stream(10, seed=seed):
        each.observe(x, y)
        for index, parameter in enumerate(each.working.parameters()):
            low[index] = low[index].minimum(parameter.detach())
            high[index] = high[index].maximum(parameter.detach())
        for value, least, most in zip(each.stable.module.parameters(), low, high, strict=True):
            assert bool(((value >= least - 1e-6) & (value <= most + 1e-6)).all())


def test_gradients_never_reach_the_memories():
    each = learner(with_batch_norm())
    for x, y in stream(5):
        each.observe(x, y)
    slow = [*each.plastic.parameters(), *each.stable.parameters()]
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in slow)
    assert all(parameter.grad is not None for parameter in each.working.parameters())


def test_a_batch_never_replays_itself():
    each = learner()
    x, y = next(stream(1))
    report = each.observe(x, y)
    assert report.consistency == report.share_stable == 0
    assert report.loss == report.cross_entropy == pytest.approx(cross_entropy(small()(x), y).item())
    assert each.memory.seen == 5


def test_the_report_is_the_loss():
    each = learner()
    for x, y in stream(6):
        report = each.observe(x, y)
    assert isinstance(report, StepReport)
    assert report.loss == pytest.approx(report.cross_entropy + 0.7 * report.consistency)
    assert 0 <= report.share_stable <= 1


def test_the_same_seed_gives_the_same_run():
    first, second, other = learner(), learner(), learner(seed=6)
    for x, y in stream(20):
        for each in (first, second, other):
            each.observe(x, y)
    assert same(first, second)
    assert not same(first.stable, other.stable)


@pytest.mark.parametrize("network", [small, with_batch_norm])
@pytest.mark.parametrize("way", ["safetensors", "pickle", "deepcopy"])
def test_a_killed_run_goes_on_bit_for_bit(network, way):
    augment = nn.Sequential(nn.Unflatten(1, (1, 2, 3)), RandomCropFlip(1, seed=0), nn.Flatten())
    whole = learner(network(), augment=augment)
    steps = list(stream(24))
    for x, y in steps[:12]:
        whole.observe(x, y)
    if way == "safetensors":
        other = nn.Sequential(nn.Unflatten(1, (1, 2, 3)), RandomCropFlip(1, seed=7), nn.Flatten())
        resumed = learner(network(3), augment=other, seed=99, memory=ReservoirMemory(20, seed=50))
        resumed.load_state_dict(load(save(whole.state_dict())))
    else:
        resumed = copy.deepcopy(whole) if way == "deepcopy" else pickle.loads(pickle.dumps(whole))
    for x, y in steps[12:]:
        assert whole.observe(x, y) == resumed.observe(x, y)
    assert same(whole, resumed)
    x = steps[0][0]
    assert torch.equal(whole.logits(x), resumed.logits(x))


def test_the_stable_memory_answers_in_evaluation_mode():
    each = learner(with_batch_norm())
    for x, y in stream(5):
        each.observe(x, y)
    before = copy.deepcopy(each.state_dict())
    logits = each.logits(x)
    assert each.training
    assert each.stable.training
    assert all(torch.equal(value, before[name]) for name, value in each.state_dict().items())
    each.eval()
    assert torch.equal(each(x), logits)
    assert torch.equal(each.predict(x), logits.argmax(1))
    assert torch.equal(each.stable.module(x), logits)
    each.observe(x, y)
    assert each.training


@pytest.mark.parametrize("statistics", ["own", "average", "working", "recalibrate"])
def test_running_statistics(statistics):
    each = learner(with_batch_norm(), statistics=statistics, stable=SemanticMemory(0.5, 1.0))
    for x, y in stream(8):
        each.observe(x, y)
    norm, working = each.stable.module[1], each.working[1]
    if statistics in ("own", "recalibrate"):
        assert int(norm.num_batches_tracked) == 7  # one pass a step, once there was something to replay
    if statistics == "working":
        assert torch.equal(norm.running_mean, working.running_mean)
    if statistics == "average":
        assert not torch.equal(norm.running_mean, working.running_mean)
        assert bool((norm.running_mean - working.running_mean).abs().max() < 0.5)
    if statistics == "recalibrate":
        each.logits(x)
        hidden = each.stable.module[0](each.memory.contents()["inputs"]).detach()
        torch.testing.assert_close(norm.running_mean, hidden.mean(0))


def test_what_is_stored_may_differ_from_what_is_learned_from():
    each = learner()
    x, y = next(stream(1))
    each.observe(x, y, stored=x * 0)
    assert float(each.memory.contents()["inputs"].abs().sum()) == 0


def test_replayed_samples_are_augmented_afresh():
    seen = []
    each = learner(augment=lambda x: seen.append(x) or x * 0)
    for x, y in stream(4):
        each.observe(x, y)
    assert [len(x) for x in seen] == [5, 8, 8]


@pytest.mark.parametrize("kind", ["cls_er", "er", "der++"])
def test_a_loop_of_ones_own_takes_the_same_steps(kind):
    """`losses` and `remember` are what `observe` does but for the step, which a gradient scaler may take."""
    ours, theirs = (grown_learner(kind, torch.optim.SGD) for _ in range(2))
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    for x, y in stream(12):
        ours.observe(x, y)
        losses = theirs.losses(x, y)
        theirs.optimizer.zero_grad()
        scaler.scale(losses.loss).backward()
        scaler.step(theirs.optimizer)
        scaler.update()
        theirs.remember(x, y)
    assert int(theirs.steps) == 12
    for value, expected in zip(theirs.state_dict().values(), ours.state_dict().values(), strict=True):
        torch.testing.assert_close(value, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["cls_er", "er", "der++"])
def test_autocast_may_come_and_go(kind):
    each = grown_learner(kind, torch.optim.SGD)
    for number, (x, y) in enumerate(stream(8)):
        with torch.autocast("cpu", torch.bfloat16, enabled=number % 2 == 0):
            report = each.observe(x, y)
    assert report.loss < 2
    assert {column.dtype for column in each.memory.contents().values()} == {torch.float32, torch.int64}


def test_confident_memories_are_told_apart_in_half_precision():
    """In bfloat16 the log-odds of both would round to 40."""
    plastic, stable = (torch.tensor([[40.0, low, low]], dtype=torch.bfloat16) for low in (0.0, -0.03))
    assert surer_logits(plastic, stable, torch.tensor([0]))[1].tolist() == [True]


def test_it_learns_with_other_optimizers():
    model = small()
    each = CLSER(
        model,
        torch.optim.Adam(model.parameters(), lr=0.01),
        memory=ReservoirMemory(20, seed=0),
        plastic=SemanticMemory(0.9),
        stable=SemanticMemory(0.9),
        seed=0,
    )
    x = torch.eye(3).repeat(1, 2)
    losses = [each.observe(x, torch.arange(3)).loss for _ in range(60)]
    assert losses[-1] < losses[0] / 2
    assert each.predict(x).tolist() == [0, 1, 2]


def test_a_residual_network_takes_a_step():
    model = resnet18(width=4)
    each = CLSER(
        model,
        torch.optim.SGD(model.parameters(), lr=0.01),
        memory=ReservoirMemory(8, seed=0, storage={"inputs": torch.uint8}),
        plastic=SemanticMemory(0.999, 0.9),
        stable=SemanticMemory(0.999, 0.1),
        augment=RandomCropFlip(seed=0),
        replay_size=4,
        seed=0,
    )
    for _ in range(2):
        report = each.observe(torch.randint(256, (4, 3, 32, 32)) / 255, torch.randint(10, (4,)))
    assert report.consistency > 0


class TestRandomCropFlip:
    def test_windows_and_flips(self):
        """Every output is one of the (2p + 1)² · 2 windows of its own input, and all of them come."""
        image = torch.arange(1.0, 10.0).reshape(1, 1, 3, 3)
        padded = pad(image, [1] * 4)
        windows = [padded[0, 0, i : i + 3, j : j + 3] for i in range(3) for j in range(3)]
        possible = {tuple(w.flatten().tolist()) for window in windows for w in (window, window.flip(1))}
        seen = {tuple(x.flatten().tolist()) for x in RandomCropFlip(1, seed=0)(image.expand(2000, -1, -1, -1))}
        assert seen == possible
        assert len(possible) == 18

    def test_images_draw_for_themselves(self):
        x = torch.rand(1, 3, 8, 8).expand(16, -1, -1, -1)
        assert len({float(image.sum()) for image in RandomCropFlip(4, seed=0)(x)}) > 8

    def test_nothing_to_do(self):
        x = torch.rand(4, 3, 8, 8)
        assert torch.equal(RandomCropFlip(0, 0.0, seed=0)(x), x)


def grown_learner(kind: str, optimizer: type, classes: int = 3) -> ContinualLearner:
    model = mlp(6, (8,), classes, generator=torch.Generator().manual_seed(0))
    held = optimizer(model.parameters(), lr=0.05)
    return {
        "cls_er": lambda: learner(model, held),
        "er": lambda: ExperienceReplay(model, held, memory=ReservoirMemory(20, seed=1)),
        "der++": lambda: DarkExperienceReplay(model, held, memory=ReservoirMemory(20, seed=1), alpha=1.0),
        "fine_tune": lambda: FineTune(model, held),
        "joint": lambda: JointTraining(model, held, batch_size=3, seed=0),
    }[kind]()


def momentum(parameters, lr: float) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, lr=lr, momentum=0.9)


class TestGrowingHead:
    @pytest.mark.parametrize(
        ("kind", "optimizer"),
        [("cls_er", torch.optim.SGD), ("cls_er", torch.optim.Adam)]
        + [(kind, momentum) for kind in ("cls_er", "er", "der++", "fine_tune", "joint")],
    )
    def test_new_classes_are_learned_in_mid_stream(self, kind, optimizer):
        """Old outputs are as they were, new ones alike in all networks, and the run goes on with the classes added."""
        each = grown_learner(kind, optimizer)
        x, y = 4 * torch.eye(6), torch.arange(6)
        for _ in range(20):
            each.observe(x[:3], y[:3])
        before = [each.logits(x, network) for network in each.networks]
        each.grow(6, seed=4)
        for network, old in zip(each.networks, before, strict=True):
            logits = each.logits(x, network)
            assert logits.shape == (6, 6)
            torch.testing.assert_close(logits[:, :3], old)
        new = [network[-1].weight[3:] for network in each.networks]
        assert all(torch.equal(rows, new[0]) for rows in new)
        assert bool(new[0].std() > 0.1)
        for _ in range(60):
            each.observe(x[3:], y[3:])
        assert each.predict(x)[3:].tolist() == [3, 4, 5]

    def test_the_optimizer_keeps_what_it_knew_of_old_rows(self):
        each = grown_learner("cls_er", torch.optim.Adam)
        for x, y in stream(5):
            each.observe(x, y)
        head = each.working[-1].weight
        before = {name: value.clone() for name, value in each.optimizer.state[head].items()}
        each.grow(5, seed=0)
        assert each.working[-1].weight is head
        after = each.optimizer.state[head]
        assert torch.equal(after["step"], before["step"])
        for name in ("exp_avg", "exp_avg_sq"):
            assert torch.equal(after[name][:3], before[name])
            assert not after[name][3:].any()

    def test_growing_is_starting_with_room_where_nothing_was_learned_yet(self):
        small_head, large_head = (grown_learner("cls_er", torch.optim.SGD, classes) for classes in (3, 5))
        small_head.grow(5, seed=0)
        large_head.working.load_state_dict(small_head.working.state_dict())
        for slow in (large_head.plastic, large_head.stable):
            slow.module.load_state_dict(small_head.working.state_dict())
        for x, y in stream(10):
            assert small_head.observe(x, y) == large_head.observe(x, y)
        assert same(small_head, large_head)

    def test_stored_logits_ask_nothing_of_new_outputs(self):
        each = grown_learner("der++", torch.optim.SGD)
        for x, y in stream(4):
            each.observe(x, y)
        each.grow(5, seed=0)
        each.optimizer.param_groups[0]["lr"] = 0.0
        old = copy.deepcopy(each.memory).sample(32)
        report = each.observe(x, y)
        logits = each.working(old["inputs"])[:, :3]
        due = mse_loss(logits, old["logits"][:, :3]).item() * 3 / 5
        assert report.consistency == pytest.approx(due)

    def test_a_half_precision_average_grows_with_its_remainders(self):
        model = nn.Linear(6, 3).bfloat16()
        slow = [SemanticMemory(0.999, 1.0, warm_up=0.0) for _ in range(2)]
        each = CLSER(
            model,
            torch.optim.SGD(model.parameters(), lr=0.1),
            memory=ReservoirMemory(20, seed=0),
            plastic=slow[0],
            stable=slow[1],
            seed=0,
        )
        for x, y in stream(3):
            each.observe(x.bfloat16(), y)
        each.grow(4, seed=0)
        for x, y in stream(3):
            each.observe(x.bfloat16(), y + 1)
        assert each.predict(x.bfloat16()).max() <= 3

    def test_a_grown_run_goes_on_bit_for_bit(self):
        whole = learner()
        for x, y in stream(5):
            whole.observe(x, y)
        whole.grow(4, seed=0)
        resumed = learner(small(3), seed=99, memory=ReservoirMemory(20, seed=50))
        resumed.grow(4)
        resumed.load_state_dict(load(save(whole.state_dict())))
        for x, y in stream(5, seed=1):
            assert whole.observe(x, y + 1) == resumed.observe(x, y + 1)
        assert same(whole, resumed)

    def test_the_head_may_stand_first_and_its_optimizer_may_share_state_between_rows(self):
        class HeadFirst(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.head, self.body = nn.Linear(8, 3), nn.Linear(6, 8)

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return self.head(self.body(x).relu())

        model = HeadFirst()
        each = learner(model, torch.optim.Adafactor(model.parameters(), lr=0.01))
        for x, y in stream(3):
            each.observe(x, y)
        each.grow(5, seed=0)
        for x, y in stream(3):
            each.observe(x, y + 2)
        assert each.logits(x).shape == (5, 5)
        assert model.body.out_features == 8

    def test_refusals(self):
        with pytest.raises(ValueError, match="classes is 2; expected at least the 3 that there are"):
            learner().grow(2)
        model = nn.Conv1d(1, 1, 1)
        with pytest.raises(ValueError, match=r"Conv1d without a torch\.nn\.Linear"):
            FineTune(model, torch.optim.SGD(model.parameters(), lr=0.1)).grow(2)
