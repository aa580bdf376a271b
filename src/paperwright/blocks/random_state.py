"""A random generator that is part of a module's state, so that a run which was killed goes on bit for bit."""

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


class RandomState(nn.Module):
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

    def _save_to_state_dict(self, destination: MutableMapping[str, Any], prefix: str, keep_vars: bool) -> None:
        destination[prefix + "state"] = self.generator.get_state()

    def _load_from_state_dict(
        self,
        state_dict: MutableMapping[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        state = state_dict.get(prefix + "state")
        if isinstance(state, Tensor):
            self.generator.set_state(state.cpu())
        elif strict:
            missing_keys.append(prefix + "state")


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
