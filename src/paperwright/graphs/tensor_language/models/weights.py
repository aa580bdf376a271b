"""Weights drawn anew: what one initialisation hides, with a ReLU that is dead or a gate at 0, another shows."""

from collections.abc import Callable, Iterator, Mapping
from inspect import isfunction
from types import FunctionType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

LEAST_SCALE = 0.1
"""Weights that start smaller, such as gates at 0, are drawn at this scale."""
LIBRARIES = ("torch", "torch_geometric")
"""Whose modules say with `nn.Parameter` what a weight is; elsewhere any tensor of floats may be one."""


class Weights:
    """All that training may change in a model, to be drawn anew in place.

    These are its parameters, and in modules of no library also buffers and plain tensors of floats, alone or in a list.
    A single number there, such as an epsilon, is no weight, nor is a sparse tensor.

    Args:
        model: after its first call, so that lazy layers know their shapes.
    """

    def __init__(self, model: nn.Module) -> None:
        self._tensors = list(_weights_of(model))
        self._given = [tensor.detach().clone() for tensor in self._tensors]

    def __len__(self) -> int:
        return len(self._tensors)

    @torch.no_grad()
    def draw(self, number: int, *, same_signs: bool = False) -> None:
        """Draw number 0 are the given weights.

        Odd numbers draw from a normal distribution, of each tensor's own scale. Even ones draw magnitudes: with weights
        that are all positive, nothing cancels.

        Args:
            number: decides the draw.
            same_signs: change magnitudes only, for weights that are positive or zero for a reason.
        """
        generator = torch.Generator().manual_seed(number)
        for tensor, given in zip(self._tensors, self._given, strict=True):
            if number == 0:
                tensor.copy_(given)
                continue
            noise = torch.randn(given.shape, generator=generator, dtype=given.dtype).to(given.device)
            if same_signs:
                tensor.copy_(given * noise.exp())
                continue
            scale = max(float(given.abs().square().mean().sqrt()), LEAST_SCALE)
            if number % 2 == 0:
                fan_in = given.size(-1) if given.dim() > 1 else 1
                noise, scale = noise.abs(), scale / fan_in**0.5
            tensor.copy_(noise * scale)


def _smooth_clamp(x: Tensor, low: float | Tensor | None = None, high: float | Tensor | None = None) -> Tensor:
    """A smooth clamp, between the same limits."""
    if low is None:
        return x if high is None else high - functional.softplus(high - x)
    return low + (functional.softplus(x - low) if high is None else (high - low) * torch.sigmoid(x))


SMOOTH: Mapping[str, Callable[[Tensor], Tensor]] = {
    "relu": functional.softplus,
    "threshold": functional.softplus,
    "hardtanh": torch.tanh,
    "hardshrink": torch.tanh,
    "softshrink": torch.tanh,
    "hardsigmoid": torch.sigmoid,
    "hardswish": functional.silu,
}
"""Activations that are flat somewhere, and hide there what they are given; and what takes their place."""
LIMITS: Mapping[str, Callable[..., Tensor]] = {
    "clamp": lambda x, min=None, max=None: _smooth_clamp(x, min, max),
    "clip": lambda x, min=None, max=None: _smooth_clamp(x, min, max),
    "clamp_min": lambda x, min: _smooth_clamp(x, low=min),
    "clamp_max": lambda x, max: _smooth_clamp(x, high=max),
}
"""The same for clamps, which say where they are flat."""


class SmoothActivations(TorchFunctionMode):
    """Within this context no activation and no clamp of floats is flat; equal values stay equal."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run a torch function."""
        kwargs, name = kwargs or {}, getattr(func, "__name__", "")
        smooth = name.removesuffix("_")
        if (smooth not in SMOOTH and smooth not in LIMITS) or not args or not args[0].is_floating_point():
            return func(*args, **kwargs)
        output = SMOOTH[smooth](args[0]) if smooth in SMOOTH else LIMITS[smooth](*args, **kwargs)
        return args[0].copy_(output) if name.endswith("_") else output


def unknown_code(model: nn.Module) -> list[str]:
    """Names of the modules and functions in a model that are neither torch's nor torch_geometric's."""
    names = {type(module).__name__ for module in model.modules() if not _of_library(type(module))}
    functions = (value for module in model.modules() for value in vars(module).values() if isfunction(value))
    return sorted(names | {function.__name__ for function in functions if not _of_library(function)})


def _of_library(code: type | FunctionType) -> bool:
    return code.__module__.split(".")[0] in LIBRARIES


def _weights_of(model: nn.Module) -> Iterator[Tensor]:
    yield from (parameter for parameter in model.parameters() if _is_weight(parameter))
    for module in model.modules():
        if not _of_library(type(module)):
            own = [*module.buffers(recurse=False), *vars(module).values()]
            listed = [value for values in own if isinstance(values, list | tuple) for value in values]
            yield from (value for value in own + listed if _is_weight(value) and value.numel() > 1)


def _is_weight(value: object) -> bool:
    if not isinstance(value, Tensor) or isinstance(value, nn.parameter.UninitializedTensorMixin):  # type: ignore[attr-defined]
        return False
    if value.layout != torch.strided or 0 in value.stride():  # an expanded tensor takes no values
        return False
    return (value.is_floating_point() or value.is_complex()) and value.numel() > 0
