"""Judge the judge: 200 statements of known truth through the whole engine, its error rates, and its power by seeds.

    python benchmarks/calibrated_judge.py           # measures and prints
    python benchmarks/calibrated_judge.py --write   # and writes results/calibrated_judge.json, the figure and the docs
    python benchmarks/calibrated_judge.py --docs    # the figure and the docs again, from the recorded results

The statements are those of calibration_room/claims.py. They are checked once through store, verdict and evidence file,
and judged many times more on other seeds, without a store. Error rates and power are those of error_rates.py.
"""

import argparse
import contextlib
import importlib
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from error_rates import (
    KINDS,
    LEVEL,
    clustered,
    draw_clusters,
    guarded,
    percent,
    pooled,
    rates,
    student,
    table,
    worse_side,
)

from paperwright.claims import Plan, Store, check, entries, judge
from paperwright.claims.evidence.evidence_file import write_evidence
from paperwright.claims.evidence.recorded import recorded_claims
from paperwright.claims.evidence.revision import next_revision
from paperwright.claims.evidence.valid_records import judged
from paperwright.files import write_text
from paperwright.registry import registry

HERE = Path(__file__).parent
DOCS = HERE.parent / "docs"
RESULTS = HERE / "results" / "calibrated_judge.json"
FIGURE = DOCS / "figures" / "power.svg"
ROOM = "calibration"
PACKAGE = "calibration_room"

SAMPLES = 20_000
EFFECTS = (0.0, 0.25, 0.5, 1.0, 2.0)
SEEDS = (3, 5, 8, 10, 15, 20, 30, 50)
MOST_SEEDS = 300
LOOKS = (5, 10, 20)
SHOWN = {
    "normal": "normal",
    "t with 3 degrees of freedom": "heavy-tailed (t with 3 degrees of freedom)",
    "gamma, skewness 0.5": "mildly skewed (skewness 0.5)",
    "gamma, skewness 1": "skewed (skewness 1)",
    "exponential, skewness 2": "exponential (skewness 2)",
    "lognormal(1), skewness 6.2": "lognormal (skewness 6.2)",
    "80% tied": "four of five seeds tied",
    "1 in 20 bad": "one seed in 20 bad, the others alike",
    "1 in 20 bad, with jitter": "one seed in 20 bad, behind jitter",
}
CLUSTERS = ((0.0, 20, 15), (0.1, 20, 15), (0.5, 20, 15))  # correlation, seeds, attempts of each
SHARE = 0.1
PLACES = {
    "clearly true": lambda away: away > 0.9,
    "narrowly true": lambda away: 0 < away <= 0.9,
    "on the border": lambda away: away == 0,
    "narrowly false": lambda away: -0.9 <= away < 0,
    "clearly false": lambda away: away < -0.9,
}
VERDICTS = ("holds", "fails", "undecided")


# --- The statements ---------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def installed(folder: Path) -> Iterator:
    """The room of statements, brought by a package of its own in `folder`."""
    shutil.copytree(HERE / PACKAGE, folder / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    metadata = folder / f"{PACKAGE}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: 1.0\n", encoding="utf-8")
    entry_point = f"[paperwright.papers]\n{ROOM} = {PACKAGE}\n"
    (metadata / "entry_points.txt").write_text(entry_point, encoding="utf-8")
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    registry.cache_clear()
    try:
        yield registry().room(ROOM)
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
            del sys.modules[name]
        registry.cache_clear()


def through_engine(room, folder: Path) -> tuple[dict, dict, dict]:
    """The verdict on each statement: as checked, as read from the store again, and as read from the evidence file."""
    with Store(folder / "evidence.sqlite") as store:
        checked = check(entries(room), store, Plan("desk"))
    with Store(folder / "evidence.sqlite", read_only=True) as store:
        stored = judged(room, store, "desk")
        write_evidence(room, store)
    read = [claim.judgement for claim in recorded_claims(room).values()]
    return tuple({one.name: one.verdict.value for one in found} for found in (checked, stored, read))


def redrawn(room, worlds: int) -> Iterator[dict]:
    """The verdicts on all statements again, each time on other seeds."""
    there = [(entry, next_revision(entry.claim.terms("desk"), (), {})) for entry in entries(room)]
    for world in range(1, worlds + 1):
        verdicts = {}
        for entry, revision in there:
            claim, budget = entry.claim, entry.claim.budget("desk")
            first = 1000 * world
            numbers = {
                arm: {
                    seed: claim.trial(claim.value(arm, "desk"), seed=seed, device="cpu", **budget.config)
                    for seed in range(first, first + budget.seeds)
                }
                for arm in claim.arms
            }
            found = judge(entry.path, claim, "desk", numbers, revision=replace(revision, first_seed=first))
            verdicts[entry.name] = found.verdict.value
        yield verdicts


def tally(away: dict[str, float], *runs: dict[str, str]) -> dict[str, dict[str, int]]:
    """How many verdicts of each kind there are, by the statement's place."""
    return {
        place: {
            verdict: sum(run[name] == verdict for run in runs for name, at in away.items() if within(at))
            for verdict in VERDICTS
        }
        for place, within in PLACES.items()
    }


def wrong(counts: dict[str, dict[str, int]], verdict: str) -> tuple[int, int]:
    """How often a verdict was wrong, and how many statements it would be wrong of: the border's are among them."""
    side = "false" if verdict == "holds" else "true"
    of = [count for place, count in counts.items() if side in place or "border" in place]
    return sum(count[verdict] for count in of), sum(sum(count.values()) for count in of)


# --- Power and error rates --------------------------------------------------------------------------------------------


def power(samples: int) -> dict:
    """Shares of paired comparisons that hold, fail and stay undecided at a single look, for normal differences."""
    values = np.random.default_rng(6).normal(size=(samples, SEEDS[-1]))
    shares = {}
    for effect in EFFECTS:
        shares[str(effect)] = []
        for seeds in SEEDS:
            found = rates(values + effect, (seeds,), guarded)
            cell = [round(float(share), 4) for share in (found.holds, found.fails)]
            shares[str(effect)].append([*cell, round(1 - sum(cell), 4)])
    return {"seeds": SEEDS, "shares": shares}


def needed(samples: int) -> dict[str, dict[str, int]]:
    """The least number of seeds at which 80% and 95% of the comparisons hold, by the effect."""
    values = np.random.default_rng(7).normal(size=(samples, MOST_SEEDS))

    def least(effect: float, share: float) -> int:
        low, high = 2, MOST_SEEDS  # too few, enough
        while high - low > 1:
            middle = (low + high) // 2
            found = rates(values[:, :middle] + effect, (middle,), guarded)
            low, high = (low, middle) if found.holds >= share else (middle, high)
        return high

    return {str(effect): {f"{share:.0%}": least(effect, share) for share in (0.8, 0.95)} for effect in EFFECTS[1:]}


def errors(samples: int) -> dict:
    """The error rates at the border that the docs show, of means and of attempts in clusters: before and now."""
    means = {}
    for name in SHOWN:
        values = KINDS[name](np.random.default_rng(1), (samples, LOOKS[-1]))
        before, now = rates(values, LOOKS, student), rates(values, LOOKS, guarded)
        found = (before.holds, before.fails, now.holds, now.fails, now.open)
        means[name] = [round(float(share), 5) for share in found]
    clusters = []
    for correlation, seeds, attempts in CLUSTERS:
        hits = draw_clusters(np.random.default_rng(4), samples, seeds, attempts, SHARE, correlation)
        found = (worse_side(rule(hits, attempts, LEVEL), SHARE) for rule in (pooled, clustered))
        clusters.append([correlation, seeds, attempts, *(round(share, 5) for share in found)])
    return {"looks": LOOKS, "means": means, "clusters": clusters}


def measure(worlds: int, samples: int) -> dict:
    """Everything that is recorded."""
    with tempfile.TemporaryDirectory() as folder, installed(Path(folder)) as room:
        away = room.claims_module().AWAY
        checked, stored, read = through_engine(room, Path(folder))
        if not checked == stored == read:
            raise RuntimeError("check, store and evidence file give different verdicts")
        again = tally(away, *redrawn(room, worlds))
    return {
        "statements": len(away),
        "engine": tally(away, checked),
        "worlds": worlds,
        "redrawn": again,
        "samples": samples,
        "power": power(samples),
        "needed": needed(samples // 4),
        "errors": errors(samples),
    }


# --- The docs ---------------------------------------------------------------------------------------------------------


def rate(counts, verdict: str) -> str:
    """A wrong verdict's count and share, in words."""
    many, of = wrong(counts, verdict)
    return f"{many:,} of {of:,} ({100 * many / of:.1f}%)"


def judged_part(found: dict) -> str:
    rows = []
    for place in PLACES:
        once, again = found["engine"][place], found["redrawn"][place]
        total = sum(again.values())
        shares = [f"{once[verdict]} ({100 * again[verdict] / total:.1f}%)" for verdict in VERDICTS]
        rows.append([place, str(sum(once.values())), *shares])
    engine, again = found["engine"], found["redrawn"]
    return f"""{table(["the truth", "statements", *VERDICTS], rows)}

In brackets: the same statements on {found["worlds"]} other sets of seeds, {found["worlds"] * found["statements"]:,} \
verdicts in all. A false *holds* is one of a false or border statement:
{rate(engine, "holds")} once, {rate(again, "holds")} on the other seeds;
a false *fails* one of a true or border statement: {rate(engine, "fails")} and
{rate(again, "fails")}. At most 2.5% of each is promised where the truth lies on the border, and less away from it."""


def errors_part(found: dict) -> str:
    errors = found["errors"]
    rows = [[SHOWN[name], *map(percent, cells)] for name, cells in errors["means"].items()]
    head = ["seeds' numbers", "before: holds", "before: fails", "holds", "fails", "left open by the guard"]
    clusters = [
        [f"{seeds} seeds of {attempts} attempts, correlation {correlation:g}", percent(before), percent(now)]
        for correlation, seeds, attempts, before, now in errors["clusters"]
    ]
    return f"""{table(head, rows)}

Per cent of {found["samples"]:,} claims "the mean is above 0" where it is 0, looked at after \
{", ".join(map(str, errors["looks"][:-1]))} and {errors["looks"][-1]} seeds; "before" is
Student's interval without a guard. At most 2.5 of each is promised for the first two rows and the ties.

{table([f"a share of {SHARE:g}, counted over", "before: worse side", "now"], clusters)}

Per cent of intervals that miss the share on their worse side; "before" pools the attempts of all seeds."""


def seeds_part(found: dict) -> str:
    shares = list(next(iter(found["needed"].values())))
    rows = [
        [f"{float(effect):g}", *(str(needs[share]) for share in shares)] for effect, needs in found["needed"].items()
    ]
    head = ["effect, in standard deviations of the seeds' differences"]
    return table([*head, *(f"seeds until {share} of claims hold" for share in shares)], rows)


def power_in_words(found: dict) -> str:
    """What the figure shows, for those who do not see it."""
    seeds = found["power"]["seeds"]
    lines = [
        f"effect {float(effect):g}: "
        + ", ".join(f"{100 * cell[0]:.0f}% at {n}" for n, cell in zip(seeds, cells, strict=True))
        for effect, cells in found["power"]["shares"].items()
    ]
    return f"Share of paired comparisons that hold, by number of seeds. {'; '.join(lines)}"


def power_figure(found: dict) -> str:
    """For each effect the shares of claims that hold, stay undecided and fail, over the number of seeds."""
    from paperwright.claims.reports import figure as drawing

    seeds, height = found["power"]["seeds"], 190.0
    with drawing._drawing(height, "power") as figure:
        for number, (effect, cells) in enumerate(found["power"]["shares"].items()):
            axes = figure.add_axes((0.075 + 0.186 * number, 0.22, 0.165, 0.64))
            _draw_power(axes, drawing, seeds, cells, first=number == 0)
            axes.set_title(f"effect {float(effect):g}", size=10.5, color=drawing.INK, pad=5)
        figure.text(0.5, 0.03, "seeds", ha="center", size=10.5, color=drawing.INK)
        drawn = drawing._inline(figure, "power", power_in_words(found), {})
    return _standing_alone(drawn)


def _draw_power(axes, drawing, seeds, cells, *, first: bool) -> None:
    at = np.arange(len(seeds))
    holds, fails, _ = (100 * np.array(column) for column in zip(*cells, strict=True))
    axes.patch.set_visible(False)
    axes.fill_between(at, 0, holds, color=drawing.REGION, alpha=0.55, linewidth=0)
    axes.fill_between(at, holds, 100 - fails, color=drawing.FAINT, alpha=0.35, linewidth=0)
    axes.fill_between(at, 100 - fails, 100, color=drawing.PAPER, alpha=0.9, linewidth=0)
    axes.plot(at, holds, "o-", color=drawing.REGION, markersize=3.2, linewidth=1.4, clip_on=False)
    axes.set(xlim=(0, len(seeds) - 1), ylim=(0, 100))
    shown = [place for place, n in enumerate(seeds) if n in (5, 10, 20, 50)]
    axes.set_xticks(shown, [str(seeds[place]) for place in shown])
    axes.set_yticks([0, 50, 80, 100], ["0", "50", "80", "100%"] if first else [""] * 4)
    axes.tick_params(length=0, labelcolor=drawing.INK, labelsize=9)
    axes.grid(axis="y", color=drawing.FAINT, linewidth=0.6, alpha=0.6)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _standing_alone(drawn: str) -> str:
    """The figure as a file of its own, with inks for light pages and for dark ones."""
    light = "--figure-ink:#45423d;--figure-faint:#c9c3b6;--figure-region:#1b7f4d;--figure-paper:#b4540a"
    dark = "--figure-ink:#c7c4bd;--figure-faint:#4a4d54;--figure-region:#5fc790;--figure-paper:#f0a35e"
    style = f"svg{{{light};font-family:sans-serif}}@media(prefers-color-scheme:dark){{svg{{{dark}}}}}"
    opening, rest = drawn.split(">", 1)
    return f'{opening} xmlns="http://www.w3.org/2000/svg"><style>{style}</style>{rest}\n'


PARTS = {
    "check.md": {"judged": judged_part, "errors": errors_part},
    "add.md": {"seeds": seeds_part},
}


def with_parts(page: str, text: str, found: dict) -> str:
    """The text of a page with the recorded results between its marks."""
    for name, part in PARTS[page].items():
        begin = f"<!-- {name}: written by benchmarks/calibrated_judge.py, do not edit -->"
        end = f"<!-- end of {name} -->"
        before, opened, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not opened or not closed:
            raise ValueError(
                f"{page} has no place for {name!r}: put the lines {begin!r} and {end!r} where it should stand"
            )
        text = f"{before}{begin}\n{part(found)}\n{end}{after}"
    return text


def write_docs(found: dict) -> None:
    FIGURE.parent.mkdir(exist_ok=True)
    write_text(FIGURE, power_figure(found))
    for page in PARTS:
        write_text(DOCS / page, with_parts(page, (DOCS / page).read_text(encoding="utf-8"), found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", type=int, default=40, help="how often the statements are judged again")
    parser.add_argument("--samples", type=int, default=SAMPLES, help="simulated claims a cell")
    parser.add_argument("--write", action="store_true", help="write the results, the figure and the docs too")
    parser.add_argument("--docs", action="store_true", help="write the figure and the docs from the recorded results")
    arguments = parser.parse_args()
    if arguments.docs:
        write_docs(json.loads(RESULTS.read_text(encoding="utf-8")))
        return
    found = json.loads(json.dumps(measure(arguments.worlds, arguments.samples)))
    print("\n\n".join([judged_part(found), power_in_words(found), seeds_part(found), errors_part(found)]))
    if arguments.write:
        write_text(RESULTS, json.dumps(found, indent=1) + "\n")
        write_docs(found)


if __name__ == "__main__":
    main()
