"""Keep a classifier learning while classes come and go. A few seconds, no download.

python examples/cls_er.py            # digits of 8×8 pixels
python examples/cls_er.py mnist      # the paper's experiment on MNIST, about a minute
"""

import sys

import torch

from paperwright import data
from paperwright.blocks import ReservoirMemory
from paperwright.blocks.reference_networks import mlp
from paperwright.lifelong import (
    CLSER,
    ContinualEvaluation,
    ExperienceReplay,
    FineTune,
    SemanticMemory,
    split_by_class,
)

name = sys.argv[1] if len(sys.argv) > 1 else "digits"
small = name == "digits"
dataset = data.load(name)
brightest = dataset.train.images.max()


def tasks(part):
    """Two new classes at a time."""
    return split_by_class(torch.from_numpy(part.images / brightest).float(), torch.from_numpy(part.labels))


def learners():
    """Three learners with the same first weights; all have `observe` and `logits`."""
    for kind in ("fine-tuning", "experience replay", "CLS-ER"):
        model = mlp(dataset.train.images[0].size, generator=torch.Generator().manual_seed(0))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.2 if small else 0.1)
        memory = ReservoirMemory(50 if small else 500, seed=0)
        if kind == "fine-tuning":
            yield kind, FineTune(model, optimizer)
        elif kind == "experience replay":
            yield kind, ExperienceReplay(model, optimizer, memory=memory, replay_size=32)
        else:
            decay = 0.95 if small else 0.99  # slower memories for longer streams
            plastic, stable = SemanticMemory(decay, rate=1.0), SemanticMemory(decay, rate=0.9)
            yield (
                kind,
                CLSER(
                    model,
                    optimizer,
                    memory=memory,
                    plastic=plastic,
                    stable=stable,
                    consistency_weight=1.0 if small else 2.0,
                    replay_size=32,
                    seed=0,
                ),
            )


train, test = tasks(dataset.train), tasks(dataset.test)
for kind, learner in learners():
    evaluation = ContinualEvaluation(len(train))
    for task in train:
        for x, y in task.batches(10, epochs=3 if small else 1, seed=task.index):
            learner.observe(x, y)  # this is all: no task labels, no boundaries
        evaluation.update(learner.logits, test[: task.index + 1])
    print(f"{kind:18s} accuracy {evaluation.average_accuracy():.3f}, forgetting {evaluation.forgetting():.3f}")
    for row in evaluation.matrix():
        print("    ", " ".join(f"{accuracy:.2f}" for accuracy in row.tolist()))

# A run that was killed goes on bit for bit: everything is in state_dict(), as plain tensors (safetensors will do).
state = learner.state_dict()
print(f"state: {len(state)} tensors, {sum(value.nbytes for value in state.values()) / 2**20:.1f} MiB")
