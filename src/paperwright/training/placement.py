"""Where a model runs and how precisely."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch


def resolve_device(device: str | torch.device = "auto") -> torch.device:
    """Return the device itself; "auto" is the first GPU, Apple's GPU, or the CPU, whichever is there first.

    Raises:
        ValueError: The device is unknown, or not on this machine.
    """
    if str(device) == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", torch.cuda.current_device())
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        resolved = torch.device(device)
    except RuntimeError as error:
        raise ValueError(
            f"device is {device!r}; expected a device of torch, such as 'cpu' or 'cuda:0'. Use 'auto'"
        ) from error
    if resolved.type == "cuda" and (resolved.index or 0) >= torch.cuda.device_count():
        raise ValueError(f"there is no device {resolved} here: {torch.cuda.device_count()} CUDA devices; use 'auto'")
    if resolved.type == "mps" and not torch.backends.mps.is_available():
        raise ValueError("there is no device mps here; use 'auto'")
    return resolved


def resolve_precision(precision: str, device: torch.device) -> torch.dtype | None:
    """Return the dtype to compute in while weights keep theirs; None leaves everything as the model has it.

    Args:
        precision: "full", "bfloat16", or "auto": bfloat16 on a GPU that computes in it, else full.
        device: Where it is computed.

    float16 is not offered: its range needs loss scaling, and every GPU since 2020 has bfloat16.
    """
    if precision == "full":
        return None
    if precision == "bfloat16":
        return torch.bfloat16
    if precision == "auto":
        # is_bf16_supported also says yes to emulation, which is slower than full precision.
        native = device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0)
        return torch.bfloat16 if native else None
    raise ValueError(f"precision is 'full', 'bfloat16' or 'auto'; got {precision!r}")


def autocast(device: torch.device, dtype: torch.dtype | None) -> AbstractContextManager[Any]:
    """Return the context in which a forward pass computes in `dtype`."""
    return nullcontext() if dtype is None else torch.autocast(device.type, dtype=dtype)
