"""A random generator that is part of a module's state, so that a run which was killed goes on bit for bit."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from paperwright.blocks.tensor_state import TensorState


class RandomState(TensorState):
    """A `torch.Generator` whose state is saved and loaded with the module that holds it.

    The generator lives on the CPU whatever the device of the data, so that the same seed draws the same numbers
    everywhere.

    Args:
        seed: the seed; `None` draws one from torch's global generator, so that `torch.manual_seed` decides it.
    """

    def __init__(self, seed: int | None = None) -> None:
        super().__init__()
        self.generator = torch.Generator()
        self.seed(int(torch.randint(2**62, ())) if seed is None else seed)

    def seed(self, seed: int) -> None:
        """Start the generator anew."""
        self.generator.manual_seed(seed)

    def _tensors(self) -> dict[str, Tensor]:
        return {"state": self.generator.get_state()}

    def _restore(self, tensors: Mapping[str, Tensor]) -> None:
        self.generator.set_state(tensors["state"].cpu())


@contextmanager
def undrawn_on_error(module: nn.Module) -> Iterator[None]:
    """If the body raises, every random state within `module` is put back to where it was before."""
    states = [part for part in module.modules() if isinstance(part, RandomState)]
    before = [state.generator.get_state() for state in states]
    try:
        yield
    except BaseException:
        for state, drawn_from in zip(states, before, strict=True):
            state.generator.set_state(drawn_from)
        raise
