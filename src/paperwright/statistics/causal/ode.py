"""The physical level: differential equations, what they say of transients, and the structural model of their rest."""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from .levels import LevelError
from .mechanisms import Linear
from .noise import NONE
from .scm import SCM

MOST_VARIABLES = 12
"""All sets of clamped variables are checked for stability: 2 to this many."""


class ODEModel:
    r"""Differential equations of named variables, with clamping as the intervention.

    .. math:: \dot x = f(x), \qquad do(x_k = v):\ x_k(t) = v,\ \dot x_k = 0

    Args:
        f: from states to their derivatives, in torch. Shape (..., variables) to the same.
        names: of the variables.

    Source: survey, section on physical models; Mooij, Janzing and Schölkopf 2013 for the equilibrium.

    >>> A, b = torch.tensor([[-1.0, 0.0], [0.5, -2.0]], dtype=torch.float64), torch.tensor([1.0, 0.0])
    >>> model = ODEModel(lambda x: x @ A.T + b, ["x", "y"])
    >>> {name: round(float(value), 6) for name, value in model.do(x=2.0).equilibrium().items()}
    {'x': 2.0, 'y': 0.5}
    """

    def __init__(
        self, f: Callable[[Tensor], Tensor], names: Sequence[str], *, clamped: Mapping[str, float] | None = None
    ) -> None:
        self.f, self.names, self.clamped = f, tuple(names), dict(clamped or {})
        if unknown := [name for name in self.clamped if name not in self.names]:
            raise ValueError(f"do got {unknown}; expected some of {list(self.names)}. Check the names.")
        self._free = [i for i, name in enumerate(self.names) if name not in self.clamped]

    def do(self, **values: float) -> "ODEModel":
        """Return the system with variables held at values."""
        return ODEModel(self.f, self.names, clamped={**self.clamped, **values})

    def _state(self, x0: Mapping[str, float]) -> Tensor:
        if set(x0) | set(self.clamped) != set(self.names):
            raise ValueError(f"x0 has {sorted(x0)}; expected {list(self.names)}. Give each variable a value.")
        return torch.tensor([float({**x0, **self.clamped}[name]) for name in self.names], dtype=torch.float64)

    def _derivative(self, x: Tensor) -> Tensor:
        moves = torch.zeros_like(x)
        moves[..., self._free] = self.f(x)[..., self._free]
        return moves

    def trajectory(
        self, x0: Mapping[str, float], t: Sequence[float] | Tensor, *, tolerance: float = 1e-8
    ) -> dict[str, Float[Tensor, " times"]]:
        """Integrate from a state, by fourth-order Runge-Kutta with steps halved until two halves agree with a whole.

        Args:
            x0: the state at the first time.
            t: rising times.
            tolerance: of one step, absolute and relative.
        """
        times = torch.as_tensor(t, dtype=torch.float64)
        if times.ndim != 1 or len(times) == 0 or bool((times.diff() <= 0).any()):
            raise ValueError(f"t is {times.tolist()!r:.80}; expected rising times. Sort them.")
        x, path = self._state(x0), []
        h = float(times[-1] - times[0]) / 100 or 1.0
        now = float(times[0])
        for end in times.tolist():
            while now < end - 1e-12:
                step = min(h, end - now)
                whole, halves = self._runge_kutta(x, step), self._runge_kutta(self._runge_kutta(x, step / 2), step / 2)
                error = float(((whole - halves).abs() / (1 + halves.abs())).max()) / 15
                if error <= tolerance:
                    now, x = now + step, halves + (halves - whole) / 15
                    h = step * min(4.0, 0.9 * (tolerance / max(error, 1e-16)) ** 0.2) if step == h or error else h
                else:
                    h = step * max(0.1, 0.9 * (tolerance / error) ** 0.2) if math.isfinite(error) else step / 10
                    if h < 1e-12 * max(1.0, abs(now)):
                        raise ValueError(f"the step is {h} at time {now}; expected a finite solution. Check f.")
            path.append(x)
        table = torch.stack(path)
        return {name: table[:, i] for i, name in enumerate(self.names)}

    def _runge_kutta(self, x: Tensor, h: float) -> Tensor:
        a = self._derivative(x)
        b = self._derivative(x + h / 2 * a)
        c = self._derivative(x + h / 2 * b)
        d = self._derivative(x + h * c)
        return x + h / 6 * (a + 2 * b + 2 * c + d)

    def jacobian(self, x: Tensor) -> Float[Tensor, "variables variables"]:
        """Return df/dx at a state."""
        return torch.autograd.functional.jacobian(self.f, x)

    def equilibrium(self, start: Mapping[str, float] | None = None) -> dict[str, Tensor]:
        """Return the state of rest that Newton's method finds, if it is stable.

        Raises:
            LevelError: there is none, or a small push leads away from it.
        """
        x = self._state(start or dict.fromkeys(self.names, 0.0))
        free = self._free
        for _ in range(100):
            pull = self.f(x)[free]
            if not len(free) or float(pull.abs().max()) < 1e-12:
                break
            x = x.clone()
            x[free] -= torch.linalg.lstsq(self.jacobian(x)[free][:, free], pull[:, None]).solution[:, 0]
        if len(free) and not float(self.f(x)[free].abs().max()) < 1e-8:
            raise LevelError("Newton's method found no state of rest; expected an equilibrium. Give another start.")
        if len(free):
            self._stable(self.jacobian(x)[free][:, free], self.clamped)
        return dict(zip(self.names, x, strict=True))

    @staticmethod
    def _stable(part: Tensor, clamped: Mapping[str, float] | Sequence[str]) -> None:
        fastest = float(torch.linalg.eigvals(part).real.max())
        if fastest >= 0:
            held = ", ".join(clamped) or "nothing"
            raise LevelError(
                f"with {held} held, an eigenvalue has real part {fastest:g}; expected all below 0. It does not "
                "settle, and has no structural model of its rest."
            )

    def equilibrium_scm(self) -> SCM:
        r"""Return the structural model of the state of rest, one equation for each variable of a linear system.

        .. math:: x_i = -\frac{1}{A_{ii}} \Big( \sum_{j \ne i} A_{ij} x_j + b_i \Big)

        It forgets time: systems that settle ten times faster have the same one.

        Raises:
            LevelError: f is not linear, or some system with variables held does not settle.
            CycleError: variables at rest depend on each other in a circle.
        """
        size = len(self.names)
        if size > MOST_VARIABLES:
            raise LevelError(f"f has {size} variables; expected at most {MOST_VARIABLES}. Take a part of the system.")
        zero = torch.zeros(size, dtype=torch.float64)
        A, b = self.jacobian(zero), self.f(zero)
        probes = torch.randn(5, size, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 3
        if not torch.allclose(self.f(probes).to(torch.float64), probes @ A.T + b, atol=1e-9):
            raise LevelError("f is not linear; expected that, for equations one a variable. Use equilibrium() instead.")
        for count in range(size):
            for held in itertools.combinations(range(size), count):
                free = [i for i in range(size) if i not in held]
                self._stable(A[free][:, free], [self.names[i] for i in held])
        mechanisms: dict[str, Any] = {}
        for i, name in enumerate(self.names):
            others = {other: float(-A[i, j] / A[i, i]) for j, other in enumerate(self.names) if j != i and A[i, j]}
            mechanisms[name] = Linear(others, float(-b[i] / A[i, i]))
        return SCM(mechanisms, dict.fromkeys(self.names, NONE)).do(**self.clamped)
