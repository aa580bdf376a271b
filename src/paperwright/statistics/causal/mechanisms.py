"""Mechanisms: how a variable comes of its parents and its noise, x = f(parents, u), and what x says of u."""

import inspect
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from .noise import Finite, Gumbels, Noise, Uniform, exponential

Parents = Mapping[str, Tensor]


class ImpossibleEvidence(ValueError):
    """The evidence has probability zero under the model, or too few draws agree with it."""


class LinearForm(NamedTuple):
    """x = intercept + sum of weights times parents + scale times noise."""

    weights: Mapping[str, float]
    intercept: float
    scale: float


class Mechanism(ABC):
    """x = f(parents, u).

    Attributes:
        parents: names of the variables that it reads.
    """

    parents: tuple[str, ...] = ()

    @abstractmethod
    def value(self, parents: Parents, u: Tensor) -> Tensor:
        """Return x, one row for each row of the noise."""

    def noise_and_slope(self, parents: Parents, x: Tensor) -> tuple[Tensor, Tensor] | None:
        """Return the one u that gives x, and log|dx/du| there; None if there is no such formula."""
        return None

    def draw_noise(self, law: Noise, parents: Parents, x: Tensor, generator: torch.Generator) -> Tensor | None:
        """Draw u given x and the parents, exactly; None if there is no way."""
        solved = self.noise_and_slope(parents, x)
        if solved is not None:
            if bool((law.log_prob(solved[0]) == -math.inf).any()):
                raise ImpossibleEvidence(
                    f"the noise would have to be {solved[0].flatten()[:3].tolist()}, which it cannot be"
                )
            return solved[0]
        if isinstance(law, Finite):
            return self._draw_finite(law, parents, x, generator)
        return None

    def _draw_finite(self, law: Finite, parents: Parents, x: Tensor, generator: torch.Generator) -> Tensor:
        fits = []
        for value, probability in zip(law.values, law.probabilities, strict=True):
            u = torch.full(x.shape[:1], value, dtype=torch.float64)
            fits.append(same(broadcast(self.value(parents, u), u), x) * probability)
        weights = torch.stack(fits, -1)
        if bool((weights.sum(-1) == 0).any()):
            raise ImpossibleEvidence("no value of the noise gives this evidence with these parents")
        chosen = torch.multinomial(weights, 1, generator=generator)[:, 0]
        return torch.tensor(law.values, dtype=torch.float64)[chosen]

    def log_prob(self, law: Noise, parents: Parents, x: Tensor) -> Tensor | None:
        """Return log p(x | parents); None if there is no formula."""
        solved = self.noise_and_slope(parents, x)
        if solved is not None and not isinstance(law, Finite):
            return law.log_prob(solved[0]) - solved[1]
        if isinstance(law, Finite):
            total = torch.zeros(x.shape[:1], dtype=torch.float64)
            for value, probability in zip(law.values, law.probabilities, strict=True):
                u = torch.full(x.shape[:1], value, dtype=torch.float64)
                total += same(broadcast(self.value(parents, u), u), x) * probability
            return total.log()
        return None

    def linear_form(self) -> LinearForm | None:
        """Return its coefficients if it is linear, else None."""
        return None

    def default_noise(self) -> Noise | None:
        """Return the noise that comes with the mechanism, where its kind decides it."""
        return None

    def equation(self, name: str) -> str:
        """Return the assignment as text."""
        return f"{name} := f({', '.join([*self.parents, f'U_{name}'])})"


def same(a: Tensor, b: Tensor) -> Tensor:
    """Whether rows are equal, to rounding."""
    equal = torch.isclose(a.to(torch.float64), b.to(torch.float64), rtol=1e-9, atol=1e-12)
    return equal.flatten(1).all(-1) if equal.ndim > 1 else equal


def broadcast(x: Any, u: Tensor) -> Tensor:
    """Return a mechanism's result with one row for each row of the noise."""
    x = x if isinstance(x, Tensor) else torch.as_tensor(x)
    x = x.to(u.dtype) if x.dtype == torch.bool else x
    return x.expand(len(u)) if x.ndim == 0 else x


class Assignment(Mechanism):
    """A function of parents and `u`, whose argument names say which parents it reads.

    Where it is affine in u, for the parents at hand, u is solved for; where it is linear in everything, exact algebra
    is used. Both are found by trying the function at a few points.

    >>> Assignment(lambda X, u: 0.5 * X + u).linear_form()
    LinearForm(weights={'X': 0.5}, intercept=0.0, scale=1.0)
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        names = list(inspect.signature(function).parameters)
        self.uses_noise = "u" in names
        self.parents = tuple(name for name in names if name != "u")

    def value(self, parents: Parents, u: Tensor) -> Tensor:
        """Return f(parents, u)."""
        given = {name: parents[name] for name in self.parents}
        result = self.function(**given, u=u) if self.uses_noise else self.function(**given)
        return broadcast(result, u)

    def noise_and_slope(self, parents: Parents, x: Tensor) -> tuple[Tensor, Tensor] | None:
        """Solve x = a + b u for u, where f is affine in u at these parents."""
        if not self.uses_noise or not x.is_floating_point():
            return None
        points = [self.value(parents, torch.full(x.shape, u, dtype=x.dtype)).to(x.dtype) for u in (0.0, 1.0, 2.5, -3.0)]
        a, b = points[0], points[1] - points[0]
        affine = all(
            torch.allclose(y, a + k * b, rtol=1e-7, atol=1e-9) for y, k in zip(points[2:], (2.5, -3.0), strict=True)
        )
        if not affine or bool((b == 0).any()):
            return None
        return (x - a) / b, b.abs().log().flatten(1).sum(-1) if b.ndim > 1 else b.abs().log()

    def linear_form(self) -> LinearForm | None:
        """Fit the coefficients at unit vectors, and try them at other points."""
        names = [*self.parents, "u"]
        size = len(names)
        probe = torch.Generator().manual_seed(0)
        points = torch.cat([torch.zeros(1, size), torch.eye(size), torch.randn(6, size, generator=probe) * 3]).double()
        try:
            given = {name: points[:, i] for i, name in enumerate(self.parents)}
            values = self.value(given, points[:, -1]).to(torch.float64)
        except Exception:  # it does not take such values: then it is not linear in them
            return None
        if values.shape != (len(points),) or not bool(values.isfinite().all()):
            return None
        slopes = values[1 : size + 1] - values[0]
        if not torch.allclose(values, values[0] + points @ slopes, rtol=1e-9, atol=1e-9):
            return None
        weights = dict(zip(self.parents, slopes[:-1].tolist(), strict=True))
        return LinearForm(weights, float(values[0]), float(slopes[-1]))

    def equation(self, name: str) -> str:
        """Return the assignment as text, with numbers where it is linear."""
        form = self.linear_form()
        return super().equation(name) if form is None else _linear_equation(name, form)


class Linear(Mechanism):
    """x = intercept + sum of weights times parents + u.

    >>> print(Linear({"X": 0.7, "H": 0.4}).equation("Y"))
    Y := 0.7 X + 0.4 H + U_Y
    """

    def __init__(self, weights: Mapping[str, float], intercept: float = 0.0) -> None:
        self.weights = {name: float(weight) for name, weight in weights.items()}
        self.intercept = float(intercept)
        self.parents = tuple(self.weights)

    def value(self, parents: Parents, u: Tensor) -> Tensor:
        """Return the sum."""
        x = u + self.intercept
        for name, weight in self.weights.items():
            x = x + weight * parents[name]
        return x

    def noise_and_slope(self, parents: Parents, x: Tensor) -> tuple[Tensor, Tensor] | None:
        """Return the residual."""
        return x - self.value(parents, torch.zeros_like(x)), torch.zeros(x.shape[:1], dtype=x.dtype)

    def linear_form(self) -> LinearForm | None:
        """Return the coefficients."""
        return LinearForm(self.weights, self.intercept, 1.0)

    def equation(self, name: str) -> str:
        """Return the assignment as text."""
        return _linear_equation(name, LinearForm(self.weights, self.intercept, 1.0))


class AdditiveNoise(Mechanism):
    """x = f(parents) + u, with the parents read from the argument names or given."""

    def __init__(self, function: Callable[..., Any], parents: Sequence[str] | None = None) -> None:
        self.function = function
        self.parents = tuple(inspect.signature(function).parameters if parents is None else parents)

    def value(self, parents: Parents, u: Tensor) -> Tensor:
        """Return f(parents) + u."""
        return self.function(*(parents[name] for name in self.parents)) + u

    def noise_and_slope(self, parents: Parents, x: Tensor) -> tuple[Tensor, Tensor] | None:
        """Return the residual."""
        return x - self.value(parents, torch.zeros_like(x)), torch.zeros(x.shape[:1], dtype=x.dtype)

    def equation(self, name: str) -> str:
        """Return the assignment as text."""
        return f"{name} := f({', '.join(self.parents)}) + U_{name}"


class NeuralMechanism(AdditiveNoise):
    """x = module(parents in a row) + u."""

    def __init__(self, module: nn.Module, parents: Sequence[str]) -> None:
        self.module = module
        super().__init__(self._apply_module, parents)

    def _apply_module(self, *columns: Tensor) -> Tensor:
        parameter = next(self.module.parameters(), columns[0])
        rows = torch.stack([column.to(parameter.dtype) for column in columns], -1)
        return self.module(rows).squeeze(-1).to(columns[0].dtype)


class Invertible(Mechanism):
    """x = f(parents, u) with the inverse given: u = inverse(parents, x); both take the parents by keyword.

    Args:
        function: ``f(u, **parents)``.
        inverse: ``inverse(x, **parents)``, differentiable.
        parents: names.
    """

    def __init__(self, function: Callable[..., Tensor], inverse: Callable[..., Tensor], parents: Sequence[str]) -> None:
        self.function = function
        self.inverse = inverse
        self.parents = tuple(parents)

    def value(self, parents: Parents, u: Tensor) -> Tensor:
        """Return f."""
        return self.function(u, **{name: parents[name] for name in self.parents})

    def noise_and_slope(self, parents: Parents, x: Tensor) -> tuple[Tensor, Tensor] | None:
        """Return the inverse and its derivative."""
        with torch.enable_grad():
            at = x.detach().clone().requires_grad_()
            u = self.inverse(at, **{name: parents[name] for name in self.parents})
            (slope,) = torch.autograd.grad(u.sum(), at)
        return u.detach(), -slope.abs().log()


class Fixed(Mechanism):
    """A constant: what a hard intervention leaves of a mechanism."""

    def __init__(self, constant: Any) -> None:
        self.constant = torch.as_tensor(constant)

    def value(self, parents: Parents, u: Tensor) -> Tensor:
        """Return the constant for every row."""
        constant = self.constant.to(torch.float64 if self.constant.is_floating_point() else self.constant.dtype)
        if constant.ndim and len(constant) != len(u):
            repeats = len(u) // len(constant) if len(u) % len(constant) == 0 else 0
            if not repeats:
                raise ValueError(
                    f"do got {len(constant)} values for {len(u)} rows; expected one, or one a row. Align them."
                )
            return constant.repeat(repeats, *([1] * (constant.ndim - 1)))
        return constant.expand(len(u)) if constant.ndim == 0 else constant

    def linear_form(self) -> LinearForm | None:
        """Return the intercept, if it is one."""
        return LinearForm({}, float(self.constant), 0.0) if self.constant.ndim == 0 else None

    def equation(self, name: str) -> str:
        """Return the assignment as text."""
        return f"{name} := {self.constant.item():g}" if self.constant.ndim == 0 else f"{name} := given"


class Categorical(Mechanism):
    r"""A category 0 ... K - 1 with probabilities that depend on the parents' categories, or on their values.

    .. math:: x = \operatorname{argmax}_k (\log p_k + g_k) \quad\text{(Gumbel)}, \qquad
        x = \min\{k : u \le p_0 + \dots + p_k\} \quad\text{(monotone)}

    The two have the same observational and interventional laws and *different counterfactuals*: which one is meant
    is an assumption, and has to be named.

    Args:
        table: probabilities, one axis for each parent and a last one for the category; or a function from the
            parents' tensors to logits, rows by categories.
        parents: names, in the order of the axes or arguments.
        noise: "gumbel" or "monotone".
        categories: how many; needed for a function.

    Source: the survey's counterfactuals; Oberst and Sontag 2019 for the Gumbel-max model.

    >>> Categorical([[0.8, 0.2], [0.3, 0.7]], ["Z"], noise="monotone").probabilities({"Z": torch.tensor([1])})
    tensor([[0.3000, 0.7000]], dtype=torch.float64)
    """

    def __init__(
        self,
        table: Any,
        parents: Sequence[str] = (),
        *,
        noise: Literal["gumbel", "monotone"],
        categories: int | None = None,
    ) -> None:
        if noise not in ("gumbel", "monotone"):
            raise ValueError(
                f"noise is {noise!r}; expected 'gumbel' or 'monotone'. Name it: counterfactuals depend on it."
            )
        self.parents, self.noise = tuple(parents), noise
        self.logits = table if callable(table) else None
        if self.logits is None:
            self.table = torch.as_tensor(table, dtype=torch.float64)
            sums = self.table.sum(-1)
            if self.table.ndim != len(self.parents) + 1 or not torch.allclose(sums, torch.ones_like(sums)):
                raise ValueError(
                    f"table has shape {tuple(self.table.shape)} and sums from {sums.min():g} to {sums.max():g}; "
                    f"expected {len(self.parents)} axes of parents and one of probabilities with sum 1. Divide by sums."
                )
            categories = self.table.shape[-1]
        if categories is None:
            raise ValueError(
                "categories is None; expected their number, since the table is a function. Pass categories=2."
            )
        self.categories = categories

    def probabilities(self, parents: Parents, rows: int | None = None) -> Tensor:
        """Return each row's probabilities."""
        if self.logits is not None:
            return self.logits(*(parents[name] for name in self.parents)).to(torch.float64).softmax(-1)
        if not self.parents:
            return self.table.expand(1 if rows is None else rows, -1)
        return self.table[tuple(parents[name].long() for name in self.parents)]

    def default_noise(self) -> Noise:
        """Return Gumbel variables, or a uniform one."""
        return Gumbels(self.categories) if self.noise == "gumbel" else Uniform()

    def value(self, parents: Parents, u: Tensor) -> Tensor:
        """Return the category."""
        p = self.probabilities(parents, len(u))
        if self.noise == "gumbel":
            return (p.log() + u).argmax(-1)
        return (u[:, None] > p.cumsum(-1)[:, :-1]).sum(-1)

    def draw_noise(self, law: Noise, parents: Parents, x: Tensor, generator: torch.Generator) -> Tensor:
        """Draw the noise given the category: top-down for Gumbel variables, uniform on its interval otherwise."""
        p, x = self.probabilities(parents, len(x)), self._checked(x)
        chosen = p.gather(-1, x[:, None])
        if bool((chosen == 0).any()):
            raise ImpossibleEvidence(f"category {int(x[(chosen == 0)[:, 0]][0])} has probability 0 with these parents")
        if self.noise == "monotone":
            above = p.cumsum(-1).gather(-1, x[:, None])[:, 0]
            return above - chosen[:, 0] * torch.rand(len(x), generator=generator, dtype=torch.float64)
        top = -exponential((len(x), 1), generator).log()  # the maximum of normalised logits plus noise is standard
        waiting = exponential(p.shape, generator)
        phi = p.log()
        # A Gumbel variable at phi that is below the maximum: -log(exp(-max) + E / exp(phi)).
        below = -torch.logaddexp(-top, waiting.log() - phi)
        shifted = below.scatter(-1, x[:, None], top)
        free = -waiting.log()  # categories without a chance: any noise will do
        return torch.where(p > 0, shifted - phi, free)

    def log_prob(self, law: Noise, parents: Parents, x: Tensor) -> Tensor:
        """Return the logarithm of the category's probability."""
        x = self._checked(x)
        return self.probabilities(parents, len(x)).gather(-1, x[:, None])[:, 0].log()

    def _checked(self, x: Tensor) -> Tensor:
        if bool(((x < 0) | (x >= self.categories) | (x != x.round())).any()):
            raise ImpossibleEvidence(f"the category is {x.tolist()[:3]}; expected 0 to {self.categories - 1}")
        return x.long()

    def equation(self, name: str) -> str:
        """Return the assignment as text."""
        given = f" | {', '.join(self.parents)}" if self.parents else ""
        how = "argmax_k log p(k{}) + G_k" if self.noise == "gumbel" else "quantile of p(k{}) at U"
        return f"{name} := {how.format(given)}"


def _linear_equation(name: str, form: LinearForm) -> str:
    parts = [f"{weight:g} {parent}" for parent, weight in form.weights.items() if weight]
    parts += [f"{form.intercept:g}"] if form.intercept else []
    if form.scale:
        parts.append(f"U_{name}" if form.scale == 1 else f"{form.scale:g} U_{name}")
    return f"{name} := {' + '.join(parts) or '0'}".replace("+ -", "- ")
