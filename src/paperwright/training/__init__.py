"""A training loop for experiments, which may be killed at any moment and goes on bit for bit.

    history = fit(model, optimizer, (images, labels), loss, epochs=10, batch_size=128, seed=0)

Methods never need it: they are plain modules, losses and functions, usable in anyone's loop. To read all of it:
`loop`, `batches`, `checkpoints`, `encoding`, `randomness`, `processes`, `placement`, `stopping`, `progress`.
"""

from .checkpoints import CheckpointCorrupted, Checkpoints
from .loop import Average, History, fit
from .placement import resolve_device
from .processes import Processes
from .progress import progress
from .randomness import derived_seed, preserved_randomness, seed_everything
from .stopping import EarlyStop

__all__ = [
    "Average",
    "CheckpointCorrupted",
    "Checkpoints",
    "EarlyStop",
    "History",
    "Processes",
    "derived_seed",
    "fit",
    "preserved_randomness",
    "progress",
    "resolve_device",
    "seed_everything",
]
