"""CLS-ER's step beside the official one and beside replay; the averaging of weights; growth with memory and replay.

The official repository needs torchvision and old versions of torch, so that its step, and that of experience replay in
mammoth, are transcribed here literally: graphs built for the memories, two passes of the working model, a reservoir
filled by a loop, replayed samples copied to the CPU one by one.
"""

import copy
import itertools

import numpy as np
import torch
from harness import Benchmark, main
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss, one_hot, softmax
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from paperwright.blocks import ExponentialMovingAverage, ReservoirMemory
from paperwright.blocks.reference_networks import mlp
from paperwright.lifelong.cls_er import CLSER, ExperienceReplay, SemanticMemory

torch.set_num_threads(1)

SAMPLES = 4096
BATCH = 10
REPLAY = 32
WARM = 60


class Buffer:
    """Mammoth's memory: filled sample by sample, read sample by sample."""

    def __init__(self, size: int) -> None:
        self.size, self.seen = size, 0
        self.x = self.y = None

    def add(self, x: torch.Tensor, y: torch.Tensor) -> None:
        if self.x is None:
            self.x = torch.zeros((self.size, *x.shape[1:]))
            self.y = torch.zeros(self.size, dtype=torch.int64)
        for i in range(len(x)):
            index = self.seen if self.seen < self.size else np.random.randint(0, self.seen + 1)  # noqa: NPY002
            self.seen += 1
            if index < self.size:
                self.x[index], self.y[index] = x[i], y[i]

    def get(self, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        held = min(self.seen, self.size)
        chosen = np.random.choice(held, size=min(size, held), replace=False)  # noqa: NPY002
        return torch.stack([sample.cpu() for sample in self.x[chosen]]), self.y[chosen]


class OfficialReplay:
    """The step of experience replay in mammoth."""

    def __init__(self, net: nn.Module, memory: int, replay: int) -> None:
        self.net, self.buffer, self.replay = net, Buffer(memory), replay
        self.opt = torch.optim.SGD(net.parameters(), lr=0.1)

    def observe(self, x: torch.Tensor, y: torch.Tensor) -> float:
        stored, count = x, len(x)
        self.opt.zero_grad()
        if self.buffer.seen:
            x_m, y_m = self.buffer.get(self.replay)
            x, y = torch.cat((x, x_m)), torch.cat((y, y_m))
        loss = cross_entropy(self.net(x), y)
        loss.backward()
        self.opt.step()
        self.buffer.add(stored, y[:count])
        return loss.item()


class OfficialStep(OfficialReplay):
    """The step of the official CLS-ER."""

    def __init__(self, net: nn.Module, memory: int, replay: int) -> None:
        super().__init__(net, memory, replay)
        self.plastic, self.stable, self.step = copy.deepcopy(net), copy.deepcopy(net), 0

    def observe(self, x: torch.Tensor, y: torch.Tensor) -> float:
        stored, count, loss = x, len(x), 0
        self.opt.zero_grad()
        if self.buffer.seen:
            x_m, y_m = self.buffer.get(self.replay)
            stable, plastic = self.stable(x_m), self.plastic(x_m)
            mask = one_hot(y_m, num_classes=stable.shape[-1]) > 0
            surer = (softmax(stable, 1)[mask] > softmax(plastic, 1)[mask]).unsqueeze(1)
            teacher = torch.where(surer, stable, plastic)
            consistency = torch.mean(mse_loss(self.net(x_m), teacher.detach(), reduction="none"))
            loss = loss + 2.0 * consistency
            x, y = torch.cat((x, x_m)), torch.cat((y, y_m))
        loss = loss + cross_entropy(self.net(x), y)
        loss.backward()
        self.opt.step()
        self.buffer.add(stored, y[:count])
        self.step += 1
        for average, rate in ((self.plastic, 1.0), (self.stable, 0.9)):
            if torch.rand(1) < rate:
                alpha = min(1 - 1 / (self.step + 1), 0.99)
                for slow, fast in zip(average.parameters(), self.net.parameters(), strict=True):
                    slow.data.mul_(alpha).add_(fast.data, alpha=1 - alpha)
        return loss.item()


def network() -> nn.Module:
    return mlp(generator=torch.Generator().manual_seed(0))


def our_step(memory: int, replay: int, storage=None) -> CLSER:
    model = network()
    return CLSER(
        model,
        torch.optim.SGD(model.parameters(), lr=0.1),
        memory=ReservoirMemory(memory, seed=0, storage=storage),
        plastic=SemanticMemory(0.99, 1.0),
        stable=SemanticMemory(0.99, 0.9),
        consistency_weight=2.0,
        replay_size=replay,
        seed=0,
    )


def our_replay(memory: int, replay: int) -> ExperienceReplay:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return ExperienceReplay(model, optimizer, memory=ReservoirMemory(memory, seed=0), replay_size=replay)


def stepper(learner, batch: int, fill: int = 0):
    """A call that takes one step on the next batch; the memory is full, and the stream well past its beginning."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(0, 256, (SAMPLES, 784), generator=generator) / 255
    y = torch.randint(10, (SAMPLES,), generator=generator)
    if fill:
        memory = learner.memory if hasattr(learner, "memory") else learner.buffer
        add = memory.add if isinstance(memory, Buffer) else lambda x, y: memory.add(inputs=x, labels=y)
        for first in range(0, fill, SAMPLES):
            add(x[: fill - first], y[: fill - first])
    batches = itertools.cycle(zip(x.split(batch)[:-1], y.split(batch)[:-1], strict=True))
    for _ in range(WARM):
        learner.observe(*next(batches))
    return lambda: learner.observe(*next(batches))


step = Benchmark("cls_er", "one step: batch 10, memory 500, by size of replay", unit="replayed samples")
step.contender("paperwright", ours=True)(lambda replay: stepper(our_step(500, replay), BATCH, 1000))
step.contender("paperwright, memory of bytes")(
    lambda replay: stepper(our_step(500, replay, {"inputs": torch.uint8}), BATCH, 1000)
)
step.contender("official step, transcribed")(lambda replay: stepper(OfficialStep(network(), 500, replay), BATCH, 1000))
step.contender("paperwright ER")(lambda replay: stepper(our_replay(500, replay), BATCH, 1000))
step.contender("mammoth ER, transcribed")(lambda replay: stepper(OfficialReplay(network(), 500, replay), BATCH, 1000))
step.sizes([8, 16, 32, 64, 128], quick=[32])
step.aim(over="official step, transcribed", times=2, size=32)
step.aim(over="paperwright ER", times=1 / 1.35, size=32)  # at most 1.35 of ER's step, at equal replay

large = Benchmark("cls_er", "one step: as many new samples as replayed ones, memory 500", unit="samples")
large.contender("paperwright", ours=True)(lambda size: stepper(our_step(500, size), size, 1000))
large.contender("official step, transcribed")(lambda size: stepper(OfficialStep(network(), 500, size), size, 1000))
large.contender("paperwright ER")(lambda size: stepper(our_replay(500, size), size, 1000))
large.contender("mammoth ER, transcribed")(lambda size: stepper(OfficialReplay(network(), 500, size), size, 1000))
large.sizes([128], quick=[128])
large.aim(over="official step, transcribed", times=2)
large.aim(over="paperwright ER", times=1 / 1.35)

memory = Benchmark("cls_er", "one step: batch 10, replay 32, by size of memory", unit="samples held")
memory.contender("paperwright", ours=True)(lambda size: stepper(our_step(size, REPLAY), BATCH, 2 * size))
memory.contender("official step, transcribed", max_size=20_000)(
    lambda size: stepper(OfficialStep(network(), size, REPLAY), BATCH, 2 * size)
)
memory.sizes([200, 2_000, 20_000, 100_000], quick=[200])

averaging = Benchmark("cls_er", "one averaging of weights, by width of two hidden layers", unit="hidden units")


def following(make):
    def prepare(width: int):
        model = mlp(hidden=(width, width), generator=torch.Generator().manual_seed(0))
        average = make(model)
        average.update_parameters(model)
        return lambda: average.update_parameters(model)

    return prepare


averaging.contender("paperwright", ours=True)(following(lambda model: SemanticMemory(0.99, 1.0, model)))
averaging.contender("paperwright's block")(following(lambda model: ExponentialMovingAverage(model, 0.99)))
averaging.contender("torch AveragedModel")(
    following(lambda model: AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.99)))
)
averaging.contender("torch AveragedModel, avg_fn")(
    following(lambda model: AveragedModel(model, avg_fn=lambda slow, fast, n: 0.99 * slow + 0.01 * fast))
)
averaging.sizes([100, 400, 1600], quick=[100])
averaging.aim(over="torch AveragedModel", times=1)

if __name__ == "__main__":
    main(step, large, memory, averaging)
