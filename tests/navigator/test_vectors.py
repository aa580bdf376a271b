"""Vectors: encoded once, in pieces, here or elsewhere, and kept by their text."""

import logging
import pickle
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import word_encoder
from word_encoder import FaultyEncoder, WordEncoder

from paperwright.executors import place
from paperwright.navigator.encoders import adapted
from paperwright.navigator.errors import LibraryError, NavigatorError
from paperwright.navigator.vectors import PIECE, VectorCache, checked, encoded, text_key

TEXTS = [f"text number {number} of many" for number in range(2 * PIECE + 10)]
IDS = [f"p{number}" for number in range(len(TEXTS))]


def expected(texts: list[str]) -> np.ndarray:
    return adapted(WordEncoder()).encode(texts).astype(np.float16).astype(np.float32)


def test_a_text_is_encoded_once(tmp_path: Path) -> None:
    encoder = WordEncoder()
    cache = VectorCache(tmp_path / "vectors.sqlite")
    told: list[int] = []
    first = encoded(adapted(encoder), IDS, TEXTS, cache, progress=told.append)
    np.testing.assert_array_equal(first, expected(TEXTS))
    assert told == [PIECE, PIECE, 10]
    encoder.texts.clear()
    told.clear()
    again = encoded(adapted(encoder), [*IDS, "new"], [*TEXTS, "a new text"], cache, progress=told.append)
    assert [one for one in encoder.texts if "quick brown fox" not in one] == ["a new text"]
    assert told == [len(TEXTS), 1]
    np.testing.assert_array_equal(again[:-1], first)
    cache.close()


def test_the_same_text_twice_is_one_call() -> None:
    encoder = WordEncoder()
    ours = adapted(encoder)
    assert ours.width
    encoder.texts.clear()
    found = encoded(ours, ["a", "b"], ["same", "same"], VectorCache())
    assert encoder.texts == ["same"]
    np.testing.assert_array_equal(found[0], found[1])


def test_another_encoder_finds_nothing_in_the_cache() -> None:
    cache = VectorCache()
    one, other = adapted(WordEncoder()), adapted(WordEncoder(salt="other"))
    encoded(one, IDS[:3], TEXTS[:3], cache)
    assert text_key(one, "a") != text_key(other, "a")
    found = encoded(other, IDS[:3], TEXTS[:3], cache)
    np.testing.assert_allclose(found, other.encode(TEXTS[:3]), atol=1e-3)
    assert len(cache) == 6


@pytest.mark.parametrize(
    ("poison", "what"), [(np.nan, "with NaN or infinity"), (np.inf, "with NaN or infinity"), (0.0, "of zeros")]
)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_vectors_that_cannot_be_name_their_paper(poison: float, what: str) -> None:
    cache = VectorCache()
    ours = adapted(FaultyEncoder(poison))
    with pytest.raises(ValueError, match=f"FaultyEncoder|words gives the paper p1 a vector {what}") as raised:
        encoded(ours, IDS[:3], ["good", "poison", "good too"], cache)
    assert isinstance(raised.value, NavigatorError)
    found = encoded(ours, IDS[:3], ["good", "poison", "good too"], cache, lenient=True)
    assert found.any(axis=1).tolist() == [True, False, True]
    with pytest.raises(ValueError, match="the paper b a vector of zeros"):
        checked(["a", "b"], np.array([[1, 0], [0, 0]], dtype=np.float32), "mine")


def test_what_was_encoded_before_a_failure_is_kept() -> None:
    cache = VectorCache()
    texts = [*TEXTS[:PIECE], "poison"]
    with pytest.raises(NavigatorError, match=f"p{PIECE} "):
        encoded(adapted(FaultyEncoder(0.0)), IDS, texts, cache)
    assert len(cache) == PIECE


def test_a_damaged_cache_is_begun_again(tmp_path: Path) -> None:
    path = tmp_path / "vectors.sqlite"
    path.write_bytes(b"not a database" * 1_000)
    cache = VectorCache(path)
    encoded(adapted(WordEncoder()), IDS[:3], TEXTS[:3], cache)
    assert len(cache) == 3
    cache.close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE vectors SET vector = x'00'")
    connection.close()
    cache = VectorCache(path)
    np.testing.assert_array_equal(encoded(adapted(WordEncoder()), IDS[:3], TEXTS[:3], cache), expected(TEXTS[:3]))
    cache.close()


def test_many_threads_share_a_cache() -> None:
    cache, failures = VectorCache(), []

    def work(start: int) -> None:
        try:
            texts = TEXTS[start : start + 100]
            np.testing.assert_array_equal(encoded(adapted(WordEncoder()), IDS, texts, cache), expected(texts))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(40 * number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


class Counting(Executor):
    """Runs calls in threads, as another machine would get them: pickled; and counts how many are under way."""

    def __init__(self, workers: int) -> None:
        self._max_workers = workers
        self._pool = ThreadPoolExecutor(workers)
        self.under_way: set[Future[Any]] = set()
        self.most = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        sent = pickle.loads(pickle.dumps(args))
        future = self._pool.submit(fn, *sent, **kwargs)
        self.under_way = {one for one in self.under_way if not one.done()} | {future}
        self.most = max(self.most, len(self.under_way))
        return future


def test_any_executor_will_do_and_few_pieces_are_under_way() -> None:
    executor = Counting(2)
    texts = [f"text {number}" for number in range(10 * PIECE)]
    found = encoded(adapted(WordEncoder()), [""] * len(texts), texts, VectorCache(), on=executor)
    np.testing.assert_array_equal(found, expected(texts))
    assert 1 <= executor.most <= 4
    executor._pool.shutdown()


def test_a_worker_that_falls_over_is_told_in_a_line() -> None:
    class Broken(WordEncoder):
        def vector(self, sentence: str) -> np.ndarray:
            if "100" in sentence:
                raise MemoryError("no room")
            return super().vector(sentence)

    with ThreadPoolExecutor(1) as pool, pytest.raises(LibraryError, match="where it was sent: MemoryError: no room"):
        encoded(adapted(Broken()), IDS, TEXTS, VectorCache(), on=pool)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_on_a_dask_cluster() -> None:
    """A real scheduler and two real workers, processes of their own, through the engine's own address."""
    distributed = pytest.importorskip("distributed")
    cloudpickle = pytest.importorskip("cloudpickle")
    cloudpickle.register_pickle_by_value(word_encoder)  # the workers do not have the tests' folder
    try:
        with distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address=":0",
            silence_logs=logging.CRITICAL,
        ) as cluster:
            where = place(f"dask://{cluster.scheduler_address.removeprefix('tcp://')}")
            told: list[int] = []
            cache = VectorCache()
            found = encoded(adapted(WordEncoder(delay=1e-4)), IDS, TEXTS, cache, on=where, progress=told.append)
            np.testing.assert_array_equal(found, expected(TEXTS))
            assert where.width == 2
            assert sum(told) == len(TEXTS)
            where.close(False)
    finally:
        cloudpickle.unregister_pickle_by_value(word_encoder)
