"""The benchmark harness: what it measures, and what it says when a peer is missing."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

HARNESS = Path(__file__).parents[1] / "benchmarks" / "harness.py"


@pytest.fixture(scope="module")
def harness():
    spec = importlib.util.spec_from_file_location("harness", HARNESS)
    module = importlib.util.module_from_spec(spec)
    sys.modules["harness"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules["harness"]


class Clock:
    """Time that passes only when the work says so."""

    def __init__(self):
        self.now = 0.0

    def perf_counter(self):
        return self.now

    def work(self, seconds, answer):
        def call():
            self.now += seconds
            return answer

        return call


@pytest.fixture
def bench(harness, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(harness, "time", clock)
    bench = harness.Benchmark("sleep", "a nap", unit="naps")

    @bench.contender("paperwright", ours=True)
    def ours(size):
        return clock.work(size * 1e-3, size)

    @bench.contender("slow", max_size=4)
    def slow(size):
        return clock.work(size * 3e-3, size + 1)

    @bench.contender("absent")
    def absent(size):
        import no_such_library_anywhere  # noqa: F401

    bench.sizes([2, 4, 8])
    return bench


def test_median_ratio_and_growth(harness, bench):
    result = bench.run(rounds=3)
    by_key = {(cell.contender, cell.size): cell for cell in result.cells}
    assert by_key["paperwright", 4].seconds == pytest.approx(4e-3)
    assert len(by_key["paperwright", 4].samples) == 3
    assert by_key["slow", 4].ratio == pytest.approx(3)
    assert by_key["slow", 4].ratio_range == pytest.approx((3, 3))
    growth = {growth.contender: growth for growth in result.growth}
    assert growth["paperwright"].exponent == pytest.approx(1.0)
    assert "slow" not in growth  # two sizes make no exponent


def test_missing_and_limited_contenders_are_said(harness, bench):
    result = bench.run(rounds=2)
    page = harness.markdown(result)
    assert "not installed (no_such_library_anywhere)" in page
    assert "not run above 4" in page


def test_a_peer_that_fails_is_said_and_ours_raises(harness):
    bench = harness.Benchmark("broken", "broken")
    bench.sizes([1])

    @bench.contender("paperwright", ours=True)
    def ours(size):
        return lambda: None

    @bench.contender("peer")
    def peer(size):
        raise ZeroDivisionError("by zero")

    assert "failed: ZeroDivisionError: by zero" in harness.markdown(bench.run(rounds=2))
    bench.contenders[0] = harness.Contender("paperwright", peer, ours=True)
    with pytest.raises(ZeroDivisionError):
        bench.run(rounds=2)


def test_difference_of_answers(harness, bench):
    bench.difference(lambda ours, theirs: abs(ours - theirs))
    cells = bench.run(quick=True, rounds=2).cells
    assert [cell.difference for cell in cells] == [None, 1.0, None]


def test_refuses_what_cannot_be_compared(harness):
    bench = harness.Benchmark("empty", "nothing")
    with pytest.raises(ValueError, match="ours=True"):
        bench.run()
    bench.contender("a", ours=True)(lambda size: lambda: None)
    with pytest.raises(ValueError, match="no sizes"):
        bench.run()
    with pytest.raises(ValueError, match="two contenders"):
        bench.contender("a")


def test_power_law_recovers_an_exponent(harness):
    exponent, _ = harness.power_law([1, 2, 4, 8], [3.0, 12.0, 48.0, 192.0])
    assert exponent == pytest.approx(2.0)


def test_script_measures_memory_in_fresh_processes(tmp_path):
    script = tmp_path / "bench_bytes.py"
    script.write_text(
        "from harness import Benchmark, main\n"
        "bench = Benchmark('bytes', 'allocate', unit='MiB')\n"
        "@bench.contender('paperwright', ours=True)\n"
        "def ours(size):\n"
        "    return lambda: len(bytearray(b'x') * (size << 20))\n"
        "bench.sizes([1, 64])\n"
        "main(bench)\n"
    )
    out = tmp_path / "out.json"
    command = [sys.executable, str(script), "--rounds", "2", "--json", str(out)]
    subprocess.run(command, check=True, env={"PYTHONPATH": str(HARNESS.parent)}, capture_output=True, timeout=60)
    record = json.loads(out.read_text())
    peaks = {cell["size"]: cell["peak_mib"] for cell in record["results"][0]["cells"]}
    assert peaks[64] == pytest.approx(64, abs=8)
    assert peaks[1] < 16
    assert record["machine"]["cores"] >= 1


def test_an_aim_says_whether_it_was_reached_and_how_far_it_is(harness):
    Aim, Cell = harness.Aim, harness.Cell

    cells = [
        Cell("ours", 10, ours=True, seconds=0.2),
        Cell("peer", 10, seconds=1.0, ratio=5.0),
        Cell("ours", 100, ours=True, seconds=2.0),
        Cell("peer", 100, seconds=6.0, ratio=3.0),
    ]
    assert Aim(over="peer", times=4).standing(cells) == "4x over peer: not reached, 3x at the least"
    assert Aim(over="peer", times=4, size=10).standing(cells) == "4x over peer at 10: reached, 5x at the least"
    assert Aim(seconds=1.0).standing(cells) == "1 s: not reached, 2 s"
    assert Aim(seconds=1.0, size=10).standing(cells) == "1 s at 10: reached, 200 ms"
    assert Aim(over="absent", times=4).standing(cells) is None
