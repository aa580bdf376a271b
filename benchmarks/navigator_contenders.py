"""What `navigator.py` measures: each contender builds itself from the same texts and answers the same queries.

A contender is a function of the number of records. It returns `build` (seconds until it is ready), `holds` and
`peak` (MiB), `p50` and `p95` (seconds), `calls`, `found`. It runs in a process of its own.
"""

import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from harness import _peak_bytes, _reset_peak, _status_bytes

REAL = 3_328
"""The number of submissions to ICLR 2022 whose records there are."""
K = 10
LONGEST = 20.0  # seconds of calls at one size
WIDTH = 256
FOLDER = "NAVIGATOR_BENCHMARK"
"""The variable with the folder in which libraries are made, so that what one process made another one opens."""


@dataclass(frozen=True)
class Texts:
    """What is searched: title and the rest of each record, its topic, and queries with the place of the paper meant."""

    titles: list[str]
    rests: list[str]
    topics: list[int]
    queries: list[tuple[str, int]]

    def __len__(self) -> int:
        return len(self.titles)

    @property
    def whole(self) -> list[str]:
        return [f"{title}\n{rest}" for title, rest in zip(self.titles, self.rests, strict=True)]

    def papers(self) -> "Iterator[Any]":
        from paperwright.navigator.paper import Paper

        for place, (title, rest) in enumerate(zip(self.titles, self.rests, strict=True)):
            yield Paper(id=f"p{place}", title=title, abstract=rest, venue="Synthetic", year=2000 + place % 26)


def texts(size: int) -> Texts:
    """The real submissions where they are to be had and their number is asked for, else synthetic ones."""
    from synthetic_papers import LONG, SHORT, queries, synthetic_texts

    real = Path(os.environ.get("PAPERWRIGHT_DATA", "nowhere")) / "iclr2022" / "submissions.csv"
    if size == REAL and real.is_file():
        import csv

        with real.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        titles, rests = [row["title"] for row in rows], [row["keywords"] for row in rows]
        topics = [0] * len(titles)
    else:
        columns = zip(*synthetic_texts(size, LONG if size <= 200_000 else SHORT), strict=True)
        titles, rests, topics = (list(column) for column in columns)
    return Texts(titles, rests, topics, queries(titles, 1_000))


Ask = Callable[[str], Sequence[int]]
"""From a query to the places of the ten best papers."""


# -- words -------------------------------------------------------------------------------------------------------------


def memory_index(given: Texts) -> Ask:
    from paperwright.navigator.filters import Filter
    from paperwright.navigator.memory_index import MemoryIndex

    index, everything = MemoryIndex(), Filter()
    _fill(index, given)
    return lambda query: [int(found.id[1:]) for found in index.lexical(query, K, everything)]


def lance_index(given: Texts) -> Ask:
    from paperwright.navigator.engines import open_index
    from paperwright.navigator.filters import Filter

    folder = tempfile.TemporaryDirectory()
    index, everything = open_index("lance", Path(folder.name)), Filter()
    _fill(index, given)

    def ask(query: str, folder: Any = folder) -> list[int]:
        return [int(found.id[1:]) for found in index.lexical(query, K, everything)]

    return ask


def _fill(index: Any, given: Texts, vectors: Any = None) -> None:
    from paperwright.navigator.filters import columns_of
    from paperwright.navigator.text import lexical_text

    at_once: list[Any] = []
    done = 0
    for paper in given.papers():
        at_once.append(paper)
        if len(at_once) == 10_000 or done + len(at_once) == len(given):
            part = None if vectors is None else vectors[done : done + len(at_once)]
            done += len(at_once)
            ids, columns = [one.id for one in at_once], [columns_of(one) for one in at_once]
            index.upsert(ids, [lexical_text(one) for one in at_once], part, columns, done)
            at_once = []


def bare_bm25s(given: Texts) -> Ask:
    import bm25s

    found = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
    found.index(bm25s.tokenize(given.whole, stopwords="en", show_progress=False), show_progress=False)

    def ask(query: str) -> list[int]:
        tokens = bm25s.tokenize(query, stopwords="en", show_progress=False)
        places, _ = found.retrieve(tokens, k=K, show_progress=False)
        return [int(place) for place in places[0]]

    return ask


def rank_bm25(given: Texts) -> Ask:
    import numpy as np
    from rank_bm25 import BM25Okapi

    found = BM25Okapi([text.lower().split() for text in given.whole], k1=1.2, b=0.75)
    return lambda query: np.argsort(-found.get_scores(query.lower().split()))[:K].tolist()


def sklearn_tfidf(given: Texts) -> Ask:
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.metrics.pairwise import linear_kernel

    vectorizer = TfidfVectorizer(stop_words="english")
    matrix = vectorizer.fit_transform(given.whole)
    return lambda query: np.argsort(-linear_kernel(vectorizer.transform([query]), matrix)[0])[:K].tolist()


def tantivy_index(given: Texts) -> Ask:
    import tantivy

    schema = tantivy.SchemaBuilder().add_text_field("text", tokenizer_name="en_stem")
    schema = schema.add_integer_field("place", stored=True).build()
    index = tantivy.Index(schema)
    writer = index.writer(heap_size=256_000_000, num_threads=1)
    for place, text in enumerate(given.whole):
        writer.add_document(tantivy.Document(text=text, place=place))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    searcher = index.searcher()

    def ask(query: str) -> list[int]:
        hits = searcher.search(index.parse_query(query, ["text"]), K).hits
        return [searcher.doc(address)["place"][0] for _, address in hits]

    return ask


def substring_scan(given: Texts) -> Ask:
    """What a small discovery site does: every paper is looked through, for each word of the query, at each request.

    A word in the title counts twenty, in the text one for each time it is there, at most three.
    """
    papers = [(title.lower(), rest.lower()) for title, rest in zip(given.titles, given.rests, strict=True)]

    def ask(query: str) -> list[int]:
        words = query.lower().split()
        scored = []
        for place, (title, rest) in enumerate(papers):
            score = sum(20 * (word in title) + min(3, rest.count(word)) for word in words)
            if score:
                scored.append((-score, place))
        return [place for _, place in sorted(scored)[:K]]

    return ask


# -- vectors -----------------------------------------------------------------------------------------------------------


def unit_vectors(given: Texts) -> Any:
    """Vectors around the topics' own, as an encoder's are."""
    import numpy as np

    random = np.random.default_rng([20220425, 2])
    centres = random.standard_normal((max(given.topics) + 1, WIDTH), dtype=np.float32)
    found = 0.7 * centres[given.topics] + random.standard_normal((len(given), WIDTH), dtype=np.float32)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return found


def memory_vectors(given: Texts) -> Ask:
    from paperwright.navigator.memory_index import MemoryIndex

    return _nearest(MemoryIndex(), given)


def lance_vectors(given: Texts) -> Ask:
    from paperwright.navigator.engines import open_index

    folder = tempfile.TemporaryDirectory()
    ask = _nearest(open_index("lance", Path(folder.name)), given)
    return lambda query, folder=folder: ask(query)


def _nearest(index: Any, given: Texts) -> Ask:
    from paperwright.navigator.filters import Filter

    vectors = unit_vectors(given)
    _fill(index, given, vectors)
    places = dict(given.queries)
    everything = Filter()
    return lambda query: [int(found.id[1:]) for found in index.dense(vectors[places[query]], K, everything)]


# -- the whole library -------------------------------------------------------------------------------------------------


def library_folder(size: int) -> Path:
    return Path(os.environ[FOLDER]) / f"library-{size}"


def build_library(size: int) -> dict[str, Any]:
    """Makes the library that the next two read, with all that `Library.add` does: records, encoder, vectors, index."""
    from paperwright.navigator.library import Library

    given = texts(size)
    before = _settled()
    began = time.perf_counter()
    with Library.create(library_folder(size)) as library:
        library.add(given.papers())
        library.index.snapshot()
        built = time.perf_counter() - began
        return {"build": built, **_memory(before)}


def library_search(size: int) -> dict[str, Any]:
    from paperwright.navigator.library import Library

    given = texts(size)
    before = _settled()
    began = time.perf_counter()
    with Library.open(library_folder(size)) as library:
        ask: Ask = lambda query: [int(hit.paper.id[1:]) for hit in library.search(query, K)]  # noqa: E731
        ask(given.queries[0][0])
        opened = time.perf_counter() - began
        return {"build": opened, **_memory(before), **_latency(ask, given.queries)}


def http_search(size: int) -> dict[str, Any]:
    """`paperwright serve` in a process of its own, from its start to its first answer; then over one connection."""
    import http.client
    import socket
    from urllib.parse import quote

    given = texts(size)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = str(library_folder(size))
    command = [sys.executable, "-m", "paperwright", "serve", "--library", folder, "--port", str(port)]
    began = time.perf_counter()
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:

        def get(path: str, connection: http.client.HTTPConnection) -> bytes:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{path}: {answer.status} {body[:200]!r}")
            return body

        def search(query: str, connection: http.client.HTTPConnection) -> list[int]:
            found = json.loads(get(f"/api/search?q={quote(query)}&k={K}", connection))
            return [int(hit["paper"]["id"][1:]) for hit in found["hits"]]

        while True:
            try:
                search(given.queries[0][0], http.client.HTTPConnection("127.0.0.1", port, timeout=600))
                break
            except OSError:
                if server.poll() is not None or time.perf_counter() - began > 600:
                    raise RuntimeError(f"the server did not start (code {server.poll()})") from None
                time.sleep(0.01)
        started = time.perf_counter() - began
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        measured = _latency(partial(search, connection=connection), given.queries)
        status = Path(f"/proc/{server.pid}/status").read_text(encoding="utf-8").splitlines()
        held, peak = (
            next(int(line.split()[1]) / 1024 for line in status if line.startswith(key)) for key in ("VmRSS", "VmHWM")
        )
        weight = _weight(get("/", connection).decode(), partial(get, connection=connection))
        return {"build": started, "holds": held, "peak": peak, "weight": weight, **measured}
    finally:
        server.terminate()
        server.wait(timeout=30)


def _weight(page: str, get: Callable[[str], bytes]) -> int:
    """Bytes of a page with the styles and scripts that it names, as they come without compression."""
    import re

    parts = set(re.findall(r'(?:src|href)="(/static/[^"]+\.(?:css|js|svg)[^"]*)"', page))
    return len(page.encode()) + sum(len(get(part)) for part in parts)


# -- recommendations ---------------------------------------------------------------------------------------------------


def tags(given: Texts, count: int = 20) -> list[list[int]]:
    """Five papers for each of some tags: those of one topic where topics are known, else those that share a word."""
    if max(given.topics):
        of_topic: dict[int, list[int]] = {}
        for place, topic in enumerate(given.topics):
            of_topic.setdefault(topic, []).append(place)
        chosen = [of_topic[topic][:5] for topic in sorted(of_topic)]
    else:
        words = [query.split()[0].lower() for query, _ in given.queries]
        chosen = [[place for place, title in enumerate(given.titles) if word in title.lower()][:5] for word in words]
    return [places for places in chosen if len(places) == 5][:count]


def library_recommend(size: int) -> dict[str, Any]:
    """`Library.recommend` for one tag after another: the features are there, what is learned is new each time."""
    from paperwright.navigator.library import Library

    given = texts(size)
    chosen = tags(given)
    before = _settled()
    with Library.open(library_folder(size)) as library:
        for number, places in enumerate(chosen):
            library.tag(f"tag-{number}", [f"p{place}" for place in places])
        began = time.perf_counter()
        library.recommend("tag-0", K)
        first = time.perf_counter() - began
        asked = [(f"tag-{number}", -1) for number in range(1, len(chosen))]
        measured = _latency(lambda tag: [int(hit.paper.id[1:]) for hit in library.recommend(tag, K)], asked, warm=0)
        return {"build": first, **_memory(before), **measured}


def fit_per_request(size: int) -> dict[str, Any]:
    """Features once for all papers; a linear support vector machine over all of them at every request."""
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.svm import LinearSVC

    given = texts(size)
    chosen = tags(given)
    before = _settled()
    began = time.perf_counter()
    few = {} if size < 10_000 else {"min_df": 5, "max_df": 0.1}
    vectorizer = TfidfVectorizer(
        max_features=20_000, ngram_range=(1, 2), sublinear_tf=True, stop_words="english", **few
    )
    features = vectorizer.fit_transform(given.whole)
    built = time.perf_counter() - began

    def ask(tag: str) -> list[int]:
        wanted = np.zeros(len(given), dtype=int)
        wanted[chosen[int(tag)]] = 1
        machine = LinearSVC(class_weight="balanced", C=0.01, max_iter=10_000, tol=1e-6, random_state=0)
        scores = machine.fit(features, wanted).decision_function(features)
        return [int(place) for place in np.argsort(-scores) if not wanted[place]][:K]

    measured = _latency(ask, [(str(number), -1) for number in range(len(chosen))], warm=0)
    return {"build": built, **_memory(before), **measured}


# -- measuring ---------------------------------------------------------------------------------------------------------


def searching(prepare: Callable[[Texts], Ask], size: int) -> dict[str, Any]:
    """Builds an engine from texts in memory and asks it."""
    given = texts(size)
    small = texts(500)
    prepare(small)(small.queries[0][0])  # imports and compilation are not the engine's memory and time
    before = _settled()
    began = time.perf_counter()
    ask = prepare(given)
    ask(given.queries[0][0])
    built = time.perf_counter() - began
    return {"build": built, **_memory(before), **_latency(ask, given.queries)}


def _settled() -> int:
    gc.collect()
    return _reset_peak()


def _memory(before: int) -> dict[str, float]:
    peak = _peak_bytes()
    gc.collect()
    return {"holds": ((_status_bytes("VmRSS") or peak) - before) / 2**20, "peak": (peak - before) / 2**20}


def _latency(ask: Ask, asked: Sequence[tuple[str, int]], *, warm: int = 10) -> dict[str, Any]:
    began = time.perf_counter()
    for query, _ in asked[:warm]:
        ask(query)
        if time.perf_counter() - began > 2:
            break
    longest = float(os.environ.get("NAVIGATOR_BENCHMARK_SECONDS", LONGEST))
    samples: list[float] = []
    found = 0
    gc.collect()
    began = time.perf_counter()
    for query, place in asked:
        start = time.perf_counter()
        answer = ask(query)
        samples.append(time.perf_counter() - start)
        found += place in answer
        if time.perf_counter() - began > longest and len(samples) >= 5:
            break
    whole = statistics.quantiles(samples, n=20, method="inclusive")
    rate = found / len(samples) if asked[0][1] >= 0 else None
    return {"p50": statistics.median(samples), "p95": whole[-1], "calls": len(samples), "found": rate}
