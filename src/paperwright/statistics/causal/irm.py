"""Invariant risk minimisation: a predictor on top of which one and the same last layer is best in all environments."""

import copy
import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.optimize import minimize
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, check_random_state, validate_data
from torch import Tensor, nn

from ._rows import environment_codes

Loss = Literal["squared", "logistic", "cross_entropy"] | Callable[[Tensor, Tensor], Tensor]
LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "squared": nn.functional.mse_loss,
    "logistic": nn.functional.binary_cross_entropy_with_logits,
    "cross_entropy": nn.functional.cross_entropy,
}


def irm_penalty(prediction: Tensor, y: Tensor, loss: Loss = "squared", *, unbiased: bool = False) -> Float[Tensor, ""]:
    r"""Return how far a fixed scale is from being the best one in this environment, differentiably.

    .. math:: \left\lVert \nabla_{w | w = 1} R_e(w \cdot \Phi) \right\rVert^2

    Args:
        prediction: predictions or logits of one environment's rows. Shape (rows,) or (rows, classes).
        y: the targets, as the loss takes them.
        loss: "squared", "logistic" (0/1 as floats), "cross_entropy", or a function that returns a mean.
        unbiased: multiply the gradients of even and odd rows, whose expectation is the square of the expected one;
            needs two rows, and may be negative.

    Raises:
        ValueError: fewer than two rows for "unbiased", or an unknown loss.

    Source: Arjovsky et al. 2019, equation IRMv1 and appendix D.

    >>> irm_penalty(torch.tensor([1.0, 2.0]), torch.tensor([2.0, 4.0])).item()  # the best scale is 2
    25.0
    """
    if isinstance(loss, str) and loss not in LOSSES:
        raise ValueError(f"loss is {loss!r}; expected one of {list(LOSSES)} or a function. Choose one.")
    risk = LOSSES[loss] if isinstance(loss, str) else loss

    def gradient(rows: slice) -> Tensor:
        scale = torch.ones((), dtype=prediction.dtype, device=prediction.device, requires_grad=True)
        return torch.autograd.grad(risk(scale * prediction[rows], y[rows]), scale, create_graph=True)[0]

    with torch.enable_grad():
        if not unbiased:
            return gradient(slice(None)) ** 2
        if len(prediction) < 2:
            raise ValueError(f"prediction has {len(prediction)} rows; expected at least 2. Leave out unbiased=True.")
        return gradient(slice(0, None, 2)) * gradient(slice(1, None, 2))


class _InvariantRisk(BaseEstimator):
    """What regression and classification share: the settings and the descent for modules."""

    def __init__(
        self,
        module: nn.Module | None = None,
        penalty_weight: float = 100.0,
        anneal_steps: int = 100,
        *,
        steps: int = 500,
        lr: float = 0.01,
        l2: float = 0.0,
        unbiased: bool = False,
        random_state: Any = None,
    ) -> None:
        self.module = module
        self.penalty_weight = penalty_weight
        self.anneal_steps = anneal_steps
        self.steps = steps
        self.lr = lr
        self.l2 = l2
        self.unbiased = unbiased
        self.random_state = random_state

    def _codes(self, environment: Any, rows: int) -> Int[np.ndarray, " rows"]:
        if not (self.penalty_weight >= 0 and self.l2 >= 0 and math.isfinite(self.penalty_weight)):
            raise ValueError(
                f"penalty_weight is {self.penalty_weight} and l2 {self.l2}; expected numbers of at least 0. "
                "Use 0 for ordinary least squares."
            )
        if self.module is not None and not isinstance(self.module, nn.Module):
            raise TypeError(f"module is {self.module!r}; expected a torch module, or None for a linear one. Wrap it.")
        # Without environments all rows are one, in which the best scale is learnt anyway.
        return environment_codes(np.zeros(rows) if environment is None else environment, rows, fewest=1)[1]

    def _train(self, module: nn.Module, parts: Sequence[tuple[Tensor, Tensor]], loss: str) -> nn.Module:
        module = copy.deepcopy(module).train()
        optimizer = torch.optim.Adam(module.parameters(), lr=self.lr)
        for step in range(self.steps):
            weight = min(1.0, self.penalty_weight) if step < self.anneal_steps else self.penalty_weight
            risk, penalty = torch.zeros(()), torch.zeros(())
            for x, y in parts:
                prediction = module(x).squeeze(-1) if loss == "squared" else module(x)
                risk = risk + LOSSES[loss](prediction, y)
                penalty = penalty + irm_penalty(prediction, y, LOSSES[loss], unbiased=self.unbiased)
            total = risk + weight * penalty
            if self.l2:
                total = total + self.l2 * sum((p**2).sum() for p in module.parameters())
            if weight > 1:
                total = total / weight  # keeps the gradients' scale when the penalty comes in full
            optimizer.zero_grad()
            total.backward()
            optimizer.step()
        if not all(bool(parameter.isfinite().all()) for parameter in module.parameters()):
            raise ValueError(
                f"the module diverged at lr {self.lr}; expected finite parameters. Lower lr or the penalty."
            )
        return module.eval()


class IRM(RegressorMixin, _InvariantRisk):
    r"""Regression whose residuals are orthogonal to the prediction in every environment, as a scikit-learn estimator.

    .. math:: \min_\Phi \sum_e R_e(\Phi) + \lambda \left\lVert \nabla_{w|w=1} R_e(w \cdot \Phi) \right\rVert^2

    Without a module the predictor is linear and fitted from each environment's Gram matrix: L-BFGS, from least squares
    through ten times larger penalties at a time. A module is trained with Adam; the penalty's weight is 1 for
    `anneal_steps`, then `penalty_weight`, and the loss is divided by it.

    Predictors and target are standardised over all rows first, so that a weight means the same in any units. A linear
    predictor's intercept stands outside of the scale w.

    Args:
        module: a torch module from (rows, features) to (rows,) or (rows, 1); it stays as it is, a copy is trained.
        penalty_weight: lambda. Choose it by leaving environments out (scikit-learn's `LeaveOneGroupOut`).
        anneal_steps: steps before the whole penalty comes in.
        steps, lr: of Adam, on all rows.
        l2: weight of the squared coefficients.
        unbiased: the unbiased penalty, from two halves of the rows.
        random_state: not used: nothing here is random.

    Attributes:
        coef_, intercept_: of the linear predictor, in the units of the data.
        module_: the trained module, where there is one.

    Source: Arjovsky et al. 2019, section 3.1 and appendix D; Gram matrices are ours.

    >>> rng = np.random.default_rng(0); e = np.repeat([0.2, 2.0, 5.0], 1000); noise = rng.normal(size=(3, 3000))
    >>> x = e * noise[0]; y = x + noise[1]; child = y + e * noise[2]
    >>> IRM().fit(np.column_stack([x, child]), y, environment=e).coef_.round(1) + 0.0
    array([1., 0.])
    """

    def fit(self, X: Any, y: Any, environment: Any = None) -> "IRM":
        """Fit to rows of several environments; `environment` is each row's label, one for all if it is left out."""
        X, y = validate_data(self, X, y, y_numeric=True, dtype=np.float64)
        codes = self._codes(environment, len(X))
        self._centre, self._spread = X.mean(0), np.where(X.std(0) > 0, X.std(0), 1.0)
        self._target = float(y.mean()), float(y.std()) or 1.0
        x, target = (X - self._centre) / self._spread, (y - self._target[0]) / self._target[1]
        groups = [codes == e for e in range(codes.max() + 1)]
        if self.module is not None:
            parts = [(_tensor(self.module, x[g]), _tensor(self.module, target[g])) for g in groups]
            self.module_ = self._train(self.module, parts, "squared")
            return self
        weights = self._linear([np.column_stack([np.ones(g.sum()), x[g]]) for g in groups], [target[g] for g in groups])
        self.coef_ = weights[1:] * self._target[1] / self._spread
        self.intercept_ = float(self._target[0] + weights[0] * self._target[1] - self.coef_ @ self._centre)
        return self

    def _linear(self, designs: list[Any], targets: list[Any]) -> Float[np.ndarray, " columns"]:
        gram = np.stack([d.T @ d / len(d) for d in designs])
        cross = np.stack([d.T @ t / len(d) for d, t in zip(designs, targets, strict=True)])
        square = sum(float(t @ t) / len(t) for t in targets)
        ridge = np.full(gram.shape[1], self.l2)
        ridge[0] = 0

        # The intercept stands outside of the scale. Within, its square is the same in all environments and makes up for
        # coefficients that are not invariant.
        inner = np.ones(len(ridge))
        inner[0] = 0

        def objective(w: Any, weight: float) -> tuple[float, Any]:
            fitted, scaled = gram @ w, w * inner
            residual = fitted - cross
            slopes = 2 * residual @ scaled  # d R_e / d scale
            value = (fitted @ w - 2 * cross @ w).sum() + square + weight * (slopes**2).sum() + ridge @ w**2
            gradient = 2 * residual.sum(0) + 2 * ridge * w
            gradient += 4 * weight * slopes @ (residual * inner + gram @ scaled)
            size = max(weight, 1.0)
            return float(value) / size, gradient / size

        w = np.linalg.lstsq(gram.sum(0) + np.diag(ridge), cross.sum(0), rcond=1e-12)[0]
        if self.penalty_weight:
            # From weight 1, or below, up to the one asked for: a large penalty at once may end at zero.
            path = 10 ** np.arange(0, max(math.log10(self.penalty_weight), 0), 1.0)
            for weight in [*path[path < self.penalty_weight].tolist(), self.penalty_weight]:
                options = {"ftol": 1e-14, "gtol": 1e-9, "maxiter": 500}
                w = minimize(objective, w, (weight,), jac=True, method="L-BFGS-B", options=options).x
        return w

    def predict(self, X: Any) -> Float[np.ndarray, " rows"]:
        """Return one prediction a row."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64)
        if self.module is None:
            return X @ self.coef_ + self.intercept_
        with torch.no_grad():
            scaled = (
                self.module_(_tensor(self.module_, (X - self._centre) / self._spread))
                .squeeze(-1)
                .double()
                .cpu()
                .numpy()
            )
        return scaled * self._target[1] + self._target[0]


class IRMClassifier(ClassifierMixin, _InvariantRisk):
    """Classification by the same principle: cross-entropy, and the penalty on a scale of the logits.

    Args:
        module: from (rows, features) to (rows, classes) logits; a linear one by default.
        penalty_weight, anneal_steps, steps, lr, l2, unbiased: as in :class:`IRM`.
        random_state: of a linear module's first weights.

    Attributes:
        classes_: the labels, sorted.
        module_: the trained module, on standardised predictors.

    Source: Arjovsky et al. 2019, section 5.2 and appendix D.

    >>> rng = np.random.default_rng(0); x = rng.normal(size=(200, 2)); y = x[:, 0] > 0
    >>> IRMClassifier(steps=100, lr=0.1, random_state=0).fit(x, y, environment=np.arange(200) % 2).score(x, y) > 0.9
    True
    """

    def fit(self, X: Any, y: Any, environment: Any = None) -> "IRMClassifier":
        """Fit to rows of several environments; `environment` is each row's label, one for all if it is left out."""
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        codes = self._codes(environment, len(X))
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"y is {self.classes_[0]!r} in all rows; expected at least two classes, got 1 class. Add one."
            )
        self._centre, self._spread = X.mean(0), np.where(X.std(0) > 0, X.std(0), 1.0)
        targets = torch.from_numpy(labels)
        module = self.module
        if module is None:
            draws = check_random_state(self.random_state).normal(size=(len(self.classes_), X.shape[1]))
            module = nn.Linear(X.shape[1], len(self.classes_), dtype=torch.float64)
            with torch.no_grad():
                module.weight.copy_(torch.from_numpy(draws * 0.01))
                module.bias.zero_()
        x = _tensor(module, (X - self._centre) / self._spread)
        groups = [torch.from_numpy(codes == e) for e in range(codes.max() + 1)]
        self.module_ = self._train(module, [(x[g], targets[g]) for g in groups], "cross_entropy")
        return self

    def decision_function(self, X: Any) -> Float[np.ndarray, "rows *classes"]:
        """Return the logits; for two classes the second's minus the first's."""
        logits = self._logits(X)
        return logits[:, 1] - logits[:, 0] if len(self.classes_) == 2 else logits

    def predict_proba(self, X: Any) -> Float[np.ndarray, "rows classes"]:
        """Return each class's probability."""
        logits = self._logits(X)
        odds = np.exp(logits - logits.max(1, keepdims=True))
        return odds / odds.sum(1, keepdims=True)

    def predict(self, X: Any) -> Any:
        """Return one label a row."""
        winners = self._logits(X).argmax(1)
        return self.classes_[winners]

    def _logits(self, X: Any) -> Float[np.ndarray, "rows classes"]:
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64)
        with torch.no_grad():
            return self.module_(_tensor(self.module_, (X - self._centre) / self._spread)).double().cpu().numpy()


def _tensor(module: nn.Module, values: Float[np.ndarray, "..."]) -> Float[Tensor, "..."]:
    """The values in the module's own precision and on its device."""
    parameter = next(module.parameters(), torch.zeros(()))
    return torch.as_tensor(values, dtype=parameter.dtype, device=parameter.device)
