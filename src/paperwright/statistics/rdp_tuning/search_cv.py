"""The private search in scikit-learn's shape: `fit`, `best_params_`, `best_estimator_`, `predict`, and `epsilon_`."""

import dataclasses
import warnings
from collections.abc import Callable, Mapping
from typing import Any, Literal, SupportsFloat

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .run_count import RunCount
from .search import private_search


def _winner_has(name: str) -> Callable[["DPSearchCV"], bool]:
    """Whether the winner, or before `fit` some candidate, has the attribute: scikit-learn's `available_if`."""
    return lambda search: hasattr(search._example(), name)


class DPSearchCV(MetaEstimatorMixin, BaseEstimator):
    """Random search with a random number of runs, for estimators that are differentially private themselves.

    Unlike `RandomizedSearchCV` there are no folds: every further look at private data has to be paid for, so a run is
    one fit and one score. The score is taken on ``X_score, y_score`` if `fit` gets them and on the training data
    otherwise, and `score_data` is your declaration that this reading is "covered" by `base`, or the data "public".

    The winner's methods and attributes (`predict_proba`, `decision_function`, `transform`, `classes_`, ...) are the
    search's, as in `GridSearchCV`.

    Args:
        estimator_factory: ``(**params) -> estimator``, for example the estimator's class. It must not look at the data:
            what it raises, at a mistyped parameter say, is raised here.
        distributions: parameter name -> list of values, scipy.stats distribution, or ``rng -> value``.
        runs: distribution of the number of runs.
        base: RDP of one fit and score, as for :func:`.private_search`.
        delta: of the guarantee.
        scoring: ``(estimator, X, y) -> float``; the estimator's own `score` by default.
        score_data: "covered", "public", or None to be warned.
        on_error: of :func:`.private_search`: a fit that fails counts as the worst, or is raised for debugging.
        random_state: a `numpy.random.Generator`, for tests only. It seeds the estimators too; without it they draw
            their own randomness, whose seed could otherwise be guessed.

    Attributes:
        best_params_, best_estimator_, best_score_, epsilon_, result_: as told by the search. There is no `cv_results_`:
            the losing runs are not covered by the guarantee.

    Source: ours, over Section 3.

    >>> from sklearn.linear_model import LogisticRegression
    >>> values, base = {"C": [0.1, 1.0]}, ([2.0, 8.0], [0.1, 0.4])  # the RDP of one private fit and score
    >>> DPSearchCV(LogisticRegression, values, RunCount.geometric(mean=5), base, 1e-5).get_params()["delta"]
    1e-05
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
        on_error: Literal["worst", "raise"] = "worst",
        random_state: np.random.Generator | None = None,
    ) -> None:
        self.estimator_factory = estimator_factory
        self.distributions = distributions
        self.runs = runs
        self.base = base
        self.delta = delta
        self.scoring = scoring
        self.score_data = score_data
        self.on_error = on_error
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None, *, X_score: Any = None, y_score: Any = None) -> "DPSearchCV":
        """Search, and keep the winning estimator as it was trained (a refit would be one more release).

        Raises:
            ValueError: if every fit failed; the error itself, which may depend on a record, is not told.
            RuntimeError: if the search drew no run, which a Poisson count may.
        """
        for name in ("best_params_", "best_estimator_", "best_score_", "epsilon_", "result_"):
            self.__dict__.pop(name, None)  # a search that fails leaves no earlier winner
        if not isinstance(self.distributions, Mapping) or not self.distributions:
            raise ValueError(f"distributions is {self.distributions!r}; expected a mapping. Give a parameter to tune.")
        if not callable(self.estimator_factory) or not callable(self.scoring or callable):
            raise TypeError(
                f"estimator_factory is {self.estimator_factory!r} and scoring {self.scoring!r}; expected functions. "
                "Pass (**params) -> estimator, such as its class, and (estimator, X, y) -> float or None."
            )
        scored_on = (X, y) if X_score is None else (X_score, y_score)

        def train(candidate: tuple[dict[str, Any], Any], rng: np.random.Generator) -> Any:
            return candidate[1].fit(X, y)

        def score(estimator: Any) -> float:
            return self.scoring(estimator, *scored_on) if self.scoring else estimator.score(*scored_on)

        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "no run of this search gave a score", RuntimeWarning)  # an error below
            result = private_search(
                train,
                self._draw_candidate,
                runs=self.runs,
                base=self.base,
                delta=self.delta,
                rng=self.random_state,
                scorer=score,
                scorer_data=self.score_data,
                on_error=self.on_error,
            )
        if result.best_candidate is None:
            raise RuntimeError(
                "the draw was K = 0: this private search returns no model, which is its answer, and has used its "
                f"epsilon, {result.epsilon:.4g}"
            )
        if result.failed:
            raise ValueError(
                "every fit failed; expected one that fits and scores. See the error with on_error='raise', on data "
                f"that are not private. This search has used its epsilon, {result.epsilon:.4g}."
            )
        self.best_params_ = result.best_candidate[0]
        self.best_estimator_ = result.model
        self.best_score_ = result.score
        self.epsilon_ = result.epsilon
        self.result_ = dataclasses.replace(result, best_candidate=self.best_params_)
        return self

    @available_if(_winner_has("predict"))
    def predict(self, X: Any) -> Any:
        """The winner's prediction."""
        return self._winner().predict(X)

    @available_if(_winner_has("predict_proba"))
    def predict_proba(self, X: Any) -> Any:
        """The winner's class probabilities."""
        return self._winner().predict_proba(X)

    @available_if(_winner_has("predict_log_proba"))
    def predict_log_proba(self, X: Any) -> Any:
        """The winner's logarithmic class probabilities."""
        return self._winner().predict_log_proba(X)

    @available_if(_winner_has("decision_function"))
    def decision_function(self, X: Any) -> Any:
        """The winner's decision function."""
        return self._winner().decision_function(X)

    @available_if(_winner_has("score_samples"))
    def score_samples(self, X: Any) -> Any:
        """The winner's score of each sample."""
        return self._winner().score_samples(X)

    @available_if(_winner_has("transform"))
    def transform(self, X: Any) -> Any:
        """The winner's transformation."""
        return self._winner().transform(X)

    @available_if(_winner_has("inverse_transform"))
    def inverse_transform(self, X: Any) -> Any:
        """The winner's inverse transformation."""
        return self._winner().inverse_transform(X)

    def score(self, X: Any, y: Any = None) -> float:
        """The winner's score, by `scoring` if that is given; on private data this is another release."""
        return self.scoring(self._winner(), X, y) if self.scoring else self._winner().score(X, y)

    @property
    def classes_(self) -> Any:
        """The winner's class labels."""
        return self._fitted("classes_")

    @property
    def n_features_in_(self) -> int:
        """Number of features that the winner was fitted on."""
        return self._fitted("n_features_in_")

    @property
    def feature_names_in_(self) -> Any:
        """Names of the features that the winner was fitted on, if they had names."""
        return self._fitted("feature_names_in_")

    def __sklearn_tags__(self) -> Any:
        tags, winner = super().__sklearn_tags__(), get_tags(self._example())
        tags.estimator_type, tags.classifier_tags, tags.regressor_tags = (
            winner.estimator_type,
            winner.classifier_tags,
            winner.regressor_tags,
        )
        tags.input_tags.sparse = winner.input_tags.sparse
        return tags

    def _winner(self) -> Any:
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_

    def _fitted(self, name: str) -> Any:
        """An attribute of the winner. hasattr() is False before `fit`, as scikit-learn has it."""
        if not hasattr(self, "best_estimator_"):
            raise AttributeError(f"{name} is the winner's; call fit first")
        return getattr(self.best_estimator_, name)

    def _example(self) -> Any:
        """The winner, or before `fit` some candidate, to ask what it can do."""
        if hasattr(self, "best_estimator_"):
            return self.best_estimator_
        return self._draw_candidate(np.random.default_rng(0))[1]

    def _draw_candidate(self, rng: np.random.Generator) -> tuple[dict[str, Any], Any]:
        """Parameters and the estimator that they make, none of which looks at data."""
        params = {name: _draw(values, rng) for name, values in self.distributions.items()}
        estimator = self.estimator_factory(**params)
        seeded = "random_state" in getattr(estimator, "get_params", dict)() and "random_state" not in params
        if self.random_state is not None and seeded:
            estimator.set_params(random_state=int(rng.integers(2**32)))
        return params, estimator


def _draw(values: Any, rng: np.random.Generator) -> Any:
    if hasattr(values, "rvs"):
        return values.rvs(random_state=rng)
    if callable(values):
        return values(rng)
    if isinstance(values, str | bytes) or not hasattr(values, "__len__") or len(values) == 0:
        raise ValueError(
            f"a parameter's values are {values!r}; expected a list, a distribution or a function of rng. Try [1.0]."
        )
    return values[int(rng.integers(len(values)))]
