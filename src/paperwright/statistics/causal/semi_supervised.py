"""Learning a class from a few labels and many rows without: helpful where the class causes the features, not otherwise.

In the anticausal direction (class -> features) the law of the features is a mixture that shows the classes; in the
causal one (features -> class) it is another mechanism, which says nothing of the one to be learned.
"""

from typing import Any, Literal

import numpy as np
from jaxtyping import Float
from scipy.special import log_softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, check_random_state, validate_data

UNLABELLED = -1
"""scikit-learn's mark of a row without a label."""


class SemiSupervisedLDA(ClassifierMixin, BaseEstimator):
    r"""Discriminant analysis with one shared covariance, fitted by EM to rows with and without labels.

    .. math:: \log p(k | x) = \log \pi_k - \tfrac12 (x - \mu_k)^\top \Sigma^{-1} (x - \mu_k) + \text{const}

    EM starts at the labelled rows' means and shrunken covariance; labelled rows keep their class. Without unlabelled
    rows it stops there, which is shrinkage LDA.

    Args:
        shrinkage: of the first covariance towards a multiple of the identity.
        max_iter: the most steps of EM.
        tol: stop when the mean log-likelihood rises by less.
        init: "labelled", or "random" rows as the first means, with the covariance of all rows (a control).
        random_state: of the random rows.

    Attributes:
        classes_, means_, covariance_, priors_: the fitted mixture.
        n_iter_: steps of EM, at least 1.

    Source: the survey's section on semi-supervised learning; Schölkopf et al. 2012.

    >>> rng = np.random.default_rng(0); y = rng.integers(0, 2, 400); x = rng.normal(size=(400, 2)) + 3 * y[:, None]
    >>> SemiSupervisedLDA().fit(x, np.where(np.arange(400) < 6, y, -1)).score(x, y) > 0.95
    True
    """

    def __init__(
        self,
        shrinkage: float = 0.5,
        max_iter: int = 200,
        tol: float = 1e-6,
        init: Literal["labelled", "random"] = "labelled",
        random_state: Any = None,
    ) -> None:
        self.shrinkage = shrinkage
        self.max_iter = max_iter
        self.tol = tol
        self.init = init
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> "SemiSupervisedLDA":
        """Fit to all rows; `y` is -1 where the label is not known. Labels that are text need no mark and have none."""
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        if not 0 <= self.shrinkage <= 1 or self.init not in ("labelled", "random"):
            raise ValueError(
                f"shrinkage is {self.shrinkage} and init {self.init!r}; expected 0 to 1, and 'labelled' or 'random'. "
                "Use 0.5 and 'labelled'."
            )
        known = np.ones(len(y), bool) if y.dtype.kind in "OUS" else y != UNLABELLED
        self.classes_ = np.unique(y[known])
        if len(self.classes_) < 2:
            raise ValueError(
                f"y has the labels {self.classes_.tolist()}; expected at least two classes, got 1 class at most. "
                "Label rows of another."
            )
        fixed = np.equal(y[:, None], self.classes_).astype(float)
        self.covariance_ = np.eye(X.shape[1])
        self._update(X[known], fixed[known])
        scale = np.trace(self.covariance_) / X.shape[1]
        self.covariance_ = (1 - self.shrinkage) * self.covariance_ + self.shrinkage * scale * np.eye(X.shape[1])
        if self.init == "random":
            chosen = check_random_state(self.random_state).choice(len(X), len(self.classes_), replace=False)
            self.means_, self.covariance_ = X[chosen], np.atleast_2d(np.cov(X.T, bias=True))
            self.priors_ = np.full(len(self.classes_), 1 / len(self.classes_))
        self.n_iter_ = 1
        if not known.all():
            before = -np.inf
            for step in range(1, self.max_iter + 1):
                self.n_iter_ = step
                joint = self._log_joint(X)
                log_evidence = np.logaddexp.reduce(joint, 1)
                fit = float(np.where(known, (joint * fixed).sum(1), log_evidence).mean())
                if fit - before < self.tol:
                    break
                before = fit
                shares = np.where(known[:, None], fixed, np.exp(joint - log_evidence[:, None]))
                self._update(X, shares)
        return self

    def _update(self, X: Float[np.ndarray, "rows features"], shares: Float[np.ndarray, "rows classes"]) -> None:
        weights = shares.sum(0)
        self.priors_ = weights / weights.sum()
        self.means_ = shares.T @ X / weights[:, None]
        second = X.T @ X - (self.means_.T * weights) @ self.means_
        # The floor keeps a class of identical rows, or a constant feature, from dividing by zero.
        floor = 1e-9 * max(np.trace(X.T @ X) / len(X) / X.shape[1], 1e-300)
        self.covariance_ = second / len(X) + floor * np.eye(X.shape[1])

    def _log_joint(self, X: Float[np.ndarray, "rows features"]) -> Float[np.ndarray, "rows classes"]:
        """log p(x, k) but for the constant of the dimension."""
        root = np.linalg.cholesky(self.covariance_)
        white = np.linalg.solve(root, (X[:, None] - self.means_).reshape(-1, X.shape[1]).T)
        distance = (white**2).sum(0).reshape(len(X), -1)
        return np.log(self.priors_) - distance / 2 - np.log(np.diag(root)).sum()

    def predict_log_proba(self, X: Any) -> Float[np.ndarray, "rows classes"]:
        """Return the logarithm of each class's probability."""
        check_is_fitted(self)
        return log_softmax(self._log_joint(validate_data(self, X, reset=False, dtype=np.float64)), 1)

    def predict_proba(self, X: Any) -> Float[np.ndarray, "rows classes"]:
        """Return each class's probability."""
        return np.exp(self.predict_log_proba(X))

    def predict(self, X: Any) -> Any:
        """Return one label a row."""
        winners = self.predict_log_proba(X).argmax(1)
        return self.classes_[winners]
