"""Laws of the independent noise variables of a structural causal model, and their reproducible streams.

Every node draws from a stream of its own, derived from the seed and its name. Adding a node, or intervening on one,
never changes what the others draw.
"""

import hashlib
import math
import secrets
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

Values = Float[Tensor, "*shape"]


class Noise(ABC):
    """The law of one noise variable; draws are float64 on the CPU."""

    width: int | None = None
    """The length of each draw where it is a vector."""

    @abstractmethod
    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw n values."""

    @abstractmethod
    def log_prob(self, u: Tensor) -> Tensor:
        """Return the log-density, or the log-probability of a finite law."""

    @property
    def random(self) -> bool:
        """Whether there is any randomness in it."""
        return True


@dataclass(frozen=True)
class Normal(Noise):
    """The Gaussian law.

    Args:
        mean: of it.
        deviation: its standard deviation.

    >>> Normal(1.0, 0.5).log_prob(torch.tensor(1.0))
    tensor(-0.2258)
    """

    mean: float = 0.0
    deviation: float = 1.0

    def __post_init__(self) -> None:
        _positive("deviation", self.deviation)

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw n values."""
        return torch.randn(n, generator=generator, dtype=torch.float64) * self.deviation + self.mean

    def log_prob(self, u: Tensor) -> Tensor:
        """Return the log-density."""
        return -(((u - self.mean) / self.deviation) ** 2) / 2 - math.log(self.deviation * math.sqrt(2 * math.pi))


@dataclass(frozen=True)
class Uniform(Noise):
    """The uniform law between two numbers."""

    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        _positive("high - low", self.high - self.low)

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw n values."""
        return torch.rand(n, generator=generator, dtype=torch.float64) * (self.high - self.low) + self.low

    def log_prob(self, u: Tensor) -> Tensor:
        """Return the log-density."""
        inside = (u >= self.low) & (u <= self.high)
        return torch.where(inside, -math.log(self.high - self.low), -math.inf).to(u.dtype)


@dataclass(frozen=True)
class Laplace(Noise):
    """The double exponential law."""

    location: float = 0.0
    scale: float = 1.0

    def __post_init__(self) -> None:
        _positive("scale", self.scale)

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw n values."""
        u = torch.rand(n, generator=generator, dtype=torch.float64) - 0.5
        return self.location - self.scale * u.sign() * torch.log1p(-2 * u.abs().clamp_max(0.5 - 1e-16))

    def log_prob(self, u: Tensor) -> Tensor:
        """Return the log-density."""
        return -(u - self.location).abs() / self.scale - math.log(2 * self.scale)


@dataclass(frozen=True)
class Finite(Noise):
    """Finitely many values with their probabilities.

    >>> Finite([0.0, 1.0], [0.25, 0.75]).log_prob(torch.tensor([1.0, 5.0])).exp()
    tensor([0.7500, 0.0000])
    """

    values: Sequence[float]
    probabilities: Sequence[float]

    def __post_init__(self) -> None:
        total = math.fsum(self.probabilities)
        if len(self.values) != len(self.probabilities) or min(self.probabilities) < 0 or abs(total - 1) > 1e-9:
            raise ValueError(
                f"probabilities is {list(self.probabilities)}; expected one of at least 0 for each of "
                f"{len(self.values)} values, with a sum of 1. Divide by the sum."
            )
        object.__setattr__(self, "values", tuple(map(float, self.values)))
        object.__setattr__(self, "probabilities", tuple(map(float, self.probabilities)))

    @property
    def random(self) -> bool:
        """Whether more than one value has a chance."""
        return sum(p > 0 for p in self.probabilities) > 1

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw n values."""
        law = torch.tensor(self.probabilities, dtype=torch.float64)
        chosen = torch.multinomial(law, n, replacement=True, generator=generator)
        return torch.tensor(self.values, dtype=torch.float64)[chosen]

    def log_prob(self, u: Tensor) -> Tensor:
        """Return the log-probability, minus infinity for other values."""
        found = torch.zeros_like(u)
        for value, probability in zip(self.values, self.probabilities, strict=True):
            found = torch.where(u == value, found + probability, found)
        return found.log()


NONE = Finite((0.0,), (1.0,))
"""The noise of a deterministic assignment."""


@dataclass(frozen=True)
class Gumbels(Noise):
    """Independent standard Gumbel variables, one for each category: the noise of the Gumbel-max mechanism."""

    categories: int

    @property
    def width(self) -> int:  # type: ignore[override]
        """The number of categories."""
        return self.categories

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw n rows."""
        return -exponential((n, self.categories), generator).log()

    def log_prob(self, u: Tensor) -> Tensor:
        """Return the log-density of each row."""
        return (-u - torch.exp(-u)).sum(-1)


@dataclass(frozen=True)
class Scaled(Noise):
    """Another law's variable times a factor."""

    law: Noise
    factor: float

    def __post_init__(self) -> None:
        _positive("factor", self.factor)

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw n values."""
        return self.law.sample(n, generator) * self.factor

    def log_prob(self, u: Tensor) -> Tensor:
        """Return the log-density."""
        return self.law.log_prob(u / self.factor) - math.log(self.factor)


def exponential(shape: Sequence[int], generator: torch.Generator) -> Tensor:
    """Draw standard exponential variables, never 0."""
    return -torch.rand(tuple(shape), generator=generator, dtype=torch.float64).clamp(1e-300, 1 - 1e-16).log()


def seed_of(rng: Any) -> int:
    """Return a seed: the one given, one drawn from a numpy or torch generator, or a fresh one for None."""
    if rng is None:
        return secrets.randbits(62)
    if isinstance(rng, np.random.Generator):
        return int(rng.integers(2**62))
    if isinstance(rng, torch.Generator):
        return int(torch.randint(2**62, (), generator=rng))
    if isinstance(rng, int | np.integer) and not isinstance(rng, bool):
        return int(rng)
    raise TypeError(f"rng is {rng!r}; expected a seed, a generator of numpy or torch, or None. Pass rng=0.")


def stream(seed: int, name: str) -> torch.Generator:
    """Return the generator of one node's noise."""
    digest = hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "little") >> 1)


def _positive(name: str, value: float) -> None:
    if not 0 < value < math.inf:
        raise ValueError(f"{name} is {value}; expected a number above 0. Use do(...) for a variable without noise.")
