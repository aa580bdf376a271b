"""The processes that train one model together; usually one.

Under `torchrun --nproc-per-node 8 train.py` (or `accelerate launch`) every process runs the same program. Accelerate
starts the process group, picks each process's device, and averages gradients; a single process needs none of it.
"""

import atexit
import os
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from .placement import resolve_device


class Processes:
    """How many processes there are, which one this is, and what they say to each other.

    Args:
        device: The device of a single process. Several processes each take the GPU of their local rank unless it is
            "cpu".

    Attributes:
        count: How many.
        index: Which this is; process 0 writes checkpoints and evaluates.
        device: The device of this process.
    """

    def __init__(self, device: str | torch.device = "auto") -> None:
        self._accelerator: Any = None
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            try:
                from accelerate import Accelerator
            except ImportError as error:
                raise ImportError("several processes need accelerate: pip install 'paperwright[torch]'") from error
            # Precision is torch.autocast's: Accelerate's is a setting of the whole program, and a program may train
            # one model in bfloat16 and the next in full precision.
            self._accelerator = Accelerator(cpu=str(device) == "cpu", mixed_precision="no")
            atexit.unregister(_let_communication_threads_finish)
            atexit.register(_let_communication_threads_finish)
        self.count: int = self._accelerator.num_processes if self._accelerator else 1
        self.index: int = self._accelerator.process_index if self._accelerator else 0
        self.device: torch.device = self._accelerator.device if self._accelerator else resolve_device(device)

    @property
    def first(self) -> bool:
        """Whether this is process 0."""
        return self.index == 0

    def wrap(self, model: nn.Module) -> nn.Module:
        """Return the model with a backward pass that averages gradients; a single process gets it as it is."""
        return self._accelerator.prepare_model(model) if self._accelerator else model

    def mean(self, value: Tensor) -> Tensor:
        """Return the mean of a tensor over the processes."""
        return self._accelerator.reduce(value, reduction="mean") if self._accelerator else value

    def from_all(self, value: Any) -> list[Any]:
        """Return what every process has, in order; every process must call it."""
        if not self._accelerator:
            return [value]
        from accelerate.utils import gather_object

        return list(gather_object([value]))

    def from_first(self, make: Callable[[], Any]) -> Any:
        """Return what process 0 makes, on every process; the others wait."""
        if not self._accelerator:
            return make()
        from accelerate.utils import broadcast_object_list

        held = [make() if self.first else None]
        broadcast_object_list(held, from_process=0)
        return held[0]


def _let_communication_threads_finish() -> None:
    """Give Gloo's threads the interpreter lock once more before the interpreter is gone.

    The thread that ran the last collective drops its tensors only after the collective has returned here, and needs
    the lock for it. If the interpreter ends first, CPython unwinds that thread and the process aborts ("terminate
    called without an active exception"). Destroying the group does not join the threads: a model wrapped by
    DistributedDataParallel holds it for good. Waiting for the other processes could hang where one of them failed.
    """
    time.sleep(0.2)
