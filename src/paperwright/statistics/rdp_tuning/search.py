"""The private search itself: draw K, run K random candidates, return the best and nothing else (section 3).

To tune on random subsets and train once on everything (after Koskela & Kulkarni 2023), let every run draw a subset of
its own, search with the curve of such a subsampled run as `base`, and add the final run's:
``rdp_to_epsilon(result.orders, result.rdp + final, delta)``. One subset that all runs share makes them dependent: then
`base` is the curve of a run on all that it is given, and nothing is gained from the drawing of that subset.
"""

import dataclasses
import inspect
import math
import numbers
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor
from typing import Any, Literal, NamedTuple, SupportsFloat

import numpy as np

from paperwright.blocks.counts import whole_number

from ._inputs import checked_generator, distribution, fresh_generator, number
from .base import rdp_curve
from .conversion import checked_delta, rdp_to_epsilon
from .run_count import RunCount
from .selection import Method, Tradeoff, selected_rdp


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
        failed: whether the winner failed, since no run did better; the model is then None and the score nan. What it
            raised is not told: that can depend on a record where the failing does not.
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
    failed: bool = False


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
    method: Method = "best",
    tradeoff: Tradeoff | None = None,
) -> SearchResult:
    """Tune on private data, and return the winner with the guarantee of the whole search.

    K is drawn from `runs`; each of the K runs draws its own candidate, trains and scores; the run with the top score is
    returned (the first of equals). A score of nan is the worst. Poisson may draw K = 0: the result is then empty, and
    drawing again would be another distribution with another price.

    A run that fails (raises, or calls ``sys.exit``) is an answer of that run, with the lowest score. Failing reads the
    data too: a record can be made to crash a training. So `base` must cover that a run fails, as it must cover its
    model. Nothing of the error is told, neither its text nor its type, only that the winner failed where no run did
    better. Whatever ends the search early tells about the data outside of every guarantee: an answer that is no score,
    an interrupt, a worker process that dies.

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
        executor: runs the K trainings (`concurrent.futures`, Dask, submitit, MPI); `stop_at` then only caps. Where a
            record could kill a process (memory, a crash in C), let `train` contain that in a process of its own.
        keep_history: keep every run in ``unsafe_history``; the result then claims no epsilon.
        method, tradeoff: of :func:`.selected_rdp`.

    Returns:
        SearchResult.

    Raises:
        RunBudgetExceeded: K > `max_runs`.
        RuntimeError: the executor broke, and with it the guarantee.
        TypeError: a score that is not a real number, or an argument of another kind.
        ValueError: no candidates, probabilities that do not sum to 1, or a `base` that has recorded no cost.

    Warns:
        RuntimeWarning: no run gave a score, and the winner failed.

    Source: Section 3.

    >>> from paperwright.statistics.rdp_tuning import RunCount, gaussian_rdp, private_search
    >>> train = lambda rate, rng: (rate, -abs(rate - 0.1))  # (model, score)
    >>> found = private_search(train, [0.1], runs=RunCount.logarithmic(mean=9), base=gaussian_rdp(2.0), delta=1e-5)
    >>> found.best_candidate, round(found.epsilon, 2)
    (0.1, 3.11)
    """
    if on_error not in ("worst", "raise"):
        raise ValueError(f"on_error is {on_error!r}; expected 'worst' or 'raise'. Take 'worst'.")
    if not isinstance(runs, RunCount):
        raise TypeError(
            f"runs is {runs!r}; expected a RunCount: a search is private because K is random. "
            "Try RunCount.logarithmic(mean=10)."
        )
    _check_function("train", train, "a candidate and a generator", 2)
    if scorer is not None:
        _check_function("scorer", scorer, "a model", 1)
    if callable(candidates):
        _check_function("candidates", candidates, "a generator", 1)
    if executor is not None and not hasattr(executor, "map"):
        raise TypeError(f"executor is {executor!r}; expected a concurrent.futures.Executor. Leave it out.")
    if scorer_data not in ("covered", "public", None):
        raise ValueError(f"scorer_data is {scorer_data!r}; expected 'covered', 'public' or None. Say which.")
    generator = checked_generator(rng)
    if stop_at is not None:
        stop_at = number("stop_at", stop_at)
        if math.isnan(stop_at):
            raise ValueError("stop_at is nan; expected a score. Leave it out to train every candidate that was drawn.")
    if max_runs is not None:
        max_runs = whole_number("max_runs", max_runs, 1)
    if scorer is not None and scorer_data is None:
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

    count = runs.sample(generator)
    if max_runs is not None and count > max_runs:
        raise RunBudgetExceeded(
            f"the draw asks for more than max_runs={max_runs} runs; nothing was trained. Drawing again until it fits "
            f"is another distribution with another price: for a hard cap use runs.truncated({max_runs})."
        )
    attempt = _Attempt(train, scorer, draw, on_error)
    ceiling = math.inf if stop_at is None else stop_at
    try:
        finished = (map if executor is None else executor.map)(attempt, _run_generators(rng, count))
        winner, history = _best(finished, ceiling, executor is None, keep_history)
    except BrokenExecutor:
        raise RuntimeError(
            f"executor is {type(executor).__name__}, which broke; expected one that outlives its runs. A worker that "
            "dies tells about the data, outside of the guarantee: let train contain it in a process of its own."
        ) from None
    failed = winner.failure is not None
    if failed:
        warnings.warn(
            "no run of this search gave a score; the winner failed, and there is no model. "
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
        failed=failed,
    )


def _check_function(name: str, function: Any, takes: str, arguments: int) -> None:
    """Refuse what cannot be called so: every run would fail, and the search would have spent its epsilon."""
    try:
        inspect.signature(function).bind(*range(arguments))
    except TypeError:
        raise TypeError(f"{name} is {function!r}; expected a function of {takes}. Pass one that takes them.") from None
    except ValueError:  # some builtins have no signature
        pass


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


def _run_generators(rng: np.random.Generator | None, count: int) -> Iterator[np.random.Generator]:
    """One generator a run. Spawned ones remember their number and their parent's seed, hence K: for tests only."""
    for _ in range(count):
        yield fresh_generator() if rng is None else rng.spawn(1)[0]


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
        except (Exception, SystemExit) as error:
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
    real = isinstance(score, numbers.Real)
    scalar = getattr(score, "shape", None) == () and not isinstance(score, complex | np.complexfloating)
    if not real and not scalar:  # a 0-d array or tensor
        raise TypeError(f"a score is {type(score).__name__}; expected a real number. Return a float.")
    return number("a score", score)


def candidate_sampler(candidates: Any) -> Callable[[np.random.Generator], Any]:
    """rng -> candidate, from a sequence, a mapping to probabilities, or such a callable."""
    if callable(candidates):
        return candidates
    if isinstance(candidates, Mapping):
        options = list(candidates)
        if not options:
            raise ValueError("candidates is empty; expected something to try. Give one at least.")
        probabilities = distribution("the candidates' probabilities", list(candidates.values()))
        return _Weighted(options, np.cumsum(probabilities / probabilities.sum()))
    sequence = isinstance(candidates, Sequence) or (isinstance(candidates, np.ndarray) and candidates.ndim > 0)
    if isinstance(candidates, str | bytes) or not sequence:
        raise TypeError(
            f"candidates is {type(candidates).__name__}; expected a sequence, a mapping to probabilities or a "
            "callable. Put a single candidate into a list, and make one of other containers."
        )
    if len(candidates) == 0:
        raise ValueError("candidates is empty; expected something to try. Give one at least.")
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
