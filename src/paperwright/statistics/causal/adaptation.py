"""How fast the two factorisations of a pair adapt after a change, and the belief in a direction that follows.

Joint laws of two variables with N values each are tables, batched over draws. The race and the episodes on tables have
their gradients in closed form and no loop over samples; for other models, anything with `log_prob` will do.
"""

import copy
import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

Joint = Float[Tensor, "*draws n n"]


class TableFactorisation(nn.Module):
    r"""A joint law of two categorical variables as softmax tables, factorised in one direction.

    .. math:: \log p(a, b) = \log\operatorname{softmax}(w)_a + \log\operatorname{softmax}(W_a)_b

    for cause "first", and with a and b exchanged for cause "second".

    Args:
        joint: the law to start at, exactly: probabilities above 0. Shape (*draws, n, n).
        cause: which variable has the marginal.

    Source: Bengio et al. 2019, section 3.1.

    >>> TableFactorisation(torch.full((2, 2), 0.25)).log_prob(torch.tensor([[0, 1]])).exp()
    tensor([0.2500], grad_fn=<ExpBackward0>)
    """

    def __init__(self, joint: Joint, cause: Literal["first", "second"] = "first") -> None:
        super().__init__()
        if cause not in ("first", "second"):
            raise ValueError(f"cause is {cause!r}; expected 'first' or 'second'. Choose one.")
        if joint.ndim < 2 or joint.shape[-1] != joint.shape[-2] or not bool((joint > 0).all()):
            raise ValueError(
                f"joint has shape {tuple(joint.shape)} and a least entry of {joint.min() if joint.numel() else None}; "
                "expected (*draws, n, n) and probabilities above 0. Smooth empty cells."
            )
        self.cause = cause
        oriented = joint if cause == "first" else joint.mT
        self.marginal = nn.Parameter(oriented.sum(-1).log())
        self.conditional = nn.Parameter((oriented / oriented.sum(-1, keepdim=True)).log())

    def log_joint(self) -> Joint:
        """Return the logarithm of the joint law, first variable first."""
        oriented = self.marginal.log_softmax(-1)[..., None] + self.conditional.log_softmax(-1)
        return oriented if self.cause == "first" else oriented.mT

    def log_prob(self, x: Int[Tensor, "*draws samples 2"]) -> Float[Tensor, "*draws samples"]:
        """Return the log-likelihood of each pair of values."""
        log_joint = self.log_joint()
        cells = x[..., 0] * log_joint.shape[-1] + x[..., 1]
        return log_joint.flatten(-2).expand(*cells.shape[:-1], -1).gather(-1, cells)

    @torch.no_grad()
    def descend(self, frequencies: Joint, lr: float) -> None:
        r"""Take one step of gradient descent on the mean negative log-likelihood, in closed form and in place.

        .. math:: w \mathrel{+}= \eta\,(f_a - \operatorname{softmax}(w)_a), \quad
            W_{ab} \mathrel{+}= \eta\,(f_{ab} - f_a \operatorname{softmax}(W_a)_b)

        Args:
            frequencies: of the pairs in the batch, or their expectation: the law itself.
            lr: the learning rate.
        """
        oriented = frequencies if self.cause == "first" else frequencies.mT
        marginal = oriented.sum(-1)
        self.marginal.add_(lr * (marginal - self.marginal.softmax(-1)))
        self.conditional.add_(lr * (oriented - marginal[..., None] * self.conditional.softmax(-1)))


class ShiftedPair(NamedTuple):
    """The joint law of cause (first axis) and effect, before and after a change."""

    before: Joint
    after: Joint


def draw_shifts(
    n: int,
    draws: int,
    changes: Literal["cause", "effect", "nothing"] = "cause",
    *,
    rng: torch.Generator,
    before: Float[Tensor, "n n"] | None = None,
) -> ShiftedPair:
    """Draw mechanisms of a categorical pair from Dirichlet(1), then draw one of them anew.

    Args:
        n: values of each variable.
        draws: how many pairs.
        changes: the mechanism that is drawn anew: p(cause) or p(effect | cause).
        rng: the source of randomness.
        before: one law to start from in all draws, instead of drawn ones. Shape (n, n).

    Source: Bengio et al. 2019, section 3.1.

    >>> draw_shifts(10, 5, rng=torch.Generator().manual_seed(0)).after.shape
    torch.Size([5, 10, 10])
    """
    if changes not in ("cause", "effect", "nothing"):
        raise ValueError(f"changes is {changes!r}; expected 'cause', 'effect' or 'nothing'. Choose one.")

    def dirichlet(*shape: int) -> Tensor:
        # Dirichlet(1) is exponential variables over their sum.
        waiting = -torch.rand(shape, generator=rng, dtype=torch.float64).clamp_min(1e-300).log()
        waiting = waiting.clamp_min(1e-12)
        return waiting / waiting.sum(-1, keepdim=True)

    if before is None:
        cause, effect = dirichlet(draws, n), dirichlet(draws, n, n)
    else:
        cause = before.sum(-1).expand(draws, n)
        effect = (before / before.sum(-1, keepdim=True)).expand(draws, n, n)
    new_cause = dirichlet(draws, n) if changes == "cause" else cause
    new_effect = dirichlet(draws, n, n) if changes == "effect" else effect
    return ShiftedPair(cause[..., None] * effect, new_cause[..., None] * new_effect)


def race_on_tables(
    pair: ShiftedPair,
    *,
    lr: float | tuple[float, float] = 1.0,
    steps: int = 500,
    batch: int | None = 100,
    rng: torch.Generator | None = None,
) -> Float[Tensor, "time 2 *draws"]:
    r"""Let both factorisations adapt to the changed law and return their exact regret, in nats.

    .. math:: \text{regret} = \sum_{ab} p'(a,b) \log p'(a,b) - \sum_{ab} p'(a,b) \log p_t(a,b)
        = \mathrm{KL}(p' \,\|\, p_t)

    Both start at the law before the change (infinite training data). After it, the gradient of a mechanism that did
    not change is zero in expectation: the causal factorisation has n - 1 numbers to learn, the other one n² - 1.

    Args:
        pair: laws before and after.
        lr: the learning rate, or that of the causal and that of the anticausal side (paper: 1.0).
        steps: of gradient descent (paper: 500).
        batch: samples of a step, the same for both sides (paper: 100); None for the exact expected gradient.
        rng: the source of the samples; needed unless `batch` is None.

    Returns:
        Regrets before each step and at the end: causal first, anticausal second. Shape (steps + 1, 2, *draws).

    Source: Bengio et al. 2019, section 3.1 and its adaptation figure; the survey's section on transfer.

    >>> pair = draw_shifts(4, 20, rng=torch.Generator().manual_seed(0))
    >>> causal, anticausal = race_on_tables(pair, steps=20, batch=None).mean((0, 2))
    >>> bool(causal < anticausal)
    True
    """
    if batch is not None and rng is None:
        raise ValueError("rng is None; expected a torch.Generator to draw batches. Pass one, or batch=None.")
    models = TableFactorisation(pair.before, "first"), TableFactorisation(pair.before, "second")
    rates = lr if isinstance(lr, tuple) else (lr, lr)
    optimum = torch.special.xlogy(pair.after, pair.after).sum((-1, -2))
    regrets = torch.empty(steps + 1, 2, *optimum.shape, dtype=optimum.dtype)
    with torch.no_grad():
        for step in range(steps + 1):
            for side, model in enumerate(models):
                regrets[step, side] = optimum - (pair.after * model.log_joint()).sum((-1, -2))
            if step < steps:
                frequencies = pair.after if batch is None else sample_counts(pair.after, batch, rng) / batch
                for model, rate in zip(models, rates, strict=True):
                    model.descend(frequencies, rate)
    return regrets


def sample_counts(joint: Joint, samples: int, rng: torch.Generator | None) -> Joint:
    """Return how often each pair of values came in independent draws, all tables at once."""
    flat = joint.flatten(-2).reshape(-1, joint.shape[-1] ** 2)
    drawn = torch.multinomial(flat, samples, replacement=True, generator=rng)
    counts = torch.zeros_like(flat).scatter_add_(1, drawn, torch.ones_like(drawn, dtype=flat.dtype))
    return counts.reshape(joint.shape)


def adaptation_race(
    causal: nn.Module,
    anticausal: nn.Module,
    batches: Iterable[Tensor],
    validation: Tensor,
    *,
    lr: float | tuple[float, float],
    steps: int,
) -> Float[Tensor, "time 2"]:
    """Let two models adapt to the same batches by gradient descent and return their held-out log-likelihoods.

    The models themselves stay as they are; copies learn.

    Args:
        causal, anticausal: modules with ``log_prob(x)``, one number a row; trained before the change.
        batches: samples after the change, one tensor a step.
        validation: held-out samples after the change.
        lr: the learning rate, or one for each side.
        steps: how many of the batches are used.

    Returns:
        Mean log-likelihoods before each step and at the end, causal first. Shape (steps + 1, 2).

    Raises:
        ValueError: fewer batches than steps, or a likelihood that is not finite.

    Source: Bengio et al. 2019, section 3.1.

    >>> from torch.distributions import Categorical
    >>> joint = torch.tensor([[0.45, 0.05], [0.1, 0.4]])
    >>> models = TableFactorisation(joint), TableFactorisation(joint, "second")
    >>> adaptation_race(*models, [torch.tensor([[0, 0]])] * 3, torch.tensor([[0, 0]]), lr=1.0, steps=3).shape
    torch.Size([4, 2])
    """
    learners = [_learner(model, name) for model, name in ((causal, "causal"), (anticausal, "anticausal"))]
    rates = lr if isinstance(lr, tuple) else (lr, lr)
    curves = torch.empty(steps + 1, 2, dtype=torch.float64)
    stream = iter(batches)
    for step in range(steps + 1):
        with torch.no_grad():
            for side, learner in enumerate(learners):
                curves[step, side] = learner.log_prob(validation).mean()
        if not bool(curves[step].isfinite().all()):
            raise ValueError(
                f"the log-likelihood after {step} steps is {curves[step].tolist()}; expected finite numbers. "
                "Lower lr, or give unseen values some probability."
            )
        if step < steps:
            if (batch := next(stream, None)) is None:
                raise ValueError(f"batches has {step} entries; expected {steps}, one a step. Lower steps.")
            for learner, rate in zip(learners, rates, strict=True):
                _descend(learner, -learner.log_prob(batch).mean(), rate)
    return curves


def _learner(model: nn.Module, name: str) -> Any:
    if not callable(getattr(model, "log_prob", None)):
        raise TypeError(f"{name} is {type(model).__name__}; expected a module with log_prob(x). Add that method.")
    return copy.deepcopy(model)


def _descend(learner: nn.Module, loss: Tensor, lr: float) -> None:
    parameters = [parameter for parameter in learner.parameters() if parameter.requires_grad]
    gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients, strict=True):
            if gradient is not None:
                parameter.sub_(lr * gradient)


class EpisodeRecord(NamedTuple):
    """What one episode said: the loss, its gradient in the structural parameter, and the belief after it."""

    loss: float
    gradient: float
    probability: float


class StructuralBelief:
    r"""The belief that the first model's direction is the causal one, learned from how fast both adapt.

    .. math:: \mathcal{R}(\gamma) = -\sum_t \log\left[\sigma(\gamma) e^{L_{A \to B}^t}
        + \sigma(-\gamma) e^{L_{B \to A}^t}\right], \qquad
        \frac{d\mathcal{R}}{d\gamma} = \sum_t \sigma(\gamma) - \sigma(\gamma + L_{A \to B}^t - L_{B \to A}^t)

    with L the log-likelihood of a step's batch before the update on it. The parameter is moved by RMSprop.

    The belief follows whatever adapts faster. If the mechanism of the *effect* is what changes between environments,
    that is the wrong direction, and the belief goes there (Le Priol et al. 2020).

    Args:
        lr: of RMSprop on the structural parameter (paper: 0.01).
        decay: of its mean square (torch's default).

    Attributes:
        gamma: the structural parameter, from 0.
        history: one :class:`EpisodeRecord` an episode.

    Source: Bengio et al. 2019, section 3.2, proposition 2.

    >>> belief = StructuralBelief()
    >>> round(belief.observe([math.log(3)]).gradient, 12)
    -0.25
    """

    def __init__(self, lr: float = 0.01, decay: float = 0.99) -> None:
        if not lr > 0 or not 0 <= decay < 1:
            raise ValueError(f"lr is {lr} and decay {decay}; expected lr above 0 and decay in [0, 1). Use 0.01, 0.99.")
        self.lr = lr
        self.decay = decay
        self.gamma = 0.0
        self.history: list[EpisodeRecord] = []
        self._mean_square = 0.0

    @property
    def probability(self) -> float:
        """The belief in the first direction."""
        return _sigmoid(self.gamma)

    def observe(self, log_ratios: Sequence[float], baseline: Sequence[float] | None = None) -> EpisodeRecord:
        """Move by one episode, given each step's log-likelihood ratio of the two directions.

        Args:
            log_ratios: L of the first direction minus L of the second, one a step.
            baseline: L of the second, one a step, which only the loss needs; 0 by default.
        """
        if len(log_ratios) == 0 or not all(math.isfinite(ratio) for ratio in log_ratios):
            raise ValueError(f"log_ratios is {list(log_ratios)}; expected finite numbers, one a step. Lower inner_lr.")
        gamma = self.gamma
        loss = -sum(baseline or ())
        loss -= sum(_log_add(_log_sigmoid(gamma) + ratio, _log_sigmoid(-gamma)) for ratio in log_ratios)
        gradient = sum(_sigmoid(gamma) - _sigmoid(gamma + ratio) for ratio in log_ratios)
        self._mean_square = self.decay * self._mean_square + (1 - self.decay) * gradient**2
        self.gamma -= self.lr * gradient / (math.sqrt(self._mean_square) + 1e-8)
        self.history.append(EpisodeRecord(loss, gradient, self.probability))
        return self.history[-1]

    def update(
        self, causal: nn.Module, anticausal: nn.Module, batches: Iterable[Tensor], *, inner_lr: float = 0.1
    ) -> EpisodeRecord:
        """Run one episode: copies of both models adapt to the batches, and the belief moves.

        Args:
            causal, anticausal: modules with ``log_prob(x)``; they stay at the training law.
            batches: samples after a change, one tensor a step (paper: 2 to 5 of 10 rows).
            inner_lr: of the models' gradient descent (paper: 0.1).
        """
        learners = [_learner(model, name) for model, name in ((causal, "causal"), (anticausal, "anticausal"))]
        likelihoods: list[list[float]] = [[], []]
        for batch in batches:
            for learner, seen in zip(learners, likelihoods, strict=True):
                log_prob = learner.log_prob(batch)
                seen.append(float(log_prob.detach().sum()))
                _descend(learner, -log_prob.mean(), inner_lr)
        first, second = likelihoods
        return self.observe([a - b for a, b in zip(first, second, strict=True)], second)

    def __repr__(self) -> str:
        return f"StructuralBelief(probability={self.probability:.4f}, episodes={len(self.history)})"


def episodes_on_tables(
    pair: ShiftedPair, *, steps: int = 5, batch: int = 10, lr: float = 0.1, rng: torch.Generator
) -> Float[Tensor, "*draws steps"]:
    """Return the log-likelihood ratios of causal over anticausal, step by step, of one episode for each draw.

    Models start each episode at the law before the change, so episodes do not depend on each other: all run at once.

    Args:
        pair: laws before and after; one draw an episode.
        steps, batch, lr: of the models' gradient descent (paper: 2 to 5, 10 and 0.1).
        rng: the source of the samples.

    Source: Bengio et al. 2019, section 3.2.
    """
    models = TableFactorisation(pair.before, "first"), TableFactorisation(pair.before, "second")
    ratios = []
    with torch.no_grad():
        for _ in itertools.repeat(None, steps):
            counts = sample_counts(pair.after, batch, rng)
            first, second = ((counts * model.log_joint()).sum((-1, -2)) for model in models)
            ratios.append(first - second)
            for model in models:
                model.descend(counts / batch, lr)
    return torch.stack(ratios, -1)


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def _log_sigmoid(x: float) -> float:
    return -math.log1p(math.exp(-x)) if x >= 0 else x - math.log1p(math.exp(x))


def _log_add(a: float, b: float) -> float:
    return max(a, b) + math.log1p(math.exp(-abs(a - b)))
