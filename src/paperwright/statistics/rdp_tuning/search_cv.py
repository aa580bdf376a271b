"""The private search in scikit-learn's shape: `fit`, `best_params_`, `best_estimator_`, `predict`, and `epsilon_`."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, SupportsFloat

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin
from sklearn.utils.validation import check_is_fitted

from paperwright.statistics.rdp_tuning.run_count import RunCount
from paperwright.statistics.rdp_tuning.search import private_search


class DPSearchCV(MetaEstimatorMixin, BaseEstimator):
    """Random search with a random number of runs, for estimators that are differentially private themselves.

    Unlike `RandomizedSearchCV` there are no folds: every further look at private data has to be paid for, so a run is
    one fit and one score. The score is taken on ``X_score, y_score`` if `fit` gets them and on the training data
    otherwise, and `score_data` is your declaration that this reading is "covered" by `base`, or the data "public".

    Args:
        estimator_factory: ``(**params) -> estimator``, for example the estimator's class.
        distributions: parameter name -> list of values, scipy.stats distribution, or ``rng -> value``.
        runs: distribution of the number of runs.
        base: RDP of one fit and score, as for :func:`.private_search`.
        delta: of the guarantee.
        scoring: ``(estimator, X, y) -> float``; the estimator's own `score` by default.
        score_data: "covered", "public", or None to be warned.
        random_state: a `numpy.random.Generator`, for tests only.

    Attributes:
        best_params_, best_estimator_, best_score_, epsilon_, result_: as told by the search. There is no `cv_results_`:
            the losing runs are not covered by the guarantee.
    """

    def __init__(
        self,
        estimator_factory: Callable[..., Any],
        distributions: Mapping[str, Any],
        runs: RunCount,
        base: Any,
        delta: SupportsFloat,
        *,
        scoring: Callable[[Any, Any, Any], float] | None = None,
        score_data: Literal["covered", "public"] | None = None,
        random_state: np.random.Generator | None = None,
    ) -> None:
        self.estimator_factory = estimator_factory
        self.distributions = distributions
        self.runs = runs
        self.base = base
        self.delta = delta
        self.scoring = scoring
        self.score_data = score_data
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None, *, X_score: Any = None, y_score: Any = None) -> "DPSearchCV":
        """Search, and keep the winning estimator as it was trained (a refit would be one more release)."""
        if not self.distributions:
            raise ValueError("distributions is empty: there is nothing to tune")
        scored_on = (X, y) if X_score is None else (X_score, y_score)

        def train(params: dict[str, Any], rng: np.random.Generator) -> Any:
            return self.estimator_factory(**params).fit(X, y)

        def score(estimator: Any) -> float:
            return self.scoring(estimator, *scored_on) if self.scoring else estimator.score(*scored_on)

        self.result_ = private_search(
            train,
            lambda rng: {name: _draw(values, rng) for name, values in self.distributions.items()},
            runs=self.runs,
            base=self.base,
            delta=self.delta,
            rng=self.random_state,
            scorer=score,
            scorer_data=self.score_data,
        )
        if self.result_.best_candidate is None:
            raise RuntimeError("the Poisson draw was K = 0: this private search returns no model, which is its answer")
        self.best_params_ = self.result_.best_candidate
        self.best_estimator_ = self.result_.model
        self.best_score_ = self.result_.score
        self.epsilon_ = self.result_.epsilon
        return self

    def predict(self, X: Any) -> Any:
        """The winning estimator's prediction."""
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.predict(X)

    def score(self, X: Any, y: Any = None) -> float:
        """The winning estimator's score; on private data this is another release."""
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.score(X, y)


def _draw(values: Any, rng: np.random.Generator) -> Any:
    if hasattr(values, "rvs"):
        return values.rvs(random_state=rng)
    if callable(values):
        return values(rng)
    if len(values) == 0:
        raise ValueError("a parameter's list of values is empty")
    return values[int(rng.integers(len(values)))]
