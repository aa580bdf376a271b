"""The private search itself: draw K, run K random candidates, return the best and nothing else (section 3).

To tune on a random subset and train once on everything (Koskela & Kulkarni 2023), search with the curve of the
subsampled runs as `base`, then add the final run's: ``rdp_to_epsilon(result.orders, result.rdp + final, delta)``.
"""

import dataclasses
import math
import numbers
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any, Literal, NamedTuple, SupportsFloat

import numpy as np

from paperwright.statistics.rdp_tuning.arrays import whole_number
from paperwright.statistics.rdp_tuning.base import rdp_curve
from paperwright.statistics.rdp_tuning.conversion import checked_delta, rdp_to_epsilon
from paperwright.statistics.rdp_tuning.run_count import RunCount
from paperwright.statistics.rdp_tuning.sampling import fresh_generator
from paperwright.statistics.rdp_tuning.selection import Tradeoff, selected_rdp


class RunBudgetExceeded(RuntimeError):
    """The drawn number of runs is above `max_runs`; nothing was trained."""


class Run(NamedTuple):
    """One run of a search. Not covered by the guarantee unless it is the winner."""

    candidate: Any
    model: Any
    score: float
    failure: str | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class SearchResult:
    """What a private search may say, and all that it may say.

    There is deliberately no K and no losing score: releasing them, a wall-clock time or a training log that shows them
    voids the guarantee.

    Attributes:
        best_candidate, model, score: of the winner; None, None and nan if a Poisson search drew no run.
        epsilon, delta: the guarantee of releasing the three above. epsilon is None if the history was kept.
        orders, rdp: the search's own curve, to compose with other releases on the same data.
        expected_runs: E[K]; the number drawn is not told.
        failure: the type of what the winner raised, if no run did better; the model is then None and the score nan.
        unsafe_history: every run, if it was asked for.
    """

    best_candidate: Any
    model: Any = dataclasses.field(repr=False)
    score: float
    epsilon: float | None
    delta: float
    orders: np.ndarray = dataclasses.field(repr=False)
    rdp: np.ndarray = dataclasses.field(repr=False)
    expected_runs: float
    unsafe_history: tuple[Run, ...] | None = dataclasses.field(default=None, repr=False)
    failure: str | None = None


def private_search(
    train: Callable[..., Any],
    candidates: Any,
    *,
    runs: RunCount,
    base: Any,
    delta: SupportsFloat,
    rng: np.random.Generator | None = None,
    scorer: Callable[[Any], float] | None = None,
    scorer_data: Literal["covered", "public"] | None = None,
    on_error: Literal["worst", "raise"] = "worst",
    max_runs: SupportsFloat | None = None,
    stop_at: SupportsFloat | None = None,
    executor: Executor | None = None,
    keep_history: bool = False,
    method: Literal["closed", "numeric", "best"] = "best",
    tradeoff: Tradeoff | None = None,
) -> SearchResult:
    """Tune on private data and keep a guarantee for the winner.

    K is drawn from `runs`; each of the K runs draws its own candidate, trains and scores; the run with the top score is
    returned (the first of equals). A score of nan is the worst. Poisson may draw K = 0: the result is then empty, and
    drawing again would be another distribution with another price.

    A run that fails is an answer of that run, with the lowest score. Failing reads the data too: a record can be made
    to crash a training. So `base` must cover that a run fails, as it must cover its model. Of the error only the type
    is told, and only the winner's, where no run did better: its text may quote a record.

    Args:
        train: ``(candidate, rng) -> (model, score)``, or ``-> model`` with a `scorer`. One call, its score included,
            must cost no more than `base` whatever the candidate.
        candidates: a sequence (drawn uniformly, with replacement), a mapping from candidate to probability, or a
            callable ``rng -> candidate``. Draws must look neither at the data nor at earlier scores.
        runs: distribution of the number of runs.
        base: the RDP of *one* run: ``(orders, rdp)``, a dp-accounting event or accountant, or an Opacus accountant.
        delta: of the guarantee.
        rng: for tests only; by default fresh entropy, since K must not be predictable.
        scorer: model -> score.
        scorer_data: declares that what `scorer` reads is "covered" by `base`, or "public". Without it you are warned.
        on_error: a run that raises counts as the worst, because stopping would tell about the data; "raise" is for
            debugging, on data that are not private.
        max_runs: refuse, before training, a draw above it. To cap the cost for good use ``runs.truncated(max_runs)``.
        stop_at: score at which the search may end early. Scores are compared after capping them here, so the winner is
            the first to reach it, with or without the runs that are saved: the guarantee is the same.
        executor: runs the K trainings (`concurrent.futures`, Dask, submitit, MPI); `stop_at` then only caps.
        keep_history: keep every run in ``unsafe_history``; the result then claims no epsilon.
        method, tradeoff: of :func:`.selected_rdp`.

    Returns:
        SearchResult.

    Raises:
        RunBudgetExceeded: K > `max_runs`.
        TypeError: a score that is not a real number, or an argument of another kind.
        ValueError: no candidates, probabilities that do not sum to 1, or a `base` that has recorded no cost.

    Warns:
        RuntimeWarning: no run gave a score, and the first failed.
    """
    if on_error not in ("worst", "raise"):
        raise ValueError(f"on_error is {on_error!r}; expected 'worst' or 'raise'")
    if not isinstance(runs, RunCount):
        raise TypeError(
            f"runs is {runs!r}; expected a RunCount: a search is private because K is random. "
            "Try RunCount.logarithmic(mean=10)."
        )
    if not isinstance(rng, np.random.Generator | None):
        raise TypeError(
            f"rng is {rng!r}; expected a numpy.random.Generator. Leave it out, or for a test pass "
            "numpy.random.default_rng(0)."
        )
    if stop_at is not None and math.isnan(float(stop_at)):
        raise ValueError("stop_at is nan; expected a score. Leave it out to train every candidate that was drawn.")
    if max_runs is not None:
        max_runs = whole_number("max_runs", max_runs, 1)
    if scorer is not None and scorer_data not in ("covered", "public"):
        warnings.warn(
            "the guarantee covers the score only if the data that scorer reads is public, or its reading is part of "
            "base; declare which with scorer_data='public' or 'covered'",
            stacklevel=2,
        )
    draw = candidate_sampler(candidates)
    delta = checked_delta(delta)
    orders, single = rdp_curve(base)
    rdp = selected_rdp(orders, single, runs, method, tradeoff)
    epsilon = rdp_to_epsilon(orders, rdp, delta).epsilon

    rng = fresh_generator() if rng is None else rng
    count = runs.sample(rng)
    if max_runs is not None and count > max_runs:
        raise RunBudgetExceeded(
            f"the draw asks for more than max_runs={max_runs} runs; nothing was trained. Drawing again until it fits "
            f"is another distribution with another price: for a hard cap use runs.truncated({max_runs})."
        )
    attempt = _Attempt(train, scorer, draw, on_error)
    finished = executor.map(attempt, rng.spawn(count)) if executor else map(attempt, _spawned(rng, count))
    winner, history = _best(finished, math.inf if stop_at is None else float(stop_at), executor is None, keep_history)
    if winner.failure:
        warnings.warn(
            f"no run of this search gave a score; the first failed with {winner.failure}, and there is no model. "
            "See the error with on_error='raise', on data that are not private.",
            RuntimeWarning,
            stacklevel=2,
        )
    return SearchResult(
        winner.candidate,
        winner.model,
        winner.score,
        epsilon=None if keep_history else epsilon,
        delta=delta,
        orders=orders,
        rdp=rdp,
        expected_runs=runs.mean,
        unsafe_history=tuple(history) if keep_history else None,
        failure=winner.failure,
    )


def _best(finished: Any, ceiling: float, may_stop: bool, keep_history: bool) -> tuple[Run, list[Run]]:
    """The first run with the top score, scores capped at `ceiling`, nan lowest; only one model is held at a time."""
    winner, best, history = Run(None, None, math.nan), None, []
    for run in finished:
        rank = (False, 0.0) if math.isnan(run.score) else (True, min(run.score, ceiling))
        if best is None or rank > best:
            winner, best = run, rank
        if keep_history:
            history.append(run)
        if may_stop and not keep_history and math.isfinite(ceiling) and best == (True, ceiling):
            break
    return winner, history


def _spawned(rng: np.random.Generator, count: int):
    for _ in range(count):
        yield rng.spawn(1)[0]


@dataclasses.dataclass(frozen=True)
class _Attempt:
    """One run: draw, train, score. A class, so that an executor can send it to another process."""

    train: Callable[..., Any]
    scorer: Callable[[Any], float] | None
    draw: Callable[[np.random.Generator], Any]
    on_error: str

    def __call__(self, rng: np.random.Generator) -> Run:
        candidate = self.draw(rng)
        try:
            answer = self.train(candidate, rng)
            model, score = (answer, self.scorer(answer)) if self.scorer else _pair(answer)
        except _Malformed as error:
            raise TypeError(str(error)) from None
        except Exception as error:
            if self.on_error == "raise":
                raise
            return Run(candidate, None, math.nan, type(error).__name__)
        return Run(candidate, model, _real(score))


class _Malformed(Exception):
    """`train` returned something else than a pair: a mistake in the program, not a run that went wrong."""


def _pair(answer: Any) -> tuple[Any, Any]:
    if not isinstance(answer, tuple) or len(answer) != 2:
        raise _Malformed(f"train returns {type(answer).__name__}; expected (model, score). Or pass a scorer=.")
    return answer


def _real(score: Any) -> float:
    if isinstance(score, numbers.Real):
        return float(score)
    if getattr(score, "shape", None) == () and not isinstance(score, complex | np.complexfloating):
        return float(score)  # a 0-d array or tensor
    raise TypeError(f"a score is {type(score).__name__}; expected a real number")


def candidate_sampler(candidates: Any) -> Callable[[np.random.Generator], Any]:
    """rng -> candidate, from a sequence, a mapping to probabilities, or such a callable."""
    if callable(candidates):
        return candidates
    if isinstance(candidates, Mapping):
        options = list(candidates)
        probabilities = np.asarray(list(candidates.values()), dtype=np.float64)
        if not options:
            raise ValueError("candidates is empty; expected something to try")
        if not np.all(probabilities >= 0) or abs(probabilities.sum() - 1) > 1e-9:
            raise ValueError(f"the candidates' probabilities sum to {probabilities.sum()}; expected that they sum to 1")
        return _Weighted(options, np.cumsum(probabilities / probabilities.sum()))
    if isinstance(candidates, str | bytes) or not (isinstance(candidates, Sequence | np.ndarray)):
        raise TypeError(
            f"candidates is {type(candidates).__name__}; expected a sequence, a mapping to probabilities or a callable"
        )
    if len(candidates) == 0:
        raise ValueError("candidates is empty; expected something to try")
    return _Uniform(candidates)


@dataclasses.dataclass(frozen=True)
class _Uniform:
    options: Any

    def __call__(self, rng: np.random.Generator) -> Any:
        return self.options[int(rng.integers(len(self.options)))]


@dataclasses.dataclass(frozen=True)
class _Weighted:
    options: list[Any]
    steps: np.ndarray

    def __call__(self, rng: np.random.Generator) -> Any:
        return self.options[min(int(np.searchsorted(self.steps, rng.random(), side="right")), len(self.options) - 1)]
