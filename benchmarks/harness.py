"""Time a method beside its peers: the same work, in turn, in one run.

A benchmark is a list of sizes and a set of contenders. A contender is a function of the size that prepares its input
and returns a callable; only the callable is timed, and it must be repeatable.

    from harness import Benchmark, main

    bench = Benchmark("sdrf", "curvature of every edge", unit="edges")

    @bench.contender("paperwright", ours=True)
    def ours(size):
        graph = random_graph(size)
        return lambda: curvature(graph)

    @bench.contender("networkx", max_size=10_000)
    def theirs(size):
        import networkx                      # missing: the table says so, the rest runs
        ...

    bench.sizes([100, 1000, 10_000])
    bench.aim(over="networkx", times=100)    # the table says whether it was reached, and how far it is

    if __name__ == "__main__":
        main(bench)                          # --quick, --write, --json FILE, --rounds N, --no-memory

What is measured, and how:

- *Time*: rounds in which every contender runs once, in an order that rotates, so that a slow minute of the machine
  falls on all of them. The figure is the median over the rounds; short work is looped until a sample lasts long enough.
- *Ratio*: the peer's time over ours, round by round: median and range.
- *Peak memory*: a fresh process for each contender and size; how far the resident set rose above where it stood when
  the work began. The kernel's mark is reset through /proc/self/clear_refs where it can be.
- *Growth*: the exponent of a power law through the medians over the sizes.
"""

import argparse
import contextlib
import gc
import importlib.metadata
import itertools
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

Work = Callable[[], Any]
Prepare = Callable[[int], Work]

SHORTEST_SAMPLE = 5e-3  # seconds; below this the clock and the interpreter's noise show
SLOWEST_CALL = 120.0  # seconds; a peer that took longer is not tried at larger sizes
PATIENCE = 60.0  # seconds for all rounds at one size; slow work gets fewer rounds, but three


@dataclass(frozen=True)
class Contender:
    name: str
    prepare: Prepare
    ours: bool = False
    max_size: int | None = None


@dataclass
class Cell:
    """One contender at one size."""

    contender: str
    size: int
    ours: bool = False
    seconds: float | None = None  # median over the rounds
    samples: list[float] = field(default_factory=list)
    ratio: float | None = None  # its time over ours, median over the rounds
    ratio_range: tuple[float, float] | None = None
    peak_mib: float | None = None
    difference: float | None = None  # of its answer from ours, where the benchmark says how to compare
    missing: str | None = None  # why there is no figure


@dataclass
class Growth:
    contender: str
    exponent: float
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Aim:
    """What was aimed at: so many times as fast as a peer, or so many seconds."""

    over: str | None = None
    times: float | None = None
    seconds: float | None = None
    size: int | None = None  # every size, if none is named

    def standing(self, cells: Sequence[Cell]) -> str | None:
        """The aim, whether it was reached, and how far it is; None where nothing of it was measured."""
        at = "" if self.size is None else f" at {self.size:,}"
        measured = [cell for cell in cells if cell.seconds and self.size in (None, cell.size)]
        if self.seconds is not None:
            ours = [cell.seconds for cell in measured if cell.ours]
            if not ours:
                return None
            reached = "reached" if max(ours) <= self.seconds else "not reached"
            return f"{readable_time(self.seconds)}{at}: {reached}, {readable_time(max(ours))}"
        ratios = [cell.ratio for cell in measured if cell.contender == self.over and cell.ratio]
        if not ratios:
            return None
        reached = "reached" if min(ratios) >= self.times else "not reached"
        return f"{self.times:.3g}x over {self.over}{at}: {reached}, {min(ratios):.3g}x at the least"


@dataclass
class Result:
    name: str
    title: str
    unit: str
    cells: list[Cell]
    growth: list[Growth]
    aims: list[str] = field(default_factory=list)


class Benchmark:
    """Contenders and sizes for one piece of work.

    Args:
        name: of the result file; several benchmarks of one script share it.
        title: what is computed, as the heading of the table.
        unit: what the size counts.
    """

    def __init__(self, name: str, title: str, unit: str = "size") -> None:
        self.name, self.title, self.unit = name, title, unit
        self.contenders: list[Contender] = []
        self._sizes: list[int] = []
        self._quick: list[int] = []
        self._difference: Callable[[Any, Any], float] | None = None
        self._aims: list[Aim] = []

    def contender(self, name: str, *, ours: bool = False, max_size: int | None = None) -> Callable[[Prepare], Prepare]:
        """Register `prepare(size) -> work`; `max_size` keeps a slow peer from the sizes that it cannot finish."""
        if any(contender.name == name for contender in self.contenders):
            raise ValueError(f"{self.name}: two contenders are called {name!r}")

        def register(prepare: Prepare) -> Prepare:
            self.contenders.append(Contender(name, prepare, ours, max_size))
            return prepare

        return register

    def sizes(self, sizes: Sequence[int], quick: Sequence[int] | None = None) -> None:
        """The sizes to run at, rising; `quick` those of `--quick` (by default the smallest)."""
        self._sizes = sorted(sizes)
        self._quick = sorted(quick) if quick is not None else self._sizes[:1]

    def aim(
        self,
        *,
        over: str | None = None,
        times: float | None = None,
        seconds: float | None = None,
        size: int | None = None,
    ) -> None:
        """State what is aimed at, so that the table says how far it is: `times` as fast as a peer, or `seconds`."""
        if (over is None) != (times is None) or (times is None) == (seconds is None):
            raise ValueError(f"{self.name}: an aim is over= with times=, or seconds=")
        self._aims.append(Aim(over, times, seconds, size))

    def difference(self, function: Callable[[Any, Any], float]) -> Callable[[Any, Any], float]:
        """Register `distance(our_answer, their_answer) -> float`, shown beside each peer's time."""
        self._difference = function
        return function

    def run(self, *, quick: bool = False, rounds: int = 7, sizes: Sequence[int] | None = None) -> Result:
        """Time every contender at every size. Memory is measured apart, by `main`."""
        if sum(contender.ours for contender in self.contenders) != 1:
            raise ValueError(f"{self.name}: exactly one contender must be registered with ours=True")
        chosen = list(sizes) if sizes else self._quick if quick else self._sizes
        if not chosen:
            raise ValueError(f"{self.name}: no sizes; call bench.sizes([...])")
        gone: dict[str, str] = {}  # contender -> why it is out for good
        cells: list[Cell] = []
        for size in chosen:
            cells += self._run_size(size, max(rounds, 2), gone)
        aims = [said for said in (aim.standing(cells) for aim in self._aims) if said is not None]
        return Result(self.name, self.title, self.unit, cells, _growths(cells), aims)

    def _run_size(self, size: int, rounds: int, gone: dict[str, str]) -> list[Cell]:
        cells = {c.name: Cell(c.name, size, c.ours) for c in self.contenders}
        work: dict[str, tuple[Work, int]] = {}
        answers: dict[str, Any] = {}
        a_round = 0.0  # seconds that one round will take
        for contender in self.contenders:
            ready = _ready(contender, size, gone)
            if isinstance(ready, str):
                cells[contender.name].missing = ready
                continue
            call, seconds, answers[contender.name] = ready
            loops = max(1, round(SHORTEST_SAMPLE / max(seconds, 1e-7)))
            work[contender.name] = call, loops
            a_round += loops * seconds
        affordable = max(int(PATIENCE / max(a_round, 1e-9)), 3)
        for name, samples in _interleaved(work, min(rounds, affordable)).items():
            cells[name].samples, cells[name].seconds = samples, statistics.median(samples)
            if cells[name].seconds > SLOWEST_CALL:
                gone[name] = f"stopped: {cells[name].seconds:.0f} s at {size}"
        self._compare(cells, answers)
        return list(cells.values())

    def _compare(self, cells: dict[str, Cell], answers: dict[str, Any]) -> None:
        ours = next(cell for cell in cells.values() if cell.ours)
        for name, cell in cells.items():
            if cell.ours or not cell.samples or not ours.samples:
                continue
            ratios = [theirs / own for theirs, own in zip(cell.samples, ours.samples, strict=True)]
            cell.ratio, cell.ratio_range = statistics.median(ratios), (min(ratios), max(ratios))
            if self._difference is not None:
                cell.difference = float(self._difference(answers[ours.contender], answers[name]))

    def peak_memory(self, contender: str, size: int) -> float:
        """MiB by which the resident set rises during one call, in this process (which should be a fresh one)."""
        prepare = next(c.prepare for c in self.contenders if c.name == contender)
        prepare(min([size, *self._quick]))()  # imports and compilation are not the method's memory
        call = prepare(size)
        gc.collect()
        before = _reset_peak()
        call()
        return max(_peak_bytes() - before, 0) / 2**20


def _ready(contender: Contender, size: int, gone: dict[str, str]) -> tuple[Work, float, Any] | str:
    """The contender's work at this size, how long a call takes, and its answer; or why there is none."""
    if contender.name in gone:
        return gone[contender.name]
    if contender.max_size is not None and size > contender.max_size:
        return f"not run above {contender.max_size}"
    try:
        call = contender.prepare(size)
        seconds, answer = _timed(call)  # the first call pays for imports, compilation and caches
        return call, _timed(call)[0] if seconds < 1 else seconds, answer
    except ImportError as error:
        gone[contender.name] = f"not installed ({error.name or error})"
        return gone[contender.name]
    except Exception as error:
        if contender.ours:
            raise
        return f"failed: {type(error).__name__}: {(str(error).splitlines() or [''])[0]}"


def _timed(call: Work) -> tuple[float, Any]:
    start = time.perf_counter()
    answer = call()
    return time.perf_counter() - start, answer


def _interleaved(work: dict[str, tuple[Work, int]], rounds: int) -> dict[str, list[float]]:
    samples: dict[str, list[float]] = {name: [] for name in work}
    names = list(work)
    with _garbage_collected_between_rounds() as collect:
        for turn in range(rounds if names else 0):
            collect()
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                call, loops = work[name]
                start = time.perf_counter()
                for _ in itertools.repeat(None, loops):
                    call()
                samples[name].append((time.perf_counter() - start) / loops)
    return samples


@contextlib.contextmanager
def _garbage_collected_between_rounds():
    """No collection while the clock runs; what lives already is frozen, so that collecting in between is quick."""
    enabled = gc.isenabled()
    gc.freeze()
    gc.disable()
    try:
        yield gc.collect
    finally:
        gc.unfreeze()
        if enabled:
            gc.enable()


def _reset_peak() -> int:
    """Reset the kernel's high-water mark and return the bytes resident now; without /proc, the mark as it stands."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return _peak_bytes()
    return _status_bytes("VmRSS") or _peak_bytes()


def _peak_bytes() -> int:
    found = _status_bytes("VmHWM")
    if found is not None:
        return found
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _status_bytes(key: str) -> int | None:
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(key + ":"):
                return int(line.split()[1]) * 1024
    return None


def _growths(cells: Sequence[Cell]) -> list[Growth]:
    found = []
    for name in dict.fromkeys(cell.contender for cell in cells):
        measured = [(cell.size, cell.seconds) for cell in cells if cell.contender == name and cell.seconds]
        if len(measured) >= 3:
            sizes, seconds = zip(*measured, strict=True)
            found.append(Growth(name, *power_law(sizes, seconds)))
    return found


def power_law(x: Sequence[float], y: Sequence[float]) -> tuple[float, tuple[float, float] | None]:
    """Exponent b of y = a x^b by least squares on logarithms, with its interval where paperwright.stats is there."""
    import numpy as np

    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    try:
        from paperwright.stats import fit_power_law
    except ImportError:
        return float(np.polyfit(np.log(x), np.log(y), 1)[0]), None
    exponent = fit_power_law(x, y).exponent
    return float(exponent.estimate), (float(exponent.low), float(exponent.high))


def machine() -> dict[str, Any]:
    """What the figures depend on: processor, cores, interpreter and the libraries that are loaded."""
    processor = platform.processor() or platform.machine()
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    versions = {}
    for name in sorted({module.split(".")[0] for module in sys.modules} & set(_LIBRARIES)):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(_LIBRARIES[name])
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"processor": processor, "cores": cores, "python": platform.python_version(), "versions": versions}


_LIBRARIES = {
    "avalanche": "avalanche-lib",
    "diffusers": "diffusers",
    "dp_accounting": "dp-accounting",
    "networkx": "networkx",
    "numba": "numba",
    "numpy": "numpy",
    "opacus": "opacus",
    "paperwright": "paperwright",
    "scipy": "scipy",
    "sklearn": "scikit-learn",
    "torch": "torch",
    "torch_geometric": "torch-geometric",
    "torchvision": "torchvision",
    "transformers": "transformers",
}


def markdown(result: Result) -> str:
    """The result as a Markdown section."""
    compared = any(cell.difference is not None for cell in result.cells)
    head = [result.unit, "contender", "time", "over ours (range)", "peak memory"] + ["difference"] * compared
    rows = [head, ["---:", "---", "---:", "---:", "---:"] + ["---:"] * compared]
    for cell in result.cells:
        name = f"**{cell.contender}**" if cell.ours else cell.contender
        ratio = "1" if cell.ours else ""
        if cell.ratio is not None:
            ratio = f"{cell.ratio:.3g}x ({cell.ratio_range[0]:.3g} to {cell.ratio_range[1]:.3g})"
        took = cell.missing or readable_time(cell.seconds)
        memory = "" if cell.peak_mib is None else f"{cell.peak_mib:.1f} MiB"
        apart = [""] if cell.difference is None else [f"{cell.difference:.1e}"]
        rows.append([f"{cell.size:,}", name, took, ratio, memory] + apart * compared)
    lines = [f"## {result.title}", "", *("| " + " | ".join(row) + " |" for row in rows), ""]
    for growth in result.growth:
        interval = f" ({growth.interval[0]:.2f} to {growth.interval[1]:.2f})" if growth.interval else ""
        lines.append(f"- {growth.contender}: time grows as {result.unit}^{growth.exponent:.2f}{interval}")
    lines += [f"- aim {aim}" for aim in result.aims]
    return "\n".join(lines).rstrip() + "\n"


def readable_time(seconds: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def main(*benches: Benchmark, argv: Sequence[str] | None = None) -> list[Result]:
    """Run the benchmarks of one script from the command line, print the tables, write what was asked for."""
    options = _options(argv)
    if options.memory_of:
        index, size, contender = options.memory_of.split(":", 2)
        print(json.dumps(benches[int(index)].peak_memory(contender, int(size))))
        return []
    results = []
    for index, bench in enumerate(benches):
        result = bench.run(quick=options.quick, rounds=2 if options.quick else options.rounds, sizes=options.sizes)
        if not (options.quick or options.no_memory):
            _fill_memory(result, index)
        print(markdown(result), flush=True)
        results.append(result)
    record = {"machine": machine(), "results": [asdict(result) for result in results]}
    if options.json:
        Path(options.json).write_text(json.dumps(record, indent=1) + "\n")
    if options.write:
        folder = Path(__file__).parent / "results"
        folder.mkdir(exist_ok=True)
        name = benches[0].name
        (folder / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n")
        (folder / f"{name}.md").write_text("\n".join([f"# {name}", "", _conditions(record["machine"]), ""]) + "\n")
        with (folder / f"{name}.md").open("a") as page:
            page.write("\n".join(markdown(result) for result in results))
    return results


def _conditions(about: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    return f"{about['processor']}, {about['cores']} cores, Python {about['python']}; {versions}."


def _fill_memory(result: Result, index: int) -> None:
    """Measure each cell's peak memory in a fresh process: this script again, with one hidden option."""
    for cell in result.cells:
        if cell.seconds is not None:
            command = [sys.executable, sys.argv[0], "--memory-of", f"{index}:{cell.size}:{cell.contender}"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                cell.peak_mib = float(done.stdout.split()[-1])
            else:
                print(f"memory of {cell.contender} at {cell.size}: {done.stderr.strip()[-300:]}", file=sys.stderr)


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time a method beside its peers.")
    parser.add_argument("--quick", action="store_true", help="smallest sizes, two rounds, no memory: that it runs")
    parser.add_argument("--write", action="store_true", help="write benchmarks/results/<name>.json and .md")
    parser.add_argument("--json", metavar="FILE", help="write the figures here")
    parser.add_argument("--rounds", type=int, default=7, help="rounds of timing (default 7)")
    parser.add_argument("--sizes", type=int, nargs="+", help="these sizes instead of the benchmark's own")
    parser.add_argument("--no-memory", action="store_true", help="leave out the fresh processes for peak memory")
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    return parser.parse_args(argv)
