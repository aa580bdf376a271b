"""State dictionaries as JSON plus named tensors, and back, exactly.

Optimizers, schedulers and the rest keep nested dictionaries (some with integer keys), lists, tuples, numbers and
tensors. The tensors go to safetensors under their path (`optimizer/state/0/exp_avg`); everything else goes to JSON,
where what JSON lacks is an object with one key that starts with `$`. Nothing is pickled, so nothing can be run.
"""

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def encode(value: Any, tensors: dict[str, Tensor], path: str = "") -> Any:
    """What JSON can hold of `value`; its tensors are added to `tensors`.

    Raises:
        TypeError: Something in it is neither a tensor nor a plain value; the message says where.
    """
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {"$float": str(float(value))}
    if isinstance(value, Tensor):
        return _encode_tensor(value.detach(), tensors, path)
    if isinstance(value, list):
        return [encode(item, tensors, _below(path, index)) for index, item in enumerate(value)]
    if isinstance(value, tuple):
        return {"$tuple": [encode(item, tensors, _below(path, index)) for index, item in enumerate(value)]}
    if isinstance(value, Mapping):
        kind = "$counter" if isinstance(value, Counter) else "$items"
        if kind == "$items" and all(isinstance(key, str) and not key.startswith("$") for key in value):
            return {key: encode(item, tensors, _below(path, key)) for key, item in value.items()}
        if unfit := [key for key in value if not isinstance(key, (str, int, float, bool, type(None)))]:
            raise TypeError(
                f"{path or 'state'} has a key of type {type(unfit[0]).__name__}; keys are strings or numbers"
            )
        pairs = [[encode(key, tensors), encode(item, tensors, _below(path, key))] for key, item in value.items()]
        return {kind: pairs}
    raise TypeError(
        f"{path or 'state'} is a {type(value).__name__}, which a checkpoint cannot hold without pickling; "
        "state is made of tensors, numbers, strings, lists, tuples and dictionaries"
    )


def decode(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    """What :func:`encode` was given.

    Raises:
        ValueError: A tensor is missing, or an object of an unknown kind is in it.
    """
    if isinstance(value, list):
        return [decode(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    kind = next(iter(value), "")
    if not kind.startswith("$"):
        return {key: decode(item, tensors) for key, item in value.items()}
    held = value[kind]
    if kind in ("$tensor", "$complex"):
        if held not in tensors:
            raise ValueError(f"there is no tensor {held!r}")
        return torch.view_as_complex(tensors[held]) if kind == "$complex" else tensors[held]
    if kind == "$tuple":
        return tuple(decode(item, tensors) for item in held)
    if kind == "$float":
        return float(held)
    if kind in ("$items", "$counter"):
        pairs = {decode(key, tensors): decode(item, tensors) for key, item in held}
        return Counter(pairs) if kind == "$counter" else pairs
    raise ValueError(f"an object of kind {kind!r} is not known")


def _encode_tensor(tensor: Tensor, tensors: dict[str, Tensor], path: str) -> dict[str, str]:
    kind = "$complex" if tensor.is_complex() else "$tensor"
    if kind == "$complex":
        tensor = torch.view_as_real(tensor.resolve_conj())  # safetensors knows no complex numbers
    name = path or "tensor"
    while name in tensors:  # keys 0 and "0", or a key that holds a slash
        name += "~"
    # A copy each: the originals go on changing, and tied weights share memory, which safetensors refuses.
    tensors[name] = tensor.to("cpu", copy=True).contiguous()
    return {kind: name}


def _below(path: str, key: object) -> str:
    return f"{path}/{key}" if path else str(key)
