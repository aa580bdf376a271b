"""The navigator beside its peers: latency, memory and time to build, at 3,328, 100,000 and 1,000,000 records.

Every contender answers the same queries over the same texts in a process of its own, one after the other; see
`synthetic_papers` for the texts, and set PAPERWRIGHT_DATA for the real 3,328 submissions to ICLR 2022. A contender that
is not installed, or is not run at a size, has a row that says so.

    python benchmarks/navigator.py --quick             # that it runs: 1,000 records, few queries
    python benchmarks/navigator.py                     # all of it; an hour on two cores
    python benchmarks/navigator.py --sizes 3328        # one size; --write writes benchmarks/results/navigator.{json,md}

What is measured, and how:

- *Latency*: the time of single calls, each with another query of three words of some title; median (p50) and 95th
  percentile (p95) over at most 1,000 calls in at most 20 s.
- *Build*: from the texts to the first answer.
- *Memory*: how far the resident set rose above where it stood with the texts alone, after the build and at its peak; of
  the server, all of it.
- *Found*: how often the paper whose title gave the words is among the ten answers: all do the same work.
- *Growth*: the exponent of a power law through the medians.
"""

import argparse
import contextlib
import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import navigator_contenders as of
from harness import _conditions, machine, power_law, readable_time

SIZES = (of.REAL, 100_000, 1_000_000)
QUICK = (1_000,)
TEXTS = """One thread. 3,328 records: the submissions to ICLR 2022 where they are at hand, title and keywords. 100,000:
synthetic, title and 110 words. 1,000,000: synthetic, title and 12 words. Exponents of growth are therefore over texts
that grow shorter, and each is of three points."""
PEERS = ("bm25s", "fastapi", "lancedb", "numpy", "rank-bm25", "scikit-learn", "tantivy")

# -- the tables --------------------------------------------------------------------------------------------------------

Measure = Callable[[int], dict[str, Any]]


@dataclass(frozen=True)
class Contender:
    name: str
    measure: Measure
    ours: bool = False
    max_size: int = SIZES[-1]


SECTIONS: dict[str, list[Contender]] = {
    "ten papers by words": [
        Contender("MemoryIndex", partial(of.searching, of.memory_index), ours=True),
        Contender("LanceIndex", partial(of.searching, of.lance_index), max_size=100_000),
        Contender("bm25s, bare", partial(of.searching, of.bare_bm25s)),
        Contender("tantivy", partial(of.searching, of.tantivy_index)),
        Contender("scikit-learn TF-IDF, cosine", partial(of.searching, of.sklearn_tfidf)),
        Contender("rank-bm25", partial(of.searching, of.rank_bm25)),
        Contender("scan of substrings", partial(of.searching, of.substring_scan)),
    ],
    f"ten papers by vectors of {of.WIDTH} numbers": [
        Contender("MemoryIndex", partial(of.searching, of.memory_vectors), ours=True),
        Contender("LanceIndex", partial(of.searching, of.lance_vectors), max_size=100_000),
    ],
    "the whole library": [
        Contender("Library.create and add", of.build_library),
        Contender("Library.search, from opening", of.library_search),
        Contender("paperwright serve, over HTTP", of.http_search, ours=True),
    ],
    "recommendations from five papers": [
        Contender("Library.recommend", of.library_recommend, ours=True, max_size=100_000),
        Contender("support vector machine fitted at each request", of.fit_per_request, max_size=100_000),
    ],
}


def run(sizes: Sequence[int], only: str, known: Sequence[dict[str, Any]] = ()) -> Iterator[dict[str, Any]]:
    """Every contender at every size, each in a process of its own; what a contender cannot do has a reason.

    `known` rows, of a run that was cut short, stand as they are where they were not asked for again by `only`.
    """
    before = {(row["section"], row["contender"], row["size"]): row for row in known}
    for size in sizes:
        for section, contenders in SECTIONS.items():
            for contender in contenders:
                asked = only and only in f"{section}: {contender.name}"
                if not asked and (found := before.get((section, contender.name, size))):
                    yield found | {"ours": contender.ours}
                    continue
                if only and not asked:
                    continue
                row = {"section": section, "contender": contender.name, "size": size, "ours": contender.ours}
                row |= _measured(section, contender, size)
                print(f"{size:>9,}  {contender.name}: {row.get('missing') or _line(row)}", file=sys.stderr, flush=True)
                yield row


def _measured(section: str, contender: Contender, size: int) -> dict[str, Any]:
    if size > contender.max_size:
        return {"missing": f"not run above {contender.max_size:,}"}
    command = [sys.executable, __file__, "--measure", section, contender.name, str(size)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found
    last = (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1]
    if last.startswith("ModuleNotFoundError"):
        return {"missing": f"not run: not installed ({last.split()[-1]})"}
    if contender.ours:
        print(done.stderr, file=sys.stderr)
    return {"missing": f"not run: {last[:200]}"}


def _line(row: dict[str, Any]) -> str:
    build = f"ready in {readable_time(row['build'])}, {row['holds']:,.0f} MiB (peak {row['peak']:,.0f})"
    if "p50" not in row:
        return build
    return f"p50 {readable_time(row['p50'])}, p95 {readable_time(row['p95'])}; {build}"


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    lines = []
    for section in dict.fromkeys(row["section"] for row in rows):
        lines += [f"## {section[0].upper()}{section[1:]}", ""]
        lines += ["| records | contender | p50 | p95 | p50 over ours | found | ready in | memory (peak) |"]
        lines += ["---:|---|---:|---:|---:|---:|---:|---:".join("||")]
        here = [row for row in rows if row["section"] == section]
        for row in here:
            name = f"**{row['contender']}**" if row["ours"] else row["contender"]
            if "missing" in row:
                lines.append(f"| {row['size']:,} | {name} | {row['missing']} | | | | | |")
                continue
            ours = next((one for one in here if one["ours"] and one["size"] == row["size"] and "p50" in one), None)
            p50, p95 = ("" if key not in row else readable_time(row[key]) for key in ("p50", "p95"))
            ratio = "" if ours is None or "p50" not in row else f"{row['p50'] / ours['p50']:.3g}"
            found = "" if row.get("found") is None else f"{100 * row['found']:.1f}%"
            memory = f"{row['holds']:,.0f} ({row['peak']:,.0f}) MiB"
            cells = [f"{row['size']:,}", name, p50, p95, ratio, found, readable_time(row["build"]), memory]
            lines.append("| " + " | ".join(cells) + " |")
        lines.append("")
        lines += [f"- {said}" for said in _growths(here)]
        lines.append("")
    lines += ["## Aims", "", "| aim | at | here | |", "|---|---:|---:|---|"]
    lines += ["| " + " | ".join(cells) + " |" for cells in aims(rows)]
    return "\n".join(lines) + "\n"


def _growths(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    for contender in dict.fromkeys(row["contender"] for row in rows):
        for key, what in (("p50", "p50"), ("build", "time until ready")):
            points = [(row["size"], row[key]) for row in rows if row["contender"] == contender and key in row]
            if len(points) >= 3:
                exponent, _ = power_law(*zip(*points, strict=True))  # of three points an interval says nothing
                yield f"{contender}: {what} grows as records^{exponent:.2f}"


def aims(rows: Sequence[dict[str, Any]]) -> Iterator[tuple[str, str, str, str]]:
    """What was aimed at, at which size, what was measured, and whether that is it; only of what was measured."""

    def value(contender: str, size: int, key: str, section: str = "") -> float | None:
        for row in rows:
            if row["contender"] == contender and row["size"] == size and row["section"].startswith(section):
                return row.get(key)
        return None

    def times(peer: str, size: int, ours: str, section: str) -> float | None:
        theirs, own = value(peer, size, "p50", section), value(ours, size, "p50", section)
        return None if theirs is None or own is None else theirs / own

    http, made, words = "paperwright serve, over HTTP", "Library.create and add", "ten papers by words"
    small, middle, large = SIZES
    at_most = [
        ("HTTP search p95", small, value(http, small, "p95"), 25e-3, readable_time),
        ("HTTP search p95", middle, value(http, middle, "p95"), 60e-3, readable_time),
        ("HTTP search p95", large, value(http, large, "p95"), 250e-3, readable_time),
        ("serve: start to first answer", small, value(http, small, "build"), 2.0, readable_time),
        ("first view without compression", small, value(http, small, "weight"), 150e3, "{:,.0f} bytes".format),
        ("memory of the server", middle, value(http, middle, "holds"), 1536.0, "{:,.0f} MiB".format),
        ("memory while the library is made", middle, value(made, middle, "peak"), 1536.0, "{:,.0f} MiB".format),
    ]
    for name, size, found, most, shown in at_most:
        if found is not None:
            reached = "reached" if found <= most else "**not reached**"
            yield f"{name} at most {shown(most)}", f"{size:,}", shown(found), reached
    machine, fitted = "Library.recommend", "support vector machine fitted at each request"
    at_least = [
        ("MemoryIndex over LanceIndex", small, times("LanceIndex", small, "MemoryIndex", words), 10),
        ("MemoryIndex over rank-bm25", small, times("rank-bm25", small, "MemoryIndex", words), 50),
        ("MemoryIndex over rank-bm25", middle, times("rank-bm25", middle, "MemoryIndex", words), 50),
        ("MemoryIndex over the scan", middle, times("scan of substrings", middle, "MemoryIndex", words), 100),
        ("Library.recommend over a fit per request", small, times(fitted, small, machine, "recommend"), 5),
        ("Library.recommend over a fit per request", middle, times(fitted, middle, machine, "recommend"), 5),
    ]
    for name, size, found, least in at_least:
        if found is not None:
            reached = "reached" if found >= least else "**not reached**"
            yield f"{name} at least {least} times as fast", f"{size:,}", f"{found:.3g} times", reached


def main() -> None:
    parser = argparse.ArgumentParser(description="The navigator beside its peers.")
    parser.add_argument("--quick", action="store_true", help="1,000 records and few queries: that it runs")
    parser.add_argument("--write", action="store_true", help="write benchmarks/results/navigator.json and .md")
    parser.add_argument("--json", metavar="FILE", help="write the figures here, as they come")
    parser.add_argument("--sizes", type=int, nargs="+", help="these sizes instead of 3,328, 100,000 and 1,000,000")
    parser.add_argument("--known", metavar="FILE", help="take rows from this --json file of a run that was cut short")
    parser.add_argument("--only", default="", help="only the rows with this in 'section: contender'")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        section, name, size = options.measure
        contender = next(one for one in SECTIONS[section] if one.name == name)
        print(json.dumps(contender.measure(int(size))))
        return
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    if options.quick:
        os.environ["NAVIGATOR_BENCHMARK_SECONDS"] = "0.5"
    known = json.loads(Path(options.known).read_text(encoding="utf-8"))["results"] if options.known else []
    sizes = sorted(options.sizes or (QUICK if options.quick else SIZES))
    record: dict[str, Any] = {"machine": machine(), "results": []}
    for name in PEERS:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            record["machine"]["versions"][name] = importlib.metadata.version(name)
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault(of.FOLDER, folder)
        for row in run(sizes, options.only, known):
            record["results"].append(row)
            if options.json:
                Path(options.json).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    page = "\n".join(["# navigator", "", _conditions(record["machine"]), "", TEXTS, "", markdown(record["results"])])
    print(page)
    if options.write:
        results = Path(__file__).parent / "results"
        (results / "navigator.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        (results / "navigator.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
