"""A training loop that may be killed at any moment and goes on bit for bit.

    history = fit(model, optimizer, (images, labels), loss, epochs=10, batch_size=128, seed=0,
                  checkpoints=Checkpoints("runs/first"))

Methods never need it: they are plain modules, losses and functions, usable in anyone's loop. To read all of it:
`loop`, `batches`, `checkpoints`, `encoding`, `randomness`, `processes`, `placement`, `stopping`, `progress`.
"""

from .batches import Batches
from .checkpoints import CheckpointCorrupted, Checkpoints
from .loop import Average, History, fit
from .placement import autocast, resolve_device, resolve_precision
from .processes import Processes
from .progress import progress
from .randomness import preserved_randomness, random_state, restore_random_state, seed_everything
from .stopping import EarlyStop

__all__ = [
    "Average",
    "Batches",
    "CheckpointCorrupted",
    "Checkpoints",
    "EarlyStop",
    "History",
    "Processes",
    "autocast",
    "fit",
    "preserved_randomness",
    "progress",
    "random_state",
    "resolve_device",
    "resolve_precision",
    "restore_random_state",
    "seed_everything",
]
