"""State that is named tensors, any number of them, saved and loaded with the module that holds it."""

from collections.abc import Mapping, MutableMapping
from typing import Any

from torch import Tensor, nn


class TensorState(nn.Module):
    """A module whose `state_dict()` holds what `_tensors` names, and gives back to `_restore`.

    Buffers will not do: they have to be there, with their shapes, before a state is loaded.
    """

    def _tensors(self) -> Mapping[str, Tensor]:
        """Return the state, a tensor for each name."""
        raise NotImplementedError

    def _restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Take the state back.

        Raises:
            KeyError: a tensor is missing.
            ValueError: a tensor does not fit.
        """
        raise NotImplementedError

    def _save_to_state_dict(self, destination: MutableMapping[str, Any], prefix: str, keep_vars: bool) -> None:
        destination.update({prefix + name: values for name, values in self._tensors().items()})

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
        own = {key.removeprefix(prefix): values for key, values in state_dict.items() if key.startswith(prefix)}
        try:
            self._restore({name: values for name, values in own.items() if isinstance(values, Tensor)})
        except KeyError as missing:
            if strict:
                missing_keys.append(prefix + missing.args[0])
        except ValueError as error:
            error_msgs.append(f"{prefix}{error}")
